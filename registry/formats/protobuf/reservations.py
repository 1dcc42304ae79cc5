"""Numbers and names that a change leaves free to be used again, for something that old bytes do not mean."""

from collections.abc import Iterator

from registry.errors import Fix, Flaw
from registry.formats.protobuf.elements import Side, wire_of
from registry.formats.protobuf.messages import find_moves
from registry.formats.protobuf.places import has_edition
from registry.formats.protobuf.ranges import LAST_FIELD, LAST_VALUE, holds, show, subtract
from registry.schema import Enum, Record, Schema

_LAST = {"message": LAST_FIELD, "enum": LAST_VALUE}


def find_unreserved(before: Schema, after: Schema) -> Iterator[Flaw]:
    """Fields and enum values that were removed without their number and name being reserved, one flaw each.

    The kind is ``number-not-reserved``, whatever became of the name, and ``name-not-reserved`` where only the name is
    free, which the bytes do not know. The location is the message or enum as it is after the change.

    What still has the number needs no reservation, be it an extension; nor does a name that is used again. What only
    moved to another number is told as that, and its way out is to give the number back. A removed extension leaves a
    number of a range that is an extension's for ever.
    """
    sides = Side(before.types), Side(after.types)
    for noun, old, new in _find_pairs(before, after):
        was, is_ = _numbers(old), _numbers(new)
        reserved = sorted(new.reserved.ranges)
        names = {name for each in is_.values() for name in each}
        gone = {number: each for number, each in was.items() if each and number not in is_}
        moved = _find_moved(old, new, sides) if gone else frozenset()
        for number, each in gone.items():
            if number in moved:
                continue
            free = [name for name in each if name not in names and name not in new.reserved.names]
            if not holds(reserved, number):
                kind, what = "number-not-reserved", "its number and name are" if free else "its number is"
            elif free:
                kind, what = "name-not-reserved", "its name is"
            else:
                continue
            fact = f"{noun[1]} '{each[0]}' ({number}) was removed from {new.name}, and {what} not reserved"
            numbers = [str(number)] if kind == "number-not-reserved" else []
            statements = _spell(new, numbers, free)
            is_open = isinstance(new, Record) and holds(sorted(new.extension_ranges), number)
            fix = None if numbers and is_open else Fix("reserve", statements)
            yield Flaw(kind, fact, new.at, _help(new, numbers, statements), fix)


def _find_moved(old: Record | Enum, new: Record | Enum, sides: tuple[Side, Side]) -> frozenset[int]:
    """The old numbers of what has another one now."""
    if isinstance(old, Record) and isinstance(new, Record):
        return frozenset(wire_of(move.old).number for move in find_moves(old, new, sides).values())
    if isinstance(old, Enum) and isinstance(new, Enum):
        numbers = {symbol.name: symbol.number for symbol in new.symbols}
        return frozenset(each.number for each in old.symbols if numbers.get(each.name, each.number) != each.number)
    return frozenset()


def find_dropped_reservations(before: Schema, after: Schema) -> Iterator[Flaw]:
    """Numbers and names that were reserved and are not any more; located at the message or enum after the change."""
    for noun, old, new in _find_pairs(before, after):
        dropped = list(subtract(old.reserved.ranges, new.reserved.ranges))
        numbers, used = show(dropped, _LAST[noun[0]]), _numbers(new)
        if numbers:
            fact = f"in {new.name} the reservation of {numbers} was dropped"
            statements = _spell(new, [numbers], [])
            is_open = isinstance(new, Record) and list(subtract(dropped, new.extension_ranges)) != dropped
            fix = None if is_open or any(holds(dropped, number) for number in used) else Fix("reserve", statements)
            yield Flaw("reservation-dropped", fact, new.at, _help(new, [numbers], statements), fix)
        names = {name for each in used.values() for name in each}
        for name in sorted(old.reserved.names - new.reserved.names):
            fact = f"in {new.name} the reservation of the name '{name}' was dropped"
            statements = _spell(new, [], [name])
            fix = None if name in names else Fix("reserve", statements)
            yield Flaw("reservation-dropped", fact, new.at, _help(new, [], statements), fix)


def _find_pairs(before: Schema, after: Schema) -> Iterator[tuple[tuple[str, str], Record | Enum, Record | Enum]]:
    for name, old in before.types.items():
        new = after.types.get(name)
        if name.startswith("google.protobuf."):
            continue
        if isinstance(old, Record) and isinstance(new, Record):
            yield ("message", "field"), old, new
        elif isinstance(old, Enum) and isinstance(new, Enum):
            yield ("enum", "enum value"), old, new


def _numbers(type_: Record | Enum) -> dict[int, list[str]]:
    """Names by number; a number that an extension has is there, and its name is none of the message's."""
    numbers: dict[int, list[str]] = {}
    if isinstance(type_, Enum):
        for symbol in type_.symbols:
            numbers.setdefault(symbol.number, []).append(symbol.name)
        return numbers
    for field in type_.fields:
        wire = wire_of(field)
        numbers.setdefault(wire.number, []).extend([] if wire.extension else [field.name])
    return numbers


def _spell(type_: Record | Enum, numbers: list[str], names: list[str]) -> tuple[str, ...]:
    """What to write, as the file spells it."""
    quote = "" if has_edition(type_.at) else '"'
    return (*(f"reserved {each};" for each in numbers), *(f"reserved {quote}{name}{quote};" for name in names))


def _help(type_: Record | Enum, numbers: list[str], statements: tuple[str, ...]) -> str:
    """What to do; a number among those of extensions must be taken from them first."""
    advice = f"add `{' '.join(statements)}` to {type_.name}"
    ranges = sorted(type_.extension_ranges) if isinstance(type_, Record) else []
    if any(each.isdigit() and holds(ranges, int(each)) for each in numbers):
        return f"take {', '.join(numbers)} out of its extension ranges, and {advice}"
    return advice
