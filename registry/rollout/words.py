"""Times, versions and numbers, as a rollout's sentences and documents say them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

_UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


def render_span(seconds: float) -> str:
    """``40 s``, ``5 min``, ``3 h``, ``7 d``: whole units, the next smaller one below two of the larger (``90 min``).

    A span that is negative, because two clocks differ, is none: ``0 s``.
    """
    for size, unit in _UNITS:
        if seconds >= 2 * size or seconds == size:
            return f"{int(seconds / size):,} {unit}"
    return "1 s" if seconds >= 1 else "0 s"


def render_moment(moment: datetime) -> str:
    """ISO 8601 in UTC, with ``Z``, as documents have it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def render_list(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; ``none`` for nothing."""
    found = list(words)
    if not found:
        return "none"
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def render_versions(numbers: Iterable[int]) -> str:
    """``v1``, ``v1 and v2``, in their order; ``none`` for nothing."""
    return render_list(f"v{number}" for number in sorted(set(numbers)))


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 instance``, ``1,024 instances``; ``plural`` where it does not simply end in s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def render_some(words: Sequence[str], most: int = 3) -> str:
    """The first few, and how many more there are: ``a, b, c and 4 more``."""
    if len(words) <= most + 1:
        return render_list(words)
    return f"{', '.join(words[:most])} and {len(words) - most} more"
