"""`python -m content_api BROKER FOLDER`: each line that comes in is an article that an editor publishes."""

import logging
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from uuid import UUID

from registry.kafka import KafkaTransport, Relay, SqliteOutbox, using
from registry.serde import correlation

from .events import ContentPublished, ContentPublishedProducer
from .events.content_published import Article, Author, Visibility

EDITOR = Author(author_id=UUID("6f1c2a52-7d0a-4f5e-9b57-0d8f5a1c9e11"), display_name="Ines Duarte")


class Articles:
    """The table of articles, with the outbox beside it in the same database."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)
        self._database.execute("CREATE TABLE IF NOT EXISTS articles (content_id TEXT PRIMARY KEY, title TEXT)")
        outbox = SqliteOutbox(path)
        outbox.create()
        self._producer = ContentPublishedProducer(outbox, service="content-api", active=3)

    def publish(self, content_id: str, title: str) -> None:
        """The row and the event: both are there afterwards, or neither is."""
        with self._database, using(self._database):
            self._database.execute("INSERT OR REPLACE INTO articles VALUES (?, ?)", (content_id, title))
            self._producer.publish(
                ContentPublished(
                    content_id=content_id,
                    revision=1,
                    slug=title.lower().replace(" ", "-"),
                    title=title,
                    locale="en-GB",
                    author=EDITOR,
                    body=Article(markdown="Text.", word_count=1),
                    visibility=Visibility.PUBLIC,
                    published_at=datetime.now(UTC),
                )
            )


def main() -> None:
    """A relay sends what is in the outbox, while articles come in."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    broker, folder = sys.argv[1], Path(sys.argv[2])
    path = folder / "content.db"
    articles = Articles(path)
    with KafkaTransport({"bootstrap.servers": broker}, gapless=True) as transport:
        relay = Relay(SqliteOutbox(path), transport)
        running = Thread(target=relay.run)
        running.start()
        print("ready", flush=True)
        for line in sys.stdin:
            request, content_id, title = line.rstrip("\n").split("\t")
            with correlation(request):
                articles.publish(content_id, title)
            print(f"{content_id}: the article and its event are committed", flush=True)
        relay.stop()
        running.join()


if __name__ == "__main__":
    main()
