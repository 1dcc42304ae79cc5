"""The writer's side: who missed the record, who writes behind the barrier, what still waits, and the way back."""

import pytest

from registry.rollout.outcome import Exit
from registry.rollout.states import State
from tests.rollout_services import OwnerInstance, frame
from tests.rollout_world import EVENT, OWNER, TOPIC, World, blockers, explain, make_ready, make_switched, write


class Deaf(OwnerInstance):
    """An instance that hears of what is prepared, and of nothing after it."""

    def follow(self) -> bool:
        heard = self.record is not None and self.record.prepare
        return True if heard else super().follow()


def add_deaf(world: World, name: str) -> Deaf:
    made = Deaf(world.place(OWNER), name, "b1+2", (1, 2), f"User:{OWNER}")
    world.instances.append(made)
    made.start()
    return made


def test_s6_half_of_the_owners_instances_miss_the_control_record() -> None:
    world = make_ready(World())
    hears, deaf = world.find(OWNER)[0], add_deaf(world, "pod-deaf")
    world.live(10)

    outcome = world.run("switch")

    assert outcome.exit_code is Exit.DONE, "the switch itself is done; converging is not"
    assert world.state is State.SWITCHING
    assert not any(mark.committed >= 0 for marks in world.rollout().barrier.values() for mark in marks.values())
    assert "converge" in outcome.next
    for _ in range(3):
        assert (hears.produce(), deaf.produce()) == (2, 1)  # type: ignore[attr-defined]  # both are of the owner
    world.live(20)
    waiting = world.run("converge")
    assert waiting.exit_code is not Exit.DONE
    assert any("pod-deaf" in name for name in blockers(waiting)), explain(waiting)
    assert not any(hears.subject in name for name in blockers(waiting))
    for service in world.readers:
        (reader,) = world.find(service)
        assert {version for _, _, version in reader.handled} == {1, 2}, "both formats are read"
        assert reader.stuck == []

    deaf.stop()
    world.live(10)
    assert world.demand("converge").after.state is State.SWITCHED
    (marks,) = world.rollout().barrier.values()
    assert marks[0].committed == 6, "one past the last old record"


def test_s7_a_rogue_writer_behind_the_barrier_is_found_with_partition_and_offset() -> None:
    world = make_switched(World(partitions=2))
    world.cluster.super_users = ("User:migration",)
    offset = world.cluster.write(TOPIC, frame(1), key="rogue", partition=0, principal="User:migration")
    world.live(20)

    outcome = world.run("contract")

    assert outcome.exit_code is Exit.NO, explain(outcome)
    (name,) = [name for name in blockers(outcome) if name.startswith("G3.4")]
    assert name == f"G3.4:partition/main/{TOPIC}/0"
    assert str(offset) in blockers(outcome)[name]
    assert world.state is State.SWITCHED
    for service in world.readers:
        (reader,) = world.find(service)
        assert (0, offset, 1) in reader.handled, "nothing is lost"


def test_s7_a_rogue_writer_of_an_aborted_transaction_is_found_too() -> None:
    world = make_switched(World())
    rogue = world.cluster.begin()
    offset = world.cluster.write(TOPIC, frame(1), producer=rogue)
    world.cluster.abort(rogue)
    world.live(20)
    outcome = world.run("contract")
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert any(str(offset) in reason for reason in blockers(outcome).values())


def test_s7_later_gates_say_no_too() -> None:
    world = make_switched(World())
    world.demand("contract")
    world.roll(OWNER, 2)
    world.live(20)
    world.cluster.write(TOPIC, frame(1))
    world.live(world.environment.quiet)
    outcome = world.run("retire_write")
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert any(name.startswith("G4.3") for name in blockers(outcome))


def test_s8_an_outbox_that_still_holds_the_old_version() -> None:
    world = make_ready(World())
    (owner,) = world.find(OWNER)
    assert isinstance(owner, OwnerInstance)
    relay, owner.relay = owner.relay, lambda limit=0: None  # type: ignore[method-assign]  # the relay stands still
    for _ in range(3):
        owner.store()
    world.live(40)

    assert world.demand("switch").after.state is State.SWITCHING
    outcome = world.run("converge")
    assert outcome.exit_code is not Exit.DONE
    (name,) = [name for name in blockers(outcome) if name.startswith("G2.2")]
    assert owner.subject in name
    reason = blockers(outcome)[name]
    assert "3" in reason and ("s" in reason or "min" in reason), reason

    owner.relay = relay  # type: ignore[method-assign]  # it goes on
    world.live(20)
    assert world.demand("converge").after.state is State.SWITCHED
    (marks,) = world.rollout().barrier.values()
    assert marks[0].committed == 3, "the rows were written as they were encoded, and lie before the barrier"


@pytest.mark.parametrize("late", [False, True])
def test_s9_a_revert_after_the_new_version_was_written(late: bool) -> None:
    world = make_switched(World(), instances=2)
    builds = [each.build for each in world.find(OWNER)]
    if late:
        world.live(300)

    world.demand("revert", reason="prices are wrong")

    assert world.state is State.REVERTED
    assert [each.build for each in world.find(OWNER)] == builds, "nothing was deployed"
    assert write(world, 2) == [1, 1, 1, 1]
    control = world.cluster.read_control("production")[EVENT]
    assert (control.epoch, control.active, control.stored) == (2, 1, (1, 2))
    replay = world.add_reader("search-index", "pod-replay", 1, 2)
    world.cluster.find_group("search-index").expire()
    replay.start()
    world.live(20)
    readers = [each for each in world.find("search-index") if {1, 2} <= {v for _, _, v in each.handled}]
    assert readers, "records of the new version are read still"

    world.demand("switch")
    assert world.state is State.SWITCHED
    assert write(world, 1) == [2, 2]
    assert world.cluster.read_control("production")[EVENT].epoch == 3


def test_s9_what_the_new_build_wrote_keeps_old_readers_out_after_a_revert() -> None:
    world = make_switched(World())
    world.demand("revert", reason="prices are wrong")
    old = world.start_reader("edge-cache", "pod-old", 1)
    assert old.stage == "refused"
    assert "v2 may lie in the log" in old.trouble


def test_a_revert_waits_for_instances_that_write_the_new_version_still() -> None:
    world = make_switched(World())
    deaf = add_deaf(world, "pod-deaf")
    deaf.follow = lambda: True  # type: ignore[method-assign]  # it hears nothing
    world.live(10)
    world.demand("revert", reason="prices are wrong")
    assert world.state is State.REVERTING
    assert any("pod-deaf" in name for name in blockers(world.run("converge")))
    deaf.stop()
    world.live(10)
    world.demand("converge")
    assert world.state is State.REVERTED


def test_an_owner_that_cannot_write_the_new_version_holds_up_the_switch() -> None:
    world = make_ready(World())
    world.start_owner("pod-old", 1, build="2026.02.1")
    outcome = world.run("switch")
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert any(name.startswith("G1.4") and "pod-old" in name for name in blockers(outcome))


def test_contracting_makes_the_runtime_refuse_the_old_version() -> None:
    world = make_switched(World())
    world.demand("contract")
    old = world.start_owner("pod-old", 1)
    assert old.produce() == 0
    assert "refuses to write" in old.trouble
    world.demand("reopen", reason="one service needs another week")
    old.follow()
    assert old.produce() == 1
