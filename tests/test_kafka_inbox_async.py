"""The inbox in PostgreSQL for asyncio: as the other one, with many tasks at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from registry.kafka.inbox import EventKey
from registry.kafka.inbox.async_postgres import AsyncPostgresInbox
from registry.kafka.inbox.errors import InboxBusy, InboxUnavailable, TransactionEnded
from registry.kafka.transaction import CONNECTION, current_connection
from tests.databases import Postgres

psycopg = pytest.importorskip("psycopg", reason="pip install 'event-contracts[postgres]'")

KEY = EventKey("billing", "shop.OrderPlaced", "e-1")
Work = Callable[[], Awaitable[object]]


@pytest.fixture
def database(postgres: Postgres) -> Postgres:
    """A service's own database, with a table of bills."""
    with postgres.connect(autocommit=True) as connection:
        connection.execute("create table bill (id text)")
    return postgres


def run(database: Postgres, story: Callable[[AsyncPostgresInbox], Awaitable[None]], **settings: Any) -> None:
    """Runs a story with an inbox on this database, for a minute at most."""

    async def tell() -> None:
        async with AsyncPostgresInbox(database.conninfo, **settings) as inbox:
            await asyncio.wait_for(story(inbox), 60)

    asyncio.run(tell())


async def handle(inbox: AsyncPostgresInbox, work: Work, key: EventKey = KEY) -> bool:
    """As a subscription does."""
    async with inbox.once(key) as new:
        if new:
            await work()
    return new


async def write_bill(name: str = "bill") -> None:
    await current_connection().execute("insert into bill values (%s)", (name,))


async def nothing() -> None:
    pass


async def is_new(inbox: AsyncPostgresInbox, key: EventKey = KEY) -> bool:
    """Asks without leaving a trace."""
    seen = False
    with suppress(InterruptedError):
        async with inbox.once(key) as new:
            seen = new
            raise InterruptedError
    return seen


def bills(database: Postgres) -> list[str]:
    with database.connect() as connection:
        return [name for (name,) in connection.execute("select id from bill order by id")]


def test_what_a_handler_wrote_is_committed_with_its_event_and_once(database: Postgres) -> None:
    async def story(inbox: AsyncPostgresInbox) -> None:
        async with inbox.once(KEY) as new:
            assert new
            await write_bill()
            assert bills(database) == []
        assert CONNECTION.get() is None
        async with inbox.once(KEY) as new:
            assert not new and CONNECTION.get() is None

    run(database, story)
    assert bills(database) == ["bill"]


def test_what_a_handler_wrote_before_it_raised_is_gone(database: Postgres) -> None:
    async def work() -> None:
        await write_bill()
        raise ValueError("no")

    async def story(inbox: AsyncPostgresInbox) -> None:
        with pytest.raises(ValueError, match="no"):
            await handle(inbox, work)
        assert await is_new(inbox)

    run(database, story)
    assert bills(database) == []


def test_a_handler_that_is_cancelled_leaves_its_event_new_and_its_connection_whole(database: Postgres) -> None:
    async def story(inbox: AsyncPostgresInbox) -> None:
        async def work() -> None:
            await write_bill()
            await current_connection().execute("select pg_sleep(60)")

        handling = asyncio.create_task(handle(inbox, work))
        await wait_until_asleep(database)  # a statement that the server does not know yet cannot be cancelled
        handling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handling
        assert await handle(inbox, nothing)

    run(database, story, connections=1)
    assert bills(database) == []


async def wait_until_asleep(database: Postgres) -> None:
    with database.connect(autocommit=True) as connection:
        for _ in range(1000):
            query = (
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
            )
            if connection.execute(query).fetchone()[0]:
                return
            await asyncio.sleep(0.01)
    pytest.fail("the statement has not begun after 10 seconds")


def test_tasks_at_once_have_a_connection_each_up_to_the_limit_and_handle_each_event_once(database: Postgres) -> None:
    async def story(inbox: AsyncPostgresInbox) -> None:
        inside, most = 0, 0

        async def work() -> None:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await write_bill()
            await asyncio.sleep(0)
            inside -= 1

        keys = [EventKey("billing", "shop.OrderPlaced", str(number % 30)) for number in range(90)]
        new = await asyncio.gather(*(handle(inbox, work, key) for key in keys))
        assert sum(new) == 30
        assert 1 < most <= 4
        with database.connect() as connection:
            query = "select count(*) from pg_stat_activity where datname = current_database()"
            assert connection.execute(query).fetchone()[0] <= 5

    run(database, story, connections=4)
    assert len(bills(database)) == 30


def test_the_second_of_two_tasks_handles_what_the_first_could_not(database: Postgres) -> None:
    async def story(inbox: AsyncPostgresInbox) -> None:
        asked = asyncio.Event()

        async def fail() -> None:
            asked.set()
            await asyncio.sleep(0)
            raise ValueError("the first fails")

        first = asyncio.create_task(handle(inbox, fail))
        await asked.wait()
        second = asyncio.create_task(handle(inbox, write_bill))
        with pytest.raises(ValueError, match="the first fails"):
            await first
        assert await second

    run(database, story)
    assert bills(database) == ["bill"]


