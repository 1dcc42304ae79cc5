"""Transactions: all of it is read or nothing, the position of the consumer included."""

from collections.abc import Iterator
from functools import partial
from time import monotonic

import pytest
from confluent_kafka import Consumer, TopicPartition

from registry.kafka.errors import MessagingError, NoTransaction, SettingsError
from registry.kafka.leaders import ask_leader
from registry.kafka.producing.line import Unusable
from registry.kafka.producing.transactions import Fenced, TransactionAborted, TransactionInDoubt
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.settings import consumer_settings, start_consumer
from registry.serde.record import Record
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_topics import NOWHERE, QUICK, make_topic, values


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[KafkaTransport]:
    transport = open_transport(cluster)
    yield transport
    transport.close()


def open_transport(cluster: Cluster, name: str = "") -> KafkaTransport:
    settings = {**cluster.settings, **QUICK, "topic.metadata.propagation.max.ms": 300}
    return KafkaTransport(settings, patience=DEADLINE, transactional_id=name or cluster.topic("instance"))


def only_real(cluster: Cluster) -> None:
    if not cluster.real:
        pytest.skip("the mock says yes to each step of a transaction, and isolates none")


def join(cluster: Cluster, topic: str, group: str) -> Consumer:
    """A consumer of the topic that has got its first record."""
    consumer = start_consumer(consumer_settings(cluster.settings, group))
    consumer.subscribe([topic])
    end = monotonic() + DEADLINE
    while (message := consumer.poll(0.2)) is None:
        assert monotonic() < end, f"nothing of {topic} came"
    assert not message.error()
    return consumer


def committed(consumer: Consumer, topic: str) -> int:
    (place,) = ask_leader(partial(consumer.committed, [TopicPartition(topic, 0)], timeout=DEADLINE))
    return place.offset


def test_what_is_committed_arrives_transaction_by_transaction(cluster: Cluster, transport: KafkaTransport) -> None:
    topic = make_topic(cluster)
    for number in range(3):
        with transport.transaction():
            transport.send(Record(topic, b"k", b"%d a" % number))
            transport.send(Record(topic, b"k", b"%d b" % number))
    assert values(cluster, topic) == [b"0 a", b"0 b", b"1 a", b"1 b", b"2 a", b"2 b"]


