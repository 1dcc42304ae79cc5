"""Can everybody read the new version? What is recorded as deployed (should), and what the live instances say (is)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from registry.contract import Subscriber
from registry.frozen import replace
from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.evidence import Evidence, Question
from registry.rollout.gates.asking import find_answers, find_silences
from registry.rollout.gates.hearing import (
    Crowd,
    Voice,
    count_crowds,
    describe_silence,
    find_groups,
    judge_unrecorded,
    listen,
)
from registry.rollout.gates.inventory import (
    advise_deployed,
    describe_build,
    find_builds,
    find_demanded,
    find_empty_inventory,
    find_subscribers,
    find_unserved,
    reads_as,
    source_of,
)
from registry.rollout.rollout import Deployment, Rollout
from registry.rollout.words import count, render_list, render_some, render_versions

_FALLBACK: Final = "with what the control record carries"


def find_deployed_readers(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Of each subscriber whether every build of it that is recorded as deployed reads what will lie in the log."""
    yield from find_empty_inventory(rollout, evidence)
    contract, demanded = rollout.step.contract, find_demanded(rollout, evidence)
    for service, subscriber in find_subscribers(evidence).items():
        builds = find_builds(evidence, service, now)
        subject = f"service/{service}"
        if not builds:
            alive = [v for v in listen(evidence, contract) if v.service == service and v.fresh and v.reads]
            help_ = f"record it: {advise_deployed(service, rollout, reads=demanded)}"
            yield judge_unrecorded(subject, service, alive, rollout, help_)
            continue
        poor = [build for build in builds if _missing_in(build, contract, demanded, subscriber, evidence)]
        mute = [build for build in builds if not build.reads.get(contract)]
        newest = max(build.at for build in builds)
        source = source_of(builds)
        if poor:
            facts = [_describe_reads(build, contract) for build in poor]
            missing = _missing_in(poor[0], contract, demanded, subscriber, evidence)
            reason = f"{service}: {render_some(facts)}; {render_versions(missing)} would be unreadable to it"
            yield Observation(subject, Verdict.NO, reason, source, newest, _advise(rollout, service, demanded))
        elif mute:
            reason = f"{service}: the record of {describe_build(mute[0])} names no version of {contract} that it reads"
            help_ = f"record what it reads: {advise_deployed(service, rollout, reads=demanded)}"
            yield Observation(subject, Verdict.UNKNOWN, reason, source, newest, help_)
        else:
            reason = f"{service}: {render_some([_describe_reads(build, contract) for build in builds])}"
            if any(_missing_in(build, contract, demanded, None, evidence) for build in builds):
                reason += f"; the others are served to it as {render_versions(_newest_read(builds, contract))}"
            yield Observation(subject, Verdict.YES, reason, source, newest)


