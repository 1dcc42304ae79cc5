"""A company on a real Kafka: its services run here, in threads, and operators ask the brokers themselves.

The contract is that of :mod:`tests.kafka_rollout_shop`, in its versions 1 and 2; the journal is kept in memory.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import Consumer, TopicPartition

from registry.contract import Service, Subscriber, Terms
from registry.environment import Cluster as Named
from registry.environment import Environment
from registry.frozen import replace
from registry.rollout.broker import Broker, Wanted
from registry.rollout.facts import Facts
from registry.rollout.kafka.cluster import KafkaCluster
from registry.rollout.operator import Operator
from registry.rollout.order import Order
from registry.rollout.outcome import Exit, Outcome
from registry.rollout.rollout import Rollout, Step
from registry.rollout.states import State
from registry.source import Location
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_orders import running, wait_for
from tests.kafka_rollout_shop import EVENT, Kept, Shop, texts
from tests.rollout_journal import MemoryJournal
from tests.rollout_world import explain

OWNER: Final = "shop-api"
HEARTBEAT: Final = 0.5
MEMBER: Final[Mapping[str, object]] = {"auto.commit.interval.ms": 100, "session.timeout.ms": 6000}


class Company:
    """One contract of two versions on one cluster. ``readers`` are services, each with a group of its own."""

    def __init__(self, cluster: Cluster, *, readers: Sequence[str] = ("billing",), partitions: int = 1) -> None:
        self.cluster = cluster
        self.broker = KafkaCluster(cluster.settings, "main")
        self.shop = Shop(cluster, partitions)
        self.readers = tuple(readers)
        self.journal = MemoryJournal()
        self.said: list[str] = []
        self.environment = Environment(
            self.shop.environment,
            (Named("main", cluster.address),),
            quiet=0.0,
            revert_window=0.0,
            heartbeat=HEARTBEAT,
            margin=1.5,
            acls=False,
        )
        self._stack = ExitStack()
        self._stack.callback(self.shop.close)
        self._owner = self._stack.enter_context(ExitStack())
        self.owner = self.shop.rollouts(OWNER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def topic(self) -> str:
        return self.shop.topic

    def group(self, service: str) -> str:
        """The consumer group of a service."""
        return f"{self.topic}.{service}"

    # Its services.

    def read(self, service: str, *versions: int) -> Kept:
        """An instance that reads until the end; what it handled."""
        return self._stack.enter_context(self.reading(service, *versions))

    @contextmanager
    def reading(self, service: str, *versions: int) -> Iterator[Kept]:
        """An instance that reads until the end of the block."""
        kept, settings = Kept(), {**self.cluster.settings, **MEMBER}
        with self.shop.rollouts(service, period=HEARTBEAT) as rollouts:
            bundle = self.shop.bundle(*versions, service=service)
            subscription = self.shop.subscribe(rollouts, bundle, kept, group=self.group(service), settings=settings)
            with running(subscription):
                wait_for(lambda: subscription.assigned != frozenset())
                yield kept

    def own(self, *versions: int, transport: Any = None, outboxes: Sequence[Any] = ()) -> Any:
        """The owner's instance, instead of the one before: its producer, which may write into another transport."""
        self._owner.close()
        self.owner = self._owner.enter_context(self.shop.rollouts(OWNER, period=HEARTBEAT, outboxes=outboxes))
        return self.shop.producer(self.owner, *versions, transport=transport)

    @property
    def owner_instance(self) -> str:
        """How checks name the owner's instance."""
        return f"instance/{OWNER}/{self.owner.instance}"

    # What git's main branch says.

    def read_facts(self, contract: str) -> Facts:
        at = Location("ownership.yaml")
        services = {
            name: Service(name, at, "shop", f"User:{name}", (self.group(name),)) for name in (OWNER, *self.readers)
        }
        subscribers = tuple(Subscriber(name, at, (1, 2)) for name in self.readers)
        bundled = {version.number: version for version in texts(1, 2)}
        ways = {(1, 1): "native", (2, 2): "native", (2, 1): "converters", (1, 2): "converters"}
        return Facts(
            contract=contract,
            environment=self.environment,
            terms=Terms(EVENT, "Order", OWNER, at, at, topic=self.topic, writes=(1, 2), subscribers=subscribers),
            services=services,
            versions={1: "digest-1", 2: "digest-2"},
            readings=ways,
            keys={1: "string", 2: "string"},
            bundled=bundled,
            wanted=Wanted(EVENT, {version.schema_id: number for number, version in bundled.items()}),
            dead_letters=(self.shop.letters,),
            parties=frozenset(services),
        )

    # Its operators.

    def operator(
        self,
        *,
        at: Callable[[str], None] = lambda _: None,
        broker: Broker | None = None,
        environment: Environment | None = None,
    ) -> Operator:
        """Somebody at a terminal, who may get another way to the cluster."""
        return Operator(
            MemoryJournal("ana@shop", shared=self.journal),
            environment or self.environment,
            self.read_facts,
            {"main": broker or self.broker},
            by="ana@shop",
            clock=lambda: datetime.now(UTC),
            wait=time.sleep,
            tell=self.said.append,
            at=at,
        )

    def run(self, verb: str, **order: Any) -> Outcome:
        """One command, as it is judged at once."""
        outcome: Outcome = getattr(self.operator(), verb)(Order(EVENT, 1, 2, **order))
        return outcome

    def demand(self, verb: str, **order: Any) -> Outcome:
        """A command that must be done, sooner or later: commits, coordinators and heartbeats take their time."""
        outcome = self.run(verb, **order)
        end = monotonic() + DEADLINE
        while outcome.exit_code is not Exit.DONE:
            assert monotonic() < end, explain(outcome)
            outcome = self.run(verb, **order)
        return outcome

    def refuse(self, verb: str, expected: Exit, check: str) -> str:
        """A command that must end so, sooner or later, because of this check among others; its reason."""
        end = monotonic() + DEADLINE
        while True:
            outcome = self.run(verb)
            assert outcome.exit_code is not Exit.DONE, explain(outcome)
            blockers = {f"{each.number}:{each.observation.subject}": each.observation for each in outcome.missing}
            if outcome.exit_code is expected and check in blockers:
                return blockers[check].reason
            assert monotonic() < end, explain(outcome)

    @property
    def rollout(self) -> Rollout:
        found = self.journal.read().find_rollout(Step(EVENT, 1, 2, self.environment.name))
        assert found is not None
        return found

    @property
    def state(self) -> State:
        return self.rollout.state

    def switch(self) -> None:
        """From the beginning until everybody writes version 2."""
        self.demand("start")
        self.demand("switch")
        if self.state is State.SWITCHING:
            self.demand("converge")
        assert self.state is State.SWITCHED

    def change(self, **changes: Any) -> None:
        """Another policy.yaml."""
        self.environment = replace(self.environment, **changes)


def commit_offsets(cluster: Cluster, group: str, topic: str, offsets: Mapping[int, int]) -> None:
    """What a group without members has committed."""
    consumer = Consumer({**cluster.settings, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, *each) for each in offsets.items()], asynchronous=False)
    consumer.close()
