"""Handled events in Redis: quick and shared, and not in one transaction with anything that a handler writes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from registry.kafka.errors import MissingLibrary, SettingsError
from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import ClaimLost, InboxBusy, InboxUnavailable
from registry.kafka.inbox.stored import render_row

if TYPE_CHECKING:
    import redis

_PAUSE: Final = 0.05
"""Seconds between two questions whether another handler is done."""
_CLAIMED: Final = 1
_ELSEWHERE: Final = 2
"""What a claim answers beside 0, for an event that was handled."""

# Scripts, since Redis runs each as one step. Each may run twice: a client sends a command again whose answer was lost.
_CLAIM: Final = """
local held = redis.call('get', KEYS[1])
if held and string.sub(held, 1, 8) == 'handled:' then return 0 end
if held and held ~= 'claimed:' .. ARGV[1] then return 2 end
redis.call('set', KEYS[1], 'claimed:' .. ARGV[1], 'px', ARGV[2])
return 1
"""
_FINISH: Final = """
local held = redis.call('get', KEYS[1])
if held == 'handled:' .. ARGV[1] then return 1 end
if held ~= 'claimed:' .. ARGV[1] then return 0 end
redis.call('set', KEYS[1], 'handled:' .. ARGV[1])
if ARGV[2] ~= '' then redis.call('pexpire', KEYS[1], ARGV[2]) end
return 1
"""
_RELEASE: Final = """
if redis.call('get', KEYS[1]) == 'claimed:' .. ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""


class RedisInbox:
    """An event is claimed, handled, and then marked as handled. Threads and processes may share the Redis.

    :param source: a URL, or a client, which keeps its own settings.
    :param lease: how long a claim lasts. Make it longer than any handler takes.
    :param keep: how long an event is remembered; ``None``: for ever. Make it longer than the topic keeps its records.
    :param patience: seconds to wait for another handler of the same event.
    :param prefix: of all keys in Redis.

    What is guaranteed, and what is not:

    - Handled before: passed over. The handler raised: the claim is given back at once, and what it wrote stays written.
    - The process dies between claim and mark: nobody knows how far it came. Until the lease is over others get
      :class:`InboxBusy`; then the event is handled again, and what was written already is written twice.
    - The handler outlasts its lease: another process may handle the event too. The slower one gets :class:`ClaimLost`.
    - Redis forgets (a failover before the replica had the mark, eviction when memory is full, no persistence): the
      event is handled again. Set ``maxmemory-policy noeviction``.

    So handlers should do no harm when they run twice; where they write to SQLite or PostgreSQL, take that inbox.
    """

    def __init__(
        self,
        source: "str | redis.Redis",
        *,
        lease: timedelta = timedelta(minutes=5),
        keep: timedelta | None = timedelta(days=14),
        patience: float = 1.0,
        prefix: str = "contracts:inbox",
    ) -> None:
        self._library = _library()
        if min(lease, lease if keep is None else keep) < timedelta(milliseconds=1):
            raise SettingsError(
                f"lease={lease} and keep={keep}: each lasts a millisecond or more",
                help="keep=None remembers events for ever",
            )
        self._client: Any = self._library.Redis.from_url(source) if isinstance(source, str) else source
        self._own = isinstance(source, str)
        self._lease = lease // timedelta(milliseconds=1)
        self._keep = "" if keep is None else str(keep // timedelta(milliseconds=1))
        self._patience = patience
        self._prefix = prefix
        self._claim, self._finish, self._release = (
            self._client.register_script(script) for script in (_CLAIM, _FINISH, _RELEASE)
        )

    def __enter__(self) -> "RedisInbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections. A client that was given stays as it is."""
        if self._own:
            self._client.close()

    @contextmanager
    def once(self, key: EventKey) -> Iterator[bool]:
        """See :meth:`registry.kafka.Inbox.once`, and the class for what is different here.

        Raises :class:`InboxUnavailable` and :class:`InboxBusy` on entering; on leaving :class:`ClaimLost`, and
        :class:`InboxUnavailable` where the handler returned and that could not be written down.
        """
        name, token = ":".join((self._prefix, *render_row(key))), uuid4().hex
        if not self._claims(name, token, key):
            yield False
            return
        try:
            yield True
        except BaseException as error:
            try:
                self._release([name], [token])
            except self._library.RedisError as further:
                error.add_note(f"the claim of {name} could not be given back ({further}); it ends with its lease")
            raise
        try:
            kept = self._finish([name], [token, self._keep])
        except self._library.RedisError as error:
            raise InboxUnavailable(
                f"{key.contract} {key.event_id} was handled, and Redis could not be told: {error}",
                help="it will be handled again when its lease is over",
            ) from error
        if not kept:
            raise ClaimLost(
                f"handling {key.contract} {key.event_id} took longer than its lease of {self._lease / 1000} s",
                help="give the inbox a longer lease, or the handler less to do",
            )

    def _claims(self, name: str, token: str, key: EventKey) -> bool:
        """Whether this one may handle the event; waits while another one does."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer = self._claim([name], [token, self._lease])
            except self._library.RedisError as error:
                raise InboxUnavailable(f"the inbox in Redis cannot be used: {error}") from error
            if answer != _ELSEWHERE:
                return bool(answer == _CLAIMED)
            if time.monotonic() >= deadline:
                raise InboxBusy(
                    f"{key.contract} {key.event_id} is being handled elsewhere, or its handler died",
                    help=f"a claim ends after {self._lease / 1000} s at the latest; try again then",
                )
            time.sleep(_PAUSE)


def _library() -> Any:
    """redis-py. Raises :class:`MissingLibrary` where it is not installed."""
    try:
        import redis
    except ImportError as error:
        raise MissingLibrary("an inbox in Redis needs redis", help="pip install 'event-contracts[redis]'") from error
    return redis
