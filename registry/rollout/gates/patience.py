"""Has it been so for long enough? The soak, the revert window of the step before, trust, and who has heard."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from registry.rollout.checks import Check, Observation, Source, Verdict, decide
from registry.rollout.evidence import Evidence, Question
from registry.rollout.gates.asking import find_silences, is_answered, told_by
from registry.rollout.gates.hearing import Voice, listen
from registry.rollout.gates.inventory import find_builds, find_neighbours, find_subscribers, source_of, standing_of
from registry.rollout.gates.moments import render_due, seconds_between
from registry.rollout.rollout import Recorded, Rollout
from registry.rollout.states import State
from registry.rollout.words import count, render_span, render_versions

MOST_WRITABLE: Final = 3
"""A build that writes more versions than these nobody can test."""
SETTLED: Final = frozenset({State.WRITE_RETIRED, State.READ_RETIRED, State.ABORTED, State.ABANDONED})
"""Steps that nobody can revert any more."""
RUNGS: Final = {"git": Source.GIT, "ci": Source.CI, "heartbeat": Source.HEARTBEAT, "broker": Source.BROKER}


def judge_soak(rollout: Rollout, evidence: Evidence, now: datetime, others: list[Check]) -> Iterator[Observation]:
    """Whether the rest of the gate has been yes for the soak time, as the journal remembers it.

    Where no soak is asked for, what holds the rest up is told by the rest alone.
    """
    soak, subject = evidence.environment.soak, f"environment/{evidence.environment.name}"
    if decide(others) is not Verdict.YES:
        if soak <= 0:
            return
        reason = f"the soak of {render_span(soak)} begins when every other check says yes"
        yield Observation(subject, Verdict.UNKNOWN, reason, Source.GIT, now, "look at the other checks first")
        return
    began = find_yes(rollout)
    lasted = seconds_between(began, now) if began else 0.0
    if lasted >= soak:
        reason = f"yes for {render_span(lasted)}; {render_span(soak)} are asked for"
        yield Observation(
            subject, Verdict.YES, reason if soak > 0 else "no soak is asked for", Source.GIT, began or now
        )
        return
    reason = f"yes for {render_span(lasted)} of {render_span(soak)}"
    help_ = f"look again at {render_due(began or now, soak)}: each look that says no begins the soak anew"
    yield Observation(subject, Verdict.NO, reason, Source.GIT, began or now, help_, since=began)


def find_yes(rollout: Rollout) -> datetime | None:
    """Since when each look at G1 has said yes, the soak itself left out; ``None`` where the last one did not."""
    whole: Recorded | None = next((each for each in rollout.checks if each.check == "G1"), None)
    return whole.since if whole is not None and whole.verdict is Verdict.YES else None


def find_old_answers(evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Clusters that were asked too long ago: what they said may have changed."""
    for cluster in evidence.clusters:
        age, limit = seconds_between(cluster.observed, now), evidence.environment.age
        if cluster.answered and age > limit:
            reason = f"{cluster.name} was asked {render_span(age)} ago; beyond {render_span(limit)} that proves nothing"
            help_ = "look again; if it was just asked, the clock of this machine or of the brokers is wrong"
            yield told_by(cluster, f"cluster/{cluster.name}", Verdict.UNKNOWN, reason, help_)


