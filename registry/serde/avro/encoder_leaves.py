"""Values without parts on their way to bytes: what generated encoders call for all that is no plain primitive.

Each writer takes the exact type, and raises anything at all for what it does not take: whether that is an error, and
which, is found out by :mod:`registry.serde.avro.explain_value`.
"""

from binascii import hexlify, unhexlify
from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any, Final

from registry.schema import Fixed, Logical, Primitive
from registry.serde.avro.roles import IDS, find_moment
from registry.serde.avro.uuid_text import FORM, HEX
from registry.serde.avro.varints import ENDING, LINKED, SIZES, SMALL, Refused, any_size, write_int, write_long

Writer = Callable[[Any], bytes]
"""Of a value, its bytes."""

_cut_uuid: Final = Struct("8s4s4s4s12s").unpack
_pack_float: Final = Struct("<f").pack


def make_writer(type_: Primitive | Fixed, *, typed: bool, role: str) -> Writer:
    """The writer of a logical type. One that is not ``typed`` takes the base value as well.

    ``role`` is that of a field of the envelope: an id is a text whatever the schema makes of it, and ``occurred_at`` a
    number of microseconds, or a ``datetime``. A UUID's text comes without its length, which is always the same.
    """
    assert type_.logical is not None
    size = type_.size if isinstance(type_, Fixed) else None
    if role in IDS and type_.logical.name == "uuid":
        return _write_uuid_text if size is None else _write_id_bytes
    writer = _LOGICAL[type_.logical.name](type_.logical, size)
    if unit := find_moment(role, type_.logical):
        return _take_microseconds(writer, unit)
    return writer if typed else _take_base(writer, type_)


def to_double(value: object) -> float:
    """A number for a ``double``: an ``int`` only if nothing is lost."""
    if isinstance(value, float):
        return value
    number = float(_whole(value))
    if number != value:
        raise Refused
    return number


def to_float(value: object) -> float:
    """A number for a ``float``, which is rounded to 32 bits; an ``int`` only if nothing is lost."""
    if isinstance(value, float):
        return value
    number = float(_whole(value))
    if Struct("<f").unpack(_pack_float(number))[0] != value:
        raise Refused
    return number


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused
    return value


