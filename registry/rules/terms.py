"""The promise itself: nobody loosens it by the way, and every exception has a reason, an approver and an end."""

from collections.abc import Collection, Iterator

from registry.contract import Catalog, Change, Waiver
from registry.finding import Problem
from registry.rules.parties import catalog_problem, nearest, problem_of
from registry.schema import CompatibilityMode


def promises_of(mode: CompatibilityMode) -> set[str]:
    """The single promises that a mode is made of: more of them is tighter."""
    promises: set[str] = set()
    for name, holds in (("backward", mode.backward), ("forward", mode.forward)):
        promises |= {name, *([f"{name} transitive"] if mode.transitive else [])} if holds else set()
    return promises


def find_loosened(change: Change) -> Iterator[Problem]:
    """The mode promises less than before."""
    before, after = change.before, change.after
    if before is None or after is None or before.terms is None or after.terms is None:
        return
    lost = promises_of(before.terms.compatibility) - promises_of(after.terms.compatibility)
    if lost:
        was, now = before.terms.compatibility.value, after.terms.compatibility.value
        yield problem_of(
            change,
            after.terms.compatibility_at or after.terms.at,
            f"{change.name} promised {was} and now promises {now}: no longer {' and '.join(sorted(lost))}",
            "keep the mode, or let an approver answer for it by a waiver of terms/compatibility-loosened",
        )


def find_incomplete(_before: Catalog, after: Catalog) -> Iterator[Problem]:
    """A waiver without a reason, an approver or an end is a silent exception."""
    for waiver in after.ownership.waivers:
        parts = {"reason": waiver.reason, "approved_by": waiver.approved_by, "expires": waiver.expires}
        absent = [name for name, value in parts.items() if not value]
        if absent:
            message = f"the waiver of {waiver.rule} for {waiver.target} has no {' and no '.join(absent)}"
            yield _problem(after, waiver, message, "a waiver says why, who answers for it, and until when")


def find_unapproved(before: Catalog, after: Catalog) -> Iterator[Problem]:
    """The approver is none whom the policy of the base allows."""
    approvers = before.policy.approvers
    for waiver in after.ownership.waivers:
        if waiver.approved_by and waiver.approved_by not in approvers:
            who = ", ".join(approvers) or f"nobody: `waivers: {{approvers: […]}}` in {before.policy.at.path} is empty"
            message = f"{waiver.approved_by} may not approve waivers; {before.label} allows {who}"
            yield _problem(after, waiver, message, "ask one of them, and name them under `approved_by`")


def find_invalid_policy(known: Collection[str], _before: Catalog, after: Catalog) -> Iterator[Problem]:
    """policy.yaml says something that it cannot say; ``known`` is what may have a severity."""
    for flaw in after.policy.flaws:
        yield catalog_problem(after, flaw.location, flaw.message, flaw.help or "see: contracts schema policy")
    for key, at in after.policy.severities_at.items():
        if key not in known:
            message = f"severities: {key!r} is no rule, no family of rules and no step"
            yield catalog_problem(after, at, message, nearest(key, known, "see: contracts rules"))


def _problem(catalog: Catalog, waiver: Waiver, message: str, help_: str) -> Problem:
    return catalog_problem(catalog, waiver.at, message, help_)
