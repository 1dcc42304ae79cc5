"""Default values as the values they stand for (Avro 1.12, "Records", the table of field default values)."""

from collections.abc import Callable, Mapping
from typing import Final

from registry.formats.avro.defaults import Defaults
from registry.formats.avro.reference.binary import Input, round_to_float, show_key, to_double
from registry.formats.avro.reference.logical_values import read_logical
from registry.schema import Array, Field, Fixed, Map, Primitive, Record, Schema, Type, Union


class DefaultValues:
    """The defaults of a reader's schema; ``source`` is told the place, and counts them as values without bytes."""

    __slots__ = ("_defaults", "_schema", "_source")

    def __init__(self, schema: Schema, source: Input) -> None:
        self._schema = schema
        self._source = source
        self._defaults = Defaults(schema.types)

    def make(self, field: Field) -> object:
        """The default of a field, made afresh each time. Raises :class:`DecodeError` if it does not fit the type."""
        self._source.enter(f"/{field.name}")
        fault = self._defaults.find_fault(field.type, field.default)
        if fault is not None:
            self._source.fail(f"the default does not fit: {fault.message}")
        try:
            value = self._make(field.type, field.default)
        except ValueError as error:
            self._source.fail_with(error)
        self._source.leave(self._source.at)
        return value

    def _make(self, type_: Type, default: object) -> object:
        plain = self._schema.resolve(type_)
        if isinstance(plain, Union):
            # 1.12: "the default value ... must match any one element of the union"; the first that it fits
            index = self._defaults.fitting_branch(plain, default)
            assert index is not None  # it fits, as make() saw
            plain = self._schema.resolve(plain.branches[index])
        if isinstance(plain, Record):
            assert isinstance(default, dict)
            record: dict[str, object] = {}
            for field in plain.fields:
                if field.name in default:
                    record[field.name] = self._step(f"/{field.name}", field.type, default[field.name])
                else:
                    record[field.name] = self.make(field)
            return record
        if isinstance(plain, Array):
            assert isinstance(default, list)
            items: list[object] = []
            for i, item in enumerate(default):
                items.append(self._step(f"[{i}]", plain.items, item))
            return items
        if isinstance(plain, Map):
            assert isinstance(default, dict)
            values: dict[str, object] = {}
            for key, inner in default.items():
                values[key] = self._step(show_key(key), plain.values, inner)
            return values
        if isinstance(plain, Primitive):
            return read_logical(plain.logical, _MAKE.get(plain.name, _same)(default))
        return read_logical(plain.logical, _to_bytes(default)) if isinstance(plain, Fixed) else default

    def _step(self, step: str, type_: Type, default: object) -> object:
        self._source.enter(step)
        value = self._make(type_, default)
        self._source.leave(self._source.at)
        return value


def _same(value: object) -> object:
    return value


def _to_bytes(value: object) -> bytes:
    """ "Unicode code points 0-255 are mapped to unsigned 8-bit byte values 0-255"."""
    return str(value).encode("latin-1")


_MAKE: Final[Mapping[str, Callable[[object], object]]] = {
    "float": round_to_float,
    "double": to_double,
    "bytes": _to_bytes,
}
"""What JSON does not tell apart."""
