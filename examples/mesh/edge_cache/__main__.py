"""`python -m edge_cache BROKER FOLDER`: one event follows from another, each exactly once."""

import logging
import signal
import sys
from pathlib import Path
from threading import Thread

from registry.kafka import KafkaTransport, Relay, SqliteInbox, SqliteOutbox, Subscription, current_connection
from registry.serde import Meta, Transport

from .events import CacheInvalidated, CacheInvalidatedProducer, ContentPublished, ContentPublishedConsumer
from .events.cache_invalidated import InvalidationScope, SourceEvent


class Pages(ContentPublishedConsumer):
    """Forgets the page of what was published, and tells that it did."""

    def __init__(self, outbox: Transport) -> None:
        self._producer = CacheInvalidatedProducer(outbox, service="edge-cache")

    def on_content_published(self, event: ContentPublished, meta: Meta) -> None:
        """One transaction, which the inbox began: the page, the derived event, and that this one was handled."""
        assert meta.occurred_at is not None
        database = current_connection()
        database.execute("CREATE TABLE IF NOT EXISTS forgotten (path TEXT)")
        database.execute("INSERT INTO forgotten VALUES (?)", (path := f"/{event.locale}/{event.slug}",))
        self._producer.publish(
            CacheInvalidated(
                page_key=f"content/{event.content_id}",
                scope=InvalidationScope.PAGE,
                paths=[path],
                source=SourceEvent(event=meta.contract, key=event.content_id, occurred_at=meta.occurred_at),
            )
        )
        (count,) = database.execute("SELECT count(*) FROM forgotten WHERE path = ?", (path,)).fetchone()
        print(f"forgot {path}, {count} time{'s' * (count != 1)} in all", flush=True)


def main() -> None:
    """A subscription handles what comes; a relay sends what follows from it."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    broker, folder = {"bootstrap.servers": sys.argv[1]}, Path(sys.argv[2])
    # How soon a member that was killed is missed: within a story nobody waits for the usual 45 seconds.
    member = broker | {"session.timeout.ms": 2_000, "heartbeat.interval.ms": 500}
    path = folder / "edge.db"
    outbox = SqliteOutbox(path)
    outbox.create()
    with KafkaTransport(broker, gapless=True) as transport:
        relay = Relay(outbox, transport)
        running = Thread(target=relay.run)
        running.start()
        with Subscription(member, Pages(outbox), group="edge-cache-eu", inbox=SqliteInbox(path)) as subscription:
            print("ready", flush=True)
            subscription.run(signals=[signal.SIGTERM])
        relay.stop()
        running.join()


if __name__ == "__main__":
    main()
