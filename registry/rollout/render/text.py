"""Rollouts for people at a terminal: where are we, who blocks, how old is the proof, what is the next command."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from registry.environment import Environment
from registry.render.wording import one_line
from registry.rollout.checks import Verdict
from registry.rollout.outcome import Exit, Outcome
from registry.rollout.render.rows import BOLD, COLOURS, DIM, SAID, Ink, align, find_rows
from registry.rollout.render.words import describe_place, describe_time, describe_waiver
from registry.rollout.rollout import Rollout
from registry.rollout.states import State
from registry.rollout.words import count, render_some, render_span, render_versions

PROGRAM: Final = "contracts"


def render_outcomes(
    outcomes: Sequence[Outcome],
    environment: Environment,
    titles: Mapping[str, str],
    *,
    full: bool = False,
    told: bool = False,
    colour: bool = False,
    width: int = 0,
) -> str:
    """One rollout in full, several as a table unless ``full``; ``titles`` are the gates' and their rows', by number.

    What was done is left out where it was ``told`` when it happened. Lines are as long as they are, unless a ``width``
    is given: then reasons are wrapped.
    """
    ink = Ink(colour, width)
    if outcomes and (full or len(outcomes) == 1):
        parts = ["\n".join(_find_lines(outcome, environment, titles, ink, told=told)) for outcome in outcomes]
        return "\n\n".join(parts) + "\n"
    return "\n".join(_find_table(outcomes, environment, ink)) + "\n"


# One rollout ----------------------------------------------------------------------------------------------------------


def _find_lines(
    outcome: Outcome, environment: Environment, titles: Mapping[str, str], ink: Ink, *, told: bool
) -> Iterator[str]:
    rollout = outcome.after or outcome.before
    yield ink.paint(f"{outcome.step}{_describe_move(outcome)}", BOLD)
    yield from (f"  {one_line(line)}" for line in outcome.done if not told)
    if _was_dry(outcome):
        yield "  nothing was written (--dry-run)"
    yield ""
    for label, answer, code in _find_answers(outcome, rollout, environment, titles):
        text = one_line(answer)  # people and machines name things as they like
        lines = ink.wrap(text, 11) if label not in ("next", "then") else [text]  # a command is there to be copied
        yield f"  {label:<9}{ink.paint(lines[0], code)}"
        yield from (f"{'':11}{ink.paint(line, code)}" for line in lines[1:])
    if rows := list(find_rows(outcome.checks, outcome.at, titles)):
        yield ""
        yield from align(rows, ink)
    if outcome.patch:
        yield ""
        yield from (f"  {line}".rstrip() for line in outcome.patch.splitlines())


def _was_dry(outcome: Outcome) -> bool:
    """Whether something would have been written otherwise; a status never writes."""
    return outcome.dry_run and outcome.verb != "status"


def _describe_move(outcome: Outcome) -> str:
    before, after = outcome.before, outcome.after
    if after is None or (before is not None and before.state is after.state):
        return ""
    return f": {before.state} -> {after.state}" if before else f": {after.state}"


def _find_answers(
    outcome: Outcome, rollout: Rollout | None, environment: Environment, titles: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Label, text and colour of the four answers, and what has to be known beside them."""
    if rollout is None:
        yield "where", "not planned", ""
    else:
        age = render_span((outcome.at - rollout.since).total_seconds())
        yield "where", f"{rollout.state} for {age} ({describe_place(rollout)})", ""
        yield "", f"since {describe_time(rollout.since)}, by {rollout.by}{_describe_log(rollout, outcome.stored)}", DIM
        if rollout.reason:
            yield "reason", rollout.reason, ""
    if outcome.verdict is not None:
        yield "blocked", _describe_gate(outcome, titles), COLOURS[SAID[outcome.verdict]]
        yield "proof", _describe_proof(outcome, environment), ""
    used = [check.waiver for check in outcome.checks if check.waiver]  # these stand beside their checks
    for waiver in rollout.waivers if rollout else ():
        if waiver not in used:
            yield "waiver", f"{waiver.check}:{waiver.subject} {describe_waiver(waiver, outcome.at)}", COLOURS["waived"]
    # What was refused is asked for again, and not before what blocks is mended.
    label = "then" if outcome.next and outcome.verdict in (Verdict.NO, Verdict.UNKNOWN) else "next"
    yield label, f"{PROGRAM} {outcome.next}" if outcome.next else "nothing to do", BOLD if outcome.next else ""


def _describe_log(rollout: Rollout, stored: tuple[int, ...]) -> str:
    """The epoch that is obeyed, and what the log may hold: by all steps of the contract together."""
    epoch = f", epoch {rollout.epoch}" if rollout.epoch else ""
    # What is only planned counts for nothing yet, and knows what was released before.
    held = {*stored, *rollout.stored} if rollout.state is State.PLANNED or not stored else {*stored}
    log = f"; the log may hold {render_versions(held)}" if held else ""
    marks = {
        name: marks for name, marks in rollout.barrier.items() if any(mark.committed >= 0 for mark in marks.values())
    }
    barrier = ", ".join(f"{name} ({count(len(found), 'partition')})" for name, found in marks.items())
    return f"{epoch}{log}{f'; barrier known in {barrier}' if barrier else ''}"


