"""Producers and consumers for asyncio, run in memory as a user's tests run them."""

import asyncio
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
from serde_orders import (
    AsyncOrders,
    OrderPlaced,
    OrderPlacedAsyncConsumer,
    OrderPlacedAsyncProducer,
    OrderPlacedProducer,
    OrderPlacedV1,
    Orders,
    State,
    StateV1,
)

from registry import serde
from registry.serde import AsyncInMemory


def order(number: int = 1, state: State = State.OPEN) -> OrderPlaced:
    return OrderPlaced(order_id=f"o-{number}", state=state)


def produce(transport: serde.AsyncTransport, active: int = 3) -> OrderPlacedAsyncProducer:
    return OrderPlacedAsyncProducer(transport, service="shop-api", active=active)


async def publish(transport: AsyncInMemory, *events: OrderPlaced, active: int = 3) -> None:
    for event in events:
        await produce(transport, active).publish(event, correlation_id="r")
    await transport.flush()


def read_first(consumer: serde.Consumer | serde.AsyncConsumer) -> serde.Delivery:
    """The delivery of one order to a consumer."""
    transport = AsyncInMemory()
    asyncio.run(publish(transport, order()))
    delivery = serde.Receiver(consumer, service="shop-api").read(transport.records("shop.orders")[0])
    assert delivery is not None
    return delivery


def test_what_is_published_arrives_with_its_place_and_envelope() -> None:
    async def main() -> None:
        transport, consumer = AsyncInMemory(serde.InMemory(partitions=1)), AsyncOrders()
        transport.subscribe(consumer, service="shop-api")
        sent = [await produce(transport).publish(order(number), correlation_id="r") for number in (1, 2)]
        assert consumer.seen == []
        assert await transport.deliver() == 2
        assert [event for event, _ in consumer.seen] == [order(1), order(2)]
        assert [(meta.offset, meta.event_id) for _, meta in consumer.seen] == [
            (offset, meta.event_id) for offset, meta in enumerate(sent)
        ]
        assert await transport.deliver() == 0

    asyncio.run(main())


def test_a_producer_for_asyncio_writes_what_the_other_writes() -> None:
    transport = AsyncInMemory()
    mine, other = produce(transport, 2), OrderPlacedProducer(serde.InMemory(), service="shop-api", active=2)
    facts: dict[str, Any] = {"correlation_id": "r", "event_id": "e", "occurred_at": None}
    assert (mine.service, mine.active) == (other.service, other.active) == ("shop-api", 2)
    given, made = (dict(each.encode(order(), **facts).headers) for each in (mine, other))
    assert {**given, "ce_time": b""} == {**made, "ce_time": b""}
    mine.activate(1)
    assert mine.active == 1
    with pytest.raises(serde.NotOwner, match="OrderPlaced is written only by shop-api"):
        OrderPlacedAsyncProducer(transport, service="somebody")
    with pytest.raises(serde.MissingCorrelation):
        asyncio.run(produce(transport).publish(order()))
    assert transport.records("shop.orders") == ()


def test_a_handler_publishes_under_the_correlation_of_what_it_handles_also_in_tasks_of_its_own() -> None:
    transport = AsyncInMemory()

    class Closing(OrderPlacedAsyncConsumer):
        async def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:
            if event.state is State.OPEN:
                done = OrderPlaced(order_id=event.order_id, state=State.DONE)
                await asyncio.gather(*(produce(transport).publish(done) for _ in range(2)))

    async def main() -> None:
        consumer = AsyncOrders()
        transport.subscribe(Closing())
        transport.subscribe(consumer)
        with serde.correlation("request-1"):
            first = await produce(transport).publish(order())
        assert await transport.deliver() == 6
        assert [event.state for event, _ in consumer.seen] == [State.OPEN, State.DONE, State.DONE]
        assert {meta.correlation_id for _, meta in consumer.seen} == {"request-1"}
        assert [meta.causation_id for _, meta in consumer.seen] == [None, first.event_id, first.event_id]
        assert serde.current_correlation() is None

    asyncio.run(main())


def test_an_older_version_goes_to_its_own_handler_only_where_there_is_one() -> None:
    class Careful(AsyncOrders):
        old: list[OrderPlacedV1]

        async def on_order_placed_v1(self, event: OrderPlacedV1, meta: serde.Meta) -> None:
            self.old.append(event)

    async def main() -> None:
        transport, plain, careful = AsyncInMemory(), AsyncOrders(), Careful()
        careful.old = []
        transport.subscribe(plain)
        transport.subscribe(careful)
        for active in (1, 2, 3):
            await publish(transport, order(active), active=active)
        await transport.deliver()
        assert [(event, meta.version) for event, meta in plain.seen] == [(order(1), 1), (order(2), 2), (order(3), 3)]
        assert careful.old == [OrderPlacedV1(order_id="o-1", state=StateV1.OPEN)]
        assert [event for event, _ in careful.seen] == [order(2), order(3)]

    asyncio.run(main())


def test_the_upgrade_that_stubs_write_calls_the_newest_handler() -> None:
    consumer = AsyncOrders()
    asyncio.run(consumer.on_order_placed_v1(OrderPlacedV1(order_id="o-1", state=StateV1.OPEN), serde.Meta()))
    assert [event for event, _ in consumer.seen] == [order(1)]


