"""May a build be deployed now: what it pins, held against where each contract stands."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from registry.contract import Subscriber, Terms
from registry.frozen import replace
from registry.rollout.can_deploy import TITLES, Pins, can_deploy, judge_deployment
from registry.rollout.checks import Check, Verdict, decide
from registry.rollout.rollout import Deployment, Publication, Rollout, Step
from registry.rollout.states import State
from registry.source import Location
from tests.rollout_world import World, make_ready

EVENT = "content.ContentPublished"
AT = Location("ownership.yaml")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TERMS = {
    EVENT: Terms(
        EVENT,
        "ContentItem",
        "content-api",
        AT,
        AT,
        writes=(1, 2),
        subscribers=(Subscriber("edge-cache", AT, (1, 2)), Subscriber("legacy", AT, (1,), served=True)),
    )
}
VERSIONS = {EVENT: (1, 2)}


def stands(state: State, environment: str = "production") -> list[Rollout]:
    """The one rollout 1 -> 2, somewhere."""
    stored = (1,) if state in (State.PLANNED, State.EXPANDING) else (1, 2)
    active = 1 if state in (State.PLANNED, State.EXPANDING, State.REVERTED) else 2
    publication = Publication(1, active, (active,)) if state is not State.EXPANDING else None
    step = Step(EVENT, 1, 2, environment)
    return [Rollout(step, state, NOON, "ana", epoch=1, stored=stored, publication=publication)]


def judge(
    service: str,
    rollouts: list[Rollout],
    reads: tuple[int, ...] = (),
    writes: tuple[int, ...] = (),
    deployments: Sequence[Deployment] = (),
) -> tuple[Check, ...]:
    pins = Pins(service, {EVENT: reads} if reads else {}, {EVENT: writes} if writes else {})
    return judge_deployment(pins, rollouts, "production", TERMS, VERSIONS, deployments)


def recorded(service: str, *reads: int) -> Deployment:
    return Deployment(service, "production", "", "b1", {EVENT: reads}, {}, NOON, "ci")


@pytest.mark.parametrize(
    ("state", "reads", "verdict"),
    [
        (State.EXPANDING, (1,), Verdict.YES),
        (State.EXPANDING, (1, 2), Verdict.YES),
        (State.EXPANDING, (2,), Verdict.NO),
        (State.SWITCHED, (1, 2), Verdict.YES),
        (State.SWITCHED, (1,), Verdict.NO),
        (State.SWITCHED, (2,), Verdict.NO),
        (State.REVERTED, (1,), Verdict.NO),
        (State.WRITE_RETIRED, (2,), Verdict.NO),
        (State.READ_RETIRED, (2,), Verdict.YES),
    ],
)
def test_a_reader_reads_all_that_may_lie_in_the_log(state: State, reads: tuple[int, ...], verdict: Verdict) -> None:
    found = stands(state)
    if state is State.READ_RETIRED:
        found = [Rollout(found[0].step, state, NOON, "ana", epoch=1, stored=(2,), publication=found[0].publication)]
    (check,) = judge("edge-cache", found, reads=reads)
    assert (check.number, check.verdict) == ("D1", verdict)
    assert check.number in TITLES


def test_a_reader_that_is_served_may_stay_on_its_old_build() -> None:
    (check,) = judge("legacy", stands(State.SWITCHED), reads=(1,))
    assert check.verdict is Verdict.YES
    assert "v2 as its own" in check.observation.reason


@pytest.mark.parametrize(
    ("state", "writes", "said"),
    [
        (State.EXPANDING, (1,), {"D2": Verdict.YES}),
        (State.EXPANDING, (1, 2), {"D2": Verdict.YES}),
        (State.EXPANDING, (2,), {"D2": Verdict.NO}),
        (State.SWITCHED, (1,), {"D2": Verdict.NO}),
        (State.SWITCHED, (1, 2), {"D2": Verdict.YES}),
        (State.SWITCHED, (2,), {"D2": Verdict.NO}),  # it could not follow a revert
        (State.CONTRACTING, (2,), {"D2": Verdict.YES}),
        (State.CONTRACTING, (1, 2), {"D2": Verdict.YES}),
        (State.WRITE_RETIRED, (1, 2), {"D2": Verdict.YES, "D3": Verdict.NO}),
        (State.WRITE_RETIRED, (2,), {"D2": Verdict.YES}),
    ],
)
def test_the_owner_writes_what_is_active_and_nothing_that_is_retired(
    state: State, writes: tuple[int, ...], said: dict[str, Verdict]
) -> None:
    assert {check.number: check.verdict for check in judge("content-api", stands(state), writes=writes)} == said


def test_what_was_never_rolled_out_here_is_unknown_unless_everything_is_read() -> None:
    staging = stands(State.SWITCHED, "staging")
    assert decide(judge("edge-cache", staging, reads=(1, 2))) is Verdict.YES
    assert decide(judge("edge-cache", staging, reads=(2,))) is Verdict.UNKNOWN
    assert decide(judge("content-api", staging, writes=(1,))) is Verdict.UNKNOWN
    assert decide(judge("content-api", staging, writes=(1, 2))) is Verdict.UNKNOWN


def test_where_nothing_was_rolled_out_a_writer_begins_with_what_everybody_reads() -> None:
    """Nothing tells it what to write: a build that writes v2 alone would meet readers of v1."""
    reads = [recorded("edge-cache", 1, 2), recorded("legacy", 1)]
    for writes, said in {(1,): Verdict.YES, (1, 2): Verdict.YES, (2,): Verdict.NO}.items():
        (check,) = judge("content-api", [], writes=writes, deployments=reads)
        assert (check.number, check.verdict) == ("D2", said), check.observation.reason
    (check,) = judge("content-api", [], writes=(2,), deployments=reads)
    assert "legacy (build b1) reads v1" in check.observation.reason
    (check,) = judge("content-api", [], writes=(1,), deployments=reads[:1])
    assert (check.verdict, "legacy" in check.observation.reason) == (Verdict.UNKNOWN, True)
    pins = Pins("content-api", {}, {EVENT: (1,)})
    assert decide(judge_deployment(pins, [], "production", TERMS, {EVENT: (1,)})) is Verdict.YES, "there is no other"


def test_a_version_that_is_retired_is_asked_of_nobody_once_its_rollout_has_ended() -> None:
    later = replace(stands(State.SWITCHED)[0], step=Step(EVENT, 2, 3, "production"), stored=(1, 2, 3))
    pins = Pins("edge-cache", {EVENT: (2, 3)})
    assert decide(judge_deployment(pins, [later], "production", TERMS, {EVENT: (2, 3)})) is Verdict.YES
    assert decide(judge_deployment(pins, [later], "production", TERMS, {EVENT: (1, 2, 3)})) is Verdict.NO


def test_nobody_writes_or_reads_what_they_did_not_sign_for() -> None:
    said = [(check.number, check.observation.reason) for check in judge("intern", [], reads=(1, 2), writes=(1,))]
    assert said[0] == ("D4", "intern writes it, and content-api owns it")
    pins = Pins("edge-cache", {"content.Gone": (1,)})
    (unknown, _) = judge_deployment(pins, [], "production", TERMS, VERSIONS)
    assert "names no event content.Gone" in unknown.observation.reason


def test_a_build_that_pins_nothing_proves_nothing() -> None:
    assert decide(judge("edge-cache", [])) is Verdict.UNKNOWN


def test_the_same_read_from_git() -> None:
    world = make_ready(World())
    means = world.operator().means

    def pins(*reads: int) -> list[Deployment]:
        reads_of = {EVENT: reads} if reads else {}
        return [Deployment("edge-cache", "production", "", "b1", reads_of, {}, NOON, "ci")]

    assert decide(can_deploy(means, [EVENT], pins(1, 2), "edge-cache")) is Verdict.YES
    assert decide(can_deploy(means, [EVENT], pins(2), "edge-cache")) is Verdict.NO
    assert decide(can_deploy(means, [EVENT], pins(), "edge-cache")) is Verdict.UNKNOWN
