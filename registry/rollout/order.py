"""An order: what a person asks of a rollout, as the command line or another program says it."""

from typing import Final

from registry.environment import DAY
from registry.frozen import dataclass

WAIVED_FOR: Final = 7 * DAY
"""How long a waiver holds where nobody says."""


@dataclass(frozen=True, slots=True)
class Order:
    """One command, before it is known which rollout is meant. All times are seconds."""

    contract: str
    """The full name of the event."""
    old: int = 0
    """``--from``; 0 where nobody says: the active version, or that of the rollout that is under way."""
    new: int = 0
    """``--to``; 0 where nobody says: the newest released one, or that of the rollout that is under way."""
    reason: str = ""
    waive: tuple[str, ...] = ()
    """Checks that somebody answers for, each as ``G1.3:group/legacy-report``."""
    expires: float = WAIVED_FOR
    """How long the waivers of this order hold."""
    dry_run: bool = False
    """Whether to judge only: nothing is written, nothing is published, and the exit code is the true one."""
    patience: float = 0.0
    """``--wait``: how long to look again while the verdict is unknown."""
