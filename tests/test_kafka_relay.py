"""The relay: rows of an outbox reach Kafka in order, once they are committed, and none is lost."""

import logging
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest
from confluent_kafka import KafkaError

from registry.kafka.errors import SettingsError
from registry.kafka.inbox import EventKey
from registry.kafka.inbox.sqlite import SqliteInbox
from registry.kafka.outbox import OutboxUnavailable, Row
from registry.kafka.outbox.postgres import PostgresOutbox
from registry.kafka.outbox.publishing import _OUTAGES, find_flights
from registry.kafka.outbox.relay import Relay
from registry.kafka.outbox.sqlite import SqliteOutbox
from registry.kafka.retry import Retry
from registry.serde import InMemory
from tests.databases import Postgres
from tests.kafka_outboxes import Store, record
from tests.kafka_relays import QUICK, Stubborn, Watcher, running, wait_for


class TestRowsBecomeRecords:
    def test_in_their_order_and_then_they_are_gone(self, store: Store) -> None:
        store.put(record("a", "a1"), record("b", "b1"), record("a", "a2"), record(None, "n"))
        topics = InMemory()
        assert Relay(store.outbox, topics).run_once() == 4
        assert [each.value for each in topics.records("shop.orders")] == [b"a1", b"b1", b"a2", b"n"]
        assert store.ids() == []
        assert Relay(store.outbox, topics).run_once() == 0

    def test_a_batch_at_a_time(self, store: Store) -> None:
        store.put(*(record("a", str(number)) for number in range(5)))
        relay = Relay(store.outbox, InMemory(), batch=2)
        assert [relay.run_once() for _ in range(4)] == [2, 2, 1, 0]

    def test_a_row_that_is_committed_late_is_not_passed_over(self, store: Store) -> None:
        if store.kind == "sqlite":
            pytest.skip("one transaction writes at a time")
        slow = store.connect()
        store.outbox.add(record("a", "slow"), slow)
        store.put(record("b", "quick"))
        transport = Stubborn()
        relay = Relay(store.outbox, transport)
        assert relay.run_once() == 1
        slow.commit()
        slow.close()
        assert relay.run_once() == 1
        assert transport.values == [b"quick", b"slow"]

    def test_run_publishes_what_comes_until_it_is_stopped(self, store: Store) -> None:
        transport = Stubborn()
        with running(Relay(store.outbox, transport, every=0.01)):
            for number in range(3):
                store.put(record("a", str(number)))
                wait_for(lambda number=number: len(transport.arrived) > number, "the row is published")  # type: ignore[misc]  # a default in a lambda
        assert transport.values == [b"0", b"1", b"2"]

    def test_stop_may_come_from_a_signal_handler(self, store: Store) -> None:
        relay = Relay(store.outbox, InMemory(), every=30)
        before = signal.signal(signal.SIGUSR1, lambda *_: relay.stop())
        try:
            Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            relay.run()
        finally:
            signal.signal(signal.SIGUSR1, before)

    @pytest.mark.parametrize("wrong", [{"every": 0}, {"batch": 0}, {"patience": 0}, {"retry": Retry(first=0)}])
    def test_numbers_that_make_no_sense_are_refused(self, tmp_path: Path, wrong: Any) -> None:
        with pytest.raises(SettingsError):
            Relay(SqliteOutbox(tmp_path / "a.db"), InMemory(), **wrong)


