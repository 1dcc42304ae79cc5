"""Several versions at once: read from the first to the last, an event is what it is version by version."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from registry.frozen import dataclass
from registry.laws.law import LAWS, Breach, Law, Passage
from registry.laws.places import find_differences, spell
from registry.laws.shrinking import shrink
from registry.laws.side import Side
from registry.laws.step import Step
from registry.laws.trial import BROKEN, EXAMPLES, HOLDS, NOT_ASKED, Counterexample, Outcome, Trial, ask
from registry.laws.values import find_events
from registry.laws.ways import Along, Native, Way, make_native
from registry.serde.bundle import Bundle, BundledVersion
from registry.serde.errors import SerdeError
from registry.serde.shape import PLAIN
from registry.serde.versions import Versions
from registry.source import Location


@dataclass(frozen=True, slots=True)
class Chain:
    """Versions that follow each other, oldest first, with the steps that declare converters."""

    sides: tuple[Side, ...]
    steps: tuple[Step | None, ...]
    """One between each two sides; nothing where the schema language alone resolves them."""
    at: Location
    """What stands for the whole, where no step does."""

    @property
    def label(self) -> str:
        """``v1 -> v2 -> v3``."""
        return " -> ".join(side.label for side in self.sides)


def judge_chain(chain: Chain, examples: int = EXAMPLES) -> list[Outcome]:
    """The laws of single events from one end to the other, and that the runtime's own chain is its steps.

    The steps are to be judged by themselves first: one with flaws has no ways.
    """
    ups, downs = _find_ways(chain)
    up = Along(chain.sides[0], chain.sides[-1], tuple(ups))
    down = Along(chain.sides[-1], chain.sides[0], tuple(reversed(downs))) if None not in downs else None  # type: ignore[arg-type]  # none is None
    passages = [Passage("up", up, down, find_place=lambda _path: chain.at)]
    if down is not None:
        passages.append(Passage("down", down, up, find_place=lambda _path: chain.at))
    trials: list[Trial] = []
    for passage in passages:
        images = trials[0].made if trials else ()
        trials.append(Trial(passage, find_events(passage.there, examples, images=images)))
    losing = [step.newer.label for step in chain.steps if step is not None and next(step.find_losses(), None)]
    losing += [newer.label for (_, newer), step in zip(pairwise(chain.sides), chain.steps, strict=True) if step is None]
    outcomes = []
    for law in LAWS.values():
        if law.name in ("back", "forth") and losing:
            reason = f"{', '.join(losing)} may lose something on the way"
            outcomes.append(Outcome(law, NOT_ASKED, reason=reason))
        elif law.find is not None:
            outcomes.append(ask(law, trials))
    return [*outcomes, _compare(chain, trials)]


def _find_ways(chain: Chain) -> tuple[list[Way], list[Way | None]]:
    """The ways up and the ways down of each hop, in the order of the versions; versions without converters in one."""
    ups: list[Way] = []
    downs: list[Way | None] = []
    start: Side | None = None  # of a stretch without converters
    for older, step in zip(chain.sides, chain.steps, strict=False):
        if step is None:
            start = start or older
            continue
        if start is not None:
            _add_native(ups, downs, start, older, chain.at)
            start = None
        up, *rest = step.passages
        ups.append(up.there)
        downs.append(rest[0].there if rest else None)
    if start is not None:
        _add_native(ups, downs, start, chain.sides[-1], chain.at)
    return ups, downs


def _add_native(ups: list[Way], downs: list[Way | None], older: Side, newer: Side, at: Location) -> None:
    up, down = make_native(older, newer, at)
    ups.append(up)
    downs.append(down)


def _compare(chain: Chain, trials: Sequence[Trial]) -> Outcome:
    """The runtime's reader of one version's records as another, beside the steps one by one."""
    law = LAWS["chain"]
    tried: dict[str, int] = {}
    for trial in trials:
        tried[trial.passage.name] = len(trial.events)
        composed = _compose(chain, trial.passage)
        if composed is None:
            return Outcome(law, NOT_ASKED, reason="the schema language reads no such pair")
        for seen in trial.seen:
            if _find_disagreement(trial, composed, seen.event) is not None:
                return _show(law, chain, trial, composed, seen.event, tried)
    return Outcome(law, HOLDS, tried)


def _compose(chain: Chain, passage: Passage) -> Native | None:
    """As a service reads them, with all versions in its stubs."""
    numbers = range(1, len(chain.sides) + 1)
    bundled = tuple(
        BundledVersion(
            number=number,
            schema_id=number,
            guid=f"{number}",
            root="",
            files={},
            upgrade=step.words if step is not None else "",
        )
        for number, step in zip(numbers, (None, *chain.steps), strict=True)
    )
    side = chain.sides[0]
    bundle = Bundle(side.event, side.tree.format, "", "", "", "", "", bundled, tuple(numbers), ())
    versions = Versions(bundle)
    for version, each in zip(bundled, chain.sides, strict=True):
        versions.learn(version, each.schema)
    ends = (bundled[-1], bundled[0]) if passage.name == "up" else (bundled[0], bundled[-1])
    try:
        reader = versions.compile_reader(*ends, PLAIN)
    except SerdeError:
        return None
    return Native(passage.there.source, passage.there.target, chain.at, reader)


def _find_disagreement(trial: Trial, composed: Native, event: object) -> str | None:
    """The first place at which the two answers differ; nothing where they agree."""
    stepwise, at_once = trial.passage.there.go(event), composed.go(event)
    if stepwise.failure is not None or at_once.failure is not None:
        both = stepwise.failure is not None and at_once.failure is not None
        return None if both else ""
    return next(map(spell, find_differences(stepwise.made, at_once.made)), None)


def _show(law: Law, chain: Chain, trial: Trial, composed: Native, event: object, tried: dict[str, int]) -> Outcome:
    small = shrink(
        event, trial.source, trial.events[0], lambda each: _find_disagreement(trial, composed, each) is not None
    )
    stepwise, at_once = trial.passage.there.go(small), composed.go(small)
    fact = "read at once it is another event than version by version"
    breach = Breach("chain", fact, _find_disagreement(trial, composed, small) or "", chain.at)
    ends = trial.source.label, trial.target.label
    shown = Counterexample(trial.passage.name, *ends, small, stepwise.made, at_once.made, breach)
    return Outcome(law, BROKEN, tried, shown, chain.at, fact)


def find_steps(chain: Chain) -> Iterator[Step]:
    """Those that declare converters."""
    yield from (step for step in chain.steps if step is not None)
