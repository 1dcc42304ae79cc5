"""Why one message cannot read another's bytes: a walk over pairs of messages, by field number.

Each rule lives where its noun does: fields in ``fields``, what one element holds in ``elements``, then ``enums`` and
``oneofs``; what only Confluent's registry minds is in ``confluent``.
"""

from collections.abc import Iterator
from itertools import chain

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf.confluent import find_confluent
from registry.formats.protobuf.elements import Side, element_of, full_name, is_entry, label, title, wire_of, words_of
from registry.formats.protobuf.enums import compare_defaults, compare_enums
from registry.formats.protobuf.fields import Queue, compare_fields
from registry.formats.protobuf.messages import Messages, find_free_extensions, find_known_extensions
from registry.formats.protobuf.moves import compare_moves
from registry.formats.protobuf.naming import Namer
from registry.formats.protobuf.oneofs import compare_oneofs
from registry.formats.protobuf.ranges import LAST_FIELD, Range, show, subtract
from registry.formats.protobuf.roots import pair_roots
from registry.formats.protobuf.words import HELP, Spot, in_order, report
from registry.schema import Enum, Field, Record
from registry.source import Location


def find_mismatches(pair: Pair) -> Iterator[Mismatch]:
    """Why the reader of the pair cannot read what its writer writes, in a fixed order; each pair of types once.

    What does not depend on who reads (a name changed, a field removed) is yielded for either direction in the same
    words; whoever judges both drops the second. Paths are field names from the event's root: ``/order/items[]/price``,
    with ``{}`` for the values of a map, and ``/`` for the event itself. Among several roots they begin with the name of
    one: ``/Order/items[]/price``.
    """
    said: set[tuple[str, str, str, str, str]] = set()
    namer = Namer()
    for mismatch in _find_all(pair):
        reader, writer = mismatch.reader, mismatch.writer
        key = (mismatch.kind, mismatch.fact, reader.path, reader.pointer, writer.pointer)
        if key not in said:  # an enum's default concerns each field that has none
            said.add(key)
            yield namer.name(mismatch)


def _find_all(pair: Pair) -> Iterator[Mismatch]:
    queue: Queue = []
    sides = Side(pair.reader.types), Side(pair.writer.types)
    yield from pair_roots(pair, sides, queue)
    yield from _walk(queue, sides)
    if pair.profile == "confluent":
        yield from find_confluent(pair)


def _walk(queue: Queue, sides: tuple[Side, Side]) -> Iterator[Mismatch]:
    """Compare the roots, and what they lead to, first come first served; each pair of types once."""
    seen: set[tuple[str, str]] = set()
    roots = len(queue)
    for index, (spot, reader, writer) in enumerate(queue):  # grows while it is read
        if reader is writer or (reader.name, writer.name) in seen:
            continue
        seen.add((reader.name, writer.name))
        if isinstance(reader, Record) and isinstance(writer, Record):
            yield from _compare_records(spot.at(reader.at, writer.at), (reader, writer), sides, queue)
        elif isinstance(reader, Enum) and isinstance(writer, Enum):
            yield from compare_enums(spot.at(reader.at, writer.at), reader, writer)
            if index < roots:  # whoever uses it may leave it absent
                yield from compare_defaults(spot, reader, writer)


