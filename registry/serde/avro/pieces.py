"""What the generated readers call: the rare cases of numbers, lengths and blocks, and the tables of the usual ones.

All take the bytes and an index, and return the index behind. An index beyond the bytes is an ``IndexError``; a slice
that ends beyond them is short, and the reader sees that at the end, where the index is not that of the last byte.
"""

import struct
from binascii import unhexlify
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from itertools import repeat
from typing import Final
from uuid import UUID, SafeUUID

from registry.formats.avro.duration import Duration
from registry.serde.avro.making import round_to_float
from registry.serde.avro.uuid_text import FORM, HEX


class GaveUp(Exception):
    """The bytes are wrong, or too rare for the fast reader."""


FAILED: Final = (GaveUp, LookupError, ValueError, ArithmeticError, struct.error, RecursionError)
"""What the fast reader stops with."""

STEP: Final = tuple((byte >> 1) + 1 if byte < 128 and not byte & 1 else 0 for byte in range(256))
"""By the first byte of a length: how far it is to the end of what has that length. 0 where that byte is not enough."""
INTEGER: Final = tuple((byte >> 1) ^ -(byte & 1) for byte in range(128))
"""The number that one byte is."""

_PAIRS: Final = range(1 << 14)
"""What two bytes hold: seven bits each."""


def _find_two() -> list[list[int]]:
    numbers = [(bits >> 1) ^ -(bits & 1) for bits in _PAIRS]
    unused = [0] * 128  # a first byte that is the last one
    return [unused + numbers[start : start + 128] for start in _PAIRS[::128]]


def _find_parts(values: list[int]) -> list[int]:
    """What 14 bits are worth, by the two bytes that hold them, read as one little-endian number of 16 bits.

    Where the first byte is the last of a number, the second does not count; nor does the highest bit of the second.
    """
    parts: list[int] = []
    for start in _PAIRS[::128]:
        parts += values[:128]
        parts += values[start : start + 128]
    return parts + parts


EPOCH: Final = datetime(1970, 1, 1)
EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Inexact])


def number(data: bytes, at: int, first: int, bits: int = 64) -> tuple[int, int]:
    """A number of several bytes, as it was written (twice the value, or more), whose first byte was read."""
    value = first & 127
    shift = 7
    byte = 128
    while byte & 128:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if value >> bits or (byte & 128 and shift >= bits):
            raise GaveUp
    return value, at


