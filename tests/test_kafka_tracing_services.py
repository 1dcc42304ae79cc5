"""From service to service: one tree where there are tracers, and where there are none a context is never made up."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import confluent_kafka
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import NoOpTracerProvider

from registry.frozen import replace
from registry.kafka.errors import MissingLibrary
from registry.kafka.monitoring.tracing import Tracing
from registry.kafka.observer import Observer
from registry.kafka.producing.transport import KafkaTransport
from registry.serde.record import Record
from tests import serde_orders as orders
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_observed import Shop, run
from tests.kafka_spans import (
    CAME,
    STATE,
    UNSAMPLED,
    Scene,
    answer,
    attributes_of,
    id_of,
    parent_of,
    publish,
    read,
    scene,
    start_tracing,
    trace_of,
    with_trace,
)

FIXTURES = (scene,)


# From service to service ----------------------------------------------------------------------------------------------


def test_what_a_handler_publishes_hangs_below_the_handler_of_its_cause(scene: Scene) -> None:
    derived = answer(publish(), scene.tracing)
    first, sent, process = (scene.exporter.get_finished_spans()[at] for at in (0, 1, 2))
    assert [span.name.split()[0] for span in (first, sent, process)] == ["send", "send", "process"]
    assert (parent_of(process), parent_of(sent)) == (id_of(first), id_of(process))
    assert f"{sent.context.span_id:016x}".encode() in (trace_of(derived)["traceparent"] or b"")
    assert {span.context.trace_id for span in (first, sent, process)} == {first.context.trace_id}
    conversations = {attributes_of(span)["messaging.message.conversation_id"] for span in (first, sent, process)}
    assert conversations == {"request-1"}


def test_a_trace_that_is_not_kept_is_not_kept_further_on(scene: Scene) -> None:
    came = with_trace(publish(), ("traceparent", UNSAMPLED))
    scene.exporter.clear()
    passed_on = trace_of(answer(came, scene.tracing))["traceparent"] or b""
    assert (passed_on[:36], passed_on[-3:]) == (UNSAMPLED[:36], b"-00")
    assert passed_on != UNSAMPLED
    assert scene.spans == {}


def test_the_state_of_other_tracers_travels_on(scene: Scene) -> None:
    derived = answer(with_trace(publish(), ("traceparent", CAME), ("tracestate", STATE)), scene.tracing)
    assert trace_of(derived)["tracestate"] == b"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"


def test_a_handler_outside_of_every_span_sends_in_the_trace_of_its_record(scene: Scene) -> None:
    answer(with_trace(publish(), ("traceparent", CAME)))
    sent = scene.exporter.get_finished_spans()[-1]
    assert parent_of(sent) == (0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7)


def test_tasks_that_handle_at_once_keep_their_traces_apart(scene: Scene) -> None:
    both_inside = asyncio.Barrier(2)
    derived: dict[bytes, Record] = {}

    async def handle(came: bytes) -> None:
        delivery = read(with_trace(Record("shop.orders", b"o-1", None), ("traceparent", came)))
        with scene.tracing.handling(delivery):
            await both_inside.wait()
            derived[came] = publish()

    async def handle_both() -> None:
        await asyncio.gather(handle(CAME), handle(CAME.replace(b"4736-", b"4737-")))

    asyncio.run(asyncio.wait_for(handle_both(), 10))
    for came, record in derived.items():
        assert (trace_of(record)["traceparent"] or b"")[:36] == came[:36]
    assert len(derived) == 2


# Without a tracer -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["installed, and taken away again", "no SDK behind the API"])
def silent(request: pytest.FixtureRequest, scene: Scene) -> Iterator[Tracing | None]:
    """Services in which nothing records."""
    scene.tracing.uninstall()
    tracing = Tracing(NoOpTracerProvider()).install() if request.param == "no SDK behind the API" else None
    yield tracing
    if tracing:
        tracing.uninstall()


def test_the_context_of_the_record_is_passed_on_byte_for_byte(silent: Tracing | None) -> None:
    came = with_trace(publish(), ("traceparent", UNSAMPLED), ("tracestate", STATE))
    for tracing in (None, silent):
        assert trace_of(answer(came, tracing)) == {"traceparent": UNSAMPLED, "tracestate": STATE}


def test_no_context_is_made_up(silent: Tracing | None) -> None:
    placed = publish()
    assert [trace_of(record) for record in (placed, answer(placed), answer(placed, silent))] == [{}, {}, {}]


def test_a_tracer_that_keeps_nothing_makes_a_context_that_says_so() -> None:
    with start_tracing(TracerProvider(sampler=ParentBased(ALWAYS_OFF))) as scene:
        flags = (trace_of(publish())["traceparent"] or b"").rpartition(b"-")[2]
        assert int(flags, 16) & 1 == 0
        assert scene.spans == {}


def test_without_the_library_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingLibrary, match="tracing needs opentelemetry-api") as missing:
        Tracing()
    assert missing.value.help == "pip install 'event-contracts[opentelemetry]'"


# Through a broker -----------------------------------------------------------------------------------------------------


def carry(cluster: Cluster, record: Record, *observers: Observer) -> Record:  # the fixture
    """The record, after it lay in a topic of the cluster."""
    topic = cluster.topic("shop.orders")
    cluster.create(topic, partitions=1)
    with KafkaTransport(cluster.settings, observers=observers) as transport:
        transport.send(replace(record, topic=topic))
    reader = confluent_kafka.Consumer({**cluster.settings, "group.id": topic, "auto.offset.reset": "earliest"})
    try:
        reader.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        message = reader.poll(DEADLINE)
        assert message is not None and message.error() is None
        came: Any = tuple(message.headers() or ())
        return replace(record, key=message.key(), value=message.value(), headers=came)
    finally:
        reader.close()


def test_a_service_without_a_tracer_passes_the_context_on_through_kafka(cluster: Cluster) -> None:
    came = carry(cluster, with_trace(publish(), ("traceparent", CAME), ("tracestate", STATE)))
    assert trace_of(carry(cluster, answer(came))) == {"traceparent": CAME, "tracestate": STATE}
    assert trace_of(carry(cluster, answer(carry(cluster, publish())))) == {}


def test_what_lay_in_an_outbox_keeps_the_context_it_was_written_with(cluster: Cluster, scene: Scene) -> None:
    with scene.application.start_as_current_span("GET /buy"):
        stored = publish()
    scene.exporter.clear()
    with scene.application.start_as_current_span("relay"):
        arrived = carry(cluster, stored, scene.tracing)
    assert arrived.headers == stored.headers
    assert [*scene.spans] == ["relay"]


def test_an_order_is_one_tree_from_its_sender_to_its_dead_letter(cluster: Cluster, scene: Scene) -> None:
    def act(event: orders.OrderPlaced) -> None:
        raise ValueError(event.order_id)

    shop = Shop(cluster, act, scene.tracing)
    with scene.application.start_as_current_span("GET /buy"):
        shop.publish("never")
    with shop.subscribe(attempts=2) as subscription:
        run(
            subscription,
            lambda: f"dead-letter {shop.topic}" in [span.name for span in scene.exporter.get_finished_spans()],
        )

    spans = scene.exporter.get_finished_spans()
    send, job, first, second, buried = spans
    names = ["send", "GET /buy", "process", "process", "dead-letter"]
    assert [span.name.removesuffix(f" {shop.topic}") for span in spans] == names
    assert parent_of(send) == id_of(job)
    assert {parent_of(first), parent_of(second), parent_of(buried)} == {id_of(send)}
    assert {span.context.trace_id for span in spans} == {job.context.trace_id}
    assert attributes_of(first)["messaging.consumer.group.name"] == f"{shop.topic}.group"
