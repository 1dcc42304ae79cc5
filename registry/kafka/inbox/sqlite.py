"""Handled events in the service's own SQLite database, committed with what the handler wrote."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from os import PathLike, fspath
from typing import Final

from registry.kafka.errors import SettingsError
from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import InboxBusy, InboxUnavailable, TransactionEnded
from registry.kafka.inbox.guard import Guarded
from registry.kafka.inbox.shelf import Shelf
from registry.kafka.inbox.stored import render_index, render_name, render_row
from registry.kafka.inbox.sweep import STEP, Sweep
from registry.kafka.transaction import CONNECTION, using

# The comments tell these statements from a handler's: sqlite3 keeps prepared ones by their text, and asks for leave
# only when it prepares.
_BEGIN: Final = "begin immediate -- inbox"
_COMMIT: Final = "commit -- inbox"
_ROLLBACK: Final = "rollback -- inbox"
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SICK: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM})
"""What a handler cannot help: the disk is full, or broken."""
_WHOLE: Final = "leave out commit, rollback and `with connection:`; the inbox commits when the handler returns"

Mark = tuple[str, str, str, int]
"""Group, contract, event id, and when the event was marked, in microseconds since 1970."""


class SqliteInbox:
    """Handled events in a table of a SQLite database. Threads and processes may share the database.

    :param source: the path of the service's database. It is opened in WAL mode with ``synchronous=FULL``: with less, a
        power failure can take back a commit whose offset the broker already has, and the event is lost. Or a function
        that opens a new connection as the service likes it; then both are its own choice.
    :param table: the table's name, which need not be plain.
    :param keep: how long an event is remembered; ``None``: for ever. Make it longer than the topic keeps its records,
        since an older event that comes again is handled again.
    :param patience: seconds to wait for another writer; a function's connections have their own ``timeout``.
    :param create: whether the table is created where it is missing; else run :attr:`ddl` with your own migrations.

    A handler writes through :func:`registry.kafka.current_connection`. It cannot end the transaction: what
    tries raises ``sqlite3.DatabaseError: not authorized``, and then :class:`TransactionEnded`.

    SQLite has one writer at a time, so handlers of one database run one after the other, also in several threads and
    processes: the same event twice at once is handled by the first, or by the second where the first fails.
    """

    def __init__(
        self,
        source: str | PathLike[str] | Callable[[], sqlite3.Connection],
        *,
        table: str = "contracts_inbox",
        keep: timedelta | None = None,
        patience: float = 30.0,
        create: bool = True,
    ) -> None:
        name = render_name(table)
        self.ddl = (
            f"create table if not exists {name} (consumer_group text not null, contract text not null,"
            " event_id text not null, handled_at integer not null,"
            " primary key (consumer_group, contract, event_id)) without rowid",
            f"create index if not exists {render_index(table)} on {name} (handled_at)",
        )
        """The statements that create the table; ``handled_at`` is in microseconds since 1970."""
        same = "consumer_group = ? and contract = ? and event_id = ? and handled_at = ?"
        self._insert = f"insert into {name} values (?, ?, ?, ?) on conflict do nothing"
        self._delete = f"delete from {name} where {same}"
        self._forget = (
            f"delete from {name} where (consumer_group, contract, event_id) in"
            f" (select consumer_group, contract, event_id from {name} where handled_at < ?"
            f" order by handled_at limit {STEP})"
        )
        self._patience = patience
        self._sweep = Sweep(keep)
        self._created = not create
        bound = callable(source)
        opener = source if callable(source) else _opener(source, patience)
        self._shelf = Shelf(lambda: Guarded(opener), _is_usable, bound)
        self._lent: dict[int, tuple[int, Guarded]] = {}
        """By the id of a connection that is in a handler's hands: the handler's thread, and its guard."""

    def __enter__(self) -> "SqliteInbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections that are idle; of those that a function opened, the ones of this thread."""
        self._shelf.check()

    def create(self) -> None:
        """Creates the table where it is missing. Call it when the service starts, to be told at once what is wrong."""
        with self._open() as guarded, self._transaction(guarded):
            for statement in self.ddl:
                guarded.run(statement)
        self._created = True

    def forget(self) -> int:
        """Forgets events older than ``keep``, at most 500; ``once`` does it now and then. Tells how many."""
        if self._sweep.keep is None:
            return 0
        oldest = _now() - self._sweep.keep // timedelta(microseconds=1)
        with self._open() as guarded, self._transaction(guarded):
            forgotten = guarded.run(self._forget, oldest)
        self._sweep.done(forgotten)
        return forgotten

    @contextmanager
    def once(self, key: EventKey) -> Iterator[bool]:
        """See :meth:`registry.kafka.Inbox.once`. Inside another ``once`` of this inbox both commit together.

        Raises :class:`InboxUnavailable`, and :class:`InboxBusy` where another writer takes too long, both on entering
        and on leaving; :class:`TransactionEnded` on leaving.
        """
        mark = (*render_row(key), _now())
        thread, outer = self._lent.get(id(CONNECTION.get()), (0, None))
        if outer is not None and thread == threading.get_ident():
            with self._savepoint(outer, mark) as new:
                yield new
            return
        if not self._created:
            self.create()
        if self._sweep.due():
            self.forget()
        with self._open() as guarded:
            self._begin(guarded)
            if self._mark(guarded, mark):
                with self._handling(guarded, mark):
                    yield True
                return
            guarded.end(_ROLLBACK)
        yield False

    @contextmanager
    def _open(self) -> Iterator[Guarded]:
        with ExitStack() as stack:
            try:
                guarded = stack.enter_context(self._shelf.connection())
            except sqlite3.Error as error:
                raise _unavailable(error) from error
            yield guarded

    @contextmanager
    def _transaction(self, guarded: Guarded) -> Iterator[None]:
        """For the inbox's own statements alone."""
        self._begin(guarded)
        try:
            yield
            guarded.end(_COMMIT)
        except sqlite3.Error as error:
            raise _unavailable(error) from error  # the connection is closed, which rolls back

    def _begin(self, guarded: Guarded) -> None:
        try:
            if guarded.connection.in_transaction:  # always so with autocommit=False, of Python 3.12
                guarded.run(_ROLLBACK)
            guarded.begin(_BEGIN)
        except sqlite3.Error as error:
            raise _unavailable(error) from error

    def _mark(self, guarded: Guarded, mark: Mark) -> bool:
        """Whether the event is new; then it counts as handled from the commit on."""
        try:
            return guarded.run(self._insert, *mark) == 1
        except sqlite3.Error as error:
            raise _unavailable(error) from error

    @contextmanager
    def _handling(self, guarded: Guarded, mark: Mark) -> Iterator[None]:
        connection = guarded.connection
        self._lent[id(connection)] = threading.get_ident(), guarded
        try:
            with using(connection):
                yield
            if ended := _find_end(guarded):
                raise TransactionEnded(f"while {mark[1]} {mark[2]} was handled, {ended}", help=_WHOLE)
            try:
                guarded.end(_COMMIT)
            except sqlite3.OperationalError as error:  # a disk that is full, or readers where there is no WAL
                raise _unavailable(error) from error
        except BaseException as error:
            ended = _find_end(guarded)
            self._undo(guarded, mark)
            if isinstance(error, sqlite3.OperationalError) and _code(error) in _SICK:
                raise _unavailable(error) from error
            if ended and isinstance(error, sqlite3.Error):
                raise TransactionEnded(f"while {mark[1]} {mark[2]} was handled, {ended}", help=_WHOLE) from error
            raise
        finally:
            del self._lent[id(connection)]

    def _undo(self, guarded: Guarded, mark: Mark) -> None:
        """Sees to it that the event does not count as handled."""
        with suppress(sqlite3.Error):  # a connection that cannot even roll back is closed, which does
            if guarded.connection.in_transaction:
                guarded.end(_ROLLBACK)
                return
            # It ended before. Where a handler found a way to commit, the event was marked with it.
            guarded.begin(_BEGIN)
            guarded.run(self._delete, *mark)
            guarded.end(_COMMIT)

    @contextmanager
    def _savepoint(self, guarded: Guarded, mark: Mark) -> Iterator[bool]:
        guarded.run("savepoint contracts_inbox")
        try:
            new = self._mark(guarded, mark)
            yield new
        except BaseException:
            with suppress(sqlite3.Error):  # where there is no transaction any more, the outer one will say so
                guarded.run("rollback to contracts_inbox")
                guarded.run("release contracts_inbox")
            raise
        if not _find_end(guarded):
            guarded.run("release contracts_inbox")