def test_an_error_of_a_handler_comes_out_and_its_record_again() -> None:
    class Failing(AsyncOrders):
        async def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:
            await super().on_order_placed(event, meta)
            if len(self.seen) == 1:
                raise RuntimeError("database is down")

    async def main() -> None:
        transport, consumer = AsyncInMemory(), Failing()
        transport.subscribe(consumer)
        await publish(transport, order())
        with pytest.raises(RuntimeError, match="database is down") as caught:
            await transport.deliver()
        (note,) = caught.value.__notes__
        assert note.startswith("while shop.OrderPlaced v3 was handled, shop.orders[")
        assert serde.current_correlation() is None
        assert await transport.deliver() == 1
        assert [meta.offset for _, meta in consumer.seen] == [0, 0]

    asyncio.run(main())


def test_a_delivery_that_was_cancelled_comes_again() -> None:
    class Slow(AsyncOrders):
        reached = asyncio.Event()

        async def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:
            await super().on_order_placed(event, meta)
            self.reached.set()
            if len(self.seen) == 1:
                await asyncio.Event().wait()

    async def main() -> None:
        transport, consumer = AsyncInMemory(), Slow()
        transport.subscribe(consumer)
        await publish(transport, order())
        task = asyncio.create_task(transport.deliver())
        await asyncio.wait_for(consumer.reached.wait(), 10)
        with pytest.raises(serde.SerdeError, match="a delivery is under way already"):
            await transport.deliver()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await transport.deliver() == 1
        assert [event for event, _ in consumer.seen] == [order(), order()]

    asyncio.run(main())


def test_services_of_both_kinds_share_the_topics() -> None:
    async def main() -> None:
        memory, plain, later = serde.InMemory(), Orders(), AsyncOrders()
        transport = AsyncInMemory(memory)
        memory.subscribe(plain)
        transport.subscribe(later)
        OrderPlacedProducer(memory, service="shop-api").publish(order(1), correlation_id="r")
        await publish(transport, order(2))
        assert await transport.deliver() == 4
        assert [event for event, _ in plain.seen] == [event for event, _ in later.seen] == [order(1), order(2)]

    asyncio.run(main())


def test_a_delivery_that_would_await_nothing_is_refused() -> None:
    transport = AsyncInMemory()
    transport.subscribe(AsyncOrders(), service="shop-api")
    with pytest.raises(serde.SerdeError, match="handlers of shop-api are coroutines: nobody here would") as caught:
        transport.memory.deliver()
    assert caught.value.help == "await deliver_async(), or the deliver() of an AsyncInMemory"


def test_a_tombstone_is_awaited_too() -> None:
    class Forgetting(AsyncOrders):
        gone: list[bytes]

        async def on_tombstone(self, key: bytes, meta: serde.Meta) -> None:
            self.gone.append(key)

    async def main() -> None:
        transport, consumer = AsyncInMemory(), Forgetting()
        consumer.gone = []
        transport.subscribe(consumer)
        transport.subscribe(AsyncOrders())  # does not mind
        await transport.send(serde.Record("shop.orders", b"o-1", None))
        assert await transport.deliver() == 2
        assert consumer.gone == [b"o-1"]

    asyncio.run(main())


def test_a_receiver_tells_whether_its_handlers_are_awaited() -> None:
    assert serde.Receiver(AsyncOrders()).asynchronous
    assert not serde.Receiver(Orders()).asynchronous
    with pytest.raises(serde.SerdeError, match="some of the consumers are asynchronous and some are not") as caught:
        serde.Receiver(AsyncOrders(), Orders())
    assert caught.value.help == "one subscription for each"


def test_a_plain_method_is_no_handler_of_a_consumer_for_asyncio() -> None:
    class Plain(OrderPlacedAsyncConsumer):
        def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:  # type: ignore[override]  # the wrong kind of handler is the case
            pass

    class Generating(OrderPlacedAsyncConsumer):
        async def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:  # type: ignore[override, misc]  # the wrong kind of handler is the case
            yield

    class OlderPlain(AsyncOrders):
        def on_order_placed_v1(self, event: OrderPlacedV1, meta: serde.Meta) -> None:  # type: ignore[override]  # the wrong kind of handler is the case
            pass

    for kind, name in ((Plain, "on_order_placed"), (Generating, "on_order_placed"), (OlderPlain, "on_order_placed_v1")):
        with pytest.raises(serde.SerdeError, match=f"{kind.__name__}.{name} is no coroutine") as caught:
            serde.Receiver(kind())
        assert caught.value.help == f"write `async def {name}`"


def test_a_coroutine_is_no_handler_of_a_consumer_for_threads() -> None:
    class Later(Orders):
        async def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:  # type: ignore[override]  # the wrong kind of handler is the case
            pass

    with pytest.raises(serde.SerdeError, match=r"Later.on_order_placed is a coroutine: nobody here would") as caught:
        serde.Receiver(Later())
    assert "inherit the asynchronous consumer" in caught.value.help


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    async def run(*arguments: Any) -> Any:
        return await function(*arguments)

    return run


def test_a_handler_may_be_decorated_or_set_later() -> None:
    class Decorated(AsyncOrders):
        on_order_placed = decorated(AsyncOrders.on_order_placed)

    consumers = Decorated(), AsyncOrders()
    consumers[1].on_order_placed = partial(AsyncOrders.on_order_placed, consumers[1])  # type: ignore[method-assign]  # as decorators of objects do
    for consumer in consumers:
        assert asyncio.run(read_first(consumer).run()).event_id
        assert [event for event, _ in consumer.seen] == [order()]


def test_calling_what_should_be_awaited_says_so() -> None:
    consumer = AsyncOrders()
    with pytest.raises(serde.SerdeError, match=r"the handler of shop.OrderPlaced gave back a coroutine"):
        read_first(consumer)()
    assert consumer.seen == []
