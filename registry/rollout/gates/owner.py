"""Can the owner write the new version, everywhere, and is it the only one that writes at all?"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from registry.contract import Terms
from registry.frozen import replace
from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.evidence import ClusterEvidence, Evidence, Question
from registry.rollout.gates.asking import find_answers, find_silences
from registry.rollout.gates.hearing import Voice, describe_own_word, describe_silence, listen
from registry.rollout.gates.inventory import advise_deployed, describe_build, find_builds, source_of, standing_of
from registry.rollout.rollout import Deployment, Rollout
from registry.rollout.words import count, render_list, render_some, render_versions


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
        if alive:
            reason = f"{owner} writes {contract}: nothing is recorded; {describe_own_word(len(alive))}"
            return Observation(subject, Verdict.YES, reason, Source.HEARTBEAT, max(voice.observed for voice in alive))
        reason = f"{owner} writes {contract}: nobody recorded which build of it runs in {rollout.step.environment}"
        return Observation(subject, Verdict.UNKNOWN, reason, Source.GIT, help=help_)
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
    yield from find_rights(evidence, evidence.terms)


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
            yield Observation(voice.subject, Verdict.UNKNOWN, reason, Source.HEARTBEAT, voice.observed, help_)


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
        return _say(voice, Verdict.NO, f"{writes}, and cannot write v{step.new}", help_)
    active = standing_of(rollout, evidence).active
    if capability.active not in (0, active):
        reason = f"{voice.name} writes v{capability.active} now, and v{active} is what should be written"
        help_ = (
            f"if {evidence.environment.name} really writes v{capability.active}, begin the rollout there (--from "
            f"{capability.active}); otherwise deploy a build to it whose stubs write "
            f"{render_versions((active, step.new))}"
        )
        return _say(voice, Verdict.NO, reason, help_)
    return _say(voice, Verdict.YES, writes, "")


def find_usurpers(rollout: Rollout, evidence: Evidence, voices: Sequence[Voice]) -> Iterator[Observation]:
    """Instances of other services that say that they write the contract."""
    owner = evidence.terms.owner if evidence.terms else ""
    for voice in voices:
        if voice.service != owner and voice.capability.writes and voice.fresh:
            reason = f"{voice.name} says that it writes {rollout.step.contract}, which is {owner}'s"
            yield _say(voice, Verdict.NO, reason, "stop it: an event has one writer")


def find_rights(evidence: Evidence, terms: Terms) -> Iterator[Observation]:
    """Whether the owner's principal alone may write the topic, with what no ACL shows."""
    environment = evidence.environment
    if not environment.acls:
        return
    for silence in find_silences(evidence, Question.ACCESS):
        if silence.subject.startswith("cluster/"):
            yield replace(silence, subject=f"access/{silence.subject.removeprefix('cluster/')}")
    known = evidence.services.get(terms.owner)
    principal = known.principal if known else ""
    for cluster in find_answers(evidence, Question.ACCESS):
        if cluster.access.unlisted:
            reason = f"nobody can tell who may write {cluster.topic}: {cluster.access.unlisted}"
            help_ = f"declare it: `environments: {{{environment.name}: {{acls: none}}}}` in policy.yaml"
            yield _ask(f"access/{cluster.name}", reason, cluster, help_)
            continue
        yield from _judge_writers(principal, terms, cluster, environment.super_users or ())
        yield from _judge_super_users(cluster, evidence)
        yield from _judge_everyone(cluster, evidence)


def _judge_writers(
    principal: str, terms: Terms, cluster: ClusterEvidence, declared: tuple[str, ...]
) -> Iterator[Observation]:
    writers = sorted(cluster.access.writers)
    if not principal:
        reason = f"ownership.yaml names no principal of {terms.owner}; {render_list(writers)} may write {cluster.topic}"
        help_ = f"say which one it is: `{terms.owner}: {{principal: …}}` under `services`"
        yield _ask(f"service/{terms.owner}", reason, cluster, help_)
        return
    for writer in writers:
        subject = f"principal/{writer}"
        if writer == principal or writer in declared:
            reason = f"{writer} may write {cluster.topic}"
            yield Observation(subject, Verdict.YES, reason, Source.BROKER, cluster.observed)
            continue
        reason = f"{writer} may write {cluster.topic} on {cluster.name}, and only {principal} ({terms.owner}) should"
        help_ = (
            f"take it away: kafka-acls.sh --remove --allow-principal {writer} --operation Write --topic {cluster.topic}"
        )
        yield Observation(subject, Verdict.NO, reason, Source.BROKER, cluster.observed, help_)
    if principal not in writers and principal not in declared:
        reason = f"no ACL lets {principal} ({terms.owner}) write {cluster.topic} on {cluster.name}"
        help_ = f"grant it: kafka-acls.sh --add --allow-principal {principal} --operation Write --topic {cluster.topic}"
        yield _ask(f"principal/{principal}", reason, cluster, help_)


def _judge_super_users(cluster: ClusterEvidence, evidence: Evidence) -> Iterator[Observation]:
    told, declared = cluster.access.super_users, evidence.environment.super_users
    place = f"`environments: {{{evidence.environment.name}: {{super_users: […]}}}}` in policy.yaml"
    subject = f"super-users/{cluster.name}"
    if told is None and declared is None:
        reason = f"{cluster.name}: super users may write everything, no ACL shows them, and nobody says who they are"
        yield _ask(subject, reason, cluster, f"declare them, or that there are none: {place}")
        return
    unreviewed = sorted(set(told or ()) - set(declared or ()))
    if unreviewed:
        reason = f"{cluster.name}: {render_list(unreviewed)} may write everything as super users, and no review says so"
        yield _ask(subject, reason, cluster, f"declare them: {place}")
    else:
        known = render_list(declared or ())
        reason = f"{cluster.name}: super users: {known}"
        yield Observation(subject, Verdict.YES, reason, Source.BROKER, cluster.observed)


def _judge_everyone(cluster: ClusterEvidence, evidence: Evidence) -> Iterator[Observation]:
    told, declared = cluster.access.everyone, evidence.environment.everyone
    everyone = told if told is not None else declared
    subject, setting = f"everyone/{cluster.name}", "allow.everyone.if.no.acl.found"
    if everyone is None:
        reason = f"{cluster.name}: nobody says whether a topic without ACLs is everybody's ({setting})"
        place = f"`environments: {{{evidence.environment.name}: {{everyone: false}}}}` in policy.yaml"
        yield _ask(subject, reason, cluster, f"declare it: {place}")
    elif everyone and not cluster.access.writers:
        reason = f"{cluster.name}: {cluster.topic} has no ACL for WRITE, and {setting} lets everybody write it"
        yield _ask(subject, reason, cluster, f"grant WRITE on {cluster.topic} to the owner: then it is nobody else's")
    else:
        reason = f"{cluster.name}: {setting} lets nobody write {cluster.topic}"
        yield Observation(subject, Verdict.YES, reason, Source.BROKER, cluster.observed)


def _describe_writes(build: Deployment, contract: str) -> str:
    return f"{describe_build(build)} writes {render_versions(build.writes.get(contract, ()))}"


def _ask(subject: str, reason: str, cluster: ClusterEvidence, help_: str) -> Observation:
    return Observation(subject, Verdict.UNKNOWN, reason, Source.BROKER, cluster.observed, help_)


def _say(voice: Voice, verdict: Verdict, reason: str, help_: str) -> Observation:
    return Observation(voice.subject, verdict, reason, Source.HEARTBEAT, voice.observed, help_)
