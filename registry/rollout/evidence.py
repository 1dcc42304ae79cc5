"""Evidence: what was seen, before anybody judges it. Gates read these nouns and nothing else."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from registry.contract import Service, Terms
from registry.environment import Environment
from registry.frozen import dataclass, field
from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.heartbeat import Heartbeat
from registry.rollout.rollout import Deployment, Rollout


class Question(StrEnum):
    """What may be asked of a cluster; each gate names what it needs."""

    PARTITIONS = "partitions"
    GROUPS = "groups"
    ACCESS = "access"
    HEARTBEATS = "heartbeats"
    CONTROL = "control"
    TAIL = "tail"
    """What came after the switch began: the versions of its records."""
    EVERYTHING = "everything"
    """The versions of all records that the log still holds."""
    DEAD_LETTERS = "dead-letters"


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets of one partition."""

    low: int
    """The first that is kept."""
    stable: int
    """Where committed data ends: less than ``high`` while a transaction is open."""
    high: int
    """One past the last."""


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group that has offsets or members on a topic."""

    name: str
    state: str
    """As the broker says: ``Stable``, ``Empty``, …"""
    members: int
    """Members that are assigned partitions of the topic, or wait for some."""
    committed: Mapping[int, int]
    """Partition to the offset it would read next; partitions without one are left out."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read and write a topic, as far as the ACL listing shows it."""

    readers: frozenset[str] = frozenset()
    """Principals: ``User:edge-cache``; ``User:*`` for everybody."""
    writers: frozenset[str] = frozenset()
    unlisted: str = ""
    """Why the listing proves nothing: ``the cluster has no authorizer``."""
    super_users: tuple[str, ...] | None = None
    """What the brokers' own settings say of ``super.users``; ``None`` where they do not tell."""
    everyone: bool | None = None
    """What they say of ``allow.everyone.if.no.acl.found``."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The records of one version in one partition, within what was scanned. Offsets; -1 for none."""

    count: int = 0
    """Of all data, that of aborted transactions too."""
    committed: int = 0
    first: int = -1
    last: int = -1
    first_committed: int = -1
    last_committed: int = -1
    keys: tuple[str, ...] = ()
    """A few of their keys, as text; of the committed ones first."""


@dataclass(frozen=True, slots=True)
class PartitionScan:
    """What a scan of one partition saw, from ``start`` to before ``end``."""

    start: int
    end: int
    stable: int
    """How far committed data could be told from aborted."""
    versions: Mapping[int, Seen] = field(default_factory=lambda: MappingProxyType({}))
    """By version of the contract; 0 for records that name a schema which is no version of it nor of a sibling."""
    tombstones: int = 0
    last_data: int = -1
    """The last record that is no tombstone's, transaction's or compaction's hole, of any version and event."""
    last_committed_data: int = -1


@dataclass(frozen=True, slots=True)
class ClusterEvidence:
    """What one cluster answered."""

    name: str
    topic: str
    """The contract's topic, as it is called there."""
    observed: datetime
    """By the broker's clock where it told it."""
    spans: Mapping[int, Span] = field(default_factory=lambda: MappingProxyType({}))
    groups: tuple[Group, ...] = ()
    access: Access = field(default_factory=Access)
    heartbeats: tuple[Heartbeat, ...] = ()
    """Of this environment, of all services; the last one of each instance."""
    control: ControlRecord | None = None
    """What the control topic says of the contract."""
    tail: Mapping[int, PartitionScan] = field(default_factory=lambda: MappingProxyType({}))
    everything: Mapping[int, PartitionScan] = field(default_factory=lambda: MappingProxyType({}))
    dead_letters: Mapping[str, Mapping[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    """By the topic of dead letters: version to the number of this contract's letters that are not redriven."""
    failures: Mapping[Question, str] = field(default_factory=lambda: MappingProxyType({}))
    """What was asked and has no answer, each with the reason. What was not asked stands nowhere."""
    answered: frozenset[Question] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one contract in one environment."""

    environment: Environment
    terms: Terms | None
    """As ownership.yaml has them; ``None`` where no event of this name is there."""
    services: Mapping[str, Service]
    versions: Mapping[int, str]
    """Released version to fingerprint, as they are in git now; retired ones are left out."""
    readings: Mapping[tuple[int, int], str]
    """How (reader, writer) reads: ``native``, ``converters``, or, beginning with ``no: ``, why it does not."""
    keys: Mapping[int, str]
    """The type of the message key by version; the old and the new one must agree."""
    rollouts: tuple[Rollout, ...]
    """All of this contract, in all environments."""
    deployments: tuple[Deployment, ...]
    """Of this environment, of all services."""
    clusters: tuple[ClusterEvidence, ...] = ()
    parties: frozenset[str] = frozenset()
    """Services that own or read any event of the contract's topic: their groups and principals are no strangers."""
    unasked: str = ""
    """Why no cluster was asked: ``--no-broker``; empty where one was, or where the environment declares none."""
