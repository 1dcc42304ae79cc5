"""The inbox in PostgreSQL: one commit for the event and for what its handler wrote, on a real server."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest

from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import InboxBusy, InboxUnavailable, TransactionEnded
from registry.kafka.inbox.postgres import PostgresInbox
from registry.kafka.transaction import CONNECTION, current_connection
from tests.databases import Postgres

psycopg = pytest.importorskip("psycopg", reason="pip install 'event-contracts[postgres]'")

KEY = EventKey("billing", "shop.OrderPlaced", "e-1")


@pytest.fixture
def database(postgres: Postgres) -> Postgres:
    """A service's own database, with a table of bills."""
    with postgres.connect(autocommit=True) as connection:
        connection.execute("create table bill (id text unique deferrable initially deferred)")
    return postgres


@pytest.fixture
def inbox(database: Postgres) -> Iterator[PostgresInbox]:
    with PostgresInbox(database.conninfo, patience=5) as made:
        yield made


def handle(inbox: PostgresInbox, work: Callable[[], object], key: EventKey = KEY) -> bool:
    """As a subscription does."""
    with inbox.once(key) as new:
        if new:
            work()
    return new


def execute(statement: str) -> Any:
    return current_connection().execute(statement)


def write_bill(name: str) -> None:
    current_connection().execute("insert into bill values (%s)", (name,))


def fail(text: str) -> None:
    raise ValueError(text)


def bills(database: Postgres) -> list[str]:
    with database.connect() as connection:
        return [name for (name,) in connection.execute("select id from bill order by id")]


def is_new(inbox: PostgresInbox, key: EventKey = KEY) -> bool:
    """Asks without leaving a trace."""
    seen = False
    with suppress(InterruptedError), inbox.once(key) as new:
        seen = new
        raise InterruptedError
    return seen


def test_what_a_handler_wrote_is_committed_with_its_event(inbox: PostgresInbox, database: Postgres) -> None:
    with inbox.once(KEY):
        write_bill("kept")
        assert bills(database) == []  # not before the handler returned
    assert bills(database) == ["kept"]
    assert CONNECTION.get() is None


def test_what_a_handler_wrote_before_it_raised_is_gone(inbox: PostgresInbox, database: Postgres) -> None:
    with pytest.raises(ValueError, match="no"):
        handle(inbox, lambda: (write_bill("gone"), fail("no")))
    assert bills(database) == []
    assert is_new(inbox)


def test_no_transaction_is_in_force_for_an_event_that_is_passed_over(inbox: PostgresInbox) -> None:
    with inbox.once(KEY):
        pass
    with inbox.once(KEY) as new:
        assert not new and CONNECTION.get() is None


def with_connection() -> None:
    with current_connection() as connection:
        connection.execute("insert into bill values ('second')")


REFUSED: dict[str, Callable[[], object]] = {
    "commit": lambda: current_connection().commit(),
    "rollback": lambda: current_connection().rollback(),
    "autocommit": lambda: setattr(current_connection(), "autocommit", True),
    "with connection": with_connection,
}


@pytest.mark.parametrize("ending", REFUSED)
def test_psycopg_refuses_to_end_the_transaction(inbox: PostgresInbox, database: Postgres, ending: str) -> None:
    with pytest.raises(psycopg.ProgrammingError, match=r"Transaction context|context in progress"):
        handle(inbox, lambda: (write_bill("first"), REFUSED[ending]()))
    assert bills(database) == []
    assert is_new(inbox)


def swallow(statement: str) -> None:
    with suppress(psycopg.Error):
        execute(statement)


NOTICED: dict[str, tuple[Callable[[], object], str, list[str]]] = {
    "COMMIT": (lambda: execute("commit"), "ended the transaction", ["first"]),
    "ROLLBACK": (lambda: execute("rollback"), "ended the transaction", []),
    "COMMIT; BEGIN": (lambda: execute("commit; begin"), "and began another", ["first"]),
    "ROLLBACK; BEGIN": (lambda: execute("rollback; begin; select 1"), "and began another", []),
    "close": (lambda: current_connection().close(), "closed the connection", []),
    "a failure that it swallowed": (lambda: swallow("select 1/0"), "a statement failed and the handler went on", []),
}


@pytest.mark.parametrize("ending", NOTICED)
def test_a_handler_that_ends_the_transaction_is_noticed(inbox: PostgresInbox, database: Postgres, ending: str) -> None:
    work, fact, left = NOTICED[ending]
    with pytest.raises(TransactionEnded, match=rf"while shop\.OrderPlaced e-1 was handled, .*{fact}"):
        handle(inbox, lambda: (write_bill("first"), work()))
    assert bills(database) == left
    assert is_new(inbox)


