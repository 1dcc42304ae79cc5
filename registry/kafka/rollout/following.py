"""The control topic, read to its end and then followed. One thread uses it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from registry.kafka.errors import MessagingError
from registry.kafka.observing import LOG
from registry.kafka.rollout.control import CONTROL_TOPIC
from registry.kafka.settings import consumer_settings, start_consumer

Found = Callable[[str, bytes], None]
"""Is told a contract and the value of its control record."""

_ASK: Final = 2.0
"""Seconds for one answer of the cluster."""
_AGAIN: Final = 5.0
"""Seconds after which a topic that could not be read is looked for again."""
_AT_ONCE: Final = 10
"""Milliseconds that a broker waits for news where somebody waits for the end of the topic: half a second would be."""
_PAUSE: Final = 0.1
_GONE: Final = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"})
_REFUSED: Final = frozenset({"TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"})
"""No time changes that; somebody has to."""

_Values = dict[tuple[int, str], bytes]
"""The last value by partition and contract: where somebody gave the topic more partitions than one, a contract may have
a record in several, and the ranks tell which counts."""


class Following:
    """Follows the control records of one environment. A tombstone changes nothing: what was known stays.

    Raises :class:`registry.kafka.SettingsError` and :class:`registry.kafka.MissingLibrary`; nothing is asked yet.
    """

    def __init__(self, settings: Mapping[str, object], environment: str, found: Found) -> None:
        kept = {name: value for name, value in settings.items() if name not in ("group.id", "group.instance.id")}
        asked = consumer_settings(kept, "contracts-control")  # asked for by the client; nobody joins it
        self._settings = asked | {
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",  # also where the topic was made anew
            "isolation.level": "read_committed",
        }
        self._consumer: Any = start_consumer(self._settings)
        self._prefix = f"{environment}/".encode()
        self._found = found
        self._follows = False
        self._refused = False
        self._tried = -_AGAIN

    def read_to_end(self, seconds: float) -> bool:
        """Reads the topic from its beginning to where it ends now; whether that was possible within so many seconds.

        Of each contract the last record is told, once the end is there: nobody goes through what was, step by step.
        A topic that does not exist is at its end.
        """
        from confluent_kafka import KafkaException

        self._tried = monotonic()
        end = self._tried + seconds
        latest: _Values = {}
        ends: Mapping[int, int] | None = None
        with self._reading() as consumer:
            while ends is None and monotonic() < end:
                try:
                    ends = _read_ends(consumer, end, lambda message: self._take(latest, message))
                except KafkaException as error:
                    if error.args[0].name() in _REFUSED:
                        self._note_refusal(error.args[0])
                        return False
                    LOG.debug("%s cannot be read: %s", CONTROL_TOPIC, error)
                    consumer.poll(min(_PAUSE, max(end - monotonic(), 0)))
        if ends is None:
            return False
        if self._refused:
            LOG.info("%s can be read now", CONTROL_TOPIC)
        self._refused = False
        for (_, contract), value in latest.items():
            self._found(contract, value)
        self._follow(ends)
        return True

    def turn(self, seconds: float) -> None:
        """Tells what came, and waits so long for the first of it."""
        if not self._follows and monotonic() - self._tried >= _AGAIN:
            self.read_to_end(_ASK)
        news: _Values = {}
        message = self._consumer.poll(seconds)
        while message is not None:
            failure = message.error()
            if failure is None:
                self._take(news, message)
            elif failure.fatal():
                raise MessagingError(f"{CONTROL_TOPIC} cannot be followed: {failure.name()}: {failure.str()}")
            else:
                self._follows = self._follows and failure.name() not in _GONE | _REFUSED
                LOG.debug("%s: %s", CONTROL_TOPIC, failure.str())
            message = self._consumer.poll(0)
        for (_, contract), value in news.items():
            self._found(contract, value)

    def close(self) -> None:
        """Ends the client."""
        self._consumer.close()

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        """A client for the way to the end: the other one may have to wait for an answer that is on its way."""
        consumer = start_consumer(self._settings | {"enable.partition.eof": True, "fetch.wait.max.ms": _AT_ONCE})
        try:
            yield consumer
        finally:
            consumer.close()

    def _follow(self, ends: Mapping[int, int]) -> None:
        from confluent_kafka import TopicPartition

        self._consumer.assign([TopicPartition(CONTROL_TOPIC, number, offset) for number, offset in ends.items()])
        self._follows = bool(ends)

    def _take(self, into: _Values, message: Any) -> None:
        key, value = message.key(), message.value()
        if key and value and key.startswith(self._prefix):
            into[message.partition(), key[len(self._prefix) :].decode(errors="replace")] = value

    def _note_refusal(self, error: Any) -> None:
        if not self._refused:
            LOG.warning(
                "this service may not read %s, and goes on with what it knows: %s: allow its principal to READ it",
                *(CONTROL_TOPIC, error.name()),
            )
        self._refused = True


def _read_ends(consumer: Any, end: float, take: Callable[[Any], None]) -> Mapping[int, int] | None:
    """Reads all partitions: where each of them ends, none for a topic that is not there; ``None`` where time is up.

    Raises ``KafkaException`` where the cluster does not answer, or refuses.
    """
    from confluent_kafka import KafkaException, TopicPartition

    told = consumer.list_topics(CONTROL_TOPIC, timeout=max(end - monotonic(), 0.1)).topics[CONTROL_TOPIC]
    if told.error is not None:
        if told.error.name() in _GONE:
            return {}
        raise KafkaException(told.error)
    consumer.assign([TopicPartition(CONTROL_TOPIC, number, 0) for number in told.partitions])
    ends: dict[int, int] = {}
    while len(ends) < len(told.partitions):
        message = consumer.poll(max(min(end - monotonic(), 0.25), 0))
        if message is None:
            if monotonic() >= end:
                return None
        elif message.error() is None:
            take(message)
        elif message.error().name() == "_PARTITION_EOF":
            ends[message.partition()] = message.offset()
        elif message.error().name() in _REFUSED:
            raise KafkaException(message.error())
    return ends
