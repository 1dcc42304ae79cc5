"""What a topic of a test holds, and a mock that answers with errors."""

import ctypes
import sys
from collections.abc import Mapping
from time import monotonic
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from registry.brokers import mock
from registry.kafka.consuming.reading import read_message
from registry.serde.record import Record
from tests.kafka_clusters import DEADLINE, Cluster

QUICK: Mapping[str, object] = {"linger.ms": 0, "retry.backoff.ms": 20}
NOWHERE: Mapping[str, object] = {**QUICK, "bootstrap.servers": "127.0.0.1:1", "log_level": 0}
"""A broker that is gone for good: nobody listens there."""
TOO_LARGE = 10
_PRODUCE = 0


def read(cluster: Cluster, topic: str) -> list[Record]:
    """All that the topic holds, partition by partition."""
    consumer = Consumer({**cluster.settings, "group.id": "reader", "enable.partition.eof": True})
    partitions = consumer.list_topics(topic, timeout=DEADLINE).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    found: list[Record] = []
    ended: set[int | None] = set()
    end = monotonic() + DEADLINE
    while len(ended) < len(partitions):
        assert monotonic() < end, f"{topic} was not read to its end: {len(found)} records"
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            ended.add(message.partition())
            continue
        found.append(read_message(message))
    consumer.close()
    return sorted(found, key=lambda record: (record.partition, record.offset))


def values(cluster: Cluster, topic: str) -> list[bytes | None]:
    return [record.value for record in read(cluster, topic)]


def make_topic(cluster: Cluster, partitions: int = 1) -> str:
    topic = cluster.topic("events")
    cluster.create(topic, partitions=partitions)
    return topic


def refuse_next(cluster: Cluster, code: int, times: int) -> None:
    """Lets the mock answer the next produce requests with an error of Kafka's protocol."""
    broker: Any = cluster._broker
    push = ctypes.CDLL(str(sys.modules["confluent_kafka.cimpl"].__file__)).rd_kafka_mock_push_request_errors_array
    push.argtypes = [ctypes.c_void_p, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)]
    push.restype = None
    assert isinstance(broker, mock.MockCluster)
    push(broker._cluster, _PRODUCE, times, (ctypes.c_int * times)(*[code] * times))


def only_mock(cluster: Cluster) -> None:
    if cluster.real:
        pytest.skip("the mock alone answers with errors on demand")
