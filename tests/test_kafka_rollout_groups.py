"""Consumer groups of a topic, as a real broker lists them: by members, by offsets, by both."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from registry.rollout.errors import BrokerUnavailable
from registry.rollout.evidence import Group
from tests.kafka_clusters import DEADLINE, KIND, Cluster
from tests.rollout_kafka import OLD, asked, commit, write

only_real = pytest.mark.skipif(KIND == "mock", reason="the mock lists no groups")
Join = Callable[..., list[Consumer]]


@pytest.fixture
def topic(cluster: Cluster) -> str:
    """An event in each of two partitions."""
    made = cluster.topic("shop.orders")
    cluster.create(made, partitions=2)
    for partition in (0, 1):
        write(cluster, made, OLD, partition=partition)
    return made


@pytest.fixture
def join(cluster: Cluster) -> Iterator[Join]:
    """Members of a group, which leave at the end of the test."""
    with ExitStack() as stack:

        def joined(group: str, topic: str, members: int, protocol: str = "classic") -> list[Consumer]:
            settings = {**cluster.settings, "group.id": group, "group.protocol": protocol, "enable.auto.commit": False}
            consumers = [Consumer(settings) for _ in range(members)]
            for consumer in consumers:
                stack.callback(consumer.close)
                consumer.subscribe([topic])
            deadline = monotonic() + DEADLINE
            while sum(len(consumer.assignment()) for consumer in consumers) < 2:
                assert monotonic() < deadline
                for consumer in consumers:
                    consumer.poll(0.05)
            return consumers

        yield joined


def find(cluster: Cluster, topic: str, prefix: str) -> list[Group]:
    """Other tests' groups may be around, and none of this topic."""
    return [group for group in asked(cluster).read_groups(topic) if group.name.startswith(prefix)]


@only_real
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_members_are_counted_also_one_that_waits_for_a_partition(
    cluster: Cluster, topic: str, join: Join, protocol: str
) -> None:
    name = f"{topic}.{protocol}"
    consumers = join(name, topic, 3, protocol)
    deadline = monotonic() + DEADLINE
    while (found := find(cluster, topic, name)) != [Group(name, "Stable", 3, {})]:
        assert monotonic() < deadline, found
        for consumer in consumers:
            consumer.poll(0.05)


@only_real
def test_a_group_with_offsets_and_without_members(cluster: Cluster, topic: str) -> None:
    name = f"{topic}.nightly"
    commit(cluster, name, topic, {1: 1})
    assert find(cluster, topic, name) == [Group(name, "Empty", 0, {1: 1})]


@only_real
def test_a_group_of_another_topic_is_none_of_this_one(cluster: Cluster, topic: str, join: Join) -> None:
    other = cluster.topic("shop.other")
    cluster.create(other)
    join(f"{topic}.elsewhere", other, 1)
    commit(cluster, f"{topic}.past", other, {0: 0})
    assert find(cluster, topic, topic) == []


@only_real
def test_a_group_whose_offsets_expired_comes_back_without_any(cluster: Cluster, topic: str, join: Join) -> None:
    name = f"{topic}.returning"
    commit(cluster, name, topic, {0: 1, 1: 1})
    assert find(cluster, topic, name) == [Group(name, "Empty", 0, {0: 1, 1: 1})]
    admin = AdminClient(cluster.settings)
    for future in admin.delete_consumer_groups([name]).values():  # as after offsets.retention.minutes
        future.result()
    assert find(cluster, topic, name) == []
    join(name, topic, 1)
    (found,) = find(cluster, topic, name)
    assert (found.members, found.committed) == (1, {})


@only_real
def test_a_topic_that_does_not_exist_has_no_groups(cluster: Cluster) -> None:
    assert find(cluster, "shop.nothing", "shop.nothing") == []


@pytest.mark.skipif(KIND != "mock", reason="a real broker answers")
def test_a_broker_that_does_not_list_groups_says_so_soon(cluster: Cluster) -> None:
    began = monotonic()
    with pytest.raises(BrokerUnavailable, match="the cluster main does not list its groups: ") as raised:
        asked(cluster).read_groups("shop.orders")
    assert raised.value.help
    assert monotonic() - began < DEADLINE
