"""Collecting evidence: what git, the journal and the clusters say, each asked only what a gate needs.

A question that has no answer is a fact too: it stands among the failures of its cluster, and the gate says unknown.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from registry.environment import Cluster
from registry.rollout.broker import Broker
from registry.rollout.errors import BrokerSilent, BrokerUnavailable
from registry.rollout.evidence import ClusterEvidence, Evidence, Question
from registry.rollout.facts import Facts
from registry.rollout.journal.journal import Book
from registry.rollout.means import Means
from registry.rollout.rollout import Rollout

_ON_TOPIC: Final = frozenset(
    {Question.PARTITIONS, Question.GROUPS, Question.ACCESS, Question.TAIL, Question.EVERYTHING}
)
"""Questions about the contract's topic: no answer is to be had where ownership.yaml names none."""


def collect(
    means: Means, facts: Facts, book: Book, rollout: Rollout, needs: Iterable[Question], *, dry_run: bool = False
) -> Evidence:
    """All that is known of one rollout's contract now. Raises nothing that a cluster gives cause for.

    A broker tells the time to who writes a record: a ``dry_run`` goes by this machine's clock.
    """
    wanted = [question for question in Question if question in set(needs)]
    return Evidence(
        environment=means.environment,
        terms=facts.terms,
        services=facts.services,
        versions=facts.versions,
        readings=facts.readings,
        keys=facts.keys,
        rollouts=tuple(book.find_rollouts(facts.contract)),
        deployments=tuple(book.find_deployments(means.environment.name)),
        clusters=tuple(
            _ask_cluster(means, facts, rollout, cluster, wanted, first=not index, dry_run=dry_run)
            for index, cluster in enumerate(means.clusters)
        ),
        parties=facts.parties,
        unasked=means.silence,
    )


def topic_on(cluster: Cluster, facts: Facts) -> str:
    """What the contract's topic is called on a cluster; empty where ownership.yaml names none."""
    return cluster.topic.replace("{topic}", facts.topic) if facts.topic else ""


def _ask_cluster(
    means: Means,
    facts: Facts,
    rollout: Rollout,
    cluster: Cluster,
    wanted: list[Question],
    *,
    first: bool,
    dry_run: bool,
) -> ClusterEvidence:
    broker, topic = means.brokers[cluster.name], topic_on(cluster, facts)
    answers: dict[str, Any] = {}
    failures: dict[Question, str] = {}
    asked = [question for question in wanted if first or question is not Question.CONTROL]
    observed, silence = None, ""
    for question in asked:
        try:
            if silence:
                failures[question] = silence
            elif question in _ON_TOPIC and not topic:
                failures[question] = f"ownership.yaml names no topic for {facts.contract}"
            else:
                name = question.name.lower()
                answers[name] = _QUESTIONS[question](means, facts, rollout, cluster, broker)
                # Before a scan, which may take minutes.
                observed = observed or (means.clock() if dry_run else broker.read_now())
        except BrokerSilent as error:
            silence = failures[question] = error.message
        except BrokerUnavailable as error:
            failures[question] = error.message
    if dry_run:  # a clock that is behind makes nobody's word younger than the newest one
        observed = max([observed or means.clock(), *(each.observed_at for each in answers.get("heartbeats", ()))])
    if "partitions" in answers:
        answers["spans"] = answers.pop("partitions")
    answered = frozenset(asked) - failures.keys()
    return ClusterEvidence(
        cluster.name, topic, observed or means.clock(), **answers, failures=failures, answered=answered
    )


def _read_partitions(means: Means, facts: Facts, rollout: Rollout, cluster: Cluster, broker: Broker) -> object:
    return broker.read_partitions(topic_on(cluster, facts))


def _read_groups(means: Means, facts: Facts, rollout: Rollout, cluster: Cluster, broker: Broker) -> object:
    return tuple(broker.read_groups(topic_on(cluster, facts)))


def _read_access(means: Means, facts: Facts, rollout: Rollout, cluster: Cluster, broker: Broker) -> object:
    return broker.read_access(topic_on(cluster, facts))


def _read_heartbeats(means: Means, facts: Facts, rollout: Rollout, cluster: Cluster, broker: Broker) -> object:
    return tuple(broker.read_heartbeats(means.environment.name))


def _read_control(means: Means, facts: Facts, rollout: Rollout, cluster: Cluster, broker: Broker) -> object:
    return broker.read_control(means.environment.name).get(facts.contract)


def _scan_tail(means: Means, facts: Facts, rollout: Rollout, cluster: Cluster, broker: Broker) -> object:
    """From where the new version was first prepared; of a partition that came later, from its first record."""
    topic = topic_on(cluster, facts)
    marks = rollout.barrier.get(cluster.name, {})
    starts = {
        number: marks[number].start if number in marks else span.low
        for number, span in broker.read_partitions(topic).items()
    }
    return _scan(means, facts, cluster, broker, starts, Question.TAIL)


def _scan_everything(means: Means, facts: Facts, rollout: Rollout, cluster: Cluster, broker: Broker) -> object:
    topic = topic_on(cluster, facts)
    starts = {number: span.low for number, span in broker.read_partitions(topic).items()}
    return _scan(means, facts, cluster, broker, starts, Question.EVERYTHING)


def _scan(
    means: Means, facts: Facts, cluster: Cluster, broker: Broker, starts: Mapping[int, int], question: Question
) -> object:
    name = cluster.name
    return broker.scan(
        topic_on(cluster, facts),
        starts,
        facts.wanted,
        lambda progress: means.progress(name, question, progress),
        means.resume(name, question),
    )


def _count_dead_letters(means: Means, facts: Facts, rollout: Rollout, cluster: Cluster, broker: Broker) -> object:
    return broker.count_dead_letters(facts.dead_letters, facts.wanted)


_Ask = Callable[[Means, Facts, Rollout, Cluster, Broker], object]
_QUESTIONS: Final[Mapping[Question, _Ask]] = {
    Question.PARTITIONS: _read_partitions,
    Question.GROUPS: _read_groups,
    Question.ACCESS: _read_access,
    Question.HEARTBEATS: _read_heartbeats,
    Question.CONTROL: _read_control,
    Question.TAIL: _scan_tail,
    Question.EVERYTHING: _scan_everything,
    Question.DEAD_LETTERS: _count_dead_letters,
}
