"""A service on asyncio reads its topics: partitions at once, each in its order, and what happens to bad ones."""

import asyncio
from typing import Any

import pytest
import serde_orders as orders

from registry import serde
from registry.kafka.consuming.async_subscription import AsyncSubscription
from registry.kafka.consuming.dead_letters import parse_dead_letter
from registry.kafka.errors import DeliveryFailed, Reject, SettingsError
from registry.kafka.observer import Observer
from registry.kafka.producing.async_transport import AsyncKafkaTransport
from registry.kafka.retry import Retry
from registry.serde import AsyncInMemory
from tests.kafka_async_orders import Seen, consume, handle_until, run, running, settle, subscribe
from tests.kafka_clusters import Cluster
from tests.kafka_orders import Orders
from tests.kafka_topics import TOO_LARGE, only_mock, refuse_next

QUICK = Retry(attempts=3, first=0.01)


@pytest.fixture
def shop(cluster: Cluster) -> Orders:
    return Orders(cluster)


def reasons(shop: Orders) -> list[tuple[str, int]]:
    """Why each dead letter is one, and after how many attempts."""
    letters = [parse_dead_letter(record) for record in shop.dead_letters()]
    return [(letter.reason.rpartition(".")[2], letter.attempts) for letter in letters]


def test_what_is_published_is_handled_once_and_committed(shop: Orders) -> None:
    seen = Seen()
    shop.publish("a", "b", "c", partition=1)

    async def main() -> None:
        await handle_until(subscribe(shop, seen), lambda: len(seen.names) == 3)
        assert shop.committed() == {1: 3}
        shop.publish("d", partition=1)
        await handle_until(subscribe(shop, seen), lambda: len(seen.names) > 3)

    run(main())
    assert seen.names == ["a", "b", "c", "d"]
    meta = seen.events[2][1]
    assert (meta.topic, meta.partition, meta.offset, meta.event_id) == (shop.topic, 1, 2, "event of c")


def test_partitions_are_handled_at_once_and_each_in_its_order(shop: Orders) -> None:
    shop.publish("slow", "after slow", partition=0)
    shop.publish("1", "2", "3", partition=1)
    done: list[str] = []
    others = asyncio.Event()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if event.order_id == "slow":
            await others.wait()
        done.append(event.order_id)
        if event.order_id == "3":
            others.set()

    run(handle_until(subscribe(shop, handle), lambda: len(done) == 5))
    assert done == ["1", "2", "3", "slow", "after slow"]
    assert shop.committed() == {0: 2, 1: 3}


def test_a_slow_partition_does_not_use_up_the_room_of_others(shop: Orders) -> None:
    shop.publish(*(f"slow {number}" for number in range(20)), partition=0)
    shop.publish(*(str(number) for number in range(60)), partition=1)
    seen: dict[int, list[str]] = {0: [], 1: []}
    opened = asyncio.Event()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if meta.partition == 0:
            await opened.wait()
        seen[meta.partition].append(event.order_id)

    async def main() -> None:
        async with running(subscribe(shop, handle, batch=8)):
            await settle(lambda: len(seen[1]) == 60)
            assert seen[0] == []
            opened.set()
            await settle(lambda: len(seen[0]) == 20)

    run(main())
    assert seen == {0: [f"slow {number}" for number in range(20)], 1: [str(number) for number in range(60)]}
    assert shop.committed() == {0: 20, 1: 60}


def test_a_handler_publishes_under_the_correlation_of_what_it_handles(shop: Orders) -> None:
    shop.publish("a")
    written: list[serde.Meta] = []

    async def main() -> None:
        transport = AsyncInMemory()
        producer = orders.OrderPlacedAsyncProducer(transport, service="shop-api")

        async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
            written.append(await producer.publish(event))

        await handle_until(subscribe(shop, handle), lambda: bool(written))

    run(main())
    assert (written[0].correlation_id, written[0].causation_id) == ("request-1", "event of a")


def test_a_handler_that_raises_is_called_again_and_others_go_on(shop: Orders) -> None:
    shop.publish("bad", "after bad", partition=0)
    shop.publish("other", partition=1)
    calls: list[str] = []

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        calls.append(event.order_id)
        if event.order_id == "bad" and calls.count("bad") < 3:
            raise RuntimeError("database is down")

    run(handle_until(subscribe(shop, handle, retry=QUICK), lambda: "after bad" in calls and "other" in calls))
    assert [name for name in calls if name != "other"] == ["bad", "bad", "bad", "after bad"]
    assert shop.dead_letters() == []
    assert shop.committed() == {0: 2, 1: 1}


