"""Can the owner write the new version, everywhere, and is it the only one that writes at all?"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.evidence import Evidence, Question
from registry.rollout.gates.asking import find_answers, find_silences
from registry.rollout.gates.hearing import Voice, describe_silence, judge_unrecorded, listen
from registry.rollout.gates.inventory import advise_deployed, describe_build, find_builds, source_of, standing_of
from registry.rollout.gates.rights import find_writers
from registry.rollout.rollout import Deployment, Rollout
from registry.rollout.words import count, render_some, render_versions


def find_deployed_writers(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether every build of the owner that is recorded as deployed writes the old and the new version."""
    if evidence.terms is not None and evidence.terms.owner:
        yield judge_builds(rollout, evidence, now, (rollout.step.old, rollout.step.new))


def judge_builds(rollout: Rollout, evidence: Evidence, now: datetime, wanted: tuple[int, ...]) -> Observation:
    """Whether the recorded builds of the owner can write these versions."""
    assert evidence.terms is not None
    owner, contract = evidence.terms.owner, rollout.step.contract
    builds, subject = find_builds(evidence, owner, now), f"owner/{owner}"
    help_ = f"record what runs: {advise_deployed(owner, rollout, writes=wanted)}"
    if not builds:
        alive = [v for v in listen(evidence, contract) if v.service == owner and v.fresh and v.writes]
        return judge_unrecorded(subject, f"{owner} writes {contract}", alive, rollout, help_)
    newest, source = max(build.at for build in builds), source_of(builds)
    mute = [build for build in builds if not build.writes.get(contract)]
    poor = [build for build in builds if build not in mute and set(wanted) - set(build.writes[contract])]
    facts = render_some([_describe_writes(build, contract) for build in poor or builds])
    if poor:
        missing = render_versions(number for number in wanted if number not in poor[0].writes[contract])
        reason = f"{owner} writes {contract}: {facts}, not {missing}"
        numbers = ", ".join(map(str, wanted))
        help_ = f"let ownership.yaml say `writes: [{numbers}]`, make the stubs, deploy; then {help_}"
        return Observation(subject, Verdict.NO, reason, source, newest, help_)
    if mute:
        reason = f"{owner} writes {contract}: the record of {describe_build(mute[0])} names no version that it writes"
        return Observation(subject, Verdict.UNKNOWN, reason, source, newest, help_)
    return Observation(subject, Verdict.YES, f"{owner} writes {contract}: {facts}", source, newest)


def find_live_writers(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Of each instance of the owner whether it can write the new version, and of each principal whether it may."""
    if evidence.terms is None or not evidence.terms.owner:
        subject = f"event/{rollout.step.contract}"
        reason = f"ownership.yaml names no owner of {rollout.step.contract}, so nobody may switch it"
        yield Observation(subject, Verdict.UNKNOWN, reason, Source.GIT, help="name the one service that writes it")
        return
    silences = list(find_silences(evidence, Question.HEARTBEATS))
    yield from silences
    if any(find_answers(evidence, Question.HEARTBEATS)):
        voices = listen(evidence, rollout.step.contract)
        yield from find_owner_attendance(rollout, evidence, voices, "G1.4")
        for voice in find_owner_voices(evidence, voices):
            yield _judge_voice(voice, rollout, evidence)
        yield from find_usurpers(rollout, evidence, voices)
    yield from find_writers(evidence, evidence.terms)


def find_owner_voices(evidence: Evidence, voices: Sequence[Voice]) -> Iterator[Voice]:
    """The owner's instances that write the contract and are heard."""
    owner = evidence.terms.owner if evidence.terms else ""
    return (voice for voice in voices if voice.service == owner and voice.writes and voice.fresh)


def find_owner_attendance(
    rollout: Rollout, evidence: Evidence, voices: Sequence[Voice], number: str
) -> Iterator[Observation]:
    """Whether the owner is heard at all, and each of its instances that keeps silent.

    A producer is in no group that could tell whether it is gone. One that is silent beyond the environment's age is
    counted as gone, and said to be: should it come back with the old version, everybody still reads that, and the scan
    of the tail finds it.
    """
    owner, contract = evidence.terms.owner if evidence.terms else "", rollout.step.contract
    writers = [voice for voice in voices if voice.service == owner and voice.writes]
    subject = f"service/{owner}"
    if not any(voice.fresh for voice in writers):
        heard = [voice for voice in voices if voice.service == owner and voice.fresh]
        fact = (
            f"{count(len(heard), 'instance')} heard, none of which says that it writes" if heard else "nobody is heard"
        )
        reason = f"{owner}, who writes {contract}: {fact}"
        help_ = f"start it with the runtime's heartbeat (`rollouts=` of its producer); or: --waive {number}:{subject}"
        yield Observation(subject, Verdict.UNKNOWN, reason, Source.HEARTBEAT, help=help_)
    gone = [voice for voice in writers if is_gone(voice, evidence)]
    if gone:
        reason = f"{render_some([f'{v.name} {describe_silence(v)}' for v in gone])}: counted as gone"
        yield Observation(f"gone/{owner}", Verdict.YES, reason, Source.HEARTBEAT, gone[0].observed)
    for voice in writers:
        if not voice.fresh and voice not in gone:
            writes = render_versions(voice.capability.writes)
            reason = f"{voice.name} is {describe_silence(voice)}; the last it said: writes {writes}"
            help_ = f"look whether it is stuck or gone, and look again; or: --waive {number}:{voice.subject}"
            yield voice.says(Verdict.UNKNOWN, reason, help_)


def is_gone(voice: Voice, evidence: Evidence) -> bool:
    """Whether an instance of the owner counts as gone."""
    return not voice.fresh and (voice.gone or voice.age > evidence.environment.age)


def _judge_voice(voice: Voice, rollout: Rollout, evidence: Evidence) -> Observation:
    step, capability = rollout.step, voice.capability
    writes = f"{voice.name} writes {render_versions(capability.writes)}"
    if step.new not in capability.writes:
        help_ = (
            f"deploy a build of {voice.service} to it whose stubs write {render_versions((step.old, step.new))} "
            f"(`writes: [{step.old}, {step.new}]` in ownership.yaml)"
        )
        return voice.says(Verdict.NO, f"{writes}, and cannot write v{step.new}", help_)
    active = standing_of(rollout, evidence).active
    if capability.active not in (0, active):
        reason = f"{voice.name} writes v{capability.active} now, and v{active} is what should be written"
        help_ = (
            f"if {evidence.environment.name} really writes v{capability.active}, begin the rollout there (--from "
            f"{capability.active}); otherwise deploy a build to it whose stubs write "
            f"{render_versions((active, step.new))}"
        )
        return voice.says(Verdict.NO, reason, help_)
    return voice.says(Verdict.YES, writes)


def find_usurpers(rollout: Rollout, evidence: Evidence, voices: Sequence[Voice]) -> Iterator[Observation]:
    """Instances of other services that say that they write the contract."""
    owner = evidence.terms.owner if evidence.terms else ""
    for voice in voices:
        if voice.service != owner and voice.capability.writes and voice.fresh:
            reason = f"{voice.name} says that it writes {rollout.step.contract}, which is {owner}'s"
            yield voice.says(Verdict.NO, reason, "stop it: an event has one writer")


def _describe_writes(build: Deployment, contract: str) -> str:
    return f"{describe_build(build)} writes {render_versions(build.writes.get(contract, ()))}"
