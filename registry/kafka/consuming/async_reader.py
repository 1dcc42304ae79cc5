"""The thread that reads for an event loop: it alone uses the client, and brings records to lanes."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from registry.kafka.async_bridge import Bridge
from registry.kafka.consuming.async_lanes import LATE, Lane, Lanes
from registry.kafka.consuming.lag import Lag
from registry.kafka.consuming.loop import QUIET
from registry.kafka.consuming.partitions import Partitions, Place
from registry.kafka.consuming.polling import LEAVE, Polling
from registry.kafka.consuming.reading import read_message
from registry.kafka.observer import Observers
from registry.kafka.observing import LOG, find_calls, tell
from registry.serde.record import Record

if TYPE_CHECKING:
    from confluent_kafka import Message

IDLE: Final = 0.25
"""Seconds that a poll waits for a record: as long as it takes until a stop is seen, and finished records are stored."""
BREATH: Final = 1.0
"""Seconds without room for records after which the broker is listened to all the same, and the slow ones wait."""


class Reader:
    """One member of a consumer group. Made and ended by a loop, whose lanes get its records.

    At most ``batch`` records wait in lanes that go on. A lane that makes no progress for a second is paused at the
    client, and does not hold up the others. ``grace`` is for how many seconds a partition that goes to another member
    waits for its record in hand, and ``patience`` how long the loop may be blocked before the reader stops polling, so
    that the group gives its partitions to somebody who works. With ``ends`` only records before these offsets are read.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        topics: Collection[str],
        books: Partitions,
        observers: Observers,
        *,
        batch: int,
        grace: float,
        patience: float,
        ends: Mapping[Place, int] | None,
        admit: Callable[[], object] | None = None,
    ) -> None:
        self._books = books
        self._ends = ends
        self._admit = admit
        """Asked when the first partitions of a membership are there, before any record; raises where none may be."""
        self._admitted = False
        self._ended: set[Place] = set()
        self._last = monotonic()
        self._lag = Lag(observers)
        self._revoked = find_calls(observers, "revoked")
        self._batch = batch
        self._grace = grace
        self._patience = patience
        self._lanes: dict[Place, Lane] = {}
        self._done: deque[tuple[Lane, Record]] = deque()
        self._wanted: float = float("inf")
        """How many records must be done with before the thread is woken."""
        self._progress = Event()
        self._stopped = False
        self._closing = Event()
        self._leave = LEAVE
        self._beat = self._asked = 0.0
        self._polling = Polling(settings, topics, self._assign, self._revoke)

    def start(self, lanes: Lanes, reached: Callable[[], object], ended: Callable[[BaseException | None], None]) -> None:
        """Begins to read. In the loop, ``reached`` is called at the ends, and ``ended`` last, with what went wrong."""
        self._reached = reached
        self._loop = asyncio.get_running_loop()
        self._lane_keeper = lanes
        self._bridge: Bridge[tuple[Lane, list[Record]]] = Bridge(self._loop, lanes.take)
        self._beat = monotonic()
        Thread(target=self._run, args=(ended,), name="registry.kafka.reader", daemon=True).start()

    def done(self, lane: Lane, record: Record) -> None:
        """A lane is done with a record. Called in the loop."""
        self._done.append((lane, record))
        if len(self._done) >= self._wanted:
            self._wanted = float("inf")
            self._progress.set()

    def stop(self) -> None:
        """Reads no more."""
        self._stopped = True
        self._progress.set()

    def close(self, patience: float) -> None:
        """Stores what is done with, commits it and leaves the group. The lanes are closed by now.

        A broker that is gone is waited for at most ``patience`` seconds.
        """
        self._leave = patience
        self.stop()
        self._closing.set()

    def _run(self, ended: Callable[[BaseException | None], None]) -> None:
        error: BaseException | None = None
        try:
            try:
                while not self._stopped and not self._loop.is_closed():
                    self._read_once()
                if not self._loop.is_closed():
                    self._closing.wait()
            finally:
                self._closing.set()
                self._store()
                self._polling.close(self._leave)
                self._revoke(sorted(self._books.assigned), True)  # those that closing did not tell of
        except BaseException as raised:
            error = raised
        try:
            self._loop.call_soon_threadsafe(ended, error)
        except RuntimeError:
            LOG.error("the event loop was closed while a subscription ran", exc_info=error)

    def _read_once(self) -> None:
        self._store()
        busy = sum(lane.count for lane in self._lanes.values() if not lane.held)
        if busy > self._batch // 2:
            self._wait(busy - self._batch // 2)
            return
        now = monotonic()
        if self._is_blocked(now):
            self._closing.wait(BREATH)
            return
        messages = self._polling.read(self._batch - busy, IDLE)
        if not self._admitted and self._admit is not None and self._books.assigned:
            self._admit()
            self._admitted = True
        if messages:
            self._hand_over(messages)
        first = (lane.first for lane in self._lanes.values() if lane.count and lane.first)
        self._lag.measure(self._books, self._polling.find_end, not messages, now, first)
        for lane in self._lanes.values():
            if lane.held and lane.count <= self._batch // 8 and self._polling.resume(lane.place):
                lane.held = False
                self._last = now  # nothing could come of it while it was held
        if self._ends is not None and self._is_at_end(self._ends, now):
            self._stopped = True
            self._loop.call_soon_threadsafe(self._reached)

    def _is_at_end(self, ends: Mapping[Place, int], now: float) -> bool:
        """Whether all that is read here came to its end; as :attr:`registry.kafka.consuming.loop.Loop.at_end`."""
        assigned = self._books.assigned
        if not assigned or any(lane.count for lane in self._lanes.values()):
            return False
        # An end may be a marker of a transaction, which is no record and never comes.
        return now - self._last > QUIET or all(place in self._ended for place in assigned if place in ends)

    def _wait(self, wanted: int) -> None:
        """Until so many records are done with. Where they are slow, their lanes are held, and the others go on."""
        self._progress.clear()
        self._wanted = wanted
        if len(self._done) >= wanted or self._stopped or self._progress.wait(BREATH):
            return
        self._wanted = float("inf")
        self._store()
        for lane in self._lanes.values():
            if lane.count and not lane.held:
                lane.held = self._polling.hold(lane.place, lane.next)
                LOG.info("%s[%s] is slow: %d records of it wait, and no more are read", *lane.place, lane.count)

    def _is_blocked(self, now: float) -> bool:
        """Whether the loop has not moved for too long, and records wait for it."""
        if not any(lane.count for lane in self._lanes.values()):
            self._beat = now
        elif now - self._asked > BREATH:
            self._asked = now
            self._loop.call_soon_threadsafe(self._note_beat)
        return now - self._beat > self._patience

    def _note_beat(self) -> None:
        self._beat = monotonic()

    def _hand_over(self, messages: "Sequence[Message]") -> None:
        work: dict[Lane, list[Record]] = {}
        for message in messages:
            record = read_message(message)
            place = (record.topic, record.partition)
            lane = self._lanes.get(place)
            if lane is None:
                continue  # it went in the same breath
            if self._ends is not None:
                self._last, end = monotonic(), self._ends.get(place, 0)
                if record.offset >= end - 1:
                    self._ended.add(place)
                if record.offset >= end:
                    continue  # for the next run
            if (records := work.get(lane)) is None:
                records = work[lane] = []
            records.append(record)
        for lane, records in work.items():
            lane.count += len(records)
            lane.next = records[-1].offset + 1
            self._bridge.put((lane, records))

    def _store(self) -> None:
        done, handled, lanes = self._done, self._books.handled, self._lanes
        while done:
            lane, record = done.popleft()
            lane.count -= 1
            if lanes.get(lane.place) is lane:  # else it is somebody else's by now
                handled[lane.place] = record
        if handled:
            self._polling.store(self._books.pop_handled())

    def _assign(self, places: Sequence[Place]) -> None:
        self._books.assign(places)
        self._last = monotonic()
        for place in places:
            self._lanes.setdefault(place, Lane(place))
            self._polling.resume(place)  # the client remembers who paused it

    def _revoke(self, places: Sequence[Place], lost: bool) -> None:
        """Called by the client, inside of its calls."""
        going = [lane for place in places if (lane := self._lanes.get(place))]
        if lost:
            self._admitted = False  # it was out of its group, and nobody knows for how long
            for lane in going:
                del self._lanes[lane.place]
        if going and not self._closing.is_set():
            self._close(going, 0.0 if lost else self._grace)
        self._store()
        for lane in going:
            self._lanes.pop(lane.place, None)
        self._books.revoke(places)
        self._ended.difference_update(places)
        for place in places:
            tell(self._revoked, *place)

    def _close(self, going: Sequence[Lane], grace: float) -> None:
        """Waits until the loop has closed these lanes."""
        closing = self._lane_keeper.close(going, grace)
        try:
            asyncio.run_coroutine_threadsafe(closing, self._loop).result(grace + 2 * LATE)
        except TimeoutError:
            LOG.error("the event loop did not answer for %g s; what it handles does not count", grace + 2 * LATE)
        except Exception:
            closing.close()
            LOG.exception("closing %s", ", ".join(f"{lane.place[0]}[{lane.place[1]}]" for lane in going))
