"""An outbox: rows that are committed with the caller's writes, or not at all."""

import asyncio
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.kafka.errors import MessagingError, MissingLibrary, NoTransaction, SettingsError
from registry.kafka.inbox import EventKey, Inbox
from registry.kafka.inbox.async_postgres import AsyncPostgresInbox
from registry.kafka.inbox.postgres import PostgresInbox
from registry.kafka.inbox.sqlite import SqliteInbox
from registry.kafka.outbox import MissingTable, OutboxUnavailable
from registry.kafka.outbox.async_postgres import AsyncPostgresOutbox
from registry.kafka.outbox.headers import parse_headers, render_headers
from registry.kafka.outbox.postgres import PostgresOutbox
from registry.kafka.outbox.relay import Relay
from registry.kafka.outbox.sqlite import SqliteOutbox
from registry.kafka.transaction import using
from registry.serde import InMemory, Record, correlation
from tests.databases import Postgres
from tests.kafka_outboxes import Store, record
from tests.serde_orders import OrderPlaced, OrderPlacedProducer, State

ORDER = OrderPlaced(order_id="o-1", state=State.OPEN, note="käse", labels={"a": "b"})


class TestARowBelongsToTheCallersTransaction:
    def test_it_is_there_when_the_caller_commits(self, store: Store) -> None:
        with store.transaction() as connection:
            connection.execute("INSERT INTO orders VALUES ('o-1')")
            store.outbox.send(record("o-1", "placed"))
            assert store.ids() == []
        assert store.ids() == [1]
        assert store.read("SELECT name FROM orders") == [("o-1",)]

    def test_it_goes_when_the_caller_rolls_back(self, store: Store) -> None:
        connection = store.connect()
        connection.execute("INSERT INTO orders VALUES ('o-1')")
        store.outbox.add(record("o-1", "placed"), connection)
        connection.rollback()
        connection.close()
        assert store.ids() == []
        assert store.read("SELECT name FROM orders") == []

    def test_a_producer_writes_rows_as_it_would_send_records(self, store: Store) -> None:
        producer = OrderPlacedProducer(store.outbox, service="shop-api", active=3)
        with store.transaction(), correlation("request-1"):
            producer.publish(ORDER)
        (waiting,) = store.outbox.waiting()
        assert (waiting.contract, waiting.version, waiting.count) == ("shop.OrderPlaced", 3, 1)
        assert 0 <= waiting.age < 60

    def test_flush_does_nothing(self, store: Store) -> None:
        store.outbox.flush()


class TestARowThatWouldBeCommittedByItselfIsRefused:
    def test_no_transaction_is_in_force(self, store: Store) -> None:
        with pytest.raises(NoTransaction, match="no transaction is in force for a row of contracts_outbox") as caught:
            store.outbox.send(record("o-1", "placed"))
        assert "using(connection)" in caught.value.help

    def test_the_connection_is_of_another_database(self, store: Store) -> None:
        other: Any = object() if store.kind == "postgres" else "a string"
        with using(other), pytest.raises(NoTransaction, match="is written through a"):
            store.outbox.send(record("o-1", "placed"))

    def test_sqlite_commits_each_statement(self, tmp_path: Path) -> None:
        outbox = SqliteOutbox(tmp_path / "a.db")
        outbox.create()
        connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        with pytest.raises(NoTransaction, match="would be committed by itself"):
            outbox.add(record("o-1", "placed"), connection)
        connection.execute("BEGIN")
        outbox.add(record("o-1", "placed"), connection)
        connection.execute("ROLLBACK")
        connection.close()
        assert outbox.waiting() == []

    @pytest.mark.skipif(not hasattr(sqlite3, "LEGACY_TRANSACTION_CONTROL"), reason="Python 3.12 has autocommit=")
    @pytest.mark.parametrize(("autocommit", "refused"), [(True, True), (False, False)])
    def test_sqlite_of_python_3_12(self, tmp_path: Path, autocommit: bool, refused: bool) -> None:
        outbox = SqliteOutbox(tmp_path / "a.db")
        outbox.create()
        connect: Any = sqlite3.connect
        connection = connect(tmp_path / "a.db", autocommit=autocommit)
        if refused:
            with pytest.raises(NoTransaction):
                outbox.add(record("o-1", "placed"), connection)
        else:
            outbox.add(record("o-1", "placed"), connection)
        connection.close()
        assert outbox.waiting() == []

    def test_psycopg_commits_each_statement(self, postgres: Any) -> None:
        outbox = PostgresOutbox(postgres.conninfo)
        outbox.create()
        with postgres.connect(autocommit=True) as connection:
            with pytest.raises(NoTransaction, match="would be committed by itself"):
                outbox.add(record("o-1", "placed"), connection)
            with connection.transaction():
                outbox.add(record("o-1", "placed"), connection)
        assert [waiting.count for waiting in outbox.waiting()] == [1]


