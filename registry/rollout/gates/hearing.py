"""Who is alive: the last word of each instance with its age, and whether somebody in a group keeps silent.

A heartbeat is fresh for three periods and the margin. After that its instance may be stuck or gone, and only the
consumer groups can tell: an instance is gone where its groups have no more members than there are fresh heartbeats
that name them. Ages are told by the clock of the cluster that the heartbeat came from, whatever this machine's says.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from registry.environment import Environment
from registry.frozen import dataclass, replace
from registry.kafka.rollout.heartbeat import Capability, Heartbeat
from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.evidence import Evidence, Question
from registry.rollout.gates.asking import find_answers, is_answered
from registry.rollout.gates.inventory import find_parties
from registry.rollout.gates.moments import seconds_between
from registry.rollout.rollout import Rollout
from registry.rollout.words import count, render_span

PERIODS = 3
"""How many periods a heartbeat may be missing."""


@dataclass(frozen=True, slots=True)
class Voice:
    """The last word of one instance, of one contract."""

    heartbeat: Heartbeat
    capability: Capability
    """What it says of the contract; empty where it does not mention it."""
    age: float
    """Seconds, by the cluster's clock."""
    fresh: bool
    gone: bool = False
    """Silent, and the groups that it named have no member that is not heard."""

    @property
    def service(self) -> str:
        """The service that it belongs to."""
        return self.heartbeat.service

    @property
    def subject(self) -> str:
        """As checks and waivers name it."""
        return f"instance/{self.heartbeat.service}/{self.heartbeat.instance}"

    @property
    def name(self) -> str:
        """``pod-3 of edge-cache (build 41)``."""
        return f"{self.heartbeat.instance} of {self.heartbeat.service} (build {self.heartbeat.build or 'unknown'})"

    @property
    def observed(self) -> datetime:
        """When it spoke."""
        return self.heartbeat.observed_at

    @property
    def reads(self) -> bool:
        """Whether it reads the contract at all."""
        return bool(self.capability.reads or self.capability.served)

    @property
    def writes(self) -> bool:
        """Whether it writes the contract at all."""
        return bool(self.capability.writes or self.capability.active)

    @property
    def refused(self) -> bool:
        """Whether it stands aside: its runtime did not let it join, and says why."""
        return bool(self.capability.trouble) and not self.reads and not self.writes

    def says(self, verdict: Verdict, reason: str, help_: str = "") -> Observation:
        """What is known of the instance by its own word."""
        return Observation(self.subject, verdict, reason, Source.HEARTBEAT, self.observed, help_)

    def has_heard(self, rank: tuple[int, int]) -> bool:
        """Whether it obeys a control record of this rank, or a later one."""
        return (self.capability.epoch, 0 if self.capability.prepared else 1) >= rank


@dataclass(frozen=True, slots=True)
class Crowd:
    """A consumer group, and how many of its members are heard."""

    group: str
    members: int
    """Of all clusters."""
    heard: int
    """Memberships that fresh heartbeats name."""

    @property
    def silent(self) -> int:
        """Members that nobody hears."""
        return max(self.members - self.heard, 0)


def listen(evidence: Evidence, contract: str) -> tuple[Voice, ...]:
    """The last word of every instance that has to do with the contract or its topic, by service and instance."""
    latest: dict[str, Voice] = {}
    parties = find_parties(evidence)
    groups = {group.name for cluster in find_answers(evidence, Question.GROUPS) for group in cluster.groups}
    for cluster in find_answers(evidence, Question.HEARTBEATS):
        for heartbeat in cluster.heartbeats:
            mentions = contract in heartbeat.contracts or heartbeat.service in parties
            if not mentions and groups.isdisjoint(heartbeat.groups):
                continue
            age = seconds_between(heartbeat.observed_at, cluster.observed)
            fresh = age <= find_patience(heartbeat, evidence.environment)
            voice = Voice(heartbeat, heartbeat.contracts.get(contract, Capability()), age, fresh)
            known = latest.get(heartbeat.key)
            if known is None or age < known.age:
                latest[heartbeat.key] = voice
    voices = [latest[key] for key in sorted(latest)]
    if not is_answered(evidence, Question.GROUPS, Question.HEARTBEATS):
        return tuple(voices)
    crowds = count_crowds(evidence, voices)
    return tuple(_see_gone(voice, crowds) for voice in voices)


def find_patience(heartbeat: Heartbeat, environment: Environment) -> float:
    """How old it may be and still be fresh: three of its own periods and the margin, but never the limit of age."""
    return min(PERIODS * (heartbeat.period or environment.heartbeat) + environment.margin, environment.age)


def count_crowds(evidence: Evidence, voices: Iterable[Voice]) -> Mapping[str, Crowd]:
    """The groups on the topic, by name. A process with two members of a group names it twice."""
    heard = Counter(group for voice in voices if voice.fresh for group in voice.heartbeat.groups)
    members: Counter[str] = Counter()
    for cluster in find_answers(evidence, Question.GROUPS):
        for group in cluster.groups:
            members[group.name] += group.members
    return {name: Crowd(name, number, heard[name]) for name, number in sorted(members.items())}


def find_groups(evidence: Evidence, service: str, voices: Sequence[Voice]) -> frozenset[str]:
    """The groups of a service: those of ownership.yaml, and those that its instances name."""
    known = evidence.services.get(service)
    named = {group for voice in voices if voice.service == service for group in voice.heartbeat.groups}
    return frozenset(known.groups if known else ()) | named


def describe_silence(voice: Voice) -> str:
    """``silent for 9 min``."""
    return f"silent for {render_span(voice.age)}"


def _see_gone(voice: Voice, crowds: Mapping[str, Crowd]) -> Voice:
    groups = set(voice.heartbeat.groups)
    proven = bool(groups) and not any(crowds[name].silent for name in groups if name in crowds)
    return replace(voice, gone=True) if proven and not voice.fresh else voice


def judge_unrecorded(subject: str, name: str, alive: Sequence[Voice], rollout: Rollout, help_: str) -> Observation:
    """A service without a record: its own word counts more than git's, and where there is neither nobody knows.

    ``alive`` are its instances that are heard; ``help_`` is for a service that has none.
    """
    if not alive:
        reason = f"{name}: nobody recorded which build of it runs in {rollout.step.environment}"
        return Observation(subject, Verdict.UNKNOWN, reason, Source.GIT, help=help_)
    spoken = count(len(alive), "live instance speaks for itself", "live instances speak for themselves")
    reason = f"{name}: nothing is recorded; {spoken}"
    return Observation(subject, Verdict.YES, reason, Source.HEARTBEAT, max(voice.observed for voice in alive))