def test_once_inside_once_is_one_transaction_and_in_a_task_of_its_own_is_not(database: Postgres) -> None:
    inner, apart = EventKey("billing", "shop.OrderPlaced", "inner"), EventKey("billing", "shop.OrderPlaced", "apart")

    async def story(inbox: AsyncPostgresInbox) -> None:
        async def work() -> None:
            await handle(inbox, write_bill, inner)
            await asyncio.create_task(handle(inbox, lambda: write_bill("apart"), apart))
            raise ValueError("outer")

        with pytest.raises(ValueError, match="outer"):
            await handle(inbox, work)
        assert await is_new(inbox) and await is_new(inbox, inner) and not await is_new(inbox, apart)

    run(database, story)
    assert bills(database) == ["apart"]


async def rollback() -> None:
    raise psycopg.Rollback


async def swallow() -> None:
    with suppress(psycopg.Error):
        await current_connection().execute("select 1/0")


ENDINGS: dict[str, tuple[Work, type[Exception], str]] = {
    "commit": (lambda: current_connection().commit(), psycopg.ProgrammingError, "forbidden"),
    "COMMIT": (lambda: current_connection().execute("commit"), TransactionEnded, "the handler ended the transaction"),
    "COMMIT; BEGIN": (lambda: current_connection().execute("commit; begin"), TransactionEnded, "and began another"),
    "close": (lambda: current_connection().close(), TransactionEnded, "closed the connection"),
    "psycopg.Rollback": (rollback, psycopg.Rollback, "^$"),
    "a failure that it swallowed": (swallow, TransactionEnded, "the handler went on"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_handler_that_ends_the_transaction_has_not_handled_its_event(database: Postgres, ending: str) -> None:
    async def story(inbox: AsyncPostgresInbox) -> None:
        work, error, text = ENDINGS[ending]
        with pytest.raises(error, match=text):
            await handle(inbox, work)
        assert await is_new(inbox)

    run(database, story)


def test_connections_that_break_are_replaced(database: Postgres) -> None:
    async def story(inbox: AsyncPostgresInbox) -> None:
        async def work() -> None:
            await write_bill("gone")
            database.disconnect()
            await write_bill("never")

        with pytest.raises(InboxUnavailable, match="terminating connection"):
            await handle(inbox, work)
        assert await handle(inbox, write_bill)
        assert database.disconnect() >= 1  # the server may not have missed those that have just left
        assert not await is_new(inbox)

    run(database, story)
    assert bills(database) == ["bill"]


def test_a_server_that_is_gone_is_said_and_the_event_is_handled_when_it_is_back(database: Postgres) -> None:
    async def story(inbox: AsyncPostgresInbox) -> None:
        await inbox.create()
        database.server.stop()
        try:
            with pytest.raises(InboxUnavailable, match="cannot be used"):
                await handle(inbox, write_bill)
        finally:
            database.server.start()
        assert await handle(inbox, write_bill)

    run(database, story)
    assert bills(database) == ["bill"]


def test_who_waits_for_another_handler_gives_up_in_time(database: Postgres) -> None:
    async def story(inbox: AsyncPostgresInbox) -> None:
        async with inbox.once(KEY):
            with pytest.raises(InboxBusy, match="in hand elsewhere"):
                await asyncio.create_task(is_new(inbox))

    run(database, story, patience=0.05)


class OnePool:
    """A pool, as far as an inbox needs one."""

    def __init__(self, held: Any) -> None:
        self.held = held

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        yield self.held


def test_connections_may_come_from_a_function_or_a_pool(database: Postgres) -> None:
    async def story(_: AsyncPostgresInbox) -> None:
        async def open() -> Any:
            return await psycopg.AsyncConnection.connect(database.conninfo, row_factory=psycopg.rows.dict_row)

        async with AsyncPostgresInbox(open) as inbox:
            assert await handle(inbox, write_bill)
        held = await open()
        async with AsyncPostgresInbox(OnePool(held)) as inbox:
            assert not await is_new(inbox)
        assert not held.closed
        await held.close()

    run(database, story)


def test_old_events_are_forgotten(database: Postgres) -> None:
    from datetime import timedelta

    async def story(inbox: AsyncPostgresInbox) -> None:
        await handle(inbox, nothing)
        with database.connect(autocommit=True) as connection:
            connection.execute("update contracts_inbox set handled_at = now() - interval '2 days'")
        assert await inbox.forget() == 1
        assert await is_new(inbox)

    run(database, story, keep=timedelta(days=1))


def test_two_first_handlers_may_wait_for_each_other_while_the_table_is_made(database: Postgres) -> None:
    """An index is made behind all that write into the table: the second look keeps a handler from waiting for it."""

    async def story(inbox: AsyncPostgresInbox) -> None:
        met = [asyncio.Event(), asyncio.Event()]

        async def work(mine: int) -> None:
            met[mine].set()
            await met[1 - mine].wait()

        both = [handle(inbox, lambda n=n: work(n), EventKey("billing", "shop.OrderPlaced", f"e-{n}")) for n in (0, 1)]
        assert await asyncio.wait_for(asyncio.gather(*both), 20) == [True, True]

    run(database, story)
