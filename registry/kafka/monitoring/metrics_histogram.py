"""Durations counted in buckets."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Histogram:
    """How often which duration was seen. The caller holds a lock around its use."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        """The sum of what was seen, in seconds."""

    def add(self, seconds: float) -> None:
        """Counts one duration. A bound belongs to the bucket below it, as Prometheus' ``le`` says."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """How many durations were seen."""
        return sum(self._counts)

    def find_buckets(self) -> list[tuple[str, float]]:
        """Each upper bound as text, with how many durations were at most so long; the last one is ``+Inf``."""
        return list(zip([*map(str, self._bounds), "+Inf"], map(float, accumulate(self._counts)), strict=True))
