"""Values of the messages of a schema, made up: enough of them to find out what a change does to each kind of value."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final, NamedTuple

from registry.formats.protobuf.elements import wire_of
from registry.formats.protobuf.reference import MAX_DEPTH, key_of
from registry.formats.protobuf.scalars import SCALARS
from registry.schema import Array, Enum, Field, Map, Primitive, Record, Ref, Schema, Type

MAX_PARTS: Final = 10_000
"""Messages in the smallest value; what requires more cannot be shown to anybody."""
_DEEPEST: Final = 60
"""Messages on the way to one whose fields are tried out."""
_LEVELS: Final = 3
_MIXED: Final = 20
"""Values with many fields at once, and fields in one message of them."""

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


class _Way(NamedTuple):
    """A message with the fields that lead to it, each with the message that has it."""

    record: Record
    fields: tuple[tuple[Record, Field], ...]


def find_values(schema: Schema, root: str | None = None, *, seed: int = 0) -> Iterator[dict[str, object]]:
    """Values of the message ``root``, or of the schema's own root: the smallest one; each field of each message alone,
    with every symbol, extremes, none, one and two items; then some with many fields at once, which ``seed`` decides.

    As many as the schema has fields and symbols, times a constant. Nothing where the root is an enum. Raises
    :class:`Unwritable`.
    """
    first = schema.resolve(schema.root) if root is None else schema.types[root]
    if not isinstance(first, Record):
        return
    smallest = Smallest(schema)
    yield dict(smallest.message(first))
    seen = {first.name}
    queue = [_Way(first, ())]
    for way in queue:  # grows while it is read
        for field in way.record.fields:
            inner = schema.resolve(single_type(field.type))
            for held in _find_held(schema, field, smallest):
                yield _place(way, {key_of(field): held}, smallest)
            if not isinstance(inner, Record):
                continue
            if inner.name in seen:
                yield from _find_nested(way, field, inner, smallest)
            elif len(way.fields) < _DEEPEST and _is_writable(smallest, inner):
                seen.add(inner.name)
                queue.append(_Way(inner, (*way.fields, (way.record, field))))
    random = Random(seed)
    for _ in range(_MIXED):
        yield _mix(schema, first, smallest, random, _LEVELS)


def _is_writable(smallest: Smallest, record: Record) -> bool:
    try:
        smallest.message(record)
    except Unwritable:
        return False
    return True


def _place(way: _Way, leaf: Mapping[str, object], smallest: Smallest) -> dict[str, object]:
    value = {**smallest.message(way.record), **leaf}
    for record, field in reversed(way.fields):
        value = {**smallest.message(record), key_of(field): _one(field, value)}
    return value


def _one(field: Field, element: object) -> object:
    """A field that holds one element."""
    if isinstance(field.type, Map):
        return {first_key(field.type): element}
    return [element] if isinstance(field.type, Array) else element


def _find_nested(way: _Way, field: Field, inner: Record, smallest: Smallest) -> Iterator[dict[str, object]]:
    """A message within itself, some levels deep."""
    if inner.name != way.record.name or not _is_writable(smallest, inner):
        return
    value: Mapping[str, object] = smallest.message(inner)
    for _ in range(_LEVELS):
        value = {**smallest.message(inner), key_of(field): _one(field, value)}
    yield _place(way, value, smallest)


def _find_elements(schema: Schema, type_: Type, smallest: Smallest) -> Sequence[object]:
    if isinstance(type_, Primitive):
        return find_scalars(type_.name)
    resolved = schema.resolve(type_) if isinstance(type_, Ref) else None
    if isinstance(resolved, Enum):
        return find_numbers(resolved)
    if isinstance(resolved, Record) and _is_writable(smallest, resolved):
        return (smallest.message(resolved),)
    return ()


def _find_held(schema: Schema, field: Field, smallest: Smallest) -> Iterator[object]:
    """What a field may hold."""
    type_ = field.type
    elements = _find_elements(schema, single_type(type_), smallest)
    if isinstance(elements, tuple) and "a" in elements and not wire_of(field).verifies_utf8:
        elements = (*elements, b"\xff")
    if isinstance(type_, Map):
        keys = find_scalars(type_.keys.name if type_.keys else "string")
        if "a" in keys and not wire_of(field).verifies_utf8:
            keys = (*keys, b"\xff")
        yield from ({first_key(type_): element} for element in elements)
        yield from ({key: element} for key in keys for element in elements[:1])
        yield from (dict.fromkeys(keys[:2], element) for element in elements[-1:])
    elif isinstance(type_, Array):
        yield []
        yield from ([element] for element in elements)
        yield from ([element, elements[0]] for element in elements[-1:])
        yield list(elements)
    else:
        yield from elements


def _mix(schema: Schema, record: Record, smallest: Smallest, random: Random, levels: int) -> dict[str, object]:
    """A value with many fields, of each oneof one at most."""
    value = dict(smallest.message(record))
    taken: set[str] = set()
    count = min(len(record.fields), random.randint(0, _MIXED if levels == _LEVELS else 3))
    for field in random.sample(record.fields, count):
        oneof = wire_of(field).oneof
        if oneof is not None and oneof in taken:
            continue
        inner = schema.resolve(single_type(field.type))
        if isinstance(inner, Record):
            if not levels or not _is_writable(smallest, inner):
                continue
            held = _one(field, _mix(schema, inner, smallest, random, levels - 1))
        else:
            held = random.choice(list(_find_held(schema, field, smallest))[:_MIXED])
        taken.add(oneof or "")
        value[key_of(field)] = held
    return value
