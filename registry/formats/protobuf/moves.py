"""Fields that have another number than before: whose values they read, and who reads theirs."""

from collections.abc import Iterator

from registry.formats.mismatch import Mismatch, Step
from registry.formats.protobuf.elements import (
    Side,
    element_of,
    judge_elements,
    label,
    tell_consequence,
    wire_of,
    words_of,
)
from registry.formats.protobuf.kinds import KINDS
from registry.formats.protobuf.messages import Messages, Move
from registry.formats.protobuf.words import HELP, Spot, in_order, report
from registry.schema import Field

_RENAMED = "if '{heir}' is the old field under a new name, give the new field another name than '{name}'"


def compare_moves(here: Spot, messages: Messages, sides: tuple[Side, Side]) -> Iterator[Mismatch]:
    """One mismatch for each field that changed its number."""
    for move in messages.moves.values():
        mine, theirs = in_order(here.pair, move.old, move.new)  # and back: (reader, writer)
        old, new = wire_of(move.old).number, wire_of(move.new).number
        yield report(
            "field_renumbered",
            here.down(f"/{move.new.name}", mine.at, theirs.at),
            f"{label(move.old, messages.before, numbered=False)} changed its number from {old} to {new}",
            {"name": move.new.name, "number": old, "heir": move.heir.name if move.heir else ""},
            consequence=_tell(mine, theirs, messages, sides),
            help=(*HELP["field_renumbered"], _RENAMED) if _is_perhaps_renamed(move, messages) else (),
        )


def _is_perhaps_renamed(move: Move, messages: Messages) -> bool:
    """Whether what has the old number now may be the old field."""
    heir = move.heir
    return heir is not None and not messages.moved(heir) and words_of(heir.type) == words_of(move.old.type)


def _is_lost(reader: Field, writer: Field, sides: tuple[Side, Side]) -> bool:
    """Whether nothing sensible of the writer's field is read; numbers in one piece are nothing to a single number."""
    if wire_of(writer).packed and wire_of(reader).presence != "repeated":
        return True
    kind = judge_elements(element_of(reader, sides[0]), element_of(writer, sides[1]))
    return kind is not None and KINDS[kind] is Step.BREAK


def _tell(reader: Field, writer: Field, messages: Messages, sides: tuple[Side, Side]) -> str:
    """What the reader's field reads, and what becomes of what was written for it."""
    met = messages.theirs.get(wire_of(reader).number)
    taker = messages.mine.get(wire_of(writer).number)
    said = "reads as empty, because it is looked for under the other number"
    if met is not None and _is_lost(reader, met, sides):
        many = wire_of(reader).presence == "repeated"
        mine, theirs = element_of(reader, sides[0]), element_of(met, sides[1])
        said = tell_consequence(mine, theirs, packed=wire_of(met).packed, repeated=many)
        said = f"meets what was written as '{met.name}', and {said}"
    elif met is not None:
        said = f"reads what was written as '{met.name}'"
    if taker is None or _is_lost(taker, writer, sides):
        return said
    said = "reads as empty" if met is None else said
    return f"{said}; what was written is read as '{taker.name}'"
