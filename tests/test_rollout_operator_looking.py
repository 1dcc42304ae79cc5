"""Looking: what check records, how long a command waits, what status tells, and what is published of it: nothing."""

from collections.abc import Callable

import pytest

from registry.frozen import replace
from registry.rollout.checks import Verdict
from registry.rollout.errors import BrokerSilent, BrokerUnavailable, LostRace
from registry.rollout.evidence import Question
from registry.rollout.order import Order
from registry.rollout.outcome import Exit, exit_code_of
from registry.rollout.states import State
from tests.rollout_world import (
    EVENT,
    OWNER,
    PRODUCTION,
    World,
    blockers,
    explain,
    make_quiet,
    make_ready,
    make_switched,
)


def test_check_records_what_is_new_and_since_when() -> None:
    world = make_ready(World())
    assert world.run("check").exit_code is Exit.DONE
    first = world.journal.read().commit
    since = {each.subject: each.since for each in world.rollout().checks if each.check == "G1.2"}
    world.live(30)
    world.run("check")
    assert world.journal.read().commit == first, "the same words again are no news"

    pod = world.start_reader("edge-cache", "old-pod", 1)
    world.live(10)
    assert world.run("check").exit_code is Exit.NO
    recorded = {each.subject: each for each in world.rollout().checks if each.check == "G1.2"}
    assert recorded[pod.subject].verdict is Verdict.NO
    assert all(recorded[subject].since == moment for subject, moment in since.items() if subject in recorded)


def test_the_soak_counts_from_the_first_look_that_found_nothing() -> None:
    world = make_ready(World(make_quiet(soak=3600.0)))
    assert world.run("switch").exit_code is Exit.NO
    world.live(1800)
    assert world.run("switch").exit_code is Exit.NO
    world.live(1800)
    assert world.demand("switch").after.state is State.SWITCHED, "the soak is not begun anew by the preparation"


def test_a_look_that_found_something_begins_the_soak_anew() -> None:
    world = make_ready(World(make_quiet(soak=3600.0)))
    world.run("check")
    world.live(1800)
    pod = world.start_reader("edge-cache", "old-pod", 1)
    world.live(10)
    world.run("check")
    pod.stop()
    world.live(1800)
    refused = world.run("switch")
    assert {check.number for check in refused.missing} == {"G1.5"}, explain(refused)


def test_a_command_waits_while_it_is_unknown() -> None:
    world = make_ready(World())
    world.cluster.find_group("legacy").commit("content.items", 0, 4)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        world.live(seconds)
        if len(waits) == 3:
            world.cluster.groups.pop("legacy")

    outcome = world.operator(wait=wait).check(Order(EVENT, patience=600.0))
    assert outcome.exit_code is Exit.DONE, explain(outcome)
    assert waits == [10.0, 10.0, 10.0]


def test_a_command_waits_no_longer_than_it_was_told_and_not_at_all_for_a_no() -> None:
    world = make_ready(World())
    world.cluster.find_group("legacy").commit("content.items", 0, 4)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        world.live(seconds)

    assert world.operator(wait=wait).check(Order(EVENT, patience=25.0)).exit_code is Exit.UNKNOWN
    assert waits == [10.0, 10.0, 5.0]
    waits.clear()
    world.start_reader("edge-cache", "old-pod", 1)
    world.live(10)
    assert world.operator(wait=wait).check(Order(EVENT, patience=600.0)).exit_code is Exit.NO
    assert waits == []


def test_who_waits_notices_that_somebody_else_decided() -> None:
    world = make_ready(World())
    world.cluster.find_group("legacy").commit("content.items", 0, 4)

    def wait(seconds: float) -> None:
        world.demand("abort", reason="enough")

    with pytest.raises(LostRace) as caught:
        world.operator(wait=wait).switch(Order(EVENT, patience=600.0))
    assert exit_code_of(caught.value) is Exit.LOST_RACE
    assert world.cluster.published == []


def test_check_of_what_nobody_planned_judges_its_start_and_writes_nothing() -> None:
    world = World()
    outcome = world.run("check")
    assert (outcome.gate, outcome.after, outcome.exit_code) == ("G0", None, Exit.DONE)
    assert outcome.next.startswith("rollout start")
    assert world.journal.read().commit == ""


def test_all_rollouts_are_looked_at_with_one_entry_in_the_journal() -> None:
    world = make_ready(World())
    before = len(world.journal.history)
    (outcome,) = world.operator().check_all(Order(""))
    assert (outcome.gate, outcome.exit_code) == ("G1", Exit.DONE)
    assert len(world.journal.history) == before + 1
    assert world.rollout().checks
    world.operator().check_all(Order(""))
    assert len(world.journal.history) == before + 1


def test_status_tells_where_it_stands_and_writes_nothing() -> None:
    world = make_switched(World())
    before = world.journal.read().commit, len(world.cluster.published)
    (outcome,) = world.operator().status()
    assert (outcome.after.state, outcome.gate, outcome.next.split()[1]) == (State.SWITCHED, "G3", "contract")
    (unasked,) = world.operator().status(ask=False)
    assert unasked.verdict is Verdict.UNKNOWN
    assert (world.journal.read().commit, len(world.cluster.published)) == before


