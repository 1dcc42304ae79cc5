"""Odd days: versions that vanish, clusters that were away, rivals who finish one's work, strange names."""

import re
from typing import Any

import pytest

from registry.environment import Cluster
from registry.errors import Refused
from registry.frozen import replace
from registry.kafka.rollout.documents import parse_heartbeat, render_heartbeat
from registry.kafka.rollout.errors import UnreadableDocument
from registry.rollout.errors import BrokerSilent, BrokerUnavailable, LostRace
from registry.rollout.facts import Facts
from registry.rollout.journal.documents import render_rollout
from registry.rollout.journal.journal import Entry
from registry.rollout.operator import Operator
from registry.rollout.order import Order
from registry.rollout.outcome import Exit
from registry.rollout.rollout import Rollout, Step
from registry.rollout.states import State
from tests.rollout_services import frame
from tests.rollout_world import (
    EVENT,
    OWNER,
    PRODUCTION,
    TOPIC,
    World,
    blockers,
    explain,
    make_ready,
    make_switched,
    write,
)

BOTH = replace(PRODUCTION, clusters=(*PRODUCTION.clusters, Cluster("mirror", "mirror:9092", "eu.{topic}")))


# Versions -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2])
def test_a_version_that_is_gone_from_git_is_not_switched_to_nor_from(number: int) -> None:
    """Deleted, or listed as retired, while everybody still runs builds that know it."""
    world = make_ready(World())
    del world.versions[number]
    outcome = world.run("switch", 1, 2)
    assert outcome.exit_code is Exit.NO
    assert list(blockers(outcome)) == [f"G1.10:version/{number}"]
    assert world.state is State.EXPANDING
    assert not world.cluster.published


def test_a_version_that_is_retired_too_early_is_still_asked_of_readers() -> None:
    world = make_switched(World())
    del world.versions[1]  # the rollout 1 -> 2 has not proven that no log holds it
    world.operator().reconcile()
    record = world.cluster.control.latest[f"production/{EVENT}"]
    assert record.stored == (1, 2)


def test_a_jump_freezes_the_versions_that_it_passes() -> None:
    world = World(versions=3)
    world.demand("start", 1, 3)
    assert world.rollout(1, 3).digests == {1: "digest-1", 2: "digest-2", 3: "digest-3"}
    world.versions[2] = "another"  # its converters lead from 1 to 3
    with pytest.raises(Refused, match=f"v2 of {EVENT} was edited after its rollout began"):
        world.run("switch", 1, 3)


def test_nothing_is_rolled_out_backwards() -> None:
    world = make_switched(World())
    with pytest.raises(Refused, match="v1 is older than v2"):
        world.run("start", 2, 1)


# Clusters -------------------------------------------------------------------------------------------------------------


def test_a_mirror_that_was_away_when_it_converged_has_no_barrier() -> None:
    """Somebody answered for it then. That nobody knows where the old version ends there is no yes later on."""
    world = make_ready(World(BOTH))
    mirror, topic = world.clusters["mirror"], f"eu.{TOPIC}"
    for _ in range(3):
        mirror.write(topic, frame(1), principal=f"User:{OWNER}")
        write(world, 1)
    mirror.find_group("edge-cache").commit(topic, 0, 0)  # it has read nothing yet

    def at(name: str) -> None:
        if name == "after epoch 1 is published":
            mirror.down = {"*"}

    world.operator(at=at).switch(Order(EVENT))
    answered = tuple(f"{number}:cluster/mirror" for number in ("G2.1", "G2.2", "G2.3"))
    assert world.demand("converge", waive=answered, reason="its line is cut").after.state is State.SWITCHED

    mirror.down = set()
    write(world, 1)
    world.live(10)
    stands = "G3.2:group/mirror/edge-cache"
    assert "no barrier yet" in blockers(world.run("contract"))[stands]
    world.demand("converge")
    assert "3 offsets before the barrier" in blockers(world.run("contract"))[stands]
    mirror.find_group("edge-cache").commit(topic, 0, 3)
    assert stands not in blockers(world.run("contract"))


def test_of_a_dead_cluster_everything_is_asked_once_for_all_rollouts() -> None:
    world = make_ready(World())
    asked: list[str] = []

    class Dead:
        def __getattr__(self, name: str) -> object:
            asked.append(name)
            raise BrokerSilent("no broker of main can be reached")

    operator = _ask_all(world, Dead())
    _begin_another(world)
    for look in (lambda: operator.check_all(Order("")), operator.status):
        asked.clear()
        outcomes = look()
        assert [each.exit_code for each in outcomes] == [Exit.UNKNOWN, Exit.UNKNOWN]
        assert len(asked) == 1
        assert all(
            any("no broker of main can be reached" in reason for reason in blockers(each).values()) for each in outcomes
        )


def test_what_all_rollouts_of_an_environment_share_is_asked_once() -> None:
    world = make_ready(World())
    asked: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> object:
            def ask(*arguments: object) -> object:
                asked.append(name)
                return getattr(world.cluster, name)(*arguments)

            return ask

    _begin_another(world)
    outcomes = _ask_all(world, Counting()).check_all(Order(""))
    assert len(outcomes) == 2
    assert sorted(asked) == sorted(set(asked))