def _compare_records(
    here: Spot, records: tuple[Record, Record], sides: tuple[Side, Side], queue: Queue
) -> Iterator[Mismatch]:
    """Two messages, as (reader, writer)."""
    reader, writer = records
    messages = Messages(here.pair, records, sides)
    # A reader of sets reads plain extensions as well; and what no reader knows is no loss.
    shared = chain(find_known_extensions(reader, writer), find_free_extensions(reader, writer))
    if writer.message_set and not reader.message_set and next(shared, None) is not None:
        fact = (
            f"message {messages.after.name} {'became' if messages.after.message_set else 'is no longer'} a message set"
        )
        yield report("message_set_changed", here, fact)
    for number in sorted(messages.mine.keys() | messages.theirs.keys()):
        mine, theirs = messages.mine.get(number), messages.theirs.get(number)
        if mine is not None and theirs is not None:
            place = here.down(f"/{messages.new[number].name}", mine.at, theirs.at)
            yield from compare_fields(place, (mine, theirs), messages, sides, queue)
        elif number in messages.old:
            yield from _report_gone(here, messages.old[number], messages)
        if mine is not None and theirs is None and wire_of(mine).presence == "required":
            what = "was added as" if here.pair.direction is Direction.BACKWARD else "was removed and is"
            place = here.down(f"/{mine.name}", mine.at, writer.at)
            yield report("required_field_missing", place, f"{label(mine, reader)} {what} required")
    if is_entry(reader) and not is_entry(writer):
        yield from _compare_value(here, messages, sides[0])
    yield from compare_moves(here, messages, sides)
    yield from compare_oneofs(here, messages)
    yield from _compare_ranges(here, messages)


def _compare_value(here: Spot, messages: Messages, side: Side) -> Iterator[Mismatch]:
    """An entry of a map without a value has an empty one; that of a message may lack what the message requires."""
    mine, theirs = messages.mine[2], messages.theirs.get(2)
    record = element_of(mine, side).record
    needed = next((each for each in record.fields if wire_of(each).presence == "required"), None) if record else None
    if record is not None and needed is not None and (theirs is None or wire_of(theirs).presence != "required"):
        fact = f"what is read as an entry may have no value, and {label(needed, record)} is required"
        place = here.down("/value", mine.at, theirs.at if theirs is not None else here.writer)
        yield report("required_field_missing", place, fact)


def _report_gone(here: Spot, field: Field, messages: Messages) -> Iterator[Mismatch]:
    if messages.moved(field):
        return
    backward = here.pair.direction is Direction.BACKWARD
    stood = _find_left(field, here) if wire_of(field).extension else here.reader if backward else here.writer
    reader, writer = (stood, field.at) if backward else (field.at, stood)
    place = here.down(f"/{field.name}", reader, writer)
    ways = HELP["field_removed"]
    if messages.lives_on(field.name):
        ways = tuple(way.removesuffix(" and reserve the name") for way in ways)
    number = {"number": wire_of(field).number}
    types = ("", "")
    if wire_of(field).extension:  # what is left at its place may be a file or a stranger; it is gone from this message
        left, gone = f"message {full_name(messages.after)}", words_of(field.type)
        types = (left, gone) if backward else (gone, left)
    fact = f"{label(field, messages.before)} was removed"
    yield report("field_removed", place, fact, number, help=ways, reader_type=types[0], writer_type=types[1])


def _find_left(extension: Field, here: Spot) -> Location:
    """What is left where an extension stood: the message around it or the file. Without those, what it extended."""
    _, after = in_order(here.pair, here.pair.reader, here.pair.writer)
    around = after.types.get(extension.name.rpartition(".")[0])
    if around is not None:
        return around.at
    path = extension.at.path
    if any(type_.at.path == path for type_ in after.types.values()):
        return Location(path)
    return in_order(here.pair, here.reader, here.writer)[1]


def _compare_ranges(here: Spot, messages: Messages) -> Iterator[Mismatch]:
    """Numbers that were left to extensions. What became a field of the message is compared as one."""
    before, after = messages.before, messages.after
    if not before.extension_ranges:
        return
    fields = [(number, number) for number in messages.new]
    became = [each for each in fields if each[0] in messages.old]
    gone = list(subtract(before.extension_ranges, [*after.extension_ranges, *became]))
    if gone:
        free: list[Range] = list(subtract(gone, [*after.reserved.ranges, *fields]))
        ways = HELP["extension_range_removed"][: 2 if free else 1]
        fact = f"extensions {show(gone, LAST_FIELD)} of {title(before)} were removed"
        yield report("extension_range_removed", here, fact, {"free": show(free, LAST_FIELD)}, help=ways)