def test_status_leaves_out_what_has_ended_unless_it_is_asked_for() -> None:
    world = make_ready(World())
    world.demand("abort", reason="not this month")
    assert world.operator().status() == ()
    (outcome,) = world.operator().status(EVENT)
    assert (outcome.after.state, outcome.gate, outcome.verdict, outcome.next) == (State.ABORTED, "", None, "")
    assert outcome.exit_code is Exit.DONE


@pytest.mark.parametrize(
    ("question", "method"),
    [(Question.GROUPS, "read_groups"), (Question.HEARTBEATS, "read_heartbeats"), (Question.ACCESS, "read_access")],
)
def test_a_question_without_an_answer_is_unknown_with_its_reason(question: Question, method: str) -> None:
    world = make_ready(World())
    world.cluster.down = {method}
    outcome = world.run("switch")
    assert outcome.exit_code is Exit.UNKNOWN
    assert outcome.missing
    assert all(
        "main" in check.observation.reason for check in outcome.missing if "cluster/" in check.observation.subject
    )
    assert world.cluster.published == []


def test_a_cluster_that_is_away_makes_every_check_of_it_unknown() -> None:
    world = make_ready(World())
    world.cluster.down = {"*"}
    outcome = world.run("switch")
    assert outcome.exit_code is Exit.UNKNOWN
    assert {check.number for check in outcome.missing} >= {"G1.2", "G1.3", "G1.4"}


def test_no_cluster_is_asked_where_somebody_says_so() -> None:
    world = make_ready(World())

    def forbidden(*_: object) -> object:
        raise AssertionError("nobody may ask")

    operator = world.operator(brokers={"main": _Forbidden(forbidden)}, unasked="--no-broker")
    outcome = operator.check(Order(EVENT))
    assert outcome.exit_code is Exit.UNKNOWN
    assert any("--no-broker" in check.observation.reason for check in outcome.missing)


class _Forbidden:
    def __init__(self, refuse: Callable[..., object]) -> None:
        self._refuse = refuse

    def __getattr__(self, name: str) -> Callable[..., object]:
        return self._refuse


def test_an_environment_whose_clusters_nobody_names_is_unknown() -> None:
    world = World(replace(PRODUCTION, name="staging", clusters=()), beside=World())
    for service in (*world.readers, OWNER):
        world.deploy(service, 1, 2)
    world.demand("start")
    outcome = world.run("switch")
    assert outcome.exit_code is Exit.UNKNOWN
    assert any("policy.yaml names no cluster for staging" in check.observation.reason for check in outcome.missing)


def test_a_cluster_that_dies_between_the_decision_and_its_publication() -> None:
    world = make_ready(World())
    world.cluster.down = {"publish"}
    with pytest.raises(BrokerUnavailable) as caught:
        world.run("switch")
    assert exit_code_of(caught.value) is Exit.NO_LOOK
    assert "contracts rollout reconcile" in caught.value.help
    assert (world.state, world.cluster.published) == (State.SWITCHING, [])

    world.cluster.down = set()
    (repaired,) = world.operator("ben@example.com").reconcile()
    assert repaired.after.state is State.SWITCHED
    assert [record.rank for record in world.cluster.published] == [(1, 0), (1, 1)]


def test_reconcile_dry_tells_what_is_left() -> None:
    world = make_ready(World())
    world.cluster.down = {"publish"}
    with pytest.raises(BrokerUnavailable):
        world.run("switch")
    world.cluster.down = set()
    before = world.journal.read().commit
    (told,) = world.operator().reconcile(EVENT, dry_run=True)
    assert "behind git" in told.done[0]
    assert (world.journal.read().commit, world.cluster.published) == (before, [])


def test_a_cluster_that_does_not_answer_at_all_is_asked_once() -> None:
    world = make_ready(World())
    asked: list[str] = []

    def be_silent(*_: object) -> object:
        asked.append("")
        raise BrokerSilent("the cluster main does not answer: no broker can be reached")

    outcome = world.operator(brokers={"main": _Forbidden(be_silent)}).check(Order(EVENT))
    assert outcome.exit_code is Exit.UNKNOWN
    assert len(asked) == 1
    told = [check for check in outcome.missing if "no broker can be reached" in check.observation.reason]
    assert {check.number for check in told} >= {"G1.2", "G1.3", "G1.4"}


def test_check_names_a_broken_invariant_that_no_gate_asks_for_now() -> None:
    world = make_switched(World())
    world.cluster.allow("User:intern", "write", "content.items")
    outcome = world.run("check")
    assert outcome.exit_code is Exit.NO
    assert list(blockers(outcome)) == ["I4:principal/User:intern"]
    world.cluster.acls.discard(("User:intern", "write", "content.items"))
    assert world.run("check").exit_code is Exit.DONE
    world.versions[1] = "edited"
    assert "I2:version/1" in blockers(world.run("check"))


def test_a_dry_run_and_a_status_write_no_record_to_be_told_the_time() -> None:
    """A broker tells it with the acknowledgement of what is written; they go by the clock of this machine."""
    world = make_ready(World())
    world.cluster.down = {"read_now"}
    assert world.run("check").exit_code is Exit.UNKNOWN
    assert world.run("switch", dry_run=True).verdict is Verdict.YES
    assert world.run("check", dry_run=True).verdict is Verdict.YES
    (seen,) = world.operator().status(EVENT)
    assert seen.verdict is Verdict.YES
