"""What an Avro schema adds to an event that converters made: the defaults of fields that it lacks, at any depth.

Where a union has several records, the value says by its fields which of them it is.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from registry.frozen import replace
from registry.schema import MISSING, Array, Enum, Fixed, Map, Primitive, Record, Ref, Schema, Type, Union
from registry.serde.errors import EncodeError

_Completion = Callable[[Any], Any]


def compile_completion(schema: Schema) -> _Completion:
    """A function that gives a plain event the fields that it lacks and that have a default, each made afresh.

    The event that is given stays as it was. Fields without a default stay lacking, and are found by the encoder.
    """
    completion = _Completer(schema).make(schema.root)

    def complete(event: Any) -> Any:
        try:
            return completion(event) if completion else event
        except RecursionError:
            raise EncodeError("nests too deep for the stack that is left") from None

    return complete


class _Completer:
    """The completions of one schema's records, made when they are first met."""

    __slots__ = ("_filling", "_schema")

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._filling = _find_filling(schema)
        """The records with a default in them, at any depth; the others are passed by."""

    def make(self, type_: Type) -> _Completion | None:
        """The completion of values of a type; nothing where there is nothing to add."""
        if isinstance(type_, Array):
            return _map_items(self.make(type_.items))
        if isinstance(type_, Map):
            return _map_values(self.make(type_.values))
        if isinstance(type_, Union):
            return self._make_union(type_)
        if not isinstance(type_, Ref) or type_.name not in self._filling:
            return None
        record = self._schema.types[type_.name]
        assert isinstance(record, Record)
        return self._make_record(record)

    def _make_record(self, record: Record) -> _Completion:
        ready: list[tuple[Callable[[], dict[str, Any]], list[tuple[str, _Completion]]]] = []

        def complete(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            if not ready:  # not before: records may hold themselves
                inner = ((field.name, self.make(field.type)) for field in record.fields)
                ready.append((_compile_defaults(self._schema, record), [(name, each) for name, each in inner if each]))
            make_defaults, fields = ready[0]
            value = make_defaults() | value
            for name, completion in fields:
                if name in value:
                    value[name] = completion(value[name])
            return value

        return complete

    def _make_union(self, union: Union) -> _Completion | None:
        records = [(branch, found) for branch in union.branches if isinstance(found := self._type(branch), Record)]
        completions = [(record, completion) for branch, record in records if (completion := self.make(branch))]
        others = [(branch, self.make(branch)) for branch in union.branches if isinstance(branch, Array | Map)]
        if not completions and not any(completion for _, completion in others):
            return None

        def complete(value: Any) -> Any:
            if isinstance(value, dict):
                found = [(record, each) for record, each in completions if _may_be(value, record)]
                exact = [each for record, each in found if len(value) == len(record.fields)]
                if not exact and any(value.keys() == {f.name for f in record.fields} for _, record in records):
                    return value
                fitting = exact or [each for _, each in found]
                if len(fitting) == 1:
                    return fitting[0](value)
            for branch, completion in others:
                if completion and isinstance(value, list if isinstance(branch, Array) else dict):
                    return completion(value)
            return value

        return complete

    def _type(self, type_: Type) -> object:
        return self._schema.resolve(type_)


def _may_be(value: dict[str, Any], record: Record) -> bool:
    """Whether defaults make this a value of the record."""
    fields = {field.name: field.default for field in record.fields}
    return value.keys() <= fields.keys() and all(
        name in value or default is not MISSING for name, default in fields.items()
    )


def _map_items(completion: _Completion | None) -> _Completion | None:
    if completion is None:
        return None
    return lambda value: [completion(item) for item in value] if isinstance(value, list | tuple) else value


def _map_values(completion: _Completion | None) -> _Completion | None:
    if completion is None:
        return None
    return lambda value: {key: completion(item) for key, item in value.items()} if isinstance(value, dict) else value


def _compile_defaults(schema: Schema, record: Record) -> Callable[[], dict[str, Any]]:
    """The defaults of a record, as its reader makes them of a writer who knew none of its fields."""
    from registry.serde.avro import compile_decoder

    defaulted = replace(record, fields=tuple(field for field in record.fields if field.default is not MISSING))
    root = Ref(record.name, record.at)
    types = dict(schema.types)
    # The name has to lead to the reduced record at the root, and to the whole one inside.
    types[""] = replace(defaulted, name="")
    reader = replace(schema, roots=(Ref("", root.at),), types=types)
    writer = replace(schema, roots=(Ref("", root.at),), types={"": replace(defaulted, name="", fields=())})
    decode = compile_decoder(reader, writer)

    def make() -> dict[str, Any]:
        made: dict[str, Any] = decode(b"", 0, None)
        return made

    return make


def _find_filling(schema: Schema) -> frozenset[str]:
    """Records that have a field with a default, or that lead to one that has."""
    holders: dict[str, set[str]] = {}
    waiting: list[str] = []
    for name, type_ in schema.types.items():
        if isinstance(type_, Record):
            if any(field.default is not MISSING for field in type_.fields):
                waiting.append(name)
            for field in type_.fields:
                for used in _find_refs(field.type):
                    holders.setdefault(used, set()).add(name)
    found = set(waiting)
    while waiting:
        for holder in holders.get(waiting.pop(), ()):
            if holder not in found:
                found.add(holder)
                waiting.append(holder)
    return frozenset(found)


def _find_refs(type_: Type) -> Iterator[str]:
    if isinstance(type_, Ref):
        yield type_.name
    elif isinstance(type_, Union):
        for branch in type_.branches:
            yield from _find_refs(branch)
    elif isinstance(type_, Array):
        yield from _find_refs(type_.items)
    elif isinstance(type_, Map):
        yield from _find_refs(type_.values)


# Branches that a value does not tell apart


def find_lookalikes(schema: Schema) -> Iterator[str]:
    """A sentence for each pair of branches of a union that a value without classes may fit both of."""
    for name, type_ in [("", None), *schema.types.items()]:
        types = [("", schema.root)] if type_ is None else []
        if isinstance(type_, Record):
            types = [(f"{name}, field '{field.name}'", field.type) for field in type_.fields]
        for place, used in types:
            for union in _find_unions(used):
                for one, other in combinations(union.branches, 2):
                    if _look_alike(schema, one, other):
                        what = f"{_name(one)} and {_name(other)}"
                        yield f"the values of {what} look the same in a union ({place or 'the event'})"


def _find_unions(type_: Type) -> Iterator[Union]:
    if isinstance(type_, Union):
        yield type_
        for branch in type_.branches:
            yield from _find_unions(branch)
    elif isinstance(type_, Array):
        yield from _find_unions(type_.items)
    elif isinstance(type_, Map):
        yield from _find_unions(type_.values)


def _look_alike(schema: Schema, one: Type, other: Type) -> bool:
    a, b = schema.resolve(one), schema.resolve(other)
    if isinstance(a, Record) and isinstance(b, Record):
        return {field.name for field in a.fields} == {field.name for field in b.fields}
    if isinstance(a, Record | Map) and isinstance(b, Record | Map):
        return True
    if isinstance(a, Enum) and isinstance(b, Enum):
        return bool({symbol.name for symbol in a.symbols} & {symbol.name for symbol in b.symbols})
    if isinstance(a, Fixed) and isinstance(b, Fixed) and a.size != b.size and a.logical is None and b.logical is None:
        return False
    return _python(a) == _python(b) != ""


def _python(type_: object) -> str:
    """The Python type of values whose branch matters; numbers mean the same in each branch."""
    if isinstance(type_, Enum):
        return "str"
    logical = getattr(type_, "logical", None)
    if logical is not None:
        name: str = logical.name
        return name
    if isinstance(type_, Fixed):
        return "bytes"
    return {"string": "str", "bytes": "bytes"}.get(type_.name, "") if isinstance(type_, Primitive) else ""


def _name(type_: Type) -> str:
    return type_.name if isinstance(type_, Ref | Primitive) else type(type_).__name__.lower()
