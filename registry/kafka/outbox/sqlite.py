"""An outbox in SQLite, which comes with Python: for one machine, with as many processes as there are."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from registry.kafka.errors import NoTransaction, SettingsError
from registry.kafka.outbox import TABLE, Level, MissingTable, OutboxUnavailable, Row, Waiting
from registry.kafka.outbox.file_lock import FileLock
from registry.kafka.outbox.headers import find_headers
from registry.kafka.outbox.table import KEPT, READ, WRITTEN, check_driver, quote, row_of
from registry.kafka.transaction import CONNECTION
from registry.serde.record import Record

PATIENCE: Final = 30.0
"""Seconds to wait for another connection that writes."""
_BETWEEN: Final = 0.0002
"""Seconds between two attempts of a relay to write; the gap between two handlers is hardly longer."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LEGACY: Final = -1
"""sqlite3.LEGACY_TRANSACTION_CONTROL, of Python 3.12: the module begins transactions by itself, before it writes."""

DDL: Final = """\
CREATE TABLE IF NOT EXISTS {table} (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- a number that was used never comes again
  topic TEXT NOT NULL,
  "partition" INTEGER,
  "key" BLOB,
  value BLOB,
  headers BLOB,
  contract TEXT,
  version INTEGER,
  "timestamp" INTEGER, -- this and the other times: microseconds since 1970, UTC
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  retry_at INTEGER
);
CREATE INDEX IF NOT EXISTS {index} ON {table} (topic, "key") WHERE retry_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS {discarded} (
  id INTEGER PRIMARY KEY,
  topic TEXT NOT NULL,
  "partition" INTEGER,
  "key" BLOB,
  value BLOB,
  headers BLOB,
  contract TEXT,
  version INTEGER,
  "timestamp" INTEGER,
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  error TEXT,
  retry_at INTEGER,
  reason TEXT NOT NULL,
  discarded_at INTEGER NOT NULL
);
"""


