"""What is known of an event beside its own fields."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from registry.serde.moment import show_moment


class Meta:
    """The envelope of one event, and where its record stood."""

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

    def __init__(self) -> None:
        self.correlation_id = self.event_id = self.contract = self.topic = ""
        self.schema_version = self.version = self.read_as = 0
        self._occurred_at = self.causation_id = self.key = self._timestamp = self.message = None
        self.partition = self.offset = -1
        self.headers = self.trace = ()

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

    def __getstate__(self) -> tuple[None, dict[str, object]]:
        # A message's class belongs to a private pool, which no other process has.
        return None, {name: getattr(self, name) for name, _ in _DEFAULTS} | {"message": None}

    def __repr__(self) -> str:
        return f"Meta({', '.join(f'{name}={value!r}' for name, value in self._find_set())})"

    def _find_set(self) -> list[tuple[str, object]]:
        """What differs from the defaults, in their order."""
        return [(name, value) for name, default in _DEFAULTS if (value := getattr(self, name)) != default]


if not TYPE_CHECKING:
    show_moment(Meta, "occurred_at", 1_000_000)
    show_moment(Meta, "timestamp", 1000)

ROLES: Final = ("correlation_id", "schema_version", "event_id", "occurred_at", "causation_id")
"""The attributes above that travel in the payload; :attr:`registry.serde.shape.Shape.envelope` says where."""
_ORDER: Final = (
    *ROLES,
    "contract",
    "version",
    "read_as",
    "topic",
    "partition",
    "offset",
    "key",
    "headers",
    "timestamp",
)
_DEFAULTS: Final = tuple((name, getattr(Meta(), name)) for name in (*_ORDER, "trace", "message"))
_UNSET: Final = dict(_DEFAULTS) | {"_occurred_at": None, "_timestamp": None}
new_meta: Final = Meta.__new__
"""``new_meta(Meta)`` is one of which nothing is set yet, for who sets everything: a third of the time of ``Meta()``."""


class SparseMeta(Meta):
    """One of which little is set, and the rest reads as its default: by ``new_meta(SparseMeta)``, for a payload alone.

    Each look at it takes longer; a record on its way to a handler has the other one, which is looked at a dozen times.
    """

    __slots__ = ()

    if not TYPE_CHECKING:  # a type checker knows the attributes

        def __getattr__(self, name: str) -> object:
            try:
                return _UNSET[name]
            except KeyError:
                raise AttributeError(f"Meta has no {name}") from None
