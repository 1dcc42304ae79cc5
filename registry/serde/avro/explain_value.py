"""The careful way to bytes: every value that is allowed, one step at a time, and for any other what is wrong and where.

A generated encoder takes the usual classes only, and calls this for the rest: subclasses, sequences and mappings of
other kinds, unions whose branches look alike. So an error costs some hundred times what an event costs.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum as PythonEnum
from math import isnan
from struct import pack, unpack
from typing import Any, Final, NoReturn
from uuid import UUID

from registry.described import describe_python
from registry.formats.avro.reference.binary import (
    MAX_NESTING,
    WRITE_PRIMITIVE,
    refuse,
    show_key,
    write_number,
    write_string,
)
from registry.formats.avro.reference.logical_values import is_uuid, write_logical
from registry.formats.avro.words import describe
from registry.schema import Array, Enum, Fixed, Logical, Map, Primitive, Record, Schema, Type, Union
from registry.serde.advice import advise, describe_classes, describe_given
from registry.serde.avro.python_types import find_class, find_classes
from registry.serde.avro.roles import IDS, Roles, find_deeper, find_key, find_role
from registry.serde.errors import EncodeError
from registry.serde.meta import Meta
from registry.serde.naming import attribute_name
from registry.serde.shape import Shape

_ENVELOPE: Final = object()
"""Stands for a record that holds nothing but the envelope, for which there is no object."""

_Plain = Primitive | Array | Map | Record | Enum | Fixed


def encode_carefully(schema: Schema, shape: Shape, event: object, meta: Meta | None) -> bytes:
    """The bytes of an event. Raises :class:`EncodeError` with the path."""
    walk = _Walk(schema, shape, meta, 0)
    return walk.start(schema.root, event, tuple(shape.envelope.items()))


def encode_part(schema: Schema, shape: Shape, type_: Type, value: object, depth: int) -> bytes:
    """The bytes of a value that stands ``depth`` levels deep in an event. Raises :class:`EncodeError`."""
    return _Walk(schema, shape, None, depth - 1).start(type_, value, ())


class _Walk:
    """One event on its way to bytes."""

    __slots__ = ("_depth", "_meta", "_schema", "_shape", "_steps", "_tried")

    def __init__(self, schema: Schema, shape: Shape, meta: Meta | None, depth: int) -> None:
        self._schema = schema
        self._shape = shape
        self._meta = meta
        self._depth = depth
        """Levels above the first value."""
        self._steps: list[str] = []
        self._tried: dict[tuple[int, int], tuple[object, bytes | EncodeError]] = {}

    def start(self, type_: Type, value: object, roles: Roles) -> bytes:
        """The bytes of the first value."""
        try:
            return self._write("", type_, value, roles, "")
        except RecursionError:
            raise EncodeError("nests too deep for the stack that is left", "".join(self._steps[:MAX_NESTING])) from None

    def _fail(self, fact: str, help: str = "") -> NoReturn:
        raise EncodeError(fact, "".join(self._steps), help) from None

    def _write(self, step: str, type_: Type, value: object, roles: Roles = (), role: str = "") -> bytes:
        """The bytes of the value that is one step further down."""
        self._steps.append(step)
        if len(self._steps) + self._depth > MAX_NESTING:
            self._fail(f"nests deeper than {MAX_NESTING} levels")
        plain = self._schema.resolve(type_)
        if isinstance(plain, Union):
            data = self._write_union(plain, value, roles, role)
        else:
            data = self._write_plain(plain, value, roles, role)
        self._steps.pop()
        return data

    def _write_plain(self, type_: _Plain, value: object, roles: Roles, role: str) -> bytes:
        """The bytes of a value that is at the place already."""
        if isinstance(type_, Record):
            return self._write_record(type_, value, roles)
        try:
            if isinstance(type_, Array):
                return self._write_array(type_, value)
            if isinstance(type_, Map):
                return self._write_map(type_, value)
            return self._write_leaf(type_, value, role)
        except (EncodeError, RecursionError):
            raise
        except ValueError as error:
            self._refuse(str(error), type_, value, role)
        except Exception as error:  # of the value's own methods: a time zone's, a mapping's
            self._fail(f"{describe_python(value)} cannot be read: {error!r}")

    def _refuse(self, fact: str, type_: Any, value: object, role: str) -> NoReturn:
        """Adds to a fact what is known of the value's class, and what to write instead."""
        expected = find_classes(self._schema, self._shape, type_, role)[0]
        if type(value) in (str, int, float, Decimal, UUID) and fact.startswith(shown := describe_python(value)):
            fact = describe_given(value, expected) + fact[len(shown) :]
        self._fail(fact, self._advise(type_, value, expected))

    def _advise(self, type_: Any, value: object, expected: type) -> str:
        if isinstance(value, datetime) and expected is datetime:
            is_local = type_.logical.name.startswith("local-")
            return "" if is_local or _has_zone(value) else advise(value, expected)
        return "" if type(value) is expected else advise(value, expected)

    # Records

    def _write_record(self, type_: Record, value: object, roles: Roles) -> bytes:
        cls = self._shape.types.get(type_.name)
        keys = [find_key(self._schema, field, roles) for field in type_.fields]
        if value is not _ENVELOPE:
            self._judge_record(type_, value, cls, keys)
        data = bytearray()
        for field, key in zip(type_.fields, keys, strict=True):
            role = find_role(field, roles)
            step = f"/{field.name}"
            inner: object = _ENVELOPE
            if role:
                inner = self._find_in_envelope(step, role)
            elif key:
                inner = self._find_field(step, value, cls, key)
            data += self._write(step, field.type, inner, find_deeper(field, roles), role)
        return bytes(data)

    def _judge_record(self, type_: Record, value: object, cls: type | None, keys: Sequence[str]) -> None:
        if cls is not None:
            if not isinstance(value, cls):
                self._fail(describe_classes(value, cls), advise(value, cls))
        elif not isinstance(value, dict):
            self._fail(f"{describe_python(value)} is no dict (record {type_.name})")
        else:
            names = set(keys) - {""}
            for name in value:
                if name not in names:
                    self._fail(f"record {type_.name} has no field {describe_python(name)}")

    def _find_in_envelope(self, step: str, role: str) -> object:
        if self._meta is None:
            self._steps.append(step)
            self._fail("there is no envelope to take the value from")
        return getattr(self._meta, role)

    def _find_field(self, step: str, value: Any, cls: type | None, key: str) -> object:
        try:
            return value[key] if cls is None else getattr(value, attribute_name(key))
        except (KeyError, AttributeError):
            self._steps.append(step)
            self._fail(f"field '{key}' is missing")

    # Arrays and maps

    def _write_array(self, type_: Array, value: object) -> bytes:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray | memoryview):
            refuse(value, "sequence (array)")
        items = list(value)
        data = bytearray(write_number(len(items)))
        for i, item in enumerate(items):
            data += self._write(f"[{i}]", type_.items, item)
        return bytes(data + b"\0") if items else b"\0"

    def _write_map(self, type_: Map, value: object) -> bytes:
        if not isinstance(value, Mapping):
            refuse(value, "mapping (map)")
        entries = dict(value)
        data = bytearray(write_number(len(entries)))
        for key, inner in entries.items():
            data += write_string(key) + self._write(show_key(key), type_.values, inner)
        return bytes(data + b"\0") if entries else b"\0"

    # Values without parts

    def _write_leaf(self, type_: Primitive | Enum | Fixed, value: object, role: str) -> bytes:
        if isinstance(type_, Enum):
            return self._write_enum(type_, value)
        size = type_.size if isinstance(type_, Fixed) else None
        base = self._to_base(type_.logical, value, size, role)
        if isinstance(type_, Primitive):
            return _WRITE.get(type_.name, WRITE_PRIMITIVE[type_.name])(base)
        if not isinstance(base, bytes):
            refuse(base, f"bytes (fixed {type_.name})")
        if len(base) != size:
            raise ValueError(f"fixed {type_.name} has {size} bytes, not {len(base)}")
        return base

    def _to_base(self, logical: Logical | None, value: object, size: int | None, role: str) -> object:
        """The number, text or bytes that stand for a value."""
        cls = find_class(logical)
        if logical is None or cls is None:
            return value
        if role in IDS:
            if not isinstance(value, str) or not is_uuid(value):
                refuse(value, "text of a UUID")
            return value if size is None else bytes.fromhex(value.replace("-", ""))
        is_other = not isinstance(value, cls) or (logical.name == "date" and isinstance(value, datetime))
        if is_other and (self._shape.types or role):
            refuse(value, str(logical))
        if self._shape.types and isinstance(value, datetime) and value.tzinfo is not None:
            try:
                value.astimezone(UTC)
            except OverflowError:
                raise ValueError(f"{value} is, in UTC, not within the years 0001 to 9999") from None
        return write_logical(logical, value, size)

    def _write_enum(self, type_: Enum, value: object) -> bytes:
        cls = self._shape.types.get(type_.name)
        if cls is not None:
            if not isinstance(value, cls):
                raise ValueError(describe_classes(value, cls))
            assert isinstance(value, PythonEnum)
            value = value.value
        number = next((symbol.number for symbol in type_.symbols if symbol.name == value), None)
        if number is None:
            raise ValueError(f"unknown symbol {describe_python(value)}")
        return write_number(number)

    # Unions

    def _write_union(self, union: Union, value: object, roles: Roles, role: str) -> bytes:
        """By the first branch that takes the value. A union tries a value once, wherever the two meet."""
        if value is _ENVELOPE or roles or role:
            result = self._try_branches(union, value, roles, role)
        else:
            key = id(union), id(value)
            if key not in self._tried:  # the value is kept, so that no other gets its identity
                self._tried[key] = value, self._try_branches(union, value, (), "")
            result = self._tried[key][1]
        if isinstance(result, EncodeError):
            raise EncodeError(result.fact, "".join(self._steps) + result.path, result.help)
        return result

    def _try_branches(self, union: Union, value: object, roles: Roles, role: str) -> bytes | EncodeError:
        """The bytes, or the error of the branch that came furthest, with its path from the union on.

        A branch that takes the value as it is goes before one that rounds it, or makes a ``float`` of an ``int``. Where
        one branch is meant, its error says more than that the value fits none.
        """
        above = len(self._steps)
        prefix = len("".join(self._steps))
        furthest: EncodeError | None = None
        changing = [self._is_changing(branch, value) for branch in union.branches]
        order = sorted(range(len(changing)), key=changing.__getitem__)
        for i in order:
            branch = self._schema.resolve(union.branches[i])
            assert not isinstance(branch, Union)  # "Unions may not immediately contain other unions"
            if value is _ENVELOPE and not _is_on_path(branch, roles):
                continue
            try:
                return write_number(i) + self._write_plain(branch, value, roles, role)
            except EncodeError as error:
                reached = len(furthest.path) if furthest is not None else 0
                deeper = len(self._steps) > above and len(error.path) - prefix > reached
                if deeper or (not reached and i == self._find_meant(union, value, role)):
                    furthest = EncodeError(error.fact, error.path[prefix:], error.help)
                del self._steps[above:]
        if furthest is not None:
            return furthest
        return EncodeError(f"{describe_python(value)} fits no branch of {describe(union, self._schema.types)}")

    def _find_meant(self, union: Union, value: object, role: str) -> int | None:
        """The branch that a value is for: the only one of its class, or the only one that is not null."""
        classes = [find_classes(self._schema, self._shape, branch, role) for branch in union.branches]
        others = [i for i, each in enumerate(classes) if each != (type(None),)]
        if value is None or value is _ENVELOPE:
            return None
        if len(others) > 1:
            others = [
                i for i in others if isinstance(value, classes[i]) and (type(value) is not bool or bool in classes[i])
            ]
        return others[0] if len(others) == 1 else None

    def _is_changing(self, type_: Type, value: object) -> bool:
        if not isinstance(type_, Primitive) or type_.name not in ("float", "double"):
            return False
        return not isinstance(value, float) or (type_.name == "float" and not _is_exact(value))


