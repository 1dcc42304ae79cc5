"""Does the change keep its promise? The walk itself is in registry.formats; here it meets versions and people."""

from collections.abc import Iterator, Sequence

from registry.compatibility import compare_schemas
from registry.contract import Change, Contract, Version
from registry.finding import Problem
from registry.formats import load_format
from registry.formats.mismatch import Mismatch, Step
from registry.frozen import replace
from registry.rules.parties import problem_of
from registry.schema import CompatibilityMode, Schema

Labelled = tuple[str, Schema]


def same_meaning(left: Schema | None, right: Schema | None) -> bool:
    """Whether two schemas have one canonical form."""
    if left is None or right is None or left.format != right.format:
        return False
    language = load_format(left.format)
    return left is right or language.canonical_form(left) == language.canonical_form(right)


def find_promised(change: Change) -> list[Version]:
    """The readable versions that the head is judged against, oldest first.

    Versions that the pull request itself releases are no witnesses of its innocence: only those of the base count, as
    the base has them, and those that the change retires still do. A contract that is new with all its versions (an
    import) is judged against them all.
    """
    before, after = change.before, change.after
    if after is None:
        return []
    if before is None or not before.versions:
        return list(after.readable)
    now = {version.number: version for version in after.versions}
    # What the base holds broken, and the change repairs, counts as it is repaired.
    return [old if old.schema is not None else now.get(old.number, old) for old in before.readable]


def is_converted(contract: Contract) -> bool:
    """Whether the head comes with converters of its own that can be read; what they do is judged by another rule."""
    return contract.has_new_converters and not any(flaw.kind == "converters" for flaw in contract.flaws)


def find_segment(change: Change, versions: Sequence[Version]) -> tuple[list[Version], list[Version]]:
    """Versions that the head must read natively, and those that converters bring to it.

    A version frozen with an upgrade.yaml begins a new segment: everything older is read by converting. The change
    itself may have released it.
    """
    after = change.after
    if after is None or is_converted(after):
        return [], list(versions)
    start = max((version.number for version in after.versions if "upgrade.yaml" in version.files), default=0)
    older = [version for version in versions if version.number < start]
    return [version for version in versions if version.number >= start], older


def _label(change: Change) -> str:
    """The head by the number it has, or will have."""
    before, after = change.before, change.after
    if after is None or not after.versions:
        return "the new schema"
    latest = after.versions[-1]
    known = {version.number: version.schema for version in before.versions} if before is not None else {}
    released = same_meaning(after.head, known.get(latest.number, latest.schema))
    return f"v{latest.number if released else latest.number + 1}"


def _label_all(versions: Sequence[Version]) -> list[Labelled]:
    return [(f"v{version.number}", version.schema) for version in versions if version.schema is not None]


def find_unreleased_base(change: Change) -> list[Labelled]:
    """The schema of the base, where that has released nothing: a first version does not vouch for itself either."""
    before = change.before
    return [(change.base.label, before.head)] if before and before.head is not None and not before.versions else []


def find_mismatches(change: Change) -> Iterator[Problem]:
    """Every reason why a promised reader cannot read a promised writer, each once for all the versions it concerns."""
    after = change.after
    if after is None or after.head is None:
        return
    promised = find_promised(change)
    mode = change.terms.compatibility if change.terms else CompatibilityMode.BACKWARD_TRANSITIVE
    if not mode.transitive:
        promised = promised[-1:]
    native, converted = find_segment(change, promised)
    head = (_label(change), after.head)
    # A mode that is not transitive looks at the last one: the base, where that is what there was before the change.
    sides = ([*_label_all(native), *find_unreleased_base(change)], False), (_label_all(converted), True)
    for labelled, is_bridged in sides:
        olds = [old for old in labelled if old[1].format == after.format]
        comparison = compare_schemas(mode, head, olds, change.base.policy.profile)
        yield from _group(change, _drop_old_news(comparison.mismatches, olds), is_bridged)


def _drop_old_news(mismatches: Sequence[Mismatch], olds: Sequence[Labelled]) -> list[Mismatch]:
    """Names that changed between older versions were reported then; a broken promise is broken until it is mended."""
    newest = olds[-1][0] if olds else ""
    return [each for each in mismatches if each.step is not Step.SOURCE or each.old_label == newest]


