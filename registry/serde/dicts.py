"""Avro events as the dicts that fastavro reads and writes.

Between them and the events stand the bytes and this project's own codecs, which check all there is to check: here
records are of classes made for the purpose, so that the branch of a union is never guessed from the look of a value.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum as PythonEnum
from typing import Any, Final, NoReturn

from registry.described import describe_python
from registry.schema import Array, Enum, Fixed, Logical, Map, Primitive, Record, Ref, Schema, Type, Union
from registry.serde.avro import compile_decoder, compile_encoder
from registry.serde.errors import DecodeError, EncodeError
from registry.serde.naming import attribute_name
from registry.serde.shape import Shape

_Turn = Callable[[Any, str], Any]
"""One value into another, with its path."""

_BASES: Final[Mapping[str, type]] = {"int": int, "long": int, "bytes": bytes, "string": str}
_TAG: Final = "-type"
"""Another way in which fastavro names the branch of a union."""


class Dicts:
    """The dicts of one schema. ``types`` are the classes of its enums; what it holds for records is not used."""

    def __init__(self, schema: Schema, types: Mapping[str, type]) -> None:
        self._schema = schema
        self._classes: dict[str, type] = {}
        for name, type_ in schema.types.items():
            if isinstance(type_, Record):
                slots = tuple(attribute_name(field.name) for field in type_.fields)
                self._classes[name] = type("Node", (), {"__slots__": slots})
            elif isinstance(type_, Enum) and name in types:
                self._classes[name] = types[name]
        shape = Shape(self._classes)
        self._decode = compile_decoder(schema, schema, shape)
        self._encode = compile_encoder(schema, shape)
        self._dump: dict[str, _Turn] = {}
        self._load: dict[str, _Turn] = {}

    def read(self, body: bytes, subject: str) -> dict[str, Any]:
        """The dict of an event's bytes. Raises :class:`EncodeError`."""
        try:
            values: dict[str, Any] = self.dumper(self._schema.root)(self._decode(body, 0, None), "")
        except DecodeError as error:  # bytes that were just written: a date beyond Python's, say
            raise EncodeError(error.fact, error.path, error.help, subject) from None
        except RecursionError:
            raise EncodeError("nests too deep for the stack that is left", subject=subject) from None
        return values

    def write(self, values: Any) -> bytes:
        """The bytes of an event, given as a dict. Raises :class:`registry.serde.errors.CodecError`."""
        try:
            return self._encode(self.loader(self._schema.root)(values, ""), b"", None)
        except RecursionError:
            raise DecodeError("nests too deep for the stack that is left") from None

    # Objects to dicts

    def dumper(self, type_: Type) -> _Turn:
        """What makes of values of a type what fastavro writes."""
        plain = self._schema.resolve(type_)
        if isinstance(plain, Record):
            return self._named(self._dump, plain, self._dump_record)
        if isinstance(plain, Array):
            items = self.dumper(plain.items)
            return lambda value, at: [items(item, at) for item in value]
        if isinstance(plain, Map):
            values = self.dumper(plain.values)
            return lambda value, at: {key: values(item, at) for key, item in value.items()}
        if isinstance(plain, Union):
            return self._dump_union(plain)
        if isinstance(plain, Enum):
            return lambda value, _at: value.value if isinstance(value, PythonEnum) else value
        if isinstance(plain, Fixed) and plain.logical is not None and plain.logical.name != "decimal":
            return _dump_fixed(plain.logical, plain.size)
        return _same

    def _dump_record(self, record: Record) -> _Turn:
        fields = [(field.name, attribute_name(field.name), self.dumper(field.type)) for field in record.fields]

        def dump(value: Any, at: str) -> Any:
            return {name: turn(getattr(value, attribute), at) for name, attribute, turn in fields}

        return dump

    def _dump_union(self, union: Union) -> _Turn:
        by_class: dict[type, tuple[str, _Turn]] = {}
        several = sum(getattr(branch, "name", "") != "null" for branch in union.branches) > 1
        enums = any(isinstance(self._schema.resolve(branch), Enum) for branch in union.branches)
        for branch in union.branches:
            turn, name = self.dumper(branch), branch.name if isinstance(branch, Ref | Primitive) else ""
            for class_ in self._find_classes(branch):
                tagged = several and (name in self._classes or (enums and class_ is str))
                by_class.setdefault(class_, (name if tagged else "", turn))

        def dump(value: Any, at: str) -> Any:
            name, turn = by_class.get(type(value), ("", _same))
            return (name, turn(value, at)) if name else turn(value, at)

        return dump

    def _find_classes(self, branch: Type) -> Sequence[type]:
        """The classes of values of a branch, where they have to be turned or named."""
        plain = self._schema.resolve(branch)
        if isinstance(branch, Ref) and branch.name in self._classes:
            return (self._classes[branch.name],)
        if isinstance(plain, Array):
            return (list, tuple)
        if isinstance(plain, Map):
            return (dict,)
        if isinstance(plain, Fixed) and plain.logical is not None:
            return tuple(_FIXED.get(plain.logical.name, lambda: ())())
        return (str,) if isinstance(plain, Primitive) and plain.name == "string" and plain.logical is None else ()

    # Dicts to objects

    def loader(self, type_: Type) -> _Turn:
        """What makes objects of values of a type as fastavro reads them; it leaves the judging to the encoder."""
        plain = self._schema.resolve(type_)
        if isinstance(plain, Record):
            return self._named(self._load, plain, self._load_record)
        if isinstance(plain, Array):
            return _load_array(self.loader(plain.items))
        if isinstance(plain, Map):
            return _load_map(self.loader(plain.values))
        if isinstance(plain, Union):
            return self._load_union(plain)
        if isinstance(plain, Enum):
            return self._load_enum(plain)
        base = bytes if isinstance(plain, Fixed) else _BASES.get(plain.name)
        return _load_leaf(plain.logical, base) if base else _same

    def _load_record(self, record: Record) -> _Turn:
        class_ = self._classes[record.name]
        fields = [(field.name, attribute_name(field.name), self.loader(field.type)) for field in record.fields]
        names = {field.name for field in record.fields}

        def load(value: Any, at: str) -> Any:
            value = _untag(value)
            if not isinstance(value, Mapping):
                _refuse(f"{describe_python(value)} is no dict, as record {record.name} needs", at)
            if unknown := value.keys() - names - {_TAG}:
                _refuse(f"record {record.name} has no field {describe_python(min(unknown, key=str))}", at)
            made = class_()
            for name, attribute, turn in fields:
                if name not in value:
                    _refuse(f"field '{name}' is missing", at)
                setattr(made, attribute, turn(value[name], f"{at}/{name}"))
            return made

        return load

    def _load_enum(self, enum: Enum) -> _Turn:
        class_ = self._classes.get(enum.name)
        symbols = {symbol.name for symbol in enum.symbols}

        def load(value: Any, at: str) -> Any:
            value = _untag(value)
            if not isinstance(value, str) or value not in symbols:
                _refuse(f"unknown symbol {describe_python(value)}", at)
            return class_(value) if class_ else value

        return load

    def _load_union(self, union: Union) -> _Turn:
        branches = [
            (branch.name if isinstance(branch, Ref | Primitive) else "", self._schema.resolve(branch), branch)
            for branch in union.branches
        ]
        turns = [self.loader(branch) for _, _, branch in branches]
        others = [i for i, (name, _, _) in enumerate(branches) if name != "null"]

        def load(value: Any, at: str) -> Any:
            tag = _find_tag(value)
            if len(others) == 1 and value is not None and not tag:
                return turns[others[0]](value, at)
            fitting = [
                i for i, (name, plain, _) in enumerate(branches) if (name == tag if tag else _fits(plain, value))
            ]
            meanings = {type(branches[i][1]) for i in fitting}
            if len(fitting) > 1 and meanings & {Record, Enum, Map, Fixed}:
                names = " or ".join(branches[i][0] or "a map" for i in fitting)
                _refuse(
                    f"{describe_python(value)} could be {names}",
                    at,
                    "let the deserializer say the branch: return_record_name=True",
                )
            if tag and not fitting:
                _refuse(f"{describe_python(tag)} is no branch of the union", at)
            return turns[fitting[0]](_untag(value), at) if fitting else value

        return load

    def _named(self, known: dict[str, _Turn], record: Record, make: Callable[[Record], _Turn]) -> _Turn:
        """The turn of a record, which may hold itself: it is looked up when the first value comes."""

        def turn(value: Any, at: str) -> Any:
            found = known.get(record.name)
            if found is None:
                found = known[record.name] = make(record)
            return found(value, at)

        return turn


