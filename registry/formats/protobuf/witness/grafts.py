"""Messages and extensions of our own beside those of a schema, for what no event holds by itself."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from registry.formats.mismatch import Mismatch
from registry.formats.protobuf.elements import is_entry, wire_of
from registry.formats.protobuf.messages import find_free_extensions, find_known_extensions
from registry.formats.protobuf.reference import make_chunk, make_number, split_fields
from registry.formats.protobuf.witness.meaning import find_halves
from registry.formats.protobuf.witness.steering import find_courses, find_elements, find_root_enums
from registry.frozen import replace
from registry.schema import Enum, Field, Named, Record, Ref, Schema, Wire

_OPTIONAL, _TYPE_MESSAGE, _TYPE_ENUM = 1, 11, 14
_NAME: Final = "Witness"

# Numbers of google/protobuf/descriptor.proto; a file that names no syntax has proto2's.
_FILE_NAME, _FILE_IMPORT, _FILE_MESSAGE, _FILE_EXTENSION = 1, 3, 4, 7
_MESSAGE_NAME, _MESSAGE_FIELD = 1, 2
_FIELD_NAME, _FIELD_EXTENDEE, _FIELD_NUMBER, _FIELD_LABEL, _FIELD_TYPE, _FIELD_TYPE_NAME = 1, 2, 3, 4, 5, 6


class _Place(NamedTuple):
    """A number of the writer's message that an extension may have; the reader's message has it, too, or is none."""

    reader: Record | None
    writer: Record
    number: int


def graft(mismatch: Mismatch) -> tuple[Mismatch, str]:
    """The same mismatch between schemas that have a place for it, and what to say of that: an enum by itself is in no
    message, and a message that only others extend holds nothing."""
    pair = mismatch.pair
    enums = find_root_enums(mismatch)
    if enums is not None:
        reader, writer = _graft_enum(pair.reader, enums[0]), _graft_enum(pair.writer, enums[1])
        grafted = replace(mismatch, pair=replace(pair, reader=reader, writer=writer), path="/value")
        return grafted, f"it stands for any field of {enums[1].name}"
    find_place = _PLACES.get(mismatch.kind)
    place = find_place(mismatch) if find_place is not None else None
    if place is None:
        return mismatch, ""
    writer = _graft_extension(pair.writer, place.writer, place.number)
    reader = _graft_extension(pair.reader, place.reader, place.number) if place.reader is not None else pair.reader
    grafted = replace(mismatch, pair=replace(pair, reader=reader, writer=writer))
    return grafted, f"it stands for any extension of {place.writer.name}"


def _find_set(mismatch: Mismatch) -> _Place | None:
    """Message sets without an extension that both sides have."""
    for course in find_courses(mismatch, find_halves(mismatch.pair.reader, mismatch.pair.writer), to_message=True):
        mine, theirs = course.leaf.reader, course.leaf.writer
        if next(find_known_extensions(mine, theirs), None) is not None:
            return None
        for number in find_free_extensions(mine, theirs):
            return _Place(mine, theirs, number)
    return None


def _find_entry(mismatch: Mismatch) -> _Place | None:
    """A message that is read as the entry of a map, and has nothing else by itself but extensions of others."""
    halves = find_halves(mismatch.pair.reader, mismatch.pair.writer)
    for course in find_courses(mismatch, halves, to_message=False):
        if course.leaf.mine is None or course.leaf.theirs is None:
            continue
        mine, theirs = (each.record for each in find_elements(halves, course.leaf.mine, course.leaf.theirs))
        if mine is None or theirs is None or not is_entry(mine):
            continue
        if all(wire_of(field).number in (1, 2) for field in theirs.fields):
            for number in find_free_extensions(theirs, theirs):
                return _Place(None, theirs, number)
    return None


_PLACES: Final[Mapping[str, Callable[[Mismatch], _Place | None]]] = {
    "message_set_changed": _find_set,
    "field_type_changed": _find_entry,
}


def _graft_enum(schema: Schema, enum: Enum) -> Schema:
    """The schema of a message that has nothing but a field of the enum: ``optional Enum value = 1``."""
    name = _find_free_name(schema.types)
    field = Field("value", Ref(enum.name, enum.at), enum.at, wire=Wire(1, "explicit", json_name="value"))
    types = {**schema.types, name: Record(name, (field,), enum.at)}
    message = make_chunk(_MESSAGE_NAME, name.encode()) + make_chunk(
        _MESSAGE_FIELD, _make_field("value", 1, _TYPE_ENUM, enum.name)
    )
    return _join(schema, types, name, make_chunk(_FILE_MESSAGE, message))


def _graft_extension(schema: Schema, record: Record, number: int) -> Schema:
    """The same schema, with an extension of a message that is an empty message."""
    name = _find_free_name(schema.types)
    full = f"{name}Extension"
    field = Field(full, Ref(name, record.at), record.at, wire=Wire(number, "explicit", extension=True))
    extended = replace(record, fields=(*record.fields, field))
    types = {**schema.types, name: Record(name, (), record.at), record.name: extended}
    parts = make_chunk(_FILE_MESSAGE, make_chunk(_MESSAGE_NAME, name.encode()))
    parts += make_chunk(_FILE_EXTENSION, _make_field(full, number, _TYPE_MESSAGE, name, record.name))
    return _join(schema, types, "", parts)


def _find_free_name(types: Mapping[str, Named]) -> str:
    name = _NAME
    while name in types:
        name += "_"
    return name


def _make_field(name: str, number: int, type_: int, type_name: str, extendee: str = "") -> bytes:
    """A FieldDescriptorProto, optional."""
    words = ((_FIELD_NAME, name), (_FIELD_TYPE_NAME, f".{type_name}"))
    data = b"".join(make_chunk(key, word.encode()) for key, word in words)
    data += make_number(_FIELD_NUMBER, number) + make_number(_FIELD_LABEL, _OPTIONAL) + make_number(_FIELD_TYPE, type_)
    return data + (make_chunk(_FIELD_EXTENDEE, f".{extendee}".encode()) if extendee else b"")


def _join(schema: Schema, types: Mapping[str, Named], root: str, parts: bytes) -> Schema:
    """A schema that has one more file, which imports all the others."""
    files = (split_fields(file) for _, _, file in split_fields(schema.descriptors))
    names = {raw for file in files for number, _, raw in file if number == _FILE_NAME}
    own = b"witness.proto"
    while own in names:
        own = b"_" + own
    imports = b"".join(make_chunk(_FILE_IMPORT, name) for name in sorted(names))
    # Two sets in a row are one set: that is how repeated fields are read.
    descriptors = schema.descriptors + make_chunk(1, make_chunk(_FILE_NAME, own) + imports + parts)
    roots = (Ref(root, types[root].at),) if root else schema.roots
    return Schema(schema.format, roots, types, (), descriptors)
