"""Bytes read as Protobuf events: what versions make of each other's, and what is refused with its place."""

import struct
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from registry.formats.protobuf.reference import make_chunk, make_number
from registry.serde.errors import DecodeError
from registry.serde.meta import Meta
from registry.serde.protobuf import compile_decoder, compile_encoder
from registry.serde.shape import Shape
from tests.serde_protobuf import load_text, make_shape

P3 = 'syntax = "proto3"; package p; '
P2 = 'syntax = "proto2"; package p; '
TIME = 'import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; '


def read(text: str, data: bytes, meta: Meta | None = None) -> Any:
    """The plain event in bytes of ``p.M``."""
    messages = load_text(text)
    return compile_decoder(messages, messages)(data, 0, meta)


def refusal(text: str, data: bytes) -> tuple[str, str]:
    """Path and fact of the error for bytes of ``p.M``."""
    messages = load_text(text)
    found = set()
    for shape in Shape(), make_shape(messages):
        with pytest.raises(DecodeError) as caught:
            compile_decoder(messages, messages, shape)(b"frame" + data, 5, Meta())
        assert caught.value.__cause__ is None and "\n" not in str(caught.value)
        found.add((caught.value.path, caught.value.fact))
    assert len(found) == 1
    return found.pop()


LISTS = P3 + (
    "message M { string a = 1; repeated M items = 2; map<string, M> by_name = 3; repeated int32 numbers = 4;"
    " repeated fixed32 fixed = 5; repeated string words = 6; map<string, string> texts = 7;"
    " map<int32, M> by_number = 8; }"
)
ENDS = "the bytes end too soon, or are no p.M"


@pytest.mark.parametrize(
    ("data", "path", "fact"),
    [
        (b"\x0a", "", ENDS),
        (b"\x0a\x05ab", "", ENDS),
        (b"\x0a\xff\xff\xff\xff\x0f", "", ENDS),
        (b"\x00", "", ENDS),
        (b"\xff" * 11, "", ENDS),
        (b"\x0f", "", ENDS),
        (b"\x0a\x01\xff", "/a", "the text is not UTF-8, from byte 0"),
        (make_chunk(2, b"") + make_chunk(2, b"\x0a\x02a\xff"), "/items[1]/a", "the text is not UTF-8, from byte 1"),
        (make_chunk(2, b"") + make_chunk(2, b"\x0a\x02a"), "/items[1]", ENDS),
        (make_chunk(6, b"a") + make_chunk(6, b"\xff"), "/words[1]", "the text is not UTF-8, from byte 0"),
        (make_chunk(4, b"\x80"), "/numbers", "the bytes are no list of int32"),
        (make_chunk(5, b"abc"), "/fixed", "the bytes are no list of uint32"),
        (make_chunk(3, b"\x0a\x01a\x12\x02\x0a\x05"), '/by_name{"a"}', ENDS),
        (make_chunk(3, b"\x0a\x01\xff"), "/by_name", "the text is not UTF-8, from byte 0"),
        (make_chunk(7, b"\x0a\x01a\x12\x01\xff"), '/texts{"a"}', "the text is not UTF-8, from byte 0"),
        (make_chunk(8, b"\x08"), "/by_number", "the bytes are no entry of a map"),
    ],
)
def test_malformed_bytes_are_refused_with_the_place(data: bytes, path: str, fact: str) -> None:
    assert refusal(LISTS, data) == (path, fact)


def test_bytes_that_end_anywhere_are_refused_or_a_smaller_event() -> None:
    messages = load_text(LISTS)
    shape = make_shape(messages)
    write, decode = compile_encoder(messages), compile_decoder(messages, messages, shape)
    inner = {"a": "inner", "numbers": [1, 2, 300]}
    data = write({"a": "outer", "items": [inner, inner], "by_name": {"x": inner}, "texts": {"k": "v"}}, b"", None)
    random = Random(5)
    refused = 0
    for place in range(len(data)):
        for tried in data[:place], data[:place] + random.randbytes(1) + data[place + 1 :], random.randbytes(place):
            try:
                decode(tried, 0, Meta())
            except DecodeError:
                refused += 1
    assert refused > len(data)


