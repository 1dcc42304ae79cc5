"""Evidence for gates, written like a story: a company in which all is well, and what a test changes about it.

``content-api`` writes ``content.ContentPublished``; ``edge-cache`` and ``search-index`` read it. Two of its versions
are released, and the step is 1 -> 2 in production.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from registry.contract import Service, Subscriber, Terms
from registry.environment import Cluster, Environment
from registry.frozen import replace
from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.heartbeat import Capability, Converted, Heartbeat
from registry.rollout.checks import Check, Verdict, decide
from registry.rollout.evidence import (
    Access,
    ClusterEvidence,
    Evidence,
    Group,
    PartitionScan,
    Question,
    Seen,
    Span,
)
from registry.rollout.gates import GATES, evaluate
from registry.rollout.rollout import Deployment, Mark, Publication, Recorded, Rollout, Step, Waiver
from registry.rollout.states import State
from registry.source import Location

EVENT: Final = "content.ContentPublished"
TOPIC: Final = "content.items"
OWNER: Final = "content-api"
NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN
PRODUCTION: Final = Environment("production", (Cluster("main", "main:9092"),), super_users=(), everyone=False)
AT: Final = Location("ownership.yaml")


def ago(seconds: float = 0, *, hours: float = 0, days: float = 0) -> datetime:
    """A moment before noon of the test's day."""
    return NOW - timedelta(days=days, hours=hours, seconds=seconds)


# What git says.


def terms(*subscribers: Subscriber | str, **changes: Any) -> Terms:
    """Who signed for the event; the bare name of a service reads versions 1 and 2."""
    named = [each if isinstance(each, Subscriber) else Subscriber(each, AT, (1, 2)) for each in subscribers]
    said = {"topic": TOPIC, "key": "content_id", "writes": (1, 2), "subscribers": tuple(named), **changes}
    return Terms(EVENT, "ContentItem", said.pop("owner", OWNER), AT, AT, **said)


def staying(service: str) -> Subscriber:
    """A subscriber that stays on version 1 and is served the newer one."""
    return Subscriber(service, AT, (1,), served=True)


def services(*names: str) -> dict[str, Service]:
    """Each with the principal and the one group of its name."""
    return {name: Service(name, AT, principal=f"User:{name}", groups=(name,)) for name in names}


def deployed(service: str, reads: Iterable[int] = (), writes: Iterable[int] = (), **changes: Any) -> Deployment:
    """Build 41 of a service, recorded an hour ago."""
    said = {"instance": "", "build": "41", "at": ago(hours=1), "by": "ana@example.com", **changes}
    pins = {EVENT: tuple(reads)} if reads else {}
    return Deployment(service, "production", reads=pins, writes={EVENT: tuple(writes)} if writes else {}, **said)


def rollout(state: State = State.EXPANDING, old: int = 1, new: int = 2, **changes: Any) -> Rollout:
    """A step, in its state for a day."""
    said = {"since": ago(days=1), "by": "ana@example.com", "stored": (old,), **changes}
    return Rollout(Step(EVENT, old, new, said.pop("environment", "production")), state, **said)


def preparing(**changes: Any) -> Rollout:
    """The step while version 2 is prepared, at epoch 1."""
    said = {
        "epoch": 1,
        "publication": Publication(1, 1, (1,), 2),
        "stored": (1, 2),
        "origin": State.EXPANDING,
        **changes,
    }
    return rollout(State.SWITCHING, **said)


def switched(state: State = State.SWITCHED, **changes: Any) -> Rollout:
    """The step after the switch at epoch 1, a day ago, with a barrier at offset 100 of the only partition."""
    said = {
        "epoch": 1,
        "publication": Publication(1, 2, (1, 2)),
        "stored": (1, 2),
        "switched": ago(days=1),
        "barrier": {"main": {0: Mark(90, 100, 100, 101)}},
        **changes,
    }
    return rollout(state, **said)


def waived(check: str, subject: str, *, expires: float = 7) -> Waiver:
    """Somebody answers for it, for a number of days from now."""
    by = "ana@example.com"
    return Waiver(check, subject, "the team was asked", by, ago(hours=1), NOW + timedelta(days=expires))


def recorded(check: str, subject: str, verdict: Verdict, since: datetime) -> Recorded:
    """What the journal remembers."""
    return Recorded(check, subject, verdict, since, ago(60))


# What Kafka says.


def beat(
    service: str, instance: str = "pod-1", *, age: float = 5, groups: Iterable[str] | None = None, **says: Any
) -> Heartbeat:
    """A heartbeat of a few seconds ago; ``says`` is of the event, and without any of it the event is not mentioned."""
    build, started, period = says.pop("build", "41"), says.pop("started", ago(days=30)), says.pop("period", 10.0)
    named = (service,) if groups is None else tuple(groups)
    contracts = {EVENT: Capability(**says)} if says else {}
    return Heartbeat("production", service, instance, build, named, started, ago(age), period, contracts)


def served(writer: int, reader: int, when: datetime, count: int = 7) -> Converted:
    """Events of one version that were read as another."""
    return Converted(writer, reader, count, when)


