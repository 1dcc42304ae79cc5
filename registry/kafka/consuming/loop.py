"""The loop of a subscription: reads batches, handles record by record, and stores offsets when that is done."""

import signal
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from threading import Lock, get_ident
from time import monotonic
from typing import TYPE_CHECKING, Final

from registry.kafka.consuming.attempt import Attempt
from registry.kafka.consuming.failures import Failures
from registry.kafka.consuming.lag import Lag
from registry.kafka.consuming.letters import Letters
from registry.kafka.consuming.partitions import Owed, Partitions, Place
from registry.kafka.consuming.policy import Decision, Failure
from registry.kafka.consuming.polling import LEAVE, Polling
from registry.kafka.consuming.reading import place_of, read_message
from registry.kafka.errors import MessagingError
from registry.kafka.observer import Observers
from registry.kafka.observing import find_calls, tell
from registry.kafka.stopping import stopping
from registry.serde.record import Record
from registry.serde.transport import Transport

if TYPE_CHECKING:
    from confluent_kafka import Message

IDLE: Final = 0.25
"""Seconds that a poll waits for a record: as long as it takes until stop() is seen."""
BREATH: Final = 1.0
"""Seconds of handling after which the broker is listened to: for rebalances, and for max.poll.interval.ms."""
QUIET: Final = 5.0
"""Seconds without a record after which a run that has an end is there."""
LEAVE_NOW: Final = 1.0
"""Seconds for a last commit where somebody is in a hurry and no broker answers."""


class Loop:
    """One member of a consumer group, and what it does with records. It may run several times while it is open."""

    def __init__(
        self,
        settings: Mapping[str, object],
        topics: Iterable[str],
        attempt: Attempt,
        failures: Failures,
        letters: Letters,
        *,
        outputs: Sequence[Transport],
        observers: Observers,
        batch: int,
        ends: Mapping[Place, int] | None = None,
        admit: Callable[[], object] | None = None,
    ) -> None:
        self.books = Partitions()
        self.topics = sorted(topics)
        self._settings = settings
        self._attempt = attempt
        self._failures = failures
        self._letters = letters
        self._outputs = tuple(outputs)
        self._batch = batch
        self._ends = ends
        """Where to end, for a run that does not go on for ever."""
        self._ended: set[Place] = set()
        self._last = monotonic()
        self._lag = Lag(observers)
        self._revoked = find_calls(observers, "revoked")
        self._waiting: deque[Message] = deque()
        """What was read and is not handled yet. A record is made of it when its turn comes: that one is in the cache of
        the processor then, and a batch of them is not."""
        self._starts: dict[Place, Record] = {}
        """With outputs: the first record of each partition whose offset waits for them."""
        self._polling: Polling | None = None
        self._stopped = self._woken = False
        self._admit = admit
        """Asked when the first partitions of a membership are there, before any record; raises where none may be."""
        self._admitted = admit is None
        self._running = Lock()
        self._runner = 0

    def stop(self) -> None:
        """Lets :meth:`run` finish the record in hand and return. From any thread, and from handlers of signals."""
        self._stopped = True

    def wake(self) -> None:
        """Lets :meth:`run` try again what waits for something to change. From any thread."""
        self._woken = True

    def open(self) -> Polling:
        """Makes the client; it joins its group when the loop runs."""
        if self._polling is None:
            self._admitted = self._admit is None
            self._polling = Polling(dict(self._settings), self.topics, self._assign, self._revoke)
        return self._polling

    @property
    def is_open(self) -> bool:
        """Whether there is a client."""
        return self._polling is not None

    @property
    def at_end(self) -> bool:
        """Whether all partitions that are read here came to the ends that were given."""
        assigned = self.books.assigned
        if not assigned or self._waiting or not all(trouble.gone for trouble in self.books.troubles.values()):
            return False
        # An end may be a marker of a transaction, which is no record and never comes.
        quiet = monotonic() - self._last > QUIET
        return quiet or all(where in self._ended for where in assigned if where in (self._ends or {}))

    def run(self, until: Callable[[], bool] | None, signals: Iterable[signal.Signals]) -> None:
        """Goes on until stop() was called, or ``until``, asked between batches, is true.

        Raises what nobody here may decide about: :class:`registry.kafka.ReadFailed`, the error of a record that
        the policy says to raise, and what is no Exception. Then the member has left its group.
        """
        if not self._running.acquire(blocking=False):
            raise MessagingError("the subscription runs already", help="one thread runs it; make another one to share")
        self._runner = get_ident()
        try:
            with stopping(self.stop, signals):
                self._go(self.open(), until)
        except BaseException as error:
            self._leave(LEAVE if isinstance(error, Exception) else LEAVE_NOW)
            raise
        finally:
            self._runner = 0
            self._running.release()

    def close(self) -> None:
        """Stores what was handled, commits it and leaves the group. Stops it where another thread runs it, and waits.

        Raises :class:`MessagingError` in a handler: its record is not finished.
        """
        if self._runner == get_ident():
            raise MessagingError("a subscription cannot be closed by its own handler", help="stop() ends it")
        if self._runner:
            self.stop()
        with self._running:
            self._leave(LEAVE)

    def _leave(self, patience: float) -> None:
        polling = self._polling
        if polling is None:
            return
        try:
            self._settle(polling)
        finally:
            self._polling = None
            self._waiting.clear()
            polling.close(patience)
            self._revoke(sorted(self.books.assigned), True)  # those that closing did not tell of
            self._letters.close()

    def _go(self, polling: Polling, until: Callable[[], bool] | None) -> None:
        waiting = self._waiting
        while not self._stopped and not (until and until()):
            if not waiting:
                now = monotonic()
                wait = max(0.0, min(IDLE, self.books.due - now))
                self._read(polling, self._batch, wait)
                self._lag.measure(self.books, polling.find_end, not waiting, now, map(read_message, waiting))
            if not self._admitted and self._admit is not None and self.books.assigned:
                self._admit()
                self._admitted = True
            if waiting:
                self._work(polling)
            if self._woken:
                self._woken = False
                self.books.wake()
            if self.books.due <= (now := monotonic()):
                for where in self.books.pop_due(now):
                    polling.resume(where)

    def _read(self, polling: Polling, limit: int, wait: float) -> None:
        before = self.books.assigned
        messages: Iterable[Message] = polling.read(limit, wait)
        if (assigned := self.books.assigned) is not before:  # some may have gone in the middle of the batch
            messages = [message for message in messages if place_of(message) in assigned]
        self._waiting.extend(messages if self._ends is None else self._find_within(messages, self._ends))

    def _find_within(self, messages: Iterable["Message"], ends: Mapping[Place, int]) -> Iterator["Message"]:
        """Those before the ends. The others are left for the next run: they came later, some from this one."""
        for message in messages:
            self._last, where, offset = monotonic(), place_of(message), message.offset() or 0
            end = ends.get(where, 0)
            if offset < end:
                yield message
            if offset >= end - 1:
                self._ended.add(where)

    def _assign(self, places: Sequence[Place]) -> None:
        self._last = monotonic()
        self.books.assign(places)

    def _work(self, polling: Polling) -> None:
        """Handles what waits. Whatever ends it, what was handled is stored, and nothing else."""
        waiting, books, outputs = self._waiting, self.books, self._outputs
        attempt = self._attempt.__call__  # a method is called in half the time of an object
        handled = books.handled
        listened = monotonic()
        try:
            while waiting and not self._stopped and self._admitted:
                record = read_message(waiting.popleft())
                where = (record.topic, record.partition)
                if outputs:
                    self._starts.setdefault(where, record)
                if books.troubles and (owed := books.find_owed(where, record.offset)):
                    done = self._write(polling, where, record, owed)
                else:
                    failure = attempt(record)
                    done = failure is None or self._put_aside(polling, where, record, failure)
                if done:
                    handled[where] = record
                    if books.troubles and where in books.troubles:
                        self._failures.pass_by(books, where, record.offset)
                if monotonic() - listened > BREATH:
                    # Before anything is stored: if this took too long, the partition is somebody else's by now.
                    self._read(polling, 1, 0)
                    self._settle(polling)
                    listened = monotonic()
                    self._lag.measure(books, polling.find_end, False, listened, map(read_message, waiting))
        except BaseException as error:
            if outputs and not isinstance(error, Exception):
                handled.clear()  # not to wait for them now
            raise
        finally:
            self._settle(polling)

    def _put_aside(self, polling: Polling, where: Place, record: Record, failure: Failure) -> bool:
        """Whether a record that failed is done with: its letter is written. Otherwise its partition waits before it."""
        attempt = self._failures.count(self.books, where, record, failure)
        decision = self._failures.judge(record, failure, attempt)
        if decision.action == "raise":
            raise failure.error
        if decision.action == "dead-letter":
            return self._write(polling, where, record, Owed(failure.error, attempt))
        self._hold(polling, where, record, failure, decision)
        return False

    def _write(self, polling: Polling, where: Place, record: Record, owed: Owed) -> bool:
        """Whether its letter is written. Otherwise its partition waits for that alone: no handler is called."""
        try:
            self._letters.write(self._failures.render(record, owed.error, owed.attempt))
        except Exception as error:
            error.__cause__ = owed.error
            failure = Failure("bury", error)
            decision = self._failures.judge(record, failure, self._failures.count(self.books, where, record, failure))
            if decision.action == "raise":
                raise
            self._hold(polling, where, record, failure, decision, owed)
            return False
        self._failures.put_aside(record, owed.error, owed.attempt)
        return True

    def _hold(
        self,
        polling: Polling,
        where: Place,
        record: Record,
        failure: Failure,
        decision: Decision,
        owed: Owed | None = None,
    ) -> None:
        self._drop({where})
        self._ended.discard(where)
        self._failures.hold(self.books, where, record, failure, decision, monotonic(), owed)
        polling.hold(where, record.offset)

    def _drop(self, places: Collection[Place]) -> None:
        """Forgets what was read of some partitions and is not handled: it is read again, here or elsewhere."""
        kept = [message for message in self._waiting if place_of(message) not in places]
        self._waiting.clear()
        self._waiting.extend(kept)

    def _settle(self, polling: Polling, going: Collection[Place] = ()) -> None:
        """Stores the offsets of what was handled, when all that handlers sent has arrived."""
        if not self.books.handled:
            return
        try:
            for output in self._outputs:
                output.flush()
        except Exception as error:
            self._take_back(polling, going, Failure("keep", error))
        polling.store(self.books.pop_handled())
        self._starts.clear()

    def _take_back(self, polling: Polling, going: Collection[Place], failure: Failure) -> None:
        """Nobody knows whose events are missing, so all that is not stored yet is handled again."""
        places = sorted(self.books.handled)
        self.books.handled.clear()
        for where in places:
            first = self._starts[where]
            attempt = self._failures.count(self.books, where, first, failure)
            decision = self._failures.judge(first, failure, attempt)
            if decision.action == "raise":
                raise failure.error
            if where not in going:
                self._hold(polling, where, first, failure, decision)

    def _revoke(self, places: Sequence[Place], lost: bool) -> None:
        """Called by the client, inside of its calls: never while a record is being handled."""
        self._drop(set(places))
        if lost:
            self._admitted = self._admit is None  # it was out of its group, and nobody knows for how long
        if self._polling is not None and not lost:
            self._settle(self._polling, places)
        self.books.revoke(places)
        self._ended.difference_update(places)
        for where in places:
            self._starts.pop(where, None)
            tell(self._revoked, *where)
