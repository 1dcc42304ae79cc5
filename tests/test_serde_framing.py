"""How a record names its schema: the three kinds, read and written, and everything that is none of them."""

import pytest

from registry.serde.bundle import BundledVersion
from registry.serde.errors import DecodeError
from registry.serde.framing import SCHEMA_HEADER, Frame, Writer, frame_headers, frame_prefix, parse_frame

GUID = "fc2b2b46-54fa-d888-7df3-ca790fdefbb5"
GUID_BYTES = bytes.fromhex(GUID.replace("-", ""))
VERSION = BundledVersion(number=1, schema_id=0x01020304, guid=GUID, root="a.avsc", files={})


@pytest.mark.parametrize(
    ("indexes", "written"),
    [
        ((), ""),
        ((0,), "00"),
        ((1,), "02 02"),
        ((1, 2, 3), "06 02 04 06"),
        ((0, 0), "04 00 00"),
        ((200,), "02 90 03"),
    ],
)
def test_message_indexes_are_written_and_read(indexes: tuple[int, ...], written: str) -> None:
    value = bytes.fromhex(f"00 01 02 03 04 {written}")
    assert frame_prefix("confluent", VERSION, 0, indexes) == value
    assert parse_frame(value + b"body", (), bool(indexes)) == Frame(Writer("id", 0x01020304), indexes, len(value))


def test_the_first_message_is_read_in_its_long_spelling_too() -> None:
    assert parse_frame(bytes.fromhex("00 01020304 0200"), (), True) == Frame(Writer("id", 0x01020304), (0,), 7)


def test_a_header_holds_the_guid_and_the_value_is_all_body() -> None:
    assert frame_prefix("confluent-header", VERSION, 0, ()) == b""
    assert frame_headers("confluent-header", VERSION, ()) == ((SCHEMA_HEADER, b"\x01" + GUID_BYTES),)
    assert frame_headers("confluent-header", VERSION, (0,)) == ((SCHEMA_HEADER, b"\x01" + GUID_BYTES + b"\x00"),)
    for body in (b"", b"\x00", b"\x00\x00\x00\x00\x07", b"\xc3\x01", b"12345"):
        headers = frame_headers("confluent-header", VERSION, ())
        assert parse_frame(body, headers, False) == Frame(Writer("guid", GUID), (), 0)


def test_a_header_may_hold_the_id_and_a_value_the_guid() -> None:
    assert parse_frame(b"x", ((SCHEMA_HEADER, b"\x00\x00\x00\x00\x07"),), False) == Frame(Writer("id", 7), (), 0)
    assert parse_frame(b"\x01" + GUID_BYTES + b"x", (), False) == Frame(Writer("guid", GUID), (), 17)


def test_the_header_wins_over_what_looks_like_a_frame() -> None:
    headers = (("other", b"1"), (SCHEMA_HEADER, b"\x00\x00\x00\x00\x07"))
    assert parse_frame(bytes.fromhex("00 00000008"), headers, False).writer == Writer("id", 7)


def test_single_object_is_read_and_written_in_little_endian() -> None:
    prefix = frame_prefix("single-object", VERSION, 0x0102030405060708, ())
    assert prefix == bytes.fromhex("C301 0807060504030201")
    assert parse_frame(prefix + b"x", (), False) == Frame(Writer("crc", 0x0102030405060708), (), 10)
    assert str(Writer("crc", 0x0102030405060708)) == "schema fingerprint 0102030405060708"


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        ("", "the value is empty: it has no frame"),
        ("00", "the value ends inside its frame: 00 has 1 of 5 bytes"),
        ("00 00 00 01", "the value ends inside its frame: 00 00 00 01 has 4 of 5 bytes"),
        ("01 02", "the value ends inside its frame: 01 02 has 2 of 17 bytes"),
        ("02 00 00 00 01", "the value has no frame: it begins with 02, not with 00 (id), 01 (GUID) or C3 01"),
        ("7B 22", "the value has no frame: it begins with 7B, not with 00 (id), 01 (GUID) or C3 01"),
        ("C3", "the value ends inside its frame: C3 is not C3 01 and 8 bytes of fingerprint"),
        ("C3 01 00", "the value ends inside its frame: C3 01 00 is not C3 01 and 8 bytes of fingerprint"),
        ("C3 02 00", "the value has no frame: C3 02 00 is not C3 01 and 8 bytes of fingerprint"),
    ],
)
def test_what_is_no_frame_says_so(value: str, fact: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_frame(bytes.fromhex(value), (), False)
    assert caught.value.fact == fact


@pytest.mark.parametrize(
    ("indexes", "fact"),
    [
        ("", "the frame ends inside its message indexes: 00 00 00 00 01"),
        ("04 02", "the frame ends inside its message indexes: 00 00 00 00 01 04 02"),
        ("02 80", "the frame ends inside its message indexes: 00 00 00 00 01 02 80"),
        ("01", "the frame announces -1 message indexes"),
        ("FE FF 03", "the frame announces 32767 message indexes"),
        ("02 01", "the frame has the message index -1"),
        ("02 FF FF FF FF FF 01", "a message index in the frame has more than 32 bits"),
        ("02 FF FF FF FF 7F", "a message index in the frame has more than 32 bits"),
    ],
)
def test_message_indexes_that_are_none_say_so(indexes: str, fact: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_frame(bytes.fromhex(f"00 00000001 {indexes}"), (), True)
    assert caught.value.fact == fact


@pytest.mark.parametrize(
    ("headers", "fact"),
    [
        ([None], "the header __value_schema_id is empty"),
        ([b""], "the header __value_schema_id is empty: it has no frame"),
        ([b"\x00\x01"], "the header __value_schema_id ends inside its frame: 00 01 has 2 of 5 bytes"),
        (
            [b"\x00\x00\x00\x00\x01\x00"],
            "the header __value_schema_id goes on after its schema id: 00 00 00 00 01 00",
        ),
        (
            [b"\x00\x00\x00\x00\x01", b"\x00\x00\x00\x00\x02"],
            "the header __value_schema_id is there twice and differs: 00 00 00 00 01 and 00 00 00 00 02",
        ),
    ],
)
def test_headers_that_name_no_schema_say_so(headers: list[bytes | None], fact: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_frame(b"body", [(SCHEMA_HEADER, header) for header in headers], False)
    assert caught.value.fact == fact


def test_the_same_header_twice_is_one() -> None:
    headers = ((SCHEMA_HEADER, b"\x00\x00\x00\x00\x01"),) * 2
    assert parse_frame(b"body", headers, False).writer == Writer("id", 1)