def test_what_a_crash_kept_from_the_control_topic_is_published_by_whoever_measures_again() -> None:
    world = make_switched(World())

    def at(name: str) -> None:
        if name == "before epoch 2 is published":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.operator(at=at).contract(Order(EVENT))
    assert world.cluster.published[-1].epoch == 1
    assert world.run("converge").exit_code is Exit.UNKNOWN, "the owner has not heard of it yet"
    world.live(30)
    world.demand("converge")
    assert (world.cluster.published[-1].epoch, world.cluster.published[-1].writable) == (2, (2,))
    assert world.state is State.CONTRACTING


# One that cannot be looked at -----------------------------------------------------------------------------------------


def test_one_contract_that_cannot_be_read_does_not_hide_the_others() -> None:
    world = make_ready(World())
    _begin_another(world)

    def read_facts(contract: str) -> Facts:
        if contract != EVENT:
            raise Refused(f"{contract} is no event of ownership.yaml", "write it in full")
        return world.read_facts(contract)

    operator = world.operator()
    operator.means = replace(operator.means, read_facts=read_facts)
    for outcomes in (operator.check_all(Order("")), operator.status()):
        found = {each.step.contract: each for each in outcomes}
        assert found[EVENT].exit_code is Exit.DONE, explain(found[EVENT])
        assert found["content.Other"].exit_code is Exit.UNKNOWN
        (blocker,) = blockers(found["content.Other"]).values()
        assert blocker == "content.Other is no event of ownership.yaml"

    world.cluster.control.wipe()
    world.cluster.down = {"publish"}
    with pytest.raises(BrokerUnavailable):
        world.run("switch")
    world.cluster.down = set()
    with pytest.raises(Refused, match="is no event"):
        operator.reconcile()
    assert world.state is State.SWITCHED, "the others are repaired before it is told"


# Rivals ---------------------------------------------------------------------------------------------------------------


def test_who_waits_while_somebody_else_proves_the_switch_has_done_it() -> None:
    world = make_ready(World())

    def wait(seconds: float) -> None:
        world.live(seconds)
        if world.rollout().publication.active == 2 and world.state is State.SWITCHING:
            world.live(30)
            assert world.operator("ben@example.com").converge(Order(EVENT)).after.state is State.SWITCHED

    outcome = world.operator(wait=wait).switch(Order(EVENT))
    assert (outcome.exit_code, outcome.after.state) == (Exit.DONE, State.SWITCHED)
    assert "is switched, by ben@example.com" in outcome.done[-1]


def test_who_is_overtaken_after_a_publication_is_not_told_that_nothing_was_published() -> None:
    world = make_ready(World())

    def wait(seconds: float) -> None:
        world.live(seconds)
        if world.rollout().publication.active == 2 and world.state is State.SWITCHING:
            world.operator("ben@example.com").revert(Order(EVENT, reason="orders doubled"))

    with pytest.raises(LostRace) as caught:
        world.operator(wait=wait).switch(Order(EVENT))
    assert "by ben@example.com" in caught.value.message
    assert caught.value.help.startswith("epoch 1 was published by this command before that")


# Waivers and names ----------------------------------------------------------------------------------------------------


def test_a_waiver_that_answers_for_nothing_is_told() -> None:
    world = make_ready(World())
    world.cluster.find_group("legacy-report").commit(TOPIC, 0, 0)
    outcome = world.run("switch", waive=("G1.3:group/legacy-reports",), reason="nobody reads it")
    assert outcome.exit_code is Exit.UNKNOWN
    assert outcome.done[-1] == "the waiver of G1.3:group/legacy-reports answers for nothing that was seen"
    outcome = world.run("switch", waive=("G1.3:group/legacy-report",), reason="nobody reads it")
    assert not [line for line in outcome.done if "answers for nothing" in line]


def test_a_waiver_may_hold_for_longer_than_the_calendar() -> None:
    world = make_ready(World())
    order = Order(EVENT, waive=("G1.3:group/x",), reason="for ever", expires=999_999_999 * 86_400.0)
    with pytest.raises(Refused, match="expires in more than"):
        world.operator().check(order)


def test_a_name_that_is_no_text_stops_nobody() -> None:
    """JSON can spell half of a character: whoever beats under such a name must not be able to stop the journal."""
    world = make_ready(World())
    pod = world.start_reader("edge-cache", "pod", 1, 2)
    odd = replace(world.cluster.heartbeats.latest[pod.key], instance="pod\ud800\x1b[2J")
    with pytest.raises(UnreadableDocument):
        parse_heartbeat(render_heartbeat(odd))
    endless = replace(odd, instance="pod", period=float("inf"))
    with pytest.raises(UnreadableDocument, match="period is inf"):
        parse_heartbeat(render_heartbeat(endless))
    late = render_heartbeat(replace(odd, instance="pod")).replace("2026-03-02T", "9999-12-31T")
    with pytest.raises(UnreadableDocument, match="no point in time"):
        parse_heartbeat(re.sub(r"(9999-12-31T)[^\"]*", r"\g<1>23:59:59-01:00", late))


def _begin_another(world: World) -> None:
    """A second contract in a rollout, of which git says the same."""
    other = Step("content.Other", 1, 2, "production")
    book = world.journal.read()
    rollout: Rollout = replace(world.rollout(), step=other)
    world.journal.write(book, Entry({other.path: render_rollout(rollout)}, {}, "another"))


def _ask_all(world: World, broker: Any) -> Operator:
    """An operator of both contracts."""
    operator = world.operator(brokers={"main": broker})
    facts = world.read_facts(EVENT)
    operator.means = replace(operator.means, read_facts=lambda contract: replace(facts, contract=contract))
    return operator
