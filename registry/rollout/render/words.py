"""What the renderings of a rollout say alike: ages, where it stands, who is meant."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from registry.rollout.rollout import Rollout, Waiver
from registry.rollout.states import State
from registry.rollout.words import count, render_span

STANDS: Final[Mapping[State, str]] = {
    State.PLANNED: "nothing has begun; v{old} is written",
    State.EXPANDING: "phase 1: readers learn v{new}; v{old} is written",
    State.SWITCHING: "phase 2: v{new} is active, and not yet proven everywhere",
    State.SWITCHED: "phase 2 is done: v{new} is written; the owner can go back to v{old}",
    State.CONTRACTING: "phase 3: v{new} is written, v{old} is refused",
    State.WRITE_RETIRED: "v{new} is written; v{old} is only read, as long as a log may hold it",
    State.READ_RETIRED: "over: no log holds v{old} any more",
    State.REVERTING: "v{old} is active again, and not yet proven everywhere; readers go on reading v{new}",
    State.REVERTED: "v{old} is written again; readers go on reading v{new}",
    State.ABORTED: "given up before v{new} was written",
    State.ABANDONED: "given up: v{old} is written; readers go on reading v{new}, which the log may hold",
}
"""Where a rollout is, in words; a state that has none is a missing row."""
PREPARED: Final = "phase 2: v{new} is prepared, v{old} is still written"
"""Of a switch that has not come to its second half."""


def describe_place(rollout: Rollout) -> str:
    """Where it stands, in one clause."""
    prepared = rollout.state is State.SWITCHING and (rollout.publication is None or rollout.publication.prepare)
    words = PREPARED if prepared else STANDS[rollout.state]
    return words.format(old=rollout.step.old, new=rollout.step.new)


def describe_time(moment: datetime) -> str:
    """``2026-11-23 18:11 UTC``: one clock for everybody who reads it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def describe_waiver(waiver: Waiver, now: datetime) -> str:
    """Who answers, until when, and why."""
    left = (waiver.expires - now).total_seconds()
    until = f"{render_span(left)} left" if left > 0 else "EXPIRED"
    return f"waived by {waiver.by} until {describe_time(waiver.expires)} ({until}): {waiver.reason}"


def count_subjects(subjects: Iterable[str]) -> str:
    """The subject itself, or how many of which kinds: ``12 instances, 1 group``."""
    named = list(dict.fromkeys(subjects))
    if len(named) == 1:
        return named[0]
    kinds = Counter(subject.partition("/")[0] for subject in named)
    return ", ".join(count(number, kind) for kind, number in kinds.items())