def test_a_record_that_fails_too_often_becomes_a_dead_letter_with_its_own_bytes(shop: Orders) -> None:
    shop.publish("bad", "good", partition=0)
    seen = Seen()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if event.order_id == "bad":
            raise RuntimeError("no")
        await seen(event, meta)

    run(handle_until(subscribe(shop, handle, retry=QUICK), lambda: bool(seen.names)))
    (letter,) = map(parse_dead_letter, shop.dead_letters())
    assert letter.record == shop.records()[0]
    assert (letter.reason, letter.message, letter.attempts) == ("RuntimeError", "no", 3)
    assert (letter.service, letter.group) == ("shop-api", shop.group)
    assert shop.committed() == {0: 2}


REJECTED: dict[str, Exception] = {
    "a rejection": Reject("never"),
    "a group of one": ExceptionGroup("tasks", [Reject("never")]),
    "a group with a rejection": ExceptionGroup("tasks", [ValueError(), ExceptionGroup("more", [Reject("never")])]),
}


@pytest.mark.parametrize("error", REJECTED.values(), ids=REJECTED)
def test_what_a_handler_rejects_is_not_tried_again(shop: Orders, error: Exception) -> None:
    shop.publish("bad", "good", partition=0)
    calls: list[str] = []

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        calls.append(event.order_id)
        if event.order_id == "bad":
            raise error

    run(handle_until(subscribe(shop, handle, retry=QUICK), lambda: "good" in calls))
    assert calls == ["bad", "good"]
    assert reasons(shop) == [("Reject", 1)]


def test_a_handler_with_a_task_group_is_blamed_for_the_error_inside(shop: Orders) -> None:
    shop.publish("bad", "good", partition=0)
    seen = Seen()

    async def fail() -> None:
        raise ZeroDivisionError

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if event.order_id == "bad":
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fail())
                tasks.create_task(asyncio.Event().wait())
        await seen(event, meta)

    run(handle_until(subscribe(shop, handle, retry=QUICK), lambda: bool(seen.names)))
    assert reasons(shop) == [("ZeroDivisionError", 3)]


def test_bytes_that_nobody_can_read_are_put_aside_at_once(shop: Orders) -> None:
    shop.send_raw(b"poison")
    shop.publish("good", partition=0)
    seen = Seen()
    run(handle_until(subscribe(shop, seen), lambda: bool(seen.names)))
    (letter,) = map(parse_dead_letter, shop.dead_letters())
    assert (letter.record.value, letter.attempts) == (b"poison", 1)


def test_a_handler_that_hangs_is_cancelled_after_its_time(shop: Orders) -> None:
    shop.publish("hangs", "good", partition=0)
    seen, cancelled = Seen(), list[str]()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if event.order_id == "hangs":
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append(event.order_id)
        await seen(event, meta)

    run(handle_until(subscribe(shop, handle, timeout=0.05, retry=QUICK), lambda: bool(seen.names)))
    assert cancelled == ["hangs"] * 3
    (letter,) = map(parse_dead_letter, shop.dead_letters())
    assert letter.reason == "registry.kafka.errors.HandlerTimeout"
    assert letter.message.startswith("the handler of shop.OrderPlaced took longer than 0.05 s")


def test_a_timeout_of_the_handlers_own_is_its_own(shop: Orders) -> None:
    shop.publish("impatient", "good", partition=0)
    seen = Seen()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if event.order_id == "impatient":
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        await seen(event, meta)

    run(handle_until(subscribe(shop, handle, retry=QUICK), lambda: bool(seen.names)))
    assert reasons(shop) == [("TimeoutError", 3)]


def test_a_handler_whose_task_was_cancelled_from_within_has_failed(shop: Orders) -> None:
    shop.publish("bad", "good", partition=0)
    seen = Seen()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if event.order_id == "bad":
            inner = asyncio.create_task(asyncio.Event().wait())
            asyncio.get_running_loop().call_soon(inner.cancel)
            await inner
        await seen(event, meta)

    run(handle_until(subscribe(shop, handle, retry=QUICK), lambda: bool(seen.names)))
    assert reasons(shop) == [("HandlerCancelled", 3)]


def test_an_unknown_schema_holds_up_its_partition_and_no_other(shop: Orders) -> None:
    shop.send_raw(b"\0\0\0\0\x63" + b"x", partition=0, headers={"ce_type": b"shop.OrderPlaced"})
    shop.publish("behind", partition=0)
    shop.publish("other", partition=1)
    seen = Seen()

    async def main() -> None:
        subscription = subscribe(shop, seen)
        async with running(subscription):
            await settle(lambda: seen.names == ["other"] and bool(subscription.paused))
            assert list(subscription.paused) == [(shop.topic, 0)]
            assert isinstance(subscription.paused[shop.topic, 0], serde.UnknownSchema)
        assert subscription.paused == {}  # it is nobody's partition now
        with pytest.raises(serde.UnknownSchema):
            await subscribe(shop, seen, unknown="raise").run()

    run(main())
    assert shop.committed() == {1: 1}
    assert shop.dead_letters() == []


