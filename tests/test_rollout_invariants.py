"""I1 to I4: what must hold at every moment. Silence where all is well, and each law broken once."""

from registry.frozen import replace
from registry.kafka.rollout.control import ControlRecord
from registry.rollout.evidence import Access, Evidence
from registry.rollout.invariants import INVARIANTS, find_breaches
from registry.rollout.rollout import Publication, Rollout
from registry.rollout.states import State
from tests.rollout_evidence import (
    EVENT,
    NOW,
    OWNER,
    PRODUCTION,
    beat,
    cluster,
    company,
    preparing,
    rollout,
    scan,
    seen,
    switched,
)

BEFORE = {"control": None, "tail": {}, "everything": {0: scan(0, 100, {1: seen(0, 99)})}}


def broken(*rollouts: Rollout, before: tuple[Rollout, ...] = (), **changes: object) -> list[str]:
    """``I1 instance/edge-cache/pod-1`` for each breach."""
    evidence = looks(*rollouts, **changes)
    return [f"{each.invariant} {each.observation.subject}" for each in find_breaches(EVENT, evidence, NOW, before)]


def looks(*rollouts: Rollout, **changes: object) -> Evidence:
    of_evidence = {key: changes.pop(key) for key in list(changes) if key in Evidence.__slots__}
    return company(cluster(**changes), rollouts=rollouts, **of_evidence)


def test_there_are_four() -> None:
    assert [each.name for each in INVARIANTS] == ["I1", "I2", "I3", "I4"]


def test_where_all_is_well_nothing_is_said() -> None:
    assert broken(**BEFORE) == []
    assert broken(rollout(), **BEFORE) == []
    assert broken(switched()) == []
    assert broken(switched(State.READ_RETIRED, stored=(2,)), everything={}, tail={}) == []


# I1: what is stored can be read.


def hear(*heartbeats: object) -> dict[str, object]:
    return {"heartbeats": (*cluster().heartbeats, *heartbeats)}


OLD = beat("edge-cache", "pod-9", reads=(1,))


def test_a_live_reader_of_the_old_version_alone_breaks_the_first_law_after_the_switch() -> None:
    assert broken(switched(), **hear(OLD)) == ["I1 instance/edge-cache/pod-9"]
    assert broken(rollout(), **BEFORE, **hear(OLD)) == []


def test_while_it_is_only_prepared_nothing_new_can_be_in_the_log() -> None:
    told = {**BEFORE, "control": ControlRecord(EVENT, "production", 1, 1, (1,), 2)}
    assert broken(preparing(), **told, **hear(OLD)) == []


def test_while_a_second_switch_is_prepared_the_first_one_s_records_are_there() -> None:
    again = preparing(epoch=3, publication=Publication(3, 1, (1, 2), 2), origin=State.REVERTED)
    assert broken(again, **hear(OLD)) == ["I1 instance/edge-cache/pod-9"]


def test_from_the_decision_on_it_may_be_in_the_log() -> None:
    decided = preparing(publication=Publication(1, 2, (1, 2)))
    assert broken(decided, **hear(OLD)) == ["I1 instance/edge-cache/pod-9"]


def test_a_reader_that_is_served_or_stands_aside_or_is_silent_breaks_nothing() -> None:
    for fine in (
        beat("edge-cache", "pod-9", reads=(1,), served=(2,)),
        beat("edge-cache", "pod-9", reads=(1,), trouble="cannot read v2: stands aside"),
        beat("edge-cache", "pod-9", reads=(1,), age=3600),
        beat("edge-cache", "pod-9"),
    ):
        assert broken(switched(), **hear(fine)) == []


def test_a_reader_that_forgot_the_old_version_too_early() -> None:
    assert broken(switched(), **hear(beat("edge-cache", "pod-9", reads=(2,)))) == ["I1 instance/edge-cache/pod-9"]


def test_a_retired_version_is_demanded_of_nobody_once_its_rollout_has_ended() -> None:
    new = beat("edge-cache", "pod-9", reads=(2, 3))
    later = rollout(State.EXPANDING, 2, 3, stored=(1, 2), epoch=1)
    git = {2: "digest-2", 3: "digest-3"}
    assert broken(later, **hear(new), versions=git, tail={}, everything={}, control=None) == []
    assert broken(switched(), **hear(beat("edge-cache", "pod-9", reads=(2,))), versions={2: "digest-2"}) == [
        "I1 instance/edge-cache/pod-9"
    ]