def integer(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """An int of three bytes or more, of which two were read."""
    c = data[at]
    if c < 128:
        a += b * 128 + c * 16384 - 16512
        at += 1
    else:
        a, at = number(data, at - 1, a, 32)
    return (~(a >> 1) if a & 1 else a >> 1), at


def long(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """A long of three bytes or more, of which two were read: near the end, where no eight bytes are left.

    Without a loop: a timestamp has six bytes, or eight, and this is half the time. First 28 bits, then the next 28, so
    that most sums are of small numbers.
    """
    c = data[at]
    if c < 128:
        a += b * 128 + c * 16384 - 16512
        return (~(a >> 1) if a & 1 else a >> 1), at + 1
    d = data[at + 1]
    if d < 128:
        a += b * 128 + c * 16384 + d * 2097152 - 2113664
        return (~(a >> 1) if a & 1 else a >> 1), at + 2
    odd = a & 1
    low = a + b * 128 + c * 16384 + d * 2097152 - 270549120 >> 1
    b = data[at + 2]
    if b < 128:
        low += b * 134217728
        return (~low if odd else low), at + 3
    c = data[at + 3]
    if c < 128:
        low += (b + c * 128 - 128) * 134217728
        return (~low if odd else low), at + 4
    d = data[at + 4]
    if d < 128:
        low += (b + c * 128 + d * 16384 - 16512) * 134217728
        return (~low if odd else low), at + 5
    e = data[at + 5]
    if e < 128:
        low += (b + c * 128 + d * 16384 + e * 2097152 - 2113664) * 134217728
        return (~low if odd else low), at + 6
    a, at = number(data, at - 1, a)
    return (~(a >> 1) if a & 1 else a >> 1), at


def huge(data: bytes, at: int) -> tuple[int, int]:
    """Half of a long of nine bytes or ten, as it was written, of which none was read."""
    value, at = number(data, at + 1, data[at])
    return value >> 1, at


def pass_over(data: bytes, at: int, bits: int) -> int:
    """How many bytes a number has that has five or more, and is dropped."""
    short = 4 if bits == 32 else 9  # what has no more bytes has no bit too many
    count = 4
    while count < short:
        count += 1
        if data[at + count - 1] < 128:
            return count
    return number(data, at + 1, data[at], bits)[1] - at


def text(data: bytes, at: int) -> tuple[str, int]:
    """A string of 64 bytes or more."""
    at, end = size(data, at)
    return data[at:end].decode(), end


def octets(data: bytes, at: int) -> tuple[bytes, int]:
    """Bytes, 64 or more."""
    at, end = size(data, at)
    return data[at:end], end


def size(data: bytes, at: int) -> tuple[int, int]:
    """Where something begins and ends whose length comes first."""
    first = data[at]
    second = data[at + 1] if first > 127 else 0
    if second > 127:
        first, at = number(data, at + 1, first)
    elif first > 127:
        first += second * 128 - 128
        at += 2
    else:
        at += 1
    if first & 1:
        raise GaveUp
    return at, at + (first >> 1)


def block(data: bytes, at: int, first: int, least: int) -> tuple[int, int, int]:
    """Twice the count of a block, and where it ends if it says so, else 0. An item takes ``least`` bytes or more."""
    if first > 127:
        first, at = number(data, at, first)
    end = 0
    if first & 1:
        first += 1
        length = data[at]
        at += 1
        if length > 127:
            length, at = number(data, at, length)
        if length & 1:
            raise GaveUp
        end = at + (length >> 1)
    if first * least > (len(data) - at) * 2:
        raise GaveUp
    return first, at, end


NAMES: Final[Mapping[str, object]] = {
    "BOOLEAN": (False, True),
    "DAY": EPOCH.toordinal(),
    "DAY_OF_MICROSECONDS": 86_400_000_000,
    "DAY_OF_MILLISECONDS": 86_400_000,
    "Duration": Duration,
    "EPOCH": EPOCH,
    "FAILED": FAILED,
    "FORM": FORM,
    "HEX": HEX,
    "INTEGER": INTEGER,
    "MICROSECOND": timedelta(microseconds=1),
    "MILLISECOND": timedelta(milliseconds=1),
    # Half of a long as it was written, in four parts: the bit that is left is the sign.
    "P0": _find_parts([bits >> 1 for bits in _PAIRS]),
    "P1": _find_parts([*range(0, 1 << 27, 1 << 13)]),
    "P2": _find_parts([*range(0, 1 << 41, 1 << 27)]),
    "P3": _find_parts([*range(0, 1 << 55, 1 << 41)]),
    "Decimal": Decimal,
    "GaveUp": GaveUp,
    "STEP": STEP,
    "TWO": _find_two(),
    "UNKNOWN": SafeUUID.unknown,
    "UTC_EPOCH": EPOCH.replace(tzinfo=UTC),
    "UUID": UUID,
    "block": block,
    "date_of": date.fromordinal,
    "huge": huge,
    "integer": integer,
    "long": long,
    "multiply": EXACT.multiply,
    "new": object.__new__,
    "number": number,
    "octets": octets,
    "pairs": struct.Struct("<HHHH").unpack_from,
    "pass_over": pass_over,
    "repeat": repeat,
    "round_to_float": round_to_float,
    "set_int": UUID.__dict__["int"].__set__,
    "set_safe": UUID.__dict__["is_safe"].__set__,
    "size": size,
    "text": text,
    "three_numbers": struct.Struct("<III").unpack,
    "to_int": int.from_bytes,
    "unhex": unhexlify,
    "unpack": struct.unpack_from,
    "unpack_d": struct.Struct("<d").unpack_from,
    "unpack_f": struct.Struct("<f").unpack_from,
}
"""The names of generated source, beside the constants of one schema."""
