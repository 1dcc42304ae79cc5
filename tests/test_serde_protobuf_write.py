"""Events written as Protobuf: what a field takes, and what is refused with its place."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from math import inf, isnan, nan
from types import MappingProxyType
from typing import Any

import pytest

from registry.serde.errors import EncodeError
from registry.serde.protobuf import compile_decoder, compile_encoder
from registry.serde.shape import Decoder, Encoder, Shape
from tests.serde_protobuf import load_text, make_shape

TEXT = """edition = "2023";
package p;
option features.field_presence = IMPLICIT;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
enum Open { ZERO = 0; ONE = 1; SAME = 1; }
enum Closed { option features.enum_type = CLOSED; option allow_alias = false; NONE = 0; SOME = 1; }
message Inner { string name = 1; Inner child = 2; bytes raw = 3; }
message M {
  string text = 1;
  bytes raw = 2;
  bool flag = 3;
  int32 i32 = 4;
  sint64 i64 = 5;
  fixed32 u32 = 6;
  uint64 u64 = 7;
  float f32 = 8;
  double f64 = 9;
  Open open = 10;
  Closed closed = 11 [features.field_presence = EXPLICIT];
  google.protobuf.Timestamp at = 12;
  google.protobuf.Duration took = 13;
  google.protobuf.Int32Value maybe = 14;
  Inner inner = 15;
  repeated string words = 16;
  repeated int32 numbers = 17;
  repeated Open opens = 18;
  repeated Inner inners = 19;
  repeated google.protobuf.Timestamp times = 20;
  repeated google.protobuf.StringValue texts = 21;
  map<string, int64> prices = 22;
  map<int32, Inner> by_number = 23;
  map<bool, Open> by_flag = 24;
  map<string, google.protobuf.Timestamp> by_name = 25;
  int32 optional_number = 26 [features.field_presence = EXPLICIT];
  string needed = 27 [features.field_presence = LEGACY_REQUIRED];
  oneof choice { string left = 28; Inner right = 29; int32 third = 30; }
  repeated float floats = 31;
  Empty empty = 32;
  repeated google.protobuf.Duration pauses = 33;
  map<string, double> weights = 34;
  repeated bool flags = 35;
}
message Empty {}
""".replace(" option allow_alias = false;", "").replace("SAME = 1; }", "option allow_alias = true; SAME = 1; }")

MESSAGES = load_text(TEXT)
SHAPE = make_shape(MESSAGES)
M: Any = SHAPE.types["p.M"]
Inner: Any = SHAPE.types["p.Inner"]
Open: Any = SHAPE.types["p.Open"]
Closed: Any = SHAPE.types["p.Closed"]
Empty: Any = SHAPE.types["p.Empty"]
ZEROS = {
    **dict.fromkeys(("i32", "i64", "u32", "u64"), 0),
    **dict.fromkeys(("words", "numbers", "opens", "inners", "times", "texts", "floats", "pauses", "flags"), ()),
    **{name: {} for name in ("prices", "by_number", "by_flag", "by_name", "weights")},
    **dict.fromkeys(("f32", "f64"), 0.0),
    "text": "",
    "raw": b"",
    "flag": False,
    "open": Open.ZERO,
    "needed": "x",
}
NOW = datetime(2026, 11, 23, 8, 30, 15, 123456, tzinfo=UTC)


class Code(IntEnum):
    ONE = 1


@pytest.fixture(scope="module")
def write() -> Encoder:
    return compile_encoder(MESSAGES, SHAPE)


@pytest.fixture(scope="module")
def read() -> Decoder:
    return compile_decoder(MESSAGES, MESSAGES, SHAPE)


def event(**values: Any) -> Any:
    return M(**{**ZEROS, **values})


def inner(**values: Any) -> Any:
    return Inner(**{"name": "", "raw": b"", **values})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"text": "ä\U0001f600\0", "raw": b"\xff\0", "flag": True},
        {"i32": -(2**31), "i64": -(2**63), "u32": 2**32 - 1, "u64": 2**64 - 1},
        {"i32": 2**31 - 1, "i64": 2**63 - 1},
        {"f32": 0.5, "f64": 1e300},
        {"f32": inf, "f64": -inf, "floats": (inf, -inf, 0.25)},
        {"open": Open.ONE, "opens": (Open.ONE, Open.ZERO, 77), "closed": Closed.NONE},
        {"open": 42},
        {"open": -1, "closed": Closed.SOME},
        {"at": NOW, "took": timedelta(days=-1, microseconds=7), "maybe": 0},
        {"at": datetime(1, 1, 1, tzinfo=UTC), "took": timedelta(seconds=315_576_000_000), "maybe": -5},
        {"at": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "took": timedelta(0)},
        {"at": datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "took": -timedelta(seconds=315_576_000_000)},
        {"at": datetime(1970, 1, 1, tzinfo=UTC)},
        {"inner": inner(), "empty": Empty()},
        {"inner": inner(child=inner(child=inner(name="deep")))},
        {"words": ("a", "", "ä"), "numbers": (1, -1, 0), "inners": (inner(name="a"), inner()), "flags": (True, False)},
        {"times": (NOW, NOW), "texts": ("", "a"), "pauses": (timedelta(1), timedelta(-1))},
        {"prices": {"EUR": 1, "": -1}, "by_number": {-5: inner(name="a"), 0: inner()}, "weights": {"a": 0.5}},
        {"by_flag": {True: Open.ONE, False: 9}, "by_name": {"now": NOW}},
        {"optional_number": 0},
        {"left": ""},
        {"right": inner(raw=b"a")},
        {"third": 0},
    ],
)
def test_what_is_written_is_read(write: Encoder, read: Decoder, values: dict[str, Any]) -> None:
    given = event(**values)
    data = write(given, b"12345", None)
    assert data[:5] == b"12345"
    assert read(data, 5, None) == given
    assert write(read(data, 5, None), b"12345", None) == data


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"i32": Code.ONE}, {"i32": 1}),
        ({"f64": 3}, {"f64": 3.0}),
        ({"f32": 2**24}, {"f32": 16777216.0}),
        ({"f32": 0.1}, {"f32": 0.10000000149011612}),
        ({"floats": [1, 0.5]}, {"floats": (1.0, 0.5)}),
        ({"weights": {"a": 1}}, {"weights": {"a": 1.0}}),
        ({"words": ["a"], "inners": [inner()]}, {"words": ("a",), "inners": (inner(),)}),
        ({"numbers": range(3)}, {"numbers": (0, 1, 2)}),
        ({"numbers": [Code.ONE]}, {"numbers": (1,)}),
        ({"prices": MappingProxyType({"a": 1})}, {"prices": {"a": 1}}),
        ({"open": Open.SAME}, {"open": Open.ONE}),
        ({"open": 1}, {"open": Open.ONE}),
        (
            {"at": datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))},
            {"at": datetime(2026, 1, 1, tzinfo=UTC)},
        ),
    ],
)
def test_another_value_of_the_same_meaning_is_taken(
    write: Encoder, read: Decoder, values: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert read(write(event(**values), b"", None), 0, None) == event(**expected)


def test_nan_stays_one(write: Encoder, read: Decoder) -> None:
    back = read(write(event(f32=nan, f64=nan), b"", None), 0, None)
    assert isnan(back.f32) and isnan(back.f64)


class Twin:
    """All attributes of a message, and not its class."""

    def __init__(self) -> None:
        self.name, self.child, self.raw = "", None, b""


HOUR = timezone(timedelta(hours=1))
SOON = timezone(timedelta(hours=-1))
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a number for text": ({"text": 1}, "/text", "1 is no string"),
    "bytes for text": ({"text": b"a"}, "/text", "b'a' is no string"),
    "nothing for text": ({"text": None}, "/text", "None is no string"),
    "half a surrogate pair": ({"text": "a\ud800"}, "/text", "'a\\ud800' holds half a surrogate pair, at index 1"),
    "half a pair in a list": ({"words": ["a", "\udc00"]}, "/words[1]", "holds half a surrogate pair, at index 0"),
    "half a pair in a key": ({"prices": {"\udc00": 1}}, "/prices", "holds half a surrogate pair, at index 0"),
    "text for bytes": ({"raw": "a"}, "/raw", "'a' is no bytes object"),
    "a bytearray": ({"raw": bytearray(b"a")}, "/raw", "is no bytes object"),
    "a number for a bool": ({"flag": 1}, "/flag", "1 is no bool"),
    "a bool for a number": ({"i32": True}, "/i32", "True is no int32"),
    "a bool in a list": ({"numbers": [0, True]}, "/numbers[1]", "True is no int32"),
    "a bool in a map": ({"prices": {"EUR": True}}, '/prices{"EUR"}', "True is no int64"),
    "a float for a number": ({"i32": 1.0}, "/i32", "1.0 is no int32"),
    "a Decimal for a float": ({"f64": Decimal(1)}, "/f64", "1 is no double"),
    "a bool for a float": ({"f64": True}, "/f64", "True is no double"),
    "text for a float": ({"f32": "1"}, "/f32", "'1' is no float"),
    "int32 too large": ({"i32": 2**31}, "/i32", "2147483648 is out of the range of int32"),
    "int32 too small": ({"numbers": (1, 2, -(2**31) - 1)}, "/numbers[2]", "-2147483649 is out of the range of int32"),
    "int64 too large": ({"i64": 2**63}, "/i64", "9223372036854775808 is out of the range of int64"),
    "huge": ({"i64": 2**5000}, "/i64", "a number of 5001 bits is out of the range of int64"),
    "uint32 below zero": ({"u32": -1}, "/u32", "-1 is out of the range of uint32"),
    "uint64 too large": ({"u64": 2**64}, "/u64", "18446744073709551616 is out of the range of uint64"),
    "float that would be infinite": (
        {"f32": 3.5e38},
        "/f32",
        "3.5e+38 is out of the range of float, which has 32 bits",
    ),
    "the same in a list": ({"floats": [0.5, -1e39]}, "/floats[1]", "-1e+39 is out of the range of float"),
    "an integer that is no float": ({"f32": 2**24 + 1}, "/f32", "16777217 is not exactly a float"),
    "an integer that is no double": ({"f64": 2**53 + 1}, "/f64", "9007199254740993 is not exactly a double"),
    "an integer beyond doubles": ({"f64": 10**400}, "/f64", "is not exactly a double"),
    "a member of another enum": ({"open": Closed.SOME}, "/open", "is no Open"),
    "a name for an enum": ({"open": "ONE"}, "/open", "'ONE' is no Open"),
    "a bool for an enum": ({"open": True}, "/open", "True is no Open"),
    "too large for an enum": ({"opens": [2**31]}, "/opens[0]", "2147483648 is out of the range of int32"),
    "a number for a closed enum": ({"closed": 1}, "/closed", "1 is no Closed"),
    "nothing for an enum": ({"open": None}, "/open", "None is no Open"),
    "a naive time": ({"at": datetime(2026, 1, 1)}, "/at", "2026-01-01 00:00:00 is a datetime without a time zone"),
    "text for a time": ({"at": "2026-01-01"}, "/at", "'2026-01-01' is no datetime"),
    "a date for a time": ({"at": NOW.date()}, "/at", "2026-11-23 is no datetime"),
    "before the year 1": ({"at": datetime(1, 1, 1, tzinfo=HOUR)}, "/at", "not within the years 0001 to 9999"),
    "after 9999": ({"at": datetime(9999, 12, 31, 23, 30, tzinfo=SOON)}, "/at", "not within the years 0001 to 9999"),
    "a naive time in a list": ({"times": [NOW, datetime(2026, 1, 1)]}, "/times[1]", "without a time zone"),
    "a naive time in a map": ({"by_name": {"a": datetime(2026, 1, 1)}}, '/by_name{"a"}', "without a time zone"),
    "a number for a duration": ({"took": 5}, "/took", "5 is no timedelta"),
    "too long": ({"took": timedelta(seconds=315_576_000_001)}, "/took", "the most that a Duration holds"),
    "text in a wrapper": ({"maybe": "1"}, "/maybe", "'1' is no int32"),
    "too large in a wrapper": ({"maybe": 2**31}, "/maybe", "2147483648 is out of the range of int32"),
    "nothing in a list of wrappers": ({"texts": [None]}, "/texts[0]", "None is no string"),
    "a dict for a message": ({"inner": {"name": "a"}}, "/inner", "{'name': 'a'} is no Inner"),
    "another class of the same shape": ({"inner": Twin()}, "/inner", "is no Inner"),
    "another class in a list": ({"inners": [inner(), Empty()]}, "/inners[1]", "Empty() is no Inner"),
    "nothing in a list of messages": ({"inners": [None]}, "/inners[0]", "None is no Inner"),
    "nothing in a map of messages": ({"by_number": {1: None}}, "/by_number{1}", "None is no Inner"),
    "text for a list": ({"words": "abc"}, "/words", "'abc' is no sequence"),
    "bytes for a list": ({"numbers": b"abc"}, "/numbers", "b'abc' is no sequence"),
    "a set for a list": ({"words": {"abc"}}, "/words", "{'abc'} is no sequence"),
    "nothing for a list": ({"words": None}, "/words", "None is no sequence"),
    "a list for a map": ({"prices": [("a", 1)]}, "/prices", "is no mapping"),
    "nothing for a map": ({"prices": None}, "/prices", "None is no mapping"),
    "a key of another type": ({"prices": {1: 1}}, "/prices", "1 is no string"),
    "bytes for a key": ({"prices": {b"a": 1}}, "/prices", "b'a' is no string"),
    "a bool for a key": ({"by_number": {True: inner()}}, "/by_number", "True is no int32"),
    "a key out of range": ({"by_number": {2**31: inner()}}, "/by_number", "2147483648 is out of the range of int32"),
    "a number for a key": ({"by_flag": {1: Open.ONE}}, "/by_flag", "1 is no bool"),
    "deep inside": ({"by_number": {7: inner(child=inner(name=5))}}, "/by_number{7}/child/name", "5 is no string"),
    "nothing where something is required": ({"needed": None}, "/needed", "None is no string"),
    "two members of a oneof": ({"left": "", "third": 0}, "", "of the oneof 'choice' both 'left' and 'third' are set"),
    "a message and a number": ({"right": inner(), "third": 0}, "", "both 'right' and 'third' are set"),
}


@pytest.mark.parametrize(("values", "path", "fact"), REFUSED.values(), ids=REFUSED)
def test_what_the_schema_does_not_mean_is_refused_with_its_place(
    write: Encoder, values: dict[str, Any], path: str, fact: str
) -> None:
    with pytest.raises(EncodeError) as caught:
        write(event(**values), b"", None)
    assert caught.value.path == path
    assert fact in caught.value.fact
    assert caught.value.__cause__ is None and len(str(caught.value)) < 300


def test_an_event_of_another_class_is_refused(write: Encoder) -> None:
    with pytest.raises(EncodeError, match="Empty\\(\\) is no M"):
        write(Empty(), b"", None)


def test_an_attribute_that_was_never_set_is_named(write: Encoder) -> None:
    bare = object.__new__(M)
    with pytest.raises(EncodeError) as caught:
        write(bare, b"", None)
    assert str(caught.value) == "the M has no attribute 'text' at /text"


def test_messages_that_hold_each_other_are_refused_and_no_recursion_error(write: Encoder) -> None:
    circle = inner()
    circle.child = circle
    with pytest.raises(EncodeError, match="messages are nested deeper than the 100 levels"):
        write(event(inner=circle), b"", None)


def test_as_deep_as_decoders_read_is_written_and_one_deeper_is_not(write: Encoder, read: Decoder) -> None:
    deepest = None
    for _ in range(100):
        deepest = inner(child=deepest)
    assert read(write(event(inner=deepest), b"", None), 0, None) == event(inner=deepest)
    with pytest.raises(EncodeError, match="messages are nested deeper than the 100 levels"):
        write(event(inner=inner(child=deepest)), b"", None)


def test_a_subclass_of_a_class_is_taken(write: Encoder, read: Decoder) -> None:
    class Special(Inner):  # type: ignore[misc]  # made on the spot
        pass

    data = write(event(inner=Special(name="a", raw=b"")), b"", None)
    assert read(data, 0, None).inner == inner(name="a")


def test_equal_events_have_equal_bytes_whatever_the_order_of_their_maps(write: Encoder) -> None:
    one = write(event(prices={str(number): number for number in range(50)}), b"", None)
    assert one == write(event(prices={str(number): number for number in reversed(range(50))}), b"", None)


def test_plain_events_are_mappings_of_what_is_set() -> None:
    write, read = compile_encoder(MESSAGES), compile_decoder(MESSAGES, MESSAGES)
    given = {
        "needed": "x",
        "open": "ONE",
        "closed": 1,
        "at": NOW,
        "inner": {"name": "a"},
        "maybe": 3,
        "opens": [5, "SAME"],
    }
    back = read(write(given, b"", None), 0, None)
    assert {key: value for key, value in back.items() if value} == {
        "needed": "x",
        "open": "ONE",
        "closed": "SOME",
        "at": NOW,
        "inner": {"name": "a", "child": None, "raw": b""},
        "maybe": 3,
        "opens": [5, "ONE"],
    }
    assert set(back) == set(MESSAGES.event.fields_by_name)
    assert write(back, b"", None) == write(given, b"", None)


@pytest.mark.parametrize(
    ("values", "path", "fact"),
    [
        ({}, "/needed", "the field is required and missing"),
        ({"needed": None}, "/needed", "None is no string"),
        ({"needed": "", "colour": 1}, "", "'colour' is no field of p.M"),
        ({"needed": "", "inner": {"nam": 1}}, "/inner", "'nam' is no field of p.Inner"),
        ({"needed": "", "inner": 5}, "/inner", "5 is no mapping"),
        ({"needed": "", "open": "TWO"}, "/open", "'TWO' is no value of p.Open"),
        ({"needed": "", "closed": 7}, "/closed", "7 is no value of p.Closed"),
        ({"needed": "", "text": None}, "/text", "None is no string"),
        ({"needed": "", "left": "", "third": 1}, "", "of the oneof 'choice' both 'left' and 'third' are set"),
        ([], "", "[] is no mapping"),
    ],
)
def test_plain_events_are_asked_as_closely(values: Any, path: str, fact: str) -> None:
    with pytest.raises(EncodeError) as caught:
        compile_encoder(MESSAGES)(values, b"", None)
    assert (caught.value.path, caught.value.fact) == (path, fact)


def test_a_type_without_a_class_is_plain_within_one_that_has_one() -> None:
    shape = Shape(types={"p.M": M})
    given = event(inner={"name": "a", "child": None, "raw": b""}, open="ONE", opens=("ZERO", 9))
    data = compile_encoder(MESSAGES, shape)(given, b"", None)
    assert compile_decoder(MESSAGES, MESSAGES, shape)(data, 0, None) == given


def test_the_source_of_what_was_made_can_be_seen() -> None:
    made: Any = compile_encoder(MESSAGES, SHAPE)
    assert "v = e.text" in made.__source__
