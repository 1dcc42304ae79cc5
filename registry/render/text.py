"""The report for people at a terminal."""

from collections.abc import Iterator
from typing import Final

from registry.finding import Finding, Report, Severity
from registry.render.wording import find_details, one_line, render_not_evaluated, render_place, render_summary

COLOURS: Final = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.INFO: "36", Severity.OFF: "2"}
"""ANSI (ECMA-48) colours: red, yellow, cyan."""
DIM: Final = "2"


def render_text(report: Report, colour: bool = False) -> str:
    """Every finding in the order of the report, then what could not be asked, then the closing line."""
    parts = ["\n".join(_lines(finding, colour)) for finding in report.findings]
    parts.append("\n".join((*render_not_evaluated(report), render_summary(report))))
    return "\n\n".join(parts) + "\n"


def _lines(finding: Finding, colour: bool) -> Iterator[str]:
    rule, waived = one_line(finding.rule), finding.waiver is not None
    severity = _paint(finding.severity.value, DIM if waived else COLOURS[finding.severity], colour)
    mark = "  waived" if waived else ""
    yield f"{render_place(finding.problem.location)}  {severity}  {_paint(rule, DIM, colour)}{mark}"
    yield f"  {one_line(finding.problem.message)}"
    explain = f"contracts explain {rule}"
    for label, text in find_details(finding):
        yield f"  {label:<10}{text}{f'      {explain}' if label == 'help' else ''}"
    if not finding.problem.help:
        yield f"  {'help':<10}{explain}"


def _paint(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
