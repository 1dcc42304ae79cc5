"""The base of generated consumers whose handlers are coroutines."""

from abc import ABC, abstractmethod

from registry.serde.bundle import Bundle
from registry.serde.meta import Meta


class AsyncConsumer(ABC):
    """As :class:`registry.serde.consumer.Consumer`, for a service that runs on asyncio: each handler is awaited."""

    @classmethod
    @abstractmethod
    def bundle(cls) -> Bundle:
        """The contract, as generated."""

    async def on_tombstone(self, key: bytes, meta: Meta) -> None:  # noqa: B027  # few topics have any: not abstract
        """What ``key`` stood for was deleted from a compacted topic. Does nothing unless overridden."""
