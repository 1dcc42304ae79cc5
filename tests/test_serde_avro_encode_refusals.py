"""The Avro encoder refuses what is no value of the schema, with the fact and the place."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as field_of
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

from registry.formats.avro.duration import Duration
from registry.formats.avro.reference import Branch, decode, encode
from registry.serde.avro import compile_encoder
from registry.serde.avro.encoder import render_encoder
from registry.serde.errors import EncodeError, UnfitStub
from registry.serde.shape import PLAIN, Shape
from tests.avro_shorthand import ID, array, decimal, enum, field, fixed, logical, map_of, parse, record
from tests.serde_avro_writing import MOMENT, refuse, write

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
    (fixed(2), "ab", "'ab' is no bytes (fixed F)"),
    (array("string"), "abc", "'abc' is no sequence (array)"),
    (array("int"), b"abc", "b'abc' is no sequence (array)"),
    (array("int"), {1}, "{1} is no sequence (array)"),
    (array("int"), {}, "{} is no sequence (array)"),
    (array("int"), [1, None], "None is no int at [1]"),
    (array("string"), ["a", 1], "1 is no string at [1]"),
    (map_of("int"), [], "[] is no mapping (map)"),
    (map_of("int"), {"EUR": None}, 'None is no int at {"EUR"}'),
    (map_of("int"), {1: 1}, "1 is no string"),
    (["null", "int"], "a", "'a' is no int"),
    (["null", "int", "string"], 1.5, "1.5 fits no branch of union of null, int, string"),
    (["int", "string"], 2**31, "2147483648 does not fit in 32 bits"),
    (["string", "int"], True, "True fits no branch of union of string, int"),
    (
        ["null", logical("long", "timestamp-millis")],
        datetime(1970, 1, 1),
        "1970-01-01 00:00:00 has no time zone, which timestamp-millis needs",
    ),
    (["null", fixed(2), "string"], b"abc", "fixed F has 2 bytes, not 3"),
    (["null", "string", "int"], "\ud800", "'\\ud800' has half a surrogate pair, which is no character"),
    (["null", decimal(4, 2)], Decimal("1.234"), "1.234 has more than the 2 decimal places of decimal(4, 2)"),
    ([], None, "None fits no branch of union of nothing"),
    (decimal(4, 2), Decimal("1.234"), "1.234 has more than the 2 decimal places of decimal(4, 2)"),
    (decimal(4, 2), Decimal("123.4"), "123.4 has more than the 4 digits of decimal(4, 2)"),
    (decimal(4, 0), Decimal("12300"), "12300 has more than the 4 digits of decimal(4, 0)"),
    (decimal(4, 2), Decimal("1E+999999"), "1E+999999 has more than the 4 digits of decimal(4, 2)"),
    (decimal(4, 2), Decimal("1E-999999"), "1E-999999 has more than the 2 decimal places of decimal(4, 2)"),
    (decimal(4, 2), Decimal("NaN"), "NaN is no finite number, as decimal(4, 2) needs"),
    (decimal(4, 2), Decimal("-Infinity"), "-Infinity is no finite number, as decimal(4, 2) needs"),
    (decimal(4, 2), 1.5, "the float 1.5 is no decimal(4, 2)"),
    (decimal(4, 2), 1, "the int 1 is no decimal(4, 2)"),
    (decimal(4, 2), b"\0", "b'\\x00' is no decimal(4, 2)"),
    (logical("string", "uuid"), ID, f"the str '{ID}' is no uuid"),
    (fixed(16, logicalType="uuid"), b"x" * 16, "b'xxxxxxxxxxxxxxxx' is no uuid"),
    (logical("int", "date"), MOMENT, "2024-02-29 12:30:15.123000+00:00 is no date"),
    (logical("int", "date"), 1, "the int 1 is no date"),
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
    (
        logical("long", "timestamp-micros"),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
        "9999-12-31 23:59:59.999999-01:00 is, in UTC, not within the years 0001 to 9999",
    ),
    (
        logical("long", "timestamp-millis"),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        "0001-01-01 00:00:00+01:00 is, in UTC, not within the years 0001 to 9999",
    ),
    (logical("long", "timestamp-micros"), 1, "the int 1 is no timestamp-micros"),
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
        (Order(levels=Level(delta=1)), "Level(delta=1, prices={}) is no sequence (array)", "/levels"),
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
    assert str(refuse(PRICE, [], PLAIN)) == "[] is no dict (record a.Price)"


def test_members_of_an_enum_are_known_by_identity() -> None:
    schema = enum("OPEN", "CLOSED")
    assert write(schema, State.CLOSED, SHOP) == b"\2"
    assert str(refuse(schema, Other.A, SHOP)) == "<Other.A: 'A'> is no State"
    assert str(refuse(schema, "OPEN", SHOP)) == "'OPEN' is no State"
    assert str(refuse(enum("OPEN"), State.CLOSED, SHOP)) == "unknown symbol 'CLOSED'"
    assert str(refuse(schema, "GONE", PLAIN)) == "unknown symbol 'GONE'"
    assert str(refuse(schema, [], PLAIN)) == "unknown symbol []"


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
    assert "is no string" in refuse(array(["null", "string"]), items).fact


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


# Values that change while they are written


class Meddler(tzinfo):
    """A time zone that changes something when it is asked, as another thread might at that moment."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        self.meddle = meddle

    def utcoffset(self, _moment: datetime | None) -> timedelta:
        self.meddle()
        return timedelta()


def test_a_list_that_shrinks_while_it_is_written_is_written_as_it_was_seen() -> None:
    moments = array(logical("long", "timestamp-micros"))
    seen = [MOMENT] * 4
    seen[0] = MOMENT.replace(tzinfo=Meddler(seen.pop))
    assert len(decode(parse(moments), parse(moments), write(moments, seen))) == 3  # type: ignore[arg-type]  # a list


def test_a_map_that_grows_while_it_is_written_is_written_as_it_was_at_one_moment() -> None:
    moments = map_of(logical("long", "timestamp-micros"))
    seen = {"EUR": MOMENT}
    seen["EUR"] = MOMENT.replace(tzinfo=Meddler(lambda: seen.update({str(len(seen)): MOMENT})))
    read = decode(parse(moments), parse(moments), write(moments, seen))
    assert isinstance(read, dict) and {"EUR": MOMENT}.items() <= read.items()


def test_a_time_zone_that_fails_is_an_error_of_the_value() -> None:
    def fail() -> None:
        raise ValueError("no such zone")

    moment = MOMENT.replace(tzinfo=Meddler(fail))
    for schema in (logical("long", "timestamp-micros"), ["null", logical("long", "timestamp-millis")]):
        assert "no such zone" in refuse(schema, moment).fact


def test_a_class_of_another_schema_is_refused_before_the_first_event() -> None:
    with pytest.raises(UnfitStub, match="class Price has no attribute 'rate', and record"):
        compile_encoder(parse(record(field("rate", "int"), name="a.Price")), Shape(types={"a.Price": Price}))
