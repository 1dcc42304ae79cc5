"""librdkafka's consumer, as a subscription uses it: batches, partitions that wait, offsets, rebalances."""

from collections.abc import Callable, Collection, Iterable, Mapping
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from registry.kafka.consuming.partitions import Place
from registry.kafka.errors import MessagingError, SettingsError
from registry.kafka.observing import LOG
from registry.kafka.settings import start_consumer

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, TopicPartition


class ReadFailed(MessagingError):
    """The broker will not let this service read, and asking again would not help."""


GIVE_UP: Final = frozenset(
    {
        "TOPIC_AUTHORIZATION_FAILED",
        "GROUP_AUTHORIZATION_FAILED",
        "CLUSTER_AUTHORIZATION_FAILED",
        "SASL_AUTHENTICATION_FAILED",
        "INCONSISTENT_GROUP_PROTOCOL",
        "FENCED_INSTANCE_ID",
        "_AUTO_OFFSET_RESET",
    }
)
"""Errors of librdkafka, by name, that stop a subscription, as fatal ones do; after the others the client recovers."""

LARGEST: Final = 1_000_000
"""Records that the client gives at once; it refuses more."""


def check_batch(batch: int) -> None:
    """Raises :class:`SettingsError` for a number of records that the client cannot give at once."""
    if not 1 <= batch <= LARGEST:
        raise SettingsError(f"batch={batch} is not from 1 to {LARGEST}")


LEAVE: Final = 10.0
"""Seconds for a last commit, where no broker answers."""

Revoking = Callable[[list[Place], bool], None]
"""Told of partitions that go, before they are gone; true where they are lost already, and nothing can be committed."""


class Polling:
    """An open consumer. One thread uses it; what rebalances do is told inside its calls.

    Raises :class:`registry.kafka.SettingsError` for settings that librdkafka refuses, and
    :class:`registry.kafka.MissingLibrary`.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        topics: Collection[str],
        assigning: Callable[[list[Place]], None],
        revoking: Revoking,
    ) -> None:
        self._consumer = start_consumer({"on_commit": _committed, **settings})
        from confluent_kafka import KafkaException, TopicPartition

        self._partition = TopicPartition
        self._errors = KafkaException
        self._told: set[tuple[str, str]] = set()
        self._abandoned = False

        def assigned(_: "Consumer", partitions: "list[TopicPartition]") -> None:
            assigning(_places(partitions))

        def revoked(_: "Consumer", partitions: "list[TopicPartition]") -> None:
            if not self._abandoned:
                revoking(_places(partitions), False)

        def lost(_: "Consumer", partitions: "list[TopicPartition]") -> None:
            if not self._abandoned:
                revoking(_places(partitions), True)

        self._consumer.subscribe(sorted(topics), on_assign=assigned, on_revoke=revoked, on_lost=lost)

    def read(self, limit: int, wait: float) -> "list[Message]":
        """Records, at most ``limit``, those of one partition in order: waits up to ``wait`` seconds for the first.

        Raises :class:`ReadFailed` where it cannot go on.
        """
        first = self._consumer.poll(wait)
        while first is not None and first.error() is not None:
            self._judge(first)
            first = self._consumer.poll(0)  # what follows an error may be the rebalance that it led to
        if first is None:
            return []
        # Those that are there already. With a timeout, consume() would wait until the batch is full.
        messages = [first, *self._consumer.consume(limit - 1, 0)] if limit > 1 else [first]
        read = [message for message in messages if message.error() is None]
        if len(read) < len(messages):
            for message in messages:
                self._judge(message)
        return read

    def hold(self, place: Place, offset: int) -> bool:
        """Lets a partition wait before this offset; false where it is read by somebody else by now."""
        # In this order: librdkafka remembers its position on pausing, and a seek before would be forgotten.
        return self._try(self._consumer.pause, [self._partition(*place)]) and self._try(
            self._consumer.seek, self._partition(*place, offset)
        )

    def resume(self, place: Place) -> bool:
        """Lets a partition go on; false where it is read by somebody else by now."""
        return self._try(self._consumer.resume, [self._partition(*place)])

    def store(self, offsets: Mapping[Place, int]) -> None:
        """Lets these be committed: by and by, when the partition goes, and on closing."""
        if not offsets:
            return
        places = [self._partition(*place, offset) for place, offset in offsets.items()]
        try:
            self._consumer.store_offsets(offsets=places)
        except self._errors:  # one that is gone spoils the call for all
            for place in places:
                if not self._try(self._consumer.store_offsets, offsets=[place]):
                    LOG.info("%s[%s] went before %s was stored", place.topic, place.partition, place.offset)

    def find_end(self, place: Place) -> int:
        """The end offset of a partition as last fetched, without asking; negative where it is not known yet."""
        try:
            return int(self._consumer.get_watermark_offsets(self._partition(*place), cached=True)[1])
        except self._errors:
            return -1

    def close(self, patience: float = LEAVE) -> None:
        """Commits what is stored, and leaves the group.

        A broker that is gone is waited for so many seconds; the client alone would wait for a whole session.
        """
        errors: list[Exception] = []

        def close() -> None:
            try:
                self._consumer.close()
            except Exception as error:
                errors.append(error)

        # In a thread of its own, since nothing else can end this call. What rebalances do is told from there, while
        # nothing happens here.
        closing = Thread(target=close, name="contracts-close", daemon=True)
        closing.start()
        closing.join(patience)
        if closing.is_alive():
            self._abandoned = True
            LOG.warning("could not leave the group in time; another member takes over after session.timeout.ms")
        for error in errors:
            raise error

    def _try(self, call: Callable[..., object], *args: object, **named: object) -> bool:
        try:
            call(*args, **named)
        except self._errors as error:
            LOG.debug("%s: %s", getattr(call, "__name__", call), explain(error))
            return False
        return True

    def _judge(self, message: "Message") -> None:
        """Says once what is wrong, and raises where it stays so."""
        error = message.error()
        if error is None or error.name() == "_PARTITION_EOF":
            return
        name, topic = error.name(), message.topic() or ""
        where = f" {topic}" if topic else ""
        if error.fatal() or name in GIVE_UP:
            raise ReadFailed(f"reading{where} stopped: {name}: {error.str()}", help=_ADVICE.get(name, ""))
        if (name, topic) not in self._told:
            self._told.add((name, topic))
            LOG.warning("reading%s: %s: %s; the client tries again", where, name, error.str())


_ADVICE: Final = {
    "TOPIC_AUTHORIZATION_FAILED": "its principal needs READ on the topic",
    "GROUP_AUTHORIZATION_FAILED": "its principal needs READ on the group",
    "_AUTO_OFFSET_RESET": 'the offset is gone from the log, and "auto.offset.reset" says to stop there',
    "INCONSISTENT_GROUP_PROTOCOL": "the members of a group share one partition.assignment.strategy",
}


def _committed(error: Any, partitions: "list[TopicPartition]") -> None:
    """A commit that failed loses nothing, but its records come again: somebody should know why."""
    for each in partitions:
        failed = each.error or error
        if failed is not None and each.offset >= 0:
            LOG.warning(
                "%s[%s]: offset %s was not committed, and what was handled before it may come again: %s: %s",
                *(each.topic, each.partition, each.offset),
                *(failed.name(), failed.str()),
            )


def explain(error: Exception) -> str:
    """What librdkafka says, without its codes."""
    cause = error.args[0] if error.args else error
    return str(cause.str()) if hasattr(cause, "str") else str(cause)


def _places(partitions: "Iterable[TopicPartition]") -> list[Place]:
    return [(each.topic, each.partition) for each in partitions]
