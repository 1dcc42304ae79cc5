"""The reference codec: what is written, and what a reader makes of it."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from math import inf, isnan, nan
from uuid import UUID

import pytest

from registry.formats.avro.reference import Branch, Duration, decode, encode
from tests.avro_shorthand import ID, array, decimal, enum, fault, field, fixed, logical, map_of, parse, read, record

BYTES: list[tuple[object, object, str]] = [
    ("null", None, ""),
    ("boolean", True, "01"),
    ("boolean", False, "00"),
    ("int", 0, "00"),
    ("int", -1, "01"),
    ("int", 1, "02"),
    ("int", -64, "7f"),
    ("int", 64, "8001"),
    ("int", 2**31 - 1, "feffffff0f"),
    ("int", -(2**31), "ffffffff0f"),
    ("long", 2**63 - 1, "feffffffffffffffff01"),
    ("long", -(2**63), "ffffffffffffffffff01"),
    ("float", 1.5, "0000c03f"),
    ("float", -inf, "000080ff"),
    ("double", -0.0, "0000000000000080"),
    ("bytes", b"\x00\xff", "0400ff"),
    ("string", "foo", "06666f6f"),
    ("string", "ü😀", "0cc3bcf09f9880"),
    (record(field("a", "long"), field("b", "string")), {"a": 27, "b": "foo"}, "3606666f6f"),
    (record(), {}, ""),
    (enum("A", "B", "C", "D"), "D", "06"),
    (array("long"), [3, 27], "04063600"),
    (array("long"), [], "00"),
    (map_of("long"), {"a": 1, "": 2}, "04026102000400"),
    (["null", "string"], None, "00"),
    (["null", "string"], "a", "020261"),
    (fixed(2), b"\x00\xff", "00ff"),
    (decimal(4, 2), Decimal("1.23"), "027b"),
    (decimal(4, 2), Decimal("-1.28"), "0280"),
    (decimal(4, 2), Decimal("1.28"), "040080"),
    (decimal(4, 2), Decimal(0), "0200"),
    (fixed(3, logicalType="decimal", precision=4, scale=2), Decimal("-0.01"), "ffffff"),
    (logical("string", "uuid"), UUID(ID), "48" + ID.encode().hex()),
    (fixed(16, logicalType="uuid"), UUID(ID), ID.replace("-", "")),
    (logical("int", "date"), date(1970, 1, 2), "02"),
    (logical("int", "time-millis"), time(0, 0, 1, 1000), "d20f"),
    (logical("long", "time-micros"), time(0, 0, 0, 1), "02"),
    (logical("long", "timestamp-millis"), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "d00f"),
    (logical("long", "timestamp-micros"), datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), "01"),
    (logical("long", "timestamp-nanos"), 1, "02"),
    (logical("long", "local-timestamp-millis"), datetime(1970, 1, 1, 0, 0, 1), "d00f"),
    (logical("long", "local-timestamp-micros"), datetime(1970, 1, 1, 0, 0, 0, 1), "02"),
    (fixed(12, logicalType="duration"), Duration(1, 2, 3), "010000000200000003000000"),
    (logical("long", "never-heard-of"), 1, "02"),
]


@pytest.mark.parametrize(("schema", "value", "data"), BYTES)
def test_a_value_its_bytes_and_back(schema: object, value: object, data: str) -> None:
    parsed = parse(schema)
    assert encode(parsed, value).hex() == data
    assert decode(parsed, parsed, bytes.fromhex(data)) == value


def test_not_a_number_and_the_sign_of_zero_survive() -> None:
    value = read("float", "float", nan)
    assert isinstance(value, float)
    assert isnan(value)
    assert str(read("double", "double", -0.0)) == "-0.0"


@pytest.mark.parametrize(
    ("schema", "value", "data"),
    [
        (logical("string", "uuid"), ID, "48" + ID.encode().hex()),
        (logical("int", "date"), -1, "01"),
        (logical("long", "timestamp-millis"), 1000, "d00f"),
        (decimal(4, 2), b"\x7b", "027b"),
        (fixed(12, logicalType="duration"), bytes(12), "00" * 12),
        (
            logical("long", "timestamp-millis"),
            datetime(1970, 1, 1, 1, 0, 1, tzinfo=timezone(timedelta(hours=1))),
            "d00f",
        ),
    ],
)
def test_the_base_value_of_a_logical_type_is_written_too(schema: object, value: object, data: str) -> None:
    assert encode(parse(schema), value).hex() == data


@pytest.mark.parametrize(
    ("name", "value"),
    [("date", 2**31 - 1), ("timestamp-micros", 2**63 - 1), ("local-timestamp-millis", -(2**63)), ("time-micros", -1)],
)
def test_a_moment_beyond_what_python_holds_stays_a_number(name: str, value: int) -> None:
    schema = logical("int" if name == "date" else "long", name)
    assert read(schema, schema, value) == value


def test_a_branch_that_is_named_is_written_and_any_other_value_finds_its_own() -> None:
    schema = parse(["float", "double", "int", "long", enum("A"), "string"])
    written = [encode(schema, value)[0] // 2 for value in (1.5, 0.1, 1, 2**31, "A", "B", Branch(5, "A"))]
    assert written == [0, 1, 2, 3, 4, 5, 5]


def test_an_untagged_value_is_tried_with_each_branch_only_once() -> None:
    inner: object = {"next": None}
    for _ in range(60):
        inner = {"next": inner}
    twins = [record(field("next", ["null", "a.A", "a.B"]), name=name) for name in ("a.A", "a.B")]
    schema = parse(["null", twins[0], {**twins[1]}])
    assert decode(schema, schema, encode(schema, inner)) == inner


# What a reader makes of it


@pytest.mark.parametrize(
    ("writer", "reader", "value", "seen"),
    [
        ("int", "long", 1, 1),
        ("int", "float", 2**24 + 1, 16777216.0),
        ("int", "double", 2**24 + 1, 16777217.0),
        ("long", "float", 2**53 + 2**29 + 1, 9007200328482816.0),  # once rounded up, twice it would be rounded down
        ("long", "double", 2**53 + 1, 9007199254740992.0),
        ("float", "double", 0.5, 0.5),
        ("string", "bytes", "ü", b"\xc3\xbc"),
        ("bytes", "string", b"\xc3\xbc", "ü"),
        (["null", "int"], "int", 1, 1),
        ("int", ["null", "int"], 1, 1),
        ("int", ["float", "long"], 2**24 + 1, 2**24 + 1),
        ("long", ["float", "double"], 2**24 + 1, 16777217.0),
        ("string", ["bytes", "string"], "a", "a"),
        (array("int"), array("string"), [], []),
        (map_of("int"), map_of("double"), {"a": 1}, {"a": 1.0}),
        (enum("A", "B"), enum("B", "A"), "B", "B"),
        (enum("A", "B"), enum("A", default="A"), "B", "A"),
        (enum("A", name="a.E"), enum("A", name="b.E"), "A", "A"),
        (fixed(1, "a.F"), fixed(1, "b.G", aliases=["a.F"]), b"x", b"x"),
        (logical("long", "timestamp-millis"), "long", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 1000),
        ("long", logical("long", "timestamp-millis"), 1000, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        (
            logical("long", "timestamp-millis"),
            logical("long", "timestamp-micros"),
            datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
            datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
        ),
        (decimal(4, 2), decimal(4, 1), Decimal("1.23"), Decimal("12.3")),
        (decimal(9, 2), decimal(4, 2), Decimal("12345.67"), Decimal("12345.67")),
        (logical("int", "date"), "double", date(1970, 1, 2), 1.0),
        (logical("string", "uuid"), "bytes", UUID(ID), ID.encode()),
        ("string", decimal(4, 0), "\x7b", Decimal(123)),
    ],
)
def test_what_a_reader_makes_of_a_value(writer: object, reader: object, value: object, seen: object) -> None:
    made = read(reader, writer, value)
    assert made == seen
    assert type(made) is type(seen)


def test_fields_meet_by_name_then_by_alias_and_the_others_are_dropped() -> None:
    writer = record(field("gone", array("string")), field("a", "int"), field("b", "int"))
    reader = record(field("c", "long", aliases=["x", "b"]), field("a", "long"))
    assert read(reader, writer, {"gone": ["x"], "a": 1, "b": 2}) == {"c": 2, "a": 1}


def test_a_record_in_a_union_is_found_by_its_full_name_its_alias_and_then_its_short_name() -> None:
    written = record(field("n", "int"), name="a.R")
    other = record(field("n", "int"), field("other", "int", default=1), name="b.R")
    renamed = record(field("n", "int"), field("renamed", "int", default=1), name="c.S", aliases=["a.R"])
    assert read([other, written], written, {"n": 1}) == {"n": 1}
    assert read([other, renamed], written, {"n": 1}) == {"n": 1, "renamed": 1}
    assert read(["null", other], written, {"n": 1}) == {"n": 1, "other": 1}
    error = fault([other, {**other, "name": "d.R"}], written, b"\x02")
    assert str(error) == "record a.R could be read as record b.R or record d.R"


@pytest.mark.parametrize(
    ("type_", "default", "seen"),
    [
        ("bytes", "\x00ÿ", b"\x00\xff"),
        (fixed(2), "\x00ÿ", b"\x00\xff"),
        ("float", 16777217, 16777216.0),
        ("double", 1, 1.0),
        (decimal(4, 2), "\x7b", Decimal("1.23")),
        (logical("int", "date"), 1, date(1970, 1, 2)),
        (logical("string", "uuid"), ID, UUID(ID)),
        (["null", "int"], None, None),
        (["null", "bytes"], "ÿ", b"\xff"),
        (enum("A", "B"), "B", "B"),
        (array(map_of("bytes")), [{"k": "ÿ"}], [{"k": b"\xff"}]),
        (record(field("x", "float"), field("y", "bytes", default="ÿ"), name="a.P"), {"x": 1}, {"x": 1.0, "y": b"\xff"}),
    ],
)
def test_a_default_is_a_value_of_its_type(type_: object, default: object, seen: object) -> None:
    made = read(record(field("new", type_, default=default)), record(), {})
    assert made == {"new": seen}
    assert isinstance(made, dict)
    assert type(made["new"]) is type(seen)


def test_a_default_is_made_afresh_each_time() -> None:
    reader = record(field("new", array("int"), default=[]))
    made = read(array(reader), array(record()), [{}, {}])
    assert made == [{"new": []}, {"new": []}]
    assert isinstance(made, list)
    assert made[0]["new"] is not made[1]["new"]
