"""What a service wants stubs of: one event, and the versions that it reads or writes."""

from collections.abc import Mapping
from types import MappingProxyType

from registry.frozen import dataclass, field
from registry.schema import Schema


@dataclass(frozen=True, slots=True)
class StubVersion:
    """One released version, read and parsed."""

    number: int
    schema_id: int
    guid: str
    root: str
    """The file that defines the event: a key of ``files``."""
    files: Mapping[str, str]
    """Path below ``contracts/`` to text, as it lies in git."""
    schema: Schema
    envelope: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Role to path, of the envelope's fields that this version has."""
    upgrade: str = ""
    """The converters from the version before, as JSON; empty where none are declared."""


@dataclass(frozen=True, slots=True)
class StubPlan:
    """One event, as one service may use it."""

    event: str
    """The full name."""
    language: str
    """A key of :data:`registry.formats.FORMATS`."""
    service: str
    owner: str
    contact: str
    """Whom to ask, ``team content, #team-content``."""
    topic: str
    key: str
    """Path of the field that is the message key; empty for none."""
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    """Empty for all but the owner."""
    versions: tuple[StubVersion, ...]
    """Oldest first. Those that are neither read nor written stand between others for their converters: they get no
    classes."""
    others: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """Schema id to version number, of readable versions that the service does not read."""
    siblings: Mapping[int | str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Schema id or GUID to event, of released versions of the other events in the same topic."""
    staleness: float = 0.0
    """How many seconds old the state that a subscriber holds may be; 0 for no objective."""
    deprecated_since: str = ""
    """The day since which nobody should begin to read it, ``2026-09-01``; empty where it is not deprecated."""
    replaced_by: str = ""
    """The full name of the event to read instead."""

    @property
    def short_name(self) -> str:
        """The event's name without its namespace."""
        return self.event.rpartition(".")[2]
