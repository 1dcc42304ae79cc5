"""A broker dies while a switch is under way: of three nodes the leader of the control topic. Nothing is lost."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest
import test_serde_chains as chains
from confluent_kafka.admin import AdminClient

from registry.kafka.rollout.control import CONTROL_TOPIC
from registry.rollout.errors import BrokerUnavailable
from registry.rollout.kafka.cluster import KafkaCluster
from registry.rollout.order import Order
from registry.rollout.states import State
from tests.kafka_clusters import KIND, Cluster, start_cluster
from tests.kafka_orders import wait_for
from tests.kafka_rollout_company import Company
from tests.kafka_rollout_shop import EVENT

pytestmark = pytest.mark.skipif(KIND == "mock", reason="the mock elects no leaders")
PARTITIONS = 3
HASTY = 2.0
"""Seconds that an operator waits for an answer: as long as it takes until a dead leader has a successor."""


@pytest.fixture
def three() -> Iterator[Cluster]:
    """Three nodes; two of them have each acknowledged record."""
    with start_cluster(3, "apache") as cluster:
        yield cluster


class Load:
    """What the owner publishes all the time, each order with a number of its own."""

    def __init__(self) -> None:
        self.count = 0

    @property
    def names(self) -> set[str]:
        return {f"request-{number}" for number in range(1, self.count + 1)}


@contextmanager
def publishing(company: Company) -> Iterator[Load]:
    """The owner publishes until the end of the block; then all of it has arrived."""
    load, stop = Load(), Event()
    producer = company.own(1, 2)
    errors: list[BaseException] = []

    def publish() -> None:
        try:
            while not stop.wait(0.005):
                producer.publish(chains.V2, correlation_id=f"request-{load.count + 1}")
                load.count += 1
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=publish, daemon=True)
    thread.start()
    try:
        yield load
    finally:
        stop.set()
        thread.join()
    assert errors == []
    company.shop.transport.flush()


def find_leader(cluster: Cluster, topic: str) -> int:
    """The node that leads the first partition of a topic."""
    told = AdminClient(cluster.settings).list_topics(topic, timeout=30).topics[topic]
    return int(told.partitions[0].leader)


@pytest.mark.parametrize("moment", ["before epoch 1 is published", "after epoch 1, prepare is published"])
def test_the_leader_of_the_control_topic_is_killed_between_prepare_and_active(three: Cluster, moment: str) -> None:
    """Nobody knows whether the operator's record was written. Another one brings the switch to its end meanwhile."""
    with Company(three, readers=("billing", "search"), partitions=PARTITIONS) as company:
        readers = [company.read(service, 1, 2) for service in company.readers]
        with publishing(company) as load:
            wait_for(lambda: load.count > 20)
            company.demand("start")
            wait_for(lambda: company.run("switch", dry_run=True).exit_code == 0)
            killed: list[int] = []

            def kill(place: str) -> None:
                if place == moment and not killed:
                    killed.append(find_leader(three, CONTROL_TOPIC))
                    three.stop_node(killed[0], kill=True)

            hasty = company.operator(at=kill, broker=KafkaCluster(three.settings, "main", patience=HASTY))
            with suppress(BrokerUnavailable):
                hasty.switch(Order(EVENT, 1, 2))
            assert killed, "the switch never came so far"
            before = load.count
            wait_for(lambda: load.count > before + 100)  # the owner goes on

            def finish() -> bool:
                try:
                    company.operator().reconcile(EVENT)
                except BrokerUnavailable:
                    return False
                if company.state in {State.EXPANDING}:
                    company.operator().switch(Order(EVENT, 1, 2))  # it was cancelled, as nobody could be heard
                return company.state is State.SWITCHED

            wait_for(finish)
            epoch = company.rollout.epoch
            company.operator().reconcile(EVENT)
            assert company.rollout.epoch == epoch, "twice changes nothing"
            before = load.count
            wait_for(lambda: load.count > before + 100)
            three.start_node(killed[0])
            wait_for(lambda: load.count > before + 200)
        wait_for(lambda: all({meta.correlation_id for meta in kept.metas} >= load.names for kept in readers))
        for kept in readers:
            assert {meta.version for meta in kept.metas} == {1, 2}
            assert all(event == chains.V2 for event in kept.events)
        company.demand("contract")  # no old record lies behind the barrier

        def says_so() -> bool:  # the marker of the transaction is written after its commit is answered
            (said,) = company.broker.read_control(company.environment.name).values()
            return (said.active, said.writable) == (2, (2,))

        wait_for(says_so)
