"""What a reader should make of a value, told from the value alone: no bytes, and none of the project's resolution.

:func:`expect` is the projection of the compatibility promise: a removed field is gone, an added one has its default, an
enum's default stands for a symbol it does not know, a promoted number is the same number. Where the meaning of the
value changes on the way it says so, with the place; where the reader fails, too.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from math import isnan
from typing import Any, Final, NamedTuple

from registry.formats.avro.reference import Branch
from registry.schema import MISSING, Array, Enum, Field, Fixed, Map, Named, Primitive, Record, Schema, Type, Union
from tests.avro_logical import base_of, is_uuid, value_of


class Change(NamedTuple):
    """One place where what is read is not what was written."""

    path: str
    """As in ``Mismatch.path``: ``/f[]/g``."""
    fails: bool
    """Whether the reader cannot read the value at all; else it reads another one."""
    fact: str


class Expected(NamedTuple):
    """What becomes of one value."""

    value: object
    """What is read, if nothing fails."""
    changes: tuple[Change, ...]

    @property
    def fails(self) -> bool:
        """Whether the reader fails."""
        return any(change.fails for change in self.changes)


Parts = Primitive | Array | Map | Union | Named
WIDER: Final = {
    "int": ("long", "double", "float"),
    "long": ("double", "float"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
"""Avro 1.12, "Schema Resolution": what a written primitive may be read as, the nearest first."""
_ROUNDED: Final = {("int", "float"), ("long", "float"), ("long", "double")}


def expect(reader: Schema, writer: Schema, value: object) -> Expected:
    """What becomes of a value of the writer in which each union's value is a :class:`Branch`."""
    walk = _Walk(reader, writer)
    read = walk.read(reader.root, writer.root, value, "")
    return Expected(read, tuple(walk.changes))


class _Walk:
    """One value on its way."""

    def __init__(self, reader: Schema, writer: Schema) -> None:
        self.reader = reader
        self.writer = writer
        self.changes: list[Change] = []

    def _note(self, path: str, fact: str) -> None:
        self.changes.append(Change(path, False, fact))

    def _fail(self, path: str, fact: str) -> object:
        self.changes.append(Change(path, True, fact))
        return None

    def read(self, reader_type: Type, writer_type: Type, value: object, path: str) -> object:
        """The value as the reader sees it; ``None`` where it fails."""
        written = self.writer.resolve(writer_type)
        if isinstance(written, Union):
            assert isinstance(value, Branch)
            written, value = self.writer.resolve(written.branches[value.index]), value.value
        read = self.reader.resolve(reader_type)
        if isinstance(read, Union):
            branches = list(self._choose(read, written))
            if len(branches) != 1:
                return self._fail(path, f"{len(branches)} branches could read it")
            read = branches[0]
        if isinstance(read, Primitive | Fixed) and isinstance(written, Primitive | Fixed):
            return self._scalar(read, written, value, path)
        if type(read) is not type(written):
            return self._fail(path, "another kind of type")
        if isinstance(read, Array) and isinstance(written, Array) and isinstance(value, list):
            return [self.read(read.items, written.items, item, f"{path}[]") for item in value]
        if isinstance(read, Map) and isinstance(written, Map) and isinstance(value, dict):
            return {key: self.read(read.values, written.values, inner, f"{path}{{}}") for key, inner in value.items()}
        if not _share_a_name(read, written):
            return self._fail(path, "another name")
        if isinstance(read, Enum):
            return self._symbol(read, str(value), path)
        assert isinstance(read, Record) and isinstance(written, Record) and isinstance(value, dict)
        return {field.name: self._field(field, written, value, f"{path}/{field.name}") for field in read.fields}

    def _choose(self, union: Union, written: Parts) -> Iterator[Parts]:
        """The branch of a reader's union: the name decides for named types, the type for others, never the order."""
        branches = [self.reader.resolve(branch) for branch in union.branches]
        alike = [branch for branch in branches if type(branch) is type(written)]
        if isinstance(written, Array | Map):
            yield from alike
        elif isinstance(written, Primitive):
            plain = {branch.name: branch for branch in alike if isinstance(branch, Primitive)}
            if written.name in plain:
                yield plain[written.name]
            else:
                wider = [plain[name] for name in WIDER.get(written.name, ()) if name in plain]
                yield from sorted(wider, key=lambda branch: _harm(branch, written))[:1]
        else:
            assert isinstance(written, Named)
            named = [branch for branch in alike if isinstance(branch, Named)]
            full = [branch for branch in named if branch.name == written.name]
            aliased = [branch for branch in named if written.name in branch.aliases]
            yield from full or aliased or [branch for branch in named if _short(branch) == _short(written)]

    def _symbol(self, enum: Enum, symbol: str, path: str) -> object:
        if any(known.name == symbol for known in enum.symbols):
            return symbol
        if enum.default is None:
            self._fail(path, f"unknown symbol {symbol}")
        return enum.default

    def _field(self, field: Field, writer: Record, value: dict[str, object], path: str) -> object:
        types = {other.name: other.type for other in writer.fields}
        for name in (field.name, *field.aliases):
            if name in types:
                return self.read(field.type, types[name], value[name], path)
        if field.default is MISSING:
            return self._fail(path, "no default")
        default = read_default(self.reader, field.type, field.default)
        hidden = next((other for other in writer.fields if field.name in other.aliases), None)
        if hidden is not None:
            written = _Walk(self.writer, self.writer).read(hidden.type, hidden.type, value[hidden.name], "")
            if not same(written, default):
                self._note(path, "the writer has it under another name")
        return default

    def _scalar(self, read: Primitive | Fixed, written: Primitive | Fixed, value: object, path: str) -> object:
        if isinstance(read, Fixed) and isinstance(written, Fixed):
            if not _share_a_name(read, written) or read.size != written.size:
                return self._fail(path, "another fixed")
            promoted = base_of(written.logical, value, written.size)
        elif isinstance(read, Primitive) and isinstance(written, Primitive):
            base = base_of(written.logical, value)
            if read.name != written.name and read.name not in WIDER.get(written.name, ()):
                return self._fail(path, "another type")
            promoted = _promote(base, written.name, read.name)
            if promoted is None and base is not None:
                return self._fail(path, "no UTF-8")
            if isinstance(base, int) and isinstance(promoted, float) and Fraction(base) != Fraction(promoted):
                self._note(path, "rounded")
        else:
            return self._fail(path, "another type")
        new, old = read.logical, written.logical
        if new is not None and new.name == "uuid" and isinstance(promoted, str) and not is_uuid(promoted):
            return self._fail(path, "no UUID")
        if new is not None and new.name == "decimal" and promoted == b"":
            return self._fail(path, "no bytes are no number")
        result = value_of(new, promoted)
        is_number = isinstance(read, Primitive) and read.name in ("float", "double")
        if new is not None and old is not None and new.name == old.name == "decimal":
            digits = abs(int.from_bytes(promoted, "big", signed=True)) if isinstance(promoted, bytes) else 0
            narrower = new.precision < old.precision
            if new.scale != old.scale or (narrower and digits >= 10**new.precision):
                self._note(path, "another number")
        elif new is not None and old is not None and new != old:
            self._note(path, "another logical type")
        elif new is not None and old is None and new.name == "decimal":
            self._note(path, "bytes read as a number")
        elif new is None and old is not None and (is_number or (old.name == "decimal" and _base(read) == "string")):
            self._note(path, "another thing than a number")
        return result


