"""What a subscription does in its event loop: a lane for each partition, with one record after the other."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Final

from registry.kafka.consuming.async_attempt import AsyncAttempt
from registry.kafka.consuming.async_letters import AsyncLetters
from registry.kafka.consuming.failures import Failures
from registry.kafka.consuming.partitions import Owed, Partitions, Place
from registry.kafka.consuming.policy import Failure
from registry.kafka.errors import MessagingError
from registry.kafka.observing import LOG
from registry.serde.record import Record

LATE: Final = 1.0
"""Seconds for a handler that was cancelled, before it is left to itself."""


class Lane:
    """One partition, for as long as it is assigned here."""

    __slots__ = ("broken", "closed", "count", "first", "held", "next", "place", "resting", "task", "waiting")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.next = 0
        """The offset after the last record that came. This and the next two are the reading thread's."""
        self.count = 0
        """How many records came and are not done with."""
        self.held = False
        """Whether the client was told to bring no more."""
        self.first: Record | None = None
        """What is in hand, or was last. This and the rest are the loop's."""
        self.waiting: deque[Record] = deque()
        """What is not begun."""
        self.task: asyncio.Task[None] | None = None
        self.resting = False
        """Whether the task waits for the next attempt, and nothing is in hand."""
        self.closed = False
        self.broken = False
        """Whether its task ended in the middle, and nobody had closed it."""


class Lanes:
    """The lanes that have work. All of it runs in one loop."""

    def __init__(
        self,
        attempt: AsyncAttempt,
        failures: Failures,
        letters: AsyncLetters,
        done: Callable[[Lane, Record], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._attempt = attempt
        self._failures = failures
        self._letters = letters
        self.books = Partitions()
        """What lanes stand before. The loop alone writes them, as the thread that reads does those of assignments."""
        self._done = done
        self._failed = failed
        self._working: set[Lane] = set()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something has changed: what waits for that is tried again at once."""
        self._woken.set()
        self._woken = asyncio.Event()

    def works_on(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a task is that of a lane: what it runs is a handler."""
        return any(lane.task is task for lane in self._working)

    def take(self, batches: Iterator[tuple[Lane, list[Record]]]) -> None:
        """Records for lanes, in their order."""
        for lane, records in batches:
            if lane.closed:
                continue
            lane.waiting.extend(records)
            if lane not in self._working:
                self._working.add(lane)
                lane.task = asyncio.create_task(self._work(lane), name=f"{lane.place[0]}[{lane.place[1]}]")
                lane.task.add_done_callback(partial(self._look, lane))

    async def close(self, lanes: Collection[Lane] | None, grace: float) -> None:
        """Lets some lanes, or all, finish the record in hand; after ``grace`` seconds it is cancelled."""
        closing = list(self._working) if lanes is None else list(lanes)
        tasks: set[asyncio.Task[None]] = set()
        for lane in closing:
            lane.closed = True
            lane.waiting.clear()
            if lane.task is not None and not lane.task.done():
                tasks.add(lane.task)
                if lane.resting or grace <= 0:
                    lane.task.cancel()
        try:
            if tasks:
                await self._finish(tasks, grace)
        finally:
            self.books.revoke([lane.place for lane in closing])

    async def _finish(self, tasks: set[asyncio.Task[None]], grace: float) -> None:
        try:
            _, tasks = await asyncio.wait(tasks, timeout=grace if grace > 0 else LATE)
        finally:
            for task in tasks:
                task.cancel()
        if tasks and grace > 0:
            _, tasks = await asyncio.wait(tasks, timeout=LATE)
        for task in tasks:
            LOG.error("a handler of %s goes on though it was cancelled; what it did does not count", task.get_name())

    async def _work(self, lane: Lane) -> None:
        waiting, attempt, done, books = lane.waiting, self._attempt, self._done, self.books
        try:
            while waiting:
                record = lane.first = waiting.popleft()
                failure = await attempt(record)
                if failure is not None:
                    await self._go_past(lane, record, failure)
                elif books.troubles and lane.place in books.troubles:
                    self._failures.pass_by(books, lane.place, record.offset)
                done(lane, record)
        except BaseException:
            # Nothing behind this record may be handled: its offset would count for this one too.
            lane.broken = not lane.closed
            lane.closed = True
            lane.waiting.clear()
            raise
        finally:
            self._working.discard(lane)

    async def _go_past(self, lane: Lane, record: Record, failure: Failure | None) -> None:
        """Tries again until the record is handled, or is a dead letter: then only that is written again."""
        where, books = lane.place, self.books
        owed: Owed | None = None
        while failure is not None:
            attempt = self._failures.count(books, where, record, failure)
            decision = self._failures.judge(record, failure, attempt)
            if decision.action == "raise":
                raise failure.error
            if decision.action == "dead-letter":
                owed = Owed(failure.error, attempt)
                failure = await self._write(record, owed)
                continue
            self._failures.hold(books, where, record, failure, decision, monotonic())
            lane.resting = True
            await self._rest(0 if lane.closed else decision.delay, decision.action == "pause")
            lane.resting = False
            if lane.closed:
                raise asyncio.CancelledError  # nothing is in hand: it comes again
            failure = await (self._attempt(record) if owed is None else self._write(record, owed))
        self._failures.pass_by(books, where, record.offset)

    async def _rest(self, seconds: float, held: bool) -> None:
        """Waits for the next attempt; where something must change first, at most until it has."""
        if not held:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _write(self, record: Record, owed: Owed) -> Failure | None:
        """``None`` where its letter is written."""
        try:
            await self._letters.write(self._failures.render(record, owed.error, owed.attempt))
        except Exception as error:
            error.__cause__ = owed.error
            return Failure("bury", error)
        self._failures.put_aside(record, owed.error, owed.attempt)
        return None

    def _look(self, lane: Lane, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            if lane.broken or not lane.closed:  # its record would wait for ever
                self._failed(MessagingError(f"the task of {task.get_name()} was cancelled by somebody else"))
        elif (error := task.exception()) is not None:
            self._failed(error)
