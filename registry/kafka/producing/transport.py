"""The transport of generated producers: records go to Kafka in the background, and what fails is raised."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import get_ident
from time import monotonic
from types import MethodType
from typing import TYPE_CHECKING, Final
from weakref import finalize

from registry.kafka.errors import MessagingError, NoTransaction, QueueFull, SettingsError, Unpublishable
from registry.kafka.observer import Observers
from registry.kafka.observing import LOG
from registry.kafka.producing.line import Delivered, Line, Unusable, describe_failures, take_along
from registry.kafka.settings import producer_settings
from registry.serde.record import Record

if TYPE_CHECKING:
    from registry.kafka.producing.transactions import Transaction

_OFTEN: Final = 127
"""While records are sent, each 128th looks what came back; a power of two less one."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_TIMEOUT: Final = 300.0
"""Seconds of delivery.timeout.ms where it is not given, as librdkafka has it."""

_RENEW: Final = "renew() starts a new client; send again what failed, in its order"

_REFUSALS: Final[Mapping[str, tuple[type[MessagingError], str]]] = {
    "MSG_SIZE_TOO_LARGE": (
        Unpublishable,
        "raise message.max.bytes here and max.message.bytes of the topic, or send where the payload lies",
    ),
    "_UNKNOWN_TOPIC": (Unpublishable, "create the topic; this client makes none"),
    "_UNKNOWN_PARTITION": (Unpublishable, "the topic has fewer partitions; without a number the key decides"),
    "_STATE": (
        NoTransaction,
        "a transactional transport sends inside of `with transport.transaction():`, and not after that has failed",
    ),
}
"""What the client refuses at once, by its error's name: the type that is raised, and the way out."""


