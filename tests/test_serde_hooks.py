"""The hooks for people who keep their own serializer: typed events to dicts and messages, and back."""

import io
import json
from collections.abc import Mapping
from dataclasses import make_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import fastavro
import pytest

from registry.serde import Bundle, BundledVersion, Duration, Meta, Shape, correlation
from registry.serde.errors import DecodeError, EncodeError, MissingCorrelation, SerdeError
from registry.serde.hooks import from_avro, from_message, to_avro, to_message
from tests.avro_shorthand import array, decimal, enum, field, fixed, logical, map_of, record

ID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


class Kind(Enum):
    A = "A"
    B = "B"


def make(name: str, *fields: str) -> type:
    return make_dataclass(name, fields, slots=True, kw_only=True)


R = make("R", "x")
Left, Right = make("Left", "name"), make("Right", "name")
CLASSES: Mapping[str, type] = {"a.R": R, "a.Left": Left, "a.Right": Right, "a.Kind": Kind}


def bundle_of(schema: object, types: Mapping[str, type] = CLASSES, **more: Any) -> Bundle:
    version = BundledVersion(
        number=1,
        schema_id=7,
        guid="9a3f1c52-7b0d-4a56-8d3e-1f2a3b4c5d6e",
        root="x.avsc",
        files={"x.avsc": json.dumps(schema)},
        shape=Shape(types, more.pop("envelope", {})),
        event=types["a.R"],
    )
    facts: dict[str, Any] = {"service": "shop", "owner": "shop", "contact": "team sales", "writes": (1,), **more}
    return Bundle(event="a.R", language="avro", topic="t", key="", versions=(version,), reads=(1,), **facts)


def of_one(type_: object) -> Bundle:
    """An event with one field ``x``."""
    return bundle_of(record(field("x", type_)))


BRANCHES = [record(field("name", "string"), name="a.Left"), record(field("name", "string"), name="a.Right")]

CASES: dict[str, tuple[object, object, object]] = {
    "a record in a union is named": ([*BRANCHES], Right(name="r"), ("a.Right", {"name": "r"})),
    "a record that may be null is not": (["null", BRANCHES[0]], Left(name="l"), {"name": "l"}),
    "null": (["null", BRANCHES[0]], None, None),
    "an enum is its symbol": (enum("A", "B", name="a.Kind"), Kind.B, "B"),
    "an enum beside a string is named": (["string", enum("A", "B", name="a.Kind")], Kind.B, ("a.Kind", "B")),
    "a string beside an enum is named": (["string", enum("A", "B", name="a.Kind")], "B", ("string", "B")),
    "an array is a list": (array(array("int")), ((1, 2), ()), [[1, 2], []]),
    "records in a map of arrays": (
        map_of(array(["null", *BRANCHES])),
        {"k": (None, Left(name="l"))},
        {"k": [None, ("a.Left", {"name": "l"})]},
    ),
    "a map in a union": (["null", map_of("int"), array("int")], {"k": 1}, {"k": 1}),
    "an array in a union": (["null", map_of("int"), array("int")], (1,), [1]),
    "a decimal": (decimal(5, 2), Decimal("1.50"), Decimal("1.50")),
    "a UUID": (logical("string", "uuid"), UUID(ID), UUID(ID)),
    "a UUID of sixteen bytes": (fixed(16, "a.U", logicalType="uuid"), UUID(ID), UUID(ID).bytes),
    "a UUID of sixteen bytes or null": (["null", fixed(16, "a.U", logicalType="uuid")], UUID(ID), UUID(ID).bytes),
    "a duration": (fixed(12, "a.D", logicalType="duration"), Duration(1, 2, 3), b"\1\0\0\0\2\0\0\0\3\0\0\0"),
    "a time": (logical("long", "timestamp-millis"), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
    "nanoseconds": (logical("long", "timestamp-nanos"), 1, 1),
}


@pytest.mark.parametrize(("type_", "value", "expected"), CASES.values(), ids=CASES)
def test_an_event_becomes_what_fastavro_writes_and_comes_back(type_: object, value: object, expected: object) -> None:
    bundle = of_one(type_)
    made = to_avro(bundle)((R(x=value), envelope()), None)
    assert made == {"x": expected}
    assert type(made["x"]) is type(expected)
    parsed = fastavro.parse_schema(record(field("x", type_)))
    data = io.BytesIO()
    fastavro.schemaless_writer(data, parsed, made)
    read = fastavro.schemaless_reader(io.BytesIO(data.getvalue()), parsed, None, return_record_name=True)
    tells = not (isinstance(expected, tuple) and expected[0] in {"a.Kind", "string"})  # fastavro names records only
    if tells:
        assert from_avro(bundle)(read, None)[0] == R(x=value)
    assert from_avro(bundle)(made, None)[0] == R(x=value), "also what was not read by fastavro"


def envelope() -> Meta:
    meta = Meta()
    meta.correlation_id, meta.event_id, meta.occurred_at = ID, ID, datetime(2026, 1, 1, tzinfo=UTC)
    return meta


def test_what_could_be_either_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"could be a\.Left or a\.Right at /x") as caught:
        from_avro(of_one([*BRANCHES]))({"x": {"name": "n"}}, None)
    assert caught.value.help == "let the deserializer say the branch: return_record_name=True"
    with pytest.raises(DecodeError, match=r"'B' could be string or a\.Kind at /x"):
        from_avro(of_one(["string", enum("A", "B", name="a.Kind")]))({"x": "B"}, None)
    assert from_avro(of_one(["string", enum("A", "B", name="a.Kind")]))({"x": "C"}, None)[0] == R(x="C")


