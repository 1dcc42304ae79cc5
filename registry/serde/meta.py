"""What is known of an event beside its own fields."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from registry.serde.moment import show_moment


class Meta:
    """The envelope of one event, and where its record stood.

    The decoder sets what it finds; what nobody set reads as :data:`DEFAULTS` says. They are slots without defaults of
    the class, since a store is then a single step, and a record needs a dozen of them.
    """

    __slots__ = (
        "causation_id",
        "contract",
        "correlation_id",
        "event_id",
        "headers",
        "key",
        "message",
        "occurred_at",
        "offset",
        "partition",
        "read_as",
        "schema_version",
        "timestamp",
        "topic",
        "trace",
        "version",
    )

    correlation_id: str
    """The request or job that the event belongs to, from end to end."""
    schema_version: int
    """The version that it was written with, as the payload says."""
    event_id: str
    """The id of this one event; equal ids mean the same event, delivered again."""
    occurred_at: datetime | None
    """When it happened, by the writer's clock."""
    causation_id: str | None
    """The event that led to this one."""

    contract: str
    """The full name of the event."""
    version: int
    """The version that it was written with, as the schema id says."""
    read_as: int
    """The version that the handler is given: another one where the record was converted."""
    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: datetime | None
    """The record's own time, which the broker or the producer's client set."""
    trace: tuple[tuple[str, bytes], ...]
    """The headers ``traceparent`` and ``tracestate``, where the record had them: tracing passes them on."""
    message: object
    """Protobuf: protoc's own message, with unknown fields and extensions. It is left out when a Meta is pickled."""

    if TYPE_CHECKING:
        @property
        def _occurred_at(self) -> datetime | int | None:
            """The same in microseconds since 1970, unless it was given as a ``datetime``."""

        @_occurred_at.setter
        def _occurred_at(self, moment: datetime | int | None) -> None: ...

        @property
        def _timestamp(self) -> datetime | int | None:
            """The same in milliseconds since 1970, as it came in."""

        @_timestamp.setter
        def _timestamp(self, moment: datetime | int | None) -> None: ...

    else:  # to a type checker there is nothing beside the attributes above

        def __getattr__(self, name: str) -> object:
            try:
                return DEFAULTS[_KEPT.get(name, name)]
            except KeyError:
                raise AttributeError(f"Meta has no {name}") from None

    def __getstate__(self) -> tuple[None, dict[str, object]]:
        # A message's class belongs to a private pool, which no other process has.
        return None, {name: value for name, value in self._find_set() if name != "message"}

    def __repr__(self) -> str:
        return f"Meta({', '.join(f'{name}={value!r}' for name, value in self._find_set())})"

    def _find_set(self) -> list[tuple[str, object]]:
        """What differs from the defaults, in their order."""
        facts = ((name, getattr(self, name)) for name in DEFAULTS)
        return [(name, value) for name, value in facts if value != DEFAULTS[name]]


if not TYPE_CHECKING:
    show_moment(Meta, "occurred_at", 1_000_000)
    show_moment(Meta, "timestamp", 1000)

_KEPT: Final = {"_occurred_at": "occurred_at", "_timestamp": "timestamp"}
DEFAULTS: Final[dict[str, object]] = {
    "correlation_id": "",
    "schema_version": 0,
    "event_id": "",
    "occurred_at": None,
    "causation_id": None,
    "contract": "",
    "version": 0,
    "read_as": 0,
    "topic": "",
    "partition": -1,
    "offset": -1,
    "key": None,
    "headers": (),
    "timestamp": None,
    "trace": (),
    "message": None,
}
"""What an attribute is that nobody set."""

ROLES = ("correlation_id", "schema_version", "event_id", "occurred_at", "causation_id")
"""The attributes above that travel in the payload; :attr:`registry.serde.shape.Shape.envelope` says where."""
