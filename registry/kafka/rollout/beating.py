"""Heartbeats on their way to the broker: in order, and with an acknowledgement that can be waited for."""

from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from registry.kafka.observing import LOG
from registry.kafka.rollout.heartbeat import HEARTBEAT_TOPIC
from registry.kafka.settings import producer_settings, start_producer

_ASK: Final = 1.0
"""Seconds for a cluster to say which topics it has, at least."""
_LONGEST: Final = 60.0
"""Seconds after which a topic that was not there is looked for again, at most."""
_LATEST: Final = 5000
"""Milliseconds after which a heartbeat is given up: it would tell of a past."""


class Beating:
    """Sends the heartbeats of one instance. Raises :class:`registry.kafka.SettingsError` and ``MissingLibrary``.

    ``find_topic`` and ``send`` are for one thread at a time; ``wait`` and ``turn`` are for any.
    """

    def __init__(self, settings: Mapping[str, object], period: float) -> None:
        strict = {
            "enable.idempotence": False,  # it would stop the client for good where a heartbeat is given up
            "max.in.flight": 1,  # the order, all the same
            "acks": "all",
            "linger.ms": 0,
            "delivery.timeout.ms": _LATEST,
        }
        second = {"max.in.flight.requests.per.connection", "message.timeout.ms", "queue.buffering.max.ms"}
        left_out = {*second, "transactional.id", "request.required.acks", "enable.gapless.guarantee"}
        kept = {name: value for name, value in settings.items() if name not in left_out}
        self._client: Any = start_producer(producer_settings({**kept, **strict}))
        self._sent = 0
        self._arrived = 0
        self._known = 0
        """The last one whose fate is known: they come back in their order."""
        self._failing = ""
        self._there = self._told = False
        self._ask_again = 0.0
        self._pause = min(3 * period, _LONGEST)

    def find_topic(self, seconds: float) -> bool | None:
        """Whether the topic is there; ``None`` where the cluster does not say so within so many seconds.

        Asked for all topics: to ask for one makes it, where brokers do that, and with the wrong settings. Who begins a
        rollout makes it, and the answer no is kept for a while.
        """
        from confluent_kafka import KafkaException

        if self._there or monotonic() < self._ask_again:
            return self._there
        try:
            self._there = HEARTBEAT_TOPIC in self._client.list_topics(timeout=max(seconds, _ASK)).topics
        except KafkaException as error:
            LOG.debug("the cluster does not say which topics it has: %s", error)
            self._ask_again = 0.0
            return None
        self._ask_again = monotonic() + self._pause
        if not self._there and not self._told:
            self._told = True
            text = "no topic %s is to be seen here: nobody rolls anything out on this cluster, or this service may not"
            LOG.info(f"{text} WRITE to it", HEARTBEAT_TOPIC)
        return self._there

    def send(self, key: str, value: str | None) -> int:
        """Sends one, or a tombstone; its number is for :meth:`wait`. What fails is logged once, and again when it is
        over."""
        from confluent_kafka import KafkaException

        self._sent = number = self._sent + 1

        def told(error: Any, _message: object) -> None:
            self._note(number, error)

        raw = None if value is None else value.encode()
        try:
            self._client.produce(HEARTBEAT_TOPIC, value=raw, key=key.encode(), on_delivery=told)
        except BufferError:
            LOG.debug("no room for a heartbeat")
        except KafkaException as error:  # what the client knows to be refused it does not even take
            self._note(number, error.args[0])
        self._client.poll(0)
        return number

    def wait(self, number: int, seconds: float) -> bool:
        """Whether the heartbeat of this number, or a later one, is at the broker; waits for it at most so long.

        One that the broker refused is not waited for.
        """
        end = monotonic() + seconds
        while self._known < number and (left := end - monotonic()) > 0:
            self._client.poll(min(left, 0.1))
        return self._arrived >= number

    @property
    def arrives(self) -> bool:
        """Whether the last one whose fate is known has arrived."""
        return self._arrived > 0 and not self._failing

    def turn(self) -> None:
        """Notes what arrived."""
        self._client.poll(0)

    def close(self) -> None:
        """Ends the client; what did not arrive is given up."""
        self._client.purge()
        self._client.close()

    def _note(self, number: int, error: Any) -> None:
        self._known = max(self._known, number)
        if error is None:
            self._arrived = max(self._arrived, number)
            if self._failing:
                LOG.info("heartbeats arrive again")
            self._failing = ""
            return
        if error.name() != self._failing and not error.name().startswith("_PURGE"):
            self._failing = error.name()
            LOG.warning(
                "heartbeats do not arrive: %s: %s; the service goes on, and whoever rolls out waits for it",
                *(error.name(), error.str()),
            )