def _describe_gate(outcome: Outcome, titles: Mapping[str, str]) -> str:
    """Who blocks, and at which gate."""
    assert outcome.verdict is not None
    said, missing = SAID[outcome.verdict], outcome.missing
    title = f", {titles[outcome.gate]}" if outcome.gate in titles else ""
    name = f"{outcome.gate}{title}: {said}"
    if not outcome.checks:
        return f"by everything: nothing was seen at all ({name})"
    if not missing:
        return f"by nobody ({name}; {count(len(outcome.checks), 'check')})"
    blocking = _find_blocking(outcome)
    return f"by {render_some(blocking, 2)} ({name}; {len(missing)} of {count(len(outcome.checks), 'check')})"


def _find_blocking(outcome: Outcome) -> list[str]:
    """The subjects that the verdict comes from, each once."""
    worst = (check for check in outcome.missing if check.verdict is outcome.verdict)
    return list(dict.fromkeys(check.observation.subject for check in worst))


def _describe_proof(outcome: Outcome, environment: Environment) -> str:
    seen = sorted(check.observation.observed for check in outcome.checks if check.observation.observed)
    ages = list(dict.fromkeys(render_span((outcome.at - moment).total_seconds()) for moment in seen[-1:] + seen[:1]))
    age = f"{' to '.join(ages)} old" if ages else ""
    if environment.brokerless:
        return f"git alone, since {environment.name} is declared with `broker: none`{f'; {age}' if age else ''}"
    return age or "git, as it is committed"


# Several --------------------------------------------------------------------------------------------------------------

HEADINGS: Final = ("event", "step", "state", "for", "verdict", "held up by", "proof", "next")
RANK: Final = {Verdict.NO: 0, Verdict.UNKNOWN: 1, None: 2, Verdict.YES: 3}
"""What a person has to look at stands first."""


def _find_table(outcomes: Sequence[Outcome], environment: Environment, ink: Ink) -> Iterator[str]:
    if not outcomes:
        yield f"no rollout in {environment.name}"
        return
    ordered = sorted(outcomes, key=lambda each: (RANK[each.verdict], str(each.step)))
    rows = [_summarise(outcome) for outcome in ordered]
    widths = [max(len(HEADINGS[column]), *(len(row[column]) for row in rows)) for column in range(len(HEADINGS))]
    yield ink.paint(_join(HEADINGS, widths), BOLD)
    for row in rows:
        said = row[4].rpartition(" ")[2]
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        cells[4] = ink.paint(cells[4], COLOURS.get(said, ""))
        yield "  ".join(cells).rstrip()
    yield ""
    yield _sum_up(outcomes, environment)
    if any(outcome.verdict in (Verdict.NO, Verdict.UNKNOWN) for outcome in outcomes):
        first = ordered[0].step
        yield f"why: {PROGRAM} rollout status {first.contract} --env {first.environment}"
    if any(map(_was_dry, outcomes)):
        yield "nothing was written (--dry-run)"


def _join(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _summarise(outcome: Outcome) -> tuple[str, ...]:
    rollout = outcome.after or outcome.before
    seen = [check.observation.observed for check in outcome.checks if check.observation.observed]
    blocking = _find_blocking(outcome)
    verb = outcome.next.removeprefix("rollout ").partition(" ")[0]
    return (
        outcome.step.contract,
        f"{outcome.step.old} -> {outcome.step.new}",
        str(rollout.state) if rollout else "not planned",
        render_span((outcome.at - rollout.since).total_seconds()) if rollout else "",
        f"{outcome.gate} {SAID[outcome.verdict]}" if outcome.verdict else "",
        one_line(render_some(blocking, 1)) if blocking else "",
        render_span((outcome.at - min(seen)).total_seconds()) if seen else "git" if outcome.checks else "",
        verb,
    )


def _sum_up(outcomes: Sequence[Outcome], environment: Environment) -> str:
    verdicts = [outcome.verdict for outcome in outcomes]
    counts = ((Verdict.NO, "no"), (Verdict.UNKNOWN, "unknown"), (Verdict.YES, "yes"))
    told = [f"{verdicts.count(verdict)} {word}" for verdict, word in counts if verdict in verdicts]
    return f"{count(len(outcomes), 'rollout')} in {environment.name}{': ' if told else ''}{', '.join(told)}"


WORST: Final = (Exit.LOST_RACE, Exit.NO_LOOK, Exit.NO, Exit.UNKNOWN, Exit.DONE)


def worst_of(outcomes: Sequence[Outcome]) -> Exit:
    """How a command ends that looked at several: any no wins, and unknown never passes."""
    codes = {outcome.exit_code for outcome in outcomes}
    return next((code for code in WORST if code in codes), Exit.DONE)
