"""Does the step lead from the latest version to the head? Converters are read, fitted to both, and keep their laws."""

from collections.abc import Iterator

from registry.contract import Change
from registry.errors import Flaw
from registry.finding import Problem
from registry.frozen import replace
from registry.rules.compat import is_converted
from registry.rules.envelope import find_filled
from registry.rules.parties import problem_of
from registry.schema import Schema

EXAMPLES = 300
"""Events of each version: more are tried by `contracts upgrade test`."""


def find_invalid(change: Change) -> Iterator[Problem]:
    """Converters that are none, that do not fit the schemas, or that break a law: with the smallest event that does."""
    after = change.after
    if after is None:
        return
    for flaw in after.flaws:
        if flaw.kind == "converters":
            yield problem_of(change, flaw.location, flaw.message, flaw.help or "see: docs/concepts.md, Converters")
    latest = after.versions[-1] if after.versions else None
    if not is_converted(after) or after.upgrade is None or after.head is None or latest is None:
        return
    if latest.schema is None or latest.schema.format != after.head.format:
        return  # other rules say so
    labelled = (latest.schema, f"v{latest.number}"), (after.head, f"v{latest.number + 1}")
    for flaw in _find_broken(change, after.converters, after.upgrade[0], labelled):
        yield problem_of(change, flaw.location, flaw.message, flaw.help, related=(("from", latest.at),))


def _find_broken(
    change: Change, text: str, path: str, labelled: tuple[tuple[Schema, str], tuple[Schema, str]]
) -> Iterator[Flaw]:
    # Codecs and made-up events: only where there are converters.
    from registry.laws import Side, Step, judge
    from registry.laws.showing import find_broken, tell, tell_smallest
    from registry.serde.errors import SerdeError
    from registry.upgrade import parse_upgrade

    upgrade, policy = parse_upgrade(text, path), change.base.policy
    try:
        older, newer = (Side(change.name, tree, label, find_filled(policy, tree)[0]) for tree, label in labelled)
    except SerdeError as error:  # no service could use them either
        message = f"they cannot be tried out: {error.message}"
        yield Flaw("converters", message, upgrade.at(""), error.help)
        return
    terms = change.after.terms if change.after is not None else None
    step = Step(upgrade, older, newer, terms.key if terms is not None else "")
    if step.flaws:
        yield from (replace(flaw, message=f"law types: {flaw.message}") for flaw in step.flaws)
        return
    for outcome in find_broken(judge(step, EXAMPLES, stops=False)):
        found = outcome.counterexample
        shown = f"; smallest: {tell_smallest(found)}" if found is not None else ""
        at = outcome.at or upgrade.at("")
        yield Flaw("converters", f"law {outcome.law.name}: {tell(outcome)}{shown}", at, outcome.help)
