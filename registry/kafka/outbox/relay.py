"""From an outbox to Kafka: in order per key, at least once, by one of several copies at a time."""

import inspect
import logging
import signal
import time
from collections.abc import Iterable
from contextlib import closing
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final

from registry.kafka.errors import MessagingError, SettingsError, Unpublishable
from registry.kafka.observer import Observers
from registry.kafka.observing import find_calls, tell
from registry.kafka.outbox import Outbox, OutboxUnavailable, Queue, Row
from registry.kafka.outbox.publishing import (
    Confirming,
    Outcome,
    Place,
    confirms,
    find_flights,
    is_outage,
    place_of,
    places_of,
    publish,
)
from registry.kafka.retry import Retry, check_retry
from registry.kafka.stopping import stopping
from registry.serde.transport import Transport

LOG: Final = logging.getLogger("registry.kafka.outbox")

RETRY: Final = Retry(first=1.0, longest=60.0)
"""When a row that was refused is tried again. Its ``attempts`` do not count here: a row is never given up."""
GRACE: Final = 10.0
"""Seconds that a relay which was told to stop waits for records under way. What is left is published the next time."""
_OUTAGE: Final = Retry(first=0.2, longest=10.0)
_MEASURED: Final = 20
"""To measure takes at most one part in so many of the time."""


class _Outage(MessagingError):
    """The broker takes nothing at present."""


class _Stopped(MessagingError):
    """The grace after a stop is over."""


