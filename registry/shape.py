"""What a YAML file may say, as a small literal table: read by :mod:`registry.document`, published as a JSON Schema.

``about`` is one line for people: it is the description that an editor shows.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

LARGEST = 2**31 - 1


class Text(NamedTuple):
    """Text, whatever YAML takes a bare word for: ``no``, ``123`` and ``2026-09-01`` stay as they are written."""

    about: str
    pattern: str = ""
    """A regular expression that the whole text must match."""
    looks: str = ""
    """What such a text looks like, for the message: "a path such as metadata.tenant"."""
    blank: bool = False
    """Whether nothing will do; it is read as ``""``."""


class Integer(NamedTuple):
    """A whole number in decimal digits, at most :data:`LARGEST`."""

    about: str
    minimum: int = 0


class Known(NamedTuple):
    """The version of the file's own language. Another one ends the reading: nothing else in the file can be judged."""

    about: str
    version: int = 1


class Flag(NamedTuple):
    """``true`` or ``false``, and nothing that only looks like it; ``only`` leaves one of them."""

    about: str
    only: bool | None = None


class Day(NamedTuple):
    """A day, ``2026-09-01``. With ``blank``, nothing is read as ``None``."""

    about: str
    blank: bool = False


class OneOf(NamedTuple):
    """One of a few words."""

    about: str
    words: tuple[str, ...]


class ListOf(NamedTuple):
    """A list of one shape."""

    about: str
    item: "Shape"
    empty: str = ""
    """What to write instead of an empty list, where one would not say what it seems to say; else it may be empty."""


class MapOf(NamedTuple):
    """A mapping whose keys are names that the file gives."""

    about: str
    key: Text
    value: "Shape"
    repeats: bool = False
    """A name that occurs twice is no flaw here: every value is a list, and whoever asks sees each occurrence."""


class Several(NamedTuple):
    """One value; a repeated key or a list is read as several, because a rule has more to say to it than a shape."""

    shape: Text

    @property
    def about(self) -> str:
        """The line of the one shape."""
        return self.shape.about


class Keys(NamedTuple):
    """A mapping whose keys are known."""

    about: str
    keys: Mapping[str, "Shape"]
    required: tuple[str, ...] = ()
    short: str = ""
    """A bare text stands for a mapping with this one key, which is a :class:`Text`."""
    others: MapOf | None = None
    """How further keys are read; without it they are unknown."""


Shape = Text | Integer | Known | Flag | Day | OneOf | ListOf | MapOf | Several | Keys

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
BARE = "Unquoted 123 and true are text here, and are read as written."


def render_json_schema(shape: Shape, title: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a file that is read by ``shape``: it accepts what the reader accepts.

    It is narrower in one place: it wants one value where the reader takes :class:`Several` and leaves the judgement
    to a rule.
    """
    definitions = {
        "text": {"$comment": BARE, "type": ["string", "number", "boolean"], "pattern": r"\S"},
        "note": {"$comment": BARE, "type": ["string", "number", "boolean", "null"]},
    }
    return {"$schema": DIALECT, "title": title, **_render(shape), "$defs": definitions}


def _render(shape: Shape) -> dict[str, Any]:
    render = cast(Callable[[Shape], dict[str, Any]], RENDERERS[type(shape)])
    return {"description": shape.about, **render(shape)}


def _text(shape: Text) -> dict[str, Any]:
    if shape.pattern:
        return {"type": "string", "pattern": f"^(?:{shape.pattern})$"}
    return {"$ref": "#/$defs/note" if shape.blank else "#/$defs/text"}


def _day(shape: Day) -> dict[str, Any]:
    return {"type": ["string", "null"] if shape.blank else "string", "format": "date", "pattern": f"^{DAY}$"}


def _map(shape: MapOf) -> dict[str, Any]:
    names = {"pattern": f"^(?:{shape.key.pattern})$" if shape.key.pattern else r"\S", "description": shape.key.about}
    return {"type": "object", "propertyNames": names, "additionalProperties": _render(shape.value)}


def _keys(shape: Keys) -> dict[str, Any]:
    rendered: dict[str, Any] = {"type": "object", "properties": {key: _render(of) for key, of in shape.keys.items()}}
    if shape.required:
        rendered["required"] = list(shape.required)
    if shape.others is None:
        rendered["additionalProperties"] = False
    else:
        others = _render(shape.others)
        rendered |= {name: others[name] for name in ("propertyNames", "additionalProperties")}
    return {"anyOf": [_render(shape.keys[shape.short]), rendered]} if shape.short else rendered


RENDERERS: dict[type, Callable[..., dict[str, Any]]] = {
    Text: _text,
    Integer: lambda shape: {"type": "integer", "minimum": shape.minimum, "maximum": LARGEST},
    Known: lambda shape: {"const": shape.version},
    Flag: lambda shape: {"type": "boolean"} if shape.only is None else {"const": shape.only},
    Day: _day,
    OneOf: lambda shape: {"type": "string", "enum": list(shape.words)},
    ListOf: lambda shape: {"type": "array", **({"minItems": 1} if shape.empty else {}), "items": _render(shape.item)},
    MapOf: _map,
    Several: lambda shape: _render(shape.shape),
    Keys: _keys,
}
