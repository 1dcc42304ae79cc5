"""A Kafka for tests: librdkafka's mock, fresh for each test, or with CONTRACTS_TEST_BROKER=apache a real one.

The fixture ``cluster`` is for every test module; ``start_cluster`` is for tests that need more nodes than one, or a
broker of their own.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from registry.brokers import Broker, BrokerError, jars, kind_of

KIND = os.environ.get("CONTRACTS_TEST_BROKER") or "mock"
DEADLINE = 60.0
"""Seconds after which a test has failed: what works takes few, and ten where five brokers start at once."""

_shared: dict[str, Broker] = {}


class Cluster:
    """A running Kafka, as tests see it."""

    def __init__(self, broker: Broker, kind: str) -> None:
        self.real = kind != "mock"
        """Whether it is no mock: it takes admin calls, keeps more than 5 MB, isolates transactions."""
        self._broker = broker
        self._stopped: set[int] = set()

    @property
    def address(self) -> str:
        """``127.0.0.1:port``, with several nodes one after the other."""
        return self._broker.address

    @property
    def settings(self) -> dict[str, object]:
        """A client's settings: where it is, no chatter, and quick to see that a broker is back."""
        quick = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200}
        return {"bootstrap.servers": self.address, "log_level": 0, **quick}

    def topic(self, name: str) -> str:
        """A name that no other test uses; the topic is not created by it."""
        return f"{name}.{uuid4().hex[:8]}"

    def create(self, *topics: str, partitions: int = 2) -> None:
        """Create topics and wait until they answer."""
        self._broker.create_topics(dict.fromkeys(topics, partitions))

    def stop_node(self, number: int = 1, *, kill: bool = False) -> None:
        """The broker is gone, with ``kill`` in the middle of its work: connections break, what it holds is kept."""
        self._stopped.add(number)
        self._broker.stop_node(number, kill=kill)

    def start_node(self, number: int = 1) -> None:
        """The broker is back, at the same address."""
        self._broker.start_node(number)
        self._stopped.discard(number)

    def start_stopped(self) -> None:
        """What a test stopped and did not start again is started for the next one."""
        for number in sorted(self._stopped):
            self.start_node(number)


@contextmanager
def start_cluster(nodes: int, kind: str = KIND) -> Iterator[Cluster]:
    """A cluster of this test's own, gone at the end."""
    broker = kind_of(kind).start(nodes)
    try:
        yield Cluster(broker, kind)
    finally:
        broker.close()


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """One node. A mock is made for each test; a real one is started once and closed at the end of the run."""
    if KIND == "mock":
        with start_cluster(1) as made:
            yield made
        return
    if KIND not in _shared:
        _shared[KIND] = kind_of(KIND).start()
        request.config.add_cleanup(_shared[KIND].close)
    made = Cluster(_shared[KIND], KIND)
    yield made
    made.start_stopped()


def prepare_real() -> str:
    """What keeps a real Kafka from being started here, in a sentence; empty where nothing does, and it is fetched."""
    missing = kind_of("apache").find_missing()
    try:
        if missing:
            raise missing
        jars.fetch_libraries(print)
    except BrokerError as error:
        return error.message
    return ""


if __name__ == "__main__":  # make test-kafka asks before it runs anything
    if reason := prepare_real():
        print(f"no tests against a real Kafka: {reason}")
        sys.exit(3)
