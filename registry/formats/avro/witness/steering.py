"""The way from an event's root to the value that a mismatch names, and values and schemas made along it.

A path counts in the reader's fields, and an alias may join them with others of the writer. So reader and writer are
walked together, as the resolution does it. Only what lies on the path is looked at.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from registry.formats.avro.reference import Branch, Chooser, find_takers
from registry.formats.avro.witness.excerpt import ENTRY, ITEM
from registry.formats.mismatch import Mismatch, Pair
from registry.frozen import replace
from registry.schema import Array, Enum, Field, Map, Named, Record, Ref, Schema, Type, Union
from registry.source import Location

KEY: Final = "k"
"""The key of the one entry of a map that is on the way."""

_find_steps: Final = re.compile(r"/[^/\[{]+|\[\]|\{\}").findall


class Written(NamedTuple):
    """The writer has a union here, and writes the branch at this position."""

    position: int


class Chosen(NamedTuple):
    """The reader has a union here, and reads by this branch of it."""

    union: Union
    branch: Type


class Entered(NamedTuple):
    """Both have a record here, and the path goes into a field of it."""

    reader: Record
    writer: Record
    field: Field
    source: Field | None
    """The writer's field; none where it has none, and where that is the mismatch."""


class Item(NamedTuple):
    """The one item of an array."""

    array: Array


class Entry(NamedTuple):
    """The one entry of a map."""

    map: Map


Step = Written | Chosen | Entered | Item | Entry


class Place(NamedTuple):
    """Where the types of reader and writer meet. Without a type of the writer the reader's stands alone."""

    reader: Type
    writer: Type | None
    way: tuple[Step, ...]
    """The steps from the root, the outermost first."""


def find_places(mismatch: Mismatch) -> Iterator[Place]:
    """The places that a mismatch can mean: of all that its path leads to those with its two locations.

    There are several where two branches of a union lead to one type.
    """
    pair = mismatch.pair
    settle = partial(_settle, pair, Chooser(pair.reader.types))
    places = list(settle(Place(pair.reader.root, pair.writer.root, ())))
    steps: list[str] = _find_steps(mismatch.path)
    for i, step in enumerate(steps):
        is_last = i == len(steps) - 1
        seen: set[tuple[int, int]] = set()
        below: list[Place] = []
        for place in places:
            for inner in _take(pair, place, step, is_last):
                # Where the writer has no such field, its records are what differs.
                key = (id(inner.reader), id(inner.writer or place.writer))
                if key not in seen:
                    seen.add(key)
                    below += settle(inner)
        places = below
    yield from (place for place in places if _is_meant(place, mismatch))


def _settle(pair: Pair, chooser: Chooser, place: Place) -> Iterator[Place]:
    """Takes unions apart. Where no branch of the reader's is chosen, its union itself stands in the place."""
    reader, writer, way = place
    if isinstance(writer, Union) and not writer.branches:
        yield place  # a union of nothing, which has no value
        return
    if isinstance(writer, Union):
        for i, branch in enumerate(writer.branches):
            yield from _settle(pair, chooser, Place(reader, branch, (*way, Written(i))))
        return
    if isinstance(reader, Union) and writer is not None:
        written = pair.writer.resolve(writer)
        assert not isinstance(written, Union)  # names stand for records, enums and fixed only
        chosen = chooser.choose_one(reader, written)
        if chosen is not None:
            yield Place(chosen, writer, (*way, Chosen(reader, chosen)))
            return
    yield place


def _take(pair: Pair, place: Place, step: str, is_last: bool) -> Iterator[Place]:
    """One step of the path."""
    if place.writer is None:
        return
    reader, writer, way = pair.reader.resolve(place.reader), pair.writer.resolve(place.writer), place.way
    if step == "[]" and isinstance(reader, Array) and isinstance(writer, Array):
        yield Place(reader.items, writer.items, (*way, Item(reader)))
    elif step == "{}" and isinstance(reader, Map) and isinstance(writer, Map):
        yield Place(reader.values, writer.values, (*way, Entry(reader)))
    elif isinstance(reader, Record) and isinstance(writer, Record):
        field = next((field for field in reader.fields if field.name == step[1:]), None)
        if field is None:
            return
        takers = find_takers(reader, writer)
        source = next((other for other in writer.fields if takers.get(other.name) is field), None)
        if source is not None:
            yield Place(field.type, source.type, (*way, Entered(reader, writer, field, source)))
        elif is_last:
            renamed = next((other for other in writer.fields if field.name in other.aliases), None)
            type_ = renamed.type if renamed is not None else None
            yield Place(field.type, type_, (*way, Entered(reader, writer, field, renamed)))


