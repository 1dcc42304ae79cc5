"""Switching the writer: prepare the new version, hear that everybody knows, make it active. Each step may be the last.

1. The gate G1 says yes.
2. The right to publish is taken; what git and the control topic say is read again.
3. The ends of the log are noted: the tail scan begins there.
4. Git: SWITCHING, a new epoch, the new version stored and prepared. Lost races end here.
5. The control topic says so: only readers of the new version may join from now on.
6. A heartbeat later G1 is asked again, and whether everybody has heard. If not, the switch is cancelled.
7. Git: the new version is active.
8. The control topic says so.
9. G2: everybody writes it, and the old version has ended.

A crash leaves the journal after 4, 5, 7 or 8, and :func:`resume` goes on from there, on any machine.
"""

from collections.abc import Mapping

from registry.frozen import replace
from registry.rollout.checks import Verdict
from registry.rollout.collecting import topic_on
from registry.rollout.converging import await_convergence
from registry.rollout.gates import GATES
from registry.rollout.outcome import EXITS, Exit, Outcome
from registry.rollout.planning import refuse_beside_another
from registry.rollout.publishing import Right, find_next_epoch
from registry.rollout.rollout import Mark, Publication, Rollout
from registry.rollout.standing import stand
from registry.rollout.states import State, Verb
from registry.rollout.task import Task


def switch(task: Task) -> Outcome:
    """Steps 1 to 9, of a rollout that is EXPANDING or REVERTED."""
    refuse_beside_another(task, Verb.SWITCH)
    gate, patience = GATES["G1"], task.order.patience
    if task.look(gate, patience) is not Verdict.YES:  # 1
        return task.refuse()
    if task.order.dry_run:
        return task.end()
    with Right(task.means, task.facts) as right:
        task.take(right)  # 2
        marks = read_ends(task)  # 3
        if not task.decide(gate, lambda: _prepare(task, marks), looked=True):  # 4
            return task.refuse()
        task.say(f"{task.step}: epoch {task.rollout.epoch} prepares v{task.step.new}")
        return _go_on_prepared(task, right)


def resume(task: Task) -> Outcome:
    """The rest of a switch that was left SWITCHING, or of a revert that was left REVERTING."""
    with Right(task.means, task.facts) as right:
        publication = task.rollout.publication
        return _go_on_prepared(task, right) if publication and publication.prepare else _go_on_active(task, right)


def cancel(task: Task, right: Right, why: str) -> None:
    """Back to where the switch came from, at a higher epoch: the new version was prepared, and never written."""
    task.settle(lambda: _cancelled(task, why))
    task.say(f"{task.step}: cancelled, epoch {task.rollout.epoch}: v{task.step.old} stays active; {why}")
    task.publish(right)


def read_ends(task: Task) -> Mapping[str, Mapping[int, Mark]]:
    """Where the log ends now, by cluster and partition.

    Raises :class:`registry.rollout.errors.BrokerUnavailable`: a switch whose beginning nobody knows has no barrier.
    """
    means, facts = task.means, task.facts
    if not facts.topic:
        return {}
    return {
        cluster.name: {
            number: Mark(span.high)
            for number, span in means.brokers[cluster.name].read_partitions(topic_on(cluster, facts)).items()
        }
        for cluster in means.clusters
    }


def _go_on_prepared(task: Task, right: Right) -> Outcome:
    task.publish(right)  # 5
    verdict = _hear(task)  # 6
    if verdict is Verdict.YES and not task.decide(GATES["G1"], lambda: _activate(task), looked=True):  # 7
        verdict = task.verdict or Verdict.UNKNOWN
    if verdict is not Verdict.YES:
        cancel(task, right, _say_why(task))
        return task.end(EXITS[verdict])
    task.say(f"{task.step}: epoch {task.rollout.epoch} makes v{task.step.new} active")
    return _go_on_active(task, right)


def _go_on_active(task: Task, right: Right) -> Outcome:
    task.publish(right)  # 8
    await_convergence(task)  # 9
    return task.end(Exit.DONE)


def _hear(task: Task) -> Verdict:
    """Whether everybody has heard of the prepared version. At once where no cluster is asked."""
    environment, means = task.means.environment, task.means
    if means.find_main() is None:
        return task.look(GATES["G1"])
    limit = 3 * environment.heartbeat + environment.margin
    pause = environment.heartbeat + environment.margin
    waited = 0.0
    while True:
        means.tell(f"waiting {pause:g} s for heartbeats")
        means.wait(pause)
        waited += pause
        task.reload()
        verdict = task.look(GATES["G1"])
        if verdict is not Verdict.UNKNOWN or waited >= limit:
            return verdict
        pause = environment.heartbeat or 1.0


def _say_why(task: Task) -> str:
    blocking = [check for check in task.checks if not check.passes]
    blocking.sort(key=lambda check: check.verdict is not Verdict.NO)
    more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
    return "".join(f"{check.observation.subject}: {check.observation.reason}{more}" for check in blocking[:1])


def _prepare(task: Task, marks: Mapping[str, Mapping[int, Mark]]) -> Rollout:
    before, old, new = task.rollout, task.step.old, task.step.new
    epoch = find_next_epoch(task.rollouts())
    known = {number for number in before.stored if number in task.facts.versions}  # the others are retired
    stored = tuple(sorted({*known, old, new}))
    moved = replace(task.move(State.SWITCHING), origin=before.state, epoch=epoch, stored=stored, barrier=marks)
    # The switch may still be cancelled: nobody may write the new version yet, unless it was written before.
    standing = stand(task.rollouts())
    return replace(moved, publication=Publication(epoch, standing.active, standing.writable, new))


def _activate(task: Task) -> Rollout:
    epoch, new = task.rollout.epoch, task.step.new
    moved = replace(task.rollout, switched=task.means.clock(), by=task.means.by)
    standing = stand(task.rollouts(replace(moved, publication=Publication(epoch, new, ()))))
    return replace(moved, publication=Publication(epoch, new, standing.writable))


def _cancelled(task: Task, why: str) -> Rollout:
    origin = task.rollout.origin or State.EXPANDING
    written = origin is State.REVERTED or task.step.new < task.step.old
    kept = tuple(number for number in task.rollout.stored if written or number != task.step.new)
    return task.publish_next(replace(task.move(origin), origin=None, stored=kept, reason=why))
