"""Expressions of generated code: annotations, defaults, the bundle.

They are trees and not text until a module is written, because the names in them depend on the whole module: an import
gets another alias where a field is called the same.
"""

from typing import NamedTuple, Union


class Text(NamedTuple):
    """Source as it is: a literal, ``None``, ``()``. Texts of a schema go through
    :func:`registry.codegen.quoting.quote`."""

    text: str


class Known(NamedTuple):
    """A name that the module imports, a key of :data:`registry.codegen.imports.IMPORTS`; ``member`` is an attribute."""

    name: str
    member: str = ""


class Class(NamedTuple):
    """A class of this module, or a member of it where it is an enum."""

    name: str
    member: str = ""


class Call(NamedTuple):
    """``function(name=value)``; a positional argument has no name."""

    function: "Code"
    arguments: tuple[tuple[str, "Code"], ...] = ()


class Row(NamedTuple):
    """A tuple."""

    items: tuple["Code", ...]


class Table(NamedTuple):
    """A ``dict``."""

    items: tuple[tuple["Code", "Code"], ...]


class Generic(NamedTuple):
    """``Sequence[str]``."""

    base: "Code"
    arguments: tuple["Code", ...]


class Either(NamedTuple):
    """``A | B | None``."""

    parts: tuple["Code", ...]


class Long(NamedTuple):
    """A literal of a text or of bytes that may be split over many lines."""

    value: str | bytes


Code = Union[Text, Known, Class, Call, Row, Table, Generic, Either, Long]  # noqa: UP007 (a quoted name needs it)

NONE = Text("None")
NOTHING = Text("()")
"""The empty tuple: the default of a list."""