def find_live_readers(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Of each live instance whether it reads what will lie in the log, and of each group whether all are heard."""
    silences = list(find_silences(evidence, Question.HEARTBEATS))
    yield from silences
    said = {silence.subject for silence in silences}
    for silence in find_silences(evidence, Question.GROUPS):
        if silence.subject not in said:
            name = silence.subject.removeprefix("cluster/")
            yield replace(silence, subject=f"groups/{name}", reason=f"members cannot be counted: {silence.reason}")
    if not any(find_answers(evidence, Question.HEARTBEATS)):
        return
    voices, demanded = listen(evidence, rollout.step.contract), find_demanded(rollout, evidence)
    crowds = count_crowds(evidence, voices)
    subscribers = find_subscribers(evidence)
    for service, subscriber in subscribers.items():
        own = [voice for voice in voices if voice.service == service]
        for voice in own:
            if voice.reads and not voice.gone:
                yield _judge_voice(voice, rollout, evidence, demanded, subscriber)
            elif voice.refused and voice.fresh:
                reason = f"{voice.name} stands aside and reads nothing: {voice.capability.trouble}"
                help_ = f"deploy a build of {service} to it whose stubs read {render_versions(demanded)}"
                yield voice.says(Verdict.NO, reason, help_)
        yield from _find_attendance(service, own, rollout, evidence)
        for group in sorted(find_groups(evidence, service, own) & crowds.keys()):
            yield from _judge_crowd(crowds[group], service, evidence)
    for voice in voices:
        if voice.service not in subscribers and voice.reads and not voice.gone:
            seen = _judge_voice(voice, rollout, evidence, demanded, None)
            if seen.verdict is not Verdict.YES:
                yield seen  # that nobody knows it is for G1.3 to say


def _judge_voice(
    voice: Voice, rollout: Rollout, evidence: Evidence, demanded: tuple[int, ...], subscriber: Subscriber | None
) -> Observation:
    served = subscriber is not None and subscriber.served
    missing = [number for number in demanded if not _can_read(voice, number, rollout, evidence, served=served)]
    reads = f"reads {render_versions(voice.capability.reads)}"
    service = voice.heartbeat.service
    if not voice.fresh:
        last = f"{reads}, not {render_versions(missing)}" if missing else reads
        return voice.says(
            Verdict.UNKNOWN,
            f"{voice.name} is {describe_silence(voice)}; the last it said: {last}",
            f"look whether it is stuck or gone: restart it, or stop it, and look again; if you know that it is gone: "
            f"--waive G1.2:{voice.subject}",
        )
    if missing:
        needed = f"deploy a build of {service} to it whose stubs read {render_versions(demanded)}"
        if served:
            needed += ", or a build whose runtime reads the control record"
        trouble = f"; it says: {voice.capability.trouble}" if voice.capability.trouble else ""
        fact = f"{voice.name} {reads} and cannot read {render_versions(missing)}{trouble}"
        return voice.says(Verdict.NO, fact, f"{needed}, then look again")
    converted = [number for number in demanded if number not in voice.capability.reads]
    if converted:
        reads += f", and {render_versions(converted)} {_FALLBACK}"
    return voice.says(Verdict.YES, f"{voice.name} {reads}")


def _can_read(voice: Voice, number: int, rollout: Rollout, evidence: Evidence, *, served: bool) -> bool:
    capability = voice.capability
    if number in capability.reads:
        return True
    if not served:
        return False
    publication = rollout.publication
    if publication and publication.prepare and voice.has_heard(publication.rank):
        return number in capability.served  # it has the texts now: what it does not name, it could not make use of
    return number in capability.served or (bool(capability.reads) and reads_as(evidence, max(capability.reads), number))


def _find_attendance(service: str, own: Sequence[Voice], rollout: Rollout, evidence: Evidence) -> Iterator[Observation]:
    """Whether a subscriber is heard at all, and which of its instances count as gone."""
    subject = f"service/{service}"
    contract = rollout.step.contract
    gone = [voice for voice in own if voice.gone and voice.reads]
    last = min(own, key=lambda voice: voice.age, default=None)
    if any(voice.fresh and voice.reads for voice in own):
        if gone:
            facts = render_some([f"{voice.name} {describe_silence(voice)}" for voice in gone])
            reason = f"{facts}: counted as gone, because its groups have no member that is not heard"
            yield Observation(subject, Verdict.YES, reason, Source.BROKER, gone[0].observed)
        return
    if any(voice.reads and not voice.gone for voice in own):
        return  # those that are silent were named one by one
    if any(voice.fresh for voice in own):
        number = count(sum(voice.fresh for voice in own), "instance")
        reason = f"{service}: {number} heard, and none says that it reads {contract}"
    elif last is not None:
        reads = render_versions(last.capability.reads)
        reason = f"{service}: nobody is alive; the last was {last.name}, {describe_silence(last)}, which read {reads}"
    else:
        groups = sorted(find_groups(evidence, service, own))
        known = f"its groups are {render_list(groups)}" if groups else "ownership.yaml names no group of it"
        reason = f"{service}: no heartbeat of any instance; {known}. It may run at night, or without the runtime"
    yield Observation(
        subject,
        Verdict.UNKNOWN,
        reason,
        Source.HEARTBEAT,
        last.observed if last else None,
        f"start it with the runtime's heartbeat (`rollouts=` of its Subscription) and look again; if you know what it "
        f"reads: --waive G1.2:{subject}",
    )


def _judge_crowd(crowd: Crowd, service: str, evidence: Evidence) -> Iterator[Observation]:
    subject = f"group/{crowd.group}"
    observed = evidence.clusters[0].observed if evidence.clusters else None
    members = count(crowd.members, "member")
    if crowd.silent:
        reason = f"group {crowd.group} of {service} has {members} and {crowd.heard} heard: {crowd.silent} silent"
        help_ = (
            f"kafka-consumer-groups.sh --describe --members --group {crowd.group}  shows which host keeps silent; "
            "stop it, or deploy a build with the runtime's heartbeat to it"
        )
        yield Observation(subject, Verdict.UNKNOWN, reason, Source.BROKER, observed, help_)
    elif crowd.members:
        reason = f"group {crowd.group} of {service} has {members}, and each is heard"
        yield Observation(subject, Verdict.YES, reason, Source.BROKER, observed)


def _missing_in(
    build: Deployment, contract: str, demanded: tuple[int, ...], subscriber: Subscriber | None, evidence: Evidence
) -> list[int]:
    reads = tuple(build.reads.get(contract, ()))
    served = subscriber is not None and subscriber.served
    return find_unserved(demanded, reads, evidence, served=served) if reads else []


def _describe_reads(build: Deployment, contract: str) -> str:
    return f"{describe_build(build)} reads {render_versions(build.reads.get(contract, ()))}"


def _newest_read(builds: Sequence[Deployment], contract: str) -> list[int]:
    return [max(build.reads[contract]) for build in builds]


def _advise(rollout: Rollout, service: str, demanded: tuple[int, ...]) -> str:
    numbers = ", ".join(map(str, demanded))
    return (
        f"let {service} say `reads: [{numbers}]` in ownership.yaml, make its stubs (contracts gen --service "
        f"{service}), deploy, then: {advise_deployed(service, rollout, reads=demanded)}"
    )
