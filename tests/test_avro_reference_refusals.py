"""The reference codec refuses what is no value, no bytes or not to be read, each with its reason and its place."""

from datetime import UTC, datetime, time
from decimal import Decimal

import pytest

from registry.formats.avro.reference import Branch, DecodeError, Duration, decode
from tests.avro_shorthand import (
    LIST,
    array,
    decimal,
    enum,
    fault,
    field,
    fixed,
    logical,
    map_of,
    parse,
    record,
    refusal,
)

# What a reader refuses


@pytest.mark.parametrize(
    ("writer", "reader", "data", "message"),
    [
        ("string", "int", "00", "string cannot be read as int"),
        ("long", "int", "00", "long cannot be read as int"),
        ("null", ["int", "string"], "", "null cannot be read as union of int, string"),
        (["null", "int"], "int", "00", "null cannot be read as int"),
        (fixed(1), fixed(2), "00", "fixed F of 1 bytes cannot be read as fixed F of 2 bytes"),
        (fixed(1), "bytes", "00", "fixed F of 1 bytes cannot be read as bytes"),
        (enum("A"), fixed(1, "E"), "00", "enum E cannot be read as fixed E of 1 bytes"),
        (enum("A", "B"), enum("A"), "02", "unknown symbol 'B'"),
        (record(), record(name="a.S"), "", "record a.R cannot be read as record a.S"),
        (record(name="a.S", aliases=["a.R"]), record(), "", "record a.S cannot be read as record a.R"),
        (record(), record(field("x", ["null", "int"])), "", "field 'x' was not written and has no default at /x"),
        (
            record(field("b", array(map_of("string")))),
            record(field("a", array(map_of("int")), aliases=["b"])),
            "040002026b000000",
            'string cannot be read as int at /a[1]{"k"}',
        ),
        ("bytes", "string", "02ff", "bytes are no UTF-8"),
        ("string", logical("string", "uuid"), "0261", "'a' is no UUID"),
        ("bytes", decimal(4, 2), "00", "a decimal of no bytes is no number"),
    ],
)
def test_what_a_reader_cannot_read_has_a_reason_and_a_place(
    writer: object, reader: object, data: str, message: str
) -> None:
    assert str(fault(reader, writer, bytes.fromhex(data))) == message


def test_the_path_of_an_error_is_that_of_the_schema() -> None:
    nested = record(field("a", array(map_of("int"))))
    error = fault(nested, nested, bytes.fromhex("0202026b"))
    assert (error.fact, error.path) == ("the int ends after 0 of 1 bytes", "/a[]{}")
    assert error.steps == ("", "/a", "[0]", '{"k"}')
    assert fault("int", "int", b"").path == ""


BAD_BYTES: list[tuple[object, str, str]] = [
    ("boolean", "02", "the boolean is 2, neither 0 nor 1"),
    ("boolean", "", "the boolean ends after 0 of 1 bytes"),
    ("int", "80", "the int ends after 0 of 1 bytes"),
    ("int", "ffffffff1f", "the int is longer than 32 bits"),
    ("int", "808080808000", "the int is longer than 32 bits"),
    ("long", "ffffffffffffffffff03", "the long is longer than 64 bits"),
    ("long", "8080808080808080808000", "the long is longer than 64 bits"),
    ("float", "000000", "the float ends after 3 of 4 bytes"),
    ("double", "", "the double ends after 0 of 8 bytes"),
    ("bytes", "01", "the bytes has a length of -1"),
    ("string", "feffffffffffffffff01", "the string ends after 0 of 9223372036854775807 bytes"),
    ("string", "02ff", "the string is no UTF-8"),
    ("string", "06eda080", "the string is no UTF-8"),
    (enum("A"), "02", "index 1 is none of the 1 symbols of enum E"),
    (enum("A"), "01", "index -1 is none of the 1 symbols of enum E"),
    (["null", "int"], "04", "index 2 is none of the 2 branches of the union"),
    (["null", "int"], "01", "index -1 is none of the 2 branches of the union"),
    ([], "00", "index 0 is none of the 0 branches of the union"),
    (fixed(2), "00", "the fixed F ends after 1 of 2 bytes"),
    (array("int"), "0202", "the count of the array ends after 0 of 1 bytes"),
    (array("int"), "03060204", "a block of the array has 2 bytes, and says 3"),
    (array("int"), "feffffffffffffffff01", "the int ends after 0 of 1 bytes"),
    (array("null"), "feffffffffffffffff01", "more than 250000 values take no bytes"),
    (map_of("int"), "0202ff", "the string is no UTF-8"),
    ("null", "00", "1 of 1 bytes are left over"),
    (LIST, "02" * 300, "nests deeper than 256 levels"),
]


@pytest.mark.parametrize(("schema", "data", "message"), BAD_BYTES)
def test_bytes_that_no_writer_wrote(schema: object, data: str, message: str) -> None:
    assert fault(schema, schema, bytes.fromhex(data)).fact == message


def test_bytes_that_the_reader_does_not_want_are_checked_all_the_same() -> None:
    error = fault(record(), record(field("gone", "string")), b"\x02\xff")
    assert str(error) == "the string is no UTF-8 at /gone"


def test_blocks_with_their_size_read_like_others() -> None:
    schema = parse(array("int"))
    assert decode(schema, schema, bytes.fromhex("0304020402060" + "0")) == [1, 2, 3]
    schema = parse(map_of("int"))
    assert decode(schema, schema, bytes.fromhex("01060261020" + "0")) == {"a": 1}


