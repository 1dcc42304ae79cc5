"""upgrade.yaml -> JSON: the stubs carry a version's converters as a text that needs no YAML to be read.

What the converters mean is judged by :mod:`registry.serde.conversion`; here only what is no plain value is refused.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from yaml.events import (  # type: ignore[import-untyped, unused-ignore]  # has types only beside types-PyYAML
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from registry.errors import Flaw, InvalidSchema
from registry.frozen import dataclass
from registry.source import Location, Position
from registry.yaml_syntax import ENDS, STARTS, Unreadable, describe, find_events, is_nothing, stop

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,99})(\.[0-9]{1,100})?([eE][-+]?[0-9]{1,3})?")
_WORDS: Final = frozenset({"true", "false"})


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The converters of one version, as plain values."""

    text: str
    """JSON on one line, the keys in their order."""
    path: str
    places: Mapping[str, Position]
    """By pointer (RFC 6901, ``/up/0/scale/by``), where each value stands; of a mapping's, its key."""

    def at(self, pointer: str) -> Location:
        """The place of a pointer, or of the nearest value around it."""
        return Location(self.path, pointer, self._find)

    def _find(self, pointer: str) -> Position:
        while pointer and pointer not in self.places:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, Position(1, 1))


def parse_upgrade(text: str, path: str) -> Upgrade:
    """The document as JSON.

    A word without quotes is a number where JSON would write it so (and keeps its digits: ``0.10`` stays exact), null,
    ``true`` or ``false``, and text otherwise: ``no`` and ``2026-01-01`` are text. Raises :class:`InvalidSchema`, with
    the position, for what is no YAML, for a key that stands twice, for tags, and for a second document.
    """
    writer = _Writer(path)
    try:
        for event in find_events(text.removeprefix("\ufeff"), path):
            writer.take(event)
    except Unreadable as end:
        raise InvalidSchema([end.flaw]) from None
    return Upgrade("".join(writer.words) or "null", path, writer.places)


class _Open:
    """A mapping or list that is not closed yet."""

    __slots__ = ("keys", "pointer", "step")

    def __init__(self, pointer: str, *, mapping: bool) -> None:
        self.pointer = pointer
        self.keys: dict[str, int] | None = {} if mapping else None
        """Of a mapping the keys so far, each with its line."""
        self.step: str | int | None = None if mapping else 0
        """Where the next value goes; of a mapping ``None`` while a key is due."""


class _Writer:
    """Events in, words of JSON out."""

    def __init__(self, path: str) -> None:
        self.words: list[str] = []
        self.places: dict[str, Position] = {}
        self._path = path
        self._documents = 0
        self._open: list[_Open] = []

    def take(self, event: Any) -> None:
        """Write what one event says."""
        kind = type(event)
        if kind is DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                stop(self._path, event.start_mark, "a second document begins here", "keep one; take out the line ---")
        elif kind in ENDS:
            self.words.append("]" if self._open.pop().keys is None else "}")
        elif kind is ScalarEvent or kind in STARTS:
            if event.tag is not None:
                help_ = "take it out; quotes make it text"
                stop(self._path, event.start_mark, f"the tag {event.tag} is not read here", help_)
            if self._open and self._open[-1].step is None:
                self._take_key(event)
            else:
                self._take_value(event)

    def _take_key(self, event: Any) -> None:
        around, mark = self._open[-1], event.start_mark
        if type(event) is not ScalarEvent:
            stop(self._path, mark, f"{describe(event)} stands where a key is wanted", "write a name and a ':'")
        assert around.keys is not None  # a list always has a step
        if event.value in around.keys:
            line = around.keys[event.value]
            message = f"the key {event.value!r} stands here again, after line {line}"
            stop(self._path, mark, message, "keep one of them")
        around.keys[event.value] = mark.line + 1
        around.step = event.value
        self.places[_join(around)] = Position(mark.line + 1, mark.column + 1)
        self._separate()
        self.words += [json.dumps(event.value), ":"]

    def _take_value(self, event: Any) -> None:
        around = self._open[-1] if self._open else None
        pointer = _join(around) if around else ""
        self.places.setdefault(pointer, Position(event.start_mark.line + 1, event.start_mark.column + 1))
        self._separate()
        if around is not None:
            around.step = around.step + 1 if isinstance(around.step, int) else None
        if type(event) is ScalarEvent:
            self.words.append(_spell(event))
        else:
            self.words.append("[" if type(event) is SequenceStartEvent else "{")
            self._open.append(_Open(pointer, mapping=type(event) is MappingStartEvent))

    def _separate(self) -> None:
        if self.words and self.words[-1] not in {"[", "{", ":"}:
            self.words.append(",")


def _join(around: _Open) -> str:
    return f"{around.pointer}/{str(around.step).replace('~', '~0').replace('/', '~1')}"


def _spell(event: Any) -> str:
    if is_nothing(event):
        return "null"
    plain = not event.style and (event.value in _WORDS or _NUMBER.fullmatch(event.value))
    return str(event.value) if plain else json.dumps(event.value)


def find_flaw(upgrade: Upgrade) -> Flaw | None:
    """What is wrong with the converters by themselves, whatever the schemas say."""
    from registry.serde.conversion import BadConversion, load_conversion

    try:
        load_conversion(upgrade.text)
    except BadConversion as error:
        return Flaw("invalid", error.fact, upgrade.at(error.pointer), error.help)
    return None