class TestInsideOfAnInbox:
    def test_a_row_is_committed_with_the_event_that_caused_it(self, store: Store) -> None:
        inbox: Inbox = PostgresInbox(store.place) if store.kind == "postgres" else SqliteInbox(store.place)
        key = EventKey("shop-api", "shop.OrderPlaced", "event-1")

        def derive(*numbers: int) -> None:
            with inbox.once(key) as new:
                if new:
                    for number in numbers:
                        store.outbox.send(record("o-1", str(1 / number)))

        with pytest.raises(ZeroDivisionError):
            derive(1, 0)
        assert store.ids() == []
        derive(1)
        derive(1)
        assert [waiting.count for waiting in store.outbox.waiting()] == [1]

    def test_of_a_service_that_runs_on_asyncio(self, postgres: Any) -> None:
        PostgresOutbox(postgres.conninfo).create()
        inbox, outbox = AsyncPostgresInbox(postgres.conninfo), AsyncPostgresOutbox()

        async def derive() -> None:
            with pytest.raises(NoTransaction):
                await outbox.send(record("o-1", "derived"))
            async with inbox.once(EventKey("shop-api", "shop.OrderPlaced", "event-1")) as new:
                assert new
                await outbox.send(record("o-1", "derived"))
            await outbox.flush()
            connection = await psycopg.AsyncConnection.connect(postgres.conninfo, autocommit=True)
            async with connection:
                with pytest.raises(NoTransaction, match="committed by itself"):
                    await outbox.add(record("o-1", "derived"), connection)
                with pytest.raises(MissingTable):
                    await AsyncPostgresOutbox(table="another").add(record("o-1", "x"), await begun(connection))

        async def begun(connection: Any) -> Any:
            await connection.execute("BEGIN")
            return connection

        asyncio.run(derive())
        assert [waiting.count for waiting in PostgresOutbox(postgres.conninfo).waiting()] == [1]


