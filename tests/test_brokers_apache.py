"""Apache Kafka itself: what is needed for it, and, under `make test-kafka`, that it runs and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from confluent_kafka import Consumer, TopicPartition

from registry.brokers import BrokerError, apache, jars, kind_of
from registry.brokers.client import create_topics, is_ready
from registry.brokers.container import IMAGE, render_run
from registry.brokers.settings import settings_of
from registry.kafka.producing.transport import KafkaTransport
from registry.serde.record import Record
from tests.kafka_clusters import DEADLINE, KIND, Cluster, start_cluster
from tests.test_brokers import describe, read, send, wait_until

real = pytest.mark.skipif(KIND != "apache", reason="real Kafka: make test-kafka")


def write_program(folder: Path, name: str, script: str) -> None:
    """A program of that name, for a PATH of its own."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs before all others, Java 21 among them, and a cache of this test's own."""
    folder = tmp_path / "programs"
    write_program(folder, "java", """echo 'openjdk version "21.0.1" 2023-10-17' >&2""")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_401"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("no version at all", 0),
    ],
)
def test_java_says_how_old_it_is(programs: Path, said: str, number: int) -> None:
    write_program(programs, "java", f"echo '{said}' >&2")
    assert jars.java_version("java") == number


def test_java_that_is_too_old_is_refused(programs: Path) -> None:
    write_program(programs, "java", """echo 'openjdk version "11.0.2"' >&2""")
    missing = apache.find_missing()
    assert missing and missing.message == f"Java 11 is too old for Apache Kafka {jars.VERSION}"
    assert missing.help == "install Java 17 or newer"


def test_java_that_is_not_there_is_named(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(programs / "nowhere"))
    missing = apache.find_missing()
    assert missing and missing.message == "missing: Java, which Apache Kafka runs on"
    assert missing.help == f"JAVA_HOME has no {programs}/nowhere/bin/java: install Java 17 or newer"


def test_maven_is_needed_only_until_kafka_is_there(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs))
    missing = apache.find_missing()
    assert missing and missing.message == "missing: Maven (mvn), which fetches Apache Kafka once"
    jars.libraries().mkdir(parents=True)
    assert apache.find_missing() is None


