"""`python -m content_api BROKER INSTANCE BUILD`: each line that comes in is an article that an editor publishes."""

import dataclasses
import logging
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from content_api_events import ContentPublished, ContentPublishedProducer
from content_api_events.content_published import Article, Author, Visibility

from registry.kafka import KafkaTransport, Observer, Rollouts
from registry.serde import Record, correlation

EDITOR = Author(author_id=UUID("6f1c2a52-7d0a-4f5e-9b57-0d8f5a1c9e11"), display_name="Ines Duarte")


class Arrivals(Observer):
    """Says which version the broker was given."""

    successes = True

    def sent(self, record: Record, error: str | None) -> None:
        """After the broker's answer."""
        version = dict(record.headers)["ce_schemaversion"]
        print(f"v{(version or b'').decode()} is written" if error is None else error, flush=True)


def make_article(title: str) -> ContentPublished:
    """The event as this build knows it. A real service is changed with each version; one file has to do for three."""
    known = {field.name for field in dataclasses.fields(ContentPublished)}
    slug = title.lower().replace(" ", "-")
    fields: dict[str, Any] = {"subtitle": "And how", "url_slug": slug, "slug": slug}
    return ContentPublished(
        content_id=slug,
        revision=1,
        title=title,
        locale="en-GB",
        author=EDITOR,
        body=Article(markdown="Text.", word_count=1),
        visibility=getattr(Visibility, "SUBSCRIBERS", None) or Visibility.MEMBERS,
        published_at=datetime.now(UTC),
        **{name: value for name, value in fields.items() if name in known},
    )


def main() -> None:
    """The one writer. Which version it writes is not its business: the rollout says so."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    broker, instance, build = sys.argv[1:]
    settings = {"bootstrap.servers": broker}
    with (
        Rollouts(settings, service="content-api", instance=instance, build=build, period=1.0) as rollouts,
        KafkaTransport(settings, observers=[Arrivals()]) as transport,
    ):
        producer = ContentPublishedProducer(transport, service="content-api", rollouts=rollouts)
        print("ready", flush=True)
        for line in sys.stdin:
            with correlation(str(uuid4())):
                producer.publish(make_article(line.strip()))
            transport.flush()


if __name__ == "__main__":
    main()
