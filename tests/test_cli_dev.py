"""`contracts dev`: a Kafka that is there until Ctrl-C, with the topics of ownership.yaml."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from registry.brokers.ports import find_ports
from tests.command import CONTRACTS, run
from tests.kafka_clusters import DEADLINE, KIND
from tests.repo import ENVIRONMENT, Repository

OWNERSHIP = """
version: 1
services:
  shop-api: {team: shop}
  mailer: {team: shop}
teams: {shop: {}}
entities:
  Order:
    owner: shop-api
    topic: shop.orders
    key: order_id
    events:
      shop.OrderPlaced:
        writes: [1]
        subscribers: [{service: mailer, reads: [1]}]
"""
TOPICS = {"shop.orders", "shop-api.dead-letters", "mailer.dead-letters"}
TOP = Path(__file__).parent.parent


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository whose catalog has one topic, and two services."""
    made = Repository(tmp_path / "shop")
    made.commit("first", {"ownership.yaml": OWNERSHIP})
    return made.path


@contextmanager
def started(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """`contracts dev` in a folder; killed at the end if it still runs."""
    command = [CONTRACTS, "dev", *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**ENVIRONMENT, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until_ready(process: "subprocess.Popen[str]") -> str:
    """What it prints until it is there."""
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return "".join(lines)
    raise AssertionError(f"it ended early: {''.join(lines)}{process.communicate()[1]}")


def read_topics(said: str) -> dict[str, int]:
    """The topics of the broker that it says it started, with their partitions."""
    from confluent_kafka.admin import AdminClient

    address = re.search(r"bootstrap\.servers=(\S+)", said)
    assert address, said
    topics = AdminClient({"bootstrap.servers": address[1], "log_level": 0}).list_topics(timeout=DEADLINE).topics
    return {name: len(topic.partitions) for name, topic in topics.items() if not name.startswith("__")}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_topics_of_the_catalog_are_there_until_it_is_ended(shop: Path, number: signal.Signals) -> None:
    with started(shop, "--broker", "mock", "--partitions", "3") as process:
        said = read_until_ready(process)
        assert read_topics(said) == dict.fromkeys(TOPICS, 3)
        assert all(f"    {topic}\n" in said for topic in TOPICS)
        process.send_signal(number)
        _, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, errors) == (0, "")


def test_the_mock_tells_what_it_cannot_do(shop: Path) -> None:
    with started(shop, "--broker", "mock") as process:
        said = read_until_ready(process)
    assert said.startswith(
        "librdkafka's mock cluster, in this process\n  limits    for trying out: the newest 5 MB of a"
    )


def test_auto_says_why_it_takes_the_mock(shop: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    with started(shop, environment={"PATH": str(programs), "JAVA_HOME": ""}) as process:
        said = read_until_ready(process)
        process.send_signal(signal.SIGINT)
        _, notes = process.communicate(timeout=DEADLINE)
    assert said.startswith("librdkafka's mock cluster")
    assert notes.splitlines() == [
        "note: not apache: missing: Java, which Apache Kafka runs on",
        "note: not container: no container engine answers (docker: not installed; podman: not installed)",
    ]


@pytest.mark.skipif(KIND != "apache", reason="real Kafka: make test-kafka")
def test_the_real_one_listens_on_the_port_that_was_asked_for_and_leaves_nothing(shop: Path, tmp_path: Path) -> None:
    (port,) = find_ports(1)  # none that the system may give to an outgoing connection meanwhile
    folder = tmp_path / "folder"
    folder.mkdir()
    with started(shop, "--broker", "apache", "--port", str(port), environment={"TMPDIR": str(folder)}) as process:
        said = read_until_ready(process)
        assert f"bootstrap.servers=127.0.0.1:{port}\n" in said
        assert read_topics(said) == dict.fromkeys(TOPICS, 4)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert not any(folder.iterdir())


def test_a_port_for_the_mock_is_refused(shop: Path) -> None:
    outcome = run(shop, "dev", "--broker", "mock", "--port", "9092")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: the mock cluster cannot listen on port 9092")


def test_a_catalog_without_topics_still_gets_a_broker(tmp_path: Path) -> None:
    made = Repository(tmp_path / "empty")
    with started(made.path, "--broker", "mock") as process:
        assert "topics" not in read_until_ready(process)
        process.send_signal(signal.SIGINT)
        _, notes = process.communicate(timeout=DEADLINE)
    assert notes == "note: there is no ownership.yaml here, so no topic is created\n"


def test_ownership_without_topics_still_gets_a_broker(tmp_path: Path) -> None:
    made = Repository(tmp_path / "bare")
    made.commit("first", {"ownership.yaml": "version: 1\n"})
    assert run(made.path, "dev", "--print-compose").err == (
        "note: ownership.yaml names no topic and no service, so none is created\n"
    )


def test_what_check_refuses_in_ownership_is_one_note_and_the_rest_is_created(tmp_path: Path) -> None:
    made = Repository(tmp_path / "flawed")
    made.commit("first", {"ownership.yaml": OWNERSHIP + "colour: red\nsize: 3\n"})
    outcome = run(made.path, "dev", "--print-compose")
    assert outcome.code == 0
    assert "shop.orders" in outcome.out
    (note,) = outcome.err.splitlines()
    assert note.startswith("note: `contracts check` refuses ownership.yaml:")
    assert note.endswith("(and 1 more); going on with the rest")


def test_ownership_that_cannot_be_read_starts_nothing(tmp_path: Path) -> None:
    made = Repository(tmp_path / "broken")
    made.commit("first", {"ownership.yaml": "entities: ["})
    outcome = run(made.path, "dev", "--broker", "mock")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ownership.yaml:2:1: this is not YAML")


def test_the_compose_file_has_the_topics_and_the_port(shop: Path) -> None:
    outcome = run(shop, "dev", "--print-compose", "--port", "9555", "--partitions", "2")
    assert (outcome.code, outcome.err) == (0, "")
    services = yaml.safe_load(outcome.out)["services"]
    assert services["kafka"]["ports"] == ["127.0.0.1:9555:9092"]
    advertised = services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert advertised == "PLAINTEXT://kafka:19092,HOST://127.0.0.1:9555"
    assert run_as_shell(services["topics"], shop) == {
        f"--bootstrap-server kafka:19092 --create --if-not-exists --topic {topic} --partitions 2" for topic in TOPICS
    }


def run_as_shell(service: Mapping[str, list[str]], folder: Path) -> set[str]:
    """The commands that the service gives to Kafka's own script, seen by a script in its place."""
    script = folder / "kafka-topics.sh"
    script.write_text('#!/bin/sh\necho "$@"\n')
    script.chmod(0o755)
    text = service["command"][0].replace("$$", "$").replace("/opt/kafka/bin/kafka-topics.sh", os.fspath(script))
    done = subprocess.run([*service["entrypoint"], text], capture_output=True, text=True, check=True)
    return {*done.stdout.splitlines()}


def test_the_compose_file_of_the_examples_is_the_one_of_this_catalog() -> None:
    printed = run(TOP, "dev", "--print-compose")
    written = (TOP / "examples" / "compose.yaml").read_text()
    assert written == printed.out, "contracts dev --print-compose > examples/compose.yaml"
