"""A Kafka cluster in memory: as much of it as gates ask of one, by the same laws, in microseconds.

:class:`MemoryCluster` is a :class:`registry.rollout.broker.Broker`; what the services of a test do to it (write, join,
commit, heartbeat) are its other methods. Time is a clock that the test moves.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from registry.frozen import replace
from registry.kafka.rollout.control import ControlRecord, control_key
from registry.kafka.rollout.heartbeat import Heartbeat
from registry.rollout.broker import Progress, Wanted
from registry.rollout.errors import BrokerUnavailable, Fenced
from registry.rollout.evidence import Access, Group, PartitionScan, Span
from registry.serde.framing import Headers
from tests.rollout_log import DATA, Log, merge
from tests.rollout_topics import Consumers, KeyedTopic

READ: Final = "read"
WRITE: Final = "write"
EVERYONE: Final = "User:*"


class Denied(Exception):
    """The cluster's ACLs do not let this principal do it."""


class MemoryCluster:
    """One cluster."""

    def __init__(self, clock: Callable[[], datetime], name: str = "main") -> None:
        self.name = name
        self.clock = clock
        self.topics: dict[str, dict[int, Log]] = {}
        self.groups: dict[str, Consumers] = {}
        self.control: KeyedTopic[ControlRecord] = KeyedTopic()
        self.heartbeats: KeyedTopic[Heartbeat] = KeyedTopic()
        self.acls: set[tuple[str, str, str]] = set()
        """Principal, ``read`` or ``write``, topic."""
        self.authorizer = True
        self.super_users: tuple[str, ...] = ()
        self.everyone = False
        """``allow.everyone.if.no.acl.found``."""
        self.tells_settings = False
        """Whether the brokers tell those two settings to who asks."""
        self.missing: tuple[str, ...] = ()
        """Which of the topics of control and heartbeats nobody has made yet."""
        self.down: set[str] = set()
        """Names of methods that answer nothing now; ``*`` for all of them, and for the services too."""
        self.uncertain: list[str] = []
        """What becomes of the next publications, in order: ``written``, ``lost`` and ``late`` raise BrokerUnavailable,
        an empty text is for one that goes well."""
        self.published: list[ControlRecord] = []
        """All that was ever written to the control topic by an operator, in order."""
        self._owners: dict[str, int] = {}
        self._late: dict[str, ControlRecord] = {}
        self._producers = 0

    # What services and tests do.

    def add_topic(self, topic: str, partitions: int = 1) -> None:
        """Makes a topic, or adds partitions to one; they are counted in all."""
        logs = self.topics.setdefault(topic, {})
        logs.update({number: Log() for number in range(len(logs), partitions)})

    def write(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: str = "",
        partition: int = 0,
        headers: Headers = (),
        producer: int = 0,
        principal: str = "",
    ) -> int:
        """The offset of the record. With a ``producer`` it belongs to the transaction of that one.

        Raises :class:`Denied` where a principal is named that may not write.
        """
        if principal and not self.allows(principal, WRITE, topic):
            raise Denied(f"{principal} may not write {topic}")
        self._answer("write")
        return self.topics[topic][partition].append(key.encode(), value, headers, producer, self.clock())

    def begin(self) -> int:
        """A new transaction; nothing is written of it before its first record."""
        self._producers += 1
        return self._producers

    def commit(self, producer: int) -> None:
        """Ends a transaction: a marker in each partition that it wrote to."""
        self._end(producer, True)

    def abort(self, producer: int) -> None:
        """Ends a transaction: nothing that it wrote is handed to readers of committed data."""
        self._end(producer, False)

    def _end(self, producer: int, committed: bool) -> None:
        for logs in self.topics.values():
            for log in logs.values():
                log.end(producer, committed, self.clock())

    def allows(self, principal: str, operation: str, topic: str) -> bool:
        """Whether the brokers let it be done."""
        if not self.authorizer or principal in self.super_users:
            return True
        if not any(of == topic for _, _, of in self.acls):
            return self.everyone
        return any((who, operation, topic) in self.acls for who in (principal, EVERYONE))

    def allow(self, principal: str, operation: str, topic: str) -> None:
        """Adds an ACL."""
        self.acls.add((principal, operation, topic))

    def find_group(self, name: str) -> Consumers:
        """The group, made at its first mention."""
        return self.groups.setdefault(name, Consumers())

    def beat(self, heartbeat: Heartbeat) -> None:
        """Takes a heartbeat, and puts the cluster's own time on it. Raises BrokerUnavailable."""
        self._answer("beat")
        self.heartbeats.write(heartbeat.key, replace(heartbeat, observed_at=self.clock()))

    def leave(self, key: str) -> None:
        """Takes the tombstone of an instance that has left."""
        self._answer("beat")
        self.heartbeats.write(key, None)

    def expire_heartbeats(self, seconds: float) -> None:
        """What the retention of the topic does."""
        now = self.clock()
        for key, each in list(self.heartbeats.latest.items()):
            if (now - each.observed_at).total_seconds() >= seconds:
                self.forget(key)

    def forget(self, key: str) -> None:
        """The last heartbeat of an instance expires."""
        if key in self.heartbeats.latest:
            self.heartbeats.write(key, None)

    def follow_control(self, position: tuple[int, int]) -> tuple[tuple[int, int], list[ControlRecord]]:
        """What a runtime that follows the control topic is handed next, and its position then."""
        self._answer("follow_control")
        return self.control.follow(position)

    def _answer(self, question: str) -> None:
        if self.down and not self.down.isdisjoint({"*", question}):
            raise BrokerUnavailable(f"{self.name} does not answer", help="is it the right address?")

    # What operators ask: :class:`registry.rollout.broker.Broker`.

    def create_topics(self) -> Sequence[str]:
        self._answer("create_topics")
        missing, self.missing = self.missing, ()
        return [f"{topic} was created" for topic in missing]

    def read_now(self) -> datetime:
        self._answer("read_now")
        return self.clock()

    def read_partitions(self, topic: str) -> Mapping[int, Span]:
        self._answer("read_partitions")
        return {number: log.span for number, log in self.topics.get(topic, {}).items()}

    def read_groups(self, topic: str) -> Sequence[Group]:
        self._answer("read_groups")
        found = ((name, group, group.count_members(topic)) for name, group in sorted(self.groups.items()))
        return [
            Group(name, group.state, members, dict(group.committed.get(topic, {})))
            for name, group, members in found
            if members or group.committed.get(topic)
        ]

    def read_access(self, topic: str) -> Access:
        self._answer("read_access")
        if not self.authorizer:
            return Access(unlisted="the cluster has no authorizer")
        named = {
            way: frozenset(who for who, how, of in self.acls if (how, of) == (way, topic)) for way in (READ, WRITE)
        }
        if not self.tells_settings:
            return Access(named[READ], named[WRITE])
        return Access(named[READ], named[WRITE], "", self.super_users, self.everyone)

    def read_heartbeats(self, environment: str) -> Sequence[Heartbeat]:
        self._answer("read_heartbeats")
        return [each for each in self.heartbeats.latest.values() if each.environment == environment]

    def read_control(self, environment: str) -> Mapping[str, ControlRecord]:
        self._answer("read_control")
        return {each.contract: each for each in self.control.latest.values() if each.environment == environment}

    @contextmanager
    def open_control(self, environment: str, contract: str) -> Iterator["MemoryControlWriter"]:
        self._answer("open_control")
        key = control_key(environment, contract)
        self.settle(key)
        self._owners[key] = self._owners.get(key, 0) + 1
        yield MemoryControlWriter(self, key, self._owners[key])

    def scan(
        self,
        topic: str,
        starts: Mapping[int, int],
        wanted: Wanted,
        tell: Callable[[Progress], None] = lambda _: None,
        resume: Progress | None = None,
    ) -> Mapping[int, PartitionScan]:
        self._answer("scan")
        logs = self.topics.get(topic, {})
        before = resume.found if resume else {}
        found = {}
        for number, start in starts.items():
            if number in logs:
                seen = logs[number].scan(before[number].end if number in before else start, wanted)
                found[number] = merge(before[number], seen) if number in before else seen
                ends = {number: each.end for number, each in found.items()}
                tell(Progress(ends, {number: logs[number].high for number in starts if number in logs}, dict(found)))
        return found

    def find_last_data(self, topic: str, before: Mapping[int, int]) -> Mapping[int, tuple[int, int]]:
        self._answer("find_last_data")
        logs = self.topics.get(topic, {})
        return {number: logs[number].find_last_data(end) for number, end in before.items() if number in logs}

    def count_dead_letters(self, topics: Sequence[str], wanted: Wanted) -> Mapping[str, Mapping[int, int]]:
        self._answer("count_dead_letters")
        return {topic: self._count_letters(topic, wanted) for topic in topics if topic in self.topics}

    def _count_letters(self, topic: str, wanted: Wanted) -> Mapping[int, int]:
        """Letters are copies of records; those that a group named ``….redrive`` has passed are redriven."""
        passed = [group.committed[topic] for name, group in self.groups.items() if topic in group.committed]
        counts: dict[int, int] = {}
        for number, log in self.topics[topic].items():
            for slot in log.read(max((each.get(number, 0) for each in passed), default=0)):
                version = wanted.numbers.get(slot.schema)
                if slot.kind == DATA and version is not None:
                    counts[version] = counts.get(version, 0) + 1
        return counts

    # The control topic from the writers' side.

    def settle(self, keys: str | Iterable[str] | None = None) -> None:
        """What a publication left open comes to its end: at the latest when somebody else takes the right."""
        wanted = [keys] if isinstance(keys, str) else list(self._late if keys is None else keys)
        for key in wanted:
            record = self._late.pop(key, None)
            if record is not None:
                self.place(record)

    def place(self, record: ControlRecord) -> None:
        """Puts a record into the control topic, as nobody but an operator may."""
        self.published.append(record)
        self.control.write(control_key(record.environment, record.contract), record)

    def take(self, key: str, right: int, record: ControlRecord) -> None:
        """Publishes by a right that was taken before; see :class:`registry.rollout.broker.ControlWriter`."""
        self._answer("publish")
        if self._owners[key] != right:
            raise Fenced(
                f"{record.contract}: another operator publishes in {record.environment} now",
                help="look at the state first: contracts rollout status",
            )
        fate = self.uncertain.pop(0) if self.uncertain else ""
        if not fate:
            self.place(record)
            return
        if fate == "written":
            self.place(record)
        elif fate == "late":
            self._late[key] = record
        raise BrokerUnavailable(f"{self.name} did not answer in time: nobody knows whether it was written")


class MemoryControlWriter:
    """The right to publish; the next one that is made takes it away."""

    def __init__(self, cluster: MemoryCluster, key: str, right: int) -> None:
        self._cluster, self._key, self._right = cluster, key, right

    def publish(self, record: ControlRecord) -> None:
        """As :meth:`registry.rollout.broker.ControlWriter.publish`."""
        self._cluster.take(self._key, self._right, record)
