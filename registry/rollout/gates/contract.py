"""G3: may the old version become unwritable? Every group has read past the barrier, and nothing old is left to come."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from registry.rollout.barrier import Crossing, Position, find_positions
from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.evidence import ClusterEvidence, Evidence, Group, Question
from registry.rollout.gates.asking import find_answers, find_silences, is_answered, told_by
from registry.rollout.gates.gate import ANY, UNKNOWNS, Gate, Row
from registry.rollout.gates.hearing import find_groups, listen
from registry.rollout.gates.inventory import find_subscribers
from registry.rollout.gates.moments import render_due, seconds_between
from registry.rollout.gates.tail import find_strays, is_measured
from registry.rollout.rollout import Rollout
from registry.rollout.words import count, render_list, render_some, render_span


def find_settled(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether it has been SWITCHED for the time that the environment asks for."""
    settle, subject = evidence.environment.settle, f"environment/{evidence.environment.name}"
    lasted = seconds_between(rollout.since, now)
    fact = f"{rollout.state} for {render_span(lasted)}"
    if lasted >= settle:
        asked = f"; {render_span(settle)} are asked for" if settle > 0 else ""
        yield Observation(subject, Verdict.YES, f"{fact}{asked}", Source.GIT, rollout.since)
        return
    reason, help_ = f"{fact} of {render_span(settle)}", f"look again at {render_due(rollout.since, settle)}"
    yield Observation(subject, Verdict.NO, reason, Source.GIT, rollout.since, help_)


