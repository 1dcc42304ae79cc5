"""From the path of a mismatch to a value that holds it, and back from what was read to the place."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf.elements import Element, element_of, is_entry, plain_element, title, wire_of
from registry.formats.protobuf.reference import Value, key_of
from registry.formats.protobuf.smallest import Smallest, first_key
from registry.formats.protobuf.witness.meaning import Halves, list_elements
from registry.schema import MISSING, Array, Enum, Field, Map, Named, Record, Ref, Schema


class Around(NamedTuple):
    """The message of each side, and the field of each where there is one."""

    reader: Record
    writer: Record
    mine: Field | None = None
    theirs: Field | None = None


class Course(NamedTuple):
    """The way from the roots to the messages around the place."""

    roots: tuple[str, str]
    """The messages that are read and written, as (reader, writer)."""
    steps: tuple[Around, ...]
    leaf: Around

    @property
    def written_keys(self) -> tuple[str, ...]:
        """The writer's fields on the way."""
        return tuple(key_of(step.theirs) for step in self.steps if step.theirs is not None)

    @property
    def read_keys(self) -> tuple[str, ...]:
        """The reader's fields on the way."""
        return tuple(key_of(step.mine) for step in self.steps if step.mine is not None)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the reader's fields on the way, that of the leaf included; without those of maps' entries."""
        places = (place for place in (*self.steps, self.leaf) if not is_entry(place.reader))
        return tuple(wire_of(place.mine).number for place in places if place.mine is not None)


def find_courses(mismatch: Mismatch, halves: Halves, *, to_message: bool) -> Iterator[Course]:
    """The ways that the path of a mismatch may mean, most often one.

    ``to_message``: the path leads to a message, and not to a field of one.
    """
    steps = [step for step in mismatch.path.split("/") if step]
    for (mine, theirs), rest in _find_roots(mismatch.pair, steps):
        if not isinstance(mine, Record) or not isinstance(theirs, Record):
            continue
        course = _walk(mismatch, halves, mine, theirs, rest, to_message=to_message)
        if course is not None:
            yield course


def find_root_enums(mismatch: Mismatch) -> tuple[Enum, Enum] | None:
    """The enums (reader, writer) that are compared by themselves, if the path names nothing inside a message."""
    steps = [step for step in mismatch.path.split("/") if step]
    for (mine, theirs), rest in _find_roots(mismatch.pair, steps):
        if isinstance(mine, Enum) and isinstance(theirs, Enum) and not rest:
            return mine, theirs
    return None


def _find_roots(pair: Pair, steps: list[str]) -> Iterator[tuple[tuple[Named, Named], list[str]]]:
    """Pairs of roots (reader, writer) that a path may begin at, and what is left of the path."""
    mine, theirs = _roots(pair.reader), _roots(pair.writer)
    if len(mine) == len(theirs) == 1:
        yield (mine[0], theirs[0]), steps
        return
    if not steps:
        return
    for same_name in (True, False):
        for reader in mine:
            if title(reader) != steps[0]:
                continue
            for writer in theirs:
                if (reader.name == writer.name) is same_name and title(writer) == steps[0]:
                    yield (reader, writer), steps[1:]


def _roots(schema: Schema) -> list[Named]:
    return [schema.types[root.name] for root in schema.roots if isinstance(root, Ref)]


def _walk(
    mismatch: Mismatch, halves: Halves, reader: Record, writer: Record, names: list[str], *, to_message: bool
) -> Course | None:
    roots = reader.name, writer.name
    steps: list[Around] = []
    for index, name in enumerate(names):
        places = list(_find_fields(reader, writer, name.rstrip("[]{}"), mismatch.direction))
        here = places[0] if places else Around(reader, writer)
        if index == len(names) - 1 and not to_message:
            # The other message may have another field of the name: what only the reader has, and requires, is told so.
            exact = (each for each in places if each.mine is not None and each.mine.at == mismatch.reader)
            return Course(roots, tuple(steps), next(exact, here))
        if here.mine is None or here.theirs is None:
            return None
        mine, theirs = find_elements(halves, here.mine, here.theirs)
        if mine.record is None or theirs.record is None:
            return None
        steps.append(here)
        reader, writer = mine.record, theirs.record
    return Course(roots, tuple(steps), Around(reader, writer))


def find_elements(halves: Halves, mine: Field, theirs: Field) -> tuple[Element, Element]:
    """What one element of each field is: of two maps a value, of a map and a list an entry."""
    reader, writer = halves
    if isinstance(mine.type, Map) and isinstance(theirs.type, Map):
        return (
            plain_element(mine.type.values, reader.side, wire_of(mine)),
            plain_element(theirs.type.values, writer.side, wire_of(theirs)),
        )
    return element_of(mine, reader.side), element_of(theirs, writer.side)


def _find_fields(reader: Record, writer: Record, name: str, direction: Direction) -> Iterator[Around]:
    """The field that the newer message has under a name, then the older one's; each with that of its number."""
    for record in (reader, writer) if direction is Direction.BACKWARD else (writer, reader):
        named = next((field for field in record.fields if field.name == name), None)
        if named is not None:
            number = wire_of(named).number
            yield Around(reader, writer, find_number(reader, number), find_number(writer, number))


def find_number(record: Record, number: int) -> Field | None:
    """The field of a number."""
    return next((field for field in record.fields if wire_of(field).number == number), None)


def build(course: Course, leaf: Value, smallest: Smallest) -> dict[str, object]:
    """A value of the writer's root that holds ``leaf`` at the place, and beside it what either side requires.

    What is ``MISSING`` in the leaf is absent, whoever requires it.
    """
    value = {**smallest.message(course.leaf.writer, course.leaf.reader), **leaf}
    value = {key: each for key, each in value.items() if each is not MISSING}
    for step in reversed(course.steps):
        field = step.theirs
        if field is None or step.mine is None:
            continue
        outer = dict(smallest.message(step.writer, step.reader))
        outer[key_of(field)] = wrap(field, step.mine, value, smallest)
        value = outer
    return value


def wrap(field: Field, other: Field, value: Mapping[str, object], smallest: Smallest) -> object:
    """A message as what the writer's field holds; ``other`` is the reader's field."""
    if isinstance(field.type, Map):
        if isinstance(other.type, Map):
            return {first_key(field.type): value}
        key = value.get("key", first_key(field.type))
        return {key: value["value"] if "value" in value else smallest.element(field.type.values, None)}
    return [value] if isinstance(field.type, Array) else value


def look(course: Course, read: Value) -> Value | None:
    """The message at the place, as it was read, or nothing."""
    for step in course.steps:
        if step.mine is None:
            return None
        found = list_elements(step.mine, read)
        if not found:
            return None
        one = found[0]
        if isinstance(step.mine.type, Map) and isinstance(step.theirs and step.theirs.type, Map):
            one = one["value"] if isinstance(one, Mapping) else None
        if not isinstance(one, Mapping):
            return None
        read = one
    return read
