"""The base of generated producers for asyncio."""

from datetime import datetime
from typing import TypeVar

from registry.serde.event_writer import EventWriter
from registry.serde.meta import Meta
from registry.serde.transport import AsyncTransport

_E = TypeVar("_E")


class AsyncProducer(EventWriter[_E, AsyncTransport]):
    """As :class:`registry.serde.producer.Producer`, for a service that runs on asyncio: ``publish`` is awaited.

    Its arguments, and what it raises, are those of :class:`registry.serde.event_writer.EventWriter`.
    """

    async def publish(
        self,
        event: _E,
        *,
        correlation_id: str | None = None,
        causation_id: str | None = None,
        event_id: str | None = None,
        occurred_at: datetime | None = None,
    ) -> Meta:
        """Hands the event to the transport, and tells the envelope it got.

        What is not given is taken from the record being handled, or made. Raises
        :class:`registry.serde.errors.MissingCorrelation` where there is no correlation id to take, and
        :class:`registry.serde.errors.EncodeError` for a value that the schema does not allow; then nothing is sent.
        """
        record, meta = self._write(event, correlation_id, causation_id, event_id, occurred_at)
        await self._transport.send(record)
        return meta
