"""Bytes as fields of the wire format, and back; no schema is asked.

Made after protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator
from typing import Final

from registry.formats.protobuf.descriptors import make_varint
from registry.formats.protobuf.scalars import FIXED32, FIXED64, GROUP, LENGTH, VARINT

_END_GROUP: Final = 4
_FIXED: Final = {FIXED64: 8, FIXED32: 4}


class Malformed(ValueError):
    """The bytes end too soon, or no field can begin like that."""


def make_chunk(number: int, data: bytes) -> bytes:
    """A length-prefixed field."""
    return make_varint(number << 3 | LENGTH) + make_varint(len(data)) + data


def make_number(number: int, value: int) -> bytes:
    """A field that is a number, and not a negative one."""
    return make_varint(number << 3 | VARINT) + make_varint(value)


def make_field(number: int, wire: int, data: bytes) -> bytes:
    """A field as :func:`split_fields` has it; those are no groups."""
    return make_chunk(number, data) if wire == LENGTH else make_varint(number << 3 | wire) + data


def split_fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number, wire type and content of each field, as they come. Raises :class:`Malformed`."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not number or tag >= 1 << 32:
            raise Malformed
        if wire == LENGTH:
            size, at = _read_varint(data, at)
            if size > len(data) - at:
                raise Malformed
            yield number, wire, data[at : at + size]
            at += size
        else:
            end = _skip_group(data, at, number) if wire == GROUP else skip_value(data, at, wire)
            stop = end if wire != GROUP else _before_end(number, end)
            yield number, wire, data[at:stop]
            at = end


def _before_end(number: int, end: int) -> int:
    size = 1
    tag = number << 3 | _END_GROUP
    while tag >= 0x80:
        tag >>= 7
        size += 1
    return end - size


def _skip_group(data: bytes, at: int, number: int) -> int:
    """The end of a group, its end tag included."""
    open_ = [number]
    while open_:
        tag, at = _read_varint(data, at)
        if tag & 7 == GROUP:
            open_.append(tag >> 3)
        elif tag & 7 == _END_GROUP:
            if open_.pop() != tag >> 3:
                raise Malformed
        elif tag & 7 == LENGTH:
            size, at = _read_varint(data, at)
            at += size
        else:
            at = skip_value(data, at, tag & 7)
        if at > len(data):
            raise Malformed
    return at


def skip_value(data: bytes, at: int, wire: int) -> int:
    """The end of a number. Raises :class:`Malformed`."""
    if wire == VARINT:
        return _read_varint(data, at)[1]
    size = _FIXED.get(wire)
    if size is None or at + size > len(data):
        raise Malformed
    return at + size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed
