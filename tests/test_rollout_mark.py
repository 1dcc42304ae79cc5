"""What a client had taken by a moment, while more is sent: the rest is told apart although nobody says which it is."""

from typing import Any

import serde_orders as orders

from registry.kafka.producing.mark import Mark
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.rollout.writing import Writing
from registry.serde.record import Record
from tests.kafka_clusters import Cluster
from tests.kafka_orders import wait_for


class Queue:
    """A client's: how many records it holds."""

    def __init__(self, held: int) -> None:
        self.held = held

    def __len__(self) -> int:
        return self.held


def test_a_record_that_is_stuck_is_seen_while_newer_ones_come_back() -> None:
    queue = Queue(2)
    mark = Mark(queue)
    for _ in range(1000):  # to another partition, whose leader lives
        queue.held += 1
        mark.count_sent()
        queue.held -= 1
        mark.count_back()
    queue.held -= 1
    assert not mark.look()
    queue.held += 5
    for _ in range(5):
        mark.count_sent()
    assert not mark.look()
    queue.held -= 1  # the stuck one
    assert mark.look()


def test_nothing_was_there() -> None:
    assert Mark(Queue(0)).look()


def test_a_transport_counts_only_while_somebody_asks(cluster: Cluster) -> None:
    topic = cluster.topic("shop.orders")
    cluster.create(topic)
    with KafkaTransport(cluster.settings) as transport:
        plain = transport._line.produce
        first, second = transport.mark(), transport.mark()
        assert first and second
        for _ in range(10):
            transport.send(Record(topic, b"k", b"v"))
        assert transport._line.produce != plain
        wait_for(first)
        transport.flush()
        wait_for(second)
        assert transport._line.produce == plain
        third = transport.mark()
    assert third is not None
    assert third(), "it was closed: nothing is on its way any more"


def test_old_records_that_wait_for_a_broker_hold_back_the_word_that_the_new_version_is_written(
    cluster: Cluster,
) -> None:
    topic = cluster.topic("shop.orders")
    cluster.create(topic)
    with KafkaTransport(cluster.settings) as transport:
        cluster.stop_node()
        transport.send(Record(topic, b"k", b"v1"))
        writing = Writing(orders.BUNDLE)
        serde: Any = Steered()
        writing.add(serde, transport)
        record: Any = Obeyed()
        writing.obey(record, 0.0, 0.0)
        assert [writing.look(at) for at in (0.1, 0.3, 0.6)] == [False, False, False]
        assert writing.tell() == (1, "records of v1 are still on their way")
        cluster.start_node()
        wait_for(lambda: writing.look(1.0))
        assert writing.tell() == (3, "")


class Steered:
    """A serializer that writes version 1."""

    bundle = orders.BUNDLE
    active = 1

    def __init__(self) -> None:
        self.writing: dict[type, Any] = {}

    def obey(self, active: int, writable: object, environment: str) -> None:
        self.active = active


class Obeyed:
    """A record that names version 3."""

    active, writable, environment = 3, (1, 3), "production"
