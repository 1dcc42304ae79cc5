"""Operators that are killed, operators that race, and a control plane that is gone or remembers less than git."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from registry.kafka.rollout.control import ControlRecord
from registry.rollout.errors import BrokerUnavailable, SplitBrain
from registry.rollout.order import Order
from registry.rollout.outcome import Exit, exit_code_of
from registry.rollout.states import State
from tests.rollout_actors import Actor
from tests.rollout_services import FIRST_ID
from tests.rollout_world import EVENT, OWNER, World, explain, make_ready, make_switched, write


def make_contracting() -> World:
    world = make_switched(World())
    world.demand("contract")
    return world


def make_write_retirable() -> World:
    world = make_contracting()
    world.roll(OWNER, 2)
    world.live(world.environment.quiet + 20)
    return world


def make_read_retirable() -> World:
    world = make_write_retirable()
    world.demand("retire_write")
    for log in world.cluster.topics["content.items"].values():
        log.delete_before(log.high)
    return world


def make_planned() -> World:
    world = World()
    for service in world.readers:
        world.roll(service, 1, 2)
    world.roll(OWNER, 1, 2)
    world.live(10)
    world.demand("plan")
    return world


STORIES: dict[str, tuple[Callable[[], World], State]] = {
    "start": (make_planned, State.EXPANDING),
    "switch": (lambda: make_ready(World()), State.SWITCHED),
    "revert": (lambda: make_switched(World()), State.REVERTED),
    "contract": (lambda: make_switched(World()), State.CONTRACTING),
    "reopen": (make_contracting, State.SWITCHED),
    "retire_write": (make_write_retirable, State.WRITE_RETIRED),
    "retire_read": (make_read_retirable, State.READ_RETIRED),
    "abort": (lambda: make_ready(World()), State.ABORTED),
}
"""What is there before a verb, and where it leads."""


def count_places(make: Callable[[], World], verb: str) -> int:
    """How many places there are at which an operator may be killed."""
    actor = Actor(make(), "ana@example.com")
    actor.begin(lambda operator: getattr(operator, verb)(Order(EVENT, reason="why not")))
    count = 1
    while actor.waits and actor.until:
        actor.world.live(1)
    while actor.go_on():
        count += 1
        while actor.waits and actor.until:
            actor.world.live((actor.until - actor.world.clock()).total_seconds())
    return count


def kill_at(world: World, verb: str, place: int) -> str:
    """Somebody begins a command and is killed at a place; what the place is called."""
    actor = Actor(world, "ana@example.com")
    actor.begin(lambda operator: getattr(operator, verb)(Order(EVENT, reason="why not")))
    for _ in range(place):
        actor.go_on()
        while actor.waits and actor.until:
            world.live((actor.until - world.clock()).total_seconds())
    where = actor.place
    actor.kill()
    return where


def reconcile(world: World) -> None:
    """Somebody else repairs, from another machine; the second time there is nothing left to repair."""
    world.operator("ben@example.com").reconcile()
    before = (world.journal.read().commit, len(world.cluster.published))
    world.operator("eve@example.com").reconcile()
    assert (world.journal.read().commit, len(world.cluster.published)) == before, "twice changes nothing"


def portray(world: World) -> dict[str, object]:
    """What two stories with the same end have in common: everything but the times and who did it."""
    rollout = world.rollout()
    control = world.cluster.read_control("production").get(EVENT)
    return {
        "state": rollout.state,
        "epoch": rollout.epoch,
        "stored": rollout.stored,
        "barrier": rollout.barrier,
        "control": control and (control.epoch, control.active, control.prepare, control.writable, control.stored),
        "writes": [each.active for each in world.find(OWNER)],
    }


@pytest.mark.parametrize("verb", STORIES)
def test_s4_the_operator_is_killed_between_any_two_steps(verb: str) -> None:
    make, end = STORIES[verb]
    straight = make()
    straight.demand(verb, reason="why not")
    straight.live(20)
    expected = portray(straight)
    assert expected["state"] is end

    for place in range(count_places(make, verb)):
        world = make()
        where = kill_at(world, verb, place)
        reconcile(world)
        if world.state is not end:
            outcome = world.run(verb, reason="why not")
            assert outcome.exit_code is Exit.DONE, f"{place} {where}: {explain(outcome)}"
        world.live(20)
        assert portray(world) == expected, f"{place} {where}"


def test_s4_a_publication_whose_outcome_nobody_knows_is_repaired() -> None:
    for fate in ("written", "lost", "late"):
        for which in range(2):
            world = make_ready(World())
            operator = world.operator()
            world.cluster.uncertain = [""] * which + [fate]
            with pytest.raises(BrokerUnavailable):
                operator.switch(Order(EVENT))
            world.cluster.uncertain = []
            assert world.state is State.SWITCHING
            reconcile(world)
            world.live(20)
            if world.state is not State.SWITCHED:
                world.demand("switch")
            assert write(world, 1) == [2], (fate, which)


def test_s5_two_operators_at_once() -> None:
    """At whatever place the first one stands still while the second does it all: one wins, nobody undoes it."""
    make, _ = STORIES["switch"]
    seen = set()
    for place in range(count_places(make, "switch")):
        world = make()
        ana, ben = Actor(world, "ana@example.com"), Actor(world, "ben@example.com")
        ana.begin(lambda operator: operator.switch(Order(EVENT)))
        for _ in range(place):
            ana.go_on()
            while ana.waits and ana.until:
                world.live((ana.until - world.clock()).total_seconds())
        where = ana.place
        ben.begin(lambda operator: operator.switch(Order(EVENT)))
        ben.finish()
        ana.finish()
        exits = tuple(
            actor.result.exit_code if actor.error is None else exit_code_of(actor.error) for actor in (ana, ben)
        )
        seen.add(exits)
        assert set(exits) <= {Exit.DONE, Exit.LOST_RACE}, (place, where, ana.error, ben.error)
        assert Exit.DONE in exits
        assert world.state is State.SWITCHED
        ranks = [(each.epoch, not each.prepare) for each in world.cluster.published]
        assert ranks == sorted(ranks), (place, where, ranks)
        assert world.cluster.read_control("production")[EVENT].active == 2
    assert (Exit.LOST_RACE, Exit.DONE) in seen, "some of these races were lost"


def test_s5_the_loser_of_the_decision_has_published_nothing() -> None:
    """Both have seen a yes, and both come to decide: the one that comes second is told, and says nothing to anybody."""
    world = make_ready(World())
    ana = Actor(world, "ana@example.com")
    ana.begin(lambda operator: operator.switch(Order(EVENT)))
    while ana.place != "before journal.write":
        ana.go_on()
    world.operator("ben@example.com").switch(Order(EVENT))
    ana.finish()
    assert ana.error is not None, explain(ana.result)
    assert exit_code_of(ana.error) is Exit.LOST_RACE
    assert "ben@example.com" in str(ana.error)
    assert {each.by for each in world.cluster.published} == {"ben@example.com"}


def test_s20_a_control_topic_that_was_wiped_is_rebuilt_from_git_and_runtimes_go_on_meanwhile() -> None:
    world = make_switched(World())
    world.cluster.control.wipe()
    world.live(30)
    assert write(world, 2) == [2, 2], "they keep what they know"
    reconcile(world)
    control = world.cluster.read_control("production")[EVENT]
    assert (control.epoch, control.active) == (1, 2)
    assert {each.number for each in control.versions} == {1, 2}
    assert FIRST_ID + 2 in {each.schema_id for each in control.versions}


def test_s20_a_control_topic_that_was_set_back_is_ignored_and_set_right() -> None:
    world = make_switched(World())
    world.demand("revert", reason="prices are wrong")
    world.cluster.control.set_back(2)
    assert world.cluster.read_control("production")[EVENT].active == 2
    world.live(30)
    assert write(world, 2) == [1, 1], "a lower epoch is ignored"
    restarted = world.start_owner("content-api-1-b1+2", 1, 2)
    assert restarted.produce() == 1, "what it remembers is newer"
    reconcile(world)
    assert world.cluster.read_control("production")[EVENT].active == 1


def test_s20_control_newer_than_git_is_a_split_brain_and_nothing_is_published() -> None:
    world = make_ready(World())
    world.cluster.place(foreign(7))
    count = len(world.cluster.published)
    with pytest.raises(SplitBrain):
        world.operator().reconcile()
    with pytest.raises(SplitBrain):
        world.run("switch")
    assert len(world.cluster.published) == count


def foreign(epoch: int) -> ControlRecord:
    """What nobody whom git knows has decided."""
    return ControlRecord(EVENT, "production", epoch, 2, (1, 2), 0, (1, 2), (), "nobody@example.com")


def test_s20_the_cluster_is_gone_and_everybody_goes_on() -> None:
    world = make_switched(World())
    world.cluster.down = {"*"}
    outcome = world.run("check")
    assert outcome.exit_code is Exit.UNKNOWN, explain(outcome)
    with pytest.raises(BrokerUnavailable):
        world.run("revert", reason="prices are wrong")
    world.live(120)
    world.cluster.down = set()
    world.live(20)
    assert write(world, 1) in ([1], [2])
    for service in world.readers:
        assert world.find(service)[0].joined


@pytest.mark.parametrize("skew", [-86_400.0, 86_400.0])
def test_s20_clocks_of_services_that_are_wrong_by_a_day_change_no_verdict(skew: float) -> None:
    world = make_ready(World())
    for each in world.instances:
        each.started_at += timedelta(seconds=skew)
    world.live(20)
    world.demand("switch")
    assert world.state is State.SWITCHED


@pytest.mark.parametrize("skew", [-86_400.0, -600.0, -60.0, 60.0])
def test_s20_the_clock_of_the_operators_machine_is_wrong_and_ages_are_told_by_the_clusters(skew: float) -> None:
    world = make_ready(World())
    operator = world.operator(clock=lambda: world.clock() + timedelta(seconds=skew))
    outcome = operator.switch(Order(EVENT))
    assert outcome.exit_code is Exit.DONE, explain(outcome)
    assert world.state is State.SWITCHED


@pytest.mark.parametrize("skew", [600.0, 86_400.0])
def test_s20_an_operator_whose_clock_is_far_ahead_is_told_so(skew: float) -> None:
    """By such a clock every window would be over."""
    world = make_ready(World())
    operator = world.operator(clock=lambda: world.clock() + timedelta(seconds=skew))
    outcome = operator.switch(Order(EVENT))
    assert outcome.exit_code is Exit.UNKNOWN
    (check,) = [each for each in outcome.missing if each.observation.subject == "cluster/main"]
    assert "clock" in check.observation.help
    assert world.cluster.published == []
