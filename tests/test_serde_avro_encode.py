"""The Avro encoder writes what the reference codec writes, and refuses what is no value, with the place."""

import json
from collections import OrderedDict, UserDict, deque
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from io import BytesIO
from itertools import islice
from math import inf, nan
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.formats.avro.duration import Duration
from registry.formats.avro.reference import EncodeError as ReferenceError
from registry.formats.avro.reference import encode
from registry.formats.avro.values import find_values
from registry.schema import Schema
from registry.serde.avro import compile_encoder
from registry.serde.avro.encoder import render_encoder
from registry.serde.avro.explain_value import encode_carefully
from registry.serde.errors import EncodeError
from registry.serde.meta import Meta
from registry.serde.shape import PLAIN, Shape
from tests.avro_pairs import schemas
from tests.avro_schemas import Model
from tests.avro_shorthand import ID, array, decimal, enum, field, fixed, logical, map_of, parse, record
from tests.avro_spelling import parse_model
from tests.examples_settings import settings
from tests.serde_avro_values import find_pairs, find_places, make_shape, put, untag

TYPED = Shape(types={"not.in.the.Schema": object})
"""Typed mode, with classes for nothing."""
MOMENT = datetime(2024, 2, 29, 12, 30, 15, 123000, UTC)


class Hue(IntEnum):
    RED = 7


class Word(str, Enum):  # noqa: UP042 (what people had before StrEnum)
    A = "hidden"


def write(schema: object, value: object, shape: Shape = PLAIN, meta: Meta | None = None) -> bytes:
    return compile_encoder(parse(schema, strict=False), shape)(value, b"", meta)


def refuse(schema: object, value: object, shape: Shape = TYPED, meta: Meta | None = None) -> EncodeError:
    with pytest.raises(EncodeError) as caught:
        write(schema, value, shape, meta)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


# What is written


@given(schemas())
@settings()
def test_plain_values_have_the_bytes_of_the_reference_codec(model: Model) -> None:
    schema = parse_model(model)
    write_event = compile_encoder(schema)
    for tagged in islice(find_values(schema), 30):
        value = untag(tagged)
        assert write_event(value, b"\0frame", None) == b"\0frame" + encode(schema, value), value
        assert encode_carefully(schema, PLAIN, value, None) == encode(schema, value), value


@given(schemas())
@settings()
def test_typed_values_have_the_bytes_of_the_reference_codec(model: Model) -> None:
    schema = parse_model(model)
    shape = make_shape(schema)
    write_event = compile_encoder(schema, shape)
    for value, data in find_pairs(schema, shape, 30):
        assert write_event(value, b"\0frame", None) == b"\0frame" + data, value
        assert encode_carefully(schema, shape, value, None) == data, value


JUNK: list[object] = [
    *(None, True, 0, 1, -1, 2**31, 2**63, 1.0, 1.5, nan, inf, 1e39, 0.1, "", "a", "X", "\ud800", b"", b"\0", b"12"),
    *([], (), [1], {}, {"f": 1}, {1: 1}, {"a": None}, ID, UUID(ID), Decimal("1.5"), Decimal("1E+9"), Decimal("NaN")),
    *(MOMENT, MOMENT.replace(tzinfo=None), MOMENT.replace(microsecond=1), date(2024, 2, 29), time(1), time(1, 1, 1, 1)),
    *(time(1, tzinfo=UTC), Duration(1, 2, 3), Duration(-1, 0, 0), Hue.RED, Word.A, object(), deque([1]), bytes(16)),
    *(bytearray(b"a"), timedelta(1), Decimal("-0.01"), Decimal("Infinity"), Decimal("1E-30"), 10**400, {None: 1}),
]


@given(schemas(), st.data())
@settings()
def test_the_quick_way_and_the_careful_one_take_and_refuse_the_same(model: Model, data: st.DataObject) -> None:
    schema = parse_model(model)
    shape = make_shape(schema)
    tagged = next(iter(find_values(schema)), None)
    typed = next(iter(find_pairs(schema, shape, 1)), (None, b""))[0]
    for each, value in ((PLAIN, untag(tagged)), (shape, typed)):
        write_event = compile_encoder(schema, each)
        for _ in range(5):
            changed = [deepcopy(value)]
            holder, key = data.draw(st.sampled_from(list(find_places(changed))))
            put(holder, key, data.draw(st.sampled_from(JUNK)))
            assert outcome(write_event, changed[0], b"", None) == outcome(
                encode_carefully, schema, each, changed[0], None
            )
            if each is PLAIN:
                check_against_reference(schema, changed[0])


def outcome(function: Any, *arguments: object) -> object:
    try:
        return function(*arguments)
    except EncodeError as error:
        return error.fact, error.path


def check_against_reference(schema: Schema, value: object) -> None:
    """What the reference codec takes has its bytes; what it refuses is taken only where more is allowed on purpose."""
    try:
        expected: object = encode(schema, value)
    except ReferenceError as error:
        if (isinstance(outcome(encode_carefully, schema, PLAIN, value, None), bytes)):
            words = (" is no float", " is no double", " is no list", "fits no branch")
            assert any(word in error.fact for word in words), error
    else:
        assert compile_encoder(schema)(value, b"", None) == expected
