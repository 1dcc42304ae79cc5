"""The base of generated producers."""

from datetime import datetime
from typing import TypeVar

from registry.serde.event_writer import EventWriter
from registry.serde.meta import Meta
from registry.serde.transport import Transport

_E = TypeVar("_E")


class Producer(EventWriter[_E, Transport]):
    """Publishes one event, for the one service that owns it. May be shared by threads if its transport may.

    Its arguments, and what it raises, are those of :class:`registry.serde.event_writer.EventWriter`.
    """

    def publish(
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
        self._transport.send(record)
        return meta