def _has_zone(value: datetime) -> bool:
    try:
        return value.utcoffset() is not None
    except Exception:  # of a zone that is somebody's own
        return True


def _is_on_path(type_: _Plain, roles: Roles) -> bool:
    first = {path[0] for _, path in roles}
    return isinstance(type_, Record) and bool(first & {field.name for field in type_.fields})


def _is_exact(value: float) -> bool:
    """Whether 32 bits hold a number."""
    try:
        return isnan(value) or unpack("<f", pack("<f", value))[0] == value
    except OverflowError:
        return False


def _write_float(value: object) -> bytes:
    return WRITE_PRIMITIVE["float"](_to_float(value, "float", 32))


def _write_double(value: object) -> bytes:
    return WRITE_PRIMITIVE["double"](_to_float(value, "double", 64))


def _to_float(value: object, name: str, bits: int) -> object:
    """An ``int`` as a ``float``, if nothing is lost."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    try:
        number = float(value)
        if number == value and (bits == 64 or _is_exact(number)):
            return number
    except OverflowError:
        pass
    raise ValueError(f"{describe_python(value)} is no {name}: {bits} bits would round it")


_WRITE: Final[Mapping[str, Callable[[object], bytes]]] = {"float": _write_float, "double": _write_double}
"""What takes more than the reference codec."""
