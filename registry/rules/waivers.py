"""A waiver hides nothing: its finding is still printed, and only stops failing the run."""

from collections.abc import Iterator, Sequence
from datetime import date

from registry.contract import Catalog, Waiver
from registry.finding import Finding, Problem
from registry.frozen import replace
from registry.rules.parties import catalog_problem


def is_in_force(waiver: Waiver, approvers: Sequence[str], today: date) -> bool:
    """Whether a waiver is complete, approved by somebody whom the base's policy allows, and not yet at its end."""
    return bool(waiver.reason and waiver.approved_by in approvers and waiver.expires and waiver.expires >= today)


def answers_for(waiver: Waiver, finding: Finding) -> bool:
    """Whether a waiver means this finding."""
    return waiver.rule == finding.rule and waiver.target in finding.problem.targets


def apply_waivers(findings: Sequence[Finding], before: Catalog, after: Catalog, today: date) -> Iterator[Finding]:
    """The same findings, each with the waiver that answers for it."""
    waivers = [w for w in after.ownership.waivers if is_in_force(w, before.policy.approvers, today)]
    for finding in findings:
        waiver = next((waiver for waiver in waivers if answers_for(waiver, finding)), None)
        yield replace(finding, waiver=waiver) if waiver else finding


def find_expired(_found: Sequence[Finding], _judged: frozenset[str], after: Catalog, today: date) -> Iterator[Problem]:
    """A waiver that has come to its end."""
    for waiver in after.ownership.waivers:
        if waiver.expires is not None and waiver.expires < today:
            message = f"the waiver of {waiver.rule} for {waiver.target} expired on {waiver.expires}"
            yield catalog_problem(after, waiver.at, message, "repair what it waived, or let its approver set a new end")


def find_unused(findings: Sequence[Finding], judged: frozenset[str], after: Catalog, _today: date) -> Iterator[Problem]:
    """A waiver that nothing needs any more; asked only where what it names was judged in this run."""
    for waiver in after.ownership.waivers:
        kind, _, name = waiver.target.partition(":")
        if kind == "event" and name not in judged and name in after.contracts:
            continue
        if kind != "event" and judged != after.contracts.keys():
            continue
        if not any(answers_for(waiver, finding) for finding in findings):
            message = f"nothing needs the waiver of {waiver.rule} for {waiver.target}"
            yield catalog_problem(after, waiver.at, message, "remove it")
