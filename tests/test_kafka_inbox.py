"""What every inbox promises, asked of each store."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from registry.kafka.errors import NoTransaction, SettingsError
from registry.kafka.inbox import EventKey, Inbox
from registry.kafka.inbox.errors import InboxBusy
from registry.kafka.inbox.memory import MemoryInbox
from registry.kafka.inbox.postgres import PostgresInbox
from registry.kafka.inbox.redis import RedisInbox
from registry.kafka.inbox.shelf import Shelf
from registry.kafka.inbox.sqlite import SqliteInbox
from registry.kafka.inbox.stored import render_id, render_name
from registry.kafka.transaction import current_connection, using

Make = Callable[..., Any]


@pytest.fixture(params=["memory", "sqlite", "postgres", "redis"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes an inbox on one and the same store; each is closed at the end."""
    with ExitStack() as stack:
        if request.param == "memory":
            memory = MemoryInbox()
            yield lambda patience=5: memory
        elif request.param == "sqlite":
            yield lambda patience=5: stack.enter_context(SqliteInbox(tmp_path / "shop.db", patience=patience))
        elif request.param == "postgres":
            found = request.getfixturevalue("postgres").conninfo
            yield lambda patience=5: stack.enter_context(PostgresInbox(found, patience=patience))
        else:
            url = request.getfixturevalue("redis").url
            yield lambda patience=5: stack.enter_context(RedisInbox(url, patience=patience))


def key(event_id: str = "e-1", contract: str = "shop.OrderPlaced", group: str = "billing") -> EventKey:
    return EventKey(group, contract, event_id)


def test_an_event_is_new_once(make: Make) -> None:
    inbox: Inbox = make()
    with inbox.once(key()) as first:
        pass
    with inbox.once(key()) as second:
        pass
    assert (first, second) == (True, False)


def test_a_second_object_on_the_same_store_knows_what_the_first_handled(make: Make) -> None:
    with make().once(key()):
        pass
    with make().once(key()) as new:
        assert not new


@pytest.mark.parametrize("other", [key("e-2"), key(contract="shop.OrderPaid"), key(group="mail"), key("E-1")])
def test_another_event_contract_or_group_is_another_key(make: Make, other: EventKey) -> None:
    inbox = make()
    with inbox.once(key()):
        pass
    with inbox.once(other) as new:
        assert new


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_block_that_raises_leaves_the_event_new_and_its_error_as_it_is(make: Make, error: BaseException) -> None:
    inbox = make()
    with pytest.raises(type(error)) as seen, inbox.once(key()):
        raise error
    assert seen.value is error
    with inbox.once(key()) as new:
        assert new


@pytest.mark.parametrize(
    "odd",
    ["", " ", "e\0x", "\ud800", "ä" * 300, "'; drop table x; --", "%s %(a)s ? :a", "sha256:" + "0" * 64, "topic[3]@17"],
)
def test_an_id_may_be_any_text(make: Make, odd: str) -> None:
    inbox = make()
    with inbox.once(key(odd)) as first, inbox.once(key(odd + "x")) as longer:
        pass
    with inbox.once(key(odd)) as second:
        pass
    assert (first, longer, second) == (True, True, False)


def test_many_events_are_each_handled_once_by_many_threads_that_all_try_them(make: Make) -> None:
    inboxes, handled, lock = [make(patience=30), make(patience=30)], [], threading.Lock()

    def work(number: int) -> None:
        for event in range(40):
            with inboxes[number % 2].once(key(str(event))) as new:
                if new:
                    with lock:
                        handled.append(event)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert sorted(handled) == list(range(40))


def test_the_second_of_two_at_once_passes_over_what_the_first_handled(make: Make) -> None:
    first, second = run_at_once(make, fails=False)
    assert (first, second) == (True, False)


def test_the_second_of_two_at_once_handles_what_the_first_could_not(make: Make) -> None:
    first, second = run_at_once(make, fails=True)
    assert (first, second) == (True, True)


