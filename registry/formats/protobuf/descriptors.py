"""Reads the FileDescriptorSet that protoc writes (google/protobuf/descriptor.proto), as far as we need it.

A hundred lines instead of ``google.protobuf.descriptor_pb2``: that import costs more than all else that a pre-commit
check does, and an installed protobuf that is older than the protoc does not know the features of editions. A test reads
the same bytes with both. Source positions are most of the bytes; they stay unread until somebody asks for one.
"""

from collections.abc import Iterator
from typing import Any, Final

Node = dict[str, Any]
"""One message of descriptor.proto: field name to value; what is absent has no key."""

_Shape = dict[int, tuple[str, Any, bool]]
"""Field number to its name, how to read it, and whether it repeats."""

_INT: Final = "int"
_TEXT: Final = "text"
_SLICE: Final = "slice"

_FEATURES: _Shape = {
    1: ("field_presence", _INT, False),
    2: ("enum_type", _INT, False),
    3: ("repeated_field_encoding", _INT, False),
    4: ("utf8_validation", _INT, False),
    5: ("message_encoding", _INT, False),
}
_RANGE: _Shape = {1: ("start", _INT, False), 2: ("end", _INT, False)}
_FIELD: _Shape = {
    1: ("name", _TEXT, False),
    2: ("extendee", _TEXT, False),
    3: ("number", _INT, False),
    4: ("label", _INT, False),
    5: ("type", _INT, False),
    6: ("type_name", _TEXT, False),
    7: ("default_value", _TEXT, False),
    8: (
        "options",
        {2: ("packed", _INT, False), 3: ("deprecated", _INT, False), 21: ("features", _FEATURES, False)},
        False,
    ),
    9: ("oneof_index", _INT, False),
    10: ("json_name", _TEXT, False),
    17: ("proto3_optional", _INT, False),
}
_ENUM: _Shape = {
    1: ("name", _TEXT, False),
    2: ("value", {1: ("name", _TEXT, False), 2: ("number", _INT, False)}, True),
    3: ("options", {7: ("features", _FEATURES, False)}, False),
    4: ("reserved_range", _RANGE, True),
    5: ("reserved_name", _TEXT, True),
}
_MESSAGE: _Shape = {
    1: ("name", _TEXT, False),
    2: ("field", _FIELD, True),
    4: ("enum_type", _ENUM, True),
    5: ("extension_range", _RANGE, True),
    6: ("extension", _FIELD, True),
    7: (
        "options",
        {
            1: ("message_set_wire_format", _INT, False),
            7: ("map_entry", _INT, False),
            12: ("features", _FEATURES, False),
        },
        False,
    ),
    8: (
        "oneof_decl",
        {1: ("name", _TEXT, False), 2: ("options", {1: ("features", _FEATURES, False)}, False)},
        True,
    ),
    9: ("reserved_range", _RANGE, True),
    10: ("reserved_name", _TEXT, True),
}
_MESSAGE[3] = ("nested_type", _MESSAGE, True)
_FILE: _Shape = {
    1: ("name", _TEXT, False),
    2: ("package", _TEXT, False),
    3: ("dependency", _TEXT, True),
    4: ("message_type", _MESSAGE, True),
    5: ("enum_type", _ENUM, True),
    7: ("extension", _FIELD, True),
    8: ("options", {50: ("features", _FEATURES, False)}, False),
    9: ("source_code_info", _SLICE, False),
    12: ("syntax", _TEXT, False),
    14: ("edition", _INT, False),
}
_SET: _Shape = {1: ("file", _FILE, True)}


def decode_files(data: bytes) -> list[Node]:
    """Every FileDescriptorProto of a FileDescriptorSet; ``source_code_info`` is a slice (start, end) of ``data``."""
    return list(_decode(data, 0, len(data), _SET).get("file", ()))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _decode(data: bytes, at: int, end: int, shape: _Shape) -> Node:
    node: Node = {}
    while at < end:
        tag = data[at]
        at += 1
        if tag >= 0x80:
            tag, at = _varint(data, at - 1)
        wire = tag & 7
        if wire == 0:
            value = data[at]
            at += 1
            if value >= 0x80:
                value, at = _varint(data, at - 1)
            row = shape.get(tag >> 3)
            if row is not None:
                # Negative numbers (enum values) are written as 64 bits.
                node[row[0]] = value if value < 1 << 63 else value - (1 << 64)
        elif wire == 2:
            size = data[at]
            at += 1
            if size >= 0x80:
                size, at = _varint(data, at - 1)
            start, at = at, at + size
            row = shape.get(tag >> 3)
            if row is None:
                continue
            name, kind, repeats = row
            value_: Any
            if kind is _TEXT:
                value_ = data[start:at].decode("utf-8", "replace")
            elif kind is _SLICE:
                value_ = (start, at)
            else:
                value_ = _decode(data, start, at, kind)
            if repeats:
                node.setdefault(name, []).append(value_)
            else:
                node[name] = value_
        else:  # options of other people may hold fixed numbers; protoc writes no groups here
            at += 8 if wire == 1 else 4
    return node


def read_comments(data: bytes, at: int, end: int) -> dict[bytes, str]:
    """The leading comment of each element that has one, by the element's path (its varints as they stand)."""
    comments: dict[bytes, str] = {}
    while at < end:
        size, at = _varint(data, at + 1)
        stop = at + size
        path = b""
        while at < stop:
            tag = data[at]
            size, at = _varint(data, at + 1)
            if tag == 0x0A:
                path = data[at : at + size]
            elif tag == 0x1A:
                comments[path] = data[at : at + size].decode("utf-8", "replace")
            at += size
    return comments


def read_spans(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Path, line and column of each element, as protoc counts: from 0, in bytes, a tab reaching to the next eighth."""
    while at < end:
        size, at = _varint(data, at + 1)
        stop = at + size
        path = b""
        line = column = 0
        while at < stop:
            tag = data[at]
            size, at = _varint(data, at + 1)
            if tag == 0x0A:
                path = data[at : at + size]
            elif tag == 0x12:
                line, after = _varint(data, at)
                column, _ = _varint(data, after)
            at += size
        yield path, line, column


def make_varint(number: int) -> bytes:
    """A number that is not negative, as the wire format has it."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


step: Final = make_varint
"""One step of a path, as protoc writes it."""
