"""Every law, over many events of both versions: how many were tried, and the smallest that breaks it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from registry.frozen import dataclass, field
from registry.laws.law import LAWS, Breach, Law, Passage, Seen, breach_of, see
from registry.laws.places import find_difference, find_differences, is_within
from registry.laws.shrinking import shrink
from registry.laws.side import Side
from registry.laws.step import Step
from registry.laws.values import find_events, find_words, parse_paths
from registry.laws.ways import DECLARED, VALUE, Failure
from registry.serde.conversion.paths import Path
from registry.source import Location

EXAMPLES: Final = 500
"""Events of each version that are tried where nobody says how many."""
HOLDS: Final = "holds"
BROKEN: Final = "broken"
NOT_ASKED: Final = "not asked"


@dataclass(frozen=True, slots=True)
class Counterexample:
    """The smallest event found that breaks a law."""

    way: str
    source: str
    """The label of the version whose event it is."""
    target: str
    event: Any
    made: Any
    """What became of it; nothing where it stopped."""
    back: Any
    """What came back of that."""
    breach: Breach


@dataclass(frozen=True, slots=True)
class Stop:
    """Events that the converters stop, though no case of ``unrepresentable`` says so."""

    way: str
    source: str
    target: str
    count: int
    event: Any
    """The smallest of them."""
    failure: Failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one law."""

    law: Law
    verdict: str
    tried: Mapping[str, int] = field(default_factory=dict)
    """By way, how many events (or declared losses) were asked."""
    counterexample: Counterexample | None = None
    at: Location | None = None
    """In upgrade.yaml, where it is broken."""
    reason: str = ""
    """Why it was not asked, or what is wrong where no event shows it."""
    help: str = ""
    stops: tuple[Stop, ...] = ()


def judge(step: Step, examples: int = EXAMPLES, *, stops: bool = True) -> list[Outcome]:
    """Every law, in the order of the table. Where the types do not fit, nothing else is asked.

    Without ``stops``, nobody looks for the smallest events of those that hold.
    """
    flaws = step.flaws
    if flaws:
        first = flaws[0]
        types = Outcome(LAWS["types"], BROKEN, {}, None, first.location, first.message, first.help)
        return [types, *(Outcome(law, NOT_ASKED, reason="the types do not fit") for law in [*LAWS.values()][1:-1])]
    trials: list[Trial] = []
    for passage in step.passages:
        named = parse_paths(sorted(step.find_named(passage.name)))
        images = trials[0].made if trials else ()
        words, meant = find_words(step.words), step.find_meant(passage.name)
        trials.append(Trial(passage, find_events(passage.there, examples, named, words, images, meant)))
    outcomes = [Outcome(LAWS["types"], HOLDS, {"operations": step.operations})]
    outcomes += [ask(law, trials, stops=stops) for law in LAWS.values() if law.find is not None]
    outcomes += [_ask_tombstone(trials), _ask_losses(step, trials)]
    order = list(LAWS)
    return sorted(outcomes, key=lambda outcome: order.index(outcome.law.name))


class Trial:
    """One way, and what was seen of each event on it."""

    def __init__(self, passage: Passage, events: Sequence[Any]) -> None:
        self.passage = passage
        self.source: Side = passage.there.source
        self.target: Side = passage.there.target
        self.events = events
        self.seen = [see(passage, event) for event in events]
        self.made = [seen.arrival.made for seen in self.seen if seen.arrival.failure is None]

    def find_counterexample(self, law: Law) -> Counterexample | None:
        """The smallest event that breaks a law."""
        assert law.find is not None
        for seen in self.seen:
            breach = law.find(seen)
            if breach is not None:
                return self._shrink(law, seen, breach)
        return None

    def _shrink(self, law: Law, seen: Seen, breach: Breach) -> Counterexample:
        find = law.find
        assert find is not None

        def breaks(event: Any) -> bool:
            found = find(see(self.passage, event))
            return found is not None and found.kind == breach.kind

        small = see(self.passage, shrink(seen.event, self.source, self.events[0], breaks))
        return self.show(small, find(small) or breach)

    def show(self, seen: Seen, breach: Breach) -> Counterexample:
        """What was seen, as a counterexample."""
        back = seen.back.made if seen.back is not None else None
        name, made = self.passage.name, seen.arrival.made
        return Counterexample(name, self.source.label, self.target.label, seen.event, made, back, breach)

    def find_nothing_made(self) -> Counterexample | None:
        """Where no event at all comes through, the smallest one; declared cases may stop every event."""
        stopped = [seen for seen in self.seen if seen.arrival.failure is not None]
        if self.made or not stopped:
            return None
        seen, failure = next(
            ((each, each.arrival.failure) for each in stopped if each.arrival.failure.kind != DECLARED),  # type: ignore[union-attr]  # those above have one
            (stopped[0], None),
        )
        return self.show(seen, breach_of(failure)) if failure is not None else None

    def find_stops(self) -> Iterator[Stop]:
        """Undeclared stops, those for one reason together."""
        groups: dict[tuple[object, ...], list[Seen]] = {}
        for seen in self.seen:
            failure = seen.arrival.failure
            if failure is not None and failure.kind == VALUE:
                pointer = failure.at.pointer if failure.at is not None else ""
                groups.setdefault((pointer, _field_of(failure.path)), []).append(seen)
        for (operation, path), group in groups.items():
            stops = partial(self._stops, operation, path)
            event = shrink(group[0].event, self.source, self.events[0], stops)
            failure = self.passage.there.go(event).failure
            assert failure is not None
            yield Stop(self.passage.name, self.source.label, self.target.label, len(group), event, failure)

    def _stops(self, pointer: object, path: object, event: Any) -> bool:
        failure = self.passage.there.go(event).failure
        if failure is None or failure.kind != VALUE:
            return False
        return (failure.at.pointer if failure.at is not None else "", _field_of(failure.path)) == (pointer, path)


