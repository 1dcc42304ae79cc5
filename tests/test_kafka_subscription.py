"""The consumers of a service on a cluster: what goes well, and what goes wrong with one record."""

import logging
import random
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from threading import Thread, get_ident
from typing import Any

import pytest
import serde_orders as orders

from registry import serde
from registry.frozen import replace
from registry.kafka.consuming import loop
from registry.kafka.consuming.dead_letters import parse_dead_letter
from registry.kafka.consuming.polling import ReadFailed
from registry.kafka.errors import MessagingError, Reject, SettingsError
from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import InboxUnavailable
from registry.kafka.inbox.memory import MemoryInbox
from registry.kafka.observer import Observer
from registry.kafka.retry import Retry
from registry.serde.delivery import Delivery
from tests.kafka_clusters import Cluster
from tests.kafka_orders import Orders, limit, run, running, wait_for
from tests.kafka_topics import TOO_LARGE, only_mock, refuse_next

QUICK = Retry(attempts=3, first=0.01, longest=0.05)
SOON = Retry(first=0.05, longest=0.2)


class Seen:
    """A handler that keeps what it was given, and does more where a test says so."""

    def __init__(self, also: Callable[[str], object] = lambda name: None) -> None:
        self.names: list[str] = []
        self.metas: list[serde.Meta] = []
        self.also = also

    def __call__(self, event: orders.OrderPlaced, meta: serde.Meta) -> None:
        self.also(event.order_id)
        self.names.append(event.order_id)
        self.metas.append(meta)

    def has(self, *names: str) -> Callable[[], bool]:
        return lambda: sorted(self.names) == sorted(names)