def test_a_handler_that_commits_in_sql_and_raises_then_has_not_handled_its_event(inbox: PostgresInbox) -> None:
    with pytest.raises(TransactionEnded, match="ended the transaction and raised") as seen:
        handle(inbox, lambda: (execute("commit"), fail("half done")))
    assert isinstance(seen.value.__cause__, ValueError)
    assert is_new(inbox)


def test_psycopgs_rollback_is_an_error_like_any_other(inbox: PostgresInbox) -> None:
    def work() -> None:
        raise psycopg.Rollback

    with pytest.raises(psycopg.Rollback):
        handle(inbox, work)
    assert is_new(inbox)


def test_a_handler_may_use_savepoints_and_set_what_it_likes(inbox: PostgresInbox, database: Postgres) -> None:
    def work() -> None:
        before = execute("show lock_timeout").fetchone()
        with suppress(ValueError), current_connection().transaction():
            write_bill("given up")
            raise ValueError
        with current_connection().transaction():
            write_bill("kept")
        assert before == ("0",)  # as the service has it: the inbox waits no longer, and neither does it interfere

    assert handle(inbox, work)
    assert bills(database) == ["kept"]


def test_once_inside_once_rolls_back_with_the_outer_one(inbox: PostgresInbox, database: Postgres) -> None:
    inner = EventKey("billing", "shop.OrderPlaced", "inner")
    with pytest.raises(ValueError, match="outer"):
        handle(inbox, lambda: (handle(inbox, lambda: write_bill("inner"), inner), fail("outer")))
    assert bills(database) == []
    assert is_new(inbox, inner)


def test_a_broken_constraint_at_the_commit_is_the_handlers_error(inbox: PostgresInbox, database: Postgres) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        handle(inbox, lambda: (write_bill("same"), write_bill("same")))
    assert bills(database) == []
    assert is_new(inbox)


def test_a_connection_that_breaks_in_a_handler_is_not_the_events_fault(
    inbox: PostgresInbox, database: Postgres
) -> None:
    with pytest.raises(InboxUnavailable, match="terminating connection") as seen:
        handle(inbox, lambda: (write_bill("gone"), database.disconnect(), write_bill("never")))
    assert isinstance(seen.value.__cause__, psycopg.OperationalError)
    assert handle(inbox, lambda: write_bill("again"))
    assert bills(database) == ["again"]


def test_a_connection_that_breaks_before_the_commit_commits_nothing(inbox: PostgresInbox, database: Postgres) -> None:
    with pytest.raises(InboxUnavailable, match="terminating connection"):
        handle(inbox, lambda: (write_bill("gone"), database.disconnect()))
    assert bills(database) == []
    assert is_new(inbox)


def test_a_connection_that_broke_while_nobody_used_it_is_replaced(inbox: PostgresInbox, database: Postgres) -> None:
    with inbox.once(KEY):
        pass
    assert database.disconnect() >= 1  # the server may not have missed those that have just left
    assert handle(inbox, lambda: write_bill("new"), EventKey("billing", "shop.OrderPlaced", "e-2"))
    assert not is_new(inbox)


def test_a_server_that_is_gone_is_said_and_the_event_is_handled_when_it_is_back(
    inbox: PostgresInbox, database: Postgres
) -> None:
    inbox.create()
    database.server.stop()
    try:
        with pytest.raises(InboxUnavailable, match="cannot be used"):
            handle(inbox, lambda: None)
    finally:
        database.server.start()
    assert handle(inbox, lambda: write_bill("kept"))
    assert bills(database) == ["kept"]


def test_who_waits_for_another_handler_gives_up_in_time(inbox: PostgresInbox, database: Postgres) -> None:
    other = PostgresInbox(database.conninfo, patience=0.05)
    with inbox.once(KEY), pytest.raises(InboxBusy, match="in hand elsewhere"):
        is_new(other)
    assert is_new(other) is False
    other.close()


def test_the_second_waits_inside_postgresql_until_the_first_is_done(inbox: PostgresInbox, database: Postgres) -> None:
    with ThreadPoolExecutor(1) as threads:
        with inbox.once(KEY):
            second = threads.submit(is_new, inbox)
            wait_until_blocked(database)
        assert second.result(10) is False


def wait_until_blocked(database: Postgres) -> None:
    with database.connect(autocommit=True) as connection:
        for _ in range(1000):
            row = connection.execute(
                "select count(*), pg_sleep(0.01) from pg_stat_activity"
                " where datname = current_database() and wait_event_type = 'Lock'"
            ).fetchone()
            if row[0]:
                return
    pytest.fail("nobody waits for a lock after 10 seconds")


