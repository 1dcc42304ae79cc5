"""A type in words, as messages name it: ``int (date)``, ``decimal(9, 2) on bytes``, ``union of null, record a.B``."""

import json
from collections.abc import Mapping
from typing import Final

from registry.schema import Array, Enum, Fixed, Logical, Map, Named, Primitive, Record, Ref, Type, Union

MAX_NESTING: Final = 4
"""Arrays, maps and unions inside each other that are still spelled out."""
MAX_BRANCHES: Final = 8
"""Branches of a union that are still named."""
MAX_VALUE: Final = 60
"""Characters of a default value that are still shown."""


def describe(type_: Type | Named, types: Mapping[str, Named], nesting: int = MAX_NESTING) -> str:
    """The type in words; long ones end in ``…``."""
    if isinstance(type_, Ref):
        type_ = types[type_.name]
    if isinstance(type_, Primitive):
        return _with_logical(type_.name, type_.logical)
    if isinstance(type_, Record):
        return f"record {type_.name}"
    if isinstance(type_, Enum):
        return f"enum {type_.name}"
    if isinstance(type_, Fixed):
        return _with_logical(f"fixed {type_.name} of {type_.size} bytes", type_.logical)
    if nesting == 0:
        return "…"
    if isinstance(type_, Array):
        return f"array of {describe(type_.items, types, nesting - 1)}"
    if isinstance(type_, Map):
        return f"map of {describe(type_.values, types, nesting - 1)}"
    return _describe_union(type_, types, nesting)


def _with_logical(base: str, logical: Logical | None) -> str:
    if logical is None:
        return base
    return f"{logical} on {base}" if logical.name == "decimal" else f"{base} ({logical})"


def _describe_union(union: Union, types: Mapping[str, Named], nesting: int) -> str:
    if not union.branches:
        return "union of nothing"
    words = [describe(branch, types, nesting - 1) for branch in union.branches[:MAX_BRANCHES]]
    more = len(union.branches) - len(words)
    return f"union of {', '.join(words)}{f' and {more} more' if more else ''}"


def describe_value(value: object) -> str:
    """A default value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
