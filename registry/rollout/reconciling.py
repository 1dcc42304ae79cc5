"""Reconciling: what a crash left between two steps is finished, from any machine; twice changes nothing."""

from collections.abc import Iterator

from registry.errors import RegistryError
from registry.rollout.converging import CONVERGED
from registry.rollout.errors import BrokerSilent, BrokerUnavailable, SplitBrain
from registry.rollout.means import Means
from registry.rollout.order import Order
from registry.rollout.outcome import Exit, Outcome
from registry.rollout.publishing import Right
from registry.rollout.switching import resume
from registry.rollout.task import Task


def catch_up(task: Task) -> None:
    """Publish what git decided and a crash kept from the control topic. A cluster that is away stays behind for now."""
    try:
        with Right(task.means, task.facts) as right:
            task.publish(right)
    except BrokerUnavailable as error:
        task.say(f"the control topic may not say what git says: {error.message}")


def create_topics(task: Task) -> None:
    """Make the topics that runtimes speak and listen on, where they are missing. A cluster that is away has to wait."""
    for cluster in task.means.clusters:
        try:
            for line in task.means.brokers[cluster.name].create_topics():
                task.say(f"{cluster.name}: {line}")
        except BrokerUnavailable as error:
            task.say(f"{cluster.name}: topics for control and heartbeats could not be made: {error.message}")


def reconcile(means: Means, contract: str, *, dry_run: bool) -> Iterator[Outcome]:
    """One outcome for each contract, or for the one that is named.

    What stops one contract (:class:`registry.errors.RegistryError`) is raised after the others are done, a
    :class:`registry.rollout.errors.SplitBrain` before all else. Only a cluster that does not answer at all ends it.
    """
    book = means.journal.read()
    stopped: list[RegistryError] = []
    names = {each.step.contract for each in book.find_rollouts(contract, means.environment.name)}
    for name in sorted(names):
        try:
            yield _reconcile_one(means, name, dry_run=dry_run)
        except BrokerSilent:
            raise
        except RegistryError as error:
            means.tell(f"{name}: {error.message}")
            stopped.append(error)
    if stopped:
        raise min(stopped, key=lambda error: not isinstance(error, SplitBrain))


def _reconcile_one(means: Means, contract: str, *, dry_run: bool) -> Outcome:
    facts, book = means.read_facts(contract), means.journal.read()
    name = means.environment.name
    rollouts = list(book.find_rollouts(contract, name))
    left = next((each for each in rollouts if each.state in CONVERGED), None)
    task = Task(means, Order(contract, dry_run=dry_run), "reconcile", facts, book, left or rollouts[-1])
    with Right(means, facts) as right:
        behind = right.is_behind(rollouts, lambda: list(means.journal.read().find_rollouts(contract, name)))
        if not behind:
            task.say(f"{contract} in {means.environment.name}: nothing is left to publish")
        elif dry_run:
            task.say(f"{contract} in {means.environment.name}: the control topic is behind git")
    if dry_run:
        return task.end(Exit.DONE)
    if left is None:
        catch_up(task)
        return task.end(Exit.DONE)
    return resume(task)
