"""G2: has every writer switched? Then the barrier is known: one past the last record of the other version.

A revert converges by the same rows: there the other version is the new one.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from registry.rollout.barrier import NOTHING
from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.evidence import ClusterEvidence, Evidence, Question
from registry.rollout.gates.asking import find_answers, find_silences, told_by
from registry.rollout.gates.gate import UNKNOWNS, Gate, Row
from registry.rollout.gates.hearing import PERIODS, Voice, listen
from registry.rollout.gates.moments import seconds_between
from registry.rollout.gates.outboxes import judge_outbox
from registry.rollout.gates.owner import find_owner_attendance, find_owner_voices, judge_builds
from registry.rollout.gates.tail import find_nameless, find_open_transactions, find_unscanned
from registry.rollout.rollout import Publication, Rollout
from registry.rollout.words import count, render_span


def find_other(rollout: Rollout) -> int:
    """The version that should no longer be written."""
    return rollout.step.old if rollout.target == rollout.step.new else rollout.step.new


def find_obedience(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Of each live instance of the owner whether it obeys the publication and writes what it says."""
    publication = rollout.publication
    if publication is None or publication.prepare:
        subject = f"event/{rollout.step.contract}"
        reason = "nothing is published yet" if publication is None else f"v{publication.prepare} is only prepared"
        help_ = f"go on with it: contracts rollout reconcile {rollout.step.contract} --env {rollout.step.environment}"
        yield Observation(subject, Verdict.NO, reason, Source.GIT, help=help_)
        return
    if evidence.environment.brokerless and evidence.terms is not None:
        yield judge_builds(rollout, evidence, now, (publication.active,))  # they switch when they are deployed
        return
    yield from find_silences(evidence, Question.HEARTBEATS)
    if not any(find_answers(evidence, Question.HEARTBEATS)):
        return
    voices = listen(evidence, rollout.step.contract)
    yield from find_owner_attendance(rollout, evidence, voices, "G2.1")
    for voice in find_owner_voices(evidence, voices):
        yield _judge_voice(voice, publication, rollout, evidence, now)


def _judge_voice(
    voice: Voice, publication: Publication, rollout: Rollout, evidence: Evidence, now: datetime
) -> Observation:
    capability = voice.capability
    obeys = f"obeys epoch {capability.epoch}" if capability.epoch else "obeys no control record"
    writes = f"writes v{capability.active}" if capability.active else "writes nothing"
    heard = voice.has_heard(publication.rank)
    if heard and capability.active == publication.active:
        reason = f"{voice.name} {obeys} and {writes}"
        return voice.says(Verdict.YES, reason)
    reason = f"{voice.name} {obeys} and {writes}, not v{publication.active} of epoch {publication.epoch}"
    if capability.trouble:
        reason += f": {capability.trouble}"
    # Whoever was told a moment ago, and has not spoken since, has had no time to obey.
    told = max(filter(None, (rollout.since, rollout.switched)))
    environment = evidence.environment
    grace = PERIODS * (voice.heartbeat.period or environment.heartbeat) + environment.margin
    early = not capability.trouble and seconds_between(told, now) <= grace
    help_ = (
        f"look whether it follows _contracts.control (READ for its principal, its log), or restart it; until it obeys, "
        f"everybody goes on reading both: contracts rollout converge {rollout.step.contract} --env {environment.name}"
    )
    if early:
        reason += f"; it was told {render_span(seconds_between(told, now))} ago"
    verdict = Verdict.UNKNOWN if early else Verdict.NO
    return voice.says(verdict, reason, help_)


def find_outboxes(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Of each live instance of the owner whether its outbox still holds the other version."""
    yield from find_silences(evidence, Question.HEARTBEATS)
    for voice in find_owner_voices(evidence, listen(evidence, rollout.step.contract)):
        yield judge_outbox(voice, find_other(rollout), rollout.step, "G2.2", "converge")


def find_tail(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether the tail of each partition can be told, so that the barrier can."""
    yield from find_silences(evidence, Question.TAIL)
    for cluster in find_answers(evidence, Question.TAIL):
        found = [
            *find_unscanned(cluster, cluster.tail),
            *find_open_transactions(cluster, find_other(rollout)),
            *find_nameless(cluster, {}),
        ]
        yield from found or [_describe_tail(cluster, find_other(rollout))]


def _describe_tail(cluster: ClusterEvidence, other: int) -> Observation:
    seen = {number: scan.versions.get(other, NOTHING) for number, scan in cluster.tail.items()}
    late = sum(each.count for each in seen.values())
    reason = f"{count(len(cluster.tail), 'partition')} of {cluster.topic} on {cluster.name} scanned: "
    reason += f"{count(late, 'record')} of v{other} since the switch began" if late else f"no v{other} since it began"
    if late:
        number, last = max(seen.items(), key=lambda item: item[1].last)
        reason += f", the last on partition {number} at offset {last.last:,}"
    return told_by(cluster, f"cluster/{cluster.name}", Verdict.YES, reason)


def find_control(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether the control topic says what git says. Only the cluster that is written to has it."""
    yield from find_silences(evidence, Question.CONTROL, first=True)
    publication = rollout.publication
    for cluster in list(find_answers(evidence, Question.CONTROL))[:1]:
        subject, record = f"control/{cluster.name}", cluster.control
        repair = f"contracts rollout reconcile {rollout.step.contract} --env {rollout.step.environment}"
        verdict, help_ = Verdict.NO, f"publish what git says: {repair}"
        if record is None:
            reason = f"the control topic of {cluster.name} has no record of {rollout.step.contract}"
        elif publication is None or record.rank > publication.rank:
            known = publication.epoch if publication else rollout.epoch
            reason = f"the control topic of {cluster.name} is at epoch {record.epoch}, and git knows {known}"
            help_ = "somebody publishes past git: find who may write _contracts.control, and fetch contracts-state"
        elif record.rank < publication.rank:
            reason = f"the control topic of {cluster.name} is at epoch {record.epoch}, behind git's {publication.epoch}"
        elif (record.active, record.prepare, tuple(sorted(record.writable))) != (
            publication.active,
            publication.prepare,
            tuple(sorted(publication.writable)),
        ):
            reason = f"the control topic of {cluster.name} and git disagree about epoch {record.epoch}"
            help_ = "two histories use one epoch: look at git log contracts-state, and revert to a higher epoch"
        else:
            verdict, help_ = Verdict.YES, ""
            reason = f"the control topic of {cluster.name} says what git says: epoch {record.epoch}, v{record.active}"
        yield told_by(cluster, subject, verdict, reason, help_)


CONVERGE: Final = Gate(
    "G2",
    "every writer has switched",
    frozenset({Question.PARTITIONS, Question.GROUPS, Question.HEARTBEATS, Question.TAIL, Question.CONTROL}),
    (
        Row("G2.1", "every live instance of the owner obeys", find_obedience, UNKNOWNS),
        Row("G2.2", "no outbox holds the other version", find_outboxes, UNKNOWNS),
        Row("G2.3", "the tail of the log can be told", find_tail, UNKNOWNS),
        Row("G2.4", "the control topic says what git says", find_control, UNKNOWNS),
    ),
)
