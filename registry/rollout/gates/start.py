"""G0: may the step begin? Git alone says."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from registry.rollout.checks import Observation, Source, Verdict
from registry.rollout.evidence import Evidence
from registry.rollout.gates.gate import NOTHING, UNKNOWNS, Gate, Row
from registry.rollout.gates.inventory import (
    find_empty_inventory,
    find_neighbours,
    find_refusal,
    find_subscribers,
    standing_of,
)
from registry.rollout.rollout import Rollout
from registry.rollout.standing import IDLE, find_governing, stand
from registry.rollout.states import UNDER_WAY
from registry.rollout.words import count, render_list, render_versions


def find_versions(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether both versions are released, and are what they were when the first environment planned the step."""
    step = rollout.step
    twins = [each for each in evidence.rollouts if _is_same_step(each, rollout) and each.step != step]
    for number in (step.old, step.new):
        subject, digest = f"version/{number}", evidence.versions.get(number)
        if digest is None:
            reason = f"v{number} of {step.contract} is not released, or retired"
            yield _no(subject, reason, "release it (contracts release), and merge that")
            continue
        edited = [each.step.environment for each in [rollout, *twins] if each.digests.get(number, digest) != digest]
        if edited:
            places = render_list(sorted(set(edited)))
            reason = f"v{number} of {step.contract} was edited since its rollout began in {places}: versions are frozen"
            folder = f"contracts/versions/{step.contract}/{number}"
            help_ = f"bring back {folder} as it was (git log -- that folder), and release the edit as the next version"
            yield _no(subject, reason, help_)
        else:
            yield _yes(subject, f"v{number} is released, and what it was when the step was planned")


def find_readings(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether the new version reads every one that may be stored, and whoever stays behind can be served it."""
    step = rollout.step
    stored = [number for number in standing_of(rollout, evidence).stored if number in evidence.versions]
    for number in sorted({*stored, step.old} - {step.new}):
        yield _judge_reading(step.new, number, step.contract, evidence, "")
    staying = [each.service for each in find_subscribers(evidence).values() if each.served]
    if staying:
        names = render_list(sorted(staying))
        yield _judge_reading(step.old, step.new, step.contract, evidence, f" ({names} stays on v{step.old})")


def _judge_reading(reader: int, writer: int, contract: str, evidence: Evidence, why: str) -> Observation:
    subject, refusal = f"reading/{reader}-{writer}", find_refusal(evidence, reader, writer)
    if not refusal:
        how = evidence.readings.get((reader, writer), "native")
        return _yes(subject, f"v{reader} reads v{writer}{why}: {'by converters' if how == 'converters' else how}")
    short = contract.rpartition(".")[2]
    help_ = f"describe the step in {short}.upgrade.yaml and release it again as the next version"
    if refusal.startswith(f"v{reader} cannot read "):  # it is a sentence already
        return _no(subject, f"{refusal}{why}", help_)
    return _no(subject, f"v{reader} cannot read v{writer}{why}: {refusal}", help_)


def find_inventory(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether anybody is known to read it, or declared that nobody does."""
    yield from find_empty_inventory(rollout, evidence)
    if evidence.terms is None:
        return
    subject, names = f"event/{rollout.step.contract}", sorted(find_subscribers(evidence))
    if names:
        reason = f"{count(len(names), 'service reads', 'services read')} it: {render_list(names)}"
        yield _yes(subject, reason)
    elif evidence.terms.no_consumers:
        yield _yes(subject, "nobody reads it, as `consumers: none` declares")


def find_rivals(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether another step of the contract is under way here, and whether this one begins at the active version."""
    step = rollout.step
    rivals = [each for each in find_neighbours(rollout, evidence) if each.state in UNDER_WAY]
    for each in rivals:
        name = f"{each.step.old} -> {each.step.new}"
        reason = f"{name} is {each.state} in {step.environment}, since {each.since:%Y-%m-%d %H:%M}"
        help_ = f"finish it first: contracts rollout status {step.contract} --env {step.environment}"
        yield _no(f"rollout/{each.step.old}-{each.step.new}", reason, help_)
    if not rivals:
        yield _yes(f"environment/{step.environment}", f"no other step of it is under way in {step.environment}")
    others = [each for each in find_neighbours(rollout, evidence) if each.state not in IDLE]
    active = stand(others).active if find_governing(others) else step.old
    if active != step.old:
        reason = f"v{active} is active in {step.environment}, and the step begins at v{step.old}"
        help_ = f"begin where it stands: contracts rollout start {step.contract} --env {step.environment}"
        yield _no(f"version/{step.old}", reason, f"{help_} --from {active} --to {step.new}")


def find_keys(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether the message key has the same type in both: another key is another partition, and another order."""
    step, subject = rollout.step, f"event/{rollout.step.contract}"
    old, new = evidence.keys.get(step.old), evidence.keys.get(step.new)
    if old is None or new is None:
        number = step.old if old is None else step.new
        reason = f"nobody can tell the message key of v{number}"
        yield Observation(subject, Verdict.UNKNOWN, reason, Source.GIT, help="look at `key` of its entity")
    elif old == new:
        yield _yes(subject, f"the message key is the same: {old}" if old else "neither version has a message key")
    else:
        reason = f"the message key is {old or 'no field'} in v{step.old} and {new or 'no field'} in v{step.new}"
        yield _no(subject, reason, "keep the key: an event with another key belongs on another topic")


def find_approval(rollout: Rollout, evidence: Evidence, now: datetime) -> Iterator[Observation]:
    """Whether the owner signed for writing both, in the reviewed file that its team owns."""
    terms, step = evidence.terms, rollout.step
    subject = f"event/{step.contract}"
    if terms is None or not terms.owner:
        yield _no(subject, f"ownership.yaml names no owner of {step.contract}", "name the one service that writes it")
        return
    wanted = {step.old, step.new}
    if wanted <= set(terms.writes):
        yield _yes(subject, f"{terms.owner} signed for writing {render_versions(terms.writes)}")
        return
    fact = f"says that it writes {render_versions(terms.writes)}"
    if not terms.writes:
        fact = "says no `writes`, which means the newest alone: its next build would switch by itself"
    writes = ", ".join(map(str, sorted({*terms.writes, *wanted})))
    help_ = f"`writes: [{writes}]` of {step.contract} in ownership.yaml, approved by the team of {terms.owner}"
    yield _no(subject, f"ownership.yaml {fact}", help_)


def _is_same_step(each: Rollout, rollout: Rollout) -> bool:
    one, other = each.step, rollout.step
    return (one.contract, one.old, one.new) == (other.contract, other.old, other.new)


def _yes(subject: str, reason: str) -> Observation:
    return Observation(subject, Verdict.YES, reason, Source.GIT)


def _no(subject: str, reason: str, help_: str) -> Observation:
    return Observation(subject, Verdict.NO, reason, Source.GIT, help=help_)


START: Final = Gate(
    "G0",
    "the step is prepared in git",
    frozenset(),
    (
        Row("G0.1", "both versions are released and frozen", find_versions, NOTHING),
        Row("G0.2", "the new version reads what may be stored", find_readings, NOTHING),
        Row("G0.3", "who reads it is known", find_inventory, UNKNOWNS),
        Row("G0.4", "no other step of it is under way", find_rivals, NOTHING),
        Row("G0.5", "the message key stays as it is", find_keys, NOTHING),
        Row("G0.6", "the owner signed for it", find_approval, NOTHING),
    ),
)