class KafkaTransport:
    """Sends records to Kafka. May be shared by threads, and not by processes: a forked child makes its own.

    ``settings`` are librdkafka's, over those of :data:`registry.kafka.settings.PRODUCER`. ``patience`` is how many
    seconds :meth:`send` waits while the client's queue is full. With ``gapless`` the first failure stops everything:
    see :attr:`gapless`. With a ``transactional_id`` records are sent in transactions: see :meth:`transaction`; making
    it asks the broker to end what an earlier run left open, and raises what beginning a transaction does. Raises
    :class:`registry.kafka.SettingsError` and :class:`registry.kafka.MissingLibrary`.

    Order: records of one key go to one partition (of one topic with an unchanged number of partitions), and arrive in
    the order of their sends; retries neither repeat nor reorder them. Where one fails, those that were sent after it
    may still arrive: librdkafka goes on with the next. That is what ``gapless`` changes.
    """

    def __init__(
        self,
        settings: Mapping[str, object],
        *,
        patience: float = 30.0,
        observers: Observers = (),
        gapless: bool = False,
        transactional_id: str | None = None,
    ) -> None:
        self._settings = _add_modes(producer_settings(settings), gapless, transactional_id)
        self._limit = _find_limit(settings) if gapless else None
        self._observers = observers
        self._gapless = gapless
        self._patience = patience
        self._transactional = transactional_id is not None
        self._sent = 0
        self._refused = 0
        self._blocked: set[int] = set()
        """Threads whose send waits for room."""
        # Without gapless a few records more may be on their way before a failure is seen.
        self._mask = 0 if gapless else _OFTEN
        self._line = self._start()
        self._end = finalize(self, _end, self._line, patience)
        if self._transactional:
            try:
                self.transaction().join()
            except BaseException:
                self.close(0.0)
                raise

    @property
    def gapless(self) -> bool:
        """Whether a failure stops all that comes after it.

        Then no record is delivered to a partition behind one that failed: the client breaks at the first failure, the
        rest comes back as failures, and :meth:`send` refuses until :meth:`renew`. ``delivery.timeout.ms`` is the time
        of a whole :meth:`flush` then, as librdkafka would time out one record and deliver the next
        (INTRODUCTION.md, Message timeout considerations).
        """
        return self._gapless

    @property
    def fatal(self) -> str | None:
        """Why this transport cannot send any more before :meth:`renew`: ``NAME: text`` of librdkafka; mostly none."""
        return self._line.broken

    @property
    def waiting(self) -> int:
        """How many records were taken and have not come back, as arrived or failed; 0 after the end."""
        return 0 if self._line.gone else len(self._line.client)

    @property
    def taken(self) -> int:
        """How many records :meth:`send` took since it was made."""
        return self._sent - self._refused

    def mark(self) -> Callable[[], bool] | None:
        """A question, to be asked until it says so: whether all that was taken by now has come back.

        ``None`` while a send waits for room: nobody knows what of it is taken.
        """
        return None if self._blocked else self._line.mark()

    def send(self, record: Record, delivered: Delivered | None = None) -> None:
        """Takes a record into the client's queue; it is sent in the background.

        ``delivered`` is told when it arrived or failed, in the thread that looks; what it raises is logged, and it must
        neither flush nor close. Without one a failure is kept, and raised by the next send, flush or close as
        :class:`registry.kafka.DeliveryFailed`: **that send did not take its own record**. Raises
        :class:`registry.kafka.QueueFull` where there is no room after ``patience``,
        :class:`registry.kafka.Unpublishable` for a record that can never be sent,
        :class:`registry.kafka.NoTransaction`, and :class:`registry.kafka.Unusable` after a fatal error,
        after the end and in a forked child. After each of them the record was not taken, and ``delivered`` stays
        untold.
        """
        line = self._line
        self._sent = sent = self._sent + 1
        if line.failures or not sent & self._mask:
            self._look(line)
        end = 0.0
        while True:
            try:
                line.produce(
                    record.topic,
                    record.value,
                    record.key,
                    record.partition,
                    MethodType(line.note, record) if delivered is None else partial(line.answer, record, delivered),
                    None,
                    0 if record._timestamp is None else _find_milliseconds(record),
                    [*record.headers],
                )
                if end:
                    self._blocked.discard(get_ident())
                return
            except BufferError:
                end = self._wait(line, record, end)
            except Exception as error:
                self._refused += 1
                self._blocked.discard(get_ident())
                raise self._explain(line, record, error) from None

    def poll(self, timeout: float = 0.0) -> None:
        """Tells observers and ``delivered`` what came back; waits at most so many seconds for the first of it.

        Raises nothing of what failed: that is for the next send, flush or close.
        """
        self._line.wait(timeout)

    def flush(self, timeout: float | None = None) -> None:
        """Waits until all that was taken has come back, at most so many seconds; for each ``delivery.timeout.ms``.

        What has not come back by then is given up: it is taken out of the queue, and fails like the rest. Raises
        :class:`registry.kafka.DeliveryFailed` with the records that failed and had no ``delivered``. One that
        was on its way when it was given up may have arrived all the same.
        """
        line = self._line
        if not line.flush(self._limit if timeout is None else timeout):
            line.give_up()
        if failures := line.take_failures():
            raise describe_failures(failures)

    def close(self, timeout: float | None = None) -> None:
        """Flushes and ends the client, which it does even where flushing raises. Again does nothing."""
        line = self._line
        if line.gone:
            return
        self._end.detach()
        try:
            line.flush(self._limit if timeout is None else timeout)
        except BaseException:  # an interrupt, which is what has to come out
            _end(line, 0.0)
            raise
        line.close()
        if failures := line.take_failures():
            raise describe_failures(failures)

    def renew(self) -> None:
        """Gives up what has not arrived, and goes on with a new client of the same settings.

        For after a fatal error, or where another process has taken over. Records that are given up are told to their
        ``delivered``; those without one are raised by the next call.
        """
        old = self._line
        old.client  # noqa: B018 (raises where there is nothing to renew)
        old.close()
        self._line = self._start()
        self._line.failures.extend(old.take_failures())
        self._end.detach()
        self._end = finalize(self, _end, self._line, self._patience)
        if self._transactional:
            self.transaction().join()

    def transaction(self) -> "Transaction":
        """``with transport.transaction() as tx:`` what is sent inside is read by others together, or not at all.

        See :class:`registry.kafka.Transaction`. Raises :class:`registry.kafka.SettingsError`
        without a ``transactional_id``.
        """
        from registry.kafka.producing.transactions import Transaction

        if not self._transactional:
            raise SettingsError(
                "this transport has no transactions",
                help="KafkaTransport(..., transactional_id='edge-cache.1'): the same for each run of one instance",
            )
        return Transaction(self._line, self._patience)

    def __enter__(self) -> "KafkaTransport":
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            self.close()
        except MessagingError as failed:
            if error is None:
                raise
            take_along(error, failed, "the transport was closed")

    def _start(self) -> Line:
        return Line(self._settings, self._observers, self._gapless)

    def _look(self, line: Line) -> None:
        """What came back; raises it where somebody has to know before more is sent: that record is not taken."""
        try:
            self._look_back(line)
        except BaseException:
            self._refused += 1
            raise

    def _look_back(self, line: Line) -> None:
        line.turn(0)
        if line.broken is not None:
            line.give_up()
        if line.failures and (failures := line.take_failures()):  # another thread may have taken them
            raise describe_failures(failures, "; the record that was to be sent now was not taken")
        if line.broken is not None:
            raise Unusable(f"this transport has stopped: {line.broken}", help=_RENEW)

    def _wait(self, line: Line, record: Record, end: float) -> float:
        """Lets something come back, to make room; how long this may go on is until ``end``."""
        end = end or monotonic() + self._patience
        self._blocked.add(get_ident())
        try:
            if (left := end - monotonic()) > 0:
                line.turn(min(left, 0.1))
                self._look(line)
                return end
        except BaseException:
            self._blocked.discard(get_ident())
            raise
        self._blocked.discard(get_ident())
        self._refused += 1
        raise describe_full(self.waiting, self._patience, record)

    def _explain(self, line: Line, record: Record, error: Exception) -> Exception:
        """The error of ours for one of the client's; anything else stays as it is."""
        from confluent_kafka import KafkaError, KafkaException

        if isinstance(error, RuntimeError) and line.gone:  # closed by another thread, just now
            return Unusable("this transport cannot send: it was closed", help="make a new one")
        told = error.args[0] if isinstance(error, KafkaException) and error.args else None
        if not isinstance(told, KafkaError):
            return error
        name = told.name()
        if name == "_FATAL":
            line.turn(0)
        if name == "_FATAL" or line.broken is not None:
            return Unusable(f"this transport has stopped: {line.broken or told.str()}", help=_RENEW)
        kind, help = _REFUSALS.get(name, (MessagingError, ""))
        size = len(record.value or b"") + len(record.key or b"")
        fact = told.str().removeprefix("Unable to produce message: ")
        return kind(f"{name}: {fact}: a record of {record.topic} of {size} bytes was not taken", help)


