"""The next command: what a person does now, or once what blocks is mended, for where a rollout stands."""

from typing import Final

from registry.rollout.rollout import Rollout, Step
from registry.rollout.states import TRANSITIONS, State, Transition, Verb

FORWARD: Final = {row.state: row for row in TRANSITIONS if row.gate}
"""The transition that leads on from a state; the others lead back, or out."""


def find_forward(rollout: Rollout) -> Transition | None:
    """The transition whose gate is the next to pass; ``None`` where nothing follows."""
    return FORWARD.get(rollout.state)


def find_next(step: Step, rollout: Rollout | None) -> str:
    """``rollout switch content.ContentPublished --env production``; empty where there is nothing left to do.

    Also where a gate holds it up: once what blocks is mended the same command judges again, and goes on where it may.
    ``rollout`` is ``None`` where nobody has planned the step.
    """
    if rollout is None:
        return _spell(Verb.START, step)
    if rollout.state is State.SWITCHING and rollout.publication and rollout.publication.prepare:
        return _spell(Verb.SWITCH, step)
    forward = find_forward(rollout)
    return _spell(forward.verb, step) if forward else ""


def _spell(verb: str, step: Step) -> str:
    return f"rollout {verb} {step.contract} --env {step.environment} --from {step.old} --to {step.new}"
