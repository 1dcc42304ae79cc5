"""The Avro encoder writes what the reference codec writes, and refuses what is no value, with the place."""

import json
from collections import OrderedDict, UserDict, deque
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, make_dataclass
from dataclasses import field as field_of
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from io import BytesIO
from itertools import islice
from math import inf, nan
from typing import Any, cast
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.formats.avro.duration import Duration
from registry.formats.avro.reference import Branch, encode, read_logical
from registry.formats.avro.reference import EncodeError as ReferenceError
from registry.formats.avro.values import find_values
from registry.schema import Logical, Schema
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


class Moment(datetime):
    """As other libraries have them."""


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
    *(bytearray(b"a"), timedelta(1), Decimal("-0.01"), Decimal("Infinity"), Decimal("1E-30"), 10**400),
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
    expected, refused = b"", None
    try:
        expected = encode(schema, value)
    except ReferenceError as error:
        refused = error
    if refused is None:
        assert compile_encoder(schema)(value, b"", None) == expected
    elif isinstance(outcome(encode_carefully, schema, PLAIN, value, None), bytes):
        words = (" is no float", " is no double", " is no list", "fits no branch")
        assert any(word in refused.fact for word in words), refused


def test_the_frame_stands_before_the_event() -> None:
    assert compile_encoder(parse("null"))(None, b"\0\0\0\0\1", None) == b"\0\0\0\0\1"
    assert compile_encoder(parse("string"))("a", b"\0\0\0\0\1", None) == b"\0\0\0\0\1\2a"


