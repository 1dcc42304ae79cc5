"""The nouns of judgement: what a rule yields, the same stamped, the whole."""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

from registry.contract import Waiver
from registry.errors import Fix
from registry.formats.mismatch import Mismatch
from registry.frozen import dataclass, field
from registry.source import Location

if TYPE_CHECKING:  # only where something was found is there one
    from registry.formats.witness import Witness


class Severity(Enum):
    """What a finding does to the run."""

    ERROR = "error"
    """The run fails."""
    WARNING = "warning"
    """Printed; fails only with ``--strict``."""
    INFO = "info"
    """Printed."""
    OFF = "off"
    """Not looked for."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule found; it knows neither its rule's id nor how severe that is."""

    location: Location
    message: str
    help: tuple[str, ...] = ()
    """Ways out, the best one first."""
    targets: tuple[str, ...] = ()
    """What a waiver may name: ``event:NAME``, ``entity:NAME``, ``topic:NAME``, ``service:NAME``, ``file:PATH``."""
    contract: str = ""
    affects: tuple[str, ...] = ()
    """Services that read the contract."""
    owner: str = ""
    """The owner with a way to reach it: ``content-api (#team-content)``."""
    related: tuple[tuple[str, Location], ...] = ()
    """Other places that belong to it, each with what it is."""
    mismatch: Mismatch | None = None
    versions: tuple[str, ...] = ()
    """The older versions it concerns, where there are several; the mismatch is that of the newest."""
    converted: bool = False
    """Declared converters (upgrade.yaml) stand between the two versions; the finding is then information."""
    fix: Fix | None = None
    """The first way out, if it is mechanical: `contracts check --fix` edits the file at the location."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with its rule and severity."""

    rule: str
    severity: Severity
    problem: Problem
    waiver: Waiver | None = None
    witness: "Witness | None" = None
    """A value that shows it, if it is about values."""

    @property
    def fixable(self) -> bool:
        """Whether `contracts check --fix` may mend it: what a waiver or converters answer for is no mistake."""
        return self.problem.fix is not None and self.waiver is None and not self.problem.converted


@dataclass(frozen=True, slots=True)
class Report:
    """The whole of one check."""

    base: str
    head: str
    findings: tuple[Finding, ...] = ()
    judged: tuple[str, ...] = ()
    """The contracts that were judged; without ownership.yaml the files."""
    contracts: int = 0
    """How many there are."""
    not_evaluated: Mapping[str, str] = field(default_factory=dict)
    """Rules that could not be asked, with the reason."""
    strict: bool = False
    unit: str = "contract"
    """What ``judged`` and ``contracts`` count: ``contract`` or ``file``."""

    def count(self, severity: Severity) -> int:
        """How many findings of a severity nobody answers for."""
        return sum(finding.severity is severity and finding.waiver is None for finding in self.findings)

    @property
    def passed(self) -> bool:
        """Whether the run succeeds."""
        return not self.count(Severity.ERROR) and not (self.strict and self.count(Severity.WARNING))
