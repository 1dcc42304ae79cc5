"""The nouns of a gate: a row is one question with its number; a gate is its rows."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from registry.frozen import dataclass
from registry.rollout.checks import Check, Observation, Verdict
from registry.rollout.evidence import Evidence, Question
from registry.rollout.rollout import Rollout, Waiver

Find = Callable[[Rollout, Evidence, datetime], Iterator[Observation]]

NOTHING: Final[frozenset[Verdict]] = frozenset()
UNKNOWNS: Final = frozenset({Verdict.UNKNOWN})
ANY: Final = frozenset({Verdict.NO, Verdict.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Row:
    """One question of a gate."""

    number: str
    """``G1.3``."""
    title: str
    """What must be so, in a few words."""
    find: Find
    """Looks at the evidence alone; yields one observation for each subject, in an order that stays."""
    waivable: frozenset[Verdict] = UNKNOWNS
    """Verdicts that a person may answer for. What an invariant forbids is in nobody's power."""
    timed: bool = False
    """Whether it is about the moment: how long the rest of the gate has been yes, or who has heard just now. It does
    not count for the soak."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What must be proven before a transition."""

    name: str
    """``G1``."""
    title: str
    needs: frozenset[Question]
    """What is asked of the clusters; empty for a gate that git alone decides."""
    rows: tuple[Row, ...]


def stamp(rows: Iterable[Row], rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Check]:
    """What the rows find, each with its number and with the waiver that holds for it."""
    for row in rows:
        for observation in row.find(rollout, evidence, now):
            yield Check(row.number, observation, find_waiver(row, observation, rollout.waivers, now))


def find_waiver(row: Row, observation: Observation, waivers: Iterable[Waiver], now: datetime) -> Waiver | None:
    """The waiver of exactly this check and subject that has not expired, if the verdict is one that may be waived."""
    if observation.verdict not in row.waivable:
        return None
    fitting = (
        waiver
        for waiver in waivers
        if waiver.check == row.number and waiver.subject == observation.subject and now < waiver.expires
    )
    return max(fitting, key=lambda waiver: waiver.expires, default=None)
