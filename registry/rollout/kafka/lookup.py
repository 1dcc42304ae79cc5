"""Which version of a contract a record is, from the schema that its frame names. Nothing is decoded."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from registry.rollout.broker import Wanted
from registry.serde.framing import SCHEMA_HEADER

SIBLING: Final = -1
"""A record of another event of the same topic."""
UNKNOWN: Final = 0
"""A record that names a schema nobody knows, or none."""

PREFIX: Final = 5
"""Bytes of a value that tell: ``00`` and a schema id."""

_LARGE: Final = 1 << 24
"""Ids from here on are not met by chance at the beginning of a body, as small numbers are."""

_MEMORY: Final = 1000
"""Frames of headers whose meaning is remembered."""

Headers = Sequence[tuple[str, bytes | None]] | None


class Lookup:
    """What :class:`Wanted` says, prepared for many records."""

    def __init__(self, wanted: Wanted) -> None:
        numbers = {**dict.fromkeys(wanted.siblings, SIBLING), **wanted.numbers}
        self._ids = {name: number for name, number in numbers.items() if isinstance(name, int)}
        self._names = {name: number for name, number in numbers.items() if isinstance(name, str)}
        self._frames: dict[bytes, int] = {}
        self.quick: Mapping[bytes, int] = {
            b"\x00" + name.to_bytes(4, "big"): number for name, number in self._ids.items() if name >= _LARGE
        }
        """The first bytes of a value that tell its version, whatever its headers are.

        Where a header names the schema it wins, and the value is a body: one that begins with ``00`` and these four
        bytes by chance is not met. Small ids, which somebody's registry counted, are looked up by :meth:`find`.
        """

    def find(self, value: bytes, read_headers: Callable[[], Headers]) -> int:
        """The version of a record, :data:`SIBLING` or :data:`UNKNOWN`."""
        try:
            headers = read_headers() or ()
        except (SystemError, UnicodeDecodeError):  # a name that is not UTF-8; no schema's header is among such
            headers = ()
        frame = None
        for name, held in headers:  # without hashing names that are new strings each time
            if name == SCHEMA_HEADER:
                if frame is not None and held != frame:
                    return UNKNOWN  # nobody can read it
                frame = held or b""
        if frame is None:
            return self._find_value(value)
        number = self._frames.get(frame)
        if number is None:
            number = self._find(frame)
            if len(self._frames) < _MEMORY:
                self._frames[frame] = number
        return number

    def _find_value(self, value: bytes) -> int:
        if value[:2] == b"\xc3\x01" and len(value) >= 10:
            return self._names.get(f"{int.from_bytes(value[2:10], 'little'):016x}", UNKNOWN)
        return self._find(value)

    def _find(self, frame: bytes) -> int:
        """By what both a header and a value may begin with."""
        if frame[:1] == b"\x00" and len(frame) >= PREFIX:
            return self._ids.get(int.from_bytes(frame[1:PREFIX], "big"), UNKNOWN)
        if frame[:1] == b"\x01" and len(frame) >= 17:
            text = frame[1:17].hex()
            guid = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
            return self._names.get(guid, UNKNOWN)
        return UNKNOWN
