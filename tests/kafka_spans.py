"""Spans that are kept, and records with or without a trace context."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from registry import serde
from registry.frozen import replace
from registry.kafka.monitoring.tracing import Tracing
from registry.serde.delivery import Delivery
from registry.serde.receiver import Receiver
from registry.serde.record import Record
from tests import serde_orders as orders

CAME = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = CAME[:-2] + b"00"
STATE = b"congo=t61rcWkgMzE,  rojo=00f067aa0ba902b7"
"""With a space more than a parser would write: what is passed on unchanged still has it."""
ORDER = orders.OrderPlaced(order_id="o-secret", state=orders.State.OPEN, note="for nobody's eyes")


class Scene:
    """A tracer that keeps its spans, and a service that reads orders."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = provider or TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracing = Tracing(self.provider).install()
        self.application = self.provider.get_tracer("application")

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """By name, those that ended; a name that comes twice is an error of the test."""
        found = self.exporter.get_finished_spans()
        assert len({span.name for span in found}) == len(found)
        return {span.name: span for span in found}


def publish(**facts: Any) -> Record:
    """The record of an order, as it goes to the topic."""
    producer = orders.OrderPlacedProducer(serde.InMemory(), service="shop-api", active=3)
    return producer.encode(ORDER, **{"correlation_id": "request-1", "event_id": "event-1", **facts})


class Calling(orders.OrderPlacedConsumer):
    """Does what the test says."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act

    def on_order_placed(self, event: orders.OrderPlaced, meta: serde.Meta) -> None:
        self.act()


def read(record: Record, act: Callable[[], object] = lambda: None) -> Delivery:
    """The record as it came from the second partition, with a handler that does so."""
    delivery = Receiver(Calling(act), service="shop-api").read(replace(record, partition=1, offset=41))
    assert delivery is not None
    return delivery


def answer(record: Record, tracing: Tracing | None = None) -> Record:
    """What the handler of a record publishes, while ``tracing`` watches it."""
    answers: list[Record] = []
    delivery = read(record, lambda: answers.append(publish(correlation_id=None, event_id="event-2")))
    with tracing.handling(delivery) if tracing else nullcontext():
        delivery()
    (answered,) = answers
    return answered


def with_trace(record: Record, *headers: tuple[str, bytes]) -> Record:
    return replace(
        record, headers=(*((name, value) for name, value in record.headers if name[:5] != "trace"), *headers)
    )


def trace_of(record: Record) -> dict[str, bytes | None]:
    return {name: value for name, value in record.headers if name in ("traceparent", "tracestate")}


def parent_of(span: ReadableSpan) -> tuple[int, int] | None:
    return (span.parent.trace_id, span.parent.span_id) if span.parent else None


def id_of(span: ReadableSpan) -> tuple[int, int]:
    return span.context.trace_id, span.context.span_id


def links_of(span: ReadableSpan) -> list[tuple[int, int]]:
    return [(link.context.trace_id, link.context.span_id) for link in span.links]


def attributes_of(span: ReadableSpan) -> Mapping[str, object]:
    return dict(span.attributes or {})


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A tracer of this test alone."""
    with start_tracing() as made:
        yield made


@contextmanager
def start_tracing(provider: TracerProvider | None = None) -> Iterator[Scene]:
    """A tracer that every producer asks, until the end of the block."""
    scene = Scene(provider)
    try:
        yield scene
    finally:
        scene.tracing.uninstall()
