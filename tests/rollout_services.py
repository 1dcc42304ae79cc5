"""Instances of services as a rollout meets them: they start, heartbeat, obey, write, read, fall over and come back.

They decide by :mod:`registry.kafka.rollout.admission`, as the runtime does. Each does one thing when it is told to, so
that a test says what comes late, what is lost, and who stands still; ``tick`` is all of it, as it usually goes.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from registry.frozen import dataclass
from registry.kafka.rollout.admission import choose, find_newer, find_refusal
from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.heartbeat import Capability, Converted, Heartbeat
from registry.rollout.errors import BrokerUnavailable
from tests.rollout_cluster import MemoryCluster
from tests.rollout_log import DATA

FIRST_ID: Final = 1000
"""Version n of the contract has the schema id 1000 + n."""
START: Final = (-1, 0)
"""The position of a runtime that has read nothing of the control topic."""


def frame(version: int) -> bytes:
    """A record of a version: the frame, and a body that nobody reads here."""
    return b"\x00" + (FIRST_ID + version).to_bytes(4, "big") + b"body"


@dataclass(frozen=True, slots=True)
class Place:
    """Where instances of one service live."""

    environment: str
    contract: str
    topic: str
    service: str
    cluster: MemoryCluster
    readings: Mapping[tuple[int, int], str]
    """As :attr:`registry.rollout.evidence.Evidence.readings`."""
    disk: dict[str, ControlRecord]
    """What instances remember over a restart, by their name."""
    period: float = 10.0

    @property
    def clock(self) -> Callable[[], datetime]:
        return self.cluster.clock


class Instance:
    """What readers and writers have in common: a name, a build, heartbeats, and what they believe."""

    def __init__(self, place: Place, name: str, build: str) -> None:
        self.place, self.name, self.build = place, name, build
        self.started_at = place.clock()
        self.record = place.disk.get(name)
        """The control record that it obeys."""
        self.trouble = ""
        self.alive = True
        self.frozen = False
        """The machine stands still (a pause of the virtual machine): it neither dies nor does anything."""
        self.silent_since: datetime | None = None
        """Since when its group hears nothing of it."""
        self.position = START

    @property
    def subject(self) -> str:
        """As checks name it."""
        return f"instance/{self.place.service}/{self.name}"

    @property
    def key(self) -> str:
        """Of its heartbeats."""
        return f"{self.place.environment}/{self.place.service}/{self.name}"

    @property
    def awake(self) -> bool:
        """Whether it can do anything."""
        return self.alive and not self.frozen

    @property
    def groups(self) -> tuple[str, ...]:
        return ()

    def speak(self) -> Capability:
        """What it says of the contract."""
        raise NotImplementedError

    def _says(self, **more: Any) -> Capability:
        record = self.record
        said: dict[str, Any] = {"epoch": record.epoch, "prepared": bool(record.prepare)} if record else {}
        return Capability(trouble=self.trouble, **said, **more)

    def beat(self) -> bool:
        """Sends a heartbeat; whether it was acknowledged."""
        place = self.place
        now = place.clock()
        heard = Heartbeat(
            place.environment,
            place.service,
            self.name,
            self.build,
            self.groups,
            self.started_at,
            now,
            place.period,
            {place.contract: self.speak()},
        )
        try:
            place.cluster.beat(heard)
        except BrokerUnavailable:
            return False
        return True

    def follow(self) -> bool:
        """Reads the control topic to its end and obeys; whether that was possible. Lower ranks are passed over."""
        place = self.place
        try:
            self.position, found = place.cluster.follow_control(self.position)
        except BrokerUnavailable:
            return False
        for record in found:
            if (record.environment, record.contract) == (place.environment, place.contract):
                self.record = find_newer(self.record, record)
        if self.record is not None:
            place.disk[self.name] = self.record
        self.obey()
        return True

    def obey(self) -> None:
        """Does what the record asks for, or says why not."""
        raise NotImplementedError

    def die(self) -> None:
        """SIGKILL: nothing more is heard of it; its group notices when the session is over."""
        self.alive, self.silent_since = False, self.place.clock()

    def freeze(self) -> None:
        """It stands still, with all that it was about to do."""
        self.frozen, self.silent_since = True, self.place.clock()

    def thaw(self) -> None:
        """It goes on where it stood."""
        self.frozen, self.silent_since = False, None

    def evict(self) -> None:
        """What its group does once it has heard nothing for too long."""

    def stop(self) -> None:
        """It ends in good order, and says so."""
        self.alive = False
        try:
            self.place.cluster.leave(self.key)
        except BrokerUnavailable:
            return

    def tick(self) -> None:
        """All that it does in a period."""
        raise NotImplementedError


class ReaderInstance(Instance):
    """A consumer: announces itself, reads the control topic to its end, joins or does not, and handles records."""

    def __init__(self, place: Place, name: str, build: str, reads: tuple[int, ...], group: str, serves: bool = False):
        super().__init__(place, name, build)
        self.reads, self.group = reads, group
        self.serves = serves
        """Whether it reads further versions with the texts of the control record."""
        self.stage = "new"
        """``new``, ``announced``, ``looked``, ``assigned``, ``joined``, ``refused`` or ``paused``."""
        self.handled: list[tuple[int, int, int]] = []
        """Partition, offset and version, in order."""
        self.stuck: list[tuple[int, int, int]] = []
        """Records that it met and could not read: its partition stands still there."""
        self.converted: dict[tuple[int, int], tuple[int, datetime]] = {}

    @property
    def groups(self) -> tuple[str, ...]:
        return (self.group,)

    @property
    def served(self) -> tuple[int, ...]:
        """Versions that it reads only because the control record carries them."""
        if not self.serves or self.record is None:
            return ()
        carried = {each.number for each in self.record.versions} - set(self.reads)
        newest = max(self.reads, default=0)
        return tuple(sorted(n for n in carried if not self.place.readings.get((newest, n), "no: ").startswith("no")))

    @property
    def started(self) -> bool:
        """Whether it is a member of its group, and has looked since."""
        return self.stage in {"joined", "paused"}

    @property
    def joined(self) -> bool:
        return self.alive and self.stage == "joined"

    def can_read(self, version: int) -> bool:
        return version in self.reads or version in self.served

    def speak(self) -> Capability:
        converted = tuple(Converted(*pair, count, at) for pair, (count, at) in self.converted.items())
        if self.stage == "refused":
            return self._says(converted=converted)
        return self._says(reads=self.reads, served=self.served, converted=converted)

    def announce(self) -> None:
        """The first step: nobody joins before the heartbeat is acknowledged."""
        if self.awake and self.stage in {"new", "refused"} and self.beat():
            self.stage = "announced"

    def look(self) -> None:
        """The second: the control topic, read to its end."""
        if self.awake and self.stage == "announced" and self.follow():
            self.stage = "looked"

    def admit(self) -> None:
        """The third: it joins, or refuses to. Once it is a member it looks once more, before the first record."""
        if not self.awake or self.stage != "looked":
            return
        self.trouble = find_refusal(self.reads, self.served, self.record)
        if self.trouble:
            self.stage = "refused"
            self.beat()
            return
        self.place.cluster.find_group(self.group).join(self.name, self.place.topic)
        self.stage = "assigned"

    def settle(self) -> None:
        """The fourth: what was decided while it joined is known to it before it is handed the first record."""
        if self.awake and self.stage == "assigned" and self.follow() and self.stage == "assigned":
            self.stage = "joined"

    def obey(self) -> None:
        self.trouble = find_refusal(self.reads, self.served, self.record)
        if self.stage in {"assigned", "joined"} and self.trouble:
            self.stage = "paused"
        elif self.stage == "paused" and not self.trouble:
            self.stage = "joined"

    def poll(self, limit: int = 1000) -> None:
        """Handles what its group has not handled yet, up to the first record that it cannot read."""
        if not (self.joined and self.awake) or "*" in self.place.cluster.down:
            return
        group, topic = self.place.cluster.find_group(self.group), self.place.topic
        committed = group.committed.setdefault(topic, {})
        for number, log in self.place.cluster.topics[topic].items():
            start = max(committed.get(number, log.low), log.low)
            end = log.find_next(start)
            for slot in log.read(start):
                version = int(slot.schema or FIRST_ID) - FIRST_ID if slot.kind == DATA else 0
                if version and not self.can_read(version):
                    self.stuck.append((number, slot.offset, version))
                    end = slot.offset
                    break
                if version:
                    self.handled.append((number, slot.offset, version))
                    self._convert(version)
                limit -= 1
                if not limit:
                    end = slot.offset + 1
                    break
            committed[number] = end

    def _convert(self, version: int) -> None:
        newest = max(self.reads)
        if version != newest:
            count, _ = self.converted.get((version, newest), (0, None))
            self.converted[version, newest] = count + 1, self.place.clock()

    def stop(self) -> None:
        super().stop()
        self.evict()

    def evict(self) -> None:
        """The group goes on without it; an instance that was only away must be admitted anew."""
        self.place.cluster.find_group(self.group).leave(self.name)
        if self.stage in {"assigned", "joined", "paused"}:
            self.stage = "new"

    def start(self) -> "ReaderInstance":
        """All steps at once."""
        self.announce()
        self.look()
        self.admit()
        self.settle()
        self.beat()
        return self

    def tick(self) -> None:
        if not self.awake:
            return
        if self.started:
            self.follow()
            self.beat()
            self.poll()
        else:
            self.start()


class OwnerInstance(Instance):
    """A producer with an outbox."""

    def __init__(self, place: Place, name: str, build: str, writes: tuple[int, ...], principal: str = "") -> None:
        super().__init__(place, name, build)
        self.writes, self.principal = writes, principal
        self.active = 0
        """The version that it writes; 0 while it has not started, and where it may write none."""
        self.eager = False
        """Whether it writes a record in each period, unasked."""
        self.on_written: Callable[[int], None] = lambda version: None
        """Told of each record."""
        self.outbox: list[tuple[int, datetime]] = []
        """Rows that were stored with their bytes: the version, and when."""
        self.written = 0

    def speak(self) -> Capability:
        waiting: dict[int, int] = {}
        for version, _ in self.outbox:
            waiting[version] = waiting.get(version, 0) + 1
        age = (self.place.clock() - self.outbox[0][1]).total_seconds() if self.outbox else 0.0
        return self._says(writes=self.writes, active=self.active, waiting=waiting, waiting_age=age)

    def start(self) -> "OwnerInstance":
        """Heartbeat, control, and then the version to write; without a cluster what it remembers, or its oldest."""
        self.active = min(self.writes, default=0)
        self.obey()
        self.beat()
        self.follow()
        self.beat()
        return self

    def obey(self) -> None:
        self.active, self.trouble = choose(self.writes, self.active, self.record)

    def store(self) -> None:
        """A row into the outbox, encoded as the version that is active now."""
        if self.awake and self.active:
            self.outbox.append((self.active, self.place.clock()))

    def relay(self, limit: int = 1000) -> None:
        """What the relay does with the rows: oldest first, as they were encoded."""
        while self.awake and self.outbox and limit:
            try:
                self._put(self.outbox[0][0], f"row-{self.name}-{self.written}", 0, 0)
            except BrokerUnavailable:
                return
            self.outbox.pop(0)
            limit -= 1

    def produce(self, key: str = "", partition: int = 0, transaction: int = 0) -> int:
        """Writes a record of the active version; the version, or 0 where it could not or may not."""
        if not self.awake or not self.active:
            return 0
        try:
            self._put(self.active, key or f"{self.name}-{self.written}", partition, transaction)
        except BrokerUnavailable:
            return 0
        return self.active

    def _put(self, version: int, key: str, partition: int, transaction: int) -> None:
        place = self.place
        place.cluster.write(
            place.topic, frame(version), key=key, partition=partition, producer=transaction, principal=self.principal
        )
        self.written += 1
        self.on_written(version)

    def tick(self) -> None:
        if self.awake:
            self.follow()
            self.relay()
            if self.eager:
                self.produce()
            self.beat()