def test_of_two_values_of_a_map_with_one_key_the_last_one_counts() -> None:
    schema = parse(map_of("int"))
    assert decode(schema, schema, bytes.fromhex("04026102026104" + "00")) == {"a": 2}


def test_defaults_that_never_end_are_stopped() -> None:
    circle = parse(record(field("r", "a.R", default={})), strict=False)
    with pytest.raises(DecodeError, match="nests deeper than 256 levels at /r/r/r"):
        decode(circle, parse(record()), b"")


def test_defaults_that_double_at_each_level_are_stopped() -> None:
    inner: object = record(field("a", "null", default=None), name="a.R0")
    for i in range(30):
        twice = field("l", inner, default={}), field("m", f"a.R{i}", default={})
        inner = record(*twice, name=f"a.R{i + 1}")
    error = fault(record(field("new", inner, default={})), record(), b"")
    assert error.fact == "more than 250000 values take no bytes"


def test_a_released_default_of_the_wrong_type_is_no_value() -> None:
    reader, writer = parse(record(field("a", "string", default=5)), strict=False), parse(record())
    with pytest.raises(DecodeError, match="the default does not fit: 5 is no string at /a"):
        decode(reader, writer, b"")


def test_a_stack_that_is_nearly_full_is_an_error_like_any_other() -> None:
    schema = parse(LIST)

    def dig(depth: int) -> None:
        if depth:
            dig(depth - 1)
        else:
            decode(schema, schema, b"\x02" * 250 + b"\x00")

    with pytest.raises(DecodeError, match="nests too deep for the stack that is left"):
        dig(600)


# What a writer refuses


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ("null", 0, "0 is no null"),
        ("boolean", 1, "1 is no boolean"),
        ("int", True, "True is no int"),
        ("int", 1.0, "1.0 is no int"),
        ("int", 2**31, "2147483648 does not fit in 32 bits"),
        ("long", -(2**63) - 1, "-9223372036854775809 does not fit in 64 bits"),
        ("long", 10**1000, "a number of 3322 bits does not fit in 64 bits"),
        ("float", 1, "1 is no float"),
        ("float", 1e39, "1e+39 does not fit in a float of 32 bits"),
        ("double", "1", "'1' is no double"),
        ("bytes", "a", "'a' is no bytes"),
        ("string", b"a", "b'a' is no string"),
        ("string", "\ud800", "'\\ud800' has half a surrogate pair, which is no character"),
        (enum("A"), "B", "unknown symbol 'B'"),
        (fixed(2), b"a", "fixed F has 2 bytes, not 1"),
        (fixed(2), "ab", "'ab' is no bytes, as fixed F needs"),
        (array("int"), (1,), "(1,) is no list, as an array needs"),
        (array("int"), [1, None], "None is no int at [1]"),
        (map_of("int"), {"a": None}, 'None is no int at {"a"}'),
        (map_of("int"), {1: 1}, "1 is no string"),
        (record(field("a", "int")), {}, "field 'a' is missing at /a"),
        (record(field("a", "int")), {"a": 1, "b": 2}, "record a.R has no field 'b'"),
        (record(field("a", "int")), {"a": 1, None: 2}, "record a.R has no field None"),
        (record(field("a", "int")), [], "[] is no dict, as record a.R needs"),
        (["null", "int"], "a", "'a' fits no branch of union of null, int"),
        (["null", "int"], Branch(2, None), "index 2 is none of the 2 branches of the union"),
        (["null", record(field("a", "int"))], {"a": "x"}, "'x' is no int at /a"),
        (decimal(4, 2), Decimal("1.234"), "1.234 has more than the 2 decimal places of decimal(4, 2)"),
        (decimal(4, 2), Decimal("123.4"), "123.4 has more than the 4 digits of decimal(4, 2)"),
        (decimal(4, 2), Decimal("1E+999999"), "1E+999999 has more than the 4 digits of decimal(4, 2)"),
        (decimal(4, 2), Decimal("1E-999999"), "1E-999999 has more than the 2 decimal places of decimal(4, 2)"),
        (decimal(4, 2), Decimal("NaN"), "NaN is no finite number, as decimal(4, 2) needs"),
        (decimal(4, 2), 1.5, "1.5 is no decimal(4, 2)"),
        (decimal(4, 2), b"", "a decimal of no bytes is no number"),
        (logical("string", "uuid"), "a", "'a' is no UUID"),
        (logical("int", "date"), datetime(1970, 1, 1), "1970-01-01 00:00:00 is no int"),
        (
            logical("int", "time-millis"),
            time(0, 0, 0, 1),
            "00:00:00.000001 has microseconds, which time-millis cannot hold",
        ),
        (
            logical("long", "timestamp-micros"),
            datetime(1970, 1, 1),
            "1970-01-01 00:00:00 has no time zone, which timestamp-micros needs",
        ),
        (
            logical("long", "local-timestamp-micros"),
            datetime(1970, 1, 1, tzinfo=UTC),
            "1970-01-01 00:00:00+00:00 has a time zone, which local-timestamp-micros cannot hold",
        ),
        (
            fixed(12, logicalType="duration"),
            Duration(-1, 0, 0),
            "Duration(months=-1, days=0, milliseconds=0) is no duration: its parts are numbers from 0 to 4294967295",
        ),
    ],
)
def test_what_is_no_value_of_the_schema(schema: object, value: object, message: str) -> None:
    assert str(refusal(schema, value)) == message


def test_a_value_that_holds_itself_is_refused() -> None:
    value: dict[str, object] = {}
    value["next"] = Branch(1, value)
    assert refusal(LIST, value).fact == "nests deeper than 256 levels"
    value["next"] = value
    assert "nests" in refusal(LIST, value).fact
