"""The gap between the look and the switch, the right to publish, and clusters that mirror the first one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from registry.environment import Cluster
from registry.frozen import replace
from registry.kafka.rollout.control import ControlRecord
from registry.rollout.errors import BrokerUnavailable, Fenced, LostRace, SplitBrain
from registry.rollout.order import Order
from registry.rollout.outcome import Exit, exit_code_of
from registry.rollout.states import State
from tests.rollout_world import EVENT, PRODUCTION, World, blockers, explain, make_ready, make_switched, write


def ranks(world: World) -> list[tuple[int, int, int]]:
    """Epoch, active and prepared version of all that was published."""
    return [(record.epoch, record.active, record.prepare) for record in world.cluster.published]


def test_a_switch_publishes_twice_and_stores_the_new_version_first() -> None:
    world = make_ready(World())
    write(world, 3)
    seen: list[tuple[str, tuple[int, ...]]] = []

    def at(name: str) -> None:
        if "published" in name and name.startswith("before"):
            seen.append((name, world.rollout().stored))

    outcome = world.operator(at=at).switch(Order(EVENT))
    assert outcome.after.state is State.SWITCHED, explain(outcome)
    assert ranks(world) == [(1, 1, 2), (1, 2, 0)]
    assert [stored for _, stored in seen] == [(1, 2), (1, 2)]
    prepared, active = world.cluster.published
    assert (prepared.writable, active.writable) == ((1,), (1, 2)), "what may still be cancelled nobody writes"
    assert [version.number for version in prepared.versions] == [1, 2]
    mark = outcome.after.barrier["main"][0]
    assert (mark.start, mark.committed) == (3, 3)


def test_a_reader_of_the_old_version_that_starts_in_the_gap_is_refused_or_cancels_the_switch() -> None:
    """S10. It beats, and joins before the control record is there."""
    world = make_ready(World())

    def at(name: str) -> None:
        if name == "before epoch 1, prepare is published":
            world.start_reader("edge-cache", "late-pod", 1, build="2026.01")

    outcome = world.operator(at=at).switch(Order(EVENT))
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert "G1.2:instance/edge-cache/late-pod" in blockers(outcome)
    assert ranks(world) == [(1, 1, 2), (2, 1, 0)]
    rollout = world.rollout()
    assert (rollout.state, rollout.stored, rollout.origin) == (State.EXPANDING, (1,), None)
    assert "2026.01" in rollout.reason
    assert write(world, 1) == [1]


def test_an_instance_that_does_not_hear_cancels_the_switch_as_unknown() -> None:
    world = make_ready(World())
    world.cluster.down = {"follow_control"}
    outcome = world.run("switch")
    assert outcome.exit_code is Exit.UNKNOWN, explain(outcome)
    assert {check.number for check in outcome.missing} >= {"G1.8"}
    assert ranks(world) == [(1, 1, 2), (2, 1, 0)]
    assert world.state is State.EXPANDING

    world.cluster.down = set()
    world.live(30)
    assert world.demand("switch").after.state is State.SWITCHED


def test_a_switch_after_a_revert_that_is_cancelled_goes_back_to_reverted() -> None:
    world = make_switched(World())
    world.demand("revert", reason="orders doubled")
    world.cluster.down = {"follow_control"}
    outcome = world.run("switch")
    assert (outcome.exit_code, outcome.after.state) == (Exit.UNKNOWN, State.REVERTED)
    assert outcome.after.stored == (1, 2), "the new version was written once, and stays in the log"
    assert outcome.after.publication.writable == (1, 2)


def test_half_of_the_owner_misses_the_record() -> None:
    """S6. The switch is done and not proven: both versions are read, there is no barrier, who is missing is named."""
    world = make_ready(World(), instances=2)
    deaf = next(each for each in world.instances if each.place.service == "content-api")

    def at(name: str) -> None:
        if name == "before epoch 1 is published":
            deaf.freeze()

    outcome = world.operator(at=at).switch(Order(EVENT))
    assert outcome.exit_code is Exit.DONE
    assert outcome.after.state is State.SWITCHING
    assert outcome.after.barrier["main"][0].committed == -1
    assert any(deaf.name in check.observation.subject for check in outcome.missing)
    assert outcome.next.startswith("rollout converge")
    assert world.run("converge").exit_code is not Exit.DONE

    deaf.thaw()
    world.live(30)
    assert world.demand("converge").after.state is State.SWITCHED


class Rivals:
    """A cluster on which somebody takes the right to publish away, a number of times."""

    def __init__(self, inner: object, times: int) -> None:
        self._inner, self.times = inner, times

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    @contextmanager
    def open_control(self, environment: str, contract: str) -> Iterator["Rivals"]:
        with self._inner.open_control(environment, contract) as self.writer:
            yield self

    def publish(self, record: ControlRecord) -> None:
        if self.times:
            self.times -= 1
            with self._inner.open_control(record.environment, record.contract):
                pass
        self.writer.publish(record)


def test_who_lost_the_right_takes_it_again_while_git_still_says_so() -> None:
    world = make_ready(World())
    outcome = world.operator(brokers={"main": Rivals(world.cluster, 2)}).switch(Order(EVENT))
    assert outcome.after.state is State.SWITCHED, explain(outcome)
    assert ranks(world) == [(1, 1, 2), (1, 2, 0)]


def test_who_loses_the_right_each_time_gives_up_and_names_the_repair() -> None:
    world = make_ready(World())
    with pytest.raises(Fenced) as caught:
        world.operator(brokers={"main": Rivals(world.cluster, 9)}).switch(Order(EVENT))
    assert exit_code_of(caught.value) is Exit.LOST_RACE
    assert f"contracts rollout reconcile {EVENT} --env production" in caught.value.help
    assert ranks(world) == []
    world.operator().reconcile()
    assert world.state is State.SWITCHED


def test_a_deployment_that_is_recorded_meanwhile_is_judged_before_the_switch() -> None:
    """It changes what the gate has read: the gate is asked again, and this time it says no."""
    world = make_ready(World())

    def at(name: str) -> None:
        if name == "the right to publish is taken":
            world.deploy("edge-cache", 1, build="2026.01", instance="pod-9")

    outcome = world.operator(at=at).switch(Order(EVENT))
    assert outcome.exit_code is Exit.NO
    assert "G1.1:service/edge-cache" in blockers(outcome)
    assert (world.state, ranks(world)) == (State.EXPANDING, [])


def test_a_deployment_that_is_recorded_while_everybody_is_heard_cancels_the_switch() -> None:
    world = make_ready(World())

    def at(name: str) -> None:
        if name == "after epoch 1, prepare is published":
            world.deploy("edge-cache", 1, build="2026.01", instance="pod-9")

    outcome = world.operator(at=at).switch(Order(EVENT))
    assert outcome.exit_code is Exit.NO
    assert ranks(world) == [(1, 1, 2), (2, 1, 0)]


def test_who_only_looks_meanwhile_takes_nothing_away() -> None:
    """A job that checks each minute records what it sees of the same rollout, and the switch goes on."""
    world = make_ready(World())
    looked: dict[str, object] = {}

    def at(name: str) -> None:
        if name not in looked and ("published" in name or name.startswith("before content")):
            world.start_reader("edge-cache", f"pod-{len(looked)}", 1, 2)
            world.live(10)
            looked[name] = world.operator("ci@example.com").check(Order(EVENT))

    outcome = world.operator(at=at).switch(Order(EVENT))
    assert len(looked) > 4
    assert outcome.after.state is State.SWITCHED, explain(outcome)
    assert ranks(world) == [(1, 1, 2), (1, 2, 0)]


def test_a_control_topic_that_says_more_than_git_stops_everything() -> None:
    world = make_ready(World())
    with world.cluster.open_control("production", EVENT) as writer:
        writer.publish(ControlRecord(EVENT, "production", 7, 2, (2,), by="mallory@example.com"))
    before = world.journal.read().commit
    for command in (
        lambda: world.run("switch"),
        lambda: world.operator().reconcile(),
    ):
        with pytest.raises(SplitBrain) as caught:
            command()
        assert "epoch 7, active v2, writable v2" in caught.value.message
        assert "mallory@example.com" in caught.value.message
    assert (world.journal.read().commit, len(world.cluster.published)) == (before, 1)


def test_another_record_of_the_same_rank_is_a_split_brain() -> None:
    world = make_switched(World())
    with world.cluster.open_control("production", EVENT) as writer:
        writer.publish(replace(world.cluster.published[-1], active=1, by="mallory@example.com"))
    for verb in ("contract", "revert"):
        with pytest.raises(SplitBrain, match="git says epoch 1, active v2"):
            world.run(verb, reason="because")
    assert world.state is State.SWITCHED


def test_two_split_brains_do_not_keep_others_from_being_repaired() -> None:
    world = make_ready(World())
    world.cluster.down = {"publish"}
    with pytest.raises(BrokerUnavailable):
        world.run("switch")
    world.cluster.down = set()
    world.cluster.control.set_back(0)
    world.operator().reconcile()
    assert world.state is State.SWITCHED


def test_somebody_who_decides_first_leaves_nothing_to_publish() -> None:
    """S5."""
    world = make_ready(World())

    def at(name: str) -> None:
        if name == "the right to publish is taken":
            world.demand("abort", reason="enough")

    with pytest.raises(LostRace) as caught:
        world.operator(at=at).switch(Order(EVENT))
    assert exit_code_of(caught.value) is Exit.LOST_RACE
    assert (world.state, ranks(world)) == (State.ABORTED, [])


def test_the_barrier_is_found_on_every_cluster() -> None:
    mirrored = replace(PRODUCTION, clusters=(Cluster("main", "m:1"), Cluster("west", "w:1", "main.{topic}")))
    world = make_ready(World(mirrored))
    write(world, 2)
    west = world.clusters["west"]
    assert "main.content.items" in west.topics
    outcome = world.run("switch")
    waive = tuple(
        f"{check.number}:{check.observation.subject}"
        for check in outcome.missing
        if "west" in check.observation.subject
    )
    if waive:
        outcome = world.run("switch", waive=waive, reason="nobody reads the mirror")
    assert outcome.after.state in (State.SWITCHED, State.SWITCHING), explain(outcome)
    assert set(outcome.after.barrier) == {"main", "west"}
    assert west.published == [], "only the first cluster is written to"
