"""Whether a build may be deployed, for people at a terminal."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from registry.rollout.checks import Check, decide
from registry.rollout.render.rows import BOLD, COLOURS, SAID, Ink, align, find_rows
from registry.rollout.words import count


def render_deployment(
    service: str,
    environment: str,
    checks: Sequence[Check],
    titles: Mapping[str, str],
    *,
    colour: bool = False,
    width: int = 0,
) -> str:
    """The answer in one line, and what it comes from below; ``titles`` are those of the checks by number."""
    ink, said = Ink(colour, width), SAID[decide(checks)]
    missing = sum(not check.passes for check in checks)
    sums = f"{missing} of {count(len(checks), 'check')}" if missing else count(len(checks), "check")
    head = f"{ink.paint(f'{service} to {environment}:', BOLD)} {ink.paint(said, COLOURS[said])} ({sums})"
    # All of it is read from git, which has no age: the clock is asked for nothing.
    return "\n".join([head, "", *align(list(find_rows(checks, datetime.now(UTC), titles)), ink)]) + "\n"
