"""The scenarios of the acceptance list that only a broker can play, through operators, on a real Kafka."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import serde_orders as orders
from confluent_kafka.admin import AdminClient, NewPartitions
from test_serde_chains import ALL, NUMBERED, V1, V2

from registry import serde
from registry.brokers import apache
from registry.rollout.outcome import Exit
from registry.rollout.states import State
from tests.kafka_clusters import KIND, Cluster
from tests.kafka_orders import wait_for
from tests.kafka_rollout_company import Company, commit_offsets
from tests.kafka_rollout_shop import Kept, publish
from tests.rollout_kafka import start_transaction, transact, write, write_keyed
from tests.test_kafka_rollout_access import AUTHORIZER, READ, WRITE, allow
from tests.test_kafka_rollout_control import change

pytestmark = pytest.mark.skipif(KIND == "mock", reason="the mock lists no groups and isolates no transactions")


def order(number: int) -> bytes:
    """An order in a version, as a process writes it that obeys nobody."""
    return serde.Serde(ALL, active=number).encode(NUMBERED[number], orders.meta())[0]


OLD: Final = order(1)
NEW: Final = order(2)


class Trading(Company):
    """A company at work: billing reads both versions, and so does the owner, who has written one order."""

    def __init__(self, cluster: Cluster, **more: Any) -> None:
        super().__init__(cluster, **more)
        self.billing: Kept = self.read("billing", 1, 2)
        self.producer = self.own(1, 2)
        self.publish(V1)

    def publish(self, *events: object) -> None:
        for event in events:
            publish(self.producer, event, self.shop)

    def wait_for_orders(self, count: int) -> None:
        """Billing has handled so many, whatever their version."""
        wait_for(self.billing.has(count))


@pytest.fixture
def company(cluster: Cluster) -> Iterator[Trading]:
    with Trading(cluster) as made:
        yield made


# S2: somebody reads whom nobody knows.


def test_s2_a_group_that_nobody_knows_is_unknown_and_can_be_answered_for_alone(company: Trading) -> None:
    legacy = f"{company.topic}.legacy"
    commit_offsets(company.cluster, legacy, company.topic, {0: 1})
    company.demand("start")
    reason = company.refuse("switch", Exit.UNKNOWN, f"G1.3:group/{legacy}")
    assert reason == (
        f"group {legacy} reads {company.topic} of main and belongs to no service"
        " (Empty, 0 members, committed 1 of 1 on 0)"
    )
    assert (company.state, company.shop.versions()) == (State.EXPANDING, [1])
    company.demand("switch", waive=(f"G1.3:group/{legacy}",), reason="it is switched off")
    assert company.state in {State.SWITCHING, State.SWITCHED}


def test_s2_a_principal_that_may_read_and_nobody_knows_is_named() -> None:
    broker = apache.start(extra={**AUTHORIZER, "super.users": "User:ANONYMOUS"})
    try:
        cluster = Cluster(broker, "apache")
        with Trading(cluster) as company:
            for principal, operation in (("shop-api", WRITE), ("billing", READ), ("stranger", READ)):
                allow(cluster, company.topic, f"User:{principal}", operation)
            company.change(acls=True, super_users=("User:ANONYMOUS",), everyone=False)
            company.demand("start")
            reason = company.refuse("switch", Exit.UNKNOWN, "G1.3:principal/User:stranger")
            assert "may read" in reason
            company.demand("switch", waive=("G1.3:principal/User:stranger",), reason="an auditor, who reads nothing")
    finally:
        broker.close()


# S7: somebody writes the old version after the barrier.


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "aborted"])
def test_s7_a_rogue_writer_is_found_and_later_gates_are_no_until_it_is_measured_again(
    company: Trading, committed: bool
) -> None:
    company.switch()
    company.publish(V2)
    if committed:
        write(company.cluster, company.topic, OLD)
    else:
        transact(company.cluster, company.topic, OLD, commit=False)
    reason = company.refuse("contract", Exit.NO, f"G3.4:partition/main/{company.topic}/0")
    assert "2" in reason, "the offset"
    company.demand("converge")
    company.publish(V2)
    company.wait_for_orders(4 if committed else 3)
    company.demand("contract")
    assert [meta.version for meta in company.billing.metas] == ([1, 2, 1, 2] if committed else [1, 2, 2])
    write(company.cluster, company.topic, OLD)
    assert "3" in company.refuse("retire_write", Exit.NO, f"G4.3:partition/main/{company.topic}/0")
    company.wait_for_orders(5 if committed else 4)
    assert company.state is State.CONTRACTING


# S11: a group whose offsets have expired.


def test_s11_a_group_whose_offsets_expired_is_unknown_and_decodes_all_when_it_returns(cluster: Cluster) -> None:
    with Trading(cluster, readers=("billing", "archive")) as company:
        with company.reading("archive", 1, 2) as archive:
            company.switch()
            company.publish(V2)
            wait_for(archive.has(2))
        group = company.group("archive")
        admin = AdminClient(cluster.settings)
        for future in admin.delete_consumer_groups([group]).values():
            future.result()
        reason = company.refuse("contract", Exit.UNKNOWN, f"G3.2:group/{group}")
        assert reason.endswith("archive was on the topic before the switch, and has no offsets now: expired?")
        with company.reading("archive", 1, 2) as again:
            wait_for(again.has(2))
            assert again.events == [V2, V2]
            assert [meta.version for meta in again.metas] == [1, 2]
            company.demand("contract")


# S12: what lies in a log beside records.


def test_s12_the_marker_of_a_transaction_at_the_tail_is_no_lag(company: Trading) -> None:
    transact(company.cluster, company.topic, OLD, OLD)  # 1, 2, and a marker
    company.switch()
    mark = company.rollout.barrier["main"][0]
    assert (mark.committed, mark.everything) == (3, 3), "one past the last old record, not past its marker"
    transact(company.cluster, company.topic, NEW)  # 4, and a marker
    company.wait_for_orders(4)
    company.demand("contract")


def test_s12_an_aborted_record_moves_only_the_barrier_of_all_data(company: Trading) -> None:
    company.demand("start")
    prepared = start_transaction(company.cluster, f"{company.topic}.aborted", company.topic, OLD)  # 1
    company.demand("switch")
    assert company.state is State.SWITCHING
    company.publish(V2)
    prepared.abort_transaction(60)
    company.demand("converge")
    mark = company.rollout.barrier["main"][0]
    assert (mark.committed, mark.first_new) == (1, 2)
    company.wait_for_orders(2)
    company.demand("contract")


def test_s12_idle_partitions_hold_nothing_up(cluster: Cluster) -> None:
    with Trading(cluster, partitions=5) as company:
        company.switch()
        company.publish(V2, V2)
        company.wait_for_orders(3)
        company.demand("contract")


def test_s12_a_hung_transaction_is_unknown_until_it_ends(company: Trading) -> None:
    company.demand("start")
    hung = start_transaction(company.cluster, f"{company.topic}.hung", company.topic, OLD)
    company.demand("switch")
    assert company.state is State.SWITCHING
    reason = company.refuse("converge", Exit.UNKNOWN, f"G2.3:partition/main/{company.topic}/0")
    assert "transaction" in reason
    hung.commit_transaction(60)
    company.demand("converge")
    assert company.rollout.barrier["main"][0].committed == 2
    company.wait_for_orders(2)
    company.demand("contract")


def test_s12_partitions_that_are_added_are_scanned_from_their_beginning(company: Trading) -> None:
    company.switch()
    admin = AdminClient(company.cluster.settings)
    for future in admin.create_partitions([NewPartitions(company.topic, 2)]).values():
        future.result()
    wait_for(lambda: len(company.broker.read_partitions(company.topic)) == 2)
    write(company.cluster, company.topic, OLD, partition=1)
    reason = company.refuse("contract", Exit.NO, f"G3.4:partition/main/{company.topic}/1")
    assert "0" in reason


# S12 and S13: compaction.


@pytest.fixture(scope="module")
def compacting() -> Iterator[Cluster]:
    """A node of its own, whose cleaner looks for work ten times a second."""
    broker = apache.start(extra={"log.cleaner.backoff.ms": 100})
    try:
        yield Cluster(broker, "apache")
    finally:
        broker.close()


def compact(company: Trading) -> None:
    """The topic is compacted from now on, at once."""
    quick = {"cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.01"}
    for name, value in quick.items():
        change(company.cluster, company.topic, name, value)


def wait_until_compacted(company: Trading, version: int, count: int) -> None:
    """So many records of a version are left; a segment is closed by the next record."""

    def look() -> bool:
        write_keyed(company.cluster, company.topic, [("hot", NEW)])
        facts = company.read_facts("")
        seen = company.broker.scan(company.topic, {0: 0}, facts.wanted)[0]
        return version not in seen.versions or seen.versions[version].count <= count

    wait_for(look)


def test_s12_holes_of_compaction_are_no_lag_and_s13_cold_keys_are_counted(compacting: Cluster) -> None:
    with Trading(compacting) as company:
        compact(company)
        write_keyed(compacting, company.topic, [("hot", OLD)] * 20)
        write_keyed(compacting, company.topic, [(f"cold-{number}", OLD) for number in range(3)])
        company.switch()
        write_keyed(compacting, company.topic, [("hot", NEW)] * 20)
        company.wait_for_orders(1 + 20 + 3)
        wait_until_compacted(company, 1, 3)  # the first order has no key: it is gone too
        company.demand("contract")
        company.own(2)
        company.demand("retire_write")
        reason = company.refuse("retire_read", Exit.NO, f"G5.1:partition/main/{company.topic}/0")
        assert "holds 3 records of v1" in reason
        assert reason.endswith("keys: cold-0, cold-1 and cold-2")
        write_keyed(compacting, company.topic, [(f"cold-{number}", NEW) for number in range(3)])
        wait_until_compacted(company, 1, 0)
        company.demand("retire_read")
