"""Which root of the one schema answers to which of the other."""

from collections import Counter
from collections.abc import Iterator, Mapping

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf.fields import Queue
from registry.formats.protobuf.words import Spot, in_order, report
from registry.schema import Enum, Named, Ref, Schema
from registry.source import Location


def pair_roots(pair: Pair, queue: Queue) -> Iterator[Mismatch]:
    """Put roots of one name into the queue, and report those that were renamed or are gone. New ones go unsaid.

    The only root of each side is the event, whatever its name. Among several, a root is renamed if its package is.
    """
    old, new = in_order(pair, pair.reader, pair.writer)
    before, after = _roots(old), _roots(new)
    for name, type_ in before.items():
        if (same := after.get(name)) is None:
            continue
        spot = _spot(pair, type_.at, same.at)
        if isinstance(type_, Enum) == isinstance(same, Enum):
            _put(queue, pair, spot, type_, same)
        else:
            what = ("a message", "an enum")
            fact = f"{name} was {what[isinstance(type_, Enum)]} and is {what[isinstance(same, Enum)]}"
            yield report("message_type_changed", spot, fact, help=("give the new type a name of its own",))
    gone = {name: type_ for name, type_ in before.items() if name not in after}
    added = {name: type_ for name, type_ in after.items() if name not in before}
    heirs = _find_heirs(gone, added, single=len(before) == len(after) == 1)
    for name, type_ in gone.items():
        heir = heirs.get(name)
        if heir is not None:
            spot = _spot(pair, type_.at, heir.at)
            yield report("message_renamed", spot, f"{_noun(type_)} {name} was renamed to {heir.name}")
            _put(queue, pair, spot, type_, heir)
        elif name.rpartition(".")[0] not in gone:  # what was inside goes without saying
            kind = "enum_removed" if isinstance(type_, Enum) else "message_removed"
            spot = _spot(pair, type_.at, _around(name, type_, new))
            yield report(kind, spot, f"{_noun(type_)} {name} was removed")


def _roots(schema: Schema) -> dict[str, Named]:
    return {root.name: schema.types[root.name] for root in schema.roots if isinstance(root, Ref)}


def _noun(type_: Named) -> str:
    return "enum" if isinstance(type_, Enum) else "message"


def _spot(pair: Pair, before: Location, after: Location) -> Spot:
    reader, writer = (after, before) if pair.direction is Direction.BACKWARD else (before, after)
    return Spot(pair, "", reader, writer)


def _put(queue: Queue, pair: Pair, spot: Spot, before: Named, after: Named) -> None:
    reader, writer = (after, before) if pair.direction is Direction.BACKWARD else (before, after)
    queue.append((spot, reader, writer))


def _find_heirs(gone: Mapping[str, Named], added: Mapping[str, Named], *, single: bool) -> dict[str, Named]:
    """The new name of each root that has one: the same name in another package, which one root only may claim."""
    heirs: dict[str, Named] = {}
    by_pointer: dict[tuple[str, bool], list[Named]] = {}
    for type_ in added.values():
        by_pointer.setdefault((type_.at.pointer, isinstance(type_, Enum)), []).append(type_)
    for name, type_ in gone.items():
        claims = list(added.values()) if single else by_pointer.get((type_.at.pointer, isinstance(type_, Enum)), [])
        if len(claims) == 1 and isinstance(claims[0], Enum) == isinstance(type_, Enum):
            heirs[name] = claims[0]
    claims_on = Counter(heir.name for heir in heirs.values())
    return {name: heir for name, heir in heirs.items() if claims_on[heir.name] == 1}


def _around(name: str, type_: Named, schema: Schema) -> Location:
    """Where something is missing: the message around it, or its file."""
    outer = schema.types.get(name.rpartition(".")[0])
    return outer.at if outer is not None else Location(type_.at.path)
