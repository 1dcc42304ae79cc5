"""What a runtime goes on after: control records that are none, a topic of several partitions, and rights it lacks."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import test_serde_chains as chains
from confluent_kafka.admin import AclOperation, AclPermissionType, AdminClient, NewPartitions, ResourceType

from registry.brokers import apache
from registry.kafka.retry import Retry
from registry.kafka.rollout.control import CONTROL_TOPIC
from registry.kafka.rollout.documents import parse_heartbeat, render_control
from registry.kafka.rollout.errors import UnreadableDocument
from registry.kafka.rollout.heartbeat import HEARTBEAT_TOPIC
from registry.serde.record import Record
from tests.kafka_clusters import KIND, Cluster
from tests.kafka_orders import running, wait_for
from tests.kafka_rollout_shop import EVENT, Kept, Shop, publish, texts
from tests.test_kafka_rollout_access import AUTHORIZER, allow


def spoil(**changes: object) -> Callable[[str], str]:
    return lambda text: json.dumps({**json.loads(text), **changes})


def spoil_text(**changes: object) -> Callable[[str], str]:
    def change(text: str) -> str:
        record = json.loads(text)
        record["versions"][1].update(changes)
        return json.dumps(record)

    return change


@pytest.mark.parametrize(
    "spoiled",
    [
        spoil(at="0001-01-01T00:00:00+14:00"),
        spoil(format=99),
        spoil(active="2"),
        lambda text: text.replace('"active": 2', f'"active": {"9" * 5000}'),
        spoil(versions=[["deep"]]),
        spoil(environment="elsewhere"),
        spoil(contract="shop.Other"),
        lambda _: "[" * 100_000,
        lambda _: "x" * 900_000,
    ],
    ids=["no-time", "newer", "no-number", "huge-number", "no-version", "elsewhere", "other", "deep", "huge"],
)
def test_a_record_that_is_none_is_passed_over_and_the_next_one_counts(
    cluster: Cluster, spoiled: Callable[[str], str]
) -> None:
    shop = Shop(cluster)
    text = render_control(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
    shop.publish(spoiled(text).encode())
    with shop.rollouts() as owner:
        producer = shop.producer(owner, 1, 2)
        assert producer.active == 1
        shop.publish(spoiled(text).encode())
        shop.publish(shop.record(2, 2, (1, 2)))
        shop.wait_until(owner, lambda said: (said.epoch, said.active) == (2, 2))


@pytest.mark.parametrize(
    "spoiled",
    [spoil_text(root="b.avsc"), spoil_text(files={}), spoil_text(files={"a.avsc": "{}"}), spoil_text(upgrade="{")],
    ids=["root", "no-files", "no-schema", "no-converters"],
)
def test_texts_that_are_none_serve_nobody_and_the_reader_goes_on(
    cluster: Cluster, spoiled: Callable[[str], str]
) -> None:
    shop, kept = Shop(cluster), Kept()
    with shop.rollouts("mailer") as mailer, shop.rollouts() as owner:
        producer = shop.producer(owner, 1, 2)
        with running(shop.subscribe(mailer, shop.bundle(1, service="mailer"), kept)):
            publish(producer, chains.V1, shop)
            wait_for(kept.has(1))
            record = shop.record(1, 1, (1, 2), prepare=2, versions=texts(1, 2))
            shop.publish(spoiled(render_control(record)).encode())
            said = shop.wait_until(mailer, lambda said: said.prepared)
            assert said.served == ()
            assert said.trouble.startswith("cannot read v2")
            publish(producer, chains.V1, shop)
            wait_for(kept.has(2))


@pytest.mark.parametrize("period", ["1e400", "NaN", "-1", "1" + "0" * 400])
def test_a_heartbeat_with_no_period_is_none(period: str) -> None:
    times = '"started_at": "2026-01-01T00:00:00Z", "observed_at": "2026-01-01T00:00:00Z"'
    who = '"environment": "p", "service": "s", "instance": "i"'
    with pytest.raises(UnreadableDocument, match="no heartbeat"):
        parse_heartbeat(f'{{"format": 1, {who}, "groups": [], {times}, "period": {period}, "contracts": {{}}}}')


def test_a_group_is_named_once_for_each_member(cluster: Cluster) -> None:
    shop = Shop(cluster)
    with shop.rollouts("mailer") as mailer:
        bundle = shop.bundle(1, service="mailer")
        with running(*(shop.subscribe(mailer, bundle, Kept()) for _ in range(2))):
            wait_for(lambda: mailer.describe().groups == (shop.group, shop.group))


def test_a_partition_that_stands_is_woken_by_the_record_that_brings_the_text(cluster: Cluster) -> None:
    shop, kept = Shop(cluster), Kept()
    patient = Retry(first=3600.0, longest=3600.0)
    with shop.rollouts("mailer") as mailer, shop.rollouts() as owner:
        producer = shop.producer(owner, 1, 2, active=2)
        with running(shop.subscribe(mailer, shop.bundle(1, service="mailer"), kept, pause=patient)):
            publish(producer, chains.V2, shop)
            shop.wait_until(mailer, lambda said: "paused" in said.trouble)
            shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
            wait_for(kept.has(1))


def test_what_is_published_while_a_reader_joins_is_known_before_its_first_record(cluster: Cluster) -> None:
    from registry.kafka.rollout.errors import NotAdmitted

    shop, kept = Shop(cluster), Kept()
    with shop.rollouts("mailer") as mailer:
        subscription = shop.subscribe(mailer, shop.bundle(1, service="mailer"), kept)
        with subscription:
            shop.transport.send(Record(shop.topic, None, b"\x00\x00\x00\x00\x02"))
            shop.transport.flush()
            joined = mailer.join

            def join_slowly(*given: Any) -> Any:
                member = joined(*given)
                shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2)))
                return member

            mailer.join = join_slowly  # type: ignore[method-assign]  # a record comes while it joins
            with pytest.raises(NotAdmitted, match="cannot read v2"):
                subscription.run()
    assert kept.events == []


only_real = pytest.mark.skipif(KIND == "mock", reason="the mock has no ACLs, and takes no orders")


@only_real
def test_a_control_topic_of_several_partitions_is_read_by_rank() -> None:
    broker = apache.start()
    try:
        shop = Shop(Cluster(broker, "apache"))
        admin = AdminClient(shop.cluster.settings)
        for future in admin.create_partitions([NewPartitions(CONTROL_TOPIC, 2)]).values():
            future.result()
        wait_for(lambda: len(admin.list_topics(CONTROL_TOPIC, timeout=10).topics[CONTROL_TOPIC].partitions) == 2)
        key = f"{shop.environment}/{EVENT}".encode()
        for partition, epoch, active in ((0, 2, 2), (1, 1, 1), (0, 3, 1), (1, 2, 2)):
            value = render_control(shop.record(epoch, active, (1, 2))).encode()
            shop.transport.send(Record(CONTROL_TOPIC, key, value, partition=partition))
            shop.transport.flush()
        with shop.rollouts() as owner:
            assert shop.producer(owner, 1, 2).active == 1
            assert owner.records[EVENT].epoch == 3
    finally:
        broker.close()


@only_real
def test_a_service_without_rights_says_so_once_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    broker = apache.start(extra={**AUTHORIZER, "allow.everyone.if.no.acl.found": "true"})
    try:
        cluster = Cluster(broker, "apache")
        shop = Shop(cluster)
        for topic in (CONTROL_TOPIC, HEARTBEAT_TOPIC):
            allow(cluster, topic, "User:ANONYMOUS", AclOperation.DESCRIBE)
            for operation in (AclOperation.READ, AclOperation.WRITE):
                deny = AclPermissionType.DENY
                allow(cluster, topic, "User:ANONYMOUS", operation, deny, resource=ResourceType.TOPIC)
        kept = Kept()
        with caplog.at_level(logging.INFO), shop.rollouts() as owner, shop.rollouts("mailer") as mailer:
            wait_for(lambda: "heartbeats do not arrive: TOPIC_AUTHORIZATION_FAILED" in caplog.text)
            producer = shop.producer(owner, 1, 2)
            with running(shop.subscribe(mailer, shop.bundle(1, service="mailer"), kept)):
                publish(producer, chains.V1, shop)
                wait_for(kept.has(1))
        refused = [each for each in caplog.messages if each.startswith(f"this service may not read {CONTROL_TOPIC}")]
        silent = [each for each in caplog.messages if each.startswith("heartbeats do not arrive")]
        assert (len(refused), len(silent)) == (2, 2), "each of the two instances once"
    finally:
        broker.close()
