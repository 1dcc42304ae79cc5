"""Relays and consumers are killed again and again under load: nothing is lost, nothing is applied twice.

On a real broker with SIGKILL fifty times in all; on the mock a few times, as its topics hold little.
"""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import IO, Any, Final

import pytest
from confluent_kafka import Consumer, TopicPartition

from registry.kafka.leaders import ask_leader
from tests.databases import Postgres
from tests.kafka_clusters import Cluster
from tests.kafka_crash_process import KEYS, connect, open_outbox
from tests.kafka_outboxes import KINDS

ROOT: Final = Path(__file__).parent.parent
SEED: Final = 20261123
PARTITIONS: Final = 4
PATIENCE: Final = 90.0

TABLES: Final = {
    "sqlite": """
        PRAGMA journal_mode = WAL;
        CREATE TABLE entities (name TEXT PRIMARY KEY, changes INTEGER NOT NULL);
        CREATE TABLE applied (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, number INTEGER, event_id TEXT,
                              correlation_id TEXT)""",
    "postgres": """
        CREATE TABLE entities (name text PRIMARY KEY, changes integer NOT NULL);
        CREATE TABLE applied (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, number integer,
                              event_id text, correlation_id text)""",
}


class Story:
    """The processes, and what they work on."""

    def __init__(self, kind: str, cluster: Cluster, folder: Path, database: Postgres | None) -> None:
        place = database.conninfo if database else str(folder / "service.db")
        topic = cluster.topic("shop.orders")
        cluster.create(topic, partitions=PARTITIONS)
        cluster.create("shop-api.dead-letters", partitions=1) if not cluster.real else None
        self.kind, self.cluster, self.topic = kind, cluster, topic
        self.facts: dict[str, Any] = {
            "kind": kind,
            "service": place,
            "consumer": place if database else str(folder / "consumer.db"),
            "settings": cluster.settings,
            "member": {"session.timeout.ms": 6000 if cluster.real else 2000, "auto.commit.interval.ms": 500},
            "topic": topic,
            "group": topic,
            "repeated": str(folder / "repeated"),
            "pause": 0.004,
            "limit": 1_000_000,
            "seed": SEED,
        }
        self.errors = folder / "errors"
        self._processes: list[subprocess.Popen[str]] = []
        for each in {self.facts["service"], self.facts["consumer"]}:
            with closing(connect(kind, each)) as connection:
                run = connection.executescript if kind == "sqlite" else connection.execute
                run(TABLES[kind])
                for number in range(KEYS):
                    connection.execute(f"INSERT INTO entities VALUES ('order-{number}', 0)")
                connection.commit()
        open_outbox(self.facts).create()

    def start(self, role: str, **facts: Any) -> "subprocess.Popen[str]":
        """A process, at work."""
        command = [sys.executable, "-m", "tests.kafka_crash_process", role, json.dumps(self.facts | facts)]
        with self.errors.open("a") as errors:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._processes.append(process)
        output: IO[str] | None = process.stdout
        assert output is not None and output.readline() == "at work\n", self.errors.read_text()[-3000:]
        return process

    def read(self, place: str, text: str) -> list[tuple[Any, ...]]:
        with closing(connect(self.kind, self.facts[place])) as connection:
            return [tuple(row) for row in connection.execute(text).fetchall()]

    def changes(self) -> dict[str, int]:
        """How often each entity was changed, each time with an event."""
        return dict(self.read("service", "SELECT name, changes FROM entities WHERE changes > 0"))

    def applied(self) -> list[tuple[str, int, str, str]]:
        """What was handled, in the order of the commits."""
        return [
            (name, number, event_id, correlation_id)
            for name, number, event_id, correlation_id in self.read(
                "consumer", "SELECT name, number, event_id, correlation_id FROM applied ORDER BY id"
            )
        ]

    def count(self, text: str, place: str = "consumer") -> int:
        return int(self.read(place, text)[0][0])

    def wait_until_applied(self, least: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.count("SELECT count(*) FROM applied") < least:
            if time.monotonic() > deadline:
                applied = self.count("SELECT count(*) FROM applied")
                waiting = self.count("SELECT count(*) FROM contracts_outbox", "service")
                pytest.fail(
                    f"{applied} of {least} events were handled in {PATIENCE:g} s, {waiting} wait in the outbox:\n"
                    f"{self.errors.read_text()[-3000:]}"
                )
            time.sleep(0.1)

    def records(self) -> int:
        """How many records the topic holds."""
        consumer = Consumer({**self.cluster.settings, "group.id": "a-counter"})
        try:
            places = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
            marks = [ask_leader(partial(consumer.get_watermark_offsets, place, PATIENCE)) for place in places]
            return sum(high - low for low, high in marks)
        finally:
            consumer.close()

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(PATIENCE)
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()


@contextmanager
def story(kind: str, cluster: Cluster, folder: Path, request: pytest.FixtureRequest) -> Iterator[Story]:
    made = Story(kind, cluster, folder, request.getfixturevalue("postgres") if kind == "postgres" else None)
    try:
        yield made
    finally:
        made.end()


@pytest.mark.parametrize("kind", KINDS)
def test_killed_again_and_again_under_load(
    kind: str,
    cluster: Cluster,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kills = 25 if cluster.real else 5
    chance = Random(SEED)
    started = time.monotonic()
    with story(kind, cluster, tmp_path, request) as told:
        members = {
            "relay 1": ("relay", {}),
            "relay 2": ("relay", {}),
            "consumer": ("consume", {"member": told.facts["member"] | {"group.instance.id": "one"}}),
        }
        running = {name: told.start(role, **facts) for name, (role, facts) in members.items()}
        writers = [told.start("write", seed=SEED + number) for number in range(2)]
        told.wait_until_applied(1)
        killed: Counter[str] = Counter()
        for number in range(kills):
            time.sleep(chance.uniform(0.05, 1.2))
            name = chance.choice(["relay 1", "relay 2", "consumer", "consumer"])
            assert running[name].poll() is None, told.errors.read_text()[-3000:]
            running[name].kill()
            running[name].wait(PATIENCE)
            killed[name] += 1
            role, facts = members[name]
            running[name] = told.start(role, **facts)
            if number % 5 == 4:
                told.wait_until_applied(told.count("SELECT count(*) FROM applied") + 1)
        for writer in writers:
            writer.send_signal(signal.SIGTERM)
            assert writer.wait(PATIENCE) == 0, told.errors.read_text()[-3000:]
        changes = told.changes()
        total = sum(changes.values())
        told.wait_until_applied(total)
        for process in running.values():
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0, told.errors.read_text()[-3000:]
        applied = told.applied()
        numbers: dict[str, list[int]] = {}
        for name, counted, _, correlation_id in applied:
            numbers.setdefault(name, []).append(counted)
            assert correlation_id == f"request-{name}-{counted}"
        # None lost, none twice, and in order: each entity's changes are 1, 2, 3 and so on.
        assert numbers == {name: list(range(1, count + 1)) for name, count in changes.items()}
        assert told.count("SELECT count(*) FROM contracts_outbox", "service") == 0
        records = told.records()
        repeated = Path(told.facts["repeated"]).stat().st_size
    with capsys.disabled():
        print(
            f"\n{kind}: {kills} kills ({', '.join(f'{name} {count}' for name, count in sorted(killed.items()))}) in "
            f"{time.monotonic() - started:.0f} s; {total} events, {records} records: {records - total} published "
            f"again, and {repeated} deliveries passed over by the inbox"
        )


@pytest.mark.parametrize("kind", KINDS)
def test_a_relay_that_ends_between_the_brokers_word_and_the_deletion_publishes_again(
    kind: str,
    cluster: Cluster,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    with story(kind, cluster, tmp_path, request) as told:
        writer = told.start("write", limit=1, pause=0)
        assert writer.wait(PATIENCE) == 0
        for _ in range(2):
            assert told.start("relay", die=True).wait(PATIENCE) == -signal.SIGKILL
        assert told.count("SELECT count(*) FROM contracts_outbox", "service") == 1
        told.start("relay")
        told.start("consume")
        told.wait_until_applied(1)
        deadline = time.monotonic() + PATIENCE
        while told.records() < 3 or told.count("SELECT count(*) FROM contracts_outbox", "service"):
            assert time.monotonic() < deadline, told.errors.read_text()[-3000:]
            time.sleep(0.05)
        repeated = Path(told.facts["repeated"])
        while not repeated.exists() or repeated.stat().st_size < 2:
            assert time.monotonic() < deadline, "the inbox passed nothing over"
            time.sleep(0.05)
        assert told.count("SELECT count(*) FROM applied") == 1
