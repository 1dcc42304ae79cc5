"""Names as Avro 1.12 reads them ("Names"): a full name is a namespace and a short name."""

import re
from typing import Final

PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
"""Type names that stand for themselves in every namespace, and that nobody may redefine."""

RECORDS: Final = frozenset({"record", "error"})
"""The two words for a record; the bytes do not know which one was used."""

NAMED: Final = RECORDS | {"enum", "fixed"}
"""Values of ``type`` that define a name."""

is_name: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*").fullmatch
"""A name without dots: of a field, a symbol, a type."""

is_dotted_name: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*").fullmatch
"""A full name or a namespace."""


def qualify(name: str, namespace: str) -> str:
    """The full name that ``name`` means inside ``namespace``: a dotted one is full already."""
    return f"{namespace}.{name}" if namespace and "." not in name else name


def define(name: str, own_namespace: str | None, enclosing: str) -> str:
    """The full name of a definition: dots in its name win, then its ``namespace`` (``""`` is none), then the outer."""
    return qualify(name, enclosing if own_namespace is None else own_namespace)


def namespace_of(full_name: str) -> str:
    """All before the last dot; empty for the null namespace."""
    return full_name.rpartition(".")[0]


def short_name(full_name: str) -> str:
    """All after the last dot."""
    return full_name.rpartition(".")[2]
