"""The inbox in PostgreSQL for services that run on asyncio: :mod:`registry.kafka.inbox.postgres` with coroutines."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from registry.kafka.inbox import EventKey
from registry.kafka.inbox.async_shelf import AsyncShelf
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
from registry.kafka.inbox.stored import render_row
from registry.kafka.inbox.sweep import Sweep
from registry.kafka.transaction import CONNECTION, using

if TYPE_CHECKING:
    import psycopg


class AsyncPool(Protocol):
    """What is needed of ``psycopg_pool.AsyncConnectionPool``, or of any other pool of psycopg's connections."""

    def connection(self) -> AbstractAsyncContextManager[Any]:
        """Lends a connection, and takes it back."""


class AsyncPostgresInbox:
    """As :class:`registry.kafka.PostgresInbox`, for the tasks of one event loop.

    :param source: a conninfo string or URL; or an asynchronous pool; or a coroutine function that opens a connection.
    :param connections: without a pool, how many are open at most; a task that finds none waits for one.

    The other parameters, and what is guaranteed, are the same. A task that a handler starts is not part of its
    transaction: it must not use the connection after the handler returned.
    """

    def __init__(
        self,
        source: "str | AsyncPool | Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]",
        *,
        connections: int = 10,
        schema: str | None = None,
        table: str = "contracts_inbox",
        keep: timedelta | None = None,
        patience: float = 30.0,
        create: bool = True,
    ) -> None:
        self._psycopg = library()
        self._pipelined = self._psycopg.Pipeline.is_supported()  # by libpq 14 and later
        self._source = self._make_source(source, connections)
        self._statements = make_statements(schema, table)
        self.ddl = self._statements.ddl
        """The statements that create the table."""
        self._wait = milliseconds(patience)
        self._sweep = Sweep(keep)
        self._created = not create
        self._lent: dict[int, tuple[asyncio.Task[Any] | None, list[Mark]]] = {}
        """By the id of a connection that is in a handler's hands: the handler's task, and what it has marked."""

    async def __aenter__(self) -> "AsyncPostgresInbox":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections that are idle. A pool that was given stays as it is."""
        if isinstance(self._source, AsyncShelf):
            await self._source.check()

    async def create(self) -> None:
        """Creates the table where it is missing. Call it when the service starts, to be told at once what is wrong."""
        async with self._connection() as connection:
            with self._translated():
                await self._create(connection)

    async def forget(self) -> int:
        """Forgets events older than ``keep``, at most 500; ``once`` does it now and then. Tells how many."""
        async with self._connection() as connection:
            with self._translated():
                return await self._forget(connection)

    @asynccontextmanager
    async def once(self, key: EventKey) -> AsyncIterator[bool]:
        """See :meth:`registry.kafka.AsyncInbox.once`. Inside another ``once`` of this inbox both commit together.

        Raises :class:`InboxUnavailable`, and :class:`InboxBusy` where the same event is in hand elsewhere for too long,
        on entering; both :class:`InboxUnavailable` and :class:`TransactionEnded` on leaving.
        """
        connection = CONNECTION.get()
        task, marks = self._lent.get(id(connection), (None, []))
        if task is not None and task is asyncio.current_task():
            async with self._marked(connection, key, marks) as new:
                yield new
            return
        async with AsyncExitStack() as stack:
            try:
                new = await stack.enter_async_context(self._attempt(key))
            except InboxBusy:
                raise
            except InboxUnavailable as error:
                if not isinstance(error.__cause__, self._psycopg.OperationalError):
                    raise
                await self._check()  # a connection that broke while nobody used it, as after a failover
                new = await stack.enter_async_context(self._attempt(key))
            yield new

    @asynccontextmanager
    async def _attempt(self, key: EventKey) -> AsyncIterator[bool]:
        async with self._connection() as connection:
            with self._translated():
                if not self._created:
                    await self._create(connection)
                if self._sweep.due():
                    await self._forget(connection)
            marks: list[Mark] = []
            self._lent[id(connection)] = asyncio.current_task(), marks
            try:
                async with self._marked(connection, key, marks) as new:
                    yield new
            except BaseException as error:
                await self._unmark(connection, marks, error)
                if connection.broken and marks and isinstance(error, Exception):
                    raise unavailable(error) from error
                raise
            finally:
                del self._lent[id(connection)]

    @asynccontextmanager
    async def _marked(self, connection: Any, key: EventKey, marks: list[Mark]) -> AsyncIterator[bool]:
        transaction = connection.transaction()  # psycopg refuses commit() and rollback() while it lasts
        mark = await self._insert(connection, transaction, key)
        if mark is None:
            await transaction.__aexit__(None, None, None)
            yield False
            return
        marks.append(mark)
        try:
            with using(connection):
                yield True
            await self._refuse_end(connection, mark)
        except BaseException as error:
            # It would swallow psycopg.Rollback, and the event would count as handled.
            await transaction.__aexit__(type(error), error, error.__traceback__)
            raise
        try:
            await transaction.__aexit__(None, None, None)
        except self._psycopg.OperationalError as error:
            raise unavailable(error) from error

    async def _insert(self, connection: Any, transaction: Any, key: EventKey) -> Mark | None:
        """Begins, and marks, in two round trips. Raises :class:`InboxUnavailable`, and leaves no transaction then."""
        sql, cursor, inserting = self._statements, self._cursor(connection), self._cursor(connection)
        with self._translated():
            await transaction.__aenter__()
            try:
                async with connection.pipeline() if self._pipelined else nullcontext():
                    await cursor.execute(sql.wait, (self._wait,))
                    await inserting.execute(sql.insert, render_row(key))
                    await cursor.execute(sql.unwait)
                return parse_mark(key, await inserting.fetchone())
            except BaseException as error:
                await transaction.__aexit__(type(error), error, error.__traceback__)
                raise

    async def _refuse_end(self, connection: Any, mark: Mark) -> None:
        fact = describe_end(connection)
        if not fact:
            cursor = await self._cursor(connection).execute(CURRENT)
            if await cursor.fetchone() != (mark.transaction,):
                fact = "the handler ended the transaction and began another"
        if fact:
            raise ended(mark, fact)

    async def _unmark(self, connection: Any, marks: list[Mark], error: BaseException) -> None:
        """Sees to it that events do not count as handled, where a handler committed them and raised then."""
        if not marks or not is_usable(connection):
            return
        found = []
        with self._translated():
            async with connection.transaction():
                for mark in marks:
                    cursor = await self._cursor(connection).execute(self._statements.delete, (*mark.row, mark.xmin))
                    found += [mark] * cursor.rowcount
        if found and isinstance(error, Exception) and not isinstance(error, TransactionEnded):
            raise ended(found[0], "the handler ended the transaction and raised") from error

    async def _create(self, connection: Any) -> None:
        sql = self._statements
        async with connection.transaction():
            cursor = await self._cursor(connection).execute(*sql.find)
            found = await cursor.fetchone()
            if found != (True,):
                await cursor.execute(sql.lock)
                # Once more: an index is made behind all who write into the table, so behind whoever made it just now.
                await cursor.execute(*sql.find)
                found = await cursor.fetchone()
            for statement in () if found == (True,) else sql.ddl:
                await cursor.execute(statement.encode())
        self._created = True

    async def _forget(self, connection: Any) -> int:
        if self._sweep.keep is None:
            return 0
        async with connection.transaction():
            cursor = await self._cursor(connection).execute(self._statements.forget, (self._sweep.keep,))
        self._sweep.done(cursor.rowcount)
        return int(cursor.rowcount)

    def _cursor(self, connection: Any) -> Any:
        """Of psycopg's own kind: the service may have chosen other rows, or other parameters, for its connections."""
        return self._psycopg.AsyncCursor(connection, row_factory=self._psycopg.rows.tuple_row)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            with self._translated():
                connection = await stack.enter_async_context(self._source.connection())
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """For the inbox's own statements: what psycopg raises in them is no handler's fault."""
        try:
            yield
        except self._psycopg.Error as error:
            raise unavailable(error) from error

    async def _check(self) -> None:
        """Drops connections that are idle and broken."""
        if check := getattr(self._source, "check", None):  # a pool need not have it
            await check()

    def _make_source(
        self, source: "str | AsyncPool | Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]", connections: int
    ) -> AsyncPool:
        if hasattr(source, "connection"):
            return source
        if callable(source):
            return AsyncShelf(source, is_usable, connections)
        return AsyncShelf(lambda: self._psycopg.AsyncConnection.connect(source), is_usable, connections)
