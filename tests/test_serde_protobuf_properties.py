"""Bytes of many Protobuf schemas, read and written by the serializer as by the reference codec."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.formats.protobuf.elements import wire_of
from registry.formats.protobuf.reference import DecodeError as Refused
from registry.formats.protobuf.reference import decode, default_of, encode
from registry.schema import Array, Enum, Field, Map, Record, Schema, Type
from registry.serde.errors import DecodeError
from registry.serde.meta import Meta
from registry.serde.protobuf import compile_decoder, compile_encoder, load
from registry.serde.protobuf.parts import WRAPPED
from tests.examples_settings import EXAMPLES, QUICK, settings
from tests.protobuf_pairs import SchemaPair, pairs
from tests.protobuf_promise import root_of
from tests.protobuf_schemas import Model, schemas
from tests.protobuf_spelling import parse_model
from tests.serde_protobuf import make_shape, plain_of, version_of
from tests.test_protobuf_properties import SEEDS, draw_values

FEW = 80 if EXAMPLES == QUICK else EXAMPLES


class Unreadable(Exception):
    """A value that the library takes and no class can hold."""


def expect(schema: Schema, record: Record, value: Mapping[str, Any]) -> dict[str, Any]:
    """What the plain decoder shall give for what the reference codec read."""
    fields = [field for field in record.fields if not wire_of(field).extension]
    return {field.name: expect_field(schema, record, field, value) for field in fields}


def expect_field(schema: Schema, record: Record, field: Field, value: Mapping[str, Any]) -> Any:
    type_ = field.type
    if isinstance(type_, Array):
        return [expect_one(schema, type_.items, each) for each in value.get(field.name, ())]
    if isinstance(type_, Map):
        held = value.get(field.name, {})
        if any(isinstance(key, bytes) for key in held):
            raise Unreadable
        return {key: expect_one(schema, type_.values, each) for key, each in held.items()}
    if field.name in value:
        return expect_one(schema, type_, value[field.name])
    implicit = wire_of(field).presence == "implicit"
    return expect_one(schema, type_, default_of(schema, record, field)) if implicit else None


def expect_one(schema: Schema, type_: Type, value: Any) -> Any:
    resolved = schema.resolve(type_)
    if isinstance(resolved, Enum):
        return next((symbol.name for symbol in resolved.symbols if symbol.number == value), value)
    if isinstance(resolved, Record):
        if resolved.name in WRAPPED:
            return expect(schema, resolved, value)["value"]
        if resolved.name == "google.protobuf.Timestamp":
            nanos = value.get("nanos", 0)
            if not 0 <= nanos < 10**9:
                raise Unreadable
            try:
                return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(0, value.get("seconds", 0), nanos // 1000)
            except OverflowError as error:
                raise Unreadable from error
        return expect(schema, resolved, value)
    if isinstance(value, bytes) and getattr(resolved, "name", "") == "string":
        raise Unreadable
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two values are alike, nan like nan."""
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isnan(one):
        return isinstance(other, float) and isnan(other)
    return bool(one == other) and type(one) is type(other)


@settings(FEW)
@given(schemas(), SEEDS)
def test_events_are_read_as_by_the_reference_and_written_as_they_were(model: Model, seed: int) -> None:
    schema = parse_model(model)
    root = root_of(schema)
    messages = load(version_of(schema.descriptors), root)
    shape = make_shape(messages)
    read_plain, read = compile_decoder(messages, messages), compile_decoder(messages, messages, shape)
    write_plain, write = compile_encoder(messages), compile_encoder(messages, shape)
    for value in draw_values(schema, seed):
        data = encode(schema, root, value)
        try:
            expected = expect(schema, schema.types[root], decode(schema, root, data))  # type: ignore[arg-type]  # a message
        except Unreadable:
            for each in read_plain, read:
                with pytest.raises(DecodeError):
                    each(data, 0, None)
            continue
        plain, meta = read_plain(data, 0, Meta()), Meta()
        event = read(b"frame" + data, 5, meta)
        assert same(plain, expected)
        assert same(plain_of(event), expected)
        assert meta.message is not None
        written = write(event, b"frame", None)
        assert written == b"frame" + write_plain(plain, b"", None)
        assert same(read_plain(written, 5, None), expected)


@settings(FEW)
@given(pairs(), SEEDS)
def test_what_another_version_wrote_is_read_as_by_the_reference(pair: SchemaPair, seed: int) -> None:
    reader, writer = parse_model(pair.after), parse_model(pair.before)
    root, other = root_of(reader), root_of(writer)
    mine, theirs = load(version_of(reader.descriptors), root), load(version_of(writer.descriptors), other)
    read, read_strictly = (compile_decoder(mine, theirs, substitutes=each) for each in (True, False))
    for value in draw_values(writer, seed):
        data = encode(writer, other, value)
        try:
            expected = expect(reader, reader.types[root], decode(reader, root, data))  # type: ignore[arg-type]  # a message
        except (Unreadable, Refused):
            with pytest.raises(DecodeError):
                read(data, 0, None)
            continue
        assert same(read(data, 0, None), expected)
        with suppress(DecodeError):  # or the same, or nothing
            assert same(read_strictly(data, 0, None), expected)


@settings(FEW)
@given(schemas(), SEEDS, st.binary(max_size=60), st.data())
def test_no_bytes_do_anything_but_mean_an_event_or_be_refused(
    model: Model, seed: int, noise: bytes, data: st.DataObject
) -> None:
    schema = parse_model(model)
    root = root_of(schema)
    messages = load(version_of(schema.descriptors), root)
    read = compile_decoder(messages, messages, make_shape(messages))
    tries = [noise]
    for value in draw_values(schema, seed)[:5]:
        good = encode(schema, root, value)
        place = data.draw(st.integers(0, len(good)))
        tries += [good[:place], good[:place] + noise, good[:place] + noise[:1] + good[place + 1 :]]
    for each in tries:
        with suppress(DecodeError):  # any other error would be a bug
            read(each, 0, Meta())
