"""What every rendering for people says, in the same words: the facts of one finding, and the closing line."""

from collections.abc import Iterable, Iterator
from typing import Final

from registry.contract import Waiver
from registry.finding import Finding, Problem, Report, Severity
from registry.formats.mismatch import Mismatch
from registry.source import Location

WEIGHTS: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2, Severity.OFF: 3}


def one_line(text: str) -> str:
    """The text with everything that is no visible character spelled out: ``\\n``, ``\\x1b``, ``\\u202e``.

    Paths and messages hold what a contributor wrote. A line break would forge a line of the report, an escape sequence
    the colours of a terminal, a direction mark what is read; a byte that is no UTF-8 could not be printed at all.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def render_place(location: Location) -> str:
    """``contracts/content/ContentPublished.avsc:12:7``."""
    return one_line(str(location))


def sort_by_weight(findings: Iterable[Finding]) -> list[Finding]:
    """The most severe first, what somebody answers for last, otherwise in the order of the report."""
    return sorted(findings, key=lambda finding: (finding.waiver is not None, WEIGHTS[finding.severity]))


def find_details(finding: Finding) -> Iterator[tuple[str, str]]:
    """What there is to say beside the message: each fact with a label of at most nine letters, each on one line."""
    problem = finding.problem
    witness = finding.witness
    fails = witness is not None and witness.failure  # which says what the reader sees, and of what
    if problem.mismatch is not None and problem.mismatch.consequence and not fails:
        yield "reader", one_line(_consequence(problem.mismatch))
    if witness is not None:
        yield "witness", one_line(witness.sentence)
    if problem.converted:
        yield "converted", "by upgrade.yaml"
    if ", " in problem.contract:
        yield "events", one_line(problem.contract)
    if problem.affects:
        yield "affects", one_line(_affected(problem))
    elif problem.owner:
        yield "owner", one_line(problem.owner)
    for label, location in problem.related:
        yield _related(problem, label, location)
    if finding.waiver is not None:
        yield "waived", one_line(_waiver(finding.waiver))
    for number, way_out in enumerate(problem.help):
        mends = "  (contracts check --fix)" if finding.fixable and not number else ""
        yield "or" if number else "help", f"{one_line(way_out)}{mends}"


def _consequence(mismatch: Mismatch) -> str:
    """The consequence with the place of the value, which some already name."""
    named = not mismatch.path or mismatch.path in mismatch.consequence
    return mismatch.consequence if named else f"{mismatch.consequence}, at {mismatch.path}"


def _affected(problem: Problem) -> str:
    readers = f"{', '.join(problem.affects)} ({'subscriber' if len(problem.affects) == 1 else 'subscribers'})"
    return f"{readers}; owner {problem.owner}" if problem.owner else readers


def _related(problem: Problem, label: str, location: Location) -> tuple[str, str]:
    """``was``: the older side, with the revision or version it is of; ``see``: anything else, with what it is."""
    place = render_place(location)
    if label == "was":
        return "was", place
    return "was" if problem.mismatch is not None else "see", f"{place} ({one_line(label)})"


def _waiver(waiver: Waiver) -> str:
    end = f"until {waiver.expires}" if waiver.expires else "without an end"
    return f"{waiver.reason}; approved by {waiver.approved_by}, {end} ({waiver.at})"


def render_not_evaluated(report: Report) -> Iterator[str]:
    """One line for each rule or contract that could not be asked."""
    for name, reason in report.not_evaluated.items():
        yield f"not evaluated: {one_line(name)}: {one_line(reason)}"


def render_summary(report: Report) -> str:
    """The closing line: what was found, in how many contracts, compared with what."""
    found = _found(report)
    base, judged = one_line(report.base), len(report.judged)
    left = f"; {len(report.not_evaluated)} not evaluated" if report.not_evaluated else ""
    if not judged:
        nothing = f"no {report.unit} changed against {base} ({_many(report.contracts, report.unit)})"
        line = f"{found}; {nothing}" if found else nothing
    elif not found:
        line = f"{_many(judged, report.unit)} judged against {base}: nothing to say"
    else:
        # An event that is gone is judged, and no longer counted.
        of = f"{judged} of " if judged <= report.contracts else ""
        line = f"{found} in {of}{_many(max(judged, report.contracts), report.unit)}, compared with {base}"
    refused = "; --strict fails on warnings" if not report.passed and not report.count(Severity.ERROR) else ""
    return f"{line}{left}{refused}"


def _found(report: Report) -> str:
    waived = sum(finding.waiver is not None for finding in report.findings)
    counts = [
        (report.count(severity), severity.value) for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO)
    ]
    found = ", ".join(_many(count, word) for count, word in counts if count)
    if not waived:
        return found
    return f"{found} ({waived} waived)" if found else _many(waived, "waived finding")


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