def test_a_letter_that_cannot_be_written_holds_up_its_partition(shop: Orders) -> None:
    shop.publish("bad", "behind", partition=0)
    shop.publish("other", partition=1)
    seen, letters = Seen(), AsyncInMemory()

    class Refusing:
        open = False

        async def send(self, record: serde.Record) -> None:
            if not self.open:
                raise DeliveryFailed("no such topic", [(record, "no")])
            await letters.send(record)

        async def flush(self) -> None: ...

    refusing, calls = Refusing(), list[str]()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        calls.append(event.order_id)
        if event.order_id == "bad":
            raise Reject("never")
        await seen(event, meta)

    async def main() -> None:
        subscription = subscribe(shop, handle, dead_letters=refusing)
        async with running(subscription):
            await settle(lambda: seen.names == ["other"] and bool(subscription.paused))
            assert isinstance(subscription.paused[shop.topic, 0], DeliveryFailed)
            refusing.open = True
            await settle(lambda: seen.names == ["other", "behind"])
            assert subscription.paused == {}

    run(main())
    assert len(letters.records(shop.letters)) == 1
    assert calls.count("bad") == 1, "only the letter is tried again"
    assert shop.committed() == {0: 2, 1: 1}


def test_observers_are_told_what_happens(shop: Orders) -> None:
    told: list[str] = []

    class Telling(Observer):
        def subscribed(self, bundles: Any, group: str) -> None:
            told.append(f"subscribed {[bundle.event for bundle in bundles]}")

        def handling(self, delivery: serde.Delivery) -> Any:
            told.append("handling")
            return super().handling(delivery)

        def handled(self, delivery: serde.Delivery, seconds: float) -> None:
            told.append("handled")

        def failed(self, record: serde.Record, error: Exception, attempt: int) -> None:
            told.append(f"failed {type(error).__name__} {attempt}")

        def dead_lettered(self, record: serde.Record, error: Exception) -> None:
            told.append("dead letter")

        def revoked(self, topic: str, partition: int) -> None:
            told.append("revoked")

    shop.publish("good", "bad", partition=0)

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if event.order_id == "bad":
            raise RuntimeError

    observers = (Telling(),)
    retry = Retry(attempts=2, first=0.01)
    run(handle_until(subscribe(shop, handle, observers=observers, retry=retry), lambda: "dead letter" in told))
    attempt = ["handling", "failed RuntimeError"]
    assert told == [
        "subscribed ['shop.OrderPlaced']",
        *("handling", "handled"),
        *(attempt[0], f"{attempt[1]} 1", attempt[0], f"{attempt[1]} 2"),
        "dead letter",
        *("revoked", "revoked"),
    ]


def test_a_broker_that_goes_and_comes_back_is_waited_for(shop: Orders) -> None:
    seen = Seen()

    async def main() -> None:
        async with running(subscribe(shop, seen)):
            shop.publish("before")
            await settle(lambda: seen.names == ["before"])
            shop.cluster.stop_node()
            shop.cluster.start_node()
            await asyncio.to_thread(shop.publish, "after")
            await settle(lambda: seen.names == ["before", "after"])

    run(main())


def test_what_makes_no_subscription_is_refused(shop: Orders) -> None:
    settings = shop.cluster.settings
    with pytest.raises(SettingsError, match="these handlers are no coroutines") as raised:
        AsyncSubscription(settings, shop.consumer(print), group="g")  # type: ignore[arg-type]  # a wrong type is the case
    assert raised.value.help == "inherit OrderPlacedAsyncConsumer, or use Subscription"
    consumer = consume(shop, Seen())
    wrong: list[dict[str, Any]] = [{"batch": 0}, {"timeout": 0}, {"grace": -1}, {"unknown": "ignore"}, {"group": ""}]
    for options in (*wrong, {"dead_letter_topic": shop.topic}):
        with pytest.raises(SettingsError):
            AsyncSubscription(settings, consumer, **{"group": "g", **options})


def test_what_is_published_by_a_transport_in_the_same_loop_is_handled(shop: Orders) -> None:
    seen = Seen()

    async def main() -> None:
        async with AsyncKafkaTransport(shop.cluster.settings) as transport, running(subscribe(shop, seen)):
            names = [str(number) for number in range(50)]
            await asyncio.gather(*(transport.send(shop.encode(name, 0)) for name in names))
            await settle(lambda: seen.names == names)

    run(main())


def test_a_dead_letter_that_is_too_large_for_its_topic_names_the_setting(shop: Orders) -> None:
    only_mock(shop.cluster)
    shop.send_raw(b"poison")
    refuse_next(shop.cluster, TOO_LARGE, 1)

    async def main() -> None:
        subscription = subscribe(shop, Seen())
        async with running(subscription):
            await settle(lambda: bool(subscription.paused))
            (error,) = subscription.paused.values()
            await settle(lambda: not subscription.paused)
        assert isinstance(error, DeliveryFailed)
        assert error.help.startswith(f"a letter is larger than its record: raise max.message.bytes of {shop.letters};")

    run(main())
    assert reasons(shop) == [("DecodeError", 1)]