class TestARowThatIsRefused:
    def test_holds_back_its_key_and_no_other(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        store.put(*(record(key, f"{key}{number}") for number in (1, 2, 3) for key in "ab"))
        transport = Stubborn(b"a2")
        relay = Relay(store.outbox, transport, retry=Retry(first=60, longest=60))
        with caplog.at_level(logging.ERROR):
            assert relay.run_once() == 4
        assert transport.values == [b"a1", b"b1", b"b2", b"b3"]
        (row,) = store.outbox.blocked()
        assert (row.record.value, row.attempts, row.error) == (b"a2", 1, "MSG_SIZE_TOO_LARGE: too large")
        assert row.retry_at is not None and row.retry_at > row.created_at
        assert "its key waits behind it: MSG_SIZE_TOO_LARGE" in caplog.text and "discard(id, reason)" in caplog.text
        store.put(record("a", "a4"), record("b", "b4"))
        assert relay.run_once() == 1
        assert transport.values[-1] == b"b4"

    def test_goes_when_what_kept_it_is_repaired_and_the_others_follow(self, store: Store) -> None:
        store.put(record("a", "a1"), record("a", "a2"), record("a", "a3"))
        transport = Stubborn(b"a1")
        relay = Relay(store.outbox, transport, retry=Retry(first=60, longest=60))
        assert relay.run_once() == 0
        transport.refused.clear()
        assert relay.run_once() == 0
        assert store.outbox.retry() == 1
        assert relay.run_once() == 3
        assert transport.values == [b"a1", b"a2", b"a3"]

    def test_is_tried_again_by_itself_and_told_once(
        self,
        store: Store,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        store.put(record("a", "a1"), record("a", "a2"))
        transport = Stubborn(b"a1")
        with running(Relay(store.outbox, transport, every=0.01, retry=QUICK)):
            wait_for(lambda: any(row.attempts > 2 for row in store.outbox.blocked()), "it was tried three times")
            transport.refused.clear()
            wait_for(lambda: len(transport.arrived) == 2, "the key goes on")
        assert transport.values == [b"a1", b"a2"]
        assert caplog.text.count("its key waits behind it") == 1

    def test_lets_its_key_go_on_when_it_is_discarded(self, store: Store) -> None:
        store.put(record("a", "a1"), record("a", "a2"))
        transport = Stubborn(b"a1")
        relay = Relay(store.outbox, transport)
        assert relay.run_once() == 0
        assert store.outbox.discard(store.outbox.blocked()[0].id, "cannot be sent")
        assert relay.run_once() == 1
        assert transport.values == [b"a2"]

    def test_without_a_key_holds_back_nothing(self, store: Store) -> None:
        store.put(record(None, "n1"), record(None, "n2"))
        transport = Stubborn(b"n1")
        assert Relay(store.outbox, transport).run_once() == 1
        assert transport.values == [b"n2"]

    def test_holds_back_its_key_in_its_own_topic_only(self, store: Store) -> None:
        store.put(record("a", "a1"), record("a", "a2", topic="other"))
        transport = Stubborn(b"a1")
        assert Relay(store.outbox, transport).run_once() == 1
        assert transport.values == [b"a2"]

    def test_may_be_one_that_was_damaged(self, store: Store) -> None:
        store.put(record("a", "a1", headers=(("h", b"x"),)), record("a", "a2"), record("b", "b1"))
        with store.transaction() as connection:
            text = "X'0105'" if store.kind == "sqlite" else r"'\x0105'::bytea"
            connection.execute(f"UPDATE contracts_outbox SET headers = {text} WHERE id = 1")
        transport = Stubborn()
        assert Relay(store.outbox, transport).run_once() == 1
        assert transport.values == [b"b1"]
        (row,) = store.outbox.blocked()
        assert (row.id, row.attempts, row.error) == (1, 1, row.damage)
        assert "end early or are damaged" in row.error

    def test_is_told_to_observers(self, store: Store) -> None:
        watcher: Any = Watcher()
        store.put(record("a", "a1"), record("a", "a2"), record("b", "b1"))
        with running(Relay(store.outbox, Stubborn(b"a1"), every=0.01, observers=[watcher])):
            wait_for(lambda: bool(watcher.levels), "a level is told")
        assert (watcher.levels[0].waiting, watcher.levels[0].blocked) == (2, 1)
        assert watcher.levels[0].age >= 0

    def test_an_observer_that_raises_stops_nothing(self, store: Store) -> None:
        class Broken:
            def outbox(self, waiting: int, age: float, blocked: int) -> None:
                raise ValueError("the observer is broken")

        broken: Any = Broken()
        transport = Stubborn()
        with running(Relay(store.outbox, transport, every=0.01, observers=[broken])):
            store.put(record("a", "a1"))
            wait_for(lambda: len(transport.arrived) == 1, "the row is published")


class TestABrokerThatTakesNothing:
    def test_is_waited_for_and_no_row_is_blamed(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        store.put(record("a", "a1"), record("b", "b1"), record("a", "a2"))
        transport = Stubborn(b"a1", b"b1", b"a2", reason="_MSG_TIMED_OUT: no broker")
        with running(Relay(store.outbox, transport, every=0.01)):
            wait_for(lambda: bool(store.outbox.blocked()), "the rows are put off")
            assert {row.attempts for row in store.outbox.blocked()} == {0}
            transport.refused.clear()
            wait_for(lambda: len(transport.arrived) == 3, "the rows arrive")
        assert [value for value in transport.values if value and value.startswith(b"a")] == [b"a1", b"a2"]
        assert "which are sent again: _MSG_TIMED_OUT" in caplog.text and "takes records of" in caplog.text

    def test_names_of_outages_are_those_of_the_client(self) -> None:
        assert {name for name in _OUTAGES if not hasattr(KafkaError, name)} == set()


class TestADatabaseThatKeepsItsRows:
    def test_is_asked_less_and_less_as_each_attempt_sends_them_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store("sqlite", SqliteOutbox(tmp_path / "a.db"), tmp_path / "a.db")
        store.put(record("a", "a1"))
        with store.transaction() as connection:  # as where the disk is full
            connection.execute(
                "CREATE TRIGGER full BEFORE DELETE ON contracts_outbox BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
            )
        transport = Stubborn()
        relay = Relay(store.outbox, transport)
        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 4:
                relay.stop()

        monkeypatch.setattr(relay, "_wait", wait)
        relay.run()
        assert transport.values == [b"a1"] * 4
        assert waits == sorted(waits) and waits[-1] > 4 * waits[0]

    def test_is_left_alone_where_it_says_so_before(self, postgres: Postgres) -> None:
        store = Store("postgres", PostgresOutbox(postgres.conninfo), postgres)
        store.put(record("a", "a1"))
        transport = Stubborn()
        standby = PostgresOutbox(f"{postgres.conninfo} options='-c default_transaction_read_only=on'")
        with pytest.raises(OutboxUnavailable, match="read-only"):
            Relay(standby, transport).run_once()
        assert transport.arrived == []
        assert [waiting.count for waiting in standby.waiting()] == [1]


class TestOrderWhereAFailureStopsNothing:
    def test_of_each_key_one_row_is_under_way(self) -> None:
        rows = [
            Row(number, record(key, "x"), "", 0, datetime.now(UTC))
            for number, key in enumerate(["a", "a", "b", None, "a", "b", None])
        ]
        flights = [[row.id for row in flight] for flight in find_flights(rows, pipelined=False)]
        assert flights == [[0, 2, 3, 6], [1, 5], [4]]
        assert [len(flight) for flight in find_flights(rows, pipelined=True)] == [7]


class TestSeveralCopies:
    def test_one_publishes_and_another_takes_over(self, store: Store) -> None:
        first, second = Stubborn(), Stubborn()
        leading, standing = Relay(store.outbox, first, every=0.01), Relay(store.outbox, second, every=0.01)
        with running(standing):
            with running(leading):
                store.put(*(record("a", str(number)) for number in range(100)))
                wait_for(lambda: store.ids() == [], "all is published")
            store.put(record("a", "last"))
            wait_for(lambda: store.ids() == [], "the other one took over")
        assert sorted(map(len, (first.arrived, second.arrived))) in ([1, 100], [0, 101])

    def test_run_once_leaves_it_to_the_one_that_leads(self, store: Store) -> None:
        store.put(record("a", "1"))
        queue = store.outbox.open()
        assert queue.lead() and queue.lead()
        assert Relay(store.outbox, InMemory()).run_once() == 0
        queue.close()
        assert Relay(store.outbox, InMemory()).run_once() == 1

    def test_a_lock_whose_file_was_removed_is_lost(self, tmp_path: Path) -> None:
        outbox = SqliteOutbox(tmp_path / "a.db")
        outbox.create()
        queue = outbox.open()
        assert queue.lead()
        queue.check()
        (tmp_path / "a.db.contracts_outbox.relay").unlink()
        with pytest.raises(OutboxUnavailable, match="was lost: the file is another one now"):
            queue.read(1)
        queue.close()

    def test_a_session_that_the_server_ended_is_lost(self, store: Store) -> None:
        if store.kind == "sqlite":
            pytest.skip("SQLite has no sessions")
        queue = store.outbox.open()
        assert queue.lead()
        queue.check()
        store.database.disconnect()
        with pytest.raises(OutboxUnavailable):
            queue.check()
        queue.close()


def test_a_relay_comes_to_its_turn_between_handlers_that_follow_one_another(tmp_path: Path) -> None:
    path = tmp_path / "service.db"
    outbox, inbox, transport = SqliteOutbox(path), SqliteInbox(path), Stubborn()
    outbox.create()
    inbox.create()
    pause = Event()
    with running(Relay(outbox, transport)):
        for number in range(500):  # ten seconds at most
            with inbox.once(EventKey("shop", "shop.OrderPlaced", str(number))):
                outbox.send(record("k", str(number)))
                pause.wait(0.02)
            if len(transport.arrived) > 20:
                break
    assert len(transport.arrived) > 20, "the relay found the database locked all the time"
