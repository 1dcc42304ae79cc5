"""Orders on a topic of a test's own, published and handled through Kafka while observers watch."""

import time
from collections.abc import Callable

from registry import serde
from registry.frozen import replace
from registry.kafka.consuming.subscription import Subscription
from registry.kafka.observer import Observer
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.retry import Retry
from tests import serde_orders as orders
from tests.kafka_clusters import DEADLINE, Cluster

OBJECTIVE = 0.5


class Shop:
    """The service that publishes orders and reads them; ``act`` is its handler."""

    def __init__(self, cluster: Cluster, act: Callable[[orders.OrderPlaced], object], *observers: Observer) -> None:
        bundle = replace(orders.BUNDLE, topic=cluster.topic("shop.orders"), staleness=OBJECTIVE)

        class Producer(orders.OrderPlacedProducer):
            @classmethod
            def bundle(cls) -> serde.Bundle:
                return bundle

        class Handler(orders.OrderPlacedConsumer):
            @classmethod
            def bundle(cls) -> serde.Bundle:
                return bundle

            def on_order_placed(self, event: orders.OrderPlaced, meta: serde.Meta) -> None:
                act(event)

        self.topic = bundle.topic
        self.dead_letters = f"{bundle.topic}.dead-letters"
        self._cluster = cluster
        self._producer = Producer
        self._handler = Handler()
        self._observers = observers
        cluster.create(self.topic, self.dead_letters, partitions=1)

    def publish(self, *ids: str) -> None:
        """Sends an order for each id, and waits until they arrived."""
        with KafkaTransport(self._cluster.settings, observers=self._observers) as transport:
            producer = self._producer(transport, service="shop-api", active=3)
            for id in ids:
                producer.publish(orders.OrderPlaced(order_id=id, state=orders.State.OPEN), correlation_id=f"for {id}")

    def subscribe(self, attempts: int = 3) -> Subscription:
        """A subscription that tries quickly."""
        return Subscription(
            self._cluster.settings,
            self._handler,
            group=f"{self.topic}.group",
            service="shop-api",
            retry=Retry(attempts=attempts, first=0.01, jitter=0.0),
            dead_letter_topic=self.dead_letters,
            observers=self._observers,
        )


def run(subscription: Subscription, done: Callable[[], bool]) -> None:
    """Runs it until something is so; fails where it does not come to that."""
    end = time.monotonic() + DEADLINE

    def until() -> bool:
        assert time.monotonic() < end, "it did not come to that"
        return done()

    subscription.run(until)
