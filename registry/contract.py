"""The nouns of governance: who signed for what, and what was promised."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from registry.environment import Environment
from registry.errors import Flaw
from registry.frozen import dataclass, field
from registry.schema import CompatibilityMode, Outline, Schema
from registry.source import Location


@dataclass(frozen=True, slots=True)
class Team:
    """People: who approves, and where to ask."""

    name: str
    at: Location
    github: str = ""
    contacts: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """A deployable thing that writes or reads events."""

    name: str
    at: Location
    team: str = ""
    principal: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A service that reads an event: which versions it pins, and which fields it uses (none named: all)."""

    service: str
    at: Location
    reads: tuple[int, ...] = ()
    fields: tuple[str, ...] = ()
    served: bool = False
    """It stays on the build it has: newer versions are converted to those that it reads."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was signed for one event."""

    event: str
    entity: str
    owner: str
    """The one service that writes it; empty where nobody is named."""
    at: Location
    """Of the event's key in ownership.yaml; the key in ``pointer`` is ``/entities/E/events/NAME``."""
    owner_at: Location
    topic: str = ""
    key: str = ""
    compatibility: CompatibilityMode = CompatibilityMode.BACKWARD_TRANSITIVE
    compatibility_at: Location | None = None
    """Where the event itself names its mode; ``None`` where the default holds."""
    writes: tuple[int, ...] = ()
    subscribers: tuple[Subscriber, ...] = ()
    no_consumers: bool = False
    """``consumers: none``: nobody is expected to read it, which is not the same as nobody being named."""
    retired: tuple[int, ...] = ()
    deprecated_since: date | None = None
    replaced_by: str = ""
    staleness: float = 0.0
    """How many seconds old the state that a subscriber holds may be; 0 where nobody says."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A piece of state with one writer."""

    name: str
    at: Location
    owners: tuple[tuple[str, Location], ...] = ()
    """Each owner claimed, with its place; more than one is a finding."""
    topic: str = ""
    topic_at: Location | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A dated record of an entity changing its owner."""

    entity: str
    giver: str
    taker: str
    since: date
    phase: str
    """``prepared``, ``dual_grant`` or ``done``."""
    at: Location


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that somebody answers for, until a day."""

    rule: str
    target: str
    """``event:NAME``, ``entity:NAME``, ``topic:NAME``, ``service:NAME`` or ``file:PATH``."""
    reason: str
    approved_by: str
    expires: date | None
    at: Location


@dataclass(frozen=True, slots=True)
class Ownership:
    """ownership.yaml of one revision, with what is wrong in it."""

    at: Location
    present: bool = False
    teams: Mapping[str, Team] = field(default_factory=lambda: MappingProxyType({}))
    services: Mapping[str, Service] = field(default_factory=lambda: MappingProxyType({}))
    entities: Mapping[str, Entity] = field(default_factory=lambda: MappingProxyType({}))
    terms: Mapping[str, Terms] = field(default_factory=lambda: MappingProxyType({}))
    """By the full name of the event."""
    transfers: tuple[Transfer, ...] = ()
    retired_events: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    claims: tuple["Claim", ...] = ()
    """Every claim to write something, in the order of the file: a second one for the same target is a finding."""
    flaws: tuple[Flaw, ...] = ()

    @property
    def unread(self) -> bool:
        """Whether a flaw of the file hides every event: that an event is not named says nothing then."""
        return bool(self.flaws) and not self.terms


@dataclass(frozen=True, slots=True)
class Claim:
    """``target`` (``entity:X``, ``topic:X``, ``event:X``) is written by ``owner``, says the line at ``at``."""

    target: str
    owner: str
    at: Location


@dataclass(frozen=True, slots=True)
class EnvelopeField:
    """One field that events carry: its role, its path in the payload, and whether it must be there."""

    role: str
    """``correlation_id``, ``schema_version``, ``event_id``, ``occurred_at``, ``causation_id``, or a name of its own."""
    path: tuple[str, ...]
    mandatory: bool
    types: tuple[str, ...] = ()
    """Type words it may have, as :func:`registry.rules.envelope.type_words` writes them; empty means any."""


@dataclass(frozen=True, slots=True)
class Policy:
    """contracts/policy.yaml of one revision: the law."""

    at: Location
    present: bool = False
    """Whether there is such a file; where there is none, these are the defaults."""
    envelope: tuple[EnvelopeField, ...] = ()
    severities: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """By rule id, by family (``envelope``), or by step (``lossy``): ``error``, ``warning``, ``info`` or ``off``."""
    severities_at: Mapping[str, Location] = field(default_factory=lambda: MappingProxyType({}))
    approvers: tuple[str, ...] = ()
    profile: str | None = None
    encoding: str = "binary"
    environments: Mapping[str, Environment] = field(default_factory=lambda: MappingProxyType({}))
    """What rollouts must prove, by the name of the environment; of those that are declared."""
    flaws: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """One frozen version of a contract."""

    number: int
    at: Location
    """Of its version.yaml."""
    schema_id: int
    guid: str
    fingerprint: str
    root: str
    """Path of the file that holds the event, relative to the version's folder."""
    files: Mapping[str, str]
    """Path relative to the version's folder, as under ``contracts/``, to blob id; without version.yaml."""
    schema: Schema | None = None
    flaws: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """An event with its head and its versions, at one revision.

    A catalog holds contracts unread: ``head`` and each version's ``schema`` are ``None`` until
    :func:`registry.catalog.find_changes` reads those that changed.
    """

    name: str
    at: Location
    """Of the head's file; of the terms where there is no head."""
    terms: Terms | None = None
    format: str = "avro"
    path: str = ""
    """The file that defines it; empty where there is none."""
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The head and all it refers to: path to blob id."""
    upgrade: tuple[str, str] | None = None
    """Path and blob id of the converters beside it, if there are any."""
    converters: str = ""
    """Their text, unless a version was released with them; empty until it is read, and where it is none, which is a
    flaw of the kind ``converters``."""
    versions: tuple[Version, ...] = ()
    """Oldest first."""
    head: Schema | None = None
    flaws: tuple[Flaw, ...] = ()

    @property
    def readable(self) -> tuple[Version, ...]:
        """The versions a log may still hold."""
        retired = self.terms.retired if self.terms else ()
        return tuple(version for version in self.versions if version.number not in retired)

    @property
    def has_new_converters(self) -> bool:
        """Whether the head comes with converters of its own, not only with those that a version was released with."""
        released = {version.files.get("upgrade.yaml") for version in self.versions}
        return self.upgrade is not None and self.upgrade[1] not in released


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """A schema file of the head tree (not of a version)."""

    path: str
    blob: str
    outline: Outline


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every contract at one revision."""

    label: str
    """``main``, ``the index``, ``the work tree``."""
    root: str
    """The folder of the schemas, relative to the repository's top: ``contracts``."""
    ownership: Ownership
    policy: Policy
    contracts: Mapping[str, Contract] = field(default_factory=lambda: MappingProxyType({}))
    files: Mapping[str, SchemaFile] = field(default_factory=lambda: MappingProxyType({}))
    codeowned: bool = False
    """Whether a line of CODEOWNERS names ownership.yaml."""
    flaws: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One contract before and after."""

    name: str
    before: Contract | None
    after: Contract | None
    base: Catalog = field(repr=False)
    head: Catalog = field(repr=False)

    @property
    def terms(self) -> Terms | None:
        """The terms in force: those before the change, so that no change loosens its own promise."""
        if self.before is not None and self.before.terms is not None:
            return self.before.terms
        return self.after.terms if self.after is not None else None
