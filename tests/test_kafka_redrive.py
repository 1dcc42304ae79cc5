"""Dead letters that are handed to their handlers once more."""

import re
from copy import copy
from threading import Event, Thread
from typing import Any

import pytest
import serde_orders as orders

from registry import serde
from registry.frozen import replace
from registry.kafka.consuming.dead_letters import parse_dead_letter
from registry.kafka.consuming.redrive import Redriven, redrive
from registry.kafka.errors import MessagingError, Reject, SettingsError
from registry.kafka.inbox.errors import InboxUnavailable
from registry.kafka.retry import Retry
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_orders import MOCK, Orders, run


class Shop(Orders):
    """Orders with a handler that can be repaired."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self.broken = True
        self.seen: list[tuple[str, serde.Meta]] = []

    def handle(self, event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if self.broken:
            raise Reject(f"no {event.order_id} yet")
        self.seen.append((event.order_id, meta))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.seen]

    def put_aside(self, *names: str) -> None:
        """These become dead letters, in one partition."""
        self.publish(*names, partition=0)
        before = len(self.dead_letters())
        run(self.subscribe(self.handle), lambda: len(self.dead_letters()) >= before + len(names))

    def redrive(self, **options: Any) -> Redriven:
        settings = {**self.cluster.settings, **({} if self.cluster.real else MOCK), **options.pop("settings", {})}
        given = {"group": self.group, "service": "shop-api", "topic": self.letters, **options}
        return redrive(settings, self.consumer(self.handle), **given)


def test_letters_are_handled_as_if_they_came_from_their_own_topic(cluster: Cluster) -> None:
    shop = Shop(cluster)
    shop.put_aside("a", "b")
    shop.broken = False
    assert shop.redrive() == Redriven(handled=2, repeated=0, again=0, others=0)
    assert sorted(shop.names) == ["a", "b"]
    meta = next(meta for name, meta in shop.seen if name == "b")
    assert (meta.topic, meta.partition, meta.offset) == (shop.topic, 0, 1)
    assert (meta.correlation_id, meta.event_id) == ("request-1", "event of b")
    assert len(shop.records()) == 2, "nothing is written to the topic of the events"


def test_what_was_redriven_is_not_redriven_again(cluster: Cluster) -> None:
    shop = Shop(cluster)
    shop.put_aside("a")
    shop.broken = False
    shop.redrive()
    assert shop.redrive() == Redriven(0, 0, 0, 0)
    shop.broken = True
    shop.put_aside("b")
    shop.broken = False
    assert shop.redrive().handled == 1
    assert shop.names == ["a", "b"]


def test_what_fails_again_goes_to_the_end_with_its_attempts_added_up(cluster: Cluster) -> None:
    shop = Shop(cluster)
    shop.put_aside("a", "b")
    assert shop.redrive() == Redriven(handled=0, repeated=0, again=2, others=0)
    assert shop.redrive(retry=Retry(attempts=3, first=0.01)).again == 2
    letters = [parse_dead_letter(letter) for letter in shop.dead_letters()]
    assert sorted((letter.record.offset, letter.attempts) for letter in letters) == [
        (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)
    ]  # fmt: skip
    assert {letter.record for letter in letters} == set(shop.records())
    shop.broken = False
    assert shop.redrive().handled == 2


def test_a_handler_that_fails_once_more_is_called_again_within_a_redrive(cluster: Cluster) -> None:
    shop = Shop(cluster)
    shop.put_aside("a", "b", "c")
    shop.broken = False
    errors = [ValueError("1"), ValueError("2")]

    def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if event.order_id == "b" and errors:
            raise errors.pop()
        shop.seen.append((event.order_id, meta))

    shop.handle = handle  # type: ignore[method-assign]  # the repaired build
    assert shop.redrive(retry=Retry(attempts=3, first=0.01)) == Redriven(handled=3, repeated=0, again=0, others=0)
    assert sorted(shop.names) == ["a", "b", "c"]


def test_a_record_that_still_cannot_be_read_is_put_back_and_does_not_stop_the_others(cluster: Cluster) -> None:
    shop = Shop(cluster)
    shop.send_raw(b"poison")
    shop.put_aside("a")
    run(shop.subscribe(shop.handle), lambda: len(shop.dead_letters()) == 2)
    shop.broken = False
    assert shop.redrive() == Redriven(handled=1, repeated=0, again=1, others=0)
    last = [parse_dead_letter(letter) for letter in shop.dead_letters()]
    assert sorted((letter.record.value == b"poison", letter.attempts) for letter in last) == [
        (False, 1), (True, 1), (True, 2)
    ]  # fmt: skip


def test_letters_of_another_group_and_what_is_none_are_passed_over(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop(cluster)
    shop.put_aside("a")
    shop.broken = False
    assert shop.redrive(group="another") == Redriven(handled=0, repeated=0, again=0, others=1)
    shop.transport.send(serde.Record(shop.letters, b"k", b"no letter", partition=0))
    shop.transport.flush()
    assert shop.redrive() == Redriven(handled=1, repeated=0, again=0, others=1)
    assert "is no dead letter" in caplog.text
    assert len(shop.dead_letters()) == 2


def test_an_event_that_was_handled_meanwhile_is_passed_over_by_the_inbox(cluster: Cluster) -> None:
    from registry.kafka.inbox.memory import MemoryInbox

    shop, inbox = Shop(cluster), MemoryInbox()
    shop.put_aside("a", "b")
    shop.broken = False
    shop.publish("a", partition=1)  # its owner sent it again
    run(shop.subscribe(shop.handle, inbox=inbox), lambda: shop.names == ["a"])
    assert shop.redrive(inbox=inbox) == Redriven(handled=1, repeated=1, again=0, others=0)
    assert shop.names == ["a", "b"]


def test_a_store_that_is_down_ends_a_redrive_and_the_letters_stay(cluster: Cluster) -> None:
    class Down:
        def once(self, key: object) -> Any:
            raise InboxUnavailable("the database is down")

    shop = Shop(cluster)
    shop.put_aside("a")
    shop.broken = False
    with pytest.raises(InboxUnavailable):
        shop.redrive(inbox=Down())
    assert shop.redrive().handled == 1
    assert len(shop.dead_letters()) == 1


def test_what_a_handler_published_and_did_not_arrive_ends_a_redrive_and_the_letters_stay(cluster: Cluster) -> None:
    class Lossy:
        def send(self, record: serde.Record) -> None: ...

        def flush(self) -> None:
            raise MessagingError("did not arrive")

    shop = Shop(cluster)
    shop.put_aside("a")
    shop.broken = False
    with pytest.raises(MessagingError, match="did not arrive"):
        shop.redrive(outputs=[Lossy()])
    assert shop.redrive().handled == 1


def test_two_redrives_share_the_letters_and_both_come_to_their_end(cluster: Cluster) -> None:
    """A letter that one could not get past goes to the other, which does."""
    shop, repaired, tried = Shop(cluster), Event(), Event()
    shop.put_aside("a", "b")
    (here,) = {letter.partition for letter in shop.dead_letters()}
    for letter in shop.dead_letters():
        shop.send(replace(letter, partition=1 - here, offset=-1, timestamp=None))
    shop.transport.flush()
    shop.broken = False
    first, second = dict[str, Redriven](), list[Redriven]()

    def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if not repaired.is_set():
            tried.set()
            raise ValueError

    def start(stuck: Shop) -> None:
        first["end"] = stuck.redrive(
            retry=Retry(attempts=100_000, first=0.1, longest=0.2), settings={"heartbeat.interval.ms": 100}
        )

    stuck = copy(shop)
    stuck.handle = handle  # type: ignore[method-assign]  # the build that is not repaired
    thread = Thread(target=start, args=(stuck,), daemon=True)
    thread.start()
    assert tried.wait(DEADLINE)
    second.append(shop.redrive())
    repaired.set()
    thread.join(DEADLINE)
    assert "end" in first, "the first one never came to its end"
    assert (first["end"].handled + second[0].handled >= 4, first["end"].again + second[0].again) == (True, 0)


def test_a_foreign_writer_is_let_in_by_naming_it(cluster: Cluster) -> None:
    shop = Shop(cluster)
    record = shop.encode("a", 0)
    shop.send(replace(record, headers=tuple((n, b"old-shop" if n == "ce_source" else v) for n, v in record.headers)))
    shop.transport.flush()
    run(shop.subscribe(shop.handle), lambda: len(shop.dead_letters()) == 1)
    shop.broken = False
    assert shop.redrive().again == 1
    assert shop.redrive(former_owners=["old-shop"]).handled == 1


def test_a_topic_that_does_not_exist_is_told(cluster: Cluster) -> None:
    if not cluster.real:
        pytest.skip("the mock makes any topic that is asked for")
    with pytest.raises(MessagingError, match="the topic nowhere does not exist") as raised:
        Shop(cluster).redrive(topic="nowhere")
    assert raised.value.help == "create it, or run `contracts dev`"


def test_the_log_names_the_record_that_failed_again_by_its_own_place(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop(cluster)
    shop.put_aside("a")
    caplog.clear()
    assert shop.redrive().again == 1
    (said,) = [line for line in caplog.messages if "dead letter" in line]
    assert re.fullmatch(
        rf"{shop.letters}\[\d\]@0 \(from {shop.topic}\[0\]@0\) is a dead letter after 1 attempt: Reject: no a yet", said
    )


def test_coroutines_are_refused(cluster: Cluster) -> None:
    with pytest.raises(SettingsError) as raised:
        redrive(cluster.settings, orders.AsyncOrders(), group="g", service="shop-api")  # type: ignore[arg-type]  # that is the point
    assert raised.value.help == "async_redrive() awaits them"
