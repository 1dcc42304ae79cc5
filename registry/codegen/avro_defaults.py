"""Avro's defaults as Python expressions."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final
from uuid import UUID

from registry.codegen.code import NONE, NOTHING, Call, Class, Code, Known, Row, Table, Text
from registry.codegen.envelope import Hidden
from registry.codegen.quoting import quote, quote_bytes
from registry.formats.avro.defaults import Defaults
from registry.formats.avro.duration import Duration
from registry.formats.avro.reference.binary import round_to_float, to_double
from registry.formats.avro.reference.logical_values import read_logical
from registry.schema import MISSING, Array, Enum, Field, Fixed, Map, Primitive, Record, Schema, Type, Union
from registry.serde.naming import attribute_name, member_name

Default = tuple[Code, bool]
"""The expression, and whether it must be evaluated for each object."""


class Expressions:
    """The defaults of one schema."""

    __slots__ = ("_defaults", "_hidden", "_names", "_schema")

    def __init__(self, schema: Schema, names: Mapping[str, str], hidden: Hidden) -> None:
        self._schema = schema
        self._names = names
        self._hidden = hidden
        self._defaults = Defaults(schema.types)

    def find_default(self, field: Field) -> Default | None:
        """The default of a field; ``None`` where it has none, or none that Python can hold: then it must be given."""
        if field.default is MISSING or self._defaults.find_fault(field.type, field.default) is not None:
            return None
        try:
            return self._write(field.type, field.default)
        except _Unspeakable:
            return None

    def _write(self, type_: Type, value: object) -> Default:
        plain = self._schema.resolve(type_)
        if isinstance(plain, Union):
            index = self._defaults.fitting_branch(plain, value)
            assert index is not None  # it fits, as find_default() saw
            return self._write(plain.branches[index], value)
        if isinstance(plain, Primitive | Fixed):
            return _write_scalar(plain, value)
        if isinstance(plain, Enum):
            return Class(self._names[plain.name], member_name(str(value))), False
        if isinstance(plain, Array):
            assert isinstance(value, list)
            if not value:
                return NOTHING, False
            items = [self._write(plain.items, item) for item in value]
            return Row(tuple(code for code, _ in items)), any(fresh for _, fresh in items)
        assert isinstance(value, dict)
        if isinstance(plain, Map):
            pairs = ((Text(quote(key)), self._write(plain.values, each)[0]) for key, each in value.items())
            return Table(tuple(pairs)), True
        return self._write_record(plain, value), True

    def _write_record(self, record: Record, value: dict[str, object]) -> Code:
        """A call that leaves out what the class itself knows."""
        given: list[tuple[str, Code]] = []
        for field in self._hidden.visible(record):
            if field.name in value:
                given.append((attribute_name(field.name), self._write(field.type, value[field.name])[0]))
            elif self.find_default(field) is None:
                raise _Unspeakable
        return Call(Class(self._names[record.name]), tuple(given))


class _Unspeakable(Exception):
    """No Python value is this default."""


def _write_scalar(scalar: Primitive | Fixed, value: object) -> Default:
    base = _BASES.get(scalar.name, _same) if isinstance(scalar, Primitive) else _to_bytes
    try:
        value = read_logical(scalar.logical, base(value))
    except ValueError:
        raise _Unspeakable from None
    if scalar.logical is not None and isinstance(value, bytes | str | int) and "nanos" not in scalar.logical.name:
        raise _Unspeakable  # beyond what Python's dates hold: it stayed what its base type is
    return _WRITE[type(value)](value)


def _same(value: object) -> object:
    return value


def _to_bytes(value: object) -> bytes:
    return str(value).encode("latin-1")


_BASES: Final[Mapping[str, Callable[[object], object]]] = {
    "float": round_to_float,
    "double": to_double,
    "bytes": _to_bytes,
}
"""What JSON does not tell apart."""


def _call(name: str, *arguments: object, **named: Code) -> Default:
    positional = (("", Text(str(each))) for each in arguments)
    return Call(Known(name), (*positional, *named.items())), True


def _write_datetime(value: datetime) -> Default:
    zone = {"tzinfo": Known("UTC")} if value.tzinfo else {}
    return _call("datetime", *value.timetuple()[:6], *([value.microsecond] if value.microsecond else []), **zone)


def _write_time(value: time) -> Default:
    return _call("time", value.hour, value.minute, value.second, value.microsecond)


def _write_duration(value: Duration) -> Default:
    counts = ((name, Text(str(each))) for name, each in value._asdict().items())
    return Call(Known("serde", "Duration"), tuple(counts)), True


_WRITE: Final[Mapping[type, Callable[..., Default]]] = {
    type(None): lambda value: (NONE, False),
    bool: lambda value: (Text(str(value)), False),
    int: lambda value: (Text(str(value)), False),
    float: lambda value: (Text(repr(value).replace("e+", "e")), False),
    str: lambda value: (Text(quote(value)), False),
    bytes: lambda value: (Text(quote_bytes(value)), False),
    Decimal: lambda value: _call("Decimal", value if str(value).lstrip("-").isdecimal() else quote(str(value))),
    UUID: lambda value: _call("UUID", quote(str(value))),
    date: lambda value: _call("date", value.year, value.month, value.day),
    time: _write_time,
    datetime: _write_datetime,
    Duration: _write_duration,
}
"""Of each Python type of a default, its source. What takes a call is made for each object, so no linter asks."""