def test_two_at_once_fetch_kafka_once(programs: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    write_program(programs, "mvn", f'echo run >> {runs}; mkdir libs; echo jar > libs/kafka.jar; test "$3"')
    told: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        folders = [each.result() for each in [pool.submit(jars.fetch_libraries, told.append) for _ in range(2)]]
    assert folders == [jars.libraries()] * 2
    assert [path.name for path in folders[0].iterdir()] == ["kafka.jar"]
    assert runs.read_text() == "run\n" and len(told) == 1
    assert sorted(path.name for path in folders[0].parent.iterdir()) == [folders[0].name, f"{folders[0].name}.lock"]


def test_what_maven_could_not_fetch_is_told_and_nothing_half_done_stays(programs: Path) -> None:
    write_program(programs, "mvn", r"mkdir libs; printf '[\033[31mERROR\033[m] no route to host\n'; exit 1")
    with pytest.raises(BrokerError, match=r"could not fetch Apache Kafka .*: no route to host$"):
        jars.fetch_libraries(str)
    assert [path.suffix for path in jars.libraries().parent.iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_named(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    with pytest.raises(BrokerError, match="cannot be kept in /dev/null/event-contracts: ") as refusal:
        jars.fetch_libraries(str)
    assert "XDG_CACHE_HOME" in refusal.value.help


def test_no_engine_is_told_with_the_reason_of_each(programs: Path) -> None:
    write_program(programs, "docker", "echo 'Is the daemon running?' >&2; exit 1")
    write_program(programs, "podman", "exit 125")
    with pytest.raises(BrokerError) as refusal:
        kind_of("container").start()
    expected = "no container engine answers (docker: Is the daemon running?; podman: no reason given)"
    assert refusal.value.message == expected


def test_the_container_is_reached_on_the_port_that_was_asked_for() -> None:
    command = render_run("docker", "name", 9555)
    assert command[:7] == ["docker", "run", "--rm", "--name", "name", "--publish", "127.0.0.1:9555:9092"]
    assert "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:19092,HOST://127.0.0.1:9555" in command
    assert command[-1] == IMAGE


@real
def test_three_nodes_go_on_when_one_dies() -> None:
    with start_cluster(3) as cluster:
        topic = cluster.topic("orders")
        cluster.create(topic, partitions=3)
        assert {len(each.replicas) for each in describe(cluster, topic).partitions.values()} == {3}
        send(cluster, topic, b"before")
        cluster.stop_node(1, kill=True)
        wait_until(
            lambda: all(each.leader in {2, 3} for each in describe(cluster, topic).partitions.values()),
            "leaders among the nodes that are left",
        )
        send(cluster, topic, b"meanwhile")
        cluster.start_node(1)
        assert sorted(read(cluster, topic, 2)) == [b"before", b"meanwhile"]


@real
def test_a_node_that_cannot_be_asked_for_a_new_topic_is_named(cluster: Cluster) -> None:
    with pytest.raises(BrokerError, match=r"^127\.0\.0\.1:1 does not answer: "):
        create_topics(f"{cluster.address},127.0.0.1:1", {cluster.topic("orders"): 1}, patience=5.0)


@real
def test_kafka_and_its_folder_go_when_the_process_is_killed(tmp_path: Path) -> None:
    script = (
        "import time; from registry.brokers import kind_of\n"
        "print(kind_of('apache').start().address, flush=True); time.sleep(600)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
    assert owner.stdout
    address = owner.stdout.readline().strip()
    assert is_ready(address, 1, DEADLINE)
    assert [path.name[:16] for path in tmp_path.iterdir()] == ["contracts-kafka-"]
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    wait_until(lambda: not is_ready(address, 1, 0.1), "the end of the broker")
    wait_until(lambda: not any(tmp_path.iterdir()), "the end of its folder")


@real
def test_what_java_says_is_told_when_it_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apache, "mkdtemp", lambda prefix: str(tmp_path / prefix))
    (tmp_path / "contracts-kafka-").mkdir()
    monkeypatch.setattr(apache, "JAVA_OPTIONS", ("-Xmx1k",))
    with pytest.raises(BrokerError, match=r"could not format its folder: [\s\S]*Too small maximum heap"):
        kind_of("apache").start()
    assert not any(tmp_path.iterdir())


@real
def test_a_cluster_whose_random_name_begins_with_a_dash_starts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.brokers.apache.uuid4", lambda: UUID(bytes=b"\xf8" + bytes(range(15))))
    broker = kind_of("apache").start()
    try:
        broker.check()
    finally:
        broker.close()


@real
def test_a_record_of_long_ago_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = {"log.initial.task.delay.ms": 100, "log.retention.check.interval.ms": 100}
    monkeypatch.setattr(apache, "settings_of", lambda *given: {**settings_of(*given), **at_once})
    with start_cluster(1) as cluster:
        create_topics(cluster.address, {"swept": 1}, settings={"retention.ms": "1"})
        cluster.create("kept")
        with KafkaTransport(cluster.settings) as transport:
            transport.send(Record("kept", b"key", b"old", timestamp=datetime(2001, 1, 1, tzinfo=UTC)))
        consumer, swept = Consumer({**cluster.settings, "group.id": "broom"}), TopicPartition("swept", 0)
        for number in (1, 2):  # when the second one is gone too, Kafka has looked at all topics
            send(cluster, "swept", b"new")
            ends = (number, number)
            wait_until(lambda ends=ends: consumer.get_watermark_offsets(swept, DEADLINE) == ends, "the broom")  # type: ignore[misc]  # bound now
        consumer.close()
        assert read(cluster, "kept", 1) == [b"old"]


@real
def test_the_first_producer_of_a_new_broker_has_nothing_to_log(caplog: pytest.LogCaptureFixture) -> None:
    broker = kind_of("apache").start()
    try:
        broker.create_topics({"orders": 1})
        with KafkaTransport({"bootstrap.servers": broker.address}) as transport:
            transport.send(Record("orders", b"k", b"v"))
    finally:
        broker.close()
    assert caplog.messages == []