def _is_meant(place: Place, mismatch: Mismatch) -> bool:
    if mismatch.kind in ("reader_field_missing_default_value", "renamed_field_defaulted"):
        # What stands below the field does not matter, nor how its unions are taken apart.
        entered = next((step for step in reversed(place.way) if isinstance(step, Entered)), None)
        if entered is None or entered.field.at != mismatch.reader:
            return False
        return mismatch.writer in (entered.writer.at, entered.source.at if entered.source else None)
    if place.writer is None:
        return False
    reads = mismatch.reader in _spots(place.reader, mismatch.pair.reader)
    return reads and mismatch.writer in _spots(place.writer, mismatch.pair.writer)


def _spots(type_: Type, schema: Schema) -> Iterator[Location]:
    """What a mismatch may point at when it speaks of a type: its use, its definition and the parts of that."""
    yield type_.at
    yield type_.at.at("name")
    if isinstance(type_, Ref):
        named: Named = schema.types[type_.name]
        yield named.at
        yield from (named.at.at(part) for part in ("name", "size", "symbols"))
        if isinstance(named, Enum):
            yield from (symbol.at for symbol in named.symbols)


def build_value(way: Sequence[Step], leaf: object, beside: Callable[[Type | None, Type], object]) -> object:
    """A value of the writer's with ``leaf`` at the end of the way.

    ``beside`` gives the value of what is needed all the same: of a type of the writer's, and of the type that reads it.
    """
    value = leaf
    for step in reversed(way):
        if isinstance(step, Written):
            value = Branch(step.position, value)
        elif isinstance(step, Item):
            value = [value]
        elif isinstance(step, Entry):
            value = {KEY: value}
        elif isinstance(step, Entered):
            value = _build_record(step, value, beside)
    return value


def _build_record(step: Entered, value: object, beside: Callable[[Type | None, Type], object]) -> object:
    takers = find_takers(step.reader, step.writer)
    values: dict[str, object] = {}
    for field in step.writer.fields:
        taker = takers.get(field.name)
        values[field.name] = value if field is step.source else beside(taker.type if taker else None, field.type)
    return values


def cut_reader(place: Place, schema: Schema) -> Schema:
    """The reader that asks for nothing but the path: what fails beside it is not read then.

    Records on the way stand under a key of their own, so that the same types elsewhere are what they were.
    """
    types = dict(schema.types)
    type_ = place.reader
    for i, step in enumerate(reversed(place.way)):
        if isinstance(step, Chosen):
            branches = tuple(type_ if branch is step.branch else branch for branch in step.union.branches)
            type_ = replace(step.union, branches=branches)
        elif isinstance(step, Item):
            type_ = replace(step.array, items=type_)
        elif isinstance(step, Entry):
            type_ = replace(step.map, values=type_)
        elif isinstance(step, Entered):
            key = f"{step.reader.name}/{i}"  # no name of Avro has a slash
            types[key] = replace(step.reader, fields=(replace(step.field, type=type_),))
            type_ = Ref(key, step.reader.at)
    return replace(schema, roots=(type_,), types=types)


def read_path(way: Sequence[Step]) -> list[str]:
    """The way as a path into what the reader makes of the value."""
    return [name for step in way if (name := _PATHS.get(type(step)) or (isinstance(step, Entered) and step.field.name))]


def written_path(way: Sequence[Step]) -> list[str]:
    """The way as a path into what is written; it ends where the writer has no such field."""
    names = (
        _PATHS.get(type(step)) or (isinstance(step, Entered) and step.source is not None and step.source.name)
        for step in way
    )
    return [name for name in names if name]


_PATHS: Final[Mapping[type, str]] = {Item: ITEM, Entry: ENTRY}
