"""A line to the broker: one client of librdkafka that sends, and what came back of its records.

librdkafka tells by callbacks, which run in the thread that polls. A thread of the line polls four times a second, so
that an idle service learns of a failure too; a busy one polls while it sends, as callbacks in a second thread would
fight for Python's lock.
"""

import os
from collections import deque
from collections.abc import Callable, Mapping
from threading import Event, Thread
from time import monotonic
from typing import Any, Final, NoReturn
from weakref import WeakSet

from registry.kafka.errors import DeliveryFailed, MessagingError
from registry.kafka.observer import Observers
from registry.kafka.observing import LOG, find_calls, tell
from registry.kafka.producing.mark import Mark
from registry.kafka.settings import start_producer
from registry.serde.record import Record

Delivered = Callable[[Record, str | None], None]
"""Is told a record that arrived, or, with a reason, one that did not."""

TICK: Final = 0.25
"""Seconds after which an idle line looks what came back."""

_HEAD_START: Final = 0.01
"""Seconds for the first connection. A record that is produced while it opens waits for a timer of the client of half a
second; after this pause the first record of a process takes 45 ms (measured with Kafka 4.1 on loopback)."""

_LINES: "Final[WeakSet[Line]]" = WeakSet()
_ORPHANS: Final[list[Any]] = []

_CLEARER: Final[Mapping[str, str]] = {
    "_PURGE_QUEUE": "it waited to be sent when it was given up",
    "_PURGE_INFLIGHT": "it was on its way when it was given up, and may have arrived",
    "_MSG_TIMED_OUT": "no broker took it within delivery.timeout.ms",
}
"""Reasons that librdkafka gives in its own terms."""

_HELP: Final[Mapping[str, str]] = {
    "MSG_SIZE_TOO_LARGE": "the topic's max.message.bytes holds for a whole batch: keep batch.size below it",
    "UNKNOWN_TOPIC_OR_PART": "create the topic; this client makes none",
    "TOPIC_AUTHORIZATION_FAILED": "the service's principal needs WRITE on the topic",
    "_MSG_TIMED_OUT": "the broker cannot be reached, or the topic does not exist; the failures hold the records",
}
_RECORDS: Final = "the failures hold the records: send them again, or keep them"


class Unusable(MessagingError):
    """A transport that cannot send any more: it was closed, it broke, or it belongs to another process."""


