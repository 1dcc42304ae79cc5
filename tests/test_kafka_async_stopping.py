"""How a subscription in an event loop comes to an end: stopped, cancelled, by a signal, and with the process."""

import asyncio
import os
import signal
from contextlib import suppress
from threading import Thread

import pytest
import serde_orders as orders

from registry import serde
from registry.kafka.errors import MessagingError
from tests.kafka_async_orders import Seen, handle_until, run, running, settle, subscribe
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_orders import Orders


@pytest.fixture
def shop(cluster: Cluster) -> Orders:
    return Orders(cluster)


def test_cancelling_the_run_finishes_the_record_in_hand(shop: Orders) -> None:
    shop.publish("in hand", "next", partition=0)
    entered, leave, done = asyncio.Event(), asyncio.Event(), list[str]()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        entered.set()
        await leave.wait()
        done.append(event.order_id)

    async def main() -> None:
        task = asyncio.create_task(subscribe(shop, handle).run())
        await asyncio.wait_for(entered.wait(), DEADLINE)
        task.cancel()
        await asyncio.sleep(0)
        leave.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert done == ["in hand"]
    assert shop.committed() == {0: 1}


def test_cancelling_twice_leaves_at_once_and_the_record_comes_again(shop: Orders) -> None:
    shop.publish("in hand", partition=0)
    entered, seen = asyncio.Event(), Seen()

    async def hang(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        entered.set()
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(subscribe(shop, hang).run())
        await asyncio.wait_for(entered.wait(), DEADLINE)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert shop.committed() == {}
        await handle_until(subscribe(shop, seen), lambda: bool(seen.names))

    run(main())
    assert seen.names == ["in hand"]


def test_a_record_that_is_not_finished_in_time_is_cancelled_and_comes_again(shop: Orders) -> None:
    shop.publish("done", "slow", partition=0)
    seen, slow = Seen(), list[str]()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if event.order_id == "slow":
            try:
                slow.append("begun")
                await asyncio.Event().wait()
            finally:
                slow.append("cancelled")
        await seen(event, meta)

    run(handle_until(subscribe(shop, handle, grace=0.05), lambda: bool(slow)))
    assert slow == ["begun", "cancelled"]
    assert shop.committed() == {0: 1}


def test_a_handler_that_will_not_be_cancelled_is_left_to_itself(shop: Orders, caplog: pytest.LogCaptureFixture) -> None:
    shop.publish("stubborn", partition=0)
    entered, leave = asyncio.Event(), asyncio.Event()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        entered.set()
        while not leave.is_set():
            try:
                await leave.wait()
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        await handle_until(subscribe(shop, handle, grace=0.01), entered.is_set)
        leave.set()

    run(main())
    assert f"a handler of {shop.topic}[0] goes on though it was cancelled" in caplog.text
    assert shop.committed() == {}


def test_a_stop_may_come_from_a_thread_and_before_the_run(shop: Orders) -> None:
    seen = Seen()

    async def main() -> None:
        subscription = subscribe(shop, seen)
        subscription.stop()
        await subscription.run()  # ends at once
        task = asyncio.create_task(subscription.run())  # and may begin again
        shop.publish("a")
        await settle(lambda: seen.names == ["a"])
        thread = Thread(target=subscription.stop)
        thread.start()
        await task
        thread.join()
        subscription.stop()  # later it does no harm

    run(main())
    assert sum(shop.committed().values()) == 1


def test_a_signal_stops_and_a_second_one_leaves_at_once(shop: Orders) -> None:
    shop.publish("a", partition=0)
    entered = asyncio.Event()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        entered.set()
        await asyncio.Event().wait()

    async def main() -> None:
        subscription = subscribe(shop, handle)
        task = asyncio.create_task(subscription.run(signals=(signal.SIGTERM,)))
        await asyncio.wait_for(entered.wait(), DEADLINE)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.01)
        assert not task.done()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(asyncio.CancelledError):
            await task

    before = signal.getsignal(signal.SIGTERM)
    run(main())
    assert signal.getsignal(signal.SIGTERM) is before
    assert shop.committed() == {}


def test_a_run_is_one_at_a_time_and_in_any_loop(shop: Orders) -> None:
    seen = Seen()
    subscription = subscribe(shop, seen)

    async def twice() -> None:
        async with running(subscription):
            await settle(lambda: bool(subscription.assigned))
            with pytest.raises(MessagingError, match="the subscription runs already"):
                await subscription.run()

    run(twice())
    shop.publish("a")
    run(handle_until(subscription, lambda: seen.names == ["a"]))  # another loop


def test_the_end_of_the_process_goes_through_a_handler(shop: Orders) -> None:
    shop.publish("a", partition=0)

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit, match="3"):
        run(subscribe(shop, handle).run())
    assert shop.committed() == {}
    assert shop.dead_letters() == []


def test_somebody_else_who_cancels_a_handlers_task_ends_the_run(shop: Orders) -> None:
    shop.publish("a", partition=0)

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.Event().wait()

    with pytest.raises(MessagingError, match="was cancelled by somebody else"):
        run(subscribe(shop, handle).run())
    assert shop.committed() == {}


def test_a_block_ends_when_what_was_handled_is_committed_and_the_group_left(shop: Orders) -> None:
    seen = Seen()
    shop.publish("a", partition=0)

    async def main() -> None:
        async with subscribe(shop, seen) as subscription:
            task = asyncio.create_task(subscription.run())
            await settle(lambda: seen.names == ["a"])
        assert (task.done(), subscription.assigned) == (True, frozenset())
        await task

    run(main())
    assert shop.committed() == {0: 1}


def test_a_block_that_fails_ends_the_run_as_well(shop: Orders) -> None:
    seen = Seen()
    shop.publish("a", partition=0)

    async def main() -> None:
        subscription = subscribe(shop, seen)
        with suppress(ValueError):
            async with subscription:
                task = asyncio.create_task(subscription.run())
                await settle(lambda: seen.names == ["a"])
                raise ValueError
        assert task.done()
        await task

    run(main())
    assert shop.committed() == {0: 1}


def test_a_subscription_that_does_not_run_closes_at_once(shop: Orders) -> None:
    async def main() -> None:
        async with subscribe(shop, Seen()) as subscription:
            await subscription.close()

    run(main())


def test_a_handler_cannot_close_its_own_subscription(shop: Orders) -> None:
    shop.publish("a", partition=0)
    told: list[str] = []

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        with pytest.raises(MessagingError) as raised:
            await subscription.close()
        told.append(str(raised.value))

    async def main() -> None:
        async with subscription:
            task = asyncio.create_task(subscription.run())
            await settle(lambda: bool(told))
        await task

    subscription = subscribe(shop, handle)
    run(main())
    assert told == ["a subscription cannot be closed by its own handler"]