EDGES: list[tuple[object, object]] = [
    *(("int", 2**power + step) for power in (6, 7, 13, 14, 20, 27, 28) for step in (-1, 0, 1)),
    *(("long", sign * 2**power + step) for sign in (1, -1) for power in range(5, 63) for step in (-1, 0, 1)),
    *((kind, sign * 2**31 + step) for kind, sign, step in (("int", 1, -1), ("int", -1, 0), ("long", 1, 0))),
    ("long", 2**63 - 1),
    ("long", -(2**63)),
    *(("string", "x" * length) for length in (63, 64, 8191, 8192, 100_000)),
    *(("string", "ü😀" * length) for length in (1, 10, 2000)),
    *(("bytes", b"x" * length) for length in (8191, 8192, 100_000)),
    *((array("string"), ["ab", "ü" * 9000][: length % 3] * (length // 2)) for length in (0, 4, 8, 16, 17, 30)),
    *((array("string"), [str(i) for i in range(length)]) for length in (0, 1, 7, 8, 9, 10, 8191, 8192)),
    *((array("int"), list(range(length))) for length in (0, 1, 8191, 8192)),
    *((array("null"), [None] * length) for length in (0, 1, 8192)),
    *((map_of("null"), dict.fromkeys(map(str, range(length)))) for length in (0, 1, 8192)),
    (array(array("string")), [["a"], [], ["b", "c"]]),
    (array(record()), [{}, {}]),
    (fixed(0), b""),
    (array(fixed(0)), [b"", b""]),
    (decimal(200, 100), Decimal(10**199 - 1).scaleb(-100, None)),
    (decimal(30_000, 0), Decimal("9" * 30_000)),
]


@pytest.mark.parametrize("number", range(len(EDGES)))
def test_lengths_counts_and_numbers_of_every_size(number: int) -> None:
    schema, value = EDGES[number]
    parsed = parse(schema)
    write_event = compile_encoder(parsed)
    for _ in range(2):  # once more, as the table of sizes may have been changed for another
        assert write_event(value, b"", None) == encode(parsed, value)


@pytest.mark.parametrize(
    ("schema", "value", "usual"),
    [
        ("int", Hue.RED, 7),
        ("long", Hue.RED, 7),
        ("string", Word.A, "hidden"),
        ("double", 3, 3.0),
        ("double", 2**53, float(2**53)),
        ("float", 2**24, float(2**24)),
        ("float", 0.1, 0.1),
        (array("int"), (1, 2), [1, 2]),
        (array("int"), deque([1, 2]), [1, 2]),
        (array("string"), deque(["a"]), ["a"]),
        (array("int"), range(3), [0, 1, 2]),
        (map_of("int"), OrderedDict(a=1), {"a": 1}),
        (map_of("int"), UserDict(a=1), {"a": 1}),
        (["null", "double"], 3, 3.0),
        (["null", "int"], Hue.RED, 7),
        (["null", array("int")], (1,), [1]),
        (["string", map_of("int")], UserDict(a=1), {"a": 1}),
        (logical("long", "timestamp-millis"), MOMENT.astimezone(timezone(timedelta(hours=-5))), MOMENT),
        (logical("long", "timestamp-micros"), Moment(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)),
        (decimal(4, 2), Decimal("1.5000000000"), Decimal("1.5")),
        (decimal(4, 2), Decimal("1E+1"), Decimal(10)),
        (decimal(4, 2), Decimal("-0"), Decimal(0)),
    ],
)  # fmt: skip
def test_what_is_meant_is_written_whatever_its_class(schema: object, value: object, usual: object) -> None:
    assert write(schema, value, TYPED) == encode(parse(schema), usual)


@pytest.mark.parametrize("name", ["timestamp-millis", "timestamp-micros", "local-timestamp-micros", "time-micros"])
def test_moments_of_every_size(name: str) -> None:
    parsed = parse(logical("long", name))
    write_event = compile_encoder(parsed, TYPED)
    for power in range(58):
        for count in {sign * 2**power + step for sign in (1, -1) for step in (-1, 0, 1)}:
            value = read_logical(Logical(name), count)
            if not isinstance(value, int):
                assert write_event(value, b"", None) == encode(parsed, value)


def test_a_float_in_a_union_is_rounded_only_where_no_branch_holds_it() -> None:
    assert write(["null", "float"], 0.1) == b"\2" + write("float", 0.1)
    assert write(["float", "double"], 0.1) == b"\2" + write("double", 0.1)
    assert write(["float", "double"], 0.5) == b"\0" + write("float", 0.5)
    assert write(["null", "double", "long"], 1) == b"\4\2"
    assert write(["float", "double"], 2**24 + 1) == b"\2" + write("double", float(2**24 + 1))


def test_fastavro_reads_what_we_write() -> None:
    moment = datetime(2024, 2, 29, 12, 30, 15, 123456, UTC)
    values: dict[str, tuple[object, object]] = {
        "a": ("string", "ü😀"),
        "b": (["null", "long"], 2**40),
        "c": (logical("long", "timestamp-micros"), moment),
        "d": (logical("string", "uuid"), UUID(ID)),
        "e": (decimal(9, 2), Decimal("-12.50")),
        "f": (array(map_of("double")), [{"x": 1.5}, {}]),
        "g": (enum("A", "B"), "B"),
        "h": (logical("int", "date"), date(2024, 2, 29)),
        "i": (logical("long", "time-micros"), time(1, 2, 3, 4)),
        "j": (["null", record(field("x", "int"), name="a.S")], {"x": 1}),
    }
    schema = record(*(field(name, type_) for name, (type_, _) in values.items()))
    event = {name: value for name, (_, value) in values.items()}
    data = write(schema, event)
    assert (
        fastavro.schemaless_reader(BytesIO(data), fastavro.parse_schema(json.loads(json.dumps(schema))), None) == event
    )
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), event)
    assert out.getvalue() == data


# What is refused


REFUSED: list[tuple[object, object, str]] = [
    ("null", 0, "0 is no null"),
    ("boolean", 1, "1 is no boolean"),
    ("int", True, "True is no int"),
    ("int", 1.5, "1.5 is no int"),
    ("int", 1.0, "1.0 is no int"),
    ("int", 2**31, "2147483648 does not fit in 32 bits"),
    ("int", -(2**31) - 1, "-2147483649 does not fit in 32 bits"),
    ("long", 2**63, "9223372036854775808 does not fit in 64 bits"),
    ("long", -(2**63) - 1, "-9223372036854775809 does not fit in 64 bits"),
    ("long", 10**1000, "a number of 3322 bits does not fit in 64 bits"),
    ("long", "1", "'1' is no long"),
    ("float", True, "True is no float"),
    ("float", 1e39, "1e+39 does not fit in a float of 32 bits"),
    ("float", 2**24 + 1, "16777217 is no float: 32 bits would round it"),
    ("double", 2**53 + 1, "9007199254740993 is no double: 64 bits would round it"),
    ("double", 10**400, "a number of 1329 bits is no double: 64 bits would round it"),
    ("double", "1", "'1' is no double"),
    ("bytes", "a", "'a' is no bytes"),
    ("string", b"a", "b'a' is no string"),
    ("string", None, "None is no string"),
    ("string", "\ud800", "'\\ud800' has half a surrogate pair, which is no character"),
    (fixed(2), b"a", "fixed F has 2 bytes, not 1"),
    (fixed(2), "ab", "'ab' is no bytes, as fixed F needs"),
    (array("string"), "abc", "'abc' is no sequence, as an array needs"),
    (array("int"), b"abc", "b'abc' is no sequence, as an array needs"),
    (array("int"), {1}, "{1} is no sequence, as an array needs"),
    (array("int"), {}, "{} is no sequence, as an array needs"),
    (array("int"), [1, None], "None is no int at [1]"),
    (array("string"), ["a", 1], "1 is no string at [1]"),
    (map_of("int"), [], "[] is no mapping, as a map needs"),
    (map_of("int"), {"EUR": None}, 'None is no int at {"EUR"}'),
    (map_of("int"), {1: 1}, "1 is no string"),
    (["null", "int"], "a", "'a' fits no branch of union of null, int"),
    ([], None, "None fits no branch of union of nothing"),
    (decimal(4, 2), Decimal("1.234"), "1.234 has more than the 2 decimal places of decimal(4, 2)"),
    (decimal(4, 2), Decimal("123.4"), "123.4 has more than the 4 digits of decimal(4, 2)"),
    (decimal(4, 0), Decimal("12300"), "12300 has more than the 4 digits of decimal(4, 0)"),
    (decimal(4, 2), Decimal("1E+999999"), "1E+999999 has more than the 4 digits of decimal(4, 2)"),
    (decimal(4, 2), Decimal("1E-999999"), "1E-999999 has more than the 2 decimal places of decimal(4, 2)"),
    (decimal(4, 2), Decimal("NaN"), "NaN is no finite number, as decimal(4, 2) needs"),
    (decimal(4, 2), Decimal("-Infinity"), "-Infinity is no finite number, as decimal(4, 2) needs"),
    (decimal(4, 2), 1.5, "1.5 is no decimal(4, 2)"),
    (decimal(4, 2), 1, "1 is no decimal(4, 2)"),
    (decimal(4, 2), b"\0", "b'\\x00' is no decimal(4, 2)"),
    (logical("string", "uuid"), ID, f"'{ID}' is no uuid"),
    (fixed(16, logicalType="uuid"), b"x" * 16, "b'xxxxxxxxxxxxxxxx' is no uuid"),
    (logical("int", "date"), MOMENT, "2024-02-29 12:30:15.123000+00:00 is no date"),
    (logical("int", "date"), 1, "1 is no date"),
    (
        logical("int", "time-millis"),
        time(0, 0, 0, 1),
        "00:00:00.000001 has microseconds, which time-millis cannot hold",
    ),
    (
        logical("long", "time-micros"),
        time(1, tzinfo=UTC),
        "01:00:00+00:00 has a time zone, which time-micros cannot hold",
    ),
    (
        logical("long", "timestamp-millis"),
        MOMENT.replace(microsecond=1),
        "2024-02-29 12:30:15.000001+00:00 has microseconds, which timestamp-millis cannot hold",
    ),
    (
        logical("long", "timestamp-micros"),
        datetime(1970, 1, 1),
        "1970-01-01 00:00:00 has no time zone, which timestamp-micros needs",
    ),
    (
        logical("long", "local-timestamp-micros"),
        MOMENT,
        "2024-02-29 12:30:15.123000+00:00 has a time zone, which local-timestamp-micros cannot hold",
    ),
    (logical("long", "timestamp-micros"), 1, "1 is no timestamp-micros"),
    (logical("long", "timestamp-micros"), date(2024, 1, 1), "2024-01-01 is no timestamp-micros"),
    (logical("long", "timestamp-nanos"), MOMENT, "2024-02-29 12:30:15.123000+00:00 is no long"),
    (fixed(12, logicalType="duration"), b"x" * 12, "b'xxxxxxxxxxxx' is no duration"),
    (
        fixed(12, logicalType="duration"),
        Duration(True, 0, 2**32),
        "Duration(months=True, days=0, milliseconds=4294967296) is no duration: "
        "its parts are numbers from 0 to 4294967295",
    ),
]


@pytest.mark.parametrize(("schema", "value", "message"), REFUSED)
def test_what_is_no_value_of_the_schema(schema: object, value: object, message: str) -> None:
    assert str(refuse(schema, value)) == message


class Other(Enum):
    A = "A"


@dataclass(slots=True, kw_only=True)
class Price:
    amount: Any
    currency: Any = "EUR"


@dataclass(slots=True, kw_only=True)
class Level:
    delta: Any = 1
    prices: Any = field_of(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Order:
    id: Any = "1"
    levels: Any = ()
    total: Any = None


class State(Enum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"


PRICE = record(field("amount", "long"), field("currency", "string"), name="a.Price")
LEVEL = record(field("delta", "int"), field("prices", map_of("a.Price")), name="a.Level")
ORDER = record(
    field("id", "string"),
    field("total", ["null", PRICE, "string"]),
    field("levels", array(LEVEL)),
    name="a.Order",
)
SHOP = Shape(types={"a.Price": Price, "a.Level": Level, "a.Order": Order, "E": State})


@pytest.mark.parametrize(
    ("event", "fact", "path"),
    [
        (Order(levels=[Level(delta=1), Level(delta=1), Level(delta="x")]), "'x' is no int", "/levels[2]/delta"),
        (
            Order(levels=[Level(delta=1, prices={"EUR": Price(amount=None)})]),
            "None is no long",
            '/levels[0]/prices{"EUR"}/amount',
        ),
        (Order(total=Price(amount=1.5)), "1.5 is no long", "/total/amount"),
        (Order(total=5), "5 fits no branch of union of null, record a.Price, string", "/total"),
        (Order(levels=[None]), "None is no Level", "/levels[0]"),
        (Order(levels=Level(delta=1)), "Level(delta=1, prices={}) is no sequence, as an array needs", "/levels"),
        (Price(amount=1), "Price(amount=1, currency='EUR') is no Order", ""),
        ({"id": "1"}, "{'id': '1'} is no Order", ""),
    ],
)
def test_an_error_has_the_place_of_the_value(event: object, fact: str, path: str) -> None:
    error = refuse(ORDER, event, SHOP)
    assert (error.fact, error.path) == (fact, path)
    assert str(error) == (f"{fact} at {path}" if path else fact)


def test_an_object_without_one_of_its_attributes_is_refused() -> None:
    error = refuse(PRICE, object.__new__(Price), SHOP)
    assert (error.fact, error.path) == ("field 'amount' is missing", "/amount")


def test_a_plain_record_has_its_fields_and_no_others() -> None:
    assert write(PRICE, {"amount": 1, "currency": "EUR"}) == b"\2\6EUR"
    assert str(refuse(PRICE, {"amount": 1}, PLAIN)) == "field 'currency' is missing at /currency"
    event = {"amount": 1, "currency": "EUR", "discount": 1}
    assert str(refuse(PRICE, event, PLAIN)) == "record a.Price has no field 'discount'"
    assert str(refuse(PRICE, {"amount": 1, "x": 1}, PLAIN)) == "record a.Price has no field 'x'"
    assert str(refuse(PRICE, [], PLAIN)) == "[] is no dict, as record a.Price needs"


def test_members_of_an_enum_are_known_by_identity() -> None:
    schema = enum("OPEN", "CLOSED")
    assert write(schema, State.CLOSED, SHOP) == b"\2"
    assert str(refuse(schema, Other.A, SHOP)) == "<Other.A: 'A'> is no State"
    assert str(refuse(schema, "OPEN", SHOP)) == "'OPEN' is no State"
    assert str(refuse(enum("OPEN"), State.CLOSED, SHOP)) == "unknown symbol 'CLOSED'"
    assert str(refuse(schema, "GONE", PLAIN)) == "unknown symbol 'GONE'"
    assert str(refuse(schema, [], PLAIN)) == "unknown symbol []"


# Unions


def test_records_and_enums_are_told_apart_by_class_and_never_by_shape() -> None:
    left, right = (make_dataclass(name, [("x", int)], slots=True) for name in ("Left", "Right"))
    one, two = (cast(Any, Enum(name, [("A", "A")])) for name in ("One", "Two"))
    branches = [
        record(field("x", "int"), name="Left"),
        record(field("x", "int"), name="Right"),
        enum("A", name="One"),
        enum("A", name="Two"),
        "string",
    ]
    shape = Shape(types={"Left": left, "Right": right, "One": one, "Two": two})
    values = [left(1), right(1), one("A"), two("A"), "A"]
    assert [write(branches, value, shape) for value in values] == [b"\0\2", b"\2\2", b"\4\0", b"\6\0", b"\x08\2A"]
    assert "fits no branch" in refuse(branches, Price(amount=1), shape).fact
    heir = type("Heir", (right,), {})
    assert write(branches, heir(1), shape) == b"\2\2"


@pytest.mark.parametrize("count", [1, 2, 6, 7, 300])
def test_a_union_of_many_records_finds_each(count: int) -> None:
    types = {f"R{i}": make_dataclass(f"R{i}", [("x", Any)], slots=True) for i in range(count)}
    union = ["null", *(record(field("x", "int"), name=name) for name in types)]
    write_event = compile_encoder(parse(union), Shape(types=types))
    reference = parse(union)
    assert write_event(None, b"", None) == b"\0"
    for i, cls in enumerate(types.values(), 1):
        assert write_event(cls(i), b"", None) == encode(reference, Branch(i, {"x": i}))
    with pytest.raises(EncodeError, match="'a' is no int at /x"):
        write_event(cls("a"), b"", None)
    with pytest.raises(EncodeError, match="fits no branch"):
        write_event(object(), b"", None)


@pytest.mark.parametrize(
    ("union", "value", "data"),
    [
        ([fixed(2, "A"), fixed(3, "B"), "bytes"], b"abc", b"\2abc"),
        ([fixed(2, "A"), fixed(3, "B"), "bytes"], b"abcd", b"\4\x08abcd"),
        (["int", "long"], 2**31, b"\2\x80\x80\x80\x80\x10"),
        (["int", "long"], 1, b"\0\2"),
        ([enum("A"), "string"], "A", b"\0\0"),
        ([enum("A"), "string"], "B", b"\2\2B"),
        ([record(field("a", "int"), name="R"), map_of("int")], {"a": 1}, b"\0\2"),
        ([record(field("a", "int"), name="R"), map_of("int")], {"b": 1}, b"\2\2\2b\2\0"),
        (["null", array(["null", "string"])], ["a", None], b"\2\4\2\2a\0\0"),
        ([logical("int", "date"), "string"], date(1970, 1, 2), b"\0\2"),
    ],
)  # fmt: skip
def test_a_plain_value_takes_the_first_branch_that_holds_it(union: object, value: object, data: bytes) -> None:
    assert write(union, value) == data


def test_twins_that_nest_in_each_other_are_tried_once_each() -> None:
    twins = [record(field("next", ["null", "a.A", "a.B"]), name=name) for name in ("a.A", "a.B")]
    value: object = {"next": None}
    for _ in range(60):
        value = {"next": value}
    schema = parse(["null", *twins])
    assert compile_encoder(schema)(value, b"", None) == encode(schema, value)


# Nesting


@dataclass(slots=True)
class Link:
    next: Any = None


CHAIN = record(field("next", ["null", "a.Link"]), name="a.Link")


def chain(length: int) -> Link:
    link = Link()
    for _ in range(length - 1):
        link = Link(link)
    return link


def test_what_readers_take_is_written_and_what_nests_deeper_is_refused() -> None:
    write_event = compile_encoder(parse(CHAIN), Shape(types={"a.Link": Link}))
    assert write_event(chain(255), b"", None) == b"\2" * 254 + b"\0"
    for length in (256, 300, 5_000, 100_000):
        with pytest.raises(EncodeError, match="nests"):
            write_event(chain(length), b"", None)


def test_a_value_that_holds_itself_is_refused() -> None:
    link = Link()
    link.next = link
    assert "nests" in refuse(CHAIN, link, Shape(types={"a.Link": Link})).fact
    value: dict[str, object] = {}
    value["next"] = value
    assert "nests" in refuse(CHAIN, value, PLAIN).fact
    items: list[object] = []
    items.append(items)
    assert "fits no branch" in refuse(array(["null", "string"]), items).fact


def test_a_stack_that_is_nearly_full_is_an_error_like_any_other() -> None:
    write_event = compile_encoder(parse(CHAIN), Shape(types={"a.Link": Link}))

    def dig(depth: int) -> None:
        if depth:
            dig(depth - 1)
        else:
            write_event(chain(250), b"", None)

    with pytest.raises(EncodeError, match="nests too deep for the stack that is left"):
        dig(800)


def test_types_inside_each_other_to_any_depth_compile() -> None:
    nested: object = "int"
    value: object = 1
    for _ in range(60):
        nested, value = array(nested), [value]
    assert write(nested, value) == encode(parse(nested), value)
    mixed: object = "int"
    value = 1
    for i in range(60):
        mixed = ["null", record(field("x", mixed), name=f"R{i}")]
        value = {"x": value}
    assert write(mixed, value) == encode(parse(mixed), value)


def test_a_chain_of_a_thousand_records_compiles() -> None:
    links = [record(field("x", f"R{i + 1}"), name=f"R{i}") for i in range(1_000)]
    schema = parse([*links, record(name="R1000")])
    types: dict[str, Any] = {f"R{i}": type(f"R{i}", (), {"__slots__": ("x",)}) for i in range(1_001)}
    write_event = compile_encoder(schema, Shape(types=types))
    event = types["R1000"]()
    plain: dict[str, object] = {}
    for i in range(999, 799, -1):
        outer = types[f"R{i}"]()
        outer.x, event, plain = event, outer, {"x": plain}
    assert write_event(event, b"", None) == encode(schema, Branch(800, plain))


def test_records_that_use_each_other_twice_do_not_double_the_source() -> None:
    inner: object = record(field("x", "int"), name="R0")
    for i in range(1, 40):
        inner = record(field("l", inner), field("r", f"R{i - 1}"), name=f"R{i}")
    assert len(render_encoder(parse(inner)).splitlines()) < 40 * 200


# Names


HOSTILE = ["self", "class", "None", "value", "event", "prefix", "meta", "v1", "SIZES", "Refused", "depth", "write0"]
HOSTILE += ["__class__", "__dict__", "_meta", "__", "d", "len", "isinstance", "upgrade", "lambda", "failure", "rescue"]


def test_fields_may_have_any_name() -> None:
    inner = record(*(field(name, "int") for name in HOSTILE), name="def.class.None")
    schema = parse(record(*(field(name, ["null", "int"]) for name in HOSTILE), field("r", inner), name="a.R"))
    shape = make_shape(schema)
    pairs = list(find_pairs(schema, shape, 20))
    assert pairs
    for value, data in pairs:
        assert compile_encoder(schema, shape)(value, b"", None) == data
    for tagged in find_values(schema):
        assert compile_encoder(schema)(untag(tagged), b"", None) == encode(schema, tagged)


def test_enums_may_have_any_symbols() -> None:
    schema = parse(enum("None", "mro", "name", "value", "_x_", "__init__", "class"))
    shape = make_shape(schema)
    assert [compile_encoder(schema, shape)(member, b"", None) for member in shape.types["E"]] == [  # type: ignore[attr-defined]  # an enum
        bytes((2 * i,)) for i in range(7)
    ]


# The envelope

ENVELOPE = {role: (role,) for role in ("correlation_id", "schema_version", "event_id", "occurred_at", "causation_id")}
STAMPED = record(
    field("correlation_id", logical("string", "uuid")),
    field("schema_version", "int"),
    field("event_id", fixed(16, logicalType="uuid")),
    field("occurred_at", logical("long", "timestamp-millis")),
    field("causation_id", ["null", logical("string", "uuid")]),
    field("title", "string"),
    name="a.Stamped",
)


@dataclass(slots=True, kw_only=True)
class Stamped:
    title: str


def make_meta(**changes: object) -> Meta:
    meta = Meta()
    known = {"correlation_id": ID, "schema_version": 3, "event_id": ID.upper(), "occurred_at": MOMENT}
    for name, value in (known | changes).items():
        setattr(meta, name, value)
    return meta


@pytest.mark.parametrize("causation", [None, ID])
def test_the_envelope_comes_from_meta(causation: str | None) -> None:
    meta = make_meta(causation_id=causation)
    data = encode(
        parse(STAMPED),
        {
            "correlation_id": ID,
            "schema_version": 3,
            "event_id": UUID(ID),
            "occurred_at": MOMENT,
            "causation_id": causation,
            "title": "t",
        },
    )
    typed = Shape(types={"a.Stamped": Stamped}, envelope=ENVELOPE)
    assert write(STAMPED, Stamped(title="t"), typed, meta) == data
    assert write(STAMPED, {"title": "t"}, Shape(envelope=ENVELOPE), meta) == data
    assert encode_carefully(parse(STAMPED), typed, Stamped(title="t"), meta) == data


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"correlation_id": ""}, "'' is no UUID at /correlation_id"),
        ({"correlation_id": UUID(ID)}, f"{ID} is no UUID at /correlation_id"),
        ({"event_id": ID.replace("-", "")}, f"'{ID.replace('-', '')}' is no UUID at /event_id"),
        ({"occurred_at": None}, "None is no timestamp-millis at /occurred_at"),
        (
            {"occurred_at": MOMENT.replace(tzinfo=None)},
            "2024-02-29 12:30:15.123000 has no time zone, which timestamp-millis needs at /occurred_at",
        ),
        ({"schema_version": "3"}, "'3' is no int at /schema_version"),
        ({"causation_id": "x"}, "'x' fits no branch of union of null, string (uuid) at /causation_id"),
    ],
)
def test_an_envelope_that_does_not_fit_the_schema_is_refused(changes: dict[str, object], message: str) -> None:
    typed = Shape(types={"a.Stamped": Stamped}, envelope=ENVELOPE)
    assert str(refuse(STAMPED, Stamped(title="t"), typed, make_meta(**changes))) == message
    assert str(refuse(STAMPED, {"title": "t"}, Shape(envelope=ENVELOPE), make_meta(**changes))) == message


