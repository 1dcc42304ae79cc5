"""The Avro decoder beside the reference codec: the same value in plain mode, and through classes in typed mode."""

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from registry.formats import avro
from registry.formats.avro.reference import DecodeError as Refusal
from registry.formats.avro.reference import decode, encode
from registry.formats.avro.values import find_values
from registry.schema import Schema
from registry.serde.avro import compile_decoder, reading
from registry.serde.avro.decoder import render_decoder
from registry.serde.errors import DecodeError, UnfitStub
from registry.serde.meta import ROLES, Meta
from registry.serde.shape import Shape
from tests.avro_expect import same
from tests.avro_pairs import SchemaPair, field_pairs, name_pairs, pairs, union_pairs
from tests.avro_spelling import parse_model
from tests.examples_settings import EXAMPLES, settings
from tests.serde_avro_reading import make_shape, parse, to_plain

FRAME: Final = b"\0\0\0\0\7"
ID: Final = "6f1e2a52-0000-4000-8000-0123456789ab"


def record(*fields: Any, name: str = "R", **more: Any) -> Any:
    """A record of fields, each a pair of name and type, or with a default."""
    made = [dict(zip(("name", "type", "default"), field, strict=False)) for field in fields]
    return {"type": "record", "name": name, "fields": made, **more}


def logical(base: Any, meaning: str, /, **more: Any) -> Any:
    """A logical type."""
    return {"type": base, "logicalType": meaning, **more}


def make(definition: Any) -> Schema:
    """The schema of a definition."""
    return parse(json.dumps(definition))


def read(reader: Any, writer: Any, value: object, **more: Any) -> object:
    """What a reader makes of a value, in plain mode, behind a frame."""
    source = make(writer)
    return compile_decoder(make(reader), source, **more)(FRAME + encode(source, value), 5, None)


# Many pairs

Decoders = tuple[Callable[..., Any], Callable[..., Any]]
"""Plain and typed."""


def outcome(decoder: Callable[..., Any], data: bytes, start: int = 0) -> tuple[object, DecodeError | None]:
    """The value, or the error."""
    try:
        return decoder(data, start, None), None
    except DecodeError as error:
        return None, error


def check_reading(reader: Schema, writer: Schema, data: bytes, decoders: Decoders, *, honest: bool) -> None:
    """Both modes against the reference. Bytes that nobody wrote may pass where the reader drops what they would be."""
    expected, refusal = None, None
    try:
        expected = decode(reader, writer, data)
    except Refusal as error:
        refusal = error
    value, failure = outcome(decoders[0], FRAME + data, len(FRAME))
    typed, typed_failure = outcome(decoders[1], data)
    if failure is not None:
        assert refusal is not None, failure
        assert typed_failure is not None
        assert refusal.fact != failure.fact or failure.path == "".join(refusal.steps)
        return
    if refusal is None:
        assert same(value, expected)
    else:
        assert not honest
        assert refusal.fact.endswith(("is no UTF-8", "is no UUID", "is no number"))
    if typed_failure is None:
        assert same(to_plain(typed), value)
    else:
        assert "beyond the" in typed_failure.fact


