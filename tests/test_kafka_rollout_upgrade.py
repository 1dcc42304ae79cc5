"""Whole upgrades under load on a real Kafka, in processes: readers restarted one by one, some killed, the operator too.

Each handler gets the version that its build asks for. Nothing is lost, and nothing comes twice but what a reader had
handled and could not commit any more: one that was killed, and one that left in the middle of a rebalance and said so.
"""

import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.kafka_clusters import Cluster
from tests.upgrade_fleet import PATIENCE, Fleet, Handled, Written
from tests.upgrade_shop import EVENT, Shop

PARTITIONS: Final = 6
SERVICES: Final = ("billing", "search")
INSTANCES: Final = (1, 2, 3)
KILLED: Final = "search-2"
LONGEST: Final = 30.0
"""Seconds without a handled event that no service may have: a killed reader is missed after 6."""


@contextmanager
def fleet_of(folder: Path, cluster: Cluster, *, breaking: bool) -> Iterator[tuple[Shop, Fleet]]:
    """A shop at build 1: one owner that publishes, three readers of each of two services, and perhaps an old one."""
    if not cluster.real:
        pytest.skip("the mock lists no groups and isolates no transactions: make test-kafka")
    topic = cluster.topic("shop.orders")
    cluster.create(topic, partitions=PARTITIONS)
    shop = Shop(folder, topic, cluster.address, breaking=breaking)
    fleet = Fleet(shop, cluster)
    try:
        for service in SERVICES:
            shop.deployed(service, 1, reads="1")
            for number in INSTANCES:
                fleet.start(service, f"{service}-{number}", 1)
        if breaking:
            shop.deployed("legacy", 1, reads="1")
            fleet.start("legacy", "legacy-1", 1)
        shop.deployed("orders", 1, writes="1")
        fleet.start("orders", "orders-1", 1)
        fleet.wait_for_events()
        yield shop, fleet
    finally:
        fleet.end()


def expand(shop: Shop, fleet: Fleet) -> None:
    """Phase 1: the readers are restarted one by one with build 2, one of them is killed; then the owner."""
    shop.rollout("start")
    refused = shop.rollout("switch", code=1)
    assert "billing" in refused.out
    for service in SERVICES:
        for number in INSTANCES:
            instance = f"{service}-{number}"
            fleet.stop(instance, signal.SIGKILL if instance == KILLED else signal.SIGTERM)
            fleet.start(service, instance, 2)
        shop.deployed(service, 2, reads="1,2")
    fleet.start("orders", "orders-2", 2)
    fleet.stop("orders-1")
    shop.deployed("orders", 2, writes="1,2")
    fleet.wait_for_events()


def switch(shop: Shop, fleet: Fleet, *, killed: bool = False) -> None:
    """Phase 2: the writer switches, while nobody is restarted. The operator may be killed twice on the way."""
    if killed:
        kill_operator(shop, "switch", EVENT, "--wait", "60s", when="prepared")
        kill_operator(shop, "reconcile", EVENT, when="active")
        shop.rollout("reconcile")
    else:
        shop.rollout("switch", "--wait", "60s")
    shop.rollout("converge", "--wait", "60s")
    fleet.wait_for_events()


def kill_operator(shop: Shop, *words: str, when: str) -> None:
    """A command is killed as soon as it says this word."""
    with shop.start_operator("rollout", *words, "--env", shop.environment) as operator:
        assert operator.stdout is not None
        said = []
        for line in operator.stdout:
            said.append(line)
            if when in line:
                operator.kill()
                return
    pytest.fail(f"{' '.join(words)} never said {when}:\n{''.join(said)}")


def contract(shop: Shop, fleet: Fleet) -> None:
    """Phase 3 begins: the runtime refuses version 1, and the owner's last build has forgotten it."""
    shop.rollout("contract", "--wait", "60s")
    able = shop.rollout("retire-write", code=1)
    assert "orders-2 of orders (build 2) can write v1" in able.out
    shop.build_last()
    fleet.start("orders", "orders-3", 3)
    fleet.stop("orders-2")
    shop.deployed("orders", 3, writes="2")
    fleet.wait_for_events()


def retire(shop: Shop, fleet: Fleet, cluster: Cluster) -> None:
    """Nobody writes version 1, nobody needs it any more, and at last no log holds it."""
    shop.rollout("retire-write", "--wait", "60s")
    held = shop.rollout("retire-read", code=1)
    assert "partition/main/" in held.out
    fleet.stop("orders-3")
    fleet.wait_until_handled()
    forget_old_records(cluster, shop.topic)
    done = shop.rollout("retire-read")
    assert "retired: [1]" in done.out


