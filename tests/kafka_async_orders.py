"""Orders on a cluster, handled in an event loop: what tests of asynchronous subscriptions share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import serde_orders as orders

from registry import serde
from registry.kafka.consuming.async_subscription import AsyncSubscription
from tests.kafka_clusters import DEADLINE
from tests.kafka_orders import MOCK, Orders

Handler = Callable[[orders.OrderPlaced, serde.Meta], Awaitable[object]]


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs a test's coroutine, which fails where it hangs."""
    asyncio.run(asyncio.wait_for(main, 2 * DEADLINE))


async def settle(until: Callable[[], bool]) -> None:
    """Waits for what another task, a thread or the cluster does."""
    async with asyncio.timeout(DEADLINE):
        while not until():
            await asyncio.sleep(0.005)


def consume(shop: Orders, handler: Handler) -> serde.AsyncConsumer:
    """Awaits a function for each order of a shop."""
    bundle = shop.bundle

    class Handling(orders.OrderPlacedAsyncConsumer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return bundle

        async def on_order_placed(self, event: orders.OrderPlaced, meta: serde.Meta) -> None:
            await handler(event, meta)

    return Handling()


def subscribe(shop: Orders, handler: Handler, **options: Any) -> AsyncSubscription:
    """A subscription of the shop's group; ``settings`` are added to the cluster's."""
    settings = {**shop.cluster.settings, **({} if shop.cluster.real else MOCK), **options.pop("settings", {})}
    consumer = options.pop("consumer", None) or consume(shop, handler)
    given = {"group": shop.group, "service": "shop-api", "dead_letter_topic": shop.letters, **options}
    return AsyncSubscription(settings, consumer, **given)


@asynccontextmanager
async def running(*subscriptions: AsyncSubscription) -> AsyncIterator[None]:
    """They run until the end of the block, and stop; what they raise is raised here."""
    async with asyncio.TaskGroup() as tasks:
        for subscription in subscriptions:
            tasks.create_task(subscription.run())
        try:
            yield
        finally:
            for subscription in subscriptions:
                subscription.stop()


async def handle_until(subscription: AsyncSubscription, until: Callable[[], bool]) -> None:
    """Runs one until something is true."""
    async with running(subscription):
        await settle(until)


class Seen:
    """A handler that keeps what it was given."""

    def __init__(self) -> None:
        self.events: list[tuple[str, serde.Meta]] = []

    async def __call__(self, event: orders.OrderPlaced, meta: serde.Meta) -> None:
        self.events.append((event.order_id, meta))

    @property
    def names(self) -> list[str]:
        """The orders, as they came."""
        return [name for name, _ in self.events]
