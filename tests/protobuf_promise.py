"""The promise of a verdict, checked on bytes: what is compatible survives, what is not has a witness.

Told by protobuf's own messages and descriptors alone: nothing here knows of the project's tree, features or codec.
Fields are compared by number: a removed one is gone, one that is absent is its default.
"""

import re
from functools import lru_cache
from math import isnan
from typing import Any, Final, NamedTuple

from google.protobuf import any_pb2, descriptor_pool, empty_pb2, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import event

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf.witness import find_witness
from registry.schema import Ref, Schema

MAX_VALUES: Final = 100
"""Values of one schema that are tried."""

REASONS: Final = (
    r"message \S+ requires itself",
    "the bytes are the same; the names of topics and types differ",
)
"""The only reasons for not having a witness."""
REFUSED: Final = "the bytes are refused"
MISSING: Final = "a required field is missing"
BY_NAME: Final = frozenset({"field_number_reused", "field_renumbered", "message_type_changed"})
"""Kinds that are a break whatever becomes of the number: a name means another number, or a type has another meaning."""


class Change(NamedTuple):
    """One place where what is read is not what was written."""

    path: str
    """As in ``Mismatch.path``, with the names of the newer side: ``/f[]/g``; empty where everything fails."""
    fact: str


class Entry(NamedTuple):
    """An entry of a map, looked at as the message that it is on the wire."""

    DESCRIPTOR: Any
    key: Any
    value: Any


class Side:
    """The messages of one schema, made from its descriptors in a pool of their own."""

    def __init__(self, descriptors: bytes) -> None:
        self._pool: Any = descriptor_pool.DescriptorPool()
        for file in FileDescriptorSet.FromString(descriptors).file:
            file.ClearField("source_code_info")
            self._pool.Add(file)
        self._fields: dict[str, dict[int, Any]] = {}

    def make(self, name: str) -> Any:
        """The class of a message."""
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(name))

    def fields(self, message: Any) -> dict[int, Any]:
        """The fields of a message by number, with its extensions."""
        descriptor = message.DESCRIPTOR
        if descriptor.full_name not in self._fields:
            every = [*descriptor.fields, *self._pool.FindAllExtensions(descriptor)]
            self._fields[descriptor.full_name] = {each.number: each for each in every}
        return self._fields[descriptor.full_name]


@lru_cache(maxsize=16)
def side_of(descriptors: bytes) -> Side:
    """The side of a schema; ready for the next value."""
    return Side(descriptors)


def names_of(schema: Schema) -> list[str]:
    """The full names of what is judged."""
    return [root.name for root in schema.roots if isinstance(root, Ref)]


def root_of(schema: Schema, title: str = "") -> str:
    """The full name of the event's message; among several roots, of the one that a path begins with."""
    names = names_of(schema)
    return names[0] if len(names) == 1 else min((n for n in names if f".{n}".endswith(f".{title}")), key=len)


def find_changes(pair: Pair, data: bytes, title: str = "") -> list[Change]:
    """What the reader does not read as the writer wrote it."""
    sides = side_of(pair.reader.descriptors), side_of(pair.writer.descriptors)
    sent = sides[1].make(root_of(pair.writer, title)).FromString(data)
    try:
        got = sides[0].make(root_of(pair.reader, title)).FromString(data)
    except DecodeError:
        return [Change("", REFUSED)]
    walk = _Walk(sides, newer=0 if pair.direction is Direction.BACKWARD else 1)
    walk.compare(got, sent, "")
    if not got.IsInitialized() and not any(change.fact == MISSING for change in walk.changes):
        walk.changes.append(Change("", MISSING))  # FindInitializationErrors would say where, or crash
    return walk.changes


