"""What producers of both kinds share: an event with its envelope becomes a record."""

from datetime import datetime

from registry.serde.bundle import Bundle
from registry.serde.context import find_trace
from registry.serde.envelope import make_meta, render_fixed_headers, render_headers
from registry.serde.errors import CodecError
from registry.serde.framing import Framing
from registry.serde.message_key import compile_key
from registry.serde.meta import Meta
from registry.serde.record import Record, make_record
from registry.serde.serde import Serde
from registry.serde.stubs import check_writer


class EventWriter:
    """Writes one event, for the one service that owns it. Its arguments are those of a producer."""

    def __init__(
        self, bundle: Bundle, service: str | None, active: int | None, framing: Framing, headers: bool
    ) -> None:
        self.service = check_writer(bundle, service)
        self.serde = Serde(bundle, active=active, framing=framing)
        self.serde.prepare_writing()
        self._fixed = render_fixed_headers(bundle) if headers else None
        self._find_key = compile_key(bundle)

    def write(
        self,
        event: object,
        correlation_id: str | None = None,
        causation_id: str | None = None,
        event_id: str | None = None,
        occurred_at: datetime | None = None,
    ) -> tuple[Record, Meta]:
        """The record of an event, and the envelope it got. Raises what a producer's ``publish`` does."""
        serde, fixed = self.serde, self._fixed
        plan = serde.writing.get(event.__class__) or serde.find_writing(event)
        encode, prefix, number, headers, _, subject, tick, version = plan
        bundle = serde.bundle
        meta = make_meta(bundle, tick, correlation_id, causation_id, event_id, occurred_at)
        meta.schema_version = meta.version = number
        try:
            value = encode(event, prefix, meta)
        except CodecError as error:
            raise error.of(subject) from None
        if fixed:
            mirrored = render_headers(meta, fixed, version)
            headers = headers + mirrored if headers else mirrored
        find_key = self._find_key
        meta.key = key = find_key(event, meta) if find_key else None
        # Last, since a tracer begins a span here: what is refused has none.
        meta.trace = trace = find_trace(meta)
        if trace:
            headers += trace
        meta.headers = headers
        return make_record(bundle.topic, key, value, headers), meta
