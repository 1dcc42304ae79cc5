"""One real cluster, as rollouts ask it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.heartbeat import Heartbeat
from registry.rollout.broker import ControlWriter, Progress, Wanted
from registry.rollout.evidence import Access, Group, PartitionScan, Span
from registry.rollout.kafka import access, control, dead_letters, groups, reading, scanning, spans, topics
from registry.rollout.kafka.client import PATIENCE, Client


def silent(_: object) -> None:
    """Tells nobody."""


class KafkaCluster:
    """:class:`registry.rollout.broker.Broker` over confluent-kafka.

    ``settings`` are librdkafka's, with where the cluster is and who asks; ``name`` is what the environment calls it.
    ``patience`` is how many seconds one question may take. Where a topic of rollouts is created to publish the first
    record, ``tell`` is told a line.
    """

    def __init__(
        self,
        settings: Mapping[str, object],
        name: str,
        tell: Callable[[str], object] = silent,
        patience: float = PATIENCE,
    ) -> None:
        self.name = name
        self._client = Client(settings, name, patience)
        self._tell = tell

    def create_topics(self) -> Sequence[str]:
        """Creates the topics of control and heartbeats where they are missing, and says what is wrong with them."""
        return topics.create_topics(self._client)

    def read_now(self) -> datetime:
        """The broker's time where it can be had."""
        return reading.read_now(self._client)

    def read_partitions(self, topic: str) -> Mapping[int, Span]:
        """The offsets of each partition; empty for a topic that does not exist."""
        return spans.read_spans(self._client, topic)

    def read_groups(self, topic: str) -> Sequence[Group]:
        """Every group with offsets or members on the topic, and those of a type that cannot be looked into."""
        return groups.read_groups(self._client, topic)

    def read_access(self, topic: str) -> Access:
        """Who may read and write it."""
        return access.read_access(self._client, topic)

    def read_heartbeats(self, environment: str) -> Sequence[Heartbeat]:
        """The last word of each instance that has not left."""
        return reading.read_heartbeats(self._client, environment)

    def read_control(self, environment: str) -> Mapping[str, ControlRecord]:
        """The control records of an environment by contract."""
        return reading.read_control(self._client, environment)

    @contextmanager
    def open_control(self, environment: str, contract: str) -> Iterator[ControlWriter]:
        """Takes the right to publish; a topic that is missing is created first."""
        for line in self.create_topics():
            self._tell(line)
        with control.open_control(self._client, environment, contract) as writer:
            yield writer

    def scan(
        self,
        topic: str,
        starts: Mapping[int, int],
        wanted: Wanted,
        tell: Callable[[Progress], None] = silent,
        resume: Progress | None = None,
    ) -> Mapping[int, PartitionScan]:
        """Reads the partitions to where they end now, several at once; ``tell`` is told some times a second."""
        return scanning.scan(self._client, topic, starts, wanted, tell, resume)

    def find_last_data(self, topic: str, before: Mapping[int, int]) -> Mapping[int, tuple[int, int]]:
        """Of each partition the last data record before an offset: committed, and of all."""
        return scanning.find_last_data(self._client, topic, before)

    def count_dead_letters(self, topics: Sequence[str], wanted: Wanted) -> Mapping[str, Mapping[int, int]]:
        """Of each topic of dead letters that exists, how many letters of each version wait in it."""
        return dead_letters.count_dead_letters(self._client, topics, wanted)