def _promote(value: object, written: str, read: str) -> object:
    """The same value in a wider type, rounded to the nearest where it must be; ``None`` for what has none."""
    if read in (written, "long"):
        return value
    if read == "double" and isinstance(value, int | float):
        return float(value)
    if read == "float" and isinstance(value, int):
        return _nearest(value)
    if isinstance(value, str):
        return value.encode()
    assert isinstance(value, bytes)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _nearest(number: int) -> float:
    """The nearest number of 24 bits, the even one of two: what Java's cast to float gives."""
    shift = max(abs(number).bit_length() - 24, 0)
    kept, rest = divmod(number, 1 << shift)
    half = (1 << shift) / 2
    return float((kept + (rest > half or (rest == half and shift > 0 and kept % 2 == 1))) << shift)


def _harm(read: Primitive, written: Primitive) -> int:
    """0 for a promotion that changes nothing, 1 where only the name of the thing changes, 2 if lossy, 3 for a break."""
    new, old = read.logical, written.logical
    if read.name == "string" or "decimal" in (new and new.name, old and old.name) or (new and old):
        return 3
    if new or old:
        return 3 if read.name in ("float", "double") else 1
    return 2 if (written.name, read.name) in _ROUNDED else 0


def _base(scalar: Primitive | Fixed) -> str:
    return scalar.name if isinstance(scalar, Primitive) else "fixed"


def _short(named: Named) -> str:
    return named.name.rsplit(".", 1)[-1]


def _share_a_name(read: Parts, written: Parts) -> bool:
    assert isinstance(read, Named) and isinstance(written, Named)
    return written.name in (read.name, *read.aliases) or _short(read) == _short(written)


# Defaults


