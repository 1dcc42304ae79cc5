"""A value as JSON for people: fields by name, enums by symbol, what is absent left out."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final, cast

from registry.formats.protobuf.reference import Value, key_of
from registry.formats.protobuf.smallest import single_type
from registry.schema import Array, Enum, Field, Map, Primitive, Record, Schema, Type

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WRAPPERS: Final = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)


def render_value(schema: Schema, name: str, value: Value, way: Sequence[str] | None = None) -> str:
    """A value of the message ``name`` in one line.

    With ``way``, keys from the outside in, what stands beside them is left out, and ``…`` in its place.
    """
    return _message(schema, schema.types[name], value, way)


def _message(schema: Schema, record: object, value: Value, way: Sequence[str] | None) -> str:
    if not isinstance(record, Record):
        return _text(value)
    short = None if way else _well_known(schema, record, value)
    if short is not None:
        return short
    parts = []
    fields = {key_of(field): field for field in record.fields if key_of(field) in value}
    shown = [way[0]] if way and way[0] in fields else list(value)
    for key in shown:
        field = fields[key]
        rest = way[1:] if way and key == way[0] else None
        parts.append(f"{json.dumps(key)}: {_field(schema, field.type, value[key], rest)}")
    if len(shown) < len(value):
        parts.append("…")
    return f"{{{', '.join(parts)}}}"


def _field(schema: Schema, type_: Type, value: object, way: Sequence[str] | None) -> str:
    inner = single_type(type_)
    if isinstance(type_, Map):
        pairs = (
            f"{_key(key)}: {_element(schema, inner, each, way)}"
            for key, each in cast(Mapping[object, object], value).items()
        )
        return f"{{{', '.join(pairs)}}}"
    if isinstance(type_, Array):
        items: Iterable[str] = (_element(schema, inner, each, way) for each in cast(Sequence[object], value))
        return f"[{', '.join(items)}]"
    return _element(schema, inner, value, way)


def _key(key: object) -> str:
    return _text(key) if isinstance(key, str | bytes) else f'"{_text(key)}"'


def _element(schema: Schema, type_: Type, value: object, way: Sequence[str] | None) -> str:
    resolved = schema.resolve(type_)
    if isinstance(resolved, Record):
        return _message(schema, resolved, cast(Value, value), way)
    if isinstance(resolved, Enum):
        named = next((symbol.name for symbol in resolved.symbols if symbol.number == value), None)
        return _text(value if named is None else named)
    if isinstance(value, float) and isinstance(type_, Primitive) and type_.name == "float":
        return _text(_shorten(value))
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return '"' + "".join(_letter(byte) for byte in value) + '"'
    if isinstance(value, float) and not isfinite(value):
        return json.dumps({"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN"))
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if text.isprintable() else json.dumps(value, default=str)


def _letter(byte: int) -> str:
    if byte in b'"\\':
        return f"\\{chr(byte)}"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"


def _shorten(value: float) -> float:
    """The shortest number that is the same one in 32 bits."""
    if not isfinite(value):
        return value
    import struct

    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", short) == struct.pack("<f", value):
                return short
        except OverflowError:
            continue
    return value


def _well_known(schema: Schema, record: Record, value: Value) -> str | None:
    """What JSON has a short form for."""
    if record.name in _WRAPPERS and record.fields:
        field = record.fields[0]
        return _element(schema, field.type, value["value"], None) if "value" in value else None
    if record.name not in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
        return None
    seconds, nanos = value.get("seconds", 0), value.get("nanos", 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int) or not 0 <= nanos < 10**9:
        return None
    fraction = f".{nanos:09}".rstrip("0") if nanos else ""
    if record.name.endswith("Duration"):
        return None if seconds < 0 else f'"{seconds}{fraction}s"'
    try:
        return f'"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}{fraction}Z"'
    except OverflowError:
        return None


def render_default(schema: Schema, field: Field, value: object) -> str:
    """What an absent field reads as."""
    return _element(schema, single_type(field.type), value, None)
