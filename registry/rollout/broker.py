"""What rollouts ask of a cluster: one small Protocol, implemented over Kafka and, for tests, in memory."""

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from registry.frozen import dataclass, field
from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.heartbeat import Heartbeat
from registry.rollout.evidence import Access, Group, PartitionScan, Span


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a scan counts: the records of one contract among those of its topic."""

    contract: str
    numbers: Mapping[int | str, int]
    """Schema id, or GUID in small letters, to the number of the version; for the framing ``single-object`` the
    fingerprint CRC-64-AVRO as 16 hexadecimal digits."""
    siblings: Set[int | str] = frozenset()
    """Ids and GUIDs of the topic's other events: their records are data, and none of the contract's."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan is: partition to the next offset, of the ends that it had when it began."""

    done: Mapping[int, int] = field(default_factory=dict)
    ends: Mapping[int, int] = field(default_factory=dict)
    found: Mapping[int, PartitionScan] = field(default_factory=dict)
    """What was seen up to ``done``: given back, a scan goes on from there."""


class ControlWriter(Protocol):
    """The right to publish one contract's control record. Whoever opens it later takes it away (KIP-98's fencing)."""

    def publish(self, record: ControlRecord) -> None:
        """Writes the record, and returns when it is there to stay.

        Raises :class:`registry.rollout.errors.Fenced` where somebody else has the right now, and
        :class:`registry.rollout.errors.BrokerUnavailable`; after that one nobody knows whether it was written.
        """


class Broker(Protocol):
    """One cluster. Each question raises :class:`registry.rollout.errors.BrokerUnavailable` with the reason."""

    def create_topics(self) -> Sequence[str]:
        """Creates the topics of control and heartbeats where they are missing.

        A line for each that was created, and for each setting of an existing one that is not as it must be.
        """

    def read_now(self) -> datetime:
        """The time of the cluster's clock, as near as it can be told."""

    def read_partitions(self, topic: str) -> Mapping[int, Span]:
        """The offsets of each partition; empty for a topic that does not exist."""

    def read_groups(self, topic: str) -> Sequence[Group]:
        """Every group with offsets or members on the topic."""

    def read_access(self, topic: str) -> Access:
        """Who may read and write it."""

    def read_heartbeats(self, environment: str) -> Sequence[Heartbeat]:
        """The last word of each instance that has not left, the topic read to its end as it is now."""

    def read_control(self, environment: str) -> Mapping[str, ControlRecord]:
        """The control records of an environment by contract, the topic read to its end as it is now.

        The last record of each key, whatever its epoch: that is what a runtime would find that starts now.
        """

    def open_control(self, environment: str, contract: str) -> AbstractContextManager[ControlWriter]:
        """Takes the right to publish; made before the decision in git, so that of two operators one is left."""

    def scan(
        self,
        topic: str,
        starts: Mapping[int, int],
        wanted: Wanted,
        tell: Callable[[Progress], None] = ...,
        resume: Progress | None = None,
    ) -> Mapping[int, PartitionScan]:
        """Reads the partitions from their starts to where they end now, and counts versions; nothing is decoded.

        A start before the first offset that is kept means that one.
        """

    def find_last_data(self, topic: str, before: Mapping[int, int]) -> Mapping[int, tuple[int, int]]:
        """Of each partition the last data record before an offset: committed, and of all; -1 for none.

        Markers of transactions, tombstones and holes of compaction are no data.
        """

    def count_dead_letters(self, topics: Sequence[str], wanted: Wanted) -> Mapping[str, Mapping[int, int]]:
        """Of each topic of dead letters that exists, how many letters of each version wait in it."""