def test_the_active_version_is_writable() -> None:
    assert broken(switched(publication=Publication(1, 2, (1,)))) == [f"I1 event/{EVENT}"]
    wrong = ControlRecord(EVENT, "production", 1, 2, (1,))
    assert broken(switched(), control=wrong) == ["I1 control/main"]


# I2: nothing is used twice.


def test_an_edited_version() -> None:  # S19
    assert broken(switched(digests={1: "digest-1", 2: "digest-before"})) == ["I2 version/2"]
    assert broken(switched(digests={1: "digest-1", 2: "digest-2"})) == []
    assert broken(switched(digests={1: "digest-1"}), versions={2: "digest-2"}) == []  # retired since


def test_a_version_that_differs_between_environments() -> None:
    staging = switched(environment="staging", digests={2: "digest-before"})
    assert broken(staging, switched(digests={2: "digest-2"})) == ["I2 version/2"]


def test_an_epoch_that_fell() -> None:
    assert broken(switched(), before=(switched(epoch=5),)) == [f"I2 event/{EVENT}"]
    assert broken(switched(), before=(rollout(),)) == []
    assert broken(switched(), before=(switched(epoch=5, environment="staging"),)) == []


def test_one_epoch_that_two_steps_published() -> None:
    second = rollout(State.SWITCHED, 2, 3, epoch=1, publication=Publication(1, 3, (2, 3)), stored=(2, 3))
    assert f"I2 event/{EVENT}" in broken(switched(State.CONTRACTING), second, **BEFORE)


# I3: git knows first.


def test_a_control_topic_that_is_ahead_of_git() -> None:  # S20
    ahead = ControlRecord(EVENT, "production", 7, 2, (1, 2))
    assert broken(switched(), control=ahead) == ["I3 control/main"]


def test_a_control_topic_that_is_behind_or_wiped_is_repaired_and_breaks_nothing() -> None:
    assert broken(switched(), control=None) == []
    assert broken(switched(epoch=3, publication=Publication(3, 2, (1, 2)))) == []


def test_a_version_that_is_published_before_git_has_it_as_stored() -> None:
    told = ControlRecord(EVENT, "production", 1, 1, (1,), 2)
    early = rollout(epoch=1, publication=Publication(1, 1, (1,), 2))
    assert broken(early, **{**BEFORE, "control": told}) == ["I3 control/main"]


def test_records_of_a_version_that_git_does_not_know_as_stored() -> None:
    assert broken(rollout(), **{**BEFORE, "everything": cluster().everything}) == ["I3 partition/main/content.items/0"]


def test_records_from_before_the_first_rollout_are_nobodys_fault() -> None:
    third = rollout(State.EXPANDING, 2, 3)
    old = {0: scan(0, 9, {1: seen(0, 8)})}
    assert broken(third, **{**BEFORE, "everything": old}, versions={1: "1", 2: "2", 3: "3"}) == []


# I4: one writer.


def test_another_principal_that_may_write() -> None:
    open_ = Access(frozenset(), frozenset({f"User:{OWNER}", "User:legacy"}))
    assert broken(switched(), access=open_) == ["I4 principal/User:legacy"]
    declared = replace(PRODUCTION, super_users=("User:legacy",))
    assert broken(switched(), access=open_, environment=declared) == []


def test_an_instance_of_another_service_that_writes() -> None:
    assert broken(switched(), **hear(beat("legacy", writes=(1,)))) == ["I4 instance/legacy/pod-1"]


def test_every_breach_says_what_to_do() -> None:
    worst = switched(publication=Publication(1, 2, (1,)), digests={2: "before"})
    evidence = looks(
        worst,
        **hear(OLD, beat("legacy", writes=(1,))),
        control=ControlRecord(EVENT, "production", 9, 3, (1,)),
        access=Access(frozenset(), frozenset({"User:legacy"})),
        everything={0: scan(0, 9, {7: seen(3)})},
    )
    found = list(find_breaches(EVENT, evidence, NOW))
    assert {each.invariant for each in found} == {"I1", "I2", "I3", "I4"}
    assert all(each.observation.help and each.observation.reason for each in found)