def test_messages_deeper_than_a_hundred_are_refused_with_their_place() -> None:
    data = b""
    for _ in range(150):
        data = make_chunk(2, data)
    path, fact = refusal(LISTS, data)
    assert path.startswith("/items[0]/items[0]/") and fact == "messages are nested deeper than 100 levels"


def test_many_levels_of_unknown_groups_are_refused() -> None:
    assert refusal(P3 + "message M { int32 a = 1; }", b"\x13" * 100_000) == ("", ENDS)


def test_a_count_that_is_larger_than_the_bytes_is_refused_before_memory_is_taken() -> None:
    assert refusal(LISTS, b"\x22\xff\xff\xff\xff\x07" + b"\x01" * 100) == ("", ENDS)


PRESENCE = P3 + (
    "message M { int32 a = 1; optional int32 b = 2; oneof c { string d = 3; M e = 4; } repeated M f = 5;"
    " map<int32, M> g = 6; }"
)


def test_a_plain_event_has_all_fields_and_none_where_nothing_is_set() -> None:
    assert read(PRESENCE, b"") == {"a": 0, "b": None, "d": None, "e": None, "f": [], "g": {}}
    assert read(PRESENCE, b"\x10\x00\x1a\x00")["b"] == 0
    assert read(PRESENCE, b"\x1a\x00")["d"] == ""


def test_a_default_of_proto2_does_not_stand_for_what_is_absent() -> None:
    text = P2 + 'message M { optional int32 a = 1 [default = 5]; optional string b = 2 [default = "x"]; }'
    assert read(text, b"") == {"a": None, "b": None}
    assert read(text, b"\x08\x00\x12\x00") == {"a": 0, "b": ""}


REQUIRED = P2 + (
    "message M { required int32 a = 1; repeated N many = 2; map<string, N> by_name = 3; optional N one = 4; }"
    " message N { required string b = 1; }"
)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"", "/a"),
        (b"\x08\x01\x12\x03\x0a\x01b\x12\x00", "/many[1]/b"),
        (b'\x08\x01\x1a\x05\x0a\x01"\x12\x00', '/by_name{"\\""}/b'),
        (b"\x08\x01\x22\x00", "/one/b"),
    ],
)
def test_a_required_field_that_is_missing_is_named(data: bytes, path: str) -> None:
    assert refusal(REQUIRED, data) == (path, "the field is required and missing")


def test_text_that_proto2_does_not_verify_is_refused_where_it_is_none() -> None:
    text = P2 + (
        "message M { optional string a = 1; repeated string b = 2; map<string, int32> c = 3; map<int32, string> d = 4;"
        " required bool e = 5; }"
    )
    end = b"\x28\x01"
    assert refusal(text, b"\x0a\x01\xff" + end) == ("/a", "text that is not UTF-8")
    assert refusal(text, b"\x12\x01a\x12\x01\xff" + end) == ("/b[1]", "text that is not UTF-8")
    assert refusal(text, make_chunk(3, b"\x0a\x01\xff\x10\x01") + end) == ("/c", "a key is not UTF-8")
    assert refusal(text, make_chunk(4, b"\x08\x01\x12\x01\xff") + end) == ("/d{1}", "text that is not UTF-8")
    assert refusal(text, make_chunk(3, b"\x0a\x01\xff\x10\x01")) == ("/c", "a key is not UTF-8")


