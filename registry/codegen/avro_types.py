"""Avro's types as Python annotations."""

from collections.abc import Iterator, Mapping
from typing import Final

from registry.codegen.code import NONE, Class, Code, Either, Generic, Known, Text
from registry.errors import Flaw
from registry.formats.avro.words import describe
from registry.schema import Array, Field, Fixed, Map, Primitive, Ref, Schema, Type, Union

MAX_NESTING: Final = 32
"""Arrays, maps and unions inside each other, in one field: Python reads no expression of any depth."""

PRIMITIVES: Final[Mapping[str, Code]] = {
    "null": NONE,
    "boolean": Known("bool"),
    "int": Known("int"),
    "long": Known("int"),
    "float": Known("float"),
    "double": Known("float"),
    "bytes": Known("bytes"),
    "string": Known("str"),
}

LOGICAL: Final[Mapping[str, Code]] = {
    "decimal": Known("Decimal"),
    "uuid": Known("UUID"),
    "date": Known("date"),
    "time-millis": Known("time"),
    "time-micros": Known("time"),
    "timestamp-millis": Known("datetime"),
    "timestamp-micros": Known("datetime"),
    "timestamp-nanos": Known("int"),
    "local-timestamp-millis": Known("datetime"),
    "local-timestamp-micros": Known("datetime"),
    "local-timestamp-nanos": Known("int"),
    "duration": Known("serde", "Duration"),
}
"""What a logical type is instead of its base; ``datetime`` counts no nanoseconds."""


def annotate(schema: Schema, type_: Type, names: Mapping[str, str], nesting: int = 0) -> Code:
    """The type as an annotation; ``names`` has the class of each record and enum."""
    if nesting > MAX_NESTING:
        return Text("object")  # find_lookalikes says so
    if isinstance(type_, Ref):
        named = schema.types[type_.name]
        return _of_scalar(named) if isinstance(named, Fixed) else Class(names[type_.name])
    if isinstance(type_, Primitive):
        return _of_scalar(type_)
    if isinstance(type_, Array):
        return Generic(Known("Sequence"), (annotate(schema, type_.items, names, nesting + 1),))
    if isinstance(type_, Map):
        return Generic(Known("Mapping"), (Known("str"), annotate(schema, type_.values, names, nesting + 1)))
    parts = list(dict.fromkeys(annotate(schema, branch, names, nesting + 1) for branch in type_.branches))
    if NONE in parts:
        parts.remove(NONE)
        parts.append(NONE)
    if not parts:
        return Known("Never")
    return Either(tuple(parts)) if len(parts) > 1 else parts[0]


def _of_scalar(scalar: Primitive | Fixed) -> Code:
    if scalar.logical is not None:
        return LOGICAL[scalar.logical.name]
    return PRIMITIVES[scalar.name] if isinstance(scalar, Primitive) else Known("bytes")


def find_lookalikes(schema: Schema, field: Field) -> Iterator[Flaw]:
    """Branches of a union that no Python value tells apart, and what nests too deep to be written down."""
    waiting: list[tuple[Type, int]] = [(field.type, 0)]
    while waiting:
        type_, nesting = waiting.pop()
        if nesting > MAX_NESTING:
            message = f"field '{field.name}' nests deeper than {MAX_NESTING} levels"
            yield Flaw("invalid", message, field.at, "give an inner part a record of its own")
            return
        if isinstance(type_, Array):
            waiting.append((type_.items, nesting + 1))
        elif isinstance(type_, Map):
            waiting.append((type_.values, nesting + 1))
        elif isinstance(type_, Union):
            waiting += [(branch, nesting + 1) for branch in reversed(type_.branches)]
            yield from _find_lookalikes(schema, type_)


def _find_lookalikes(schema: Schema, union: Union) -> Iterator[Flaw]:
    """Only a fixed has a name and no class: two of them meet where a value of one is a value of the other."""
    seen: dict[tuple[Code, int], Fixed | Primitive] = {}
    for branch in union.branches:
        plain = schema.resolve(branch)
        if not isinstance(plain, Fixed | Primitive):
            continue
        code = _of_scalar(plain)
        size = plain.size if isinstance(plain, Fixed) and code == Known("bytes") else 0
        other = seen.get((code, 0)) if size else None
        other = other or seen.setdefault((code, size), plain)
        if other is not plain and isinstance(plain, Fixed):
            words = describe(plain, schema.types)
            message = f"{words} comes after {describe(other, schema.types)}, and no Python value tells them apart"
            yield Flaw("invalid", message, branch.at, "put each into a record of its own, and release that")
