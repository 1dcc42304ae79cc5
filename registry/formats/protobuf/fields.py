"""Two fields of one number: names, types, how often, and what absence means."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from registry.formats.mismatch import Direction, Mismatch
from registry.formats.protobuf.elements import (
    Element,
    Side,
    element_of,
    judge_elements,
    plain_element,
    tell_consequence,
    wire_of,
    words_of,
)
from registry.formats.protobuf.enums import compare_defaults
from registry.formats.protobuf.words import Spot, in_order, report
from registry.schema import MISSING, Field, Map, Named, Primitive

Queue = list[tuple[Spot, Named, Named]]
"""Pairs of types that fields lead to, and that wait to be compared."""

_FOREIGN: Final = frozenset(
    {"field_type_changed", "field_number_reused", "message_type_changed", "message_encoding_changed"}
)
"""After these there is nothing left to compare but whether the field may be missing."""


class Two(NamedTuple):
    """Two fields of one number, each with its element: of a list the items, of two maps the values."""

    spot: Spot
    reader: Field
    writer: Field
    mine: Element
    theirs: Element

    @property
    def in_order(self) -> tuple[Field, Field]:
        """The fields as (before, after)."""
        return in_order(self.spot.pair, self.reader, self.writer)

    @property
    def words(self) -> Mapping[str, object]:
        """What ways out may speak of."""
        before, after = self.in_order
        old = wire_of(before)
        return {
            "name": after.name,
            "number": old.number,
            "old_type": words_of(before.type),
            "old_json": old.json_name,
        }


def label(field: Field) -> str:
    """A field in words."""
    return f"{'extension' if wire_of(field).extension else 'field'} '{field.name}' ({wire_of(field).number})"


def compare_fields(
    spot: Spot, fields: tuple[Field, Field], sides: tuple[Side, Side], queue: Queue, *, moved: bool
) -> Iterator[Mismatch]:
    """Why the reader's field does not read what the writer's wrote; each pair is (reader, writer).

    Messages and enums that both sides hold are put into the queue. ``moved``: by their names the two have nothing to do
    with each other, which is said elsewhere.
    """
    reader, writer = fields
    if isinstance(reader.type, Map) and isinstance(writer.type, Map):
        mine = plain_element(reader.type.values, sides[0], wire_of(reader))
        theirs = plain_element(writer.type.values, sides[1], wire_of(writer))
    else:
        mine, theirs = element_of(reader, sides[0]), element_of(writer, sides[1])
    two = Two(spot, reader, writer, mine, theirs)
    before, after = two.in_order
    renamed = before.name != after.name and wire_of(before).extension == wire_of(after).extension
    kind = judge_elements(mine, theirs)
    if kind == "field_type_changed" and renamed:
        kind = "field_number_reused"
    if not moved and kind != "field_number_reused":
        yield from _compare_names(two, renamed)
    if kind is not None:
        yield _report_type(two, kind)
    elif mine.record is not None and theirs.record is not None:
        queue.append((spot.down(_suffix(reader), reader.at, writer.at), mine.record, theirs.record))
    key_kind = _judge_keys(reader, writer, sides)
    if key_kind is not None and key_kind != kind:
        yield _report_type(two, key_kind)
    if kind in _FOREIGN:
        yield from _compare_required(two)
        return
    yield from _compare_cardinality(two)
    yield from _compare_enums(two, sides[0], queue)
    yield from _compare_presence(two)


def _suffix(field: Field) -> str:
    return "{}" if isinstance(field.type, Map) else "[]" if wire_of(field).presence == "repeated" else ""


def _compare_names(two: Two, renamed: bool) -> Iterator[Mismatch]:
    before, after = two.in_order
    old, new = wire_of(before), wire_of(after)
    if renamed:
        yield report("field_name_changed", two.spot, f"{label(before)} was renamed to '{after.name}'", two.words)
    elif old.extension != new.extension:
        was, is_ = ("an extension", "a field of the message")[:: 1 if old.extension else -1]
        yield report("extension_changed", two.spot, f"number {new.number} ('{after.name}') was {was} and is {is_}")
    elif old.json_name != new.json_name and not old.extension:
        fact = f"{label(after)} changed its JSON name from '{old.json_name}' to '{new.json_name}'"
        yield report("json_name_changed", two.spot, fact, two.words)


def _report_type(two: Two, kind: str) -> Mismatch:
    before, after = two.in_order
    old, new = words_of(before.type), words_of(after.type)
    if kind == "field_number_reused":
        fact = f"number {wire_of(after).number} was '{before.name}' ({old}) and is now '{after.name}' ({new})"
    elif old != new:
        fact = f"{label(after)} changed from {old} to {new}"
    elif kind == "message_encoding_changed":
        encodings = ("length-prefixed", "delimited")
        was, is_ = encodings[wire_of(before).delimited], encodings[wire_of(after).delimited]
        fact = f"{label(after)} changed from {was} to {is_} encoding"
    else:
        fact = f"{label(after)} {'now verifies' if wire_of(after).verifies_utf8 else 'no longer verifies'} UTF-8"
    repeated = wire_of(two.reader).presence == "repeated"
    consequence = tell_consequence(two.mine, two.theirs, packed=wire_of(two.writer).packed, repeated=repeated)
    return report(
        kind,
        two.spot.at(two.reader.type.at, two.writer.type.at),
        fact,
        two.words,
        consequence=consequence if kind in ("field_type_changed", "field_number_reused") else "",
        reader_type=words_of(two.reader.type),
        writer_type=words_of(two.writer.type),
    )


def _judge_keys(reader: Field, writer: Field, sides: tuple[Side, Side]) -> str | None:
    """What becomes of the keys of two maps."""
    if not isinstance(reader.type, Map) or not isinstance(writer.type, Map):
        return None
    mine, theirs = (
        plain_element(map_.keys or Primitive("string", map_.at), side, wire_of(field))
        for field, map_, side in ((reader, reader.type, sides[0]), (writer, writer.type, sides[1]))
    )
    kind = judge_elements(mine, theirs)
    return "map_key_narrowed" if kind == "integer_narrowed" else kind


def _compare_required(two: Two) -> Iterator[Mismatch]:
    if wire_of(two.reader).presence == "required" and wire_of(two.writer).presence != "required":
        became = "became" if two.spot.pair.direction is Direction.BACKWARD else "is no longer"
        yield report("required_field_missing", two.spot, f"{label(two.reader)} {became} required")


def _compare_cardinality(two: Two) -> Iterator[Mismatch]:
    many, was_many = (wire_of(field).presence == "repeated" for field in (two.reader, two.writer))
    before, after = two.in_order
    fact = f"{label(after)} changed from {words_of(before.type)} to {words_of(after.type)}"
    place = two.spot.at(two.reader.type.at, two.writer.type.at)
    if many == was_many:
        if isinstance(two.reader.type, Map) != isinstance(two.writer.type, Map):
            kind = "entries_read_as_map" if isinstance(two.reader.type, Map) else "map_read_as_entries"
            yield report(kind, place, fact, two.words)
    elif was_many and two.mine.record is not None:
        yield report("repeated_read_as_singular", place, fact, two.words, consequence="the elements merge into one")
    elif was_many and wire_of(two.writer).packed:
        yield report("repeated_read_as_singular", place, fact, two.words, consequence="reads as empty")
    elif was_many:
        yield report("repeated_last_wins", place, fact, two.words)


def _compare_enums(two: Two, side: Side, queue: Queue) -> Iterator[Mismatch]:
    mine, theirs = two.mine, two.theirs
    if mine.enum is not None and theirs.enum is not None:
        queue.append((two.spot.down(_suffix(two.reader), mine.enum.at, theirs.enum.at), mine.enum, theirs.enum))
    elif mine.enum is not None or theirs.enum is not None:
        old, new = in_order(two.spot.pair, mine.words, theirs.words)
        yield report("enum_read_as_integer", two.spot, f"{label(two.reader)} changed from {old} to {new}", two.words)
    if mine.enum is None or not mine.enum.closed or side.covers(mine, theirs):
        return
    if theirs.enum is None:
        fact = f"{label(two.reader)} is read as {mine.words}, which is closed, and was written as {theirs.words}"
        yield report("closed_enum_value_unknown", two.spot, fact, two.words)
    if wire_of(two.reader).presence == "required":
        fact = f"{label(two.reader)} is required, and {mine.words} does not know every value that may be written"
        yield report("enum_value_required", two.spot, fact, two.words)


def _compare_presence(two: Two) -> Iterator[Mismatch]:
    yield from _compare_required(two)
    reader, writer = two.reader, two.writer
    mine, theirs = wire_of(reader).presence, wire_of(writer).presence
    if "repeated" in {mine, theirs} or two.mine.record is not None or two.theirs.record is not None:
        return
    default, other = _default(reader, two.mine), _default(writer, two.theirs)
    same_oneofs = (wire_of(reader).oneof is None) == (wire_of(writer).oneof is None)
    if {mine, theirs} == {"implicit", "explicit"} and default == other and same_oneofs:
        old, new = in_order(two.spot.pair, mine, theirs)
        yield report("presence_changed", two.spot, f"{label(reader)} changed from {old} to {new} presence", two.words)
    if default == other or theirs == "required":
        return
    if two.mine.enum is not None and two.theirs.enum is not None and _have_first_values(two):
        yield from compare_defaults(two.spot, two.mine.enum, two.theirs.enum)
        return
    if theirs == "implicit":
        fact = f"{label(reader)} is absent where a zero was written, and has the default {_show(reader, default)}"
        yield report("presence_lost", two.spot, fact, two.words)
    else:
        old, new = in_order(two.spot.pair, _show(reader, default), _show(writer, other))
        fact = f"the default of {label(reader)} changed from {old} to {new}"
        yield report("implicit_default_changed", two.spot, fact, two.words)


def _have_first_values(two: Two) -> bool:
    """Whether what is absent reads as the first value of the enum, on both sides."""
    implicit = wire_of(two.writer).presence == "implicit"
    return two.reader.default is MISSING and two.writer.default is MISSING and not implicit


def _default(field: Field, element: Element) -> object:
    """What the field reads as where it is absent: a number for numbers, booleans and enums, and 0 for no text."""
    text = field.default
    if element.enum is not None and element.numbers is not None:
        first = element.enum.symbols[0].number
        return element.numbers.by_name.get(text, first) if isinstance(text, str) else first
    if text is MISSING:
        return 0
    if element.scalar is None or element.scalar.family in {"string", "bytes"}:
        return text or 0
    if text in {"true", "false"}:
        return int(text == "true")
    if element.scalar.bits:
        return int(str(text))
    number = float(str(text))
    return str(number) if number else 0  # as text, because nan is not equal to nan


def _show(field: Field, default: object) -> str:
    return repr(field.default) if isinstance(field.default, str) else str(default)
