"""Released versions are immutable, numbered without a gap, and explained by a head."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from registry.contract import Catalog, Change, Version
from registry.finding import Problem
from registry.rules.compat import same_meaning
from registry.rules.parties import catalog_problem, problem_of
from registry.schema import Schema
from registry.source import Location


def find_unreleased(change: Change) -> Iterator[Problem]:
    """The head says more than any version: services cannot use it yet."""
    after = change.after
    if after is None or after.head is None or not after.versions:
        return
    latest = after.versions[-1]
    if latest.schema is not None and not same_meaning(after.head, latest.schema):
        message = f"{change.name} differs from its latest version, v{latest.number}"
        yield problem_of(change, after.at, message, f"freeze it: contracts release {change.name}")


def find_edited(before: Catalog, after: Catalog) -> Iterator[Problem]:
    """What was released was changed or removed: logs still hold events of it."""
    for name, contract in before.contracts.items():
        now = {version.number: version for version in after.contracts[name].versions} if name in after.contracts else {}
        gone = name in after.ownership.retired_events
        retired = after.ownership.terms[name].retired if name in after.ownership.terms else ()
        for version in contract.versions:
            held = now.get(version.number)
            if held is None and (gone or version.number in retired):
                continue
            if held is None:
                message = f"v{version.number} of {name} was removed, and a log may still hold it"
                way_out = f"restore the folder; once no log holds it, list {version.number} under `retired`"
                yield catalog_problem(after, version.at, message, way_out, targets=(f"event:{name}",))
            elif not version.flaws and _content(held) != _content(version):
                file = min(path for path, _ in _content(version) ^ _content(held))
                place = Location(held.at.path.rpartition("/")[0] + f"/{file}")
                message = f"v{version.number} of {name} was edited after its release"
                way_out = f"restore it from {before.label}, and release the change as a new version"
                yield catalog_problem(after, place, message, way_out, targets=(f"event:{name}",))


def _content(version: Version) -> set[tuple[str, str]]:
    facts = f"{version.schema_id} {version.guid} {version.fingerprint} {version.root}"
    return {*version.files.items(), ("version.yaml", facts)}


def find_gaps(before: Catalog, after: Catalog) -> Iterator[Problem]:
    """Numbers are 1, 2, 3; one that is missing was lost, or was never released."""
    for name, contract in after.contracts.items():
        retired = contract.terms.retired if contract.terms else ()
        # What the change itself removed is told of as removed.
        lost = {version.number for version in before.contracts[name].versions} if name in before.contracts else set()
        numbers = {version.number for version in contract.versions}
        known = numbers.union(retired, lost)
        missing = (number for number in range(1, max(numbers, default=0)) if number not in known)
        for number in islice(missing, 3):  # a folder called 99999999 leaves more gaps than anybody wants to read
            at = contract.versions[-1].at
            message = f"{name} has v{max(numbers)} and no v{number}"
            help_ = f"restore v{number}, or list it under `retired` if no log holds it any more"
            yield catalog_problem(after, at, message, help_, targets=(f"event:{name}",))


def find_id_collisions(_before: Catalog, after: Catalog) -> Iterator[Problem]:
    """Two released versions of one id: a reader would decode one as the other."""
    holders: dict[int, list[tuple[str, Version]]] = defaultdict(list)
    for name, contract in after.contracts.items():
        for version in contract.versions:
            if not version.flaws:
                holders[version.schema_id].append((name, version))
    for schema_id, found in holders.items():
        (first_name, first), *others = found
        for name, version in others:
            # One schema may be released twice under one id: its bytes mean the same wherever they lie.
            if version.fingerprint != first.fingerprint:
                yield catalog_problem(
                    after,
                    version.at,
                    f"v{version.number} of {name} has the schema id {schema_id}, "
                    f"which is that of v{first.number} of {first_name}",
                    "remove the newer folder and run `contracts release` again: it takes the next free id",
                    targets=(f"event:{name}", f"event:{first_name}"),
                    first=first.at,
                )


def find_not_from_head(change: Change) -> Iterator[Problem]:
    """A version came with this change that no head explains: versions are made by `contracts release` alone."""
    before, after = change.before, change.after
    if after is None:
        return
    if after.terms is None and not after.path and change.name not in change.head.ownership.retired_events:
        message = f"versions of {change.name} lie here, and nothing else knows the event"
        help_ = "list it under `retired_events` in ownership.yaml, or restore its schema and its terms"
        yield problem_of(change, after.at, message, help_)
        return
    known = {version.number: version for version in before.versions} if before is not None else {}
    help_ = "remove the folder and run `contracts release` again"
    for version in after.versions:
        old = known.get(version.number)
        if version.schema is None or (old is not None and old.schema is not None):
            continue
        if wrong := _find_false(version, version.schema):
            message = f"v{version.number} of {change.name} has not the {' and not the '.join(wrong)} of its schema"
            yield problem_of(change, version.at, message, help_)
        elif known and old is None and after.head is not None and not same_meaning(version.schema, after.head):
            message = f"v{version.number} of {change.name} is not what its head says"
            yield problem_of(change, version.at, message, help_)


def _find_false(version: Version, schema: Schema) -> list[str]:
    """What version.yaml says of its schema and is not so; the schema id may be that of another registry."""
    from registry.formats.identity import fingerprint_of, guid_of  # hashlib, only where a version is new

    derived = {"fingerprint": fingerprint_of(schema), "guid": guid_of(schema)}
    said = {"fingerprint": version.fingerprint, "guid": version.guid}
    return [name for name in derived if derived[name] != said[name]]


def find_invalid(change: Change) -> Iterator[Problem]:
    """A version folder that cannot be read."""
    for version in change.after.versions if change.after is not None else ():
        for flaw in version.flaws if version.schema is None else ():
            yield problem_of(change, flaw.location, flaw.message, flaw.help or "restore the folder from git")


def find_strays(_before: Catalog, after: Catalog) -> Iterator[Problem]:
    """Something lies among the versions and belongs to none."""
    for flaw in after.flaws:
        if flaw.kind == "stray":
            yield catalog_problem(after, flaw.location, flaw.message, flaw.help)
