"""Records to Kafka from a service that runs on asyncio.

It is the transport for threads, with one thread more that polls it and brings what came back to the loop. The asyncio
producer that comes with confluent-kafka 2.16 takes no headers, keeps records back for batches of its own, and runs a
pool of threads for it.
"""

import asyncio
import atexit
import os
from collections.abc import Callable, Iterator, Mapping
from threading import Thread
from types import TracebackType
from typing import Final, Self

from registry.kafka.async_bridge import Bridge
from registry.kafka.errors import MessagingError, QueueFull
from registry.kafka.observer import Observers
from registry.kafka.observing import LOG
from registry.kafka.producing.line import Unusable, describe_failures, take_along
from registry.kafka.producing.transport import KafkaTransport, describe_full
from registry.serde.record import Record

TICK: Final = 0.1
"""Seconds after which the thread looks whether it is still wanted; what comes back wakes it at once."""
LAST: Final = 5.0
"""Seconds for what is left at the end of a process that did not close its transport."""

Answer = asyncio.Future[str | None]
"""``None`` where the broker has the record, else the reason why not."""
Told = tuple[Answer, str | None]
"""An answer that is waited for, and what the client said of its record."""
Failures = list[tuple[Record, str]]


class AsyncKafkaTransport:
    """A :class:`registry.serde.transport.AsyncTransport`: ``await send(record)`` returns when the broker has it.

    Many sends run at once (``asyncio.gather``, tasks) and share batches; those of one key arrive in the order in which
    they were begun. ``settings`` are librdkafka's, as those of :class:`registry.kafka.KafkaTransport`; with
    ``linger.ms`` a send that is alone waits so long for others. Where the client's queue is full, a send waits for
    room, at most ``patience`` seconds. Observers are told in a thread of the transport. One transport belongs to one
    event loop, and one process. Raises :class:`registry.kafka.SettingsError` and
    :class:`registry.kafka.MissingLibrary`.
    """

    def __init__(self, settings: Mapping[str, object], *, patience: float = 30.0, observers: Observers = ()) -> None:
        self._inner = KafkaTransport(settings, patience=0.0, observers=observers)  # a loop must not wait in there
        self._patience = patience
        self._process = os.getpid()
        self._bridge: Bridge[Told] | None = None
        self._thread: Thread | None = None
        self._closed = False
        self._sent = 0
        self._pending: dict[Answer, tuple[int, Record]] = {}
        """What the client has, with the number of its send, oldest first."""
        self._orphans: Failures = []
        """What failed after its send was cancelled: nobody else would tell."""
        self._turn = asyncio.Lock()
        self._queued = 0
        self._settled = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many records are neither delivered nor failed."""
        return len(self._pending) + self._queued

    @property
    def taken(self) -> int:
        """How many records were given to the client since it was made."""
        return self._sent

    def mark(self) -> Callable[[], bool] | None:
        """As :meth:`registry.kafka.KafkaTransport.mark`; from any thread."""
        if self._queued:
            return None
        last = self._sent

        def has_come_back() -> bool:
            try:
                return next(iter(list(self._pending.values())), (last + 1, None))[0] > last
            except RuntimeError:  # the loop changed them just then
                return False

        return has_come_back

    @property
    def fatal(self) -> str | None:
        """Why the client has given up, ``NAME: text`` of librdkafka; mostly none. A new transport is needed then."""
        return self._inner.fatal

    async def send(self, record: Record) -> None:
        """Sends a record, and returns when the broker has it.

        Raises :class:`registry.kafka.DeliveryFailed` where it did not arrive;
        :class:`registry.kafka.QueueFull`, :class:`registry.kafka.Unpublishable` and
        :class:`registry.kafka.Unusable` where it was not taken. A send that is cancelled may have sent its
        record: if that fails, the next :meth:`flush` or :meth:`close` tells.
        """
        bridge = self._open()
        answer = None if self._queued else self._take(record, bridge)
        if answer is None:
            answer = await self._wait_for_room(record, bridge)
        error = await answer
        if error is not None:
            raise describe_failures([(record, error)])

    async def flush(self, timeout: float | None = None) -> None:
        """Waits until all that was taken so far has arrived.

        Raises :class:`registry.kafka.DeliveryFailed` for what is not there after ``timeout`` seconds, which is
        given up then (and may have arrived all the same), and for what failed after its send was cancelled. Other
        failures are told by their own sends.
        """
        late: Failures = []
        if self._pending:
            self._open()
            try:
                async with asyncio.timeout(timeout):
                    await self._wait_until(self._sent)
            except TimeoutError:
                late = self._give_up(f"not delivered within {timeout:g} s")
        failures, self._orphans = self._orphans, []
        if failures := [*failures, *late]:
            raise describe_failures(failures)

    async def close(self, timeout: float | None = None) -> None:
        """Waits as :meth:`flush` does, and ends the client; what is sent meanwhile may fail. Again does nothing."""
        if self._closed:
            return
        try:
            await self.flush(timeout)
        finally:
            self._give_up("the transport was closed")  # where flushing was cancelled, or others went on sending
            self._closed = True
            atexit.unregister(self._end)
            await asyncio.shield(asyncio.to_thread(self._stop, 0.0))

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.close()
        except MessagingError as failed:
            if error is None:
                raise
            take_along(error, failed, "the transport was closed")

    def _open(self) -> Bridge[Told]:
        """The way back to the loop that runs here, with its thread."""
        if self._process != os.getpid():
            raise Unusable(
                "this transport belongs to the process that made it, and this one was forked from it",
                help="make one in each process, after the fork",
            )
        if self._closed:
            raise Unusable("this transport cannot send: it was closed", help="make a new one")
        bridge = self._bridge
        if bridge is None:
            bridge = self._bridge = Bridge(asyncio.get_running_loop(), self._settle)
            self._thread = Thread(target=self._poll, name="registry.kafka.async", daemon=True)
            self._thread.start()
            atexit.register(self._end)
        elif bridge.loop is not asyncio.get_running_loop():
            raise Unusable("this transport belongs to another event loop", help="one AsyncKafkaTransport for each loop")
        return bridge

    def _take(self, record: Record, bridge: Bridge[Told]) -> Answer | None:
        """Gives a record to the client; ``None`` where its queue is full."""
        answer: Answer = bridge.loop.create_future()
        try:
            self._inner.send(record, lambda _, error: bridge.put((answer, error)))
        except QueueFull:
            return None
        self._sent += 1
        self._pending[answer] = (self._sent, record)
        return answer

    async def _wait_for_room(self, record: Record, bridge: Bridge[Told]) -> Answer:
        """In the order of asking: records of one key must not overtake each other."""
        self._queued += 1
        try:
            async with asyncio.timeout(self._patience), self._turn:
                while True:
                    self._settled.clear()
                    if (answer := self._take(record, bridge)) is not None:
                        return answer
                    await self._settled.wait()
        except TimeoutError:
            raise describe_full(len(self._pending), self._patience, record) from None
        finally:
            self._queued -= 1

    async def _wait_until(self, last: int) -> None:
        while self._pending and next(iter(self._pending.values()))[0] <= last:
            self._settled.clear()
            await self._settled.wait()

    def _settle(self, told: Iterator[Told]) -> None:
        """Tells each send what became of its record."""
        for answer, error in told:
            held = self._pending.pop(answer, None)
            if held is None:
                continue  # it was given up
            if not answer.done():
                answer.set_result(error)
            elif error is not None:
                self._orphans.append((held[1], error))
        self._settled.set()

    def _give_up(self, reason: str) -> Failures:
        """Everything under way counts as failed, though a part of it may have arrived."""
        failures = [(record, reason) for _, record in self._pending.values()]
        for answer in self._pending:
            if not answer.done():
                answer.set_result(reason)
        self._pending.clear()
        if failures:
            self._inner.flush(0.0)  # takes it out of the queue
        self._settled.set()
        return failures

    def _poll(self) -> None:
        """In its thread: what comes back calls the bridge."""
        while not self._closed:
            try:
                self._inner.poll(TICK)
                if self._inner.fatal:
                    self._inner.flush(1.0)  # what nobody told yet is told
                    return
            except Exception:
                LOG.exception("looking what came back of the records raised")
            if self._bridge and self._bridge.loop.is_closed():
                self._log_lost()

    def _stop(self, timeout: float) -> None:
        self._closed = True
        if self._thread:
            self._thread.join()
        self._inner.close(timeout)

    def _end(self) -> None:
        """At the end of a process that did not close its transport: what is left is sent, or told to the log."""
        self._stop(LAST)
        self._log_lost()

    def _log_lost(self) -> None:
        """Nobody else will be told: the loop is closed."""
        failures: Failures = []
        for answer, error in self._bridge.pop_all() if self._bridge else ():
            if (held := self._pending.pop(answer, None)) and error is not None:
                failures.append((held[1], error))
        if failures:
            LOG.error("a transport was not closed before its event loop, and %s", describe_failures(failures))
