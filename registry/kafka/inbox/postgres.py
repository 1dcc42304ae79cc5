"""Handled events in the service's own PostgreSQL database, committed with what the handler wrote."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import InboxBusy, InboxUnavailable, TransactionEnded
from registry.kafka.inbox.postgres_marks import (
    CURRENT,
    Mark,
    describe_end,
    ended,
    is_usable,
    library,
    make_statements,
    milliseconds,
    parse_mark,
    unavailable,
)
from registry.kafka.inbox.shelf import Shelf
from registry.kafka.inbox.stored import render_row
from registry.kafka.inbox.sweep import Sweep
from registry.kafka.transaction import CONNECTION, using

if TYPE_CHECKING:
    import psycopg


class Pool(Protocol):
    """What is needed of ``psycopg_pool.ConnectionPool``, or of any other pool of psycopg's connections."""

    def connection(self) -> AbstractContextManager[Any]:
        """Lends a connection, and takes it back."""


class PostgresInbox:
    """Handled events in a table of a PostgreSQL database (13 or later). Threads may share the object.

    :param source: a conninfo string or URL; or a pool; or a function that opens a connection of psycopg. Without a
        pool there are as many connections as handlers at once, and one that broke is replaced.
    :param schema: the table's schema; without one that of the connection's ``search_path``.
    :param table: the table's name, which need not be plain.
    :param keep: how long an event is remembered; ``None``: for ever. Make it longer than the topic keeps its records,
        since an older event that comes again is handled again.
    :param patience: seconds to wait for another handler of the same event.
    :param create: whether the table is created where it is missing; else run :attr:`ddl` with your own migrations.

    A handler writes through :func:`registry.kafka.current_connection`; ``connection.transaction()`` inside
    makes savepoints, and psycopg refuses ``commit()`` and ``rollback()``. The same event twice at once: the second
    waits for the first, and handles the event where the first fails.

    A handler that executes ``COMMIT`` as a statement is noticed (:class:`TransactionEnded`), and its event does not
    count as handled, unless the process dies before it returns.
    """

    def __init__(
        self,
        source: "str | Pool | Callable[[], psycopg.Connection[Any]]",
        *,
        schema: str | None = None,
        table: str = "contracts_inbox",
        keep: timedelta | None = None,
        patience: float = 30.0,
        create: bool = True,
    ) -> None:
        self._psycopg = library()
        self._pipelined = self._psycopg.Pipeline.is_supported()  # by libpq 14 and later
        self._source = self._make_source(source)
        self._statements = make_statements(schema, table)
        self.ddl = self._statements.ddl
        """The statements that create the table."""
        self._wait = milliseconds(patience)
        self._sweep = Sweep(keep)
        self._created = not create
        self._lent: dict[int, tuple[int, list[Mark]]] = {}
        """By the id of a connection that is in a handler's hands: the handler's thread, and what it has marked."""

    def __enter__(self) -> "PostgresInbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections that are idle. A pool that was given stays as it is."""
        if isinstance(self._source, Shelf):
            self._source.check()

    def create(self) -> None:
        """Creates the table where it is missing. Call it when the service starts, to be told at once what is wrong."""
        with self._connection() as connection, self._translated():
            self._create(connection)

    def forget(self) -> int:
        """Forgets events older than ``keep``, at most 500; ``once`` does it now and then. Tells how many."""
        with self._connection() as connection, self._translated():
            return self._forget(connection)

    @contextmanager
    def once(self, key: EventKey) -> Iterator[bool]:
        """See :meth:`registry.kafka.Inbox.once`. Inside another ``once`` of this inbox both commit together.

        Raises :class:`InboxUnavailable`, and :class:`InboxBusy` where the same event is in hand elsewhere for too long,
        on entering; both :class:`InboxUnavailable` and :class:`TransactionEnded` on leaving.
        """
        connection = CONNECTION.get()
        thread, marks = self._lent.get(id(connection), (0, []))
        if thread == threading.get_ident():
            with self._marked(connection, key, marks) as new:
                yield new
            return
        with ExitStack() as stack:
            try:
                new = stack.enter_context(self._attempt(key))
            except InboxBusy:
                raise
            except InboxUnavailable as error:
                if not isinstance(error.__cause__, self._psycopg.OperationalError):
                    raise
                self._check()  # a connection that broke while nobody used it, as after a failover
                new = stack.enter_context(self._attempt(key))
            yield new

    @contextmanager
    def _attempt(self, key: EventKey) -> Iterator[bool]:
        with self._connection() as connection:
            with self._translated():
                if not self._created:
                    self._create(connection)
                if self._sweep.due():
                    self._forget(connection)
            marks: list[Mark] = []
            self._lent[id(connection)] = threading.get_ident(), marks
            try:
                with self._marked(connection, key, marks) as new:
                    yield new
            except BaseException as error:
                self._unmark(connection, marks, error)
                if connection.broken and marks and isinstance(error, Exception):
                    raise unavailable(error) from error
                raise
            finally:
                del self._lent[id(connection)]

    @contextmanager
    def _marked(self, connection: Any, key: EventKey, marks: list[Mark]) -> Iterator[bool]:
        transaction = connection.transaction()  # psycopg refuses commit() and rollback() while it lasts
        mark = self._insert(connection, transaction, key)
        if mark is None:
            transaction.__exit__(None, None, None)
            yield False
            return
        marks.append(mark)
        try:
            with using(connection):
                yield True
            self._refuse_end(connection, mark)
        except BaseException as error:
            # It would swallow psycopg.Rollback, and the event would count as handled.
            transaction.__exit__(type(error), error, error.__traceback__)
            raise
        try:
            transaction.__exit__(None, None, None)
        except self._psycopg.OperationalError as error:
            raise unavailable(error) from error

    def _insert(self, connection: Any, transaction: Any, key: EventKey) -> Mark | None:
        """Begins, and marks, in two round trips. Raises :class:`InboxUnavailable`, and leaves no transaction then."""
        sql, cursor, inserting = self._statements, self._cursor(connection), self._cursor(connection)
        with self._translated():
            transaction.__enter__()
            try:
                with connection.pipeline() if self._pipelined else nullcontext():
                    cursor.execute(sql.wait, (self._wait,))
                    inserting.execute(sql.insert, render_row(key))
                    cursor.execute(sql.unwait)
                return parse_mark(key, inserting.fetchone())
            except BaseException as error:
                transaction.__exit__(type(error), error, error.__traceback__)
                raise

    def _refuse_end(self, connection: Any, mark: Mark) -> None:
        fact = describe_end(connection)
        if not fact and self._cursor(connection).execute(CURRENT).fetchone() != (mark.transaction,):
            fact = "the handler ended the transaction and began another"
        if fact:
            raise ended(mark, fact)

    def _unmark(self, connection: Any, marks: list[Mark], error: BaseException) -> None:
        """Sees to it that events do not count as handled, where a handler committed them and raised then."""
        if not marks or not is_usable(connection):
            return
        with self._translated(), connection.transaction():
            found = [
                mark
                for mark in marks
                if self._cursor(connection).execute(self._statements.delete, (*mark.row, mark.xmin)).rowcount
            ]
        if found and isinstance(error, Exception) and not isinstance(error, TransactionEnded):
            raise ended(found[0], "the handler ended the transaction and raised") from error

    def _create(self, connection: Any) -> None:
        sql = self._statements
        with connection.transaction():
            cursor = self._cursor(connection)
            found = cursor.execute(*sql.find).fetchone()
            if found != (True,):
                cursor.execute(sql.lock)
                # Once more: an index is made behind all who write into the table, so behind whoever made it just now.
                found = cursor.execute(*sql.find).fetchone()
            for statement in () if found == (True,) else sql.ddl:
                cursor.execute(statement.encode())
        self._created = True

    def _forget(self, connection: Any) -> int:
        if self._sweep.keep is None:
            return 0
        with connection.transaction():
            forgotten = self._cursor(connection).execute(self._statements.forget, (self._sweep.keep,)).rowcount
        self._sweep.done(forgotten)
        return int(forgotten)

    def _cursor(self, connection: Any) -> Any:
        """Of psycopg's own kind: the service may have chosen other rows, or other parameters, for its connections."""
        return self._psycopg.Cursor(connection, row_factory=self._psycopg.rows.tuple_row)

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        with ExitStack() as stack:
            with self._translated():
                connection = stack.enter_context(self._source.connection())
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """For the inbox's own statements: what psycopg raises in them is no handler's fault."""
        try:
            yield
        except self._psycopg.Error as error:
            raise unavailable(error) from error

    def _check(self) -> None:
        """Drops connections that are idle and broken."""
        if check := getattr(self._source, "check", None):  # a pool need not have it
            check()

    def _make_source(self, source: "str | Pool | Callable[[], psycopg.Connection[Any]]") -> Pool:
        if hasattr(source, "connection"):
            return source
        if callable(source):
            return Shelf(source, is_usable)
        return Shelf(lambda: self._psycopg.connect(source), is_usable)
