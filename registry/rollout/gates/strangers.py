"""Who else reads the topic? Groups with offsets or members, and principals that may, each of which must be known."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from registry.rollout.checks import Observation, Verdict
from registry.rollout.evidence import ClusterEvidence, Evidence, Group, Question
from registry.rollout.gates.asking import find_answers, find_silences, told_by
from registry.rollout.gates.hearing import Voice, listen
from registry.rollout.gates.inventory import find_parties, find_subscribers
from registry.rollout.gates.rights import find_readers
from registry.rollout.rollout import Rollout
from registry.rollout.words import count, render_list, render_some, render_versions


def find_unknown_readers(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Of each group and each principal with READ whether it belongs to a service that is expected on the topic."""
    yield from find_silences(evidence, Question.GROUPS)
    voices = listen(evidence, rollout.step.contract)
    claimed = _claim_groups(evidence, voices)
    for cluster in find_answers(evidence, Question.GROUPS):
        for group in sorted(cluster.groups, key=lambda group: group.name):
            yield _judge_group(group, claimed.get(group.name, []), cluster, evidence)
    yield from find_readers(evidence)
    yield from _find_undeclared(rollout, evidence, voices)


def _judge_group(group: Group, services: list[str], cluster: ClusterEvidence, evidence: Evidence) -> Observation:
    subject = f"group/{group.name}"
    parties = find_parties(evidence)
    known = [service for service in services if service in parties]
    if known:
        reason = f"group {group.name} is {render_list(known)}'s"
        return told_by(cluster, subject, Verdict.YES, reason)
    where = f"{cluster.topic} of {cluster.name}"
    facts = f"{group.state or 'no state'}, {count(group.members, 'member')}, {_describe_commits(group, cluster)}"
    waive = f"--waive G1.3:{subject}"
    if services:
        owner = render_list(services)
        reason = f"group {group.name} on {where} is {owner}'s, who subscribes to nothing there ({facts})"
        help_ = f"name {owner} among the subscribers in ownership.yaml, or let it leave the topic; or: {waive}"
    else:
        reason = f"group {group.name} reads {where} and belongs to no service ({facts})"
        help_ = (
            f"claim it: `groups: [{group.name}]` of its service in ownership.yaml; if nobody needs it: "
            f"kafka-consumer-groups.sh --delete --group {group.name}; or answer for it: {waive}"
        )
    return told_by(cluster, subject, Verdict.UNKNOWN, reason, help_)


def _describe_commits(group: Group, cluster: ClusterEvidence) -> str:
    if not group.committed:
        return "no committed offset"
    shown = []
    for partition, offset in sorted(group.committed.items()):
        span = cluster.spans.get(partition)
        shown.append(f"{offset:,} of {span.high:,} on {partition}" if span else f"{offset:,} on {partition}")
    return f"committed {render_some(shown)}"


def _claim_groups(evidence: Evidence, voices: tuple[Voice, ...]) -> Mapping[str, list[str]]:
    """Group to the services that ownership.yaml gives it to.

    What a heartbeat says of its own group claims nothing: whoever beats under a name could let itself in. A group that
    a subscriber's instance names is taken as that service's, though, as the service itself has been let in by review.
    """
    claimed: defaultdict[str, list[str]] = defaultdict(list)
    for service in evidence.services.values():
        for group in service.groups:
            claimed[group].append(service.name)
    parties = find_parties(evidence)
    for voice in voices:
        for group in voice.heartbeat.groups:
            if group not in claimed and voice.service in parties:
                claimed[group].append(voice.service)
    return claimed


def _find_undeclared(rollout: Rollout, evidence: Evidence, voices: tuple[Voice, ...]) -> Iterator[Observation]:
    """Instances that read the contract, and whose service ownership.yaml does not name as a subscriber."""
    subscribers, owner = find_subscribers(evidence), evidence.terms.owner if evidence.terms else ""
    for voice in voices:
        if voice.reads and not voice.gone and voice.service not in subscribers and voice.service != owner:
            reason = (
                f"{voice.name} says that it reads {render_versions(voice.capability.reads)} of "
                f"{rollout.step.contract}, and ownership.yaml names its service among no subscribers"
            )
            help_ = f"add {voice.service} to the subscribers, or stop it; or: --waive G1.3:{voice.subject}"
            yield voice.says(Verdict.UNKNOWN, reason, help_)
