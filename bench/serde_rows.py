"""A row of the table: for each event, a statement that encodes and one that decodes, timed in turn with all others."""

import gc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from timeit import Timer

Code = tuple[str, Mapping[str, object]]
"""A statement as a user would write it, and what its names stand for."""


@dataclass(frozen=True)
class Work:
    """What one row does with one event; ``None`` where it is not asked."""

    encode: Code | None = None
    decode: Code | None = None


Row = Mapping[str, Work]
"""By event."""
Key = tuple[str, str, str]
"""Row, event, and ``encode`` or ``decode``."""


@dataclass
class _Clock:
    timer: Timer
    number: int
    best: float


def result_of(code: Code) -> object:
    """What the statement is worth."""
    return eval(code[0], dict(code[1]))


def measure(rows: Mapping[str, Row], rounds: int, slice_seconds: float) -> dict[Key, float]:
    """Nanoseconds of each statement: the best of rounds in which all of them take turns.

    In each round a statement runs as often as fits into its slice of time. A machine whose speed drifts is so as unfair
    to the one as to the other.
    """
    clocks = {key: _start(code, slice_seconds) for key, code in _find_codes(rows)}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for clock in clocks.values():
                clock.best = min(clock.best, clock.timer.timeit(clock.number) / clock.number)
    finally:
        gc.enable()
    return {key: clock.best * 1e9 for key, clock in clocks.items()}


def _find_codes(rows: Mapping[str, Row]) -> Iterable[tuple[Key, Code]]:
    for name, row in rows.items():
        for event, work in row.items():
            if work.encode:
                yield (name, event, "encode"), work.encode
            if work.decode:
                yield (name, event, "decode"), work.decode


def _start(code: Code, slice_seconds: float) -> _Clock:
    timer = Timer(code[0], globals=dict(code[1]))
    timer.timeit(20)  # caches of the peers are warm from here on
    each = min(timer.repeat(10, 10)) / 10
    return _Clock(timer, max(1, int(slice_seconds / each)), each)
