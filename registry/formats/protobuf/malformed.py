"""Where bytes stop being a message: protobuf's decoder says that they do, and not where.

A walk over the wire format (protobuf.dev/programming-guides/encoding) beside the schema, made after a decoder
has failed.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from registry.formats.protobuf.elements import Element, Side, element_of, wire_of
from registry.formats.protobuf.scalars import FIXED32, FIXED64, GROUP, LENGTH, VARINT
from registry.schema import Array, Field, Map, Record, Schema

_END_GROUP: Final = 4
_DEEPEST: Final = 100
_FIXED: Final = {FIXED64: 8, FIXED32: 4}


class Malformed(ValueError):
    """The bytes end too soon, or no field can begin like that."""


class _Part(NamedTuple):
    record: Record
    data: bytes
    path: str
    depth: int


def find_fault(schema: Schema, root: Record, data: bytes) -> tuple[str, str]:
    """Path and fact of the first fault in bytes that a decoder refused."""
    side = Side(schema.types)
    waiting = [_Part(root, data, "", 0)]
    while waiting:
        part = waiting.pop()
        if part.depth > _DEEPEST:
            return part.path, f"messages are nested deeper than {_DEEPEST}"
        fields = {wire_of(field).number: field for field in part.record.fields}
        counts: dict[int, int] = {}
        inner: list[_Part] = []
        try:
            for number, wire, raw in split_fields(part.data):
                field = fields.get(number)
                if field is None:
                    continue
                element = element_of(field, side)
                position = counts.get(number, 0)
                counts[number] = position + 1
                path = f"{part.path}/{field.name}{_suffix(field, position)}"
                fault = _check(field, element, wire, raw)
                if fault:
                    return path, fault
                if element.record is not None and element.wire == wire:
                    inner.append(_Part(element.record, raw, path, part.depth + 1))
        except Malformed:
            name = part.record.name.partition(" at ")[0]
            return part.path, f"bytes that are no message {name}"
        waiting.extend(reversed(inner))
    return "", f"bytes that are no message {root.name}"


def _suffix(field: Field, position: int) -> str:
    return "{}" if isinstance(field.type, Map) else f"[{position}]" if isinstance(field.type, Array) else ""


def _check(field: Field, element: Element, wire: int, raw: bytes) -> str:
    """What is wrong with one occurrence of a field, apart from what is inside of a message."""
    if element.scalar is not None and element.scalar.family == "string":
        if wire == LENGTH and element.verifies_utf8:
            try:
                raw.decode()
            except UnicodeDecodeError:
                return "invalid UTF-8"
    elif wire == LENGTH and element.record is None and element.wire != LENGTH and isinstance(field.type, Array):
        at = 0
        try:
            while at < len(raw):
                at = _skip(raw, at, element.wire)
        except Malformed:
            return f"bytes that are no list of {element.words}"
    return ""


def split_fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number, wire type and content of each field, as they come. Raises :class:`Malformed`."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not number or tag >= 1 << 32:
            raise Malformed
        if wire == LENGTH:
            size, at = _varint(data, at)
            if size > len(data) - at:
                raise Malformed
            yield number, wire, data[at : at + size]
            at += size
        else:
            end = _skip_group(data, at, number) if wire == GROUP else _skip(data, at, wire)
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
        tag, at = _varint(data, at)
        if tag & 7 == GROUP:
            open_.append(tag >> 3)
        elif tag & 7 == _END_GROUP:
            if open_.pop() != tag >> 3:
                raise Malformed
        elif tag & 7 == LENGTH:
            size, at = _varint(data, at)
            at += size
        else:
            at = _skip(data, at, tag & 7)
        if at > len(data):
            raise Malformed
    return at


def _skip(data: bytes, at: int, wire: int) -> int:
    if wire == VARINT:
        return _varint(data, at)[1]
    size = _FIXED.get(wire)
    if size is None or at + size > len(data):
        raise Malformed
    return at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed
