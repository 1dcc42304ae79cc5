"""Events that are published with a database transaction, or not at all.

An outbox is a transport whose ``send`` writes a row, in the transaction that the caller's own writes belong to. A
:class:`registry.kafka.Relay` takes the rows to Kafka, in order, and deletes those that arrived.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from registry.frozen import dataclass
from registry.kafka.errors import MessagingError
from registry.serde.record import Record

TABLE = "contracts_outbox"
"""The table's name, unless another one is given."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record that waits to be published."""

    id: int
    """Ids grow, and are used once. They may become visible out of order, as transactions commit."""
    record: Record
    contract: str
    """The event's full name, as ``ce_type`` says; empty where the record has no such header."""
    version: int
    """The version it was written with, as ``ce_schemaversion`` says; 0 where the record has no such header."""
    created_at: datetime
    attempts: int = 0
    """How often it was refused by itself. That the broker was gone does not count."""
    error: str = ""
    """Why it was refused the last time."""
    retry_at: datetime | None = None
    """Until then its key waits."""
    damage: str = ""
    """Why its record cannot be told from the row any more: it is never sent as it stands here."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much of one version of one event waits: what a rollout asks before the version is retired."""

    contract: str
    version: int
    count: int
    age: float
    """Seconds since the oldest was written, by the database's clock."""


@dataclass(frozen=True, slots=True)
class Level:
    """How full an outbox is."""

    waiting: int
    """Rows."""
    age: float
    """Seconds since the oldest was written; 0.0 where there is none."""
    blocked: int
    """Rows that did not arrive at the last attempt: each holds back its key."""


class OutboxUnavailable(MessagingError):
    """The database of an outbox does not answer or may only be read, or a relay lost its lock with its session.

    Rows stay as they are.
    """


class MissingTable(MessagingError):
    """The table of an outbox is not there."""


class Queue(Protocol):
    """The rows of an outbox in the hands of one relay: a session with the database. Used by one thread.

    All of it raises :class:`OutboxUnavailable` when the session ended or the lock was lost.
    """

    @property
    def name(self) -> str:
        """The table, for messages."""

    def lead(self) -> bool:
        """Takes the lock that one relay at a time holds, until :meth:`close`; false while another one holds it."""

    def check(self) -> None:
        """Raises where the lock is no longer held."""

    def read(self, limit: int) -> list[Row]:
        """The oldest rows that may be published now, by id: without the keys that wait for a row before them."""

    def delete(self, ids: Sequence[int]) -> None:
        """Forgets rows that arrived."""

    def postpone(self, ids: Sequence[int], error: str, seconds: float, attempts: int) -> None:
        """Notes why rows did not arrive; they and their keys wait for so many seconds. ``attempts`` is added."""

    def measure(self) -> Level:
        """How full the outbox is."""

    def close(self) -> None:
        """Gives the lock back. Raises nothing."""


class Outbox(Protocol):
    """What a relay needs of an outbox."""

    def open(self) -> Queue:
        """A session of its own, without the lock."""
