"""A shop whose contract is being rolled out, on a cluster: its bundles, what steers it, and what its instances say.

The versions are those of test_serde_chains: 2 and 4 declare converters, 3 is compatible with 2.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import serde_orders as orders
import test_serde_chains as chains

from registry import serde
from registry.frozen import replace
from registry.kafka.consuming.subscription import Subscription
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.rollout.control import CONTROL_TOPIC, ControlRecord, control_key
from registry.kafka.rollout.documents import parse_heartbeat, render_control
from registry.kafka.rollout.heartbeat import HEARTBEAT_TOPIC, Capability, Heartbeat
from registry.kafka.rollout.rollouts import Rollouts
from registry.kafka.scan import read_topics
from registry.rollout.kafka.cluster import KafkaCluster
from tests.kafka_clusters import Cluster
from tests.kafka_orders import MOCK, wait_for

EVENT = orders.EVENT
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
PERIOD = 0.2


def texts(*numbers: int) -> tuple[serde.BundledVersion, ...]:
    """Versions as a control record carries them: without classes."""
    return tuple(replace(chains.version(number, plain=True), shape=serde.Shape()) for number in numbers)


def control(
    environment: str,
    epoch: int,
    active: int,
    writable: Iterable[int],
    *,
    prepare: int = 0,
    stored: Iterable[int] = (1,),
    versions: tuple[serde.BundledVersion, ...] = (),
    contract: str = EVENT,
) -> ControlRecord:
    return ControlRecord(
        contract, environment, epoch, active, tuple(writable), prepare, tuple(stored), versions, by="ana", at=AT
    )


class Kept:
    """A handler that keeps what it was given."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.metas: list[serde.Meta] = []

    def __call__(self, event: Any, meta: serde.Meta) -> None:
        self.events.append(event)
        self.metas.append(meta)

    def has(self, count: int) -> Callable[[], bool]:
        return lambda: len(self.events) >= count


class Shop:
    """One contract in topics and an environment of one test's own."""

    def __init__(self, cluster: Cluster, partitions: int = 1) -> None:
        self.cluster = cluster
        self.environment = cluster.topic("production")
        self.topic = cluster.topic("shop.orders")
        self.letters = cluster.topic("letters")
        self.group = cluster.topic("mailer")
        if cluster.real:
            KafkaCluster(cluster.settings, "main").create_topics()  # as they must be
        cluster.create(CONTROL_TOPIC, HEARTBEAT_TOPIC, partitions=1)
        cluster.create(self.topic, self.letters, partitions=partitions)
        self.transport = KafkaTransport(cluster.settings)
        self._control = KafkaTransport({**cluster.settings, "linger.ms": 0})

    def close(self) -> None:
        self.transport.close(1.0)
        self._control.close(1.0)

    def rollouts(self, service: str = "shop-api", **given: Any) -> Rollouts:
        options = {"environment": self.environment, "build": "b1", "period": PERIOD, "patience": 20.0, **given}
        return Rollouts(options.pop("settings", self.cluster.settings), service=service, **options)

    def record(self, epoch: int, active: int, writable: Iterable[int], **more: Any) -> ControlRecord:
        return control(self.environment, epoch, active, writable, **more)

    def publish(self, record: ControlRecord | bytes | None) -> None:
        """Writes a control record, as the operator does; bytes as they are."""
        self._publish(EVENT, render_control(record).encode() if isinstance(record, ControlRecord) else record)

    def publish_as(self, contract: str, record: ControlRecord) -> None:
        """The same for another contract."""
        self._publish(contract, render_control(record).encode())

    def _publish(self, contract: str, value: bytes | None) -> None:
        key = control_key(self.environment, contract).encode()
        self._control.send(serde.Record(CONTROL_TOPIC, key, value))
        self._control.flush()

    def bundle(self, *numbers: int, **more: Any) -> serde.Bundle:
        return replace(orders.bundle(*map(chains.version, numbers), **more), topic=self.topic, key="")

    def producer(self, rollouts: Rollouts, *numbers: int, transport: Any = None, **more: Any) -> Any:
        """The owner's, of a build with these versions, each of which it can write."""
        bundle = self.bundle(*numbers, writes=numbers)
        kind = type("OrderPlacedProducer", (serde.Producer,), {"bundle": classmethod(lambda cls: bundle)})
        return kind(transport or self.transport, service="shop-api", rollouts=rollouts, **more)

    def subscribe(
        self, rollouts: Rollouts, bundle: serde.Bundle, handler: Callable[[Any, serde.Meta], None], **more: Any
    ) -> Subscription:
        return self.subscribe_to(rollouts, consumer_of(bundle, handler), service=bundle.service, **more)

    def subscribe_to(self, rollouts: Rollouts, consumer: serde.Consumer, **more: Any) -> Subscription:
        settings = more.pop("settings", {**self.cluster.settings, **({} if self.cluster.real else MOCK)})
        given = {"group": self.group, "dead_letter_topic": self.letters, **more}
        return Subscription(settings, consumer, rollouts=rollouts, **given)

    def heartbeats(self) -> Mapping[str, list[Heartbeat | None]]:
        """All heartbeats of this environment by instance, oldest first; ``None`` for a tombstone."""
        found: dict[str, list[Heartbeat | None]] = {}
        for record in read_topics(self.cluster.settings, [HEARTBEAT_TOPIC]):
            name = (record.key or b"").decode()
            if name.count("/") != 2:  # an operator's look at the broker's clock
                continue
            environment, _, instance = name.split("/")
            if environment == self.environment:
                heartbeat = None if record.value is None else parse_heartbeat(record.value, record.timestamp)
                found.setdefault(instance, []).append(heartbeat)
        return found

    def said(self, rollouts: Rollouts) -> Capability:
        """What an instance says of the contract, as the broker has it."""
        heartbeat = (self.heartbeats().get(rollouts.instance) or [None])[-1]
        return heartbeat.contracts.get(EVENT, Capability()) if heartbeat else Capability()

    def wait_until(self, rollouts: Rollouts, holds: Callable[[Capability], bool]) -> Capability:
        """Waits for an instance to say something, and gives back what it said."""
        said: list[Capability] = []

        def look() -> bool:
            said[:] = [self.said(rollouts)]
            return holds(said[0])

        wait_for(look)
        return said[0]

    def versions(self) -> list[int]:
        """The versions of the records in the topic, in their order."""
        numbers = {each.schema_id: each.number for each in map(chains.version, (1, 2, 3, 4))}
        found = list(read_topics(self.cluster.settings, [self.topic]))
        return [numbers[int.from_bytes((record.value or b"")[1:5], "big")] for record in found]


def consumer_of(bundle: serde.Bundle, handler: Callable[[Any, serde.Meta], None]) -> Any:
    """A consumer that wants the newest version of the bundle."""
    stub = type("OrderPlacedConsumer", (serde.Consumer,), {"bundle": classmethod(lambda cls: bundle)})
    return type("Handling", (stub,), {"on_order_placed": lambda _, event, meta: handler(event, meta)})()


def async_consumer_of(bundle: serde.Bundle, handler: Callable[[Any, serde.Meta], None]) -> Any:
    """The same for asyncio."""

    async def on_order_placed(_: object, event: Any, meta: serde.Meta) -> None:
        handler(event, meta)

    stub = type("OrderPlacedAsyncConsumer", (serde.AsyncConsumer,), {"bundle": classmethod(lambda cls: bundle)})
    return type("Handling", (stub,), {"on_order_placed": on_order_placed})()


def publish(producer: Any, event: object, shop: Shop) -> None:
    """One event, arrived when this returns."""
    producer.publish(event, correlation_id="request-1")
    shop.transport.flush()
