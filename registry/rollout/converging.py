"""Converging: everybody writes the target version, and where the other one has ended in the log is known."""

from collections.abc import Mapping
from typing import Final

from registry.frozen import replace
from registry.rollout.barrier import plan_barrier, plan_probe
from registry.rollout.checks import Verdict
from registry.rollout.errors import LostRace
from registry.rollout.evidence import Question
from registry.rollout.gates import GATES
from registry.rollout.outcome import Outcome
from registry.rollout.publishing import Right
from registry.rollout.rollout import Mark, Rollout
from registry.rollout.states import State
from registry.rollout.task import Task

CONVERGED: Final = {State.SWITCHING: State.SWITCHED, State.REVERTING: State.REVERTED}


def converge(task: Task) -> Outcome:
    """One look (with patience, while it is unknown), and the next state where G2 says yes."""
    if not task.order.dry_run:
        with Right(task.means, task.facts) as right:
            task.publish(right)
    gate, patience = GATES["G2"], task.order.patience
    if task.order.dry_run:
        task.look(gate, patience)
        return task.end()
    return task.end() if _decide(task, patience) else task.refuse()


def measure_again(task: Task) -> Outcome:
    """Of a rollout that has converged: the barrier behind the last old record, wherever that is now.

    A writer of the old version that was found and stopped leaves records behind the barrier; nothing is lost by them,
    as everybody still reads both.
    """
    if task.look(GATES["G2"], task.order.patience) is not Verdict.YES:
        return task.refuse()
    barrier = find_barrier(task)
    if barrier != task.rollout.barrier and not task.order.dry_run:
        task.settle(lambda: replace(task.rollout, barrier=barrier))
        task.say(f"{task.step}: the barrier is moved behind the last v{task.step.old} record")
    return task.end()


def await_convergence(task: Task) -> bool:
    """Whether G2 says yes within three heartbeats and the margin; where no cluster is asked, at once."""
    environment, means, waited = task.means.environment, task.means, 0.0
    limit = 3 * environment.heartbeat + environment.margin if means.find_main() else 0.0
    pause = environment.heartbeat + environment.margin
    target = CONVERGED[task.rollout.state]
    while waited < limit:
        means.tell(f"waiting {pause:g} s for heartbeats")
        means.wait(pause)
        waited += pause
        try:
            task.reload()
            if _decide(task, 0.0):
                return True
        except LostRace:
            if not task.follow(target):  # somebody else may have proven it meanwhile, and that is as good
                raise
            return True
        pause = environment.heartbeat or 1.0
    converged = not limit and _decide(task, 0.0)
    if not converged:
        missing = sum(not check.passes for check in task.checks)
        task.say(f"{task.step} stays {task.rollout.state}: {missing} open; the next command is converge")
        task.keep_record()
    return converged


def _decide(task: Task, patience: float) -> bool:
    return task.decide(GATES["G2"], lambda: _finish(task), patience=patience)


def _finish(task: Task) -> Rollout:
    state = CONVERGED[task.rollout.state]
    done = replace(task.move(state), origin=None, reason=task.rollout.reason)
    if state is State.SWITCHED:
        done = replace(done, barrier=find_barrier(task))
    task.means.tell(f"{task.step} is {state}")
    return done


def find_barrier(task: Task) -> Mapping[str, Mapping[int, Mark]]:
    """Where the old version has ended, by cluster and partition, as far as the tail was scanned.

    Raises :class:`registry.rollout.errors.BrokerUnavailable` where a cluster no longer answers.
    """
    old, new = task.step.old, task.step.new
    barrier = dict(task.rollout.barrier)
    for seen in task.evidence.clusters if task.evidence else ():
        if Question.TAIL in seen.answered:
            starts = {number: mark.start for number, mark in barrier.get(seen.name, {}).items()}
            probe = plan_probe(starts, seen.tail, old)
            before = task.means.brokers[seen.name].find_last_data(seen.topic, probe) if probe else {}
            barrier[seen.name] = plan_barrier(starts, seen.tail, before, old, new)
    return barrier
