"""How long `contracts rollout check` takes for all of an environment: 1,000 contracts, 200 services, no Kafka.

Each contract has two versions and a rollout in some state, each service a build that is recorded as deployed. Times
are wall seconds of whole processes, what git does in them included. `python bench/rollout.py [CONTRACTS [SERVICES]]`.
"""

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import governance
from check import git

from registry.environment import DAY
from registry.git import open_repo
from registry.rollout.journal.documents import render_deployments, render_rollout
from registry.rollout.journal.git_journal import open_journal
from registry.rollout.journal.journal import Entry
from registry.rollout.pinned import find_pins
from registry.rollout.revision import Revision, read_revision
from registry.rollout.rollout import Deployment, Publication, Rollout, Step
from registry.rollout.states import State

CONTRACTS = os.path.join(sysconfig.get_path("scripts"), "contracts")
ROUNDS = 9
NOW = datetime.now(UTC)
POLICY = """\
version: 1
environments:
  production: {broker: none}
  europe: {clusters: [{name: main, brokers: "kafka:9092"}]}
"""
WRITTEN = Publication(1, 2, (1, 2))
STATES = (
    (State.EXPANDING, 0, (1,), None),
    (State.SWITCHING, 1, (1, 2), Publication(1, 1, (1,), prepare=2)),
    (State.SWITCHING, 1, (1, 2), WRITTEN),
    (State.SWITCHED, 1, (1, 2), WRITTEN),
    (State.CONTRACTING, 2, (1, 2), Publication(2, 2, (2,))),
    (State.WRITE_RETIRED, 2, (1, 2), Publication(2, 2, (2,))),
    (State.REVERTED, 2, (1, 2), Publication(2, 1, (1, 2))),
)
"""State, epoch, stored versions and publication, in turn."""


def make_repository(folder: Path, contracts: int, services: int) -> None:
    """Two released versions of each contract, committed; the owner can write both."""
    governance.SERVICES = services
    files = governance.make_registry(folder, contracts)
    ownership = folder / "ownership.yaml"
    ownership.write_text(ownership.read_text().replace("{subscribers", "{writes: [1, 2], subscribers"))
    (folder / "contracts" / "policy.yaml").write_text(POLICY)
    git(folder, "init", "--quiet", "--initial-branch=main")
    for number in (1, 2):
        text = ownership.read_text()
        ownership.write_text(text.replace("writes: [1, 2]", "writes: [1]") if number == 1 else text)
        subprocess.run([CONTRACTS, "release"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        ownership.write_text(text)
        if number == 1:
            for file in files:
                governance.change(file)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=two versions")
    git(folder, "config", "user.email", "bench@example.org")
    git(folder, "config", "user.name", "bench")


def write_journal(folder: Path, environment: str) -> None:
    """A rollout of each contract, and a deployment of each service, in one entry."""
    with open_repo(folder) as repo, open_journal(folder) as journal:
        revision = read_revision(repo, os.environ)
        changes = dict(find_documents(revision, environment))
        journal.write(journal.read(), Entry(changes, {}, "bench"))


def find_documents(revision: Revision, environment: str) -> Iterator[tuple[str, bytes]]:
    """Path and text of each file of the journal."""
    declared = revision.find_environment(environment)
    for number, contract in enumerate(sorted(revision.contracts)):
        state, epoch, stored, publication = STATES[number % len(STATES)]
        rollout = Rollout(
            step=Step(contract, 1, 2, environment),
            state=state,
            since=NOW - timedelta(seconds=DAY),
            by="bench@example.org",
            digests=dict(revision.read_facts(contract, declared).versions),
            epoch=epoch,
            stored=stored,
            publication=publication,
            origin=State.EXPANDING if state is State.SWITCHING else None,
            switched=NOW - timedelta(seconds=DAY) if epoch else None,
        )
        yield rollout.step.path, render_rollout(rollout)
    for service in revision.ownership.services:
        reads, writes = find_pins(revision, service)
        deployment = Deployment(service, environment, "", "b1", reads, writes, NOW, "bench@example.org", "ci")
        yield deployment.path, render_deployments([deployment])


class Run(NamedTuple):
    """One process, with what git did for it."""

    seconds: float
    busy: float
    """Seconds of the processors: what a quiet machine of one core would take."""
    megabytes: float
    code: int


def run(command: list[str], folder: Path) -> Run:
    """Run a command to its end, and ask the system what it used."""
    start = perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def measure(folder: Path, *arguments: str) -> None:
    """Print one row: the first run, which fills the caches, and the median of some rounds after it."""
    command = [CONTRACTS, "rollout", *arguments]
    first = run(command, folder).seconds
    runs = [run(command, folder) for _ in range(ROUNDS)]
    if not {each.code for each in runs} <= {0, 1, 3}:
        sys.exit(f"{' '.join(arguments)}: exit codes were {sorted({each.code for each in runs})}")
    median, busy = (statistics.median(values) for values in ([r.seconds for r in runs], [r.busy for r in runs]))
    slowest, memory = max(each.seconds for each in runs), max(each.megabytes for each in runs)
    row = f"{first:>6.2f} s {median:>6.2f} s {busy:>8.2f} s {slowest:>8.2f} s {memory:>6.0f} MB"
    print(f"  {' '.join(arguments):<56} {row}", flush=True)


def main() -> None:
    """Make the repository, and print the table."""
    given = [int(each) for each in sys.argv[1:3]]
    contracts, services = (*given, *(1000, 200)[len(given) :])
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top, "registry")
        folder.mkdir()
        os.environ["XDG_CACHE_HOME"] = os.path.join(top, "cache")
        make_repository(folder, contracts, services)
        for environment in ("production", "europe"):
            write_journal(folder, environment)
        print(f"{contracts:,} contracts, each in a rollout, {services} services; whole processes, {ROUNDS} rounds")
        print(f"  {'contracts rollout …':<56} {'first':>8} {'median':>8} {'busy':>10} {'slowest':>10} {'memory':>9}")
        event = "bench.events.Event7"
        measure(folder, "check", "--env", "production")
        measure(folder, "check", "--env", "production", "--dry-run")
        measure(folder, "check", "--env", "europe", "--no-broker")
        measure(folder, "check", event, "--env", "production", "--dry-run")
        subprocess.run(["git", "init", "--quiet", "--bare", os.path.join(top, "origin.git")], check=True)
        git(folder, "remote", "add", "origin", os.path.join(top, "origin.git"))
        git(folder, "push", "--quiet", "origin", "main", "contracts-state")
        print("  with a remote, that is fetched first")
        measure(folder, "check", "--env", "production")


if __name__ == "__main__":
    main()
