"""The smallest value of a message, and what a value is made of: zeros, extremes, numbers nobody has a name for."""

from collections.abc import Mapping, Sequence
from typing import Final

from registry.formats.protobuf.elements import wire_of
from registry.formats.protobuf.reference import MAX_DEPTH, key_of
from registry.formats.protobuf.scalars import SCALARS
from registry.schema import Array, Enum, Map, Primitive, Record, Schema, Type

MAX_PARTS: Final = 10_000
"""Messages in the smallest value; what requires more cannot be shown to anybody."""
_FLOATS: Final = (0.0, 1.0, -1.5, 3.4028234663852886e38, float("inf"), float("-inf"), float("nan"))
_SAMPLES: Final[Mapping[str, tuple[object, ...]]] = {
    "bool": (False, True),
    "float": (*_FLOATS, 1.401298464324817e-45),
    "double": (*_FLOATS, 1.7976931348623157e308, 5e-324),
    "string": ("", "a", "ä€🎈", "\x00", "\x08\x96\x01", "z" * 200),
    "bytes": (b"", b"a", b"\xff\x00", b"\x08\x96\x01", b"\xc3\xa4"),
}


class Unwritable(ValueError):
    """No value of the message is finite, or shallow and small enough to be read by anybody."""


class Smallest:
    """The smallest value of each message: nothing is set but what is required.

    With a reader's schema, what the reader requires is set, too, as far as the writer has it, so that of several
    mismatches a value shows one. Values are shared; whoever changes one copies it first.
    """

    def __init__(self, writer: Schema, reader: Schema | None = None) -> None:
        self._writer = writer
        self._reader = reader
        self._known: dict[tuple[str, str], tuple[Mapping[str, object], int]] = {}
        self._open: set[tuple[str, str]] = set()

    def message(self, writer: Record, reader: Record | None = None) -> Mapping[str, object]:
        """The smallest value of a message that is read as another. Raises :class:`Unwritable`."""
        return self._measure(writer, reader)[0]

    def element(self, type_: Type, other: Type | None) -> object:
        """The smallest value of a type without lists and maps, read as another type."""
        return self._element(type_, other)[0]

    def _measure(self, writer: Record, reader: Record | None) -> tuple[Mapping[str, object], int]:
        key = writer.name, reader.name if reader is not None else ""
        if key in self._known:
            return self._known[key]
        if key in self._open:
            raise Unwritable(f"message {writer.name} requires itself")
        if len(self._open) > MAX_DEPTH:
            raise Unwritable(f"messages are required within each other deeper than {MAX_DEPTH}")
        self._open.add(key)
        try:
            self._known[key] = found = self._make(writer, reader)
        finally:
            self._open.discard(key)
        return found

    def _make(self, writer: Record, reader: Record | None) -> tuple[Mapping[str, object], int]:
        fields = {wire_of(field).number: field for field in reader.fields} if reader is not None else {}
        value: dict[str, object] = {}
        size = 1
        for field in writer.fields:
            mine = fields.get(wire_of(field).number)
            required = wire_of(field).presence == "required"
            if not required and (mine is None or wire_of(mine).presence != "required"):
                continue
            try:
                held, parts = self._element(single_type(field.type), single_type(mine.type) if mine else None)
            except Unwritable:
                if required:
                    raise
                continue  # only the reader insists
            size += parts
            if size > MAX_PARTS:
                raise Unwritable(f"message {writer.name} requires more than {MAX_PARTS:,} others")
            value[key_of(field)] = [held] if isinstance(field.type, Array) else held
            if isinstance(field.type, Map):
                value[key_of(field)] = {first_key(field.type): held}
        return value, size

    def _element(self, type_: Type, other: Type | None) -> tuple[object, int]:
        theirs = self._writer.resolve(type_)
        mine = self._reader.resolve(other) if self._reader is not None and other is not None else None
        if isinstance(theirs, Record):
            return self._measure(theirs, mine if isinstance(mine, Record) else None)
        if isinstance(theirs, Enum):
            numbers = [symbol.number for symbol in theirs.symbols]
            known = {symbol.number for symbol in mine.symbols} if isinstance(mine, Enum) else set()
            return next((number for number in numbers if number in known), numbers[0]), 0
        return zero_of(type_), 0


def single_type(type_: Type) -> Type:
    """The type of one element: of a list an item, of a map a value."""
    return type_.items if isinstance(type_, Array) else type_.values if isinstance(type_, Map) else type_


def zero_of(type_: Type) -> object:
    """The zero of a scalar."""
    name = type_.name if isinstance(type_, Primitive) else ""
    return _SAMPLES[name][0] if name in _SAMPLES else 0


def first_key(map_: Map) -> object:
    """A small key that is not zero."""
    name = map_.keys.name if map_.keys else "string"
    return "a" if name == "string" else name == "bool" or 1


def find_scalars(name: str) -> Sequence[object]:
    """Values of a scalar type: its zero first, then small ones, then the ends of its range."""
    if name in _SAMPLES:
        return _SAMPLES[name]
    scalar = SCALARS[name]
    small = (0, 1, -1, 200) if scalar.low else (0, 1, 200)
    return (*small, scalar.low, scalar.high) if scalar.low else (*small, scalar.high)


def find_numbers(enum: Enum) -> list[int]:
    """Every value of an enum by number, the first one declared first; of an open one also some it has no name for."""
    numbers = list(dict.fromkeys(symbol.number for symbol in enum.symbols))
    known = set(numbers)
    unknown = find_unknown(known) if not enum.closed else None
    extremes = [] if enum.closed else [each for each in (-1, (1 << 31) - 1, -(1 << 31)) if each not in known]
    return numbers + ([] if unknown is None else [unknown]) + extremes


def find_unknown(known: set[int] | frozenset[int]) -> int:
    """The smallest number that is not among those known, 0 apart."""
    number = 1
    while number in known:
        number += 1
    return number
