"""The bytes of primitive types (Avro 1.12, "Binary Encoding", "Primitive Types"), written and read.

Every byte is checked: lengths against what is left, numbers against their bits, text against UTF-8.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Final, NoReturn

from registry.described import describe_python
from registry.formats.avro.words import describe_value

MAX_NESTING: Final = 256
"""Records, arrays and maps inside each other; each costs two frames of Python's stack, or four."""
MAX_FREE_VALUES: Final = 250_000
"""Values of one message that take no bytes (nulls, empty records, defaults): five bytes can ask for 2**32 of them."""


class CodecError(ValueError):
    """A value or its bytes are not what the schema says: ``unknown symbol 'ARCHIVED' at /status``."""

    def __init__(self, fact: str, steps: tuple[str, ...] = ()) -> None:
        self.fact = fact
        """What is wrong, without the place."""
        self.steps = steps
        """The place: ``("/tags", "[2]")``."""
        place = "".join(steps)
        super().__init__(f"{fact} at {place}" if place else fact)

    @property
    def path(self) -> str:
        """The place as a path of the schema: ``/author/name``, ``/tags[]``, ``/prices{}``; empty for the event."""
        return "".join(step if step[:1] in ("", "/") else step[0] + step[-1] for step in self.steps)


class EncodeError(CodecError):
    """The value is none of the schema's."""


class DecodeError(CodecError):
    """The bytes are none of the writer's, or the reader cannot read what they hold."""


class Input:
    """The bytes, how far they are read, and where in the schema that is."""

    __slots__ = ("_free", "at", "data", "path")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.path: list[str] = []
        self._free = 0

    def fail(self, fact: str) -> NoReturn:
        """Stops, with the place."""
        raise DecodeError(fact, tuple(self.path))

    def fail_with(self, error: ValueError) -> NoReturn:
        """A fact that somebody else saw, who does not know the place."""
        raise error if isinstance(error, DecodeError) else DecodeError(str(error), tuple(self.path)) from None

    def take(self, size: int, what: str) -> bytes:
        """The next bytes; ``what`` they are, for the message."""
        left = len(self.data) - self.at
        if size < 0:
            self.fail(f"the {what} has a length of {size}")
        if size > left:
            self.fail(f"the {what} ends after {left} of {size} bytes")
        self.at += size
        return self.data[self.at - size : self.at]

    def index(self, count: int, what: str) -> int:
        """A position among ``count`` branches or symbols."""
        index = read_number(self, 32, f"index of one of the {what}")
        if not 0 <= index < count:
            self.fail(f"index {index} is none of the {count} {what}")
        return index

    def enter(self, step: str) -> None:
        """One step further down, to a value."""
        self.path.append(step)
        if len(self.path) > MAX_NESTING:
            self.fail(f"nests deeper than {MAX_NESTING} levels")

    def leave(self, start: int) -> None:
        """Back from a value, whose bytes began at ``start``."""
        self.path.pop()
        self._free += start == self.at
        if self._free > MAX_FREE_VALUES:
            self.fail(f"more than {MAX_FREE_VALUES} values take no bytes")


# "Primitive Types": how each is written and read. Writers raise ValueError, whose place the caller knows.


def _write_null(value: object) -> bytes:
    return b"" if value is None else refuse(value, "null")


def _read_null(_source: Input) -> object:
    return None


def _write_boolean(value: object) -> bytes:
    return bytes([value]) if isinstance(value, bool) else refuse(value, "boolean")


def _read_boolean(source: Input) -> object:
    byte = source.take(1, "boolean")[0]
    if byte > 1:
        source.fail(f"the boolean is {byte}, neither 0 nor 1")
    return byte == 1


def _write_integer(bits: int, name: str) -> Callable[[object], bytes]:
    limit = 1 << (bits - 1)

    def write(value: object) -> bytes:
        if not isinstance(value, int) or isinstance(value, bool):
            return refuse(value, name)
        if not -limit <= value < limit:
            raise ValueError(f"{describe_python(value)} does not fit in {bits} bits")
        return write_number(value)

    return write


def write_number(value: int) -> bytes:
    """Zig-zag: 0, -1, 1, -2 are 0, 1, 2, 3; then seven bits a byte, the lowest first."""
    number = value << 1 if value >= 0 else (~value << 1) | 1
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*data, number))


