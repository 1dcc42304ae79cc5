"""Edits of a schema's text that leave everything else as its author wrote it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Edit(NamedTuple):
    """The characters from ``start`` up to ``end`` give way to ``text``; an insertion starts where it ends."""

    start: int
    end: int
    text: str


class Row(NamedTuple):
    """One repair of a language: how it is made, what is said of it afterwards, and why nobody need be asked."""

    find: Callable[[str, int, Sequence[str]], Sequence[Edit]]
    """The text, the offset of the finding's place, and the words of the fix, to edits; none where it does not know."""
    done: str
    """With the words in braces; ``{all}`` is all of them."""
    why: str


def apply_edits(text: str, edits: Sequence[Edit]) -> str | None:
    """The text after all edits, insertions at one place in the order given; ``None`` where two of them overlap."""
    parts: list[str] = []
    at = 0
    for start, end, new in sorted(edits, key=lambda edit: edit.start):
        if start < at:
            return None
        parts += (text[at:start], new)
        at = end
    return "".join((*parts, text[at:]))


def find_offset(text: str, line: int, column: int) -> int:
    """The offset of a line and a column, both counted from 1; a carriage return counts as the last of its line."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column - 1
