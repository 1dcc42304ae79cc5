"""Topics read from one end to the other, once: for looking at, not for handling."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from registry.kafka.consuming.polling import explain
from registry.kafka.consuming.reading import place_of, read_message
from registry.kafka.errors import MessagingError
from registry.kafka.leaders import ask_leader
from registry.kafka.settings import start_consumer
from registry.serde.record import Record

if TYPE_CHECKING:
    from confluent_kafka import Consumer

_FIRST_ANSWER: Final = 5.0
"""Seconds to wait for what the cluster says of its topics, which it knows at once: a wrong address is told soon."""
_PATIENCE: Final = 15.0
"""Seconds to wait for what lies in the topics."""
_BATCH: Final = 500


def read_topics(
    settings: Mapping[str, object], topics: Iterable[str], since: datetime | None = None
) -> Iterator[Record]:
    """All records that lie in the topics now, those of one partition in order; ``since`` a time, or from the beginning.

    No consumer group is joined and no offset is committed. Raises :class:`MessagingError` where the cluster does not
    answer, and for a topic that does not exist.
    """
    consumer = _open(settings)
    try:
        ends = dict(_find_ends(consumer, sorted(set(topics)), since))
        if ends:
            yield from _read(consumer, ends)
    finally:
        consumer.close()


def find_topics(settings: Mapping[str, object]) -> frozenset[str]:
    """The names of all topics of a cluster. Raises :class:`MessagingError` where it does not answer."""
    consumer = _open(settings)
    try:
        return frozenset(_ask(consumer).topics)
    finally:
        consumer.close()


def _open(settings: Mapping[str, object]) -> "Consumer":
    asked = {
        "log_level": 0,
        **settings,
        "group.id": "contracts-scan",  # asked for by the client; nobody joins it
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
    }
    return start_consumer(asked)


def _ask(consumer: "Consumer", topic: str | None = None) -> Any:
    """What the cluster says of its topics, or of one."""
    from confluent_kafka import KafkaException

    try:
        return consumer.list_topics(topic, timeout=_FIRST_ANSWER)
    except KafkaException as error:
        raise MessagingError(f"the cluster does not answer: {explain(error)}", "is it the right address?") from None


def _find_ends(
    consumer: "Consumer", topics: list[str], since: datetime | None
) -> Iterator[tuple[tuple[str, int], tuple[int, int]]]:
    """Of each partition that holds something: where to begin, and where it ends now."""
    from confluent_kafka import KafkaException, TopicPartition

    try:
        for topic in topics:
            found = _ask(consumer, topic).topics[topic]
            if found.error is not None:
                fact = f"the topic {topic} cannot be read: {found.error.str()}"
                raise MessagingError(fact, "is it the right name, and the right cluster?")
            for number in sorted(found.partitions):
                place = TopicPartition(topic, number)
                low, high = ask_leader(partial(consumer.get_watermark_offsets, place, _PATIENCE))
                start = low
                if since is not None:
                    asked = TopicPartition(topic, number, int(since.timestamp() * 1000))
                    (answer,) = ask_leader(partial(consumer.offsets_for_times, [asked], _PATIENCE))
                    start = high if answer.offset < 0 else answer.offset
                if start < high:
                    yield (topic, number), (start, high)
    except KafkaException as error:
        raise MessagingError(f"the ends of {topic} cannot be found: {explain(error)}") from None


def _read(consumer: "Consumer", ends: dict[tuple[str, int], tuple[int, int]]) -> Iterator[Record]:
    from confluent_kafka import KafkaError, TopicPartition

    consumer.assign([TopicPartition(*place, start) for place, (start, _) in ends.items()])
    open_places = set(ends)
    while open_places:
        first = consumer.poll(_PATIENCE)
        if first is None:
            where = ", ".join(map(_render_place, sorted(open_places)))
            raise MessagingError(f"nothing came within {_PATIENCE:.0f} s of {where}")
        # What is there already; with a timeout it would wait for a whole batch.
        for message in (first, *consumer.consume(_BATCH, 0)):
            failure, place = message.error(), place_of(message)
            if failure is not None:
                if failure.code() != KafkaError._PARTITION_EOF:
                    raise MessagingError(f"{_render_place(place)} cannot be read: {failure.str()}")
                open_places.discard(place)
                continue
            record = read_message(message)
            if record.offset < ends[place][1]:
                yield record
            if record.offset >= ends[place][1] - 1:
                open_places.discard(place)


def _render_place(place: tuple[str, int]) -> str:
    topic, partition = place
    return f"{topic}[{partition}]"
