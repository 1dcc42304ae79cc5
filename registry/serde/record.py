"""One record of a topic: what a producer hands to a transport or an outbox, and what a consumer is given."""

from datetime import datetime
from typing import TYPE_CHECKING

from registry.frozen import dataclass
from registry.serde.moment import show_moment


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

    if TYPE_CHECKING:

        @property
        def _timestamp(self) -> datetime | int | None:
            """The same as it came in."""


class _Draft:
    """A record in the making: it has the same slots, and its attributes can be set."""

    __slots__ = ("headers", "key", "offset", "partition", "timestamp", "topic", "value")
    if TYPE_CHECKING:
        topic: str
        key: bytes | None
        value: bytes | None
        headers: tuple[tuple[str, bytes | None], ...]
        partition: int
        offset: int
        timestamp: datetime | int | None


def make_record(
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: tuple[tuple[str, bytes | None], ...],
    partition: int = -1,
    offset: int = -1,
    sent: int | None = None,
) -> Record:
    """The same as ``Record(…)``, in a third of the time; ``sent`` is the timestamp in milliseconds since 1970.

    A class that refuses to be set must go around itself for each of its attributes. Here they are set first, and then
    the class is.
    """
    draft = _Draft()
    draft.topic = topic
    draft.key = key
    draft.value = value
    draft.headers = headers
    draft.partition = partition
    draft.offset = offset
    draft.timestamp = sent
    draft.__class__ = Record  # type: ignore[assignment]  # both have the same slots and nothing else
    return draft  # type: ignore[return-value]  # it is one by now


if not TYPE_CHECKING:
    show_moment(Record, "timestamp", 1000)
