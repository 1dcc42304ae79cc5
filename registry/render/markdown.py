"""The report as GitHub-flavoured Markdown: for a job's summary, or a comment on a pull request."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from registry.finding import Finding, Report
from registry.render.wording import find_details, one_line, render_place, render_summary, sort_by_weight

ROOM: Final = 58_000
"""Characters for the findings: GitHub takes comments of 65,536, and summaries of 1 MiB."""
ROOM_FOR_MISSED: Final = 6_000
"""Characters for what was not evaluated."""
LONGEST: Final = 300
"""Characters of one text; the log of the check has it whole."""

SIGNS: Final = {ord(sign): f"&#{ord(sign)};" for sign in '&<>"`*_{}[]#+!|~\\$='} | {ord("@"): "&#64;<!-- -->"}
"""Character references, because no Markdown is read from them, in a table and in HTML alike. The comment behind @ keeps
a name from being notified: GitHub looks for mentions when the references are characters again."""
LINKS: Final = re.compile(r"(?i)(?<=www)\.|:(?=//)")
"""What GitHub makes links of without any markup (GFM, section 6.9)."""
PLACES: Final = frozenset({"was", "see"})
"""Labels of places, which are set as code."""


def render_summary_markdown(report: Report) -> str:
    """The verdict, a table of the findings, the details of each folded away, and what could not be asked."""
    findings = sort_by_weight(report.findings)
    rows, details = [_row(finding) for finding in findings], [_details(finding) for finding in findings]
    listed = _fit([row + detail for row, detail in zip(rows, details, strict=True)], ROOM)
    blocks = [f"## Contracts: {'passed' if report.passed else 'failed'}", _inert(render_summary(report))]
    if listed:
        blocks.append("\n".join(("| severity | where | what |", "|---|---|---|", *rows[:listed])))
    if left := len(findings) - listed:
        blocks.append(f"{left} more, none of them more severe, {'is' if left == 1 else 'are'} in the log of the check.")
    blocks += details[:listed]
    if report.not_evaluated:
        missed = [f"- {_code(name)}: {_inert(reason)}" for name, reason in report.not_evaluated.items()]
        shown = _fit(missed, ROOM_FOR_MISSED)
        more = [f"- {len(missed) - shown} more in the log of the check"] if shown < len(missed) else []
        blocks.append("\n".join(("### Not evaluated", "", *missed[:shown], *more)))
    return "\n\n".join(blocks) + "\n"


def _fit(texts: Sequence[str], room: int) -> int:
    """How many of the texts there is room for; each has three line breaks around it."""
    return sum(length <= room for length in accumulate(len(text) + 3 for text in texts))


def _row(finding: Finding) -> str:
    where, what = _code(render_place(finding.problem.location)), _inert(finding.problem.message)
    return f"| {_severity(finding)} | {where} | {_code(finding.rule)}<br>{what} |"


def _details(finding: Finding) -> str:
    """A blank line ends the HTML block, so that the list inside is Markdown again."""
    place = _code(render_place(finding.problem.location))
    summary = f"<details><summary>{finding.severity.value} {_code(finding.rule)} at {place}</summary>"
    return "\n".join((summary, "", *_facts(finding), "", "</details>"))


def _facts(finding: Finding) -> Iterator[str]:
    """The message comes behind a label too: at the beginning of an item ``1.`` or ``-`` would begin another list."""
    yield f"- **{finding.severity.value}** {_inert(finding.problem.message)}"
    for label, text in find_details(finding):
        yield f"- **{label}** {_code(text) if label in PLACES else _inert(text)}"
    yield f"- **explained by** {_code(f'contracts explain {finding.rule}')}"


def _severity(finding: Finding) -> str:
    return f"{finding.severity.value}, waived" if finding.waiver else f"**{finding.severity.value}**"


def _inert(text: str) -> str:
    line = one_line(text)
    short = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
    return LINKS.sub(lambda sign: f"&#{ord(sign[0])};", short.translate(SIGNS))


def _code(text: str) -> str:
    """Not a code span: nothing in it could be escaped, and a table would still end at its first bar."""
    return f"<code>{_inert(text)}</code>"