class TestTheTable:
    def test_it_may_be_created_again_and_by_several_at_once(self, store: Store) -> None:
        errors: list[BaseException] = []

        def create() -> None:
            try:
                store.outbox.create()
            except BaseException as error:
                errors.append(error)

        threads = [Thread(target=create) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert errors == []

    def test_its_ddl_is_there_for_migrations(self, store: Store) -> None:
        assert store.outbox.ddl.startswith('CREATE TABLE IF NOT EXISTS "contracts_outbox" (')
        with store.transaction() as connection:
            if store.kind == "sqlite":
                connection.executescript(store.outbox.ddl)
            else:
                connection.execute(store.outbox.ddl)

    def test_where_it_is_missing_the_error_says_how_to_make_it(self, tmp_path: Path, postgres: Any) -> None:
        stores: list[tuple[Any, Any]] = [
            (SqliteOutbox(tmp_path / "a.db"), sqlite3.connect(tmp_path / "a.db")),
            (PostgresOutbox(postgres.conninfo), postgres.connect()),
        ]
        for outbox, connection in stores:
            with connection, pytest.raises(MissingTable) as caught:
                outbox.add(record("o-1", "placed"), connection)
            assert "create()" in caught.value.help
            with pytest.raises(MissingTable):
                outbox.waiting()
            with pytest.raises(MissingTable):
                Relay(outbox, InMemory()).run()
            connection.close()

    def test_any_name_is_quoted(self, tmp_path: Path, postgres: Any) -> None:
        name = 'out"box; DROP TABLE x --'
        stores: list[tuple[Any, Any]] = [
            (SqliteOutbox(tmp_path / "a.db", table=name), sqlite3.connect(tmp_path / "a.db")),
            (PostgresOutbox(postgres.conninfo, table=name, schema="public"), postgres.connect()),
        ]
        for outbox, connection in stores:
            outbox.create()
            outbox.add(record("o-1", "placed"), connection)
            connection.commit()
            connection.close()
            assert Relay(outbox, (topics := InMemory())).run_once() == 1
            assert len(topics.records("shop.orders")) == 1

    @pytest.mark.parametrize("name", ["", "a\0b", "x" * 64, "x" * 54])
    def test_a_name_that_no_table_can_have_is_refused(self, name: str) -> None:
        for make in (lambda: SqliteOutbox("a.db", table=name), lambda: PostgresOutbox(table=name)):
            with pytest.raises(SettingsError):
                make()

    def test_without_psycopg_the_command_that_installs_it_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(MissingLibrary) as caught:
            PostgresOutbox()
        assert caught.value.help == "pip install 'event-contracts[postgres]'"

    def test_two_outboxes_in_one_database_know_nothing_of_each_other(self, store: Store) -> None:
        other = type(store.outbox)(store.place, table="second")
        other.create()
        store.put(record("o-1", "placed"))
        assert other.waiting() == []
        assert Relay(other, InMemory()).run_once() == 0
        assert store.ids() == [1]

    def test_a_database_in_memory_is_no_place_for_an_outbox(self) -> None:
        with pytest.raises(SettingsError, match="belongs to one connection"):
            SqliteOutbox(":memory:").create()

    def test_a_database_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        for outbox in (SqliteOutbox(tmp_path / "none" / "a.db"), PostgresOutbox(f"host={tmp_path} dbname=x")):
            with pytest.raises(OutboxUnavailable):
                outbox.waiting()
            with pytest.raises(OutboxUnavailable):
                Relay(outbox, InMemory()).run_once()


class TestARecordIsKeptToTheByte:
    @pytest.mark.parametrize(
        "given",
        [
            Record("t", None, None),
            Record("t", b"", b""),
            Record("t", b"\0\xff", b"\0" * 10, (("a", None), ("a", b""), ("", b"\0"), ("ä", b"x" * 300))),
            Record("t", b"k", None, partition=0),
            Record("t", b"k", b"v", partition=7, timestamp=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
            Record("t", b"k", b"v", (("ce_type", b"\xff"), ("ce_schemaversion", b"99999999999999"))),
            Record("t", b"k", b"v", (("ce_type", b"a\0b"), ("ce_schemaversion", b""))),
        ],
    )
    def test_what_is_relayed_is_what_was_encoded(self, store: Store, given: Record) -> None:
        store.put(given)
        sent: list[Record] = []

        class Transport:
            def send(self, record: Record) -> None:
                sent.append(record)

            def flush(self) -> None: ...

        assert Relay(store.outbox, Transport()).run_once() == 1
        assert sent == [given]

    def test_ids_of_a_request_and_its_trace_are_those_of_the_writer(self, store: Store) -> None:
        producer = OrderPlacedProducer(InMemory(), service="shop-api", active=3)
        with correlation("request-1"):
            encoded = producer.encode(ORDER)
        given = Record(encoded.topic, encoded.key, encoded.value, (*encoded.headers, ("traceparent", b"00-1-2-01")))
        store.put(given)
        topics = InMemory()
        with correlation("another"):
            Relay(store.outbox, topics).run_once()
        (sent,) = topics.records("shop.orders")
        assert (sent.key, sent.value, sent.headers) == (given.key, given.value, given.headers)

    @given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.binary())))
    def test_headers_survive(self, headers: list[tuple[str, bytes | None]]) -> None:
        assert parse_headers(render_headers(headers)) == tuple(headers)

    @pytest.mark.parametrize("stored", [b"\2", b"\1\5ab", b"\1\1a", b"\1\1a\5xy", b"\1\1\xff\0", b"\1\xff"])
    def test_damaged_headers_are_told(self, stored: bytes) -> None:
        with pytest.raises(MessagingError, match="headers of an outbox"):
            parse_headers(stored)

    def test_a_header_that_is_none_is_refused(self, store: Store) -> None:
        wrong: Any = (("a", "text"),)
        with store.transaction(), pytest.raises(MessagingError, match="a header of a str and a str: 'a'"):
            store.outbox.send(Record("t", b"k", b"v", wrong))


class TestRowsInTheHandsOfAPerson:
    def test_waiting_is_told_by_event_and_version(self, store: Store) -> None:
        def typed(version: str) -> Record:
            return record("k", "v", headers=(("ce_type", b"shop.OrderPlaced"), ("ce_schemaversion", version.encode())))

        store.put(typed("2"), typed("1"), typed("2"), record("k", "v"))
        assert [(each.contract, each.version, each.count) for each in store.outbox.waiting()] == [
            ("", 0, 1),
            ("shop.OrderPlaced", 1, 1),
            ("shop.OrderPlaced", 2, 2),
        ]

    def test_a_row_that_is_discarded_is_kept_with_the_reason(self, store: Store) -> None:
        store.put(record("a", "1"), record("a", "2"))
        assert store.outbox.discard(1, "written by a test")
        assert not store.outbox.discard(1, "again")
        assert store.ids() == [2]
        kept = store.read("SELECT id, reason, value FROM contracts_outbox_discarded")
        assert [(id, reason, bytes(value)) for id, reason, value in kept] == [(1, "written by a test", b"1")]

    def test_an_id_never_comes_again(self, store: Store) -> None:
        store.put(record("a", "1"), record("a", "2"))
        assert store.outbox.discard(2, "the last one")
        store.put(record("a", "3"))
        assert store.ids() == [1, 3]


def test_a_service_that_starts_does_not_wait_for_those_that_write(postgres: Postgres) -> None:
    outbox = PostgresOutbox(postgres.conninfo)
    outbox.create()
    with postgres.connect() as connection:
        outbox.add(Record("orders", b"k", b"v"), connection)
        PostgresOutbox(f"{postgres.conninfo} options='-c lock_timeout=5s'").create()
        connection.rollback()
