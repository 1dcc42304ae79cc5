"""The append-only lines of the journal, one for each decision, and the message of its commit."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from registry.rollout.checks import Check, Verdict, decide
from registry.rollout.journal.documents import list_deployment
from registry.rollout.rollout import Deployment, Rollout
from registry.rollout.states import State
from registry.rollout.words import render_moment


def find_events_path(path: str) -> str:
    """Where the events of a document are: ``events/rollouts/…/production.jsonl``."""
    return f"events/{path.removesuffix('.json')}.jsonl"


def render_line(facts: Mapping[str, Any]) -> str:
    """One line of JSON, without the line break; moments as in the documents, the keys in their order."""
    return json.dumps(facts, ensure_ascii=False, default=_spell)


def _spell(value: object) -> object:
    if isinstance(value, datetime):
        return render_moment(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in a line of events")


def render_decision(verb: str, before: State | None, rollout: Rollout, checks: Iterable[Check], at: datetime) -> str:
    """What was decided of a rollout, when and by whom, and what the gate had said."""
    found = list(checks)
    return render_line(
        {
            "at": at,
            "by": rollout.by,
            "verb": verb,
            "from": before,
            "to": rollout.state,
            "epoch": rollout.epoch,
            "reason": rollout.reason,
            "verdict": {"gate": decide(found), **summarise(found)} if found else None,
            "waivers": [f"{each.number}:{each.observation.subject}" for each in found if each.waiver],
        }
    )


def render_deployed(deployment: Deployment) -> str:
    """What was recorded as deployed, when and by whom."""
    facts = list_deployment(deployment)
    return render_line({"at": facts.pop("at"), "by": facts.pop("by"), "verb": "deployed", **facts})


def summarise(checks: Iterable[Check]) -> dict[str, int]:
    """How many checks said what."""
    verdicts = [each.verdict for each in checks]
    return {verdict.value: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}


def render_message(before: State | None, rollout: Rollout, checks: Iterable[Check] = ()) -> str:
    """The message of the commit: the transition in one line, then what was seen of it that was not simply yes."""
    publication = rollout.publication
    details = [f"epoch {rollout.epoch}"] if rollout.epoch else []
    if publication and publication.prepare:
        details.append(f"prepare {publication.prepare}")
    elif publication:
        details.append(f"active {publication.active}")
    states = f"{before} -> {rollout.state}" if before not in (None, rollout.state) else rollout.state
    detailed = f" ({', '.join(details)})" if details else ""
    line = f"{rollout.step}: {states}{detailed} by {rollout.by}"
    found = list(checks)
    body = [rollout.reason] if rollout.reason else []
    if found:
        body.append(", ".join(f"{count} {verdict}" for verdict, count in summarise(found).items()))
        body += [_tell(each) for each in found if each.verdict is not Verdict.YES]
    return "\n".join([line, "", *body]).strip() + "\n"


def render_deployed_message(deployment: Deployment) -> str:
    """The message of a commit that records a deployment."""
    what = f"{deployment.service}/{deployment.instance}" if deployment.instance else deployment.service
    release = f" (release {deployment.release})" if deployment.release else ""
    return f"{what} in {deployment.environment}: deployed {deployment.build}{release} by {deployment.by}\n"


def _tell(check: Check) -> str:
    waived = f" (waived by {check.waiver.by}: {check.waiver.reason})" if check.waiver else ""
    return f"{check.number} {check.verdict} {check.observation.subject}: {check.observation.reason}{waived}"