class SqliteOutbox:
    """A transport whose records are rows of the caller's transaction.

    ``path`` is the database file; it is opened by what is about the table (:meth:`create`, :meth:`blocked`, a relay).
    Records are written through the connection in force (:func:`registry.kafka.using`, an inbox), or the one
    that :meth:`add` is given. Threads may share an outbox, each with a connection of its own.
    """

    def __init__(self, path: str | Path, *, table: str = TABLE) -> None:
        self.path = Path(path)
        self.table = table
        self._table = quote(table)
        self._discarded = quote(f"{table}_discarded")
        columns = ", ".join(f'"{name}"' for name in (*WRITTEN, "timestamp", "created_at"))
        self._insert = f"INSERT INTO {self._table} ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

    @property
    def ddl(self) -> str:
        """The statements that make the tables, for migrations of your own; to run them again changes nothing."""
        return DDL.format(table=self._table, index=quote(f"{self.table}_held"), discarded=self._discarded)

    def create(self) -> None:
        """Makes the tables where they are not there yet. Two processes may do so at the same time."""
        with self._connect() as connection:
            connection.executescript(f"BEGIN IMMEDIATE;\n{self.ddl}COMMIT;")

    def send(self, record: Record) -> None:
        """Writes the record's row in the transaction in force.

        Raises :class:`NoTransaction` where there is none, and :class:`MissingTable`.
        """
        self.add(record, CONNECTION.get())

    def flush(self) -> None:
        """Does nothing: rows arrive with the caller's commit."""

    def add(self, record: Record, connection: sqlite3.Connection | None) -> None:
        """The same with a connection that is named. Raises :class:`NoTransaction` where the row would be committed by
        itself.

        The events of one key are published in the order of their rows: where two transactions may write the same key,
        let them write the entity first, so that the second waits for the first.
        """
        begun = check_transaction(connection, self.table)
        stamp = None if record.timestamp is None else _to_number(record.timestamp)
        values = (*row_of(record), stamp, time.time_ns() // 1000)
        try:
            begun.execute(self._insert, values)
        except sqlite3.OperationalError as error:
            raise self._explain(error) or error from None

    def blocked(self, limit: int = 100) -> list[Row]:
        """The rows that did not arrive at the last attempt, oldest first; the rows of their keys wait behind them."""
        with self._connect() as connection:
            text = f"SELECT {READ} FROM {self._table} AS r WHERE retry_at IS NOT NULL ORDER BY id LIMIT ?"
            return [_parse_row(row) for row in connection.execute(text, (limit,))]

    def waiting(self) -> list[Waiting]:
        """How many rows wait of each version of each event."""
        with self._connect() as connection:
            text = (
                "SELECT coalesce(contract, ''), coalesce(version, 0), count(*), min(created_at) "
                f"FROM {self._table} GROUP BY contract, version ORDER BY 1, 2"
            )
            now = time.time_ns() // 1000
            return [
                Waiting(contract, version, count, max(0, now - oldest) / 1e6)
                for contract, version, count, oldest in connection.execute(text)
            ]

    def discard(self, id: int, reason: str) -> bool:
        """Moves a row to the table ``…_discarded``: it will not be published, and its key goes on without it.

        False where it is not there any more.
        """
        kept = ", ".join(f'"{name}"' for name in KEPT)
        move = (
            f"INSERT INTO {self._discarded} ({kept}, reason, discarded_at) "
            f"SELECT {kept}, ?, ? FROM {self._table} WHERE id = ?"
        )
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            moved = connection.execute(move, (reason, time.time_ns() // 1000, id)).rowcount
            connection.execute(f"DELETE FROM {self._table} WHERE id = ?", (id,))
            connection.execute("COMMIT")
        return moved > 0

    def retry(self) -> int:
        """Lets all blocked rows be tried again now, since what kept them from the broker was repaired; how many."""
        with self._connect() as connection:
            text = f"UPDATE {self._table} SET retry_at = 0 WHERE retry_at IS NOT NULL"
            return connection.execute(text).rowcount

    def open(self) -> "SqliteQueue":
        """For a relay: a session of its own."""
        if not self.path.is_file():
            raise OutboxUnavailable(f"no file {self.path}", help="the relay reads the database that the service writes")
        connection = self._open()
        lock = FileLock(Path(f"{self.path.resolve()}.{self.table.replace('/', '_')}.relay"))
        return SqliteQueue(self, connection, self._table, lock)

    def _open(self) -> sqlite3.Connection:
        if str(self.path) == ":memory:":
            raise SettingsError(
                "a database in memory belongs to one connection, and an outbox is read by others too",
                help="give the path of a file",
            )
        with self.translated():
            return sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        with self.translated(), closing(self._open()) as connection:
            yield connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What SQLite says, as errors of an outbox."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise self._explain(error) or OutboxUnavailable(f"{self.path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise OutboxUnavailable(f"{self.path}: {error}") from error

    def _explain(self, error: sqlite3.OperationalError) -> MissingTable | None:
        if "no such table" not in str(error):
            return None
        return MissingTable(f"{error} in {self.path}", help="call create() once, or put its ddl into your migrations")


class SqliteQueue:
    """The rows of a :class:`SqliteOutbox` for one relay. Used by one thread."""

    def __init__(self, outbox: SqliteOutbox, connection: sqlite3.Connection, table: str, lock: FileLock) -> None:
        self._outbox = outbox
        self._connection = connection
        self._table = table
        self._lock = lock
        self._read = f"""
            SELECT {READ} FROM {table} AS r
            WHERE (r.retry_at IS NULL OR r.retry_at <= :now)
              AND (r."key" IS NULL OR NOT EXISTS (
                SELECT 1 FROM {table} AS b
                WHERE b.retry_at > :now AND b.topic = r.topic AND b."key" = r."key" AND b.id < r.id))
            ORDER BY r.id LIMIT :limit"""

    @property
    def name(self) -> str:
        """As :meth:`registry.kafka.outbox.Queue.name`."""
        return self._outbox.table

    def lead(self) -> bool:
        """As :meth:`registry.kafka.outbox.Queue.lead`: a lock on a file beside the database."""
        try:
            return self._lock.take()
        except OSError as error:
            raise OutboxUnavailable(
                f"the lock of relays cannot be taken: {error}", help="the relay creates it beside the database"
            ) from error

    def check(self) -> None:
        """As :meth:`registry.kafka.outbox.Queue.check`."""
        if not self._lock.is_held():
            raise OutboxUnavailable(f"the lock on {self._lock.path} was lost: the file is another one now")

    def read(self, limit: int) -> list[Row]:
        """As :meth:`registry.kafka.outbox.Queue.read`."""
        self.check()
        with self._outbox.translated():
            rows = self._connection.execute(self._read, {"now": time.time_ns() // 1000, "limit": limit}).fetchall()
        return [_parse_row(row) for row in rows]

    def delete(self, ids: Sequence[int]) -> None:
        """As :meth:`registry.kafka.outbox.Queue.delete`."""
        self._write(f"DELETE FROM {self._table} WHERE id = ?", [(id,) for id in ids])

    def postpone(self, ids: Sequence[int], error: str, seconds: float, attempts: int) -> None:
        """As :meth:`registry.kafka.outbox.Queue.postpone`."""
        text = f"UPDATE {self._table} SET attempts = attempts + ?, error = ?, retry_at = ? WHERE id = ?"
        until = int((time.time() + seconds) * 1e6)
        self._write(text, [(attempts, error, until, id) for id in ids])

    def _write(self, text: str, rows: Sequence[tuple[object, ...]]) -> None:
        """In one transaction."""
        with self._outbox.translated():
            self._begin()
            try:
                self._connection.executemany(text, rows)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _begin(self) -> None:
        """Waits for other writers itself: SQLite asks ten times a second, and would wait until handlers that follow
        one another pause for as long."""
        deadline = time.monotonic() + PATIENCE
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    self._connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                    if not busy or time.monotonic() > deadline:
                        raise
                time.sleep(_BETWEEN)
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}")

    def measure(self) -> Level:
        """As :meth:`registry.kafka.outbox.Queue.measure`."""
        text = f"SELECT count(*), min(created_at), count(retry_at) FROM {self._table}"
        with self._outbox.translated():
            waiting, oldest, blocked = self._connection.execute(text).fetchone()
        age = 0.0 if oldest is None else max(0.0, time.time() - oldest / 1e6)
        return Level(waiting, age, blocked)

    def close(self) -> None:
        """As :meth:`registry.kafka.outbox.Queue.close`."""
        self._connection.close()
        self._lock.give_back()


def check_transaction(connection: sqlite3.Connection | None, table: str) -> sqlite3.Connection:
    """The connection. Raises :class:`NoTransaction` unless a row written through it waits for the caller's commit."""
    checked = check_driver(connection, sqlite3.Connection, table)
    legacy = getattr(checked, "autocommit", _LEGACY) == _LEGACY
    if not checked.in_transaction and (not legacy or checked.isolation_level is None):
        raise NoTransaction(
            f"a row of {table} would be committed by itself: the connection commits each statement, and no transaction "
            "was begun",
            help='connection.execute("BEGIN IMMEDIATE") before your writes, or a connection with an isolation_level',
        )
    return checked


def _parse_row(row: Sequence[Any]) -> Row:
    id, topic, partition, key, value, stored, contract, version, stamp, created, attempts, error, retry = row
    headers, damage = find_headers(stored)
    at = -1 if partition is None else partition
    record = Record(topic, key, value, headers, at, timestamp=None if stamp is None else _to_time(stamp))
    later = None if retry is None else _to_time(retry)
    return Row(id, record, contract or "", version or 0, _to_time(created), attempts, error or "", later, damage)


def _to_number(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _to_time(number: int) -> datetime:
    return _EPOCH + number * _MICROSECOND
