"""The base of generated producers."""

from datetime import datetime
from typing import Generic, TypeVar

from registry.serde.bundle import Bundle
from registry.serde.event_writer import EventWriter
from registry.serde.framing import Framing
from registry.serde.meta import Meta
from registry.serde.record import Record
from registry.serde.transport import Transport

_E = TypeVar("_E")


class Producer(Generic[_E]):
    """Publishes one event, for the one service that owns it. May be shared by threads if its transport may.

    ``service`` is the name of the service that runs here, ``CONTRACTS_SERVICE`` where it is not given. ``active`` is
    the version that is written (:attr:`registry.serde.bundle.Bundle.active` unless said otherwise), ``framing`` how the
    schema is named, and with ``headers`` the envelope is mirrored in headers. Raises
    :class:`registry.serde.errors.NotOwner` in any other service, and :class:`registry.serde.errors.SerdeError` for what
    cannot be written: a framing, a version, stubs that do not hold together, Protobuf without its library.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        service: str | None = None,
        active: int | None = None,
        framing: Framing = "confluent",
        headers: bool = True,
    ) -> None:
        self._writer = EventWriter(self.bundle(), service, active, framing, headers)
        self._transport = transport

    @property
    def service(self) -> str:
        """The service that runs here."""
        return self._writer.service

    @classmethod
    def bundle(cls) -> Bundle:
        """The contract, as generated."""
        raise NotImplementedError(f"{cls.__name__} comes from `contracts gen`, which writes bundle()")

    @property
    def active(self) -> int:
        """The version that is written."""
        return self._writer.serde.active

    def activate(self, number: int) -> None:
        """Writes this version from now on. Raises :class:`registry.serde.errors.SerdeError` if the build cannot."""
        self._writer.serde.activate(number)

    def publish(
        self,
        event: _E,
        *,
        correlation_id: str | None = None,
        causation_id: str | None = None,
        event_id: str | None = None,
        occurred_at: datetime | None = None,
    ) -> Meta:
        """Hands the event to the transport, and tells the envelope it got.

        What is not given is taken from the record being handled, or made. Raises
        :class:`registry.serde.errors.MissingCorrelation` where there is no correlation id to take, and
        :class:`registry.serde.errors.EncodeError` for a value that the schema does not allow; then nothing is sent.
        """
        record, meta = self._writer.write(event, correlation_id, causation_id, event_id, occurred_at)
        self._transport.send(record)
        return meta

    def encode(
        self,
        event: _E,
        *,
        correlation_id: str | None = None,
        causation_id: str | None = None,
        event_id: str | None = None,
        occurred_at: datetime | None = None,
    ) -> Record:
        """The record that :meth:`publish` would send, for an outbox; nothing is sent."""
        return self._writer.write(event, correlation_id, causation_id, event_id, occurred_at)[0]
