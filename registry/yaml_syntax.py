"""The events of PyYAML's parser, made safe to read: bounded, aliases replaced, every error one sentence with its place.

libyaml's parser, not its composer: that one recurses for each level of nesting and ends the process at some ten
thousand of them.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import yaml  # type: ignore[import-untyped, unused-ignore]  # has types only beside types-PyYAML
from yaml.events import (  # type: ignore[import-untyped, unused-ignore]  # has types only beside types-PyYAML
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from registry.errors import Flaw
from registry.source import fixed_location

DEEPEST = 64
"""Levels of nesting; no shape has a tenth of it."""
REPEATED = 200_000
"""Values that aliases may repeat in one file, so that nine lines cannot stand for a billion."""
LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""libyaml where PyYAML was built with it (its wheels are), else the parser in Python: some seven times slower."""
STARTS = frozenset({MappingStartEvent, SequenceStartEvent})
ENDS = frozenset({MappingEndEvent, SequenceEndEvent})
NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
# What YAML 1.1 calls printable, turned round.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")

SYNTAX: tuple[tuple[str, str, str], ...] = (
    ("mapping values are not allowed", "a ':' stands where no key can stand", "put text that holds ': ' in quotes"),
    ("cannot start any token", "{char!r} cannot begin a value", "put the text in quotes"),
    ("',' or ']'", "the list that begins in line {line} is not closed", "add the missing ',' or ']'"),
    ("',' or '}'", "the mapping that begins in line {line} is not closed", "add the missing ',' or '}}'"),
    ("unexpected end of stream", "the quoted text that begins in line {line} is not closed", "add the closing quote"),
    ("expected ':'", "a key has no ':'", "write 'key: value', the ':' followed by a space"),
    ("expected key", "the line does not fit the indentation above it", "align it with its neighbours"),
    ("expected <block end>", "the line does not fit the indentation above it", "align it with its neighbours"),
    ("expected '-'", "the line does not fit the list above it", "begin it with '- ', or indent it"),
    ("unknown escape", "a backslash in double quotes begins an escape, and this is none", "use single quotes"),
)
"""What libyaml or PyYAML says, what is meant, and the way out."""


class Start(NamedTuple):
    """A place, counted from 0 as PyYAML's marks are."""

    line: int = 0
    column: int = 0


class Unreadable(Exception):
    """Nothing of the file can be used, for the one reason given; caught in :mod:`registry.document`."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw


def decode_document(content: bytes, path: str) -> str | Flaw:
    """The text of a file, or why it is none, with the place of the first byte that is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line, column = _place(before, len(before))
        where = fixed_location(path, line + 1, column + 1)
        fact = f"byte 0x{content[error.start]:02x} is not UTF-8"
        return Flaw("invalid", fact, where, "save the file as UTF-8 without BOM")


def find_events(text: str, path: str) -> Iterator[Any]:
    """The parser's events with aliases replaced by what they stand for, bounded in depth and in number."""
    depth = repeated = 0
    log: list[Any] = []  # of all since the first anchor
    anchors: dict[str, tuple[int, int]] = {}
    unfinished: list[tuple[int, str, int]] = []
    try:
        for event in iter(LOADER(text).get_event, None):
            kind = type(event)
            if kind is AliasEvent:
                if event.anchor not in anchors:
                    within = any(name == event.anchor for _, name, _ in unfinished)
                    fact = "stands for something that it is part of" if within else "stands for nothing"
                    stop(path, event.start_mark, f"the alias *{event.anchor} {fact}", "write out what is meant")
                first, last = anchors[event.anchor]
                again = log[first:last]
                repeated += len(again)
                if repeated > REPEATED:
                    stop(path, event.start_mark, f"aliases stand for more than {REPEATED:,} values", "write them out")
                log += again
                yield from again
                continue
            if kind in STARTS:
                depth += 1
                if depth > DEEPEST:
                    stop(path, event.start_mark, f"nested more than {DEEPEST} levels deep", "take the nesting out")
                if event.anchor:
                    unfinished.append((depth, event.anchor, len(log)))
            elif kind is ScalarEvent and event.anchor:
                anchors[event.anchor] = len(log), len(log) + 1
            if unfinished or log or anchors:
                log.append(event)
            if kind in ENDS:
                if unfinished and unfinished[-1][0] == depth:
                    _, name, first = unfinished.pop()
                    anchors[name] = first, len(log)
                depth -= 1
            yield event
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        _explain(error, text, path)


def _explain(error: Any, text: str, path: str) -> NoReturn:
    """End the reading with what a parser's error means."""
    if not isinstance(error, yaml.MarkedYAMLError):
        found = UNPRINTABLE.search(text)
        index = found.start() if found else 0
        fact = f"the character U+{ord(text[index]):04X} cannot stand in YAML"
        stop(path, _place(text, index), fact, "remove it, or write it as an escape in double quotes")
    mark = error.problem_mark or error.context_mark
    assert mark is not None  # libyaml and PyYAML give one of the two with every error
    context = error.context_mark or mark
    char = text[mark.index : mark.index + 1]
    problem = str(error.problem or error.context)
    if char == "\t" or "tab" in problem.split() or "'\\t'" in problem:
        stop(path, mark, "a tab stands where YAML takes only spaces", "indent with spaces")
    for said, message, help in SYNTAX:
        if said in problem:
            words = {"char": char, "line": context.line + 1}
            stop(path, mark, message.format(**words), help.format(**words))
    stop(path, mark, f"this is not YAML: {problem}", "see yaml.org/spec/1.1 for what may stand here")


def stop(path: str, mark: Any, message: str, help: str) -> NoReturn:
    """End the reading of the file with one flaw."""
    raise Unreadable(Flaw("invalid", message, fixed_location(path, mark.line + 1, mark.column + 1), help))


def _place(text: str, index: int) -> Start:
    breaks = [found.end() for found in LINE_BREAK.finditer(text, 0, index)]
    return Start(len(breaks), index - (breaks[-1] if breaks else 0))


def is_nothing(event: Any) -> bool:
    """Whether a value is left out, or is YAML's null."""
    return type(event) is ScalarEvent and not event.style and event.value in NOTHING


def describe(event: Any) -> str:
    """What stands there, for a sentence that ends in it."""
    if type(event) is not ScalarEvent:
        return "a list" if type(event) is SequenceStartEvent else "a mapping of keys"
    if is_nothing(event):
        return "nothing"
    value = event.value if len(event.value) <= 40 else event.value[:39] + "…"
    return str(value) if not event.style and value.isprintable() else f"the text {value!r}"


def plain_word(event: Any) -> str:
    """The text of an unquoted scalar, or nothing: a quoted 1 is text for every reader of YAML."""
    return event.value if type(event) is ScalarEvent and not event.style else ""
