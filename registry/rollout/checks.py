"""Checks: what a gate saw of one subject, where, how long ago, and what it says of it. Yes, no or unknown."""

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from registry.frozen import dataclass

if TYPE_CHECKING:
    from registry.rollout.rollout import Waiver


class Verdict(StrEnum):
    """Any no wins, and unknown never passes."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Source(IntEnum):
    """Where a fact comes from. The larger, the nearer to the truth: git says *should*, Kafka says *is*."""

    GIT = 0
    CI = 1
    HEARTBEAT = 2
    BROKER = 3


@dataclass(frozen=True, slots=True)
class Observation:
    """What a function of a gate yields; it does not know its own number."""

    subject: str
    """``service/edge-cache``, ``instance/edge-cache/pod-3``, ``group/legacy``, ``partition/main/content.items/3``."""
    verdict: Verdict
    reason: str
    """One sentence with the fact."""
    source: Source
    observed: datetime | None = None
    """When the fact was seen, by the clock that the source has; ``None`` for what holds until git says otherwise."""
    help: str = ""
    """The next step; empty where there is nothing to do."""
    since: datetime | None = None
    """Since when it is so, where the source itself says it."""


@dataclass(frozen=True, slots=True)
class Check:
    """An observation, stamped with the check's number and what a waiver says of it."""

    number: str
    """``G1.3``."""
    observation: Observation
    waiver: "Waiver | None" = None

    @property
    def verdict(self) -> Verdict:
        """As observed; a waiver hides nothing."""
        return self.observation.verdict

    @property
    def passes(self) -> bool:
        """Whether it holds up nothing."""
        return self.verdict is Verdict.YES or self.waiver is not None


def decide(checks: Iterable[Check]) -> Verdict:
    """The verdict of a gate. Nothing seen at all is unknown: there is no vacuous yes."""
    found = list(checks)
    blocking = {check.verdict for check in found if not check.passes}
    if Verdict.NO in blocking:
        return Verdict.NO
    return Verdict.UNKNOWN if blocking or not found else Verdict.YES
