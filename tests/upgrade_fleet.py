"""The instances of a shop's services, as processes: deployed, restarted, killed, and what they wrote down."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import pytest

from tests.kafka_clusters import Cluster
from tests.upgrade_shop import Shop

ROOT: Final = Path(__file__).parent.parent
PATIENCE: Final = 90.0


class Written(NamedTuple):
    """An event that the broker acknowledged."""

    event: str
    version: int
    at: float


class Handled(NamedTuple):
    """An event that a handler got."""

    instance: str
    event: str
    version: int
    read_as: int
    content: tuple[str, int]
    correlation: str
    at: float


class Fleet:
    """Processes by the name of their instance."""

    def __init__(self, shop: Shop, cluster: Cluster) -> None:
        self._shop, self._cluster = shop, cluster
        self._logs = shop.folder / "logs"
        self._logs.mkdir()
        self.errors = shop.folder / "errors"
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def start(self, service: str, instance: str, build: int) -> "subprocess.Popen[str]":
        """An instance, at work. Its log goes on where the one before it stopped."""
        role = "own" if service == "orders" else "read"
        facts = {
            "settings": self._cluster.settings,
            "environment": self._shop.environment,
            "service": service,
            "instance": instance,
            "build": build,
            "stubs": str(self._shop.stubs(build)),
            "group": f"{self._shop.prefix}{service}",
            "log": str(self._logs / f"{service}.{instance}"),
        }
        command = [sys.executable, "-m", "tests.upgrade_process", role, json.dumps(facts)]
        with self.errors.open("a") as errors:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._processes[instance] = process
        output: IO[str] | None = process.stdout
        assert output is not None
        assert output.readline() == "at work\n", self.errors.read_text()[-3000:]
        return process

    def stop(self, instance: str, sign: signal.Signals = signal.SIGTERM) -> int:
        """An instance ends, as it wants or as it must."""
        process = self._processes.pop(instance)
        process.send_signal(sign)
        code = process.wait(PATIENCE)
        process.communicate()  # not before: without a standard input it ends at once
        return code

    def check(self) -> None:
        """Nobody has died by itself."""
        dead = [name for name, process in self._processes.items() if process.poll() is not None]
        assert not dead, f"{dead} died: {self.errors.read_text()[-3000:]}"

    def written(self) -> list[Written]:
        """What the broker took, in the order of the acknowledgements of each owner instance."""
        return [Written(*facts) for _, facts in self._find_lines("orders")]

    def handled(self, service: str) -> list[Handled]:
        """What the instances of a service handled."""
        return [
            Handled(instance, event, version, read_as, (name, amount), correlation, at)
            for instance, (event, version, read_as, (name, amount), correlation, at) in self._find_lines(service)
        ]

    def _find_lines(self, service: str) -> Iterator[tuple[str, list[Any]]]:
        for path in sorted(self._logs.glob(f"{service}.*")):
            for line in path.read_text().splitlines():
                yield path.name.partition(".")[2], json.loads(line)

    def uncommitted(self) -> set[str]:
        """Instances that said of an offset that it could not be committed, and that events may come again."""
        lines = self.errors.read_text().splitlines()
        return {line.split()[2] for line in lines if "was not committed, and what was handled before it may" in line}

    def wait_for_events(self, more: int = 100) -> None:
        """So many further events are written, and each reader's service has handled them."""
        before = len(self.written())
        self.wait(lambda: len(self.written()) >= before + more, f"{more} more events were written")
        self.wait_until_handled()

    def wait_until_handled(self) -> None:
        """All that is written now is handled by each service that has a process."""
        events = {each.event for each in self.written()}
        services = {path.name.partition(".")[0] for path in self._logs.iterdir()} - {"orders"}

        def seen() -> bool:
            return all(events <= {each.event for each in self.handled(service)} for service in services)

        self.wait(seen, f"{', '.join(sorted(services))} handled {len(events)} events each")

    def wait(self, seen: Any, what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not seen():
            self.check()
            if time.monotonic() > end:
                pytest.fail(f"not within {PATIENCE:g} s: {what}\n{self.errors.read_text()[-3000:]}")
            time.sleep(0.1)

    def end(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.communicate()
        self._processes.clear()