def _group(change: Change, mismatches: Sequence[Mismatch], is_bridged: bool) -> Iterator[Problem]:
    """One problem per reason: three versions that break in one way are one line, and so is a rename."""
    groups: dict[tuple[object, ...], list[Mismatch]] = {}
    for mismatch in mismatches:
        direction = None if mismatch.step is Step.SOURCE else mismatch.direction
        key = (mismatch.kind, direction, mismatch.new, mismatch.path, mismatch.fact)
        groups.setdefault(key, []).append(mismatch)
    for group in groups.values():
        if is_bridged and group[0].step is Step.SOURCE:
            continue
        yield _problem(change, group, is_bridged)


def _problem(change: Change, group: Sequence[Mismatch], is_bridged: bool) -> Problem:
    first = merged = group[0]
    versions: tuple[str, ...] = ()
    if len(group) > 1:
        versions = tuple(sorted({mismatch.old_label for mismatch in group}, key=lambda label: (len(label), label)))
        labels, pair = ", ".join(versions), first.pair
        pair = replace(pair, writer_label=labels) if first.new is first.reader else replace(pair, reader_label=labels)
        merged = replace(first, pair=pair)
    # Where converters answer for it, there is nothing to do.
    ways_out = () if is_bridged else first.help
    problem = problem_of(change, first.new, merged.message, *ways_out, related=((first.old_label, first.old),))
    return replace(problem, mismatch=first, versions=versions, converted=is_bridged, fix=first.fix)


def find_removed_with_subscribers(change: Change) -> Iterator[Problem]:
    """An event is gone while services still read it."""
    before, after = change.before, change.after
    if before is None or before.terms is None or not before.terms.subscribers:
        return
    left = after is not None and after.path != ""
    if after is not None and after.path and after.terms is not None:
        return
    if change.head.ownership.unread:
        return
    if before.path in {flaw.location.path for flaw in change.head.flaws}:
        return  # its file is there and does not parse, which schema/invalid says better
    readers = ", ".join(subscriber.service for subscriber in before.terms.subscribers)
    fact = "has left ownership.yaml, and is" if left else "is gone, and"
    yield problem_of(
        change,
        before.at if after is None or after.terms is None else after.terms.at,
        f"{change.name} {fact} still subscribed to by {readers}",
        "let the subscribers go first, then list the event under `retired_events` in ownership.yaml",
    )


def find_format_changed(change: Change) -> Iterator[Problem]:
    """The same event in another schema language: no reader of one reads the other."""
    before, after = change.before, change.after
    if before is None or after is None or not (before.path and after.path):
        return
    released = before.versions[-1].schema if before.versions else None
    was = released.format if released is not None else before.format
    if was == after.format:
        return
    yield problem_of(
        change,
        after.at,
        f"{change.name} was {was} and is now {after.format}; no reader of one reads the other",
        "publish a new event under a new name, and retire the old one",
    )


def find_unreserved_numbers(change: Change) -> Iterator[Problem]:
    """A number was given up and may be used again by mistake."""
    return _find_reservations(change, "number-not-reserved")


def find_unreserved_names(change: Change) -> Iterator[Problem]:
    """A name was given up and may be used again by mistake."""
    return _find_reservations(change, "name-not-reserved")


def find_dropped_reservations(change: Change) -> Iterator[Problem]:
    """A number or name was kept from use, and no longer is."""
    return _find_reservations(change, "reservation-dropped")


def _find_reservations(change: Change, kind: str) -> Iterator[Problem]:
    before, after = change.before, change.after
    if before is None or after is None or before.head is None or after.head is None:
        return
    if before.head.format != "protobuf" or after.head.format != "protobuf":
        return
    from registry.formats.protobuf.reservations import find_dropped_reservations, find_unreserved

    find = find_dropped_reservations if kind == "reservation-dropped" else find_unreserved
    for flaw in find(before.head, after.head):
        if flaw.kind == kind:
            yield replace(problem_of(change, flaw.location, flaw.message, flaw.help), fix=flaw.fix)
