"""Does the step lead from the latest version to the head? Converters are read, fitted to both, and tried out."""

from collections.abc import Iterator

from registry.contract import Change
from registry.finding import Problem
from registry.rules.compat import is_converted
from registry.rules.parties import problem_of


def find_invalid(change: Change) -> Iterator[Problem]:
    """Converters that are none, or that fail for the first event that comes."""
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
    from registry.rules.rehearsal import find_failure  # codecs and made-up events: only where there are converters

    older, newer = (latest.schema, f"v{latest.number}"), (after.head, f"v{latest.number + 1}")
    failure = find_failure(after.name, after.converters, after.upgrade[0], older, newer)
    if failure is not None:
        yield problem_of(change, failure.location, failure.message, failure.help, related=(("from", latest.at),))
