"""A process that is killed in the middle of a handler, and two processes that have the same event at once."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import InboxBusy
from registry.kafka.inbox.postgres import PostgresInbox
from registry.kafka.inbox.redis import RedisInbox
from registry.kafka.inbox.sqlite import SqliteInbox
from registry.kafka.transaction import current_connection

KEY = EventKey("billing", "shop.OrderPlaced", "e-1")
MODULES = {
    "sqlite": "from registry.kafka.inbox.sqlite import SqliteInbox as Inbox",
    "postgres": "from registry.kafka.inbox.postgres import PostgresInbox as Inbox",
    "redis": "from registry.kafka.inbox.redis import RedisInbox as Inbox",
}
WORK = """
import sys
from registry.kafka.inbox import EventKey
from registry.kafka.transaction import CONNECTION, current_connection

with Inbox(sys.argv[1]).once(EventKey("billing", "shop.OrderPlaced", "e-1")) as new:
    print(new, flush=True)
    if new and CONNECTION.get() is not None:  # Redis has none
        current_connection().execute("insert into bill values ('by the process')")
    print("written", flush=True)
    sys.stdin.readline()
print("committed", flush=True)
sys.stdin.readline()
"""


class Store:
    """A database with a table of bills, for an inbox of this process and of others."""

    def __init__(self, kind: str, place: str) -> None:
        self.kind = kind
        self.place = place

    def open(self, patience: float = 30.0) -> Any:
        return {"sqlite": SqliteInbox, "postgres": PostgresInbox}[self.kind](self.place, patience=patience)

    def create_bills(self) -> None:
        with self.open() as inbox, inbox.once(EventKey("billing", "set up", "")):
            current_connection().execute("create table bill (id text)")

    def bills(self) -> list[str]:
        with self.open() as inbox, inbox.once(EventKey("billing", "look", str(id(inbox)))):
            return [name for (name,) in current_connection().execute("select id from bill").fetchall()]


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    place = str(tmp_path / "billing.db")
    if request.param == "postgres":
        place = request.getfixturevalue("postgres").conninfo
    made = Store(request.param, place)
    made.create_bills()
    return made


@contextmanager
def handling(kind: str, place: str, new: bool = True) -> Iterator[Any]:
    """A process that stands in the middle of its handler, after its write; each line that it is sent lets it go on."""
    with subprocess.Popen(
        [sys.executable, "-c", MODULES[kind] + WORK, place],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"{new}\n"
            assert process.stdout.readline() == "written\n"
            yield process
        finally:
            process.kill()


def go_on(process: Any) -> str:
    process.stdin.write("\n")
    return str(process.stdout.readline())


def test_killed_before_the_commit_nothing_was_written_and_the_event_is_new(store: Store) -> None:
    with handling(store.kind, store.place) as process:
        process.kill()
    assert store.bills() == []
    with store.open() as inbox, inbox.once(KEY) as new:
        assert new


def test_killed_after_the_commit_all_was_written_and_the_event_is_passed_over(store: Store) -> None:
    with handling(store.kind, store.place) as process:
        assert go_on(process) == "committed\n"
        process.kill()
    assert store.bills() == ["by the process"]
    with store.open() as inbox, inbox.once(KEY) as new:
        assert not new


def test_who_waits_for_a_process_that_is_killed_handles_the_event(store: Store) -> None:
    with handling(store.kind, store.place) as process, store.open(patience=0.05) as hasty, store.open() as patient:
        with pytest.raises(InboxBusy), hasty.once(KEY):
            pass
        process.kill()
        with patient.once(KEY) as new:
            assert new
    assert store.bills() == []


def test_who_waits_for_a_process_that_commits_passes_over_the_event(store: Store) -> None:
    with handling(store.kind, store.place) as process:
        process.stdin.write("\n")
        with store.open() as inbox, inbox.once(KEY) as new:
            assert not new
    assert store.bills() == ["by the process"]


def test_two_processes_handle_an_event_once(store: Store) -> None:
    with handling(store.kind, store.place) as first:
        assert go_on(first) == "committed\n"
        with handling(store.kind, store.place, new=False) as second:
            assert go_on(second) == "committed\n"
    assert store.bills() == ["by the process"]


def test_in_redis_the_claim_of_a_killed_process_outlives_it(request: pytest.FixtureRequest) -> None:
    redis = request.getfixturevalue("redis")
    with handling("redis", redis.url) as process:
        process.kill()
    inbox = RedisInbox(redis.url, patience=0)
    with pytest.raises(InboxBusy, match="or its handler died"), inbox.once(KEY):
        pass
    inbox.close()
