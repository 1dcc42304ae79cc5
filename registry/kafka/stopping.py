"""Signals that end a subscription or a relay: at the first it finishes what is in hand, the second does not wait."""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from registry.kafka.observing import LOG


@contextmanager
def stopping(stop: Callable[[], None], signals: Iterable[signal.Signals]) -> Iterator[None]:
    """Calls ``stop`` when one of these arrives, and puts back what was there before. Only the main thread may do so.

    Any further one raises :class:`KeyboardInterrupt` where the program is just then: in a handler, its record was not
    handled and comes again.
    """
    seen: list[int] = []

    def stopped(number: int, _: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt(signal.Signals(number).name)
        seen.append(number)
        LOG.info("%s: the record in hand is finished; once more leaves at once", signal.Signals(number).name)
        stop()

    before: dict[signal.Signals, Any] = {}
    try:
        for each in signals:
            before[each] = signal.signal(each, stopped)
        yield
    finally:
        for each, action in before.items():
            signal.signal(each, action)
