"""A process's part in rollouts: what it writes and reads, which records it obeys, and what it says of itself."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from time import time
from types import MappingProxyType

from registry.frozen import dataclass, replace
from registry.kafka.consuming.partitions import Place
from registry.kafka.observing import LOG, render_error
from registry.kafka.rollout.admission import find_newer, find_refusal
from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.heartbeat import Capability, Converted
from registry.kafka.rollout.outboxes import Held
from registry.kafka.rollout.writing import Writing
from registry.serde.bundle import BundledVersion
from registry.serde.errors import CodecError
from registry.serde.readable import find_obstacle
from registry.serde.serde import Serde
from registry.serde.steering import Steered


@dataclass(frozen=True, slots=True)
class Member:
    """A subscription that joined, or is about to."""

    group: str
    serdes: tuple[Serde, ...]
    find_paused: Callable[[], Mapping[Place, Exception]]
    wake: Callable[[], object]
    """Tries again at once what waits for something to change."""

    def reads(self, contract: str) -> bool:
        """Whether it is a reader of this contract."""
        return any(serde.bundle.event == contract for serde in self.serdes)


class Tally:
    """How often events of one version were read as another. Two threads may count one event as none; never as two."""

    __slots__ = ("count", "last")

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0

    def note(self) -> None:
        """Counts one."""
        self.count += 1
        self.last = time()


class Part:
    """What a process knows and does. Its owner sees to it that one thread at a time changes it."""

    def __init__(self) -> None:
        self.records: dict[str, ControlRecord] = {}
        """The record that counts, by contract."""
        self.writings: dict[str, Writing] = {}
        self.members: list[Member] = []
        self._served: dict[str, tuple[int, ...]] = {}
        self._obstacles: dict[str, str] = {}
        self._refusals: dict[str, str] = {}
        self._tallies: dict[tuple[str, int, int], Tally] = {}

    @property
    def contracts(self) -> frozenset[str]:
        """What it writes or reads."""
        reading = (serde.bundle.event for member in self.members for serde in member.serdes)
        return frozenset({*self.writings, *reading, *self._refusals})

    def believe(self, record: ControlRecord, now: float, settle: float) -> bool:
        """Obeys a record, unless one of a higher rank is known; whether it is another than before."""
        known = self.records.get(record.contract)
        if find_newer(known, record) is not record:
            LOG.warning(
                "a control record of %s with epoch %d is ignored: epoch %d is known",
                *(record.contract, record.epoch, known.epoch if known else 0),
            )
            return False
        if record == known:
            return False
        self.records[record.contract] = record
        if writing := self.writings.get(record.contract):
            writing.obey(record, now, settle)
        self._try_texts(record.contract)
        for member in self.members:
            if member.reads(record.contract):
                member.wake()
        return True

    def add_writer(self, serde: Steered, transport: object, now: float) -> None:
        """A producer begins."""
        contract = serde.bundle.event
        writing = self.writings.get(contract)
        if writing is None or writing.bundle is not serde.bundle:
            kept, writing = writing, Writing(serde.bundle)
            writing.add(serde, transport)
            if kept is None or len(kept.bundle.writes) <= len(serde.bundle.writes):
                self.writings[contract] = writing
            if record := self.records.get(contract):
                writing.obey(record, now, 0.0)
            return
        writing.add(serde, transport)

    def find_refusal(self, contract: str) -> str:
        """Why the readers of a contract may not join, or should not have; empty where there is no reason."""
        reads = self._find_reads(contract)
        refusal = find_refusal(reads, self._served.get(contract, ()), self.records.get(contract))
        obstacle = self._obstacles.get(contract, "")
        return f"{refusal}; {obstacle}" if refusal and obstacle else refusal

    def refuse(self, member: Member, refusals: Mapping[str, str]) -> None:
        """A member that may not join: what it was refused for is told until one joins."""
        self.leave(member)
        self._refusals.update(refusals)

    def join(self, member: Member) -> None:
        """A member begins."""
        self.members.append(member)
        for serde in member.serdes:
            self._refusals.pop(serde.bundle.event, None)
            self._try_texts(serde.bundle.event)

    def leave(self, member: Member) -> None:
        """A member has left its group."""
        if member in self.members:
            self.members.remove(member)

    def find(self, event: str, writer: int | str) -> BundledVersion | None:
        """The version of a schema id or GUID, as the control record carries it."""
        record = self.records.get(event)
        versions = record.versions if record else ()
        return next((each for each in versions if writer in (each.schema_id, each.guid.lower())), None)

    def find_number(self, event: str, number: int) -> BundledVersion | None:
        """The version of a number, as the control record carries it."""
        record = self.records.get(event)
        return next((each for each in record.versions if each.number == number), None) if record else None

    def find_tally(self, event: str, writer: int, reader: int) -> Tally:
        """What counts events of one version that are read as another."""
        return self._tallies.setdefault((event, writer, reader), Tally())

    def begin_anew(self) -> None:
        """What a forked child does: what was read, joined and counted was the parent's."""
        self.members.clear()
        for tally in self._tallies.values():
            tally.count = 0
        for writing in self.writings.values():
            writing.plan_anew()

    def describe(self) -> Mapping[str, Capability]:
        """What it says of each contract, but for its outboxes."""
        paused = list(self._find_paused())
        return MappingProxyType({name: self._describe(name, paused) for name in sorted(self.contracts)})

    def _describe(self, contract: str, paused: list[tuple[str, str]]) -> Capability:
        record, writing, reads = self.records.get(contract), self.writings.get(contract), self._find_reads(contract)
        active, trouble = writing.tell() if writing else (0, "")
        refused = self._refusals.get(contract, "")
        troubles = [
            trouble,
            self.find_refusal(contract),
            f"refused to join: {refused}" if refused and not reads else "",
            *(told for name, told in paused if name == contract),
        ]
        return Capability(
            reads=reads,
            served=self._served.get(contract, ()) if reads else (),
            writes=writing.bundle.writes if writing else (),
            active=active,
            epoch=record.epoch if record else 0,
            prepared=bool(record and record.prepare),
            converted=tuple(
                Converted(writer, reader, tally.count, datetime.fromtimestamp(tally.last, UTC))
                for (name, writer, reader), tally in sorted(self._tallies.items())
                if name == contract and tally.count
            ),
            trouble="; ".join(filter(None, troubles)),
        )

    def _try_texts(self, contract: str) -> None:
        """Tries which versions can be read through the texts that the record carries, and remembers it."""
        serdes = list(self._find_serdes(contract))
        record = self.records.get(contract)
        served: list[int] = []
        self._obstacles.pop(contract, None)
        for version in record.versions if record and serdes else ():
            if all(version.number in serde.bundle.reads for serde in serdes):
                continue
            obstacle = next(filter(None, (find_obstacle(serde, version) for serde in serdes)), "")
            if obstacle:
                self._obstacles[contract] = obstacle
            else:
                served.append(version.number)
        self._served[contract] = tuple(served)

    def _find_serdes(self, contract: str) -> Iterator[Serde]:
        for member in self.members:
            yield from (serde for serde in member.serdes if serde.bundle.event == contract)

    def _find_reads(self, contract: str) -> tuple[int, ...]:
        """What all readers of a contract can read."""
        found = [frozenset(serde.bundle.reads) for serde in self._find_serdes(contract)]
        return tuple(sorted(frozenset.intersection(*found))) if found else ()

    def _find_paused(self) -> Iterator[tuple[str, str]]:
        """Contract and reason of each partition that stands."""
        for member in self.members:
            try:
                places = sorted(member.find_paused().items(), key=lambda item: item[0])
            except RuntimeError:  # the subscription changed them just then
                continue
            for (topic, partition), error in places:
                subject = error.subject.split(" ")[0] if isinstance(error, CodecError) else ""
                here = [serde.bundle.event for serde in member.serdes if serde.bundle.topic == topic]
                for contract in [subject] if subject in here else here:
                    yield contract, f"paused at {topic}[{partition}]: {render_error(error)}"


def add_held(capabilities: Mapping[str, Capability], held: Mapping[str, Held]) -> Mapping[str, Capability]:
    """The same with what waits in the outboxes, of contracts that are written here."""
    stray = held.get("")
    unknown = "" if stray is None else stray.unknown or "rows wait that name no contract: they have no header ce_type"
    found: dict[str, Capability] = {}
    for contract, capability in capabilities.items():
        found[contract] = capability
        if capability.writes:
            rows = held.get(contract, Held())
            waiting = MappingProxyType(dict(rows.counts))
            found[contract] = replace(capability, waiting=waiting, waiting_age=rows.age, outbox=unknown)
    return MappingProxyType(found)
