"""One text for all schemas that mean the same, in three editions of one writer.

**The canonical form** is what fingerprints and schema ids are taken of, so its format is frozen. It is Avro's parsing
canonical form (Avro 1.12, "Transforming into Parsing Canonical Form"), extended:

- JSON without whitespace; members in this order, each only where it applies: ``name``, ``type``, ``fields``,
  ``symbols``, ``items``, ``values``, ``size``, ``logicalType``, ``precision``, ``scale``, ``default``, ``aliases``;
- names are full; a named type is written out where it is first used (depth first, in the order of the text), and by
  its name from then on, so that the text needs no other file; an ``error`` is a ``record``;
- a primitive is its name as a string, or an object where it has a logical type. Logical types without effect are left
  out; ``precision`` and ``scale`` stand for ``decimal`` only, and always both;
- ``default`` of fields and enums. Members of objects in it are sorted by code point. A float without a fraction below
  2**53 is written as an integer (``1.0`` is ``1``), save ``-0.0``; others in the shortest form that reads back, and
  what is beyond a double as ``1e999``;
- ``aliases`` of types are full names, each once, sorted; of fields each once, in their order: a reader takes the first
  that the writer has;
- strings escape ``"``, ``\\`` and what is below U+0020, and nothing else (``\\b \\f \\n \\r \\t``, else ``\\u00xx``).

**The parsing canonical form** is the standard's own, for CRC-64-AVRO. **The self-contained form** is the canonical form
with ``doc``, and with ``"namespace": ""`` where a name without a namespace is defined inside one: it parses back.
"""

import json
from collections.abc import Iterator
from enum import Enum as _Enum
from typing import Final

from registry.formats.avro.names import namespace_of
from registry.schema import (
    MISSING,
    Array,
    Enum,
    Field,
    Fixed,
    Logical,
    Map,
    Primitive,
    Record,
    Ref,
    Schema,
    Type,
    Union,
)

_EXACT: Final = 2**53


class _Edition(_Enum):
    PARSING = "parsing"
    CANONICAL = "canonical"
    SELF_CONTAINED = "self-contained"


def canonical_form(schema: Schema) -> str:
    """The text the fingerprint is taken of."""
    return _write(schema, _Edition.CANONICAL)


def parsing_canonical_form(schema: Schema) -> str:
    """Avro's own canonical form: without defaults, aliases, logical types and docs."""
    return _write(schema, _Edition.PARSING)


def self_contained(schema: Schema) -> str:
    """The schema as one text that parses back to the same, with its docs; what the GUID is taken of."""
    return _write(schema, _Edition.SELF_CONTAINED)


_Part = str | tuple[Type, str]
"""A piece of the text, or a type that stands for its text, with the namespace around it."""


def _write(schema: Schema, edition: _Edition) -> str:
    """Writes from a stack of parts: a chain of a hundred thousand records nests deeper than any call could."""
    written: list[str] = []
    defined: set[str] = set()
    stack: list[_Part] = [(schema.root, "")]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            written.append(part)
        else:
            parts = list(_parts(schema, part[0], part[1], defined, edition))
            parts.reverse()
            stack += parts
    return "".join(written)


def _parts(schema: Schema, type_: Type, namespace: str, defined: set[str], edition: _Edition) -> Iterator[_Part]:
    if isinstance(type_, Primitive):
        logical = _logical(type_.logical, edition)
        yield f'{{"type":"{type_.name}"{logical}}}' if logical else f'"{type_.name}"'
    elif isinstance(type_, Ref):
        if type_.name in defined:
            yield f'"{type_.name}"'
        else:
            defined.add(type_.name)
            yield from _named_parts(schema.types[type_.name], namespace, edition)
    elif isinstance(type_, Array):
        yield from ('{"type":"array","items":', (type_.items, namespace), "}")
    elif isinstance(type_, Map):
        yield from ('{"type":"map","values":', (type_.values, namespace), "}")
    else:
        yield from _union_parts(type_, namespace)


def _union_parts(union: Union, namespace: str) -> Iterator[_Part]:
    yield "["
    for i, branch in enumerate(union.branches):
        if i:
            yield ","
        yield branch, namespace
    yield "]"


def _named_parts(named: Record | Enum | Fixed, enclosing: str, edition: _Edition) -> Iterator[_Part]:
    namespace = namespace_of(named.name)
    own = '"namespace":"",' if edition is _Edition.SELF_CONTAINED and enclosing and not namespace else ""
    start = f'{{"name":"{named.name}",{own}"type":'
    if isinstance(named, Record):
        yield f'{start}"record","fields":['
        for i, field in enumerate(named.fields):
            yield f'{"," if i else ""}{{"name":"{field.name}","type":'
            yield field.type, namespace
            yield f"{_field_extras(field, edition)}}}"
        yield "]"
    elif isinstance(named, Enum):
        symbols = ",".join(f'"{symbol.name}"' for symbol in named.symbols)
        yield f'{start}"enum","symbols":[{symbols}]'
        if named.default is not None and edition is not _Edition.PARSING:
            yield f',"default":"{named.default}"'
    else:
        yield f'{start}"fixed","size":{named.size}{_logical(named.logical, edition)}'
    yield f"{_aliases(tuple(sorted(set(named.aliases))), edition)}{_doc(named.doc, edition)}}}"


def _field_extras(field: Field, edition: _Edition) -> str:
    if edition is _Edition.PARSING:
        return ""
    default = "" if field.default is MISSING else f',"default":{value_text(field.default)}'
    return f"{default}{_aliases(tuple(dict.fromkeys(field.aliases)), edition)}{_doc(field.doc, edition)}"


def _logical(logical: Logical | None, edition: _Edition) -> str:
    if logical is None or edition is _Edition.PARSING:
        return ""
    numbers = f',"precision":{logical.precision},"scale":{logical.scale}' if logical.name == "decimal" else ""
    return f',"logicalType":"{logical.name}"{numbers}'


def _aliases(aliases: tuple[str, ...], edition: _Edition) -> str:
    if not aliases or edition is _Edition.PARSING:
        return ""
    listed = ",".join(f'"{alias}"' for alias in aliases)
    return f',"aliases":[{listed}]'


def _doc(doc: str, edition: _Edition) -> str:
    return f',"doc":{_string(doc)}' if doc and edition is _Edition.SELF_CONTAINED else ""


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def value_text(value: object) -> str:
    """A default, the same text for values that are the same; the parser bounds how deep it nests."""
    if isinstance(value, dict):
        members = ",".join(f"{_string(key)}:{value_text(value[key])}" for key in sorted(value))
        return "{" + members + "}"
    if isinstance(value, list):
        return f"[{','.join(map(value_text, value))}]"
    if isinstance(value, float):
        return _float(value)
    return json.dumps(value, ensure_ascii=False)


def _float(value: float) -> str:
    if value in (float("inf"), float("-inf")):
        return "1e999" if value > 0 else "-1e999"
    if value.is_integer() and abs(value) < _EXACT and repr(value) != "-0.0":
        return str(int(value))
    return repr(value)
