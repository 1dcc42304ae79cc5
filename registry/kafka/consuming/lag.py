"""How far behind a subscription is, told about once a second without asking the broker."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import time
from typing import Final

from registry.kafka.consuming.partitions import Partitions, Place, Trouble
from registry.kafka.observer import Observers
from registry.kafka.observing import find_calls, tell
from registry.serde.record import Record

_PERIOD: Final = 1.0


class Lag:
    """What observers are told of waiting records."""

    def __init__(self, observers: Observers) -> None:
        self._calls = find_calls(observers, "measured")
        self._due = 0.0 if self._calls else float("inf")
        self._empty: dict[Place, float] = {}
        """When a partition was last seen without anything waiting, by time.time."""

    def measure(
        self,
        books: Partitions,
        find_end: Callable[[Place], int],
        idle: bool,
        now: float,
        waiting: Iterable[Record] = (),
    ) -> None:
        """Tells it, if it is time. ``waiting`` are records that were read and are not handled yet, in their order.

        ``idle``: the broker had nothing more just now, whatever offsets say: markers of transactions count there.
        """
        if now < self._due:
            return
        self._due, clock = now + _PERIOD, time()
        first = {(record.topic, record.partition): record for record in reversed(list(waiting))}
        for where in sorted(books.assigned):
            trouble = books.troubles.get(where)
            stands: Record | Trouble | None = trouble if trouble and not trouble.gone else first.get(where)
            last, end = books.stored.get(where), find_end(where)
            if stands:
                behind, since = max(1, end - stands.offset), _seconds(stands.timestamp, clock)
            elif (idle and end >= 0) or (last and end <= last.offset + 1):
                behind, since = 0, 0.0
            elif last is None:
                continue  # nobody knows yet
            else:
                # The next record is at least as young as the last one, and came after nothing was waiting.
                behind = end - last.offset - 1
                since = min(_seconds(last.timestamp, clock), clock - self._empty.get(where, 0.0))
            if not behind:
                self._empty[where] = clock
            tell(self._calls, *where, behind, since)


def _seconds(moment: datetime | None, clock: float) -> float:
    """Clocks differ: what comes from the future has waited for nothing."""
    return 0.0 if moment is None else max(0.0, clock - moment.astimezone(UTC).timestamp())
