"""Bytes that nobody wrote: always a DecodeError with a path, in a time and a memory that the bytes pay for."""

import json
import tracemalloc
from collections.abc import Callable
from itertools import islice
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.formats.avro.reference import DecodeError as Refusal
from registry.formats.avro.reference import decode, encode
from registry.formats.avro.values import find_values
from registry.schema import Schema
from registry.serde.avro import compile_decoder
from registry.serde.errors import DecodeError
from tests.avro_expect import same
from tests.examples_settings import settings
from tests.serde_avro_reading import make_shape, parse, to_plain

MULTIPLE: Final = 250
"""Bytes of memory for each byte of a record, at most: a dict of one field that took one byte is the dearest. Fields
that take no bytes (nulls, defaults) come on top, as many as the schema has for each record in an array."""
AT_MOST: Final = 20_000_000
"""Bytes of memory that a few bytes can ask for: 250,000 values that take none."""

EVERYTHING: Final = parse(
    json.dumps(
        {
            "type": "record",
            "name": "a.Event",
            "fields": [
                {"name": "flag", "type": "boolean"},
                {"name": "count", "type": "int"},
                {"name": "total", "type": "long"},
                {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
                {"name": "raw", "type": "bytes"},
                {"name": "name", "type": "string"},
                {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B", "C"]}},
                {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}},
                {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
                {"name": "day", "type": {"type": "int", "logicalType": "date"}},
                {"name": "ratio", "type": "double"},
                {"name": "tags", "type": {"type": "array", "items": "string"}},
                {"name": "prices", "type": {"type": "map", "values": ["null", "long"]}},
                {"name": "levels", "type": {"type": "array", "items": {
                    "type": "record", "name": "Level", "fields": [{"name": "delta", "type": "int"}]}}},
                {"name": "next", "type": ["null", "Event"]},
            ],
        }
    )
)  # fmt: skip
READER: Final = parse(
    json.dumps(
        {
            "type": "record",
            "name": "a.Event",
            "fields": [
                {"name": "added", "type": {"type": "array", "items": "int"}, "default": [1, 2]},
                {"name": "total", "type": "double"},
                {"name": "name", "type": "bytes"},
                {"name": "next", "type": ["null", "Event"]},
            ],
        }
    )
)
PAIRS: Final = {"the same version": (EVERYTHING, EVERYTHING), "another version": (READER, EVERYTHING)}


def make_decoders(reader: Schema, writer: Schema) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Plain and typed."""
    return compile_decoder(reader, writer), compile_decoder(reader, writer, make_shape(reader))


def check(reader: Schema, writer: Schema, data: bytes, decoders: tuple[Callable[..., Any], Callable[..., Any]]) -> bool:
    """Either a value, that of the reference, in both modes, or an error that knows where; whether it is a value."""
    plain, typed = decoders
    try:
        value = plain(data, 0, None)
    except DecodeError as error:
        assert error.fact  # noqa: PT017 - of one outcome
        with pytest.raises(Refusal):
            decode(reader, writer, data)
        with pytest.raises(DecodeError):
            typed(data, 0, None)
        return False
    try:
        assert same(value, decode(reader, writer, data))
    except Refusal as refusal:  # of a string that the reader drops, and does not look into
        assert reader is not writer
        assert refusal.fact.endswith(("is no UTF-8", "is no UUID", "is no number"))  # noqa: PT017 - of another outcome
    try:
        assert same(to_plain(typed(data, 0, None)), value)
    except DecodeError as error:
        assert "beyond the" in error.fact  # noqa: PT017 - of another outcome
    return True


@pytest.mark.parametrize(("reader", "writer"), PAIRS.values(), ids=list(PAIRS))
def test_an_event_that_is_cut_anywhere_is_an_error(reader: Schema, writer: Schema) -> None:
    decoders = make_decoders(reader, writer)
    for value in islice(find_values(writer), 8):
        data = encode(writer, value)[:400]
        for end in range(len(data)):
            assert not check(reader, writer, data[:end], decoders)


@pytest.mark.parametrize(("reader", "writer"), PAIRS.values(), ids=list(PAIRS))
def test_a_byte_that_is_changed_is_an_error_or_another_value(reader: Schema, writer: Schema) -> None:
    decoders = make_decoders(reader, writer)
    dice = Random(0)
    for value in islice(find_values(writer), 8):
        data = encode(writer, value)[:400]
        for at in range(len(data)):
            for byte in {0, 1, 2, 127, 128, 255, dice.randrange(256)} - {data[at]}:
                check(reader, writer, data[:at] + bytes([byte]) + data[at + 1 :], decoders)


@given(st.binary(max_size=200))
@settings()
def test_random_bytes_are_an_error_or_a_value(data: bytes) -> None:
    for reader, writer in PAIRS.values():
        check(reader, writer, data, DECODERS[id(reader)])


DECODERS: Final = {id(reader): make_decoders(reader, writer) for reader, writer in PAIRS.values()}

ERRORS: Final[dict[str, tuple[Any, str, str]]] = {
    "nothing": ("int", "", "the int ends after 0 of 1 bytes"),
    "a string beyond the end": ("string", "08 61 62", "the string ends after 2 of 4 bytes"),
    "a string of 8 exabytes": (
        "string",
        "feffffffffffffffff01",
        "the string ends after 0 of 9223372036854775807 bytes",
    ),
    "a length below zero": ("bytes", "01", "the bytes has a length of -1"),
    "the lowest length": ("bytes", "ffffffffffffffffff01", "the bytes has a length of -9223372036854775808"),
    "text that is no UTF-8": ("string", "02 ff", "the string is no UTF-8"),
    "an int of 33 bits": ("int", "8080808020", "the int is longer than 32 bits"),
    "an int of six bytes": ("int", "808080808000", "the int is longer than 32 bits"),
    "a long of 65 bits": ("long", "80808080808080808002", "the long is longer than 64 bits"),
    "a long without an end": ("long", "ff" * 100, "the long is longer than 64 bits"),
    "a boolean of 2": ("boolean", "02", "the boolean is 2, neither 0 nor 1"),
    "a branch too far": (["null", "int"], "04", "index 2 is none of the 2 branches of the union"),
    "a branch below zero": (["null", "int"], "01", "index -1 is none of the 2 branches of the union"),
    "a union of nothing": ([], "00", "index 0 is none of the 0 branches of the union"),
    "a symbol too far": (
        {"type": "enum", "name": "E", "symbols": ["A"]},
        "02",
        "index 1 is none of the 1 symbols of enum E",
    ),
    "a fixed beyond the end": (
        {"type": "fixed", "name": "F", "size": 4},
        "010203",
        "the fixed F ends after 3 of 4 bytes",
    ),
    "a double beyond the end": ("double", "00" * 7, "the double ends after 7 of 8 bytes"),
    "bytes that are left over": ("int", "02 00 00", "2 of 3 bytes are left over"),
    "an array without an end": (
        {"type": "array", "items": "int"},
        "02 02",
        "the count of the array ends after 0 of 1 bytes",
    ),
    "a block that is shorter than it says": (
        {"type": "array", "items": "int"},
        "01 06 02 00",
        "a block of the array has 1 bytes, and says 3",
    ),
    "a block with a size below zero": (
        {"type": "array", "items": "int"},
        "01 05 02 00",
        "a block of the array has 1 bytes, and says -3",
    ),
    "a decimal of no bytes": (
        {"type": "bytes", "logicalType": "decimal", "precision": 4},
        "00",
        "a decimal of no bytes is no number",
    ),
    "a text that is no UUID": ({"type": "string", "logicalType": "uuid"}, "02 61", "'a' is no UUID"),
    "a UUID with a dash elsewhere": (
        {"type": "string", "logicalType": "uuid"},
        "48" + b"6f1e2a5-20000-4000-8000-0123456789ab".hex(),
        "'6f1e2a5-20000-4000-8000-0123456789ab' is no UUID",
    ),
    "a UUID with an underscore": (
        {"type": "string", "logicalType": "uuid"},
        "48" + b"6f1e_a52-0000-4000-8000-0123456789ab".hex(),
        "'6f1e_a52-0000-4000-8000-0123456789ab' is no UUID",
    ),
}


@pytest.mark.parametrize(("type_", "data", "fact"), ERRORS.values(), ids=list(ERRORS))
def test_what_is_wrong_is_said_with_the_place(type_: Any, data: str, fact: str) -> None:
    bare = parse(json.dumps(type_))
    with pytest.raises(DecodeError) as caught:
        compile_decoder(bare, bare)(bytes.fromhex(data), 0, None)
    assert (caught.value.fact, caught.value.path) == (fact, "")
    inside = parse(json.dumps({"type": "record", "name": "R", "fields": [{"name": "f", "type": type_}]}))
    with pytest.raises(DecodeError) as caught:
        compile_decoder(inside, inside, make_shape(inside))(b"frame" + bytes.fromhex(data), 5, None)
    assert (caught.value.fact, caught.value.path) == (fact, "" if "left over" in fact else "/f")


def test_the_place_goes_through_arrays_and_maps() -> None:
    schema = parse(
        '{"type":"record","name":"R","fields":[{"name":"levels","type":{"type":"array","items":'
        '{"type":"record","name":"L","fields":[{"name":"delta","type":"int"}]}}},'
        '{"name":"prices","type":{"type":"map","values":"boolean"}}]}'
    )
    decoder = compile_decoder(schema, schema)
    with pytest.raises(DecodeError, match=r"^the int is longer than 32 bits at /levels\[2\]/delta$"):
        decoder(bytes.fromhex("06 02 02 ffffffffff 00 00"), 0, None)
    with pytest.raises(DecodeError, match=r'^the boolean is 9, neither 0 nor 1 at /prices\{"EUR"\}$'):
        decoder(bytes.fromhex("00 02 06 455552 09 00"), 0, None)


@pytest.mark.parametrize("start", [-1, 4])
def test_an_event_that_begins_outside_the_record_is_an_error(start: int) -> None:
    schema = parse('{"type":"record","name":"R","fields":[]}')
    with pytest.raises(DecodeError, match=rf"^the event begins at byte {start}, and the record has 3 bytes$"):
        compile_decoder(schema, schema)(b"\0\0\0", start, None)


def test_types_that_do_not_match_are_an_error_where_a_value_meets_them() -> None:
    writer = parse('{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"]}]}')
    reader = parse('{"type":"record","name":"R","fields":[{"name":"a","type":["null","int"]}]}')
    decoder = compile_decoder(reader, writer)
    assert decoder(b"\0", 0, None) == {"a": None}
    with pytest.raises(DecodeError, match=r"^string cannot be read as union of null, int at /a$"):
        decoder(b"\2\2a", 0, None)


def test_a_field_that_was_not_written_and_has_no_default_is_an_error() -> None:
    writer = parse('{"type":"record","name":"R","fields":[]}')
    reader = parse('{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}')
    with pytest.raises(DecodeError, match=r"^field 'a' was not written and has no default at /a$"):
        compile_decoder(reader, writer)(b"", 0, None)


# Memory


def measure(decoder: Callable[..., Any], data: bytes) -> tuple[int, bool]:
    """The most memory at one time, and whether there was a value."""
    tracemalloc.start()
    try:
        decoder(data, 0, None)
        return tracemalloc.get_traced_memory()[1], True
    except DecodeError:
        return tracemalloc.get_traced_memory()[1], False
    finally:
        tracemalloc.stop()


def field(type_: Any) -> Any:
    return {"type": "record", "name": "R", "fields": [{"name": "a", "type": type_}]}


FREE: Final = {"type": "record", "name": "R", "fields": [{"name": f"f{i}", "type": "null"} for i in range(9)]}
HUGE: Final = "fcffffffffffffffff01"
"""2**63 - 2."""
GREEDY: Final[dict[str, tuple[Any, str]]] = {
    "an array of many nulls": ({"type": "array", "items": "null"}, HUGE),
    "an array of many records of nulls": ({"type": "array", "items": FREE}, HUGE),
    "an array of many empty fixed": ({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}, HUGE),
    "many arrays of nulls": (
        {"type": "array", "items": {"type": "array", "items": "null"}},
        "fe01" + "fe0100" * 127,
    ),
    "an array of many ints": ({"type": "array", "items": "int"}, HUGE),
    "an array of many doubles": ({"type": "array", "items": "double"}, HUGE),
    "an array of many fixed": ({"type": "array", "items": {"type": "fixed", "name": "F", "size": 1}}, HUGE),
    "an array of many strings": ({"type": "array", "items": "string"}, HUGE),
    "a block of many bytes": ({"type": "array", "items": "int"}, f"01{HUGE}"),
    "a map of many": ({"type": "map", "values": "null"}, HUGE),
    "a long string": ("string", HUGE),
    "long bytes": ("bytes", HUGE),
}


@pytest.mark.parametrize(("type_", "data"), GREEDY.values(), ids=list(GREEDY))
def test_a_few_bytes_cannot_ask_for_much(type_: Any, data: str) -> None:
    schema = parse(json.dumps(type_))
    assert measure(compile_decoder(schema, schema), bytes.fromhex(data))[0] < AT_MOST


def test_a_default_in_each_of_many_records_counts_as_well() -> None:
    writer = parse('{"type":"array","items":{"type":"record","name":"R","fields":[]}}')
    default = {"name": "a", "type": {"type": "array", "items": "int"}, "default": [*range(1000)]}
    reader = parse(json.dumps({"type": "array", "items": {"type": "record", "name": "R", "fields": [default]}}))
    peak, is_read = measure(compile_decoder(reader, writer), bytes.fromhex(HUGE))
    assert peak < AT_MOST
    assert not is_read


@pytest.mark.parametrize("data", ["", HUGE, f"01{HUGE}", "fe01" + "fe0100" * 127])
def test_what_is_dropped_cannot_ask_for_more(data: str) -> None:
    writer = parse(json.dumps(field({"type": "array", "items": {"type": "array", "items": "null"}})))
    decoder = compile_decoder(parse('{"type":"record","name":"R","fields":[]}'), writer)
    assert measure(decoder, bytes.fromhex(data))[0] < AT_MOST


MANY: Final[dict[str, tuple[Any, bytes]]] = {
    "ints": ("int", b"\2"),
    "strings": ("string", b"\0"),
    "arrays": ({"type": "array", "items": "int"}, b"\0"),
    "maps": ({"type": "map", "values": "int"}, b"\0"),
    "records": (field("int"), b"\2"),
    "decimals": ({"type": "bytes", "logicalType": "decimal", "precision": 4}, b"\2\2"),
    "timestamps": ({"type": "long", "logicalType": "timestamp-micros"}, b"\2"),
    "branches": (["null", "int"], b"\0"),
}


@pytest.mark.parametrize(("items", "item"), MANY.values(), ids=list(MANY))
def test_memory_is_a_multiple_of_the_bytes(items: Any, item: bytes) -> None:
    schema = parse(json.dumps({"type": "array", "items": items}))
    data = encode(parse('"int"'), 20_000) + item * 20_000 + b"\0"
    for decoder in make_decoders(schema, schema):
        assert measure(decoder, data)[1]
        for bytes_ in (data, data[:-1], data + b"\0", data[:-2] + b"\xff"):
            assert measure(decoder, bytes_)[0] < MULTIPLE * len(data) + 200_000


def test_a_decimal_of_a_megabyte_is_refused_before_it_takes_a_minute() -> None:
    schema = parse('{"type":"bytes","logicalType":"decimal","precision":9}')
    decoder = compile_decoder(schema, schema)
    assert decoder(encode(parse('"bytes"'), b"\0" * 1023 + b"\1"), 0, None) == 1
    fact = r"^a number of 1000000 bytes is no decimal\(9, 0\), which has 1024 at most$"
    with pytest.raises(DecodeError, match=fact):
        decoder(encode(parse('"bytes"'), b"\1" * 1_000_000), 0, None)


def test_nulls_that_a_message_may_have() -> None:
    schema = parse('{"type":"array","items":"null"}')
    decoder = compile_decoder(schema, schema)
    for count in (1, 8, 9, 64, 250_000):
        assert decoder(
            encode(schema, [None] * count) if count < 100 else encode(parse('"int"'), count) + b"\0", 0, None
        ) == ([None] * count)
    with pytest.raises(DecodeError, match=r"^more than 250000 values take no bytes"):
        decoder(encode(parse('"int"'), 250_001) + b"\0", 0, None)
