"""A connection of sqlite3 whose transaction nobody ends but the inbox that began it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any


class Guarded:
    """The connection, and whether somebody else tried to end its transaction.

    SQLite asks an authorizer about every statement that it prepares. So ``connection.commit()``, ``with connection:``,
    ``executescript`` and a ``COMMIT`` in plain SQL all raise ``sqlite3.DatabaseError: not authorized`` in the handler,
    and nothing is half committed. Savepoints stay allowed. An authorizer that the connection had is replaced.
    """

    __slots__ = ("_open", "_state", "connection")

    def __init__(self, open: Callable[[], sqlite3.Connection]) -> None:
        self._open = open
        self._state = _State()
        self.connection = open()
        self.connection.set_authorizer(_authorizer(self._state))

    @property
    def refused(self) -> str:
        """What a handler tried: ``COMMIT``, ``ROLLBACK`` or ``BEGIN``; empty where none did."""
        return self._state.refused

    def begin(self, statement: str) -> None:
        """Begins a transaction that only :meth:`end` ends."""
        try:
            self.run(statement)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_BUSY_SNAPSHOT:
                raise
            self._renew()
            self.run(statement)
        self._state.within, self._state.refused = True, ""

    def _renew(self) -> None:
        """A cursor that a handler kept open still reads an older state: nothing more is written through this one."""
        self.connection.close()
        self.connection = self._open()
        self.connection.set_authorizer(_authorizer(self._state))

    def end(self, statement: str) -> None:
        """Ends it."""
        self.run(statement)
        self._state.within = False

    def run(self, statement: str, *values: object) -> int:
        """Executes a statement of the inbox's own; tells how many rows it changed."""
        self._state.ours = True
        try:
            with closing(self.connection.execute(statement, values)) as cursor:
                return cursor.rowcount
        finally:
            self._state.ours = False

    def close(self) -> None:
        """Closes the connection, which rolls back what was not committed."""
        self.connection.close()


class _State:
    """Apart from the connection, which holds on to its authorizer and could otherwise not be freed."""

    __slots__ = ("ours", "refused", "within")

    def __init__(self) -> None:
        self.ours = False
        self.within = False
        self.refused = ""


def _authorizer(state: _State) -> Callable[..., int]:
    def authorize(action: int, operation: str | None, *_: Any) -> int:
        if action == sqlite3.SQLITE_TRANSACTION and state.within and not state.ours:
            state.refused = state.refused or operation or "a transaction's end"
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    return authorize
