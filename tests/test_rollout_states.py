"""The table of transitions against ROLLOUT.md, section 2: complete, everything reachable, what has ended ends."""

import pytest

from registry.rollout.gates import GATES
from registry.rollout.states import ENDED, TRANSITIONS, UNDER_WAY, State, Verb, find_transition

DOCUMENT = """
PLANNED start EXPANDING
EXPANDING switch SWITCHING
SWITCHING converge SWITCHED
SWITCHED contract CONTRACTING
CONTRACTING retire-write WRITE_RETIRED
WRITE_RETIRED retire-read READ_RETIRED
PLANNED abort ABORTED
EXPANDING abort ABORTED
SWITCHING cancel EXPANDING
SWITCHING revert REVERTING
SWITCHED revert REVERTING
REVERTING converge REVERTED
REVERTED switch SWITCHING
REVERTED abandon ABANDONED
CONTRACTING reopen SWITCHED
"""
"""As the document draws it."""


def test_the_table_is_the_document() -> None:
    drawn = {tuple(line.split()) for line in DOCUMENT.split("\n") if line}
    assert {(row.state.name, row.verb.value, row.to.name) for row in TRANSITIONS} == drawn


def test_no_verb_is_there_twice_for_one_state() -> None:
    assert len({(row.state, row.verb) for row in TRANSITIONS}) == len(TRANSITIONS)


def test_every_verb_leads_somewhere() -> None:
    assert {row.verb for row in TRANSITIONS} == set(Verb)


def test_every_state_can_be_reached() -> None:
    reached, before = {State.PLANNED}, set[State]()
    while reached != before:
        before = set(reached)
        reached |= {row.to for row in TRANSITIONS if row.state in reached}
    assert reached == set(State)


def test_what_has_ended_ends_and_nothing_else_does() -> None:
    assert {state for state in State if not any(row.state is state for row in TRANSITIONS)} == ENDED


def test_every_gate_of_the_table_exists_and_every_gate_is_used() -> None:
    assert {row.gate for row in TRANSITIONS} - {""} == set(GATES)


def test_what_is_under_way_can_be_taken_back() -> None:
    for state in UNDER_WAY:
        ways = {row.verb for row in TRANSITIONS if row.state is state}
        assert ways & {Verb.ABORT, Verb.REVERT, Verb.ABANDON, Verb.CONVERGE}, state


def test_no_way_leads_back_behind_a_switch_but_a_revert_and_a_cancel() -> None:
    after = {State.SWITCHING, State.SWITCHED, State.REVERTING, State.REVERTED}
    back = {(row.state, row.verb) for row in TRANSITIONS if row.state in after and row.to is State.EXPANDING}
    assert back == {(State.SWITCHING, Verb.CANCEL)}


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        (State.PLANNED, Verb.SWITCH),
        (State.EXPANDING, Verb.CONTRACT),
        (State.CONTRACTING, Verb.REVERT),
        (State.WRITE_RETIRED, Verb.REOPEN),
        (State.SWITCHED, Verb.ABORT),
        (State.ABANDONED, Verb.START),
    ],
)
def test_what_the_table_does_not_hold_is_not_allowed(state: State, verb: Verb) -> None:
    assert find_transition(state, verb) is None


def test_a_row_is_found_by_state_and_verb() -> None:
    row = find_transition(State.SWITCHED, Verb.CONTRACT)
    assert row is not None
    assert (row.gate, row.to) == ("G3", State.CONTRACTING)
