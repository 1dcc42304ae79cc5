"""Values of types without parts: the ordinary ones first, then the edges of what the bytes can hold."""

from collections.abc import Callable, Mapping, Sequence
from math import inf, nan
from random import Random
from typing import Final
from uuid import UUID

from registry.formats.avro.reference import read_logical, round_to_float
from registry.schema import Enum, Fixed, Logical, Primitive

MAX_DIGITS: Final = 300
"""Digits of a decimal; a schema may allow as many as it likes."""

_DAY: Final = 86_400
_YEAR_1: Final = -62_135_596_800
_YEAR_10000: Final = 253_402_300_800
_LEAP_DAY: Final = 951_782_400  # 2000-02-29

_EDGES: Final[Mapping[str, tuple[object, ...]]] = {
    "null": (None,),
    "boolean": (True, False),
    "int": (1, 0, -1, 2**24 + 1, 2**31 - 1, -(2**31)),
    "long": (1, 0, -1, 2**24 + 1, 2**53 + 1, -(2**53) - 1, 2**31, 2**63 - 1, -(2**63)),
    "float": (1.5, 0.0, -0.0, 2.0**24, 3.4028234663852886e38, -3.4028234663852886e38, 2.0**-149, inf, -inf, nan),
    "double": (1.5, 0.0, -0.0, 2.0**53, 0.1, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324, inf, -inf, nan),
    "bytes": (b"a", b"", b"\0", "ü".encode(), b"\xff", bytes(range(256))),
    "string": ("a", "", "ü", "日本語", "😀", "\0\n\"'\\", "\ufeff\U0010ffff", "x" * 200),
}

_UUIDS: Final = (
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
    "ffffffff" + "-ffff" * 3 + "-" + "f" * 12,
)


def _count_moments(ordinary: int, first: int, end: int, bits: int) -> tuple[object, ...]:
    """Moments around the epoch, at both ends of what Python knows, and at both ends of what the bits hold."""
    limit = 1 << (bits - 1)
    moments = (ordinary, 0, -1, first, end - 1, first - 1, end, limit - 1, -limit)
    return tuple(moment for moment in moments if -limit <= moment < limit)


def _timestamps(unit: int) -> tuple[object, ...]:
    return _count_moments(_LEAP_DAY * unit + 1, _YEAR_1 * unit, _YEAR_10000 * unit, 64)


_LOGICAL_EDGES: Final[Mapping[str, tuple[object, ...]]] = {
    "uuid": _UUIDS,
    "date": (
        _LEAP_DAY // _DAY,
        0,
        -1,
        _YEAR_1 // _DAY,
        _YEAR_10000 // _DAY - 1,
        _YEAR_10000 // _DAY,
        2**31 - 1,
        -(2**31),
    ),
    "time-millis": (45_296_789, 0, 1, _DAY * 10**3 - 1),
    "time-micros": (45_296_789_012, 0, 1, _DAY * 10**6 - 1),
    "timestamp-millis": _timestamps(10**3),
    "timestamp-micros": _timestamps(10**6),
    "timestamp-nanos": _timestamps(10**9),
    "local-timestamp-millis": _timestamps(10**3),
    "local-timestamp-micros": _timestamps(10**6),
    "local-timestamp-nanos": _timestamps(10**9),
}


def find_edges(type_: Primitive | Enum | Fixed) -> tuple[object, ...]:
    """Values that every implementation should survive, the most ordinary one first; each symbol of an enum."""
    if isinstance(type_, Enum):
        return tuple(symbol.name for symbol in type_.symbols)
    size = type_.size if isinstance(type_, Fixed) else None
    logical = type_.logical
    if logical is not None and logical.name == "decimal":
        base = _decimals(logical, size)
    elif logical is not None and logical.name in _LOGICAL_EDGES:
        base = _LOGICAL_EDGES[logical.name]
        if size is not None:
            base = tuple(bytes.fromhex(str(uuid).replace("-", "")) for uuid in base)
    elif size is not None:
        pattern = bytes(range(1, 256)) * (size // 255 + 1)
        base = tuple(dict.fromkeys((pattern[:size], bytes(size), b"\xff" * size)))
    else:
        assert isinstance(type_, Primitive)
        base = _EDGES[type_.name]
    return tuple(read_logical(logical, value) for value in base)


def _decimals(logical: Logical, size: int | None) -> tuple[object, ...]:
    digits = min(logical.precision, MAX_DIGITS)
    longest = int("1234567890" * (digits // 10 + 1)) % 10**digits
    numbers = dict.fromkeys((longest, 0, 1, -1, 10**digits - 1, 1 - 10**digits))
    return tuple(number.to_bytes(size or (number.bit_length() + 8) // 8, "big", signed=True) for number in numbers)


SMALLEST: Final[Mapping[str, tuple[object, ...]]] = {
    "null": (None,),
    "boolean": (False,),
    "int": (0,),
    "long": (0,),
    "float": (0.0,),
    "double": (0.0,),
    "bytes": (b"", b"\0"),
    "string": ("", _UUIDS[1]),
}
"""Values of each primitive to try, the smallest first: what is to be a UUID or a decimal is never empty."""

_OTHERS: Final[Mapping[str, object]] = {
    "null": None,
    "boolean": True,
    "int": 1,
    "long": 1,
    "float": 1.0,
    "double": 1.0,
    "bytes": b"\1",
    "string": "a",
}


def other_leaf(type_: Primitive | Enum | Fixed) -> object:
    """The next larger value than the smallest; ``None`` where a type has but one value."""
    if isinstance(type_, Enum):
        return type_.symbols[1].name if len(type_.symbols) > 1 else None
    if isinstance(type_, Fixed):
        return bytes(type_.size - 1) + b"\1" if type_.size else None
    return str(UUID(int=1)) if type_.logical and type_.logical.name == "uuid" else _OTHERS[type_.name]


def random_leaf(type_: Primitive | Enum | Fixed, edges: Sequence[object], random: Random) -> object:
    """Any value; one of the edges every other time, and always where a logical type has a form to keep."""
    kind = type_.name if isinstance(type_, Primitive) and type_.logical is None else ""
    if kind not in _RANDOM or random.random() < 0.5:
        return random.choice(edges)
    return _RANDOM[kind](random)


_RANDOM: Final[Mapping[str, Callable[[Random], object]]] = {
    "int": lambda random: random.getrandbits(random.randint(0, 31)) * random.choice((1, -1)),
    "long": lambda random: random.getrandbits(random.randint(0, 63)) * random.choice((1, -1)),
    "float": lambda random: round_to_float(random.gauss(0, 1) * 10.0 ** random.randint(-30, 30)),
    "double": lambda random: random.gauss(0, 1) * 10.0 ** random.randint(-300, 300),
    "bytes": lambda random: random.randbytes(random.randint(0, 20)),
    "string": lambda random: "".join(random.choices("abz 09_äßéЖ中한😀\u200d", k=random.randint(0, 20))),
}