class _Walk:
    """One value on its way; everything is given as (reader, writer)."""

    def __init__(self, sides: tuple[Side, Side], newer: int) -> None:
        self._sides, self._newer = sides, newer
        self.changes: list[Change] = []

    def compare(self, got: Any, sent: Any, path: str) -> None:
        """Two messages, or entries of maps."""
        theirs = self._sides[1].fields(sent)
        for number, mine in self._sides[0].fields(got).items():
            if mine.is_required and not held(got, mine):
                self.changes.append(Change(f"{path}/{mine.name}", MISSING))
            if number in theirs:
                both = mine, theirs[number]
                newer = both[self._newer]
                name = newer.full_name if newer.is_extension else newer.name
                self._compare_field(both, (got, sent), f"{path}/{name}")

    def _compare_field(self, both: tuple[Any, Any], messages: tuple[Any, Any], path: str) -> None:
        got, sent = (held(message, field) for message, field in zip(messages, both, strict=True))
        below = path + ("{}" if is_map(both[0]) else "[]" if both[0].is_repeated else "")
        if all(map(is_map, both)):
            by_key = {plain(entry.key): entry for entry in got}
            if len(by_key) != len(sent) or any(plain(entry.key) not in by_key for entry in sent):
                self.changes.append(Change(path, f"other keys: {got}, {sent}"))
                return
            values = both[0].message_type.fields_by_number[2], both[1].message_type.fields_by_number[2]
            for entry in sent:
                self._compare_element(values, by_key[plain(entry.key)].value, entry.value, below)
        elif any(field.is_repeated for field in both):
            if any(map(is_map, both)):
                got, sent = (sorted(entries, key=sort_key) for entries in (got, sent))
            elif any(is_implicit(field) for field in both):
                got, sent = ([each for each in each_side if each] for each_side in (got, sent))
            if len(got) != len(sent):
                self.changes.append(Change(path, f"{len(got)} instead of {len(sent)}"))
                return
            for mine, theirs in zip(got, sent, strict=True):
                self._compare_element(both, mine, theirs, below)
        elif any(field.message_type for field in both):
            if both[0].type == both[0].TYPE_BYTES and not both[0].has_presence:
                got = got or [b""] * len(sent)  # of a message with nothing in it
            if len(got) != len(sent):
                self.changes.append(Change(path, "absent on one side"))
            elif got:
                self._compare_element(both, got[0], sent[0], below)
        elif len(got) != len(sent) and all(field.has_presence for field in both):
            self.changes.append(Change(path, "absent on one side"))
        else:
            found = zip((got, sent), both, strict=True)
            mine, theirs = (value[0] if value else field.default_value for value, field in found)
            self._compare_element(both, mine, theirs, below)

    def _compare_element(self, both: tuple[Any, Any], got: Any, sent: Any, path: str) -> None:
        mine, theirs = both
        if isinstance(got, Message | Entry) and isinstance(sent, Message | Entry):
            self.compare(got, sent, path)
            return
        if isinstance(sent, Message) and mine.type == mine.TYPE_BYTES:
            same = got == sent.SerializePartialToString(deterministic=True)
        elif isinstance(sent, Entry) and mine.type == mine.TYPE_BYTES:
            same = True  # its own bytes are nowhere to be had
        elif isinstance(got, Message | Entry) or isinstance(sent, Message | Entry):
            same = False
        elif mine.enum_type and theirs.enum_type:
            same = got == sent and means_same(mine.enum_type, theirs.enum_type, got)
        else:
            is_text = mine.type == mine.TYPE_STRING and theirs.type != theirs.TYPE_STRING
            same = plain(got) == plain(sent) and not (is_text and isinstance(got, bytes))
        if not same:
            self.changes.append(Change(path, f"{got!r} instead of {sent!r}"))


def is_map(field: Any) -> bool:
    """Whether a field is a map."""
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def is_implicit(field: Any) -> bool:
    """Whether a zero of the field is not written; of an entry of a map it is."""
    return not field.has_presence and not field.is_repeated and not field.containing_type.GetOptions().map_entry