def run_at_once(make: Make, fails: bool) -> tuple[bool, bool]:
    """One thread holds the event while another one asks for it."""
    one, two, asked = make(patience=30), make(patience=30), threading.Event()

    def ask() -> bool:
        asked.set()
        with two.once(key()) as new:
            return bool(new)

    with ThreadPoolExecutor(1) as threads:
        try:
            with one.once(key()) as first:
                second = threads.submit(ask)
                assert asked.wait(10)
                if fails:
                    raise ValueError("the first fails")
        except ValueError:
            assert fails
        return first, second.result(20)


def test_who_waits_too_long_for_another_is_told_that_it_is_busy_and_may_come_again(make: Make) -> None:
    one, two = make(patience=30), make(patience=0.05)
    if one is two:
        pytest.skip("one object in memory has one patience: see test_kafka_inbox_memory.py")

    def ask() -> bool:
        with two.once(key()) as new:
            return bool(new)

    with ThreadPoolExecutor(1) as threads:
        with one.once(key()), pytest.raises(InboxBusy):
            threads.submit(ask).result(20)
        assert threads.submit(ask).result(20) is False


def test_once_inside_once_handles_both(make: Make) -> None:
    inbox = make()
    with inbox.once(key("outer")) as outer, inbox.once(key("inner")) as inner:
        assert outer and inner
    for name in ("outer", "inner"):
        with inbox.once(key(name)) as new:
            assert not new


def test_an_inner_once_that_fails_leaves_the_outer_one_whole(make: Make) -> None:
    inbox = make()
    with inbox.once(key("outer")), pytest.raises(ValueError, match="inner"), inbox.once(key("inner")):
        raise ValueError("only the inner one")
    with inbox.once(key("outer")) as outer, inbox.once(key("inner")) as inner:
        assert (outer, inner) == (False, True)


def test_ids_that_no_store_takes_are_kept_as_digests_and_others_as_they_are() -> None:
    assert render_id("0197-a") == "0197-a"
    assert render_id("x" * 255) == "x" * 255
    digests = {render_id(odd) for odd in ("x" * 256, "a\0", "\ud800", "sha256:", "ä" * 128)}
    assert len(digests) == 5 and all(len(digest) == 71 and digest.startswith("sha256:") for digest in digests)


def test_names_of_tables_are_quoted_or_refused() -> None:
    assert render_name("app", 'in"box') == '"app"."in""box"'
    assert render_name(None, "inbox") == '"inbox"'
    for refused in ("", "a\0", "x" * 64, "ä" * 32):
        with pytest.raises(SettingsError, match="cannot be the name of a table"):
            render_name(refused)


class Connection:
    """What a shelf lends."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_a_shelf_lends_what_came_back_usable_and_opens_another_for_each_at_once() -> None:
    shelf = Shelf(Connection, lambda connection: not connection.closed)
    with shelf.connection() as first, shelf.connection() as second:
        assert first is not second
    with shelf.connection() as third:
        assert third is first
        third.closed = True
    with shelf.connection() as fourth:
        assert fourth is second
    shelf.check()
    assert second.closed


@pytest.mark.parametrize(
    ("library", "module", "made", "extra"),
    [
        ("psycopg", "postgres", "PostgresInbox('')", "postgres"),
        ("psycopg", "async_postgres", "AsyncPostgresInbox('')", "postgres"),
        ("redis", "redis", "RedisInbox('')", "redis"),
    ],
)
def test_a_library_is_loaded_by_the_first_inbox_that_needs_it_and_named_where_it_is_missing(
    library: str, module: str, made: str, extra: str
) -> None:
    script = f"""
import sys
sys.modules[{library!r}] = None  # as where it is not installed
from registry.kafka.errors import MissingLibrary
from registry.kafka.inbox.{module} import *
try:
    {made}
except MissingLibrary as error:
    print(error.help)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout == f"pip install 'event-contracts[{extra}]'\n"


def test_a_handler_without_an_inbox_is_told_that_nothing_would_be_committed_with_it() -> None:
    with pytest.raises(NoTransaction, match="no transaction is in force here") as raised:
        current_connection()
    assert raised.value.help == "give the Subscription an inbox, or use `with using(connection):`"


def test_the_connection_in_use_is_the_one_in_force() -> None:
    connection = object()
    with using(connection):
        assert current_connection() is connection
