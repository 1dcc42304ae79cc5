"""A shop whose order event is upgraded on a real Kafka: its repository, its builds, and the people who operate it.

The repository is a clone with a bare remote. A build is what `contracts gen` made of one commit: build 1 knows version
1 alone, build 2 both. ``legacy`` is never built again until the end of a story.
"""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.command import CONTRACTS, Outcome, run
from tests.repo import ENVIRONMENT, Repository

EVENT: Final = "shop.Placed"
ENVELOPE: Final = """\
  {"name": "correlation_id", "type": "string"},
  {"name": "schema_version", "type": "int"},
  {"name": "event_id", "type": "string"},
"""
SCHEMA: Final = """\
{{"type": "record", "name": "Placed", "namespace": "shop", "fields": [
{envelope}{fields}
]}}
"""
FIRST: Final = SCHEMA.format(
    envelope=ENVELOPE,
    fields="""\
  {"name": "order_id", "type": "string"},
  {"name": "customer", "type": "string"},
  {"name": "amount_cents", "type": "long"}""",
)
COMPATIBLE: Final = FIRST.replace("\n]}", ',\n  {"name": "note", "type": "string", "default": ""}\n]}')
BREAKING: Final = SCHEMA.format(
    envelope=ENVELOPE,
    fields="""\
  {"name": "order_id", "type": "string"},
  {"name": "customer_id", "type": "string"},
  {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}}""",
)
CONVERTERS: Final = """\
up:
  - rename: {customer: customer_id}
  - scale: {field: amount_cents, to: amount, by: 0.01, from: int, as: decimal}
down: derived
"""
OWNERSHIP: Final = """\
version: 1
defaults: {{compatibility: {mode}}}
teams: {{sales: {{github: "@shop/sales"}}}}
services:
  orders:  {{team: sales, principal: "User:orders"}}
  billing: {{team: sales, groups: ["{prefix}billing"]}}
  search:  {{team: sales, groups: ["{prefix}search"]}}
  legacy:  {{team: sales, groups: ["{prefix}legacy"]}}
entities:
  Order:
    owner: orders
    topic: {topic}
    key: order_id
    events:
      shop.Placed:
        writes: {writes}
        subscribers:
          - {{service: billing, reads: {pins}}}
          - {{service: search, reads: {pins}}}
{legacy}"""
POLICY: Final = """\
version: 1
environments:
  {environment}:
    clusters: [{{name: main, brokers: "{brokers}"}}]
    acls: none
    heartbeat: 1s
    margin: 2s
    quiet: 3s
    revert_window: 0s
"""


class Shop:
    """The repository and its builds, below one folder."""

    def __init__(self, folder: Path, topic: str, brokers: str, *, breaking: bool) -> None:
        self.folder, self.topic = folder, topic
        self.environment = f"production-{topic.rpartition('.')[2]}"
        """Control records and heartbeats of other tests are those of other environments."""
        self.prefix = f"{topic}."
        """Of its consumer groups: other tests have theirs on the same broker."""
        self._breaking = breaking
        self._legacy = "          - {service: legacy, reads: [1], served: true}\n"
        remote = folder / "remote.git"
        subprocess.run(["git", "init", "--bare", "--quiet", str(remote)], env=ENVIRONMENT, check=True)
        self.repository = Repository(folder / "clone")
        self.repository.git("remote", "add", "origin", str(remote))
        policy = POLICY.format(environment=self.environment, brokers=brokers)
        self.commit({"contracts/policy.yaml": policy, "contracts/order/Placed.avsc": FIRST}, pins=[1], release=True)
        self.build(1)
        files = {"contracts/order/Placed.avsc": BREAKING if breaking else COMPATIBLE}
        if breaking:
            files["contracts/order/Placed.upgrade.yaml"] = CONVERTERS
        self.commit(files, pins=[1], release=True)
        self.commit({}, pins=[1, 2])
        self.build(2)

    def commit(
        self,
        files: Mapping[str, str | bytes | None],
        *,
        pins: list[int],
        writes: list[int] | None = None,
        release: bool = False,
    ) -> None:
        """What a merged pull request leaves on main. The old reader's pin says what its build reads, and stays."""
        ownership = OWNERSHIP.format(
            mode="BACKWARD_TRANSITIVE" if self._breaking else "FULL_TRANSITIVE",
            prefix=self.prefix,
            topic=self.topic,
            pins=pins,
            writes=pins if writes is None else writes,
            legacy=self._legacy if self._breaking else "",
        )
        self.repository.stage({**files, "ownership.yaml": ownership})
        if release:
            self.contracts("release")
        self.repository.commit("a change")
        self.repository.git("push", "--quiet", "origin", "main")

    def build(self, number: int) -> None:
        """The stubs of every service, as the clone is now."""
        for service in ("orders", "billing", "search", *(("legacy",) if self._breaking else ())):
            package = f"{service}_events"
            self.contracts("gen", "--service", service, "--out", str(self.stubs(number)), "--package", package)

    def build_last(self) -> None:
        """Build 3: the owner cannot write version 1 any more, and the old reader has learned version 2 at last."""
        self._legacy = "          - {service: legacy, reads: [1, 2]}\n"
        self.commit({}, pins=[1, 2], writes=[2])
        self.build(3)

    def stubs(self, build: int) -> Path:
        """Where the stubs of a build lie."""
        return self.folder / f"build-{build}"

    def contracts(self, *words: str, code: int = 0) -> Outcome:
        """A command that ends with this exit code."""
        outcome = run(self.repository.path, *words)
        assert outcome.code == code, f"contracts {' '.join(words)}: exit {outcome.code}\n{outcome.out}\n{outcome.err}"
        return outcome

    def rollout(self, verb: str, *words: str, code: int = 0) -> Outcome:
        """A verb of the rollout."""
        return self.contracts("rollout", verb, EVENT, "--env", self.environment, *words, code=code)

    def deployed(self, service: str, build: int, *, reads: str = "", writes: str = "") -> None:
        """What the job that deploys a service tells the registry."""
        words = [*(("--reads", reads) if reads else ()), *(("--writes", writes) if writes else ())]
        whose = ("--service", service, "--env", self.environment, "--event", EVENT)
        self.contracts("deployed", *whose, "--build", str(build), *words)

    @contextmanager
    def start_operator(self, *words: str) -> "Iterator[subprocess.Popen[str]]":
        """A command that is under way, to be killed."""
        process = subprocess.Popen(
            [CONTRACTS, *words],
            cwd=self.repository.path,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()
