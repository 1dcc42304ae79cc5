"""From a writer's schema and a reader's to a :class:`~registry.serde.avro.plan.Plan` ("Schema Resolution", Avro 1.12).

Which branch, which name and which field is :mod:`registry.formats.avro.matching`'s to say, as for the checker. What
cannot be read is judged where a value meets it: an empty array of one thing reads as an empty array of anything.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from registry.formats.avro.matching import Chooser, Plain, are_matching, find_takers, find_untaken
from registry.formats.avro.words import describe
from registry.schema import MISSING, Array, Enum, Field, Fixed, Logical, Map, Primitive, Record, Schema, Type, Union
from registry.serde.avro.default_values import DefaultValues, find_member
from registry.serde.avro.plan import (
    NOTHING,
    Branches,
    Entries,
    Filled,
    Items,
    Node,
    Object,
    Part,
    Parts,
    Plan,
    Refused,
    Scalar,
    Sized,
    Symbols,
    Unknown,
)
from registry.serde.avro.python_types import check_class
from registry.serde.avro.roles import IDS, Roles, find_deeper, find_key, find_role
from registry.serde.naming import attribute_name
from registry.serde.shape import Shape

_COUNTS: Final = frozenset({"timestamp-nanos", "local-timestamp-nanos"})
"""Logical types that have no Python type: ``datetime`` counts microseconds."""


def make_plan(reader: Schema, writer: Schema, shape: Shape, substitutes: bool) -> Plan:
    """How a reader with these classes reads the events of a writer.

    Without ``substitutes``, a symbol that the reader does not know is an error even where its enum has a default.
    Raises :class:`UnfitStub` where an enum's class lacks a symbol.
    """
    resolver = _Resolver(reader, writer, shape, substitutes)
    roles = tuple((role, path) for role, path in shape.envelope.items() if path)
    root = resolver.resolve(reader.root, writer.root, roles)
    while resolver.wanted:
        number, make = resolver.wanted.pop()
        resolver.records[number] = make()
    return Plan(root, tuple(resolver.records), bool(shape.types))


class _Resolver:
    """A reader's schema and a writer's, and the records that are still to be looked at."""

    __slots__ = (
        "_chooser",
        "_defaults",
        "_numbers",
        "_reader",
        "_shape",
        "_substitutes",
        "_writer",
        "records",
        "wanted",
    )

    def __init__(self, reader: Schema, writer: Schema, shape: Shape, substitutes: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._shape = shape
        self._substitutes = substitutes
        self._chooser = Chooser(reader.types)
        self._defaults = DefaultValues(reader, shape)
        self._numbers: dict[tuple[str, str, Roles], int] = {}
        self.records: list[Parts] = []
        self.wanted: list[tuple[int, Callable[[], Parts]]] = []

    def resolve(self, reader_type: Type, writer_type: Type, roles: Roles = (), is_id: bool = False) -> Node:
        """How a value of the writer's type is read as one of the reader's."""
        writer = self._writer.resolve(writer_type)
        if isinstance(writer, Union):
            # "if writer's is a union": the branch that was written is to be read
            return Branches(tuple(self.resolve(reader_type, branch, roles, is_id) for branch in writer.branches))
        reader = self._reader.resolve(reader_type)
        if isinstance(reader, Union):
            # "if reader's is a union": the one branch that matches
            chosen = self._chooser.choose(reader, writer)
            if len(chosen) > 1:
                either = " or ".join(describe(branch, self._reader.types) for branch in chosen)
                return Refused(f"{describe(writer, self._writer.types)} could be read as {either}")
            if not chosen:
                return self._refuse(reader, writer)
            reader = self._reader.resolve(chosen[0])
        assert not isinstance(reader, Union)  # "Unions may not immediately contain other unions"
        if not are_matching(reader, writer):
            return self._refuse(reader, writer)
        return _RESOLVE[type(writer)](self, reader, writer, roles, is_id)

    def _refuse(self, reader: Plain | Union, writer: Plain) -> Refused:
        read, written = describe(reader, self._reader.types), describe(writer, self._writer.types)
        return Refused(f"{written} cannot be read as {read}")

    def resolve_primitive(self, reader: Plain, writer: Plain, _roles: Roles, is_id: bool) -> Node:
        assert isinstance(reader, Primitive) and isinstance(writer, Primitive)
        return Scalar(writer.name, reader.name, _meaning(reader.logical), is_id)

    def resolve_fixed(self, reader: Plain, writer: Plain, _roles: Roles, is_id: bool) -> Node:
        assert isinstance(reader, Fixed) and isinstance(writer, Fixed)
        return Sized(writer.size, writer.name, _meaning(reader.logical), is_id)

    def resolve_enum(self, reader: Plain, writer: Plain, _roles: Roles, _is_id: bool) -> Node:
        """ "if both are enums": the symbol, else the default of the reader's enum."""
        assert isinstance(reader, Enum) and isinstance(writer, Enum)
        cls = self._shape.types.get(reader.name)
        known = {symbol.name for symbol in reader.symbols}
        values: list[object] = []
        for symbol in writer.symbols:
            if symbol.name in known:
                values.append(find_member(cls, symbol.name))
            elif reader.default is None or not self._substitutes:
                values.append(Unknown(symbol.name))
            else:
                values.append(find_member(cls, reader.default))
        return Symbols(writer.name, tuple(values))

    def resolve_array(self, reader: Plain, writer: Plain, _roles: Roles, _is_id: bool) -> Node:
        assert isinstance(reader, Array) and isinstance(writer, Array)
        return Items(self.resolve(reader.items, writer.items))

    def resolve_map(self, reader: Plain, writer: Plain, _roles: Roles, _is_id: bool) -> Node:
        assert isinstance(reader, Map) and isinstance(writer, Map)
        return Entries(self.resolve(reader.values, writer.values))

    def resolve_record(self, reader: Plain, writer: Plain, roles: Roles, _is_id: bool) -> Node:
        assert isinstance(reader, Record) and isinstance(writer, Record)
        return self._want((reader.name, writer.name, roles), lambda: self._make_parts(reader, writer, roles))

    def _want(self, key: tuple[str, str, Roles], make: Callable[[], Parts]) -> Object:
        """The record's number; it is looked at later, so that a long chain of records takes no stack."""
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.records)
            self.records.append(NOTHING)
            self.wanted.append((number, make))
        return Object(number)

    def _make_parts(self, reader: Record, writer: Record, roles: Roles) -> Parts:
        """ "if both are records": fields by name, or by an alias of the reader, in the order they were written."""
        takers = find_takers(reader, writer)
        untaken = list(find_untaken(reader, takers))
        for field in untaken:
            if field.default is MISSING:
                fact = f"field '{field.name}' was not written and has no default"
                return Parts((), refused=Refused(fact, f"/{field.name}"))
        written: list[Part] = []
        for field in writer.fields:
            target = takers.get(field.name)
            if target is None:
                written.append(Part(f"/{field.name}", self._drop(field.type)))
                continue
            role, key = find_role(target, roles), find_key(self._reader, target, roles)
            node = self.resolve(target.type, field.type, find_deeper(target, roles), role in IDS)
            written.append(Part(f"/{target.name}", node, key, role))
        filled: list[Filled] = []
        for field in untaken:
            filled += self._fill(field, roles)
        keys = tuple(key for field in reader.fields if (key := find_key(self._reader, field, roles)))
        cls = self._shape.types.get(reader.name)
        attributes = None if cls is None else {key: attribute_name(key) for key in keys}
        if cls is not None and attributes is not None:
            check_class(cls, keys, reader.name)
        return Parts(tuple(written), tuple(filled), keys, cls, attributes)

    def _fill(self, field: Field, roles: Roles) -> Iterator[Filled]:
        """A field that was not written, and what its default holds of the envelope."""
        step = f"/{field.name}"
        made = self._defaults.make(field, roles)
        if isinstance(made, Refused):
            yield Filled(step, made)
            return
        for role, value in made.envelope.items():
            yield Filled(step, value, role=role)
        role, key = find_role(field, roles), find_key(self._reader, field, roles)
        if key or role:
            yield Filled(step, made.value, key, role, made.count)

    def _drop(self, writer_type: Type) -> Node:
        """How a value that nobody wants is passed over: its lengths and counts are checked, and not what they hold."""
        writer = self._writer.resolve(writer_type)
        if isinstance(writer, Union):
            return Branches(tuple(map(self._drop, writer.branches)))
        return _DROP[type(writer)](self, writer)

    def drop_primitive(self, writer: Plain) -> Node:
        assert isinstance(writer, Primitive)
        name = "bytes" if writer.name == "string" else writer.name
        return Scalar(name, name)

    def drop_fixed(self, writer: Plain) -> Node:
        assert isinstance(writer, Fixed)
        return Sized(writer.size, writer.name)

    def drop_enum(self, writer: Plain) -> Node:
        assert isinstance(writer, Enum)
        return Symbols(writer.name, tuple(symbol.name for symbol in writer.symbols))

    def drop_array(self, writer: Plain) -> Node:
        assert isinstance(writer, Array)
        return Items(self._drop(writer.items))

    def drop_map(self, writer: Plain) -> Node:
        assert isinstance(writer, Map)
        return Entries(self._drop(writer.values))

    def drop_record(self, writer: Plain) -> Node:
        assert isinstance(writer, Record)
        return self._want(("", writer.name, ()), lambda: self._make_dropped(writer))

    def _make_dropped(self, writer: Record) -> Parts:
        parts = tuple(Part(f"/{field.name}", self._drop(field.type)) for field in writer.fields)
        return Parts(parts, dropped=True)


_RESOLVE: Final[Mapping[type, Callable[[_Resolver, Plain, Plain, Roles, bool], Node]]] = {
    Primitive: _Resolver.resolve_primitive,
    Fixed: _Resolver.resolve_fixed,
    Enum: _Resolver.resolve_enum,
    Array: _Resolver.resolve_array,
    Map: _Resolver.resolve_map,
    Record: _Resolver.resolve_record,
}

_DROP: Final[Mapping[type, Callable[[_Resolver, Plain], Node]]] = {
    Primitive: _Resolver.drop_primitive,
    Fixed: _Resolver.drop_fixed,
    Enum: _Resolver.drop_enum,
    Array: _Resolver.drop_array,
    Map: _Resolver.drop_map,
    Record: _Resolver.drop_record,
}


def _meaning(logical: Logical | None) -> Logical | None:
    return None if logical is None or logical.name in _COUNTS else logical
