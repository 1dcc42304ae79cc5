"""Who cannot read the new version holds up the switch, by name: stuck, unknown, absent, rolled back, or returning."""

import pytest

from registry.rollout.order import Order
from registry.rollout.outcome import Exit
from registry.rollout.states import State
from tests.rollout_cluster import READ
from tests.rollout_services import ReaderInstance
from tests.rollout_world import EVENT, OWNER, TOPIC, World, blockers, explain, make_ready, make_switched, write


def test_s1_one_of_six_instances_is_stuck_on_the_old_build() -> None:
    world = World(readers=["edge-cache"])
    make_ready(world, instances=6)
    world.instances[3].stop()
    stuck = world.start_reader("edge-cache", "pod-4", 1, build="2026.02.1")
    world.live(10)

    outcome = world.run("switch")

    assert outcome.exit_code is Exit.NO, explain(outcome)
    reasons = blockers(outcome)
    assert list(reasons) == ["G1.2:instance/edge-cache/pod-4"]
    assert "2026.02.1" in reasons["G1.2:instance/edge-cache/pod-4"]
    assert "1" in reasons["G1.2:instance/edge-cache/pod-4"]
    assert sum(check.number == "G1.2" and check.passes for check in outcome.checks) >= 5
    assert world.state is State.EXPANDING
    assert world.cluster.published == []

    stuck.stop()
    world.start_reader("edge-cache", "pod-4", 1, 2)
    assert world.demand("switch").after.state is State.SWITCHED


def test_s1_the_old_build_in_git_alone_is_enough_for_a_no() -> None:
    world = make_ready(World())
    world.deploy("edge-cache", 1, build="2026.02.1", instance="pod-4")
    outcome = world.run("switch")
    assert outcome.exit_code is Exit.NO
    (reason,) = blockers(outcome).values()
    assert "2026.02.1" in reason


def test_s2_a_group_that_nobody_knows_is_unknown_until_somebody_answers_for_it() -> None:
    world = make_ready(World())
    world.cluster.find_group("legacy-report").commit(TOPIC, 0, 41)

    outcome = world.run("switch")
    assert outcome.exit_code is Exit.UNKNOWN, explain(outcome)
    reasons = blockers(outcome)
    assert list(reasons) == ["G1.3:group/legacy-report"]
    assert "41" in reasons["G1.3:group/legacy-report"]
    assert world.cluster.published == []

    other = world.run("switch", waive=("G1.3:group/somebody-else",), reason="asked team report")
    assert other.exit_code is Exit.UNKNOWN, "a waiver lets its own subject pass, and no other"
    world.demand("switch", waive=("G1.3:group/legacy-report",), reason="asked team report: read by hand, once a year")
    assert "legacy-report" in str(world.rollout().waivers)


def test_s2_a_group_that_is_claimed_needs_no_waiver() -> None:
    world = make_ready(World())
    world.cluster.find_group("legacy-report").commit(TOPIC, 0, 41)
    assert world.run("switch").exit_code is Exit.UNKNOWN
    world.readers = (*world.readers, "legacy-report")
    world.deploy("legacy-report", 1, 2)
    world.start_reader("legacy-report", "job-1", 1, 2)
    world.demand("switch")


def test_s2_a_principal_that_may_read_and_that_nobody_knows() -> None:
    world = make_ready(World())
    world.cluster.allow("User:intern", READ, TOPIC)
    outcome = world.run("switch")
    assert outcome.exit_code is Exit.UNKNOWN
    assert list(blockers(outcome)) == ["G1.3:principal/User:intern"]


def test_s3_an_empty_inventory_is_no_vacuous_yes() -> None:
    world = World(readers=[])
    world.roll(OWNER, 1, 2)
    outcome = world.run("start")
    assert outcome.exit_code is Exit.UNKNOWN, explain(outcome)
    assert any(name.startswith("G0.3") for name in blockers(outcome))

    world.no_consumers = True
    world.demand("start")
    world.demand("switch")


def test_s3_a_nightly_job_without_heartbeats_is_unknown() -> None:
    world = World(readers=["search-index", "nightly-job"])
    world.roll("search-index", 1, 2)
    world.roll(OWNER, 1, 2)
    world.deploy("nightly-job", 1, 2)
    world.cluster.find_group("nightly-job").commit(TOPIC, 0, 0)
    world.demand("start")
    outcome = world.run("switch")
    assert outcome.exit_code is Exit.UNKNOWN, explain(outcome)
    assert any("nightly-job" in name for name in blockers(outcome))
    assert not any("search-index" in name for name in blockers(outcome))


