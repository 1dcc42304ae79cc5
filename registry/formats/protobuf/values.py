"""Values of the messages of a schema, made up: enough of them to find out what a change does to each kind of value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from registry.formats.protobuf.elements import wire_of
from registry.formats.protobuf.reference import key_of
from registry.formats.protobuf.smallest import (
    Smallest,
    Unwritable,
    find_numbers,
    find_scalars,
    first_key,
    single_type,
)
from registry.schema import Array, Enum, Field, Map, Primitive, Record, Ref, Schema, Type

if TYPE_CHECKING:
    from random import Random

__all__ = ["Smallest", "Unwritable", "find_values"]

_DEEPEST: Final = 60
"""Messages on the way to one whose fields are tried out."""
_LEVELS: Final = 3
_MIXED: Final = 20
"""Values with many fields at once, and fields in one message of them."""


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
    from random import Random

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


def _mix(schema: Schema, record: Record, smallest: Smallest, random: "Random", levels: int) -> dict[str, object]:
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
