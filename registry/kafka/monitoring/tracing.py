"""OpenTelemetry spans of what a service sends and handles, and trace context that travels with the records.

By the semantic conventions for messaging and for Kafka, which OpenTelemetry still calls "in development": spans are
named ``{operation} {topic}``, and the context of the span ``send`` is the creation context of the record. A span
``process`` has that context as its parent, so that a trace is one tree from service to service, and as a link, which
the conventions ask for; where it begins inside another span (of a job, of a request), that one is a link too.

Keys and values are never attributes. It needs opentelemetry-api; which spans are kept is the SDK's business.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

from registry.kafka.errors import MissingLibrary
from registry.kafka.observer import Observer
from registry.kafka.observing import find_text, render_error
from registry.serde.bundle import Bundle
from registry.serde.context import TRACE, TRACE_HEADERS, Trace, trace_with
from registry.serde.delivery import Delivery
from registry.serde.envelope import HEADER_OF
from registry.serde.meta import Meta
from registry.serde.record import Record

if TYPE_CHECKING:
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanContext, SpanKind, Tracer, TracerProvider

NAME: Final = "event-contracts"
"""Of the instrumentation, as spans show it."""
PREFIX: Final = "contracts."
"""Of the attributes that are our own."""
_CORRELATION: Final = HEADER_OF["correlation_id"]


class Tracing(Observer):
    """Makes spans of what it is told, and lets the events that are published carry their context.

    ``tracer_provider`` is OpenTelemetry's global one where none is given. Call :meth:`install` once, so that producers
    ask for a context: there is one tracer in a process. Raises :class:`registry.kafka.MissingLibrary` without
    opentelemetry-api.
    """

    successes = False

    def __init__(self, tracer_provider: "TracerProvider | None" = None) -> None:
        self._api = _Api()
        self._tracer: Tracer = self._api.trace.get_tracer(NAME, tracer_provider=tracer_provider)
        self._groups: dict[str, str] = {}

    def install(self) -> "Tracing":
        """Lets every producer of this process ask here which context its events carry."""
        trace_with(self.find_context)
        return self

    def uninstall(self) -> None:
        """Events carry the context of the record being handled again, as it came."""
        trace_with(None)

    def find_context(self, meta: Meta) -> Trace:
        """The trace context of an event that is being written: that of a span ``send``, which begins and ends here.

        Its parent is the span in force; outside of any, the context of the record being handled. Where nothing records
        (no SDK, no provider), the context is passed on as it came; it is never made up.
        """
        api, came = self._api, TRACE.get()
        context = None
        if came and not api.trace.get_current_span().get_span_context().is_valid:
            context = api.enter(api.extract(came))
        topic = meta.topic
        span = self._tracer.start_span(
            f"send {topic}", context, api.kinds["send"], _describe("send", topic, meta, meta.schema_version)
        )
        span.end()
        found = span.get_span_context()
        if not found.is_valid:
            return came
        before = api.trace.get_current_span(context).get_span_context()
        if came and found.span_id == before.span_id and came[0][1] == _render_parent(found):
            return came
        return _render(found)

    # What is told ---------------------------------------------------------------------------------------------------

    def subscribed(self, bundles: Sequence[Bundle], group: str) -> None:
        """Remembers the consumer group of each topic."""
        for bundle in bundles:
            self._groups[bundle.topic] = group

    def handling(self, delivery: Delivery) -> AbstractContextManager[object]:
        """A span ``process`` around the handler, in force while it runs; an error is recorded and sets its status."""
        return _Process(self, delivery)

    def sent(self, record: Record, error: str | None) -> None:
        """A span ``send`` of its own for a record that did not arrive: the first one ended when it was written."""
        if error is not None:
            self._tell_end("send", "send", record, "DeliveryFailed", error)

    def dead_lettered(self, record: Record, error: Exception) -> None:
        """A span ``dead-letter`` for a record that was put aside, in the trace of the record."""
        self._tell_end("dead-letter", "settle", record, type(error).__name__, find_text(error))

    def _tell_end(self, name: str, operation: str, record: Record, kind: str, reason: str) -> None:
        api = self._api
        parent = api.extract(_find_trace(record))
        attributes: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.name": name,
            "messaging.operation.type": operation,
            "messaging.destination.name": record.topic,
            "error.type": kind,
        }
        if record.offset >= 0:
            attributes["messaging.destination.partition.id"] = str(record.partition)
            attributes["messaging.kafka.offset"] = record.offset
        if correlation := next((held for name, held in record.headers if name == _CORRELATION and held), None):
            attributes["messaging.message.conversation_id"] = correlation.decode(errors="backslashreplace")
        span = self._tracer.start_span(
            f"{name} {record.topic}",
            api.enter(parent),
            api.kinds["settle"],
            attributes,
            links=[api.trace.Link(parent)] if parent else (),
        )
        span.set_status(api.trace.StatusCode.ERROR, reason)
        span.end()

    def _begin(self, delivery: Delivery) -> "Span":
        api, meta, record = self._api, delivery.meta, delivery.record
        topic = record.topic
        creation = api.extract(meta.trace or _find_trace(record))
        attributes = _describe("process", topic, meta, meta.version)
        attributes["messaging.destination.partition.id"] = str(record.partition)
        attributes["messaging.kafka.offset"] = record.offset
        if meta.read_as != meta.version:
            attributes[f"{PREFIX}read_as"] = meta.read_as
        if record.value is None:
            attributes["messaging.kafka.message.tombstone"] = True
        if group := self._groups.get(topic):
            attributes["messaging.consumer.group.name"] = group
        if creation is None:  # a child of the span in force, if there is one
            return self._tracer.start_span(f"process {topic}", None, api.kinds["process"], attributes)
        ambient = api.trace.get_current_span().get_span_context()
        links = [api.trace.Link(each) for each in (creation, ambient) if each.is_valid]
        context = api.enter(creation)
        return self._tracer.start_span(f"process {topic}", context, api.kinds["process"], attributes, links=links)


class _Process:
    """One attempt of a handler."""

    __slots__ = ("_delivery", "_span", "_token", "_tracing")

    def __init__(self, tracing: Tracing, delivery: Delivery) -> None:
        self._tracing = tracing
        self._delivery = delivery

    def __enter__(self) -> "Span":
        api = self._tracing._api
        self._span = span = self._tracing._begin(self._delivery)
        self._token = api.context.attach(api.trace.set_span_in_context(span))
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: "TracebackType | None"
    ) -> None:
        api, span = self._tracing._api, self._span
        api.context.detach(self._token)
        try:
            if error is not None:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(api.trace.StatusCode.ERROR, render_error(error))
                span.record_exception(error)
        finally:  # an error may be unable to say what it is
            span.end()


class _Api:
    """OpenTelemetry's API, imported when the first tracing is made."""

    def __init__(self) -> None:
        try:
            from opentelemetry import context, trace
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise MissingLibrary(
                "tracing needs opentelemetry-api, which is not installed",
                help="pip install 'event-contracts[opentelemetry]'",
            ) from error
        self.context: Any = context
        self.trace: Any = trace
        self.nowhere: Context = context.Context()
        self._propagator = TraceContextTextMapPropagator()
        kinds = trace.SpanKind
        self.kinds: Mapping[str, SpanKind] = {
            "send": kinds.PRODUCER,
            "process": kinds.CONSUMER,
            "settle": kinds.CLIENT,
        }
        """By what is done. A failed ``send`` is a client's: its context is none that the record carries."""

    def extract(self, trace: Trace) -> "SpanContext | None":
        """The context that headers name; ``None`` where they name none, or what is no context."""
        if not trace:
            return None
        carrier = {name: value.decode("latin-1") for name, value in trace}
        found = self.trace.get_current_span(self._propagator.extract(carrier, self.nowhere)).get_span_context()
        return found if found.is_valid else None

    def enter(self, parent: "SpanContext | None") -> "Context":
        """A context in which the next span has this parent; without one it begins a trace."""
        if parent is None:
            return self.nowhere
        entered: Context = self.trace.set_span_in_context(self.trace.NonRecordingSpan(parent), self.nowhere)
        return entered


def _describe(operation: str, topic: str, meta: Meta, version: int) -> dict[str, str | int | bool]:
    attributes: dict[str, str | int | bool] = {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }
    if meta.contract:
        attributes[f"{PREFIX}contract"] = meta.contract
        attributes[f"{PREFIX}version"] = version
    if meta.event_id:
        attributes["messaging.message.id"] = meta.event_id
    if meta.correlation_id:
        attributes["messaging.message.conversation_id"] = meta.correlation_id
    return attributes


def _find_trace(record: Record) -> Trace:
    return tuple((name, value) for name, value in record.headers if name in TRACE_HEADERS and value is not None)


def _render(span: "SpanContext") -> Trace:
    """W3C Trace Context: ``00-{trace id}-{span id}-{flags}``, and the state where there is any."""
    parent = ("traceparent", _render_parent(span))
    if not span.trace_state:
        return (parent,)
    return parent, ("tracestate", span.trace_state.to_header().encode())


def _render_parent(span: "SpanContext") -> bytes:
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}".encode()
