"""The nouns that the journal keeps: rollouts, deployments and waivers."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from registry.frozen import dataclass, field
from registry.rollout.checks import Verdict
from registry.rollout.states import State


@dataclass(frozen=True, slots=True)
class Step:
    """What is rolled out where: one contract, from an old version to a new one, in one environment."""

    contract: str
    old: int
    new: int
    environment: str

    @property
    def path(self) -> str:
        """The file of its rollout in the journal."""
        return f"rollouts/{self.contract}/{self.old}-{self.new}/{self.environment}.json"

    def __str__(self) -> str:
        return f"{self.contract} {self.old} -> {self.new} in {self.environment}"


@dataclass(frozen=True, slots=True)
class Publication:
    """What the control topic must say of the contract, decided in git before it is published."""

    epoch: int
    active: int
    writable: tuple[int, ...]
    prepare: int = 0

    @property
    def rank(self) -> tuple[int, int]:
        """As :attr:`registry.kafka.rollout.control.ControlRecord.rank`."""
        return self.epoch, 0 if self.prepare else 1


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known of one partition's log around the switch. Offsets; -1 stands for what nobody has measured yet."""

    start: int
    """The end of the log before the new version was first prepared: the tail scan begins here."""
    committed: int = -1
    """The barrier: one past the last old record, or, where none came after ``start``, one past the last data record; 0
    where there is none at all."""
    everything: int = -1
    """The same, where the records of aborted transactions count too."""
    first_new: int = -1
    """The first committed record of the new version; -1 for none."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The last word on one check and subject, as the journal keeps it."""

    check: str
    subject: str
    verdict: Verdict
    since: datetime
    """Since when it is so, in every look without a break."""
    observed: datetime


@dataclass(frozen=True, slots=True)
class Waiver:
    """One check of one subject that somebody answers for, until a day. It stays in every later status."""

    check: str
    """``G1.3``."""
    subject: str
    """``group/legacy-report``."""
    reason: str
    by: str
    at: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Rollout:
    """One step, and all that is decided about it."""

    step: Step
    state: State
    since: datetime
    """When it came into its state."""
    by: str
    """Who brought it there."""
    digests: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    """Version to fingerprint, as they were when the first environment planned the step: they are never edited."""
    epoch: int = 0
    """Of its last publication; before the first one, that of its contract and environment when it started."""
    stored: tuple[int, ...] = ()
    """Versions that may lie in a reachable log because of it. The new one is here before anything is published."""
    publication: Publication | None = None
    origin: State | None = None
    """While SWITCHING: where a cancelled switch goes back to."""
    switched: datetime | None = None
    """When the new version became active the last time."""
    barrier: Mapping[str, Mapping[int, Mark]] = field(default_factory=lambda: MappingProxyType({}))
    """By cluster and partition."""
    checks: tuple[Recorded, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    reason: str = ""
    """Why it was aborted, reverted, reopened or abandoned."""

    @property
    def target(self) -> int:
        """The version that is active, or about to be."""
        return self.publication.prepare or self.publication.active if self.publication else self.step.old


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was deployed: a build of a service, as a whole or one instance of it."""

    service: str
    environment: str
    instance: str
    """Empty for all of the service's instances."""
    build: str
    reads: Mapping[str, tuple[int, ...]]
    """Contract to versions, as the stubs of that build pin them."""
    writes: Mapping[str, tuple[int, ...]]
    at: datetime
    by: str
    source: str = "git"
    """Who says so: ``git`` (a person), ``ci`` (a job of a CI system)."""
    release: str = ""
    """A release that customers run: it stays beside newer ones until its support ends."""
    supported_until: datetime | None = None

    @property
    def path(self) -> str:
        """The file of the journal that it stands in."""
        return f"deployments/{self.environment}/{self.service}.json"
