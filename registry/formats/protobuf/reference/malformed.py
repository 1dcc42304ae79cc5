"""Where bytes stop being a message: protobuf's decoder says that they do, and not where.

A walk over the fields beside the schema, made after a decoder has failed.
"""

from typing import Final, NamedTuple

from registry.formats.protobuf.elements import Element, Side, element_of, wire_of
from registry.formats.protobuf.reference.chunks import Malformed, skip_value, split_fields
from registry.formats.protobuf.scalars import LENGTH
from registry.schema import Array, Field, Map, Record, Schema

_DEEPEST: Final = 100


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
                at = skip_value(raw, at, element.wire)
        except Malformed:
            return f"bytes that are no list of {element.words}"
    return ""
