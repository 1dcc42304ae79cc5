"""The words in which our JSON Schemas are written: each is a schema, with what it says of a value."""

from typing import Any

Shape = dict[str, Any]


def text(about: str) -> Shape:
    """Any text."""
    return {"type": "string", "description": about}


def flag(about: str) -> Shape:
    """True or false."""
    return {"type": "boolean", "description": about}


def count(about: str) -> Shape:
    """A whole number, 0 or more."""
    return {"type": "integer", "minimum": 0, "description": about}


def from_one(about: str) -> Shape:
    """A whole number, 1 or more."""
    return {"type": "integer", "minimum": 1, "description": about}


def word(about: str, *words: str) -> Shape:
    """One of a few words."""
    return {"enum": list(words), "description": about}


def list_of(about: str, items: Shape) -> Shape:
    """A list of one shape."""
    return {"type": "array", "items": items, "description": about}


def part(about: str, name: str) -> Shape:
    """A definition of the same schema, by its name."""
    return {"$ref": f"#/$defs/{name}", "description": about}


def or_null(about: str, shape: Shape) -> Shape:
    """The shape, or null."""
    return {"anyOf": [shape, {"type": "null"}], "description": about}


def object_of(about: str, properties: Shape) -> Shape:
    """An object whose every property is always there."""
    return {
        "type": "object",
        "description": about,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
