"""Which root of the one schema answers to which of the other."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf.elements import Side, package_of, title
from registry.formats.protobuf.fields import Queue
from registry.formats.protobuf.words import Spot, in_order, report
from registry.schema import Enum, Named, Ref, Schema
from registry.source import Location

_CODE_ONLY: Final = "code that uses the old name does not compile"
_NO_EVENT: Final = "a message has bytes of its own and an enum has none: neither is read as the other"
_NEW_NAME: Final = ("keep the old type, and give the new one a name of its own",)
_PACKAGE: Final = ("keep the package", "publish the new names as new events beside the old ones")


def pair_roots(pair: Pair, sides: tuple[Side, Side], queue: Queue) -> Iterator[Mismatch]:
    """Put roots of one name into the queue, and report those that were renamed or are gone. New ones go unsaid.

    The only root of each side is the event, whatever its name. Among several, a root is renamed if its package is.
    """
    old, new = in_order(pair, pair.reader, pair.writer)
    before, after = _roots(old), _roots(new)
    single = len(before) == len(after) == 1
    for name, type_ in before.items():
        if (same := after.get(name)) is None:
            continue
        spot = _spot(pair, type_.at, same.at, "" if single else f"/{title(same)}")
        if isinstance(type_, Enum) == isinstance(same, Enum):
            _put(queue, spot, type_, same)
        else:
            what = ("a message", "an enum")
            fact = f"{name} was {what[isinstance(type_, Enum)]} and is {what[isinstance(same, Enum)]}"
            yield report("message_type_changed", spot, fact, consequence=_NO_EVENT, help=_NEW_NAME)
    gone = {name: type_ for name, type_ in before.items() if name not in after}
    added = {name: type_ for name, type_ in after.items() if name not in before}
    heirs = _find_heirs(gone, added, single=single)
    moved = _find_packages(gone, heirs, new)
    yield from _report_packages(pair, gone, moved)
    told = {name for pairs in moved.values() for name, _ in pairs}
    paths = {type_.at.path for type_ in new.types.values()}
    for name, type_ in gone.items():
        heir = heirs.get(name)
        outer = name.rpartition(".")[0]
        if heir is not None:
            spot = _spot(pair, type_.at, heir.at, "" if single else f"/{title(heir)}")
            if name not in told and outer not in heirs:
                yield _report_renamed(spot, type_, heir)
            _put(queue, spot, type_, heir)
            mine, theirs = in_order(pair, type_, heir)  # and back: (reader, writer)
            sides[0].take_heir(mine, theirs)
            sides[1].take_heir(theirs, mine)
        elif outer not in gone:  # what was inside goes without saying
            kind = "enum_removed" if isinstance(type_, Enum) else "message_removed"
            spot = _spot(pair, type_.at, _around(outer, type_, new, paths), f"/{title(type_)}")
            yield report(kind, spot, f"{_noun(type_)} {name} was removed")
    # Each pair of types is told at the first place that leads to it, which no order of declarations may decide. What
    # is told of an enum at a field is not told again, so enums go first.
    queue.sort(key=lambda waiting: (not isinstance(waiting[1], Enum), waiting[1].name))


def _find_packages(
    gone: Mapping[str, Named], heirs: Mapping[str, Named], after: Schema
) -> dict[tuple[str, str], list[tuple[str, Named]]]:
    """Packages of which nothing is left but what several types took to one other package: those, by both packages."""
    left = {package_of(type_) for type_ in after.types.values()}
    moved: dict[tuple[str, str], list[tuple[str, Named]]] = {}
    for name, heir in heirs.items():
        moved.setdefault((package_of(gone[name]), package_of(heir)), []).append((name, heir))
    targets = Counter(old for old, _ in moved)
    return {
        (old, new): pairs
        for (old, new), pairs in moved.items()
        if old != new and old not in left and targets[old] == 1 and len(pairs) > 1
    }


def _report_packages(
    pair: Pair, gone: Mapping[str, Named], moved: Mapping[tuple[str, str], Sequence[tuple[str, Named]]]
) -> Iterator[Mismatch]:
    for (old, new), pairs in moved.items():
        enums = sum(isinstance(heir, Enum) for _, heir in pairs)
        counts = ((len(pairs) - enums, "message"), (enums, "enum"))
        many = " and ".join(f"{count} {noun}{'s' * (count > 1)}" for count, noun in counts if count)
        name, heir = min(pairs, key=lambda pair: pair[0])
        # The empty pointer is the line of the package.
        was, is_ = (Location(at.path, "", at.find) for at in (gone[name].at, heir.at))
        fact = f"package {old or '(none)'} was renamed to {new or '(none)'}, and with it {many}"
        kind, consequence = ("message_renamed", "") if enums < len(pairs) else ("enum_removed", _CODE_ONLY)
        yield report(kind, _spot(pair, was, is_, ""), fact, consequence=consequence, help=_PACKAGE)


def _report_renamed(spot: Spot, before: Named, after: Named) -> Mismatch:
    fact = f"{_noun(before)} {before.name} was renamed to {after.name}"
    if isinstance(before, Enum):  # no topic and no `Any` is named for an enum
        return report("enum_removed", spot, fact, consequence=_CODE_ONLY, help=("keep the full name",))
    return report("message_renamed", spot, fact)


def _roots(schema: Schema) -> dict[str, Named]:
    return {root.name: schema.types[root.name] for root in schema.roots if isinstance(root, Ref)}


def _noun(type_: Named) -> str:
    return "enum" if isinstance(type_, Enum) else "message"


def _spot(pair: Pair, before: Location, after: Location, path: str) -> Spot:
    reader, writer = (after, before) if pair.direction is Direction.BACKWARD else (before, after)
    return Spot(pair, path, reader, writer)


def _put(queue: Queue, spot: Spot, before: Named, after: Named) -> None:
    reader, writer = (after, before) if spot.pair.direction is Direction.BACKWARD else (before, after)
    queue.append((spot, reader, writer))


def _find_heirs(gone: Mapping[str, Named], added: Mapping[str, Named], *, single: bool) -> dict[str, Named]:
    """The new name of each root that has one: the same name in another package, which one root only may claim.

    Of several such packages it is the one whose name is nearest.
    """
    heirs: dict[str, Named] = {}
    by_pointer: dict[tuple[str, bool], list[Named]] = {}
    for type_ in added.values():
        by_pointer.setdefault((type_.at.pointer, isinstance(type_, Enum)), []).append(type_)
    for name, type_ in gone.items():
        same = list(added.values()) if single else by_pointer.get((type_.at.pointer, isinstance(type_, Enum)), [])
        claims = _find_nearest(package_of(type_), same)
        if len(claims) == 1 and isinstance(claims[0], Enum) == isinstance(type_, Enum):
            heirs[name] = claims[0]
    claims_on = Counter(heir.name for heir in heirs.values())
    return {name: heir for name, heir in heirs.items() if claims_on[heir.name] == 1}


def _find_nearest(package: str, types: Sequence[Named]) -> Sequence[Named]:
    """Those whose package shares the most steps with another one."""
    if len(types) < 2:
        return types
    steps = set(package.split("."))
    shared = [len(steps & set(package_of(type_).split("."))) for type_ in types]
    return [type_ for type_, count in zip(types, shared, strict=True) if count == max(shared)]


def _around(outer: str, type_: Named, schema: Schema, paths: Set[str]) -> Location:
    """Where something is missing: the message around it, or its file. Where that is gone too, the place it had."""
    around = schema.types.get(outer)
    if around is not None:
        return around.at
    return Location(type_.at.path) if type_.at.path in paths else type_.at