def read_number(source: Input, bits: int, what: str) -> int:
    """A number that :func:`write_number` wrote; padding beyond the bits is refused as well."""
    number = shift = 0
    byte = 0x80
    while byte & 0x80:
        byte = source.take(1, what)[0]
        number |= (byte & 0x7F) << shift
        shift += 7
        if number >> bits or (byte & 0x80 and shift >= bits):
            source.fail(f"the {what} is longer than {bits} bits")
    return (number >> 1) ^ -(number & 1)


def read_blocks(source: Input, what: str) -> Iterator[None]:
    """ "Arrays", "Maps": counted blocks until one has no items; a negative count has the size in bytes after it."""
    while count := read_number(source, 64, f"count of the {what}"):
        size = read_number(source, 64, f"block size of the {what}") if count < 0 else None
        start = source.at
        for _ in range(abs(count)):
            yield
        if size is not None and size != source.at - start:
            source.fail(f"a block of the {what} has {source.at - start} bytes, and says {size}")


def _write_float(value: object) -> bytes:
    if not isinstance(value, float):
        return refuse(value, "float")
    try:
        return struct.pack("<f", value)
    except OverflowError:
        raise ValueError(f"{value} does not fit in a float of 32 bits") from None


def _read_float(source: Input) -> object:
    (value,) = struct.unpack("<f", source.take(4, "float"))
    return float(value)


def _write_double(value: object) -> bytes:
    return struct.pack("<d", value) if isinstance(value, float) else refuse(value, "double")


def _read_double(source: Input) -> object:
    (value,) = struct.unpack("<d", source.take(8, "double"))
    return float(value)


def _write_bytes(value: object) -> bytes:
    return write_number(len(value)) + value if isinstance(value, bytes) else refuse(value, "bytes")


def _read_bytes(source: Input) -> bytes:
    return source.take(read_number(source, 64, "length of the bytes"), "bytes")


def write_string(value: object) -> bytes:
    if not isinstance(value, str):
        return refuse(value, "string")
    try:
        return _write_bytes(value.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{describe_python(value)} has half a surrogate pair, which is no character") from None


def read_string(source: Input) -> str:
    data = source.take(read_number(source, 64, "length of the string"), "string")
    try:
        return data.decode()
    except UnicodeDecodeError:
        source.fail("the string is no UTF-8")


def refuse(value: object, name: str) -> NoReturn:
    """The value is of another type."""
    raise ValueError(f"{describe_python(value)} is no {name}")


WRITE_PRIMITIVE: Final[Mapping[str, Callable[[object], bytes]]] = {
    "null": _write_null,
    "boolean": _write_boolean,
    "int": _write_integer(32, "int"),
    "long": _write_integer(64, "long"),
    "float": _write_float,
    "double": _write_double,
    "bytes": _write_bytes,
    "string": write_string,
}

READ_PRIMITIVE: Final[Mapping[str, Callable[[Input], object]]] = {
    "null": _read_null,
    "boolean": _read_boolean,
    "int": lambda source: read_number(source, 32, "int"),
    "long": lambda source: read_number(source, 64, "long"),
    "float": _read_float,
    "double": _read_double,
    "bytes": _read_bytes,
    "string": read_string,
}


# What promotions and defaults make of a value


def round_to_float(value: object) -> object:
    """The nearest float of 32 bits, in one rounding as Java does it; to 64 bits first would be another number."""
    assert isinstance(value, int | float)
    if isinstance(value, int):
        excess = 1 << max(value.bit_length() - 24, 0)
        value = float(round(Fraction(value, excess)) * excess)
    return READ_PRIMITIVE["float"](Input(struct.pack("<f", value)))


def to_double(value: object) -> object:
    """The nearest float of 64 bits."""
    assert isinstance(value, int | float)
    return float(value)


def to_text(value: object) -> object:
    """The text that bytes are, in UTF-8."""
    assert isinstance(value, bytes)
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError("bytes are no UTF-8") from None


def show_key(key: object) -> str:
    """The step to a value of a map: ``{"EUR"}``."""
    return f"{{{describe_value(key)}}}"
