"""A record with headers that Python's client cannot give: any other client can write it."""

import asyncio
import ctypes
import sys
from pathlib import Path

import confluent_kafka
import pytest
import serde_orders as orders

from registry import serde
from registry.kafka.consuming.dead_letters import parse_dead_letter
from registry.kafka.consuming.reading import UNREADABLE, read_message
from registry.kafka.consuming.redrive import Redriven, redrive
from tests.kafka_async_orders import Seen, handle_until, subscribe
from tests.kafka_async_orders import run as run_main
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_orders import MOCK, Orders, run

NAME = b"\xff\xfe"
"""No UTF-8, as Kafka's protocol says that the name of a header is, and as no broker looks."""
END, TOPIC, PARTITION, VALUE, MSGFLAGS, HEADERS, COPY = 0, 1, 3, 4, 7, 10, 2
"""The tags of ``rd_kafka_producev``, by librdkafka's header file."""


def send_with_a_broken_name(shop: Orders, topic: str) -> None:
    """Through librdkafka itself, arrived when this returns: Python's client refuses such a name."""
    found = sorted(Path(confluent_kafka.__file__).parents[1].glob("confluent_kafka.libs/librdkafka-*"))
    if not sys.platform.startswith("linux") or not found:
        pytest.skip("librdkafka is not found beside its client")
    library = ctypes.CDLL(str(found[0]))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
        getattr(library, name).restype = ctypes.c_void_p
    text, pointer, size = ctypes.c_char_p, ctypes.c_void_p, ctypes.c_ssize_t
    settings = pointer(library.rd_kafka_conf_new())
    library.rd_kafka_conf_set(settings, b"bootstrap.servers", shop.cluster.address.encode(), None, size(0))
    producer = pointer(library.rd_kafka_new(0, settings, None, size(0)))
    headers = pointer(library.rd_kafka_headers_new(size(1)))
    library.rd_kafka_header_add(headers, NAME, size(len(NAME)), b"x", size(1))
    address, value = (TOPIC, text(topic.encode()), PARTITION, 0), (VALUE, text(b"bytes"), size(5))
    tagged = (*address, MSGFLAGS, COPY, *value, HEADERS, headers, END)
    assert library.rd_kafka_producev(producer, *tagged) == 0
    assert library.rd_kafka_flush(producer, 20_000) == 0
    library.rd_kafka_destroy(producer)


def test_it_is_put_aside_and_stops_nobody(cluster: Cluster) -> None:
    shop, seen = Orders(cluster, partitions=1), list[str]()
    shop.publish(*["before"] * 100)  # by then the interpreter calls the client by another way
    send_with_a_broken_name(shop, shop.topic)
    shop.publish("after")

    def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        seen.append(event.order_id)

    run(shop.subscribe(handle), lambda: "after" in seen)
    (letter,) = map(parse_dead_letter, shop.dead_letters())
    assert (letter.record.offset, letter.record.value) == (100, b"bytes")
    assert "its headers have a name that is not UTF-8" in letter.message
    assert redrive_letters(shop, "another") == Redriven(handled=0, repeated=0, again=0, others=1)
    assert redrive_letters(shop, shop.group) == Redriven(handled=0, repeated=0, again=1, others=0)
    assert seen == [*["before"] * 100, "after"]


def redrive_letters(shop: Orders, group: str) -> Redriven:
    settings = {**shop.cluster.settings, **({} if shop.cluster.real else MOCK)}
    return redrive(settings, shop.consumer(print), group=group, service="shop-api", topic=shop.letters)


def test_one_among_the_dead_letters_is_put_aside_and_does_not_stop_a_redrive(cluster: Cluster) -> None:
    shop = Orders(cluster, partitions=1)
    send_with_a_broken_name(shop, shop.letters)
    assert redrive_letters(shop, shop.group) == Redriven(handled=0, repeated=0, again=1, others=0)
    letter = parse_dead_letter(shop.dead_letters()[-1])
    assert (letter.record.topic, letter.record.value, letter.attempts) == (shop.letters, b"bytes", 1)
    assert redrive_letters(shop, shop.group) == Redriven(handled=0, repeated=0, again=1, others=0)
    assert parse_dead_letter(shop.dead_letters()[-1]).attempts == 2


def test_so_it_is_in_an_event_loop(cluster: Cluster) -> None:
    shop, seen = Orders(cluster, partitions=1), Seen()
    shop.publish(*["before"] * 100)
    send_with_a_broken_name(shop, shop.topic)
    shop.publish("after")
    run_main(asyncio.wait_for(handle_until(subscribe(shop, seen), lambda: "after" in seen.names), DEADLINE))
    assert seen.names == [*["before"] * 100, "after"]
    assert [parse_dead_letter(letter).record.value for letter in shop.dead_letters()] == [b"bytes"]


def test_it_is_read_also_when_the_interpreter_knows_the_call_by_heart(cluster: Cluster) -> None:
    """The client leaves an exception behind beside its result, and a call that ran often does not look at that."""
    shop = Orders(cluster, partitions=1)
    shop.publish("a")
    send_with_a_broken_name(shop, shop.topic)
    consumer = confluent_kafka.Consumer({**cluster.settings, "group.id": shop.group})
    consumer.assign([confluent_kafka.TopicPartition(shop.topic, 0, 0)])
    good, broken = consumer.consume(2, DEADLINE)
    consumer.close()
    for _ in range(1000):
        read_message(good)
    assert read_message(broken).headers == UNREADABLE
    assert dict(read_message(good).headers)["ce_source"] == b"shop-api"