@pytest.mark.parametrize(
    ("seconds", "nanos", "fact"),
    [
        (253402300800, 0, "a Timestamp of 253402300800 seconds is not within the years 1 to 9999"),
        (-62135596801, 0, "a Timestamp of -62135596801 seconds is not within the years 1 to 9999"),
        (2**63 - 1, 0, "a Timestamp of 9223372036854775807 seconds is not within the years 1 to 9999"),
        (0, 10**9, "a Timestamp has 1000000000 nanoseconds"),
        (0, -1, "a Timestamp has -1 nanoseconds"),
    ],
)
def test_a_time_beyond_python_s_is_refused(seconds: int, nanos: int, fact: str) -> None:
    text = P3 + TIME + "message M { google.protobuf.Timestamp at = 1; repeated google.protobuf.Timestamp times = 2; }"
    time = make_number(1, seconds % 2**64) + make_number(2, nanos % 2**64)
    assert refusal(text, make_chunk(1, time)) == ("/at", fact)
    assert refusal(text, make_chunk(2, b"") + make_chunk(2, time)) == ("/times[1]", fact)


def test_nanoseconds_are_cut_off_and_stay_in_the_message() -> None:
    text = P3 + TIME + "message M { google.protobuf.Timestamp at = 1; google.protobuf.Duration took = 2; }"
    meta, half = Meta(), make_number(1, 5) + make_number(2, 1999)
    back = -5 % 2**64, -1999 % 2**64
    data = make_chunk(1, half) + make_chunk(2, make_number(1, back[0]) + make_number(2, back[1]))
    event = read(text, data, meta)
    assert event == {"at": datetime(1970, 1, 1, 0, 0, 5, 1, UTC), "took": -timedelta(seconds=5, microseconds=1)}
    message: Any = meta.message
    assert (message.at.nanos, message.took.nanos) == (1999, -1999)


def test_a_duration_of_two_signs_or_beyond_its_range_is_refused() -> None:
    text = P3 + TIME + "message M { google.protobuf.Duration took = 1; }"
    mixed = make_number(1, 1) + make_number(2, -1 % 2**64)
    assert refusal(text, make_chunk(1, mixed)) == ("/took", "a Duration has 1 seconds and -1 nanoseconds")
    assert refusal(text, make_chunk(1, make_number(1, 315_576_000_001)))[0] == "/took"


ENUMS_1 = P2 + "enum E { A = 0; B = 1; } message M { optional E one = 1; repeated E many = 2; map<int32, E> by = 3; }"
ENUMS_2 = ENUMS_1.replace("B = 1;", "B = 1; C = 2;")


def test_a_value_that_a_closed_enum_does_not_have_is_absent_and_stays_in_the_message() -> None:
    reader, writer = load_text(ENUMS_1), load_text(ENUMS_2)
    data = compile_encoder(writer)({"one": "C", "many": ["A", "C", "B"], "by": {1: "C", 2: "B"}}, b"", None)
    meta = Meta()
    event = compile_decoder(reader, writer)(data, 0, meta)
    assert event == {"one": None, "many": ["A", "B"], "by": {2: "B"}}
    message: Any = meta.message
    assert compile_decoder(writer, writer)(message.SerializeToString(), 0, None)["one"] == "C"


@pytest.mark.parametrize(("name", "value"), [("one", "C"), ("many", ["B", "C"]), ("by", {1: "C"})])
def test_without_substitutes_such_a_value_is_refused(name: str, value: object) -> None:
    reader, writer = load_text(ENUMS_1), load_text(ENUMS_2)
    data = compile_encoder(writer)({name: value}, b"", None)
    with pytest.raises(DecodeError) as caught:
        compile_decoder(reader, writer, substitutes=False)(data, 0, None)
    assert (caught.value.path, caught.value.fact) == (f"/{name}", "a value that p.E of the reader does not have")


ONEOF_1 = P3 + "message M { repeated N n = 1; } message N { oneof kind { string a = 1; int32 b = 2; } string c = 3; }"
ONEOF_2 = ONEOF_1.replace("int32 b = 2;", "int32 b = 2; bool d = 4;").replace("c = 3;", "c = 3; string new = 5;")


