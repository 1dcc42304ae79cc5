"""Oneofs: of the members that arrive, a reader keeps the last one only."""

from collections.abc import Iterator, Mapping

from registry.formats.mismatch import Direction, Mismatch
from registry.formats.protobuf.elements import label, title, wire_of
from registry.formats.protobuf.messages import Messages
from registry.formats.protobuf.words import Spot, report
from registry.schema import Field

Fields = Mapping[int, Field]


def compare_oneofs(spot: Spot, messages: Messages) -> Iterator[Mismatch]:
    """What oneofs lose, and what moved in or out of them."""
    mine, theirs = messages.mine, messages.theirs
    message = title(messages.after)
    lost: set[str] = set()
    for name, members in _oneofs(mine).items():
        shared = [number for number in members if number in theirs]
        homes = {wire_of(theirs[number]).oneof or f"/{number}" for number in shared}
        if len(homes) > 1:
            lost.add(name)
            free = [number for number in shared if wire_of(theirs[number]).oneof is None] or shared
            names = " and ".join(f"'{mine[number].name}' ({number})" for number in shared[:2])
            more = f" and {len(shared) - 2} more" if len(shared) > 2 else ""
            fact = f"fields {names}{more} of {message} are members of oneof '{name}' for the reader"
            fact += ", and could be set together"
            yield report("oneof_value_lost", spot.at(mine[free[0]].at, theirs[free[0]].at), fact)
    yield from _find_changes(spot, messages, lost)


def _oneofs(fields: Fields) -> dict[str, list[int]]:
    oneofs: dict[str, list[int]] = {}
    for number, field in sorted(fields.items()):  # the order of declarations says nothing
        if (name := wire_of(field).oneof) is not None:
            oneofs.setdefault(name, []).append(number)
    return oneofs


def _find_changes(spot: Spot, messages: Messages, lost: set[str]) -> Iterator[Mismatch]:
    """Bytes are fine, and code asks the oneof in another way. What is gone, moved or another field is told as that."""
    backward = spot.pair.direction is Direction.BACKWARD
    old, new = _oneofs(messages.old), _oneofs(messages.new)
    renamed: set[tuple[str, str]] = set()
    for number, latter in sorted(messages.new.items()):
        former = messages.old.get(number)
        was = wire_of(former).oneof if former is not None else None
        is_ = wire_of(latter).oneof
        if was == is_ or (backward and is_ in lost) or (not backward and was in lost):
            continue
        if number in messages.foreign or messages.moved(latter):
            continue
        consequence = ""
        if former is None:
            # A new reader reads all that was written. A oneof that is new as a whole is fields that are new, no more.
            if backward or not any(member in messages.old for member in new[is_ or ""]):
                continue
            fact = f"'{latter.name}' ({number}) was added to oneof '{is_}' of {title(messages.after)}"
            consequence = "where it is set, the reader sees the oneof unset"
        elif was is None:
            fact = f"{label(former, messages.before)} moved into oneof '{is_}'"
        elif is_ is None:
            fact = f"{label(former, messages.before)} moved out of oneof '{was}'"
        elif (was, is_) in renamed:
            continue
        elif was not in new and is_ not in old:
            renamed.add((was, is_))
            fact = f"oneof '{was}' of {title(messages.before)} was renamed to '{is_}'"
        else:
            fact = f"{label(former, messages.before)} moved from oneof '{was}' to '{is_}'"
        reader, writer = messages.mine.get(number), messages.theirs.get(number)
        place = spot.at(reader.at if reader else spot.reader, writer.at if writer else spot.writer)
        yield report("oneof_changed", place, fact, consequence=consequence)
