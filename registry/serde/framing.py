"""How a record says which schema its body was written with. Three kinds are read; one is written, by configuration.

==================== =========================================================================================
``confluent``        ``00``, the schema id as 4 bytes big-endian, for Protobuf the message indexes, the body
``confluent-header`` header ``__value_schema_id``: ``01`` and the GUID as 16 bytes (or ``00`` and the id), for
                     Protobuf the message indexes; the value is the body alone
``single-object``    ``C3 01``, CRC-64-AVRO of the writer's parsing canonical form, little-endian, the body (Avro)
==================== =========================================================================================

Message indexes lead from a .proto file to the message: their count, then each, as zigzag varints; the first message of
the file is ``00`` alone, though ``02 00`` is read too. Where there is a header it wins, and the value is all body.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

from registry.serde.bundle import BundledVersion
from registry.serde.errors import DecodeError

Framing = Literal["confluent", "confluent-header", "single-object"]
"""The kind that is written."""
FRAMINGS: Final[tuple[str, ...]] = get_args(Framing)

Headers = Sequence[tuple[str, bytes | None]]
"""Headers of a record, in order; Kafka allows one name twice, and a header without a value."""

SCHEMA_HEADER: Final = "__value_schema_id"

_ID: Final = b"\x00"
_GUID: Final = b"\x01"
_SINGLE: Final = b"\xc3\x01"
_MAX_INDEXES: Final = 64
"""Messages cannot nest deeper in what protoc compiles."""


class Writer(NamedTuple):
    """The schema that a record names: ``id`` and a number, ``guid`` and a text, or ``crc`` and a number."""

    kind: Literal["id", "guid", "crc"]
    value: int | str

    def __str__(self) -> str:
        return {"id": "schema id {}", "guid": "schema GUID {}", "crc": "schema fingerprint {:016x}"}[self.kind].format(
            self.value
        )


class Frame(NamedTuple):
    """What stands before a body."""

    writer: Writer
    indexes: tuple[int, ...]
    """Protobuf: the way from the file to the message; ``()`` where the frame says none."""
    start: int
    """Where the body begins in the value."""


def pairs_of(headers: object) -> Headers:
    """Headers as pairs: a mapping has pairs too, and clients give ``None`` for none.

    Raises :class:`DecodeError` for what has none.
    """
    if headers is None:
        return ()
    try:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        made = tuple((name, held) for name, held in pairs)  # type: ignore[attr-defined]  # what has none is told
        dict(made)
    except (TypeError, ValueError):
        raise DecodeError("the headers are no pairs of a name and bytes", help="as (('ce_id', b'…'),)") from None
    return made


def frame_prefix(framing: str, version: BundledVersion, crc: int, indexes: tuple[int, ...]) -> bytes:
    """What stands in the value before a body. ``indexes`` is ``()`` for a language that has none."""
    if framing == "confluent":
        return _ID + version.schema_id.to_bytes(4, "big") + _write_indexes(indexes)
    return _SINGLE + crc.to_bytes(8, "little") if framing == "single-object" else b""


def frame_headers(framing: str, version: BundledVersion, indexes: tuple[int, ...]) -> tuple[tuple[str, bytes], ...]:
    """The headers that frame a body; none but for ``confluent-header``."""
    if framing != "confluent-header":
        return ()
    guid = bytes.fromhex(version.guid.replace("-", ""))
    return ((SCHEMA_HEADER, _GUID + guid + _write_indexes(indexes)),)


def parse_frame(value: bytes, headers: Headers, indexed: bool) -> Frame:
    """The frame of a record; ``indexed`` where its language has message indexes.

    Raises :class:`DecodeError` for a frame that is cut off, that is none, or that is given twice and differently.
    """
    if (header := _schema_header(headers)) is not None:
        writer, end = _parse_schema_id(header, f"the header {SCHEMA_HEADER}")
        indexes, end = _parse_indexes(header, end) if indexed else ((), end)
        if end < len(header):
            raise DecodeError(f"the header {SCHEMA_HEADER} goes on after its schema id: {_hex(header)}")
        return Frame(writer, indexes, 0)
    if value[:1] == _SINGLE[:1] and not indexed:
        return _parse_single_object(value)
    writer, end = _parse_schema_id(value, "the value")
    indexes, end = _parse_indexes(value, end) if indexed else ((), end)
    return Frame(writer, indexes, end)


def _schema_header(headers: Headers) -> bytes | None:
    found: bytes | None = None
    for name, value in headers:
        if name == SCHEMA_HEADER:
            if value is None:
                raise DecodeError(f"the header {SCHEMA_HEADER} is empty")
            if not isinstance(value, bytes):
                raise DecodeError(f"the header {SCHEMA_HEADER} is a {type(value).__name__}, and no bytes")
            if found is not None and found != value:
                raise DecodeError(
                    f"the header {SCHEMA_HEADER} is there twice and differs: {_hex(found)} and {_hex(value)}",
                    help="let one program write it; a relay that frames again removes the older one",
                )
            found = value
    return found


def _parse_schema_id(held: bytes, where: str) -> tuple[Writer, int]:
    """The schema that a frame names, and where what follows begins."""
    magic = held[:1]
    if not held:
        raise DecodeError(f"{where} is empty: it has no frame")
    if magic == _ID:
        if len(held) < 5:
            raise DecodeError(f"{where} ends inside its frame: {_hex(held)} has {len(held)} of 5 bytes")
        return Writer("id", int.from_bytes(held[1:5], "big")), 5
    if magic == _GUID:
        if len(held) < 17:
            raise DecodeError(f"{where} ends inside its frame: {_hex(held)} has {len(held)} of 17 bytes")
        text = held[1:17].hex()
        return Writer("guid", f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"), 17
    raise DecodeError(
        f"{where} has no frame: it begins with {_hex(held[:1])}, not with 00 (id), 01 (GUID) or C3 01",
        help="was it written by a serializer that frames, and is it the value rather than the key?",
    )


def _parse_single_object(value: bytes) -> Frame:
    if len(value) < 10 or not value.startswith(_SINGLE):
        fact = "ends inside its frame" if _SINGLE.startswith(value[:2]) else "has no frame"
        raise DecodeError(f"the value {fact}: {_hex(value[:10])} is not C3 01 and 8 bytes of fingerprint")
    return Frame(Writer("crc", int.from_bytes(value[2:10], "little")), (), 10)


def _write_indexes(indexes: tuple[int, ...]) -> bytes:
    if not indexes or indexes == (0,):
        return b"\x00" if indexes else b""
    return b"".join(_write_varint(number << 1) for number in (len(indexes), *indexes))


def _write_varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


def _parse_indexes(held: bytes, at: int) -> tuple[tuple[int, ...], int]:
    count, at = _parse_varint(held, at)
    if count == 0:
        return (0,), at
    if not 0 < count <= _MAX_INDEXES:
        raise DecodeError(f"the frame announces {count} message indexes")
    indexes = []
    for _ in range(count):
        index, at = _parse_varint(held, at)
        if index < 0:
            raise DecodeError(f"the frame has the message index {index}")
        indexes.append(index)
    return tuple(indexes), at


def _parse_varint(held: bytes, at: int) -> tuple[int, int]:
    """A zigzag number of at most 32 bits, and where the next begins."""
    number = 0
    for shift in range(0, 35, 7):
        if at >= len(held):
            raise DecodeError(f"the frame ends inside its message indexes: {_hex(held)}")
        number |= (held[at] & 127) << shift
        at += 1
        if held[at - 1] < 128:
            if number >> 32:
                break
            return (number >> 1) ^ -(number & 1), at
    raise DecodeError("a message index in the frame has more than 32 bits")


def _hex(held: bytes) -> str:
    shown = held[:20].hex(" ").upper()
    return f"{shown} …" if len(held) > 20 else shown or "nothing"
