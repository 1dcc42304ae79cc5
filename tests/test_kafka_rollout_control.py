"""Control records and heartbeats on a cluster: the right to publish, who lost it, and what is read back."""

from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from registry.frozen import replace
from registry.kafka.consuming.dead_letters import render_dead_letter
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.rollout.control import CONTROL_TOPIC, ControlRecord
from registry.kafka.rollout.documents import render_control, render_heartbeat
from registry.kafka.rollout.heartbeat import HEARTBEAT_TOPIC, Capability, Heartbeat
from registry.rollout.broker import Wanted
from registry.rollout.errors import BrokerUnavailable, Fenced
from registry.rollout.kafka.cluster import KafkaCluster
from registry.rollout.kafka.control import transactional_id
from registry.serde.record import Record
from tests.kafka_clusters import DEADLINE, KIND, Cluster, start_cluster
from tests.rollout_kafka import NEW, OLD, WANTED, asked, commit, start_transaction, write, write_keyed

only_real = pytest.mark.skipif(KIND == "mock", reason="the mock fences nobody and keeps no settings of topics")
CONTRACT = "shop.OrderPlaced"
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def environment(cluster: Cluster) -> str:
    """One that no other test uses: the two topics are shared."""
    return cluster.topic("production").replace(".", "-")


def record(environment: str, epoch: int, active: int = 1, prepare: int = 0) -> ControlRecord:
    return ControlRecord(CONTRACT, environment, epoch, active, (1, 2), prepare, (1, 2), (), "ana@shop", AT)


def heartbeat(environment: str, instance: str = "pod-1", service: str = "edge") -> Heartbeat:
    reads = {CONTRACT: Capability(reads=(1, 2))}
    return Heartbeat(environment, service, instance, "b1", ("edge",), AT, AT, 10.0, reads)


def beat(cluster: Cluster, *heartbeats: Heartbeat) -> None:
    write_keyed(cluster, HEARTBEAT_TOPIC, [(each.key, render_heartbeat(each).encode()) for each in heartbeats])


def publish(cluster: KafkaCluster, *records: ControlRecord) -> None:
    for each in records:
        with cluster.open_control(each.environment, each.contract) as writer:
            writer.publish(each)


def test_what_is_published_is_read_back(cluster: Cluster, environment: str) -> None:
    known = asked(cluster)
    assert known.read_control(environment) == {}
    publish(known, record(environment, 1, prepare=2), record(environment, 1, active=2))
    assert known.read_control(environment) == {CONTRACT: record(environment, 1, active=2)}
    assert asked(cluster).read_control("elsewhere") == {}


def test_the_last_record_counts_also_one_of_a_lower_epoch(cluster: Cluster, environment: str) -> None:
    """A topic that was set back: a runtime that starts now would find this."""
    publish(asked(cluster), record(environment, 3), record(environment, 2))
    assert asked(cluster).read_control(environment)[CONTRACT].epoch == 2


def test_one_right_publishes_several_times(cluster: Cluster, environment: str) -> None:
    with asked(cluster).open_control(environment, CONTRACT) as writer:
        writer.publish(record(environment, 1, prepare=2))
        assert asked(cluster).read_control(environment)[CONTRACT].prepare == 2
        writer.publish(record(environment, 1, active=2))
        assert asked(cluster).read_control(environment)[CONTRACT].active == 2


@only_real
def test_of_two_operators_one_is_left(cluster: Cluster, environment: str) -> None:
    ana, ben = asked(cluster), asked(cluster)
    with ana.open_control(environment, CONTRACT) as first:
        with ben.open_control(environment, CONTRACT) as second:
            with pytest.raises(Fenced, match=f"another operator took the right to publish for {CONTRACT} on the"):
                first.publish(record(environment, 1))
            assert ben.read_control(environment) == {}
            second.publish(record(environment, 2))
        with pytest.raises(Fenced):
            first.publish(record(environment, 3))
    assert ana.read_control(environment) == {CONTRACT: record(environment, 2)}


@only_real
def test_two_contracts_do_not_fence_each_other(cluster: Cluster, environment: str) -> None:
    other = replace(record(environment, 1), contract="shop.OrderPaid")
    known = asked(cluster)
    with known.open_control(environment, CONTRACT) as one, known.open_control(environment, other.contract) as two:
        one.publish(record(environment, 1))
        two.publish(other)
    assert asked(cluster).read_control(environment) == {CONTRACT: record(environment, 1), other.contract: other}


