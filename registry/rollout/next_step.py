"""The next command: what a person does now, for where a rollout stands and what its gate says."""

from typing import Final

from registry.rollout.checks import Verdict
from registry.rollout.rollout import Rollout, Step
from registry.rollout.states import TRANSITIONS, State, Transition, Verb

FORWARD: Final = {row.state: row for row in TRANSITIONS if row.gate}
"""The transition that leads on from a state; the others lead back, or out."""


def find_forward(rollout: Rollout) -> Transition | None:
    """The transition whose gate is the next to pass; ``None`` where nothing follows."""
    return FORWARD.get(rollout.state)


def find_next(step: Step, rollout: Rollout | None, gate: str, verdict: Verdict | None) -> str:
    """``rollout switch content.ContentPublished --env production``; empty where there is nothing left to do.

    Where the gate that was looked at holds the next step up, the command that looks again. ``rollout`` is ``None``
    where nobody has planned the step.
    """
    if rollout is None:
        return _spell(Verb.START, step)
    if rollout.state is State.SWITCHING and rollout.publication and rollout.publication.prepare:
        return _spell(Verb.SWITCH, step)
    forward = find_forward(rollout)
    if forward is None:
        return ""
    if forward.verb is Verb.CONVERGE:  # it looks itself, and goes on when it may
        return _spell(Verb.CONVERGE, step)
    held_up = forward.gate == gate and verdict in (Verdict.NO, Verdict.UNKNOWN)
    return _spell("check" if held_up else forward.verb, step)


def _spell(verb: str, step: Step) -> str:
    return f"rollout {verb} {step.contract} --env {step.environment} --from {step.old} --to {step.new}"
