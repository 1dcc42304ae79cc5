"""The inbox in SQLite: one commit for the event and for what its handler wrote."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from registry.kafka.errors import SettingsError
from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import InboxBusy, InboxUnavailable, TransactionEnded
from registry.kafka.inbox.sqlite import SqliteInbox
from registry.kafka.transaction import CONNECTION, current_connection

KEY = EventKey("billing", "shop.OrderPlaced", "e-1")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A service's own database, with a table of bills."""
    path = tmp_path / "billing.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table bill (id text)")
    connection.close()
    return path


@pytest.fixture
def inbox(database: Path) -> Iterator[SqliteInbox]:
    with SqliteInbox(database, patience=5) as made:
        yield made


def write_bill(name: str) -> None:
    current_connection().execute("insert into bill values (?)", (name,))


def bills(database: Path) -> list[str]:
    connection = sqlite3.connect(database)
    try:
        return [name for (name,) in connection.execute("select id from bill")]
    finally:
        connection.close()


def handle(inbox: SqliteInbox, work: Callable[[], object], key: EventKey = KEY) -> bool:
    """As a subscription does."""
    with inbox.once(key) as new:
        if new:
            work()
    return new


def fail(text: str) -> None:
    raise ValueError(text)


def is_new(inbox: SqliteInbox, key: EventKey = KEY) -> bool:
    """Asks without leaving a trace."""
    seen = False
    with suppress(InterruptedError), inbox.once(key) as new:
        seen = new
        raise InterruptedError
    return seen


def test_what_a_handler_wrote_is_committed_with_its_event(inbox: SqliteInbox, database: Path) -> None:
    with inbox.once(KEY):
        write_bill("kept")
        assert bills(database) == []  # not before the handler returned
    assert bills(database) == ["kept"]
    assert CONNECTION.get() is None


def test_what_a_handler_wrote_before_it_raised_is_gone(inbox: SqliteInbox, database: Path) -> None:
    with pytest.raises(ValueError, match="no"):
        handle(inbox, lambda: (write_bill("gone"), fail("no")))
    assert bills(database) == []
    assert is_new(inbox)


def test_no_transaction_is_in_force_for_an_event_that_is_passed_over(inbox: SqliteInbox) -> None:
    with inbox.once(KEY):
        pass
    with inbox.once(KEY) as new:
        assert not new and CONNECTION.get() is None


