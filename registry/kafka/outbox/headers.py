"""A record's headers in one column, to the byte: names may repeat, a value may be absent, the order stays.

One byte for the layout, then for each header the length of its name, the name in UTF-8, and the length of its value
plus one (0: no value) before the value. Lengths are unsigned LEB128.
"""

from collections.abc import Sequence
from typing import Final

from registry.kafka.errors import MessagingError

Headers = Sequence[tuple[str, bytes | None]]

_LAYOUT: Final = 1


def render_headers(headers: Headers) -> bytes | None:
    """The column's bytes; ``None`` for no header at all. Raises :class:`MessagingError` for what is no header."""
    if not headers:
        return None
    parts = bytearray([_LAYOUT])
    for name, value in headers:
        if type(name) is not str or not (value is None or isinstance(value, bytes | bytearray | memoryview)):
            raise MessagingError(
                f"a header of a {type(name).__name__} and a {type(value).__name__}: {name!r}",
                help="a name is a text, and a value bytes or None",
            )
        spelled = name.encode()
        parts += _render_number(len(spelled))
        parts += spelled
        if value is None:
            parts.append(0)
        else:
            parts += _render_number(len(value) + 1)
            parts += value
    return bytes(parts)


def parse_headers(stored: bytes | None) -> tuple[tuple[str, bytes | None], ...]:
    """What :func:`render_headers` was given. Raises :class:`MessagingError` for bytes that it did not write."""
    if not stored:
        return ()
    if stored[0] != _LAYOUT:
        raise MessagingError(
            f"headers of an outbox in layout {stored[0]}, which is not known here",
            help="let the newest version of the library that writes this table run the relay",
        )
    found: list[tuple[str, bytes | None]] = []
    at = 1
    try:
        while at < len(stored):
            length, at = _parse_number(stored, at)
            name, at = _cut(stored, at, length)
            length, at = _parse_number(stored, at)
            value = None
            if length:
                value, at = _cut(stored, at, length - 1)
            found.append((name.decode(), value))
    except (IndexError, UnicodeDecodeError):
        raise MessagingError(f"headers of an outbox that end early or are damaged, near byte {at}") from None
    return tuple(found)


def find_headers(stored: bytes | None) -> tuple[tuple[tuple[str, bytes | None], ...], str]:
    """The headers, and nothing; or none, and what is wrong with the bytes."""
    try:
        return parse_headers(stored), ""
    except MessagingError as error:
        return (), error.message


def _cut(stored: bytes, at: int, length: int) -> tuple[bytes, int]:
    end = at + length
    if end > len(stored):
        raise IndexError
    return stored[at:end], end


def _render_number(number: int) -> bytes:
    if number < 0x80:
        return _SMALL[number]
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _parse_number(stored: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = stored[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


_SMALL: Final = tuple(bytes([number]) for number in range(0x80))