class Line:
    """A client, from its start to its end. Threads may share it."""

    def __init__(self, settings: Mapping[str, object], observers: Observers, strict: bool) -> None:
        self.failures: deque[tuple[Record, str]] = deque()
        """Records that did not arrive and had nobody to tell, with the reason."""
        self.broken: str | None = None
        """Why this client cannot send any more."""
        self._strict = strict
        """Whether the first failure breaks the line."""
        self._failed = find_calls(observers, "sent")
        self._arrived = tuple(
            call for call in self._failed if getattr(getattr(call, "__self__", None), "successes", True)
        )

        def note(record: Record, error: Any, _message: object) -> None:
            if error is not None or self._arrived:
                self._note(record, error)

        self.note = note
        """Takes what came back of a record that has nobody to tell. A plain function: ``MethodType`` makes a callback
        of it and a record in half of the time of ``partial``."""
        self._client: Any = start_producer(settings)
        from confluent_kafka import KafkaException

        self.kafka_exception = KafkaException
        self.produce: Callable[..., None] = self._client.produce
        """The client's own, or what refuses: one call on the way of each record."""
        self._marks: tuple[Mark, ...] = ()
        self._transactional = "transactional.id" in settings
        self.joined = False
        """Whether the broker knows the transactional id of this client."""
        self._gone: str | None = None
        self._way_out = ""
        self._told = 0
        self._stop = Event()
        self._watcher = Thread(target=self._watch, name="registry.kafka.producing.line", daemon=True)
        self._watcher.start()
        _LINES.add(self)
        self._client.poll(_HEAD_START)

    @property
    def client(self) -> Any:
        """librdkafka's client. Raises :class:`Unusable` where the line was closed, or belongs to another process."""
        if self._gone:
            self._refuse()
        return self._client

    @property
    def gone(self) -> bool:
        """Whether it was closed, or belongs to another process."""
        return self._gone is not None

    def _note(self, record: Record, error: Any) -> None:
        self._settle()
        if error is None:
            tell(self._arrived, record, None)
            return
        reason = self._explain(error)
        self.failures.append((record, reason))
        self._told += 1
        tell(self._failed, record, reason)

    def answer(self, record: Record, delivered: Delivered, error: Any, _message: object) -> None:
        """What came back of a record whose sender wants to know."""
        self._settle()
        reason = None if error is None else self._explain(error)
        try:
            delivered(record, reason)
        except Exception:
            LOG.exception("what was to be told about a record of %s raised", record.topic)
        self._told += 1
        tell(self._arrived if reason is None else self._failed, record, reason)

    def mark(self) -> Callable[[], bool]:
        """A question to be asked again and again: whether all that is there now has come back, as arrived or failed.

        Until it has, each record that is sent costs a little more.
        """
        mark = Mark(self._client)

        def has_come_back() -> bool:
            if self._gone is None:
                self.guard(self._client.poll, 0)
            done = self._gone is not None or mark.look()
            if done and mark in self._marks:
                self._marks = tuple(each for each in self._marks if each is not mark)
                if not self._marks and self._gone is None:
                    self.produce = self._client.produce
            return done

        if self._gone is None:
            self._marks = (*self._marks, mark)
            self.produce = self._produce_counted
        return has_come_back

    def turn(self, seconds: float) -> bool:
        """Runs the callbacks of what came back, and waits so long for the first; whether there were any."""
        return bool(self.guard(self.client.poll, seconds))

    def wait(self, seconds: float) -> None:
        """The same, also where it is the thread of the line that runs them."""
        end, told = monotonic() + seconds, self._told
        while True:
            left = end - monotonic()
            if self.turn(max(min(left, TICK), 0.0)) or self._told != told or left <= TICK:
                return

    def guard(self, call: Callable[..., Any], *arguments: object) -> Any:
        """Calls the client. A fatal error comes out of whatever runs callbacks: it is kept, and not raised."""
        try:
            return call(*arguments)
        except self.kafka_exception as error:
            if not error.args[0].fatal():
                raise
            self._break(error)
        except SystemError as error:
            # A fatal error was pending while callbacks ran (see _settle), and this call has none left to raise.
            if isinstance(error.__cause__, self.kafka_exception):
                self._break(error.__cause__)
            elif self.broken is None:
                raise
        return None

    def flush(self, seconds: float | None) -> bool:
        """Waits until all records came back, without an end where ``None``; whether they did."""
        end = None if seconds is None else monotonic() + seconds
        broken = self.broken
        while True:
            left = -1.0 if end is None else max(end - monotonic(), 0.0)
            waiting = self.guard(self.client.flush, left)
            if waiting == 0:
                return True
            if waiting is not None or broken is not None:
                return False
            broken = self.broken  # it broke just now, and the rest comes back as failures

    def give_up(self) -> None:
        """Takes back all that did not arrive yet; each record is told as a failure."""
        self.client.purge()
        self.flush(1.0)

    def take_failures(self) -> list[tuple[Record, str]]:
        """The failures, each once."""
        taken = []
        while self.failures:
            try:
                taken.append(self.failures.popleft())
            except IndexError:  # another thread took the last
                break
        return taken

    def close(self) -> None:
        """Ends the client; what has not arrived is told as a failure first. Again does nothing."""
        if self._gone:
            return
        self.give_up()
        self._gone, self._way_out = "it was closed", "make a new one"
        self.produce = self._refuse
        self._stop.set()
        self._watcher.join()
        # Closing aborts a transaction that is open. Where a step of one has no answer yet it would wait a minute for
        # it, with a warning at the end: the broker aborts such a transaction by itself, when its time is over.
        if self._transactional and (self.broken is not None or not self.joined):
            self._client = None
        else:
            self.guard(self._client.close)  # where another took the transactional id meanwhile, aborting is fatal

    def leave(self) -> None:
        """What a forked child does first: the client's threads stayed in the parent."""
        # Ending a client without its threads takes a second of waiting for them: it is kept instead.
        _ORPHANS.append(self._client)
        self._gone = "it belongs to the process that made it, and this one was forked from it"
        self._way_out = "make one in each process, after the fork"
        self.produce = self._refuse

    def _produce_counted(
        self, topic: str, value: object, key: object, partition: int, told: Callable[..., None], *further: object
    ) -> None:
        marks = self._marks

        def count(error: Any, message: object) -> None:
            for mark in marks:
                mark.count_back()
            told(error, message)

        self._client.produce(topic, value, key, partition, count, *further)
        for mark in marks:
            mark.count_sent()

    def _refuse(self, *_: object) -> NoReturn:
        raise Unusable(f"this transport cannot send: {self._gone}", help=self._way_out)

    def _settle(self) -> None:
        """Takes note of a fatal error that waits to be raised while this callback runs.

        The client raises it in C and goes on with its callbacks; the first function they call would get a SystemError
        for it, and what it was called for would be lost.
        """
        try:
            monotonic()
        except SystemError as pending:
            self._break(pending.__cause__)

    def _explain(self, error: Any) -> str:
        name = error.name()
        reason = f"{name}: {_CLEARER.get(name) or error.str()}"
        if self._strict and self.broken is None:
            self.broken = reason
        return reason

    def _break(self, error: BaseException | None) -> None:
        told: Any = error.args[0] if isinstance(error, self.kafka_exception) else None
        reason = f"{told.name()}: {told.str()}" if told else str(error)
        if self.broken is None:
            LOG.error("the Kafka client broke: %s", reason)
        self.broken = reason

    def _watch(self) -> None:
        told = False
        while not self._stop.wait(TICK):
            try:
                self.turn(0)
            except Unusable:
                return  # it was closed just now
            except Exception:
                LOG.exception("looking what came back of the records raised")
            try:
                record, reason = self.failures[0]
            except IndexError:  # there is none, or another thread took it
                told = False
                continue
            if not told:
                text = "a record of %s did not arrive, the next call of the transport raises it: %s"
                LOG.error(text, record.topic, reason)
            told = True


def describe_failures(failures: list[tuple[Record, str]], addition: str = "") -> DeliveryFailed:
    """The error for records that did not arrive."""
    record, reason = failures[0]
    others = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
    return DeliveryFailed(
        f"a record of {record.topic}{others} did not reach the broker: {reason}{addition}",
        failures,
        help=_HELP.get(reason.partition(":")[0], _RECORDS),
    )


def take_along(first: BaseException, second: MessagingError, when: str) -> None:
    """For two errors at once: the first is the one to look at, and comes out with the second as a note."""
    first.add_note(f"and while {when}: {second}")
    LOG.error("while %s: %s", when, second)


def _leave_all() -> None:
    for line in list(_LINES):
        line.leave()


os.register_at_fork(after_in_child=_leave_all)
