"""A Kafka for tests and laptops: the same promises from the mock and, under `make test-kafka`, from the real one."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.brokers import BROKERS, BrokerError, keeper, kind_of, ports
from registry.brokers.ports import find_ports
from registry.brokers.server import Server
from tests.kafka_clusters import DEADLINE, Cluster


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, f"after {DEADLINE:g} s not yet: {what}"
        time.sleep(0.01)


def send(cluster: Cluster, topic: str, *values: bytes) -> None:
    from confluent_kafka import Producer

    producer = Producer(cluster.settings)
    for value in values:
        producer.produce(topic, value, b"key")
    assert producer.flush(DEADLINE) == 0


def read(cluster: Cluster, topic: str, count: int) -> list[bytes]:
    from confluent_kafka import Consumer

    consumer = Consumer({**cluster.settings, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found: list[bytes] = []

    def poll() -> bool:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            found.append(message.value() or b"")
        return len(found) >= count

    wait_until(poll, f"{count} records of {topic}")
    consumer.close()
    return found


def describe(cluster: Cluster, topic: str) -> Any:
    from confluent_kafka.admin import AdminClient

    return (
        AdminClient({"bootstrap.servers": cluster.address, "log_level": 0})
        .list_topics(timeout=DEADLINE)
        .topics.get(topic)
    )


def test_a_record_comes_back_as_it_was_sent(cluster: Cluster) -> None:
    topic = cluster.topic("orders")
    cluster.create(topic)
    send(cluster, topic, b"one", b"two")
    assert read(cluster, topic, 2) == [b"one", b"two"]


def test_a_topic_has_the_partitions_that_were_asked_for(cluster: Cluster) -> None:
    one, six = cluster.topic("one"), cluster.topic("six")
    cluster.create(one, partitions=1)
    cluster.create(six, partitions=6)
    assert [len(describe(cluster, topic).partitions) for topic in (one, six)] == [1, 6]


def test_a_topic_that_exists_stays_as_it_is(cluster: Cluster) -> None:
    topic = cluster.topic("orders")
    cluster.create(topic, partitions=2)
    send(cluster, topic, b"kept")
    cluster.create(topic, partitions=5)
    assert len(describe(cluster, topic).partitions) == 2
    assert read(cluster, topic, 1) == [b"kept"]


@pytest.mark.parametrize("kill", [False, True])
def test_a_broker_that_was_gone_comes_back_with_its_records(cluster: Cluster, kill: bool) -> None:
    from confluent_kafka import Producer

    topic, address = cluster.topic("orders"), cluster.address
    cluster.create(topic)
    send(cluster, topic, b"before")
    cluster.stop_node(kill=kill)
    producer = Producer(cluster.settings)
    producer.produce(topic, b"meanwhile", b"key")
    assert producer.flush(0.3) == 1
    cluster.start_node()
    assert producer.flush(DEADLINE) == 0
    assert read(cluster, topic, 2) == [b"before", b"meanwhile"]
    assert cluster.address == address


def test_two_tests_get_two_mocks() -> None:
    first, second = kind_of("mock").start(), kind_of("mock").start(nodes=3)
    try:
        assert len(second.address.split(",")) == 3
        assert not {first.address} & {*second.address.split(",")}
    finally:
        first.close()
        second.close()
    second.close()  # a second time is nothing


def test_the_mock_refuses_a_port_because_it_could_not_keep_to_it() -> None:
    with pytest.raises(BrokerError, match="cannot listen on port 9092") as refusal:
        kind_of("mock").start(port=9092)
    assert "--broker apache" in refusal.value.help


@pytest.mark.parametrize("name", BROKERS)
def test_every_kind_says_what_it_is_and_what_it_cannot_do(name: str) -> None:
    kind = kind_of(name)
    assert kind.TITLE and kind.LIMITS


def test_a_missing_client_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(BrokerError, match="confluent-kafka") as refusal:
        kind_of("mock").start()
    assert refusal.value.help == "pip install 'event-contracts[kafka]'"


def test_ports_that_are_found_are_free_and_different() -> None:
    found = find_ports(3)
    assert len({*found}) == 3
    for port in found:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_ports_that_are_meant_for_others_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = find_ports(2)
    monkeypatch.setattr(ports, "_RANGE", [first, second])
    assert {*find_ports(2)} == {first, second}
    assert find_ports(1, besides=[first]) == [second]


def test_a_port_that_is_taken_is_refused_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=f"port {port} of 127.0.0.1 is taken"):
            find_ports(1, port)


def test_a_server_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    server = Server("node 1", ["sh", "-c", "echo no space left; exit 3"], tmp_path, tmp_path / "log")
    server.start()

    told: list[str] = []

    def has_ended() -> bool:
        try:
            server.check()
        except BrokerError as error:
            told.append(error.message)
        return bool(told)

    wait_until(has_ended, "the end of the server")
    assert told == ["node 1 ended with 3; its last words:\n  no space left"]
    server.stop()
    server.check()


def test_a_server_that_will_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "GRACE", 0.2)
    command = ["sh", "-c", 'trap "" TERM; echo ready; while :; do sleep 1; done']
    server = Server("node 1", command, tmp_path, tmp_path / "log")
    server.start()
    wait_until(lambda: "ready" in server.tail(), "the server's first line")
    server.stop()
    server.start()
    server.check()
    server.stop(kill=True)


def test_a_server_ends_and_its_folder_goes_when_its_owner_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    script = (
        "import sys, time; from pathlib import Path; from registry.brokers.server import Server\n"
        f"folder = Path({str(folder)!r})\n"
        "Server('node 1', ['sh', '-c', 'echo $$; exec sleep 600'], folder, folder / 'log').start()\n"
        "time.sleep(600)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script])
    log = folder / "log"
    wait_until(lambda: log.exists() and log.read_text().endswith("\n"), "the server's first line")
    server = int(log.read_text())
    owner.kill()
    owner.wait()
    wait_until(lambda: not folder.exists(), "the folder's end")
    with pytest.raises(ProcessLookupError):
        os.kill(server, signal.SIGCONT)
