"""YAML with positions: a text and its shape become plain values, and every place where the two do not fit a flaw.

Events are read, never a loaded object: duplicate keys are visible there, every value has its place, and a scalar is
what the shape wants it to be (``no`` stays a name).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from yaml.events import (  # type: ignore[import-untyped, unused-ignore]  # has types only beside types-PyYAML
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from registry.errors import Flaw
from registry.shape import DAY, LARGEST, Day, Flag, Integer, Keys, Known, ListOf, MapOf, OneOf, Several, Shape, Text
from registry.source import Location, Position, fixed_location
from registry.yaml_syntax import ENDS, STARTS, Start, Unreadable, describe, find_events, is_nothing, plain_word, stop

Where = tuple[str, str | int, Any]
"""Of a value: the pointer of what it stands in, the step from there, and the event of its key if it has one."""
INVALID: Final = object()
"""Stands for a value that a flaw was told of; it is left out."""
DECIMAL = re.compile("-?(0|[1-9][0-9]*)")


class _Places(dict[str, tuple[int, int]]):
    """Where each mapping of a file stands, by pointer: one for the whole file, so that a :class:`Location` is small."""

    def find(self, pointer: str) -> Position:
        """The place of a pointer, or of the nearest mapping above it."""
        while pointer and pointer not in self:
            pointer = pointer.rpartition("/")[0]
        line, column = self.get(pointer, (0, 0))
        return Position(line + 1, column + 1)


class Table(dict[str, Any]):
    """A mapping that was read: plain values by key, and where each stands. What was flawed is left out."""

    __slots__ = ("marks", "path", "places", "pointer", "start")

    def __init__(
        self, path: str, pointer: str = "", start: tuple[int, int] = (0, 0), places: _Places | None = None
    ) -> None:
        self.path = path
        self.pointer = pointer
        self.start = start
        """Line and column, counted from 0, as in ``marks``."""
        self.places = _Places() if places is None else places
        self.places.setdefault(pointer, start)
        self.marks: dict[str, tuple[int, int, int, int]] = {}
        """Line and column of a key, then of its value, flawed or not."""

    @property
    def at(self) -> Location:
        """Where its key stands; for an item of a list, and for the whole file, where it begins."""
        if self.places[self.pointer] is self.start:
            return Location(self.path, self.pointer, self.places.find)
        line, column = self.start  # of a key that stands there again
        return fixed_location(self.path, line + 1, column + 1, self.pointer)

    def at_key(self, key: str) -> Location:
        """Where a key stands that the file has."""
        line, column, _, _ = self.marks[key]
        return fixed_location(self.path, line + 1, column + 1, _join(self.pointer, key))

    def at_value(self, key: str) -> Location:
        """Where the value of a key stands that the file has."""
        _, _, line, column = self.marks[key]
        return fixed_location(self.path, line + 1, column + 1, _join(self.pointer, key))


class Document(NamedTuple):
    """A file as its shape reads it."""

    table: Table
    flaws: tuple[Flaw, ...]


def parse_document(text: str, path: str, shape: Keys) -> Document:
    """What the text says, by its shape.

    Never raises for what the text holds. A file that is no YAML, or of a version not known, is empty and has one flaw.
    """
    reader = _Reader(path, find_events(text.removeprefix("\ufeff"), path))
    if text.startswith("\ufeff"):
        reader.tell(Start(), "", "the file begins with a byte order mark", "save it as UTF-8 without BOM")
    try:
        table = reader.read_whole(shape)
    except Unreadable as end:
        return Document(Table(path), (end.flaw,))
    return Document(table, tuple(reader.flaws.values()))


def parse_top_key(text: str, path: str, key: str, shape: ListOf) -> list[Any]:
    """The list that one key of the file holds, the rest unread; empty where there is none or the file is flawed."""
    if key not in text:
        return []
    reader = _Reader(path, find_events(text.removeprefix("\ufeff"), path))
    try:
        reader.take()
        if type(reader.take()) is not DocumentStartEvent or type(reader.take()) is not MappingStartEvent:
            return []
        while type(name := reader.take()) is not MappingEndEvent:
            reader.skip(name)
            value = reader.take()
            if type(name) is ScalarEvent and name.value == key:
                found = reader.read(shape, value, ("", key, None))
                return [] if found is INVALID else list(found)
            reader.skip(value)
    except Unreadable:
        pass  # parse_document tells of it
    return []


def suggest(word: str, words: Iterable[str]) -> str:
    """A question for a word that is not among the words, or nothing: ``did you mean 'owner'?``."""
    from difflib import get_close_matches  # a good file never needs it

    close = get_close_matches(word.lower(), by_lower := {known.lower(): known for known in words}, n=1)
    return f"did you mean '{by_lower[close[0]]}'?" if close else ""


def _locate(path: str, mark: Any, pointer: str) -> Location:
    return fixed_location(path, mark.line + 1, mark.column + 1, pointer)


def _join(parent: str, step: str | int, _key: Any = None) -> str:
    if step == "":  # the whole file
        return parent
    if type(step) is str and ("~" in step or "/" in step):
        step = step.replace("~", "~0").replace("/", "~1")
    return f"{parent}/{step}"


class _Reader:
    """One pass over the events of one file."""

    __slots__ = ("flaws", "path", "places", "take")

    def __init__(self, path: str, events: Iterator[Any]) -> None:
        self.path = path
        self.places = _Places()
        self.take: Callable[[], Any] = events.__next__
        self.flaws: dict[tuple[int, int, str], Flaw] = {}  # an alias repeats a flaw: it is told once

    def tell(self, mark: Any, pointer: str, message: str, help: str) -> None:
        """Remember one flaw."""
        flaw = Flaw("invalid", message, _locate(self.path, mark, pointer), help)
        self.flaws.setdefault((mark.line, mark.column, message), flaw)

    def wrong(self, event: Any, where: Where, expected: str, help: str) -> object:
        """Tell of a value that is not what was expected, and pass it over."""
        step = where[1]
        who = repr(step) if isinstance(step, str) else f"item {step + 1}"
        if is_nothing(event):
            help = "write it, or take the whole entry out"
        message = f"{who} must be {expected}; here is {describe(event)}"
        self.tell(event.start_mark, _join(*where), message, help)
        self.skip(event)
        return INVALID

    def skip(self, event: Any) -> None:
        """Pass over the rest of a value whose first event was taken."""
        depth = 1 if type(event) in STARTS else 0
        while depth:
            kind = type(self.take())
            depth += (kind in STARTS) - (kind in ENDS)

    def read_whole(self, shape: Keys) -> Table:
        """The one document of the file."""
        self.take()
        help = f"begin with '{shape.required[0]}:'" if shape.required else "write {}"
        if type(self.take()) is StreamEndEvent or is_nothing(root := self.take()):
            stop(self.path, Start(), "the file is empty", help)
        if type(root) is not MappingStartEvent:
            stop(self.path, root.start_mark, f"the file must be a mapping of keys; here is {describe(root)}", help)
        table: Table = self.read(shape, root, ("", "", None))
        if table is INVALID:  # a tag, which was told of
            table = Table(self.path)
        self.take()
        if type(more := self.take()) is not StreamEndEvent:
            stop(self.path, more.start_mark, "a second document begins", "keep one document in a file: remove '---'")
        return table

    def read(self, shape: Shape, event: Any, where: Where) -> Any:
        """The value that begins with ``event``, or :data:`INVALID`."""
        if event.tag is not None:
            self.tell(event.start_mark, _join(*where), f"the tag {event.tag} is not read", "leave the tag out")
            self.skip(event)
            return INVALID
        return READERS[type(shape)](self, shape, event, where)


def _text(reader: _Reader, shape: Text, event: Any, where: Where) -> Any:
    if shape.blank and is_nothing(event):
        return ""
    if type(event) is not ScalarEvent or is_nothing(event):
        return reader.wrong(event, where, shape.looks or "text", shape.about)
    value = event.value
    fits = re.fullmatch(shape.pattern, value) if shape.pattern else shape.blank or value.strip()
    return value if fits else reader.wrong(event, where, shape.looks or "text that says something", shape.about)


def _integer(reader: _Reader, shape: Integer, event: Any, where: Where) -> Any:
    word = plain_word(event)
    # Ten digits hold the largest one; int() itself refuses some thousands with an error of its own.
    if len(word) <= 11 and DECIMAL.fullmatch(word) and shape.minimum <= int(word) <= LARGEST:
        return int(word)
    bounds = f"a whole number, {shape.minimum} to {LARGEST}"
    return reader.wrong(event, where, bounds, "write it in digits, without quotes")


def _known(reader: _Reader, shape: Known, event: Any, where: Where) -> Any:
    word = plain_word(event)
    if word == str(shape.version):
        return shape.version
    if DECIMAL.fullmatch(word):
        help = "install the event-contracts that knows it; nothing else in this file was read"
        stop(reader.path, event.start_mark, f"version {word[:20]} is not known: this tool reads {shape.version}", help)
    return reader.wrong(event, where, str(shape.version), f"write {where[1]}: {shape.version}")


def _flag(reader: _Reader, shape: Flag, event: Any, where: Where) -> Any:
    words = {"true": True, "false": False} if shape.only is None else {str(shape.only).lower(): shape.only}
    word = plain_word(event)
    return words[word] if word in words else reader.wrong(event, where, " or ".join(words), shape.about)


def _day(reader: _Reader, shape: Day, event: Any, where: Where) -> Any:
    if shape.blank and is_nothing(event):
        return None
    if type(event) is ScalarEvent and re.fullmatch(DAY, event.value):
        try:
            return date.fromisoformat(event.value)
        except ValueError:
            pass  # 2026-02-30
    return reader.wrong(event, where, "a day of the calendar", "write it as 2026-09-01")


def _one_of(reader: _Reader, shape: OneOf, event: Any, where: Where) -> Any:
    if type(event) is ScalarEvent:
        if event.value in shape.words:
            return event.value
        help = suggest(event.value, shape.words) or shape.about
    else:
        help = shape.about
    return reader.wrong(event, where, f"one of {', '.join(shape.words)}", help)


def _list_of(reader: _Reader, shape: ListOf, event: Any, where: Where) -> Any:
    if type(event) is not SequenceStartEvent:
        return reader.wrong(event, where, "a list", "put it in [ ]")
    pointer = _join(*where)
    items = []
    seen = 0
    while type(item := reader.take()) is not SequenceEndEvent:
        if (value := reader.read(shape.item, item, (pointer, seen, None))) is not INVALID:
            items.append(value)
        seen += 1
    if not seen and shape.empty:
        reader.tell(event.start_mark, pointer, f"{where[1]!r} is an empty list", shape.empty)
    return tuple(items)


def _several(reader: _Reader, shape: Several, event: Any, where: Where) -> Any:
    if type(event) is not SequenceStartEvent:
        value = reader.read(shape.shape, event, where)
        return INVALID if value is INVALID else [(value, _locate(reader.path, event.start_mark, _join(*where)))]
    pointer = _join(*where)
    seen = 0
    found = []
    while type(item := reader.take()) is not SequenceEndEvent:
        if (value := reader.read(shape.shape, item, (pointer, seen, None))) is not INVALID:
            found.append((value, _locate(reader.path, item.start_mark, _join(pointer, seen))))
        seen += 1
    return found


def _map_of(reader: _Reader, shape: MapOf, event: Any, where: Where) -> Any:
    if type(event) is not MappingStartEvent:
        return reader.wrong(event, where, "a mapping by name", f"write {where[1]}: {{a-name: ...}}")
    table = Table(reader.path, _join(*where), _start(where[2] or event), reader.places)
    _fill(reader, table, {}, shape)
    return table


def _keys(reader: _Reader, shape: Keys, event: Any, where: Where) -> Any:
    table = Table(reader.path, _join(*where), _start(where[2] or event), reader.places)
    if type(event) is MappingStartEvent:
        _fill(reader, table, shape.keys, shape.others)
        for name in shape.required:
            if name not in table.marks:
                help = f"{name}: {shape.keys[name].about}"
                reader.tell(Start(*table.start), table.pointer, f"the key {name!r} is missing", help)
        return table
    if shape.short and type(event) is ScalarEvent:
        value = reader.read(shape.keys[shape.short], event, where)
        table[shape.short] = value
        table.marks[shape.short] = *_start(event), *_start(event)
        return INVALID if value is INVALID else table
    return reader.wrong(event, where, "a mapping of keys", f"its keys: {', '.join(shape.keys)}")


def _start(event: Any) -> tuple[int, int]:
    # Numbers, not the parser's mark: objects that are kept cost a garbage collection each time their number grows.
    mark = event.start_mark
    return mark.line, mark.column


def _fill(reader: _Reader, table: Table, keys: Mapping[str, Shape], others: MapOf | None) -> None:
    """Read the rest of a mapping whose first event was taken."""
    take, read, marks, pointer = reader.take, reader.read, table.marks, table.pointer
    while type(key := take()) is not MappingEndEvent:
        name = _key_name(reader, key, pointer)
        value = take()
        if name is None:
            reader.skip(value)
            continue
        shape = keys.get(name)
        repeats = False
        if shape is None:
            if others is None:
                help = suggest(name, keys) or f"known here: {', '.join(keys)}"
                reader.tell(key.start_mark, _join(pointer, name), f"the key {name!r} is not known here", help)
                reader.skip(value)
                continue
            pattern = others.key.pattern
            if not (re.fullmatch(pattern, name) if pattern else name.strip()):
                wanted = others.key.looks or "a name"
                reader.tell(
                    key.start_mark, _join(pointer, name), f"the key {name!r} must be {wanted}", others.key.about
                )
                reader.skip(value)
                continue
            shape, repeats = others.value, others.repeats
        several = repeats or type(shape) is Several
        first = marks.get(name)
        if first is not None and not several:
            fact = f"the key {name!r} stands here again; the first is in line {first[0] + 1}, column {first[1] + 1}"
            reader.tell(key.start_mark, _join(pointer, name), fact, "keep one of them")
            reader.skip(value)
            continue
        if first is None:
            marks[name] = *_start(key), *_start(value)
        result = read(shape, value, (pointer, name, key))
        if result is INVALID:
            continue
        if repeats:
            result = [result]
        table[name] = [*table[name], *result] if several and name in table else result


def _key_name(reader: _Reader, key: Any, pointer: str) -> str | None:
    if type(key) is ScalarEvent and key.tag is None and (key.style or key.value != "<<"):
        return str(key.value)
    if type(key) is not ScalarEvent:
        reader.tell(key.start_mark, pointer, f"a key must be text; here is {describe(key)}", "write it as 'key: value'")
    elif key.tag is not None:
        reader.tell(key.start_mark, pointer, f"the tag {key.tag} is not read", "leave the tag out")
    else:
        reader.tell(key.start_mark, pointer, "merge keys (<<) are not read", "write the keys out")
    reader.skip(key)
    return None


READERS: dict[type, Callable[..., Any]] = {
    Text: _text,
    Integer: _integer,
    Known: _known,
    Flag: _flag,
    Day: _day,
    OneOf: _one_of,
    ListOf: _list_of,
    MapOf: _map_of,
    Several: _several,
    Keys: _keys,
}
