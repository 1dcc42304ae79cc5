"""A record that cannot be handled: tried again, put aside, or waited for."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import serde_orders as orders

from registry import serde
from registry.frozen import replace
from registry.kafka.consuming.dead_letters import parse_dead_letter
from registry.kafka.errors import MessagingError, Reject
from registry.kafka.retry import Retry
from tests.kafka_clusters import Cluster
from tests.kafka_orders import Orders, limit, run
from tests.kafka_seen import QUICK, Seen, Told
from tests.kafka_topics import TOO_LARGE, only_mock, refuse_next

SOON = Retry(first=0.05, longest=0.2)


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