def find_chain(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether the steps before can no longer be reverted: one switch at a time can be taken back."""
    window = evidence.environment.revert_window
    earlier = [each for each in find_neighbours(rollout, evidence) if each.step.new <= rollout.step.old]
    for each in sorted(earlier, key=lambda each: each.step.new):
        if each.state in SETTLED or each.switched is None:
            continue
        subject = f"rollout/{each.step.old}-{each.step.new}"
        lasted = seconds_between(each.switched, now)
        fact = f"{each.step.old} -> {each.step.new} was switched {render_span(lasted)} ago"
        if lasted >= window:
            reason = f"{fact}; its revert window of {render_span(window)} is closed"
            yield Observation(subject, Verdict.YES, reason, Source.GIT, each.switched)
        else:
            due = render_due(each.switched, window)
            reason = f"{fact}, and may be reverted for {render_span(window)}: until {due}"
            help_ = "wait until then, so that a revert of it never meets records of a still newer version"
            yield Observation(subject, Verdict.NO, reason, Source.GIT, each.switched, help_)


def find_writable(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether at most three versions would be writable."""
    writable = sorted({*standing_of(rollout, evidence).writable, rollout.step.new})
    subject, fact = f"event/{rollout.step.contract}", f"{render_versions(writable)} would be writable"
    if len(writable) <= MOST_WRITABLE:
        yield Observation(subject, Verdict.YES, fact, Source.GIT)
        return
    reason = f"{fact}, and at most {MOST_WRITABLE} may be"
    yield Observation(
        subject, Verdict.NO, reason, Source.GIT, help="finish an older rollout first: contracts rollout contract"
    )


def find_trust(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether what is known of each service comes from a source that the environment trusts."""
    least = RUNGS[evidence.environment.trust]
    if least is Source.GIT or evidence.terms is None:
        return
    voices = listen(evidence, rollout.step.contract)
    groups = is_answered(evidence, Question.GROUPS)
    for service in dict.fromkeys([evidence.terms.owner, *find_subscribers(evidence)]):
        best, word = _find_best(service, evidence, voices, now, groups=groups)
        subject = f"service/{service}"
        if best is not None and best >= least:
            yield Observation(subject, Verdict.YES, f"{service}: {word}", best)
            continue
        asked = evidence.environment.trust
        reason = (
            f"{service}: {word or 'no word of it at all'}; {evidence.environment.name} trusts nothing below {asked}"
        )
        yield Observation(subject, Verdict.UNKNOWN, reason, best or Source.GIT, help=_TRUST_HELP[least])


_TRUST_HELP: Final = {
    Source.CI: "let the CI job that deploys it record the deployment: contracts deployed, in the job itself",
    Source.HEARTBEAT: "start it with the runtime's heartbeat (`rollouts=`), in an environment whose clusters are named",
    Source.BROKER: "start it with the runtime's heartbeat, and let this tool list the consumer groups",
}


def _find_best(
    service: str, evidence: Evidence, voices: tuple[Voice, ...], now: datetime, *, groups: bool
) -> tuple[Source | None, str]:
    alive = [voice for voice in voices if voice.service == service and voice.fresh]
    if alive:
        return (Source.BROKER if groups else Source.HEARTBEAT), f"{count(len(alive), 'instance')} heard"
    builds = find_builds(evidence, service, now)
    if not builds:
        return None, ""
    return source_of(builds), f"recorded by {builds[0].by} ({builds[0].source})"


def find_unheard(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """While the new version is prepared: whether every live instance has heard so.

    That is what closes the gap between check and act, and no clock is asked for it: who has heard what is prepared
    reads on or stands aside, and who starts later hears it before it joins. Where no cluster is asked nothing is
    published either, so there is nothing to hear.
    """
    publication = rollout.publication
    if rollout.state is not State.SWITCHING or publication is None or not publication.prepare or evidence.unasked:
        return
    yield from find_silences(evidence, Question.HEARTBEATS)
    for voice in listen(evidence, rollout.step.contract):
        if not voice.fresh or not (voice.reads or voice.writes):
            continue
        if voice.has_heard(publication.rank):
            reason = f"{voice.name} has heard that v{publication.prepare} is prepared (epoch {publication.epoch})"
            yield voice.says(Verdict.YES, reason)
            continue
        known = f"obeys epoch {voice.capability.epoch}" if voice.capability.epoch else "obeys no control record"
        reason = f"{voice.name} {known}: it has not heard that v{publication.prepare} is prepared"
        help_ = "let its runtime follow _contracts.control (its principal needs READ there), or "
        help_ += f"answer for it: --waive G1.8:{voice.subject}"
        yield voice.says(Verdict.UNKNOWN, reason, help_)
