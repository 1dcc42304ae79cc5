"""A relay under test: run in a thread, told what a broker would say, and what it published."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread

import pytest
from confluent_kafka import Consumer, TopicPartition

from registry.kafka.errors import DeliveryFailed
from registry.kafka.leaders import ask_leader
from registry.kafka.outbox import Level
from registry.kafka.outbox.relay import Relay
from registry.kafka.retry import Retry
from registry.serde import Record
from tests.kafka_clusters import DEADLINE, Cluster

QUICK = Retry(first=0.05, longest=0.2)


@contextmanager
def running(relay: Relay) -> Iterator[Thread]:
    """A relay in a thread of its own; what ends it is raised here."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            relay.run()
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        relay.stop()
        thread.join(DEADLINE)
        assert not thread.is_alive(), "the relay did not stop"
    if errors:
        raise errors[0]


def wait_for(happened: Callable[[], bool], what: str) -> None:
    """Until it is so; fails loudly where it does not come to it."""
    tick = Event()
    for _ in range(int(DEADLINE / 0.02)):
        if happened():
            return
        tick.wait(0.02)
    pytest.fail(f"waited {DEADLINE} s in vain until {what}")


def read_topic(cluster: Cluster, topic: str, partitions: int = 2) -> list[tuple[bytes | None, bytes]]:
    """Key and value of each record that is there, those of a partition in their order."""
    consumer = Consumer({**cluster.settings, "group.id": "a-reader", "auto.offset.reset": "earliest"})
    try:
        places = [TopicPartition(topic, number, 0) for number in range(partitions)]
        count = sum(ask_leader(partial(consumer.get_watermark_offsets, place, DEADLINE))[1] for place in places)
        consumer.assign(places)
        return [(message.key(), message.value() or b"") for message in consumer.consume(count, DEADLINE)]
    finally:
        consumer.close()


def of_key(found: list[tuple[bytes | None, bytes]], key: bytes) -> list[bytes]:
    return [value for each, value in found if each == key]


class Watcher:
    """Keeps what a relay told."""

    def __init__(self) -> None:
        self.levels: list[Level] = []

    def outbox(self, waiting: int, age: float, blocked: int) -> None:
        self.levels.append(Level(waiting, age, blocked))


class Stubborn:
    """A transport that refuses some values, as a broker does with records that are too large."""

    def __init__(self, *refused: bytes, reason: str = "MSG_SIZE_TOO_LARGE: too large") -> None:
        self.refused = set(refused)
        self.reason = reason
        self.arrived: list[Record] = []
        self._taken: list[Record] = []

    def send(self, record: Record) -> None:
        self._taken.append(record)

    def flush(self) -> None:
        taken, self._taken = self._taken, []
        for each in taken:
            if each.value in self.refused:
                raise DeliveryFailed(self.reason, [(each, self.reason)])
            self.arrived.append(each)

    @property
    def values(self) -> list[bytes | None]:
        return [each.value for each in self.arrived]