def test_an_event_with_an_envelope_is_not_written_without_one() -> None:
    typed = Shape(types={"a.Stamped": Stamped}, envelope=ENVELOPE)
    error = refuse(STAMPED, Stamped(title="t"), typed, None)
    assert str(error) == "there is no envelope to take the value from at /correlation_id"


INNER = record(field("correlation_id", "string"), field("schema_version", "long"), name="a.Inner")
PATHS = {"correlation_id": ("metadata", "correlation_id"), "schema_version": ("metadata", "schema_version")}


@dataclass(slots=True, kw_only=True)
class Outer:
    title: Any


@dataclass(slots=True, kw_only=True)
class Mixed:
    title: Any
    metadata: Any


@dataclass(slots=True, kw_only=True)
class Rest:
    note: Any


@pytest.mark.parametrize("metadata", [INNER, ["null", INNER], [INNER, "null"]])
def test_a_record_of_nothing_but_the_envelope_has_no_object(metadata: object) -> None:
    schema = record(field("metadata", metadata), field("title", "string"), name="a.Outer")
    shape = Shape(types={"a.Outer": Outer}, envelope=PATHS)
    full = {"metadata": {"correlation_id": ID, "schema_version": 3}, "title": "t"}
    data = encode(parse(schema), full)
    assert write(schema, Outer(title="t"), shape, make_meta()) == data
    assert write(schema, {"title": "t"}, Shape(envelope=PATHS), make_meta()) == data
    assert encode_carefully(parse(schema), shape, Outer(title="t"), make_meta()) == data
    error = refuse(schema, Outer(title="t"), shape, make_meta(correlation_id=None))
    assert error.path == "/metadata/correlation_id"


