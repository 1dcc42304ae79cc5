"""Values that a reader does not know, and would see as nothing or as a default: asked for where that may not pass.

Protobuf's library keeps them among the unknown fields of the message.
"""

from collections.abc import Callable, Iterator
from typing import Any

from registry.serde.errors import DecodeError
from registry.serde.protobuf.messages import Messages
from registry.serde.protobuf.parts import Part


class _Node:
    """A message of the reader, with what the writer has in its place."""

    __slots__ = ("facts", "inner")

    def __init__(self) -> None:
        self.facts: dict[int, tuple[str, str]] = {}
        """Number of a field to the step of the path, and to what is said if it is among the unknown ones."""
        self.inner: list[tuple[Part, _Node]] = []


def make_guard(reader: Messages, writer: Messages) -> Callable[[Any], None] | None:
    """The function that raises :class:`DecodeError` for a message with such a value, where there can be one."""
    known: dict[tuple[str, str], _Node] = {}
    root = _grow(reader, writer, reader.event, writer.event, known)
    if not any(node.facts for node in known.values()):
        return None

    def guard(message: Any) -> None:
        for path, fact in _find(reader, root, message, ""):
            raise DecodeError(fact, path)

    return guard


def _grow(reader: Messages, writer: Messages, mine: Any, theirs: Any, known: dict[tuple[str, str], _Node]) -> _Node:
    key = (mine.full_name, theirs.full_name)
    if key in known:
        return known[key]
    node = known[key] = _Node()
    parts = {part.number: part for part in reader.parts_of(mine)}
    others = {part.number: part for part in writer.parts_of(theirs)}
    for number, part in parts.items():
        other = others.get(number)
        if part.kind == "enum" and part.type.is_closed:
            node.facts[number] = (part.name, f"a value that {part.type.full_name} of the reader does not have")
        elif part.kind == "message" and other is not None and other.kind == "message":
            node.inner.append((part, _grow(reader, writer, part.type, other.type, known)))
    shared = {other.oneof for number, other in others.items() if other.oneof and number in parts}
    for number, other in others.items():
        if number not in parts and other.oneof in shared:
            fact = f"the oneof '{other.oneof}' is set to '{other.name}', which the reader does not know"
            node.facts[number] = ("", fact)
    return node


def _find(reader: Messages, node: _Node, message: Any, path: str) -> Iterator[tuple[str, str]]:
    from google.protobuf.unknown_fields import UnknownFieldSet

    if node.facts:
        unknowns: Any = UnknownFieldSet(message)
        for unknown in unknowns:
            said = node.facts.get(unknown.field_number)
            if said is not None:
                yield f"{path}/{said[0]}" if said[0] else path, said[1]
    for part, inner in node.inner:
        held = getattr(message, part.name)
        if part.holds == "map":
            for key in held:
                shown = f'"{key}"' if part.key == "string" else str(key)
                yield from _find(reader, inner, held[key], f"{path}/{part.name}{{{shown}}}")
        elif part.holds == "repeated":
            for index, each in enumerate(held):
                yield from _find(reader, inner, each, f"{path}/{part.name}[{index}]")
        elif reader.has(message, part.name):
            yield from _find(reader, inner, held, f"{path}/{part.name}")
