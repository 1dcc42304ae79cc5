"""What must hold of every rollout at every moment, whatever commands ran, crashed or raced: I1 to I4.

They look at the same evidence as the gates, at what is so, and not at what should be next. What a function yields is
broken; silence is good news.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import combinations
from typing import Final, NamedTuple

from registry.rollout.barrier import NOTHING
from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.evidence import Evidence, Question
from registry.rollout.gates.asking import find_answers
from registry.rollout.gates.hearing import Voice, listen
from registry.rollout.gates.inventory import find_subscribers
from registry.rollout.gates.tail import place_of
from registry.rollout.rollout import Publication, Rollout
from registry.rollout.standing import Standing, find_governing, find_unproven, stand
from registry.rollout.states import State
from registry.rollout.words import count, render_list, render_versions

Find = Callable[[str, Evidence, Sequence[Rollout], datetime], Iterator[Observation]]


class Invariant(NamedTuple):
    """One law."""

    name: str
    """``I1``."""
    title: str
    find: Find
    """Of (contract, evidence, the rollouts as they were before, now)."""


class Breach(NamedTuple):
    """Where a law is broken."""

    invariant: str
    observation: Observation


def find_breaches(contract: str, evidence: Evidence, now: datetime, before: Sequence[Rollout] = ()) -> Iterator[Breach]:
    """Every law that is broken for one contract in one environment, in the order of the table.

    ``before`` are the contract's rollouts as they were at an earlier look, where somebody remembers one.
    """
    for invariant in INVARIANTS:
        for observation in invariant.find(contract, evidence, before, now):
            yield Breach(invariant.name, observation)


def find_here(contract: str, evidence: Evidence) -> list[Rollout]:
    """The contract's rollouts in the environment of the evidence."""
    return [
        each
        for each in evidence.rollouts
        if each.step.contract == contract and each.step.environment == evidence.environment.name
    ]


def find_unreadable(
    contract: str, evidence: Evidence, before: Sequence[Rollout], now: datetime
) -> Iterator[Observation]:
    """I1: the active version is writable, and every live reader reads what may be stored, or has it served.

    A version that is prepared and was never active is in ``stored`` before anybody is asked (I3), and provably not in
    the log: of that one nothing is demanded yet. An instance that stands aside reads nothing.
    """
    rollouts = find_here(contract, evidence)
    standing = stand(rollouts)
    publication = find_publication(rollouts)
    if publication is not None and publication.active not in publication.writable:
        reason = f"v{publication.active} is active at epoch {publication.epoch} and not writable"
        yield _broken(f"event/{contract}", reason, Source.GIT, "contracts rollout revert, or edit contracts-state")
    for cluster in find_answers(evidence, Question.CONTROL):
        record = cluster.control
        if record is not None and record.active not in record.writable:
            reason = f"the control topic of {cluster.name} says v{record.active}, and that it is not writable"
            yield _broken(f"control/{cluster.name}", reason, Source.BROKER, "contracts rollout reconcile")
    unretired = evidence.versions.keys() | find_unproven(rollouts)
    demanded = [number for number in find_present(rollouts, standing) if number in unretired]
    subscribers = find_subscribers(evidence)
    for voice in listen(evidence, contract):
        subscriber = subscribers.get(voice.service)
        missing = [number for number in demanded if number not in _readable(voice)]
        if voice.fresh and voice.reads and not voice.capability.trouble and missing:
            known = "" if subscriber else ", which no subscriber of ownership.yaml is"
            reason = (
                f"{voice.name}{known} reads {render_versions(_readable(voice))}; stored: {render_versions(demanded)}"
            )
            help_ = f"stop it, or deploy a build of {voice.service} that reads {render_versions(demanded)}"
            yield _broken(voice.subject, reason, Source.HEARTBEAT, help_, voice.observed)


def find_present(rollouts: Iterable[Rollout], standing: Standing) -> tuple[int, ...]:
    """The versions that may really lie in the log: the stored ones, without one that was only ever prepared."""
    governing = find_governing(rollouts)
    fresh = {standing.prepared} if governing is not None and governing.origin is not State.REVERTED else set()
    return tuple(number for number in standing.stored if number not in fresh)


def find_publication(rollouts: Iterable[Rollout]) -> Publication | None:
    """What the control topic should say: of all that was decided the one of the highest rank."""
    found = (each.publication for each in rollouts if each.publication is not None)
    return max(found, key=lambda publication: publication.rank, default=None)


