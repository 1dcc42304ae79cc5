"""What a log says of the switch: old records behind the barrier, and what keeps a scan from being the last word."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from registry.rollout.barrier import NOTHING
from registry.rollout.checks import Observation, Verdict
from registry.rollout.evidence import ClusterEvidence, Evidence, PartitionScan, Question
from registry.rollout.gates.asking import find_answers, find_silences, told_by
from registry.rollout.rollout import Mark, Rollout
from registry.rollout.words import count, render_some


def find_strays(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Old records behind the barrier: somebody still writes the old version, or does so again."""
    yield from find_silences(evidence, Question.TAIL)
    for cluster in find_answers(evidence, Question.TAIL):
        marks = rollout.barrier.get(cluster.name, {})
        if cluster.tail and not is_measured(marks):
            reason = f"{cluster.name} has no barrier yet: nobody knows from where on v{rollout.step.old} should be gone"
            help_ = f"contracts rollout converge {rollout.step.contract} --env {rollout.step.environment}"
            yield told_by(cluster, f"cluster/{cluster.name}", Verdict.UNKNOWN, reason, help_)
            continue
        found = [
            *find_unscanned(cluster, cluster.tail),
            *find_open_transactions(cluster, rollout.step.old),
            *find_nameless(cluster, marks),
            *_find_behind(rollout, cluster, marks),
        ]
        yield from found
        if not found:
            reason = f"{count(len(cluster.tail), 'partition')} of {cluster.topic} on {cluster.name}: "
            reason += f"no v{rollout.step.old} record behind the barrier"
            yield told_by(cluster, f"cluster/{cluster.name}", Verdict.YES, reason)


def is_measured(marks: Mapping[int, Mark]) -> bool:
    """Whether the barrier is known; it is not where a cluster was away when the rollout converged."""
    return bool(marks) and all(mark.committed >= 0 for mark in marks.values())


def find_unscanned(cluster: ClusterEvidence, scans: Mapping[int, PartitionScan]) -> Iterator[Observation]:
    """Partitions that exist and that the scan lacks."""
    for number in sorted(cluster.spans.keys() - scans.keys()):
        reason = f"partition {number} of {cluster.topic} on {cluster.name} was not scanned: it was added meanwhile"
        yield _unknown(cluster, number, reason, "look again")


def find_open_transactions(cluster: ClusterEvidence, other: int) -> Iterator[Observation]:
    """Partitions whose tail nobody can judge yet: it holds a record of the ``other`` version whose transaction is open.

    One that holds none hides nothing: all data was counted, and where writers work in transactions one is always open.
    """
    for number, scan in sorted(cluster.tail.items()):
        late = scan.versions.get(other, NOTHING).last >= scan.stable
        unseen = scan.stable < scan.start  # since before the first offset that was scanned
        if scan.stable < scan.end and (late or unseen):
            reason = (
                f"partition {number} of {cluster.topic} on {cluster.name}: a transaction is open since offset "
                f"{scan.stable:,}; the {count(scan.end - scan.stable, 'offset')} after it may still be committed or not"
            )
            help_ = (
                f"wait for its timeout, or end it: kafka-transactions.sh find-hanging --topic {cluster.topic}, then "
                f"abort --topic {cluster.topic} --partition {number} --start-offset {scan.stable}"
            )
            yield _unknown(cluster, number, reason, help_)


def find_nameless(cluster: ClusterEvidence, marks: Mapping[int, Mark]) -> Iterator[Observation]:
    """Records since the switch began that name a schema which is no version of anything on the topic."""
    for number, scan in sorted(cluster.tail.items()):
        seen = scan.versions.get(0, NOTHING)
        barrier = marks[number].everything if number in marks else 0
        if seen.count and seen.last >= barrier:
            nameless = count(seen.count, "record names", "records name")
            reason = (
                f"partition {number} of {cluster.topic} on {cluster.name}: {nameless} a schema that is no released "
                f"version, the last at offset {seen.last:,}"
            )
            help_ = (
                f"look at it: contracts explain, or kafka-console-consumer.sh --topic {cluster.topic} --partition "
                f"{number} --offset {seen.last} --max-messages 1; whoever writes it has no stub of this registry"
            )
            yield _unknown(cluster, number, reason, help_)


def place_of(cluster: ClusterEvidence, number: int) -> str:
    """The subject of a partition: ``partition/main/content.items/3``."""
    return f"partition/{cluster.name}/{cluster.topic}/{number}"


def _find_behind(rollout: Rollout, cluster: ClusterEvidence, marks: Mapping[int, Mark]) -> Iterator[Observation]:
    old = rollout.step.old
    for number, scan in sorted(cluster.tail.items()):
        seen = scan.versions.get(old, NOTHING)
        barrier = marks[number].everything if number in marks else -1
        if seen.last < 0 or seen.last < barrier:
            continue
        kind = "" if seen.last == seen.last_committed else " (its transaction was aborted)"
        edge = f"the barrier at {barrier:,}" if barrier >= 0 else "the switch"
        keys = f"; keys: {render_some(seen.keys)}" if seen.keys else ""
        reason = (
            f"partition {number} of {cluster.topic} on {cluster.name}: a v{old} record at offset {seen.last:,}{kind}, "
            f"behind {edge}{keys}"
        )
        help_ = (
            f"find who writes it: kafka-console-consumer.sh --topic {cluster.topic} --partition {number} --offset "
            f"{seen.last} --max-messages 1 --property print.headers=true; stop it, then put the barrier behind it: "
            f"contracts rollout converge {rollout.step.contract} --env {rollout.step.environment}"
        )
        yield told_by(cluster, place_of(cluster, number), Verdict.NO, reason, help_)


def _unknown(cluster: ClusterEvidence, number: int, reason: str, help_: str) -> Observation:
    return told_by(cluster, place_of(cluster, number), Verdict.UNKNOWN, reason, help_)
