"""CRC-64-AVRO, the fingerprint of the parsing canonical form (Avro 1.12, "Schema Fingerprints")."""

from functools import cache
from typing import Final

_EMPTY: Final = 0xC15D213AA4D7A795


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (_EMPTY if byte & 1 else 0)
    return byte


@cache
def _table() -> tuple[int, ...]:
    return tuple(_remainder(byte) for byte in range(256))


def crc64(text: str) -> int:
    """The fingerprint of a text as UTF-8, an unsigned number of 64 bits (Java prints the same bits signed)."""
    crc, table = _EMPTY, _table()
    for byte in text.encode():
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc
