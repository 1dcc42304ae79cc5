"""Orders on a cluster, in topics of one test's own: what is published, what handles it, and how a test waits for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread
from time import monotonic
from typing import Any, Protocol

import serde_orders as orders

from registry import serde
from registry.frozen import replace
from registry.kafka.consuming.subscription import Subscription
from registry.kafka.leaders import ask_leader
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.scan import read_topics
from tests.kafka_clusters import DEADLINE, Cluster

MOCK: dict[str, object] = {
    # It keeps a member that left until its session is over, and the next one waits for that. A second less, and a
    # machine that stands still for a moment loses members: the mock may not come to rest after that.
    "session.timeout.ms": 2000,
    "heartbeat.interval.ms": 100,
    # It answers only when this time is over, also where there is something.
    "fetch.wait.max.ms": 20,
}
"""What makes the mock as quick as a broker is."""

Handler = Callable[[orders.OrderPlaced, serde.Meta], object]


class Orders:
    """The contract of an order in topics of their own, and a producer of it."""

    def __init__(self, cluster: Cluster, partitions: int = 2, letters: bool = True) -> None:
        self.cluster = cluster
        self.topic = cluster.topic("shop.orders")
        self.letters = cluster.topic("shop-api.dead-letters")
        self.group = cluster.topic("group")
        self.bundle = replace(orders.BUNDLE, topic=self.topic)
        cluster.create(self.topic, *[self.letters] * letters, partitions=partitions)
        self.transport = KafkaTransport(cluster.settings)
        self.producer = self._find_producer()(self.transport, service="shop-api", active=3)

    def publish(self, *names: str, partition: int | None = None) -> None:
        """One order each, arrived when this returns; to the partition of its key unless said otherwise."""
        for name in names:
            self.send(self.encode(name, partition))
        self.transport.flush()

    def encode(self, name: str, partition: int | None = None) -> serde.Record:
        event = orders.OrderPlaced(order_id=name, state=orders.State.OPEN)
        record: serde.Record = self.producer.encode(event, correlation_id="request-1", event_id=f"event of {name}")
        return record if partition is None else replace(record, partition=partition)

    def send(self, record: serde.Record) -> None:
        self.transport.send(record)

    def send_raw(self, value: bytes | None, *, partition: int = 0, headers: dict[str, bytes] | None = None) -> None:
        """Any bytes, arrived when this returns."""
        self.send(serde.Record(self.topic, b"k", value, tuple((headers or {}).items()), partition=partition))
        self.transport.flush()

    def consumer(self, handler: Handler, tombstone: Callable[[bytes], None] | None = None) -> serde.Consumer:
        """Calls a function for each order."""
        bundle = self.bundle

        class Handling(orders.OrderPlacedConsumer):
            @classmethod
            def bundle(cls) -> serde.Bundle:
                return bundle

            def on_order_placed(self, event: orders.OrderPlaced, meta: serde.Meta) -> None:
                handler(event, meta)

            def on_tombstone(self, key: bytes, meta: serde.Meta) -> None:
                if tombstone:
                    tombstone(key)

        return Handling()

    def subscribe(self, handler: Handler, **options: Any) -> Subscription:
        """A subscription of this group; ``settings`` are added to the cluster's."""
        settings = {**self.cluster.settings, **({} if self.cluster.real else MOCK), **options.pop("settings", {})}
        consumer = options.pop("consumer", None) or self.consumer(handler)
        given = {"group": self.group, "service": "shop-api", "dead_letter_topic": self.letters, **options}
        return Subscription(settings, consumer, **given)

    def records(self) -> list[serde.Record]:
        """What lies in the topic."""
        return list(read_topics(self.cluster.settings, [self.topic]))

    def dead_letters(self) -> list[serde.Record]:
        """What lies in the topic of dead letters."""
        return list(read_topics(self.cluster.settings, [self.letters]))

    def committed(self, group: str = "") -> dict[int, int]:
        """What the group has committed, by partition."""
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer({**self.cluster.settings, "group.id": group or self.group})
        try:
            known = consumer.list_topics(self.topic, timeout=DEADLINE).topics[self.topic].partitions
            asked = [TopicPartition(self.topic, number) for number in known]
            places = ask_leader(partial(consumer.committed, asked, timeout=DEADLINE))
            return {place.partition: place.offset for place in places if place.offset >= 0}
        finally:
            consumer.close()

    def _find_producer(self) -> Any:
        bundle = self.bundle

        class Producer(orders.OrderPlacedProducer):
            @classmethod
            def bundle(cls) -> serde.Bundle:
                return bundle

        return Producer


class Runs(Protocol):
    def run(self, until: Callable[[], bool]) -> None: ...
    def stop(self) -> None: ...


def limit(until: Callable[[], bool], seconds: float = DEADLINE) -> Callable[[], bool]:
    """The condition, which fails the test if it does not come true."""
    end = monotonic() + seconds

    def check() -> bool:
        if until():
            return True
        assert monotonic() < end, f"it did not come true within {seconds:g} s"
        return False

    return check


def wait_for(until: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Waits for what another thread or the cluster does."""
    from threading import Event

    check, pause = limit(until, seconds), Event()
    while not check():
        pause.wait(0.01)


def run(subscription: Subscription, until: Callable[[], bool]) -> None:
    """Runs it until something is true, and closes it."""
    with subscription:
        subscription.run(limit(until))


@contextmanager
def running(*subscriptions: Subscription) -> Iterator[None]:
    """They run, each in a thread, until the end of the block; what they raise is raised here."""
    errors: list[BaseException] = []

    def go(subscription: Subscription) -> None:
        try:
            subscription.run()
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=go, args=(subscription,), daemon=True) for subscription in subscriptions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for subscription in subscriptions:
            subscription.stop()
        for thread in threads:
            thread.join(DEADLINE)
    assert not any(thread.is_alive() for thread in threads), "a subscription did not stop"
    for error in errors:
        raise error