def with_connection(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute("insert into bill values ('second')")


ENDINGS: dict[str, Callable[[sqlite3.Connection], object]] = {
    "commit": sqlite3.Connection.commit,
    "rollback": sqlite3.Connection.rollback,
    "with connection": with_connection,
    "a COMMIT in SQL": lambda connection: connection.execute("commit"),
    "END": lambda connection: connection.execute("end transaction"),
    "a ROLLBACK in SQL": lambda connection: connection.execute("ROLLBACK"),
    "executescript": lambda connection: connection.executescript("insert into bill values ('second');"),
    "autocommit": lambda connection: setattr(connection, "isolation_level", None),
    "close": sqlite3.Connection.close,
    "a conflict that rolls back": lambda connection: connection.execute("insert or rollback into one values (1)"),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("swallowed", [False, True], ids=["raised", "swallowed"])
def test_a_handler_cannot_end_the_transaction(inbox: SqliteInbox, database: Path, ending: str, swallowed: bool) -> None:
    with sqlite3.connect(database) as connection:
        connection.executescript("create table one (id integer primary key); insert into one values (1);")
    connection.close()

    def work() -> None:
        write_bill("first")
        with suppress(sqlite3.Error if swallowed else ()):
            ENDINGS[ending](current_connection())

    with pytest.raises(TransactionEnded, match=r"while shop\.OrderPlaced e-1 was handled"):
        handle(inbox, work)
    assert bills(database) == []
    assert is_new(inbox)


def test_the_error_says_what_was_tried_and_what_to_do(inbox: SqliteInbox) -> None:
    with pytest.raises(TransactionEnded) as seen, inbox.once(KEY):
        current_connection().commit()
    assert "the handler tried to end the transaction with COMMIT" in str(seen.value)
    assert (
        seen.value.help
        == "leave out commit, rollback and `with connection:`; the inbox commits when the handler returns"
    )


def test_a_handler_may_use_savepoints(inbox: SqliteInbox, database: Path) -> None:
    with inbox.once(KEY):
        write_bill("kept")
        current_connection().execute("savepoint mine")
        write_bill("given up")
        current_connection().execute("rollback to mine")
        current_connection().execute("release mine")
    assert bills(database) == ["kept"]


def test_a_commit_that_was_prepared_before_is_noticed_and_the_event_stays_new(database: Path) -> None:
    """A connection that the service shares with its inbox; sqlite3 asks for leave only when it prepares."""
    shared = sqlite3.connect(database)
    inbox = SqliteInbox(lambda: shared)
    inbox.create()
    shared.execute("begin")
    shared.execute("commit")
    with pytest.raises(TransactionEnded, match="ended before the handler returned"):
        handle(inbox, lambda: (write_bill("committed by the handler"), shared.execute("commit")))
    assert is_new(inbox)
    shared.commit()  # its own again, outside of a handler
    inbox.close()


def test_once_inside_once_rolls_back_with_the_outer_one(inbox: SqliteInbox, database: Path) -> None:
    inner = EventKey("billing", "shop.OrderPlaced", "inner")
    with pytest.raises(ValueError, match="outer"):
        handle(inbox, lambda: (handle(inbox, lambda: write_bill("inner"), inner), fail("outer")))
    assert bills(database) == []
    assert is_new(inbox, inner)


def test_a_broken_constraint_at_the_commit_is_the_handlers_error(database: Path) -> None:
    def open() -> sqlite3.Connection:
        connection = sqlite3.connect(database)
        connection.execute("pragma foreign_keys = on")
        return connection

    with sqlite3.connect(database) as connection:
        connection.execute("create table line (bill text references known deferrable initially deferred)")
        connection.execute("create table known (id text primary key)")
    connection.close()
    inbox = SqliteInbox(open)
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), inbox.once(KEY):
        current_connection().execute("insert into line values ('unknown')")
    assert is_new(inbox)
    inbox.close()


def test_a_functions_connections_stay_as_the_service_made_them(database: Path) -> None:
    def open() -> sqlite3.Connection:
        connection = sqlite3.connect(database, isolation_level=None)
        connection.row_factory = sqlite3.Row
        return connection

    inbox = SqliteInbox(open)

    def handle(number: int) -> bool:
        with inbox.once(EventKey("billing", "shop.OrderPlaced", str(number))) as new:
            write_bill(str(number))
            assert current_connection().execute("select id from bill").fetchone()["id"] == "0"
            return new

    assert handle(0)
    with ThreadPoolExecutor(2) as threads:  # which sqlite3 binds connections to
        assert all(threads.map(handle, range(1, 20)))
    assert len(bills(database)) == 20
    inbox.close()


def test_a_database_that_another_writer_keeps_locked_is_busy_and_the_event_stays_new(database: Path) -> None:
    inbox = SqliteInbox(database, patience=0.05)
    inbox.create()
    writer = sqlite3.connect(database)
    writer.execute("begin immediate")
    with pytest.raises(InboxBusy, match="locked by another writer"), inbox.once(KEY):
        pass
    writer.close()
    with inbox.once(KEY) as new:
        assert new
    inbox.close()


def test_a_commit_that_readers_hold_up_is_not_the_events_fault(database: Path) -> None:
    """Without a write-ahead log a reader keeps a writer from its commit."""
    inbox = SqliteInbox(lambda: sqlite3.connect(database, timeout=0.05))
    inbox.create()
    reader = sqlite3.connect(database)
    reader.execute("begin")
    reader.execute("select * from bill").fetchall()
    with pytest.raises(InboxBusy, match="locked"):
        handle(inbox, lambda: write_bill("gone"))
    reader.close()
    assert bills(database) == []
    assert is_new(inbox)
    inbox.close()


def test_a_full_disk_is_not_the_events_fault(database: Path) -> None:
    def open() -> sqlite3.Connection:
        connection = sqlite3.connect(database)
        connection.execute("pragma max_page_count = 20")
        return connection

    inbox = SqliteInbox(open)
    with pytest.raises(InboxUnavailable, match="database or disk is full"), inbox.once(KEY):
        write_bill("x" * 200_000)
    assert bills(database) == []
    assert is_new(inbox)
    inbox.close()


def test_a_database_that_cannot_be_opened_is_said_as_the_inboxs_error(tmp_path: Path) -> None:
    with pytest.raises(InboxUnavailable, match="unable to open database file"):
        SqliteInbox(tmp_path / "missing" / "x.db").create()


def test_the_table_is_created_once_by_many_at_the_same_time(tmp_path: Path) -> None:
    start = threading.Barrier(6)

    def create(number: int) -> bool:
        with SqliteInbox(tmp_path / "new.db") as inbox:
            start.wait(10)
            with inbox.once(EventKey("billing", "shop.OrderPlaced", str(number % 3))) as new:
                return new

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(create, range(6))) == [False] * 3 + [True] * 3


