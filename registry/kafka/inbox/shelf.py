"""Connections that are open and not in use: each is lent to one handler at a time."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar


class Closing(Protocol):
    """All that is asked of a connection here."""

    def close(self) -> object:
        """Ends it."""


C = TypeVar("C", bound=Closing)


class Shelf(Generic[C]):
    """As many connections as there are handlers at once. What a pool does for its users, and nothing more.

    ``usable`` tells whether a connection may be lent again. With ``bound`` a connection goes to the thread that opened
    it, as sqlite3 demands of connections that were opened without ``check_same_thread=False``. After a fork the child
    opens its own.
    """

    def __init__(self, open: Callable[[], C], usable: Callable[[C], bool], bound: bool = False) -> None:
        self._open = open
        self._usable = usable
        self._bound = bound
        self._idle: dict[tuple[int, int], list[C]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def connection(self) -> Iterator[C]:
        """Lends one, and takes it back where it is still usable."""
        place = self._place()
        with self._lock:
            idle = self._idle.get(place)
            held = idle.pop() if idle else None
        connection = self._open() if held is None else held
        try:
            yield connection
        finally:
            if self._usable(connection):
                with self._lock:
                    self._idle.setdefault(place, []).append(connection)
            else:
                connection.close()

    def check(self) -> None:
        """Drops what is idle here: called when one of them turned out to be broken, since the others will be too.

        Bound connections of other threads are not for this one to touch.
        """
        with self._lock:
            idle = self._idle.pop(self._place(), [])
        for connection in idle:
            connection.close()

    def _place(self) -> tuple[int, int]:
        return os.getpid(), threading.get_ident() if self._bound else 0
