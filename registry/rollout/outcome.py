"""An outcome: what one command found, decided and did, and what comes next."""

from datetime import datetime
from enum import IntEnum

from registry.errors import RegistryError
from registry.frozen import dataclass
from registry.kafka.rollout.control import ControlRecord
from registry.rollout.checks import Check, Verdict
from registry.rollout.errors import Fenced, LostRace
from registry.rollout.rollout import Rollout, Step


class Exit(IntEnum):
    """How a command of a rollout ends."""

    DONE = 0
    NO = 1
    NO_LOOK = 2
    """We could not look: a :class:`registry.errors.RegistryError`."""
    UNKNOWN = 3
    LOST_RACE = 4
    """Somebody else was first, and nothing of ours was published."""


EXITS = {Verdict.YES: Exit.DONE, Verdict.NO: Exit.NO, Verdict.UNKNOWN: Exit.UNKNOWN}
"""How a command ends that was stopped, or let through, by a gate."""


def exit_code_of(error: RegistryError) -> Exit:
    """How a command ends that was stopped by an error."""
    return Exit.LOST_RACE if isinstance(error, LostRace | Fenced) else Exit.NO_LOOK


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did with one rollout."""

    verb: str
    step: Step
    before: Rollout | None
    """As the journal had it when the command began; ``None`` where there was no such rollout."""
    after: Rollout | None
    """As the journal has it now."""
    gate: str
    """The gate that was looked at last: ``G1``; empty where none was."""
    checks: tuple[Check, ...]
    """All that it saw."""
    verdict: Verdict | None
    """What it says; ``None`` where none was looked at."""
    exit_code: Exit
    """Of the command: a switch that is not proven everywhere yet is done all the same."""
    done: tuple[str, ...]
    """What was done, in order, each in one line."""
    published: tuple[ControlRecord, ...]
    """What was written to the control topic."""
    next: str
    """The command that comes next, as ``rollout switch content.Published --env production``; empty for none."""
    patch: str
    """An edit of ownership.yaml that a person makes into a pull request; empty for none."""
    dry_run: bool
    at: datetime
    """When it ended, by the operator's clock."""
    stored: tuple[int, ...] = ()
    """Versions that the log may hold, by this rollout and all others of the contract; empty where none is known."""

    @property
    def missing(self) -> tuple[Check, ...]:
        """The checks that hold it up."""
        return tuple(check for check in self.checks if not check.passes)