def describe_full(waiting: int, patience: float, record: Record) -> QueueFull:
    """The error for a record that found no room."""
    return QueueFull(
        f"{waiting} records wait for the broker, and none left for {patience:g} s; "
        f"a record of {record.topic} was not taken",
        help="look whether the broker can be reached; queue.buffering.max.messages and .max.kbytes are the room",
    )


def _add_modes(settings: dict[str, object], gapless: bool, transactional_id: str | None) -> dict[str, object]:
    if transactional_id is not None:
        if gapless:
            raise SettingsError("a transaction has no gaps anyway", help="leave out gapless, or transactional_id")
        if not transactional_id:
            raise SettingsError("the transactional id is empty", help="one for each instance: edge-cache.1")
        settings["transactional.id"] = transactional_id
    if gapless:
        settings |= {"enable.idempotence": True, "enable.gapless.guarantee": True, "delivery.timeout.ms": 0}
    return settings


def _find_limit(settings: Mapping[str, object]) -> float | None:
    given = settings.get("delivery.timeout.ms", settings.get("message.timeout.ms"))
    try:
        return _TIMEOUT if given is None else float(str(given)) / 1000 or None
    except ValueError:
        raise SettingsError(f"delivery.timeout.ms is {given!r}", help="it is a number of milliseconds") from None


def _find_milliseconds(record: Record) -> int:
    assert record.timestamp is not None
    since = (record.timestamp - _EPOCH) // _MILLISECOND
    if since <= 0:
        raise Unpublishable(
            f"a record's time is {record.timestamp}: Kafka has none before 1970", help="leave it out for now"
        )
    return since


def _end(line: Line, patience: float) -> None:
    """The end of a transport that is not closed: it is collected, the interpreter ends, or closing is interrupted."""
    if line.gone:
        return
    try:
        line.flush(patience)
        line.close()
    finally:
        if failures := line.take_failures():
            LOG.error("a transport was not closed, and at its end %s", describe_failures(failures))
