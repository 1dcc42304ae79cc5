"""The binary encoding of Avro and its schema resolution, to be read beside the specification (Avro 1.12).

Slow and plain on purpose: it decides what a witness shows, and what the fast codec is measured by. The walk is its own,
so that it and :mod:`registry.formats.avro.resolution` check each other. Types are judged when a value meets them: an
empty array of one thing reads as an empty array of anything.

Values are ``None``, ``bool``, ``int``, ``float``, ``bytes``, ``str``, ``list`` and ``dict``; an enum's symbol is a
``str``, a fixed ``bytes``; logical types are those of :mod:`registry.formats.avro.reference.logical_values`.
"""

from collections.abc import Callable, Mapping
from math import isnan
from typing import Final, NoReturn

from registry.described import describe_python
from registry.formats.avro.matching import Chooser, Plain, are_matching, find_takers, find_untaken
from registry.formats.avro.reference.binary import (
    MAX_NESTING,
    READ_PRIMITIVE,
    WRITE_PRIMITIVE,
    DecodeError,
    EncodeError,
    Input,
    read_blocks,
    read_string,
    refuse,
    round_to_float,
    show_key,
    to_double,
    to_text,
    write_number,
    write_string,
)
from registry.formats.avro.reference.default_values import DefaultValues
from registry.formats.avro.reference.logical_values import read_logical, write_logical
from registry.formats.avro.words import describe
from registry.frozen import dataclass
from registry.schema import MISSING, Array, Enum, Fixed, Map, Primitive, Record, Schema, Type, Union


@dataclass(frozen=True, slots=True)
class Branch:
    """A value with the branch of the union that it is written as."""

    index: int
    value: object


def encode(schema: Schema, value: object) -> bytes:
    """The bytes of a value.

    Where a union is wanted, a :class:`Branch` names the branch; any other value takes the first that it fits exactly.
    For a logical type its base value will do. Raises :class:`EncodeError`.
    """
    encoder = _Encoder(schema)
    try:
        return encoder.write("", schema.root, value)
    except RecursionError:
        raise EncodeError("nests too deep for the stack that is left", tuple(encoder.path)) from None


def decode(reader: Schema, writer: Schema, data: bytes) -> object:
    """What a reader makes of the bytes of a writer; all of them, and no more. Raises :class:`DecodeError`."""
    source = Input(data)
    try:
        value = _Decoder(reader, writer, source).read("", reader.root, writer.root)
    except RecursionError:
        raise DecodeError("nests too deep for the stack that is left", tuple(source.path)) from None
    if source.at < len(data):
        source.fail(f"{len(data) - source.at} of {len(data)} bytes are left over")
    return value


# "Complex Types", written


