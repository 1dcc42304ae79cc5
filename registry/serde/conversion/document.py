"""The document of converters as plain data with places, so that each mistake in it is told where it stands."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, NoReturn

from registry.frozen import dataclass
from registry.serde.conversion.errors import BadConversion
from registry.serde.conversion.paths import Path, parse_path

MAX_DEPTH: Final = 100
"""Of values inside the document."""


@dataclass(frozen=True, slots=True)
class Part:
    """One value of the document, and its place."""

    value: Any
    pointer: str = ""

    def at(self, step: str | int, value: object) -> "Part":
        """The value that is one step further down."""
        return Part(value, f"{self.pointer}/{str(step).replace('~', '~0').replace('/', '~1')}")

    def refuse(self, fact: str, help: str = "") -> NoReturn:
        """Raises :class:`BadConversion` for this place."""
        raise BadConversion(fact, self.pointer, help)

    def entries(self) -> dict[str, "Part"]:
        """What a mapping holds; it holds something."""
        if not isinstance(self.value, dict) or not self.value:
            self.refuse(f"{_describe(self.value)} stands where a mapping is wanted")
        return {key: self.at(key, value) for key, value in self.value.items()}

    def fields(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, "Part"]:
        """What a mapping with keys of its own holds; ``because`` is a remark that any may have."""
        parts, required = self.entries(), tuple(required)
        known = {*required, *optional, "because"}
        for key, part in parts.items():
            if key not in known:
                part.refuse(f"unknown key '{key}'", _suggest(key, known))
        for key in required:
            if key not in parts:
                self.refuse(f"'{key}' is missing")
        return parts

    def items(self) -> list["Part"]:
        """The parts of a list."""
        if not isinstance(self.value, list):
            self.refuse(f"{_describe(self.value)} stands where a list is wanted")
        return [self.at(i, value) for i, value in enumerate(self.value)]

    def text(self) -> str:
        """A text."""
        if not isinstance(self.value, str):
            self.refuse(f"{_describe(self.value)} stands where a text is wanted")
        return self.value

    def one_of(self, known: Iterable[str]) -> str:
        """One of a few words."""
        text, known = self.text(), tuple(known)
        if text not in known:
            self.refuse(f"'{text}' is none of {', '.join(sorted(known))}", _suggest(text, known))
        return text

    def path(self) -> Path:
        """The path of a field."""
        return self.parse_path(self.text())

    def parse_path(self, text: str) -> Path:
        """The path that a text at this place means."""
        try:
            return parse_path(text)
        except ValueError as error:
            self.refuse(str(error))

    def plain(self, depth: int = MAX_DEPTH) -> Any:
        """A value for an event: as JSON has it, numbers with a point being floats. Made afresh each time."""
        if not depth:
            self.refuse(f"the value nests deeper than {MAX_DEPTH} levels")
        if isinstance(self.value, dict):
            return {key: self.at(key, value).plain(depth - 1) for key, value in self.value.items()}
        if isinstance(self.value, list):
            return [self.at(i, value).plain(depth - 1) for i, value in enumerate(self.value)]
        return float(self.value) if isinstance(self.value, Decimal) else self.value


def parse_document(text: str) -> Part:
    """The JSON text of a document. Raises :class:`BadConversion`."""
    from json import loads

    try:
        value = loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_pair)
    except BadConversion:
        raise
    except RecursionError:
        raise BadConversion("the document nests too deep") from None
    except ValueError as error:
        raise BadConversion(f"the document is no JSON: {error}") from None
    return Part(value)


def _refuse_constant(name: str) -> NoReturn:
    raise BadConversion(f"{name} is no number of JSON")


def _pair(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise BadConversion(f"key '{key}' stands there twice")
        found[key] = value
    return found


def _describe(value: object) -> str:
    from registry.described import describe_python

    if value is None:
        return "nothing"
    return "an empty mapping" if value == {} else describe_python(str(value) if isinstance(value, Decimal) else value)


def _suggest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(known), 1)
    return f"did you mean {close[0]}?" if close else ""
