"""Two fields of one number: names, types, how often, and what absence means."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from registry.formats.mismatch import Direction, Mismatch, Step
from registry.formats.protobuf.elements import (
    Element,
    Side,
    element_of,
    holds_more,
    is_entry,
    judge_elements,
    label,
    plain_element,
    tell_consequence,
    title,
    wire_of,
    words_of,
)
from registry.formats.protobuf.enums import compare_defaults
from registry.formats.protobuf.messages import Messages
from registry.formats.protobuf.words import (
    HELP,
    INTEGER_READ_AS_CLOSED,
    Spot,
    in_order,
    report,
    tell_unknown,
    ways_out,
)
from registry.schema import MISSING, Field, Map, Named, Primitive, Ref

_ENCODINGS: Final = ("length-prefixed", "delimited")

Queue = list[tuple[Spot, Named, Named]]
"""Pairs of types that fields lead to, and that wait to be compared."""

_FOREIGN: Final = frozenset({"field_type_changed", "message_type_changed", "message_encoding_changed"})
"""After these there is nothing left to compare but whether the field may be missing."""


class Two(NamedTuple):
    """Two fields of one number, each with its element: of a list the items, of two maps the values."""

    spot: Spot
    messages: Messages
    reader: Field
    writer: Field
    mine: Element
    theirs: Element

    @property
    def in_order(self) -> tuple[Field, Field]:
        """The fields as (before, after)."""
        return in_order(self.spot.pair, self.reader, self.writer)

    @property
    def label(self) -> str:
        """The field in words, as it was before the change."""
        return label(self.in_order[0], self.messages.before)

    @property
    def is_renamed(self) -> bool:
        """Whether the number has another name; the name of an extension is always another."""
        before, after = self.in_order
        return before.name != after.name and wire_of(before).extension == wire_of(after).extension

    @property
    def words(self) -> Mapping[str, object]:
        """What ways out may speak of."""
        before, after = self.in_order
        old = wire_of(before)
        return {
            "name": after.name,
            "number": old.number,
            "old_type": self._in_words(before),
            "new_type": self._in_words(after),
            "old_json": old.json_name,
            "old_encoding": _ENCODINGS[old.delimited],
        }

    def _in_words(self, field: Field) -> str:
        element = self.mine if field is self.reader else self.theirs
        return element.words if element.enum is not None and isinstance(field.type, Ref) else words_of(field.type)


def compare_fields(
    spot: Spot, fields: tuple[Field, Field], messages: Messages, sides: tuple[Side, Side], queue: Queue
) -> Iterator[Mismatch]:
    """Why the reader's field does not read what the writer's wrote; each pair is (reader, writer).

    Messages and enums that both sides hold are put into the queue, unless the number means another field than before:
    then it has another name, and either that name or the old one lives on elsewhere, or the type loses something.
    """
    reader, writer = fields
    if isinstance(reader.type, Map) and isinstance(writer.type, Map):
        mine = plain_element(reader.type.values, sides[0], wire_of(reader))
        theirs = plain_element(writer.type.values, sides[1], wire_of(writer))
    else:
        mine, theirs = element_of(reader, sides[0]), element_of(writer, sides[1])
    two = Two(spot, messages, reader, writer, mine, theirs)
    before, after = two.in_order
    kind = _judge(two, sides[0])
    leads: Queue = []
    losses = [] if messages.moved(after) else list(_compare_types(two, kind, sides, leads))
    worst = next((loss for loss in losses if loss.step is not Step.SOURCE), None)
    loses = worst is not None and words_of(before.type) != words_of(after.type)
    if messages.moved(after):
        messages.foreign.add(wire_of(after).number)  # told by the field that moved
    elif two.is_renamed and (loses or messages.was_elsewhere(after)):
        messages.foreign.add(wire_of(after).number)
        yield _report_reuse(two, worst)
    elif messages.moved(before):
        messages.foreign.add(wire_of(after).number)  # likewise
    else:
        yield from _compare_names(two)
        yield from losses
        queue.extend(leads)
        if kind not in _FOREIGN:
            yield from _compare_presence(two)
            return
    yield from _compare_required(two)


def _judge(two: Two, side: Side) -> str | None:
    kind = judge_elements(two.mine, two.theirs)
    mine, theirs = two.mine.record, two.theirs.record
    if kind is None and mine is not None and theirs is not None:
        if is_entry(mine) and holds_more(theirs):
            return "field_type_changed"
        if not side.is_akin(mine, theirs):
            return "message_type_changed"
    return kind


def _compare_types(two: Two, kind: str | None, sides: tuple[Side, Side], queue: Queue) -> Iterator[Mismatch]:
    """What becomes of the elements, of the keys, and of how many there are."""
    if kind is not None:
        yield _report_type(two, kind, (two.mine, two.theirs), "value" if _are_maps(two) else "")
    elif two.mine.record is not None and two.theirs.record is not None:
        spot = two.spot.down(_suffix(two.reader), two.reader.at, two.writer.at)
        queue.append((spot, two.mine.record, two.theirs.record))
    keys = _find_keys(two.reader, two.writer, sides)
    key_kind = judge_elements(*keys) if keys is not None else None
    if keys is not None and key_kind is not None and key_kind != kind:
        yield _report_type(two, "map_key_narrowed" if key_kind == "integer_narrowed" else key_kind, keys, "key")
    if kind not in _FOREIGN:
        yield from _compare_cardinality(two)
        yield from _compare_enums(two, sides[0], queue)


def _suffix(field: Field) -> str:
    return "{}" if isinstance(field.type, Map) else "[]" if wire_of(field).presence == "repeated" else ""


def _compare_names(two: Two) -> Iterator[Mismatch]:
    before, after = two.in_order
    old, new = wire_of(before), wire_of(after)
    if two.is_renamed:
        ways = HELP["field_name_changed"]
        if two.messages.is_shown(old.json_name, new.number):
            ways = tuple(way for way in ways if "json_name" not in way)
        yield report("field_name_changed", two.spot, f"{two.label} was renamed to '{after.name}'", two.words, help=ways)
    elif old.extension != new.extension:
        was, is_ = ("an extension", "a field of the message")[:: 1 if old.extension else -1]
        fact = f"number {new.number} ('{after.name}') of {title(two.messages.before)} was {was} and is {is_}"
        yield report("extension_changed", two.spot, fact)
    elif old.json_name != new.json_name and not old.extension:
        fact = f"{two.label} changed its JSON name from '{old.json_name}' to '{new.json_name}'"
        taken = two.messages.is_shown(old.json_name, new.number)
        ways = ("give '{old_json}' back to this field, and the other one another JSON name",) if taken else ()
        yield report("json_name_changed", two.spot, fact, two.words, help=ways)


def _report_reuse(two: Two, worst: Mismatch | None) -> Mismatch:
    before, after = two.in_order
    number, message = wire_of(after).number, title(two.messages.before)
    was, is_ = (f"'{field.name}' ({words_of(field.type)})" for field in (before, after))
    consequence = f"reads what was written as '{two.writer.name}'"
    if worst is not None and worst.step is Step.BREAK:
        consequence = worst.consequence
    return report(
        "field_number_reused",
        two.spot.at(two.reader.type.at, two.writer.type.at),
        f"number {number} of {message} was {was} and is now {is_}",
        two.words,
        consequence=consequence,
        reader_type=words_of(two.reader.type),
        writer_type=words_of(two.writer.type),
    )


def _report_type(two: Two, kind: str, elements: tuple[Element, Element], entry: str) -> Mismatch:
    """What became of the elements (reader, writer): of a map its keys or values, as ``entry`` says."""
    before, after = two.in_order
    old, new = words_of(before.type), words_of(after.type)
    ways: tuple[str, ...] = ()
    if old != new:
        fact = f"{two.label} changed from {old} to {new}"
    elif kind == "message_encoding_changed":
        was, is_ = _ENCODINGS[wire_of(before).delimited], _ENCODINGS[wire_of(after).delimited]
        fact = f"{two.label} changed from {was} to {is_} encoding"
    else:
        fact = f"{two.label} {'now verifies' if wire_of(after).verifies_utf8 else 'no longer verifies'} UTF-8"
        ways = ("keep the validation of UTF-8 as it was", *ways_out(kind, two.spot.pair.direction)[1:])
    consequence = ""
    if kind == "field_type_changed":
        packed, repeated = wire_of(two.writer).packed, wire_of(two.reader).presence == "repeated"
        consequence = tell_consequence(*elements, packed=packed, repeated=repeated, entry=entry)
        if elements[0].record is not None and elements[1].record is not None:
            consequence = "what holds anything but a key (1) and a value (2) is left out of the map"
    elif kind == "message_type_changed" and not (two.mine.well_known or two.theirs.well_known):
        former, latter = in_order(two.spot.pair, two.mine.words, two.theirs.words)
        consequence = f"reads as something else: no field of {former} has its number and name in {latter}"
    return report(
        kind,
        two.spot.at(two.reader.type.at, two.writer.type.at),
        fact,
        two.words,
        consequence=consequence,
        help=ways,
        reader_type=words_of(two.reader.type),
        writer_type=words_of(two.writer.type),
    )


def _are_maps(two: Two) -> bool:
    return isinstance(two.reader.type, Map) and isinstance(two.writer.type, Map)


def _find_keys(reader: Field, writer: Field, sides: tuple[Side, Side]) -> tuple[Element, Element] | None:
    """The keys of two maps, as (reader, writer)."""
    if not isinstance(reader.type, Map) or not isinstance(writer.type, Map):
        return None
    mine, theirs = (
        plain_element(map_.keys or Primitive("string", map_.at), side, wire_of(field))
        for field, map_, side in ((reader, reader.type, sides[0]), (writer, writer.type, sides[1]))
    )
    return mine, theirs


def _compare_required(two: Two) -> Iterator[Mismatch]:
    if wire_of(two.reader).presence == "required" and not _is_always_written(two):
        became = "became" if two.spot.pair.direction is Direction.BACKWARD else "is no longer"
        yield report("required_field_missing", two.spot, f"{two.label} {became} required")


def _compare_cardinality(two: Two) -> Iterator[Mismatch]:
    many, was_many = (wire_of(field).presence == "repeated" for field in (two.reader, two.writer))
    before, after = two.in_order
    fact = f"{two.label} changed from {words_of(before.type)} to {words_of(after.type)}"
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
        yield report("enum_read_as_integer", two.spot, f"{two.label} changed from {old} to {new}", two.words)
    if mine.enum is None or not mine.enum.closed or side.covers(mine, theirs):
        return
    if theirs.enum is None:
        fact = f"{two.label} is read as {mine.words}, which is closed, and was written as {theirs.words}"
        ways = INTEGER_READ_AS_CLOSED[two.spot.pair.direction]
        gone = tell_unknown(_suffix(two.reader))
        yield report("closed_enum_value_unknown", two.spot, fact, two.words, consequence=gone, help=ways)
    if wire_of(two.reader).presence == "required":
        fact = f"{two.label} is required, and {mine.words} does not know every value that may be written"
        yield report("enum_value_required", two.spot, fact, two.words)


def _compare_presence(two: Two) -> Iterator[Mismatch]:
    yield from _compare_required(two)
    reader, writer = two.reader, two.writer
    mine, theirs = wire_of(reader).presence, wire_of(writer).presence
    if "repeated" in {mine, theirs} or two.mine.record is not None or two.theirs.record is not None:
        return
    default, other = _default(reader, two.mine), _default(writer, two.theirs)
    same_oneofs = (wire_of(reader).oneof is None) == (wire_of(writer).oneof is None)
    entry = is_entry(two.messages.before) or is_entry(two.messages.after)
    if {mine, theirs} == {"implicit", "explicit"} and default == other and same_oneofs and not entry:
        old, new = in_order(two.spot.pair, mine, theirs)
        zero = _show(writer, two.theirs, other)
        same = f"a written {zero} and an absent field become the same, or stop being the same"
        fact = f"{two.label} changed from {old} to {new} presence"
        yield report("presence_changed", two.spot, fact, two.words, consequence=same)
    if default == other or _is_always_written(two):
        return
    if two.mine.enum is not None and two.theirs.enum is not None and _have_first_values(two):
        yield from compare_defaults(two.spot, two.mine.enum, two.theirs.enum)
        return
    mine_shown, theirs_shown = _show(reader, two.mine, default), _show(writer, two.theirs, other)
    if theirs == "implicit":
        fact = f"{two.label} is absent where {theirs_shown} was written, and has the default {mine_shown}"
        told = f"a written {theirs_shown} reads as {mine_shown}"
        yield report("presence_lost", two.spot, fact, two.words, consequence=told)
    else:
        old, new = in_order(two.spot.pair, mine_shown, theirs_shown)
        fact = f"the default of {two.label} changed from {old} to {new}"
        yield report("implicit_default_changed", two.spot, fact, two.words)


def _is_always_written(two: Two) -> bool:
    """Whether the writer never leaves the field out: it is required, or the key or value of a map's entry."""
    _, writer = in_order(two.spot.pair, two.messages.before, two.messages.after)  # and back: (reader, writer)
    return wire_of(two.writer).presence == "required" or is_entry(writer)


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


def _show(field: Field, element: Element, default: object) -> str:
    """A default as it would be declared; that of an enum in quotes like text, because it is a name."""
    declared = field.default if isinstance(field.default, str) else None
    if element.enum is not None:
        named = (symbol.name for symbol in element.enum.symbols if symbol.number == default)
        return f"'{declared or next(named, default)}'"
    if element.scalar is not None and element.scalar.family in {"string", "bytes"}:
        return repr(declared or "") if element.scalar.family == "string" else f"'{declared or ''}'"
    if element.scalar is not None and element.scalar.bits == 1:
        return "true" if default else "false"
    return declared or str(default)