def _same(value: Any, _at: str) -> Any:
    return value


def _dump_fixed(logical: Logical, size: int) -> _Turn:
    """fastavro has no logical types on fixed, but for decimals."""
    from registry.formats.avro.reference.logical_values import write_logical

    return lambda value, _at: write_logical(logical, value, size)


def _find_uuid() -> tuple[type, ...]:
    from uuid import UUID

    return (UUID,)


def _find_duration() -> tuple[type, ...]:
    from registry.formats.avro.duration import Duration

    return (Duration,)


_FIXED: Final[Mapping[str, Callable[[], tuple[type, ...]]]] = {"uuid": _find_uuid, "duration": _find_duration}


def _load_array(items: _Turn) -> _Turn:
    def load(value: Any, at: str) -> Any:
        if not isinstance(value, list | tuple):
            _refuse(f"{describe_python(value)} is no array", at)
        return [items(item, f"{at}[{i}]") for i, item in enumerate(value)]

    return load


def _load_map(values: _Turn) -> _Turn:
    def load(value: Any, at: str) -> Any:
        if not isinstance(value, Mapping):
            _refuse(f"{describe_python(value)} is no map", at)
        return {key: values(item, f"{at}{{{describe_python(key)}}}") for key, item in value.items()}

    return load


def _load_leaf(logical: Logical | None, base: type) -> _Turn:
    """fastavro fills defaults in as JSON has them: bytes as text, moments as numbers."""
    from registry.formats.avro.reference.logical_values import read_logical

    def load(value: Any, at: str) -> Any:
        if base is bytes and isinstance(value, str):
            try:
                value = value.encode("latin-1")
            except UnicodeEncodeError:
                _refuse(f"{describe_python(value)} is no bytes", at)
        if logical is None or type(value) is not base:
            return value
        try:
            return read_logical(logical, value)
        except ValueError as error:
            _refuse(str(error), at)

    return load


