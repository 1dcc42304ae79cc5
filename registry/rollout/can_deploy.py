"""May a build be deployed now? What its stubs pin, held against where every contract stands in the environment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from registry.contract import Terms
from registry.frozen import dataclass, field
from registry.rollout.checks import Check, Observation, Source, Verdict
from registry.rollout.deployments import find_current
from registry.rollout.means import Means
from registry.rollout.rollout import Deployment, Rollout
from registry.rollout.standing import Standing, find_unproven, stand
from registry.rollout.states import State
from registry.rollout.words import render_some, render_versions

READS: Final = "D1"
WRITES: Final = "D2"
RETIRED: Final = "D3"
ALLOWED: Final = "D4"
TITLES: Final[Mapping[str, str]] = {
    READS: "the build reads all that may lie in the log",
    WRITES: "it writes the version that is active",
    RETIRED: "it writes no version that is retired",
    ALLOWED: "the service owns what it writes, and subscribes to what it reads",
}
_REVERTIBLE: Final = frozenset({State.SWITCHING, State.SWITCHED})
_WRITE_RETIRED: Final = frozenset({State.WRITE_RETIRED, State.READ_RETIRED})


@dataclass(frozen=True, slots=True)
class Pins:
    """What a build of a service reads and writes, as its stubs say: contract to versions."""

    service: str
    reads: Mapping[str, Sequence[int]] = field(default_factory=dict)
    writes: Mapping[str, Sequence[int]] = field(default_factory=dict)


def can_deploy(
    means: Means, contracts: Iterable[str], deployments: Sequence[Deployment], service: str
) -> tuple[Check, ...]:
    """The same, read from git: of what would be deployed, and of the contracts that the service has a part in.

    A contract of which the deployments say nothing is unknown: nobody knows whether the build reads it.
    """
    book, environment = means.journal.read(), means.environment.name
    named = {contract for each in deployments for contract in (*each.reads, *each.writes)}
    facts = {contract: means.read_facts(contract) for contract in sorted({*contracts, *named})}
    terms = {contract: each.terms for contract, each in facts.items() if each.terms is not None}
    versions = {contract: sorted(each.versions) for contract, each in facts.items()}
    rollouts = [each for contract in facts for each in book.find_rollouts(contract, environment)]
    recorded = list(find_current(book.find_deployments(environment), means.clock()))
    checks = [
        check
        for each in deployments
        for check in judge_deployment(
            Pins(service, each.reads, each.writes), rollouts, environment, terms, versions, recorded
        )
    ]
    help_ = "say which versions its stubs pin: --reads EVENT=1,2 --writes EVENT=1,2"
    silent = sorted(facts.keys() - named)
    return (
        *checks,
        *(_say(READS, each, Verdict.UNKNOWN, f"nobody says what {service} reads of it", help_) for each in silent),
    )


def judge_deployment(
    pins: Pins,
    rollouts: Sequence[Rollout],
    environment: str,
    terms: Mapping[str, Terms],
    versions: Mapping[str, Sequence[int]],
    deployments: Iterable[Deployment] = (),
) -> tuple[Check, ...]:
    """What would become of a build that starts in the environment now: what it reads first, then what it writes.

    ``rollouts`` may be all of the journal; ``versions`` are those of each contract that are released and not retired.
    Of a contract that was never rolled out in the environment nobody knows what lies in the log: a reader of all of
    them is safe, and of another one it is unknown. What may be written there is told by what is recorded in
    ``deployments`` (of the environment, those that count now) as reading it.
    """
    here = [each for each in rollouts if each.step.environment == environment]
    return tuple(_judge(pins, here, environment, terms, versions, list(deployments)))


def _judge(
    pins: Pins,
    rollouts: Sequence[Rollout],
    environment: str,
    terms: Mapping[str, Terms],
    versions: Mapping[str, Sequence[int]],
    deployments: Sequence[Deployment],
) -> Iterator[Check]:
    for contract in sorted({*pins.reads, *pins.writes}):
        yield from _judge_rights(pins, contract, terms.get(contract))
    for contract, numbers in sorted(pins.reads.items()):
        own = [each for each in rollouts if each.step.contract == contract]
        if own:
            known = {*versions.get(contract, ()), *find_unproven(own)}  # the others are retired, and lie in no log
            yield _judge_reads(pins.service, contract, numbers, stand(own), known, terms.get(contract))
        else:
            yield _judge_unrolled(pins.service, contract, numbers, environment, versions.get(contract, ()))
    for contract, numbers in sorted(pins.writes.items()):
        own = [each for each in rollouts if each.step.contract == contract]
        if own:
            yield from _judge_writes(pins.service, contract, numbers, own, environment)
        else:
            released = versions.get(contract, ())
            yield _judge_first(pins.service, contract, numbers, released, terms.get(contract), environment, deployments)


def _judge_rights(pins: Pins, contract: str, terms: Terms | None) -> Iterator[Check]:
    service, help_ = pins.service, "ownership.yaml says who writes and reads what; `contracts gen` makes stubs by it"
    if terms is None:
        yield _say(ALLOWED, contract, Verdict.NO, f"ownership.yaml names no event {contract}", help_)
        return
    if contract in pins.writes and service != terms.owner:
        yield _say(ALLOWED, contract, Verdict.NO, f"{service} writes it, and {terms.owner or 'nobody'} owns it", help_)
    elif contract in pins.reads and service not in {terms.owner, *(each.service for each in terms.subscribers)}:
        yield _say(ALLOWED, contract, Verdict.NO, f"{service} reads it, and does not subscribe to it", help_)


def _judge_reads(
    service: str, contract: str, numbers: Sequence[int], standing: Standing, known: set[int], terms: Terms | None
) -> Check:
    required = [number for number in standing.required if number in known]
    missing = [number for number in required if number not in numbers]
    reads = f"{service} reads {render_versions(numbers)}"
    served = any(each.service == service and each.served for each in (terms.subscribers if terms else ()))
    if not missing:
        return _say(READS, contract, Verdict.YES, f"{reads}: all that may lie in the log")
    if served and any(standing.flags[number].served for number in numbers if number in standing.flags):
        fact = f"{reads}, and {render_versions(missing)} as its own with what the control record carries"
        return _say(READS, contract, Verdict.YES, fact)
    return _say(
        READS,
        contract,
        Verdict.NO,
        f"{reads}; {render_versions(missing)} may lie in the log, and it would refuse to join",
        f"make stubs that read {render_versions(required)}: contracts gen --service {service}",
    )


def _judge_unrolled(
    service: str, contract: str, numbers: Sequence[int], environment: str, versions: Sequence[int]
) -> Check:
    missing = [number for number in versions if number not in numbers]
    reads = f"{service} reads {render_versions(numbers)}"
    if not missing:
        return _say(READS, contract, Verdict.YES, f"{reads}: all that is released")
    fact = f"{reads}; whether {render_versions(missing)} lies in the log of {environment} is not recorded"
    help_ = f"contracts rollout start {contract} --env {environment} records where it stands"
    return _say(READS, contract, Verdict.UNKNOWN, fact, help_)


def _judge_writes(
    service: str, contract: str, numbers: Sequence[int], rollouts: Sequence[Rollout], environment: str
) -> Iterator[Check]:
    writes = f"{service} writes {render_versions(numbers)}"
    standing = stand(rollouts)
    back = {each.step.old for each in rollouts if each.state in _REVERTIBLE} - {*numbers}
    if standing.active in numbers and back:
        fact = f"{writes}; a revert to {render_versions(back)} is still possible, and it could not follow one"
        help_ = (
            f"keep {render_versions(back)} in `writes` until: contracts rollout contract {contract} --env {environment}"
        )
        yield _say(WRITES, contract, Verdict.NO, fact, help_)
    elif standing.active in numbers:
        yield _say(WRITES, contract, Verdict.YES, f"{writes}; v{standing.active} is active")
    else:
        yield _say(
            WRITES,
            contract,
            Verdict.NO,
            f"{writes}, and v{standing.active} is active",
            f"make stubs that write {render_versions(sorted({*numbers, standing.active}))}",
        )
    gone = {each.step.old for each in rollouts if each.state in _WRITE_RETIRED} - {standing.active}
    if retired := [number for number in numbers if number in gone]:
        yield _say(
            RETIRED,
            contract,
            Verdict.NO,
            f"{writes}, and {render_versions(retired)} is retired in {environment}",
            f"take it from `writes` of {contract} in ownership.yaml, and make the stubs again",
        )


def _judge_first(
    service: str,
    contract: str,
    numbers: Sequence[int],
    released: Sequence[int],
    terms: Terms | None,
    environment: str,
    deployments: Sequence[Deployment],
) -> Check:
    """Of a contract that was never rolled out here: nothing tells the build what to write, so it begins by itself."""
    oldest = min(numbers)
    fact = f"{service} writes {render_versions(numbers)}"
    fact += f", and begins with v{oldest}, as nothing was rolled out in {environment}" if len(numbers) > 1 else ""
    if list(released) == [oldest]:
        return _say(WRITES, contract, Verdict.YES, f"{fact}: the only version that is released")
    readers = [each.service for each in terms.subscribers] if terms else []
    builds = {
        reader: [each for each in deployments if each.service == reader and each.reads.get(contract)]
        for reader in readers
    }
    help_ = f"record what runs (contracts deployed), or begin: contracts rollout start {contract} --env {environment}"
    for reader, recorded in builds.items():
        late = next((each for each in recorded if oldest not in each.reads[contract]), None)
        if late is not None:
            fact += f"; {reader} (build {late.build}) reads {render_versions(late.reads[contract])}"
            return _say(WRITES, contract, Verdict.NO, fact, help_)
    if unknown := [reader for reader, recorded in builds.items() if not recorded]:
        fact += f"; what {render_some(unknown)} reads there is not recorded"
        return _say(WRITES, contract, Verdict.UNKNOWN, fact, help_)
    if not readers and not (terms and terms.no_consumers):
        return _say(WRITES, contract, Verdict.UNKNOWN, f"{fact}; ownership.yaml names nobody who reads it", help_)
    told = f"; {render_some(readers)} reads that" if len(readers) == 1 else f"; {render_some(readers)} read that"
    return _say(WRITES, contract, Verdict.YES, f"{fact}{told if readers else ', and nobody reads it'}")


def _say(number: str, contract: str, verdict: Verdict, reason: str, help_: str = "") -> Check:
    return Check(number, Observation(f"event/{contract}", verdict, reason, Source.GIT, help=help_))
