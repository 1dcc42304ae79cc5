"""A switch of an owner that writes in transactions of Kafka, on a real one: open, aborted, and one after the other."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from test_serde_chains import V1, V2

from registry import serde
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.settings import consumer_settings, start_consumer
from registry.rollout.outcome import Exit
from registry.rollout.states import State
from tests.kafka_clusters import KIND, Cluster
from tests.kafka_orders import wait_for
from tests.kafka_rollout_company import HEARTBEAT, MEMBER, Company
from tests.kafka_rollout_shop import publish
from tests.rollout_kafka import start_transaction, write
from tests.test_kafka_rollout_scenarios import NEW

pytestmark = pytest.mark.skipif(KIND == "mock", reason="the mock lists no groups and isolates no transactions")


class Dealing(Company):
    """A company whose owner writes in transactions; billing reads both versions."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self.billing = self.read("billing", 1, 2)
        self.transport = KafkaTransport(cluster.settings, transactional_id=cluster.topic("shop-api"))
        self._stack.callback(self.transport.close, 1.0)
        self.producer = self.own(1, 2, transport=self.transport)

    def send(self, *names: str) -> None:
        """An order of each name, arrived and in the transaction that is open."""
        for name in names:
            self.producer.publish(V2, correlation_id=name)
        self.transport.flush()

    def read_by_billing(self) -> dict[str, int]:
        """The version of each order that billing handled."""
        return {meta.correlation_id: meta.version for meta in self.billing.metas}

    def wait_until_written(self, version: int) -> None:
        """The owner's producers have heard that they write this version."""
        wait_for(lambda: self.producer.active == version)


@pytest.fixture
def company(cluster: Cluster) -> Iterator[Dealing]:
    with Dealing(cluster) as made:
        yield made


class Dropped(Exception):
    """Why a transaction is aborted."""


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "aborted"])
def test_a_transaction_of_the_owner_that_is_open_across_the_switch_is_unknown_until_it_ends(
    company: Dealing, committed: bool
) -> None:
    """It holds both versions: each event is written as what is active when it is encoded."""
    place = f"G2.3:partition/main/{company.topic}/0"
    with company.transport.transaction():
        company.send("before")  # 0, and a marker
    company.demand("start")

    def trade() -> None:
        with company.transport.transaction():
            company.send("early")  # 2
            company.demand("switch")
            company.wait_until_written(2)
            company.send("late")  # 3, and a marker
            assert "a transaction is open since offset 2" in company.refuse("converge", Exit.UNKNOWN, place)
            assert company.state is State.SWITCHING
            assert company.read_by_billing() == {"before": 1}
            if not committed:
                raise Dropped

    if committed:
        trade()
    else:
        with pytest.raises(Dropped):
            trade()
    company.demand("converge")
    mark = company.rollout.barrier["main"][0]
    assert (mark.committed, mark.everything) == ((3, 3) if committed else (1, 3))
    with company.transport.transaction():
        company.send("after")
    both = {"early": 1, "late": 2} if committed else {}
    wait_for(lambda: company.read_by_billing() == {"before": 1, **both, "after": 2})
    company.demand("contract")  # an aborted record before the barrier is no rogue writer's
    company.producer = company.own(2, transport=company.transport)
    company.demand("retire_write")


def test_an_open_transaction_that_holds_no_old_record_holds_nothing_up(company: Dealing) -> None:
    """Where several instances write in transactions one of them is always open, and the last old record is known."""
    with company.transport.transaction():
        company.send("before")
    company.demand("start")
    company.demand("switch")
    company.wait_until_written(2)
    with company.transport.transaction():
        company.send("early")
        company.demand("converge")
        assert (company.state, company.rollout.barrier["main"][0].committed) == (State.SWITCHED, 1)
        other = start_transaction(company.cluster, f"{company.topic}.other", company.topic, NEW)
    wait_for(lambda: company.read_by_billing() == {"before": 1, "early": 2})
    company.demand("contract")
    company.producer = company.own(2, transport=company.transport)
    company.demand("retire_write")
    other.abort_transaction(60)
    assert company.read_by_billing() == {"before": 1, "early": 2}


# Who reads the event in a loop of its own, and commits its position with what follows from it.


