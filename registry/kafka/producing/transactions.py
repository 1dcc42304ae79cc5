"""Kafka's transactions (KIP-98): records, and what was read to make them, become visible together or not at all.

What they give: a consumer that writes events of its own commits its position with them, so that a crash repeats
neither (KIP-447). What they do not: a database knows nothing of them; for its writes there are the inbox and the
outbox. Only readers with ``isolation.level`` ``read_committed``, librdkafka's default, are spared what was aborted.
"""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from registry.kafka.errors import MessagingError
from registry.kafka.producing.line import Line, take_along

if TYPE_CHECKING:
    from confluent_kafka import Consumer

_FENCED: Final = frozenset({"_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH", "FENCED_INSTANCE_ID"})
_PURGED: Final = ("_PURGE_QUEUE", "_PURGE_INFLIGHT")
_AGAIN: Final = "read again from the last committed offsets, and send again in another transaction"


class TransactionAborted(MessagingError):
    """Nothing of a transaction is visible. What it was made of may be read, and sent in another one, again."""


class Fenced(MessagingError):
    """Another process took the transactional id: it goes on with the work, and this one must stop."""


class TransactionInDoubt(MessagingError):
    """The broker did not say in time whether a transaction was committed. It has decided, or will, but not twice.

    A new client with the same transactional id waits for the end of it, and then committed offsets tell which.
    """


_WAYS_OUT: Final[Mapping[type[MessagingError], str]] = {
    TransactionAborted: _AGAIN,
    Fenced: "one transactional id for each running instance; let this one end",
    TransactionInDoubt: "renew() waits for its end; committed offsets tell then how it ended",
}


class Transaction:
    """``with transport.transaction() as tx:`` one transaction, begun and committed; aborted where the block raises.

    A transport has one at a time. Each step may take ``patience`` seconds. On leaving it raises
    :class:`TransactionAborted`, :class:`Fenced` or :class:`TransactionInDoubt`; where the block raised, its own error
    comes out. Where the transport's ``fatal`` is set then, as after the last two, only ``renew()`` goes on.
    """

    def __init__(self, line: Line, patience: float) -> None:
        self._line = line
        self._patience = patience
        self._open = False

    def send_offsets(self, consumer: "Consumer", offsets: Mapping[tuple[str, int], int]) -> None:
        """Commits the position of a consumer with this transaction.

        ``offsets`` are by topic and partition those of the records to be read next: of the last one handled, plus one.
        The consumer must not store offsets of its own. The group's member and generation go along, so that a consumer
        which lost its partitions meanwhile aborts instead of committing: :class:`TransactionAborted`.
        """
        from confluent_kafka import TopicPartition

        places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
        client = self._line.client
        self._call("commit offsets", client.send_offsets_to_transaction, places, consumer.consumer_group_metadata())

    def join(self) -> None:
        """Takes the transactional id: what an earlier client of it left open is ended. Done before, it does nothing.

        Until then, or for a minute (``transaction.timeout.ms``), the broker tells a consumer no position that such a
        transaction would have committed: one that waits for its first record to begin a transaction waits in vain.
        """
        line = self._line
        if line.broken is not None:
            raise self._judge("begin", line.broken)
        if not line.joined:
            self._call("begin", line.client.init_transactions)
            line.joined = True

    def __enter__(self) -> "Transaction":
        line = self._line
        self.join()
        self._call("begin", lambda _seconds: line.client.begin_transaction())
        self._open = True
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            if not self._open:
                raise TransactionAborted("a transaction was aborted before it came to its end", help=_AGAIN)
            self._call("commit", self._line.client.commit_transaction)
            self._open = False
        elif self._open and self._line.broken is None:
            try:
                self._abort()
            except MessagingError as failed:
                take_along(error, failed, "its transaction was aborted")

    def _abort(self) -> list[str]:
        """Aborts; gives back why records failed before it, which need not be told otherwise now."""
        self._open = False
        # An abort that overtakes the first record's registration with the broker breaks the client (librdkafka #4849).
        self._line.flush(min(self._patience, 5.0))
        self._call("abort", self._line.client.abort_transaction)
        return [reason for _, reason in self._line.take_failures() if not reason.startswith(_PURGED)]

    def _call(self, step: str, call: Callable[..., Any], *arguments: object) -> None:
        """One step, again while the client says that it may be. Raises our error for what it ends with."""
        line = self._line
        end = monotonic() + self._patience
        abortable = False
        while True:
            try:
                line.guard(call, *arguments, max(end - monotonic(), 0.1))
            except line.kafka_exception as error:
                told = error.args[0]
                if told.retriable() and monotonic() < end:
                    continue
                reason, abortable = f"{told.name()}: {told.str()}", told.txn_requires_abort()
            else:
                if line.broken is None:
                    return
                reason = line.broken
            break
        if abortable:
            reasons = self._abort()
            raise TransactionAborted(
                f"a transaction could not {step} and was aborted: {reasons[0] if reasons else reason}", help=_AGAIN
            )
        raise self._judge(step, reason)

    def _judge(self, step: str, reason: str) -> MessagingError:
        """What it means that a step ended so. Where it cannot be undone here, the client is done with."""
        name = reason.partition(":")[0]
        if name == "_STATE" and step == "begin":
            return MessagingError(
                "another transaction of this transport is open", help="one at a time; threads take a transport each"
            )
        kind: type[MessagingError] = TransactionInDoubt if step == "commit" else TransactionAborted
        if name in _FENCED:
            kind = Fenced
        if step != "begin" or kind is Fenced:
            self._line.broken = self._line.broken or reason
            self._open = False
        first = "renew(), then " if kind is TransactionAborted and self._line.broken else ""
        return kind(f"a transaction could not {step}: {reason}", help=f"{first}{_WAYS_OUT[kind]}")
