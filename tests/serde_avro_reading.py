"""Classes made on the fly, as the stubs would have them, and their instances as the reference codec has values."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, make_dataclass
from enum import Enum
from typing import Any

from registry import schema as nouns
from registry.formats import avro
from registry.schema import Schema
from registry.serde.naming import attribute_name, member_name
from registry.serde.shape import Shape


def parse(text: str) -> Schema:
    """The schema of one file."""
    return avro.parse({"x.avsc": text}, ["x.avsc"], strict=False)


def make_shape(schema: Schema, envelope: Mapping[str, tuple[str, ...]] | None = None) -> Shape:
    """A class for each record and enum; fields at the end of a path of the envelope are left out everywhere."""
    hidden = {path[-1] for path in (envelope or {}).values()}
    types: dict[str, type] = {}
    for name, named in schema.types.items():
        if isinstance(named, nouns.Enum):
            members = [(member_name(symbol.name), symbol.name) for symbol in named.symbols]
            make: Any = Enum  # mypy wants literal names
            types[name] = make(name.replace(".", "_"), members)
        elif isinstance(named, nouns.Record):
            names = [attribute_name(field.name) for field in named.fields if field.name not in hidden]
            bases: list[Any] = [(each, Any) for each in names]
            types[name] = make_dataclass(name.replace(".", "_"), bases, slots=True, kw_only=True)
    types.setdefault("", type(None))  # typed also where nothing has a class
    return Shape(types=types, envelope=envelope or {})


def to_plain(value: Any) -> Any:
    """The same value in plain mode: attributes are keys (names that Python does not like are not undone)."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if type(value) is tuple:
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(inner) for key, inner in value.items()}
    assert not isinstance(value, list)
    return value
