"""Partitions that come and go while handlers run in an event loop."""

import asyncio
import logging
import time

import pytest
import serde_orders as orders

from registry import serde
from registry.kafka.inbox.errors import InboxUnavailable
from registry.kafka.observer import Observer
from tests.kafka_async_orders import Seen, running, settle, subscribe
from tests.kafka_async_orders import run as run_main
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_orders import Orders


@pytest.fixture
def shop(cluster: Cluster) -> Orders:
    return Orders(cluster)


@pytest.mark.parametrize("strategy", ["cooperative-sticky", "range"])
def test_a_partition_goes_when_its_record_in_hand_is_finished_and_nothing_is_handled_twice(
    shop: Orders, strategy: str
) -> None:
    """Two members share a group: the second one gets a partition in the middle of the first one's work."""
    names = [str(number) for number in range(40)]
    for partition in (0, 1):
        shop.publish(*(f"{partition}/{name}" for name in names), partition=partition)
    seen = Seen()
    joined = asyncio.Event()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        await asyncio.sleep(0.001)
        if event.order_id.endswith("/20"):
            joined.set()
            await asyncio.sleep(0.3)  # in hand while the group changes
        await seen(event, meta)

    async def main() -> None:
        settings = {"partition.assignment.strategy": strategy}
        first, second = (subscribe(shop, handle, settings=settings) for _ in range(2))
        async with running(first):
            await asyncio.wait_for(joined.wait(), DEADLINE)
            async with running(second):
                await settle(lambda: bool(second.assigned))
                shop.publish(*(f"{partition}/last" for partition in (0, 1)), partition=0)
                await settle(lambda: len(set(seen.names)) >= 82)
                await settle(lambda: len(first.assigned) == len(second.assigned) == 1)

    run_main(main())
    for partition in (0, 1):
        mine = [name for name in seen.names if name.startswith(f"{partition}/") and not name.endswith("last")]
        if not shop.cluster.real:
            mine = list(dict.fromkeys(mine))  # the mock refuses commits while a group changes
        assert mine == [f"{partition}/{name}" for name in names]


def test_a_loop_that_is_blocked_for_too_long_loses_its_partitions_and_what_it_did_does_not_count(shop: Orders) -> None:
    shop.publish("blocks", partition=0)
    seen = Seen()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if not seen.names:
            time.sleep(4.0)  # what a coroutine must never do
        await seen(event, meta)

    settings = {"max.poll.interval.ms": 1000, "session.timeout.ms": 1000, "heartbeat.interval.ms": 100}

    async def main() -> None:
        async with running(subscribe(shop, handle, settings=settings, batch=1, timeout=20)):
            await settle(lambda: len(seen.names) == 2)

    run_main(main())
    assert seen.names == ["blocks", "blocks"]
    assert shop.committed() == {0: 1}


@pytest.mark.parametrize("strategy", ["cooperative-sticky", "range"])
def test_a_slow_partition_that_went_and_came_back_is_read_on(
    shop: Orders, strategy: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client is told to bring no more of it, and would remember that."""
    caplog.set_level(logging.INFO, "registry.kafka")
    names = [str(number) for number in range(5)]
    for partition in (0, 1):
        shop.publish(*(f"{partition}/{name}" for name in names), partition=partition)
    seen, opened = Seen(), asyncio.Event()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        await opened.wait()
        await seen(event, meta)

    async def main() -> None:
        settings = {"partition.assignment.strategy": strategy}
        first, second = (subscribe(shop, handle, settings=settings, batch=1, grace=0.01) for _ in range(2))
        async with running(first):
            for partition in (0, 1):
                await settle(lambda: f"{shop.topic}[{partition}] is slow" in caplog.text)  # noqa: B023  # awaited within the turn
            async with running(second):
                await settle(lambda: len(second.assigned) == 1)
            await settle(lambda: len(first.assigned) == 2)
            opened.set()
            await settle(lambda: len(set(seen.names)) == 10)

    run_main(main())
    for partition in (0, 1):
        mine = [name for name in seen.names if name.startswith(f"{partition}/")]
        assert mine[-5:] == [f"{partition}/{name}" for name in names]


def test_a_partition_that_waits_and_goes_and_comes_back_is_told_to_wait_again(shop: Orders) -> None:
    """Metrics forget a partition that goes."""
    told: list[tuple[str, int]] = []

    class Told(Observer):
        def paused(self, topic: str, partition: int, error: Exception) -> None:
            told.append(("paused", partition))

        def revoked(self, topic: str, partition: int) -> None:
            told.append(("revoked", partition))

    async def fail(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        raise InboxUnavailable("the database is down")

    async def main() -> None:
        for number in (0, 1):
            shop.publish("a", partition=number)
        first, second = subscribe(shop, fail, observers=[Told()]), subscribe(shop, fail)
        async with running(first):
            await settle(lambda: len(first.paused) == 2)
            async with running(second):
                await settle(lambda: len(first.assigned) == len(second.assigned) == 1)
                ((_, moved),) = second.assigned
            await settle(lambda: len([where for _, where in told if where == moved]) == 3)
        assert [what for what, where in told if where == moved] == ["paused", "revoked", "paused", "revoked"]

    run_main(main())
