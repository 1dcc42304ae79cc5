"""G1: may the one writer switch to the new version? Nobody may be left who cannot read it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from registry.rollout.checks import Observation, Verdict
from registry.rollout.evidence import Evidence, Question
from registry.rollout.gates.gate import ANY, NOTHING, UNKNOWNS, Gate, Row, stamp
from registry.rollout.gates.owner import find_deployed_writers, find_live_writers
from registry.rollout.gates.patience import (
    find_chain,
    find_old_answers,
    find_trust,
    find_unheard,
    find_writable,
    judge_soak,
)
from registry.rollout.gates.readers import find_deployed_readers, find_live_readers
from registry.rollout.gates.start import find_versions
from registry.rollout.gates.strangers import find_unknown_readers
from registry.rollout.rollout import Rollout


def find_builds(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """What is recorded as deployed: of the readers and of the owner."""
    yield from find_deployed_readers(rollout, evidence, now)
    yield from find_deployed_writers(rollout, evidence, now)


def find_soak(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether all that has been so for long enough, and was seen lately enough."""
    yield from judge_soak(rollout, evidence, now, list(stamp(OTHERS, rollout, evidence, now)))
    yield from find_old_answers(evidence, now)


def find_vanished(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Versions of the step that git no longer has as they were: deleted, retired or edited since it began."""
    return (seen for seen in find_versions(rollout, evidence, now) if seen.verdict is not Verdict.YES)


BEFORE: Final = (
    Row("G1.1", "what is deployed reads both, and the owner's builds write both", find_builds, UNKNOWNS),
    Row("G1.2", "every live instance reads both, and nobody keeps silent", find_live_readers, UNKNOWNS),
    Row("G1.3", "no unknown reader", find_unknown_readers, UNKNOWNS),
    Row("G1.4", "the owner can write the new version, and is the only writer", find_live_writers, UNKNOWNS),
)
AFTER: Final = (
    Row("G1.6", "the step before can no longer be reverted", find_chain, ANY),
    Row("G1.7", "the evidence is from a source that the environment trusts", find_trust, UNKNOWNS),
    Row("G1.8", "while it is prepared: everybody has heard of it", find_unheard, UNKNOWNS, timed=True),
    Row("G1.9", "at most three versions are writable", find_writable, NOTHING),
    Row("G1.10", "both versions are still what they were in git", find_vanished, NOTHING),
)
OTHERS: Final = tuple(row for row in (*BEFORE, *AFTER) if not row.timed)
"""What the soak is measured by."""

SWITCH: Final = Gate(
    "G1",
    "the readers are ready",
    frozenset({Question.PARTITIONS, Question.GROUPS, Question.ACCESS, Question.HEARTBEATS}),
    (*BEFORE, Row("G1.5", "it has been so for the soak time", find_soak, ANY, timed=True), *AFTER),
)
