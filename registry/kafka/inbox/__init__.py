"""Idempotence: which events a service has handled, so that one that comes again is passed over."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol

from registry.frozen import dataclass


@dataclass(frozen=True, slots=True)
class EventKey:
    """What makes two deliveries the same event, for one consumer group."""

    group: str
    """Who handles it: two groups handle the same event each once, also those of one service with one inbox."""
    contract: str
    event_id: str
    """``ce_id``; where there is none ``topic[partition]@offset``, which tells redeliveries but not repeated sends."""


class Inbox(Protocol):
    """Remembers events. ``once`` surrounds a handler: what it wrote and that it was handled are committed together."""

    def once(self, key: EventKey) -> AbstractContextManager[bool]:
        """``with inbox.once(key) as new:`` ``new`` is false where the event was handled before.

        On leaving, the event counts as handled; when the block raises, it does not, and what the block wrote through
        :func:`registry.kafka.current_connection` is rolled back.
        """


class AsyncInbox(Protocol):
    """The same for a service that runs on asyncio."""

    def once(self, key: EventKey) -> AbstractAsyncContextManager[bool]:
        """As :meth:`Inbox.once`."""
