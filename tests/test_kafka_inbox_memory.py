"""The inbox in memory: its bounds, and what it does not promise."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from registry.kafka.errors import SettingsError
from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import InboxBusy
from registry.kafka.inbox.memory import MemoryInbox
from registry.kafka.transaction import CONNECTION


def key(number: int) -> EventKey:
    return EventKey("billing", "shop.OrderPlaced", str(number))


def test_it_remembers_the_last_events_up_to_its_limit() -> None:
    inbox = MemoryInbox(limit=3)
    for number in range(5):
        with inbox.once(key(number)):
            pass
    seen = []
    for number in (2, 3, 4, 0):
        with inbox.once(key(number)) as new:
            seen.append(new)
    assert seen == [False, False, False, True]
    assert len(inbox) == 3


def test_it_forgets_what_is_older_than_it_keeps() -> None:
    inbox = MemoryInbox(keep=timedelta(microseconds=1))
    with inbox.once(key(1)):
        pass
    with inbox.once(key(1)) as new:
        assert new


def test_there_is_no_transaction_in_force() -> None:
    with MemoryInbox().once(key(1)):
        assert CONNECTION.get() is None


def test_the_same_event_inside_its_own_handler_is_passed_over() -> None:
    inbox = MemoryInbox()
    with inbox.once(key(1)), inbox.once(key(1)) as new:
        assert not new


def test_it_waits_for_another_thread_only_so_long() -> None:
    inbox, held, done = MemoryInbox(patience=0.05), threading.Event(), threading.Event()

    def hold() -> None:
        with inbox.once(key(1)):
            held.set()
            assert done.wait(10)

    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold)
        assert held.wait(10)
        with pytest.raises(InboxBusy, match=r"shop\.OrderPlaced 1 has been in hand in another"), inbox.once(key(1)):
            pass
        done.set()
        holding.result(10)


def test_a_limit_and_a_time_that_remember_nothing_are_refused() -> None:
    with pytest.raises(SettingsError, match="remembers nothing"):
        MemoryInbox(limit=0)
    with pytest.raises(SettingsError, match="cannot be kept for 0:00:00"):
        MemoryInbox(keep=timedelta(0))
