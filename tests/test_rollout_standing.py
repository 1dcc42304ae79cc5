"""What rollouts mean together: the active version, what may be written, what is stored, what everybody must read."""

import pytest

from registry.rollout.rollout import Publication, Rollout
from registry.rollout.standing import MEANINGS, Standing, stand
from registry.rollout.states import State
from tests.rollout_evidence import ago, preparing, rollout, switched


def shape(standing: Standing) -> tuple[object, ...]:
    return standing.active, standing.writable, standing.stored, standing.required


def test_no_rollout_says_nothing() -> None:
    assert stand([]) == Standing()


def test_every_state_has_its_row() -> None:
    assert set(MEANINGS) == set(State)


# The table of ROLLOUT.md, section 2: (active, writable, stored, what everybody must read).
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.PLANNED, (1, (1,), (1,), (1,))),
        (State.ABORTED, (1, (1,), (1,), (1,))),
        (State.EXPANDING, (1, (1,), (1,), (1,))),
        (State.SWITCHED, (2, (1, 2), (1, 2), (1, 2))),
        (State.CONTRACTING, (2, (2,), (1, 2), (1, 2))),
        (State.WRITE_RETIRED, (2, (2,), (1, 2), (1, 2))),
        (State.READ_RETIRED, (2, (2,), (2,), (2,))),
        (State.REVERTING, (1, (1, 2), (1, 2), (1, 2))),
        (State.REVERTED, (1, (1, 2), (1, 2), (1, 2))),
        (State.ABANDONED, (1, (1, 2), (1, 2), (1, 2))),
    ],
)
def test_what_one_rollout_means(state: State, expected: tuple[object, ...]) -> None:
    begun = state not in (State.PLANNED, State.ABORTED, State.EXPANDING)
    assert shape(stand([rollout(state, stored=(1, 2) if begun else (1,))])) == expected


def test_while_a_version_is_prepared_the_old_one_is_active_and_both_must_be_read() -> None:
    standing = stand([preparing()])
    assert (standing.active, standing.prepared, standing.required) == (1, 2, (1, 2))


def test_once_it_is_published_the_new_one_is_active() -> None:
    standing = stand([preparing(publication=Publication(1, 2, (1, 2)))])
    assert (standing.active, standing.prepared) == (2, 0)


@pytest.mark.parametrize(
    ("state", "served"),
    [
        (State.EXPANDING, False),
        (State.SWITCHED, True),
        (State.CONTRACTING, True),
        (State.REVERTED, True),
        (State.WRITE_RETIRED, False),
        (State.READ_RETIRED, False),
    ],
)
def test_the_old_version_is_served_from_the_switch_until_nobody_asks_for_it(state: State, *, served: bool) -> None:
    flags = stand([rollout(state)]).flags
    assert flags[1].served is served
    assert not flags[2].served


def test_each_version_has_its_flags() -> None:
    flags = stand([switched(State.CONTRACTING)]).flags
    assert (flags[1].readable, flags[1].writable, flags[1].active) == (True, False, False)
    assert (flags[2].readable, flags[2].writable, flags[2].active) == (True, True, True)


# Chains.


def chain(first: State, second: Rollout) -> Standing:
    return stand([switched(first), second])


def test_a_chain_one_contracting_and_the_next_expanding() -> None:
    standing = chain(State.CONTRACTING, rollout(State.EXPANDING, 2, 3, epoch=1))
    assert shape(standing) == (2, (2,), (1, 2), (1, 2))


def test_a_chain_while_the_next_is_prepared() -> None:
    third = rollout(State.SWITCHING, 2, 3, epoch=2, publication=Publication(2, 2, (2,), 3), stored=(2, 3))
    assert shape(chain(State.CONTRACTING, third)) == (2, (2, 3), (1, 2, 3), (1, 2, 3))


def test_a_chain_after_the_next_has_switched() -> None:
    third = rollout(State.SWITCHED, 2, 3, epoch=2, publication=Publication(2, 3, (2, 3)), stored=(2, 3))
    assert shape(chain(State.CONTRACTING, third)) == (3, (2, 3), (1, 2, 3), (1, 2, 3))
    assert shape(chain(State.READ_RETIRED, third)) == (3, (2, 3), (2, 3), (2, 3))


def test_what_a_later_step_made_unwritable_stays_so() -> None:
    third = rollout(State.CONTRACTING, 2, 3, epoch=2, publication=Publication(2, 3, (3,)), stored=(2, 3))
    assert stand([switched(State.CONTRACTING), third]).writable == (3,)


def test_a_step_that_is_only_planned_ahead_adds_nothing() -> None:
    assert shape(stand([rollout(State.EXPANDING), rollout(State.PLANNED, 2, 3)])) == (1, (1,), (1,), (1,))


def test_the_order_they_come_in_does_not_matter() -> None:
    third = rollout(State.EXPANDING, 2, 3, epoch=1)
    both = [switched(State.CONTRACTING), third]
    assert stand(both) == stand(both[::-1])


# Abandoned and aborted versions.


def test_an_abandoned_version_stays_readable_for_ever() -> None:
    old = rollout(State.ABANDONED, epoch=2, stored=(1, 2))
    third = rollout(State.SWITCHED, 1, 3, epoch=3, publication=Publication(3, 3, (1, 3)), stored=(1, 3))
    assert shape(stand([old, third])) == (3, (1, 3), (1, 2, 3), (1, 2, 3))


def test_an_abandoned_version_is_writable_until_the_next_publication_says_otherwise() -> None:
    old = rollout(State.ABANDONED, epoch=2, stored=(1, 2))
    assert stand([old, rollout(State.EXPANDING, 1, 3, epoch=2)]).writable == (1, 2)


def test_the_old_version_of_an_abandoned_step_is_gone_once_another_step_retired_it() -> None:
    old = rollout(State.ABANDONED, epoch=2, stored=(1, 2))
    third = rollout(State.READ_RETIRED, 1, 3, epoch=3, stored=(3,))
    assert shape(stand([old, third])) == (3, (3,), (2, 3), (2, 3))


def test_an_aborted_step_keeps_the_epoch_it_used() -> None:
    gone = rollout(State.ABORTED, epoch=2, publication=Publication(2, 1, (1,)))
    standing = stand([gone, rollout(State.PLANNED, 1, 3)])
    assert (standing.epoch, shape(standing)) == (2, (1, (1,), (1,), (1,)))


def test_a_version_that_was_switched_to_and_reverted_stays_stored_when_the_second_switch_is_cancelled() -> None:
    back = rollout(State.REVERTED, epoch=4, publication=Publication(4, 1, (1, 2)), stored=(1, 2))
    assert shape(stand([back])) == (1, (1, 2), (1, 2), (1, 2))


def test_versions_that_were_there_before_the_first_rollout_are_stored_because_it_says_so() -> None:
    first = rollout(State.SWITCHED, 2, 3, epoch=1, publication=Publication(1, 3, (2, 3)), stored=(1, 2, 3))
    assert stand([first]).required == (1, 2, 3)


def test_the_highest_epoch_counts_whatever_was_touched_last() -> None:
    second = rollout(
        State.SWITCHED, 2, 3, epoch=5, publication=Publication(5, 3, (2, 3)), stored=(2, 3), since=ago(days=9)
    )
    assert stand([switched(State.WRITE_RETIRED, epoch=1), second]).active == 3