class Told(Observer):
    """Keeps what it was told, by name."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def of(self, name: str) -> list[Any]:
        return [facts for each, facts in self.calls if each == name]

    def subscribed(self, bundles: Any, group: str) -> None:
        self.calls.append(("subscribed", ([bundle.event for bundle in bundles], group)))

    def handled(self, delivery: Delivery, seconds: float) -> None:
        self.calls.append(("handled", delivery.event.order_id))
        assert seconds >= 0

    def repeated(self, delivery: Delivery) -> None:
        self.calls.append(("repeated", delivery.event.order_id))

    def failed(self, record: serde.Record, error: Exception, attempt: int) -> None:
        self.calls.append(("failed", (type(error).__name__, attempt)))

    def dead_lettered(self, record: serde.Record, error: Exception) -> None:
        self.calls.append(("dead_lettered", type(error).__name__))

    def paused(self, topic: str, partition: int, error: Exception) -> None:
        self.calls.append(("paused", partition))

    def resumed(self, topic: str, partition: int) -> None:
        self.calls.append(("resumed", partition))

    def revoked(self, topic: str, partition: int) -> None:
        self.calls.append(("revoked", partition))

    def measured(self, topic: str, partition: int, lag: int, age: float) -> None:
        self.calls.append(("measured", (partition, lag, age)))


def test_events_are_handled_in_the_order_of_their_partition_and_committed(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    names = [f"o-{number}" for number in range(100)]
    shop.publish(*names[:50], partition=0)
    shop.publish(*names[50:], partition=1)
    run(shop.subscribe(seen), seen.has(*names))
    assert [name for name in seen.names if name in names[:50]] == names[:50]
    assert [name for name in seen.names if name in names[50:]] == names[50:]
    assert shop.committed() == {0: 50, 1: 50}
    assert (seen.metas[0].correlation_id, seen.metas[0].topic) == ("request-1", shop.topic)
    assert shop.dead_letters() == []


def test_a_second_run_goes_on_where_the_first_one_ended(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    shop.publish("a", "b", partition=0)
    run(shop.subscribe(seen), seen.has("a", "b"))
    shop.publish("c", partition=0)
    run(shop.subscribe(seen), seen.has("a", "b", "c"))
    assert seen.names == ["a", "b", "c"]


def test_one_subscription_may_run_again_while_it_is_open(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    with shop.subscribe(seen) as subscription:
        for count in (1, 2, 3):
            shop.publish(f"o-{count}", partition=0)
            subscription.run(limit(lambda count=count: len(seen.names) == count))  # type: ignore[misc]  # bound now
            assert subscription.assigned == {(shop.topic, 0), (shop.topic, 1)}
    assert seen.names == ["o-1", "o-2", "o-3"]
    assert subscription.assigned == frozenset()


def test_a_single_event_does_not_wait_for_others(cluster: Cluster) -> None:
    """A batch that waits until it is full would keep each lonely event for its whole timeout."""
    shop, seen = Orders(cluster), Seen()
    with running(shop.subscribe(seen)):
        shop.publish("first")
        wait_for(seen.has("first"))
        for number in range(20):
            shop.publish(f"o-{number}")
            wait_for(lambda number=number: f"o-{number}" in seen.names, seconds=5)  # type: ignore[misc]  # bound now


def test_a_handler_publishes_under_the_correlation_of_what_it_handles(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()

    def derive(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        seen(event, meta)
        if event.order_id == "a":
            shop.producer.publish(orders.OrderPlaced(order_id="b", state=orders.State.OPEN))

    shop.publish("a")
    run(shop.subscribe(derive, outputs=[shop.transport]), seen.has("a", "b"))
    assert seen.metas[1].correlation_id == "request-1"
    assert seen.metas[1].causation_id == seen.metas[0].event_id


def test_what_a_handler_published_has_arrived_before_its_record_counts_as_handled(cluster: Cluster) -> None:
    shop, seen, told = Orders(cluster), Seen(), Told()

    flushed: list[list[str]] = []

    class Output:
        def send(self, record: serde.Record) -> None:
            raise NotImplementedError

        def flush(self) -> None:
            """The first time something did not arrive."""
            flushed.append(list(seen.names))
            if len(flushed) == 1:
                raise MessagingError("did not arrive")

    shop.publish("a", "b", "c", partition=0)
    run(
        shop.subscribe(seen, outputs=[Output()], observers=[told]),
        lambda: seen.names[-1:] == ["c"] and len(flushed) > 1,
    )
    assert seen.names == [*flushed[0], "a", "b", "c"], "what the first flush was for is handled again"
    assert told.of("failed") == [("MessagingError", 1)]
    assert shop.committed() == {0: 3}
    assert shop.dead_letters() == []


def test_a_handler_that_raises_is_called_again_and_then_its_record_is_put_aside(cluster: Cluster) -> None:
    shop, told = Orders(cluster), Told()
    calls: list[str] = []

    def fail(name: str) -> None:
        calls.append(name)
        if name == "b":
            raise ValueError(f"call {len(calls)}")

    seen = Seen(fail)
    shop.publish("a", "b", "c", partition=0)
    run(shop.subscribe(seen, retry=QUICK, observers=[told]), seen.has("a", "c"))
    assert calls == ["a", "b", "b", "b", "c"]
    (letter,) = map(parse_dead_letter, shop.dead_letters())
    assert (letter.reason, letter.message, letter.attempts) == ("ValueError", "call 4", 3)
    assert (letter.record.topic, letter.record.partition, letter.record.offset) == (shop.topic, 0, 1)
    assert letter.record == next(record for record in shop.records() if record.offset == 1)
    assert shop.committed() == {0: 3}
    assert told.of("failed") == [("ValueError", 1), ("ValueError", 2), ("ValueError", 3)]
    assert told.of("dead_lettered") == ["ValueError"]
    assert told.of("handled") == ["a", "c"]
    assert told.of("paused") == []


def test_the_other_partitions_go_on_while_one_waits_for_its_next_attempt(cluster: Cluster) -> None:
    shop = Orders(cluster)
    late: list[int] = []

    def fail(name: str) -> None:
        if name == "bad" and len(seen.names) < 20:
            late.append(len(seen.names))
            raise ValueError

    seen = Seen(fail)
    shop.publish("bad", "after", partition=0)
    shop.publish(*[f"o-{number}" for number in range(20)], partition=1)
    run(shop.subscribe(seen, retry=Retry(attempts=50, first=0.02, longest=0.1), batch=5), lambda: len(seen.names) == 22)
    assert seen.names[-2:] == ["bad", "after"]
    assert shop.dead_letters() == []


def test_a_handler_that_is_repaired_meanwhile_gets_its_event(cluster: Cluster) -> None:
    shop, told = Orders(cluster), Told()
    errors = [ValueError("one"), ValueError("two")]

    def fail(name: str) -> None:
        if errors:
            raise errors.pop()

    seen = Seen(fail)
    shop.publish("a", "b", partition=0)
    run(shop.subscribe(seen, retry=QUICK, observers=[told]), seen.has("a", "b"))
    assert seen.names == ["a", "b"]
    assert told.of("failed") == [("ValueError", 1), ("ValueError", 2)]
    assert shop.dead_letters() == []


def test_a_handler_may_raise_the_same_object_again_and_again(cluster: Cluster) -> None:
    shop, error = Orders(cluster), ValueError("always me")

    def fail(name: str) -> None:
        if name != "c":
            raise error

    seen = Seen(fail)
    shop.publish("a", "b", "c", partition=0)
    run(shop.subscribe(seen, retry=QUICK), seen.has("c"))
    assert [parse_dead_letter(letter).message for letter in shop.dead_letters()] == ["always me"] * 2
    assert len(error.__notes__) == 2, "where it happened, once for each record"


def test_an_event_that_a_handler_rejects_is_put_aside_without_a_second_call(cluster: Cluster) -> None:
    shop = Orders(cluster)
    calls: list[str] = []

    def reject(name: str) -> None:
        calls.append(name)
        if name == "a":
            raise Reject("no such customer")

    seen = Seen(reject)
    shop.publish("a", "b", partition=0)
    run(shop.subscribe(seen), seen.has("b"))
    assert calls == ["a", "b"]
    (letter,) = map(parse_dead_letter, shop.dead_letters())
    assert (letter.reason, letter.attempts) == ("registry.kafka.errors.Reject", 1)


def test_what_is_no_exception_ends_the_run_and_its_record_comes_again(cluster: Cluster) -> None:
    shop = Orders(cluster)

    def leave(name: str) -> None:
        if name == "b":
            raise SystemExit(3)

    seen = Seen(leave)
    shop.publish("a", "b", "c", partition=0)
    with pytest.raises(SystemExit):
        run(shop.subscribe(seen), seen.has("never"))
    assert shop.committed() == {0: 1}
    seen.also = lambda name: None
    run(shop.subscribe(seen), seen.has("a", "b", "c"))
    assert shop.dead_letters() == []


POISON: dict[str, Callable[[Orders], serde.Record]] = {
    "no frame": lambda shop: serde.Record(shop.topic, b"k", b"garbage", partition=0),
    "nothing": lambda shop: serde.Record(shop.topic, b"k", b"", partition=0),
    "cut off": lambda shop: replace(shop.encode("x", 0), value=(shop.encode("x").value or b"")[:-3]),
    "too long": lambda shop: replace(shop.encode("x", 0), value=(shop.encode("x").value or b"") + b"!"),
    "another id in its header": lambda shop: replace(
        shop.encode("x", 0),
        headers=tuple((name, b"other" if name == "ce_id" else held) for name, held in shop.encode("x").headers),
    ),
    "a header without text": lambda shop: replace(
        shop.encode("x", 0), headers=(*shop.encode("x").headers, ("ce_correlationid", b"\xff"))
    ),
}


@pytest.mark.parametrize("poison", POISON)
def test_poison_is_put_aside_at_once_with_its_own_bytes(cluster: Cluster, poison: str) -> None:
    shop, seen, told = Orders(cluster), Seen(), Told()
    record = POISON[poison](shop)
    shop.publish("a", partition=0)
    shop.send(record)
    shop.publish("b", partition=0)
    run(shop.subscribe(seen, observers=[told]), seen.has("a", "b"))
    (letter,) = map(parse_dead_letter, shop.dead_letters())
    assert (letter.record.key, letter.record.value, letter.record.headers) == (record.key, record.value, record.headers)
    assert (letter.record.offset, letter.attempts) == (1, 1)
    assert letter.reason in {"registry.serde.errors.DecodeError", "registry.serde.errors.EnvelopeError"}
    assert told.of("paused") == []
    assert shop.committed() == {0: 3}


def foreign(shop: Orders, name: str) -> serde.Record:
    record = shop.encode(name, 0)
    headers = tuple((each, b"billing" if each == "ce_source" else held) for each, held in record.headers)
    return replace(record, headers=headers)


def test_a_record_of_a_writer_that_does_not_own_the_event_is_put_aside(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    shop.send(foreign(shop, "x"))
    shop.publish("a", partition=0)
    run(shop.subscribe(seen), seen.has("a"))
    (letter,) = map(parse_dead_letter, shop.dead_letters())
    assert letter.reason == "registry.kafka.errors.ForeignWriter"
    assert "was written by 'billing'" in letter.message
    assert "shop-api's to write" in letter.message


def test_a_foreign_writer_with_a_schema_of_its_own_does_not_stop_the_partition(cluster: Cluster) -> None:
    shop, seen, told = Orders(cluster), Seen(), Told()
    record = foreign(shop, "x")
    shop.send(replace(record, value=b"\x00\x00\x00\x03\xe7" + (record.value or b"")[5:]))
    shop.publish("a", partition=0)
    run(shop.subscribe(seen, observers=[told]), seen.has("a"))
    assert told.of("dead_lettered") == ["ForeignWriter"]
    assert told.of("paused") == []


@pytest.mark.parametrize("options", [{"foreign": "handle"}, {"former_owners": ["billing"]}])
def test_a_former_owner_and_whoever_is_let_in_is_handled(cluster: Cluster, options: dict[str, Any]) -> None:
    shop, seen = Orders(cluster), Seen()
    shop.send(foreign(shop, "x"))
    shop.publish("a", partition=0)
    run(shop.subscribe(seen, **options), seen.has("a", "x"))


def test_a_record_that_does_not_say_who_wrote_it_is_handled(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    record = shop.encode("x", 0)
    shop.send(replace(record, headers=tuple(pair for pair in record.headers if pair[0] != "ce_source")))
    shop.send(replace(record, headers=()))
    shop.transport.flush()
    run(shop.subscribe(seen), seen.has("x", "x"))


class Library:
    """A fallback that has nothing until it is told."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = False

    def find(self, event: str, writer: int | str) -> serde.BundledVersion | None:
        self.asked += 1
        if not self.open:
            raise serde.SerdeError("the registry does not answer")
        return orders.version(3, plain=True) if writer == 103 else None

    def find_number(self, event: str, number: int) -> serde.BundledVersion | None:
        return None


