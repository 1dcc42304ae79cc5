"""Rollouts and deployments as tests write them: one full of everything, and short ways to make others."""

from datetime import UTC, datetime, timedelta

from registry.frozen import replace
from registry.rollout.checks import Check, Observation, Source, Verdict
from registry.rollout.journal.documents import render_deployments, render_rollout
from registry.rollout.journal.events import find_events_path, render_decision, render_message
from registry.rollout.journal.journal import Book, Entry, depends_on_nothing
from registry.rollout.rollout import Deployment, Mark, Publication, Recorded, Rollout, Step, Waiver
from registry.rollout.states import State

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
STEP = Step("playconnect.content.ContentPublished", 1, 2, "production")
PLANNED = Rollout(STEP, State.PLANNED, NOON, "ana@example.org")
FULL = Rollout(
    step=STEP,
    state=State.SWITCHING,
    since=NOON,
    by="ana@example.org",
    digests={1: "aa" * 32, 2: "bb" * 32},
    epoch=3,
    stored=(1, 2),
    publication=Publication(3, 1, (1, 2), prepare=2),
    origin=State.REVERTED,
    switched=NOON - timedelta(days=2, microseconds=1),
    barrier={"main": {0: Mark(100), 11: Mark(7, 9, 9, 8)}, "mirror": {0: Mark(90, 91)}},
    checks=(Recorded("G1.2", "instance/edge-cache/pod-3", Verdict.NO, NOON, NOON + timedelta(seconds=9.5)),),
    waivers=(Waiver("G1.3", "group/legacy-report", "Zoë knows it: “gone” by May", "bo@example.org", NOON, NOON),),
    reason="one line\nand another",
)
EVERYWHERE = Deployment(
    "edge-cache", "production", "", "build-17", {STEP.contract: (1, 2)}, {}, NOON, "ana@example.org"
)
POD = replace(EVERYWHERE, instance="pod-3", build="build-16", reads={STEP.contract: (1,)})
RELEASE = replace(EVERYWHERE, release="2025.4", source="ci", supported_until=NOON + timedelta(days=30))
CHECKS = (
    Check("G1.1", Observation("service/edge-cache", Verdict.YES, "reads 1, 2", Source.GIT)),
    Check("G1.1", Observation("service/web-client", Verdict.YES, "reads 1, 2", Source.GIT)),
    Check("G1.3", Observation("group/legacy-report", Verdict.UNKNOWN, "is nobody's", Source.BROKER), FULL.waivers[0]),
)


def plan(contract: str, environment: str = "production", by: str = "ana@example.org", **facts: object) -> Rollout:
    """A rollout of a contract from 1 to 2 that is planned, or as the facts say."""
    return replace(PLANNED, step=Step(contract, 1, 2, environment), by=by, **facts)


def enter(rollout: Rollout, before: State | None = None, depends: str = "") -> Entry:
    """The entry that writes a rollout, which depends on the paths that begin so."""
    path = rollout.step.path
    return Entry(
        {path: render_rollout(rollout)},
        {find_events_path(path): render_decision("plan", before, rollout, (), rollout.since)},
        render_message(before, rollout),
        (lambda other: other.startswith(depends)) if depends else depends_on_nothing,
    )


def enter_deployment(deployment: Deployment) -> Entry:
    """The entry that writes one deployment of a service, and nothing else of it."""
    return Entry({deployment.path: render_deployments([deployment])}, {}, f"deployed {deployment.build}")


def find_contracts(book: Book) -> list[str]:
    """The contracts that have rollouts."""
    return [rollout.step.contract for rollout in book.find_rollouts()]
