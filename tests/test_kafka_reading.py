"""From the client's messages to records, as a broker gives them."""

from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from registry.kafka.consuming.reading import read_message
from registry.serde import Record
from tests.kafka_clusters import DEADLINE, Cluster

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
FULL = [("ce_id", b"1"), ("empty", b""), ("none", None), ("ce_id", b"2")]


def send_and_read(cluster: Cluster, topic: str, *records: dict[str, Any]) -> list[Record]:
    producer = Producer(cluster.settings)
    for each in records:
        producer.produce(topic, partition=1, **each)
    assert producer.flush(DEADLINE) == 0
    consumer = Consumer({**cluster.settings, "group.id": "reading", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(topic, 1, 0)])
        messages = consumer.consume(len(records), DEADLINE)
        assert [message.error() for message in messages] == [None] * len(records)
        return [read_message(message) for message in messages]
    finally:
        consumer.close()


def test_a_record_is_read_as_it_was_sent(cluster: Cluster) -> None:
    topic = cluster.topic("reading")
    cluster.create(topic)
    time = int(MOMENT.timestamp() * 1000)
    full, bare, tombstone = send_and_read(
        cluster,
        topic,
        {"key": b"k", "value": b"v", "headers": FULL, "timestamp": time},
        {"value": b"", "timestamp": time},
        {"key": b"k", "timestamp": time},
    )
    assert full == Record(topic, b"k", b"v", tuple(FULL), 1, 0, MOMENT)
    assert bare == Record(topic, None, b"", (), 1, 1, MOMENT)
    assert tombstone == Record(topic, b"k", None, (), 1, 2, MOMENT)


def test_a_time_that_no_datetime_can_hold_is_none_and_the_record_is_read(cluster: Cluster) -> None:
    topic = cluster.topic("reading")
    cluster.create(topic)
    # A real broker refuses what is more than an hour ahead of it; long ago is fine with it.
    time = 1 if cluster.real else 2**60
    (read,) = send_and_read(cluster, topic, {"key": b"k", "value": b"v", "timestamp": time})
    assert read.timestamp == (datetime(1970, 1, 1, 0, 0, 0, 1000, UTC) if cluster.real else None)
    assert read.value == b"v"
