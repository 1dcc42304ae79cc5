"""What must be proven before each step of a rollout: pure functions of (rollout, evidence, now), and one table.

A row yields an observation for each subject and does not know its own number. A new check is one function and one row.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from registry.rollout.checks import Check, decide
from registry.rollout.evidence import Evidence
from registry.rollout.gates.contract import CONTRACT
from registry.rollout.gates.converge import CONVERGE
from registry.rollout.gates.gate import Gate, Row, stamp
from registry.rollout.gates.retire_read import RETIRE_READ
from registry.rollout.gates.retire_write import RETIRE_WRITE
from registry.rollout.gates.start import START
from registry.rollout.gates.switch import SWITCH
from registry.rollout.rollout import Recorded, Rollout

__all__ = ["GATES", "Gate", "Row", "evaluate", "find_row", "record"]

GATES: Final[Mapping[str, Gate]] = MappingProxyType(
    {gate.name: gate for gate in (START, SWITCH, CONVERGE, CONTRACT, RETIRE_WRITE, RETIRE_READ)}
)
"""By the names that :data:`registry.rollout.states.TRANSITIONS` gives them."""


def evaluate(gate: Gate, rollout: Rollout, evidence: Evidence, now: datetime) -> tuple[Check, ...]:
    """Every check of the gate, in the order of its rows; :func:`registry.rollout.checks.decide` gives the verdict.

    ``now`` is the operator's clock: for spans of time that git knows of, and for waivers. The age of what a cluster
    said is told by that cluster's clock.
    """
    return tuple(stamp(gate.rows, rollout, evidence, now))


def record(
    gate: Gate, checks: Iterable[Check], before: Iterable[Recorded], rollout: Rollout, now: datetime
) -> tuple[Recorded, ...]:
    """What the journal keeps of a look: the last word on each check and subject, and on the gate as a whole.

    ``since`` stays while the verdict does. The gate as a whole (check ``G1``, the contract as its subject) is recorded
    without its timed rows: that is what the soak is measured by. Words on other gates stay as they are.
    """
    checks = tuple(checks)
    earlier = {(each.check, each.subject): each for each in before}
    timed = {row.number for row in gate.rows if row.timed}
    whole = decide(check for check in checks if check.number not in timed)
    said = [(gate.name, f"event/{rollout.step.contract}", whole, None)] + [
        (check.number, check.observation.subject, check.verdict, check.observation.since) for check in checks
    ]
    kept = [each for each in earlier.values() if each.check.partition(".")[0] != gate.name]
    return tuple(kept) + tuple(
        _continue(earlier.get((number, subject)), Recorded(number, subject, verdict, since or now, now))
        for number, subject, verdict, since in said
    )


def find_row(number: str) -> Row | None:
    """The row ``G1.3``; ``None`` where no gate has it."""
    return next((row for gate in GATES.values() for row in gate.rows if row.number == number), None)


def _continue(earlier: Recorded | None, latest: Recorded) -> Recorded:
    """The latest word, since when it was first said without a break."""
    if earlier is None or earlier.verdict is not latest.verdict or earlier.since >= latest.since:
        return latest
    return Recorded(latest.check, latest.subject, latest.verdict, earlier.since, latest.observed)
