"""Schemas whose largest messages have lost most of their fields: protobuf's own messages have no room for thousands."""

from collections.abc import Set
from typing import Final

from registry.formats.mismatch import Mismatch
from registry.formats.protobuf.elements import wire_of
from registry.frozen import replace
from registry.schema import Named, Record, Schema

MOST_FIELDS: Final = 1000
"""Fields of a message that is left as it is: upb takes messages of 65,535 bytes, and a field may need 16 and more."""
_FIRST: Final = 8
"""Fields that are kept because some message has to have some."""


def prune(mismatch: Mismatch) -> Mismatch:
    """The same mismatch between smaller schemas. Of a message with very many fields those are left that a value may
    need: what is on the path, what is required, the members of oneofs, extensions, and the first few."""
    pair = mismatch.pair
    types = [*pair.reader.types.values(), *pair.writer.types.values()]
    large = [type_ for type_ in types if isinstance(type_, Record) and _is_large(type_)]
    if not large:
        return mismatch
    steps = {step.rstrip("[]{}") for step in mismatch.path.split("/")}
    numbers = {
        wire_of(field).number
        for record in large
        for index, field in enumerate(record.fields)
        if index < _FIRST or field.name in steps or wire_of(field).presence == "required" or wire_of(field).oneof
    }
    reader, writer = _prune_schema(pair.reader, numbers), _prune_schema(pair.writer, numbers)
    return replace(mismatch, pair=replace(pair, reader=reader, writer=writer))


def _is_large(record: Record) -> bool:
    return len(record.fields) > MOST_FIELDS and sum(not wire_of(each).extension for each in record.fields) > MOST_FIELDS


def _prune_schema(schema: Schema, numbers: Set[int]) -> Schema:
    types = {name: _prune_type(type_, numbers) for name, type_ in schema.types.items()}
    return replace(schema, types=types, descriptors=_prune_descriptors(schema.descriptors, numbers))


def _prune_type(type_: Named, numbers: Set[int]) -> Named:
    if not isinstance(type_, Record) or not _is_large(type_):
        return type_
    fields = (each for each in type_.fields if wire_of(each).extension or wire_of(each).number in numbers)
    return replace(type_, fields=tuple(fields))


def _prune_descriptors(descriptors: bytes, numbers: Set[int]) -> bytes:
    from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet

    files = FileDescriptorSet.FromString(descriptors)
    messages = [message for file in files.file for message in file.message_type]
    for message in messages:  # grows while it is read
        messages.extend(message.nested_type)
        if len(message.field) <= MOST_FIELDS:
            continue
        left = DescriptorProto(field=[each for each in message.field if each.number in numbers])
        used = sorted({each.oneof_index for each in left.field if each.HasField("oneof_index")})
        left.oneof_decl.extend(message.oneof_decl[index] for index in used)
        for each in left.field:
            if each.HasField("oneof_index"):  # counted among those that are left
                each.oneof_index = used.index(each.oneof_index)
        for name in ("field", "oneof_decl"):
            message.ClearField(name)
        message.MergeFrom(left)
    return files.SerializeToString()