def _find_tag(value: Any) -> str:
    """The branch that fastavro names: a pair, or a key of the dict."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        return value[0]
    tag = value.get(_TAG) if isinstance(value, dict) else None
    return tag if isinstance(tag, str) else ""


def _untag(value: Any) -> Any:
    return value[1] if isinstance(value, tuple) and _find_tag(value) else value


def _fits(plain: object, value: Any) -> bool:
    """Whether a value that names no branch may be of this one; others are the encoder's to tell apart."""
    if isinstance(plain, Record):
        return isinstance(value, dict) and value.keys() == {field.name for field in plain.fields}
    if isinstance(plain, Enum):
        return isinstance(value, str) and any(symbol.name == value for symbol in plain.symbols)
    if isinstance(plain, Map):
        return isinstance(value, dict)
    if isinstance(plain, Array):
        return isinstance(value, list | tuple)
    if isinstance(plain, Fixed):
        return isinstance(value, bytes) and len(value) == plain.size
    if isinstance(plain, Primitive) and plain.name == "bytes" and plain.logical is None:
        return isinstance(value, bytes)
    return isinstance(plain, Primitive) and plain.name == "string" and plain.logical is None and isinstance(value, str)


def _refuse(fact: str, path: str, help: str = "") -> NoReturn:
    raise DecodeError(fact, path, help)
