"""Numbers and names that a change leaves free to be used again, for something that old bytes do not mean."""

from bisect import bisect_right
from collections.abc import Iterator

from registry.errors import Flaw
from registry.formats.protobuf.elements import wire_of
from registry.schema import Enum, Record, Reserved, Schema

_LAST = 1 << 31
_END = {"message": (1 << 29) - 1, "enum": (1 << 31) - 1}


def find_unreserved(before: Schema, after: Schema) -> Iterator[Flaw]:
    """Fields and enum values that were removed without their number and name being reserved.

    The location is the message or enum as it is after the change. A name that is used again under another number cannot
    be reserved, and need not be; a removed extension leaves a number of a range that is an extension's for ever.
    """
    for noun, old, new in _find_pairs(before, after):
        was, is_ = _numbers(old), _numbers(new)
        reserved = sorted(new.reserved.ranges)
        names = {name for each in is_.values() for name in each}
        for number, gone in was.items():
            if number in is_:
                continue
            free = [] if _holds(reserved, number) else [f"reserved {number};"]
            free += [f'reserved "{name}";' for name in gone if name not in names and name not in new.reserved.names]
            if free:
                what = (
                    "its number and name are" if len(free) > 1 else "its name is" if '"' in free[0] else "its number is"
                )
                fact = f"{noun[1]} '{gone[0]}' ({number}) was removed from {new.name}, and {what} not reserved"
                yield Flaw("number-not-reserved", fact, new.at, _help(free, new.name))


def find_dropped_reservations(before: Schema, after: Schema) -> Iterator[Flaw]:
    """Numbers and names that were reserved and are not any more; located at the message or enum after the change."""
    for noun, old, new in _find_pairs(before, after):
        dropped = [_words(noun[0], low, high) for low, high in _subtract(old.reserved, new.reserved)]
        if dropped:
            numbers = ", ".join(dropped)
            fact = f"in {new.name} the reservation of {numbers} was dropped"
            yield Flaw("reservation-dropped", fact, new.at, _help([f"reserved {numbers};"], new.name))
        for name in sorted(old.reserved.names - new.reserved.names):
            fact = f"in {new.name} the reservation of the name '{name}' was dropped"
            yield Flaw("reservation-dropped", fact, new.at, _help([f'reserved "{name}";'], new.name))


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
    """Names by number."""
    numbers: dict[int, list[str]] = {}
    if isinstance(type_, Enum):
        for symbol in type_.symbols:
            numbers.setdefault(symbol.number, []).append(symbol.name)
    else:
        for field in type_.fields:
            if not (wire := wire_of(field)).extension:
                numbers.setdefault(wire.number, []).append(field.name)
    return numbers


def _help(statements: list[str], name: str) -> str:
    names = ", names without quotes where the file has an edition" if any('"' in each for each in statements) else ""
    return f"add `{' '.join(statements)}` to {name}{names}"


def _subtract(old: Reserved, new: Reserved) -> Iterator[tuple[int, int]]:
    """The ranges of the one that the other does not cover."""
    taken = sorted(new.ranges)
    at = 0
    for start, high in sorted(old.ranges):
        low = start
        while at < len(taken) and taken[at][0] <= high:
            first, last = taken[at]
            if first > low:
                yield low, first - 1
            low = max(low, last + 1)
            if last > high:
                break  # it may cover a part of the next one
            at += 1
        if low <= high:
            yield low, high


def _holds(ranges: list[tuple[int, int]], number: int) -> bool:
    """Whether sorted ranges hold a number: asked for each of many, so not one by one."""
    at = bisect_right(ranges, (number, _LAST)) - 1
    return at >= 0 and ranges[at][1] >= number


def _words(noun: str, low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {'max' if high == _END[noun] else high}"
