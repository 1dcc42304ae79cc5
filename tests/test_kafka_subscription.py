"""The consumers of a service on a cluster: in order, again where it ended, and once with an inbox."""

from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import serde_orders as orders

from registry import serde
from registry.frozen import replace
from registry.kafka.consuming.polling import ReadFailed
from registry.kafka.consuming.subscription import Subscription
from registry.kafka.errors import MessagingError, SettingsError
from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import InboxUnavailable
from registry.kafka.inbox.memory import MemoryInbox
from registry.kafka.retry import Retry
from tests.kafka_clusters import Cluster
from tests.kafka_orders import Orders, limit, run, running, wait_for
from tests.kafka_seen import QUICK, Seen, Told


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
