"""Why one message cannot read another's bytes: a walk over pairs of messages, by field number.

Each rule lives where its noun does: fields in ``fields``, what one element holds in ``elements``, then ``enums`` and
``oneofs``; what only Confluent's registry minds is in ``confluent``.
"""

from collections.abc import Iterator

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf.confluent import find_confluent
from registry.formats.protobuf.elements import Side, wire_of, words_of
from registry.formats.protobuf.enums import compare_defaults, compare_enums
from registry.formats.protobuf.fields import Queue, compare_fields, label
from registry.formats.protobuf.oneofs import Fields, compare_oneofs
from registry.formats.protobuf.roots import pair_roots
from registry.formats.protobuf.words import Spot, in_order, report
from registry.schema import Enum, Field, Record


def find_mismatches(pair: Pair) -> Iterator[Mismatch]:
    """Why the reader of the pair cannot read what its writer writes, in a fixed order; each pair of types once.

    What does not depend on who reads (a name changed, a field removed) is yielded for either direction in the same
    words; whoever judges both drops the second. Paths are field names from the event's root: ``/order/items[]/price``,
    with ``{}`` for the values of a map, and ``/`` for the event itself.
    """
    said: set[tuple[str, str, str, str, str]] = set()
    for mismatch in _find_all(pair):
        reader, writer = mismatch.reader, mismatch.writer
        key = (mismatch.kind, mismatch.fact, reader.path, reader.pointer, writer.pointer)
        if key not in said:  # an enum's default concerns each field that has none
            said.add(key)
            yield mismatch


def _find_all(pair: Pair) -> Iterator[Mismatch]:
    queue: Queue = []
    yield from pair_roots(pair, queue)
    yield from _walk(queue, (Side(pair.reader.types), Side(pair.writer.types)))
    if pair.profile == "confluent":
        yield from find_confluent(pair)


def _walk(queue: Queue, sides: tuple[Side, Side]) -> Iterator[Mismatch]:
    """Compare what waits, and what that leads to, first come first served; each pair of types once."""
    seen: set[tuple[str, str]] = set()
    for spot, reader, writer in queue:  # grows while it is read
        if reader is writer or (reader.name, writer.name) in seen:
            continue
        seen.add((reader.name, writer.name))
        if isinstance(reader, Record) and isinstance(writer, Record):
            yield from _compare_records(spot, reader, writer, sides, queue)
        elif isinstance(reader, Enum) and isinstance(writer, Enum):
            yield from compare_enums(spot.at(reader.at, writer.at), reader, writer)
            if not spot.path:  # a root: whoever uses it may leave it absent
                yield from compare_defaults(spot, reader, writer)


def _compare_records(
    spot: Spot, reader: Record, writer: Record, sides: tuple[Side, Side], queue: Queue
) -> Iterator[Mismatch]:
    here = spot.at(reader.at, writer.at)
    if reader.message_set != writer.message_set:
        _, after = in_order(spot.pair, reader, writer)
        what = f"message {after.name} {'became' if after.message_set else 'is no longer'} a message set"
        yield report("message_set_changed", here, what)
    mine, theirs = _by_number(reader), _by_number(writer)
    old_fields, new_fields = in_order(spot.pair, mine, theirs)
    renumbered = _find_renumbered(old_fields, new_fields)
    for number in sorted(mine.keys() | theirs.keys()):
        my_field, their_field = mine.get(number), theirs.get(number)
        if my_field is not None and their_field is not None:
            place = here.down(f"/{my_field.name}", my_field.at, their_field.at)
            moved = my_field.name in renumbered or their_field.name in renumbered
            yield from compare_fields(place, (my_field, their_field), sides, queue, moved=moved)
        elif number in old_fields:
            yield from _report_gone(here, old_fields[number], renumbered)
        if my_field is not None and their_field is None and wire_of(my_field).presence == "required":
            place = here.down(f"/{my_field.name}", my_field.at, writer.at)
            what = "was added as" if spot.pair.direction is Direction.BACKWARD else "was removed and is"
            yield report("required_field_missing", place, f"{label(my_field)} {what} required")
    for name, (old, new) in renumbered.items():
        my_at, their_at = (new.at, old.at) if new_fields is mine else (old.at, new.at)
        fact = f"field '{name}' changed its number from {wire_of(old).number} to {wire_of(new).number}"
        words = {"name": name, "number": wire_of(old).number}
        yield report("field_renumbered", here.down(f"/{name}", my_at, their_at), fact, words)
    yield from compare_oneofs(here, reader, mine, theirs)


def _by_number(record: Record) -> dict[int, Field]:
    return {wire_of(field).number: field for field in record.fields}


def _report_gone(here: Spot, field: Field, renumbered: dict[str, tuple[Field, Field]]) -> Iterator[Mismatch]:
    if field.name in renumbered:
        return
    place = here.down(f"/{field.name}", here.reader, here.writer)
    backward = here.pair.direction is Direction.BACKWARD
    place = place.at(here.reader, field.at) if backward else place.at(field.at, here.writer)
    yield report("field_removed", place, f"{label(field)} was removed", {"number": wire_of(field).number})


def _find_renumbered(before: Fields, after: Fields) -> dict[str, tuple[Field, Field]]:
    """Names that moved to another number with their type, where nothing else explains it.

    That is: the old number is gone, or now has a name that came from elsewhere in the message. If the old number lives
    on under a new name, the field was renamed and another one added.
    """
    numbers = {field.name: (number, field) for number, field in before.items() if not wire_of(field).extension}
    renumbered: dict[str, tuple[Field, Field]] = {}
    for number, field in after.items():
        former, old = numbers.get(field.name, (number, field))
        if former == number or not _same_type(old, field):
            continue
        heir = after.get(former)
        if heir is None or heir.name in numbers:
            renumbered[field.name] = (old, field)
    return renumbered


def _same_type(old: Field, new: Field) -> bool:
    return words_of(old.type) == words_of(new.type)
