"""The rows as pages show them: a table of a line each, and every case with its schemas and what a value does.

The line of a row is its first case; where another one is worse, the line says so.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import Final

from conformance.rows import Case, Expectation, Row, judge
from registry.formats.mismatch import Mismatch, Step
from registry.rules import rule_of_kind
from registry.schema import CompatibilityMode
from registry.witness import find_witness, is_shown

RULES_PAGE: Final = "rules.md"
LONGEST: Final = 60
"""Characters of a side of a change that a line of the table shows; of a longer one it shows the case's name."""

_HEADER: Final = "| what changes | old → new | BACKWARD | FORWARD | what to know |\n|---|---|---|---|---|"
_WORST: Final = (Step.BREAK, Step.LOSSY, Step.SOURCE, None)
_COLOURS: Final = {"avro": "json", "protobuf": "proto"}
_BACKWARD: Final = frozenset(mode for mode in CompatibilityMode if mode.backward and not mode.forward)
_FORWARD: Final = frozenset(mode for mode in CompatibilityMode if mode.forward and not mode.backward)
_tokens: Final = re.compile(r'"[^"]*"|\w+|\s+|.').findall


def render_table(rows: Sequence[Row]) -> str:
    """GitHub markdown: a line for each row. Links go to the page of rules beside it."""
    return "\n".join([_HEADER, *(_render_line(row) for row in rows)]) + "\n"


def render_cases(rows: Sequence[Row]) -> str:
    """GitHub markdown: a section for each row, with all its cases."""
    return "\n\n".join(_render_cases(row) for row in rows) + "\n"


def _render_line(row: Row) -> str:
    first, *others = row.cases
    verdicts = (_render_cell(first, others, modes) for modes in (_BACKWARD, _FORWARD))
    return "| " + " | ".join([_escape(row.title), _escape(_render_change(first)), *verdicts, _escape(row.note)]) + " |"


def _render_cell(first: Case, others: Sequence[Case], modes: frozenset[CompatibilityMode]) -> str:
    if any(each.sees == "invalid" for each in first.expected):
        return "invalid"
    verdict = _find_worst(first.expected, modes)
    shown = _render_verdict(verdict)
    worse = _find_worst([each for case in others for each in case.expected], modes)
    if worse and _rank(worse) < _rank(verdict):
        shown += f" (other cases: {_render_step(worse)})"
    rules = dict.fromkeys(each.kind for each in first.expected if each.sees == "rule" and each.kind)
    return "; ".join([shown, *map(_link, rules)])


def _rank(found: Sequence[Expectation]) -> int:
    return _WORST.index(found[0].step if found else None)


def _find_worst(expected: Sequence[Expectation], modes: frozenset[CompatibilityMode]) -> Sequence[Expectation]:
    """The findings of the worst step; none where all is well."""
    found = [each for each in expected if each.mode in modes and each.step is not None]
    worst = next((step for step in _WORST if any(each.step is step for each in found)), None)
    return [each for each in found if each.step is worst]


def _render_step(found: Sequence[Expectation]) -> str:
    return found[0].step.value if found and found[0].step else "ok"


def _render_verdict(found: Sequence[Expectation]) -> str:
    kinds = ", ".join(_link(kind) for kind in dict.fromkeys(each.kind for each in found))
    return f"{_render_step(found)}: {kinds}" if kinds else "ok"


def _link(kind: str) -> str:
    """A kind of mismatch, or the name of a rule: both have a rule's section."""
    rule = rule_of_kind(kind)
    return f"[{rule.partition('/')[2]}]({RULES_PAGE}#{rule.replace('/', '')})"


def _render_change(case: Case) -> str:
    """What differs between the last old version and the new one, as code; the case's name where that is long."""
    *old, new = (next(iter(files.values())) for files in case.versions.values())
    before, after = _cut_out(old[-1], new) if old else ("", " ".join(new.split()))
    if max(len(before), len(after)) > LONGEST or len(case.versions["new"]) > 1:
        return case.name
    sides = [_code(side) if side else "nothing" for side in (before, after)]
    return " → ".join(sides if old else sides[1:])


def _cut_out(before: str, after: str) -> tuple[str, str]:
    """Both texts without the words that they begin and end with alike, and without line breaks."""
    old, new = _tokens(" ".join(before.split())), _tokens(" ".join(after.split()))
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    # A value says little without its key.
    if old[start - 2 : start] == [":", " "] and old[start - 3] != '"type"':
        start -= 3
    elif old[start - 3 : start] == [" ", "=", " "]:
        start -= 4
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return "".join(old[start : len(old) - end]).strip(" ,"), "".join(new[start : len(new) - end]).strip(" ,")


def _render_cases(row: Row) -> str:
    blocks = [f"## {row.title}", row.note]
    for case in row.cases:
        blocks += [
            f"### {case.name[:1].upper()}{case.name[1:]}",
            *_render_schemas(case),
            "\n".join(_render_verdicts(case)),
        ]
    return "\n\n".join(blocks)


def _render_schemas(case: Case) -> Iterator[str]:
    """Two versions of one file as a difference, others one after the other."""
    if len(case.versions) == 2 and all(len(files) == 1 for files in case.versions.values()):
        before, after = (next(iter(files.values())).splitlines() for files in case.versions.values())
        changed = list(unified_diff(before, after, n=len(before), lineterm=""))[3:]
        yield _block("diff", "\n".join(changed)) if changed else _block(_COLOURS[case.language], "\n".join(before))
        return
    for label, files in case.versions.items():
        for i, (file, text) in enumerate(files.items()):
            name = f"{label}, `{file}`" if i else label
            yield f"{name}:\n\n{_block(_COLOURS[case.language], text.rstrip())}"


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _render_verdicts(case: Case) -> Iterator[str]:
    """One line for each thing that is found, with the value that shows it."""
    judgement = judge(case)
    if case.profile:
        yield f"- with `profile: {case.profile}`"
    for label, flaws in judgement.flaws.items():
        yield from (f"- {label} is refused: {_code(str(flaw.location))}: {_code(flaw.message)}" for flaw in flaws)
    for each in case.expected:
        if each.sees == "note":
            flaws = judgement.notes.get(each.version, ())
            yield from (
                f"- a note on {each.version}: {_code(flaw.message)}" for flaw in flaws if each.words in flaw.message
            )
    for mode, mismatches in judgement.mismatches.items():
        if not mismatches:
            yield f"- {mode.value}: ok"
        yield from (_render_mismatch(mode, mismatch) for mismatch in mismatches)
    yield from (f"- a rule of its own, {_link(flaw.kind)}: {_code(flaw.message)}" for flaw in judgement.rules)


def _render_mismatch(mode: CompatibilityMode, mismatch: Mismatch) -> str:
    verdict = f"- {mode.value}: {mismatch.step.value}, {_link(mismatch.kind)} at {_code(mismatch.path or '/')}"
    return f"{verdict}. {_code(find_witness(mismatch).sentence)}" if is_shown(mismatch) else verdict


def _code(text: str) -> str:
    """Text as it is; the fence is longer than any backtick inside."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def _escape(text: str) -> str:
    """A bar would end the cell, in code as well."""
    return text.replace("|", "\\|")
