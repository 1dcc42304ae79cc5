"""Records of an order's three events, as a topic of a real Kafka may hold them, and what writes them there."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any
from uuid import UUID

from confluent_kafka import Consumer, Producer, TopicPartition

from registry.rollout.broker import Wanted
from registry.rollout.kafka.cluster import KafkaCluster
from tests.kafka_clusters import DEADLINE, Cluster

OLD_ID, NEW_ID, SIBLING_ID, FOREIGN_ID = 0x51AD0001, 0x51AD0002, 0x51AD0009, 0x7A000001
SMALL_ID = 7
"""As a registry counts them: version 3 was imported."""
GUIDS = {number: UUID(int=number) for number in (1, 2, 3)}
CRC = 0x1122334455667788
WANTED = Wanted(
    "shop.OrderPlaced",
    {OLD_ID: 1, NEW_ID: 2, SMALL_ID: 3, f"{CRC:016x}": 1, **{str(guid): number for number, guid in GUIDS.items()}},
    frozenset({SIBLING_ID}),
)

Written = tuple[str | None, bytes | None]
"""Key and value."""


def framed(number: int, body: bytes = b"body") -> bytes:
    """A value with a schema id in front."""
    return b"\x00" + number.to_bytes(4, "big") + body


OLD, NEW, SIBLING, FOREIGN = map(framed, (OLD_ID, NEW_ID, SIBLING_ID, FOREIGN_ID))


def asked(cluster: Cluster, patience: float = 5.0, **settings: object) -> KafkaCluster:
    """The cluster, as rollouts ask it."""
    return KafkaCluster({**cluster.settings, **settings}, "main", patience=patience)


def write(
    cluster: Cluster,
    topic: str,
    *values: bytes | None,
    partition: int = 0,
    key: str | None = "order-1",
    headers: Sequence[tuple[str, bytes]] = (),
) -> None:
    """Writes values one after the other, and returns when they are there."""
    producer = Producer({**cluster.settings, "enable.idempotence": True})
    for value in values:
        producer.produce(topic, value, key, partition, headers=list(headers))
    assert producer.flush(DEADLINE) == 0


def write_keyed(cluster: Cluster, topic: str, written: Iterable[Written], partition: int = 0) -> None:
    """The same, each with a key of its own."""
    producer = Producer({**cluster.settings, "enable.idempotence": True, "linger.ms": 0})
    for key, value in written:
        producer.produce(topic, value, key, partition)
    assert producer.flush(DEADLINE) == 0


@contextmanager
def transaction(cluster: Cluster, topic: str, *values: bytes, partition: int = 0, commit: bool = True) -> Any:
    """Values in a transaction that is open inside of the block, and committed or aborted after it."""
    producer = start_transaction(cluster, f"{topic}.writer", topic, *values, partition=partition)
    try:
        yield
    finally:
        before = asked(cluster).read_partitions(topic)[partition].high
        if commit:
            producer.commit_transaction(DEADLINE)
        else:
            producer.abort_transaction(DEADLINE)
        if cluster.real:  # the broker answers when it has decided, and writes the marker afterwards
            deadline = monotonic() + DEADLINE
            while asked(cluster).read_partitions(topic)[partition].high == before:
                assert monotonic() < deadline


def start_transaction(cluster: Cluster, name: str, topic: str, *values: bytes, partition: int = 0) -> Producer:
    """A producer in the middle of a transaction; its records are there."""
    producer = Producer({**cluster.settings, "transactional.id": name})
    producer.init_transactions(DEADLINE)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, "order-1", partition)
    assert producer.flush(DEADLINE) == 0
    return producer


def transact(cluster: Cluster, topic: str, *values: bytes, partition: int = 0, commit: bool = True) -> None:
    """A transaction from its begin to its end."""
    with transaction(cluster, topic, *values, partition=partition, commit=commit):
        pass


def commit(cluster: Cluster, group: str, topic: str, offsets: Mapping[int, int]) -> None:
    """What a group has committed, without members."""
    consumer = Consumer({**cluster.settings, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, *each) for each in offsets.items()], asynchronous=False)
    consumer.close()
