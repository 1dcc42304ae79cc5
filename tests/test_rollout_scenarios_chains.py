"""More than one step, more than one environment, and a version that nobody wants any more."""

import pytest

from registry.errors import Refused
from registry.rollout.errors import RolloutError
from registry.rollout.order import Order
from registry.rollout.outcome import Exit
from registry.rollout.states import State
from tests.rollout_world import (
    EVENT,
    OWNER,
    PRODUCTION,
    World,
    blockers,
    exit_of,
    explain,
    make_quiet,
    make_ready,
    make_switched,
    write,
)


def roll_all(world: World, *versions: int) -> None:
    for service in world.readers:
        world.roll(service, *versions)
    world.roll(OWNER, *versions)
    world.live(20)


def test_s18_the_next_step_may_expand_while_this_one_contracts_and_switch_once_there_is_no_way_back() -> None:
    world = make_switched(World(versions=3))
    blocked = exit_of(lambda: world.run("start", 2, 3))
    assert blocked is not Exit.DONE, "1 -> 2 is not contracting yet"
    world.demand("contract", 1, 2)
    roll_all(world, 1, 2, 3)
    world.demand("start", 2, 3)

    outcome = world.run("switch", 2, 3)
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert any(name.startswith("G1.6") for name in blockers(outcome)), explain(outcome)

    world.live(world.environment.revert_window)
    world.demand("switch", 2, 3)
    assert world.rollout(2, 3).state is State.SWITCHED
    assert write(world, 1) == [3]
    control = world.cluster.read_control("production")[EVENT]
    assert control.stored == (1, 2, 3)
    assert 1 not in control.writable


def test_s18_a_reader_that_never_learned_the_version_between_holds_up_the_jump() -> None:
    world = make_switched(World(versions=3))
    world.demand("contract", 1, 2)
    roll_all(world, 1, 2, 3)
    world.live(world.environment.revert_window)
    world.demand("start", 2, 3)
    world.find("edge-cache")[0].stop()
    world.deploy("edge-cache", 1, 3)
    jumper = world.start_reader("edge-cache", "pod-jump", 1, 3)
    assert jumper.stage == "refused"
    assert "cannot read v2" in jumper.trouble
    outcome = world.run("switch", 2, 3)
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert any("edge-cache" in name for name in blockers(outcome))


def test_s18_a_consumer_jumps_from_1_to_3_once_it_reads_what_lies_between() -> None:
    world = make_switched(World(versions=3))
    for each in world.find("edge-cache"):
        each.stop()
    world.deploy("edge-cache", 1, 2, 3)
    jumper = world.start_reader("edge-cache", "pod-jump", 1, 2, 3)
    assert jumper.joined


def test_s18_an_abandoned_version_stays_readable_and_the_next_step_starts_from_the_old_one() -> None:
    world = make_switched(World(versions=3))
    world.demand("revert", 1, 2, reason="a mistake")
    world.demand("abandon", 1, 2, reason="a mistake")
    assert world.state is State.ABANDONED
    roll_all(world, 1, 2, 3)
    started = world.demand("start")
    assert (started.step.old, started.step.new) == (1, 3), "3 follows what is active, which is 1"
    world.demand("switch")
    control = world.cluster.read_control("production")[EVENT]
    assert (control.active, control.stored) == (3, (1, 2, 3))
    epochs = [each.epoch for each in world.cluster.published]
    assert epochs == sorted(epochs)
    skipper = world.start_reader("edge-cache", "pod-skip", 1, 3)
    assert skipper.stage == "refused", "records of the abandoned version lie in the log still"


def test_s18_at_most_three_versions_are_writable() -> None:
    world = make_switched(World(versions=5))
    numbers = [(1, 2), (2, 3), (3, 4)]
    for old, new in numbers[1:]:
        world.demand("contract", old - 1, old)
        roll_all(world, *range(1, new + 1))
        world.live(world.environment.revert_window + 20)
        world.demand("start", old, new)
        world.demand("switch", old, new)
        assert len(world.cluster.read_control("production")[EVENT].writable) <= 3
    control = world.cluster.read_control("production")[EVENT]
    assert control.stored == (1, 2, 3, 4), "any number is readable"


def test_s19_each_environment_goes_by_its_own_evidence() -> None:
    staging = make_switched(World(make_quiet(PRODUCTION, name="staging")))
    production = World(beside=staging)
    for service in production.readers:
        production.roll(service, 1)
    production.roll(OWNER, 1)
    production.live(20)
    production.demand("start")
    outcome = production.run("switch")
    assert outcome.exit_code is Exit.NO, "production runs builds that staging has left behind"
    assert staging.rollout().state is State.SWITCHED
    assert production.rollout().state is State.EXPANDING
    assert production.cluster.published == []
    roll_all(production, 1, 2)
    production.demand("switch")
    assert {each.environment for each in production.cluster.published} == {"production"}
    assert production.rollout().epoch == 1, "epochs are counted in each environment"


def test_s19_a_version_that_was_edited_after_staging_began_is_refused_in_production() -> None:
    staging = make_switched(World(make_quiet(PRODUCTION, name="staging")))
    production = World(beside=staging)
    roll_all(production, 1, 2)
    production.versions[2] = "digest-2-edited"
    with pytest.raises(Refused, match=r"v2 of content\.ContentPublished was edited after its rollout began in staging"):
        production.run("start")
    assert production.cluster.published == []


def test_s19_a_version_that_was_edited_under_a_rollout_holds_it_up() -> None:
    world = make_ready(World())
    world.versions[2] = "digest-2-edited"
    with pytest.raises(Refused, match="was edited after its rollout began in production"):
        world.run("switch")
    assert world.cluster.published == []


def test_only_one_rollout_of_a_contract_is_under_way() -> None:
    world = make_ready(World(versions=3))
    assert exit_of(lambda: world.run("start", 1, 3)) is not Exit.DONE
    world.demand("abort", 1, 2, reason="straight to 3")
    roll_all(world, 1, 2, 3)
    world.demand("start", 1, 3)


@pytest.mark.parametrize("verb", ["switch", "converge", "revert", "contract", "reopen", "retire_write", "retire_read"])
def test_a_verb_in_the_wrong_state_says_what_is_possible(verb: str) -> None:
    world = World()
    with pytest.raises(RolloutError):
        world.run(verb, 1, 2, reason="why not")


def test_the_simplest_case_needs_three_commands_and_no_broker() -> None:
    world = World(make_quiet(PRODUCTION, name="staging", clusters=(), brokerless=True))
    for service in (*world.readers, OWNER):
        world.deploy(service, 1, 2)
    for verb in ("start", "switch", "contract"):
        world.demand(verb)
    assert world.state is State.CONTRACTING


def test_a_dry_run_has_the_true_exit_code_and_changes_nothing() -> None:
    world = make_ready(World())
    before = world.journal.read().commit
    assert world.run("switch", dry_run=True).exit_code is Exit.DONE
    stuck = world.start_reader("edge-cache", "pod-x", 1)
    assert world.run("switch", dry_run=True).exit_code is Exit.NO
    stuck.stop()
    assert (world.journal.read().commit, world.cluster.published) == (before, [])


def test_a_verb_that_is_done_already_says_so() -> None:
    world = make_switched(World())
    before = (world.journal.read().commit, len(world.cluster.published))
    again = world.operator().switch(Order(EVENT, 1, 2))
    assert again.exit_code is Exit.DONE
    assert (world.journal.read().commit, len(world.cluster.published)) == before
