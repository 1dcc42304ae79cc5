"""Spans of what is sent and of what is handled, by OpenTelemetry's conventions for messaging."""

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from registry import serde
from registry.frozen import replace
from registry.kafka.errors import Reject
from registry.kafka.observing import watching
from registry.serde.record import Record
from tests import serde_orders as orders
from tests.kafka_spans import (
    CAME,
    STATE,
    Scene,
    attributes_of,
    id_of,
    links_of,
    parent_of,
    publish,
    read,
    scene,
    trace_of,
    with_trace,
)

FIXTURES = (scene,)


# Sending --------------------------------------------------------------------------------------------------------------


def test_an_event_carries_the_context_of_the_span_that_sent_it(scene: Scene) -> None:
    record = publish()
    span = scene.spans["send shop.orders"]
    trace_id, span_id = id_of(span)
    flags = span.context.trace_flags
    assert flags.sampled
    assert trace_of(record) == {"traceparent": f"00-{trace_id:032x}-{span_id:016x}-{flags:02x}".encode()}
    assert (span.kind, span.parent, span.status.status_code) == (SpanKind.PRODUCER, None, StatusCode.UNSET)
    assert attributes_of(span) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "shop.orders",
        "messaging.message.id": "event-1",
        "messaging.message.conversation_id": "request-1",
        "contracts.contract": "shop.OrderPlaced",
        "contracts.version": 3,
    }


def test_it_is_sent_as_a_part_of_what_the_application_does(scene: Scene) -> None:
    with scene.application.start_as_current_span("GET /buy"):
        publish()
    spans = scene.spans
    assert parent_of(spans["send shop.orders"]) == id_of(spans["GET /buy"])


def test_a_record_that_did_not_arrive_is_told_of_in_its_own_trace(scene: Scene) -> None:
    record = publish()
    sent = scene.spans["send shop.orders"]
    scene.exporter.clear()
    scene.tracing.sent(record, "_MSG_TIMED_OUT: Local: Message timed out")
    failed = scene.spans["send shop.orders"]
    assert (failed.kind, failed.status.status_code) == (SpanKind.CLIENT, StatusCode.ERROR)
    assert failed.status.description == "_MSG_TIMED_OUT: Local: Message timed out"
    assert (parent_of(failed), links_of(failed)) == (id_of(sent), [id_of(sent)])
    assert attributes_of(failed)["error.type"] == "DeliveryFailed"


def test_a_record_that_arrived_needs_no_further_span(scene: Scene) -> None:
    record = publish()
    scene.exporter.clear()
    scene.tracing.sent(record, None)
    assert scene.spans == {}


# Handling -------------------------------------------------------------------------------------------------------------


def test_a_record_is_handled_in_the_trace_that_it_came_with(scene: Scene) -> None:
    scene.tracing.subscribed([orders.BUNDLE], "shop-api")
    delivery = read(publish())
    with scene.tracing.handling(delivery):
        delivery()
    sent, span = scene.spans["send shop.orders"], scene.spans["process shop.orders"]
    assert (parent_of(span), links_of(span)) == (id_of(sent), [id_of(sent)])
    assert (span.kind, span.status.status_code) == (SpanKind.CONSUMER, StatusCode.UNSET)
    assert attributes_of(span) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "shop.orders",
        "messaging.destination.partition.id": "1",
        "messaging.kafka.offset": 41,
        "messaging.consumer.group.name": "shop-api",
        "messaging.message.id": "event-1",
        "messaging.message.conversation_id": "request-1",
        "contracts.contract": "shop.OrderPlaced",
        "contracts.version": 3,
    }


def test_a_version_that_was_converted_and_a_group_that_nobody_named(scene: Scene) -> None:
    writer = orders.OrderPlacedProducer(serde.InMemory(), service="shop-api", active=1)
    old = writer.encode(orders.OrderPlacedV1(order_id="o-1", state=orders.StateV1.OPEN), correlation_id="request-1")
    with scene.tracing.handling(read(old)):
        pass
    attributes = attributes_of(scene.spans["process shop.orders"])
    assert (attributes["contracts.version"], attributes["contracts.read_as"]) == (1, 3)
    assert "messaging.consumer.group.name" not in attributes


