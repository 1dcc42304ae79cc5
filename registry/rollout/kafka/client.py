"""A client of one cluster: each question has an end, and what fails is a sentence with the cluster's name."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

from registry.kafka.errors import MessagingError
from registry.kafka.leaders import ask_leader
from registry.kafka.settings import consumer_settings, start_admin, start_consumer
from registry.rollout.errors import BrokerSilent, BrokerUnavailable

if TYPE_CHECKING:
    from confluent_kafka import Consumer

_T = TypeVar("_T")

PATIENCE: Final = 10.0
"""Seconds that one question may take; a person waits."""
GROUP: Final = "contracts-rollout"
"""What librdkafka must be told of a consumer; nobody joins it, and it commits nothing."""

_SILENT: Final = frozenset({"_TRANSPORT", "_ALL_BROKERS_DOWN"})
"""What librdkafka calls it when no broker can be reached at all."""
_WAYS_OUT: Final[Mapping[str, str]] = {
    "_TIMED_OUT": "can the brokers be reached from here?",
    "_TRANSPORT": "can the brokers be reached from here?",
    "_ALL_BROKERS_DOWN": "can the brokers be reached from here?",
    "_UNSUPPORTED_FEATURE": "this broker does not know the question; `contracts dev --broker apache` does",
    "TOPIC_AUTHORIZATION_FAILED": "allow this principal to DESCRIBE and READ the topic",
    "GROUP_AUTHORIZATION_FAILED": "allow this principal to DESCRIBE groups",
    "CLUSTER_AUTHORIZATION_FAILED": "allow this principal to DESCRIBE the cluster",
}


class Client:
    """The way to one cluster. Its settings are librdkafka's; ``name`` is what the environment calls it.

    What librdkafka refuses comes out as :class:`registry.rollout.errors.BrokerUnavailable`.
    """

    def __init__(self, settings: Mapping[str, object], name: str, patience: float = PATIENCE) -> None:
        self.settings = dict(settings)
        self.name = name
        self.patience = patience
        self._admin: Any = None

    @property
    def admin(self) -> Any:
        """librdkafka's admin client, made when it is asked for; its types know less than it does."""
        if self._admin is None:
            self._admin = start_admin(self.settings)
        return self._admin

    def ask(self, failed: str, call: Callable[[], _T]) -> _T:
        """What ``call`` gives back, asked again while a leader or a coordinator moves.

        ``failed`` is what is said where it does not: ``does not list its groups``.
        """
        from confluent_kafka import KafkaException

        try:
            return ask_leader(call, self.patience)
        except KafkaException as error:
            raise self.explain(failed, error.args[0]) from None
        except MessagingError as error:
            raise BrokerUnavailable(f"the cluster {self.name} {failed}: {error.message}", error.help) from None

    def explain(self, failed: str, error: Any) -> BrokerUnavailable:
        """The error for one of librdkafka's. The next question gets a new client.

        One that waited in vain goes on to ask the broker that it knows as a group's coordinator, dead or not.
        """
        self._admin = None
        told = f"{error.name()}: {error.str()}"
        kind = BrokerSilent if error.name() in _SILENT else BrokerUnavailable
        return kind(f"the cluster {self.name} {failed}: {told}", _WAYS_OUT.get(error.name(), ""))

    def gather(self, failed: str, ask: Callable[[], Mapping[Any, Any]]) -> dict[Any, Any]:
        """The results of an admin call that gives a future for each thing that it was asked."""
        return self.ask(failed, lambda: {key: future.result() for key, future in ask().items()})

    def find_partitions(self, topic: str) -> list[int]:
        """The numbers of a topic's partitions; none for a topic that does not exist."""
        metadata = self.ask(
            "does not answer", lambda: self.admin.list_topics(topic, timeout=self.patience).topics.get(topic)
        )
        if metadata is None or (metadata.error is not None and metadata.error.name() in _MISSING):
            return []
        if metadata.error is not None:
            raise self.explain(f"does not tell the partitions of {topic}", metadata.error)
        return sorted(metadata.partitions)

    def list_offsets(self, topic: str, wanted: Iterable[int], latest: bool, committed: bool = False) -> dict[int, int]:
        """Where partitions begin or, with ``latest``, end; with ``committed`` where their committed data ends."""
        from confluent_kafka import IsolationLevel, TopicPartition

        kinds = admin_nouns().OffsetSpec
        spec = kinds.latest() if latest else kinds.earliest()
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        asked = {TopicPartition(topic, number): spec for number in wanted}
        if not asked:
            return {}
        answers = self.gather(
            f"does not tell the ends of {topic}",
            lambda: self.admin.list_offsets(asked, isolation_level=level, request_timeout=self.patience),
        )
        return {place.partition: answer.offset for place, answer in answers.items()}

    def open_consumer(self, committed: bool, **further: object) -> "Consumer":
        """A consumer that is assigned its partitions, tells their ends, and commits nothing."""
        ours = {
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            **further,
        }
        theirs = {"log_level": 0, **self.settings, "group.id": GROUP}
        return self.ask("cannot be read", lambda: start_consumer({**consumer_settings(theirs, GROUP), **ours}))


def has_controller(metadata: Any) -> bool:
    """Whether a cluster has somebody to take orders; librdkafka's mock has nobody, and lets them wait in vain."""
    return metadata.controller_id in metadata.brokers


def admin_nouns() -> Any:
    """What an admin client is asked with: filters, resources, new topics. Its types hide what it exports."""
    return import_module("confluent_kafka.admin")


_MISSING: Final = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"})


class Deadline:
    """Whether something came in time: ``reset`` when it does, ``check`` when it does not."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.reset()

    def reset(self) -> None:
        """Something came."""
        self._end = monotonic() + self._seconds

    @property
    def over(self) -> bool:
        """Whether nothing came for too long."""
        return monotonic() > self._end
