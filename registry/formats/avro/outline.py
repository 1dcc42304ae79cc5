"""Which names a schema file defines, and which it uses: without recursion, and without judging anything."""

import json
from typing import NamedTuple

from registry.formats.avro.names import NAMED, PRIMITIVES, RECORDS, define, namespace_of, qualify
from registry.schema import Outline


class Definition(NamedTuple):
    """One definition of a named type, as the file holds it."""

    name: str
    """The full name; what it is made of may still be no name."""
    kind: str
    """``record``, ``error``, ``enum`` or ``fixed``."""
    value: dict[str, object]
    pointer: str
    enclosing: str
    """The namespace around it."""


class Use(NamedTuple):
    """A name that stands where a type is wanted."""

    name: str
    namespace: str


def scan_names(root: object) -> tuple[list[Definition], list[Use]]:
    """Every definition and every use of a name in a parsed file, in the order of the text; no schema, no name."""
    definitions: list[Definition] = []
    uses: list[Use] = []
    stack: list[tuple[object, str, str]] = [(root, "", "")]
    while stack:
        value, pointer, namespace = stack.pop()
        if isinstance(value, dict):
            kind = value.get("type")
            if isinstance(kind, dict | list):
                stack.append((kind, f"{pointer}/type", namespace))
            elif kind == "array":
                stack.append((value.get("items"), f"{pointer}/items", namespace))
            elif kind == "map":
                stack.append((value.get("values"), f"{pointer}/values", namespace))
            elif not isinstance(kind, str) or kind in PRIMITIVES:
                continue
            elif kind not in NAMED:
                uses.append(Use(kind, namespace))
            elif isinstance(name := value.get("name"), str):
                own = value.get("namespace")
                full_name = define(name, own if isinstance(own, str) else None, namespace)
                definitions.append(Definition(full_name, kind, value, pointer, namespace))
                fields = value.get("fields") if kind in RECORDS else None
                if isinstance(fields, list):
                    stack += _field_types(fields, pointer, namespace_of(full_name))
        elif isinstance(value, list):
            last = len(value) - 1
            stack += [(value[i], f"{pointer}/{i}", namespace) for i in range(last, -1, -1) if value[i] != "null"]
        elif isinstance(value, str) and value not in PRIMITIVES:
            uses.append(Use(value, namespace))
    return definitions, uses


def _field_types(fields: list[object], pointer: str, namespace: str) -> list[tuple[object, str, str]]:
    """What the fields of a record are made of, last first; primitives have no names inside."""
    return [
        (type_, f"{pointer}/fields/{i}/type", namespace)
        for i in range(len(fields) - 1, -1, -1)
        if isinstance(field := fields[i], dict)
        and (type_ := field.get("type")) is not None
        and not (isinstance(type_, str) and type_ in PRIMITIVES)
    ]


def outline(text: str, path: str) -> Outline:
    """Full names that the file defines, the root first, and those it refers to and does not define.

    A name without a dot is taken for one of its namespace. Never an error: what is no JSON is marked as such, and a
    full parse says why.
    """
    del path  # part of the protocol: other languages need it
    try:
        root: object = json.loads(text)
    except (ValueError, RecursionError):
        return Outline(error=True)
    if not isinstance(root, dict | list | str):
        return Outline(error=True)
    definitions, uses = scan_names(root)
    defined = dict.fromkeys(definition.name for definition in definitions)
    used = dict.fromkeys(qualify(use.name, use.namespace) for use in uses)
    return Outline(tuple(defined), tuple(name for name in used if name not in defined))
