"""Two messages: which field of the one is which of the other, and what fields ask of their neighbours."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from registry.formats.mismatch import Pair, Step
from registry.formats.protobuf.elements import Side, element_of, judge_elements, wire_of
from registry.formats.protobuf.kinds import KINDS
from registry.formats.protobuf.words import in_order
from registry.schema import Field, Record


class Move(NamedTuple):
    """A name that has another number than before."""

    old: Field
    new: Field
    heir: Field | None
    """The field that has the old number now."""


def find_moves(before: Record, after: Record, sides: tuple[Side, Side]) -> dict[str, Move]:
    """The fields that live on under another number, by name; ``sides`` are (before, after).

    Whoever has the old number now reads what was written under the name, so this is a break, with two exceptions. The
    number is gone, and the type could not have changed in place: then the name was given to another field, as we
    advise. And what has the number now is the old field under a new name: either it is marked ``deprecated``, or the
    field that kept the name is, under a number that is new.
    """
    old, new = by_number(before), by_number(after)
    names = {_key(field): field for field in before.fields}
    moves: dict[str, Move] = {}
    for number, field in new.items():
        former = names.get(_key(field))
        if former is None or (was := wire_of(former).number) == number:
            continue
        move = Move(former, field, new.get(was))
        if move.heir is None:
            moved = _could_be(former, field, sides)
        else:
            fresh = _key(move.heir) not in names
            kept = wire_of(move.heir).deprecated or (number not in old and wire_of(field).deprecated)
            moved = not (fresh and kept)
        if moved:
            moves[_key(field)] = move
    return moves


def by_number(record: Record) -> dict[int, Field]:
    """The fields of a message."""
    return {wire_of(field).number: field for field in record.fields}


def _key(field: Field) -> str:
    """The name; that of an extension is full, and may be spelled as that of a field."""
    return f"({field.name})" if wire_of(field).extension else field.name


def _could_be(old: Field, new: Field, sides: tuple[Side, Side]) -> bool:
    """Whether the one may be the other after a change of its type that the bytes survive, in either direction."""
    before, after = element_of(old, sides[0]), element_of(new, sides[1])
    if before.record is not None and after.record is not None and not sides[0].is_akin(before.record, after.record):
        return False
    kinds = judge_elements(before, after), judge_elements(after, before)
    return any(kind is None or KINDS[kind] is not Step.BREAK for kind in kinds)


def find_known_extensions(reader: Record, writer: Record) -> Iterator[int]:
    """The numbers of the writer's extensions that the reader has a field or an extension for."""
    mine = by_number(reader)
    yield from (number for number, field in by_number(writer).items() if wire_of(field).extension and number in mine)


def find_free_extensions(reader: Record, writer: Record) -> Iterator[int]:
    """The first number of each range that both messages leave to extensions of others."""
    taken = by_number(reader).keys() | by_number(writer).keys()
    for low, high in reader.extension_ranges:
        for other_low, other_high in writer.extension_ranges:
            number = max(low, other_low)
            while number in taken:
                number += 1
            if number <= min(high, other_high):
                yield number


class Messages:
    """What is known of two messages while their fields are compared."""

    def __init__(self, pair: Pair, messages: tuple[Record, Record], sides: tuple[Side, Side]) -> None:
        """Both are given as (reader, writer)."""
        mine, theirs = messages
        self.mine, self.theirs = by_number(mine), by_number(theirs)
        self.before, self.after = in_order(pair, mine, theirs)
        self.old, self.new = in_order(pair, self.mine, self.theirs)
        self.moves: Mapping[str, Move] = find_moves(self.before, self.after, in_order(pair, *sides))
        self.foreign: set[int] = set()
        """Numbers that changed hands."""
        self._shown: dict[str, set[int]] | None = None
        self._former: dict[str, int] | None = None

    def moved(self, field: Field) -> bool:
        """Whether the field has another number on the other side."""
        return _key(field) in self.moves

    def was_elsewhere(self, field: Field) -> bool:
        """Whether a field of that name had another number before."""
        if self._former is None:
            self._former = {_key(each): wire_of(each).number for each in self.before.fields}
        number = wire_of(field).number
        return self._former.get(_key(field), number) != number

    def lives_on(self, name: str) -> bool:
        """Whether the message has a field of that name after the change."""
        return name in self._names()

    def is_shown(self, json: str, number: int) -> bool:
        """Whether another field than that of the number has a JSON name after the change, or may be given by it."""
        return bool(self._names().get(json, set()) - {number})

    def _names(self) -> Mapping[str, set[int]]:
        if self._shown is None:
            self._shown = {}
            for number, field in self.new.items():
                for name in (field.name, wire_of(field).json_name):
                    self._shown.setdefault(name, set()).add(number)
        return self._shown
