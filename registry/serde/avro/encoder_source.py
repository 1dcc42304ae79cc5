"""The source of an encoder while it is being written: pieces of bytes, the bodies of functions, the names they use."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from struct import Struct
from typing import Any, Final

from registry.frozen import dataclass
from registry.schema import Primitive, Ref, Schema, Type
from registry.serde.avro.roles import Roles
from registry.serde.shape import Shape

_MOST_LINES: Final = 120
"""Lines of a function beyond which records are no longer written out in it: two uses of each would double all."""
_MOST_INDENT: Final = 8
"""Of Python's twenty blocks inside each other."""
_MOST_LEVELS: Final = 8
"""Records, arrays and maps inside each other in one function."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that come one after the other: constant, of one format of :mod:`struct`, or what an expression gives."""

    expression: str = ""
    constant: bytes = b""
    format: str = ""
    """``d`` and the like: the expression is a name, whose value is packed, together with its neighbours."""


@dataclass(frozen=True, slots=True)
class Value:
    """What is to be written, as an expression; of the envelope, where it comes from and what comes from there."""

    expression: str
    """Empty for a record that holds nothing but the envelope, for which there is no object."""
    roles: Roles = ()
    """Those of what lies below."""
    role: str = ""
    """That of the value itself."""


def join_all(expressions: Sequence[str]) -> str:
    """One expression for the bytes of several."""
    return expressions[0] if len(expressions) == 1 else f"b''.join(({', '.join(expressions)}))"


class Source:
    """The functions of one encoder, and the values that their names stand for."""

    __slots__ = ("_bound", "_functions", "_tables", "_waiting", "names", "schema", "shape", "typed")

    def __init__(self, schema: Schema, shape: Shape, names: dict[str, Any]) -> None:
        self.schema = schema
        self.shape = shape
        self.typed = bool(shape.types)
        self.names = names
        self._tables: list[str] = []
        self._bound: dict[object, str] = {}
        self._functions: dict[object, str] = {}
        self._waiting: list[tuple[str, Type]] = []

    def bind(self, letter: str, key: object, value: object) -> str:
        """The name of a value; one for each key."""
        name = self._bound.get((letter, key))
        if name is None:
            name = self._bound[letter, key] = f"{letter}{len(self._bound)}"
            self.names[name] = value
        return name

    def function(self, type_: Type) -> str:
        """The function that writes a type, which is written when its turn comes."""
        key: object = id(type_)
        if isinstance(type_, Ref):
            key = type_.name
        elif isinstance(type_, Primitive):
            key = type_.name, type_.logical
        if key not in self._functions:
            self._functions[key] = f"write{len(self._functions)}"
            self._waiting.append((self._functions[key], type_))
        return self._functions[key]

    def table(self, rows: Sequence[str]) -> str:
        """The name of a dict of these rows, which is made when all functions are."""
        name = f"table{len(self._tables)}"
        self._tables.append(f"{name} = {{{', '.join(rows)}}}")
        return name

    @property
    def tables(self) -> Sequence[str]:
        """The lines that make them."""
        return self._tables

    def find_waiting(self) -> Iterator[tuple[str, Type]]:
        """The functions that were asked for; writing one may ask for others."""
        while self._waiting:
            yield self._waiting.pop()

    def join(self, pieces: Sequence[Piece]) -> list[str]:
        """Expressions of the pieces, with those put together that can be."""
        joined: list[str] = []
        constant, format_ = b"", ""
        packed: list[str] = []
        for piece in (*pieces, Piece()):
            if format_ and not piece.format:
                joined.append(self._pack(format_, packed))
                format_, packed = "", []
            if constant and not piece.constant:
                joined.append(repr(constant))
                constant = b""
            constant += piece.constant
            if piece.format:
                format_ += piece.format
                packed.append(piece.expression)
            elif piece.expression:
                joined.append(piece.expression)
        return joined

    def _pack(self, format_: str, packed: Sequence[str]) -> str:
        if format_ == "?":
            return f"(b'\\1' if {packed[0]} else b'\\0')"
        pack = self.bind("pack", format_, Struct(f"<{format_}").pack)
        return f"{pack}({', '.join(packed)})"


class Body:
    """One function: its lines, its local names, and how deep it is inside."""

    __slots__ = ("_count", "_depth", "_indent", "_levels", "_written", "deepest", "inlined", "lines", "source")

    def __init__(self, source: Source, indent: int, depth: str) -> None:
        self.source = source
        self._depth = depth
        self.lines: list[str] = []
        self.inlined: list[str] = []
        """The records that are being written out, from the outside in."""
        self.deepest = 0
        """Levels below the one of the function's own value."""
        self._indent = indent
        self._levels = 0
        self._count = 0
        self._written = 0

    @property
    def is_full(self) -> bool:
        """Whether what comes next had better be a function of its own."""
        return self._indent > _MOST_INDENT or self._levels > _MOST_LEVELS or self._written > _MOST_LINES

    @property
    def depth(self) -> str:
        """How many levels deep a value stands that is written here."""
        return f"{self._depth} + {self._levels}"

    def add(self, line: str) -> None:
        """One more line."""
        self._written += 1
        self.lines.append("    " * self._indent + line)

    def fresh(self) -> str:
        """A local name that nobody has."""
        self._count += 1
        return f"v{self._count}"

    def hold(self, value: str) -> str:
        """A local name for a value."""
        if value.isidentifier():
            return value
        name = self.fresh()
        self.add(f"{name} = {value}")
        return name

    def refuse_if(self, condition: str) -> None:
        """Leaves the quick way."""
        self.add(f"if {condition}:")
        self.add("    raise Refused")

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One level down, to what is in a record, an array or a map."""
        self._levels += 1
        self.deepest = max(self.deepest, self._levels)
        yield
        self._levels -= 1

    @contextmanager
    def block(self) -> Iterator[list[str]]:
        """Lines that are put aside, one indent further in."""
        before, self.lines = self.lines, []
        inner = self.lines
        self._indent += 1
        yield inner
        self._indent -= 1
        self.lines = before

    def insert(self, header: str, lines: Sequence[str]) -> None:
        """What was put aside, under its header."""
        self.add(header)
        self.lines += lines
