"""The operator: the verbs of a rollout, each one command of a person, in one environment.

Every verb reads, judges, decides in git by compare-and-swap, and publishes what git decided, in this order. It may die
between any two of them; :meth:`Operator.reconcile` finishes what it left, and so does the same verb given again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from registry.environment import Environment
from registry.rollout.broker import Broker, Progress
from registry.rollout.converging import converge, measure_again
from registry.rollout.evidence import Question
from registry.rollout.facts import Facts
from registry.rollout.gates import GATES
from registry.rollout.journal.journal import Journal
from registry.rollout.looking import look_at, look_at_all, report
from registry.rollout.means import Means, silent
from registry.rollout.order import Order
from registry.rollout.outcome import Outcome
from registry.rollout.planning import insist, open_any, open_first, open_task
from registry.rollout.reconciling import catch_up, create_topics, reconcile
from registry.rollout.retiring import contract, leave, reopen, retire_read, retire_write, revert
from registry.rollout.states import State, Verb
from registry.rollout.switching import resume, switch
from registry.rollout.task import Task


class Operator:
    """Somebody who moves rollouts on. Nothing is kept between two commands.

    Each verb raises :class:`registry.errors.RegistryError` where it could not look, or is not allowed:
    :func:`registry.rollout.outcome.exit_code_of` tells how such a command ends.
    """

    def __init__(
        self,
        journal: Journal,
        environment: Environment,
        read_facts: Callable[[str], Facts],
        brokers: Mapping[str, Broker],
        *,
        by: str,
        clock: Callable[[], datetime],
        wait: Callable[[float], None],
        tell: Callable[[str], None] = silent,
        at: Callable[[str], None] = silent,
        progress: Callable[[str, Question, Progress], None] = silent,
        resume: Callable[[str, Question], Progress | None] = silent,
        unasked: str = "",
    ) -> None:
        self.means = Means(
            journal, environment, read_facts, brokers, by, clock, wait, tell, at, progress, resume, unasked
        )

    # Looking.

    def check(self, order: Order) -> Outcome:
        """Judge the gate of the next step, and record what it says and since when."""
        return look_at(open_any(self.means, order, "check"))

    def check_all(self, order: Order) -> tuple[Outcome, ...]:
        """The same of every rollout that is under way (of the order's contract, if it names one), from one book."""
        return look_at_all(self.means, order)

    def status(self, contract: str = "", *, ask: bool = True) -> tuple[Outcome, ...]:
        """Where each rollout that is under way stands; of one contract also those that have ended.

        Nothing is written. Without ``ask`` no cluster is asked; with it everything but a scan of whole topics.
        """
        return tuple(report(self.means, contract, ask=ask))

    # Moving on.

    def plan(self, order: Order) -> Outcome:
        """Freeze which versions the step is between."""
        task = open_first(self.means, order, "plan")
        if task.before is not None and task.before == task.rollout:
            task.say(f"{task.step} is {task.before.state}: nothing to plan")
        elif not order.dry_run:
            task.settle(lambda: task.rollout)
            task.say(f"{task.step} is planned")
        return task.end()

    def start(self, order: Order) -> Outcome:
        """Phase 1 begins: readers may learn the new version. Plans by itself where there is no plan."""
        task = open_first(self.means, order, Verb.START)
        done = insist(task, Verb.START)
        if order.dry_run:
            if not done:
                task.look(GATES["G0"], order.patience)
            return task.end()
        catch_up(task)
        if done:
            create_topics(task)
            return task.end()
        if not task.decide(GATES["G0"], lambda: task.move(State.EXPANDING), patience=order.patience):
            return task.refuse()
        task.say(f"{task.step} is expanding: readers may learn v{task.step.new} now")
        create_topics(task)
        return task.end()

    def switch(self, order: Order) -> Outcome:
        """Phase 2: the owner writes the new version. One that was interrupted goes on."""
        task = open_task(self.means, order, Verb.SWITCH)
        if task.rollout.state is State.SWITCHING:
            return look_at(task) if order.dry_run else resume(task)
        return self._do(task, Verb.SWITCH, switch)

    def converge(self, order: Order) -> Outcome:
        """Look whether everybody has followed a switch or a revert; if so, that is recorded with the barrier.

        Of what has converged already the barrier is measured again.
        """
        task = open_task(self.means, order, Verb.CONVERGE)
        again = task.rollout.state in (State.SWITCHED, State.CONTRACTING)
        if again and not order.dry_run:
            catch_up(task)
        return measure_again(task) if again else self._do(task, Verb.CONVERGE, converge)

    def contract(self, order: Order) -> Outcome:
        """Phase 3: the old version is refused by the runtime."""
        return self._do(open_task(self.means, order, Verb.CONTRACT), Verb.CONTRACT, contract)

    def retire_write(self, order: Order) -> Outcome:
        """The old version is never written again."""
        return self._do(open_task(self.means, order, Verb.RETIRE_WRITE), Verb.RETIRE_WRITE, retire_write)

    def retire_read(self, order: Order) -> Outcome:
        """The old version need not be read any more: no log holds it. Ends with a patch of ownership.yaml."""
        return self._do(open_task(self.means, order, Verb.RETIRE_READ), Verb.RETIRE_READ, retire_read)

    # Going back, and out.

    def revert(self, order: Order) -> Outcome:
        """The owner writes the old version again, at a higher epoch; what was written is read as before."""
        return self._do(open_task(self.means, order, Verb.REVERT), Verb.REVERT, revert)

    def reopen(self, order: Order) -> Outcome:
        """The old version may be written again."""
        return self._do(open_task(self.means, order, Verb.REOPEN), Verb.REOPEN, reopen)

    def abort(self, order: Order) -> Outcome:
        """End a rollout that has never switched."""
        return self._do(open_task(self.means, order, Verb.ABORT), Verb.ABORT, lambda task: leave(task, State.ABORTED))

    def abandon(self, order: Order) -> Outcome:
        """End a rollout that was reverted; its new version stays readable, and is never rolled out again."""
        task = open_task(self.means, order, Verb.ABANDON)
        return self._do(task, Verb.ABANDON, lambda task: leave(task, State.ABANDONED))

    def reconcile(self, contract: str = "", *, dry_run: bool = False) -> tuple[Outcome, ...]:
        """Finish what crashes left, of one contract or of all in the environment; twice changes nothing."""
        return tuple(reconcile(self.means, contract, dry_run=dry_run))

    def _do(self, task: Task, verb: Verb, do: Callable[[Task], Outcome]) -> Outcome:
        if not insist(task, verb):
            return do(task)
        if not task.order.dry_run:
            catch_up(task)  # it was decided, and perhaps not published
        return task.end()
