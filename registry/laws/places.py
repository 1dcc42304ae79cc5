"""Places in plain events: what lies where, how large it is, and where two events differ first.

A place is a tuple of steps: names of fields, keys of maps, and indexes of arrays.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from registry.serde.conversion.kinds import are_same
from registry.serde.conversion.paths import ITEMS, VALUES, Path


class Index(int):
    """The step to an item of an array; keys of maps may be plain numbers."""

    __slots__ = ()


Place = tuple[Any, ...]

NOTHING: Final = object()
"""Stands for what is not there."""


def find_places(event: Any, at: Place = (), *, items: int = 2) -> Iterator[tuple[Place, Any]]:
    """Every place inside an event with its value, outer ones first; of an array the first ``items``."""
    inner: Any = ()
    if isinstance(event, dict):
        inner = event.items()
    elif isinstance(event, list | tuple):
        inner = ((Index(number), value) for number, value in enumerate(event[:items]))
    for step, value in inner:
        yield (*at, step), value
        yield from find_places(value, (*at, step), items=items)


def look(event: Any, place: Place) -> Any:
    """What lies at a place; :data:`NOTHING` where it leads nowhere."""
    for step in place:
        try:
            event = event[step]
        except (KeyError, IndexError, TypeError):
            return NOTHING
    return event


def put(event: Any, place: Place, value: Any) -> Any:
    """The event with another value at a place that is there; containers on the way are copies. With
    :data:`NOTHING` the item or the key is left out."""
    if not place:
        return value
    step, rest = place[0], place[1:]
    copied: Any = dict(event) if isinstance(event, dict) else list(event)
    if not rest and value is NOTHING:
        del copied[step]
    else:
        copied[step] = put(copied[step], rest, value)
    return copied


def spell(place: Place) -> str:
    """``/levels[2]/delta``, as errors of the serializer write it."""
    return "".join(f"[{int(step)}]" if isinstance(step, Index) else f"/{step}" for step in place)


def kind_of(place: Place) -> tuple[str, ...]:
    """The place with all items of an array taken as one."""
    return tuple(ITEMS if isinstance(step, Index) else str(step) for step in place)


def is_within(place: Place, path: Path) -> bool:
    """Whether a path of converters leads to the place, or to something around it."""
    return fits(kind_of(place), path)


def fits(steps: tuple[str, ...], path: Path) -> bool:
    """Whether the path names these steps, or the first of them."""
    wanted = path.steps
    return len(steps) >= len(wanted) and all(
        theirs in (mine, VALUES) for mine, theirs in zip(steps, wanted, strict=False)
    )


def find_difference(one: Any, other: Any, at: Place = ()) -> Place | None:
    """The first place at which two events differ."""
    return next(find_differences(one, other, at), None)


def find_differences(one: Any, other: Any, at: Place = ()) -> Iterator[Place]:
    """Every place at which two events differ; of containers of one kind what differs in them."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*one, *other]):
            if name not in one or name not in other:
                yield (*at, name)
            else:
                yield from find_differences(one[name], other[name], (*at, name))
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from find_differences(mine, theirs, (*at, Index(index)))
    elif not are_same(one, other):
        yield at


def cost_of(value: Any) -> int:
    """How large a value is to a reader: the smaller of two counterexamples has the smaller cost."""
    if value is None or value is False:
        return 0
    if value is True:
        return 1
    if isinstance(value, int):
        return min(value.bit_length(), 200) * 2 + (value < 0)
    if isinstance(value, float):
        plain = abs(value) < 1e15 and value == int(value)
        return abs(int(value)).bit_length() * 2 + (value < 0) if plain else 60 + len(repr(value))
    if isinstance(value, str | bytes):
        strange = sum(not chr(sign).isalnum() for sign in value) if isinstance(value, bytes) else 0
        if isinstance(value, str):
            strange = sum(not (sign.isascii() and sign.isalnum()) for sign in value)
        return 2 * len(value) + strange
    if isinstance(value, dict):
        return sum(1 + len(str(name)) // 8 + cost_of(inner) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return sum(2 + cost_of(inner) for inner in value)
    if isinstance(value, Decimal) and value.is_finite():
        return 4 + 2 * len(value.as_tuple().digits) + 4 * max(value.adjusted(), -1) + (value < 0) + _count_signs(value)
    return 4 + _count_signs(value)


def _count_signs(value: Any) -> int:
    return sum(sign not in "0.:-+T " for sign in str(value))
