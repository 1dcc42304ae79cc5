"""What was published makes pages stale: one event follows from another."""

from registry.serde import Meta, Transport

from .events import CacheInvalidated, CacheInvalidatedProducer, ContentPublished, ContentPublishedConsumer
from .events.cache_invalidated import InvalidationScope, SourceEvent


class Pages(ContentPublishedConsumer):
    """Takes ContentPublished as the newest version, whichever was written, and publishes CacheInvalidated."""

    def __init__(self, transport: Transport) -> None:
        self._producer = CacheInvalidatedProducer(transport, service="edge-cache")
        self.seen: list[tuple[int, ContentPublished]] = []
        """Each event with the version that it was written with."""

    def on_content_published(self, event: ContentPublished, meta: Meta) -> None:
        """The correlation id goes on by itself: what is published here belongs to what is handled here."""
        assert meta.occurred_at is not None
        self.seen.append((meta.version, event))
        self._producer.publish(
            CacheInvalidated(
                page_key=f"content/{event.content_id}",
                scope=InvalidationScope.PAGE,
                paths=[f"/{event.locale}/{event.slug}"],
                source=SourceEvent(event=meta.contract, key=event.content_id, occurred_at=meta.occurred_at),
            )
        )
