"""An editor presses "publish"."""

from datetime import UTC, datetime
from uuid import UUID

from registry.serde import Meta, Transport

from .events import ContentPublished, ContentPublishedProducer
from .events.content_published import Article, Author, RelatedContent, Visibility

EDITOR = Author(author_id=UUID("6f1c2a52-7d0a-4f5e-9b57-0d8f5a1c9e11"), display_name="Ines Duarte")


class Publishing:
    """Publishes articles. Version ``active`` of the contract is written; the code always makes the newest."""

    def __init__(self, transport: Transport, active: int) -> None:
        self._producer = ContentPublishedProducer(transport, service="content-api", active=active)

    def activate(self, version: int) -> None:
        """The moment that a rollout is about: from now on another version is written."""
        self._producer.activate(version)

    def publish(self, content_id: str, title: str, text: str, tags: tuple[str, ...] = ()) -> Meta:
        """The article is visible now. No envelope is filled in here: that is the producer's work."""
        return self._producer.publish(
            ContentPublished(
                content_id=content_id,
                revision=1,
                slug=title.lower().replace(" ", "-"),
                title=title,
                locale="en-GB",
                author=EDITOR,
                body=Article(markdown=text, word_count=len(text.split())),
                visibility=Visibility.PUBLIC,
                tags=tags,
                related=[RelatedContent(content_id="item-0", relation="see-also")],
                published_at=datetime.now(UTC),
            )
        )