def held(message: Any, field: Any) -> list[Any]:
    """What a field holds, one by one; nothing where it is absent, or a zero that says as much."""
    if isinstance(message, Entry):
        return [getattr(message, field.name)]
    value = message.Extensions[field] if field.is_extension else getattr(message, field.name)
    if is_map(field):
        return [Entry(field.message_type, key, each) for key, each in find_entries(message, field, value)]
    if field.is_repeated:
        return list(value)
    if field.has_presence:
        present = message.HasExtension(field) if field.is_extension else message.HasField(field.name)
        return [value] if present else []
    return [value] if value else []


def find_entries(message: Any, field: Any, value: Any) -> list[tuple[Any, Any]]:
    """The entries of a map. The library cannot show text that is not UTF-8 as a key: those are read from the bytes."""
    try:
        return [(key, value[key]) for key in value]
    except UnicodeDecodeError:
        entry: Any = message_factory.GetMessageClass(field.message_type)
        whole = empty_pb2.Empty.FromString(message.SerializePartialToString())
        parts: Any = UnknownFieldSet(whole)
        chunks = [each.data for each in parts if each.field_number == field.number]
        return [(made.key, made.value) for made in map(entry.FromString, chunks)]


def means_same(reader: Any, writer: Any, number: int) -> bool:
    """Whether a number means the same value of an enum: it has a name of both sides, or no name of the one is a name of
    the other."""
    mine, theirs = ({value.name for value in enum.values if value.number == number} for enum in (reader, writer))
    every = [{value.name for value in enum.values} for enum in (reader, writer)]
    return bool(mine & theirs) or not (mine & every[1] or theirs & every[0])


def plain(value: Any) -> Any:
    """A scalar without its type: text is bytes, nan is equal to nan, and all zeros are one."""
    if isinstance(value, float) and isnan(value):
        return "nan"
    return (value.encode() if isinstance(value, str) else value) or 0


def sort_key(entry: Any) -> str:
    """What the entries of a map, or messages of the same numbers, are sorted by."""
    if isinstance(entry, Entry):
        return repr([plain(entry.key)])
    field = entry.DESCRIPTOR.fields_by_number.get(1) if isinstance(entry, Message) else None
    keys = held(entry, field) if field is not None else []
    return repr([0 if isinstance(key, Message | Entry) else plain(key) for key in keys] or [0])


def check_witness(mismatch: Mismatch) -> None:
    """The bytes of a witness show what the mismatch says, at its place."""
    witness, pair = find_witness(mismatch), mismatch.pair
    event(mismatch.kind)
    if witness.reason:
        event("no witness")
        assert any(re.fullmatch(reason, witness.reason) for reason in REASONS), (mismatch.message, witness.reason)
        return
    assert witness.written and (witness.read or witness.failure), witness
    if mismatch.kind == "message_renamed":
        name = any_pb2.Any.FromString(witness.data).TypeName()
        assert name in names_of(pair.writer) and name not in names_of(pair.reader)
        return
    if "it stands for any" in witness.note:  # an enum of no message, or a message of no field
        return
    several = len(pair.writer.roots) > 1 or len(pair.reader.roots) > 1
    title, path = mismatch.path[1:].partition("/")[::2] if several else ("", mismatch.path)
    changes = find_changes(pair, witness.data, title)
    if witness.failure:
        assert any(change.fact in (REFUSED, MISSING) for change in changes), (witness.sentence, changes)
        return
    assert not any(change.fact == REFUSED for change in changes), witness.sentence
    seen = any(is_near(change.path, path) for change in changes)
    assert seen or mismatch.kind in BY_NAME, (mismatch, witness.sentence, changes)


def is_near(path: str, other: str) -> bool:
    """Whether the one place is in the other, or around it."""
    one, two = (re.sub(r"\[\]|\{\}", "", each).strip("/").split("/") for each in (path, other))
    return all(mine == theirs for mine, theirs in zip(one, two, strict=False) if mine and theirs)
