"""The relay on Kafka: order and completeness, also while the broker or the database is gone."""

import os
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from registry.kafka.errors import NoTransaction, SettingsError
from registry.kafka.outbox.postgres import PostgresOutbox
from registry.kafka.outbox.relay import Relay
from registry.kafka.outbox.sqlite import SqliteOutbox
from registry.kafka.producing.line import Unusable
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.retry import Retry
from registry.serde.async_memory import AsyncInMemory
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_outboxes import Store, record
from tests.kafka_relays import QUICK, Stubborn, Watcher, of_key, read_topic, running, wait_for


class TestOnKafka:
    @pytest.fixture
    def topic(self, cluster: Cluster) -> str:
        name = cluster.topic("shop.orders")
        cluster.create(name)
        return name

    def test_rows_arrive_in_the_order_of_their_keys(self, store: Store, cluster: Cluster, topic: str) -> None:
        store.put(*(record(key, str(number), topic) for number in range(200) for key in "abcde"))
        with (
            KafkaTransport(cluster.settings, gapless=True) as transport,
            running(Relay(store.outbox, transport, every=0.01)),
        ):
            wait_for(lambda: store.ids() == [], "all rows are published")
        found = read_topic(cluster, topic)
        for key in (b"a", b"b", b"c", b"d", b"e"):
            assert of_key(found, key) == [str(number).encode() for number in range(200)]

    @pytest.mark.parametrize("gapless", [True, False])
    def test_a_row_that_is_too_large_holds_back_its_key_alone(
        self,
        store: Store,
        cluster: Cluster,
        topic: str,
        gapless: bool,
    ) -> None:
        large = "x" * 2_000_000
        store.put(
            *(
                record(key, text, topic)
                for text in ("1", large, "3")
                for key in ("a", "b")
                if (text, key) != (large, "b")
            )
        )
        with (
            KafkaTransport(cluster.settings, gapless=gapless) as transport,
            running(Relay(store.outbox, transport, every=0.01)),
        ):
            wait_for(lambda: bool(store.outbox.blocked()), "the row is refused")
            wait_for(lambda: store.ids() == [3, 4], "the others are published")
            (row,) = store.outbox.blocked()
            assert row.error.startswith("MSG_SIZE_TOO_LARGE")
            assert store.outbox.discard(row.id, "too large")
            wait_for(lambda: store.ids() == [], "the key goes on")
        found = read_topic(cluster, topic)
        assert (of_key(found, b"a"), of_key(found, b"b")) == ([b"1", b"3"], [b"1", b"3"])

    @pytest.mark.parametrize("gapless", [True, False])
    def test_a_broker_that_is_gone_comes_back(
        self,
        store: Store,
        cluster: Cluster,
        topic: str,
        gapless: bool,
    ) -> None:
        watcher: Any = Watcher()
        settings = {**cluster.settings, "delivery.timeout.ms": 1500, "socket.timeout.ms": 1000}
        with (
            KafkaTransport(settings, gapless=gapless) as transport,
            running(Relay(store.outbox, transport, every=0.01, patience=1.5, observers=[watcher])),
        ):
            store.put(record("a", "0", topic))
            wait_for(lambda: store.ids() == [], "the first row is published")
            cluster.stop_node(1)
            store.put(*(record("a", str(number), topic) for number in range(1, 50)))
            wait_for(lambda: any(level.blocked for level in watcher.levels), "the broker is found to be gone")
            assert len(store.ids()) == 49
            cluster.start_node(1)
            wait_for(lambda: store.ids() == [], "the rest is published")
        values = of_key(read_topic(cluster, topic), b"a")
        assert list(dict.fromkeys(values)) == [str(number).encode() for number in range(50)]

    def test_a_stop_while_the_broker_is_gone_leaves_the_rows(
        self,
        store: Store,
        cluster: Cluster,
        topic: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("registry.kafka.outbox.relay.GRACE", 0.1)
        cluster.stop_node(1)
        store.put(record("a", "1", topic))
        with (
            KafkaTransport(cluster.settings, gapless=True) as transport,
            running(Relay(store.outbox, transport, every=0.01)),
        ):
            wait_for(lambda: transport.waiting == 1, "the record is under way")
        assert store.ids() == [1]
        cluster.start_node(1)

    def test_a_transport_that_cannot_serve_a_relay_is_no_fault_of_a_row(self, store: Store, cluster: Cluster) -> None:
        wrong: Any = AsyncInMemory()
        with pytest.raises(SettingsError, match="sends by coroutines, which nobody would await"):
            Relay(store.outbox, wrong)
        store.put(record("a", "1"))
        with (
            KafkaTransport(cluster.settings, transactional_id=cluster.topic("shop-api")) as transport,
            pytest.raises(NoTransaction),
        ):
            Relay(store.outbox, transport).run_once()
        assert store.outbox.blocked() == [] and store.ids() == [1]

    def test_a_transport_that_was_closed_is_no_fault_of_a_row(self, store: Store, cluster: Cluster) -> None:
        transport = KafkaTransport(cluster.settings, gapless=True)
        transport.close()
        store.put(record("a", "1"))
        with pytest.raises(Unusable):
            Relay(store.outbox, transport).run_once()
        assert store.outbox.blocked() == []

    def test_a_relay_that_lost_its_lock_takes_back_what_is_under_way(self, postgres: Any, cluster: Cluster) -> None:
        store = Store("postgres", PostgresOutbox(postgres.conninfo), postgres)
        topic = cluster.topic("shop.orders")
        cluster.create(topic)
        with KafkaTransport(cluster.settings, gapless=True) as transport:
            transport.send(record("b", "0", topic))
            transport.flush()  # connected, with the topic known
            cluster.stop_node(1)
            store.put(record("a", "1", topic))
            with running(Relay(store.outbox, transport, every=0.01)):
                wait_for(lambda: transport.waiting == 1, "the record is under way")
                assert postgres.disconnect() >= 1
                successor = store.outbox.open()
                wait_for(successor.lead, "another relay leads")
                wait_for(lambda: transport.waiting == 0, "the record is taken back")
                cluster.start_node(1)
                assert read_topic(cluster, topic) == [(b"b", b"0")]
                assert store.ids() == [1]
                successor.close()
                wait_for(lambda: store.ids() == [], "the relay leads again")
        assert read_topic(cluster, topic) in ([(b"b", b"0"), (b"a", b"1")], [(b"a", b"1"), (b"b", b"0")])

    def test_rows_that_a_topic_refuses_hold_back_their_keys_alone(self, store: Store, cluster: Cluster) -> None:
        if not cluster.real:
            pytest.skip("the mock's topics have no settings")
        from confluent_kafka.admin import AdminClient
        from confluent_kafka.cimpl import NewTopic

        topic = cluster.topic("shop.orders")
        admin = AdminClient({"bootstrap.servers": cluster.address})
        admin.create_topics([NewTopic(topic, 1, 1, config={"max.message.bytes": "2000"})])[topic].result(DEADLINE)
        large = os.urandom(5000).hex()
        store.put(*(record(key, large if number == 7 else str(number), topic) for number in range(20) for key in "abc"))
        store.outbox.discard(3 * 7 + 3, "the large one of c")
        with (
            KafkaTransport(cluster.settings, gapless=True) as transport,
            running(Relay(store.outbox, transport, every=0.01, retry=Retry(first=60, longest=60))),
        ):
            wait_for(lambda: len(store.outbox.blocked()) == 2 and len(store.ids()) == 26, "c is published")
            assert {(row.record.key, row.attempts) for row in store.outbox.blocked()} == {(b"a", 1), (b"b", 1)}
            for row in store.outbox.blocked():
                store.outbox.discard(row.id, "too large")
            wait_for(lambda: store.ids() == [], "a and b go on")
        found = read_topic(cluster, topic, partitions=1)
        for key in (b"a", b"b", b"c"):
            values = list(dict.fromkeys(of_key(found, key)))  # what was under way at the refusal may come twice
            assert values == [str(number).encode() for number in range(20) if number != 7]

    def test_a_topic_that_is_not_there_blocks_its_own_keys(self, store: Store, cluster: Cluster, topic: str) -> None:
        if not cluster.real:
            pytest.skip("the mock makes every topic")
        missing = cluster.topic("shop.missing")
        store.put(record("a", "1", missing), record("a", "2", topic), record("a", "3", missing))
        settings = {**cluster.settings, "topic.metadata.propagation.max.ms": 500}
        with (
            KafkaTransport(settings, gapless=True) as transport,
            running(Relay(store.outbox, transport, every=0.01, retry=QUICK)),
        ):
            wait_for(lambda: bool(store.outbox.blocked()) and len(store.ids()) == 2, "the other topic goes on")
            (row,) = store.outbox.blocked()
            assert row.error.partition(":")[0] in {"_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_OR_PART"}
            cluster.create(missing)
            wait_for(lambda: store.ids() == [], "the topic is there")
        assert of_key(read_topic(cluster, missing), b"a") == [b"1", b"3"]


class TestADatabaseThatIsGone:
    def test_postgresql_is_started_again_while_rows_are_relayed(self, postgres: Any, cluster: Cluster) -> None:
        store = Store("postgres", PostgresOutbox(postgres.conninfo), postgres)
        topic = cluster.topic("shop.orders")
        cluster.create(topic)
        with (
            KafkaTransport(cluster.settings, gapless=True) as transport,
            running(Relay(store.outbox, transport, every=0.01, batch=10)),
        ):
            store.put(*(record("a", str(number), topic) for number in range(300)))
            postgres.server.stop()
            postgres.server.start()
            store.put(*(record("a", str(number), topic) for number in range(300, 350)))
            wait_for(lambda: store.ids() == [], "all rows are published")
        values = of_key(read_topic(cluster, topic), b"a")
        assert list(dict.fromkeys(values)) == [str(number).encode() for number in range(350)]

    def test_sqlite_is_written_by_others_meanwhile(self, tmp_path: Path) -> None:
        outbox = SqliteOutbox(tmp_path / "a.db")
        store = Store("sqlite", outbox, tmp_path / "a.db")
        transport = Stubborn()

        def write(name: str) -> None:
            for number in range(50):
                store.put(record(name, f"{name}{number}"))

        threads = [Thread(target=write, args=(name,)) for name in "abc"]
        with running(Relay(outbox, transport, every=0.01)):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(DEADLINE)
            wait_for(lambda: store.ids() == [], "all rows are published")
        for name in "abc":
            sent = [value for value in transport.values if value and value.startswith(name.encode())]
            assert sent == [f"{name}{number}".encode() for number in range(50)]
