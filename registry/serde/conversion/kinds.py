"""One value as another kind of value, and back: what the operations ``scale`` and ``convert`` rest on.

Nothing is rounded unless a loss is declared. A float counts as its shortest decimal text (``0.1`` is a tenth).
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple
from uuid import UUID

from registry.described import describe_python
from registry.frozen import dataclass

MAX_DIGITS: Final = 400
"""Of a number, before and after the point: what converters count with."""

_NUMBER: Final = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}(\.[0-9]{{1,{MAX_DIGITS}}})?")
_FACTOR: Final = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?(/[0-9]{1,40})?")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Rules:
    """How one direction of a conversion is to be done."""

    places: int | None = None
    """Digits after the point in text, exactly; otherwise as few as it takes."""
    rounding: bool = False
    """The loss is declared: the nearest value will do (half to even)."""


class Exchange(NamedTuple):
    """Both directions between two kinds. Each raises :class:`ValueError` (also as its children) with the fact."""

    forward: Callable[[Any, Rules], Any]
    backward: Callable[[Any, Rules], Any]


def find_exchange(before: str, after: str, factor: Fraction | None = None) -> Exchange | None:
    """How values of one kind become those of another; nothing where that has no meaning."""
    if before in _NUMBERS and after in _NUMBERS:
        return _count(before, after, factor or Fraction(1))
    if factor is not None:
        return None
    found = _EXCHANGES.get((before, after))
    if found is None:
        reverse = _EXCHANGES.get((after, before))
        found = reverse and Exchange(reverse.backward, reverse.forward)
    return found


def parse_factor(text: str) -> Fraction:
    """A factor: ``0.01``, ``1000`` or ``1/60``. Raises :class:`ValueError`."""
    if not _FACTOR.fullmatch(text) or ("/" in text and not text.partition("/")[2].strip("0")):
        raise ValueError(f"{text!r} is no factor above 0, such as 0.01, 1000 or 1/60")
    above, _, below = text.partition("/")
    factor = Fraction(above) / Fraction(below or 1)
    if not factor:
        raise ValueError("a factor of 0 cannot be undone")
    return factor


def are_same(one: object, other: object) -> bool:
    """Whether two plain values are one and the same: 1 is not True, nor 1.0; the kind of sequence does not matter."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(are_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(are_same(value, other[key]) for key, value in one.items())
    if type(one) is not type(other):
        return False
    return repr(one) == repr(other) if isinstance(one, float) else one == other


# Numbers: a fraction stands between the kinds


def _count(before: str, after: str, factor: Fraction) -> Exchange:
    def forward(value: Any, rules: Rules) -> Any:
        return _NUMBERS[after].make(_NUMBERS[before].read(value) * factor, rules)

    def backward(value: Any, rules: Rules) -> Any:
        return _NUMBERS[before].make(_NUMBERS[after].read(value) / factor, rules)

    return Exchange(forward, backward)


class _Number(NamedTuple):
    read: Callable[[Any], Fraction]
    make: Callable[[Fraction, Rules], Any]


def _read_int(value: Any) -> Fraction:
    if type(value) is not int:
        raise _unfit(value, "int")
    return Fraction(value)


def _make_int(number: Fraction, rules: Rules) -> int:
    if number.denominator != 1 and not rules.rounding:
        raise ValueError(f"{_show(number)} is no whole number")
    return round(number)


def _read_float(value: Any) -> Fraction:
    if type(value) is not float:
        raise _unfit(value, "float")
    return _read_decimal(Decimal(repr(value)))


def _make_float(number: Fraction, _rules: Rules) -> float:
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"{_show(number)} is beyond the range of a float") from None


def _read_decimal(value: Any) -> Fraction:
    if not isinstance(value, Decimal):
        raise _unfit(value, "decimal")
    if not value.is_finite():
        raise ValueError(f"{value} is no finite number")
    if value and (abs(value.adjusted()) > MAX_DIGITS or len(value.as_tuple().digits) > 2 * MAX_DIGITS):
        raise ValueError(f"{describe_python(value)} is beyond what converters count with")
    return Fraction(value) if value else Fraction(0)


def _make_decimal(number: Fraction, rules: Rules) -> Decimal:
    places = rules.places
    if places is None:
        places = _count_places(number)
        if places is None:
            raise ValueError(f"{_show(number)} has no end as a decimal")
    shifted = number * 10**places
    if shifted.denominator != 1 and not rules.rounding:
        raise ValueError(f"{_show(number)} has more than {places} decimal places")
    whole = round(shifted)
    # By its digits: arithmetic on decimals would round by the context that the caller has set.
    return Decimal((int(whole < 0), tuple(map(int, str(abs(whole)))), -places))


def _count_places(number: Fraction) -> int | None:
    """The fewest decimal places that hold a number; none if it has no end."""
    rest, counts = number.denominator, [0, 0]
    for i, prime in enumerate((2, 5)):
        while rest % prime == 0:
            rest, counts[i] = rest // prime, counts[i] + 1
    return max(counts) if rest == 1 else None


def _read_text(value: Any) -> Fraction:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise _unfit(value, "number written as text")
    return Fraction(value)


def _make_text(number: Fraction, rules: Rules) -> str:
    return format(_make_decimal(number, rules), "f")