def test_a_branch_may_be_named_in_the_dict() -> None:
    read = from_avro(of_one([*BRANCHES]))
    assert read({"x": {"-type": "a.Right", "name": "n"}}, None)[0] == R(x=Right(name="n"))
    with pytest.raises(DecodeError, match=r"'a\.Up' is no branch of the union at /x"):
        read({"x": ("a.Up", {"name": "n"})}, None)


REFUSED: dict[str, tuple[object, object, str]] = {
    "an int that is none": ("int", 1.5, "/x"),
    "an int that is too big": ("int", 2**31, "/x"),
    "a bool for an int": ("int", True, "/x"),
    "an unknown symbol": (enum("A", "B", name="a.Kind"), "C", "/x"),
    "a list for a record": (BRANCHES[0], [], "/x"),
    "a text for an array": (array("string"), "ab", "/x"),
    "a list for a map": (map_of("string"), [], "/x"),
    "an item": (array("int"), [1, "2"], "/x[1]"),
    "a value of a map": (map_of("int"), {"k": None}, '/x{"k"}'),
    "a lacking field": (BRANCHES[0], {}, "/x"),
    "a field too many": (BRANCHES[0], {"name": "n", "nom": "n"}, "/x"),
    "a fixed that is too short": (fixed(4, "a.F"), b"abc", "/x"),
    "a UUID that is none": (logical("string", "uuid"), "abc", "/x"),
    "bytes beyond Latin-1": ("bytes", "\u1234", "/x"),
    "nothing at all": (["int", "string"], None, "/x"),
}


@pytest.mark.parametrize(("type_", "value", "path"), REFUSED.values(), ids=REFUSED)
def test_a_dict_that_does_not_fit_is_refused_with_its_place(type_: object, value: object, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        from_avro(of_one(type_))({"x": value}, None)
    assert caught.value.path == path
    assert caught.value.subject == "a.R v1"


def test_no_dict_at_all_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"3 is no dict, as record a\.R needs"):
        from_avro(of_one("int"))(3, None)


def test_deep_nesting_is_refused_and_does_not_crash() -> None:
    bundle = bundle_of(record(field("x", ["null", "a.R"])))
    value: dict[str, Any] = {"x": None}
    for _ in range(100_000):
        value = {"x": value}
    with pytest.raises(DecodeError, match="nests"):
        from_avro(bundle)(value, None)


