"""What protoc complains about, in plain words and with the user's own paths."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from registry.errors import Flaw
from registry.formats.protobuf.places import count_characters
from registry.source import fixed_location

_CONSEQUENCES: Final = re.compile(r'^(Import ".*" was not found or had errors\.|File not found\.)$', re.DOTALL)
_IMPORT: Final = re.compile(r'^Import "(?P<name>.*)" was not found or had errors\.$', re.DOTALL)

_UNKNOWN: Final = re.compile(r'^"(.*)" is not defined\.$')


def _circle(match: re.Match[str]) -> tuple[str, str]:
    return f"the imports run in a circle: {match[1]}", "move what both files need into a third one"


def _unknown_type(match: re.Match[str]) -> tuple[str, str]:
    return f"the type {match[1]} is not defined", "define it, or import the file that does"


def _not_imported(match: re.Match[str]) -> tuple[str, str]:
    return f"{match[1]} is defined in {match[2]}, which this file does not import", f'add import "{match[2]}";'


def _duplicate(match: re.Match[str]) -> tuple[str, str]:
    where = (match[2] or "").removeprefix(" in ").removeprefix("file ").strip('"')
    return f"{match[1]} is already defined{f' in {where}' if where else ''}", "rename or remove one of the two"


def _not_ascii(_match: re.Match[str]) -> tuple[str, str]:
    return "a character outside of strings and comments is not ASCII", "names are made of a-z, A-Z, 0-9 and _"


_WORDS: Final[Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[str, str]]]]] = (
    (re.compile(r"^File recursively imports itself: (.*)$", re.DOTALL), _circle),
    (re.compile(r"^Interpreting non ascii codepoint \d+\.$"), _not_ascii),
    (_UNKNOWN, _unknown_type),
    (re.compile(r'^"(.*)" seems to be defined in "(.*?)", which is not imported by'), _not_imported),
    (re.compile(r'^"(.*?)" is already defined( in .*?)?\.$'), _duplicate),
)


class Names(NamedTuple):
    """Who is called what."""

    files: Mapping[str, str]
    """Text by the user's path."""
    paths: Mapping[str, str]
    """The user's path by protoc's name."""
    asked: Sequence[str]
    """The paths that are compiled."""
    root: str
    """protoc's name of the file of ours that imports them."""
    folder: str
    """What stands before each path in a location."""


def find_flaws(errors: Iterable[tuple[str, int, int, str]], names: Names, said: str) -> list[Flaw]:
    """A flaw for each error of protoc: its name of the file, line and column from 0, and text.

    ``said`` is what protoc printed, for the case that it failed without an error of its own.
    """
    paths = names.paths
    flaws: dict[tuple[str, int, str], Flaw] = {}
    errors = list(errors)
    torn = {name for name, _, _, text in errors if (match := _IMPORT.match(text)) and match["name"] not in paths}
    for name, line, column, text in errors:
        missing = _IMPORT.match(text)
        if name not in paths or (_CONSEQUENCES.match(text) and (missing is None or missing["name"] in paths)):
            continue  # of our own file, or of an import that is told of where it is written
        if name in torn and _UNKNOWN.match(text):
            continue  # the file that is not there may define it
        path = paths.get(name, name)
        lines = names.files.get(path, "").removeprefix("\ufeff").split("\n")
        row = min(max(line, 0), len(lines) - 1)
        at = fixed_location(names.folder + path, row + 1, count_characters(lines[row], column) if line >= 0 else 1)
        if missing is not None:
            flaw = Flaw(
                "missing-reference",
                f'imports "{missing["name"]}", which is not there',
                at,
                _nearest(missing["name"], paths.keys() - {name}),
            )
        else:
            message, help_ = _in_words(text)
            flaw = Flaw("invalid", message, at, help_)
        flaws.setdefault((path, row, flaw.message), flaw)
    return list(flaws.values()) or _read_said(said, names)


def _read_said(said: str, names: Names) -> list[Flaw]:
    """The flaws that protoc only prints, each with the file it names, such as numbers that it keeps for itself."""
    flaws: list[Flaw] = []
    for line in said.splitlines():
        name, _, message = line.partition(": ")
        if name in names.paths and "warning: " not in message:
            at = fixed_location(names.folder + names.paths[name], 1, 1)
            flaws.append(Flaw("invalid", _in_words(message)[0], at))
    message = "protoc refused the file and gave no reason"
    return flaws or [Flaw("invalid", message, fixed_location(names.folder + names.asked[0], 1, 1))]


def _in_words(text: str) -> tuple[str, str]:
    for pattern, words in _WORDS:
        if (match := pattern.match(text)) is not None:
            return words(match)
    message = text.strip().removesuffix(".")
    head = message[:1].lower() if message[1:2].islower() else message[:1]
    return head + message[1:], ""


def _nearest(name: str, paths: Iterable[str]) -> str:
    """Which file was meant, perhaps."""
    import difflib

    paths = sorted(paths)
    base = name.rpartition("/")[2]
    same = [known for known in paths if known.rpartition("/")[2] == base]
    # A hundred are enough to guess from: the comparison grows with the square.
    near = same[:1] or difflib.get_close_matches(name, paths[:100], 1, 0.7)
    return f"did you mean {near[0]}?" if near else "add the file, or correct the path of the import"