def test_inside_another_span_the_record_is_the_parent_and_both_are_links(scene: Scene) -> None:
    delivery = read(publish())
    with scene.application.start_as_current_span("nightly job"), scene.tracing.handling(delivery):
        pass
    spans = scene.spans
    sent, span = spans["send shop.orders"], spans["process shop.orders"]
    assert parent_of(span) == id_of(sent)
    assert links_of(span) == [id_of(sent), id_of(spans["nightly job"])]


@pytest.mark.parametrize(
    "odd", [(), (("traceparent", b"00-zz-00f067aa0ba902b7-01"),), (("tracestate", STATE),), (("traceparent", b"\xff"),)]
)
def test_a_record_without_a_context_begins_a_trace(scene: Scene, odd: tuple[tuple[str, bytes], ...]) -> None:
    delivery = read(with_trace(publish(), *odd))
    scene.exporter.clear()
    with scene.tracing.handling(delivery):
        pass
    span = scene.spans["process shop.orders"]
    assert (span.parent, links_of(span)) == (None, [])


def test_each_attempt_that_fails_is_a_span_with_its_error(scene: Scene) -> None:
    def fail() -> None:
        raise ValueError("no stock")

    delivery = read(publish(), fail)
    scene.exporter.clear()
    for _ in range(2):
        with pytest.raises(ValueError, match="no stock"), scene.tracing.handling(delivery):
            delivery()
    for span in scene.exporter.get_finished_spans():
        assert (span.name, span.status.status_code) == ("process shop.orders", StatusCode.ERROR)
        assert span.status.description == "ValueError: no stock"
        assert attributes_of(span)["error.type"] == "ValueError"
        assert [event.name for event in span.events] == ["exception"]
    assert len(scene.exporter.get_finished_spans()) == 2


def test_a_dead_letter_is_told_of_in_the_trace_of_its_record(scene: Scene) -> None:
    record = replace(publish(), partition=1, offset=41)
    scene.tracing.dead_lettered(record, Reject("out of stock for ever"))
    sent, span = scene.spans["send shop.orders"], scene.spans["dead-letter shop.orders"]
    assert (parent_of(span), span.status.status_code) == (id_of(sent), StatusCode.ERROR)
    assert span.status.description == "out of stock for ever"
    attributes = attributes_of(span)
    assert (attributes["messaging.operation.type"], attributes["error.type"]) == ("settle", "Reject")
    assert (attributes["messaging.destination.partition.id"], attributes["messaging.kafka.offset"]) == ("1", 41)
    assert attributes["messaging.message.conversation_id"] == "request-1"


def test_an_error_that_cannot_say_what_it_is_is_told_of_by_its_class(scene: Scene) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise AttributeError("detail")

    delivery = read(publish())
    scene.tracing.dead_lettered(delivery.record, Mute())
    with pytest.raises(Mute), watching((scene.tracing.handling,), delivery):
        raise Mute
    silence = "no text, since its __str__ raised AttributeError"
    assert scene.spans["dead-letter shop.orders"].status.description == silence
    assert scene.spans["process shop.orders"].status.description == f"Mute: {silence}"


@pytest.mark.parametrize("headers", [(), (("ce_correlationid", None),), (("ce_correlationid", b""),)])
def test_a_dead_letter_without_a_correlation_id_has_no_conversation(
    scene: Scene, headers: tuple[tuple[str, bytes | None], ...]
) -> None:
    scene.tracing.dead_lettered(Record("shop.orders", b"k", b"poison", headers), Reject("no"))
    assert "messaging.message.conversation_id" not in attributes_of(scene.spans["dead-letter shop.orders"])


def test_a_tombstone_is_marked_and_keeps_its_trace(scene: Scene) -> None:
    tombstone = Record("shop.orders", b"o-1", None, (("traceparent", CAME),))
    with scene.tracing.handling(read(tombstone)):
        pass
    span = scene.spans["process shop.orders"]
    assert attributes_of(span)["messaging.kafka.message.tombstone"] is True
    assert f"{span.context.trace_id:032x}".encode() in CAME


def test_keys_and_values_are_no_attributes(scene: Scene) -> None:
    delivery = read(publish())
    with scene.tracing.handling(delivery):
        delivery()
    scene.tracing.sent(delivery.record, "no")
    scene.tracing.dead_lettered(delivery.record, Reject("no"))
    told = [span.to_json() for span in scene.exporter.get_finished_spans()]
    assert len(told) == 4
    assert not any("o-secret" in text or "nobody's eyes" in text for text in told)
