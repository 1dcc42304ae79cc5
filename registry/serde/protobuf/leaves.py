"""Values that are no messages: what Protobuf takes of Python, to the last bit, and what Python makes of its times.

The functions made by the encoder ask a value's class and leave ranges to the library; what is not of the usual class
comes here, and so does every value of an event that the library refused, to find the one that is wrong.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from operator import index
from types import MappingProxyType
from typing import Any, Final

from registry.serde.errors import EncodeError
from registry.serde.moment import EPOCH, FIRST, LAST, MICROSECONDS

FIRST_DAY: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH).days
LAST_DAY: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH).days
MAX_FLOAT: Final = 3.4028234663852886e38
"""The largest number of 32 bits."""
_MAX_DURATION: Final = 315_576_000_000
"""Seconds, in each direction (google/protobuf/duration.proto)."""
_LONGEST_KEY: Final = 60
_NANOS: Final = 1_000_000_000
_USUAL: Final[Mapping[str, type]] = MappingProxyType(
    dict.fromkeys(("int32", "int64", "uint32", "uint64"), int)
    | {"string": str, "bytes object": bytes, "bool": bool, "float": float, "double": float}
    | {"datetime": datetime, "timedelta": timedelta}
)
"""The class of what was expected, by its name in an error."""


def refuse(value: object, expected: str, class_: type | None = None) -> EncodeError:
    """The error for a value that is none of a type, whose values are of a class."""
    from registry.serde.advice import advise, describe_classes, describe_given

    if class_ is not None:
        return EncodeError(describe_classes(value, class_), help=advise(value, class_))
    usual = _USUAL.get(expected)
    return EncodeError(f"{describe_given(value, usual)} is no {expected}", help=advise(value, usual))


def show_key(key: object) -> str:
    """The step to a value of a map: ``{"EUR"}``, ``{7}``; never long, and on one line."""
    if not isinstance(key, str):
        return f"{{{key!r}}}"
    from json import dumps

    shown = dumps(key, ensure_ascii=False)
    return f"{{{shown if len(shown) <= _LONGEST_KEY else shown[: _LONGEST_KEY - 1] + '…'}}}"


def check_string(value: Any) -> str:
    """Text that UTF-8 can hold."""
    if not isinstance(value, str):
        raise refuse(value, "string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        from registry.described import describe_python

        raise EncodeError(f"{describe_python(value)} holds half a surrogate pair, at index {error.start}") from error
    return value


def check_bytes(value: Any) -> bytes:
    """Bytes, and nothing that only has them."""
    if not isinstance(value, bytes):
        raise refuse(value, "bytes object")
    return value


def check_bool(value: Any) -> bool:
    """True or false, and no number."""
    if not isinstance(value, bool):
        raise refuse(value, "bool")
    return value


def _integer(name: str, low: int, high: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise refuse(value, name)
        if not low <= value <= high:
            from registry.described import describe_python

            raise EncodeError(f"{describe_python(int(value))} is out of the range of {name}")
        return index(value)

    return check


def check_double(value: Any) -> float:
    """A float, or an integer that is one exactly."""
    if isinstance(value, float):
        return value
    return _exact(value, "double", float)


def check_float(value: Any) -> float:
    """A float that does not become infinite in 32 bits, or an integer that is one of them exactly."""
    if not isinstance(value, float):
        return _exact(value, "float", _narrow)
    if isfinite(value):
        try:
            _narrow(value)
        except OverflowError as error:
            raise EncodeError(f"{value!r} is out of the range of float, which has 32 bits") from error
    return value


def _narrow(value: float) -> float:
    narrow: float = struct.unpack("<f", struct.pack("<f", float(value)))[0]
    return narrow


def _exact(value: Any, name: str, convert: Callable[[Any], float]) -> float:
    if not isinstance(value, int) or isinstance(value, bool):
        raise refuse(value, name)
    try:
        converted = convert(value)
    except OverflowError:
        converted = float("inf")
    if converted != value:
        from registry.described import describe_python

        raise EncodeError(f"{describe_python(int(value))} is not exactly a {name}")
    return converted


CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "string": check_string,
        "bytes": check_bytes,
        "bool": check_bool,
        "int32": _integer("int32", -(2**31), 2**31 - 1),
        "int64": _integer("int64", -(2**63), 2**63 - 1),
        "uint32": _integer("uint32", 0, 2**32 - 1),
        "uint64": _integer("uint64", 0, 2**64 - 1),
        "float": check_float,
        "double": check_double,
    }
)
"""Of each scalar, the function that takes a value, perhaps as another of the same meaning, or raises."""
CLASSES: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("int32", "int64", "uint32", "uint64"), "int")
    | {"string": "str", "bytes": "bytes", "bool": "bool", "float": "float", "double": "float"}
)
"""Of each scalar, the class that its values usually have."""


def check_sequence(value: Any) -> Sequence[Any]:
    """The elements of a repeated field; text and bytes are none."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray | memoryview):
        raise refuse(value, "sequence")
    return tuple(value)


