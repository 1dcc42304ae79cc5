"""JSON that people read and edit by mistake: strict reading with the place of each fact, and one fact a line."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar

from registry.errors import Unreadable

FORMAT: Final = 1
"""Of the documents; a newer one is refused, because nobody knows what it would mean to leave something out."""
WIDTH: Final = 120
_Word = TypeVar("_Word", bound=StrEnum)
_KINDS: Final = {dict: "an object", list: "a list", str: "a text", int: "a number", bool: "true or false"}


def render_document(facts: Mapping[str, Any]) -> bytes:
    """The text of a document. What is short and holds no further list stands on one line: diffs read well."""
    return (_render({"format": FORMAT, **facts}, "") + "\n").encode("utf-8")


def _render(value: Any, indent: str) -> str:
    if not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    rows = list(value.values()) if isinstance(value, dict) else value
    line = json.dumps(value, ensure_ascii=False)
    top = not indent
    if not value or (
        not top and len(indent) + len(line) <= WIDTH and not any(isinstance(row, dict | list) for row in rows)
    ):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        lines = [f"{json.dumps(key, ensure_ascii=False)}: {_render(row, inner)}" for key, row in value.items()]
    else:
        lines = [_render(row, inner) for row in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n{inner}" + f",\n{inner}".join(lines) + f"\n{indent}{end}"


def parse_document(path: str, raw: bytes) -> "Fields":
    """The top of a document. Raises :class:`Unreadable` for what is no JSON, or of a format not known."""
    whole = Fields(path, "", {})
    try:
        values = json.loads(raw.decode("utf-8"), object_pairs_hook=_refuse_twice)
    except json.JSONDecodeError as error:
        raise _complain(path, f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise _complain(path, str(error)) from None
    if not isinstance(values, dict):
        whole.refuse("", "is no object")
    found = values.pop("format", None)
    if type(found) is int and found > FORMAT:
        raise Unreadable(
            f"{path} of the journal has the format {found}; this release of contracts knows {FORMAT}",
            "a newer release wrote it: pip install --upgrade event-contracts",
        )
    if type(found) is not int or found != FORMAT:
        whole.refuse("format", f"is {json.dumps(found)}, not {FORMAT}")
    return Fields(path, "", values)


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{json.dumps(next(name for name in names if names.count(name) > 1))} stands there twice")
    return values


def _complain(path: str, fact: str) -> Unreadable:
    told = fact if fact.isprintable() else ascii(fact)[1:-1]  # what was edited in may be anything
    return Unreadable(
        f"{path} of the journal: {told}",
        f"only `contracts` writes this branch; git log -p contracts-state -- {path} shows who edited it,"
        " and a commit on that branch can put back what stood there",
    )


class Fields:
    """An object of a document, taken apart key by key; what is left at the end was not known."""

    __slots__ = ("_at", "_path", "_values")

    def __init__(self, path: str, at: str, values: Mapping[str, Any]) -> None:
        self._path = path
        self._at = at
        self._values = dict(values)

    def refuse(self, key: str, fact: str) -> NoReturn:
        """Raise :class:`Unreadable` with the place and the fact."""
        place = ".".join(part for part in (self._at, key) if part) or "the document"
        raise _complain(self._path, f"{place} {fact}")

    def finish(self) -> None:
        """Refuse what nobody took."""
        for key in self._values:
            self.refuse(key, "is not known")

    def take(self, key: str, kind: type) -> Any:
        """The value of a key that must be there, of one kind."""
        if key not in self._values:
            self.refuse(key, "is missing")
        value = self._values.pop(key)
        if type(value) is not kind:
            self.refuse(key, f"is {json.dumps(value, ensure_ascii=False)}, not {_KINDS[kind]}")
        return value

    def has(self, key: str) -> bool:
        """Whether the key is there and is not null; a null is taken."""
        if self._values.get(key, 0) is None:
            del self._values[key]
        return key in self._values

    def text(self, key: str) -> str:
        """A text."""
        return str(self.take(key, str))

    def whole(self, key: str, least: int = 0) -> int:
        """A whole number that is not below the least."""
        value = int(self.take(key, int))
        if value < least:
            self.refuse(key, f"is {value}, less than {least}")
        return value

    def moment(self, key: str) -> datetime:
        """A point in time, with its offset from UTC."""
        text = self.text(key)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            self.refuse(key, f"is {text!r}, not a time such as 2026-01-05T12:00:00Z")
        if found.tzinfo is None:
            self.refuse(key, f"is {text!r}, without Z or an offset from UTC")
        return found

    def optional_moment(self, key: str) -> datetime | None:
        """A point in time, or ``None`` for null and for a key that is not there."""
        return self.moment(key) if self.has(key) else None

    def word(self, key: str, words: type[_Word]) -> _Word:
        """One of the words of an enumeration."""
        text = self.text(key)
        try:
            return words(text)
        except ValueError:
            self.refuse(key, f"is {text!r}, none of {', '.join(words)}")

    def numbers(self, key: str) -> tuple[int, ...]:
        """A list of versions."""
        found = self.take(key, list)
        if any(type(each) is not int or each < 1 for each in found):
            self.refuse(key, f"is {json.dumps(found)}, not a list of versions")
        return tuple(found)

    def fields(self, key: str) -> "Fields":
        """An object in it."""
        return Fields(self._path, f"{self._at}.{key}" if self._at else key, self.take(key, dict))

    def rows(self, key: str) -> Sequence["Fields"]:
        """A list of objects."""
        found = self.take(key, list)
        at = f"{self._at}.{key}" if self._at else key
        for number, row in enumerate(found):
            if type(row) is not dict:
                self.refuse(f"{key}[{number}]", "is no object")
        return [Fields(self._path, f"{at}[{number}]", row) for number, row in enumerate(found)]

    def find_keys(self) -> tuple[str, ...]:
        """What is not taken yet."""
        return tuple(self._values)

    def find_numbers(self, least: int = 0) -> tuple[int, ...]:
        """What is not taken yet, where each key must be a number."""
        for key in self._values:
            if not (key.isascii() and key.isdecimal() and str(int(key)) == key and int(key) >= least):
                self.refuse(key, "is not a number")
        return tuple(int(key) for key in self._values)
