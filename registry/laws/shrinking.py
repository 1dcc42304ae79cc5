"""A smaller event that still breaks the law: field by field towards what the smallest event holds there."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from registry.laws.places import NOTHING, Index, Place, cost_of, find_places, look, put
from registry.laws.side import Side
from registry.serde.conversion.kinds import are_same

MOST_TRIES: Final = 1_000
"""Events that are tried on the way to the smallest one."""
_ITEMS: Final = 60
"""Items of an array that are looked at one by one."""


def shrink(event: Any, side: Side, smallest: Any, breaks: Callable[[Any], bool]) -> Any:
    """The smallest event found that ``breaks``, which ``event`` does. ``smallest`` is the side's own smallest event.

    Each step is one that the side can write, and that costs less than the one before, so that it comes to an end.
    """
    tries, cost, last = 0, _weigh(event, smallest), 0
    found = True
    while found:
        found = False
        places = [place for place, _ in find_places(event, items=_ITEMS)]
        # What gave way once often gives way further.
        for index in [*range(last, len(places)), *range(last)]:
            for smaller in _find_smaller(event, smallest, places[index]):
                settled = side.settle(smaller)
                if settled is None or (weight := _weigh(settled, smallest)) >= cost:
                    continue
                tries += 1
                if tries > MOST_TRIES:
                    return event
                if breaks(settled):
                    event, cost, last, found = settled, weight, index, True
                    break
            if found:
                break
        last = last if found else 0
    return event


def _weigh(event: Any, smallest: Any) -> tuple[int, int, int]:
    """How much stands in an event that the smallest one does not have, how large it is, and how high its numbers."""
    if isinstance(event, dict) and isinstance(smallest, dict):
        parts = [_weigh(value, smallest.get(name, NOTHING)) for name, value in event.items()]
        return sum(part[0] for part in parts), sum(part[1] for part in parts), sum(part[2] for part in parts)
    inner = event.values() if isinstance(event, dict) else event if isinstance(event, list | tuple) else ()
    parts = [_weigh(value, NOTHING) for value in inner]
    height = abs(event) if type(event) is int else sum(part[2] for part in parts)
    if are_same(event, smallest):
        return 0, cost_of(event), height
    return 1 + sum(part[0] for part in parts), 1 + cost_of(event), height


def _find_smaller(event: Any, smallest: Any, place: Place) -> Iterator[Any]:
    """Events with less at one place, the boldest cuts first."""
    for candidate in _find_candidates(look(event, place), look(smallest, place), place):
        yield put(event, place, candidate)


def _find_candidates(value: Any, plain: Any, place: Place) -> Iterator[Any]:
    if plain is not NOTHING and not are_same(value, plain):
        yield plain
    if value is not None:
        yield None
    if isinstance(place[-1], Index):  # an item that need not be there
        yield NOTHING
    if isinstance(value, dict):
        yield {}
    elif isinstance(value, list | tuple):
        yield from _cut(list(value))
    elif isinstance(value, str):
        yield from ("", "a")
        yield from _cut(value)
        yield "".join(sign if sign.isascii() and sign.isprintable() else "a" for sign in value)
    elif isinstance(value, bytes):
        yield from _cut(value)
        yield bytes(len(value))
    elif isinstance(value, bool):
        yield False
    elif isinstance(value, int):
        yield from _lower(value)
    elif isinstance(value, float):
        yield from (0.0, 1.0, 0.5)
        if abs(value) < 1e300:
            yield from (float(int(value)), float(int(value / 2)), round(value, 1), -value)
    elif isinstance(value, Decimal) and value.is_finite():
        sign, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)
        for length in dict.fromkeys((1, len(digits) // 2, len(digits) - 1)):
            if length:
                yield Decimal((sign, digits[-length:], exponent))
        yield Decimal((0, (0,), exponent))
        yield Decimal((0, (1,), exponent))
        yield Decimal((0, (1, *[0] * (len(digits) - 1)), exponent))
        yield Decimal((0, (*[1], *[0] * (len(digits) - 2)), exponent)) if len(digits) > 1 else value
        yield Decimal((0, digits, exponent))


def _cut(value: Any) -> Iterator[Any]:
    """Less of a sequence: nothing, a half of it, all but one."""
    length = len(value)
    if length:
        yield value[:0]
    if length > 1:
        yield value[: length // 2]
        yield value[length // 2 :]
    for index in range(min(length, _ITEMS)) if length > 2 else ():
        yield value[:index] + value[index + 1 :]


def _lower(value: int) -> Iterator[int]:
    """Numbers nearer to 0: 0 itself, both its neighbours, and halfway from each side."""
    yield from (0, 1)
    if value < 0:
        yield -value
        yield -1
    step = abs(value)
    sign = 1 if value > 0 else -1
    yield sign * 10 ** (len(str(step)) - 1)
    while step > 1:
        step //= 2
        yield sign * (abs(value) - step)
    yield value - sign
