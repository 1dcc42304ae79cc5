"""Values to bytes and back by protobuf's own messages, and where bytes are refused."""

import sys

import pytest

from registry.formats.protobuf import parse
from registry.formats.protobuf.reference import CodecError, DecodeError, EncodeError, decode, encode
from registry.schema import Schema

TEXT = """edition = "2023";
package p;
enum Open { ZERO = 0; ONE = 1; }
enum Closed { option features.enum_type = CLOSED; NONE = 0; SOME = 1; }
message M {
  string text = 1;
  string raw = 2 [features.utf8_validation = NONE];
  map<string, Closed> closed = 3;
  map<string, string> raws = 4 [features.utf8_validation = NONE];
  Closed one = 5;
  M group = 6 [features.message_encoding = DELIMITED];
  int32 needed = 7 [features.field_presence = LEGACY_REQUIRED];
  repeated int32 numbers = 8;
  map<int32, M> inner = 9;
  Open open = 10;
  repeated string words = 11 [features.utf8_validation = NONE];
  repeated M items = 12;
  oneof choice { int32 left = 13; bytes right = 14; }
  extensions 100 to 200;
}
extend M { int32 note = 100; M more = 101; repeated int32 notes = 102; }
"""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return parse({"m.proto": TEXT}, ["m.proto"], "p.M")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"text": "ä", "raw": b"\xff", "words": ["a", b"\xfe"]},
        {"closed": {"a": 1, "b": 0}, "one": 1, "open": 7},
        {"raws": {"k": b"\xff", b"\xfe": "v"}},
        {"group": {"text": "in a group", "needed": 0}},
        {"inner": {3: {"needed": 1}}, "items": [{"needed": 1}, {"needed": 2}]},
        {"right": b"", "numbers": [1, -1]},
        {"[p.note]": 5, "[p.more]": {"needed": 1}, "[p.notes]": [1, 2]},
    ],
)
def test_what_was_written_is_read(schema: Schema, value: dict[str, object]) -> None:
    value = {**value, "needed": 1}
    assert decode(schema, "p.M", encode(schema, "p.M", value)) == value


def test_the_same_value_has_the_same_bytes(schema: Schema) -> None:
    there = encode(schema, "p.M", {"closed": {"a": 1, "b": 0}, "needed": 1})
    back = encode(schema, "p.M", {"needed": 1, "closed": {"b": 0, "a": 1}})
    assert there == back


