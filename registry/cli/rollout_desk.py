"""Where a command of a rollout stands: the repository, its journal, the environment, and an operator with a clock."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import TypeVar

import click

from registry.catalog import layout_of
from registry.cli.output import print_text, wants_colour
from registry.cli.rollout_options import Clusters
from registry.cli.rollout_progress import Scans
from registry.environment import Cluster, Environment
from registry.errors import Refused, RegistryError
from registry.frozen import dataclass
from registry.git import open_repo
from registry.rollout.broker import Broker
from registry.rollout.gates import GATES
from registry.rollout.invariants import INVARIANTS
from registry.rollout.journal.git_journal import GitJournal, open_journal
from registry.rollout.lazy import Lazy
from registry.rollout.operator import Operator
from registry.rollout.outcome import Exit, Outcome, exit_code_of
from registry.rollout.revision import Revision, read_revision
from registry.rollout.words import count

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Which repository, and which environment of it."""

    environment: str
    root: str
    remote: str | None


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a command works with."""

    journal: GitJournal
    revision: Revision
    environment: Environment
    contract: str
    """The full name of the event that was named; empty for all."""
    operator: Operator


@contextmanager
def open_desk(place: Place, clusters: Clusters, event: str | None) -> Iterator[Desk]:
    """Opens what is needed, and closes it. Raises :class:`registry.errors.RegistryError` where it cannot look.

    Of one ``event`` the scan of a whole topic goes on where an earlier command was interrupted.
    """
    with ExitStack() as stack:
        revision = stack.enter_context(open_revision(place.root))
        environment = revision.find_environment(place.environment, clusters.broker)
        if clusters.explicit and environment != revision.find_environment(place.environment, ""):
            pass  # the option fills in what policy.yaml leaves open
        elif clusters.explicit:
            said = "`broker: none`" if environment.brokerless else "its clusters"
            fact = f"{revision.policy.at.path} declares {said} for {environment.name}, and --broker says otherwise"
            raise Refused(fact, "leave --broker out; what is declared is changed by a pull request")
        journal = stack.enter_context(open_journal(Path.cwd(), place.remote))
        contract = revision.find_event(event) if event else ""
        scans = Scans(environment, contract, revision.commit)
        stack.callback(scans.line.clear)
        operator = Operator(
            journal,
            environment,
            lambda contract: revision.read_facts(contract, environment),
            Lazy([cluster.name for cluster in environment.clusters], _opener(environment, clusters.settings)),
            by=journal.author,
            clock=lambda: datetime.now(UTC),
            wait=sleep,
            tell=scans.line.tell,
            progress=scans.note,
            resume=scans.find,
            unasked=clusters.unasked,
        )
        yield Desk(journal, revision, environment, contract, operator)


@contextmanager
def open_revision(root: str) -> Iterator[Revision]:
    """What the checked out commit says."""
    with open_repo(Path.cwd()) as repo:
        revision = read_revision(repo, os.environ, root=root)
        behind, upstream = repo.count_behind(layout_of(root).under)
        if behind:
            fact = f"{upstream} has {count(behind, 'commit')} on contracts that HEAD ({revision.commit[:12]}) lacks"
            click.echo(f"note: {fact}; what is said here goes by HEAD: git pull", err=True)
        yield revision


def _opener(environment: Environment, settings: Mapping[str, str]) -> Callable[[str], Broker]:
    """What connects to a cluster when it is first asked something: a command without Kafka never loads its client."""
    clusters: dict[str, Cluster] = {cluster.name: cluster for cluster in environment.clusters}

    def connect(name: str) -> Broker:
        from registry.rollout.kafka.cluster import KafkaCluster

        return KafkaCluster({"bootstrap.servers": clusters[name].brokers, **settings}, name)

    return connect


def run(place: Place, work: Callable[[], Exit], event: str | None = None) -> None:
    """Does the work and ends the process as it says; what a person interrupts is told how it goes on.

    A race that was lost is exit 4, with the same two lines as any other error.
    """
    try:
        code = work()
    except KeyboardInterrupt:
        named = f" {event}" if event else ""
        help_ = f"what was begun is finished by: contracts rollout reconcile{named} --env {place.environment}"
        raise RegistryError("interrupted", help_) from None
    except RegistryError as error:
        if exit_code_of(error) is not Exit.LOST_RACE:
            raise
        click.echo(f"error: {error.message}", err=True)
        if error.help:
            click.echo(f"help: {error.help}", err=True)
        code = Exit.LOST_RACE
    sys.exit(int(code))


def titles() -> dict[str, str]:
    """What each gate, each row of it, and each invariant is about, by number."""
    return {invariant.name: invariant.title for invariant in INVARIANTS} | {
        number: title
        for gate in GATES.values()
        for number, title in [(gate.name, gate.title), *((row.number, row.title) for row in gate.rows)]
    }


def print_outcomes(
    verb: str, outcomes: Sequence[Outcome], environment: Environment, format_: str, code: Exit, *, full: bool
) -> None:
    """To stdout, in the format that was asked for."""
    print_text(render(verb, outcomes, environment, format_, code, full=full))


def render(
    verb: str, outcomes: Sequence[Outcome], environment: Environment, format_: str, code: Exit, *, full: bool
) -> str:
    """The outcomes as text for this terminal, or as JSON."""
    if format_ == "json":
        from registry.rollout.render.json import render_outcomes_json

        return render_outcomes_json(verb, outcomes, environment, titles(), code)
    from registry.rollout.render.text import render_outcomes

    colour, width = wants_colour(), terminal_width()
    # The operator told what it did, line by line, on stderr.
    return render_outcomes(outcomes, environment, titles(), full=full, told=True, colour=colour, width=width)


def terminal_width() -> int:
    """In characters; 0 where stdout is no terminal, and lines may be as long as they are."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
