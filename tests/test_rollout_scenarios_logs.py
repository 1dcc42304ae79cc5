"""What lies in the log: markers, aborted records, holes, hung transactions, new partitions, and keys gone cold."""

import pytest

from registry.environment import Cluster
from registry.errors import Refused
from registry.rollout.order import Order
from registry.rollout.outcome import Exit
from registry.rollout.states import State
from tests.rollout_services import ReaderInstance, frame
from tests.rollout_world import (
    EVENT,
    OWNER,
    PRODUCTION,
    TOPIC,
    World,
    blockers,
    explain,
    make_quiet,
    make_ready,
    make_switched,
    write,
)


def commit_all(world: World, *, partition: int = 0, versions: tuple[int, ...] = (), ends: bool = True) -> int:
    """A transaction of the owner; its producer."""
    producer = world.cluster.begin()
    for version in versions:
        world.cluster.write(TOPIC, frame(version), key=f"t{world.log.high}", partition=partition, producer=producer)
    if ends:
        world.cluster.commit(producer)
    return producer


def read_barrier(world: World, partition: int = 0) -> tuple[int, int, int]:
    mark = world.rollout().barrier["main"][partition]
    return mark.committed, mark.everything, mark.first_new


def test_s12_markers_at_the_tail_are_no_lag() -> None:
    world = make_ready(World())
    commit_all(world, versions=(1, 1))
    world.demand("switch")
    assert read_barrier(world) == (2, 2, -1), "one past the last old record, not past its marker"
    commit_all(world, versions=(2,))
    for service in world.readers:
        # A consumer that commits what it handled, not where it stands: it never comes past the marker.
        world.find(service)[0].poll = lambda: None  # type: ignore[method-assign, attr-defined]  # it stands still
        world.cluster.find_group(service).commit(TOPIC, 0, 4)
    world.live(20)
    world.demand("contract")


def test_s12_an_idle_partition_holds_nothing_up() -> None:
    world = make_switched(World(partitions=3))
    for service in world.readers:
        for partition in (1, 2):
            world.cluster.find_group(service).committed[TOPIC].pop(partition, None)
    world.live(0)
    outcome = world.run("contract")
    assert outcome.exit_code is Exit.DONE, explain(outcome)


def test_s12_aborted_records_count_for_no_reader_of_committed_data() -> None:
    world = make_ready(World())
    write(world, 2)
    world.demand("switch")
    world.demand("revert", reason="once more from the beginning")
    aborted = world.cluster.begin()
    write(world, 1)
    world.cluster.write(TOPIC, frame(1), producer=aborted)
    world.cluster.abort(aborted)
    world.live(20)
    world.demand("switch")
    committed, everything, _ = read_barrier(world)
    assert (committed, everything) == (3, 4)
    write(world, 1)
    world.live(20)
    world.demand("contract")


def test_s12_a_hung_transaction_is_unknown_until_it_ends() -> None:
    world = make_ready(World())
    hung = world.cluster.begin()
    world.cluster.write(TOPIC, frame(1), producer=hung)
    world.live(10)
    world.demand("switch")
    assert world.state is State.SWITCHING
    waiting = world.run("converge")
    assert waiting.exit_code is Exit.UNKNOWN, explain(waiting)
    (name,) = blockers(waiting)
    assert name == f"G2.3:partition/main/{TOPIC}/0"
    assert "transaction" in blockers(waiting)[name]
    world.cluster.commit(hung)
    world.live(20)
    world.demand("converge")
    assert world.state is State.SWITCHED
    assert read_barrier(world)[0] == 1


def test_s12_partitions_added_meanwhile_are_scanned_from_their_beginning() -> None:
    world = make_switched(World())
    world.cluster.add_topic(TOPIC, partitions=2)
    write(world, 2, partition=1)
    world.live(20)
    assert world.run("check").exit_code is Exit.DONE, explain(world.run("check"))
    world.cluster.write(TOPIC, frame(1), partition=1)
    world.live(20)
    outcome = world.run("contract")
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert f"G3.4:partition/main/{TOPIC}/1" in blockers(outcome)


def test_s12_partitions_added_during_the_switch_have_a_barrier_too() -> None:
    world = make_ready(World())
    added: list[int] = []

    def at(_place: str) -> None:
        if not added and world.rollout().state is State.SWITCHING:
            world.cluster.add_topic(TOPIC, partitions=2)
            added.append(world.cluster.write(TOPIC, frame(1), partition=1))

    world.operator(at=at).switch(Order(EVENT))
    assert world.state is State.SWITCHED
    assert read_barrier(world, 1)[0] == 1


def test_s12_a_compacted_tail_leaves_holes_and_no_lag() -> None:
    world = make_ready(World())
    for _ in range(4):
        world.cluster.write(TOPIC, frame(1), key="hot")
    world.live(20)
    world.log.compact()
    world.demand("switch")
    write(world, 1)
    world.live(20)
    world.log.compact()
    world.demand("contract")


