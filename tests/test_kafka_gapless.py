"""Gapless: behind a record that failed nothing of its partition arrives, until it is sent again."""

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from registry.kafka.errors import DeliveryFailed, MessagingError, SettingsError
from registry.kafka.producing.line import Unusable
from registry.kafka.producing.transport import KafkaTransport
from registry.serde.record import Record
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_topics import NOWHERE, QUICK, TOO_LARGE, make_topic, only_mock, refuse_next, values


def why_stopped(transport: KafkaTransport) -> str | None:
    return transport.fatal


def test_a_gapless_transport_stops_at_the_first_failure_and_tells_of_each_record(cluster: Cluster) -> None:
    only_mock(cluster)
    topic = make_topic(cluster)
    transport = KafkaTransport({**cluster.settings, **QUICK}, gapless=True)
    transport.send(Record(topic, b"k", b"0"))
    transport.flush()
    refuse_next(cluster, TOO_LARGE, 1)
    answers: list[tuple[bytes | None, str | None]] = []
    taken = []
    for number in range(1, 20):
        record = Record(topic, b"k", b"%d" % number)
        try:
            transport.send(record, lambda record, reason: answers.append((record.value, reason)))
        except Unusable:
            break
        taken.append(record.value)
    transport.flush(DEADLINE)
    # What was under way behind the failure is refused by a broker, for its sequence number; the mock does not look.
    # What still waited in the queue may be told before what was under way.
    told = dict(answers)
    assert len(told) == len(answers)
    assert told.keys() == set(taken)
    assert told[b"1"] == "MSG_SIZE_TOO_LARGE: Broker: Message size too large"
    assert str(why_stopped(transport)).startswith("_GAPLESS_GUARANTEE: ")

    with pytest.raises(Unusable, match="this transport has stopped"):
        transport.send(Record(topic, b"k", b"refused"))
    transport.renew()
    assert why_stopped(transport) is None
    missing = [value for value in taken if told[value]]
    for value in missing:
        transport.send(Record(topic, b"k", value))
    transport.close()
    assert values(cluster, topic)[-len(missing) :] == missing


def test_on_a_real_broker_a_record_too_large_for_its_topic_lets_nothing_overtake_it(cluster: Cluster) -> None:
    if not cluster.real:
        pytest.skip("the mock has no max.message.bytes")
    topic = cluster.topic("small")
    admin = AdminClient({"bootstrap.servers": cluster.address})
    admin.create_topics([NewTopic(topic, 1, 1, config={"max.message.bytes": "2000"})])[topic].result(DEADLINE)
    transport = KafkaTransport({**cluster.settings, **QUICK, "compression.type": "none"}, gapless=True)
    transport.send(Record(topic, b"k", b"0"))
    transport.flush()
    transport.send(Record(topic, b"k", b"x" * 5000))
    refused = False
    for number in range(2, 200):
        try:
            transport.send(Record(topic, b"k", b"%d" % number))
        except (DeliveryFailed, Unusable):
            refused = True
    if not refused:
        with pytest.raises(DeliveryFailed):
            transport.flush(DEADLINE)
    assert str(transport.fatal).startswith("_GAPLESS_GUARANTEE: ")
    assert values(cluster, topic) == [b"0"]
    with pytest.raises(MessagingError):
        transport.send(Record(topic, b"k", b"refused"))
    transport.renew()
    transport.close()


def test_a_gapless_transport_times_out_all_together_and_not_one_by_one(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    transport = KafkaTransport({**cluster.settings, **QUICK, "delivery.timeout.ms": 5000}, gapless=True)
    transport.send(Record(topic, b"k", b"0"))
    transport.flush()
    cluster.stop_node(1)
    transport.send(Record(topic, b"k", b"1"))
    transport.send(Record(topic, b"k", b"2"))
    with pytest.raises(DeliveryFailed) as caught:
        transport.flush()
    assert [record.value for record, _ in caught.value.failures] == [b"1", b"2"]
    cluster.start_node(1)
    with pytest.raises(Unusable):
        transport.send(Record(topic, b"k", b"3"))
    transport.renew()
    transport.send(Record(topic, b"k", b"1"))
    transport.close()
    assert values(cluster, topic) == [b"0", b"1"]


def test_gapless_and_transactions_exclude_each_other(cluster: Cluster) -> None:
    with pytest.raises(SettingsError, match="a transaction has no gaps anyway"):
        KafkaTransport(cluster.settings, gapless=True, transactional_id="t")


def test_what_renew_gives_up_is_not_forgotten() -> None:
    transport = KafkaTransport(NOWHERE)
    told: list[tuple[bytes | None, str | None]] = []
    transport.send(Record("orders", b"k", b"1"), lambda record, reason: told.append((record.value, reason)))
    transport.send(Record("orders", b"k", b"2"))
    transport.renew()
    assert told == [(b"1", "_PURGE_QUEUE: it waited to be sent when it was given up")]
    with pytest.raises(DeliveryFailed) as caught:
        transport.flush()
    assert [record.value for record, _ in caught.value.failures] == [b"2"]
    transport.close()
