"""Enums: values are paired by number, and a closed enum does not take a number it does not know."""

from collections.abc import Iterator, Set

from registry.formats.mismatch import Direction, Mismatch
from registry.formats.protobuf.places import ENUM_TYPE
from registry.formats.protobuf.words import Spot, in_order, report, tell_unknown
from registry.schema import Enum, Ref, Symbol
from registry.source import Location


def compare_enums(spot: Spot, reader: Enum, writer: Enum) -> Iterator[Mismatch]:
    """What differs between two enums, wherever they are used. Defaults are compared by :func:`compare_defaults`."""
    before, after = in_order(spot.pair, reader, writer)
    renumbered = dict(_find_renumbered(before, after))
    known, written = _by_number(reader), _by_number(writer)
    lost = set()
    for symbol, moved in renumbered.values():
        mine, theirs = (moved, symbol) if after is reader else (symbol, moved)
        both = theirs.number, mine.number
        shared = [known.get(number, {}).keys() & written.get(number, {}).keys() for number in both]
        if shared[0] and (shared[1] or (writer.closed and mine.number not in written)):
            continue  # an alias of what the reader has there; only an open enum writes the other number without a name
        lost.add(moved.name)
        yield report(
            "enum_value_renumbered",
            spot.at(mine.at, theirs.at),
            f"enum value '{moved.name}' of {after.name} changed its number from {symbol.number} to {moved.number}",
            {"name": moved.name, "number": symbol.number},
        )
    yield from _compare_numbers(spot, reader, writer, renumbered.keys())
    yield from _compare_names(spot, before, after, after is reader, lost)


def _find_renumbered(before: Enum, after: Enum) -> Iterator[tuple[str, tuple[Symbol, Symbol]]]:
    old = {symbol.name: symbol for symbol in before.symbols}
    for symbol in after.symbols:
        former = old.get(symbol.name)
        if former is not None and former.number != symbol.number:
            yield symbol.name, (former, symbol)


def _compare_numbers(spot: Spot, reader: Enum, writer: Enum, moved: Set[str]) -> Iterator[Mismatch]:
    """Numbers that only one side knows."""
    if reader.closed and not writer.closed:
        was, is_ = in_order(spot.pair, "closed", "open")
        fact = f"enum {reader.name} changed from {was} to {is_}"
        at = spot.at(_option_at(reader.at), _option_at(writer.at))
        yield report("open_enum_read_as_closed", at, fact, consequence=_tell_unknown(spot, reader))
    known = {symbol.number for symbol in reader.symbols}
    backward = spot.pair.direction is Direction.BACKWARD
    if reader.closed:
        for symbol in _first_of_each_number(writer):
            if symbol.number not in known and symbol.name not in moved:
                what = "removed from" if backward else "added to"
                yield report(
                    "closed_enum_value_unknown",
                    spot.at(reader.at, symbol.at),
                    f"enum value '{symbol.name}' ({symbol.number}) was {what} {writer.name}, which is closed",
                    consequence=_tell_unknown(spot, reader),
                )
    before, after = in_order(spot.pair, reader, writer)
    if backward and reader.closed:
        return  # said above
    kept = {symbol.number for symbol in after.symbols}
    for symbol in _first_of_each_number(before):
        if symbol.number not in kept and symbol.name not in moved:
            reader_at, writer_at = (after.at, symbol.at) if backward else (symbol.at, after.at)
            yield report(
                "enum_value_removed",
                spot.at(reader_at, writer_at),
                f"enum value '{symbol.name}' ({symbol.number}) was removed from {after.name}",
                {"number": symbol.number},
            )


def _tell_unknown(spot: Spot, reader: Enum) -> str:
    """What becomes of an unknown value at a place; an enum by itself is wherever it is used."""
    by_itself = any(isinstance(root, Ref) and root.name == reader.name for root in spot.pair.reader.roots)
    return tell_unknown("/" if by_itself else spot.path[-2:] if spot.path.endswith(("[]", "{}")) else "")


def _option_at(enum: Location) -> Location:
    """Where an enum says itself whether it is closed; elsewhere the file does, and the place is that of the enum."""
    return Location(enum.path, enum.pointer + ENUM_TYPE, enum.find)


def _compare_names(spot: Spot, before: Enum, after: Enum, backward: bool, moved: Set[str]) -> Iterator[Mismatch]:
    """Names of one number; the first one declared is what JSON shows."""
    old, new = _by_number(before), _by_number(after)
    for number, names in new.items():
        former = {name: symbol for name, symbol in old.get(number, {}).items() if name not in moved}
        latter = {name: symbol for name, symbol in names.items() if name not in moved}
        if not former or not latter or list(former) == list(latter):
            continue
        first, now = next(iter(former)), next(iter(latter))
        fresh = [name for name in latter if name not in former]
        gone = [name for name in former if name not in latter]
        if first not in latter:
            fact = f"enum value {number} of {after.name} was renamed from '{first}' to '{now}'"
        elif fresh and gone:
            fact = f"enum value '{first}' ({number}) of {after.name} has the alias '{fresh[0]}' instead of '{gone[0]}'"
        elif fresh:
            fact = f"enum value '{first}' ({number}) of {after.name} got the alias '{fresh[0]}'"
        elif gone:
            fact = f"enum value '{first}' ({number}) of {after.name} lost the alias '{gone[0]}'"
        else:
            fact = f"enum value {number} of {after.name} has its names in another order, '{now}' first"
        place = latter[fresh[0]].at if fresh else latter[now].at
        reader, writer = (place, former[first].at) if backward else (former[first].at, place)
        ways = () if first not in latter else _find_ways_back(first, fresh, gone)
        yield report("enum_value_renamed", spot.at(reader, writer), fact, help=ways)


def _find_ways_back(first: str, fresh: list[str], gone: list[str]) -> tuple[str, ...]:
    """Ways out where the name that JSON shows is kept, or at least still there."""
    if gone:
        return (f"keep the alias '{gone[0]}'",)
    if fresh:
        return (f"let every reader of JSON know the alias '{fresh[0]}' before anybody writes it",)
    return (f"keep '{first}' before the other names: it is the one that JSON shows",)


def compare_defaults(spot: Spot, reader: Enum, writer: Enum) -> Iterator[Mismatch]:
    """What an absent field reads as: the first value declared."""
    mine, theirs = reader.symbols[0], writer.symbols[0]
    if mine.number != theirs.number:
        before, after = in_order(spot.pair, mine, theirs)
        fact = f"the first value of enum {reader.name} changed from '{before.name}' ({before.number}) to "
        fact += f"'{after.name}' ({after.number})"
        yield report("enum_default_removed", spot.at(mine.at, theirs.at), fact, {"name": before.name})


def _by_number(enum: Enum) -> dict[int, dict[str, Symbol]]:
    numbers: dict[int, dict[str, Symbol]] = {}
    for symbol in enum.symbols:
        numbers.setdefault(symbol.number, {})[symbol.name] = symbol
    return numbers


def _first_of_each_number(enum: Enum) -> Iterator[Symbol]:
    seen: set[int] = set()
    for symbol in enum.symbols:
        if symbol.number not in seen:
            seen.add(symbol.number)
            yield symbol
