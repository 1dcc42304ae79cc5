"""The transport: what it takes arrives in order, or comes back as a failure; never neither."""

import logging
from collections import deque
from datetime import UTC, datetime
from threading import Barrier, Event, Thread
from time import monotonic
from typing import Any

import pytest

from registry.kafka.errors import DeliveryFailed, QueueFull, Unpublishable
from registry.kafka.observer import Observer
from registry.kafka.producing.transport import KafkaTransport
from registry.serde import correlation
from registry.serde.record import Record
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_topics import NOWHERE, QUICK, TOO_LARGE, make_topic, only_mock, read, refuse_next, values
from tests.serde_orders import OrderPlaced, OrderPlacedProducer, State


class Told(Observer):
    """Observes what arrived and what did not."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes | None, str | None]] = []

    def sent(self, record: Record, error: str | None) -> None:
        self.seen.append((record.value, error and error.partition(":")[0]))


# What arrives


def test_a_record_arrives_as_it_was_sent(cluster: Cluster) -> None:
    topic = make_topic(cluster, 2)
    moment = datetime(2026, 3, 1, 12, 30, 15, 123000, tzinfo=UTC)
    headers = (("ce_id", b"1"), ("empty", b""), ("none", None), ("ce_id", b"again"))
    with KafkaTransport(cluster.settings) as transport:
        transport.send(Record(topic, b"k", b"\x00v", headers, partition=1, timestamp=moment))
    assert read(cluster, topic) == [Record(topic, b"k", b"\x00v", headers, 1, 0, moment)]


def test_a_tombstone_keeps_its_key_and_has_no_value(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    with KafkaTransport(cluster.settings) as transport:
        transport.send(Record(topic, b"k", None))
        transport.send(Record(topic, None, b""))
    assert [(record.key, record.value) for record in read(cluster, topic)] == [(b"k", None), (None, b"")]


def test_a_time_before_1970_is_refused_and_does_not_become_now(cluster: Cluster) -> None:
    with (
        KafkaTransport(cluster.settings) as transport,
        pytest.raises(Unpublishable, match="Kafka has none before 1970"),
    ):
        transport.send(Record("t", None, b"v", timestamp=datetime(1969, 7, 20, tzinfo=UTC)))


def test_generated_producers_publish_through_it_in_the_order_of_each_entity(cluster: Cluster) -> None:
    cluster.create("shop.orders", partitions=3)
    with KafkaTransport(cluster.settings) as transport, correlation("story"):
        producer = OrderPlacedProducer(transport, service="shop-api")
        ids = [
            producer.publish(OrderPlaced(order_id=f"o-{number % 5}", state=State.OPEN, note=str(number))).event_id
            for number in range(50)
        ]
    sent = [each.encode() for each in ids]
    mine = [record for record in read(cluster, "shop.orders") if dict(record.headers)["ce_id"] in sent]
    assert len(mine) == 50
    for number in range(5):
        entity = [record for record in mine if record.key == b"o-%d" % number]
        assert len({record.partition for record in entity}) == 1
        assert [dict(record.headers)["ce_id"] for record in entity] == sent[number::5]


@pytest.mark.parametrize(
    ("key", "hashed"),  # of Kafka's own tests of murmur2, in org.apache.kafka.common.utils
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536), (b"abc", 479470107)],
)
def test_a_key_lies_in_the_partition_where_java_puts_it(cluster: Cluster, key: bytes, hashed: int) -> None:
    topic = make_topic(cluster, 7)
    with KafkaTransport(cluster.settings) as transport:
        transport.send(Record(topic, key, b"v"))
    assert read(cluster, topic)[0].partition == (hashed & 0x7FFFFFFF) % 7


def test_threads_share_a_transport_and_each_keeps_its_order(cluster: Cluster) -> None:
    topic = make_topic(cluster, 2)
    start = Barrier(4)
    with KafkaTransport(cluster.settings) as transport:

        def work(thread: int) -> None:
            start.wait(DEADLINE)
            for number in range(300):
                transport.send(Record(topic, b"%d" % thread, b"%d" % number))

        threads = [Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
    found = read(cluster, topic)
    for number in range(4):
        own = [record.value for record in found if record.key == b"%d" % number]
        assert own == [b"%d" % each for each in range(300)]


def test_a_broker_that_is_gone_for_a_while_costs_time_and_nothing_else(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    with KafkaTransport({**cluster.settings, **QUICK}) as transport:
        transport.send(Record(topic, b"k", b"0"))
        transport.flush(DEADLINE)
        cluster.stop_node(1)
        for number in range(1, 50):
            transport.send(Record(topic, b"k", b"%d" % number))
        assert transport.waiting >= 49
        cluster.start_node(1)
        transport.flush(DEADLINE)
        assert transport.waiting == 0
    assert values(cluster, topic) == [b"%d" % number for number in range(50)]


# Who is told


def test_whoever_asks_is_told_what_arrived(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    told: list[tuple[bytes | None, str | None]] = []
    with KafkaTransport(cluster.settings) as transport:
        transport.send(Record(topic, b"k", b"1"), lambda record, reason: told.append((record.value, reason)))
        transport.send(Record(topic, b"k", b"2"))
        transport.flush()
        assert told == [(b"1", None)]


def test_poll_waits_for_the_first_report(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    told = Event()
    with KafkaTransport(cluster.settings) as transport:
        transport.send(Record(topic, b"k", b"1"), lambda *_: told.set())
        end = monotonic() + DEADLINE
        while not told.is_set() and monotonic() < end:
            transport.poll(1.0)
        assert told.is_set()


def test_an_idle_service_is_told_without_calling_again(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    told = Event()
    with KafkaTransport(cluster.settings) as transport:
        transport.send(Record(topic, b"k", b"1"), lambda *_: told.set())
        assert told.wait(DEADLINE)


def test_what_is_told_may_raise_and_stops_nothing(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    topic = make_topic(cluster)

    def raise_it(record: Record, reason: str | None) -> None:
        raise ValueError("a flaw of the caller")

    with caplog.at_level(logging.ERROR, "registry.kafka"), KafkaTransport(cluster.settings) as transport:
        transport.send(Record(topic, b"k", b"1"), raise_it)
        transport.send(Record(topic, b"k", b"2"))
    assert values(cluster, topic) == [b"1", b"2"]
    assert "a flaw of the caller" in caplog.text


def test_observers_see_arrivals_and_failures(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    told = Told()
    with KafkaTransport(cluster.settings, observers=[told]) as transport:
        transport.send(Record(topic, b"k", b"1"))
        transport.send(Record(topic, b"k", b"2"), lambda *_: None)
    assert told.seen == [(b"1", None), (b"2", None)]

    told.seen.clear()
    with KafkaTransport({**NOWHERE, "delivery.timeout.ms": 200}, observers=[told]) as transport:
        transport.send(Record(topic, b"k", b"3"), lambda *_: None)
    assert told.seen == [(b"3", "_MSG_TIMED_OUT")]


def test_an_observer_that_wants_failures_alone_hears_of_no_success(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    told = Told()
    told.successes = False  # type: ignore[attr-defined]  # as Metrics and Tracing have it
    with KafkaTransport(cluster.settings, observers=[told]) as transport:
        transport.send(Record(topic, b"k", b"1"))
    assert told.seen == []


# What fails


def test_a_record_that_no_broker_takes_comes_back_from_flush() -> None:
    record = Record("orders", b"k", b"1", (("ce_id", b"7"),))
    with KafkaTransport({**NOWHERE, "delivery.timeout.ms": 200}) as transport:
        transport.send(record)
        with pytest.raises(DeliveryFailed) as caught:
            transport.flush()
    assert caught.value.failures == ((record, "_MSG_TIMED_OUT: no broker took it within delivery.timeout.ms"),)
    assert caught.value.help.startswith("the broker cannot be reached, or the topic does not exist;")
    assert str(caught.value).startswith("a record of orders did not reach the broker: _MSG_TIMED_OUT")


def test_a_failure_is_raised_by_the_next_send_which_takes_nothing_itself(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    told = Told()
    transport = KafkaTransport({**cluster.settings, **QUICK, "delivery.timeout.ms": 5000}, observers=[told])
    cluster.stop_node(1)
    transport.send(Record(topic, b"k", b"lost"))
    end = monotonic() + DEADLINE
    while not told.seen and monotonic() < end:
        transport.poll(0.5)
    cluster.start_node(1)
    with pytest.raises(DeliveryFailed, match="the record that was to be sent now was not taken") as caught:
        transport.send(Record(topic, b"k", b"not taken"))
    assert [record.value for record, _ in caught.value.failures] == [b"lost"]
    transport.send(Record(topic, b"k", b"taken"))
    transport.close()
    assert values(cluster, topic) == [b"taken"]


@pytest.mark.parametrize(("call", "looks"), [("send", 2), ("flush", 1), ("close", 1)])
def test_failures_that_another_thread_took_just_now_are_not_told_again(
    call: str, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TakenMeanwhile(deque[Any]):
        """Is empty as soon as somebody has seen so often that it is not."""

        seen = 0

        def __bool__(self) -> bool:
            self.seen += 1
            if self.seen < looks:
                return True
            had = len(self) > 0
            self.clear()
            return had

    record = Record("orders", b"k", b"1")
    transport = KafkaTransport(NOWHERE)
    monkeypatch.setattr(transport._line, "failures", TakenMeanwhile([(record, "_MSG_TIMED_OUT: too late")]))
    calls = {
        "send": lambda: transport.send(record, lambda *_: None),
        "flush": transport.flush,
        "close": transport.close,
    }
    calls[call]()
    transport.close(0.0)


def test_a_flush_that_runs_out_gives_up_what_waits_and_tells_which(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    transport = KafkaTransport({**cluster.settings, **QUICK})
    transport.send(Record(topic, b"k", b"0"))
    transport.flush()
    cluster.stop_node(1)
    for number in range(1, 4):
        transport.send(Record(topic, b"k", b"%d" % number))
    with pytest.raises(DeliveryFailed, match="and 2 more did not reach the broker") as caught:
        transport.flush(0.2)
    assert [record.value for record, _ in caught.value.failures] == [b"1", b"2", b"3"]
    assert transport.waiting == 0
    cluster.start_node(1)
    transport.send(Record(topic, b"k", b"4"))
    transport.close()
    assert values(cluster, topic) == [b"0", b"4"]


def test_a_full_queue_makes_send_wait_until_there_is_room(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    with KafkaTransport({**cluster.settings, **QUICK, "queue.buffering.max.messages": 10}) as transport:
        for number in range(500):
            transport.send(Record(topic, b"k", b"%d" % number))
    assert values(cluster, topic) == [b"%d" % number for number in range(500)]


def test_a_queue_that_stays_full_is_said_and_the_record_was_not_taken(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    cluster.stop_node(1)
    settings = {**cluster.settings, **QUICK, "queue.buffering.max.messages": 2}
    transport = KafkaTransport(settings, patience=0.2)
    transport.send(Record(topic, b"k", b"1"))
    transport.send(Record(topic, b"k", b"2"))
    with pytest.raises(QueueFull, match=r"2 records wait for the broker, and none left for 0\.2 s"):
        transport.send(Record(topic, b"k", b"3"))
    cluster.start_node(1)
    transport.close()
    assert values(cluster, topic) == [b"1", b"2"]


def test_a_record_that_is_too_large_is_refused_at_once(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    with KafkaTransport(cluster.settings) as transport:
        with pytest.raises(Unpublishable) as caught:
            transport.send(Record(topic, b"k", b"x" * 1_000_001))
        assert str(caught.value).startswith("MSG_SIZE_TOO_LARGE: ")
        assert f"a record of {topic} of 1000002 bytes was not taken" in str(caught.value)
        transport.send(Record(topic, b"k", b"small"))
    assert values(cluster, topic) == [b"small"]


def test_a_partition_that_is_not_there_is_refused(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    with KafkaTransport(cluster.settings) as transport:
        transport.send(Record(topic, b"k", b"1"))
        transport.flush()
        with pytest.raises(Unpublishable, match=r"_UNKNOWN_PARTITION: .* was not taken"):
            transport.send(Record(topic, b"k", b"2", partition=7))


def test_a_topic_that_is_not_there_fails_by_its_name(cluster: Cluster) -> None:
    if not cluster.real:
        pytest.skip("the mock makes each topic it is asked for")
    topic = cluster.topic("nowhere")
    with KafkaTransport({**cluster.settings, "topic.metadata.propagation.max.ms": 300}) as transport:
        transport.send(Record(topic, b"k", b"1"))
        with pytest.raises(DeliveryFailed, match=f"a record of {topic} .*UNKNOWN_TOPIC_OR_PART") as caught:
            transport.flush()
        assert caught.value.help == "create the topic; this client makes none"


def test_without_gapless_the_next_records_of_a_partition_arrive_after_a_failure(cluster: Cluster) -> None:
    only_mock(cluster)
    topic = make_topic(cluster)
    transport = KafkaTransport({**cluster.settings, **QUICK})
    transport.send(Record(topic, b"k", b"0"))
    transport.flush()
    refuse_next(cluster, TOO_LARGE, 1)
    failed: list[bytes | None] = []
    transport.send(Record(topic, b"k", b"1"), lambda record, reason: failed.append(record.value) if reason else None)
    transport.poll(DEADLINE)
    transport.send(Record(topic, b"k", b"2"))
    transport.close()
    assert failed == [b"1"]
    assert values(cluster, topic) == [b"0", b"2"]
