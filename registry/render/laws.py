"""What became of the laws of converters, for people at a terminal and for programs."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from registry.frozen import dataclass
from registry.laws import BROKEN, HOLDS, Counterexample, Outcome, Stop
from registry.laws.showing import plain, show_event, tell, tell_stop
from registry.render.wording import one_line

SCHEMA: Final = 1
"""The version of the JSON; keys may be added to it."""
_COLOURS: Final = {HOLDS: "32", BROKEN: "31"}


@dataclass(frozen=True, slots=True)
class Judged:
    """One step, or a chain of them, with its outcomes."""

    label: str
    """``v1 -> v2``."""
    path: str
    """Of its upgrade.yaml; empty for a chain."""
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether no law is broken."""
        return not any(outcome.verdict == BROKEN for outcome in self.outcomes)


def render_text(event: str, judged: Sequence[Judged], colour: bool = False) -> str:
    """Law by law, one block a step."""
    return "\n\n".join("\n".join(_render(event, each, colour)) for each in judged) + "\n"


def _render(event: str, judged: Judged, colour: bool) -> Iterator[str]:
    where = f"  {one_line(judged.path)}" if judged.path else "  the whole chain"
    yield f"{event} {judged.label}{where}"
    for outcome in judged.outcomes:
        verdict = f"{outcome.verdict:<9}"
        code = _COLOURS.get(outcome.verdict, "2")
        verdict = f"\x1b[{code}m{verdict}\x1b[0m" if colour else verdict
        yield f"  {outcome.law.name:<10}{verdict}  {outcome.law.meaning}{_count(outcome)}"
        yield from _explain(outcome)
        for stop in outcome.stops:
            yield from _render_stop(stop)


def _count(outcome: Outcome) -> str:
    if outcome.verdict not in (HOLDS, BROKEN) or not outcome.tried:
        return ""
    return f" ({', '.join(f'{count} {way}' for way, count in outcome.tried.items())})"


def _explain(outcome: Outcome) -> Iterator[str]:
    if outcome.verdict == HOLDS:
        return
    at = f"{one_line(str(outcome.at))}: " if outcome.at is not None else ""
    yield f"    {at}{one_line(tell(outcome))}"
    found = outcome.counterexample
    if found is not None:
        yield from _render_counterexample(found)
    if outcome.help:
        yield f"    help      {one_line(outcome.help)}"


def _render_counterexample(found: Counterexample) -> Iterator[str]:
    yield f"    {found.source:<10}{one_line(show_event(found.event))}"
    if found.made is not None:
        yield f"    {found.target:<10}{one_line(show_event(found.made))}"
        if found.back is not None:
            yield f"    {found.source:<10}{one_line(show_event(found.back))}"


def _render_stop(stop: Stop) -> Iterator[str]:
    at = f"{one_line(str(stop.failure.at))}: " if stop.failure.at is not None else ""
    count = f"1 event of {stop.source} stops" if stop.count == 1 else f"{stop.count} events of {stop.source} stop"
    yield f"    {count}: {at}{one_line(tell_stop(stop))}"
    yield f"    {stop.source:<10}{one_line(show_event(stop.event, stop.failure.path))}"


def render_json(event: str, judged: Sequence[Judged], colour: bool = False) -> str:
    """The same for programs; a colour changes nothing."""
    steps = [
        {
            "step": each.label,
            "path": each.path,
            "passed": each.passed,
            "laws": [_outcome(outcome) for outcome in each.outcomes],
        }
        for each in judged
    ]
    document = {"schema": SCHEMA, "event": event, "passed": all(each.passed for each in judged), "steps": steps}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _outcome(outcome: Outcome) -> dict[str, Any]:
    shown: dict[str, Any] = {"law": outcome.law.name, "meaning": outcome.law.meaning, "verdict": outcome.verdict}
    shown["tried"] = dict(outcome.tried)
    if outcome.verdict != HOLDS:
        shown["message"] = tell(outcome)
    if outcome.help:
        shown["help"] = outcome.help
    if outcome.at is not None:
        shown["at"] = {"path": outcome.at.path, "line": outcome.at.line, "column": outcome.at.column}
    found = outcome.counterexample
    if found is not None:
        shown["counterexample"] = {
            "way": found.way,
            "from": found.source,
            "to": found.target,
            "path": found.breach.path,
            "event": plain(found.event),
            "becomes": plain(found.made),
            "comes_back_as": plain(found.back),
        }
    shown["stopped"] = [
        {
            "way": stop.way,
            "from": stop.source,
            "count": stop.count,
            "message": tell_stop(stop),
            "event": plain(stop.event),
        }
        for stop in outcome.stops
    ]
    return shown


LAW_RENDERERS: Final[Mapping[str, Callable[[str, Sequence[Judged], bool], str]]] = {
    "text": render_text,
    "json": render_json,
}
