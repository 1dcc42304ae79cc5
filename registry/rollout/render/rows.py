"""Checks as aligned lines: what blocks first, then what somebody answers for, then what is right."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Final

from registry.render.wording import one_line
from registry.rollout.checks import Check, Verdict
from registry.rollout.render.words import count_subjects, describe_waiver
from registry.rollout.words import render_span

BOLD: Final = "1"
DIM: Final = "2"
COLOURS: Final = {"NO": "1;31", "unknown": "33", "waived": "35", "yes": "32"}
"""ANSI (ECMA-48) colours of what is said of a check: red, yellow, magenta, green."""
SAID: Final = {Verdict.NO: "NO", Verdict.UNKNOWN: "unknown", Verdict.YES: "yes"}
"""A no is written so that it is seen without colours."""
MOST_ROWS: Final = 40
"""Lines of checks that hold a rollout up; of thousands of instances the first ones are enough."""

Row = tuple[str, str, str, str, str]
"""Number, what is said, subject, proof, reason."""


class Ink:
    """How it is written: with colours or without, and how wide."""

    __slots__ = ("_colour", "width")

    def __init__(self, colour: bool, width: int) -> None:
        self._colour = colour
        self.width = width

    def paint(self, text: str, code: str) -> str:
        """The text in a colour, by its code; as it is without one."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code and text.strip() else text

    def wrap(self, text: str, indent: int) -> list[str]:
        """The lines of a text that begins at a column; a column too far right is not wrapped at all."""
        room = self.width - indent
        return wrap(text, room, break_long_words=False, break_on_hyphens=False) if room >= 30 else [text]


def find_rows(checks: Sequence[Check], now: datetime, titles: Mapping[str, str]) -> Iterator[tuple[Row, str]]:
    """Each check that blocks, then those that somebody answers for, then what is right; each row with its help."""
    order = (Verdict.NO, Verdict.UNKNOWN)
    missing = sorted((check for check in checks if not check.passes), key=lambda check: order.index(check.verdict))
    for check in missing[:MOST_ROWS]:
        yield _row(check, SAID[check.verdict], now), one_line(check.observation.help)
    if len(missing) > MOST_ROWS:
        yield ("", "", f"and {len(missing) - MOST_ROWS} more", "", ""), ""
    for check in checks:
        if check.waiver is not None and check.verdict is not Verdict.YES:
            reason = f"{SAID[check.verdict]}: {check.observation.reason}; {describe_waiver(check.waiver, now)}"
            yield (*_row(check, "waived", now)[:4], one_line(reason)), ""
    right: dict[str, list[Check]] = {}
    for check in checks:
        if check.verdict is Verdict.YES:
            right.setdefault(check.number, []).append(check)
    for number, alike in right.items():
        yield _group(number, alike, now, titles), ""


def _row(check: Check, said: str, now: datetime) -> Row:
    seen = check.observation
    return check.number, said, one_line(seen.subject), _proof([check], now), one_line(seen.reason)


def _group(number: str, checks: Sequence[Check], now: datetime, titles: Mapping[str, str]) -> Row:
    """What is right of one number in one line: its one reason, or what it is about."""
    reasons = {check.observation.reason for check in checks}
    reason = one_line(reasons.pop()) if len(reasons) == 1 else titles.get(number, "")
    subjects = one_line(count_subjects(check.observation.subject for check in checks))
    return number, "yes", subjects, _proof(checks, now), reason


def _proof(checks: Sequence[Check], now: datetime) -> str:
    """The source, and the age of the oldest look: what is read from git holds until git says otherwise."""
    sources = "+".join(dict.fromkeys(check.observation.source.name.lower() for check in checks))
    seen = [check.observation.observed for check in checks if check.observation.observed]
    return f"{sources} {render_span((now - min(seen)).total_seconds())}" if seen else sources


def align(rows: Sequence[tuple[Row, str]], ink: Ink) -> Iterator[str]:
    """The rows as lines, in columns; a help stands below the reason that it belongs to."""
    widths = [max(len(row[column]) for row, _ in rows) for column in range(4)]
    indent = 2 + sum(widths) + 2 * 4
    narrow = ink.width and ink.width - indent < 30
    for row, help_ in rows:
        number, said, subject, proof = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        lead = f"  {number}  {ink.paint(said, COLOURS.get(row[1], ''))}  {subject}  {ink.paint(proof, DIM)}"
        start = 2 + widths[0] + 2 + widths[1] + 2 if narrow else indent
        lines = ink.wrap(row[4], start) if row[4] else []
        if narrow or not lines:
            yield lead.rstrip()
        else:
            yield f"{lead}  {lines.pop(0)}"
        yield from (f"{'':{start}}{line}" for line in lines)
        if help_:
            first, *more = ink.wrap(help_, start + 6)
            yield f"{'':{start}}{ink.paint('help:', DIM)} {first}"
            yield from (f"{'':{start + 6}}{line}" for line in more)