def test_s3_a_service_of_which_nothing_was_ever_deployed_is_unknown() -> None:
    world = World(readers=["search-index", "edge-cache"])
    world.roll("search-index", 1, 2)
    world.roll(OWNER, 1, 2)
    world.demand("start")
    outcome = world.run("switch")
    assert outcome.exit_code is Exit.UNKNOWN, explain(outcome)
    assert any(name.startswith("G1.1") and "edge-cache" in name for name in blockers(outcome))


def start_in_the_gap(world: World, build: str = "old") -> list[ReaderInstance]:
    """An operator's ``at``: when the new version is prepared, an old build is started that has looked already."""
    late = world.add_reader("edge-cache", "pod-late", 1, build=build)
    late.announce()
    late.look()
    late.admit()
    late.settle()
    return [late]


def test_s10_an_old_build_that_starts_once_the_new_version_is_prepared_is_refused() -> None:
    world = make_ready(World())
    met: list[ReaderInstance] = []

    def live(seconds: float) -> None:
        if not met and world.cluster.published:
            met.extend(start_in_the_gap(world))
        world.live(seconds)

    outcome = world.operator(wait=live).switch(Order(EVENT))
    assert met[0].stage == "refused"
    assert "v2 is about to be written" in met[0].trouble
    assert outcome.exit_code is Exit.NO, "its service is short of an instance: the switch waits for the right build"
    assert "G1.2:instance/edge-cache/pod-late" in blockers(outcome), explain(outcome)
    assert world.state is State.EXPANDING
    assert met[0].stuck == []


def test_s10_an_old_build_that_joins_just_before_the_new_version_is_prepared_cancels_the_switch() -> None:
    world = make_ready(World())
    met: list[ReaderInstance] = []

    def live(seconds: float) -> None:
        world.live(seconds)

    def at(_place: str) -> None:
        if not met and world.rollout().state is State.SWITCHING:
            met.extend(start_in_the_gap(world, "2026.02.1"))

    outcome = world.operator(wait=live, at=at).switch(Order(EVENT))
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert "2026.02.1" in " ".join(blockers(outcome).values())
    assert world.state is State.EXPANDING
    assert [(each.epoch, each.active, each.prepare) for each in world.cluster.published] == [(1, 1, 2), (2, 1, 0)]
    assert world.rollout().stored == (1,)
    assert 2 not in write(world, 3)
    world.live(20)
    assert met[0].joined, "it paused while the version was prepared, and goes on"
    assert met[0].stuck == []

    met[0].stop()
    world.live(10)
    world.demand("switch")


def test_s10_a_consumer_that_stood_still_since_it_looked_looks_again_before_its_first_record() -> None:
    """Its heartbeat is stale and it is no member: to the gate it is gone."""
    world = make_ready(World())
    slow = world.add_reader("edge-cache", "pod-slow", 1)
    slow.announce()
    slow.look()
    slow.freeze()
    world.live(60)
    world.demand("switch")
    write(world, 2)

    slow.thaw()
    slow.admit()
    assert not slow.joined
    slow.settle()
    world.live(20)
    assert slow.stage == "paused"
    assert "cannot read v2" in slow.trouble
    assert slow.stuck == []


def test_s10_a_consumer_that_is_rolled_back_after_the_switch_refuses_to_join_and_the_others_go_on() -> None:
    world = make_switched(World(), instances=2)
    world.find("edge-cache")[0].stop()
    old = world.start_reader("edge-cache", "pod-old", 1, build="2026.02.1")
    write(world, 3)
    world.live(30)
    assert old.stage == "refused"
    assert "cannot read v2 (reads: [1]): v2 may lie in the log" in old.trouble
    assert (old.handled, old.stuck) == ([], [])
    for service in world.readers:
        handled = [each for reader in world.find(service) for each in getattr(reader, "handled", [])]
        offsets = {offset for _, offset, _ in handled}
        assert offsets >= set(range(world.log.high - 6, world.log.high)), "the others handle everything"


def test_s11_a_group_without_offsets_is_unknown_and_replay_decodes_every_stored_version() -> None:
    world = make_switched(World())
    (reader,) = world.find("search-index")
    reader.stop()
    world.cluster.find_group("search-index").expire()
    outcome = world.run("contract")
    assert outcome.exit_code is Exit.UNKNOWN, explain(outcome)
    assert any("search-index" in name for name in blockers(outcome))

    back = world.start_reader("search-index", "pod-back", 1, 2)
    world.live(20)
    assert {version for _, _, version in back.handled} == {1, 2}
    assert len(back.handled) == 4
    assert back.stuck == []
    world.demand("contract")


@pytest.mark.parametrize("source", ["deployments", "heartbeats"])
def test_one_no_wins_over_everybody_elses_yes(source: str) -> None:
    world = make_ready(World(), instances=3)
    if source == "deployments":
        world.deploy("edge-cache", 1, instance="pod-x")
    else:
        world.start_reader("edge-cache", "pod-x", 1)
    assert world.run("switch").exit_code is Exit.NO
