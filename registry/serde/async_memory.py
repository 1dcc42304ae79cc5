"""Topics in memory for a service that runs on asyncio: its generated stubs run in a test, without a broker.

.. code-block:: python

    transport = AsyncInMemory()
    transport.subscribe(PagePurger(cache), service="edge-cache")
    with correlation("request-1"):
        await ContentPublishedAsyncProducer(transport, service="content-api").publish(event)
    await transport.deliver()
"""

from registry.serde.async_consumer import AsyncConsumer
from registry.serde.fallback import Fallback
from registry.serde.memory import LIMIT, InMemory, Subscription, Unknown
from registry.serde.record import Record


class AsyncInMemory:
    """As :class:`registry.serde.memory.InMemory`, whose producers and handlers are awaited.

    ``memory`` holds the topics: services of both kinds may share them, and :meth:`deliver` hands out to both.
    """

    def __init__(self, memory: InMemory | None = None) -> None:
        self.memory = InMemory() if memory is None else memory

    async def send(self, record: Record) -> None:
        """As :meth:`InMemory.send`."""
        self.memory.send(record)

    async def flush(self) -> None:
        """Does nothing: what was sent is there."""

    def records(self, topic: str) -> tuple[Record, ...]:
        """All records of a topic, in the order they were sent."""
        return self.memory.records(topic)

    def subscribe(
        self,
        *consumers: AsyncConsumer,
        service: str | None = None,
        fallback: Fallback | None = None,
        unknown: Unknown = "raise",
    ) -> Subscription:
        """As :meth:`InMemory.subscribe`."""
        return self.memory.subscribe(*consumers, service=service, fallback=fallback, unknown=unknown)

    async def deliver(self, limit: int = LIMIT) -> int:
        """As :meth:`InMemory.deliver`: one handler after the other is awaited, in the order of sending."""
        return await self.memory.deliver_async(limit)
