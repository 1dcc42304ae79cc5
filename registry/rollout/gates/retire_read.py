"""G5: may readers forget the old version? Only where no log holds it any more; what groups have read proves nothing."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from registry.frozen import replace
from registry.rollout.barrier import NOTHING
from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.evidence import ClusterEvidence, Evidence, PartitionScan, Question, Span
from registry.rollout.gates.asking import find_answers, find_silences, told_by
from registry.rollout.gates.contract import find_dead_letters
from registry.rollout.gates.gate import NOTHING as NONE
from registry.rollout.gates.gate import Gate, Row
from registry.rollout.gates.tail import place_of
from registry.rollout.rollout import Rollout
from registry.rollout.words import count, render_some

KEPT = "a topic that is kept for ever answers so for ever, and its rollout counts as done as it is"


def find_remains(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Of each partition whether an old record may still lie in it: physically, aborted ones too."""
    old = rollout.step.old
    if evidence.environment.brokerless:
        yield _believe_review(rollout, evidence)
        return
    yield from find_silences(evidence, Question.PARTITIONS)
    for cluster in find_answers(evidence, Question.PARTITIONS):
        judged = (_judge_partition(number, span, cluster, rollout) for number, span in sorted(cluster.spans.items()))
        found = list(filter(None, judged))
        yield from found
        if not found:
            partitions = count(len(cluster.spans), "partition")
            reason = f"{partitions} of {cluster.topic} on {cluster.name}: no v{old} record is left"
            if not cluster.spans:
                reason = f"there is no topic {cluster.topic} on {cluster.name}"
            yield told_by(cluster, f"cluster/{cluster.name}", Verdict.YES, reason)


def _judge_partition(number: int, span: Span, cluster: ClusterEvidence, rollout: Rollout) -> Observation | None:
    """``None`` where the partition is proven to hold no old record."""
    if span.low >= span.high:
        return None
    old = rollout.step.old
    scans = [scan for scan in (cluster.everything.get(number), cluster.tail.get(number)) if scan is not None]
    name = f"partition {number} of {cluster.topic} on {cluster.name}"
    dirty = next((scan for scan in scans if scan.versions.get(old, NOTHING).last >= span.low), None)
    if dirty is not None:
        seen = dirty.versions[old]
        keys = f"; keys: {render_some(seen.keys)}" if seen.keys else ""
        reason = f"{name} holds {count(seen.count, 'record')} of v{old}, the last at offset {seen.last:,}{keys}"
        help_ = f"wait until retention or compaction has taken them (write those keys anew to hurry it); {KEPT}"
        return told_by(cluster, place_of(cluster, number), Verdict.NO, reason, help_)
    if any(_covers(scan, span) for scan in scans):
        return None
    reason = f"{name}: offsets {span.low:,} to {span.high - 1:,} were not all scanned"
    failure = cluster.failures.get(Question.EVERYTHING)
    help_ = f"scan it whole: contracts rollout retire-read {rollout.step.contract} --env {rollout.step.environment}"
    if failure:
        reason += f": {failure}"
    return told_by(cluster, place_of(cluster, number), Verdict.UNKNOWN, reason, help_)


def _covers(scan: PartitionScan, span: Span) -> bool:
    """Whether it saw all that the log holds. Records that are not committed yet count like the others."""
    return scan.start <= span.low and scan.end >= span.high


def _believe_review(rollout: Rollout, evidence: Evidence) -> Observation:
    """Where nobody asks Kafka, only people can say what the log holds, in the file that is reviewed."""
    old, subject = rollout.step.old, f"event/{rollout.step.contract}"
    if evidence.terms is not None and old in evidence.terms.retired:
        reason = f"ownership.yaml lists v{old} as retired: people looked, and no log holds it"
        return Observation(subject, Verdict.YES, reason, Source.GIT)
    reason = f"git cannot tell whether a log still holds v{old}"
    help_ = f"name the cluster and let it be scanned, or say `retired: [{old}]` in ownership.yaml; {KEPT}"
    return Observation(subject, Verdict.UNKNOWN, reason, Source.GIT, help=help_)


def find_letters(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Old records among the dead letters: redriven, they must still be read."""
    for seen in find_dead_letters(rollout, evidence, now):
        yield replace(seen, help=seen.help and f"{seen.help}; until then v{rollout.step.old} must be readable")


RETIRE_READ: Final = Gate(
    "G5",
    "no log holds the old version",
    frozenset({Question.PARTITIONS, Question.EVERYTHING, Question.DEAD_LETTERS}),
    (
        Row("G5.1", "no record of the old version is left", find_remains, NONE),
        Row("G5.2", "none is left among the dead letters", find_letters, NONE),
    ),
)
