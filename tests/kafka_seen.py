"""What a handler of orders was given, and what an observer was told."""

from collections.abc import Callable
from typing import Any

import serde_orders as orders

from registry import serde
from registry.kafka.observer import Observer
from registry.kafka.retry import Retry
from registry.serde.delivery import Delivery

QUICK = Retry(attempts=3, first=0.01, longest=0.05)


class Seen:
    """A handler that keeps what it was given, and does more where a test says so."""

    def __init__(self, also: Callable[[str], object] = lambda name: None) -> None:
        self.names: list[str] = []
        self.metas: list[serde.Meta] = []
        self.also = also

    def __call__(self, event: orders.OrderPlaced, meta: serde.Meta) -> None:
        self.also(event.order_id)
        self.names.append(event.order_id)
        self.metas.append(meta)

    def has(self, *names: str) -> Callable[[], bool]:
        return lambda: sorted(self.names) == sorted(names)


class Told(Observer):
    """Keeps what it was told, by name."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def of(self, name: str) -> list[Any]:
        return [facts for each, facts in self.calls if each == name]

    def subscribed(self, bundles: Any, group: str) -> None:
        self.calls.append(("subscribed", ([bundle.event for bundle in bundles], group)))

    def handled(self, delivery: Delivery, seconds: float) -> None:
        self.calls.append(("handled", delivery.event.order_id))
        assert seconds >= 0

    def repeated(self, delivery: Delivery) -> None:
        self.calls.append(("repeated", delivery.event.order_id))

    def failed(self, record: serde.Record, error: Exception, attempt: int) -> None:
        self.calls.append(("failed", (type(error).__name__, attempt)))

    def dead_lettered(self, record: serde.Record, error: Exception) -> None:
        self.calls.append(("dead_lettered", type(error).__name__))

    def paused(self, topic: str, partition: int, error: Exception) -> None:
        self.calls.append(("paused", partition))

    def resumed(self, topic: str, partition: int) -> None:
        self.calls.append(("resumed", partition))

    def revoked(self, topic: str, partition: int) -> None:
        self.calls.append(("revoked", partition))

    def measured(self, topic: str, partition: int, lag: int, age: float) -> None:
        self.calls.append(("measured", (partition, lag, age)))