@only_real
def test_an_operator_that_was_killed_while_it_published_said_nothing(cluster: Cluster, environment: str) -> None:
    publish(asked(cluster), record(environment, 1))
    killed = start_transaction(cluster, transactional_id(environment, CONTRACT), CONTROL_TOPIC, b"half")
    assert asked(cluster).read_control(environment) == {CONTRACT: record(environment, 1)}  # and it does not wait
    publish(asked(cluster), record(environment, 2))
    assert asked(cluster).read_control(environment) == {CONTRACT: record(environment, 2)}
    del killed


def test_a_control_record_that_cannot_be_read_is_not_published_over(cluster: Cluster, environment: str) -> None:
    asked(cluster).create_topics()
    write_keyed(cluster, CONTROL_TOPIC, [(f"{environment}/{CONTRACT}", b'{"format": 99}')])
    with pytest.raises(BrokerUnavailable, match=f"the control record {environment}/{CONTRACT} of the cluster main"):
        asked(cluster).read_control(environment)


def test_the_last_word_of_each_instance_that_has_not_left(cluster: Cluster, environment: str) -> None:
    asked(cluster).create_topics()
    one, two, gone = (heartbeat(environment, f"pod-{number}") for number in (1, 2, 3))
    later = replace(one, build="b2")
    beat(cluster, one, two, gone, later, heartbeat(f"{environment}-2"))
    write_keyed(cluster, HEARTBEAT_TOPIC, [(gone.key, None), ("_clock", None), (f"{environment}/x/y", b"no heartbeat")])
    found = asked(cluster).read_heartbeats(environment)
    assert [(each.instance, each.build) for each in found] == [("pod-1", "b2"), ("pod-2", "b1")]
    assert found[0].contracts == {CONTRACT: Capability(reads=(1, 2))}


def test_of_several_partitions_the_control_record_of_higher_rank_and_the_younger_heartbeat_count() -> None:
    """Somebody gave the topics more partitions, so that keys have moved; partitions are read in any order."""
    for newer in (0, 1):
        with start_cluster(1) as fresh:
            fresh.create(CONTROL_TOPIC, partitions=2)
            fresh.create(HEARTBEAT_TOPIC, partitions=2)
            if fresh.real:
                change(fresh, HEARTBEAT_TOPIC, "message.timestamp.type", "LogAppendTime")
            low, high = (render_control(record("production", epoch)).encode() for epoch in (1, 2))
            old = heartbeat("production")
            young = replace(old, build="b2")
            key = f"production/{CONTRACT}"
            write_keyed(fresh, CONTROL_TOPIC, [(key, high)], partition=newer)
            write_keyed(fresh, CONTROL_TOPIC, [(key, low)], partition=1 - newer)
            write_keyed(fresh, HEARTBEAT_TOPIC, [(old.key, render_heartbeat(old).encode())], partition=1 - newer)
            write_keyed(fresh, HEARTBEAT_TOPIC, [(young.key, render_heartbeat(young).encode())], partition=newer)
            assert asked(fresh).read_control("production")[CONTRACT].epoch == 2
            wait_for_the_brokers_time(fresh)
            assert [each.build for each in asked(fresh).read_heartbeats("production")] == ["b2"]
            write_keyed(fresh, HEARTBEAT_TOPIC, [(young.key, None)], partition=newer)
            assert asked(fresh).read_heartbeats("production") == []


@only_real
def test_a_heartbeat_has_the_brokers_time_and_so_has_now(cluster: Cluster, environment: str) -> None:
    known = asked(cluster)
    known.create_topics()
    before = known.read_now()
    beat(cluster, heartbeat(environment))
    (found,) = known.read_heartbeats(environment)
    assert before <= found.observed_at <= known.read_now()
    assert found.started_at == AT


def test_without_the_brokers_time_it_is_ours(cluster: Cluster) -> None:
    if cluster.real:
        with start_cluster(1) as fresh:
            told = asked(fresh).read_now()
    else:
        told = asked(cluster).read_now()
    assert abs(told - datetime.now(UTC)) < timedelta(minutes=5)


