"""The lines of one generated function, on the reading side."""

from collections.abc import Iterator
from contextlib import contextmanager


class Body:
    """Lines, where the next one goes, and names that no other has."""

    __slots__ = ("_names", "_outer", "height", "indent", "lines", "looks_ahead")

    def __init__(self, indent: int, outer: str = "") -> None:
        self._outer = outer
        self.lines: list[str] = []
        self.indent = indent
        self.height = 0
        """Levels below the value that the function reads, in line."""
        self._names: list[str] = []
        self.looks_ahead = False
        """Whether a line asks if eight bytes are left: ``e`` is the last index where they are."""

    def level(self, below: int) -> str:
        """The level of nesting of what is so many levels below the value that the function reads."""
        return f"{self._outer} + {below}" if self._outer else str(below + 1)

    def line(self, text: str) -> None:
        """One more line."""
        self.lines.append(f"{' ' * self.indent}{text}")

    @contextmanager
    def under(self, head: str) -> Iterator[None]:
        """What follows a line that ends in a colon."""
        self.line(head)
        self.indent += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self.indent -= 1

    @property
    def names(self) -> list[str]:
        """What :meth:`name` gave."""
        return self._names

    def name(self, letter: str) -> str:
        """A new name; letters are told apart from the names in :mod:`registry.serde.avro.pieces` by the digits."""
        self._names.append(f"{letter}{len(self._names) + 1}")
        return self._names[-1]
