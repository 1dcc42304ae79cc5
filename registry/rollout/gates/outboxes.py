"""What waits in an outbox of the owner: rows that were encoded before, and come to the topic when they are relayed."""

from registry.rollout.checks import Observation, Verdict
from registry.rollout.gates.hearing import Voice
from registry.rollout.rollout import Step
from registry.rollout.words import count, render_span


def judge_outbox(voice: Voice, version: int, step: Step, check: str, verb: str) -> Observation:
    """Whether the outbox of an instance is free of a version. ``check`` asks, and ``verb`` is what looks again."""
    capability = voice.capability
    if waiting := capability.waiting.get(version, 0):
        age = render_span(capability.waiting_age)
        reason = f"the outbox of {voice.name} holds {count(waiting, 'row')} of v{version}, the oldest for {age}"
        help_ = (
            f"let its relay work them off, and look again: contracts rollout {verb} {step.contract} "
            f"--env {step.environment}; rows that grow older have a relay that stands still"
        )
        return voice.says(Verdict.NO, reason, help_)
    if capability.outbox:
        reason = f"nobody knows what waits in the outbox of {voice.name}: {capability.outbox}"
        help_ = f"let its runtime count it (`outboxes=`), or: --waive {check}:{voice.subject}"
        return voice.says(Verdict.UNKNOWN, reason, help_)
    return voice.says(Verdict.YES, f"no v{version} waits in the outbox of {voice.name}")
