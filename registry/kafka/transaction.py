"""The database transaction in force here: an inbox begins it around a handler, and an outbox writes into it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from registry.kafka.errors import NoTransaction

CONNECTION: Final[ContextVar[Any]] = ContextVar("registry.kafka.connection", default=None)
"""A connection of sqlite3 or psycopg, inside a transaction; ``None`` outside of any."""


@contextmanager
def using(connection: Any) -> Iterator[Any]:
    """``with using(connection):`` outboxes write their rows through this connection, in the caller's transaction."""
    token = CONNECTION.set(connection)
    try:
        yield connection
    finally:
        CONNECTION.reset(token)


def current_connection() -> Any:
    """The connection whose transaction is in force: what a handler writes through it is committed with its event.

    Raises :class:`registry.kafka.NoTransaction` outside of any.
    """
    connection = CONNECTION.get()
    if connection is None:
        raise NoTransaction(
            "no transaction is in force here",
            help="give the Subscription an inbox, or use `with using(connection):`",
        )
    return connection