@given(st.one_of(pairs(), union_pairs(), name_pairs(), field_pairs()), st.randoms(use_true_random=False))
@settings(EXAMPLES // 4, suppress_health_check=list(HealthCheck))
def test_every_reader_makes_of_every_writer_what_the_reference_makes(pair: SchemaPair, dice: Random) -> None:
    before, after = parse_model(pair.before), parse_model(pair.after)
    for reader, writer in ((after, before), (before, after), (before, before)):
        decoders = compile_decoder(reader, writer), compile_decoder(reader, writer, make_shape(reader))
        for value in islice(find_values(writer), 10):
            data = encode(writer, value)
            check_reading(reader, writer, data, decoders, honest=True)
            if not 0 < len(data) < 300:
                continue
            flipped = bytearray(data)
            flipped[dice.randrange(len(data))] = dice.randrange(256)
            cut = data[: dice.randrange(len(data))]
            for broken in (bytes(flipped), cut, data + b"\0"):
                check_reading(reader, writer, broken, decoders, honest=False)


# Promotions and logical types, pair by pair

READ: Final[Mapping[str, tuple[Any, Any, object, object]]] = {
    "an int as a long": ("long", "int", -70, -70),
    "an int as a float is rounded once": ("float", "int", 16777217, 16777216.0),
    "a long as a float is rounded once": ("float", "long", 2**54 + 2**30 + 1, float(2**54 + 2**31)),
    "a long as a double": ("double", "long", 9007199254740993, 9007199254740992.0),
    "a float as a double": ("double", "float", 1.5, 1.5),
    "a string as bytes": ("bytes", "string", "ü", b"\xc3\xbc"),
    "bytes as a string": ("string", "bytes", b"\xc3\xbc", "ü"),
    "bytes as a UUID": (logical("string", "uuid"), "bytes", ID.encode(), UUID(ID)),
    "a string as a UUID": (logical("string", "uuid"), "string", ID.upper(), UUID(ID)),
    "a UUID as a string": ("string", logical("string", "uuid"), UUID(ID), ID),
    "an int as a timestamp": (logical("long", "timestamp-millis"), "int", 1, datetime(1970, 1, 1, 0, 0, 0, 1000, UTC)),
    "nanoseconds": (logical("long", "timestamp-nanos"), "long", 5, 5),
    "a date before the epoch": (logical("int", "date"), "int", -1, date(1969, 12, 31)),
    "a date that Python does not have": (logical("int", "date"), "int", 2**31 - 1, 2**31 - 1),
    "a negative decimal": (logical("bytes", "decimal", precision=9, scale=2), "bytes", b"\xff\x38", Decimal("-2.00")),
    "a decimal of scale 0": (logical("bytes", "decimal", precision=9), "bytes", b"\x80", Decimal(-128)),
    "a value as a branch": (["null", "string"], "string", "a", "a"),
    "the branch as a value": ("string", ["null", "string"], "a", "a"),
    "an int as the better branch": (["float", "double", "long"], "int", 7, 7),
    "an empty array of anything": (
        {"type": "array", "items": "int"},
        {"type": "array", "items": "string"},
        [],
        [],
    ),
    "a field by its alias": (
        {"type": "record", "name": "R", "fields": [{"name": "b", "type": "int", "aliases": ["a"]}]},
        record(("a", "int")),
        {"a": 1},
        {"b": 1},
    ),
    "fields in the reader's order": (
        record(("b", "int"), ("c", "int", 5), ("a", "int")),
        record(("a", "int"), ("b", "int")),
        {"a": 1, "b": 2},
        {"b": 2, "c": 5, "a": 1},
    ),
}


@pytest.mark.parametrize(("reader", "writer", "value", "expected"), READ.values(), ids=list(READ))
def test_a_value_is_read_as(reader: Any, writer: Any, value: object, expected: object) -> None:
    result = read(reader, writer, value)
    assert same(result, expected)
    if isinstance(expected, dict):
        assert list(result) == list(expected)  # type: ignore[call-overload]  # read() gives any object


DROPPED: Final = (
    "null",
    "boolean",
    "int",
    "long",
    "float",
    "double",
    "bytes",
    "string",
    {"type": "fixed", "name": "F", "size": 3},
    {"type": "enum", "name": "E", "symbols": ["A", "B"]},
    {"type": "array", "items": "string"},
    {"type": "map", "values": ["null", "long"]},
    record(("x", "long"), ("y", ["null", "string"]), name="S"),
)


@pytest.mark.parametrize("dropped", DROPPED, ids=str)
def test_what_the_reader_does_not_want_is_stepped_over(dropped: Any) -> None:
    writer = make(record(("first", "int"), ("dropped", dropped), ("last", "string")))
    decoder = compile_decoder(make(record(("first", "int"), ("last", "string"))), writer)
    for value in find_values(writer):
        data = encode(writer, value)
        assert same(decoder(data, 0, None), decode(make(record(("first", "int"), ("last", "string"))), writer, data))


# Typed


def test_a_record_is_its_class_an_enum_its_member_and_an_array_a_tuple() -> None:
    schema = make(
        record(
            ("kind", {"type": "enum", "name": "Kind", "symbols": ["GOOD", "mro"]}),
            ("tags", {"type": "array", "items": "string"}),
            ("class", ["null", "R"]),
        )
    )
    shape = make_shape(schema)
    event_class, kind = shape.types["R"], shape.types["Kind"]
    data = encode(schema, {"kind": "mro", "tags": ["a"], "class": {"kind": "GOOD", "tags": [], "class": None}})
    event: Any = compile_decoder(schema, schema, shape)(data, 0, None)
    assert [type(event), type(event.class_)] == [event_class, event_class]
    assert event.kind is kind("mro")
    assert event.tags == ("a",)
    assert event.class_.class_ is None


def test_records_of_a_union_are_told_apart_by_their_class() -> None:
    schema = make([record(("id", "int"), name="a.Video"), record(("id", "int"), name="a.Article")])
    shape = make_shape(schema)
    decoder = compile_decoder(schema, schema, shape)
    assert type(decoder(b"\x02\x08", 0, None)) is shape.types["a.Article"]
    assert type(decoder(b"\x00\x08", 0, None)) is shape.types["a.Video"]


HOSTILE: Final = (
    "d",
    "i",
    "m",
    "l",
    "n",
    "k",
    "self",
    "None_",
    "new",
    "r",
    "GaveUp",
    "careful",
    "__init__",
    "_x",
    "def",
)


def test_fields_may_have_the_names_that_the_source_uses() -> None:
    schema = make(record(*((name, "string") for name in HOSTILE)))
    data = encode(schema, {name: name for name in HOSTILE})
    assert compile_decoder(schema, schema)(data, 0, None) == {name: name for name in HOSTILE}
    event = compile_decoder(schema, schema, make_shape(schema))(data, 0, None)
    assert list(to_plain(event).values()) == list(HOSTILE)


def test_a_class_without_a_member_for_a_symbol_is_another_schemas() -> None:
    ours = make({"type": "enum", "name": "E", "symbols": ["A"]})
    theirs = make({"type": "enum", "name": "E", "symbols": ["A", "B"]})
    with pytest.raises(UnfitStub, match="class E has no member with the value 'B'"):
        compile_decoder(theirs, theirs, make_shape(ours))


def test_a_class_without_an_attribute_for_a_field_is_another_schemas() -> None:
    ours, theirs = make(record(("a", "int"))), make(record(("a", "int"), ("class", "int")))
    with pytest.raises(UnfitStub, match="class R has no attribute 'class_', and record R has a field 'class'"):
        compile_decoder(theirs, theirs, make_shape(ours))


BEYOND: Final = (
    (logical("int", "date"), 2**31 - 1),
    (logical("int", "time-millis"), -1),
    (logical("long", "time-micros"), 86_400_000_000),
    (logical("long", "timestamp-millis"), 2**62),
    (logical("long", "local-timestamp-micros"), -(2**62)),
)


@pytest.mark.parametrize(("type_", "number"), BEYOND, ids=str)
def test_what_python_has_no_date_for_is_an_error_in_typed_mode(type_: Any, number: int) -> None:
    schema = make(record(("at", type_)))
    data = encode(schema, {"at": number})
    assert compile_decoder(schema, schema)(data, 0, None) == {"at": number}
    with pytest.raises(DecodeError, match=rf"^{number} is beyond the \S+ values of Python at /at$"):
        compile_decoder(schema, schema, make_shape(schema))(data, 0, None)


# Defaults

WITH_DEFAULTS: Final = record(
    ("id", "int"),
    ("price", logical("bytes", "decimal", precision=4, scale=2), "\x01"),
    ("at", logical("long", "timestamp-millis"), 5),
    ("raw", "bytes", "ÿ"),
    ("ratio", "double", 1),
    ("names", {"type": "map", "values": {"type": "array", "items": "int"}}, {"a": [1]}),
    ("inner", record(("tags", {"type": "array", "items": "string"}, ["x"]), name="S"), {}),
    ("kind", {"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B"),
    ("none", ["null", "int"], None),
)


def test_a_missing_field_has_its_default_typed_and_with_its_logical_type() -> None:
    reader, writer = make(WITH_DEFAULTS), make(record(("id", "int")))
    shape = make_shape(reader)
    event: Any = compile_decoder(reader, writer, shape)(b"\x02", 0, None)
    assert event.price == Decimal("0.01")
    assert event.at == datetime(1970, 1, 1, 0, 0, 0, 5000, UTC)
    assert event.raw == b"\xff"
    assert (event.ratio, type(event.ratio)) == (1.0, float)
    assert event.names == {"a": (1,)}
    assert event.inner == shape.types["S"](tags=("x",))
    assert event.kind is shape.types["E"]("B")
    assert event.none is None
    assert same(to_plain(event), decode(reader, writer, b"\x02"))


@pytest.mark.parametrize("typed", [False, True])
def test_defaults_are_made_afresh_for_each_record(typed: bool) -> None:
    reader, writer = make(WITH_DEFAULTS), make(record(("id", "int")))
    decoder = compile_decoder(reader, writer, make_shape(reader) if typed else Shape())
    first: Any = decoder(b"\x02", 0, None)
    if typed:
        first.names["b"] = ()
        first.inner.tags = ("y",)
        assert same(to_plain(decoder(b"\x02", 0, None)), decode(reader, writer, b"\x02"))
    else:
        first["names"]["a"].append(2)
        first["inner"]["tags"].append("y")
        assert same(decoder(b"\x02", 0, None), decode(reader, writer, b"\x02"))


# Enums


def test_an_unknown_symbol_is_the_default_unless_it_may_not_be_replaced() -> None:
    reader = make({"type": "enum", "name": "E", "symbols": ["A"], "default": "A"})
    writer = make({"type": "enum", "name": "E", "symbols": ["A", "NEW"]})
    assert compile_decoder(reader, writer)(b"\x02", 0, None) == "A"
    strict = compile_decoder(reader, writer, substitutes=False)
    assert strict(b"\x00", 0, None) == "A"
    with pytest.raises(DecodeError, match=r"^unknown symbol 'NEW'$"):
        strict(b"\x02", 0, None)


@pytest.mark.parametrize("count", [63, 64, 65, 200])
def test_an_enum_may_have_many_symbols(count: int) -> None:
    schema = make({"type": "enum", "name": "E", "symbols": [f"S{i}" for i in range(count)]})
    decoder = compile_decoder(schema, schema)
    for i in (0, 62, count - 1):
        assert decoder(encode(schema, f"S{i}"), 0, None) == f"S{i}"


@pytest.mark.parametrize("count", [8, 9, 65, 200])
def test_a_union_may_have_many_branches(count: int) -> None:
    schema = make([record(("a", "int"), name=f"R{i}") for i in range(count)])
    shape = make_shape(schema)
    decoder = compile_decoder(schema, schema, shape)
    for index, data in ((0, b"\0\2"), (7, b"\x0e\2"), (count - 1, avro_index(count - 1) + b"\2")):
        assert decoder(data, 0, None) == shape.types[f"R{index}"](a=1)


def avro_index(index: int) -> bytes:
    return encode(make("int"), index)


# The envelope

ENVELOPE: Final = {
    "correlation_id": ("metadata", "correlation_id"),
    "event_id": ("metadata", "event_id"),
    "occurred_at": ("metadata", "occurred_at"),
    "causation_id": ("causation_id",),
    "schema_version": ("schema_version",),
}
ENVELOPED: Final = record(
    (
        "metadata",
        record(
            ("correlation_id", logical("string", "uuid")),
            ("event_id", logical("fixed", "uuid", name="Id", size=16)),
            ("occurred_at", logical("long", "timestamp-micros")),
            name="Metadata",
        ),
    ),
    ("title", "string"),
    ("causation_id", ["null", "string"]),
    ("schema_version", "int"),
)
AT: Final = datetime(2026, 11, 23, tzinfo=UTC)
ENVELOPED_VALUE: Final = {
    "metadata": {"correlation_id": ID.upper(), "event_id": UUID(ID), "occurred_at": AT},
    "title": "a",
    "causation_id": None,
    "schema_version": 3,
}


@pytest.mark.parametrize("typed", [False, True])
def test_the_envelope_goes_into_meta_and_not_into_the_event(typed: bool) -> None:
    schema = make(ENVELOPED)
    data = encode(schema, ENVELOPED_VALUE)
    shape = make_shape(schema, ENVELOPE) if typed else Shape(envelope=ENVELOPE)
    if typed:
        shape = Shape(
            types={**shape.types, "R": make_shape(make(record(("title", "string")))).types["R"]}, envelope=ENVELOPE
        )
    decoder = compile_decoder(schema, schema, shape)
    meta = Meta()
    event: Any = decoder(data, 0, meta)
    assert (to_plain(event) if typed else event) == {"title": "a"}
    assert {role: getattr(meta, role) for role in ROLES} == {
        "correlation_id": ID.upper(),
        "event_id": ID,
        "occurred_at": AT,
        "causation_id": None,
        "schema_version": 3,
    }
    assert (to_plain(decoder(data, 0, None)) if typed else decoder(data, 0, None)) == {"title": "a"}


def test_a_record_of_the_envelope_that_holds_more_stays_an_attribute() -> None:
    schema = make(
        record(("meta", record(("correlation_id", "string"), ("region", "string"), name="M")), ("other", "M"))
    )
    data = encode(
        schema, {"meta": {"correlation_id": "c", "region": "eu"}, "other": {"correlation_id": "o", "region": "us"}}
    )
    meta = Meta()
    event = compile_decoder(schema, schema, Shape(envelope={"correlation_id": ("meta", "correlation_id")}))(
        data, 0, meta
    )
    assert event == {"meta": {"region": "eu"}, "other": {"correlation_id": "o", "region": "us"}}
    assert meta.correlation_id == "c"


def test_an_envelope_that_the_writer_did_not_know_has_its_default() -> None:
    metadata = record(("correlation_id", "string", "none"), ("schema_version", "int"), name="M")
    reader = make(record(("a", "int"), ("meta", metadata, {"schema_version": 1})))
    paths = {role: ("meta", role) for role in ("correlation_id", "schema_version")}
    meta = Meta()
    assert compile_decoder(reader, make(record(("a", "int"))), Shape(envelope=paths))(b"\2", 0, meta) == {"a": 1}
    assert (meta.correlation_id, meta.schema_version) == ("none", 1)


def test_an_id_of_the_envelope_that_is_no_uuid_is_an_error() -> None:
    reader = make(record(("id", logical("string", "uuid"))))
    decoder = compile_decoder(reader, make(record(("id", "string"))), Shape(envelope={"correlation_id": ("id",)}))
    with pytest.raises(DecodeError, match=r"^'none' is no UUID at /id$"):
        decoder(b"\x08none", 0, Meta())


# What others write

BLOCKS: Final = {
    "one block": ("06 02 04 06 00", [1, 2, 3]),
    "three blocks": ("02 02 02 04 02 06 00", [1, 2, 3]),
    "a block with its size": ("05 06 02 04 06 00", [1, 2, 3]),
    "a block with its size, and one without": ("03 04 02 04 02 06 00", [1, 2, 3]),
    "a count padded with zeros": ("86 00 02 04 06 00", [1, 2, 3]),
    "an item padded with zeros": ("06 82 80 80 00 04 86 00 00", [1, 2, 3]),
    "an end padded with zeros": ("02 02 80 00", [1]),
}


@pytest.mark.parametrize(("data", "expected"), BLOCKS.values(), ids=list(BLOCKS))
def test_an_array_may_be_written_in_other_ways(data: str, expected: list[int]) -> None:
    schema = make({"type": "array", "items": "int"})
    assert decode(schema, schema, bytes.fromhex(data)) == expected
    assert compile_decoder(schema, schema)(bytes.fromhex(data), 0, None) == expected


PADDED: Final = {
    "a length": ("string", "82 00 61", "a"),
    "the length of a UUID": (logical("string", "uuid"), "c8 00" + ID.encode().hex(), UUID(ID)),
    "a symbol": ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "82 00", "B"),
    "a branch": (["null", "int"], "82 00 02", 1),
}


@pytest.mark.parametrize(("type_", "data", "expected"), PADDED.values(), ids=list(PADDED))
def test_numbers_may_be_padded_with_zeros(type_: Any, data: str, expected: object) -> None:
    schema = make(type_)
    assert compile_decoder(schema, schema)(bytes.fromhex(data), 0, None) == expected


NUMBERS: Final = sorted({sign * (1 << bits) + more for bits in range(63) for sign in (1, -1) for more in (-1, 0, 1)})


def test_numbers_of_every_length() -> None:
    schema, dropping = make(record(("a", "long"), ("b", "int"))), make(record(("b", "int")))
    decoder, dropper = compile_decoder(schema, schema), compile_decoder(dropping, schema)
    for number in (*NUMBERS, 2**63 - 1, -(2**63)):
        event = {"a": number, "b": max(min(number, 2**31 - 1), -(2**31))}
        data = encode(schema, event)
        assert decoder(data, 0, None) == event
        assert dropper(data, 0, None) == {"b": event["b"]}


@pytest.mark.parametrize("length", [0, 1, 63, 64, 8191, 8192, 2_000_000])
def test_text_of_every_length(length: int) -> None:
    schema, dropping = make(record(("a", "string"), ("b", "bytes"))), make(record(("b", "bytes")))
    data = encode(schema, {"a": "ü" * length, "b": b"b" * length})
    assert compile_decoder(schema, schema)(data, 0, None) == {"a": "ü" * length, "b": b"b" * length}
    assert compile_decoder(dropping, schema)(data, 0, None) == {"b": b"b" * length}


def test_an_array_of_numbers_is_read_in_blocks() -> None:
    for type_ in ("double", "float"):
        schema = make({"type": "array", "items": type_})
        for count in (0, 1, 63, 64, 1000):
            assert compile_decoder(schema, schema)(encode(schema, [1.5] * count), 0, None) == [1.5] * count


def test_numbers_of_one_size_are_read_together() -> None:
    fields = [("a", "double"), ("b", "float"), ("c", "double"), ("d", "int"), ("e", "float"), ("f", "float")]
    schema, fewer = make(record(*fields)), make(record(*fields[1:3], ("e", "double"), ("z", "float", 0.1)))
    event = {"a": 0.1, "b": 0.5, "c": -0.0, "d": 3, "e": 2.5, "f": 1e30}
    data = encode(schema, event)
    for reader in (schema, fewer):
        assert same(compile_decoder(reader, schema)(data, 0, None), decode(reader, schema, data))
        for end in range(len(data)):
            assert outcome(compile_decoder(reader, schema), data[:end])[1] is not None


def test_fastavro_writes_what_we_read() -> None:
    fastavro = pytest.importorskip("fastavro")
    schema = make(ENVELOPED)
    out = io.BytesIO()
    value = {**ENVELOPED_VALUE, "metadata": {"correlation_id": UUID(ID), "event_id": UUID(ID).bytes, "occurred_at": AT}}
    fastavro.schemaless_writer(out, fastavro.parse_schema(ENVELOPED), value)
    read_back: Any = compile_decoder(schema, schema)(out.getvalue(), 0, None)
    assert read_back["metadata"]["correlation_id"] == UUID(ID)
    assert read_back["metadata"]["occurred_at"] == AT


# Deep and wide


def test_a_list_of_records_may_be_as_long_as_the_reference_reads_it() -> None:
    schema = make(record(("v", "int"), ("next", ["null", "R"])))
    decoders = compile_decoder(schema, schema), compile_decoder(schema, schema, make_shape(schema))
    for length in (1, 2, 100, 255):
        data = b"\2\2" * (length - 1) + b"\2\0"
        check_reading(schema, schema, data, decoders, honest=True)
    for length in (256, 257, 100_000):
        with pytest.raises(DecodeError, match=r"^nests deeper than 256 levels at /next/next"):
            decoders[1](b"\2\2" * (length - 1) + b"\2\0", 0, None)


def test_types_may_stand_deep_inside_each_other() -> None:
    type_: Any = "int"
    value: Any = 7
    for i in range(45):
        type_ = {"type": "array", "items": type_} if i % 3 else {"type": "map", "values": ["null", type_]}
        value = [value] if i % 3 else {"k": value}
    schema = make(type_)
    assert compile_decoder(schema, schema)(encode(schema, value), 0, None) == value


def test_a_chain_of_many_records_is_compiled_without_the_stack() -> None:
    names = [f"C{i}" for i in range(1500)]
    files = {
        name: json.dumps(record(("x", following if following else "int"), name=name))
        for name, following in zip(names, [*names[1:], ""], strict=True)
    }
    schema = avro.parse(files, ["C0"], strict=False)
    with pytest.raises(DecodeError, match="nests deeper than 256 levels"):
        compile_decoder(schema, schema)(b"\2", 0, None)
    short = avro.parse(files, ["C1300"], strict=False)
    assert compile_decoder(short, short)(b"\2", 0, None) == decode(short, short, b"\2")


def test_a_record_that_stands_in_many_places_is_compiled_once() -> None:
    # Each of twenty records holds the next one twice: a million values, if all of them stood in line
    inner: Any = record(*((f"f{i}", "int") for i in range(9)), name="R0")
    for i in range(1, 20):
        inner = record(("a", inner), ("b", ["null", f"R{i - 1}"]), name=f"R{i}")
    assert render_decoder(make(inner), make(inner)).count("\n") < 2000


# Numbers: two bytes at a time, by tables, where eight are left; one by one at the end

BOUNDARIES: Final = sorted(
    {sign * ((1 << bits) + near) for bits in range(64) for near in (-1, 0, 1) for sign in (1, -1)}
)


@pytest.mark.parametrize("type_", ["int", "long"])
@pytest.mark.parametrize("behind", [0, 1, 4, 7, 8])
def test_numbers_of_every_length_are_read_wherever_they_stand(type_: str, behind: int) -> None:
    schema = make(record(("a", type_), ("b", {"type": "fixed", "name": "B", "size": behind})))
    decoder = compile_decoder(schema, schema)
    limit = 1 << (31 if type_ == "int" else 63)
    for value in BOUNDARIES:
        if -limit <= value < limit:
            event = {"a": value, "b": b"\xff" * behind}
            data = encode(schema, event)
            assert decoder(FRAME + data, 5, None) == event
            with pytest.raises(DecodeError):
                decoder(FRAME + data[:-1], 5, None)


@pytest.mark.parametrize("type_", ["int", "long"])
@pytest.mark.parametrize("behind", [0, 8])
def test_padded_numbers_are_read_as_the_reference_reads_them(type_: str, behind: int) -> None:
    schema = make(record(("a", type_), ("b", {"type": "fixed", "name": "B", "size": behind})))
    decoders = (compile_decoder(schema, schema), compile_decoder(schema, schema, make_shape(schema)))
    for length in range(1, 12):
        for last in (0x00, 0x01, 0x02, 0x0F, 0x10, 0x7F):
            for first in (0x80, 0x81, 0xFF):
                number = bytes([first] * bool(length - 1) + [0x80] * (length - 2) + [last])
                check_reading(schema, schema, number + b"\xff" * behind, decoders, honest=False)


# The source


def test_the_docstring_shows_the_source_as_it_is() -> None:
    schema = make(record(("a", "string"), ("b", {"type": "array", "items": "int"})))
    lines = render_decoder(schema, schema, make_shape(schema)).splitlines()
    shown = [line[4:] for line in (reading.__doc__ or "").splitlines() if line.startswith("    ")]
    assert shown == lines


def test_no_name_of_a_schema_is_code() -> None:
    doc = '"""\n__import__("os").abort()'
    schema = make(
        {"type": "record", "name": "R", "doc": doc, "fields": [{"name": "a", "type": "int", "doc": doc}]},
    )
    assert "import" not in render_decoder(schema, schema, make_shape(schema))