def test_a_stricter_isolation_of_the_service_makes_no_difference(database: Postgres) -> None:
    def open() -> Any:
        connection = database.connect()
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        return connection

    with PostgresInbox(open) as inbox, ThreadPoolExecutor(1) as threads:
        with inbox.once(KEY):
            second = threads.submit(is_new, inbox)
            wait_until_blocked(database)
        assert second.result(10) is False


def test_a_functions_connections_stay_as_the_service_made_them(database: Postgres) -> None:
    def open() -> Any:
        return database.connect(
            row_factory=psycopg.rows.dict_row, cursor_factory=psycopg.RawCursor, autocommit=True, prepare_threshold=None
        )

    def work() -> None:
        current_connection().execute("insert into bill values ($1)", ("raw",))
        assert execute("select id from bill").fetchone() == {"id": "raw"}

    with PostgresInbox(open) as inbox:
        assert handle(inbox, work)
        assert not is_new(inbox)
    assert bills(database) == ["raw"]


class OnePool:
    """A pool, as far as an inbox needs one: psycopg_pool's own behaves alike."""

    def __init__(self, database: Postgres) -> None:
        self.database = database
        self.held = database.connect()
        self.checked = 0

    @contextmanager
    def connection(self) -> Iterator[Any]:
        yield self.held

    def check(self) -> None:
        self.checked += 1
        self.held.close()
        self.held = self.database.connect()


def test_a_pool_lends_the_connections_and_is_asked_to_check_them_when_one_is_broken(database: Postgres) -> None:
    pool = OnePool(database)
    with PostgresInbox(pool) as inbox:
        assert handle(inbox, lambda: write_bill("one"))
        database.disconnect()
        assert handle(inbox, lambda: write_bill("two"), EventKey("billing", "shop.OrderPlaced", "e-2"))
        assert pool.checked == 1
    assert bills(database) == ["one", "two"]
    assert not pool.held.closed  # a pool belongs to who made it
    pool.held.close()


def test_the_table_is_created_once_by_many_at_the_same_time(database: Postgres) -> None:
    start = threading.Barrier(6)

    def create(number: int) -> bool:
        with PostgresInbox(database.conninfo) as inbox:
            start.wait(10)
            return is_new(inbox, EventKey("billing", "shop.OrderPlaced", str(number)))

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(create, range(6)))


def test_a_role_that_may_not_create_tables_uses_one_that_is_there(database: Postgres) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute("create role clerk login")
    try:
        as_clerk = database.conninfo.replace("user=postgres", "user=clerk")
        with PostgresInbox(as_clerk) as inbox:
            with pytest.raises(InboxUnavailable, match="permission denied for schema public"):
                inbox.create()
            with database.connect(autocommit=True) as connection:
                for statement in inbox.ddl * 2:
                    connection.execute(statement)
                connection.execute("grant select, insert, delete on contracts_inbox to clerk")
            inbox.create()
            assert is_new(inbox)
    finally:
        with database.connect(autocommit=True) as connection:
            connection.execute("drop owned by clerk; drop role clerk")


def test_a_table_that_is_missing_is_created_only_where_that_is_wanted(database: Postgres) -> None:
    inbox = PostgresInbox(database.conninfo, create=False)
    with pytest.raises(InboxUnavailable, match='relation "contracts_inbox" does not exist'):
        is_new(inbox)
    inbox.close()


def test_schema_and_table_may_have_any_name(database: Postgres) -> None:
    schema, table = "it's %s; drop", 'in"box; drop table bill; -- %(a)s ' + "x" * 29
    with database.connect(autocommit=True) as connection:
        connection.execute(f'create schema "{schema}"')
    for expected in (True, False):
        with PostgresInbox(database.conninfo, schema=schema, table=table, keep=timedelta(days=1)) as inbox:
            assert handle(inbox, lambda: None) is expected
    with PostgresInbox(database.conninfo) as plain:
        assert is_new(plain)
    assert bills(database) == []


def test_events_older_than_they_are_kept_are_forgotten_a_few_at_a_time(database: Postgres) -> None:
    with PostgresInbox(database.conninfo) as forever:
        handle(forever, lambda: None)
        assert forever.forget() == 0
    with (
        database.connect(autocommit=True) as connection,
        PostgresInbox(database.conninfo, keep=timedelta(days=30)) as inbox,
    ):
        connection.execute(
            "insert into contracts_inbox select 'billing', 'old', n::text, now() - interval '31 days'"
            " from generate_series(1, 1203) n"
        )
        left = []
        for _ in range(4):
            assert not handle(inbox, lambda: None)
            left += connection.execute("select count(*) from contracts_inbox where contract = 'old'").fetchone()
        assert left == [703, 203, 0, 0]
