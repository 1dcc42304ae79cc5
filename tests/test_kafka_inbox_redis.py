"""The inbox in Redis: claimed, then handled; what holds when a process dies or takes too long."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from registry.kafka.errors import SettingsError
from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import ClaimLost, InboxBusy, InboxUnavailable
from registry.kafka.inbox.redis import RedisInbox
from registry.kafka.transaction import CONNECTION
from tests.databases import Redis

KEY = EventKey("billing", "shop.OrderPlaced", "e-1")
NAME = "contracts:inbox:billing:shop.OrderPlaced:e-1"


def handle(inbox: RedisInbox, work: Callable[[], object]) -> bool:
    """As a subscription does."""
    with inbox.once(KEY) as new:
        if new:
            work()
    return new


def test_an_event_is_claimed_while_it_is_handled_and_marked_then(redis: Redis) -> None:
    with redis.connect() as client, RedisInbox(redis.url, keep=timedelta(days=2)) as inbox:
        with inbox.once(KEY):
            assert client.get(NAME).startswith(b"claimed:")
            assert 290 < client.ttl(NAME) <= 300
            assert CONNECTION.get() is None
        assert client.get(NAME).startswith(b"handled:")
        assert 172_790 < client.ttl(NAME) <= 172_800


def test_events_are_kept_for_ever_where_that_is_wanted(redis: Redis) -> None:
    with redis.connect() as client, RedisInbox(redis.url, keep=None) as inbox:
        handle(inbox, lambda: None)
        assert client.ttl(NAME) == -1
        assert handle(inbox, lambda: None) is False


def test_a_handler_that_raises_gives_its_claim_back_at_once(redis: Redis) -> None:
    with redis.connect() as client, RedisInbox(redis.url) as inbox:
        with pytest.raises(ZeroDivisionError):
            handle(inbox, lambda: 1 / 0)
        assert client.get(NAME) is None


def test_a_claim_whose_owner_died_is_in_the_way_until_its_lease_is_over(redis: Redis) -> None:
    with redis.connect() as client, RedisInbox(redis.url, patience=0) as inbox:
        client.set(NAME, "claimed:by one that died", px=60_000)
        with pytest.raises(InboxBusy, match="being handled elsewhere, or its handler died") as seen:
            handle(inbox, lambda: None)
        assert "ends after 300.0 s at the latest" in seen.value.help
        client.delete(NAME)  # as Redis does when the lease is over
        assert handle(inbox, lambda: None)


def test_who_waits_long_enough_handles_the_event_when_the_lease_is_over(redis: Redis) -> None:
    with redis.connect() as client, RedisInbox(redis.url, patience=20) as inbox:
        client.set(NAME, "claimed:by one that died", px=80)
        assert handle(inbox, lambda: None)


def test_a_handler_that_outlasts_its_lease_is_told_and_takes_nothing_from_the_next(redis: Redis) -> None:
    with redis.connect() as client, RedisInbox(redis.url) as slow, RedisInbox(redis.url) as quick:

        def outlast() -> None:
            client.delete(NAME)  # as Redis does when the lease is over
            assert handle(quick, lambda: None)

        with pytest.raises(ClaimLost, match=r"took longer than its lease of 300\.0 s"):
            handle(slow, outlast)
        assert client.get(NAME).startswith(b"handled:")


def test_a_handler_that_fails_after_its_lease_leaves_the_claim_of_the_next_alone(redis: Redis) -> None:
    with redis.connect() as client, RedisInbox(redis.url) as inbox:

        def fail() -> None:
            client.set(NAME, "claimed:by another")
            raise ValueError("too late")

        with pytest.raises(ValueError, match="too late"):
            handle(inbox, fail)
        assert client.get(NAME) == b"claimed:by another"


def test_a_command_whose_answer_was_lost_may_be_sent_again(redis: Redis) -> None:
    with RedisInbox(redis.url) as inbox:
        claims = [inbox._claim([NAME], ["mine", 60_000]) for _ in range(2)]
        finishes = [inbox._finish([NAME], ["mine", "60000"]) for _ in range(2)]
    assert (claims, finishes) == ([1, 1], [1, 1])


@pytest.mark.parametrize("when", ["before", "while it is handled", "while it fails"])
def test_a_redis_that_is_gone_is_not_the_events_fault(redis: Redis, when: str) -> None:
    inbox = RedisInbox(redis.url)

    def stop_and_fail() -> None:
        redis.server.stop()
        raise ValueError("mine")

    try:
        if when == "before":
            redis.server.stop()
            with pytest.raises(InboxUnavailable, match="the inbox in Redis cannot be used"):
                handle(inbox, lambda: None)
        elif when == "while it is handled":
            with pytest.raises(InboxUnavailable, match="e-1 was handled, and Redis could not be told"):
                handle(inbox, redis.server.stop)
        else:
            with pytest.raises(ValueError, match="mine") as seen:
                handle(inbox, stop_and_fail)
            assert "could not be given back" in seen.value.__notes__[0]
    finally:
        redis.server.start()
    assert handle(inbox, lambda: None)
    inbox.close()


def test_a_client_of_the_service_keeps_its_settings_and_stays_open(redis: Redis) -> None:
    from redis import Redis as Client

    client = Client.from_url(redis.url, decode_responses=True)
    with RedisInbox(client, prefix="app") as inbox, ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(lambda _: handle(inbox, lambda: None), range(4))) == [False, False, False, True]
    assert client.keys() == ["app:billing:shop.OrderPlaced:e-1"]
    client.close()


@pytest.mark.parametrize("role", ["lease", "keep"])
def test_no_time_at_all_is_refused(redis: Redis, role: str) -> None:
    """Redis would delete what is to expire at once."""
    with pytest.raises(SettingsError, match="a millisecond or more"):
        RedisInbox(redis.url, **{role: timedelta(0)})  # type: ignore[arg-type]  # both are times
