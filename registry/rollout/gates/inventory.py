"""Who reads and writes a contract: the inventory of ownership.yaml, with the builds that are recorded as deployed."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from registry.contract import Subscriber
from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.deployments import find_current
from registry.rollout.evidence import Evidence
from registry.rollout.rollout import Deployment, Rollout
from registry.rollout.standing import Standing, find_unproven, stand


def standing_of(rollout: Rollout, evidence: Evidence) -> Standing:
    """The contract in the rollout's environment: the journal's rollouts, with this one as it is handed in."""
    return stand([*find_neighbours(rollout, evidence), rollout])


def find_neighbours(rollout: Rollout, evidence: Evidence) -> Iterator[Rollout]:
    """The other rollouts of the contract in the same environment."""
    return (
        each
        for each in evidence.rollouts
        if each.step != rollout.step
        and each.step.environment == rollout.step.environment
        and each.step.contract == rollout.step.contract
    )


def find_demanded(rollout: Rollout, evidence: Evidence) -> tuple[int, ...]:
    """The versions that a reader must be able to read once the step's new version is written.

    Those that ownership.yaml lists as retired are no longer among them, though the journal's older rollouts still name
    them; where such a rollout has not ended yet, nothing is proven, and they are.
    """
    known = evidence.versions.keys() | find_unproven(find_neighbours(rollout, evidence))
    required = [number for number in standing_of(rollout, evidence).required if number in known]
    return tuple(sorted({*required, rollout.step.old, rollout.step.new}))


def find_subscribers(evidence: Evidence) -> Mapping[str, Subscriber]:
    """By service, in the order of ownership.yaml."""
    return {each.service: each for each in evidence.terms.subscribers} if evidence.terms else {}


def find_parties(evidence: Evidence) -> frozenset[str]:
    """Services whose groups and principals are at home on the topic."""
    owner = {evidence.terms.owner} if evidence.terms and evidence.terms.owner else set()
    return evidence.parties | owner | find_subscribers(evidence).keys()


def find_builds(evidence: Evidence, service: str, now: datetime) -> list[Deployment]:
    """What is deployed of a service, with the releases that are still supported."""
    return list(find_current([each for each in evidence.deployments if each.service == service], now))


def find_unserved(numbers: tuple[int, ...], reads: tuple[int, ...], evidence: Evidence, *, served: bool) -> list[int]:
    """Which of the versions a build cannot read: neither by itself nor, where it is ``served``, converted for it.

    Versions are converted to the newest that it reads, as that is the one its code was written for.
    """
    return [
        number
        for number in numbers
        if number not in reads and not (served and reads and reads_as(evidence, max(reads), number))
    ]


def reads_as(evidence: Evidence, reader: int, writer: int) -> bool:
    """Whether one version can be read as another, natively or by converters."""
    return not find_refusal(evidence, reader, writer)


def find_refusal(evidence: Evidence, reader: int, writer: int) -> str:
    """Why one version cannot be read as another; empty where it can."""
    if reader == writer:
        return ""
    reading = evidence.readings.get((reader, writer))
    if reading is None:
        return f"v{reader} or v{writer} is no released version any more"
    return reading.removeprefix("no: ") if reading.startswith("no: ") else ""


def find_empty_inventory(rollout: Rollout, evidence: Evidence) -> Iterator[Observation]:
    """One observation where nobody is known to read the contract, and nobody declared that this is so."""
    contract, terms = rollout.step.contract, evidence.terms
    subject = f"event/{contract}"
    if terms is None:
        reason = f"ownership.yaml names no event {contract}, so nobody knows who writes and reads it"
        yield Observation(subject, Verdict.UNKNOWN, reason, Source.GIT, help="add it under its entity")
    elif not terms.subscribers and not terms.no_consumers:
        reason = f"ownership.yaml names nobody who reads {contract}: an empty list proves nothing"
        help_ = "name the subscribers; if really nobody reads it, say `consumers: none` there"
        yield Observation(subject, Verdict.UNKNOWN, reason, Source.GIT, help=help_)


def advise_deployed(
    service: str, rollout: Rollout, *, reads: tuple[int, ...] = (), writes: tuple[int, ...] = ()
) -> str:
    """The command that records what is deployed."""
    step = rollout.step
    options = [
        f" --{option} {','.join(map(str, numbers))}"
        for option, numbers in (("reads", reads), ("writes", writes))
        if numbers
    ]
    pins = f" --event {step.contract}{''.join(options)}" if options else ""
    return f"contracts deployed --service {service} --env {step.environment} --build BUILD{pins}"


def describe_build(build: Deployment) -> str:
    """``build 41``, ``build 41 of pod-3``, ``build 39 (release 4.2, supported until 2026-09-01)``."""
    text = f"build {build.build}" + (f" of {build.instance}" if build.instance else "")
    if not build.release:
        return text
    until = f", supported until {build.supported_until:%Y-%m-%d}" if build.supported_until else ""
    return f"{text} (release {build.release}{until})"


def source_of(builds: list[Deployment]) -> Source:
    """The least of the sources that the records come from."""
    return Source.CI if builds and all(build.source == "ci" for build in builds) else Source.GIT