def test_the_raw_defaults_that_fastavro_fills_in_are_mended() -> None:
    schema = record(
        field("raw", "bytes", default="\xff\x00"),
        field("at", logical("long", "timestamp-millis"), default=1000),
        field("maybe", [logical("int", "date"), "null"], default=1),
    )
    class_ = make("R", "raw", "at", "maybe")
    writer = fastavro.parse_schema(record())
    read = fastavro.schemaless_reader(io.BytesIO(b""), writer, fastavro.parse_schema(schema))
    assert read == {"raw": "\xff\x00", "at": 1000, "maybe": 1}, "JSON's values, not the schema's"
    event, _ = from_avro(bundle_of(schema, {"a.R": class_}))(read, None)
    assert (event.raw, event.at) == (b"\xff\x00", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert event.maybe.isoformat() == "1970-01-02"


@pytest.mark.parametrize(
    ("type_", "value", "fact"),
    [
        ("int", 1.5, "1.5"),
        ("int", True, "True"),
        ([*BRANCHES], R(x=1), "R"),
        (decimal(5, 2), Decimal("0.001"), "0.001"),
    ],
)
def test_an_event_that_does_not_fit_is_refused_on_its_way_out(type_: object, value: object, fact: str) -> None:
    with pytest.raises(EncodeError) as caught:
        to_avro(of_one(type_))((R(x=value), envelope()), None)
    assert fact in str(caught.value)
    assert caught.value.path == "/x"


def test_something_else_than_the_event_is_refused() -> None:
    with pytest.raises(EncodeError, match="a Left is none of R"):
        to_avro(of_one("int"))(Left(name="l"), None)


# The envelope

ENVELOPED = record(
    field("correlation_id", logical("string", "uuid")),
    field("schema_version", "int"),
    field("event_id", logical("string", "uuid")),
    field("occurred_at", logical("long", "timestamp-millis")),
    field("x", "int"),
)
ROLES = {name: (name,) for name in ("correlation_id", "schema_version", "event_id", "occurred_at")}


def test_a_bare_event_is_stamped_as_a_producer_stamps_it() -> None:
    bundle = bundle_of(ENVELOPED, envelope=ROLES)
    with correlation(ID):
        made = to_avro(bundle)(R(x=1), None)
    assert made["correlation_id"] == UUID(ID)
    assert made["schema_version"] == 1
    assert made["occurred_at"].microsecond % 1000 == 0
    event, meta = from_avro(bundle)(made, None)
    assert event == R(x=1)
    assert (meta.correlation_id, meta.event_id) == (ID, str(made["event_id"]))
    assert (meta.schema_version, meta.version, meta.contract) == (1, 1, "a.R")


def test_a_bare_event_without_a_correlation_is_refused() -> None:
    with pytest.raises(MissingCorrelation):
        to_avro(bundle_of(ENVELOPED, envelope=ROLES))(R(x=1), None)


def test_a_pair_keeps_its_envelope() -> None:
    made = to_avro(bundle_of(ENVELOPED, envelope=ROLES))((R(x=1), envelope()), None)
    assert (made["event_id"], made["occurred_at"]) == (UUID(ID), datetime(2026, 1, 1, tzinfo=UTC))


def test_an_empty_envelope_is_refused_when_it_is_read() -> None:
    schema = record(field("correlation_id", "string"), field("x", "int"))
    with pytest.raises(SerdeError, match="correlation_id"):
        from_avro(bundle_of(schema, envelope={"correlation_id": ("correlation_id",)}))(
            {"correlation_id": "", "x": 1}, None
        )


# Who may


def test_a_service_that_does_not_own_the_event_cannot_write_it_this_way_either() -> None:
    bundle = bundle_of(record(field("x", "int")), service="cache", writes=())
    with pytest.raises(SerdeError, match=r"cache does not write a\.R: it is written only by shop"):
        to_avro(bundle)
    assert from_avro(bundle)({"x": 1}, None)[0] == R(x=1)


def test_a_version_that_the_stubs_do_not_have_is_refused() -> None:
    with pytest.raises(SerdeError, match=r"have no class of v2, only of v1"):
        from_avro(of_one("int"), 2)
    with pytest.raises(SerdeError, match=r"v2 cannot be written by this build"):
        to_avro(of_one("int"), 2)


def test_the_hooks_of_the_other_language_are_named() -> None:
    with pytest.raises(SerdeError, match="is an event of avro") as caught:
        from_message(of_one("int"))
    assert caught.value.help == "use to_avro and from_avro"
    with pytest.raises(SerdeError, match="is an event of avro"):
        to_message(of_one("int"), R)
