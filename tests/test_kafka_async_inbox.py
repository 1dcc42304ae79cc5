"""An event that comes again has its effect once, for handlers in an event loop."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import serde_orders as orders

from registry import serde
from registry.kafka.inbox.async_postgres import AsyncPostgresInbox
from registry.kafka.inbox.errors import InboxUnavailable
from registry.kafka.inbox.memory import MemoryInbox
from registry.kafka.inbox.sqlite import SqliteInbox
from registry.kafka.observer import Observer
from registry.kafka.retry import Retry
from registry.kafka.transaction import current_connection
from tests.kafka_async_orders import Seen, handle_until, run, running, settle, subscribe
from tests.kafka_clusters import Cluster
from tests.kafka_orders import Orders

QUICK = Retry(attempts=3, first=0.01)


class Repeated(Observer):
    """Keeps the events that were passed over."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def repeated(self, delivery: serde.Delivery) -> None:
        self.names.append(delivery.meta.event_id)


@pytest.fixture
def shop(cluster: Cluster) -> Orders:
    return Orders(cluster)


def test_an_event_that_was_published_twice_is_handled_once(shop: Orders) -> None:
    seen, repeated = Seen(), Repeated()
    shop.publish("a", "a", "b", partition=0)
    subscription = subscribe(shop, seen, inbox=MemoryInbox(), observers=(repeated,))
    run(handle_until(subscription, lambda: "b" in seen.names))
    assert seen.names == ["a", "b"]
    assert repeated.names == ["event of a"]
    assert shop.committed() == {0: 3}


def test_with_an_inbox_for_threads_handlers_run_one_at_a_time_and_what_fails_is_rolled_back(
    shop: Orders, tmp_path: Path
) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE effects (name TEXT)")
    connection.close()
    inside, calls, most = 0, list[str](), 0

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        calls.append(event.order_id)
        current_connection().execute("INSERT INTO effects VALUES (?)", (event.order_id,))
        await asyncio.sleep(0.001)
        inside -= 1
        if event.order_id == "fails once" and calls.count("fails once") == 1:
            raise RuntimeError

    shop.publish("fails once", "1", "2", partition=0)
    shop.publish("3", "4", "5", partition=1)
    inbox = SqliteInbox(str(path))
    run(handle_until(subscribe(shop, handle, inbox=inbox, retry=QUICK), lambda: {"2", "5"} <= set(calls)))
    assert most == 1
    assert calls.count("fails once") == 2
    rows = sqlite3.connect(path).execute("SELECT name FROM effects ORDER BY name").fetchall()
    assert [name for (name,) in rows] == ["1", "2", "3", "4", "5", "fails once"]


def test_with_an_inbox_for_asyncio_handlers_run_at_once_each_in_its_transaction(shop: Orders, postgres: Any) -> None:
    with postgres.connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE effects (name TEXT)")
    both, repeated = asyncio.Barrier(2), Repeated()
    calls: list[str] = []

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        calls.append(event.order_id)
        await current_connection().execute("INSERT INTO effects VALUES (%s)", (event.order_id,))
        if event.order_id in ("left", "right"):
            await both.wait()  # neither could leave alone
        if event.order_id == "fails once" and calls.count("fails once") == 1:
            raise RuntimeError

    async def main() -> None:
        async with AsyncPostgresInbox(postgres.conninfo) as inbox:
            await inbox.create()
            await handle_until(subscribe(shop, handle, inbox=inbox, retry=QUICK), lambda: "last" in calls)
            shop.publish("left", "fails once", "last", partition=0)  # once more, as a relay may
            again = subscribe(shop, handle, inbox=inbox, observers=(repeated,))
            await handle_until(again, lambda: len(repeated.names) == 3)

    shop.publish("left", "fails once", "last", partition=0)
    shop.publish("right", partition=1)
    run(main())
    with postgres.connect() as connection:
        rows = connection.execute("SELECT name FROM effects ORDER BY name").fetchall()
    assert [name for (name,) in rows] == ["fails once", "last", "left", "right"]
    assert calls.count("left") == 1


def test_a_store_that_is_gone_holds_up_the_partition_and_makes_no_dead_letter(shop: Orders, postgres: Any) -> None:
    seen = Seen()
    shop.publish("a", partition=0)

    async def main() -> None:
        async with AsyncPostgresInbox(postgres.conninfo) as inbox:
            postgres.server.stop()
            try:
                subscription = subscribe(shop, seen, inbox=inbox)
                task = asyncio.create_task(subscription.run())
                await settle(lambda: bool(subscription.paused))
            finally:
                postgres.server.start()
            await settle(lambda: seen.names == ["a"])
            subscription.stop()
            await task

    run(main())
    assert shop.dead_letters() == []
    assert shop.committed() == {0: 1}


def test_a_record_that_is_cancelled_in_hand_leaves_no_effect(shop: Orders, postgres: Any) -> None:
    with postgres.connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE effects (name TEXT)")
    entered, calls = asyncio.Event(), 0

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        nonlocal calls
        calls += 1
        await current_connection().execute("INSERT INTO effects VALUES (%s)", (event.order_id,))
        entered.set()
        if calls == 1:
            await asyncio.Event().wait()

    async def main() -> None:
        async with AsyncPostgresInbox(postgres.conninfo) as inbox:
            async with running(subscribe(shop, handle, inbox=inbox, grace=0.01)):
                await settle(entered.is_set)
            await handle_until(subscribe(shop, handle, inbox=inbox), lambda: calls == 2)

    shop.publish("a", partition=0)
    run(main())
    with postgres.connect() as connection:
        assert connection.execute("SELECT name FROM effects").fetchall() == [("a",)]


def test_an_inbox_that_is_down_is_asked_less_and_less_often_and_uses_up_no_attempts(shop: Orders) -> None:
    inbox, seen, attempts = MemoryInbox(), Seen(), list[tuple[str, int]]()
    errors: list[Exception] = [ValueError(), ValueError(), *(InboxUnavailable("down") for _ in range(3))]

    class Failed(Observer):
        def failed(self, record: serde.Record, error: Exception, attempt: int) -> None:
            attempts.append((type(error).__name__, attempt))

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if errors:
            raise errors.pop()
        await seen(event, meta)

    shop.publish("a")
    subscription = subscribe(shop, handle, inbox=inbox, retry=QUICK, observers=[Failed()])
    run(handle_until(subscription, lambda: seen.names == ["a"]))
    down = [("InboxUnavailable", number) for number in (1, 2, 3)]
    assert attempts == [*down, ("ValueError", 1), ("ValueError", 2)]
    assert shop.dead_letters() == []
