"""Annotations on a pull request: workflow commands that GitHub's runner reads from the log.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Mapping
from typing import Final

from registry.finding import Finding, Report, Severity
from registry.render.wording import find_details, one_line, render_not_evaluated, render_summary, sort_by_weight

COMMANDS: Final = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "notice",
    Severity.OFF: "notice",
}
IN_MESSAGE: Final[Mapping[int, str]] = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
IN_PROPERTY: Final[Mapping[int, str]] = {**IN_MESSAGE, **str.maketrans({":": "%3A", ",": "%2C"})}


def render_github(report: Report) -> str:
    """One annotation a finding, the most severe first because GitHub shows ten of a kind; then the closing line."""
    lines = [_annotation(finding) for finding in sort_by_weight(report.findings)]
    lines += [_plain(line) for line in (*render_not_evaluated(report), render_summary(report))]
    return "\n".join(lines) + "\n"


def _annotation(finding: Finding) -> str:
    location, waived = finding.problem.location, finding.waiver is not None
    line, column = location.find(location.pointer)
    # GitHub looks the path up, so that its line breaks, which have an escape of their own, stay what they are.
    path = "".join(sign if sign in "\r\n" else one_line(sign) for sign in location.path)
    title = f"{one_line(finding.rule)} (waived)" if waived else one_line(finding.rule)
    properties = {"file": path, "line": str(line), "col": str(column), "title": title}
    spelled = ",".join(f"{name}={text.translate(IN_PROPERTY)}" for name, text in properties.items())
    details = (f"{label}: {text}" for label, text in find_details(finding))
    message = "\n".join((one_line(finding.problem.message), *details)).translate(IN_MESSAGE)
    return f"::{'notice' if waived else COMMANDS[finding.severity]} {spelled}::{message}"


def _plain(line: str) -> str:
    """A line that is no command: the runner obeys the older spelling ``##[error]`` anywhere in a line."""
    return line.replace("##[", "## [")
