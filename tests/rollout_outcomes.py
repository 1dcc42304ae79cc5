"""Outcomes to be shown: what commands of a rollout found and did, made by hand."""

from datetime import UTC, datetime, timedelta

from registry.environment import Environment
from registry.frozen import replace
from registry.rollout.checks import Check, Observation, Source, Verdict
from registry.rollout.outcome import EXITS, Exit, Outcome
from registry.rollout.rollout import Mark, Publication, Rollout, Step, Waiver
from registry.rollout.states import State

NOW = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
STEP = Step("playconnect.content.ContentPublished", 1, 2, "production")
PRODUCTION = Environment("production")
TITLES = {
    "G1": "readers are ready",
    "G1.1": "deployed builds read both versions",
    "G1.2": "live instances say so",
    "G1.3": "no unknown reader",
    "G2": "the switch is everywhere",
    "G2.1": "the owner's instances obey",
}
LEGACY = Waiver("G1.3", "group/legacy-report", "ends in March", "ana@playconnect.example", NOW, NOW + timedelta(days=6))


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def seen(
    number: str,
    subject: str,
    verdict: Verdict,
    reason: str,
    source: Source = Source.HEARTBEAT,
    observed: datetime | None = None,
    help: str = "",
    waiver: Waiver | None = None,
) -> Check:
    return Check(number, Observation(subject, verdict, reason, source, observed, help), waiver)


EXPANDING = Rollout(STEP, State.EXPANDING, ago(hours=3), "ana@playconnect.example", {1: "aa", 2: "bb"}, stored=(1,))
SWITCHING = replace(
    EXPANDING,
    state=State.SWITCHING,
    since=ago(minutes=4),
    epoch=3,
    stored=(1, 2),
    publication=Publication(3, 2, (1, 2)),
    origin=State.EXPANDING,
    switched=ago(minutes=3),
    barrier={"main": {0: Mark(120), 1: Mark(77)}},
)
READY = (
    seen("G1.1", "service/content-api", Verdict.YES, "build 2f1 reads and writes v1 and v2", Source.GIT),
    seen("G1.1", "service/edge-cache", Verdict.YES, "build 9ac reads v1 and v2", Source.CI, ago(hours=2)),
    *(
        seen("G1.2", f"instance/edge-cache/pod-{number}", Verdict.YES, "reads v1 and v2", observed=ago(seconds=number))
        for number in range(1, 6)
    ),
)
STUCK = (
    seen("G1.3", "group/nightly", Verdict.UNKNOWN, "belongs to no service of ownership.yaml; its last commit is 9 h "
         "old, and it has read 12,014 of 12,020 records", Source.BROKER, ago(seconds=12),
         "add it to the `groups` of a service in ownership.yaml, or answer for it: "
         "--waive G1.3:group/nightly --reason … --expires 7d"),
    *READY,
    seen("G1.2", "instance/edge-cache/pod-6", Verdict.NO, "build 7be reads v1 and not v2", observed=ago(seconds=4),
         help="deploy a build of edge-cache that reads v2"),
    seen("G1.3", "group/legacy-report", Verdict.UNKNOWN, "belongs to no service of ownership.yaml", Source.BROKER,
         ago(seconds=12), waiver=LEGACY),
)  # fmt: skip


def outcome(
    verb: str,
    rollout: Rollout | None,
    gate: str = "",
    checks: tuple[Check, ...] = (),
    verdict: Verdict | None = None,
    before: Rollout | None = None,
    done: tuple[str, ...] = (),
    next_: str = "",
) -> Outcome:
    step = rollout.step if rollout else STEP
    code = EXITS[verdict] if verdict is not None else Exit.DONE
    return Outcome(
        verb, step, before or rollout, rollout, gate, checks, verdict, code, done, (), next_, "", dry_run=False, at=NOW
    )


def command(verb: str, step: Step = STEP) -> str:
    return f"rollout {verb} {step.contract} --env {step.environment} --from {step.old} --to {step.new}"


BLOCKED = outcome("check", replace(EXPANDING, waivers=(LEGACY,)), "G1", STUCK, Verdict.NO, next_=command("switch"))
FREE = outcome("check", EXPANDING, "G1", READY, Verdict.YES, next_=command("switch"))
