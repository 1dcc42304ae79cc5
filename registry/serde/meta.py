"""What is known of an event beside its own fields."""

from collections.abc import Sequence
from datetime import datetime


class Meta:
    """The envelope of one event, and where its record stood.

    The decoder sets what it finds; the rest keeps the values below (so no constructor runs for each event).
    """

    correlation_id: str = ""
    """The request or job that the event belongs to, from end to end."""
    schema_version: int = 0
    """The version that it was written with, as the payload says."""
    event_id: str = ""
    """The id of this one event; equal ids mean the same event, delivered again."""
    occurred_at: datetime | None = None
    """When it happened, by the writer's clock."""
    causation_id: str | None = None
    """The event that led to this one."""

    contract: str = ""
    """The full name of the event."""
    version: int = 0
    """The version that it was written with, as the schema id says."""
    topic: str = ""
    partition: int = -1
    offset: int = -1
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: datetime | None = None
    """The record's own time, which the broker or the producer's client set."""
    message: object = None
    """Protobuf: protoc's own message, with unknown fields and extensions."""

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"Meta({facts})"


ROLES = ("correlation_id", "schema_version", "event_id", "occurred_at", "causation_id")
"""The attributes above that travel in the payload; :attr:`registry.serde.shape.Shape.envelope` says where."""
