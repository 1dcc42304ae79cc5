"""A switch of an owner that writes into an outbox: its relay publishes later what was encoded before."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from test_serde_chains import V2

from registry.kafka.outbox.relay import Relay
from registry.kafka.producing.transport import KafkaTransport
from registry.rollout.outcome import Exit
from registry.rollout.states import State
from registry.serde import Record
from tests import kafka_relays
from tests.kafka_clusters import KIND, Cluster
from tests.kafka_orders import wait_for
from tests.kafka_outboxes import Store
from tests.kafka_rollout_company import Company
from tests.kafka_rollout_shop import Shop, texts


class Posting:
    """Orders in an outbox, and what takes them to the topic."""

    def __init__(self, shop: Shop, store: Store) -> None:
        self.shop = shop
        self.store = store

    @contextmanager
    def relaying(self) -> Iterator[None]:
        """The relay at work; at the end of the block the outbox is empty."""
        with (
            KafkaTransport(self.shop.cluster.settings, gapless=True) as transport,
            kafka_relays.running(Relay(self.store.outbox, transport, every=0.05)),
        ):
            yield
            wait_for(lambda: self.store.ids() == [])

    def relay(self) -> None:
        """Publishes all that waits."""
        with self.relaying():
            pass


def test_an_instance_says_which_versions_wait_in_its_outbox_until_they_are_relayed(
    cluster: Cluster, store: Store
) -> None:
    shop = Shop(cluster)
    post = Posting(shop, store)
    with shop.rollouts(outboxes=[store.outbox]) as rollouts:
        producer = shop.producer(rollouts, 1, 2, transport=store.outbox)
        with store.transaction():
            producer.publish(V2, correlation_id="early")
        shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
        shop.wait_until(rollouts, lambda said: said.active == 2)
        with store.transaction():
            producer.publish(V2, correlation_id="late")
        said = shop.wait_until(rollouts, lambda said: len(said.waiting) == 2)
        assert (dict(said.waiting), said.outbox) == ({1: 1, 2: 1}, "")
        post.relay()
        assert shop.wait_until(rollouts, lambda said: not said.waiting).active == 2
    assert shop.versions() == [1, 2]


# What operators make of it.


class Waiting(Company):
    """A company whose owner writes into an outbox; billing reads both versions, and has got an order."""

    def __init__(self, cluster: Cluster, store: Store) -> None:
        super().__init__(cluster)
        self.post = Posting(self.shop, store)
        self.store = store
        self.billing = self.read("billing", 1, 2)
        self.begin(1, 2)
        self.write("first")
        self.post.relay()

    def begin(self, *versions: int) -> None:
        """A build of the owner with these versions."""
        self.producer = self.own(*versions, transport=self.store.outbox, outboxes=[self.store.outbox])

    def write(self, *names: str) -> None:
        """Rows, in one transaction."""
        with self.store.transaction():
            for name in names:
                self.producer.publish(V2, correlation_id=name)

    def encode(self, name: str) -> Record:
        """The row of a transaction that has not been committed yet."""
        record: Record = self.producer.encode(V2, correlation_id=name)
        return record

    def wait_for_versions(self, **expected: int) -> None:
        """Billing has handled these, and nothing else, in versions as given."""
        wait_for(lambda: {meta.correlation_id: meta.version for meta in self.billing.metas} == expected)


@pytest.fixture
def company(cluster: Cluster, store: Store) -> Iterator[Waiting]:
    if KIND == "mock":
        pytest.skip("the mock lists no groups")
    with Waiting(cluster, store) as made:
        yield made


def test_rows_of_before_the_switch_are_waited_for(company: Waiting) -> None:
    company.write("early", "earlier")
    company.demand("start")
    company.demand("switch")
    assert company.state is State.SWITCHING
    wait_for(lambda: company.producer.active == 2)
    company.write("late")
    reason = company.refuse("converge", Exit.NO, f"G2.2:{company.owner_instance}")
    assert f"the outbox of {company.owner.instance} of shop-api (build b1) holds 2 rows of v1, the oldest for" in reason
    assert company.shop.versions() == [1]
    company.post.relay()
    company.demand("converge")
    mark = company.rollout.barrier["main"][0]
    assert (mark.committed, mark.everything) == (3, 3)
    company.wait_for_versions(first=1, early=1, earlier=1, late=2)
    company.demand("contract")


def test_a_row_that_is_committed_after_the_switch_is_seen_in_the_outbox_and_behind_the_barrier(
    company: Waiting,
) -> None:
    """Its transaction was open all the while: no outbox showed the row when the rollout converged."""
    slow = company.encode("slow")
    company.switch()
    company.write("late")
    company.post.relay()
    company.wait_for_versions(first=1, late=2)
    company.demand("contract")
    company.begin(2)
    company.store.put(slow)
    company.shop.wait_until(company.owner, lambda said: 1 in said.waiting)
    reason = company.refuse("retire_write", Exit.NO, f"G4.1:{company.owner_instance}")
    assert f"the outbox of {company.owner.instance} of shop-api (build b1) holds 1 row of v1" in reason
    assert company.state is State.CONTRACTING
    company.post.relay()
    reason = company.refuse("retire_write", Exit.NO, f"G4.3:partition/main/{company.topic}/0")
    assert "a v1 record at offset 2, behind the barrier at 1" in reason
    company.wait_for_versions(first=1, late=2, slow=1)
    company.demand("converge")
    company.demand("retire_write")


def test_an_outbox_that_cannot_be_asked_is_unknown_before_the_old_version_is_retired(company: Waiting) -> None:
    company.switch()
    company.write("late")
    company.post.relay()
    company.wait_for_versions(first=1, late=2)
    company.demand("contract")
    company.begin(2)
    with company.store.transaction() as connection:
        connection.execute("ALTER TABLE contracts_outbox RENAME TO mislaid")
    company.shop.wait_until(company.owner, lambda said: said.outbox != "")
    reason = company.refuse("retire_write", Exit.UNKNOWN, f"G4.1:{company.owner_instance}")
    assert "nobody knows what waits in the outbox of" in reason
    with company.store.transaction() as connection:
        connection.execute("ALTER TABLE mislaid RENAME TO contracts_outbox")
    company.demand("retire_write")
