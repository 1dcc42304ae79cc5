"""Producers and consumers of stubs, run in memory as a user's tests run them."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import pytest
import serde_orders as orders
from serde_orders import (
    BUNDLE,
    OrderPlaced,
    OrderPlacedConsumer,
    OrderPlacedProducer,
    OrderPlacedV1,
    Orders,
    State,
    StateV1,
)

from registry import frozen, serde
from registry.serde.receiver import Receiver


def order(number: int = 1, state: State = State.OPEN) -> OrderPlaced:
    return OrderPlaced(order_id=f"o-{number}", state=state)


def produce(transport: serde.Transport, **options: object) -> OrderPlacedProducer:
    return OrderPlacedProducer(transport, service="shop-api", **{"active": 3, **options})  # type: ignore[arg-type]  # options of tests


def test_what_is_published_arrives_with_its_place_and_envelope() -> None:
    transport, consumer = serde.InMemory(partitions=1), Orders()
    transport.subscribe(consumer, service="shop-api")
    sent = [produce(transport).publish(order(number), correlation_id="r") for number in (1, 2)]
    assert consumer.seen == []
    assert transport.deliver() == 2
    assert [event for event, _ in consumer.seen] == [order(1), order(2)]
    for offset, (_, meta) in enumerate(consumer.seen):
        assert (meta.topic, meta.partition, meta.offset) == ("shop.orders", 0, offset)
        assert (meta.key, meta.event_id) == (sent[offset].key, sent[offset].event_id)
        assert meta.timestamp is not None
        assert dict(meta.headers)["ce_type"] == b"shop.OrderPlaced"
    assert transport.deliver() == 0


def test_records_of_one_key_lie_in_one_partition_in_order() -> None:
    transport = serde.InMemory(partitions=4)
    producer = produce(transport)
    for state in (State.OPEN, State.HELD, State.DONE):
        for number in range(20):
            producer.publish(order(number, state), correlation_id="r")
    records = transport.records("shop.orders")
    assert len(records) == 60
    assert {record.partition for record in records} == {0, 1, 2, 3}
    for number in range(20):
        assert len({record.partition for record in records if record.key == f"o-{number}".encode()}) == 1
    assert transport.records("nothing") == ()


def test_a_handler_publishes_under_the_correlation_of_what_it_handles() -> None:
    transport = serde.InMemory()

    class Closing(OrderPlacedConsumer):
        def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:
            assert serde.current_correlation() == meta.correlation_id
            if event.state is State.OPEN:
                produce(transport).publish(OrderPlaced(order_id=event.order_id, state=State.DONE))

    consumer = Orders()
    transport.subscribe(Closing(), service="shop-api")
    transport.subscribe(consumer, service="shop-api")
    with serde.correlation("request-1"):
        first = produce(transport).publish(order())
    with serde.correlation("somebody else's"):
        assert transport.deliver() == 4
    (_, opened), (done, closed) = consumer.seen
    assert done.state is State.DONE
    assert (opened.correlation_id, closed.correlation_id) == ("request-1", "request-1")
    assert (opened.causation_id, closed.causation_id) == (None, first.event_id)
    assert serde.current_correlation() is None


def test_an_older_version_goes_to_its_own_handler_only_where_there_is_one() -> None:
    class Careful(Orders):
        def __init__(self) -> None:
            super().__init__()
            self.old: list[OrderPlacedV1] = []

        def on_order_placed_v1(self, event: OrderPlacedV1, meta: serde.Meta) -> None:
            assert meta.version == 1
            self.old.append(event)

    transport, plain, careful = serde.InMemory(), Orders(), Careful()
    transport.subscribe(plain)
    transport.subscribe(careful)
    for active in (1, 2, 3):
        produce(transport, active=active).publish(order(active), correlation_id="r")
    transport.deliver()
    assert [(event, meta.version) for event, meta in plain.seen] == [(order(1), 1), (order(2), 2), (order(3), 3)]
    assert careful.old == [OrderPlacedV1(order_id="o-1", state=StateV1.OPEN)]
    assert [event for event, _ in careful.seen] == [order(2), order(3)]


def test_an_error_of_a_handler_comes_out_and_its_record_again() -> None:
    class Failing(Orders):
        def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:
            super().on_order_placed(event, meta)
            if len(self.seen) == 1:
                raise RuntimeError("database is down")

    transport, consumer = serde.InMemory(), Failing()
    transport.subscribe(consumer)
    produce(transport).publish(order(), correlation_id="r")
    with pytest.raises(RuntimeError, match="database is down"):
        transport.deliver()
    assert serde.current_correlation() is None
    assert transport.deliver() == 1
    assert [meta.offset for _, meta in consumer.seen] == [0, 0]


def test_a_record_of_an_unknown_schema_holds_its_partition_and_no_other() -> None:
    old = orders.bundle(orders.version(1), service="mailer")

    class Mailer(serde.Consumer):
        seen: list[object]

        @classmethod
        def bundle(cls) -> serde.Bundle:
            return old

        def on_order_placed(self, event: OrderPlacedV1, meta: serde.Meta) -> None:
            self.seen.append(event)

    transport, mailer = serde.InMemory(partitions=2), Mailer()
    mailer.seen = []
    subscription = transport.subscribe(mailer, service="mailer", unknown="pause")
    numbers: dict[int, list[int]] = {0: [], 1: []}
    producer = produce(transport)
    for number in range(8):
        producer.activate(3 if number == 0 else 1)
        producer.publish(order(number), correlation_id="r")
        numbers[transport.records("shop.orders")[-1].partition].append(number)
    held = next(partition for partition, held in numbers.items() if 0 in held)
    assert transport.deliver() == len(numbers[1 - held])
    assert list(subscription.paused) == [("shop.orders", held)]
    assert str(subscription.paused["shop.orders", held]) == (
        "shop.OrderPlaced: v3 (schema id 103) is newer than these stubs (v1)"
    )
    assert transport.deliver() == 0
    knowing = serde.InMemory.subscribe(transport, Orders(), unknown="raise")
    assert transport.deliver() == 8
    assert knowing.paused == {}


def test_a_test_is_told_at_once_of_a_record_that_nobody_knows() -> None:
    transport = serde.InMemory()
    transport.subscribe(Orders())
    transport.send(serde.Record("shop.orders", b"k", bytes.fromhex("00 000000FF 00")))
    with pytest.raises(serde.UnknownSchema):
        transport.deliver()
    with pytest.raises(serde.SerdeError, match="no policy 'skip'"):
        transport.subscribe(Orders(), unknown="skip")  # type: ignore[arg-type]  # that is the point


def test_broken_bytes_come_out_as_errors() -> None:
    transport = serde.InMemory()
    transport.subscribe(Orders())
    transport.send(serde.Record("shop.orders", b"k", b"{}"))
    with pytest.raises(serde.DecodeError, match="the value has no frame"):
        transport.deliver()


def test_a_subscription_can_begin_again() -> None:
    transport, consumer = serde.InMemory(), Orders()
    subscription = transport.subscribe(consumer)
    produce(transport).publish(order(), correlation_id="r")
    assert (transport.deliver(), transport.deliver()) == (1, 0)
    subscription.replay()
    assert transport.deliver() == 1
    assert len(consumer.seen) == 2


def test_a_tombstone_has_a_key_and_no_event() -> None:
    class Deleting(Orders):
        deleted: bytes = b""

        def on_tombstone(self, key: bytes, meta: serde.Meta) -> None:
            self.deleted = key
            assert meta.topic == "shop.orders"

    transport, deleting, plain = serde.InMemory(), Deleting(), Orders()
    transport.subscribe(deleting)
    transport.subscribe(plain)
    transport.send(serde.Record("shop.orders", b"o-1", None))
    assert transport.deliver() == 2
    assert (deleting.deleted, deleting.seen, plain.seen) == (b"o-1", [], [])


OTHER = serde.Bundle(
    event="shop.OrderShipped",
    language="avro",
    service="shop-api",
    owner="shop-api",
    contact="",
    topic="shop.orders",
    key="order_id",
    versions=(
        serde.BundledVersion(
            number=1,
            schema_id=7,
            guid="00000000-0000-0000-0000-0000000000ff",
            root="a.avsc",
            files={
                "a.avsc": orders.TEXTS[1].replace("OrderPlaced", "OrderShipped"),
            },
            shape=serde.Shape(envelope=orders.ENVELOPE_1),
        ),
    ),
    reads=(1,),
    writes=(1,),
)


class OrderShippedProducer(serde.Producer[dict[str, object]]):
    @classmethod
    def bundle(cls) -> serde.Bundle:
        return OTHER


class OrderShippedConsumer(serde.Consumer):
    @classmethod
    def bundle(cls) -> serde.Bundle:
        return OTHER

    @abstractmethod
    def on_order_shipped(self, event: dict[str, object], meta: serde.Meta) -> None: ...


SHIPPED: dict[str, object] = {"order_id": "o-1", "state": "OPEN"}


@pytest.mark.parametrize("headers", [True, False])
def test_two_events_of_one_topic_go_to_the_consumers_that_want_them(headers: bool) -> None:
    class Both(Orders, OrderShippedConsumer):
        def on_order_shipped(self, event: dict[str, object], meta: serde.Meta) -> None:
            self.shipped = event["order_id"]

    transport, both = serde.InMemory(), Both()
    transport.subscribe(both)
    produce(transport, headers=headers).publish(order(), correlation_id="r")
    OrderShippedProducer(transport, service="shop-api", headers=headers).publish(SHIPPED, correlation_id="r")
    assert transport.deliver() == 2
    assert both.shipped == "o-1"
    assert [event for event, _ in both.seen] == [order()]


class TwoEvents(Orders, OrderShippedConsumer):
    def on_order_shipped(self, event: dict[str, object], meta: serde.Meta) -> None: ...


@pytest.mark.parametrize("consumer", [Orders, TwoEvents])
@pytest.mark.parametrize("garbage", [b"garbage", b"", b"\x00\x00", b"{}", b"\xc3\x28"])
def test_bytes_without_a_frame_are_broken_however_many_events_are_read(
    garbage: bytes, consumer: type[serde.Consumer]
) -> None:
    with pytest.raises(serde.DecodeError) as raised:
        Receiver(consumer()).read(serde.Record("shop.orders", b"k", garbage))
    assert type(raised.value) is serde.DecodeError
    assert "frame" in str(raised.value)


@pytest.mark.parametrize("consumer", [Orders, TwoEvents])
def test_a_frame_that_names_an_unknown_schema_is_no_broken_one(consumer: type[serde.Consumer]) -> None:
    with pytest.raises(serde.UnknownSchema):
        Receiver(consumer()).read(serde.Record("shop.orders", b"k", bytes.fromhex("00 00000009 00")))


def test_events_that_nobody_subscribes_to_are_passed_over() -> None:
    transport, consumer = serde.InMemory(), Orders()
    subscription = transport.subscribe(consumer)
    OrderShippedProducer(transport, service="shop-api").publish(SHIPPED, correlation_id="r")
    assert transport.deliver() == 0
    assert (consumer.seen, subscription.paused) == ([], {})


def test_an_event_that_nothing_names_is_not_passed_over() -> None:
    transport = serde.InMemory()
    subscription = transport.subscribe(Orders(), unknown="pause")
    OrderShippedProducer(transport, service="shop-api", headers=False).publish(SHIPPED, correlation_id="r")
    transport.deliver()
    assert len(subscription.paused) == 1


@pytest.mark.parametrize("framing", ["confluent", "confluent-header"])
def test_a_sibling_of_the_topic_is_passed_over_without_any_header(framing: serde.Framing) -> None:
    knowing = frozen.replace(BUNDLE, siblings={7: OTHER.event, OTHER.versions[0].guid: OTHER.event})

    class Knowing(Orders):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return knowing

    transport, consumer = serde.InMemory(), Knowing()
    transport.subscribe(consumer)
    OrderShippedProducer(transport, service="shop-api", headers=False, framing=framing).publish(
        SHIPPED, correlation_id="r"
    )
    produce(transport, headers=False, framing=framing).publish(order(), correlation_id="r")
    assert transport.deliver() == 1
    assert [event for event, _ in consumer.seen] == [order()]
    transport.send(serde.Record("shop.orders", b"k", bytes.fromhex("00 00000008 00")))
    with pytest.raises(serde.UnknownSchema, match="schema id 8 is none of v1, v2, v3"):
        transport.deliver()


def test_a_handler_of_a_version_that_is_read_no_more_is_refused() -> None:
    dropped = orders.bundle(orders.version(2), orders.version(3), reads=(2, 3))

    class Stub(serde.Consumer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return dropped

        def on_order_placed_v2(self, event: object, meta: serde.Meta) -> None: ...

    class Fine(Stub):
        def on_order_placed(self, event: object, meta: serde.Meta) -> None: ...

        def on_order_placed_v2(self, event: object, meta: serde.Meta) -> None: ...

        def on_order_placed_veto(self) -> None: ...

    class Leftover(Fine):
        def on_order_placed_v1(self, event: object, meta: serde.Meta) -> None: ...

    serde.InMemory().subscribe(Fine())
    with pytest.raises(serde.SerdeError) as caught:
        serde.InMemory().subscribe(Leftover())
    assert str(caught.value) == (
        "Leftover.on_order_placed_v1 handles version 1, which shop-api does not read (reads: [2, 3])"
    )
    assert caught.value.help.startswith("take the method out; or add 1 to `reads`")


def test_an_error_of_a_handler_says_which_record_it_was() -> None:
    class Failing(Orders):
        error = RuntimeError("database is down")

        def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:
            raise self.error

        def on_tombstone(self, key: bytes, meta: serde.Meta) -> None:
            raise KeyError(key)

    transport = serde.InMemory(partitions=1)
    subscription = transport.subscribe(Failing())
    produce(transport).publish(order(), correlation_id="r")
    for _ in range(2):
        with pytest.raises(RuntimeError) as caught:
            transport.deliver()
        assert caught.value.__notes__ == ["while shop.OrderPlaced v3 was handled, shop.orders[0]@0"]
    subscription.offsets["shop.orders", 0] = 1
    transport.send(serde.Record("shop.orders", b"k", None))
    with pytest.raises(KeyError) as lost:
        transport.deliver()
    assert lost.value.__notes__ == ["while a tombstone was handled, shop.orders[0]@1"]


def test_an_error_of_reading_says_which_record_it_was_and_the_way_out() -> None:
    transport = serde.InMemory(partitions=1)
    transport.subscribe(Orders())
    transport.send(serde.Record("shop.orders", b"k", b"{}"))
    with pytest.raises(serde.DecodeError) as caught:
        transport.deliver()
    assert caught.value.__notes__ == [
        f"help: {caught.value.help}",
        "while a record was read, shop.orders[0]@0",
    ]
    assert "was it written by a serializer that frames" in caught.value.help


@pytest.mark.parametrize("form", [dict, list, tuple])
def test_headers_may_come_as_clients_give_them(form: Callable[[object], Any]) -> None:
    nothing: Any = None
    consumer = Orders()
    receiver = serde.Receiver(consumer)
    record = produce(serde.InMemory()).encode(order(), correlation_id="r")
    receiver.receive(frozen.replace(record, headers=form(record.headers)))
    assert [(event, dict(meta.headers)) for event, meta in consumer.seen] == [(order(), dict(record.headers))]
    receiver.receive(frozen.replace(record, headers=nothing))
    assert consumer.seen[1][1].headers == ()
    odds: tuple[Any, ...] = (7, "ce_id", [("ce_id", b"1", 2)], [7], [([], b"")])
    for odd in odds:
        with pytest.raises(serde.DecodeError, match="the headers are no pairs of a name and bytes"):
            receiver.receive(frozen.replace(record, headers=odd))
        with pytest.raises(serde.DecodeError, match="the headers are no pairs of a name and bytes"):
            serde.Serde(BUNDLE).decode(record.value or b"", odd)


@pytest.mark.parametrize("key", ["order_id", "note"])
def test_an_empty_key_is_refused(key: str) -> None:
    keyed = frozen.replace(orders.bundle(orders.version(3), writes=(3,)), key=key)

    class Keyed(OrderPlacedProducer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return keyed

    transport = serde.InMemory()
    with pytest.raises(serde.EncodeError) as caught:
        Keyed(transport, service="shop-api").publish(OrderPlaced(order_id="", state=State.OPEN), correlation_id="r")
    assert (caught.value.fact, caught.value.path) == ("the message key is empty", f"/{key}")
    assert transport.records("shop.orders") == ()


def test_handlers_that_answer_each_other_come_to_an_end() -> None:
    class Echo(Orders):
        def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:
            produce(transport).publish(event)

    transport = serde.InMemory()
    transport.subscribe(Echo())
    produce(transport).publish(order(), correlation_id="r")
    with pytest.raises(serde.SerdeError, match="20 records were handled and more wait"):
        transport.deliver(limit=20)


def test_two_consumers_of_one_event_are_refused() -> None:
    with pytest.raises(serde.SerdeError, match=r"two consumers of one service handle shop\.OrderPlaced"):
        serde.InMemory().subscribe(Orders(), Orders())


def test_a_coroutine_is_no_handler() -> None:
    class Waiting(OrderPlacedConsumer):
        async def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:  # type: ignore[override]
            """Nobody would await it."""

    with pytest.raises(serde.SerdeError, match=r"Waiting\.on_order_placed is a coroutine"):
        serde.InMemory().subscribe(Waiting())


def test_a_consumer_without_its_handler_is_told() -> None:
    class Bare(serde.Consumer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return BUNDLE

    with pytest.raises(serde.SerdeError, match="Bare has no on_order_placed"):
        serde.InMemory().subscribe(Bare())


def test_a_key_that_is_none_is_refused_before_anything_is_sent() -> None:
    transport = serde.InMemory()
    bundle = orders.bundle(orders.version(3), writes=(3,))
    for key, fact in (("labels", "the message key is {}"), ("missing", "the message key is None")):
        odd = serde.Bundle(**{name: getattr(bundle, name) for name in bundle.__slots__} | {"key": key})

        class Odd(OrderPlacedProducer):
            @classmethod
            def bundle(cls, odd: serde.Bundle = odd) -> serde.Bundle:
                return odd

        with pytest.raises(serde.EncodeError) as caught:
            Odd(transport, service="shop-api").publish(order(), correlation_id="r")
        assert (caught.value.fact, caught.value.path) == (fact, f"/{key}")
    assert transport.records("shop.orders") == ()


def test_an_envelope_field_can_be_the_key() -> None:
    bundle = orders.bundle(orders.version(3), writes=(3,))
    keyed = serde.Bundle(**{name: getattr(bundle, name) for name in bundle.__slots__} | {"key": "correlation_id"})

    class Keyed(OrderPlacedProducer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return keyed

    assert Keyed(serde.InMemory(), service="shop-api").publish(order(), correlation_id="r").key == b"r"