def old_consumer(shop: Orders, seen: Seen) -> serde.Consumer:
    """Of a service whose stubs know versions 1 and 2, while version 3 is written."""
    bundle = replace(orders.bundle(orders.version(1), orders.version(2)), topic=shop.topic)

    class Old(serde.Consumer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return bundle

        def on_order_placed(self, event: Any, meta: serde.Meta) -> None:
            seen(event, meta)

    return Old()


def test_an_unknown_schema_stops_its_partition_until_the_registry_has_it(cluster: Cluster) -> None:
    shop, seen, told, library = Orders(cluster), Seen(), Told(), Library()
    shop.publish("new", "newer", partition=0)
    two = type(shop.producer)(shop.transport, service="shop-api", active=2)
    event = orders.OrderPlacedV2(order_id="old", state=orders.StateV2.OPEN)
    shop.send(replace(two.encode(event, correlation_id="r"), partition=1))
    shop.transport.flush()
    options = {"consumer": old_consumer(shop, seen), "fallback": library, "pause": SOON, "observers": [told]}
    with shop.subscribe(seen, **options) as subscription:
        subscription.run(limit(lambda: seen.names == ["old"] and library.asked >= 3))
        assert {place: type(error).__name__ for place, error in subscription.paused.items()} == {
            (shop.topic, 0): "UnknownSchema"
        }
        library.open = True
        subscription.run(limit(seen.has("old", "new", "newer")))
        assert subscription.paused == {}
    assert seen.names == ["old", "new", "newer"]
    assert (told.of("paused"), told.of("resumed")) == ([0], [0])
    assert shop.dead_letters() == []
    assert shop.committed() == {0: 2, 1: 1}


def test_an_unknown_schema_may_end_the_run_or_be_put_aside(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    shop.publish("new", partition=0)
    with pytest.raises(serde.UnknownSchema):
        run(shop.subscribe(seen, consumer=old_consumer(shop, seen), unknown="raise"), seen.has("never"))
    assert shop.committed() == {}
    aside = shop.subscribe(seen, consumer=old_consumer(shop, seen), unknown="dead-letter")
    run(aside, lambda: bool(shop.dead_letters()))
    assert parse_dead_letter(shop.dead_letters()[0]).reason == "registry.serde.errors.UnknownSchema"
    assert shop.committed() == {0: 1}


def test_tombstones_are_told_to_the_consumer(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    buried: list[bytes] = []
    shop.publish("a", partition=0)
    shop.send_raw(None)
    consumer = shop.consumer(seen, buried.append)
    run(shop.subscribe(seen, consumer=consumer), lambda: bool(buried))
    assert (seen.names, buried) == (["a"], [b"k"])
    assert shop.committed() == {0: 2}


def closed(shop: Orders, topic: str) -> serde.Bundle:
    """The contract of another event of the same service."""
    text = orders.TEXTS[3].replace('"OrderPlaced"', '"OrderClosed"')
    version = orders.version(3, text=text)
    shape = replace(version.shape, types={"shop.OrderClosed": orders.OrderPlaced, "shop.State": orders.State})
    return replace(
        orders.bundle(replace(version, schema_id=203, guid="00000000-0000-0000-0000-000000000203", shape=shape)),
        event="shop.OrderClosed",
        topic=topic,
        writes=(3,),
    )


@pytest.mark.parametrize("apart", [False, True])
def test_one_subscription_reads_several_events_of_one_topic_and_of_several(cluster: Cluster, apart: bool) -> None:
    from registry.kafka.consuming.subscription import Subscription

    shop, seen, ends = Orders(cluster), Seen(), Seen()
    topic = cluster.topic("shop.ends") if apart else shop.topic
    if apart:
        cluster.create(topic)
    bundle = closed(shop, topic)

    class Producer(orders.OrderPlacedProducer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return bundle

    class Closed(serde.Consumer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return bundle

        def on_order_closed(self, event: Any, meta: serde.Meta) -> None:
            ends(event, meta)

    shop.publish("a", "b", partition=0)
    order = orders.OrderPlaced(order_id="a", state=orders.State.DONE)
    Producer(shop.transport, service="shop-api").publish(order, correlation_id="r")
    shop.transport.flush()
    group = Subscription(cluster.settings, shop.consumer(seen), Closed(), group=shop.group, service="shop-api")
    run(group, lambda: seen.has("a", "b")() and ends.has("a")())
    assert {meta.contract for meta in ends.metas} == {"shop.OrderClosed"}
    assert {meta.contract for meta in seen.metas} == {"shop.OrderPlaced"}


def test_events_of_the_topic_that_nobody_reads_are_passed_over(cluster: Cluster) -> None:
    shop, seen, told = Orders(cluster), Seen(), Told()
    record = shop.encode("x", 0)
    headers = tuple((name, b"shop.OrderClosed" if name == "ce_type" else held) for name, held in record.headers)
    shop.send(replace(record, value=b"\x00\x00\x00\x03\xe7?", headers=headers))
    shop.publish("a", partition=0)
    run(shop.subscribe(seen, observers=[told]), seen.has("a"))
    assert shop.committed() == {0: 2}
    assert told.of("failed") == []
    assert shop.dead_letters() == []


class Kept:
    """An inbox that can be out of order."""

    def __init__(self) -> None:
        self.keys: list[EventKey] = []
        self.broken = 0

    def once(self, key: EventKey) -> AbstractContextManager[bool]:
        return self._once(key)

    @contextmanager
    def _once(self, key: EventKey) -> Any:
        if self.broken:
            self.broken -= 1
            raise InboxUnavailable("the database is down")
        if key in self.keys:
            yield False
            return
        yield True
        self.keys.append(key)


def test_an_event_that_comes_again_is_passed_over_by_the_inbox(cluster: Cluster) -> None:
    shop, seen, told, kept = Orders(cluster), Seen(), Told(), Kept()
    shop.publish("a", "b", "a", partition=0)
    run(shop.subscribe(seen, inbox=kept, observers=[told]), lambda: len(told.calls) >= 4 and bool(told.of("repeated")))
    assert seen.names == ["a", "b"]
    assert told.of("repeated") == ["a"]
    assert kept.keys[0] == EventKey(shop.group, "shop.OrderPlaced", "event of a")
    assert shop.committed() == {0: 3}


def test_two_groups_of_one_service_share_an_inbox_and_handle_each_event_once_each(cluster: Cluster) -> None:
    shop, inbox = Orders(cluster), MemoryInbox()
    shop.publish("a")
    for group in (shop.group, f"{shop.group}-rebuild"):
        seen: list[str] = []
        run(
            shop.subscribe(lambda event, _, seen=seen: seen.append(event.order_id), inbox=inbox, group=group),
            lambda seen=seen: bool(seen),
        )
        assert seen == ["a"]


def test_a_tombstone_is_known_to_the_inbox_by_its_place(cluster: Cluster) -> None:
    shop, seen, kept = Orders(cluster), Seen(), Kept()
    shop.send_raw(None)
    run(shop.subscribe(seen, inbox=kept), lambda: bool(kept.keys))
    assert kept.keys == [EventKey(shop.group, "", f"{shop.topic}[0]@0")]


def test_an_inbox_that_is_down_holds_the_partition_and_puts_nothing_aside(cluster: Cluster) -> None:
    shop, seen, told, kept = Orders(cluster), Seen(), Told(), Kept()
    kept.broken = 4
    shop.publish("a", "b", partition=0)
    run(shop.subscribe(seen, inbox=kept, observers=[told], retry=Retry(attempts=1)), seen.has("a", "b"))
    assert told.of("failed") == [("InboxUnavailable", number) for number in (1, 2, 3, 4)]
    assert (told.of("paused"), told.of("resumed")) == ([0], [0])
    assert shop.dead_letters() == []


def test_a_handler_has_all_its_attempts_after_an_outage(cluster: Cluster) -> None:
    shop, told, kept = Orders(cluster), Told(), Kept()
    kept.broken = 4
    errors = [ValueError("1"), ValueError("2")]

    def fail(name: str) -> None:
        if errors:
            raise errors.pop()

    seen = Seen(fail)
    shop.publish("a", partition=0)
    run(shop.subscribe(seen, inbox=kept, observers=[told], retry=QUICK), seen.has("a"))
    assert told.of("failed") == [
        *[("InboxUnavailable", number) for number in (1, 2, 3, 4)],
        *[("ValueError", number) for number in (1, 2)],
    ]
    assert shop.dead_letters() == []


def test_a_missing_topic_of_dead_letters_holds_the_partition_until_it_is_there(cluster: Cluster) -> None:
    if not cluster.real:
        pytest.skip("the mock makes any topic that is asked for")
    shop, seen, told = Orders(cluster, letters=False), Seen(), Told()
    shop.send_raw(b"poison")
    shop.publish("a", partition=0)
    shop.publish("b", partition=1)
    with shop.subscribe(seen, observers=[told]) as subscription:
        subscription.run(limit(lambda: bool(told.of("paused")) and seen.names == ["b"]))
        (error,) = subscription.paused.values()
        assert shop.letters in str(error)
        cluster.create(shop.letters)
        subscription.run(limit(seen.has("b", "a")))
    assert len(shop.dead_letters()) == 1
    assert shop.committed() == {0: 2, 1: 1}


def test_a_dead_letter_that_cannot_be_written_is_tried_again_without_its_handler(cluster: Cluster) -> None:
    shop, told, calls = Orders(cluster), Told(), list[str]()
    sent: list[serde.Record] = []

    class Shaky:
        def send(self, record: serde.Record) -> None:
            sent.append(record)

        def flush(self) -> None:
            if len(sent) < 3:
                raise MessagingError("did not arrive")

    def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        calls.append(event.order_id)
        if event.order_id == "bad":
            raise ValueError("no stock")

    shop.publish("bad", "a", partition=0)
    run(shop.subscribe(handle, retry=QUICK, dead_letters=Shaky(), observers=[told]), lambda: "a" in calls)
    assert calls == ["bad", "bad", "bad", "a"], "as often as retry says, however often the letter is sent"
    assert [parse_dead_letter(letter).attempts for letter in sent] == [3, 3, 3]
    assert told.of("dead_lettered") == ["ValueError"]
    assert told.of("failed") == [
        ("ValueError", 1), ("ValueError", 2), ("ValueError", 3), ("MessagingError", 1), ("MessagingError", 2)
    ]  # fmt: skip
    assert (told.of("paused"), told.of("resumed")) == ([0], [0])


def test_a_broker_that_is_gone_and_comes_back_is_waited_for(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    shop.publish("a", partition=0)
    with running(shop.subscribe(seen, settings={"auto.commit.interval.ms": 100})):
        wait_for(seen.has("a"))
        cluster.stop_node(1)
        cluster.start_node(1)
        shop.publish("b", partition=0)
        wait_for(seen.has("a", "b"))
        wait_for(lambda: shop.committed() == {0: 2})
    assert shop.dead_letters() == []


def test_a_subscription_closes_also_where_no_broker_answers(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not cluster.real:
        pytest.skip("the client lets go of the mock at once")
    monkeypatch.setattr(loop, "LEAVE", 0.2)
    shop, seen = Orders(cluster), Seen()
    shop.publish("a", partition=0)
    with shop.subscribe(seen, settings={"auto.commit.interval.ms": 600_000}) as subscription:
        subscription.run(limit(seen.has("a")))
        cluster.stop_node(1)
    assert subscription.assigned == frozenset()
    assert "could not leave the group in time" in caplog.text


def test_a_topic_that_is_missing_is_told_and_read_when_it_is_there(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    if not cluster.real:
        pytest.skip("the mock makes any topic that is asked for")
    shop, seen = Orders(cluster), Seen()
    later = Orders(cluster)
    later.topic, later.bundle = f"{shop.topic}.later", replace(shop.bundle, topic=f"{shop.topic}.later")
    quick = {"topic.metadata.propagation.max.ms": 100, "topic.metadata.refresh.interval.ms": 200}
    with later.subscribe(seen, settings=quick) as subscription:
        subscription.run(limit(lambda: "UNKNOWN_TOPIC_OR_PART" in caplog.text))
        cluster.create(later.topic)
        later.send(replace(shop.encode("a", 0), topic=later.topic))
        later.transport.flush()
        subscription.run(limit(seen.has("a")))
    assert caplog.text.count("UNKNOWN_TOPIC_OR_PART") == 1, "it is said once"


def test_what_asking_again_would_not_help_ends_the_run(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    shop.publish("a", partition=0)
    with pytest.raises(ReadFailed, match="_AUTO_OFFSET_RESET") as raised:
        run(shop.subscribe(seen, settings={"auto.offset.reset": "error"}), seen.has("never"))
    assert raised.value.help == 'the offset is gone from the log, and "auto.offset.reset" says to stop there'


def test_members_of_a_group_that_share_partitions_differently_are_told(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    eager = shop.subscribe(seen, settings={"partition.assignment.strategy": "range"})
    with running(eager):
        wait_for(lambda: len(eager.assigned) == 2)
        if cluster.real:
            with pytest.raises(ReadFailed, match="INCONSISTENT_GROUP_PROTOCOL"):
                run(shop.subscribe(seen), seen.has("never"))


def test_a_handler_cannot_close_what_runs_it_and_another_thread_stops_it_first(cluster: Cluster) -> None:
    shop = Orders(cluster)
    errors: list[MessagingError] = []

    def close(name: str) -> None:
        try:
            subscription.close()
        except MessagingError as error:
            errors.append(error)

    seen = Seen(close)
    subscription = shop.subscribe(seen)
    shop.publish("a", partition=0)
    thread = Thread(target=subscription.run)
    thread.start()
    wait_for(seen.has("a"))
    subscription.close()
    thread.join(10)
    assert not thread.is_alive()
    assert [error.help for error in errors] == ["stop() ends it"]
    assert shop.committed() == {0: 1}


def test_stop_lets_the_record_in_hand_be_finished_and_no_other(cluster: Cluster) -> None:
    shop = Orders(cluster)
    seen = Seen(lambda name: subscription.stop())
    subscription = shop.subscribe(seen)
    shop.publish("a", "b", partition=0)
    subscription.run(limit(lambda: False))
    assert seen.names == ["a"]
    assert shop.committed() == {0: 1}
    subscription.run(limit(lambda: False))
    assert seen.names == ["a"], "once stopped, it stays so"


def test_another_thread_may_stop_it(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    subscription = shop.subscribe(seen)
    thread = Thread(target=subscription.run)
    thread.start()
    shop.publish("a")
    wait_for(seen.has("a"))
    subscription.stop()
    subscription.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_a_signal_stops_it_and_what_was_there_before_is_put_back(cluster: Cluster) -> None:
    shop, before = Orders(cluster), signal.getsignal(signal.SIGTERM)
    seen = Seen(lambda name: signal.raise_signal(signal.SIGTERM))
    shop.publish("a", "b", partition=0)
    shop.subscribe(seen).run(limit(lambda: False), signals=(signal.SIGTERM,))
    assert seen.names == ["a"]
    assert shop.committed() == {0: 1}
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_second_signal_leaves_in_the_middle_of_a_record(cluster: Cluster) -> None:
    shop = Orders(cluster)

    def hurry(name: str) -> None:
        if name == "b":
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)

    seen = Seen(hurry)
    shop.publish("a", "b", partition=0)
    with pytest.raises(KeyboardInterrupt):
        shop.subscribe(seen).run(limit(lambda: False), signals=(signal.SIGTERM, signal.SIGINT))
    assert seen.names == ["a"]
    assert shop.committed() == {0: 1}


def test_it_runs_in_one_thread_at_a_time(cluster: Cluster) -> None:
    shop = Orders(cluster)
    threads: list[int] = []
    errors: list[str] = []

    def again(name: str) -> None:
        threads.append(get_ident())
        try:
            subscription.run()
        except MessagingError as error:
            errors.append(error.message)

    seen = Seen(again)
    subscription = shop.subscribe(seen)
    shop.publish("a")
    run(subscription, seen.has("a"))
    assert errors == ["the subscription runs already"]
    assert threads == [get_ident()]


def test_what_observers_raise_is_logged_and_stops_nothing(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    shop, seen = Orders(cluster), Seen()

    class Broken(Observer):
        def subscribed(self, bundles: Any, group: str) -> None:
            raise RuntimeError("subscribed")

        def handling(self, delivery: Delivery) -> AbstractContextManager[object]:
            raise RuntimeError("handling")

        def handled(self, delivery: Delivery, seconds: float) -> None:
            raise RuntimeError("handled")

        def measured(self, topic: str, partition: int, lag: int, age: float) -> None:
            raise RuntimeError("measured")

    shop.publish("a")
    with caplog.at_level(logging.ERROR, "registry.kafka"):
        run(shop.subscribe(seen, observers=[Broken()]), seen.has("a"))
    said = {str(record.exc_info[1]) for record in caplog.records if record.exc_info}
    assert {"subscribed", "handling", "handled"} <= said
    assert shop.dead_letters() == []


def test_an_observer_surrounds_each_attempt_and_sees_what_it_raises(cluster: Cluster) -> None:
    shop = Orders(cluster)
    around: list[str] = []
    errors = [ValueError("once")]

    class Around(Observer):
        @contextmanager
        def handling(self, delivery: Delivery) -> Any:
            around.append("in")
            try:
                yield
            except ValueError as error:
                around.append(str(error))
                raise
            finally:
                around.append("out")

    def fail(name: str) -> None:
        around.append(name)
        if errors:
            raise errors.pop()

    seen = Seen(fail)
    shop.publish("a")
    run(shop.subscribe(seen, observers=[Around()], retry=QUICK), seen.has("a"))
    assert around == ["in", "a", "once", "out", "in", "a", "out"]


def test_observers_learn_what_is_read_and_how_far_behind_it_is(cluster: Cluster) -> None:
    shop, seen, told = Orders(cluster), Seen(), Told()
    shop.publish(*[f"o-{number}" for number in range(10)], partition=0)
    shop.send_raw(b"\x00\x00\x00\x03\xe7?", partition=1, headers={"ce_type": b"shop.OrderPlaced"})
    done = [(0, 0, 0.0)]
    run(
        shop.subscribe(seen, observers=[told], pause=Retry(first=60.0, longest=60.0)),
        lambda: (
            set(done) <= set(told.of("measured")) and (1, 1) in [(each[0], each[1]) for each in told.of("measured")]
        ),
    )
    assert told.of("subscribed") == [(["shop.OrderPlaced"], shop.group)]
    (lag, age) = next((lag, age) for place, lag, age in reversed(told.of("measured")) if place == 1)
    assert lag == 1
    assert 0 <= age < 60
    assert sorted(told.of("revoked")) == [0, 1]


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        ({"group": ""}, "the consumer group is empty"),
        ({"settings": {"enable.auto.offset.store": True}}, "enable.auto.offset.store"),
        ({"settings": {"no.such.setting": 1}}, "no.such.setting"),
        ({"batch": 0}, "batch=0"),
        ({"batch": 1_000_001}, "batch=1000001"),
        ({"former_owners": "old-shop"}, "former_owners='old-shop' is one text"),
        ({"retry": Retry(attempts=0)}, "attempts=0"),
        ({"unknown": "skip"}, "unknown='skip'"),
        ({"service": "billing"}, "billing"),
        ({"dead_letter_topic": "?"}, "its dead letters would come round for ever"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_read(
    cluster: Cluster, options: dict[str, Any], fact: str
) -> None:
    shop = Orders(cluster)
    if "dead_letter_topic" in options:
        options = {"dead_letter_topic": shop.topic}
    with pytest.raises((SettingsError, serde.SerdeError), match=fact), shop.subscribe(Seen(), **options):
        pass


def test_handlers_that_are_coroutines_are_for_another_subscription(cluster: Cluster) -> None:
    with pytest.raises(SettingsError) as raised:
        Orders(cluster).subscribe(Seen(), consumer=orders.AsyncOrders())
    assert raised.value.help == "AsyncSubscription awaits them"


def test_the_log_says_when_a_record_is_tried_again(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    shop, errors, seen = Orders(cluster, partitions=1), [ValueError("twice"), ValueError("once")], list[str]()
    shop.publish("a")

    def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if errors:
            raise errors.pop()
        seen.append(event.order_id)

    run(shop.subscribe(handle, retry=Retry(first=0.01, jitter=0)), lambda: bool(seen))
    said = [line for line in caplog.messages if "attempt" in line]
    assert said == [
        f"{shop.topic}[0]@0: attempt 1 of 5 failed, again in 0.01 s: ValueError: once",
        f"{shop.topic}[0]@0: attempt 2 of 5 failed, again in 0.02 s: ValueError: twice",
    ]


def test_the_log_says_which_partition_is_paused_and_why(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    shop = Orders(cluster, partitions=1)
    shop.send_raw(bytes.fromhex("00 00000063 00"))
    with shop.subscribe(Seen()) as subscription:
        subscription.run(limit(lambda: bool(subscription.paused)))
    (said,) = [line for line in caplog.messages if "paused" in line]
    assert said.startswith(f"partition {shop.topic}[0] is paused at offset 0: UnknownSchema: shop.OrderPlaced")


@pytest.mark.parametrize(("error", "traced"), [(Reject("never"), False), (ValueError("never"), True)])
def test_a_record_that_its_handler_rejects_is_one_line_in_the_log(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, error: Exception, traced: bool
) -> None:
    shop = Orders(cluster, partitions=1)
    shop.publish("a")

    def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        raise error

    run(shop.subscribe(handle, retry=Retry(attempts=1)), lambda: bool(shop.dead_letters()))
    (said,) = [each for each in caplog.records if each.name == "registry.kafka"]
    reason = f"{type(error).__name__}: never"
    assert said.getMessage() == f"{shop.topic}[0]@0 is a dead letter after 1 attempt: {reason}"
    assert bool(said.exc_info) == traced


def test_a_record_as_large_as_they_come_has_a_dead_letter(cluster: Cluster) -> None:
    shop = Orders(cluster, partitions=1)
    poison = b"\xff" + random.Random(1).randbytes(999_000)
    shop.send_raw(poison)
    run(shop.subscribe(Seen()), lambda: bool(shop.dead_letters()))
    assert [letter.value for letter in shop.dead_letters()] == [poison]


def test_a_dead_letter_that_is_too_large_for_its_topic_names_the_setting(cluster: Cluster) -> None:
    only_mock(cluster)
    shop = Orders(cluster, partitions=1)
    shop.send_raw(b"poison")
    refuse_next(cluster, TOO_LARGE, 1)
    with shop.subscribe(Seen()) as subscription:
        subscription.run(limit(lambda: bool(subscription.paused)))
        (error,) = subscription.paused.values()
        subscription.run(limit(lambda: bool(shop.dead_letters())))
    assert isinstance(error, MessagingError)
    assert error.help.startswith(f"a letter is larger than its record: raise max.message.bytes of {shop.letters};")