def find_crossings(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Of each group of a subscriber, and of the owner, whether it has read past the barrier, on every partition."""
    for question in (Question.PARTITIONS, Question.GROUPS, Question.HEARTBEATS):
        silences = list(find_silences(evidence, question))
        yield from silences
        if silences:
            break
    voices = listen(evidence, rollout.step.contract)
    services = {service: find_groups(evidence, service, voices) for service in find_subscribers(evidence)}
    readers = dict(services)
    if evidence.terms is not None and evidence.terms.owner:  # it may read what it writes, and be no subscriber
        readers[evidence.terms.owner] = find_groups(evidence, evidence.terms.owner, voices)
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for service, groups in readers.items():
        for name in groups:
            homes[name].append(service)
    answered = [
        cluster for cluster in find_answers(evidence, Question.GROUPS) if Question.PARTITIONS in cluster.answered
    ]
    present: set[str] = set()
    for cluster in answered:
        for group in sorted(cluster.groups, key=lambda group: group.name):
            if group.name in homes:
                present.add(group.name)
                yield _judge_group(group, render_list(homes[group.name]), rollout, cluster)
    if is_answered(evidence, Question.GROUPS):
        yield from _find_absent(services, present, rollout, evidence)


def _judge_group(group: Group, service: str, rollout: Rollout, cluster: ClusterEvidence) -> Observation:
    step = rollout.step
    marks = rollout.barrier.get(cluster.name, {})
    positions = list(find_positions(group, marks, cluster.spans, cluster.tail, step.old, step.new))
    subject = f"group/{cluster.name}/{group.name}"
    name = f"group {group.name} of {service} on {cluster.name}"
    if positions and not is_measured(marks):
        reason = f"{cluster.name} has no barrier yet, so nobody can tell where {name} stands"
        help_ = f"contracts rollout converge {step.contract} --env {step.environment}"
        return told_by(cluster, subject, Verdict.UNKNOWN, reason, help_)
    for crossing, verdict, describe, help_ in _VERDICTS:
        found = [position for position in positions if position.crossing is crossing]
        if found:
            facts = render_some([describe(position, step.new) for position in found])
            reason = f"{name}: {facts}"
            return told_by(cluster, subject, verdict, reason, help_.format(group=group.name))
    reason = f"{name} is past the barrier on {count(len(positions), 'partition')}"
    return told_by(cluster, subject, Verdict.YES, reason)


def _describe_behind(position: Position, new: int) -> str:
    left = position.barrier - position.committed
    return (
        f"partition {position.partition} at {position.committed:,} of {position.barrier:,}, {count(left, 'offset')} "
        "before the barrier"
    )


def _describe_before_new(position: Position, new: int) -> str:
    at = f"at {position.committed:,}"
    return f"partition {position.partition} {at}, and the first v{new} record at {position.first_new:,} not yet read"


def _describe_unknown(position: Position, new: int) -> str:
    return f"partition {position.partition} has records and no committed offset of it (it may have expired)"


_VERDICTS: Final = (
    (
        Crossing.BEHIND,
        Verdict.NO,
        _describe_behind,
        "let it catch up: kafka-consumer-groups.sh --describe --group {group}  shows whether it moves at all",
    ),
    (
        Crossing.BEFORE_NEW,
        Verdict.NO,
        _describe_before_new,
        "let it read on; a group that stands just there cannot read the new version: look at the log of its instances",
    ),
    (
        Crossing.UNKNOWN,
        Verdict.UNKNOWN,
        _describe_unknown,
        "start it, so that it reads and commits: it goes on at auto.offset.reset, and reads every stored version",
    ),
)


def _find_absent(
    services: dict[str, frozenset[str]], present: set[str], rollout: Rollout, evidence: Evidence
) -> Iterator[Observation]:
    """Groups that were there once and have no offsets any more, and subscribers without any group."""
    remembered = {
        each.subject.removeprefix("group/")
        for each in rollout.checks
        if each.check == "G1.3" and each.subject.startswith("group/")
    }
    observed = evidence.clusters[0].observed
    for service, groups in services.items():
        lost = sorted((groups & remembered) - present)
        for name in lost:
            reason = f"group {name} of {service} was on the topic before the switch, and has no offsets now: expired?"
            help_ = f"start it: it goes on at auto.offset.reset; if nobody needs it: --waive G3.2:group/{name}"
            yield Observation(f"group/{name}", Verdict.UNKNOWN, reason, Source.BROKER, observed, help_)
        if not lost and not groups & present:
            known = f"none of its groups ({render_list(sorted(groups))})" if groups else "no group that is known of it"
            reason = f"{service}: {known} has offsets on the topic, so nobody can tell what it has read"
            help_ = f"name its groups in ownership.yaml, or start it; or: --waive G3.2:service/{service}"
            yield Observation(f"service/{service}", Verdict.UNKNOWN, reason, Source.BROKER, observed, help_)


def find_dead_letters(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether records of the old version wait among the dead letters."""
    yield from find_silences(evidence, Question.DEAD_LETTERS)
    old = rollout.step.old
    for cluster in find_answers(evidence, Question.DEAD_LETTERS):
        found = {topic: numbers[old] for topic, numbers in sorted(cluster.dead_letters.items()) if numbers.get(old)}
        for topic, number in found.items():
            reason = f"{topic} on {cluster.name} holds {count(number, 'letter')} of v{old} of {rollout.step.contract}"
            help_ = "redrive them (they are converted, and handled once), or delete what nobody needs, and look again"
            subject = f"dead-letters/{cluster.name}/{topic}"
            yield told_by(cluster, subject, Verdict.NO, reason, help_)
        if not found:
            topics = count(len(cluster.dead_letters), "topic of dead letters", "topics of dead letters")
            reason = f"{topics} on {cluster.name}: no v{old} of {rollout.step.contract}"
            yield told_by(cluster, f"cluster/{cluster.name}", Verdict.YES, reason)


CONTRACT: Final = Gate(
    "G3",
    "everybody has read past the switch",
    frozenset({Question.PARTITIONS, Question.GROUPS, Question.HEARTBEATS, Question.TAIL, Question.DEAD_LETTERS}),
    (
        Row("G3.1", "it has settled", find_settled, ANY),
        Row("G3.2", "every group is past the barrier", find_crossings, UNKNOWNS),
        Row("G3.3", "no old record among the dead letters", find_dead_letters, UNKNOWNS),
        Row("G3.4", "no old record behind the barrier", find_strays, UNKNOWNS),
    ),
)
