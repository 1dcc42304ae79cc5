"""Ranges of field and enum numbers; both ends belong to them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

Range = tuple[int, int]

LAST_FIELD: Final = (1 << 29) - 1
LAST_VALUE: Final = (1 << 31) - 1
_BEYOND: Final = 1 << 32


def subtract(ranges: Iterable[Range], others: Iterable[Range]) -> Iterator[Range]:
    """The parts of the one that the others do not cover, in order."""
    taken = sorted(others)
    at = 0
    for start, high in sorted(ranges):
        low = start
        while at < len(taken) and taken[at][0] <= high:
            first, last = taken[at]
            if first > low:
                yield low, first - 1
            low = max(low, last + 1)
            if last > high:
                break  # it may cover a part of the next one
            at += 1
        if low <= high:
            yield low, high


def holds(ranges: Sequence[Range], number: int) -> bool:
    """Whether sorted ranges hold a number: asked for each of many, so not one by one."""
    at = bisect_right(ranges, (number, _BEYOND)) - 1
    return at >= 0 and ranges[at][1] >= number


def show(ranges: Iterable[Range], last: int) -> str:
    """Ranges as a .proto file has them; ``last`` is the largest number that the language allows there."""
    return ", ".join(str(low) if low == high else f"{low} to {'max' if high >= last else high}" for low, high in ranges)
