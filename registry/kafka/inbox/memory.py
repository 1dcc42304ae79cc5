"""Handled events in this process's memory: for tests, and for handlers that do no harm when they run twice."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from registry.kafka.errors import SettingsError
from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import InboxBusy
from registry.kafka.inbox.sweep import check_keep


class MemoryInbox:
    """The last ``limit`` events, for as long as the process lives; threads may share it.

    A process that starts again knows nothing, and neither do other processes: what was handled and not yet committed to
    the broker is handled again. There is no transaction: what a handler wrote before it raised stays.

    The same event in two threads at once: the second waits for the first, at most ``patience`` seconds, then
    :class:`InboxBusy`. ``keep`` forgets by age as well.
    """

    def __init__(self, *, limit: int = 1_000_000, keep: timedelta | None = None, patience: float = 30.0) -> None:
        if limit < 1:
            raise SettingsError(f"an inbox of {limit} events remembers nothing", help="give a limit of 1 or more")
        check_keep(keep)
        self._limit = limit
        self._keep = keep.total_seconds() if keep is not None else None
        self._patience = patience
        self._handled: dict[EventKey, float] = {}
        """When each was handled, by time.monotonic; oldest first."""
        self._in_hand: dict[EventKey, int] = {}
        """The thread that handles it now."""
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """How many events it remembers."""
        return len(self._handled)

    @contextmanager
    def once(self, key: EventKey) -> Iterator[bool]:
        """See :meth:`registry.kafka.Inbox.once`."""
        if not self._claim(key):
            yield False
            return
        handled = False
        try:
            yield True
            handled = True
        finally:
            with self._changed:
                del self._in_hand[key]
                if handled:
                    self._handled[key] = time.monotonic()
                    self._forget()
                self._changed.notify_all()

    def _claim(self, key: EventKey) -> bool:
        with self._changed:
            self._forget()
            if self._in_hand.get(key) == threading.get_ident():
                return False  # it came again while it is being handled, from inside its own handler
            if not self._changed.wait_for(lambda: key not in self._in_hand, self._patience):
                raise InboxBusy(
                    f"{key.contract} {key.event_id} has been in hand in another thread for more than {self._patience} s"
                )
            if key in self._handled:
                return False
            self._in_hand[key] = threading.get_ident()
            return True

    def _forget(self) -> None:
        handled = self._handled
        oldest = time.monotonic() - self._keep if self._keep is not None else None
        while handled:
            key = next(iter(handled))
            if len(handled) <= self._limit and (oldest is None or handled[key] > oldest):
                return
            del handled[key]
