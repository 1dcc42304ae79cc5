"""A company in memory: one contract, its clusters, its services, the journal, and operators, with a clock moved by
hand.

The contract is ``content.ContentPublished``: ``content-api`` writes it; ``search-index`` and ``edge-cache`` read it,
unless a test says otherwise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from registry.contract import Service, Subscriber, Terms
from registry.environment import Cluster, Environment
from registry.errors import RegistryError
from registry.frozen import replace
from registry.kafka.rollout.control import ControlRecord
from registry.rollout import deployments
from registry.rollout.broker import Broker, Wanted
from registry.rollout.facts import Facts
from registry.rollout.journal.documents import render_deployments
from registry.rollout.journal.events import find_events_path, render_deployed, render_deployed_message
from registry.rollout.journal.journal import Entry, Journal
from registry.rollout.operator import Operator
from registry.rollout.order import Order
from registry.rollout.outcome import Exit, Outcome, exit_code_of
from registry.rollout.rollout import Deployment, Rollout, Step
from registry.rollout.states import State
from registry.serde.bundle import BundledVersion
from registry.source import Location
from tests.rollout_cluster import READ, WRITE, MemoryCluster
from tests.rollout_journal import MemoryJournal
from tests.rollout_services import FIRST_ID, Instance, OwnerInstance, Place, ReaderInstance

EVENT: Final = "content.ContentPublished"
TOPIC: Final = "content.items"
OWNER: Final = "content-api"
READERS: Final = ("search-index", "edge-cache")
NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
SESSION: Final = 45.0
"""Seconds until a group goes on without a member that it hears nothing of."""
HEARTBEATS_KEPT: Final = 3600.0
"""Seconds that the topic of heartbeats keeps one."""
PRODUCTION: Final = Environment(
    "production", (Cluster("main", "main:9092"),), quiet=3600.0, revert_window=600.0, super_users=(), everyone=False
)
"""Short windows, so that a test gets through them; the brokers' settings are declared."""


class World:
    """Everything. ``versions`` is how many are released; ``served`` names subscribers that stay on their old build."""

    def __init__(
        self,
        environment: Environment = PRODUCTION,
        *,
        versions: int = 2,
        readers: Iterable[str] = READERS,
        served: Iterable[str] = (),
        partitions: int = 1,
        beside: "World | None" = None,
    ) -> None:
        self.environment = environment
        self.skew = 0.0
        """By how many seconds the clusters are ahead of the operators."""
        self._hands = beside._hands if beside else [NOON]
        self.journal = beside.journal if beside else MemoryJournal()
        self.readers = tuple(readers)
        self.served = frozenset(served)
        self.versions = {number: f"digest-{number}" for number in range(1, versions + 1)}
        self.readings = {(reader, writer): "native" for reader in self.versions for writer in self.versions}
        self.no_consumers = False
        self.clusters = {each.name: MemoryCluster(self.read_broker_clock, each.name) for each in environment.clusters}
        self.instances: list[Instance] = []
        self.disks: dict[str, dict[str, ControlRecord]] = {}
        for each in environment.clusters:
            self._set_up(self.clusters[each.name], each.topic.format(topic=TOPIC), partitions)
        self.may_start: Callable[[], bool] = lambda: True
        """Whether readers that have not joined yet try to, while they live."""
        self._turns = 0
        self.eager = False
        """Whether each instance of the owner writes a record in each period."""
        self.on_written: Callable[[int], None] = lambda version: None
        """Told the version of each record that the owner writes."""
        self.said: list[str] = []
        """What operators told while they worked."""

    def _set_up(self, cluster: MemoryCluster, topic: str, partitions: int) -> None:
        cluster.add_topic(topic, partitions)
        cluster.allow(f"User:{OWNER}", WRITE, topic)
        for service in self.readers:
            cluster.allow(f"User:{service}", READ, topic)

    # Time.

    def clock(self) -> datetime:
        return self._hands[0]

    def read_broker_clock(self) -> datetime:
        """The time of all clusters."""
        return self._hands[0] + timedelta(seconds=self.skew)

    def move(self, seconds: float) -> None:
        """Time passes, and only clusters do anything: groups go on without members that are silent for too long, and
        heartbeats expire."""
        self._hands[0] += timedelta(seconds=seconds)
        now = self.clock()
        for each in self.instances:
            if each.silent_since and (now - each.silent_since).total_seconds() >= SESSION:
                each.silent_since = None
                each.evict()
        for cluster in self.clusters.values():
            cluster.expire_heartbeats(HEARTBEATS_KEPT)

    def live(self, seconds: float) -> None:
        """Time passes, and every instance does in it what it usually does."""
        period, left = self.environment.heartbeat, seconds
        while left > 0:
            self.move(min(period, left))
            left -= period
            self._turns += 1  # no order may matter
            for instance in self.instances[:: -1 if self._turns % 2 else 1]:
                if self.may_start() or not isinstance(instance, ReaderInstance) or instance.started:
                    instance.tick()

    # What git's main branch says.

    @property
    def cluster(self) -> MemoryCluster:
        """The one that is written to."""
        return next(iter(self.clusters.values()))

    @property
    def log(self):
        """Partition 0 of the topic."""
        return self.cluster.topics[TOPIC][0]

    @property
    def terms(self) -> Terms:
        at = Location("ownership.yaml")
        numbers = tuple(self.versions)
        subscribers = tuple(
            Subscriber(name, at, (1,) if name in self.served else numbers, served=name in self.served)
            for name in self.readers
        )
        return Terms(
            EVENT,
            "ContentItem",
            OWNER,
            at,
            at,
            topic=TOPIC,
            key="content_id",
            writes=numbers,
            subscribers=subscribers,
            no_consumers=self.no_consumers,
        )

    def read_facts(self, contract: str) -> Facts:
        """What an operator reads of git, as it is now."""
        at = Location("ownership.yaml")
        services = {name: Service(name, at, "content", f"User:{name}", (name,)) for name in (OWNER, *self.readers)}
        known = contract == EVENT
        return Facts(
            contract=contract,
            environment=self.environment,
            terms=self.terms if known else None,
            services=services,
            versions=dict(self.versions) if known else {},
            readings=self.readings,
            keys=dict.fromkeys(self.versions, "string"),
            bundled={number: bundle(number) for number in self.versions},
            wanted=Wanted(EVENT, {FIRST_ID + number: number for number in self.versions}),
            dead_letters=tuple(f"{name}.dead-letters" for name in self.readers),
            parties=frozenset({OWNER, *self.readers}) if known else frozenset(),
            commit="c0ffee",
        )

    # Services.

    def place(self, service: str) -> Place:
        """Where a service's instances live."""
        disk = self.disks.setdefault(service, {})
        return Place(
            self.environment.name, EVENT, TOPIC, service, self.cluster, self.readings, disk, self.environment.heartbeat
        )

    def deploy(
        self,
        service: str,
        *versions: int,
        build: str = "",
        instance: str = "",
        release: str = "",
        supported: float = 0.0,
    ) -> None:
        """Records in the journal what is deployed; the instances are started by themselves."""
        numbers = {EVENT: versions}
        new = Deployment(
            service,
            self.environment.name,
            instance,
            build or build_of(versions),
            numbers if service != OWNER else {},
            numbers if service == OWNER else {},
            self.clock(),
            "ci@example.com",
            "ci",
            release,
            self.clock() + timedelta(seconds=supported) if supported else None,
        )
        book = self.journal.read()
        changes = {new.path: render_deployments(deployments.record(book.read_deployments(new.path), new))}
        lines = {find_events_path(new.path): render_deployed(new)}
        self.journal.write(book, Entry(changes, lines, render_deployed_message(new)))

    def start_reader(
        self, service: str, name: str, *reads: int, build: str = "", serves: bool = False
    ) -> ReaderInstance:
        """An instance that goes through its admission at once."""
        return self.add_reader(service, name, *reads, build=build, serves=serves).start()

    def add_reader(self, service: str, name: str, *reads: int, build: str = "", serves: bool = False) -> ReaderInstance:
        """An instance that has done nothing yet."""
        made = ReaderInstance(self.place(service), name, build or build_of(reads), reads, service, serves)
        self.instances.append(made)
        return made

    def start_owner(self, name: str, *writes: int, build: str = "") -> OwnerInstance:
        """An instance of the owner that has read the control topic."""
        made = OwnerInstance(self.place(OWNER), name, build or build_of(writes), writes, f"User:{OWNER}")
        made.eager, made.on_written = self.eager, self.on_written
        self.instances.append(made)
        return made.start()

    def find(self, service: str) -> list[Instance]:
        """The instances of a service that live."""
        return [each for each in self.instances if each.alive and each.place.service == service]

    def roll(self, service: str, *versions: int, instances: int = 1, serves: bool = False) -> list[Instance]:
        """A deployment as it should be: the journal is told, the old instances end, the new ones start."""
        self.deploy(service, *versions)
        for each in self.find(service):
            each.stop()
        names = [f"{service}-{number}-{build_of(versions)}" for number in range(1, instances + 1)]
        if service == OWNER:
            return [self.start_owner(name, *versions) for name in names]
        return [self.start_reader(service, name, *versions, serves=serves) for name in names]

    # Operators.

    def operator(
        self,
        by: str = "ana@example.com",
        *,
        at: Callable[[str], None] = lambda _: None,
        wait: Callable[[float], None] | None = None,
        journal: Journal | None = None,
        brokers: Mapping[str, Broker] | None = None,
        clock: Callable[[], datetime] | None = None,
        unasked: str = "",
    ) -> Operator:
        """Somebody at a terminal. While they wait, the services live."""
        return Operator(
            journal or MemoryJournal(by, shared=self.journal),
            self.environment,
            self.read_facts,
            brokers or self.clusters,
            by=by,
            clock=clock or self.clock,
            wait=wait or self.live,
            tell=self.said.append,
            at=at,
            unasked=unasked,
        )

    def run(self, verb: str, old: int = 0, new: int = 0, **order: Any) -> Outcome:
        """One command of an operator who does nothing wrong."""
        outcome: Outcome = getattr(self.operator(), verb)(Order(EVENT, old, new, **order))
        return outcome

    def demand(self, verb: str, *steps: int, **order: object) -> Outcome:
        """A command that must be done."""
        outcome = self.run(verb, *steps, **order)
        assert outcome.exit_code == Exit.DONE, explain(outcome)
        return outcome

    def rollout(self, old: int = 1, new: int = 2) -> Rollout:
        """The rollout of a step, as the journal has it."""
        found = self.journal.read().find_rollout(Step(EVENT, old, new, self.environment.name))
        assert found is not None
        return found

    @property
    def state(self) -> State:
        """Where the rollout 1 -> 2 stands."""
        return self.rollout().state


