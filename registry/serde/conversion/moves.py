"""Fields on their way from one place in an event to another: all of an operation leave before any arrives."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from registry.serde.conversion.errors import Inconvertible
from registry.serde.conversion.paths import Path, find_records

NOWHERE: Final = object()
"""Stands for a field that is not there."""


class Move(NamedTuple):
    """From one place to another inside the same record, or the same item."""

    before: Path
    after: Path


def make_moves(moves: Iterable[Move]) -> tuple[Callable[[dict[str, Any]], None], Callable[[dict[str, Any]], None]]:
    """The edit that moves fields, and the one that moves them back.

    A record that is lacking is made for the first field that moves into it; one that is left without a field goes.
    """
    pairs = list(moves)
    return _mover(pairs), _mover([Move(after, before) for before, after in pairs])


def _mover(moves: list[Move]) -> Callable[[dict[str, Any]], None]:
    groups: dict[tuple[str, ...], list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for before, after in moves:
        groups.setdefault(before.repeated, []).append((before.single, after.single))

    def move(event: dict[str, Any]) -> None:
        for repeated, pairs in groups.items():
            for record, at in find_records(event, repeated):
                taken = [(_take(record, before), after) for before, after in pairs]
                for value, after in taken:
                    _put(record, after, value, at)
                for before, _ in pairs:
                    _tidy(record, before)

    return move


def _take(record: dict[str, Any], names: tuple[str, ...]) -> Any:
    for name in names[:-1]:
        inner = record.get(name)
        if not isinstance(inner, dict):
            return NOWHERE
        record[name] = record = dict(inner)
    return record.pop(names[-1], NOWHERE)


def _put(record: dict[str, Any], names: tuple[str, ...], value: Any, at: str) -> None:
    """Also where nothing came along, the place must be free: what stands there means something else."""
    for name in names[:-1]:
        inner = record.get(name, {})
        at = f"{at}/{name}"
        if not isinstance(inner, dict):
            if value is NOWHERE:
                return
            raise Inconvertible(f"there is no record that could hold '{names[-1]}'", at)
        inner = dict(inner)
        record[name] = inner
        record = inner
    if names[-1] in record:
        raise Inconvertible(f"there is a field '{names[-1]}' already", f"{at}/{names[-1]}")
    if value is not NOWHERE:
        record[names[-1]] = value


def _tidy(record: dict[str, Any], names: tuple[str, ...]) -> None:
    """Leaves out the records that a field was alone in."""
    for last in range(len(names) - 1, 0, -1):
        holder: Any = record
        for name in names[: last - 1]:
            holder = holder.get(name) if isinstance(holder, dict) else None
        if not isinstance(holder, dict) or holder.get(names[last - 1]) != {}:
            return
        del holder[names[last - 1]]