def check_mapping(value: Any) -> Mapping[Any, Any]:
    """The entries of a map."""
    if not isinstance(value, Mapping):
        raise refuse(value, "mapping")
    return dict(value)


def split_time(value: Any) -> tuple[int, int]:
    """Seconds and nanoseconds of a Timestamp."""
    if not isinstance(value, datetime):
        raise refuse(value, "datetime")
    if value.utcoffset() is None:
        raise EncodeError(f"{value} is a datetime without a time zone", "give it a zone, as datetime.now(UTC) has one")
    since = value - EPOCH
    if not FIRST_DAY <= since.days <= LAST_DAY:
        raise EncodeError(f"{value} is, in UTC, not within the years 0001 to 9999")
    return since.days * 86400 + since.seconds, since.microseconds * 1000


def split_duration(value: Any) -> tuple[int, int]:
    """Seconds and nanoseconds of a Duration, both of one sign."""
    if not isinstance(value, timedelta):
        raise refuse(value, "timedelta")
    microseconds = value // timedelta(0, 0, 1)
    seconds, rest = divmod(abs(microseconds), 1_000_000)
    if seconds > _MAX_DURATION:
        raise EncodeError(f"{value} is longer than 10,000 years, the most that a Duration holds")
    return (seconds, rest * 1000) if microseconds >= 0 else (-seconds, -rest * 1000)


def join_time(message: Any, seconds: int) -> datetime:
    """The time of a Timestamp, whose seconds were read already; what is below a microsecond is cut off.

    Raises :class:`ValueError` and :class:`OverflowError` for what is none.
    """
    nanos = message.nanos
    if not 0 <= nanos < _NANOS:
        raise ValueError(f"a Timestamp has {nanos} nanoseconds")
    return EPOCH + timedelta(0, seconds, nanos // 1000)


def join_microseconds(message: Any) -> int:
    """The same in microseconds since 1970."""
    nanos = message.nanos
    if not 0 <= nanos < _NANOS:
        raise ValueError(f"a Timestamp has {nanos} nanoseconds")
    since: int = message.seconds * MICROSECONDS + nanos // 1000
    if not FIRST <= since <= LAST:
        raise OverflowError(f"a Timestamp of {message.seconds} seconds")
    return since


def join_duration(message: Any) -> timedelta:
    """The length of a Duration; what is below a microsecond is cut off. Raises :class:`ValueError`."""
    seconds, nanos = message.seconds, message.nanos
    if abs(seconds) > _MAX_DURATION or abs(nanos) >= _NANOS or seconds * nanos < 0:
        raise ValueError(f"a Duration has {seconds} seconds and {nanos} nanoseconds")
    return timedelta(0, seconds, nanos // 1000 if nanos >= 0 else -(-nanos // 1000))


def read_text(value: Any) -> str:
    """Text of a field that the library does not verify: it hands out bytes where they are not UTF-8."""
    if not isinstance(value, str):
        raise ValueError("text that is not UTF-8")
    return value
