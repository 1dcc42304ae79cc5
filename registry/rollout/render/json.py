"""Rollouts for programs: one JSON document, as :data:`registry.rollout.render.schema.ROLLOUT_SCHEMA` describes it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from registry.environment import Environment
from registry.kafka.rollout.control import ControlRecord
from registry.rollout.checks import Check
from registry.rollout.outcome import Exit, Outcome
from registry.rollout.rollout import Mark, Publication, Rollout, Waiver
from registry.rollout.words import render_moment, render_span


def render_outcomes_json(
    verb: str, outcomes: Sequence[Outcome], environment: Environment, titles: Mapping[str, str], exit_code: Exit
) -> str:
    """What a command found and did, of one rollout or of several."""
    document = {
        "version": 1,
        "tool": "event-contracts",
        "verb": verb,
        "environment": environment.name,
        "exit_code": int(exit_code),
        "rollouts": [_outcome(outcome, titles) for outcome in outcomes],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _outcome(outcome: Outcome, titles: Mapping[str, str]) -> dict[str, Any]:
    rollout = outcome.after or outcome.before
    return {
        "contract": outcome.step.contract,
        "from": outcome.step.old,
        "to": outcome.step.new,
        "environment": outcome.step.environment,
        "state": str(rollout.state) if rollout else None,
        "state_before": str(outcome.before.state) if outcome.before else None,
        "rollout": _rollout(rollout, outcome.at) if rollout else None,
        "gate": outcome.gate,
        "verdict": str(outcome.verdict) if outcome.verdict else None,
        "checks": [render_check(check, titles, outcome.at) for check in outcome.checks],
        "done": list(outcome.done),
        "published": [_control(record) for record in outcome.published],
        "next": outcome.next,
        "patch": outcome.patch,
        "dry_run": outcome.dry_run,
        "exit_code": int(outcome.exit_code),
        "at": render_moment(outcome.at),
    }


def _rollout(rollout: Rollout, now: datetime) -> dict[str, Any]:
    return {
        "since": render_moment(rollout.since),
        "by": rollout.by,
        "epoch": rollout.epoch,
        "stored": list(rollout.stored),
        "digests": {str(number): digest for number, digest in sorted(rollout.digests.items())},
        "publication": _publication(rollout.publication) if rollout.publication else None,
        "switched": render_moment(rollout.switched) if rollout.switched else None,
        "barrier": {
            cluster: {str(partition): _mark(mark) for partition, mark in sorted(marks.items())}
            for cluster, marks in rollout.barrier.items()
        },
        "waivers": [_waiver(waiver, now) for waiver in rollout.waivers],
        "reason": rollout.reason,
    }


def _publication(publication: Publication) -> dict[str, Any]:
    return {
        "epoch": publication.epoch,
        "active": publication.active,
        "prepare": publication.prepare,
        "writable": list(publication.writable),
    }


def _control(record: ControlRecord) -> dict[str, Any]:
    return {
        "epoch": record.epoch,
        "active": record.active,
        "prepare": record.prepare,
        "writable": list(record.writable),
        "stored": list(record.stored),
    }


def _mark(mark: Mark) -> dict[str, int]:
    return {
        "start": mark.start,
        "committed": mark.committed,
        "everything": mark.everything,
        "first_new": mark.first_new,
    }


def render_check(check: Check, titles: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """One check, as plain values."""
    seen = check.observation
    age = (now - seen.observed).total_seconds() if seen.observed else None
    return {
        "number": check.number,
        "title": titles.get(check.number, ""),
        "subject": seen.subject,
        "verdict": str(seen.verdict),
        "passes": check.passes,
        "reason": seen.reason,
        "help": seen.help,
        "source": seen.source.name.lower(),
        "observed": render_moment(seen.observed) if seen.observed else None,
        "age": max(age, 0.0) if age is not None else None,
        "age_text": render_span(age) if age is not None else "",
        "since": render_moment(seen.since) if seen.since else None,
        "waiver": _waiver(check.waiver, now) if check.waiver else None,
    }


def _waiver(waiver: Waiver, now: datetime) -> dict[str, Any]:
    return {
        "check": waiver.check,
        "subject": waiver.subject,
        "reason": waiver.reason,
        "by": waiver.by,
        "at": render_moment(waiver.at),
        "expires": render_moment(waiver.expires),
        "expired": waiver.expires <= now,
    }