@pytest.mark.parametrize("nullable", [False, True])
def test_a_record_with_more_than_the_envelope_has_the_rest(nullable: bool) -> None:
    inner = record(*INNER["fields"], field("note", "string"), name="a.Inner")  # type: ignore[misc]  # a list of fields
    schema = record(field("metadata", ["null", inner] if nullable else inner), field("title", "string"), name="a.Mixed")
    shape = Shape(types={"a.Mixed": Mixed, "a.Inner": Rest}, envelope=PATHS)
    full = {"metadata": {"correlation_id": ID, "schema_version": 3, "note": "n"}, "title": "t"}
    event = Mixed(title="t", metadata=Rest(note="n"))
    assert write(schema, event, shape, make_meta()) == encode(parse(schema), full)
    assert encode_carefully(parse(schema), shape, event, make_meta()) == encode(parse(schema), full)
    absent = Mixed(title="t", metadata=None)
    if nullable:
        assert write(schema, absent, shape, make_meta()) == b"\0\2t"
    else:
        assert str(refuse(schema, absent, shape, make_meta())) == "None is no Rest at /metadata"


def test_a_role_whose_field_a_version_lacks_is_passed_over() -> None:
    schema = record(field("title", "string"), name="a.Stamped")
    assert write(schema, Stamped(title="t"), Shape(types={"a.Stamped": Stamped}, envelope=ENVELOPE)) == b"\2t"


def test_the_source_can_be_looked_at() -> None:
    source = render_encoder(parse(ORDER), SHOP)
    assert source.startswith("def encode(event, prefix, meta):\n")
    assert "value.levels" in source


def test_mappings_are_read_once() -> None:
    class Growing(Mapping[str, int]):
        def __init__(self) -> None:
            self.reads = 0

        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Any:
            return iter(["a"])

        def __getitem__(self, key: str) -> int:
            self.reads += 1
            return self.reads

    assert write(map_of("int"), Growing()) == b"\2\2a\2\0"
