"""Fields on their way from one place in an event to another: all of an operation leave before any arrives."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from registry.described import describe_python
from registry.serde.conversion.errors import Inconvertible
from registry.serde.conversion.paths import Path, find_records

_NOTHING: Final = object()
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
    groups: dict[tuple[str, ...], list[Move]] = {}
    for each in moves:
        groups.setdefault(each.before.repeated, []).append(each)

    def move(event: dict[str, Any]) -> None:
        for repeated, group in groups.items():
            for record, at in find_records(event, group[0].before, len(repeated)):
                taken = [_take(record, before, at) for before, _ in group]
                for value, (_, after) in zip(taken, group, strict=True):
                    _put(record, after.single, value, at)
                for value, (before, _) in zip(taken, group, strict=True):
                    if value is not _NOTHING:
                        _tidy(record, before.single)

    return move


def _take(record: dict[str, Any], path: Path, at: str) -> Any:
    """The value of a field, which is no longer there afterwards. In null, and where it may lack, there is none."""
    *records, last = path.single
    index = len(path.repeated)
    for name in records:
        at = f"{at}/{name}"
        inner = record.get(name, _NOTHING)
        if not isinstance(inner, dict):
            if inner is None or index in path.loose:
                return _NOTHING
            raise Inconvertible(
                f"there is no field '{name}'" if inner is _NOTHING else f"{describe_python(inner)} is no record", at
            )
        record[name] = inner = dict(inner)
        record, index = inner, index + 1
    if last not in record and index not in path.loose:
        raise Inconvertible(f"there is no field '{last}'", f"{at}/{last}")
    return record.pop(last, _NOTHING)


def _put(record: dict[str, Any], names: tuple[str, ...], value: Any, at: str) -> None:
    """Also where nothing came along, the place must be free: what stands there means something else."""
    for name in names[:-1]:
        inner = record.get(name, {})
        at = f"{at}/{name}"
        if not isinstance(inner, dict):
            if value is _NOTHING:
                return
            raise Inconvertible(f"there is no record that could hold '{names[-1]}'", at)
        if value is not _NOTHING:
            record[name] = inner = dict(inner)
        record = inner
    if names[-1] in record:
        raise Inconvertible(f"there is a field '{names[-1]}' already", f"{at}/{names[-1]}")
    if value is not _NOTHING:
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
