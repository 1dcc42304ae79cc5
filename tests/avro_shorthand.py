"""Avro schemas in few words, and what the reference codec makes of their values."""

import json

import pytest

from registry.formats import avro
from registry.formats.avro.reference import DecodeError, EncodeError, decode, encode
from registry.schema import Schema

ID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


def parse(schema: object, *, strict: bool = True) -> Schema:
    return avro.parse({"x.avsc": json.dumps(schema)}, ["x.avsc"], strict=strict)


def record(*fields: dict[str, object], name: str = "a.R", **more: object) -> dict[str, object]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, type_: object, **more: object) -> dict[str, object]:
    return {"name": name, "type": type_, **more}


def enum(*symbols: str, name: str = "E", **more: object) -> dict[str, object]:
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def fixed(size: int, name: str = "F", **more: object) -> dict[str, object]:
    return {"type": "fixed", "name": name, "size": size, **more}


def array(items: object) -> dict[str, object]:
    return {"type": "array", "items": items}


def map_of(values: object) -> dict[str, object]:
    return {"type": "map", "values": values}


def logical(base: str, name: str, **more: object) -> dict[str, object]:
    return {"type": base, "logicalType": name, **more}


def decimal(precision: int, scale: int) -> dict[str, object]:
    return logical("bytes", "decimal", precision=precision, scale=scale)


LIST = record(field("next", ["null", "a.R"]))


def read(reader: object, writer: object, value: object) -> object:
    """What the reader makes of a value of the writer."""
    return decode(parse(reader), parse(writer), encode(parse(writer), value))


def fault(reader: object, writer: object, data: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(parse(reader), parse(writer), data)
    return caught.value


def refusal(schema: object, value: object) -> EncodeError:
    with pytest.raises(EncodeError) as caught:
        encode(parse(schema), value)
    return caught.value