def test_s12_a_reader_that_stands_behind_the_barrier_is_named_with_its_lag() -> None:
    world = make_ready(World())
    (slow,) = world.find("edge-cache")
    slow.poll = lambda: None  # type: ignore[method-assign, attr-defined]  # it stands still
    world.cluster.find_group("edge-cache").commit(TOPIC, 0, 0)
    write(world, 5)
    world.demand("switch")
    write(world, 1)
    world.live(20)
    outcome = world.run("contract")
    assert outcome.exit_code is Exit.NO, explain(outcome)
    (name,) = blockers(outcome)
    assert name == "G3.2:group/main/edge-cache"
    assert "5" in blockers(outcome)[name]


def make_retirable(world: World) -> World:
    """Everything is done but the reading of the old version."""
    world.demand("contract")
    world.roll(OWNER, 2)
    world.live(world.environment.quiet + 20)
    world.demand("retire_write")
    return world


def test_s13_a_compacted_topic_with_cold_keys_in_the_old_version() -> None:
    world = make_ready(World())
    for number in range(5):
        world.cluster.write(TOPIC, frame(1), key=f"cold-{number}")
    world.demand("switch")
    for number in range(5, 8):
        world.cluster.write(TOPIC, frame(2), key=f"hot-{number}")
    world.cluster.write(TOPIC, frame(2), key="cold-0")
    world.live(20)
    world.log.compact()
    make_retirable(world)

    outcome = world.run("retire_read")

    assert outcome.exit_code is Exit.NO, explain(outcome)
    (reason,) = blockers(outcome).values()
    assert "4" in reason
    assert "cold-1" in reason
    with pytest.raises(Refused, match="is never waived"):  # nobody answers for bytes that are there
        world.run("retire_read", waive=tuple(blockers(outcome)), reason="surely not")
    assert world.state is State.WRITE_RETIRED

    for number in range(1, 5):
        world.cluster.write(TOPIC, frame(2), key=f"cold-{number}")
    world.cluster.write(TOPIC, frame(2), key="last")
    world.log.compact()
    retired = world.demand("retire_read")
    assert "retired: [1]" in retired.patch
    assert world.rollout().stored == (2,)


def test_s14_while_old_records_lie_in_a_log_that_is_replayed_they_are_never_retired() -> None:
    world = make_retirable(make_switched(World()))
    outcome = world.run("retire_read")
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert all(name.startswith("G5") for name in blockers(outcome))
    replayer = world.start_reader("search-index", "pod-replay", 1, 2)
    world.cluster.find_group("search-index").expire()
    for each in world.find("search-index")[:1]:
        each.stop()
    world.live(20)
    assert [version for _, _, version in replayer.handled] == [1, 1, 2, 2]


def test_s13_a_log_that_begins_past_the_last_old_record_needs_no_scan() -> None:
    world = make_switched(World())
    make_retirable(world)
    assert world.run("retire_read").exit_code is Exit.NO
    world.log.delete_before(read_barrier(world)[0])
    world.demand("retire_read")
    assert world.state is State.READ_RETIRED
    fresh = world.start_reader("edge-cache", "pod-2", 2)
    assert fresh.joined, "a build without version 1 may join now"
    world.live(20)
    assert fresh.stuck == []


def test_old_records_among_the_dead_letters_hold_up_contracting() -> None:
    world = make_switched(World())
    letters = "edge-cache.dead-letters"
    world.cluster.add_topic(letters)
    world.cluster.write(letters, frame(1))
    outcome = world.run("contract")
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert any(name.startswith("G3.3") and letters in name for name in blockers(outcome)), explain(outcome)
    world.cluster.find_group("edge-cache.redrive").commit(letters, 0, 1)
    world.demand("contract")


def test_a_mirror_with_a_prefix_is_asked_too() -> None:
    both = make_quiet(
        PRODUCTION, clusters=(Cluster("main", "main:9092"), Cluster("dr", "dr:9092", "main.{topic}")), quiet=3600.0
    )
    world = make_switched(World(both))
    mirror = world.clusters["dr"]
    offset = mirror.write(f"main.{TOPIC}", frame(1), key="rogue")
    outcome = world.run("contract")
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert f"G3.4:partition/dr/main.{TOPIC}/0" in blockers(outcome)
    assert str(offset) in blockers(outcome)[f"G3.4:partition/dr/main.{TOPIC}/0"]


def test_the_readers_of_a_replay_meet_both_versions() -> None:
    world = make_switched(World())
    world.readers = (*world.readers, "replayer")
    replayer = world.start_reader("replayer", "pod-1", 1, 2)
    world.live(10)
    assert isinstance(replayer, ReaderInstance)
    assert [version for _, _, version in replayer.handled] == [1, 1, 2, 2]
