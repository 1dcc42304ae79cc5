"""Which rollout is meant when nobody says, what a plan freezes, and which waivers are taken."""

import pytest

from registry.errors import Refused
from registry.frozen import replace
from registry.rollout.outcome import Exit
from registry.rollout.rollout import Step
from registry.rollout.states import State
from tests.rollout_world import EVENT, PRODUCTION, World, make_ready, make_switched


def test_the_step_leads_from_the_version_before_to_the_newest() -> None:
    assert World(versions=3).run("plan").step == Step(EVENT, 2, 3, "production")


def test_the_step_leads_from_the_version_that_is_active() -> None:
    world = make_switched(World())
    world.demand("contract")
    world.versions.update({3: "digest-3", 4: "digest-4"})
    assert world.run("plan", dry_run=True).step == Step(EVENT, 2, 4, "production")
    assert world.run("plan", 0, 3, dry_run=True).step == Step(EVENT, 2, 3, "production")


def test_an_older_version_that_is_still_to_be_planned_leads_from_the_active_one() -> None:
    world = World(versions=4)
    assert world.run("plan", 1, 3).step == Step(EVENT, 1, 3, "production")
    assert world.run("plan").step == Step(EVENT, 1, 3, "production"), "what is planned is meant"


def test_where_the_newest_is_active_already_there_is_nothing_to_start() -> None:
    world = make_switched(World())
    again = world.run("start")
    assert (again.step, again.exit_code) == (Step(EVENT, 1, 2, "production"), Exit.DONE)
    assert "nothing to do" in again.done[-1]


@pytest.mark.parametrize(
    ("versions", "steps", "words"),
    [
        (1, (), "v1 of content.ContentPublished is the only version"),
        (0, (), "content.ContentPublished has no released version"),
        (2, (1, 7), "v7 of content.ContentPublished is not released, or is retired .released: v1, v2."),
        (2, (2, 2), "v2 of content.ContentPublished cannot be rolled out to itself"),
    ],
)
def test_a_step_that_leads_nowhere(versions: int, steps: tuple[int, ...], words: str) -> None:
    world = World(versions=versions)
    with pytest.raises(Refused, match=words):
        world.run("start", *steps)
    assert not list(world.journal.read().find_rollouts())


def test_a_plan_freezes_digests_and_what_may_lie_in_the_log() -> None:
    world = World(versions=3)
    planned = world.demand("plan").after
    assert planned.state is State.PLANNED
    assert planned.digests == {2: "digest-2", 3: "digest-3"}
    assert planned.stored == (1, 2), "of a log that is older than its first rollout nobody knows what it holds"


def test_a_version_that_was_edited_after_staging_began_is_refused_in_production() -> None:
    staging = World(replace(PRODUCTION, name="staging"))
    staging.demand("start")
    production = World(beside=staging)
    production.versions[2] = "edited"
    for verb in ("plan", "start"):
        with pytest.raises(Refused, match=r"v2 .* was edited after its rollout began in staging: digest-2 then"):
            production.run(verb)
    production.versions[2] = "digest-2"
    production.demand("start")


def test_two_steps_that_a_verb_could_move_are_told_apart_by_name() -> None:
    world = World(versions=3)
    world.demand("plan", 1, 2)
    world.demand("plan", 2, 3)
    with pytest.raises(Refused, match=r"abort of .* may mean 1 -> 2 and 2 -> 3") as caught:
        world.run("abort", reason="neither")
    assert "--from and --to" in caught.value.help
    assert world.demand("abort", 2, 3, reason="later").after.state is State.ABORTED
    assert world.rollout(1, 2).state is State.PLANNED


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ("G1.3", "asked", "waives no check"),
        ("G1.3:", "asked", "waives no check"),
        ("G1.3:legacy", "asked", "waives no check"),
        ("G7.1:group/legacy", "asked", "waives no check"),
        ("everything", "asked", "waives no check"),
        ("G1.3:group/legacy", " ", "wants a reason"),
        ("G5.1:partition/main/content.items/0", "asked", "is never waived"),
    ],
)
def test_a_waiver_that_is_none(text: str, reason: str, words: str) -> None:
    world = make_ready(World())
    with pytest.raises(Refused, match=words):
        world.run("switch", waive=(text,), reason=reason)
    assert world.state is State.EXPANDING


def test_a_waiver_stays_with_the_decision_and_ends_on_its_day() -> None:
    world = make_ready(World())
    world.cluster.find_group("legacy").commit("content.items", 0, 4)
    world.demand("check", waive=("G1.3:group/legacy",), reason="asked team report", expires=60.0)
    (kept,) = world.rollout().waivers
    assert (kept.by, kept.reason, (kept.expires - kept.at).total_seconds()) == (
        "ana@example.com",
        "asked team report",
        60,
    )
    world.live(61)
    late = world.run("switch")
    assert late.exit_code is Exit.UNKNOWN
    assert "group/legacy" in {each.observation.subject for each in late.missing}
    assert world.rollout().waivers == (kept,), "it is shown for ever"


def test_a_waiver_of_a_command_that_was_refused_is_not_kept() -> None:
    world = make_ready(World())
    world.cluster.find_group("legacy").commit("content.items", 0, 4)
    world.start_reader("edge-cache", "old-pod", 1)
    world.live(10)
    assert world.run("switch", waive=("G1.3:group/legacy",), reason="asked team report").exit_code is Exit.NO
    assert world.rollout().waivers == ()


def test_what_keeps_a_promise_is_not_waived_where_it_says_no() -> None:
    world = make_ready(World())
    world.start_reader("edge-cache", "old-pod", 1)
    world.live(10)
    waive = ("G1.2:instance/edge-cache/old-pod",)
    assert world.run("switch", waive=waive, reason="it will be fine").exit_code is Exit.NO
