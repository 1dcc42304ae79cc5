"""Which Python classes the values of a type have: by them a union finds its branch; and whether one fits its record."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Final

from registry.schema import Array, Enum, Fixed, Logical, Map, Primitive, Record, Schema, Type
from registry.serde.avro.roles import IDS
from registry.serde.errors import UnfitStub
from registry.serde.naming import attribute_name
from registry.serde.shape import Shape

_PRIMITIVES: Final[Mapping[str, type]] = {
    "null": type(None),
    "boolean": bool,
    "int": int,
    "long": int,
    "float": float,
    "double": float,
    "bytes": bytes,
    "string": str,
}

_LOGICAL: Final[Mapping[str, tuple[str, str]]] = {
    "decimal": ("decimal", "Decimal"),
    "uuid": ("uuid", "UUID"),
    "date": ("datetime", "date"),
    "time-millis": ("datetime", "time"),
    "time-micros": ("datetime", "time"),
    "timestamp-millis": ("datetime", "datetime"),
    "timestamp-micros": ("datetime", "datetime"),
    "local-timestamp-millis": ("datetime", "datetime"),
    "local-timestamp-micros": ("datetime", "datetime"),
    "duration": ("registry.formats.avro.duration", "Duration"),
}
"""Module and class; nanoseconds stay numbers. Imported when they are needed."""


def find_classes(schema: Schema, shape: Shape, type_: Type, role: str = "") -> tuple[type, ...]:
    """The classes of a type's values, of a type that is no union.

    In plain mode a logical type also takes what it stands on. ``role`` is that of a field of the envelope.
    """
    plain = schema.resolve(type_)
    if isinstance(plain, Record):
        return (shape.types.get(plain.name, dict),)
    if isinstance(plain, Enum):
        return (shape.types.get(plain.name, str),)
    if isinstance(plain, Array):
        return (tuple, list)
    if isinstance(plain, Map):
        return (dict,)
    assert isinstance(plain, Primitive | Fixed)
    base = bytes if isinstance(plain, Fixed) else _PRIMITIVES[plain.name]
    means = find_class(plain.logical)
    if role in IDS and means is not None:
        return (str,)
    if means is None:
        return (base,)
    return (means,) if shape.types or role else (means, base)


def find_class(logical: Logical | None) -> type | None:
    """The class of a logical type's values, if it has one of its own."""
    if logical is None or logical.name not in _LOGICAL:
        return None
    module, name = _LOGICAL[logical.name]
    found: type = getattr(import_module(module), name)
    return found


def check_class(cls: type, keys: Iterable[str], record: str) -> None:
    """A class with slots has one for each field of its record, or is another schema's. Raises :class:`UnfitStub`."""
    if cls.__dictoffset__:
        return
    for key in keys:
        name = attribute_name(key)
        if not hasattr(cls, name):
            fact = f"class {cls.__name__} has no attribute '{name}', and record {record} has a field '{key}'"
            raise UnfitStub(fact, help="make the stubs again: contracts gen")
