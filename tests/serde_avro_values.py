"""Values of any schema as the stubs' classes hold them, and what the reference codec is to be told of them.

Classes are made on the fly. The branch of a union is chosen here by a rule of its own: the first whose Python types
have the value's, and which holds it exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import make_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum as PythonEnum
from itertools import islice
from math import isnan
from typing import Any, Final
from uuid import UUID

from registry.formats.avro.reference import Branch, Duration, EncodeError, encode, round_to_float
from registry.formats.avro.values import find_values
from registry.frozen import replace
from registry.schema import Array, Enum, Fixed, Logical, Map, Primitive, Record, Schema, Type, Union
from registry.serde.naming import attribute_name, member_name
from registry.serde.shape import Shape

_LOGICAL: Final[dict[str, type]] = {
    "decimal": Decimal,
    "uuid": UUID,
    "date": date,
    "time-millis": time,
    "time-micros": time,
    "timestamp-millis": datetime,
    "timestamp-micros": datetime,
    "local-timestamp-millis": datetime,
    "local-timestamp-micros": datetime,
    "duration": Duration,
}
_PRIMITIVE: Final[dict[str, type]] = {
    "null": type(None),
    "boolean": bool,
    "int": int,
    "long": int,
    "float": float,
    "double": float,
    "bytes": bytes,
    "string": str,
}


class Untyped(Exception):
    """The value is a moment that Python's types do not hold; stubs have no such value."""


def make_shape(schema: Schema) -> Shape:
    """A class for every record and every enum, and one for nothing: a shape without classes would be a plain one."""
    types: dict[str, Any] = {"not.in.the.Schema": object}
    for name, named in schema.types.items():
        if isinstance(named, Record):
            fields: list[Any] = [(attribute_name(field.name), Any) for field in named.fields]
            types[name] = make_dataclass(name.replace(".", "_"), fields, slots=True, kw_only=True)
        elif isinstance(named, Enum):
            members = [(member_name(symbol.name), symbol.name) for symbol in named.symbols]
            types[name] = PythonEnum(name.replace(".", "_"), members)
    return Shape(types=types)


def untag(value: object) -> object:
    """A value as it is read: without the branches that it was written by."""
    if isinstance(value, Branch):
        return untag(value.value)
    if isinstance(value, dict):
        return {key: untag(inner) for key, inner in value.items()}
    return [untag(inner) for inner in value] if isinstance(value, list) else value


def find_pairs(schema: Schema, shape: Shape, most: int) -> Iterator[tuple[object, bytes]]:
    """Typed values of a schema, with their bytes."""
    for value in islice(find_values(schema), most):
        try:
            yield to_typed(schema, shape, schema.root, value), encode(schema, tag(schema, schema.root, value))
        except Untyped:
            continue


def to_typed(schema: Schema, shape: Shape, type_: Type, value: Any) -> Any:
    """A generated value as the stubs have it. Raises :class:`Untyped`."""
    plain = schema.resolve(type_)
    if isinstance(plain, Union):
        return to_typed(schema, shape, plain.branches[value.index], value.value)
    if isinstance(plain, Record):
        cls: Any = shape.types[plain.name]
        parts = {attribute_name(field.name): (field.type, value[field.name]) for field in plain.fields}
        return cls(**{name: to_typed(schema, shape, *part) for name, part in parts.items()})
    if isinstance(plain, Enum):
        cls = shape.types[plain.name]
        return cls(value)
    if isinstance(plain, Array):
        return tuple(to_typed(schema, shape, plain.items, item) for item in value)
    if isinstance(plain, Map):
        return {key: to_typed(schema, shape, plain.values, inner) for key, inner in value.items()}
    if not _has_class(plain.logical, value):
        raise Untyped
    return value


def tag(schema: Schema, type_: Type, value: Any) -> Any:
    """A generated value with the branches that a typed writer chooses."""
    plain = schema.resolve(type_)
    if isinstance(plain, Union):
        index = _choose(schema, plain, value)
        return Branch(index, tag(schema, plain.branches[index], value.value))
    if isinstance(plain, Record):
        return {field.name: tag(schema, field.type, value[field.name]) for field in plain.fields}
    if isinstance(plain, Array):
        return [tag(schema, plain.items, item) for item in value]
    if isinstance(plain, Map):
        return {key: tag(schema, plain.values, inner) for key, inner in value.items()}
    return value


def _choose(schema: Schema, union: Union, value: Branch) -> int:
    """A record, an enum, an array or a map is its own branch; of others the first that holds the value exactly."""
    if not isinstance(schema.resolve(union.branches[value.index]), Primitive | Fixed):
        return value.index
    for i, branch in enumerate(union.branches):
        plain = schema.resolve(branch)
        if isinstance(plain, Primitive | Fixed) and _holds(schema, plain, branch, value.value):
            return i
    raise AssertionError(value)


def _holds(schema: Schema, plain: Primitive | Fixed, branch: Type, value: object) -> bool:
    base = bytes if isinstance(plain, Fixed) else _PRIMITIVE[plain.name]
    if type(value) is not _LOGICAL.get(plain.logical.name if plain.logical else "", base):
        return False
    try:
        encode(replace(schema, roots=(branch,)), value)
    except EncodeError:
        return False
    return plain.name != "float" or isnan(value) or round_to_float(value) == value  # type: ignore[arg-type]  # a float


def _has_class(logical: Logical | None, value: object) -> bool:
    return logical is None or logical.name not in _LOGICAL or type(value) is _LOGICAL[logical.name]


def find_places(value: object) -> Iterator[tuple[Any, Any]]:
    """Every place inside a value that can be changed: the holder, and an attribute's name, a key or an index."""
    for holder, key, inner in _find_parts(value):
        yield holder, key
        yield from find_places(inner)


def _find_parts(value: Any) -> Sequence[tuple[Any, Any, Any]]:
    if isinstance(value, dict):
        return [(value, key, inner) for key, inner in value.items()]
    if isinstance(value, list):
        return [(value, i, inner) for i, inner in enumerate(value)]
    if hasattr(value, "__dataclass_fields__"):
        return [(value, name, getattr(value, name)) for name in value.__slots__]
    return []


def put(holder: Any, key: Any, value: object) -> None:
    """Changes what is at a place."""
    if isinstance(holder, dict | list):
        holder[key] = value
    else:
        setattr(holder, key, value)