@only_real
def test_both_topics_are_created_as_they_must_be_and_what_is_not_is_told() -> None:
    with start_cluster(1) as fresh:
        lines: list[str] = []
        known = KafkaCluster(fresh.settings, "main", lines.append)
        assert known.read_heartbeats("production") == []
        with known.open_control("production", CONTRACT):
            pass
        assert lines == [f"created the topic {name} on the cluster main" for name in (CONTROL_TOPIC, HEARTBEAT_TOPIC)]
        assert known.create_topics() == ()
        settings = read_settings(fresh, HEARTBEAT_TOPIC)
        assert settings["cleanup.policy"] in {"compact,delete", "delete,compact"}
        assert settings["message.timestamp.type"] == "LogAppendTime"
        assert read_settings(fresh, CONTROL_TOPIC)["cleanup.policy"] == "compact"

        change(fresh, HEARTBEAT_TOPIC, "message.timestamp.type", "CreateTime")
        deadline = monotonic() + DEADLINE
        while not (flaws := known.create_topics()):
            assert monotonic() < deadline
        expected = (
            f"{HEARTBEAT_TOPIC} on the cluster main has message.timestamp.type=CreateTime: it must be LogAppendTime"
        )
        assert flaws == (expected,)
        # Who is alive is told by these times: a sender whose clock is an hour ahead would be alive for an hour.
        with pytest.raises(BrokerUnavailable, match="type=CreateTime, so that heartbeats") as told:
            known.read_heartbeats("production")
        assert "kafka-configs --alter" in told.value.message


def wait_for_the_brokers_time(cluster: Cluster) -> None:
    """A setting that was changed is told a moment later."""
    deadline = monotonic() + DEADLINE
    while cluster.real and read_settings(cluster, HEARTBEAT_TOPIC)["message.timestamp.type"] != "LogAppendTime":
        assert monotonic() < deadline


def read_settings(cluster: Cluster, topic: str) -> dict[str, str]:
    admin = AdminClient(cluster.settings)
    (told,) = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in told.result().items()}


def change(cluster: Cluster, topic: str, name: str, value: str) -> None:
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry

    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    admin = AdminClient(cluster.settings)
    wanted = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    for future in admin.incremental_alter_configs([wanted]).values():
        future.result()


def test_a_cluster_that_is_gone_is_told_soon(cluster: Cluster) -> None:
    cluster.stop_node()
    known = asked(cluster, patience=0.5)
    began = monotonic()
    for ask in (
        lambda: known.read_heartbeats("production"),
        lambda: known.read_control("production"),
        lambda: known.read_partitions("shop.orders"),
        lambda: known.read_groups("shop.orders"),
        lambda: known.read_access("shop.orders"),
        lambda: known.open_control("production", CONTRACT).__enter__(),
    ):
        with pytest.raises(BrokerUnavailable, match="the cluster main "):
            ask()
    assert monotonic() - began < DEADLINE


def letter(number: int, group: str = "edge", topic: str = "edge.dead-letters") -> Record:
    failed = Record("shop.orders", b"order-1", OLD if number == 1 else NEW, (("ce_type", b"x"),), 0, number)
    return render_dead_letter(failed, ValueError("no"), attempts=1, service="edge", group=group, topic=topic)


def test_dead_letters_that_were_not_redriven_are_counted_by_version(cluster: Cluster) -> None:
    topic, missing = cluster.topic("edge.dead-letters"), cluster.topic("nobody.dead-letters")
    cluster.create(topic, partitions=1)
    group = cluster.topic("edge")
    letters = [
        letter(1, group, topic),
        letter(1, group, topic),
        letter(2, group, topic),
        letter(1, f"{group}-2", topic),
    ]
    with KafkaTransport(cluster.settings) as transport:
        for each in letters:
            transport.send(each)
    write(cluster, topic, OLD, None, b"no letter")
    wanted = {topic: {1: 3, 2: 1}}
    assert asked(cluster).count_dead_letters([topic, missing], WANTED) == wanted
    commit(cluster, f"{group}.redrive", topic, {0: 1})
    assert asked(cluster).count_dead_letters([topic], WANTED) == {topic: {1: 2, 2: 1}}
    commit(cluster, f"{group}.redrive", topic, {0: 7})
    assert asked(cluster).count_dead_letters([topic], WANTED) == {topic: {1: 1}}
    assert asked(cluster).count_dead_letters([topic], Wanted("shop.Other", {}, frozenset())) == {topic: {}}


@pytest.mark.skipif(KIND != "mock", reason="a real cluster is told to create them")
def test_on_the_mock_both_topics_are_there_when_a_rollout_begins_and_the_time_is_not_waited_for() -> None:
    """Runtimes look whether the topic of heartbeats is there before they send one; the mock answers no order at all."""
    with start_cluster(1, "mock") as fresh:
        asked(fresh).create_topics()
        topics = AdminClient(fresh.settings).list_topics(timeout=10).topics
        assert {CONTROL_TOPIC, HEARTBEAT_TOPIC} <= topics.keys()
        # Its settings would be asked for in vain, as long as the patience lasts, and then nobody knows more.
        assert KafkaCluster(fresh.settings, "main", patience=600.0).read_now() is not None
