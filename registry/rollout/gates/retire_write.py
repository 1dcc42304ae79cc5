"""G4: may the old version become one that nobody writes nor asks for? It stays readable."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.deployments import find_current
from registry.rollout.evidence import Evidence, Question
from registry.rollout.gates.asking import find_answers, find_silences
from registry.rollout.gates.gate import ANY, UNKNOWNS, Gate, Row
from registry.rollout.gates.hearing import Voice, judge_unrecorded, listen
from registry.rollout.gates.inventory import advise_deployed, describe_build, find_builds, find_subscribers, source_of
from registry.rollout.gates.moments import render_due, seconds_between
from registry.rollout.gates.outboxes import judge_outbox
from registry.rollout.gates.owner import find_owner_attendance
from registry.rollout.gates.tail import find_strays
from registry.rollout.rollout import Rollout
from registry.rollout.words import count, render_some, render_span, render_versions


def find_old_writers(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Builds that can still write the old version: recorded, supported or live. What waits in an outbox is written."""
    yield from _find_recorded_writers(rollout, evidence, now)
    yield from find_silences(evidence, Question.HEARTBEATS)
    if not any(find_answers(evidence, Question.HEARTBEATS)):
        return
    voices, step = listen(evidence, rollout.step.contract), rollout.step
    yield from find_owner_attendance(rollout, evidence, voices, "G4.1")
    for voice in voices:
        if not voice.fresh or not voice.writes:
            continue
        writes = f"{voice.name} can write {render_versions(voice.capability.writes)}"
        if step.old in voice.capability.writes or voice.capability.active == step.old:
            help_ = _advise(rollout, voice.service)
            yield voice.says(Verdict.NO, writes, help_)
            continue
        held = judge_outbox(voice, step.old, step, "G4.1", "retire-write")
        yield voice.says(Verdict.YES, writes) if held.verdict is Verdict.YES else held