def test_enums_may_be_written_by_name(schema: Schema) -> None:
    assert decode(schema, "p.M", encode(schema, "p.M", {"one": "SOME", "needed": 1}))["one"] == 1


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"one": "GONE"}, "/one"),
        ({"one": 9}, "/one"),
        ({"missing": 1}, "/"),
        ({"text": 3}, "/text"),
        ({"text": b"\xff"}, "/text"),
        ({"closed": 3}, "/closed"),
        ({"inner": {1: {"needed": "x"}}}, "/inner{1}/needed"),
        ({"items": [{}, {"group": 5}]}, "/items[1]/group"),
    ],
)
def test_a_value_that_the_schema_does_not_allow_is_refused_with_its_path(
    schema: Schema, value: dict[str, object], path: str
) -> None:
    with pytest.raises(EncodeError) as refused:
        encode(schema, "p.M", value)
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "required field is missing at /needed"),
        (b"\x0a\x01\xff", "invalid UTF-8 at /text"),
        (b"\x4a\x05\x12\x03\x0a\x01\xff", "invalid UTF-8 at /inner{}/value/text"),
        (b"\x33\x0a\x01\xff\x34", "invalid UTF-8 at /group/text"),
        (b"\x33\x38", "bytes that are no message p.M at /"),
        (b"\x62\x01\x08", "bytes that are no message p.M at /items[0]"),
        (b"\x1a\x03\x0a\x01\xff", "invalid UTF-8 at /closed{}/key"),
        (b"\x42\x01\xff", "bytes that are no list of int32 at /numbers[0]"),
        (b"\x38\x01\x62\x02\x08\x01", "required field is missing at /items[0]/needed"),
        (b"\x38\x01\xaa\x06\x00", "required field is missing at /p.more/needed"),
        (b"\x00", "bytes that are no message p.M at /"),
        (b"\x0a\xff\xff\xff\xff\x0f", "bytes that are no message p.M at /"),
    ],
)
def test_bytes_that_are_refused_say_where(schema: Schema, data: bytes, said: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(schema, "p.M", data)
    assert str(refused.value) == said


def test_text_that_nobody_verifies_is_read_as_its_bytes(schema: Schema) -> None:
    assert decode(schema, "p.M", b"\x12\x01\xff\x38\x01") == {"raw": b"\xff", "needed": 1}


def test_a_closed_enum_does_not_take_an_unknown_number_and_an_open_one_does(schema: Schema) -> None:
    assert decode(schema, "p.M", b"\x28\x07\x50\x07\x38\x01") == {"open": 7, "needed": 1}


def test_a_partial_value_may_lack_what_is_required(schema: Schema) -> None:
    assert decode(schema, "p.M", b"", partial=True) == {}


def test_messages_that_are_nested_too_deep_are_refused_both_ways(schema: Schema) -> None:
    value: dict[str, object] = {}
    for _ in range(200):
        value = {"group": value}
    with pytest.raises(CodecError, match="deeper than 100"):
        encode(schema, "p.M", value)
    with pytest.raises(DecodeError, match="deeper than 100"):
        decode(schema, "p.M", b"\x33" * 200 + b"\x34" * 200)


def test_two_revisions_of_one_type_do_not_meet() -> None:
    old, new = (parse({"m.proto": f'syntax = "proto3"; message M {{ {type_} a = 1; }}'}, ["m.proto"], "M")
                for type_ in ("int32", "sint32"))  # fmt: skip
    assert decode(new, "M", encode(old, "M", {"a": 1})) == {"a": -1}


def test_text_that_is_not_utf8_is_a_key_where_nobody_verifies_it() -> None:
    raw = "map<string, M> raw = 1 [features.utf8_validation = NONE];"
    text = f'edition = "2023"; message M {{ {raw} map<string, M> map = 2; }}'
    schema = parse({"m.proto": text}, ["m.proto"], "M")
    value: dict[str, object] = {"raw": {b"\xff": {"raw": {b"\xfe": {}, "a": {}}}}}
    assert decode(schema, "M", encode(schema, "M", value)) == {"raw": {b"\xff": {"raw": {"a": {}, b"\xfe": {}}}}}
    with pytest.raises(EncodeError, match=r"can't decode byte 0xff .* at /map"):
        encode(schema, "M", {"map": {b"\xff": {}}})


def test_an_installation_without_the_c_library_alone_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'syntax = "proto2"; message OfNoOtherTest { repeated OfNoOtherTest a = 1; optional string b = 2; }'
    monkeypatch.setitem(sys.modules, "google._upb._message", None)
    schema = parse({"m.proto": text}, ["m.proto"], "OfNoOtherTest")
    value: dict[str, object] = {"a": [{"b": "x"}, {}]}
    assert decode(schema, "OfNoOtherTest", encode(schema, "OfNoOtherTest", value)) == value


def test_json_names_that_meet_do_no_harm() -> None:
    text = 'syntax = "proto2"; message M { option deprecated_legacy_json_field_conflicts = true; '
    text += "optional int32 foo_bar = 1; optional int32 fooBar = 2; }"
    schema = parse({"m.proto": text}, ["m.proto"], "M")
    assert decode(schema, "M", encode(schema, "M", {"foo_bar": 1, "fooBar": 2})) == {"foo_bar": 1, "fooBar": 2}


def test_json_names_that_meet_in_another_message_of_the_file_do_no_harm() -> None:
    other = "message X { optional int32 b_c = 1; optional int32 bC = 2; }"
    text = f'syntax = "proto2"; message M {{ optional int32 a = 1; }} {other}'
    schema = parse({"m.proto": text}, ["m.proto"], "M")
    assert decode(schema, "M", encode(schema, "M", {"a": 1})) == {"a": 1}
