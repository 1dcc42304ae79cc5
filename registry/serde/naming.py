"""The names that fields, enum members, classes and modules have in Python.

Each depends on the name in the schema and on nothing else, so that a field keeps its attribute whatever comes beside
it. The generator writes these names, and the serializer looks for them.
"""

import re
from keyword import iskeyword

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*|[0-9]+")
_OF_DATACLASSES = frozenset({"upgrade"})
"""Methods of the stubs' classes."""
_OF_ENUMS = frozenset({"mro", "name", "value"})
"""What an enum has of its own; ``mro`` cannot be a member at all."""


def attribute_name(name: str) -> str:
    """The attribute, and constructor argument, of a field."""
    return _spell(name, _OF_DATACLASSES)


def member_name(name: str) -> str:
    """The member of an enum; its value keeps the name in the schema."""
    return _spell(name, _OF_ENUMS)


def class_name(name: str) -> str:
    """The class of a type, by its short name."""
    return _spell(name, frozenset())


def module_name(name: str) -> str:
    """The module of an event: ``ContentPublished`` is ``content_published``."""
    return _spell("_".join(_WORDS.findall(name)).lower(), frozenset())


def handler_name(name: str) -> str:
    """The method of a consumer: ``on_content_published``."""
    return f"on_{'_'.join(_WORDS.findall(name)).lower()}"


def _spell(name: str, taken: frozenset[str]) -> str:
    # Two underscores in front are mangled inside a class, and one in front and behind is Python's or enum's own.
    moved = name.lstrip("_")
    dashes = len(name) - len(moved)
    if dashes > 1 or (dashes and name.endswith("_")) or not moved:
        name = f"{moved or 'u'}{'_' * dashes}"
    return f"{name}_" if iskeyword(name) or name in taken or name[:1].isdigit() else name
