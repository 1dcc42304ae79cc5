"""Types, fields and default values in words, as a line about a change says them; of any depth, without recursion."""

import json
from collections.abc import Callable
from typing import Final

from registry.schema import MISSING, Array, Field, Logical, Map, Primitive, Record, Ref, Schema, Type, Union

MAX_WORDS: Final = 160
"""Characters of one type or default value that are still shown."""


def describe_type(schema: Schema, type_: Type, name_of: Callable[[str], str] | None = None) -> str:
    """A type in words, in full: ``null | string``, ``array of Author``; of a Protobuf schema as Protobuf spells it.

    ``name_of`` says how a full name is printed; without it, as it is.
    """
    protobuf = schema.format == "protobuf"
    words: list[str] = []
    waiting: list[Type | str] = [type_]
    while waiting:
        match waiting.pop():
            case str(word):
                words.append(word)
            case Primitive(name, _, logical):
                words.append(with_logical(name, logical))
            case Ref(name):
                words.append(name_of(name) if name_of else name)
            case Array(items):
                waiting += [items, "repeated " if protobuf else "array of "]
            case Map(values, _, None):
                waiting += [values, "map of "]
            case Map(values, _, Primitive(name)):
                waiting += [">", values, f"map<{name}, "]
            case Union(branches) as union:
                parts = [part for branch in branches for part in (branch, " | ")][:-1] or ["union of nothing"]
                waiting += reversed(parts if union is type_ else ["(", *parts, ")"])
    return "".join(words)


def with_logical(base: str, logical: Logical | None) -> str:
    """``decimal(9, 2) on bytes``, ``int (date)``."""
    if logical is None:
        return base
    return f"{logical} on {base}" if logical.name == "decimal" else f"{base} ({logical})"


def describe_label(schema: Schema, field: Field) -> str:
    """``optional`` where absent and zero are told apart, which of a message, and in a oneof, goes without saying."""
    if field.wire is None or field.wire.presence not in ("explicit", "required"):
        return ""
    implied = field.wire.oneof is not None or isinstance(schema.resolve(field.type), Record)
    return "required " if field.wire.presence == "required" else "" if implied else "optional "


def describe_field(schema: Schema, field: Field, name_of: Callable[[str], str] | None = None) -> str:
    """``string = "EUR"``; of Protobuf the number and the oneof too."""
    words = describe_label(schema, field) + cut(describe_type(schema, field.type, name_of))
    if field.default is not MISSING:
        words += f" = {cut(describe_default(field))}"
    if field.wire is not None:
        words += f", number {field.wire.number}"
        words += f", in oneof {field.wire.oneof}" if field.wire.oneof else ""
    return words


def describe_default(field: Field) -> str:
    """As JSON, which tells ``1`` from ``true``; Protobuf keeps the default of a number or an enum as bare text."""
    bare = field.wire is not None and not (isinstance(field.type, Primitive) and field.type.name in {"string", "bytes"})
    return str(field.default) if bare else json.dumps(field.default, ensure_ascii=False)


def cut(words: str) -> str:
    """At most :data:`MAX_WORDS` characters of it."""
    return words if len(words) <= MAX_WORDS else f"{words[: MAX_WORDS - 1]}…"