def read_default(schema: Schema, type_: Type, default: object) -> object:
    """The value that a default of a field means; of a union by the first branch that it fits."""
    resolved = schema.resolve(type_)
    if isinstance(resolved, Union):
        fitting = (branch for branch in resolved.branches if find_fault(schema, branch, default) is None)
        return read_default(schema, next(fitting), default)
    if isinstance(resolved, Array) and isinstance(default, list):
        return [read_default(schema, resolved.items, item) for item in default]
    if isinstance(resolved, Map) and isinstance(default, dict):
        return {key: read_default(schema, resolved.values, inner) for key, inner in default.items()}
    if isinstance(resolved, Record) and isinstance(default, dict):
        return {
            field.name: read_default(schema, field.type, default.get(field.name, field.default))
            for field in resolved.fields
        }
    if isinstance(resolved, Primitive | Fixed):
        base = _base(resolved)
        if base in ("bytes", "fixed"):
            return value_of(resolved.logical, str(default).encode("latin-1"))
        if base == "float":
            return float(struct.unpack("<f", struct.pack("<f", default))[0])
        return value_of(resolved.logical, float(default) if base == "double" else default)  # type: ignore[arg-type]  # it fits
    return default


_FITS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "int": lambda value: type(value) is int and -(2**31) <= value < 2**31,
    "long": lambda value: type(value) is int and -(2**63) <= value < 2**63,
    "float": lambda value: type(value) in (int, float) and abs(value) < 3.5e38,
    "double": lambda value: type(value) in (int, float),
    "bytes": lambda value: isinstance(value, str) and value.isascii() | all(ord(char) < 256 for char in value),
    "string": lambda value: isinstance(value, str),
}


def find_fault(schema: Schema, type_: Type, default: object) -> str | None:
    """Why a default does not fit its type; ``None`` if it does."""
    resolved = schema.resolve(type_)
    if isinstance(resolved, Union):
        return None if any(find_fault(schema, each, default) is None for each in resolved.branches) else "no branch"
    if isinstance(resolved, Primitive):
        if not _FITS[resolved.name](default):
            return f"no {resolved.name}"
        if resolved.logical is not None and resolved.logical.name == "decimal" and default == "":
            return "no number"
        return "no UUID" if resolved.name == "string" and resolved.logical and not is_uuid(str(default)) else None
    if isinstance(resolved, Array):
        inner = [(resolved.items, item) for item in default] if isinstance(default, list) else None
    elif isinstance(resolved, Map):
        inner = [(resolved.values, item) for item in default.values()] if isinstance(default, dict) else None
    elif isinstance(resolved, Record):
        if not isinstance(default, dict):
            return "no record"
        if any(field.default is MISSING and field.name not in default for field in resolved.fields):
            return "a field is left out"
        inner = [(field.type, default[field.name]) for field in resolved.fields if field.name in default]
    elif isinstance(resolved, Enum):
        inner = [] if default in [symbol.name for symbol in resolved.symbols] else None
    else:
        inner = [] if _FITS["bytes"](default) and len(str(default)) == resolved.size else None
    if inner is None:
        return "another kind of value"
    return next((fault for each, value in inner if (fault := find_fault(schema, each, value))), None)


def find_endless(schema: Schema) -> set[tuple[str, str]]:
    """The fields, by record and name, whose default needs itself: it leaves out a field whose default leaves it out."""
    needs = {
        (record.name, field.name): set(_find_left_out(schema, field.type, field.default))
        for record in schema.types.values()
        if isinstance(record, Record)
        for field in record.fields
        if field.default is not MISSING
    }
    while ends := [field for field, needed in needs.items() if not needed & needs.keys()]:
        for field in ends:
            del needs[field]
    return set(needs)


def _find_left_out(schema: Schema, type_: Type, default: object) -> Iterator[tuple[str, str]]:
    resolved = schema.resolve(type_)
    if isinstance(resolved, Union):
        fitting = (branch for branch in resolved.branches if find_fault(schema, branch, default) is None)
        yield from _find_left_out(schema, next(fitting, Primitive("null", resolved.at)), default)
    elif isinstance(resolved, Array) and isinstance(default, list):
        for item in default:
            yield from _find_left_out(schema, resolved.items, item)
    elif isinstance(resolved, Map) and isinstance(default, dict):
        for item in default.values():
            yield from _find_left_out(schema, resolved.values, item)
    elif isinstance(resolved, Record) and isinstance(default, dict):
        for field in resolved.fields:
            if field.name in default:
                yield from _find_left_out(schema, field.type, default[field.name])
            else:
                yield resolved.name, field.name


# Equality


def same(one: object, other: object) -> bool:
    """Whether two values are the same to the bit: 1 is neither 1.0 nor true, and NaN is NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and isinstance(other, float):
        return (isnan(one) and isnan(other)) or struct.pack("<d", one) == struct.pack("<d", other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