def test_a_table_that_is_missing_is_created_only_where_that_is_wanted(database: Path) -> None:
    with SqliteInbox(database, create=False) as inbox:
        with pytest.raises(InboxUnavailable, match="no such table: contracts_inbox"), inbox.once(KEY):
            pass
        connection = sqlite3.connect(database)
        for statement in inbox.ddl * 2:
            connection.execute(statement)
        connection.close()
        with inbox.once(KEY) as new:
            assert new


@pytest.mark.parametrize("odd", ['in"box; drop table bill; -- %s ?', "x" * 63])
def test_a_table_may_have_any_name(database: Path, odd: str) -> None:
    for expected in (True, False):
        with SqliteInbox(database, table=odd) as inbox, inbox.once(KEY) as new:
            assert new is expected
    with SqliteInbox(database) as plain, plain.once(KEY) as new:
        assert new
    assert bills(database) == []


def test_events_older_than_they_are_kept_are_forgotten_a_few_at_a_time(database: Path) -> None:
    with SqliteInbox(database) as forever:
        for number in range(3):
            with forever.once(EventKey("billing", "shop.OrderPlaced", str(number))):
                pass
        assert forever.forget() == 0
    with sqlite3.connect(database) as connection:  # 1203 events of 1970, and 3 of now
        connection.executemany(
            "insert into contracts_inbox values ('billing', 'old', ?, ?)", [(str(n), n) for n in range(1203)]
        )
    connection.close()
    with SqliteInbox(database, keep=timedelta(days=30)) as inbox:
        left = []
        for _ in range(4):
            with inbox.once(KEY):
                pass
            connection = sqlite3.connect(database)
            left += connection.execute("select count(*) from contracts_inbox where contract = 'old'").fetchone()
            connection.close()
        assert left == [703, 203, 0, 0]
        assert not is_new(inbox, EventKey("billing", "shop.OrderPlaced", "1"))
        assert is_new(inbox, EventKey("billing", "old", "1"))


@pytest.mark.parametrize("keep", [timedelta(0), timedelta(-1)])
def test_keeping_events_for_no_time_is_refused(database: Path, keep: timedelta) -> None:
    with pytest.raises(SettingsError, match="cannot be kept"):
        SqliteInbox(database, keep=keep)


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(SettingsError, match="MemoryInbox"):
        SqliteInbox(":memory:")


def test_its_own_connections_write_ahead_and_wait_for_the_disk(inbox: SqliteInbox) -> None:
    with inbox.once(KEY):
        connection = current_connection()
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
        assert connection.execute("pragma synchronous").fetchone() == (2,)


@pytest.mark.skipif(not hasattr(sqlite3, "LEGACY_TRANSACTION_CONTROL"), reason="sqlite3's autocommit came with 3.12")
@pytest.mark.parametrize("autocommit", [True, False])
def test_either_kind_of_autocommit_does(database: Path, autocommit: bool) -> None:
    inbox = SqliteInbox(lambda: sqlite3.connect(database, autocommit=autocommit))  # type: ignore[call-arg,unused-ignore]  # new in 3.12
    for expected in (True, False):
        with inbox.once(KEY) as new:
            assert new is expected
            if new:
                write_bill("one")
    assert bills(database) == ["one"]
    with pytest.raises(TransactionEnded):
        handle(
            inbox, lambda: (write_bill("two"), current_connection().execute("commit")), EventKey("billing", "x", "e-2")
        )
    assert bills(database) == ["one"]
    inbox.close()


def test_a_cursor_that_a_handler_kept_open_does_not_lock_the_next_event_out(inbox: SqliteInbox, database: Path) -> None:
    with sqlite3.connect(database) as elsewhere:
        elsewhere.executemany("insert into bill values (?)", [("1",), ("2",)])
    kept: list[sqlite3.Cursor] = []

    def read_a_part() -> None:
        kept.append(current_connection().execute("select id from bill"))
        assert kept[0].fetchone() == ("1",)

    assert handle(inbox, read_a_part)
    # The connection still reads what was there; once somebody wrote, nothing can be written through it.
    with sqlite3.connect(database) as elsewhere:
        elsewhere.execute("insert into bill values ('3')")
    elsewhere.close()
    assert handle(inbox, lambda: write_bill("4"), EventKey("billing", "shop.OrderPlaced", "e-2"))
    assert bills(database) == ["1", "2", "3", "4"]
