"""Every verb twice, every verb dry, and every verb where it is not allowed."""

import pytest

from registry.errors import Refused
from registry.frozen import replace
from registry.rollout.errors import RolloutError, WrongState
from registry.rollout.order import Order
from registry.rollout.outcome import Exit
from registry.rollout.states import State
from tests.rollout_services import OwnerInstance
from tests.rollout_world import EVENT, OWNER, PRODUCTION, World, explain, make_quiet, make_ready, make_switched, write

BROKERLESS = replace(PRODUCTION, clusters=(), brokerless=True, quiet=0.0, revert_window=0.0)


def make_brokerless() -> World:
    """Nothing but git: what is deployed is recorded, and that is all."""
    world = World(BROKERLESS)
    for service in (*world.readers, OWNER):
        world.deploy(service, 1, 2)
    return world


def make_planned(world: World) -> World:
    world.demand("plan")
    return world


def make_contracting(world: World) -> World:
    make_switched(world)
    world.demand("contract")
    return world


def make_write_retired(world: World) -> World:
    make_unwritten(world)
    world.demand("retire_write")
    return world


def make_unwritten(world: World) -> World:
    """The owner's builds no longer know the old version, and nobody has asked for it for long enough."""
    make_contracting(world)
    world.roll(OWNER, 2)
    world.live(2 * 3600)
    return world


def make_reverted(world: World) -> World:
    make_switched(world)
    world.demand("revert", reason="orders doubled")
    return world


STORIES = {
    "plan": (lambda world: world, State.PLANNED),
    "start": (make_planned, State.EXPANDING),
    "switch": (make_ready, State.SWITCHED),
    "revert": (make_switched, State.REVERTED),
    "abandon": (make_reverted, State.ABANDONED),
    "abort": (make_planned, State.ABORTED),
    "contract": (make_switched, State.CONTRACTING),
    "reopen": (make_contracting, State.SWITCHED),
    "retire_write": (make_unwritten, State.WRITE_RETIRED),
    "retire_read": (make_write_retired, State.READ_RETIRED),
}
"""Verb to how its story begins, and where it leads."""


def prepare(verb: str) -> World:
    world = STORIES[verb][0](World())
    if verb == "retire_read":
        world.log.delete_before(world.log.stable)
    return world


def look(world: World) -> tuple[object, ...]:
    """All that a command may change."""
    return world.journal.read().commit, len(world.cluster.published), world.cluster.published[-1:]


@pytest.mark.parametrize("verb", STORIES)
def test_a_verb_does_its_work_once_and_says_so_the_second_time(verb: str) -> None:
    world = prepare(verb)
    first = world.demand(verb, reason="because")
    assert (first.after.state, first.done != ()) == (STORIES[verb][1], True)
    before = look(world)
    second = world.demand(verb, reason="because")
    assert look(world) == before
    assert second.after == first.after
    assert "nothing to" in " ".join(second.done)


@pytest.mark.parametrize("verb", STORIES)
def test_a_dry_run_ends_as_the_verb_would_and_leaves_no_trace(verb: str) -> None:
    world = prepare(verb)
    before = look(world)
    dry = world.run(verb, reason="because", dry_run=True)
    assert look(world) == before
    assert dry.dry_run
    assert dry.published == ()
    real = world.run(verb, reason="because")
    assert dry.exit_code is real.exit_code is Exit.DONE, explain(dry)


@pytest.mark.parametrize("verb", ["switch", "check", "contract"])
def test_a_dry_run_that_is_refused_ends_as_the_verb_would_and_records_nothing(verb: str) -> None:
    world = make_ready(World()) if verb != "contract" else make_switched(World(make_quiet(settle=3600.0)))
    world.start_reader("edge-cache", "old-pod", 1) if verb != "contract" else None
    world.live(10)
    before = look(world)
    assert world.run(verb, dry_run=True).exit_code is Exit.NO
    assert look(world) == before


@pytest.mark.parametrize(
    ("verb", "make", "words"),
    [
        ("switch", make_planned, "planned, and switch is for what is expanding or reverted"),
        ("contract", make_ready, "expanding, and contract is for what is switched"),
        ("abort", make_switched, "switched, and abort is for what is planned or expanding"),
        ("reopen", make_ready, "reopen is for what is contracting"),
        ("revert", make_contracting, "contracting, and revert is for what is switching or switched"),
        ("abandon", make_switched, "abandon is for what is reverted"),
        ("retire_write", make_switched, "retire-write is for what is contracting"),
        ("retire_read", make_contracting, "retire-read is for what is write-retired"),
        ("switch", lambda world: world, "no rollout of content.ContentPublished is planned in production"),
    ],
)
def test_a_verb_where_it_is_not_allowed(verb: str, make, words: str) -> None:
    world = make(World())
    before = look(world)
    with pytest.raises(WrongState) as caught:
        world.run(verb, reason="because")
    assert words in caught.value.message
    assert caught.value.help
    assert look(world) == before


@pytest.mark.parametrize("verb", ["abort", "revert", "reopen", "abandon"])
def test_who_goes_back_says_why(verb: str) -> None:
    world = prepare(verb)
    with pytest.raises(Refused, match="wants a reason"):
        world.run(verb)
    world.demand(verb, reason="orders doubled")
    assert world.rollout().reason == "orders doubled"
    assert "orders doubled" in world.journal.read_lines(f"events/rollouts/{EVENT}/1-2/production.jsonl")