class Relay:
    """Publishes the rows of an outbox and deletes those that arrived.

    Start as many copies as you like: one at a time publishes, the others stand by and take over when its session with
    the database ends. ``every`` is how many seconds an empty outbox is left alone, ``batch`` how many rows are read and
    under way at most, ``patience`` how many seconds the broker may say nothing before what is under way is taken back
    and sent anew. The transport should be the relay's own, a
    :class:`registry.kafka.KafkaTransport` with ``gapless=True``; with one that is not gapless, each key has
    one record under way at a time, which keeps the order too, slowly.

    A row that the broker refuses is noted in the row and tried again after a while (``retry``); the rows of its key
    wait behind it, other keys go on. A row leaves the table when it arrived, or by the hand of a person
    (:meth:`registry.kafka.SqliteOutbox.discard`).

    A partition without a leader holds up the others for ``patience`` at each attempt, and is left alone as long in
    between.

    A row may be published twice: when the relay, its machine or its database ends between the broker's word and the
    deletion. An inbox passes the second one over.
    """

    def __init__(
        self,
        outbox: Outbox,
        transport: Transport | Confirming,
        *,
        every: float = 0.1,
        batch: int = 500,
        patience: float = 60.0,
        retry: Retry = RETRY,
        observers: Observers = (),
    ) -> None:
        if every <= 0 or batch < 1 or patience <= 0:
            raise SettingsError(
                f"a relay with every={every}, batch={batch}, patience={patience}", help="each is more than nothing"
            )
        if inspect.iscoroutinefunction(transport.send):
            raise SettingsError(
                f"a {type(transport).__name__} sends by coroutines, which nobody would await here",
                help="a relay is a thread or a process of its own: give it a KafkaTransport(settings, gapless=True)",
            )
        check_retry(retry)
        self._outbox = outbox
        self._transport = transport
        self._every = every
        self._batch = batch
        self._patience = patience
        self._retry = retry
        self._watchers = find_calls(observers, "outbox")
        self._measure_at = 0.0
        self._stopping = False
        self._deadline = float("inf")
        # Its put() may interrupt its get() in the same thread, as a signal handler does; an Event's set() may not.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._told = ""
        self._outages = 0
        self._failures = 0
        """How often in a row the database could not be read, or did not let go what arrived."""

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def run(self, *, signals: Iterable[signal.Signals] = ()) -> None:
        """Publishes until :meth:`stop`. A broker or a database that is gone is waited for.

        With ``signals``, say ``(signal.SIGTERM, signal.SIGINT)``, the first of them stops it and the next one leaves at
        once; only the main thread can ask for that. Raises :class:`registry.kafka.MissingTable`, and
        :class:`registry.kafka.DeliveryFailed` where the transport is shared with a sender whose records failed.
        """
        with stopping(self.stop, signals):
            self._run()

    def _run(self) -> None:
        while not self._stopping:
            try:
                with closing(self._outbox.open()) as queue:
                    while not self._stopping:
                        if not queue.lead():
                            self._wait(self._every)
                            continue
                        self._drain(queue)
            except OutboxUnavailable as error:
                self._failures += 1
                self._tell_once(f"the relay cannot use its outbox, and tries again: {error.message}")
                self._wait(_OUTAGE.delay(self._failures))
            except _Stopped:
                return

    def run_once(self) -> int:
        """Publishes at most one batch of what waits; how many rows arrived. None where another copy is at it.

        Raises :class:`registry.kafka.OutboxUnavailable`, :class:`registry.kafka.MissingTable`, and
        :class:`registry.kafka.MessagingError` where the broker takes nothing.
        """
        with closing(self._outbox.open()) as queue:
            return self._publish_batch(queue) if queue.lead() else 0

    def stop(self) -> None:
        """Lets :meth:`run` end when the records under way have arrived. For any thread, and for signal handlers."""
        self._deadline = min(self._deadline, time.monotonic() + GRACE)
        self._stopping = True
        self._wake.put(None)

    def _drain(self, queue: Queue) -> None:
        """Publishes until the relay is stopped."""
        while not self._stopping:
            started = time.monotonic()
            try:
                arrived = self._publish_batch(queue)
            except _Outage:
                self._measure(queue)
                self._wait(_OUTAGE.delay(self._outages))
                continue
            if self._failures:  # no sooner: where rows can be read and not deleted, each attempt sends them again
                self._failures, self._told = 0, ""
            if arrived and self._outages:
                LOG.warning("the broker takes records of %s again", queue.name)
                self._outages, self._told = 0, ""
            self._measure(queue)
            if not arrived:
                # Rows that wait behind others are read over and over: at most one part in five of the time.
                self._wait(max(self._every, 4 * (time.monotonic() - started)))

    def _publish_batch(self, queue: Queue) -> int:
        """Reads, sends, and deletes what arrived; how many."""
        arrived = 0
        held: set[Place] = set()
        try:
            for rows, together in _find_groups(queue.read(self._batch)):
                if self._stopping and arrived:
                    break
                arrived += self._publish(queue, rows, together, held)
        except _Outage:
            raise
        except BaseException:
            if confirms(self._transport):
                self._transport.renew()  # before anything else: another relay may lead by now
            raise
        return arrived

    def _publish(self, queue: Queue, rows: list[Row], together: bool, held: set[Place]) -> int:
        """Publishes rows of which none was refused before, or a single one; ``held`` gets the keys that wait now."""
        if rows[0].damage:  # it is alone
            held.update(places_of(rows))
            self._block(queue, rows[0], rows[0].damage)
            return 0
        arrived = 0
        alone: list[Row] = []
        for flight in find_flights(rows, not confirms(self._transport) or self._transport.gapless):
            going = [row for row in flight if place_of(row.record) not in held]
            if not going:
                continue
            outcome = publish(self._transport, going, lambda: self._watch(queue), self._patience)
            if outcome.arrived:
                queue.delete(outcome.arrived)
                arrived += len(outcome.arrived)
            if len(outcome.arrived) == len(going):
                continue
            left = [row for row in going if row.id not in outcome.arrived]
            held.update(places_of(left))
            if not outcome.failed:
                continue
            if all(is_outage(reason) for reason in outcome.failed.values()):
                self._put_off(queue, left, outcome)
            elif together and len(going) > 1:
                # One row that is too large fails with all that shared its batch: each is tried by itself, in order.
                alone += left
            else:
                self._block(queue, going[0], outcome.failed[going[0].id])
        held.difference_update(places_of(alone))
        for row in alone:
            if self._stopping:
                break
            arrived += self._publish(queue, [row], False, held)
        return arrived

    def _put_off(self, queue: Queue, left: list[Row], outcome: Outcome) -> None:
        """The broker is gone, or a part of it: what failed makes room for rows that may fare better."""
        reason = next(iter(outcome.failed.values()))
        self._outages += 1
        # Where others arrived, a partition has no leader: each attempt holds up the rest for a while.
        delay = self._patience if outcome.arrived else _OUTAGE.delay(self._outages)
        queue.postpone([row.id for row in left if row.id in outcome.failed], reason, delay, 0)
        self._measure_at = 0.0
        self._tell_once(f"the broker does not take records of {queue.name}, which are sent again: {reason}")
        if not outcome.arrived:
            raise _Outage(reason)

    def _block(self, queue: Queue, row: Row, reason: str) -> None:
        """Notes in the row that it was refused."""
        queue.postpone([row.id], reason, self._retry.delay(row.attempts + 1), 1)
        if not row.attempts or reason != row.error:
            error = Unpublishable(
                f"row {row.id} of {queue.name} is refused, and its key waits behind it: {reason}",
                help="repair what the reason names; it is tried again by itself. discard(id, reason) puts it aside",
            )
            LOG.error("%s (help: %s)", error.message, error.help)
        self._measure_at = 0.0

    def _watch(self, queue: Queue) -> None:
        """While the broker is waited for."""
        queue.check()
        self._measure(queue)
        if time.monotonic() > self._deadline:
            raise _Stopped("the relay was stopped while the broker did not answer")

    def _measure(self, queue: Queue) -> None:
        """Tells the observers how full the outbox is, about once a second."""
        started = time.monotonic()
        if not self._watchers or started < self._measure_at:
            return
        level = queue.measure()
        took = time.monotonic() - started
        self._measure_at = started + max(1.0, took * _MEASURED)
        tell(self._watchers, level.waiting, level.age, level.blocked)

    def _wait(self, seconds: float) -> None:
        """Until the time is over, or the relay is stopped."""
        try:
            self._wake.get(timeout=seconds)
        except Empty:
            return

    def _tell_once(self, text: str) -> None:
        if text != self._told:
            self._told = text
            LOG.warning("%s", text)


def _find_groups(rows: list[Row]) -> list[tuple[list[Row], bool]]:
    """Rows in their order: those that nothing is known against together, each of the others by itself."""
    groups: list[tuple[list[Row], bool]] = []
    for row in rows:
        if row.attempts or row.damage:
            groups.append(([row], False))
        elif groups and groups[-1][1]:
            groups[-1][0].append(row)
        else:
            groups.append(([row], True))
    return groups
