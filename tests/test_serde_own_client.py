"""The loop that docs/serde.md shows for a Kafka client of one's own, against librdkafka's mock cluster."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest
from serde_orders import OrderPlaced, OrderPlacedConsumer, OrderPlacedProducer, State

from registry.serde import Meta, Receiver, Record

kafka = pytest.importorskip("confluent_kafka")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "serde.md"
TOPIC = "shop.orders"
QUIET = {"log_level": 0}
LONGEST = 30.0
"""Seconds until a loop that does not end is stopped."""


def run_page() -> dict[str, Any]:
    """What the code on the page defines. Its last line stands for a service of its own."""
    found = re.search(r"<!-- own client -->\n\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    code, line, service = found.group(1).rpartition("\n\n\nreceiver = ")
    assert line
    assert service.startswith("Receiver(Purge(), ")
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a cluster in this process."""
    host = kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", **QUIET})
    broker = next(iter(host.list_topics().brokers.values()))
    yield f"{broker.host}:{broker.port}"
    host.flush()


class Seen(logging.Handler, OrderPlacedConsumer):
    """Waits until all that is expected has come."""

    def __init__(self, *expected: object) -> None:
        logging.Handler.__init__(self)
        self.expected = list(expected)
        self.metas: dict[str, Meta] = {}
        self.stopped = Event()

    def note(self, what: object) -> None:
        self.expected.remove(what)  # raises for what comes twice, or should not come
        if not self.expected:
            self.stopped.set()

    def on_order_placed(self, event: OrderPlaced, meta: Meta) -> None:
        self.metas[event.order_id] = meta
        self.note(event.order_id)

    def on_tombstone(self, key: bytes, meta: Meta) -> None:
        self.note(key)

    def emit(self, record: logging.LogRecord) -> None:
        self.note(record.msg)


def test_the_loop_on_the_page_runs_against_a_cluster(cluster: str) -> None:
    page = run_page()
    transport = page["Kafka"]({"bootstrap.servers": cluster, **QUIET})
    producer = OrderPlacedProducer(transport, service="shop-api", active=3)
    sent = {
        key: producer.publish(OrderPlaced(order_id=key, state=State.OPEN), correlation_id="r") for key in ("a", "b")
    }
    transport.send(Record(TOPIC, b"a", bytes.fromhex("00 00000007 00")))  # nobody knows schema 7
    producer.publish(OrderPlaced(order_id="a", state=State.DONE), correlation_id="r")  # waits behind it
    transport.send(Record(TOPIC, b"b", None))
    transport.flush()

    seen = Seen("a", "b", b"b", "%s[%s] waits for newer stubs; the other partitions go on")
    receiver = Receiver(seen, service="shop-api")
    settings = {"bootstrap.servers": cluster, "group.id": "orders", "auto.offset.reset": "earliest", **QUIET}
    consumer = kafka.Consumer({**settings, "enable.auto.offset.store": False})
    logging.getLogger().addHandler(seen)
    guard = Timer(LONGEST, seen.stopped.set)
    guard.start()
    try:
        page["consume"](consumer, receiver, seen.stopped)
    finally:
        guard.cancel()
        logging.getLogger().removeHandler(seen)
        consumer.close()
    assert seen.expected == []
    for key, meta in seen.metas.items():
        assert (meta.event_id, meta.key, meta.correlation_id) == (sent[key].event_id, key.encode(), "r")
        assert (meta.topic, meta.offset) == (TOPIC, 0)
        assert meta.timestamp is not None
        assert dict(meta.headers)["ce_id"] == meta.event_id.encode()


def test_a_record_that_could_not_be_delivered_is_told_when_it_is_flushed() -> None:
    transport = run_page()["Kafka"]({"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 100, **QUIET})
    transport.send(Record(TOPIC, b"a", b"x"))
    with pytest.raises(kafka.KafkaException):
        transport.flush()
