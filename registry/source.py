"""Where a fact stands: a file, and a place in it."""

from collections.abc import Callable
from typing import NamedTuple

from registry.frozen import dataclass, field


class Position(NamedTuple):
    """Line and column, both counted from 1, as editors and compilers count them; the column counts characters."""

    line: int
    column: int


def find_start(_pointer: str) -> Position:
    """The answer of a source whose inner places are not known: its first character."""
    return Position(1, 1)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file: the path, and the pointer inside (RFC 6901, ``/fields/2/type``; for Protobuf by name).

    The line is asked of ``find`` only when somebody wants to print it: a schema has thousands of places, a report has
    a few, and services that parse schemas in production never print one.
    """

    path: str
    pointer: str = ""
    find: Callable[[str], Position] = field(default=find_start, compare=False, repr=False)

    @property
    def line(self) -> int:
        """The line, counted from 1."""
        return self.find(self.pointer).line

    @property
    def column(self) -> int:
        """The column, counted from 1."""
        return self.find(self.pointer).column

    def at(self, *steps: str | int) -> "Location":
        """The place some steps further down, as in ``location.at("fields", 2, "type")``."""
        down = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
        return Location(self.path, self.pointer + down, self.find)

    def __str__(self) -> str:
        line, column = self.find(self.pointer)
        return f"{self.path}:{line}:{column}"


def fixed_location(path: str, line: int, column: int, pointer: str = "") -> Location:
    """A place whose line and column are known already."""
    position = Position(line, column)
    return Location(path, pointer, lambda _pointer: position)