def test_without_substitutes_an_unknown_member_of_a_oneof_is_refused_and_a_new_field_is_not() -> None:
    reader, writer = load_text(ONEOF_1), load_text(ONEOF_2)
    decode = compile_decoder(reader, writer, substitutes=False)
    write = compile_encoder(writer)
    fine = write({"n": [{"a": "x", "new": "y"}]}, b"", None)
    assert decode(fine, 0, None) == {"n": [{"a": "x", "b": None, "c": ""}]}
    with pytest.raises(DecodeError) as caught:
        decode(write({"n": [{"a": "x"}, {"d": True}]}, b"", None), 0, None)
    assert str(caught.value) == "the oneof 'kind' is set to 'd', which the reader does not know at /n[1]"
    lenient = compile_decoder(reader, writer)(write({"n": [{"d": True}]}, b"", None), 0, None)
    assert lenient == {"n": [{"a": None, "b": None, "c": ""}]}


def test_without_substitutes_a_number_of_an_open_enum_stays_one() -> None:
    text = P3 + "enum E { A = 0; } message M { E e = 1; }"
    messages = load_text(text)
    assert compile_decoder(messages, messages, substitutes=False)(b"\x08\x07", 0, None) == {"e": 7}


def test_each_version_reads_the_other_by_number() -> None:
    older = load_text(P3 + "message M { string name = 1; int32 gone = 2; }")
    newer = load_text(P3 + "message M { string title = 1; optional int64 new = 3; }")
    data = compile_encoder(older)({"name": "x", "gone": 5}, b"", None)
    assert compile_decoder(newer, older)(data, 0, None) == {"title": "x", "new": None}
    data = compile_encoder(newer)({"title": "y", "new": 2**40}, b"", None)
    assert compile_decoder(older, newer)(data, 0, None) == {"name": "y", "gone": 0}


def test_extensions_and_unknown_fields_are_in_the_message() -> None:
    text = P2 + "message M { optional int32 a = 1; extensions 100 to 200; } extend M { optional string note = 100; }"
    messages, meta = load_text(text), Meta()
    data = b"\x08\x01" + make_chunk(100, b"hello") + make_number(7, 9)
    assert compile_decoder(messages, messages)(data, 0, meta) == {"a": 1}
    message: Any = meta.message
    assert message.Extensions[messages.pool.FindExtensionByName("p.note")] == "hello"
    assert message.SerializeToString() == data


def test_groups_and_delimited_messages_are_messages() -> None:
    text = P2 + "message M { repeated group Part = 1 { optional string a = 2; } optional group One = 3 { } }"
    messages = load_text(text)
    shape = make_shape(messages)
    event: Any = shape.types["p.M"](part=[shape.types["p.M.Part"](a="x")], one=shape.types["p.M.One"]())
    data = compile_encoder(messages, shape)(event, b"", None)
    assert data == b"\x0b\x12\x01x\x0c\x1b\x1c"
    assert compile_decoder(messages, messages, shape)(data, 0, None).part == (shape.types["p.M.Part"](a="x"),)
    assert refusal(text, b"\x0b\x12\x01x") == ("", ENDS)


def test_well_known_types_but_a_few_are_ordinary_messages() -> None:
    text = (
        P3
        + 'import "google/protobuf/struct.proto"; import "google/protobuf/any.proto";'
        + (
            "message M { google.protobuf.Struct s = 1; google.protobuf.Any any = 2;"
            " google.protobuf.ListValue list = 3; }"
        )
    )
    messages = load_text(text)
    given = {"s": {"fields": {"k": {"number_value": 2.5}}}, "any": {"type_url": "x"}, "list": {"values": [{}]}}
    event = compile_decoder(messages, messages)(compile_encoder(messages)(given, b"", None), 0, None)
    assert event["s"]["fields"]["k"]["number_value"] == 2.5
    assert event["any"] == {"type_url": "x", "value": b""} and len(event["list"]["values"]) == 1


def test_the_bytes_of_floats_are_those_of_the_wire() -> None:
    assert read(P3 + "message M { float a = 1; }", b"\x0d" + struct.pack("<f", 0.1)) == {"a": 0.10000000149011612}