def group(name: str, members: int = 1, committed: Mapping[int, int] | None = None, state: str = "Stable") -> Group:
    """A consumer group, at offset 120 of the only partition."""
    return Group(name, state, members, {0: 120} if committed is None else committed)


def seen(first: int, last: int = -1, count: int = 0, *, committed: bool = True, keys: tuple[str, ...] = ()) -> Seen:
    """Records of one version, from one offset to another; of a transaction that was aborted where not committed."""
    last = max(first, last)
    number = count or last - first + 1
    if not committed:
        return Seen(number, 0, first, last, keys=keys)
    return Seen(number, number, first, last, first, last, keys)


def scan(start: int, end: int, versions: Mapping[int, Seen] | None = None, **changes: Any) -> PartitionScan:
    """What a scan saw; the last data is the last record of any version unless a test says otherwise."""
    found = versions or {}
    last = max((each.last for each in found.values()), default=-1)
    committed = max((each.last_committed for each in found.values()), default=-1)
    said = {"stable": end, "last_data": last, "last_committed_data": committed, **changes}
    return PartitionScan(start, end, versions=found, **said)


def cluster(name: str = "main", **changes: Any) -> ClusterEvidence:
    """A cluster that answered everything: one partition of 120 records, version 1 before offset 100, 2 after it."""
    said: dict[str, Any] = {
        "observed": NOW,
        "spans": {0: Span(0, 120, 120)},
        "groups": (group("edge-cache"), group("search-index")),
        "access": Access(
            frozenset({"User:edge-cache", "User:search-index"}), frozenset({f"User:{OWNER}"}), "", (), False
        ),
        "heartbeats": (
            beat(OWNER, groups=(), reads=(), writes=(1, 2), active=1),
            beat("edge-cache", reads=(1, 2)),
            beat("search-index", reads=(1, 2)),
        ),
        "control": ControlRecord(EVENT, "production", 1, 2, (1, 2)),
        "tail": {0: scan(90, 120, {1: seen(90, 99), 2: seen(101, 119)})},
        "everything": {0: scan(0, 120, {1: seen(0, 99), 2: seen(101, 119)})},
        "dead_letters": {"edge-cache.dead-letters": {}},
        "answered": frozenset(Question),
        **changes,
    }
    return ClusterEvidence(name, said.pop("topic", TOPIC), said.pop("observed"), **said)


def company(*clusters: ClusterEvidence, **changes: Any) -> Evidence:
    """All that is known, where all is well: everybody reads and writes both, and each deployment is recorded."""
    said: dict[str, Any] = {
        "environment": PRODUCTION,
        "terms": terms("edge-cache", "search-index"),
        "services": services(OWNER, "edge-cache", "search-index"),
        "versions": {1: "digest-1", 2: "digest-2"},
        "readings": {(r, w): "native" for r in (1, 2, 3) for w in (1, 2, 3)},
        "keys": {1: "text", 2: "text"},
        "rollouts": (),
        "deployments": (
            deployed(OWNER, writes=(1, 2)),
            deployed("edge-cache", reads=(1, 2)),
            deployed("search-index", reads=(1, 2)),
        ),
        "clusters": clusters or (cluster(),),
        **changes,
    }
    return Evidence(**said)


def without_kafka(**changes: Any) -> Evidence:
    """The company in an environment that declares ``broker: none``."""
    environment = changes.pop("environment", Environment("production", brokerless=True))
    return replace(company(**changes), clusters=(), environment=environment)


def hears(*heartbeats: Heartbeat, **changes: Any) -> Evidence:
    """The company, where these heartbeats replace those of the same services."""
    named = {each.service for each in heartbeats}
    kept = [each for each in cluster().heartbeats if each.service not in named]
    of_cluster = {key: changes.pop(key) for key in list(changes) if key in ClusterEvidence.__slots__}
    return company(cluster(heartbeats=(*kept, *heartbeats), **of_cluster), **changes)


# What a gate says.


def look(number: str, rollout: Rollout, evidence: Evidence, now: datetime = NOW) -> dict[str, Check]:
    """What one row says, by subject; no subject may come twice with different verdicts."""
    gate = GATES[number.partition(".")[0]]
    found: dict[str, Check] = {}
    for check in evaluate(gate, rollout, evidence, now):
        if check.number == number:
            subject = check.observation.subject
            assert subject not in found or found[subject].verdict is check.verdict, found[subject]
            found[subject] = check
    return found


def verdicts(number: str, rollout: Rollout, evidence: Evidence, now: datetime = NOW) -> dict[str, Verdict]:
    """The verdicts of one row, by subject."""
    return {subject: check.verdict for subject, check in look(number, rollout, evidence, now).items()}


def reason(number: str, rollout: Rollout, evidence: Evidence, subject: str, now: datetime = NOW) -> str:
    """What one row says of one subject."""
    return look(number, rollout, evidence, now)[subject].observation.reason


def help_of(number: str, rollout: Rollout, evidence: Evidence, subject: str, now: datetime = NOW) -> str:
    """The next step that one row names for one subject."""
    return look(number, rollout, evidence, now)[subject].observation.help


def judge(gate: str, rollout: Rollout, evidence: Evidence, now: datetime = NOW) -> Verdict:
    """The verdict of a whole gate."""
    return decide(evaluate(GATES[gate], rollout, evidence, now))
