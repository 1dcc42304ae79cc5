"""Looking without moving: the gate of the next step, of one rollout or of all."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from registry.errors import RegistryError
from registry.frozen import replace
from registry.rollout.asked_once import ask_once
from registry.rollout.checks import Check, Observation, Source, Verdict
from registry.rollout.errors import LostRace
from registry.rollout.evidence import Question
from registry.rollout.gates import GATES, Gate
from registry.rollout.journal.journal import Entry
from registry.rollout.means import Means
from registry.rollout.next_step import find_forward, find_next
from registry.rollout.order import Order
from registry.rollout.outcome import Exit, Outcome
from registry.rollout.rollout import Rollout
from registry.rollout.states import ENDED
from registry.rollout.task import Task

INVARIANT: Final = frozenset({Question.GROUPS, Question.ACCESS, Question.HEARTBEATS, Question.CONTROL})
"""What must hold at every moment is judged by the answers to these."""


def find_gate(rollout: Rollout) -> Gate | None:
    """The gate that a rollout stands before; ``None`` where nothing follows."""
    if rollout.publication and rollout.publication.prepare:
        return GATES["G1"]
    forward = find_forward(rollout)
    return GATES[forward.gate] if forward else None


def _widen(gate: Gate) -> Gate:
    """The gate, with what the invariants ask beside it; one that git alone decides stays as it is."""
    return replace(gate, needs=gate.needs | INVARIANT) if gate.needs else gate


def look_at(task: Task) -> Outcome:
    """Judge the next gate, and record what it says where that is new."""
    gate = find_gate(task.rollout)
    if gate is not None:
        task.look(_widen(gate), task.order.patience)
        task.examine()
        task.keep_record()
    return task.end()


def look_at_all(means: Means, order: Order) -> tuple[Outcome, ...]:
    """Judge the next gate of every rollout that is under way; what is new is recorded in one entry of the journal."""
    means, book = ask_once(means), means.journal.read()
    tasks: list[Task] = []
    blind: list[Outcome] = []
    for rollout in book.find_rollouts(order.contract, means.environment.name):
        gate = find_gate(rollout)
        if gate is None or rollout.state in ENDED:
            continue
        try:
            contract = rollout.step.contract
            facts = means.read_facts(contract)
            task = Task(means, replace(order, contract=contract), "check", facts, book, rollout)
            task.look(_widen(gate))
            task.examine()
        except RegistryError as error:
            blind.append(_explain(rollout, gate, "check", error, means.clock(), dry_run=order.dry_run))
        else:
            tasks.append(task)
    changes = {} if order.dry_run else {task.step.path: text for task in tasks if (text := task.render_record())}
    if changes:
        message = f"{means.environment.name}: {len(changes)} rollouts looked at by {means.by}\n"
        try:
            means.journal.write(book, Entry(changes, {}, message))
        except LostRace as error:
            means.tell(f"what was seen is not recorded: {error.message}")
    return (*(task.end() for task in tasks), *blind)


def _explain(rollout: Rollout, gate: Gate, verb: str, error: RegistryError, now: datetime, *, dry_run: bool) -> Outcome:
    """Of a rollout that cannot be looked at, as its contract cannot be read: that hides none of the others."""
    seen = Observation(
        f"event/{rollout.step.contract}", Verdict.UNKNOWN, error.message, Source.GIT, help=error.help or ""
    )
    checks = (Check(gate.name, seen),)
    return Outcome(
        verb, rollout.step, rollout, rollout, gate.name, checks, Verdict.UNKNOWN, Exit.UNKNOWN, (), (),
        find_next(rollout.step, rollout), "", dry_run, now,
    )  # fmt: skip


def report(means: Means, contract: str, *, ask: bool) -> Iterator[Outcome]:
    """Where rollouts stand, each with what its next gate says now. Whole topics are not scanned for it."""
    if not ask:
        means = replace(means, unasked=means.unasked or "status asks git alone")
    means, book = ask_once(means), means.journal.read()
    for rollout in book.find_rollouts(contract, means.environment.name):
        if rollout.state in ENDED and not contract:
            continue
        gate = find_gate(rollout)
        try:
            facts = means.read_facts(rollout.step.contract)
            task = Task(means, Order(rollout.step.contract, dry_run=True), "status", facts, book, rollout)
            if gate is not None:
                task.look(replace(gate, needs=gate.needs - {Question.EVERYTHING}))
                task.examine()
        except RegistryError as error:
            if gate is None or contract:
                raise
            yield _explain(rollout, gate, "status", error, means.clock(), dry_run=True)
        else:
            yield task.end()
