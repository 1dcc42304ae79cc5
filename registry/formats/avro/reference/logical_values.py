"""Logical types as Python values (Avro 1.12, "Logical Types").

A value beyond what Python's types hold stays what its base type is: a date after the year 9999 is an ``int``.
Nanoseconds are always ``int``: ``datetime`` counts microseconds.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from typing import Final
from uuid import UUID

from registry.described import describe_python
from registry.formats.avro.duration import Duration
from registry.schema import Logical

EPOCH: Final = datetime(1970, 1, 1)
"""What timestamps and dates are counted from."""

_UTC_EPOCH: Final = EPOCH.replace(tzinfo=UTC)
_EPOCH_DAY: Final = EPOCH.toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1) // _MICROSECOND
_MILLIS: Final = 1000
_MICROS: Final = 1
# A Decimal is exact only as far as its context lets it be.
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Inexact])

is_uuid: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
"""The form of RFC 4122, the only one that Avro knows."""


def read_logical(logical: Logical | None, value: object) -> object:
    """The value that a base value means. Raises ``ValueError`` if it means none."""
    return value if logical is None else _READ[logical.name](logical, value)


def write_logical(logical: Logical | None, value: object, size: int | None = None) -> object:
    """The base value that means a value; one that is a base value already stays. ``size`` is that of a fixed.

    Raises ``ValueError`` for what the logical type cannot hold.
    """
    return value if logical is None else _WRITE[logical.name](logical, value, size)


# Decimal: the unscaled number, two's complement, big-endian


def _read_decimal(logical: Logical, value: object) -> object:
    assert isinstance(value, bytes)
    if not value:
        raise ValueError("a decimal of no bytes is no number")
    try:
        return Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-logical.scale, _EXACT)
    except ArithmeticError:  # a scale of more than 10**18
        return value


def _write_decimal(logical: Logical, value: object, size: int | None) -> object:
    if isinstance(value, bytes):
        if not value:
            raise ValueError("a decimal of no bytes is no number")
        return value
    if not isinstance(value, Decimal):
        raise ValueError(f"{describe_python(value)} is no {logical}")
    if not value.is_finite():
        raise ValueError(f"{value} is no finite number, as {logical} needs")
    if not value:
        unscaled = 0
    else:
        sign, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)
        trailing = next(i for i, digit in enumerate(reversed(digits)) if digit)
        significant = len(digits) - trailing
        shift = exponent + trailing + logical.scale
        if shift < 0:
            raise ValueError(f"{describe_python(value)} has more than the {logical.scale} decimal places of {logical}")
        if significant + shift > logical.precision:
            raise ValueError(f"{describe_python(value)} has more than the {logical.precision} digits of {logical}")
        # Not by way of text, which Python limits to some thousand digits.
        bare = Decimal((sign, digits[:significant], 0))
        unscaled = int(bare) * 10**shift
    if size is None:
        size = ((unscaled if unscaled >= 0 else ~unscaled).bit_length() + 8) // 8
    return unscaled.to_bytes(size, "big", signed=True)


# UUID: its text, or its sixteen bytes


def _read_uuid(_logical: Logical, value: object) -> object:
    if isinstance(value, bytes):
        return UUID(bytes=value)
    assert isinstance(value, str)
    if not is_uuid(value):
        raise ValueError(f"{describe_python(value)} is no UUID")
    return UUID(value)


def _write_uuid(_logical: Logical, value: object, size: int | None) -> object:
    if isinstance(value, UUID):
        return str(value) if size is None else value.bytes
    if isinstance(value, str) and not is_uuid(value):
        raise ValueError(f"{describe_python(value)} is no UUID")
    return value


# Date: days since the epoch


def _read_date(_logical: Logical, value: object) -> object:
    assert isinstance(value, int)
    try:
        return date.fromordinal(_EPOCH_DAY + value)
    except (ValueError, OverflowError):
        return value


def _write_date(_logical: Logical, value: object, _size: int | None) -> object:
    return value.toordinal() - _EPOCH_DAY if isinstance(value, date) and not isinstance(value, datetime) else value


# Time: since midnight, of any day and in any zone


def _time_reader(unit: int) -> Callable[[Logical, object], object]:
    def read(_logical: Logical, value: object) -> object:
        assert isinstance(value, int)
        return (EPOCH + value * unit * _MICROSECOND).time() if 0 <= value * unit < _DAY else value

    return read


def _time_writer(unit: int) -> Callable[[Logical, object, int | None], object]:
    def write(logical: Logical, value: object, _size: int | None) -> object:
        if not isinstance(value, time):
            return value
        if value.tzinfo is not None:
            raise ValueError(f"{value} has a time zone, which {logical} cannot hold")
        return _count(datetime.combine(EPOCH, value) - EPOCH, unit, value, logical)

    return write


# Timestamp: since the epoch, in UTC; local timestamps in no zone at all


def _timestamp_reader(epoch: datetime, unit: int) -> Callable[[Logical, object], object]:
    def read(_logical: Logical, value: object) -> object:
        assert isinstance(value, int)
        try:
            return epoch + value * unit * _MICROSECOND
        except OverflowError:
            return value

    return read


def _timestamp_writer(epoch: datetime, unit: int) -> Callable[[Logical, object, int | None], object]:
    def write(logical: Logical, value: object, _size: int | None) -> object:
        if not isinstance(value, datetime):
            return value
        if (value.utcoffset() is None) is not (epoch.tzinfo is None):
            has = "has no time zone" if epoch.tzinfo else "has a time zone"
            raise ValueError(f"{value} {has}, which {logical} {'needs' if epoch.tzinfo else 'cannot hold'}")
        return _count(value - epoch, unit, value, logical)

    return write


def _count(span: timedelta, unit: int, value: object, logical: Logical) -> int:
    count, rest = divmod(span // _MICROSECOND, unit)
    if rest:
        raise ValueError(f"{value} has microseconds, which {logical} cannot hold")
    return count


# Duration: three numbers of 32 bits, little-endian


def _read_duration(_logical: Logical, value: object) -> object:
    assert isinstance(value, bytes)
    return Duration(*(int.from_bytes(value[i : i + 4], "little") for i in (0, 4, 8)))


def _write_duration(_logical: Logical, value: object, _size: int | None) -> object:
    if not isinstance(value, Duration):
        return value
    if not all(type(part) is int and 0 <= part < 1 << 32 for part in value):
        raise ValueError(f"{describe_python(value)} is no duration: its parts are numbers from 0 to {2**32 - 1}")
    return b"".join(part.to_bytes(4, "little") for part in value)


def _read_base(_logical: Logical, value: object) -> object:
    return value


def _write_base(_logical: Logical, value: object, _size: int | None) -> object:
    return value


_READ: Final[Mapping[str, Callable[[Logical, object], object]]] = {
    "decimal": _read_decimal,
    "uuid": _read_uuid,
    "date": _read_date,
    "time-millis": _time_reader(_MILLIS),
    "time-micros": _time_reader(_MICROS),
    "timestamp-millis": _timestamp_reader(_UTC_EPOCH, _MILLIS),
    "timestamp-micros": _timestamp_reader(_UTC_EPOCH, _MICROS),
    "timestamp-nanos": _read_base,
    "local-timestamp-millis": _timestamp_reader(EPOCH, _MILLIS),
    "local-timestamp-micros": _timestamp_reader(EPOCH, _MICROS),
    "local-timestamp-nanos": _read_base,
    "duration": _read_duration,
}

_WRITE: Final[Mapping[str, Callable[[Logical, object, int | None], object]]] = {
    "decimal": _write_decimal,
    "uuid": _write_uuid,
    "date": _write_date,
    "time-millis": _time_writer(_MILLIS),
    "time-micros": _time_writer(_MICROS),
    "timestamp-millis": _timestamp_writer(_UTC_EPOCH, _MILLIS),
    "timestamp-micros": _timestamp_writer(_UTC_EPOCH, _MICROS),
    "timestamp-nanos": _write_base,
    "local-timestamp-millis": _timestamp_writer(EPOCH, _MILLIS),
    "local-timestamp-micros": _timestamp_writer(EPOCH, _MICROS),
    "local-timestamp-nanos": _write_base,
    "duration": _write_duration,
}
