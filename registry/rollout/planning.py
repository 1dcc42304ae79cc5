"""Planning: which rollout a command means, and what a new one begins with."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from registry.duration import LONGEST
from registry.errors import Refused
from registry.frozen import replace
from registry.rollout.errors import RolloutError, WrongState
from registry.rollout.facts import Facts
from registry.rollout.gates import find_row
from registry.rollout.journal.journal import Book
from registry.rollout.means import Means
from registry.rollout.order import Order
from registry.rollout.rollout import Rollout, Step, Waiver
from registry.rollout.standing import stand
from registry.rollout.states import ENDED, TRANSITIONS, State, Verb, find_transition
from registry.rollout.task import Task

_PAST_CONTRACT: Final = (State.CONTRACTING, State.WRITE_RETIRED, State.READ_RETIRED)
DONE: Final = {
    Verb.START: frozenset(State) - {State.PLANNED, State.ABORTED, State.ABANDONED},
    Verb.SWITCH: frozenset({State.SWITCHED, *_PAST_CONTRACT}),
    Verb.CONVERGE: frozenset({State.SWITCHED, State.REVERTED, *_PAST_CONTRACT}),
    Verb.CONTRACT: frozenset(_PAST_CONTRACT),
    Verb.RETIRE_WRITE: frozenset({State.WRITE_RETIRED, State.READ_RETIRED}),
    Verb.RETIRE_READ: frozenset({State.READ_RETIRED}),
    Verb.ABORT: frozenset({State.ABORTED}),
    Verb.REVERT: frozenset({State.REVERTING, State.REVERTED, State.ABANDONED}),
    Verb.REOPEN: frozenset({State.SWITCHED}),
    Verb.ABANDON: frozenset({State.ABANDONED}),
}
"""Where what a verb does is done already: to ask for it twice is no mistake."""
REASONED: Final = frozenset({Verb.ABORT, Verb.REVERT, Verb.REOPEN, Verb.ABANDON})
"""Verbs that lead back or out: whoever comes later wants to know why."""


def open_task(means: Means, order: Order, verb: str) -> Task:
    """The command on the rollout that it means. Raises :class:`registry.errors.RegistryError` where none is meant."""
    facts = means.read_facts(order.contract)
    book = means.journal.read()
    found = find_meant(book, facts, means.environment.name, order, verb)
    if found is None:
        raise WrongState(
            f"no rollout of {order.contract} {_spell_steps(order)}is planned in {means.environment.name}",
            f"contracts rollout start {order.contract} --env {means.environment.name}",
        )
    if verb == Verb.SWITCH:
        refuse_edited(book, facts, found)
    return make_task(means, order, verb, facts, book, found)


def open_any(means: Means, order: Order, verb: str) -> Task:
    """The command on the rollout that it means, and where none is, on one that could begin."""
    facts, book = means.read_facts(order.contract), means.journal.read()
    found = find_meant(book, facts, means.environment.name, order, verb)
    if found is None or found.state is State.ABORTED:
        return open_first(means, order, verb)
    return make_task(means, order, verb, facts, book, found)


def open_first(means: Means, order: Order, verb: str) -> Task:
    """The same for a command that may be the first: where there is no such rollout yet, it is planned, in memory."""
    facts = means.read_facts(order.contract)
    book = means.journal.read()
    step = plan_step(book, facts, means.environment.name, order)
    found = book.find_rollout(step)
    if found is None or found.state in (State.ABORTED, State.ABANDONED):
        found = plan(means, facts, book, step, found)
    refuse_edited(book, facts, found)
    return make_task(means, order, verb, facts, book, found)


def make_task(means: Means, order: Order, verb: str, facts: Facts, book: Book, rollout: Rollout) -> Task:
    """The command, with the waivers that were given with it."""
    return Task(means, order, verb, facts, book, rollout, parse_waivers(order, means.by, means.clock()))


def plan_step(book: Book, facts: Facts, environment: str, order: Order) -> Step:
    """The step that is to begin, or has begun: to the newest version, from the active one, unless somebody says."""
    rollouts = list(book.find_rollouts(facts.contract, environment))
    begun = [each for each in rollouts if each.state in (State.PLANNED, State.EXPANDING) and _fits(each, order)]
    if begun and not (order.old and order.new):
        return begun[-1].step
    released = sorted(facts.versions)
    if not released:
        raise Refused(f"{facts.contract} has no released version", f"contracts release {facts.contract}")
    new = order.new or released[-1]
    reached = [each for each in rollouts if each.step.new == new and _fits(each, order) and each.state not in ENDED]
    if reached and not order.old:  # it is under way, or done
        return reached[-1].step
    active = stand(rollouts).active
    old = order.old or (active if 0 < active != new else 0) or max((each for each in released if each < new), default=0)
    for number in (old, new):
        if number and number not in facts.versions:
            raise Refused(
                f"v{number} of {facts.contract} is not released, or is retired (released: {_list(released)})",
                "name released versions with --from and --to",
            )
    if not old:
        raise Refused(
            f"v{new} of {facts.contract} is the only version: there is nothing to roll out", "release a newer one"
        )
    if old > new:
        raise Refused(
            f"v{new} is older than v{old}, and a rollout leads to a newer version",
            f"the way back is: contracts rollout revert {facts.contract} --env {environment} (before it: reopen)",
        )
    if old == new:
        raise Refused(f"v{old} of {facts.contract} cannot be rolled out to itself", "name another with --from or --to")
    return Step(facts.contract, old, new, environment)


def plan(means: Means, facts: Facts, book: Book, step: Step, before: Rollout | None) -> Rollout:
    """A rollout as it begins; after an aborted one anew, with what that one published, as epochs never fall."""
    rollouts = list(book.find_rollouts(step.contract, step.environment))
    if before is not None and before.state is State.ABANDONED:
        raise WrongState(
            f"{step} was abandoned by {before.by}: {before.reason or 'nobody said why'}",
            f"v{step.new} may lie in the log; release a newer version and roll that one out",
        )
    fresh = Rollout(
        step=step,
        state=State.PLANNED,
        since=means.clock(),
        by=means.by,
        # Those between are frozen too: converters lead from each version to the next.
        digests={number: digest for number, digest in facts.versions.items() if step.old <= number <= step.new},
        epoch=stand(rollouts).epoch,
        stored=_find_stored(facts, rollouts, step.old),
    )
    return replace(fresh, publication=before.publication) if before else fresh


def _find_stored(facts: Facts, rollouts: list[Rollout], old: int) -> tuple[int, ...]:
    """What may lie in the log before the step; where it is the first one here, all that was released up to then."""
    earlier = set() if rollouts else {number for number in facts.versions if number < old}
    return tuple(sorted({*earlier, old}))


def refuse_edited(book: Book, facts: Facts, rollout: Rollout) -> None:
    """A step means the same versions in each environment: refuse one that was edited after the first began it."""
    for each in (rollout, *book.find_rollouts(facts.contract)):
        if (each.step.old, each.step.new) != (rollout.step.old, rollout.step.new) or each.state is State.ABORTED:
            continue
        for number, digest in each.digests.items():
            if facts.versions.get(number, digest) != digest:
                raise Refused(
                    f"v{number} of {facts.contract} was edited after its rollout began in {each.step.environment}:"
                    f" {digest[:12]} then, {facts.versions[number][:12]} now",
                    "logs may hold events of it: restore its folder from git, and release the change as a new version",
                )


def find_meant(book: Book, facts: Facts, environment: str, order: Order, verb: str) -> Rollout | None:
    """The rollout that a command means; ``None`` where there is none.

    Where several fit, the one that the verb can move, then the newest that is under way or for which it is done
    already. Raises :class:`registry.errors.Refused` where the verb could move two.
    """
    fitting = [each for each in book.find_rollouts(facts.contract, environment) if _fits(each, order)]
    movable = [each for each in fitting if any(row.state is each.state and row.verb == verb for row in TRANSITIONS)]
    if verb == Verb.SWITCH:  # one that was interrupted goes on
        movable = [each for each in fitting if each.state is State.SWITCHING] or movable
    if len(movable) > 1:
        steps = " and ".join(f"{each.step.old} -> {each.step.new}" for each in movable)
        raise Refused(f"{verb} of {facts.contract} in {environment} may mean {steps}", "say which with --from and --to")
    begun = [
        each
        for each in fitting
        if each.state not in {*ENDED, State.PLANNED} or (verb in DONE and each.state in DONE[Verb(verb)])
    ]
    candidates = movable or begun or fitting
    return max(candidates, key=lambda each: (each.step.new, each.step.old), default=None)


def insist(task: Task, verb: Verb) -> bool:
    """Whether the verb is done already. Raises :class:`registry.rollout.errors.WrongState` where it is not allowed."""
    state = task.rollout.state
    if verb in REASONED and not task.order.reason.strip() and state not in DONE[verb]:
        raise Refused(f"{verb} wants a reason", f"contracts rollout {verb} {task.step.contract} --reason '…'")
    if find_transition(state, verb) is not None:
        return False
    if state in DONE[verb]:
        task.say(f"{task.step} is {state} since {task.rollout.since:%Y-%m-%d %H:%M}: nothing to do")
        return True
    allowed = [str(row.state) for row in TRANSITIONS if row.verb is verb]
    others = [str(row.verb) for row in TRANSITIONS if row.state is state and row.verb is not Verb.CANCEL]
    raise WrongState(
        f"{task.step} is {state}, and {verb} is for what is {' or '.join(allowed)}",
        f"what may follow now: {', '.join(others)}" if others else "nothing follows any more",
    )


def refuse_beside_another(task: Task, verb: Verb) -> None:
    """Refuse to move the active version of one step while a newer one is under way or has been switched to."""
    for each in task.rollouts():
        newer = each.step.new > task.step.new and each.state not in (State.PLANNED, State.ABORTED, State.ABANDONED)
        if newer and each.step != task.step:
            number = task.step.old if verb is Verb.REOPEN else task.step.new
            raise RolloutError(
                f"{verb} of {task.step} would let v{number} be written again while {each.step} is {each.state}",
                f"abort or revert {each.step.old} -> {each.step.new} first",
            )


def parse_waivers(order: Order, by: str, now: datetime) -> tuple[Waiver, ...]:
    """The waivers of an order. Raises :class:`registry.errors.Refused` for one without a check or a reason."""
    return tuple(_parse_waiver(text, order, by, now) for text in order.waive)


def _parse_waiver(text: str, order: Order, by: str, now: datetime) -> Waiver:
    number, colon, subject = text.partition(":")
    row = find_row(number)
    if not colon or "/" not in subject or row is None:
        raise Refused(
            f"{text!r} waives no check",
            "name one check and one subject, as status prints them: G1.3:group/legacy-report",
        )
    if not row.waivable:
        raise Refused(f"{number} ({row.title}) is never waived", "it keeps a promise that nobody can answer for")
    if not order.reason.strip():
        raise Refused(f"to waive {text} wants a reason", "--reason '…': it is shown in every later status")
    if order.expires <= 0:
        raise Refused(f"a waiver of {text} that expires at once waives nothing", "--expires 7d")
    if order.expires > LONGEST:
        raise Refused(f"the waiver of {text} expires in more than a hundred years", "--expires 90d")
    return Waiver(number, subject, order.reason, by, now, now + timedelta(seconds=order.expires))


def _fits(rollout: Rollout, order: Order) -> bool:
    return order.old in (0, rollout.step.old) and order.new in (0, rollout.step.new)


def _list(numbers: Iterable[int]) -> str:
    return ", ".join(f"v{number}" for number in numbers)


def _spell_steps(order: Order) -> str:
    return f"{order.old or '?'} -> {order.new or '?'} " if order.old or order.new else ""