def test_a_block_that_raises_lets_its_error_out_and_nothing_of_it_is_read(
    cluster: Cluster, transport: KafkaTransport
) -> None:
    topic = make_topic(cluster)

    def fail() -> None:
        with transport.transaction():
            transport.send(Record(topic, b"k", b"aborted"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with transport.transaction():
        transport.send(Record(topic, b"k", b"committed"))
    seen = values(cluster, topic)
    assert seen[-1] == b"committed"
    assert len(seen) == 1 or not cluster.real  # the mock isolates nothing


def test_the_consumer_s_position_is_committed_with_what_was_sent(cluster: Cluster, transport: KafkaTransport) -> None:
    only_real(cluster)
    source, target = make_topic(cluster), make_topic(cluster)
    with KafkaTransport(cluster.settings) as plain:
        plain.send(Record(source, b"k", b"read"))
    consumer = join(cluster, source, "derive")

    def derive(value: bytes, fail: bool) -> None:
        with transport.transaction() as tx:
            transport.send(Record(target, b"k", value))
            tx.send_offsets(consumer, {(source, 0): 1})
            if fail:
                raise LookupError

    with pytest.raises(LookupError):
        derive(b"first attempt", fail=True)
    assert committed(consumer, source) < 0
    derive(b"second attempt", fail=False)
    assert committed(consumer, source) == 1
    assert values(cluster, target) == [b"second attempt"]
    consumer.close()


def test_a_consumer_that_lost_its_place_in_the_group_aborts(cluster: Cluster, transport: KafkaTransport) -> None:
    only_real(cluster)
    source, target = make_topic(cluster), make_topic(cluster)
    with KafkaTransport(cluster.settings) as plain:
        plain.send(Record(source, b"k", b"read"))
    consumer = join(cluster, source, "moved")
    member = consumer.consumer_group_metadata()
    consumer.close()

    class Left:
        """A consumer that does not know yet that its partitions went to another one."""

        def consumer_group_metadata(self) -> object:
            return member

    def derive() -> None:
        with transport.transaction() as tx:
            transport.send(Record(target, b"k", b"twice"))
            tx.send_offsets(Left(), {(source, 0): 1})  # type: ignore[arg-type]  # what is left of one

    with pytest.raises(TransactionAborted, match="a transaction could not commit offsets and was aborted: UNKNOWN"):
        derive()
    with transport.transaction():
        transport.send(Record(target, b"k", b"once"))
    assert values(cluster, target) == [b"once"]


def test_a_second_instance_with_the_same_id_stops_the_first(cluster: Cluster) -> None:
    only_real(cluster)
    topic, name = make_topic(cluster), cluster.topic("instance")
    old = open_transport(cluster, name)

    def overtake() -> None:
        with old.transaction():
            old.send(Record(topic, b"k", b"old"))
            old.flush()
            with open_transport(cluster, name) as new, new.transaction():
                new.send(Record(topic, b"k", b"new"))

    with pytest.raises(Fenced) as caught:
        overtake()
    assert caught.value.help == "one transactional id for each running instance; let this one end"
    assert str(old.fatal).startswith("_FENCED: ")
    with pytest.raises(Fenced), old.transaction():
        pass
    with pytest.raises(Unusable):
        old.send(Record(topic, b"k", b"zombie"))
    old.close()
    assert values(cluster, topic) == [b"new"]


def test_a_run_that_follows_a_killed_one_reads_at_once(cluster: Cluster) -> None:
    only_real(cluster)
    source, name = make_topic(cluster), cluster.topic("instance")
    with KafkaTransport(cluster.settings) as plain:
        plain.send(Record(source, b"k", b"read"))
    first = join(cluster, source, name)
    killed = open_transport(cluster, name)
    transaction = killed.transaction().__enter__()
    transaction.send_offsets(first, {(source, 0): 1})
    first.close()
    # Its transaction is open, and the group has no position until it is ended: for a minute, if nobody ends it.
    with open_transport(cluster, name):
        join(cluster, source, name).close()
    killed.close()


def test_a_record_that_fails_aborts_its_transaction_and_is_named(cluster: Cluster, transport: KafkaTransport) -> None:
    only_real(cluster)
    topic, nowhere = make_topic(cluster), cluster.topic("nowhere")

    def send_both() -> None:
        with transport.transaction():
            transport.send(Record(topic, b"k", b"fine"))
            transport.send(Record(nowhere, b"k", b"lost"))

    with pytest.raises(TransactionAborted, match="could not commit and was aborted: UNKNOWN_TOPIC_OR_PART: "):
        send_both()
    assert values(cluster, topic) == []
    assert transport.fatal is None
    transport.flush()  # the abort has told it


def test_what_is_sent_outside_of_a_transaction_is_refused(cluster: Cluster, transport: KafkaTransport) -> None:
    topic = make_topic(cluster)
    with pytest.raises(NoTransaction, match="_STATE: "):
        transport.send(Record(topic, b"k", b"before the first"))
    with transport.transaction():
        transport.send(Record(topic, b"k", b"inside"))
    with pytest.raises(NoTransaction):
        transport.send(Record(topic, b"k", b"after"))
    assert values(cluster, topic) == [b"inside"]


def test_a_transport_without_an_id_has_no_transactions(cluster: Cluster) -> None:
    with (
        KafkaTransport(cluster.settings) as plain,
        pytest.raises(SettingsError, match="this transport has no transactions"),
    ):
        plain.transaction()


def test_there_is_one_at_a_time_and_the_first_is_aborted(cluster: Cluster, transport: KafkaTransport) -> None:
    def nest() -> None:
        with transport.transaction(), transport.transaction():
            raise AssertionError("not reached")

    with pytest.raises(MessagingError, match="another transaction of this transport is open"):
        nest()
    with transport.transaction():
        pass


def test_nothing_begins_where_no_broker_is() -> None:
    with pytest.raises(TransactionAborted, match="a transaction could not begin: _TIMED_OUT"):
        KafkaTransport(NOWHERE, patience=0.2, transactional_id="t")


def test_a_broker_that_comes_back_in_time_costs_time_alone(cluster: Cluster, transport: KafkaTransport) -> None:
    topic = make_topic(cluster)
    with transport.transaction():
        transport.send(Record(topic, b"k", b"0"))
    with transport.transaction():
        transport.send(Record(topic, b"k", b"1"))
        cluster.stop_node(1)
        transport.send(Record(topic, b"k", b"2"))
        cluster.start_node(1)
        transport.send(Record(topic, b"k", b"3"))
    assert values(cluster, topic) == [b"0", b"1", b"2", b"3"]


def test_a_broker_that_dies_before_the_commit_leaves_a_doubt_that_renew_resolves(
    cluster: Cluster, transport: KafkaTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = make_topic(cluster)
    with transport.transaction():
        transport.send(Record(topic, b"k", b"0"))
        transport.flush(DEADLINE)

    def die() -> None:
        with transport.transaction():
            transport.send(Record(topic, b"k", b"1"))
            transport.flush(DEADLINE)
            cluster.stop_node(1)

    with monkeypatch.context() as hurry:
        hurry.setattr(transport, "_patience", 0.5)  # for what cannot succeed; the rest may take its time
        with pytest.raises(TransactionInDoubt, match="a transaction could not commit: ") as caught:
            die()
    assert caught.value.help == "renew() waits for its end; committed offsets tell then how it ended"
    assert transport.fatal is not None
    with pytest.raises(Unusable):
        transport.send(Record(topic, b"k", b"2"))
    with pytest.raises(TransactionAborted, match="a transaction could not begin: ") as caught, transport.transaction():
        pass
    assert caught.value.help.startswith("renew(), then read again from the last committed offsets")
    cluster.start_node(1)
    transport.renew()
    with transport.transaction():
        transport.send(Record(topic, b"k", b"3"))
    assert values(cluster, topic)[-1] == b"3"
