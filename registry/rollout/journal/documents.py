"""The texts of the journal's documents: rollouts and deployments, written so that a person reads them in a diff."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from registry.rollout.checks import Verdict
from registry.rollout.journal.fields import Fields, parse_document, render_document
from registry.rollout.rollout import Deployment, Mark, Publication, Recorded, Rollout, Step, Waiver
from registry.rollout.states import State
from registry.rollout.words import render_moment

_Value = TypeVar("_Value")
SOURCES: Final = ("git", "ci")
"""Who may say what was deployed."""


def render_rollout(rollout: Rollout) -> bytes:
    """The document of a rollout; the same for the same rollout."""
    step, publication = rollout.step, rollout.publication
    return render_document(
        {
            "contract": step.contract,
            "old": step.old,
            "new": step.new,
            "environment": step.environment,
            "state": rollout.state,
            "since": render_moment(rollout.since),
            "by": rollout.by,
            "reason": rollout.reason,
            "epoch": rollout.epoch,
            "stored": list(rollout.stored),
            "publication": publication
            and {
                "epoch": publication.epoch,
                "active": publication.active,
                "writable": list(publication.writable),
                "prepare": publication.prepare,
            },
            "origin": rollout.origin,
            "switched": rollout.switched and render_moment(rollout.switched),
            "digests": {str(number): digest for number, digest in sorted(rollout.digests.items())},
            "barrier": {
                cluster: {str(number): _list_mark(mark) for number, mark in sorted(marks.items())}
                for cluster, marks in sorted(rollout.barrier.items())
            },
            "checks": [
                {
                    "check": each.check,
                    "subject": each.subject,
                    "verdict": each.verdict,
                    "since": render_moment(each.since),
                    "observed": render_moment(each.observed),
                }
                for each in rollout.checks
            ],
            "waivers": [
                {
                    "check": each.check,
                    "subject": each.subject,
                    "by": each.by,
                    "at": render_moment(each.at),
                    "expires": render_moment(each.expires),
                    "reason": each.reason,
                }
                for each in rollout.waivers
            ],
        }
    )


def _list_mark(mark: Mark) -> dict[str, int]:
    return {
        "start": mark.start,
        "committed": mark.committed,
        "everything": mark.everything,
        "first_new": mark.first_new,
    }


def parse_rollout(path: str, raw: bytes) -> Rollout:
    """The rollout of a document. Raises :class:`registry.errors.Unreadable` with the path and the fact."""
    top = parse_document(path, raw)
    step = Step(top.text("contract"), top.whole("old"), top.whole("new", 1), top.text("environment"))
    if step.path != path:
        top.refuse("", f"is that of {step}, which belongs into {step.path}")
    rollout = Rollout(
        step=step,
        state=top.word("state", State),
        since=top.moment("since"),
        by=top.text("by"),
        reason=top.text("reason"),
        epoch=top.whole("epoch"),
        stored=top.numbers("stored"),
        publication=_parse_publication(top.fields("publication")) if top.has("publication") else None,
        origin=top.word("origin", State) if top.has("origin") else None,
        switched=top.optional_moment("switched"),
        digests=_parse_numbered(top.fields("digests"), Fields.text),
        barrier=_parse_barrier(top.fields("barrier")),
        checks=tuple(_parse_check(row) for row in top.rows("checks")),
        waivers=tuple(_parse_waiver(row) for row in top.rows("waivers")),
    )
    top.finish()
    return rollout


def _parse_publication(row: Fields) -> Publication:
    found = Publication(row.whole("epoch", 1), row.whole("active", 1), row.numbers("writable"), row.whole("prepare"))
    row.finish()
    return found


def _parse_numbered(table: Fields, parse: Callable[[Fields, str], _Value], least: int = 1) -> Mapping[int, _Value]:
    return MappingProxyType({number: parse(table, str(number)) for number in table.find_numbers(least)})


def _parse_barrier(table: Fields) -> Mapping[str, Mapping[int, Mark]]:
    return MappingProxyType({name: _parse_numbered(table.fields(name), _parse_mark, 0) for name in table.find_keys()})


def _parse_mark(table: Fields, key: str) -> Mark:
    row = table.fields(key)
    mark = Mark(row.whole("start"), row.whole("committed", -1), row.whole("everything", -1), row.whole("first_new", -1))
    row.finish()
    return mark


def _parse_check(row: Fields) -> Recorded:
    found = Recorded(
        row.text("check"),
        row.text("subject"),
        row.word("verdict", Verdict),
        row.moment("since"),
        row.moment("observed"),
    )
    row.finish()
    return found


def _parse_waiver(row: Fields) -> Waiver:
    found = Waiver(
        check=row.text("check"),
        subject=row.text("subject"),
        by=row.text("by"),
        at=row.moment("at"),
        expires=row.moment("expires"),
        reason=row.text("reason"),
    )
    row.finish()
    return found


def render_deployments(deployments: Sequence[Deployment]) -> bytes:
    """The document of all deployments of one service in one environment; at least one."""
    first = deployments[0]
    assert all(each.path == first.path for each in deployments)
    return render_document(
        {
            "environment": first.environment,
            "service": first.service,
            "deployments": [list_deployment(each) for each in deployments],
        }
    )


def list_deployment(deployment: Deployment) -> dict[str, Any]:
    """What is said of one deployment, beside its environment and service."""
    until = deployment.supported_until
    return {
        "instance": deployment.instance,
        "build": deployment.build,
        "reads": {contract: list(numbers) for contract, numbers in sorted(deployment.reads.items())},
        "writes": {contract: list(numbers) for contract, numbers in sorted(deployment.writes.items())},
        "at": render_moment(deployment.at),
        "by": deployment.by,
        "source": deployment.source,
        "release": deployment.release,
        "supported_until": until and render_moment(until),
    }


def parse_deployments(path: str, raw: bytes) -> tuple[Deployment, ...]:
    """The deployments of a document. Raises :class:`registry.errors.Unreadable` with the path and the fact."""
    top = parse_document(path, raw)
    environment, service = top.text("environment"), top.text("service")
    if f"deployments/{environment}/{service}.json" != path:
        top.refuse(
            "", f"is that of {service} in {environment}, which belongs into deployments/{environment}/{service}.json"
        )
    found = tuple(_parse_deployment(row, environment, service) for row in top.rows("deployments"))
    top.finish()
    return found


def _parse_deployment(row: Fields, environment: str, service: str) -> Deployment:
    deployment = Deployment(
        service=service,
        environment=environment,
        instance=row.text("instance"),
        build=row.text("build"),
        reads=_parse_pins(row.fields("reads")),
        writes=_parse_pins(row.fields("writes")),
        at=row.moment("at"),
        by=row.text("by"),
        source=row.text("source"),
        release=row.text("release"),
        supported_until=row.optional_moment("supported_until"),
    )
    if deployment.source not in SOURCES:
        row.refuse("source", f"is {deployment.source!r}, none of {', '.join(SOURCES)}")
    row.finish()
    return deployment


def _parse_pins(table: Fields) -> Mapping[str, tuple[int, ...]]:
    return MappingProxyType({contract: table.numbers(contract) for contract in table.find_keys()})