def test_a_position_in_an_open_transaction_has_not_crossed_the_barrier(cluster: Cluster) -> None:
    with Company(cluster, readers=("billing", "pricing")) as company, ExitStack() as stack:
        billing, group = company.read("billing", 1, 2), company.group("pricing")
        rollouts = stack.enter_context(company.shop.rollouts("pricing", period=HEARTBEAT))
        pricing = rollouts.join(group, [serde.Serde(company.shop.bundle(1, 2, service="pricing"))], dict)
        stack.callback(rollouts.leave, pricing)
        transport = stack.enter_context(KafkaTransport(cluster.settings, transactional_id=cluster.topic("pricing")))
        consumer = start_consumer(consumer_settings({**cluster.settings, **MEMBER}, group))
        stack.callback(consumer.close)
        consumer.subscribe([company.topic])

        def read_to(offset: int, *, fails: bool = False) -> None:
            with transport.transaction() as transaction:
                message: Any = None
                while message is None or message.error() or message.offset() + 1 < offset:
                    message = consumer.poll(0.1)
                transaction.send_offsets(consumer, {(company.topic, 0): offset})
                reason = company.refuse("contract", Exit.NO, f"G3.2:group/main/{group}")
                assert f"at 1 of {offset - 1}, 1 offset before the barrier" in reason
                if fails:
                    raise Dropped

        publish(company.own(1, 2), V1, company.shop)  # 0
        with transport.transaction() as transaction:
            while not consumer.assignment():
                consumer.poll(0.1)
            transaction.send_offsets(consumer, {(company.topic, 0): 1})
        producer = company.own(1, 2)
        publish(producer, V1, company.shop)  # 1
        company.switch()
        publish(producer, V1, company.shop)  # 2
        wait_for(billing.has(3))
        with pytest.raises(Dropped):
            read_to(3, fails=True)
        consumer.seek(TopicPartition(company.topic, 0, 1))
        read_to(3)
        company.demand("contract")


# What follows from another topic: consumed, transformed and produced in one transaction.


class Deriving:
    """Each request becomes an order, in a transaction with the position of the reader. Every third attempt fails."""

    def __init__(self, company: Dealing, source: str) -> None:
        self.company = company
        self.source = source
        self.names: list[str] = []
        self.aborted = 0
        self._asked = 0

    def run(self, stop: Event) -> None:
        consumer = start_consumer(consumer_settings(self.company.cluster.settings, f"{self.source}.deriving"))
        consumer.subscribe([self.source])
        attempts = 0
        try:
            while not stop.is_set():
                message: Any = consumer.poll(0.1)
                if message is None or message.error():
                    continue
                attempts += 1
                try:
                    self._derive(consumer, message, fails=attempts % 3 == 0)
                except Dropped:
                    self.aborted += 1
                    self._derive(consumer, message, fails=False)  # what was read is read again
        finally:
            consumer.close()

    def ask(self, count: int) -> None:
        """So many requests more."""
        for _ in range(count):
            self._asked += 1
            self.names.append(f"request-{self._asked}")
            write(self.company.cluster, self.source, self.names[-1].encode())

    def _derive(self, consumer: Consumer, message: Any, *, fails: bool) -> None:
        with self.company.transport.transaction() as transaction:
            self.company.producer.publish(V1, correlation_id=message.value().decode())
            transaction.send_offsets(consumer, {(self.source, message.partition()): message.offset() + 1})
            if fails:
                raise Dropped


@contextmanager
def deriving(company: Dealing) -> Iterator[Deriving]:
    """A service at work until the end of the block."""
    source = company.cluster.topic("requests")
    company.cluster.create(source, partitions=1)
    made, stop, errors = Deriving(company, source), Event(), list[BaseException]()

    def go() -> None:
        try:
            made.run(stop)
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=go, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join()
    assert errors == []


def test_what_follows_from_another_topic_is_switched_and_each_request_becomes_one_order(company: Dealing) -> None:
    def served() -> bool:
        return company.read_by_billing().keys() == {*made.names}

    with deriving(company) as made:
        made.ask(9)
        wait_for(served)
        company.demand("start")
        made.ask(5)
        company.demand("switch")
        made.ask(5)
        if company.state is State.SWITCHING:
            company.demand("converge")
        assert company.state is State.SWITCHED
        made.ask(9)
        wait_for(served)
        company.demand("contract")
        made.ask(3)
        wait_for(served)
    times = Counter(meta.correlation_id for meta in company.billing.metas)
    assert set(times.values()) == {1}
    assert made.aborted >= 9
    versions = [meta.version for meta in company.billing.metas]
    assert versions == sorted(versions), "one writer, one partition"
    assert (versions[0], versions[-1]) == (1, 2)
    mark = company.rollout.barrier["main"][0]
    assert mark.everything >= mark.committed > 0
