"""What producers of both kinds share: an event with its envelope becomes a record."""

from datetime import datetime
from typing import Generic, TypeVar

from registry.serde.bundle import Bundle
from registry.serde.context import find_trace
from registry.serde.envelope import make_meta, render_fixed_headers, render_headers
from registry.serde.errors import CodecError
from registry.serde.framing import Framing
from registry.serde.message_key import compile_key
from registry.serde.meta import Meta
from registry.serde.record import Record, make_record
from registry.serde.serde import Serde
from registry.serde.steering import Steering
from registry.serde.stubs import check_writer

_E = TypeVar("_E")
_T = TypeVar("_T")


class EventWriter(Generic[_E, _T]):
    """Writes one event, for the one service that owns it. May be shared by threads if its transport may.

    ``service`` is the name of the service that runs here, ``CONTRACTS_SERVICE`` where it is not given. ``active`` is
    the version that is written (:attr:`registry.serde.bundle.Bundle.active` unless said otherwise), until ``rollouts``
    (:class:`registry.kafka.Rollouts`) say another, ``framing`` how the schema is named, and with ``headers`` the
    envelope is mirrored in headers. Raises
    :class:`registry.serde.errors.NotOwner` in any other service, and :class:`registry.serde.errors.SerdeError` for what
    cannot be written: a framing, a version, stubs that do not hold together, Protobuf without its library.
    """

    def __init__(
        self,
        transport: _T,
        *,
        service: str | None = None,
        active: int | None = None,
        framing: Framing = "confluent",
        headers: bool = True,
        rollouts: Steering | None = None,
    ) -> None:
        bundle = self.bundle()
        self._transport = transport
        self._service = check_writer(bundle, service)
        self._serde = Serde(bundle, active=active, framing=framing, steering=rollouts)
        self._serde.prepare_writing()
        self._fixed = render_fixed_headers(bundle) if headers else None
        self._find_key = compile_key(bundle)
        if rollouts is not None:
            rollouts.steer(self._serde, transport)

    @property
    def service(self) -> str:
        """The service that runs here."""
        return self._service

    @classmethod
    def bundle(cls) -> Bundle:
        """The contract, as generated."""
        raise NotImplementedError(f"{cls.__name__} comes from `contracts gen`, which writes bundle()")

    @property
    def active(self) -> int:
        """The version that is written."""
        return self._serde.active

    def activate(self, number: int) -> None:
        """Writes this version from now on. Raises :class:`registry.serde.errors.SerdeError` if the build cannot, and
        :class:`registry.serde.errors.VersionRetired` if a rollout does not let it."""
        self._serde.activate(number)

    def encode(
        self,
        event: _E,
        *,
        correlation_id: str | None = None,
        causation_id: str | None = None,
        event_id: str | None = None,
        occurred_at: datetime | None = None,
    ) -> Record:
        """The record that ``publish`` would send, for an outbox; nothing is sent."""
        return self._write(event, correlation_id, causation_id, event_id, occurred_at)[0]

    def _write(
        self,
        event: _E,
        correlation_id: str | None,
        causation_id: str | None,
        event_id: str | None,
        occurred_at: datetime | None,
    ) -> tuple[Record, Meta]:
        """The record of an event, and the envelope it got."""
        serde, fixed, find_key = self._serde, self._fixed, self._find_key
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
        meta.key = key = find_key(event, meta) if find_key else None
        # Last, since a tracer begins a span here: what is refused has none.
        meta.trace = trace = find_trace(meta)
        if trace:
            headers += trace
        meta.headers = headers
        return make_record(bundle.topic, key, value, headers), meta