class _Encoder:
    """One value on its way to bytes."""

    __slots__ = ("_schema", "_tried", "path")

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._tried: dict[tuple[int, int], bytes | EncodeError] = {}
        self.path: list[str] = []

    def write(self, step: str, type_: Type, value: object) -> bytes:
        """The bytes of the value that is one step further down."""
        self.path.append(step)
        if len(self.path) > MAX_NESTING:
            self._fail(f"nests deeper than {MAX_NESTING} levels")
        index = b""
        plain = self._schema.resolve(type_)
        if isinstance(plain, Union) and isinstance(value, Branch):
            # "Unions": the position of the branch, then the value by the branch's type
            if not 0 <= value.index < len(plain.branches):
                self._fail(f"index {value.index} is none of the {len(plain.branches)} branches of the union")
            index, plain, value = write_number(value.index), self._branch(plain, value.index), value.value
        try:
            if isinstance(plain, Union):
                data = self._write_untagged(plain, value)
            else:
                data = index + _WRITERS[type(plain)](self, plain, value)
        except EncodeError:
            raise
        except ValueError as error:
            self._fail(str(error))
        self.path.pop()
        return data

    def _branch(self, union: Union, index: int) -> Plain:
        branch = self._schema.resolve(union.branches[index])
        assert not isinstance(branch, Union)  # "Unions may not immediately contain other unions"
        return branch

    def _fail(self, fact: str) -> NoReturn:
        raise EncodeError(fact, tuple(self.path))

    def _write_untagged(self, union: Union, value: object) -> bytes:
        """By the first branch that takes the value. A union tries a value once, wherever the two meet."""
        key = id(union), id(value)
        if key not in self._tried:
            self._tried[key] = self._try_branches(union, value)
        result = self._tried[key]
        if isinstance(result, EncodeError):
            raise EncodeError(result.fact, (*self.path, *result.steps))
        return result

    def _try_branches(self, union: Union, value: object) -> bytes | EncodeError:
        """The bytes, or the error of the branch that came furthest, with its steps from the union on."""
        here = len(self.path)
        words = describe(union, self._schema.types)
        furthest = EncodeError(f"{describe_python(value)} fits no branch of {words}")
        for i in range(len(union.branches)):
            branch = self._branch(union, i)
            if isinstance(branch, Primitive) and branch.name == "float" and _is_rounded(value):
                continue
            try:
                return write_number(i) + _WRITERS[type(branch)](self, branch, value)
            except ValueError as error:
                if isinstance(error, EncodeError) and len(error.steps) - here > len(furthest.steps):
                    furthest = EncodeError(error.fact, error.steps[here:])
                del self.path[here:]
        return furthest

    def write_primitive(self, type_: Plain, value: object) -> bytes:
        assert isinstance(type_, Primitive)
        return WRITE_PRIMITIVE[type_.name](write_logical(type_.logical, value))

    def write_record(self, type_: Plain, value: object) -> bytes:
        """ "Records": the fields in the order of the schema, one after the other."""
        assert isinstance(type_, Record)
        if not isinstance(value, dict):
            refuse(value, f"dict, as record {type_.name} needs")
        names = {field.name for field in type_.fields}
        for name in value:
            if name not in names:
                self._fail(f"record {type_.name} has no field {describe_python(name)}")
        missing = next((field.name for field in type_.fields if field.name not in value), None)
        if missing is not None:
            self.path.append(f"/{missing}")
            self._fail(f"field '{missing}' is missing")
        data = bytearray()
        for field in type_.fields:
            data += self.write(f"/{field.name}", field.type, value[field.name])
        return bytes(data)

    def write_enum(self, type_: Plain, value: object) -> bytes:
        """ "Enums": the position of the symbol."""
        assert isinstance(type_, Enum)
        for symbol in type_.symbols:
            if symbol.name == value:
                return write_number(symbol.number)
        raise ValueError(f"unknown symbol {describe_python(value)}")

    def write_array(self, type_: Plain, value: object) -> bytes:
        """ "Arrays": blocks of items with their count, here one; a count of zero ends it."""
        assert isinstance(type_, Array)
        if not isinstance(value, list):
            refuse(value, "list, as an array needs")
        data = bytearray(write_number(len(value)))
        for i, item in enumerate(value):
            data += self.write(f"[{i}]", type_.items, item)
        return bytes(data + b"\0") if value else b"\0"

    def write_map(self, type_: Plain, value: object) -> bytes:
        """ "Maps": the same, with a key before each value."""
        assert isinstance(type_, Map)
        if not isinstance(value, dict):
            refuse(value, "dict, as a map needs")
        data = bytearray(write_number(len(value)))
        for key, inner in value.items():
            data += write_string(key) + self.write(show_key(key), type_.values, inner)
        return bytes(data + b"\0") if value else b"\0"

    def write_fixed(self, type_: Plain, value: object) -> bytes:
        """ "Fixed": the bytes."""
        assert isinstance(type_, Fixed)
        data = write_logical(type_.logical, value, type_.size)
        if not isinstance(data, bytes):
            refuse(data, f"bytes, as fixed {type_.name} needs")
        if len(data) != type_.size:
            raise ValueError(f"fixed {type_.name} has {type_.size} bytes, not {len(data)}")
        return data


_WRITERS: Final[Mapping[type, Callable[[_Encoder, Plain, object], bytes]]] = {
    Primitive: _Encoder.write_primitive,
    Record: _Encoder.write_record,
    Enum: _Encoder.write_enum,
    Array: _Encoder.write_array,
    Map: _Encoder.write_map,
    Fixed: _Encoder.write_fixed,
}


def _is_rounded(value: object) -> bool:
    """Whether 32 bits do not hold this number."""
    if not isinstance(value, float) or isnan(value):
        return False
    try:
        return round_to_float(value) != value
    except OverflowError:
        return True


# "Schema Resolution": what the writer wrote is read as the writer's type, and becomes the reader's


