"""What producers of both kinds share: an event with its envelope becomes a record."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from registry.serde.bundle import Bundle
from registry.serde.context import find_trace
from registry.serde.envelope import make_meta, render_fixed_headers, render_headers
from registry.serde.errors import EncodeError
from registry.serde.framing import Framing
from registry.serde.meta import Meta
from registry.serde.naming import attribute_name
from registry.serde.record import Record
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
        self._fixed = render_fixed_headers(bundle) if headers else ()
        self._key = bundle.key
        self._attribute = attribute_name(bundle.key)
        self._ticks: dict[type, int] = {}

    def write(
        self,
        event: object,
        correlation_id: str | None = None,
        causation_id: str | None = None,
        event_id: str | None = None,
        occurred_at: datetime | None = None,
    ) -> tuple[Record, Meta]:
        """The record of an event, and the envelope it got. Raises what a producer's ``publish`` does."""
        serde = self.serde
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
        if trace := find_trace(meta):
            headers += trace
            meta.trace = trace
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
