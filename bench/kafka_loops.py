"""The loops of `bench/kafka.py`: each sends so many events to a topic of its own, and then reads them back.

All have the same settings of librdkafka, which are those that our transport and subscription fill in, read in batches
as our subscription does, and end in the same counter. The clocks begin after a first event, when client and broker know
each other: until an idempotent producer is told its id, a second may pass.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from itertools import cycle, islice
from time import perf_counter, thread_time
from typing import Any

import confluent_kafka
from kafka_events import (
    CORRELATION,
    Counter,
    find_fixed,
    is_mirrored,
    make_consumer,
    make_envelope,
    make_events,
    make_producer,
    make_serializers,
    render_headers,
)
from serde_events import TITLES

from registry.kafka.consuming.subscription import Subscription
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.settings import consumer_settings, producer_settings

BATCH = 500
CLOCK = thread_time if "--cpu" in sys.argv else perf_counter
"""With ``--cpu`` what the thread of Python computes is counted, and not what it waits: for machines that are busy."""
WAIT = 20.0
"""Seconds for the next record, and for the last one to arrive."""

HANDLED: ContextVar[str] = ContextVar("handled")
"""The correlation id of the record in hand."""

Times = tuple[float, float]
"""Seconds to send, and to read."""
Loop = Callable[[str, str, str, int], Times]
"""Of a broker's address, a topic, a kind of event and a number of them."""


def run_raw(address: str, topic: str, kind: str, many: int, *, headed: bool = False) -> Times:
    """Bytes that are there already, and bytes that nobody looks at."""
    serialize, _ = make_serializers(kind)
    envelope = make_envelope(CORRELATION)
    headers = render_headers(envelope, find_fixed(kind)) if headed else []
    records = [(_key_of(kind, event), serialize((event, envelope))) for event in make_events(kind)]
    producer = confluent_kafka.Producer(_sending(address))
    produce: Any = producer.produce  # its types know no list of our headers
    poll = producer.poll
    produce(topic, records[0][1], records[0][0], headers=headers)
    _flush(producer)
    began = CLOCK()
    for number, (key, value) in enumerate(islice(cycle(records), many)):
        produce(topic, value, key, headers=headers)
        if not number & 127:
            poll(0)
    _flush(producer)
    sent = CLOCK() - began

    def read(message: Any) -> None:
        count(message.value(), message.headers() if headed else None)

    counter = Counter(many + 1, CLOCK)
    count = counter.count
    return sent, _read(address, topic, read, counter)


def run_raw_headed(address: str, topic: str, kind: str, many: int) -> Times:
    """The same with seven headers."""
    return run_raw(address, topic, kind, many, headed=True)


def run_confluent(
    address: str, topic: str, kind: str, many: int, *, headed: bool = True, checked: bool = False
) -> Times:
    """Confluent's Avro serializer and deserializer, with conversions by hand to the same dataclasses.

    What fails to be delivered is noticed. ``headed`` mirrors the envelope in headers; nobody looks at them, unless it
    is ``checked`` as well.
    """
    serialize, deserialize = make_serializers(kind)
    events, fixed = make_events(kind), find_fixed(kind)
    producer = confluent_kafka.Producer(_sending(address))
    produce: Any = producer.produce  # its types know no list of our headers
    poll = producer.poll

    def delivered(error: object, _message: object) -> None:
        if error is not None:
            raise RuntimeError(str(error))

    def send(events: Iterable[Any]) -> None:
        for number, event in enumerate(events):
            envelope = make_envelope(CORRELATION)
            headers = render_headers(envelope, fixed) if headed else []
            value, key = serialize((event, envelope)), _key_of(kind, event)
            produce(topic, value, key, headers=headers, on_delivery=delivered)
            if not number & 127:
                poll(0)
        _flush(producer)

    send(events[:1])
    began = CLOCK()
    send(islice(cycle(events), many))
    sent = CLOCK() - began

    def read(message: Any) -> None:
        event, envelope = deserialize(message.value())
        count(event, (envelope, message.headers()) if headed else envelope)

    def read_checked(message: Any) -> None:
        held = dict(message.headers())
        if held["ce_type"] != name:
            return
        event, envelope = deserialize(message.value())
        if held["ce_source"] != b"bench" or not is_mirrored(envelope, held):
            raise RuntimeError(f"another service's, or changed on its way: {held}")
        token = HANDLED.set(str(envelope.correlation_id))
        try:
            count(event, (envelope, held))
        finally:
            HANDLED.reset(token)

    name = TITLES[kind].encode()
    counter = Counter(many + 1, CLOCK)
    count = counter.count
    return sent, _read(address, topic, read_checked if checked else read, counter)


def run_confluent_checked(address: str, topic: str, kind: str, many: int) -> Times:
    """The same, and what ours does with a record beside decoding it, written as short as it can be.

    The event is told by its type, its writer is the one that it has to be, the headers say what the payload says, and
    the correlation id is in force while it is handled.
    """
    return run_confluent(address, topic, kind, many, checked=True)


def run_confluent_bare(address: str, topic: str, kind: str, many: int) -> Times:
    """The same with the envelope in the payload alone."""
    return run_confluent(address, topic, kind, many, headed=False)


def run_ours(address: str, topic: str, kind: str, many: int) -> Times:
    """A generated producer on a KafkaTransport, and a consumer in a Subscription."""
    events = make_events(kind)
    with KafkaTransport({"bootstrap.servers": address}) as transport:
        publish = make_producer(kind, topic)(transport, service="bench").publish
        publish(events[0], correlation_id=CORRELATION)
        transport.flush()
        began = CLOCK()
        for event in islice(cycle(events), many):
            publish(event, correlation_id=CORRELATION)
        transport.flush()
        sent = CLOCK() - began
    counter = Counter(many + 1, CLOCK, lambda: subscription.stop())  # noqa: PLW0108 (it is made below)
    settings = {"bootstrap.servers": address}
    subscription = Subscription(
        settings, make_consumer(kind, topic, counter), group=f"{topic}.readers", service="bench", batch=BATCH
    )
    limit = perf_counter() + WAIT
    with subscription:
        subscription.run(lambda: perf_counter() > limit)
    return sent, _time_of(counter)


def _sending(address: str) -> dict[str, Any]:
    return producer_settings({"bootstrap.servers": address})


def _key_of(kind: str, event: Any) -> bytes:
    key: str = str(event.content_id) if kind == "content" else event.device
    return key.encode()


def _flush(producer: confluent_kafka.Producer) -> None:
    if left := producer.flush(WAIT):
        raise RuntimeError(f"{left} records did not arrive")


def _read(address: str, topic: str, read: Callable[[Any], None], counter: Counter) -> float:
    settings = consumer_settings({"bootstrap.servers": address}, f"{topic}.readers")
    consumer = confluent_kafka.Consumer({**settings, "enable.auto.offset.store": True})
    consumer.subscribe([topic])
    try:
        for message in _find_messages(consumer, counter):
            read(message)
    finally:
        consumer.close()
    return _time_of(counter)


def _find_messages(consumer: confluent_kafka.Consumer, counter: Counter) -> Iterator[Any]:
    while counter.seen < counter.many:
        first = consumer.poll(WAIT)
        if first is None:
            return
        for message in (first, *consumer.consume(BATCH - 1, 0)):
            if error := message.error():
                raise confluent_kafka.KafkaException(error)
            yield message


def _time_of(counter: Counter) -> float:
    if counter.seen != counter.many:
        raise RuntimeError(f"{counter.seen} of {counter.many} records came back")
    return counter.ended - counter.began
