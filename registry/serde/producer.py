"""The base of generated producers: an event with its envelope becomes a record."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from registry.serde.bundle import Bundle
from registry.serde.envelope import make_meta, render_fixed_headers, render_headers
from registry.serde.errors import EncodeError
from registry.serde.framing import Framing
from registry.serde.meta import Meta
from registry.serde.naming import attribute_name
from registry.serde.record import Record
from registry.serde.serde import Serde
from registry.serde.stubs import check_writer
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
        bundle = self.bundle()
        self.service = check_writer(bundle, service)
        self._serde = Serde(bundle, active=active, framing=framing)
        self._serde.prepare_writing()
        self._transport = transport
        self._fixed = render_fixed_headers(bundle) if headers else ()
        self._key = bundle.key
        self._attribute = attribute_name(bundle.key)
        self._ticks: dict[type, int] = {}

    @classmethod
    def bundle(cls) -> Bundle:
        """The contract, as generated."""
        raise NotImplementedError(f"{cls.__name__} comes from `contracts gen`, which writes bundle()")

    @property
    def active(self) -> int:
        """The version that is written."""
        return self._serde.active

    def activate(self, number: int) -> None:
        """Writes this version from now on. Raises :class:`registry.serde.errors.SerdeError` if the build cannot."""
        self._serde.activate(number)

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
        record, meta = self._write(event, correlation_id, causation_id, event_id, occurred_at)
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
        return self._write(event, correlation_id, causation_id, event_id, occurred_at)[0]

    def _write(
        self,
        event: _E,
        correlation_id: str | None,
        causation_id: str | None,
        event_id: str | None,
        occurred_at: datetime | None,
    ) -> tuple[Record, Meta]:
        serde = self._serde
        bundle = serde.bundle
        kind = event.__class__
        tick = self._ticks.get(kind)
        if tick is None:
            tick = self._ticks[kind] = serde.tick(event)
        meta = make_meta(
            bundle,
            tick,
            correlation_id=correlation_id,
            causation_id=causation_id,
            event_id=event_id,
            occurred_at=occurred_at,
        )
        value, headers = serde.encode(event, meta)
        if self._fixed:
            headers += self._fixed + render_headers(meta)
        meta.headers = headers
        if self._key:
            key = getattr(event, self._attribute, None)  # the usual key is a text of the event itself
            meta.key = key.encode() if type(key) is str and key else key_of(event, meta, bundle)
        return Record(bundle.topic, meta.key, value, headers), meta


def key_of(event: object, meta: Meta, bundle: Bundle) -> bytes | None:
    """The key of an event's record: text as UTF-8, bytes as they are, numbers and ids in their usual spelling.

    Equal for all versions and both languages. Raises :class:`EncodeError` where the event has none.
    """
    path = tuple(bundle.key.split("."))
    role = next((role for role, at in bundle.newest.shape.envelope.items() if at == path), None)
    value: Any = event
    for name in path:
        value = value.get(name) if isinstance(value, dict) else getattr(value, attribute_name(name), None)
    if role:
        value = getattr(meta, role)
    if isinstance(value, str | bytes) and not value:
        raise EncodeError(
            "the message key is empty",
            "/" + "/".join(path),
            help="events of all keys that are empty would follow each other, and replace each other when compacted",
            subject=bundle.event,
        )
    if type(value) is bytes:
        return value
    # A subclass is spelled as the payload spells it, whatever it looks like when it is printed.
    spell = next((_SPELLED[kind.__name__] for kind in type(value).__mro__ if kind.__name__ in _SPELLED), None)
    spelled = spell(value) if spell else getattr(value, "value", None)
    if not isinstance(spelled, str | int):
        from registry.described import describe_python

        raise EncodeError(
            f"the message key is {describe_python(value)}",
            "/" + "/".join(path),
            help="a key is a text, a number, an id, bytes or an enum",
            subject=bundle.event,
        )
    return str(spelled).encode()


def _refuse(_value: object) -> None:
    """A bool is an int, and a datetime a date, but neither has one spelling that everybody uses."""


_SPELLED: Final[dict[str, Callable[[Any], str | None]]] = {
    "bool": _refuse,
    "datetime": _refuse,
    "str": str.__str__,
    "int": int.__repr__,
    "UUID": str,
    "date": str,
}
"""Types whose text is one and the same for equal values, by name; an enum is spelled by its value."""
