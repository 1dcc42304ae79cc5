"""The heartbeat: what one instance of a service can read and write, what it obeys, and what it still holds."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from registry.frozen import dataclass, field

HEARTBEAT_TOPIC: Final = "_contracts.heartbeat"
"""Compacted and expiring, with the broker's time (``message.timestamp.type=LogAppendTime``), so that one clock tells
all ages. The key is ``<environment>/<service>/<instance>``; a tombstone says that the instance has left."""


@dataclass(frozen=True, slots=True)
class Converted:
    """How often events of one version were read as another, since the instance started."""

    writer: int
    reader: int
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Capability:
    """What an instance says of one contract."""

    reads: tuple[int, ...] = ()
    """Versions that its stubs read; empty where it reads none of this contract."""
    served: tuple[int, ...] = ()
    """Further versions that it reads with the texts that the control record carries."""
    writes: tuple[int, ...] = ()
    """Versions that its stubs write."""
    active: int = 0
    """The version that it writes now; 0 where it writes none."""
    epoch: int = 0
    """Of the control record that it obeys; 0 for none."""
    prepared: bool = False
    """Whether that record only prepares a version."""
    waiting: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """Rows in its outbox by the version they were written with."""
    waiting_age: float = 0.0
    """Seconds since the oldest of them was written."""
    outbox: str = ""
    """Why nobody knows what waits there: the database does not answer. Empty where :attr:`waiting` is known."""
    converted: tuple[Converted, ...] = ()
    trouble: str = ""
    """Why it does not do what the control record asks: ``cannot write v2``; empty where it does."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last word of one instance."""

    environment: str
    service: str
    instance: str
    build: str
    groups: tuple[str, ...]
    """Consumer groups that it is a member of."""
    started_at: datetime
    """By its own clock."""
    observed_at: datetime
    """By the broker's clock; of a heartbeat that is not sent yet its own."""
    period: float
    """Seconds until its next one."""
    contracts: Mapping[str, Capability]
    """By the full name of the event."""

    @property
    def key(self) -> str:
        """The key of its record."""
        return f"{self.environment}/{self.service}/{self.instance}"