_NUMBERS: Final[Mapping[str, _Number]] = {
    "int": _Number(_read_int, _make_int),
    "float": _Number(_read_float, _make_float),
    "decimal": _Number(_read_decimal, _make_decimal),
    "string": _Number(_read_text, _make_text),
}


# Other kinds


def _make_uuid(value: Any, rules: Rules) -> UUID:
    if not isinstance(value, str) or not _UUID.fullmatch(value.lower() if rules.rounding else value):
        raise _unfit(value, "UUID written as text in lower case")
    return UUID(value)


def _show_uuid(value: Any, _rules: Rules) -> str:
    if not isinstance(value, UUID):
        raise _unfit(value, "UUID")
    return str(value)


def _uuid_to_bytes(value: Any, _rules: Rules) -> bytes:
    if not isinstance(value, UUID):
        raise _unfit(value, "UUID")
    return value.bytes


def _uuid_from_bytes(value: Any, _rules: Rules) -> UUID:
    if not isinstance(value, bytes) or len(value) != 16:
        raise _unfit(value, "UUID of 16 bytes")
    return UUID(bytes=value)


def _micros(value: Any) -> int:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise _unfit(value, "timestamp with a time zone")
    return (value - _EPOCH) // _MICROSECOND


def _clock(unit: int, name: str) -> Exchange:
    """Between a count since 1970 and a timestamp; a unit is so many microseconds."""

    def forward(value: Any, _rules: Rules) -> datetime:
        if type(value) is not int:
            raise _unfit(value, f"number of {name}")
        try:
            return _EPOCH + timedelta(microseconds=value * unit)
        except OverflowError:
            raise ValueError(f"{describe_python(value)} {name} are beyond the years 1 to 9999") from None

    def backward(value: Any, rules: Rules) -> int:
        count, rest = divmod(_micros(value), unit)
        if rest and not rules.rounding:
            raise ValueError(f"{value} is no whole number of {name}")
        return count

    return Exchange(forward, backward)


def _make_timestamp(value: Any, _rules: Rules) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is not None and found.utcoffset() is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _unfit(value, "timestamp of ISO 8601 with a time zone")


def _show_timestamp(value: Any, rules: Rules) -> str:
    micros = _micros(value)
    whole = _EPOCH + timedelta(seconds=micros // 10**6)
    digits = f"{micros % 10**6:06}"
    places = len(digits.rstrip("0")) if rules.places is None else rules.places
    if digits[places:].strip("0") and not rules.rounding:
        raise ValueError(f"{value} has more than {places} decimal places")
    fraction = f"{digits:0<{places}}"[:places]
    return whole.replace(tzinfo=None).isoformat() + (f".{fraction}" if places else "") + "Z"


def _make_date(value: Any, _rules: Rules) -> date:
    try:
        if isinstance(value, str):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _unfit(value, "date of ISO 8601")


def _show_date(value: Any, _rules: Rules) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _unfit(value, "date")
    return value.isoformat()


def _make_bool(value: Any, _rules: Rules) -> bool:
    if value not in ("true", "false"):
        raise _unfit(value, "'true' or 'false'")
    return bool(value == "true")


def _show_bool(value: Any, _rules: Rules) -> str:
    if type(value) is not bool:
        raise _unfit(value, "bool")
    return "true" if value else "false"


def _bool_from_int(value: Any, _rules: Rules) -> bool:
    if type(value) is not int or value not in (0, 1):
        raise _unfit(value, "0 or 1")
    return value == 1


def _bool_to_int(value: Any, _rules: Rules) -> int:
    if type(value) is not bool:
        raise _unfit(value, "bool")
    return int(value)


def _make_utf8(value: Any, _rules: Rules) -> str:
    if not isinstance(value, bytes):
        raise _unfit(value, "bytes")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{describe_python(value)} is not UTF-8") from None


def _show_utf8(value: Any, _rules: Rules) -> bytes:
    if not isinstance(value, str):
        raise _unfit(value, "string")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{describe_python(value)} holds half a surrogate pair") from None


_EXCHANGES: Final[Mapping[tuple[str, str], Exchange]] = {
    ("string", "uuid"): Exchange(_make_uuid, _show_uuid),
    ("bytes", "uuid"): Exchange(_uuid_from_bytes, _uuid_to_bytes),
    ("string", "timestamp"): Exchange(_make_timestamp, _show_timestamp),
    ("seconds", "timestamp"): _clock(10**6, "seconds"),
    ("millis", "timestamp"): _clock(10**3, "milliseconds"),
    ("micros", "timestamp"): _clock(1, "microseconds"),
    ("string", "date"): Exchange(_make_date, _show_date),
    ("string", "bool"): Exchange(_make_bool, _show_bool),
    ("int", "bool"): Exchange(_bool_from_int, _bool_to_int),
    ("bytes", "string"): Exchange(_make_utf8, _show_utf8),
}
"""The kinds that are no numbers; each row goes both ways."""

KINDS: Final = frozenset(_NUMBERS) | {kind for pair in _EXCHANGES for kind in pair}


def _unfit(value: object, wanted: str) -> ValueError:
    return ValueError(f"{describe_python(value)} is no {wanted}")


def _show(number: Fraction) -> str:
    return describe_python(float(number)) if abs(number) < 10**300 else "the number"