def _field_of(path: str) -> str:
    import re

    return re.sub(r"\[\d+\]", "[]", path)


def ask(law: Law, trials: Sequence[Trial], *, stops: bool = True) -> Outcome:
    """What becomes of a law about single events."""
    asked = [trial for trial in trials if trial.passage.name in law.ways]
    if law.name in ("back", "forth"):
        asked = [trial for trial in asked if trial.passage.back is not None]
    if not asked:
        return Outcome(law, NOT_ASKED, reason="there is no way back: down: none")
    tried = {trial.passage.name: len(trial.events if law.name == "total" else trial.made) for trial in asked}
    for trial in asked:
        found = trial.find_counterexample(law)
        if found is None and law.name == "total":
            found = trial.find_nothing_made()
        if found is not None:
            breach = found.breach
            return Outcome(law, BROKEN, tried, found, breach.at, breach.fact, breach.help)
    held = tuple(stop for trial in asked for stop in trial.find_stops()) if stops and law.name == "total" else ()
    if not any(tried.values()):
        return Outcome(law, NOT_ASKED, tried, reason="no event comes through")
    return Outcome(law, HOLDS, tried, stops=held)


def _ask_tombstone(trials: Sequence[Trial]) -> Outcome:
    law = LAWS["tombstone"]
    for trial in trials:
        arrival = trial.passage.there.go(None)
        if arrival.failure is not None or arrival.made is not None:
            fact = arrival.failure.fact if arrival.failure is not None else f"nothing became {arrival.made!r}"
            return Outcome(law, BROKEN, {trial.passage.name: 1}, None, trial.passage.find_place(""), fact)
    return Outcome(law, HOLDS, {trial.passage.name: 1 for trial in trials})


def _ask_losses(step: Step, trials: Sequence[Trial]) -> Outcome:
    """Whether the document without a declaration does the same: then nothing is lost, and the declaration hides what
    might be one day."""
    law, declared = LAWS["losses"], list(step.find_losses())
    if not declared:
        return Outcome(law, HOLDS, {"declared": 0})
    tried: dict[str, int] = {}
    for way, index, text in declared:
        tried[way] = tried.get(way, 0) + 1
        trial = next((trial for trial in trials if trial.passage.name == way), None)
        if trial is None or not trial.events or _loses(step, trial, way, index):
            continue
        at = step.upgrade.at(f"/loss/{way}/{index}")
        fact = (
            f"a loss of {text} is declared, and {len(trial.events)} events of {trial.source.label} come through whole"
        )
        return Outcome(law, BROKEN, tried, None, at, fact, "take it out: what would be lost then stops instead")
    return Outcome(law, HOLDS, tried)


def _loses(step: Step, trial: Trial, way: str, index: int) -> bool:
    without = step.without_loss(way, index)
    if without is None:
        return True
    passage = next(each for each in without.passages if each.name == way)
    for seen in trial.seen:
        if seen.arrival.failure is not None:
            continue
        arrival = passage.there.go(seen.event)
        if arrival.failure is not None or find_difference(seen.arrival.made, arrival.made) is not None:
            return True
        if _comes_back_otherwise(seen, trial.passage.lost[index : index + 1]):
            return True
    return False


def _comes_back_otherwise(seen: Seen, paths: Sequence[Path]) -> bool:
    if seen.back is None or seen.back.failure is not None:
        return False
    return any(is_within(place, path) for place in find_differences(seen.event, seen.back.made) for path in paths)