class _Decoder:
    """A reader's schema and a writer's, and the bytes between them."""

    __slots__ = ("_chooser", "_defaults", "_reader", "_source", "_writer")

    def __init__(self, reader: Schema, writer: Schema, source: Input) -> None:
        self._reader = reader
        self._writer = writer
        self._source = source
        self._chooser = Chooser(reader.types)
        self._defaults = DefaultValues(reader, source)

    def read(self, step: str, reader_type: Type, writer_type: Type) -> object:
        """The value that is one step further down."""
        source = self._source
        start = source.at
        source.enter(step)
        writer, reader = self._writer.resolve(writer_type), self._reader.resolve(reader_type)
        if isinstance(writer, Union):
            # "if writer's is a union": its branch is to be read
            index = source.index(len(writer.branches), "branches of the union")
            writer = self._writer.resolve(writer.branches[index])
        assert not isinstance(writer, Union)
        if isinstance(reader, Union):
            reader = self._choose(reader, writer)
        assert not isinstance(reader, Union)
        if not are_matching(reader, writer):
            self._mismatch(reader, writer)
        try:
            value = _READERS[type(writer)](self, reader, writer)
        except ValueError as error:
            source.fail_with(error)
        source.leave(start)
        return value

    def _mismatch(self, reader: Plain | Union, writer: Plain) -> NoReturn:
        read, written = describe(reader, self._reader.types), describe(writer, self._writer.types)
        self._source.fail(f"{written} cannot be read as {read}")

    def _choose(self, union: Union, writer: Plain) -> Plain | Union:
        """ "if reader's is a union": the one branch that matches."""
        branches = self._chooser.choose(union, writer)
        if len(branches) > 1:
            either = " or ".join(describe(branch, self._reader.types) for branch in branches)
            self._source.fail(f"{describe(writer, self._writer.types)} could be read as {either}")
        if not branches:
            self._mismatch(union, writer)
        return self._reader.resolve(branches[0])

    def read_primitive(self, reader: Plain, writer: Plain) -> object:
        """ "the writer's schema may be promoted to the reader's"; the logical type is the reader's own."""
        assert isinstance(reader, Primitive) and isinstance(writer, Primitive)
        value = READ_PRIMITIVE[writer.name](self._source)
        if reader.name != writer.name:
            value = _PROMOTE[reader.name](value)
        return read_logical(reader.logical, value)

    def read_record(self, reader: Plain, writer: Plain) -> object:
        """ "if both are records": fields by name, or by an alias of the reader, in the order they were written.

        The writer's other fields are read and dropped, the reader's other fields have their default.
        """
        assert isinstance(reader, Record) and isinstance(writer, Record)
        takers = find_takers(reader, writer)
        untaken = list(find_untaken(reader, takers))
        for field in untaken:
            if field.default is MISSING:
                self._source.enter(f"/{field.name}")
                self._source.fail(f"field '{field.name}' was not written and has no default")
        values: dict[str, object] = {}
        for field in writer.fields:
            if field.name in takers:
                target = takers[field.name]
                values[target.name] = self.read(f"/{target.name}", target.type, field.type)
            else:
                _Decoder(self._writer, self._writer, self._source).read(f"/{field.name}", field.type, field.type)
        for field in untaken:
            values[field.name] = self._defaults.make(field)
        return {field.name: values[field.name] for field in reader.fields}

    def read_enum(self, reader: Plain, writer: Plain) -> object:
        """ "if both are enums": the symbol, else the default of the reader's enum."""
        assert isinstance(reader, Enum) and isinstance(writer, Enum)
        symbol = writer.symbols[self._source.index(len(writer.symbols), f"symbols of enum {writer.name}")].name
        if any(known.name == symbol for known in reader.symbols):
            return symbol
        if reader.default is None:
            self._source.fail(f"unknown symbol '{symbol}'")
        return reader.default

    def read_array(self, reader: Plain, writer: Plain) -> object:
        """ "if both are arrays": item by item."""
        assert isinstance(reader, Array) and isinstance(writer, Array)
        items: list[object] = []
        for _ in read_blocks(self._source, "array"):
            items.append(self.read(f"[{len(items)}]", reader.items, writer.items))
        return items

    def read_map(self, reader: Plain, writer: Plain) -> object:
        """ "if both are maps": value by value; of two with one key the last one counts."""
        assert isinstance(reader, Map) and isinstance(writer, Map)
        values: dict[str, object] = {}
        for _ in read_blocks(self._source, "map"):
            key = read_string(self._source)
            values[key] = self.read(show_key(key), reader.values, writer.values)
        return values

    def read_fixed(self, reader: Plain, writer: Plain) -> object:
        """ "if both are fixed": of the same size, which was seen to."""
        assert isinstance(reader, Fixed) and isinstance(writer, Fixed)
        return read_logical(reader.logical, self._source.take(writer.size, f"fixed {writer.name}"))


_READERS: Final[Mapping[type, Callable[[_Decoder, Plain, Plain], object]]] = {
    Primitive: _Decoder.read_primitive,
    Record: _Decoder.read_record,
    Enum: _Decoder.read_enum,
    Array: _Decoder.read_array,
    Map: _Decoder.read_map,
    Fixed: _Decoder.read_fixed,
}


_PROMOTE: Final[Mapping[str, Callable[[object], object]]] = {
    "long": lambda value: value,
    "float": round_to_float,
    "double": to_double,
    "bytes": lambda value: str(value).encode(),
    "string": to_text,
}
"""What a promotion makes of a value, by the type that is read."""
