"""Which clusters answered a question; each that did not is an observation, so that nothing passes unseen."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.evidence import ClusterEvidence, Evidence, Question

WORDS: Final = {
    Question.PARTITIONS: "its offsets",
    Question.GROUPS: "its consumer groups",
    Question.ACCESS: "who may read and write the topic",
    Question.HEARTBEATS: "the heartbeats",
    Question.CONTROL: "the control record",
    Question.TAIL: "what was written since the switch began",
    Question.EVERYTHING: "all records that it still holds",
    Question.DEAD_LETTERS: "the dead letters",
}
"""What a cluster did not tell."""


def find_answers(evidence: Evidence, question: Question) -> Iterator[ClusterEvidence]:
    """The clusters that answered it."""
    return (cluster for cluster in evidence.clusters if question in cluster.answered)


def is_answered(evidence: Evidence, *questions: Question) -> bool:
    """Whether every cluster of the environment answered all of these, and there is one at all."""
    return bool(evidence.clusters) and not any(
        True for question in questions for _ in find_silences(evidence, question)
    )


def find_silences(evidence: Evidence, question: Question, *, first: bool = False) -> Iterator[Observation]:
    """The clusters that did not answer, each with the reason; none where the environment declares ``broker: none``.

    With ``first`` only the cluster that is written to is expected to answer.
    """
    environment = evidence.environment
    if environment.brokerless:
        return
    names = list(dict.fromkeys([*(each.name for each in environment.clusters), *(c.name for c in evidence.clusters)]))
    if not names:
        reason = evidence.unasked or f"no cluster of {environment.name} is named"
        yield _unknown(
            f"environment/{environment.name}",
            f"{WORDS[question]}: not asked: {reason}",
            None,
            f"name the cluster (--broker HOST:PORT, or under `environments: {{{environment.name}: {{clusters: …}}}}` "
            "in policy.yaml), or declare `broker: none` there",
        )
    heard = {cluster.name: cluster for cluster in evidence.clusters}
    for name in names[:1] if first else names:
        cluster = heard.get(name)
        if cluster is None:
            reason = evidence.unasked or "nobody asked it"
            yield _unknown(f"cluster/{name}", f"{name} did not tell {WORDS[question]}: {reason}", None, _ASK)
        elif question not in cluster.answered:
            reason = cluster.failures.get(question) or evidence.unasked or "nobody asked it"
            yield _unknown(
                f"cluster/{name}", f"{name} did not tell {WORDS[question]}: {reason}", cluster.observed, _REPAIR
            )


def told_by(cluster: ClusterEvidence, subject: str, verdict: Verdict, reason: str, help_: str = "") -> Observation:
    """What a cluster said of a subject, when it was asked."""
    return Observation(subject, verdict, reason, Source.BROKER, cluster.observed, help_)


_ASK: Final = "run the command again without --no-broker, where the cluster can be reached"
_REPAIR: Final = "repair what the reason names and look again; a waiver of this check and subject lets it pass"


def _unknown(subject: str, reason: str, observed: datetime | None, help: str) -> Observation:
    return Observation(subject, Verdict.UNKNOWN, reason, Source.BROKER, observed, help)