def _find_recorded_writers(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    contract, old = rollout.step.contract, rollout.step.old
    owner = evidence.terms.owner if evidence.terms else ""
    current = [build for build in find_current(evidence.deployments, now) if build.writes.get(contract)]
    for service in dict.fromkeys([owner, *(build.service for build in current)]):
        builds = [build for build in current if build.service == service]
        subject = f"owner/{service}" if service == owner else f"service/{service}"
        late = [build for build in builds if old in build.writes[contract]]
        if late and service not in evidence.services:
            reason = (
                f"{service}, whom ownership.yaml no longer knows, is recorded with "
                f"{render_some([describe_build(build) for build in late])}, which can write v{old}"
            )
            help_ = f"if it was renamed or is gone, answer for it: --waive G4.1:{subject}"
            yield Observation(subject, Verdict.UNKNOWN, reason, source_of(late), max(b.at for b in late), help_)
        elif late:
            reason = f"{service}: {render_some([describe_build(build) for build in late])} can write v{old}"
            newest = max(build.at for build in late)
            yield Observation(subject, Verdict.NO, reason, source_of(late), newest, _advise(rollout, service))
        elif builds:
            reason = f"{service}: no recorded build can write v{old}"
            yield Observation(subject, Verdict.YES, reason, source_of(builds), max(build.at for build in builds))
        elif not any(v.service == owner and v.fresh and v.writes for v in listen(evidence, contract)):
            reason = f"{owner or contract}: nobody recorded which build writes it in {rollout.step.environment}"
            help_ = f"record it: {advise_deployed(owner, rollout, writes=(rollout.step.new,))}" if owner else ""
            yield Observation(subject, Verdict.UNKNOWN, reason, Source.GIT, help=help_)


def _advise(rollout: Rollout, service: str) -> str:
    new = rollout.step.new
    return (
        f"take v{rollout.step.old} out of `writes` in ownership.yaml, make the stubs, deploy; then: "
        f"{advise_deployed(service, rollout, writes=(new,))}"
    )


def find_served(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Of each subscriber whether any of its code still asks for the old version: was it served a newer one as that?"""
    yield from find_silences(evidence, Question.HEARTBEATS)
    heard = any(find_answers(evidence, Question.HEARTBEATS))
    voices = listen(evidence, rollout.step.contract)
    for service in find_subscribers(evidence):
        yield _judge_builds(service, rollout, evidence, now)
        if heard:
            # The last words of those that are gone count too.
            own = [voice for voice in voices if voice.service == service and voice.reads]
            yield from _judge_quiet(service, own, rollout, evidence, now)


def _judge_builds(service: str, rollout: Rollout, evidence: Evidence, now: datetime) -> Observation:
    """What is recorded as deployed: a build that cannot read the new version by itself has it served."""
    contract, new = rollout.step.contract, rollout.step.new
    builds = [build for build in find_builds(evidence, service, now) if build.reads.get(contract)]
    late = [build for build in builds if new not in build.reads[contract]]
    subject = f"service/{service}"
    if late:
        facts = render_some([f"{describe_build(b)} reads {render_versions(b.reads[contract])}" for b in late])
        reason = f"{service}: {facts}, and has v{new} served to it"
        help_ = f"deploy a build that reads v{new}; then: {advise_deployed(service, rollout, reads=(new,))}"
        return Observation(subject, Verdict.NO, reason, source_of(late), max(build.at for build in late), help_)
    if builds:
        reason = f"{service}: {render_some([describe_build(build) for build in builds])} reads v{new}"
        return Observation(subject, Verdict.YES, reason, source_of(builds), max(build.at for build in builds))
    alive = [v for v in listen(evidence, contract) if v.service == service and v.fresh and v.reads]
    help_ = f"record it: {advise_deployed(service, rollout, reads=(new,))}"
    return judge_unrecorded(subject, service, alive, rollout, help_)


def _judge_quiet(
    service: str, own: Sequence[Voice], rollout: Rollout, evidence: Evidence, now: datetime
) -> Iterator[Observation]:
    old, quiet = rollout.step.old, evidence.environment.quiet
    subject = f"quiet/{service}"
    served = [seen for seen in (_find_serving(voice, rollout, quiet) for voice in own) if seen]
    yield from served
    if served:
        return
    fresh = [voice for voice in own if voice.fresh]
    if not fresh:
        reason = f"{service}: nobody is heard who could say whether it still asks for v{old}"
        help_ = f"start it with the runtime's heartbeat, or: --waive G4.2:{subject}"
        yield Observation(subject, Verdict.UNKNOWN, reason, Source.HEARTBEAT, help=help_)
        return
    observed = max(voice.observed for voice in fresh)
    if all(old not in voice.capability.reads for voice in fresh):
        reason = f"{service}: no live instance knows v{old} any more"
        yield Observation(subject, Verdict.YES, reason, Source.HEARTBEAT, observed)
        return
    covered, how = _find_cover(service, fresh, rollout, evidence, now)
    if covered >= quiet:
        reason = f"{service}: nothing was served to it as v{old} for {render_span(covered)} ({how})"
        yield Observation(subject, Verdict.YES, reason, Source.HEARTBEAT, observed)
        return
    reason = (
        f"{service}: nothing was served to it as v{old} for {render_span(covered)} of {render_span(quiet)} ({how}); "
        "what its instances did before they were started nobody knows"
    )
    help_ = f"look again at {render_due(now, quiet - covered)}, or deploy a build that no longer reads v{old}"
    yield Observation(subject, Verdict.UNKNOWN, reason, Source.HEARTBEAT, observed, help_)


def _find_serving(voice: Voice, rollout: Rollout, quiet: float) -> Observation | None:
    """What an instance was served as the old version, if that was within the time."""
    step, capability = rollout.step, voice.capability
    if voice.fresh and step.new not in capability.reads:
        reason = f"{voice.name} reads {render_versions(capability.reads)}, and has v{step.new} served to it"
        help_ = f"deploy a build of {voice.service} to it that reads v{step.new}"
        return voice.says(Verdict.NO, reason, help_)
    for each in capability.converted:
        ago = seconds_between(each.last_at, voice.observed) + voice.age
        if each.reader == step.old and each.writer != step.old and each.count and ago < quiet:
            reason = (
                f"{voice.name} was served v{each.writer} as v{step.old} {render_span(ago)} ago "
                f"({count(each.count, 'time')} since it was started)"
            )
            help_ = (
                f"let the handlers of {voice.service} ask for v{step.new} (read_as), deploy, and wait "
                f"{render_span(quiet)}; or: --waive G4.2:{voice.subject}"
            )
            return voice.says(Verdict.NO, reason, help_)
    return None


def _find_cover(
    service: str, fresh: Sequence[Voice], rollout: Rollout, evidence: Evidence, now: datetime
) -> tuple[float, str]:
    """For how long it is known that nothing was served: by how long the oldest instance runs, or by earlier looks."""
    oldest = min(fresh, key=lambda voice: voice.heartbeat.started_at)
    runs = seconds_between(oldest.heartbeat.started_at, oldest.observed)
    looks = [
        seconds_between(each.since, now)
        for each in rollout.checks
        if each.check == "G4.2" and each.subject == f"quiet/{service}" and each.verdict is not Verdict.NO
    ]
    if looks and looks[0] > runs:
        return looks[0], f"in every look for {render_span(looks[0])}"
    return runs, f"{oldest.heartbeat.instance} runs for {render_span(runs)}"


def find_revert_window(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether the time is over in which the switch may be taken back."""
    window, subject = evidence.environment.revert_window, f"environment/{evidence.environment.name}"
    if rollout.switched is None:
        reason = "nobody recorded when it was switched"
        yield Observation(subject, Verdict.UNKNOWN, reason, Source.GIT, help="look at: contracts rollout status")
        return
    lasted = seconds_between(rollout.switched, now)
    fact = f"switched {render_span(lasted)} ago"
    if lasted >= window:
        reason = f"{fact}; its revert window of {render_span(window)} is closed"
        yield Observation(subject, Verdict.YES, reason, Source.GIT, rollout.switched)
        return
    reason = f"{fact}, and may be reverted for {render_span(window)}"
    help_ = f"look again at {render_due(rollout.switched, window)}"
    yield Observation(subject, Verdict.NO, reason, Source.GIT, rollout.switched, help_)


RETIRE_WRITE: Final = Gate(
    "G4",
    "nobody writes the old version, nor asks for it",
    frozenset({Question.PARTITIONS, Question.GROUPS, Question.HEARTBEATS, Question.TAIL}),
    (
        Row("G4.1", "no live or supported build writes the old version", find_old_writers, UNKNOWNS),
        Row("G4.2", "nobody is served newer versions as the old one", find_served, ANY),
        Row("G4.3", "no old record behind the barrier", find_strays, UNKNOWNS),
        Row("G4.4", "the switch can no longer be reverted", find_revert_window, ANY),
    ),
)
