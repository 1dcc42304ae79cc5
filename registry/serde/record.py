"""One record of a topic: what a producer hands to a transport or an outbox, and what a consumer is given."""

from datetime import datetime

from registry.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """Bytes with their address. Where it stood is known of records that were read, and not of those to be sent."""

    topic: str
    key: bytes | None
    value: bytes | None
    """``None`` is a tombstone: it deletes what the key stood for, and has no version."""
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int = -1
    offset: int = -1
    timestamp: datetime | None = None
