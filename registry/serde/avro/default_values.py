"""Defaults as the values they stand for (Avro 1.12, "Records"), typed, with logical types, made once per plan.

:func:`renew` makes each record's own copy of what can be changed.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import is_
from typing import Final

from registry.formats.avro.defaults import Defaults
from registry.frozen import dataclass
from registry.schema import Array, Enum, Field, Fixed, Logical, Map, Primitive, Record, Schema, Type, Union
from registry.serde.avro.making import PROMOTE, make_logical
from registry.serde.avro.plan import Refused
from registry.serde.avro.roles import IDS, Roles, find_deeper, find_key, find_role
from registry.serde.errors import UnfitStub
from registry.serde.naming import attribute_name
from registry.serde.shape import Shape

MAX_NESTING: Final = 256
"""Levels of a default; one that is deeper never ends."""
MAX_VALUES: Final = 250_000
"""Values of one default: twenty records that each hold the next one twice are a million."""


@dataclass(frozen=True, slots=True)
class Made:
    """The value of a default, and what of it belongs to the envelope, by role."""

    value: object
    envelope: Mapping[str, object]
    count: int
    """Values in all."""


class DefaultValues:
    """The defaults of a reader's schema."""

    __slots__ = ("_count", "_defaults", "_found", "_schema", "_shape", "_steps")

    def __init__(self, schema: Schema, shape: Shape) -> None:
        self._schema = schema
        self._shape = shape
        self._defaults = Defaults(schema.types)
        self._steps: list[str] = []
        self._count = 0
        self._found: dict[str, object] = {}

    def make(self, field: Field, roles: Roles) -> Made | Refused:
        """The default of a field; :class:`Refused` where it fits the type no more than a value would."""
        self._steps, self._count, self._found = [], 0, {}
        try:
            value = self._make_field(field, roles)
        except ValueError as error:
            return Refused(str(error), "".join(self._steps))
        return Made(value, self._found, self._count)

    def _make_field(self, field: Field, roles: Roles) -> object:
        self._steps.append(f"/{field.name}")
        fault = self._defaults.find_fault(field.type, field.default)
        if fault is not None:
            raise ValueError(f"the default does not fit: {fault.message}")
        value = self._make(field.type, field.default, find_deeper(field, roles), find_role(field, roles) in IDS)
        self._steps.pop()
        return value

    def _step(self, step: str, type_: Type, default: object, roles: Roles = (), is_id: bool = False) -> object:
        self._steps.append(step)
        value = self._make(type_, default, roles, is_id)
        self._steps.pop()
        return value

    def _make(self, type_: Type, default: object, roles: Roles, is_id: bool) -> object:
        self._count += 1
        if self._count > MAX_VALUES:
            raise ValueError(f"the default has more than {MAX_VALUES} values")
        if len(self._steps) > MAX_NESTING:
            raise ValueError(f"the default nests deeper than {MAX_NESTING} levels")
        plain = self._schema.resolve(type_)
        if isinstance(plain, Union):
            # 1.12: "the default value ... must match any one element of the union"; the first that it fits
            index = self._defaults.fitting_branch(plain, default)
            assert index is not None  # find_fault() saw that it fits
            plain = self._schema.resolve(plain.branches[index])
        if isinstance(plain, Primitive):
            return self._make_scalar(plain.logical, _PRIMITIVES.get(plain.name, _same)(default), is_id)
        if isinstance(plain, Fixed):
            return self._make_scalar(plain.logical, _to_bytes(default), is_id)
        if isinstance(plain, Enum):
            return find_member(self._shape.types.get(plain.name), str(default))
        if isinstance(plain, Array):
            assert isinstance(default, list)
            items = [self._step(f"[{i}]", plain.items, item) for i, item in enumerate(default)]
            return tuple(items) if self._shape.types else items
        assert isinstance(default, dict)
        if isinstance(plain, Map):
            return {key: self._step(f"{{{key!r}}}", plain.values, inner) for key, inner in default.items()}
        assert isinstance(plain, Record)
        return self._make_record(plain, default, roles)

    def _make_scalar(self, logical: Logical | None, value: object, is_id: bool) -> object:
        if logical is None:
            return value
        return make_logical(logical, value, is_id=is_id, exact=bool(self._shape.types))

    def _make_record(self, record: Record, default: dict[str, object], roles: Roles) -> object:
        values: dict[str, object] = {}
        for field in record.fields:
            role = find_role(field, roles)
            if field.name in default:
                inner = default[field.name]
                value = self._step(f"/{field.name}", field.type, inner, find_deeper(field, roles), role in IDS)
            else:
                value = self._make_field(field, roles)
            if role:
                self._found[role] = value
            elif key := find_key(self._schema, field, roles):
                values[key] = value
        cls = self._shape.types.get(record.name)
        if cls is None:
            return values
        made: object = object.__new__(cls)
        for key, value in values.items():
            setattr(made, attribute_name(key), value)
        return made


def find_member(cls: type | None, symbol: str) -> object:
    """The symbol, or the member of its class. Raises :class:`UnfitStub`."""
    if cls is None:
        return symbol
    try:
        return cls(symbol)
    except ValueError:
        fact = f"class {cls.__name__} has no member with the value '{symbol}'"
        raise UnfitStub(fact, help="make the stubs again: contracts gen") from None


Renew = Callable[[object], object]
"""Copies what somebody who gets a default could change: lists, dicts, and instances of the stubs' classes."""


def make_renewer(records: Mapping[type, Sequence[str]]) -> Renew:
    """What copies the defaults of a plan; ``records`` are the classes, with the attributes that they may have."""

    def renew(value: object) -> object:
        if isinstance(value, list):
            return [*map(renew, value)]
        if isinstance(value, dict):
            return {key: renew(inner) for key, inner in value.items()}
        if type(value) is tuple:
            items = tuple(map(renew, value))
            return value if all(map(is_, items, value)) else items
        names = records.get(type(value))
        if names is None:
            return value
        copy: object = object.__new__(type(value))
        for name in names:
            if hasattr(value, name):  # a record on the way to the envelope lacks some
                setattr(copy, name, renew(getattr(value, name)))
        return copy

    return renew


def _same(value: object) -> object:
    return value


def _to_bytes(value: object) -> bytes:
    """ "Unicode code points 0-255 are mapped to unsigned 8-bit byte values 0-255"."""
    return str(value).encode("latin-1")


_PRIMITIVES: Final[Mapping[str, Callable[[object], object]]] = {
    "float": PROMOTE["float"],
    "double": PROMOTE["double"],
    "bytes": _to_bytes,
}
"""What JSON does not tell apart."""
