"""What a producer needs of whatever carries its records; the same few names for Kafka, for memory, for an outbox."""

from typing import Protocol

from registry.serde.record import Record


class Transport(Protocol):
    """Takes records to their topics, those of one key in order."""

    def send(self, record: Record) -> None:
        """Takes a record; it may be on its way when this returns. Raises where it cannot be taken."""

    def flush(self) -> None:
        """Waits until all that was taken has arrived. Raises where something did not."""


class AsyncTransport(Protocol):
    """The same for a service that runs on asyncio."""

    async def send(self, record: Record) -> None:
        """Takes a record, and waits until it has arrived. Raises where it did not."""

    async def flush(self) -> None:
        """Waits until all that was taken has arrived."""