def test_three_commands_where_git_alone_decides() -> None:
    world = make_brokerless()
    assert [world.demand(verb).after.state for verb in ("start", "switch", "contract")] == [
        State.EXPANDING,
        State.SWITCHED,
        State.CONTRACTING,
    ]
    rollout = world.rollout()
    assert (rollout.epoch, rollout.publication.active, rollout.publication.writable) == (2, 2, (2,))
    assert rollout.barrier == {}


def test_each_step_names_the_next_command() -> None:
    world = make_brokerless()
    said = [world.demand(verb).next.removeprefix("rollout ") for verb in ("plan", "start", "switch", "contract")]
    where = f"{EVENT} --env production --from 1 --to 2"
    assert said == [f"{verb} {where}" for verb in ("start", "switch", "contract", "retire-write")]


def test_what_a_gate_refused_is_asked_for_again() -> None:
    world = World(BROKERLESS)
    world.demand("start")
    refused = world.run("switch")
    assert refused.exit_code is Exit.UNKNOWN
    assert refused.next.startswith(f"rollout switch {EVENT}")
    assert {check.number for check in refused.missing} >= {"G1.1"}


def test_reading_is_retired_with_an_edit_of_ownership_and_without_a_new_epoch() -> None:
    world = prepare("retire_read")
    epoch = world.rollout().epoch
    done = world.demand("retire_read")
    assert done.after.stored == (2,)
    (record,) = done.published
    assert (record.epoch, record.active, record.stored) == (epoch, 2, (2,))
    assert "+ ownership.yaml, content.ContentPublished (entity ContentItem): retired: [1]\n" in done.patch
    assert "+ ownership.yaml, content.ContentPublished (entity ContentItem): writes: [2]\n" in done.patch


def test_reading_is_not_retired_while_the_log_holds_the_old_version() -> None:
    world = make_write_retired(World())
    write_old = world.run("retire_read")
    assert write_old.exit_code is Exit.NO
    assert write_old.patch == ""
    assert world.state is State.WRITE_RETIRED


def test_after_a_revert_the_new_version_stays_readable_and_a_second_switch_works() -> None:
    world = make_reverted(World())
    rollout = world.rollout()
    assert (rollout.publication.active, rollout.stored, rollout.epoch) == (1, (1, 2), 2)
    assert write(world, 1) == [1]
    again = world.demand("switch")
    assert (again.after.state, again.after.epoch) == (State.SWITCHED, 3)
    assert write(world, 1) == [2]


def test_to_revert_a_switch_that_is_only_prepared_is_to_cancel_it() -> None:
    world = make_ready(World())
    crash_after(world, "prepare is published")
    assert world.rollout().publication.prepare == 2
    undone = world.demand("revert", reason="second thoughts")
    assert (undone.after.state, undone.after.stored, undone.after.publication.active) == (State.EXPANDING, (1,), 1)
    assert world.cluster.published[-1].rank == (2, 1)
    assert all(record.active == 1 for record in world.cluster.published)


def crash_after(world: World, place: str) -> None:
    """The operator dies when it comes to a place."""

    class Crash(Exception):
        pass

    def at(name: str) -> None:
        if name.startswith("after") and place in name:
            raise Crash

    with pytest.raises(Crash):
        world.operator(at=at).switch(Order(EVENT))


def test_an_aborted_rollout_begins_anew_and_its_epoch_does_not_fall() -> None:
    world = make_ready(World())
    crash_after(world, "prepare is published")
    world.demand("revert", reason="second thoughts")
    world.demand("abort", reason="not this month")
    assert world.state is State.ABORTED
    world.demand("start")
    assert world.rollout().epoch == 2
    assert world.demand("switch").after.epoch == 3


def test_an_abandoned_version_is_never_rolled_out_again() -> None:
    world = make_reverted(World())
    world.demand("abandon", reason="v2 is wrong")
    with pytest.raises(RolloutError, match=r"was abandoned by ana@example.com: v2 is wrong"):
        world.run("start", 1, 2)
    world.versions[3] = "digest-3"
    world.readings.update({(a, b): "native" for a in (1, 2, 3) for b in (1, 2, 3)})
    assert world.demand("plan").step.new == 3


def test_reopening_beside_a_newer_step_is_refused() -> None:
    world = make_contracting(World(versions=3))
    world.demand("start", 2, 3)
    with pytest.raises(RolloutError, match=r"would let v1 be written again while .* 2 -> 3 in production is expanding"):
        world.run("reopen", 1, 2, reason="orders doubled")
    world.demand("abort", 2, 3, reason="first things first")
    assert world.demand("reopen", 1, 2, reason="orders doubled").after.state is State.SWITCHED


def test_the_barrier_is_measured_again_when_a_rogue_writer_has_been_stopped() -> None:
    world = make_switched(World())
    before = world.rollout().barrier["main"][0]
    rogue = OwnerInstance(world.place(OWNER), "rogue", "b1", (1,), f"User:{OWNER}")
    world.instances.append(rogue.start())
    rogue.record = None
    assert rogue.produce() == 1
    world.live(10)
    found = world.run("contract")
    assert found.exit_code is Exit.NO
    assert any(check.observation.subject.startswith("partition/main/") for check in found.missing)
    rogue.stop()
    world.live(60)
    moved = world.demand("converge")
    assert moved.after.barrier["main"][0].everything > before.everything
    assert moved.after.state is State.SWITCHED
