"""JSON as a schema file may hold it: strict, bounded, and with the position of every value.

The standard parser does the work. What it lets pass and a contract must not hold (two keys of one name, ``NaN``, half a
surrogate pair, nesting without end) is looked for afterwards, by a tokenizer that knows no recursion; the tokenizer
runs only where something is wrong, or where somebody asks for a line.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

from registry.errors import Flaw, InvalidSchema
from registry.source import Location, Position, fixed_location

MAX_DEPTH: Final = 256
"""Levels of JSON that a file may nest. A record inside a record costs three."""

_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_CONSTANTS: Final = frozenset({"NaN", "Infinity", "-Infinity"})


def parse_json(text: str, path: str) -> object:
    """The value of a JSON text; objects are dicts whose keys were all different.

    Raises :class:`InvalidSchema` with the position of what is no JSON, or is beyond the limits.
    """
    duplicates: list[bool] = []
    constants: list[str] = []

    def unite(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) != len(pairs):
            duplicates.append(True)
        return members

    try:
        value: object = json.loads(text, object_pairs_hook=unite, parse_constant=constants.append)
    except json.JSONDecodeError as error:
        raise _no_json(error, text, path) from None
    except RecursionError:
        raise _too_deep(text, path) from None
    except ValueError:  # int() refuses numbers of more than some thousand digits
        offset = max(_TOKEN.finditer(text), key=_digits).start()
        raise _invalid(path, _position(text, offset), "a number with too many digits") from None
    if constants:
        offset = next(token.start() for token in _TOKEN.finditer(text) if token.group() in _CONSTANTS)
        raise _invalid(path, _position(text, offset), f"{constants[0]} is no JSON number")
    if duplicates:
        key, offset = JsonPositions(text).duplicates[0]
        raise _invalid(path, _position(text, offset), f"the key {json.dumps(key)} stands twice in one object")
    if nests_deeper(value, MAX_DEPTH):
        raise _too_deep(text, path)
    if _SURROGATE.search(text) or _SURROGATE_ESCAPE.search(text):
        for offset in _find_surrogates(text):
            raise _invalid(path, _position(text, offset), "half a surrogate pair: no character, and not to be encoded")
    return value


def nests_deeper(value: object, limit: int) -> bool:
    """Whether a parsed value has more than ``limit`` levels of arrays and objects."""
    layer = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        layer = [child for outer in layer for child in _children(outer) if isinstance(child, dict | list)]
        if not layer:
            return False
    return bool(layer)


def _children(container: dict[str, object] | list[object]) -> Iterable[object]:
    return container.values() if isinstance(container, dict) else container


def _digits(token: re.Match[str]) -> int:
    return len(token.group()) if token.group().lstrip("-").isdigit() else 0


def _find_surrogates(text: str) -> Iterator[int]:
    for token in _TOKEN.finditer(text):
        if token.group()[0] == '"' and _SURROGATE.search(json.loads(token.group())):
            yield token.start()


def _too_deep(text: str, path: str) -> InvalidSchema:
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token.group(), 0)
        if depth > MAX_DEPTH:
            message = f"nests deeper than {MAX_DEPTH} levels of JSON"
            help_ = "define inner types in files of their own and refer to them by name"
            return _invalid(path, _position(text, token.start()), message, help_)
    # A small stack rather than a deep text: the same limit, met earlier.
    return _invalid(path, Position(1, 1), "nests too deep for the stack that is left")


def _no_json(error: json.JSONDecodeError, text: str, path: str) -> InvalidSchema:
    if text.startswith("\ufeff"):
        return _invalid(path, Position(1, 1), "starts with a byte order mark", "save it as UTF-8 without one")
    if not text.strip():
        return _invalid(path, Position(1, 1), "the file is empty")
    return _invalid(path, Position(error.lineno, error.colno), f"no JSON: {error.msg[:1].lower()}{error.msg[1:]}")


def _invalid(path: str, position: Position, message: str, help_: str = "") -> InvalidSchema:
    return InvalidSchema([Flaw("invalid", message, fixed_location(path, *position), help_)])


def _position(text: str, offset: int) -> Position:
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


class JsonPositions:
    """Where each value of a JSON text starts, by pointer; the text is scanned once, when first asked.

    A pointer leads to the start of its value: ``/fields/2`` to the ``{`` of that field. A pointer that leads nowhere
    answers with the nearest value above it.
    """

    __slots__ = ("_children", "_duplicates", "_lines", "_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] | None = None
        self._lines: list[int] = []
        self._children: dict[tuple[int, str], int] = {}
        self._duplicates: list[tuple[str, int]] = []

    def __call__(self, pointer: str) -> Position:
        """Line and column of the value a pointer (RFC 6901) leads to."""
        starts = self._starts if self._starts is not None else self._scan()
        node = 0
        for step in pointer.split("/")[1:]:
            child = self._children.get((node, step.replace("~1", "/").replace("~0", "~")))
            if child is None:
                break
            node = child
        if not starts:
            return Position(1, 1)
        line = bisect_right(self._lines, starts[node])
        return Position(line, starts[node] - self._lines[line - 1] + 1)

    @property
    def duplicates(self) -> list[tuple[str, int]]:
        """Keys that stand twice in one object, each with the offset of its second place."""
        if self._starts is None:
            self._scan()
        return self._duplicates

    def _scan(self) -> list[int]:
        """Nodes are numbers; a child is found by its parent's number and a step: memory is linear in the text."""
        starts: list[int] = []
        open_: list[tuple[int, bool]] = []  # node, whether it is an object
        keys: list[str | None] = []  # of the member or item that comes next, one for each open container
        for token in _TOKEN.finditer(self._text):
            word = token.group()
            if word == ":":
                continue
            if word == ",":
                if open_:
                    keys[-1] = None if open_[-1][1] else str(int(keys[-1] or 0) + 1)
                continue
            if word in "]}":
                if open_:
                    open_.pop()
                    keys.pop()
                continue
            if open_ and keys[-1] is None:
                key = str(json.loads(word)) if word[0] == '"' else word
                if (open_[-1][0], key) in self._children:
                    self._duplicates.append((key, token.start()))
                keys[-1] = key
                continue
            node = len(starts)
            starts.append(token.start())
            if open_:
                self._children[open_[-1][0], keys[-1] or ""] = node
            if word in "[{":
                open_.append((node, word == "{"))
                keys.append(None if word == "{" else "0")
        self._lines = [0, *(match.end() for match in re.finditer("\n", self._text))]
        self._starts = starts
        return starts


def locate(path: str, text: str) -> Location:
    """The whole of a JSON file; places inside it find their lines when asked."""
    return Location(path, "", JsonPositions(text))
