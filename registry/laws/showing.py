"""Events and what breaks a law, in words: plain values as JSON has them, and one sentence."""

import json
from datetime import date, time
from math import isfinite
from typing import Any, Final

from registry.laws.trial import BROKEN, Counterexample, Outcome, Stop

_LONG: Final = 60
"""Letters of a text beyond which only its beginning is shown."""
_MANY: Final = 6
"""Items of an array that are shown."""
_LINE: Final = 160
"""Letters of an event beyond which only the field in question is shown."""


def plain(value: Any) -> Any:
    """A value as JSON has it: times and numbers with a point as text, bytes by their hexadecimal digits."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def shorten(value: Any) -> Any:
    """The same where it is not too long to be read."""
    if isinstance(value, dict):
        return {name: shorten(inner) for name, inner in value.items()}
    if isinstance(value, list):
        left = len(value) - _MANY
        return [shorten(inner) for inner in value[:_MANY]] + ([f"… {left} more"] if left > 0 else [])
    if isinstance(value, str) and len(value) > _LONG:
        return f"{value[:_LONG]}… ({len(value)} letters)"
    return value


def show_event(event: Any, path: str = "", limit: int = 0) -> str:
    """An event on one line. With a limit, of a longer one only what stands at the first step of the path."""
    shown = shorten(plain(event))
    line = json.dumps(shown, ensure_ascii=False)
    name = path.strip("/").partition("/")[0].partition("[")[0]
    if limit and len(line) > limit and isinstance(shown, dict):
        line = (
            json.dumps({name: shown[name]}, ensure_ascii=False)[:-1] + ", …}" if name in shown else line[:limit] + "…"
        )
    return line


def tell(outcome: Outcome) -> str:
    """What is wrong, as one sentence."""
    found = outcome.counterexample
    if found is None:
        return outcome.reason
    place = f" at {found.breach.path}" if found.breach.path else ""
    sentence = outcome.law.sentence.format(source=found.source, target=found.target)
    return f"{sentence}: {found.breach.fact}{place}" if sentence else f"{found.breach.fact}{place}"


def tell_smallest(found: Counterexample) -> str:
    """The smallest counterexample, both sides of it, on one line."""
    path = found.breach.path
    parts = [f"{found.source} {show_event(found.event, path, _LINE)}"]
    if found.made is not None:
        parts.append(f"{found.target} {show_event(found.made, path, _LINE)}")
    if found.back is not None and found.made is not None:
        parts.append(f"{found.source} {show_event(found.back, path, _LINE)}")
    return " -> ".join(parts)


def tell_stop(stop: Stop) -> str:
    """Why some events stop."""
    place = f" at {stop.failure.path}" if stop.failure.path else ""
    return f"{stop.failure.fact}{place}"


def find_broken(outcomes: list[Outcome]) -> list[Outcome]:
    """The laws that do not hold."""
    return [outcome for outcome in outcomes if outcome.verdict == BROKEN]
