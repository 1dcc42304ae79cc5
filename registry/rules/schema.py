"""Is the schema one at all?"""

from collections.abc import Iterator

from registry.contract import Catalog, Change
from registry.finding import Problem
from registry.frozen import replace
from registry.rules.parties import catalog_problem, problem_of
from registry.schema import Record


def _find_flaws(change: Change, kind: str) -> Iterator[Problem]:
    after = change.after
    for flaw in after.flaws if after is not None else ():
        if flaw.kind == kind:
            yield replace(problem_of(change, flaw.location, flaw.message, flaw.help), fix=flaw.fix)


def find_invalid(change: Change) -> Iterator[Problem]:
    """The file does not parse, or its language forbids what it says."""
    return _find_flaws(change, "invalid")


def find_missing_references(change: Change) -> Iterator[Problem]:
    """A name or an import that no file of the revision provides."""
    return _find_flaws(change, "missing-reference")


def find_ambiguous_references(change: Change) -> Iterator[Problem]:
    """A name that two files of the revision provide."""
    return _find_flaws(change, "ambiguous-reference")


def find_notes(change: Change) -> Iterator[Problem]:
    """Accepted, and probably not what was meant; what the base said already was said when it came."""
    known = {flaw.message for flaw in change.before.flaws} if change.before is not None else set()
    return (problem for problem in _find_flaws(change, "note") if problem.message not in known)


def find_unreadable_files(_before: Catalog, after: Catalog) -> Iterator[Problem]:
    """A path among the contracts that git holds as a link or as another repository."""
    for flaw in after.flaws:
        if flaw.kind == "unreadable":
            yield catalog_problem(after, flaw.location, flaw.message, flaw.help)


def find_undocumented_fields(change: Change) -> Iterator[Problem]:
    """A field that only its author understands."""
    after = change.after
    if after is None or after.head is None:
        return
    for type_ in after.head.types.values():
        for field in type_.fields if isinstance(type_, Record) else ():
            if not field.doc:
                message = f"{type_.name}.{field.name} says nowhere what it means"
                yield problem_of(change, field.at, message, "document it")