def find_reuse(contract: str, evidence: Evidence, before: Sequence[Rollout], now: datetime) -> Iterator[Observation]:
    """I2: a version's number and digest are never used again nor edited, and the epoch never falls."""
    every = [each for each in evidence.rollouts if each.step.contract == contract]
    for number in sorted({number for each in every for number in each.digests}):
        digests = {each.digests[number] for each in every if number in each.digests}
        places = sorted({each.step.environment for each in every if number in each.digests})
        subject = f"version/{number}"
        if len(digests) > 1:
            reason = f"v{number} of {contract} is not the same in {render_list(places)}: it was edited between them"
            yield _broken(subject, reason, Source.GIT, "release the edit as a version of its own, and roll that out")
        elif evidence.versions.get(number, *digests) not in digests:
            reason = f"v{number} of {contract} was edited since it was rolled out in {render_list(places)}"
            yield _broken(subject, reason, Source.GIT, f"bring back contracts/versions/{contract}/{number} as it was")
    here = find_here(contract, evidence)
    now_at, then_at = stand(here).epoch, stand(each for each in before if _is_here(each, contract, evidence)).epoch
    if now_at < then_at:
        reason = f"the epoch of {contract} fell from {then_at} to {now_at}"
        yield _broken(f"event/{contract}", reason, Source.GIT, "bring back the newer commit of contracts-state")
    for one, other in combinations([each for each in here if each.publication], 2):
        if one.publication and other.publication and one.publication.rank == other.publication.rank:
            reason = f"{_name(one)} and {_name(other)} both published epoch {one.publication.epoch}"
            yield _broken(f"event/{contract}", reason, Source.GIT, "contracts rollout revert takes a higher epoch")


def find_untold(contract: str, evidence: Evidence, before: Sequence[Rollout], now: datetime) -> Iterator[Observation]:
    """I3: git knows a version as stored before anything is published of it, and before the first record of it."""
    here = find_here(contract, evidence)
    standing, publication = stand(here), find_publication(here)
    if not here:
        return
    for cluster in find_answers(evidence, Question.CONTROL):
        record, subject = cluster.control, f"control/{cluster.name}"
        if record is None:
            continue
        known = publication.rank if publication else (0, 0)
        if record.rank > known:
            reason = f"the control topic of {cluster.name} is at epoch {record.epoch}, and git knows {known[0]}"
            help_ = "find who may write _contracts.control; git's branch may have been set back"
            yield _broken(subject, reason, Source.BROKER, help_, cluster.observed)
        for number in sorted({record.active, record.prepare} - {0} - set(standing.stored)):
            reason = f"the control topic of {cluster.name} names v{number}; git has {render_versions(standing.stored)}"
            yield _broken(subject, reason, Source.BROKER, "contracts rollout reconcile", cluster.observed)
    for cluster in evidence.clusters:
        for scans in (cluster.tail, cluster.everything):
            for partition, scan in sorted(scans.items()):
                for number in sorted(scan.versions.keys() - {0} - set(standing.stored)):
                    seen = scan.versions.get(number, NOTHING)
                    if seen.count and not _is_before(number, here):
                        reason = (
                            f"partition {partition} of {cluster.topic} on {cluster.name} holds "
                            f"{count(seen.count, 'record')} of v{number}, the last at offset {seen.last:,}, and git "
                            f"knows {render_versions(standing.stored)} as stored"
                        )
                        help_ = "find who wrote it: it may be read by nobody"
                        place = place_of(cluster, partition)
                        yield _broken(place, reason, Source.BROKER, help_, cluster.observed)


def find_intruders(
    contract: str, evidence: Evidence, before: Sequence[Rollout], now: datetime
) -> Iterator[Observation]:
    """I4: only the owner's principal may write the topic, and only its instances say that they write the contract."""
    terms = evidence.terms
    if terms is None or not terms.owner:
        return
    service = evidence.services.get(terms.owner)
    allowed = {service.principal, *(evidence.environment.super_users or ())} if service and service.principal else None
    for cluster in find_answers(evidence, Question.ACCESS):
        for writer in sorted(cluster.access.writers - allowed if allowed is not None else ()):
            reason = f"{writer} may write {cluster.topic} on {cluster.name}, which is {terms.owner}'s"
            help_ = f"take WRITE away: kafka-acls.sh --remove --allow-principal {writer} --topic {cluster.topic}"
            yield _broken(f"principal/{writer}", reason, Source.BROKER, help_, cluster.observed)
    for voice in listen(evidence, contract):
        if voice.service != terms.owner and voice.fresh and voice.capability.writes:
            reason = f"{voice.name} says that it writes {contract}, which is {terms.owner}'s"
            yield _broken(voice.subject, reason, Source.HEARTBEAT, "stop it", voice.observed)


INVARIANTS: Final = (
    Invariant("I1", "what is active is writable, and what is stored can be read", find_unreadable),
    Invariant("I2", "versions are never edited, and epochs never fall", find_reuse),
    Invariant("I3", "git knows a version as stored before anybody writes it", find_untold),
    Invariant("I4", "only the owner writes", find_intruders),
)


def _readable(voice: Voice) -> tuple[int, ...]:
    return tuple(sorted({*voice.capability.reads, *voice.capability.served}))


def _is_here(each: Rollout, contract: str, evidence: Evidence) -> bool:
    return each.step.contract == contract and each.step.environment == evidence.environment.name


def _is_before(number: int, rollouts: Sequence[Rollout]) -> bool:
    """Whether it is older than every rollout here: git cannot know what was written before the first one."""
    return number < min(each.step.old for each in rollouts)


def _name(rollout: Rollout) -> str:
    return f"{rollout.step.old} -> {rollout.step.new}"


def _broken(subject: str, reason: str, source: Source, help_: str, observed: datetime | None = None) -> Observation:
    return Observation(subject, Verdict.NO, reason, source, observed, help_)