def bundle(number: int) -> BundledVersion:
    """The texts of a version: none here, as nothing is decoded."""
    return BundledVersion(number, FIRST_ID + number, f"00000000-0000-4000-8000-{number:012d}", "content.avsc", {})


def build_of(versions: Sequence[int]) -> str:
    """``b1+2``: builds are called after what they know."""
    return "b" + "+".join(map(str, versions))


def explain(outcome: Outcome) -> str:
    """What a test prints of an outcome that it did not expect."""
    checks = (
        f"{each.number} {each.observation.subject}: {each.verdict}: {each.observation.reason}"
        for each in outcome.missing
    )
    return "\n".join((f"{outcome.verb}: {outcome.exit_code!r} {outcome.verdict}", *outcome.done, *checks))


def blockers(outcome: Outcome) -> dict[str, str]:
    """Of what holds a command up: number and subject to the reason; without the soak, which waits for all others."""
    found = {f"{each.number}:{each.observation.subject}": each.observation.reason for each in outcome.missing}
    return {name: reason for name, reason in found.items() if not name.startswith("G1.5:environment/")}


def exit_of(command: Callable[[], Outcome]) -> Exit:
    """How the command line would end."""
    try:
        return command().exit_code
    except RegistryError as error:
        return exit_code_of(error)


def make_quiet(environment: Environment = PRODUCTION, **changes: object) -> Environment:
    """An environment with other rules."""
    return replace(environment, **changes)


def make_ready(world: World, *, instances: int = 1) -> World:
    """Everybody runs builds that know both versions, says so, and the rollout 1 -> 2 has started."""
    for service in world.readers:
        old_only = service in world.served
        world.roll(service, *((1,) if old_only else (1, 2)), instances=instances, serves=old_only)
    world.roll(OWNER, 1, 2, instances=instances)
    world.live(world.environment.heartbeat)
    world.demand("start", 1, 2)
    return world


def make_switched(world: World, *, instances: int = 1) -> World:
    """As above, with records of both versions, handled by everybody, and the rollout SWITCHED."""
    make_ready(world, instances=instances)
    write(world, 2)
    world.demand("switch", 1, 2)
    assert world.state is State.SWITCHED, explain(world.run("converge", 1, 2))
    write(world, 2)
    world.live(world.environment.heartbeat)
    return world


def write(world: World, count: int, *, partition: int = 0) -> list[int]:
    """Every instance of the owner writes records; their versions."""
    owners = [each for each in world.find(OWNER) if isinstance(each, OwnerInstance)]
    return [owner.produce(partition=partition) for _ in range(count) for owner in owners]
