"""Where a rollout may stand, and what may follow: the table TRANSITIONS.

One rollout is a step of one contract from an old version to a new one, in one environment.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class State(StrEnum):
    """Where a rollout stands."""

    PLANNED = "planned"
    EXPANDING = "expanding"
    """Phase 1: readers learn the new version."""
    SWITCHING = "switching"
    """Phase 2, in doubt: the new version is prepared, or active and not yet proven everywhere."""
    SWITCHED = "switched"
    CONTRACTING = "contracting"
    """Phase 3: the runtime refuses to write the old version."""
    WRITE_RETIRED = "write-retired"
    READ_RETIRED = "read-retired"
    REVERTING = "reverting"
    REVERTED = "reverted"
    ABORTED = "aborted"
    ABANDONED = "abandoned"


class Verb(StrEnum):
    """What an operator asks for. ``cancel`` nobody asks for: it is what a switch does that was refused half-way."""

    START = "start"
    SWITCH = "switch"
    CONVERGE = "converge"
    CONTRACT = "contract"
    RETIRE_WRITE = "retire-write"
    RETIRE_READ = "retire-read"
    ABORT = "abort"
    CANCEL = "cancel"
    REVERT = "revert"
    REOPEN = "reopen"
    ABANDON = "abandon"


class Transition(NamedTuple):
    """From a state, by a verb, through a gate (empty: none), to the next state."""

    state: State
    verb: Verb
    gate: str
    to: State


TRANSITIONS: Final = (
    Transition(State.PLANNED, Verb.START, "G0", State.EXPANDING),
    Transition(State.EXPANDING, Verb.SWITCH, "G1", State.SWITCHING),
    Transition(State.SWITCHING, Verb.CONVERGE, "G2", State.SWITCHED),
    Transition(State.SWITCHED, Verb.CONTRACT, "G3", State.CONTRACTING),
    Transition(State.CONTRACTING, Verb.RETIRE_WRITE, "G4", State.WRITE_RETIRED),
    Transition(State.WRITE_RETIRED, Verb.RETIRE_READ, "G5", State.READ_RETIRED),
    Transition(State.PLANNED, Verb.ABORT, "", State.ABORTED),
    Transition(State.EXPANDING, Verb.ABORT, "", State.ABORTED),
    Transition(State.SWITCHING, Verb.CANCEL, "", State.EXPANDING),
    Transition(State.SWITCHING, Verb.REVERT, "", State.REVERTING),
    Transition(State.SWITCHED, Verb.REVERT, "", State.REVERTING),
    Transition(State.REVERTING, Verb.CONVERGE, "G2", State.REVERTED),
    Transition(State.REVERTED, Verb.SWITCH, "G1", State.SWITCHING),
    Transition(State.REVERTED, Verb.ABANDON, "", State.ABANDONED),
    Transition(State.CONTRACTING, Verb.REOPEN, "", State.SWITCHED),
)
"""The whole law. A switch that is cancelled goes back to where it came from, EXPANDING or REVERTED."""

ENDED: Final = frozenset({State.ABORTED, State.ABANDONED, State.READ_RETIRED})
"""Nothing follows these."""
UNDER_WAY: Final = frozenset({State.EXPANDING, State.SWITCHING, State.SWITCHED, State.REVERTING, State.REVERTED})
"""While one rollout of a contract is here, no other of it may start in the environment."""


def find_transition(state: State, verb: Verb) -> Transition | None:
    """The row for a verb in a state; ``None`` where it is not allowed there."""
    return next((row for row in TRANSITIONS if row.state is state and row.verb is verb), None)
