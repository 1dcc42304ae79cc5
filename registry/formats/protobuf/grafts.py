"""Messages and extensions of our own beside those of a schema, for what no event holds by itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from registry.formats.protobuf.elements import wire_of
from registry.schema import Enum, Field, Named, Record, Ref, Schema, Wire

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

_OPTIONAL, _TYPE_MESSAGE, _TYPE_ENUM = 1, 11, 14
_NAME: Final = "Witness"


def graft_enum(schema: Schema, enum: Enum) -> Schema:
    """The schema of a message that has nothing but a field of the enum: ``optional Enum value = 1``."""
    name = _free_name(schema.types)
    field = Field("value", Ref(enum.name, enum.at), enum.at, wire=Wire(1, "explicit", json_name="value"))
    types = {**schema.types, name: Record(name, (field,), enum.at)}
    file = _make_file(schema)
    message = file.message_type.add(name=name)
    message.field.add(name="value", number=1, label=_OPTIONAL, type=_TYPE_ENUM, type_name=f".{enum.name}")
    return _joined(schema, types, name, file)


def graft_extension(schema: Schema, record: Record, number: int) -> Schema:
    """The same schema, with an extension of a message that is an empty message."""
    name = _free_name(schema.types)
    full = f"{name}Extension"
    field = Field(full, Ref(name, record.at), record.at, wire=Wire(number, "explicit", extension=True))
    extended = Record(
        record.name,
        (*record.fields, field),
        record.at,
        extension_ranges=record.extension_ranges,
        message_set=record.message_set,
    )
    types = {**schema.types, name: Record(name, (), record.at), record.name: extended}
    file = _make_file(schema)
    file.message_type.add(name=name)
    file.extension.add(
        name=full,
        number=number,
        label=_OPTIONAL,
        type=_TYPE_MESSAGE,
        type_name=f".{name}",
        extendee=f".{record.name}",
    )
    return _joined(schema, types, "", file)


def find_shared_number(reader: Record, writer: Record) -> int | None:
    """A number that both messages leave to extensions, and that neither uses."""
    taken = {wire_of(field).number for record in (reader, writer) for field in record.fields}
    for low, high in reader.extension_ranges:
        for other_low, other_high in writer.extension_ranges:
            number = max(low, other_low)
            while number in taken:
                number += 1
            if number <= min(high, other_high):
                return number
    return None


def _free_name(types: Mapping[str, Named]) -> str:
    name = _NAME
    while name in types:
        name += "_"
    return name


def _make_file(schema: Schema) -> "FileDescriptorProto":
    from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

    names = [file.name for file in FileDescriptorSet.FromString(schema.descriptors).file]
    own = "witness.proto"
    while own in names:
        own = f"_{own}"
    return FileDescriptorProto(name=own, syntax="proto2", dependency=names)


def _joined(schema: Schema, types: Mapping[str, Named], root: str, file: "FileDescriptorProto") -> Schema:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    # Two sets in a row are one set: that is how repeated fields are read.
    descriptors = schema.descriptors + FileDescriptorSet(file=[file]).SerializeToString()
    roots = (Ref(root, types[root].at),) if root else schema.roots
    return Schema(schema.format, roots, types, (), descriptors)