def to_list(value: object) -> list[Any]:
    """The items of any sequence but a text or bytes; a list is copied, as its length is written before its items."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray | memoryview):
        raise Refused
    return list(value)


def to_dict(value: object) -> dict[Any, Any]:
    """The entries of any mapping."""
    if not isinstance(value, Mapping):
        raise Refused
    return dict(value)


class Texts(dict[int, Callable[[Sequence[bytes], Sequence[str]], bytes]]):
    """Writers of an array of so many texts, each made when it is first needed: no loop, and no list.

    They are given the table of sizes, as the encoder that calls them may have changed to another one.
    """

    __slots__ = ()

    def __missing__(self, count: int) -> Callable[[Sequence[bytes], Sequence[str]], bytes]:
        names = [f"t{i}" for i in range(count)]
        lines = ["def write(sizes, texts):", f"    [{', '.join(names)}] = texts"]
        lines += [f"    {name} = {name}.encode()" for name in names]
        pieces = "".join(f"sizes[len({name})], {name}, " for name in names)
        lines.append(f"    return b''.join((sizes[{count}], {pieces}{_END if count else ''}))")
        made: dict[str, Any] = {}
        exec("\n".join(lines), made)
        writer: Callable[[Sequence[bytes], Sequence[str]], bytes] = made["write"]
        self[count] = writer
        return writer


_END: Final = "b'\\0'"
MOST_TEXTS: Final = 9
"""Arrays of fewer texts are written by one of :data:`TEXTS`."""
TEXTS: Final = Texts()


def write_texts(sizes: Sequence[bytes], texts: Sequence[str]) -> bytes:
    """An array of many texts."""
    out = [b""]
    for text in texts:
        data = text.encode()
        out += (sizes[len(data)], data)
    out[0] = sizes[len(out) // 2]  # what was made is counted, whatever another thread does to the list
    out.append(b"\0")
    return b"".join(out)


def _take_base(writer: Writer, type_: Primitive | Fixed) -> Writer:
    """The same for plain values, which may be what the logical type stands on."""
    assert type_.logical is not None
    if isinstance(type_, Fixed):
        size = type_.size

        def write_fixed(value: Any) -> bytes:
            if value.__class__ is not bytes:
                return writer(value)
            if len(value) != size:
                raise Refused
            data: bytes = value
            return data

        return write_fixed
    base = _BASES[type_.name]

    def write(value: Any) -> bytes:
        return base[1](value) if value.__class__ is base[0] else writer(value)

    return write


def _write_uuid_text(value: Any) -> bytes:
    if value.__class__ is not str:
        raise Refused
    data: bytes = value.encode()
    if data.translate(HEX) != FORM:
        raise Refused
    return data


def _write_unscaled(value: bytes) -> bytes:
    if not value:
        raise Refused
    return write_long(len(value)) + value


_BASES: Final[Mapping[str, tuple[type, Writer]]] = {
    "int": (int, write_int),
    "long": (int, write_long),
    "string": (str, _write_uuid_text),
    "bytes": (bytes, _write_unscaled),
}
"""What logical types stand on, and how that is written: a text only ever for a UUID, bytes only for a decimal."""


# UUID: its text, or its sixteen bytes


def _write_id_bytes(value: Any) -> bytes:
    return unhexlify(_write_uuid_text(value).replace(b"-", b""))


def _make_uuid(_logical: Logical, size: int | None) -> Writer:
    from uuid import UUID

    def write_text(value: Any) -> bytes:
        if value.__class__ is not UUID:
            raise Refused
        return b"-".join(_cut_uuid(hexlify(value.int.to_bytes(16, "big"))))

    def write_bytes(value: Any) -> bytes:
        if value.__class__ is not UUID:
            raise Refused
        data: bytes = value.int.to_bytes(16, "big")
        return data

    return write_text if size is None else write_bytes


# Decimal: the unscaled number, two's complement, big-endian


def _make_decimal(logical: Logical, size: int | None) -> Writer:
    from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation, Overflow

    if logical.precision > MAX_PREC or logical.scale > MAX_PREC:
        return _refuse
    # Too many digits are an invalid quantum, too many places are inexact.
    exact = Context(logical.precision, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Inexact, Overflow])
    quantize, scaleb = exact.quantize, exact.scaleb
    sizes = SIZES if logical.precision < SMALL else any_size()
    quantum, scale = Decimal((0, (1,), -logical.scale)), Decimal(logical.scale)

    def write(value: Any) -> bytes:
        if value.__class__ is not Decimal:
            raise Refused
        unscaled = int(scaleb(quantize(value, quantum), scale))
        if unscaled >= 0:
            length = unscaled.bit_length() // 8 + 1
            return sizes[length] + unscaled.to_bytes(length, "big")
        length = (~unscaled).bit_length() // 8 + 1
        return sizes[length] + unscaled.to_bytes(length, "big", signed=True)

    def write_fixed(value: Any) -> bytes:
        if value.__class__ is not Decimal:
            raise Refused
        assert size is not None
        return int(scaleb(quantize(value, quantum), scale)).to_bytes(size, "big", signed=True)

    return write if size is None else write_fixed


def _refuse(_value: Any) -> bytes:
    raise Refused


# Dates and times: a count since the epoch, or since midnight


def _make_date(_logical: Logical, _size: int | None) -> Writer:
    from datetime import date

    epoch = date(1970, 1, 1).toordinal()

    def write(value: Any) -> bytes:
        if value.__class__ is not date:
            raise Refused
        return write_int(value.toordinal() - epoch)

    return write


def _make_time(logical: Logical, _size: int | None) -> Writer:
    from datetime import time

    unit = 1000 if logical.name == "time-millis" else 1
    write_number = write_int if logical.name == "time-millis" else write_long

    def write(value: Any) -> bytes:
        if value.__class__ is not time or value.tzinfo is not None:
            raise Refused
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        count, rest = divmod(seconds * 1_000_000 + value.microsecond, unit)
        if rest:
            raise Refused
        return write_number(count)

    return write


def _make_timestamp(logical: Logical, _size: int | None) -> Writer:
    from datetime import UTC, datetime

    epoch = datetime(1970, 1, 1, tzinfo=None if logical.name.startswith("local") else UTC)
    first, last = (datetime.min.replace(tzinfo=epoch.tzinfo) - epoch).days, (datetime.max - datetime(1970, 1, 1)).days

    def write_millis(value: Any) -> bytes:
        since = value - epoch  # of no moment, or of one with a time zone too many or too few: a TypeError
        millis, rest = divmod(since.microseconds, 1000)
        if rest or not first <= since.days <= last:  # a zone leads beyond what any reader in Python has
            raise Refused
        return write_long((since.days * 86_400 + since.seconds) * 1000 + millis)

    def write_micros(value: Any) -> bytes:
        since = value - epoch
        if not first <= since.days <= last:
            raise Refused
        return _write_micros((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)

    return write_millis if logical.name.endswith("millis") else write_micros


def _write_micros(micros: int) -> bytes:
    high = micros >> 27
    if not 1 << 14 <= high < 1 << 28:  # the years from 1970 to 3111 take eight bytes
        return write_long(micros)
    low = micros & 0x7FFFFFF
    return LINKED[low << 1 & 16383] + LINKED[low >> 13] + LINKED[high & 16383] + ENDING[high >> 14]


def _take_microseconds(writer: Writer, unit: int) -> Writer:
    """The same for a time that may be a number of microseconds since 1970."""

    def write_micros(value: Any) -> bytes:
        return _write_micros(value) if value.__class__ is int else writer(value)

    def write_millis(value: Any) -> bytes:
        if value.__class__ is not int:
            return writer(value)
        count, rest = divmod(value, unit)
        if rest:
            raise Refused
        return write_long(count)

    return write_micros if unit == 1 else write_millis


def _make_number(_logical: Logical, _size: int | None) -> Writer:
    return write_long


# Duration: three numbers of 32 bits, little-endian


def _make_duration(_logical: Logical, _size: int | None) -> Writer:
    from registry.formats.avro.duration import Duration

    pack = Struct("<III").pack

    def write(value: Any) -> bytes:
        if value.__class__ is not Duration or [part.__class__ for part in value] != [int, int, int]:
            raise Refused
        return pack(*value)

    return write


_LOGICAL: Final[Mapping[str, Callable[[Logical, int | None], Writer]]] = {
    "decimal": _make_decimal,
    "uuid": _make_uuid,
    "date": _make_date,
    "time-millis": _make_time,
    "time-micros": _make_time,
    "timestamp-millis": _make_timestamp,
    "timestamp-micros": _make_timestamp,
    "timestamp-nanos": _make_number,
    "local-timestamp-millis": _make_timestamp,
    "local-timestamp-micros": _make_timestamp,
    "local-timestamp-nanos": _make_number,
    "duration": _make_duration,
}
"""Each logical type with what makes its writer."""
