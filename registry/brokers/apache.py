"""Apache Kafka itself, as processes of this machine: KRaft, each node both broker and controller."""

import base64
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from types import MappingProxyType
from typing import Final
from uuid import uuid4

from registry.brokers import jars
from registry.brokers.broker import Broker, BrokerError
from registry.brokers.client import create_topics, find_missing_client, is_ready, wait_for_producers
from registry.brokers.ports import find_ports
from registry.brokers.server import Server
from registry.brokers.settings import Listeners, Settings, render_properties, replicas_of, settings_of

TITLE: Final = f"Apache Kafka {jars.VERSION}, as a process of this machine"
LIMITS: Final = "no security, and its records are gone when it ends"

PATIENCE: Final = 60.0
"""Seconds until a node must answer; it takes two on an idle laptop."""

INTERNAL: Final = ("__consumer_offsets", "__transaction_state")
"""Kafka's own topics, of four partitions here."""
COMPACTED: Final = {"cleanup.policy": "compact", "segment.bytes": str(100 * 1024 * 1024)}

JAVA_OPTIONS: Final = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # ready in half the time; what the second compiler gains, a laptop does not need
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Djava.awt.headless=true",
)


def find_missing() -> BrokerError | None:
    """Java, Maven or the client, if they are not there."""
    return jars.find_missing() or find_missing_client()


def start(
    nodes: int = 1,
    port: int | None = None,
    tell: Callable[[str], object] = str,
    extra: Settings = MappingProxyType({}),
) -> Broker:
    """Start Kafka on free ports, or from ``port`` on, and wait until it answers. Raises :class:`BrokerError`.

    ``extra`` are settings of ``server.properties`` for each node, over those that are set here.
    """
    if missing := find_missing():
        raise missing
    libraries = jars.fetch_libraries(tell)
    ports = find_ports(nodes, port)
    folder = Path(mkdtemp(prefix="contracts-kafka-"))
    cluster = ApacheCluster(folder, libraries, ports, find_ports(nodes, besides=ports), extra)
    try:
        cluster.open()
    except BaseException:
        cluster.close()
        raise
    return cluster


class ApacheCluster:
    """One or more nodes that end with this process; each keeps its data while it is stopped."""

    def __init__(
        self, folder: Path, libraries: Path, ports: list[int], controllers: list[int], extra: Settings
    ) -> None:
        self._folder = folder
        self._classes = f"{libraries}/*"
        self._addresses = [f"127.0.0.1:{port}" for port in ports]
        self._replicas = replicas_of(len(ports))
        self._running: set[int] = set()
        self._nodes: dict[int, Server] = {}
        for number, (port, controller) in enumerate(zip(ports, controllers, strict=True), 1):
            own = folder / f"node-{number}"
            own.mkdir()
            settings = own / "server.properties"
            listeners = Listeners(
                listen=f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                advertise=f"PLAINTEXT://127.0.0.1:{port}",
                voters=[f"127.0.0.1:{each}" for each in controllers],
            )
            settings.write_text(render_properties(settings_of(number, listeners, str(own / "data"), extra)))
            command = self._java("kafka.Kafka", str(settings))
            self._nodes[number] = Server(f"node {number} of Kafka", command, folder, own / "log")

    @property
    def address(self) -> str:
        return ",".join(self._addresses)

    def open(self) -> None:
        """Format the folders of all nodes and start them. Raises :class:`BrokerError`."""
        name = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        formatting = [self._format(number, name) for number in self._nodes]
        for each in formatting:
            said, _ = each.communicate(timeout=PATIENCE)
            if each.returncode:
                raise BrokerError(f"Kafka could not format its folder: {said.strip()[-500:]}")
        for number, node in self._nodes.items():
            node.start()
            self._running.add(number)
        for number in self._nodes:
            self._wait_for(number)
        # Kafka makes these when they are first asked for, and the first consumer then waits for three seconds.
        self._create(dict.fromkeys(INTERNAL, 4), COMPACTED)
        wait_for_producers(self.address, PATIENCE)

    def create_topics(self, topics: Mapping[str, int]) -> None:
        self._create(topics, {})

    def stop_node(self, number: int, *, kill: bool = False) -> None:
        self._running.discard(number)
        self._nodes[number].stop(kill=kill)

    def start_node(self, number: int) -> None:
        self._nodes[number].start()
        self._running.add(number)
        self._wait_for(number)

    def check(self) -> None:
        for node in self._nodes.values():
            node.check()

    def close(self) -> None:
        for number in self._nodes:
            self.stop_node(number, kill=True)  # nothing of it is kept
        shutil.rmtree(self._folder, ignore_errors=True)

    def _create(self, topics: Mapping[str, int], settings: Mapping[str, str]) -> None:
        running = ",".join(self._addresses[number - 1] for number in sorted(self._running))
        create_topics(running, topics, replicas=self._replicas, settings=settings)

    def _wait_for(self, number: int) -> None:
        end = time.monotonic() + PATIENCE
        while not is_ready(self._addresses[number - 1], len(self._running), 1.0):
            self.check()
            if time.monotonic() > end:
                tail = self._nodes[number].tail()
                raise BrokerError(f"node {number} of Kafka did not answer within {PATIENCE:g} s; it says:\n{tail}")

    def _format(self, number: int, name: str) -> "subprocess.Popen[str]":
        settings = self._folder / f"node-{number}" / "server.properties"
        command = self._java("kafka.tools.StorageTool", "format", f"--cluster-id={name}", "-c", str(settings))
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def _java(self, *words: str) -> list[str]:
        return [jars.java_program(), *JAVA_OPTIONS, "-cp", self._classes, *words]