def _find_end(guarded: Guarded) -> str:
    """How somebody ended the transaction, or tried; empty where nobody did."""
    try:
        if guarded.refused:
            return f"the handler tried to end the transaction with {guarded.refused}"
        return "" if guarded.connection.in_transaction else "the transaction ended before the handler returned"
    except sqlite3.ProgrammingError:
        return "the handler closed the connection"


def _is_usable(guarded: Guarded) -> bool:
    try:
        return not guarded.connection.in_transaction
    except sqlite3.ProgrammingError:  # closed
        return False


def _code(error: sqlite3.Error) -> int:
    """The primary result code of SQLite; 0 for an error of sqlite3 itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _unavailable(error: sqlite3.Error) -> InboxUnavailable:
    if _code(error) in _BUSY:
        return InboxBusy(f"the inbox in SQLite is locked by another writer: {error}")
    return InboxUnavailable(f"the inbox in SQLite cannot be used: {error}")


def _now() -> int:
    return time.time_ns() // 1000


def _opener(path: str | PathLike[str], patience: float) -> Callable[[], sqlite3.Connection]:
    place = fspath(path)
    if place in {"", ":memory:"}:
        raise SettingsError("each connection would have a database of its own in memory", help="take a MemoryInbox")

    def open() -> sqlite3.Connection:
        connection = sqlite3.connect(place, timeout=patience, check_same_thread=False)
        try:
            _switch_to_wal(connection, patience)
            connection.execute("pragma synchronous = full")
        except BaseException:
            connection.close()
            raise
        return connection

    return open


def _switch_to_wal(connection: sqlite3.Connection, patience: float) -> None:
    """Waits for other writers itself: SQLite gives up at once where the mode is to change, whatever the timeout."""
    deadline = time.monotonic() + patience
    while connection.execute("pragma journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if _code(error) not in _BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
