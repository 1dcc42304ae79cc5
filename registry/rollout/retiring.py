"""Phase 3, and the ways back: decisions of one commit, most of them followed by one publication."""

from collections.abc import Callable

from registry.frozen import replace
from registry.rollout.checks import Verdict
from registry.rollout.converging import await_convergence
from registry.rollout.gates import GATES
from registry.rollout.outcome import Exit, Outcome
from registry.rollout.planning import refuse_beside_another
from registry.rollout.publishing import Right
from registry.rollout.reconciling import catch_up
from registry.rollout.retired import render_retired
from registry.rollout.rollout import Rollout
from registry.rollout.states import State, Verb
from registry.rollout.switching import cancel
from registry.rollout.task import Task


def contract(task: Task) -> Outcome:
    """SWITCHED -> CONTRACTING: from now on the runtime refuses to write the old version."""
    return _pass(task, "G3", lambda: task.publish_next(task.move(State.CONTRACTING)))


def retire_write(task: Task) -> Outcome:
    """CONTRACTING -> WRITE_RETIRED: nobody writes the old version any more; it is still read."""
    return _pass(task, "G4", lambda: task.move(State.WRITE_RETIRED))


def retire_read(task: Task) -> Outcome:
    """WRITE_RETIRED -> READ_RETIRED: no log holds the old version any more.

    Nothing becomes active or inactive by that, so the epoch stays; the control record is written once more, because
    it must no longer ask readers for the old version.
    """
    if task.facts.terms is not None:
        task.patch = render_retired(task.facts.terms, task.step.old)
    outcome = _pass(task, "G5", lambda: replace(task.move(State.READ_RETIRED), stored=_without_old(task)))
    return outcome if outcome.exit_code is Exit.DONE else replace(outcome, patch="")


def reopen(task: Task) -> Outcome:
    """CONTRACTING -> SWITCHED: the old version may be written again, and reverted to."""
    refuse_beside_another(task, Verb.REOPEN)
    return _publish(task, lambda: task.publish_next(task.move(State.SWITCHED)))


def revert(task: Task) -> Outcome:
    """SWITCHING, SWITCHED -> REVERTING: the old version is written again, and both are read.

    A new version that is only prepared was never written: that switch is cancelled, and nothing is left of it.
    """
    publication = task.rollout.publication
    if publication is None or not publication.prepare:
        return _publish(task, lambda: replace(task.publish_next(task.move(State.REVERTING)), origin=None))
    if not task.order.dry_run:
        with Right(task.means, task.facts) as right:
            task.take(right)
            cancel(task, right, task.order.reason)
    return task.end(Exit.DONE)


def leave(task: Task, state: State) -> Outcome:
    """PLANNED, EXPANDING -> ABORTED, and REVERTED -> ABANDONED: nothing is published, as nothing becomes active."""
    if not task.order.dry_run:
        catch_up(task)
        task.settle(lambda: task.move(state))
        task.say(f"{task.step} is {state}")
    return task.end()


def _without_old(task: Task) -> tuple[int, ...]:
    return tuple(number for number in task.rollout.stored if number != task.step.old)


def _pass(task: Task, gate: str, make: Callable[[], Rollout]) -> Outcome:
    """Through a gate, and what follows from it."""
    if task.look(GATES[gate], task.order.patience) is not Verdict.YES:
        return task.refuse()
    if task.order.dry_run:
        return task.end()
    with Right(task.means, task.facts) as right:
        task.take(right)
        if not task.decide(GATES[gate], make, looked=True):
            return task.refuse()
        task.say(f"{task.step} is {task.rollout.state}")
        task.publish(right)
    return task.end()


def _publish(task: Task, make: Callable[[], Rollout]) -> Outcome:
    """What needs no gate, and must be published."""
    if task.order.dry_run:
        return task.end()
    with Right(task.means, task.facts) as right:
        task.take(right)
        task.settle(make)
        task.say(f"{task.step} is {task.rollout.state}, epoch {task.rollout.epoch}: v{task.rollout.target} is active")
        task.publish(right)
        if task.rollout.state is State.REVERTING:
            await_convergence(task)
    return task.end(Exit.DONE)
