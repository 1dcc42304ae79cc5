"""A small registry with a remote, for the command line of rollouts: one event, two versions, one reader, no broker."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from registry.rollout.render.schema import ROLLOUT_SCHEMA
from tests.released import PLACED, freeze, placed
from tests.repo import ENVIRONMENT, Repository
from tests.story import Done, run_contracts, stand_alone

EVENT = "shop.Placed"
OWNERSHIP = """\
version: 1
teams: {sales: {contacts: ["#sales"]}}
services: {orders: {team: sales}, billing: {team: sales}, idle: {}}
entities:
  Order:
    owner: orders
    topic: shop.orders
    key: order_id
    events:
      shop.Placed: {writes: [1, 2], subscribers: [billing]}
"""
POLICY = """\
version: 1
environments:
  staging: {broker: none, quiet: 0s, revert_window: 0s}
  production: {clusters: [{name: main, brokers: "127.0.0.1:1"}]}
"""
STATE = "refs/heads/contracts-state"


class Shop:
    """A clone in which commands are run, and the bare repository that it shares with others."""

    def __init__(self, repository: Repository, remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.repository = repository
        self.remote = remote
        self._monkeypatch = monkeypatch

    def run(self, line: str, code: int = 0) -> Done:
        """A command line in this process, which must end so."""
        done = run_contracts(self._monkeypatch, self.repository.path, line.split())
        assert done.code == code, f"contracts {line}: {done}"
        return done

    def ask(self, line: str, code: int = 0) -> list[dict[str, Any]]:
        """The rollouts that a command prints as JSON, which must keep to its schema."""
        document = json.loads(self.run(f"{line} --format json", code).stdout)
        Draft202012Validator(ROLLOUT_SCHEMA).validate(document)
        assert document["exit_code"] == code
        return list(document["rollouts"])

    def state(self, environment: str = "staging") -> str:
        """Where the rollout stands, as the file in the remote says it."""
        return str(self.read(f"rollouts/{EVENT}/1-2/{environment}.json")["state"])

    def read(self, path: str) -> dict[str, Any]:
        """A document of the journal, as the remote has it."""
        shown = subprocess.run(
            ["git", "-C", os.fspath(self.remote), "show", f"{STATE}:{path}"],
            env=ENVIRONMENT, capture_output=True, check=True,
        )  # fmt: skip
        found = json.loads(shown.stdout)
        assert isinstance(found, dict)
        return found

    def tip(self) -> str:
        """The commit of the journal, as the remote has it; empty where there is none yet."""
        command = ["git", "-C", os.fspath(self.remote), "rev-parse", "--verify", "--quiet", STATE]
        return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False).stdout.strip()

    def deploy(self, environment: str = "staging", services: Sequence[str] = ("orders", "billing")) -> None:
        """Record builds that ownership.yaml pins."""
        for service in services:
            self.run(f"deployed --service {service} --env {environment} --build b1")

    def edit_ownership(self, before: str, after: str) -> None:
        """Commit another ownership.yaml."""
        text = (self.repository.path / "ownership.yaml").read_text()
        assert text.count(before) == 1
        self.repository.commit("ownership", {"ownership.yaml": text.replace(before, after)})

    def clone(self, path: Path) -> "Shop":
        """Another clone of the same remote."""
        identify(made := Repository(self.remote).clone(path))
        return Shop(made, self.remote, self._monkeypatch)


def build(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Two released versions of Placed, committed and pushed."""
    stand_alone(monkeypatch, folder / "cache")
    for name in ("CI", "CONTRACTS_BROKER", "CONTRACTS_BUILD"):
        monkeypatch.delenv(name, raising=False)
    repository = Repository(folder / "repository")
    identify(repository)
    policy = "contracts/policy.yaml"
    files = {"ownership.yaml": OWNERSHIP.replace("writes: [1, 2], ", ""), policy: POLICY, PLACED: placed()}
    repository.commit("one", files)
    freeze(repository, EVENT)
    repository.write({PLACED: placed("note")})
    freeze(repository, EVENT)
    repository.commit("two versions", {"ownership.yaml": OWNERSHIP})
    remote = folder / "origin.git"
    repository.git("init", "--quiet", "--bare", "--initial-branch=main", os.fspath(remote))
    repository.git("remote", "add", "origin", os.fspath(remote))
    repository.git("push", "--quiet", "origin", "main")
    return Shop(repository, remote, monkeypatch)


def identify(repository: Repository) -> None:
    """Name the person who works there."""
    repository.git("config", "user.name", "Ana")
    repository.git("config", "user.email", "ana@shop.example")
