"""Who may read and write the topic, as the ACLs of each cluster say, and what no ACL shows."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from registry.contract import Terms
from registry.frozen import replace
from registry.rollout.checks import Observation, Verdict
from registry.rollout.evidence import ClusterEvidence, Evidence, Question
from registry.rollout.gates.asking import find_answers, find_silences, told_by
from registry.rollout.gates.inventory import find_parties
from registry.rollout.words import render_list

EVERYBODY: Final = "User:*"


def find_readers(evidence: Evidence) -> Iterator[Observation]:
    """Of each principal that may read the topic whether it belongs to a service that is expected there."""
    if not evidence.environment.acls:
        return
    yield from _find_silences(evidence)
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for service in evidence.services.values():
        if service.principal:
            owners[service.principal].append(service.name)
    for cluster in find_answers(evidence, Question.ACCESS):
        if cluster.access.unlisted:
            yield _tell_unlisted(cluster, evidence, "read")
        for principal in sorted(cluster.access.readers):
            yield _judge_reader(principal, owners.get(principal, []), cluster, evidence)


def find_writers(evidence: Evidence, terms: Terms) -> Iterator[Observation]:
    """Whether the owner's principal alone may write the topic, with what no ACL shows."""
    if not evidence.environment.acls:
        return
    yield from _find_silences(evidence)
    known = evidence.services.get(terms.owner)
    principal = known.principal if known else ""
    for cluster in find_answers(evidence, Question.ACCESS):
        if cluster.access.unlisted:
            yield _tell_unlisted(cluster, evidence, "write")
            continue
        yield from _judge_writers(principal, terms, cluster, evidence.environment.super_users or ())
        yield from _judge_super_users(cluster, evidence)
        yield from _judge_everyone(cluster, evidence)


def _find_silences(evidence: Evidence) -> Iterator[Observation]:
    """That groups or heartbeats are not told is one thing to answer for, that rights are not is another."""
    for silence in find_silences(evidence, Question.ACCESS):
        if silence.subject.startswith("cluster/"):
            yield replace(silence, subject=f"access/{silence.subject.removeprefix('cluster/')}")


def _tell_unlisted(cluster: ClusterEvidence, evidence: Evidence, deed: str) -> Observation:
    reason = f"nobody can tell who may {deed} {cluster.topic}: {cluster.access.unlisted}"
    help_ = f"declare it: `environments: {{{evidence.environment.name}: {{acls: none}}}}` in policy.yaml"
    return told_by(cluster, f"access/{cluster.name}", Verdict.UNKNOWN, reason, help_)


def _judge_reader(principal: str, names: list[str], cluster: ClusterEvidence, evidence: Evidence) -> Observation:
    """``names`` are the services that ownership.yaml gives the principal to."""
    subject, may = f"principal/{principal}", f"{principal} may read {cluster.topic}"
    parties, declared = find_parties(evidence), evidence.environment.super_users or ()
    if principal in declared or not parties.isdisjoint(names):
        known = render_list(names) if names else "a super user, as policy.yaml declares"
        return told_by(cluster, subject, Verdict.YES, f"{may}: {known}")
    who = "everybody" if principal == EVERYBODY else render_list(names) if names else "no service's principal"
    reason = f"{may} on {cluster.name}: {who}"
    if names:
        reason += ", who subscribes to nothing there"
    help_ = (
        f"name it as `principal` of its service in ownership.yaml and the service among the subscribers, or "
        f"take READ away: kafka-acls.sh --remove --allow-principal {principal} --operation Read --topic "
        f"{cluster.topic}; or answer for it: --waive G1.3:{subject}"
    )
    return told_by(cluster, subject, Verdict.UNKNOWN, reason, help_)


def _judge_writers(
    principal: str, terms: Terms, cluster: ClusterEvidence, declared: tuple[str, ...]
) -> Iterator[Observation]:
    writers = sorted(cluster.access.writers)
    if not principal:
        reason = f"ownership.yaml names no principal of {terms.owner}; {render_list(writers)} may write {cluster.topic}"
        help_ = f"say which one it is: `{terms.owner}: {{principal: …}}` under `services`"
        yield told_by(cluster, f"service/{terms.owner}", Verdict.UNKNOWN, reason, help_)
        return
    for writer in writers:
        subject = f"principal/{writer}"
        if writer == principal or writer in declared:
            reason = f"{writer} may write {cluster.topic}"
            yield told_by(cluster, subject, Verdict.YES, reason)
            continue
        reason = f"{writer} may write {cluster.topic} on {cluster.name}, and only {principal} ({terms.owner}) should"
        help_ = (
            f"take it away: kafka-acls.sh --remove --allow-principal {writer} --operation Write --topic {cluster.topic}"
        )
        yield told_by(cluster, subject, Verdict.NO, reason, help_)
    if principal not in writers and principal not in declared:
        reason = f"no ACL lets {principal} ({terms.owner}) write {cluster.topic} on {cluster.name}"
        help_ = f"grant it: kafka-acls.sh --add --allow-principal {principal} --operation Write --topic {cluster.topic}"
        yield told_by(cluster, f"principal/{principal}", Verdict.UNKNOWN, reason, help_)


def _judge_super_users(cluster: ClusterEvidence, evidence: Evidence) -> Iterator[Observation]:
    told, declared = cluster.access.super_users, evidence.environment.super_users
    place = f"`environments: {{{evidence.environment.name}: {{super_users: […]}}}}` in policy.yaml"
    subject = f"super-users/{cluster.name}"
    if told is None and declared is None:
        reason = f"{cluster.name}: super users may write everything, no ACL shows them, and nobody says who they are"
        yield told_by(cluster, subject, Verdict.UNKNOWN, reason, f"declare them, or that there are none: {place}")
        return
    unreviewed = sorted(set(told or ()) - set(declared or ()))
    if unreviewed:
        reason = f"{cluster.name}: {render_list(unreviewed)} may write everything as super users, and no review says so"
        yield told_by(cluster, subject, Verdict.UNKNOWN, reason, f"declare them: {place}")
    else:
        yield told_by(cluster, subject, Verdict.YES, f"{cluster.name}: super users: {render_list(declared or ())}")


def _judge_everyone(cluster: ClusterEvidence, evidence: Evidence) -> Iterator[Observation]:
    told, declared = cluster.access.everyone, evidence.environment.everyone
    everyone = told if told is not None else declared
    subject, setting = f"everyone/{cluster.name}", "allow.everyone.if.no.acl.found"
    if everyone is None:
        reason = f"{cluster.name}: nobody says whether a topic without ACLs is everybody's ({setting})"
        place = f"`environments: {{{evidence.environment.name}: {{everyone: false}}}}` in policy.yaml"
        yield told_by(cluster, subject, Verdict.UNKNOWN, reason, f"declare it: {place}")
    elif everyone and not cluster.access.writers:
        reason = f"{cluster.name}: {cluster.topic} has no ACL for WRITE, and {setting} lets everybody write it"
        help_ = f"grant WRITE on {cluster.topic} to the owner: then it is nobody else's"
        yield told_by(cluster, subject, Verdict.UNKNOWN, reason, help_)
    else:
        reason = f"{cluster.name}: {setting} lets nobody write {cluster.topic}"
        yield told_by(cluster, subject, Verdict.YES, reason)
