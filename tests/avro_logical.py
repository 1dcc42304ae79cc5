"""Logical types between a Python value and its base value, for the expectations of tests: written apart from the codec.

And a reader of plain Avro bytes that keeps the branch of every union, for looking at what a witness holds.
"""

import re
import struct
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from typing import Any, Final
from uuid import UUID

from registry.formats.avro.reference import Branch, Duration
from registry.schema import Array, Enum, Fixed, Logical, Map, Primitive, Record, Schema, Type, Union

is_uuid: Final = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch

_UNIT: Final = {"millis": timedelta(milliseconds=1), "micros": timedelta(microseconds=1)}
_START: Final = datetime(1970, 1, 1)


def base_of(logical: Logical | None, value: object, size: int = 0) -> object:
    """The int, text or bytes that stand for a value; ``size`` is that of a fixed."""
    unit = _UNIT.get(logical.name.rpartition("-")[2]) if logical else None
    if isinstance(value, Decimal):
        with localcontext() as context:
            context.prec = 2000
            unscaled = int(value.scaleb(logical.scale if logical else 0))
        length = size or next(n for n in range(1, 100) if -(1 << 8 * n - 1) <= unscaled < 1 << 8 * n - 1)
        return unscaled.to_bytes(length, "big", signed=True)
    if isinstance(value, UUID):
        return value.bytes if size else str(value)
    if isinstance(value, Duration):
        return struct.pack("<III", *value)
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - _START) // unit  # type: ignore[operator]  # datetimes have a unit
    if isinstance(value, date):
        return (value - _START.date()).days
    if isinstance(value, time):
        return (datetime.combine(_START, value) - _START) // unit  # type: ignore[operator]  # times have a unit
    return value


def value_of(logical: Logical | None, base: Any) -> object:
    """The value that an int, text or bytes stand for; one beyond Python's types stays as it is."""
    if logical is None or logical.name.endswith("nanos"):
        return base
    if logical.name == "decimal":
        with localcontext() as context:
            context.prec = 2000
            return Decimal(int.from_bytes(base, "big", signed=True)).scaleb(-logical.scale)
    if logical.name == "uuid":
        return UUID(bytes=base) if isinstance(base, bytes) else UUID(base)
    if logical.name == "duration":
        return Duration(*struct.unpack("<III", base))
    try:
        if logical.name == "date":
            return _START.date() + timedelta(days=base)
        moment = _START + base * _UNIT[logical.name.rpartition("-")[2]]
    except OverflowError:
        return base
    if logical.name.startswith("time-"):
        return moment.time() if moment.date() == _START.date() else base
    return moment.replace(tzinfo=UTC) if logical.name.startswith("timestamp") else moment


def read_tagged(schema: Schema, data: bytes) -> object:
    """The value in the bytes of a schema: unions as :class:`Branch`, logical types as their base values."""
    value, rest = _read(schema, schema.root, memoryview(data))
    assert not rest, "bytes are left over"
    return value


def _read(schema: Schema, type_: Type, data: memoryview) -> tuple[Any, memoryview]:
    resolved = schema.resolve(type_)
    if isinstance(resolved, Union):
        index, data = _number(data)
        value, data = _read(schema, resolved.branches[index], data)
        return Branch(index, value), data
    if isinstance(resolved, Record):
        fields = {}
        for field in resolved.fields:
            fields[field.name], data = _read(schema, field.type, data)
        return fields, data
    if isinstance(resolved, Enum):
        index, data = _number(data)
        return resolved.symbols[index].name, data
    if isinstance(resolved, Fixed):
        return bytes(data[: resolved.size]), data[resolved.size :]
    if isinstance(resolved, Primitive):
        return _primitive(resolved.name, data)
    return _block(schema, resolved, data)


def _block(schema: Schema, container: Array | Map, data: memoryview) -> tuple[Any, memoryview]:
    items, pairs = [], {}
    count, data = _number(data)
    while count:
        if count < 0:
            _, data = _number(data)
        for _ in range(abs(count)):
            if isinstance(container, Array):
                item, data = _read(schema, container.items, data)
                items.append(item)
            else:
                key, data = _primitive("string", data)
                pairs[key], data = _read(schema, container.values, data)
        count, data = _number(data)
    return items if isinstance(container, Array) else pairs, data


def _primitive(name: str, data: memoryview) -> tuple[Any, memoryview]:
    if name == "null":
        return None, data
    if name == "boolean":
        return data[0] == 1, data[1:]
    if name in ("int", "long"):
        return _number(data)
    if name in ("float", "double"):
        size = 4 if name == "float" else 8
        return struct.unpack(f"<{name[0]}", data[:size])[0], data[size:]
    length, data = _number(data)
    raw = bytes(data[:length])
    return raw.decode() if name == "string" else raw, data[length:]


def _number(data: memoryview) -> tuple[int, memoryview]:
    length = next(i for i, byte in enumerate(data, 1) if byte < 128)
    number = sum((byte & 127) << 7 * i for i, byte in enumerate(data[:length]))
    return number >> 1 ^ -(number & 1), data[length:]
