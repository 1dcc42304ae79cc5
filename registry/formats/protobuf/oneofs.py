"""Oneofs: of the members that arrive, a reader keeps the last one only."""

from collections.abc import Iterator, Mapping

from registry.formats.mismatch import Mismatch
from registry.formats.protobuf.elements import wire_of
from registry.formats.protobuf.words import Spot, in_order, report
from registry.schema import Field, Record

Fields = Mapping[int, Field]


def compare_oneofs(spot: Spot, reader: Record, mine: Fields, theirs: Fields) -> Iterator[Mismatch]:
    """What oneofs lose, and what moved in or out of them. The fields are those of one message, by number."""
    lost: set[str] = set()
    for name, members in _oneofs(mine).items():
        shared = [number for number in members if number in theirs]
        homes = {wire_of(theirs[number]).oneof or f"/{number}" for number in shared}
        if len(homes) > 1:
            lost.add(name)
            free = [number for number in shared if wire_of(theirs[number]).oneof is None] or shared
            both = sorted(shared)
            names = " and ".join(f"'{mine[number].name}' ({number})" for number in both[:2])
            more = f" and {len(both) - 2} more" if len(both) > 2 else ""
            fact = f"fields {names}{more} are members of oneof '{name}' for the reader, and could be set together"
            yield report("oneof_value_lost", spot.at(mine[free[0]].at, theirs[free[0]].at), fact)
    yield from _find_changes(spot, reader, mine, theirs, lost)


def _oneofs(fields: Fields) -> dict[str, list[int]]:
    oneofs: dict[str, list[int]] = {}
    for number, field in fields.items():
        if (name := wire_of(field).oneof) is not None:
            oneofs.setdefault(name, []).append(number)
    return oneofs


def _find_changes(spot: Spot, record: Record, mine: Fields, theirs: Fields, lost: set[str]) -> Iterator[Mismatch]:
    """Bytes are fine, and code asks the oneof in another way."""
    before, after = in_order(spot.pair, mine, theirs)
    backward = after is mine
    old, new = _oneofs(before), _oneofs(after)
    # A whole oneof that came or went is fields that came or went, and no more.
    stayed = {name for name, members in (*old.items(), *new.items()) if any(n in mine and n in theirs for n in members)}
    renamed: set[tuple[str, str]] = set()
    for number in sorted(before.keys() | after.keys()):
        former, latter = before.get(number), after.get(number)
        was = wire_of(former).oneof if former is not None else None
        is_ = wire_of(latter).oneof if latter is not None else None
        if was == is_ or (backward and is_ in lost) or (not backward and was in lost):
            continue
        name = (latter or former or record).name
        if former is None:
            if is_ not in stayed:
                continue
            fact = f"'{name}' ({number}) was added to oneof '{is_}'"
        elif latter is None:
            if was not in stayed:
                continue
            fact = f"'{name}' ({number}) was removed from oneof '{was}'"
        elif was is None:
            fact = f"field '{name}' ({number}) moved into oneof '{is_}'"
        elif is_ is None:
            fact = f"field '{name}' ({number}) moved out of oneof '{was}'"
        else:
            if (was, is_) in renamed:
                continue
            fact = f"field '{name}' ({number}) moved from oneof '{was}' to '{is_}'"
            if was not in new and is_ not in old:
                renamed.add((was, is_))
                fact = f"oneof '{was}' was renamed to '{is_}'"
        reader, writer = mine.get(number), theirs.get(number)
        place = spot.at(reader.at if reader else spot.reader, writer.at if writer else spot.writer)
        yield report("oneof_changed", place, fact)
