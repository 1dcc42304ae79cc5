"""Apache Kafka in a container, where Docker or Podman answers."""

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Final
from uuid import uuid4

from registry.brokers import jars
from registry.brokers.broker import Broker, BrokerError
from registry.brokers.client import create_topics, find_missing_client, is_ready, wait_for_producers
from registry.brokers.ports import find_ports
from registry.brokers.server import Server
from registry.brokers.settings import Listeners, Settings, environment_of, settings_of

IMAGE: Final = f"apache/kafka:{jars.VERSION}"
TITLE: Final = f"Apache Kafka {jars.VERSION}, in a container"
LIMITS: Final = "one node without security, and its records are gone when it ends"
ENGINES: Final = ("docker", "podman")

PATIENCE: Final = 600.0
"""Seconds until it must answer: the image may have to be fetched first."""


def find_missing() -> BrokerError | None:
    """An engine that answers, or the client, if they are not there."""
    reasons = [f"{engine}: {reason}" for engine in ENGINES if (reason := _why_not(engine))]
    if len(reasons) == len(ENGINES):
        return BrokerError(f"no container engine answers ({'; '.join(reasons)})", "start Docker or Podman")
    return find_missing_client()


def start(nodes: int = 1, port: int | None = None, tell: Callable[[str], object] = str) -> Broker:
    """Start Kafka in a container, reached on a port of the loopback. Raises :class:`BrokerError`."""
    if missing := find_missing():
        raise missing
    if nodes != 1:
        raise BrokerError(f"a container is one node, not {nodes}", "--broker apache starts several")
    engine = next(engine for engine in ENGINES if not _why_not(engine))
    tell(f"starting {IMAGE} with {engine}, which fetches it if it is not here yet")
    broker = Container(engine, find_ports(1, port)[0])
    try:
        broker.open()
    except BaseException:
        broker.close()
        raise
    return broker


class Container:
    """A container that ends with this process."""

    def __init__(self, engine: str, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self._engine = engine
        self._name = f"contracts-kafka-{uuid4().hex[:8]}"
        self._folder = Path(mkdtemp(prefix="contracts-kafka-"))
        command = render_run(engine, self._name, port)
        self._server = Server(f"the container {self._name}", command, self._folder, self._folder / "log")

    def open(self) -> None:
        """Start it and wait until it answers. Raises :class:`BrokerError`."""
        self._server.start()
        end = time.monotonic() + PATIENCE
        while not is_ready(self.address, 1, 1.0):
            self.check()
            if time.monotonic() > end:
                raise BrokerError(f"{IMAGE} did not answer within {PATIENCE:g} s; it says:\n{self._server.tail()}")
        wait_for_producers(self.address, PATIENCE)

    def create_topics(self, topics: Mapping[str, int]) -> None:
        create_topics(self.address, topics)

    def stop_node(self, number: int, *, kill: bool = False) -> None:
        raise _no_nodes()

    def start_node(self, number: int) -> None:
        raise _no_nodes()

    def check(self) -> None:
        self._server.check()

    def close(self) -> None:
        self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        # Where the engine's command ended without its container; one that is gone already is no news.
        subprocess.run([self._engine, "rm", "--force", self._name], capture_output=True, check=False, timeout=60)


def render_run(engine: str, name: str, port: int) -> list[str]:
    """The command that runs the image until it is asked to end."""
    variables = environment_of(image_settings("localhost", f"127.0.0.1:{port}"))
    options = [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
    return [engine, "run", "--rm", "--name", name, "--publish", f"127.0.0.1:{port}:9092", *options, IMAGE]


def image_settings(host: str, outside: str) -> Settings:
    """Kafka's settings within the image: it is ``host`` to other containers, and ``outside`` to this machine."""
    listeners = Listeners(
        listen="PLAINTEXT://:19092,HOST://:9092,CONTROLLER://:29093",
        advertise=f"PLAINTEXT://{host}:19092,HOST://{outside}",
        voters=[f"{host}:29093"],
    )
    return settings_of(1, listeners, "/tmp/kafka-data")


def _why_not(engine: str) -> str:
    """Why an engine cannot be used; empty where it can."""
    if shutil.which(engine) is None:
        return "not installed"
    try:
        done = subprocess.run(
            [engine, "version"], capture_output=True, text=True, check=False, timeout=20, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return "no answer within 20 s"
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1] if done.returncode else ""


def _no_nodes() -> BrokerError:
    return BrokerError("what a container holds is gone when it stops", "--broker apache keeps it")
