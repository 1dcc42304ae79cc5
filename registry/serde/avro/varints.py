"""Numbers as Avro writes them (Avro 1.12, "Binary Encoding"): zig-zag, then seven bits a byte, the lowest first.

Two bytes at a time, from tables: 16,384 pairs that something follows, and as many that end a number.
"""

from functools import cache
from typing import Any, Final

_ENDS: Final = [bytes((number,)) for number in range(128)]
_LINKS: Final = [bytes((number | 128,)) for number in range(128)]
LINKED: Final = [low + high for high in _LINKS for low in _LINKS]
"""Fourteen bits that more bits follow."""
ENDING: Final = _ENDS + [low + high for high in _ENDS[1:] for low in _LINKS]
"""The last fourteen bits, or fewer."""
SIZES: Final = ENDING[::2]
"""Lengths, counts and numbers from 0 on, up to :data:`SMALL`."""
SMALL: Final = len(SIZES)


class AnySize(dict[int, bytes]):
    """What stands in for :data:`SIZES` in a schema that has seen a length beyond it: half as quick, and endless."""

    __slots__ = ()

    def __missing__(self, size: int) -> bytes:
        return write_long(size)


class Refused(Exception):
    """The quick way does not take this value; what is wrong with it, if anything, is for :mod:`.explain_value`."""


def write_long(value: Any) -> bytes:
    """A number of 64 bits. Raises :class:`Refused`."""
    if value.__class__ is not int:
        value = _to_int(value)
    number: int = value + value if value >= 0 else ~(value + value)
    if number < 1 << 28:
        return LINKED[number & 16383] + ENDING[number >> 14] if number > 16383 else ENDING[number]
    if number < 1 << 42:
        return LINKED[number & 16383] + LINKED[number >> 14 & 16383] + ENDING[number >> 28]
    if number < 1 << 56:
        low = LINKED[number & 16383] + LINKED[number >> 14 & 16383]
        return low + LINKED[number >> 28 & 16383] + ENDING[number >> 42]
    if number >> 64:
        raise Refused
    low = LINKED[number & 16383] + LINKED[number >> 14 & 16383]
    return low + LINKED[number >> 28 & 16383] + LINKED[number >> 42 & 16383] + ENDING[number >> 56]


def write_int(value: Any) -> bytes:
    """A number of 32 bits. Raises :class:`Refused`."""
    if value.__class__ is not int:
        value = _to_int(value)
    number: int = value + value if value >= 0 else ~(value + value)
    if number < 1 << 28:
        return LINKED[number & 16383] + ENDING[number >> 14] if number > 16383 else ENDING[number]
    if number >> 32:
        raise Refused
    return LINKED[number & 16383] + LINKED[number >> 14 & 16383] + ENDING[number >> 28]


def _to_int(value: object) -> int:
    """The number that one of a subclass is, an ``IntEnum`` say; a ``bool`` is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused
    return int.__index__(value)


@cache
def any_size() -> AnySize:
    """The one table of that kind."""
    return AnySize(enumerate(SIZES))
