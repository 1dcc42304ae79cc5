"""Whether what was read means what was written: both as values, field by field, by number.

A removed field is gone, an added one has its default, a renamed one is the same; zero and absent are the same where one
side cannot tell them apart.
"""

from collections.abc import Mapping, Sequence, Set
from math import isnan
from typing import NamedTuple, cast

from registry.formats.protobuf.elements import Element, Side, element_of, is_entry, plain_element, wire_of
from registry.formats.protobuf.reference import Value, default_of, encode, key_of
from registry.schema import Array, Enum, Field, Map, Primitive, Record, Schema


class Half(NamedTuple):
    """One schema of a pair, ready to be asked."""

    schema: Schema
    side: Side


class Halves(NamedTuple):
    """Both schemas."""

    reader: Half
    writer: Half


def find_halves(reader: Schema, writer: Schema) -> Halves:
    """The two halves of a pair."""
    return Halves(Half(reader, Side(reader.types)), Half(writer, Side(writer.types)))


def is_same_message(halves: Halves, reader: Record, writer: Record, read: Value, written: Value) -> bool:
    """Whether each field that both messages have holds the same."""
    theirs = {wire_of(field).number: field for field in writer.fields}
    return all(
        is_same_field(halves, (reader, mine), (writer, theirs[number]), read, written)
        for mine in reader.fields
        if (number := wire_of(mine).number) in theirs
    )


def is_same_field(
    halves: Halves, reader: tuple[Record, Field], writer: tuple[Record, Field], read: Value, written: Value
) -> bool:
    """Whether a field, given with its message, holds the same in both messages."""
    mine, theirs = reader[1], writer[1]
    if isinstance(mine.type, Map) and isinstance(theirs.type, Map):
        return _is_same_map(halves, (mine, mine.type), (theirs, theirs.type), read, written)
    elements = element_of(mine, halves.reader.side), element_of(theirs, halves.writer.side)
    if {wire_of(mine).presence, wire_of(theirs).presence} & {"repeated"}:
        was, is_ = list_elements(theirs, written), list_elements(mine, read)
        if isinstance(mine.type, Map) or isinstance(theirs.type, Map):
            was, is_ = _sort_entries(was, elements[1]), _sort_entries(is_, elements[0])
        elif "implicit" in {wire_of(mine).presence, wire_of(theirs).presence}:
            was, is_ = [each for each in was if each], [each for each in is_ if each]
        return len(was) == len(is_) and all(
            _is_same(halves, elements, got, sent) for got, sent in zip(is_, was, strict=True)
        )
    if elements[0].record is not None or elements[1].record is not None:
        here, there = read.get(key_of(mine)), written.get(key_of(theirs))
        scalar = elements[0].scalar
        if there is not None and scalar is not None and scalar.family == "bytes" and not is_explicit(mine):
            here = here or b""  # of a message with nothing in it
        if here is None or there is None:
            return here is there
        return _is_same(halves, elements, here, there)
    tell = is_explicit(mine) and is_explicit(theirs) and not (is_entry(reader[0]) or is_entry(writer[0]))
    if tell and (key_of(mine) in read) is not (key_of(theirs) in written):
        return False  # both tell an absent field from a zero; an entry of a map always has its two
    got = _effective(halves.reader.schema, reader, read)
    return _is_same(halves, elements, got, _effective(halves.writer.schema, writer, written))


def is_explicit(field: Field) -> bool:
    """Whether the field tells an absent value from a zero."""
    return wire_of(field).presence != "implicit"


def _effective(schema: Schema, owned: tuple[Record, Field], value: Value) -> object:
    key = key_of(owned[1])
    return value[key] if key in value else default_of(schema, *owned)


def list_elements(field: Field, value: Value) -> list[object]:
    """What a field holds, one by one; the entries of a map as messages of key and value."""
    key = key_of(field)
    if key not in value:
        return []
    if isinstance(field.type, Map):
        return [{"key": name, "value": each} for name, each in cast(Mapping[object, object], value[key]).items()]
    return list(cast(Sequence[object], value[key])) if isinstance(field.type, Array) else [value[key]]


def _sort_entries(entries: list[object], element: Element) -> list[object]:
    """Entries by their keys: those of a map have no order."""
    fields = element.record.fields if element.record is not None else ()
    key = next((key_of(field) for field in fields if wire_of(field).number == 1), "")
    return sorted(entries, key=lambda entry: repr(_plain(entry.get(key))) if isinstance(entry, Mapping) else "")


def _is_same_map(
    halves: Halves, reader: tuple[Field, Map], writer: tuple[Field, Map], read: Value, written: Value
) -> bool:
    keys, values = [], []
    for (field, map_), half in zip((reader, writer), halves, strict=True):
        wire = wire_of(field)
        keys.append(plain_element(map_.keys or Primitive("string", map_.at), half.side, wire))
        values.append(plain_element(map_.values, half.side, wire))
    got = cast(Mapping[object, object], read.get(key_of(reader[0]), {}))
    sent = cast(Mapping[object, object], written.get(key_of(writer[0]), {}))
    found = {_plain(key): key for key in got}
    if len(got) != len(sent):
        return False
    for key, each in sent.items():
        mine = found.get(_plain(key))
        if mine is None and _plain(key) not in found:
            return False
        if not _is_same(halves, (keys[0], keys[1]), mine, key):
            return False
        if not _is_same(halves, (values[0], values[1]), got[mine], each):
            return False
    return True


def _is_same(halves: Halves, elements: tuple[Element, Element], got: object, sent: object) -> bool:
    """Whether one element is the same, the elements given as (reader, writer)."""
    mine, theirs = elements
    if mine.record is not None and theirs.record is not None:
        if not isinstance(got, Mapping) or not isinstance(sent, Mapping):
            return got is sent
        return is_same_message(halves, mine.record, theirs.record, got, sent)
    if mine.record is not None or theirs.record is not None:
        if theirs.record is None or mine.scalar is None or mine.scalar.family != "bytes":
            return False
        return is_entry(theirs.record) or got == encode(halves.writer.schema, theirs.record.name, cast(Value, sent))
    if mine.enum is not None and theirs.enum is not None and isinstance(got, int) and isinstance(sent, int):
        return got == sent and not _means_another(mine.enum, theirs.enum, got)
    if mine.scalar is not None and mine.scalar.family == "string" and isinstance(got, bytes):
        return theirs.scalar is not None and theirs.scalar.family == "string" and got == sent
    return _plain(got) == _plain(sent)


def _means_another(reader: Enum, writer: Enum, number: int) -> bool:
    """Whether a number has a name on the one side that the other side gives to another number."""
    mine, theirs = names_of(reader, number), names_of(writer, number)
    if mine & theirs:
        return False
    return any(symbol.name in theirs for symbol in reader.symbols) or any(
        symbol.name in mine for symbol in writer.symbols
    )


def names_of(enum: Enum, number: int) -> Set[str]:
    """The names of a value of an enum."""
    return {symbol.name for symbol in enum.symbols if symbol.number == number}


def _plain(value: object) -> object:
    """A scalar without its type: text is bytes, nan is equal to nan, and all zeros are one."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if isinstance(value, float) and isnan(value):
        return "nan"
    return value or 0