def forget_old_records(cluster: Cluster, topic: str) -> None:
    """As retention does: everything that lies there now is gone."""
    admin = AdminClient(cluster.settings)
    for done in admin.delete_records([TopicPartition(topic, number, -1) for number in range(PARTITIONS)]).values():
        done.result(PATIENCE)


def check_events(fleet: Fleet, *, old_readers: tuple[str, ...] = ()) -> None:
    """What was written against what was handled, service by service."""
    written = {each.event: each for each in fleet.written()}
    assert {each.version for each in written.values()} == {1, 2}
    for service in (*SERVICES, *old_readers):
        handled = fleet.handled(service)
        assert {each.event for each in handled} == written.keys(), service
        for each in handled:
            number = int(each.correlation.rpartition("-")[2])
            assert each.content == (f"customer-{number}", number), each
            assert each.version == written[each.event].version, each
        times = Counter(each.event for each in handled)
        first = {each.event: each for each in sorted(handled, key=lambda each: -each.at)}
        again = {first[event].instance for event, count in times.items() if count > 1}
        assert again <= {KILLED} | fleet.uncommitted(), (
            f"{service}: events came again after {again}, and nobody said so"
        )
        print(f"{service}: {len(times)} events, {len(handled) - len(times)} again, {describe_pause(handled)}")
    print(f"orders: {len(written)} events, {describe_pause(written.values())}")


def describe_pause(events: Iterable[Written | Handled]) -> str:
    """The longest time without an event, which has a bound."""
    times = sorted(each.at for each in events)
    longest = max(later - sooner for sooner, later in pairwise(times))
    assert longest < LONGEST
    return f"longest pause {longest:.1f} s"


def versions_read(fleet: Fleet, service: str) -> dict[str, set[int]]:
    """As which versions an instance's handlers got their events."""
    found: dict[str, set[int]] = {}
    for each in fleet.handled(service):
        found.setdefault(each.instance, set()).add(each.read_as)
    return found


def test_an_upgrade_from_plan_to_retired(tmp_path: Path, cluster: Cluster) -> None:
    with fleet_of(tmp_path, cluster, breaking=False) as (shop, fleet):
        expand(shop, fleet)
        switch(shop, fleet, killed=True)
        contract(shop, fleet)
        retire(shop, fleet, cluster)
        fleet.wait_until_handled()
        check_events(fleet)
        assert versions_read(fleet, "billing") == {f"billing-{number}": {1, 2} for number in INSTANCES}


def test_a_breaking_upgrade_with_a_reader_that_stays_old_until_the_end(tmp_path: Path, cluster: Cluster) -> None:
    with fleet_of(tmp_path, cluster, breaking=True) as (shop, fleet):
        expand(shop, fleet)
        switch(shop, fleet, killed=True)
        contract(shop, fleet)
        served = shop.rollout("retire-write", code=1)
        assert "legacy" in served.out
        assert versions_read(fleet, "legacy") == {"legacy-1": {1}}
        assert {each.version for each in fleet.handled("legacy")} == {1, 2}
        fleet.stop("legacy-1")
        fleet.start("legacy", "legacy-2", 3)
        shop.deployed("legacy", 3, reads="1,2")
        fleet.wait_for_events()
        retire(shop, fleet, cluster)
        check_events(fleet, old_readers=("legacy",))


@pytest.mark.parametrize("breaking", [False, True], ids=["compatible", "breaking"])
def test_a_revert_in_the_middle(tmp_path: Path, cluster: Cluster, breaking: bool) -> None:
    """Version 2 was written, and still decodes; version 1 is written again; then the upgrade goes on to its end."""
    with fleet_of(tmp_path, cluster, breaking=breaking) as (shop, fleet):
        expand(shop, fleet)
        switch(shop, fleet)
        shop.rollout("revert", "--reason", "the report of the day is empty", "--wait", "60s")
        shop.rollout("converge", "--wait", "60s")
        before = {each.event for each in fleet.written()}
        fleet.wait_for_events()
        assert {each.version for each in fleet.written() if each.event not in before} == {1}
        switch(shop, fleet)
        shop.rollout("contract", "--wait", "60s")
        fleet.stop("orders-2")
        fleet.wait_until_handled()
        check_events(fleet, old_readers=("legacy",) if breaking else ())
