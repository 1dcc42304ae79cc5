"""The loop of a subscription on asyncio: a thread reads, lanes handle, and both come to an end together."""

import asyncio
import signal
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from registry.kafka.consuming.async_attempt import AsyncAttempt
from registry.kafka.consuming.async_lanes import Lanes
from registry.kafka.consuming.async_letters import AsyncLetters
from registry.kafka.consuming.async_reader import Reader
from registry.kafka.consuming.failures import Failures
from registry.kafka.consuming.loop import LEAVE_NOW
from registry.kafka.consuming.partitions import Partitions, Place
from registry.kafka.consuming.polling import LEAVE
from registry.kafka.errors import MessagingError, SettingsError
from registry.kafka.observer import Observers

LONGEST: Final = 300_000
"""Milliseconds, librdkafka's own ``max.poll.interval.ms``."""


def find_longest(settings: Mapping[str, object]) -> float:
    """How many seconds a member may take between polls: a handler that takes longer has lost its partition."""
    return float(str(settings.get("max.poll.interval.ms", LONGEST))) / 1000


def check_times(timeout: float | None, grace: float) -> None:
    """Raises :class:`SettingsError` for seconds in which no handler comes to its end."""
    for name, seconds, enough in (
        ("timeout", timeout, timeout is None or timeout > 0),
        ("grace", grace, grace >= 0),
    ):
        if not enough:
            raise SettingsError(f"{name}={seconds}: no handler would ever finish", help="give more seconds")


class AsyncLoop:
    """One member of a consumer group, and what it does with records. It may run again, also in another event loop.

    ``attempt`` makes what is done with each record, anew for each run. With ``ends`` a run ends there.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        topics: Collection[str],
        attempt: Callable[[], AsyncAttempt],
        failures: Failures,
        letters: AsyncLetters,
        *,
        observers: Observers,
        batch: int,
        grace: float,
        ends: Mapping[Place, int] | None = None,
        admit: Callable[[], object] | None = None,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._attempt = attempt
        self._failures = failures
        self._letters = letters
        self._observers = observers
        self._batch = batch
        self._grace = grace
        self._ends = ends
        self._admit = admit
        self._books = Partitions()
        self._lanes: Lanes | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        """The one that runs it now."""
        self._stopped = False
        self._wake = asyncio.Event()
        self._left = asyncio.Event()
        """Whether the run that is on has ended."""

    @property
    def assigned(self) -> frozenset[Place]:
        """The topics and partitions that are read here now."""
        return self._books.assigned

    @property
    def paused(self) -> Mapping[Place, Exception]:
        """The partitions that wait for something to change, each with the reason."""
        troubles = self._lanes.books.troubles if self._lanes else {}
        assigned = self._books.assigned
        return {place: each.error for place, each in troubles.items() if each.held and place in assigned}

    def stop(self) -> None:
        """Lets :meth:`run` finish the records in hand and return. From any thread, and from handlers of signals."""
        self._stopped = True
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake.set)

    def wake(self) -> None:
        """Lets lanes try again what waits for something to change. From any thread."""
        loop, lanes = self._loop, self._lanes
        if loop is not None and lanes is not None and not loop.is_closed():
            loop.call_soon_threadsafe(lanes.wake)

    async def close(self) -> None:
        """Stops it where another task of this event loop runs it, and waits until it has left its group.

        Raises :class:`MessagingError` in a handler: its record is not finished.
        """
        if self._loop is None:
            return
        if self._lanes is not None and self._lanes.works_on(asyncio.current_task()):
            raise MessagingError("a subscription cannot be closed by its own handler", help="stop() ends it")
        self.stop()
        await self._left.wait()

    async def run(self, signals: Collection[signal.Signals] = ()) -> None:
        """Goes on until stop() was called, the task is cancelled, or the ends are reached.

        Raises what nobody here may decide about: :class:`registry.kafka.ReadFailed`, the error of a record that
        the policy says to raise. Then the member has left its group.
        """
        if self._loop is not None:
            raise MessagingError("the subscription runs already", help="one task runs it; make another one to share")
        self._loop, self._left = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self._run(self._loop, signals)
        finally:
            self._left.set()
            self._loop, self._stopped, self._wake = None, False, asyncio.Event()

    async def _run(self, loop: asyncio.AbstractEventLoop, signals: Collection[signal.Signals]) -> None:
        flaws: list[BaseException] = []
        ended: asyncio.Future[None] = loop.create_future()

        def fail(error: BaseException) -> None:
            flaws.append(error)
            self._wake.set()

        def end(error: BaseException | None) -> None:
            if error is not None:
                fail(error)
            if not ended.done():
                ended.set_result(None)
            self._wake.set()

        reader = Reader(
            self._settings,
            self._topics,
            self._books,
            self._observers,
            batch=self._batch,
            grace=self._grace,
            patience=find_longest(self._settings),
            ends=self._ends,
            admit=self._admit,
        )
        before = self._lanes
        lanes = self._lanes = Lanes(self._attempt(), self._failures, self._letters, reader.done, fail)
        if before:
            lanes.books.troubles = before.books.troubles  # how often records failed
        reader.start(lanes, self._wake.set, end)
        task = asyncio.current_task()
        try:
            for each in signals:
                loop.add_signal_handler(each, self._signal, task)
            if not self._stopped:
                await self._wake.wait()
        finally:
            reader.stop()
            leave = LEAVE_NOW  # where somebody cancels once more
            try:
                await lanes.close(None, self._grace)
                leave = LEAVE
            finally:
                reader.close(leave)
                await ended
                await self._letters.close()
                for each in signals:
                    loop.remove_signal_handler(each)
        if flaws:
            raise flaws[0]

    def _signal(self, task: "asyncio.Task[Any] | None") -> None:
        if self._stopped and task is not None:
            task.cancel()
        self.stop()
