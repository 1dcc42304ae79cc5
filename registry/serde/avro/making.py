"""What a logical type or a promotion makes of one value, off the fast path: in defaults, and by the careful reader."""

import struct
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from registry.schema import Logical

_FLOAT: Final = struct.Struct("<f")
MAX_DECIMAL_BYTES: Final = 1024
"""Bytes of a decimal that are not too many, whatever its precision is."""
_EXACT_BITS: Final = 24
"""Bits of a number that a float of 32 bits holds."""


def make_logical(logical: Logical, value: object, *, is_id: bool, exact: bool) -> object:
    """The value that a base value means; an id stays text.

    A value beyond what Python's types hold stays what it is, or is an error where ``exact``. Raises ``ValueError``.
    """
    from registry.described import describe_python
    from registry.formats.avro.reference.logical_values import read_logical

    if isinstance(value, bytes) and logical.name == "decimal" and len(value) > (most := most_bytes(logical)):
        raise ValueError(f"a number of {len(value)} bytes is no {logical}, which has {most} at most")
    made = read_logical(logical, value)
    if exact and made is value:
        raise ValueError(f"{describe_python(value)} is beyond the {logical} values of Python")
    if is_id and isinstance(made, UUID):
        return value if isinstance(value, str) else str(made)
    return made


def most_bytes(logical: Logical) -> int:
    """The most bytes of a decimal: what its digits need, and a thousand are always allowed.

    To make a ``Decimal`` of a megabyte takes more than a minute: the time grows with the square.
    """
    return max(MAX_DECIMAL_BYTES, logical.precision * 5 // 12 + 2)


def round_to_float(value: object) -> object:
    """The nearest float of 32 bits, in one rounding: to 64 bits first would be another number."""
    assert isinstance(value, int | float)
    if isinstance(value, int):
        excess = 1 << max(value.bit_length() - _EXACT_BITS, 0)
        whole, rest = divmod(value, excess)
        up = rest * 2 > excess or (rest * 2 == excess and whole & 1)
        value = float((whole + up) * excess)
    rounded: float = _FLOAT.unpack(_FLOAT.pack(value))[0]
    return rounded


def _to_double(value: object) -> object:
    assert isinstance(value, int | float)
    return float(value)


def _to_bytes(value: object) -> object:
    assert isinstance(value, str)
    return value.encode()


def _to_text(value: object) -> object:
    assert isinstance(value, bytes)
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError("bytes are no UTF-8") from None


def _same(value: object) -> object:
    return value


PROMOTE: Final[Mapping[str, Callable[[object], object]]] = {
    "long": _same,
    "float": round_to_float,
    "double": _to_double,
    "bytes": _to_bytes,
    "string": _to_text,
}
"""What a promotion makes of a value, by the type that is read."""
