"""Does a default value fit its type? (Avro 1.12, "Complex Types", the table of field default values)

A record's default may leave out fields that have a default of their own. A union's default may fit any branch (1.12);
it takes the first that fits. Branches are tried once per value: a union of records of unions costs types times values.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from registry.formats.avro.words import describe, describe_value
from registry.schema import MISSING, Array, Enum, Fixed, Logical, Map, Named, Primitive, Ref, Type, Union

MAX_DEFAULT_DEPTH: Final = 64
"""Levels of JSON that a default may nest; each costs a stack frame or two."""

_MAX_FLOAT: Final = 3.4028235677973362e38  # what still rounds to the largest float
_MAX_DOUBLE: Final = 1.7976931348623157e308
_is_uuid: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_above_latin_1: Final = re.compile("[^\x00-\xff]").search


class Fault(NamedTuple):
    """What is wrong with a default value, and where inside it."""

    pointer: str
    message: str


class Defaults:
    """The types of one schema, and what has been tried with them already."""

    __slots__ = ("_required", "_symbols", "_tried", "_types")

    def __init__(self, types: Mapping[str, Named]) -> None:
        self._types = types
        self._tried: dict[tuple[str | int, int], Fault | None] = {}
        self._symbols: dict[str, frozenset[str]] = {}
        self._required: dict[str, tuple[dict[str, Type], list[str]]] = {}

    def find_fault(self, type_: Type, value: object) -> Fault | None:
        """Why a default of at most :data:`MAX_DEFAULT_DEPTH` levels does not fit; ``None`` where it does."""
        if isinstance(type_, Primitive):
            message = _CHECKS[type_.name](value, type_.logical)
            return Fault("", message) if message else None
        # Types and values live as long as this object is used, so that their identities are good keys.
        key = (type_.name if isinstance(type_, Ref) else id(type_), id(value))
        if key not in self._tried:
            self._tried[key] = self._find_fault(type_, value)
        return self._tried[key]

    def fitting_branch(self, union: Union, value: object) -> int | None:
        """The first branch of a union that a default fits."""
        fits = (i for i, branch in enumerate(union.branches) if self.find_fault(branch, value) is None)
        return next(fits, None)

    def _find_fault(self, type_: Type, value: object) -> Fault | None:
        if isinstance(type_, Union):
            if self.fitting_branch(type_, value) is None:
                return self._no(value, f"fits no branch of {describe(type_, self._types)}")
            return None
        if isinstance(type_, Array):
            if not isinstance(value, list):
                return self._no(value, "is no array")
            return self._first((str(i), type_.items, item) for i, item in enumerate(value))
        if isinstance(type_, Map):
            if not isinstance(value, dict):
                return self._no(value, "is no object, as a map needs")
            return self._first((key, type_.values, inner) for key, inner in value.items())
        assert isinstance(type_, Ref)  # primitives went before
        return self._named_fault(self._types[type_.name], value)

    def _named_fault(self, named: Named, value: object) -> Fault | None:
        if isinstance(named, Enum):
            symbols = self._symbols.get(named.name)
            if symbols is None:
                symbols = self._symbols[named.name] = frozenset(symbol.name for symbol in named.symbols)
            fits = isinstance(value, str) and value in symbols
            return None if fits else self._no(value, f"is no symbol of enum {named.name}")
        if isinstance(named, Fixed):
            message = _byte_fault(value, None)
            if message:
                return Fault("", message)
            length = len(value) if isinstance(value, str) else 0
            return None if length == named.size else self._no(value, f"has {length} bytes, not {named.size}")
        if not isinstance(value, dict):
            return self._no(value, f"is no object, as record {named.name} needs")
        if named.name not in self._required:
            types = {field.name: field.type for field in named.fields}
            self._required[named.name] = types, [field.name for field in named.fields if field.default is MISSING]
        types, required = self._required[named.name]
        absent = next((name for name in required if name not in value), None)
        if absent is not None:
            return self._no(value, f"leaves out field '{absent}' of {named.name}, which has no default")
        return self._first((name, types[name], inner) for name, inner in value.items() if name in types)

    def _first(self, parts: Iterator[tuple[str, Type, object]]) -> Fault | None:
        for step, type_, value in parts:
            fault = self.find_fault(type_, value)
            if fault is not None:
                return Fault(f"/{step.replace('~', '~0').replace('/', '~1')}{fault.pointer}", fault.message)
        return None

    def _no(self, value: object, fact: str) -> Fault:
        return Fault("", f"{describe_value(value)} {fact}")


def _null_fault(value: object, _logical: Logical | None) -> str:
    return "" if value is None else f"{describe_value(value)} is not null"


def _boolean_fault(value: object, _logical: Logical | None) -> str:
    return "" if isinstance(value, bool) else f"{describe_value(value)} is no boolean"


def _integer_fault(bits: int) -> Callable[[object, Logical | None], str]:
    limit = 1 << (bits - 1)

    def check(value: object, _logical: Logical | None) -> str:
        if type(value) is not int:
            return f"{describe_value(value)} is no integer"
        return "" if -limit <= value < limit else f"{describe_value(value)} does not fit in {bits} bits"

    return check


def _float_fault(largest: float) -> Callable[[object, Logical | None], str]:
    def check(value: object, _logical: Logical | None) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{describe_value(value)} is no number"
        return "" if abs(value) <= largest else f"{describe_value(value)} is beyond the largest number, {largest}"

    return check


def _byte_fault(value: object, logical: Logical | None) -> str:
    if not isinstance(value, str):
        return f"{describe_value(value)} is no string, as bytes need"
    if not value and logical is not None and logical.name == "decimal":
        return '"" is no decimal: it needs a byte'
    outside = _above_latin_1(value)
    return f"{describe_value(outside.group())} is above U+00FF: each character stands for one byte" if outside else ""


def _string_fault(value: object, logical: Logical | None) -> str:
    if not isinstance(value, str):
        return f"{describe_value(value)} is no string"
    return "" if logical is None or _is_uuid(value) else f"{describe_value(value)} is no UUID"


_CHECKS: Final[Mapping[str, Callable[[object, Logical | None], str]]] = {
    "null": _null_fault,
    "boolean": _boolean_fault,
    "int": _integer_fault(32),
    "long": _integer_fault(64),
    "float": _float_fault(_MAX_FLOAT),
    "double": _float_fault(_MAX_DOUBLE),
    "bytes": _byte_fault,
    "string": _string_fault,
}
"""What each primitive asks of a default; an empty text means that it fits. The only logical string is ``uuid``."""
