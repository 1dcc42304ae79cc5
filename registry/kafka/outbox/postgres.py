"""An outbox in PostgreSQL, through psycopg 3."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from registry.kafka.errors import NoTransaction
from registry.kafka.outbox import TABLE, Level, MissingTable, OutboxUnavailable, Row, Waiting
from registry.kafka.outbox.headers import find_headers
from registry.kafka.outbox.postgres_ddl import DDL
from registry.kafka.outbox.psycopg_library import load_psycopg
from registry.kafka.outbox.table import KEPT, READ, WRITTEN, check_driver, quote, row_of
from registry.kafka.transaction import CONNECTION
from registry.serde.record import Record

if TYPE_CHECKING:
    import psycopg

_LOCK: Final = 0x0EC0_0B0C
"""The first half of the advisory lock of relays; the second is the table's number. Locks are per database."""

_SESSION: Final = """
    SET application_name = 'outbox relay';
    SET statement_timeout = 0;
    SET lock_timeout = 0;
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 2;
    SET tcp_keepalives_count = 3"""
"""So that the server notices within some 11 seconds that a relay's machine is gone, and lets another one lead."""

_PROMPT: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""So that the client notices as soon that the server is gone; what the conninfo says comes first."""

_IDLE: Final = 0
"""psycopg.pq.TransactionStatus.IDLE"""


class PostgresTable:
    """The names and statements of one outbox, which its connections share."""

    def __init__(self, table: str, schema: str | None) -> None:
        prefix = "" if schema is None else f"{quote(schema)}."
        self.name = f"{prefix}{quote(table)}"
        self.discarded = f"{prefix}{quote(f'{table}_discarded')}"
        self.ddl = DDL.format(table=self.name, index=quote(f"{table}_held"), discarded=self.discarded)
        columns = ", ".join((*WRITTEN, "timestamp"))
        self.insert = f"INSERT INTO {self.name} ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        self.read = f"""
            SELECT {READ} FROM {self.name} AS r
            WHERE (r.retry_at IS NULL OR r.retry_at <= now())
              AND (r.key IS NULL OR NOT EXISTS (
                SELECT FROM {self.name} AS b
                WHERE b.retry_at > now() AND b.topic = r.topic AND b.key = r.key AND b.id < r.id))
            ORDER BY r.id LIMIT %s"""

    def values(self, record: Record) -> tuple[Any, ...]:
        """What :attr:`insert` wants."""
        return (*row_of(record), record.timestamp)


class PostgresOutbox:
    """A transport whose records are rows of the caller's transaction.

    ``conninfo`` is for psycopg, and is used by what is about the table (:meth:`create`, :meth:`blocked`, a relay), not
    for writing: records are written through the connection in force (:func:`registry.kafka.using`, an
    inbox), or the one that :meth:`add` is given. A relay needs a session of its own: not one of a pooler that hands
    out a server's sessions transaction by transaction. Threads may share an outbox, each with a connection of its own.
    Raises :class:`registry.kafka.MissingLibrary`, and :class:`registry.kafka.SettingsError` for names.
    """

    def __init__(self, conninfo: str = "", *, table: str = TABLE, schema: str | None = None) -> None:
        self._psycopg = load_psycopg()
        self._conninfo = conninfo
        self.table = table
        self._sql = PostgresTable(table, schema)

    @property
    def ddl(self) -> str:
        """The statements that make the tables, for migrations of your own; to run them again changes nothing."""
        return self._sql.ddl

    def create(self) -> None:
        """Makes the tables where they are not there yet. Two processes may do so at the same time."""
        with self._connect() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", (_LOCK,))
            # An index waits for all who write into its table, also one that is there: nothing is made twice.
            if connection.execute("SELECT to_regclass(%s)", (self._sql.discarded,)).fetchone() == (None,):
                connection.execute(self.ddl)

    def send(self, record: Record) -> None:
        """Writes the record's row in the transaction in force.

        Raises :class:`NoTransaction` where there is none, and :class:`MissingTable`.
        """
        self.add(record, CONNECTION.get())

    def flush(self) -> None:
        """Does nothing: rows arrive with the caller's commit."""

    def add(self, record: Record, connection: "psycopg.Connection[Any] | None") -> None:
        """The same with a connection that is named. Raises :class:`NoTransaction` where the row would be committed by
        itself.

        The events of one key are published in the order of their rows: where two transactions may write the same key,
        let them write the entity first, so that the second waits for the first.
        """
        begun = check_transaction(connection, self._psycopg.Connection, self.table)
        try:
            begun.execute(self._sql.insert, self._sql.values(record))
        except self._psycopg.errors.UndefinedTable as error:
            raise explain_missing(error) from None

    def blocked(self, limit: int = 100) -> list[Row]:
        """The rows that did not arrive at the last attempt, oldest first; the rows of their keys wait behind them."""
        text = f"SELECT {READ} FROM {self._sql.name} AS r WHERE retry_at IS NOT NULL ORDER BY id LIMIT %s"
        with self._connect() as connection:
            return [_parse_row(row) for row in connection.execute(text, (limit,))]

    def waiting(self) -> list[Waiting]:
        """How many rows wait of each version of each event."""
        text = (
            "SELECT coalesce(contract, ''), coalesce(version, 0), count(*), "
            "extract(epoch FROM clock_timestamp() - min(created_at))::float8 "
            f"FROM {self._sql.name} GROUP BY contract, version ORDER BY 1, 2"
        )
        with self._connect() as connection:
            return [Waiting(*row) for row in connection.execute(text)]

    def discard(self, id: int, reason: str) -> bool:
        """Moves a row to the table ``…_discarded``: it will not be published, and its key goes on without it.

        False where it is not there any more.
        """
        kept = ", ".join(KEPT)
        text = (
            f"WITH gone AS (DELETE FROM {self._sql.name} WHERE id = %s RETURNING {kept}) "
            f"INSERT INTO {self._sql.discarded} ({kept}, reason) SELECT {kept}, %s FROM gone"
        )
        with self._connect() as connection:
            return connection.execute(text, (id, reason)).rowcount > 0

    def retry(self) -> int:
        """Lets all blocked rows be tried again now, since what kept them from the broker was repaired; how many."""
        with self._connect() as connection:
            text = f"UPDATE {self._sql.name} SET retry_at = 'epoch' WHERE retry_at IS NOT NULL"
            return connection.execute(text).rowcount

    def open(self) -> "PostgresQueue":
        """For a relay: a session of its own."""
        # A standby, where an address leads to one for a while, would let rows be read and sent, and none be deleted.
        connection = self._open(target_session_attrs="read-write")
        try:
            with self.translated():
                connection.execute(_SESSION)
        except BaseException:
            connection.close()
            raise
        return PostgresQueue(self, connection, self._sql)

    def _open(self, **defaults: Any) -> "psycopg.Connection[Any]":
        with self.translated():
            given = self._psycopg.conninfo.conninfo_to_dict(self._conninfo)
            connection: psycopg.Connection[Any] = self._psycopg.connect(**_PROMPT | defaults | given, autocommit=True)
        return connection

    @contextmanager
    def _connect(self) -> Iterator["psycopg.Connection[Any]"]:
        connection = self._open()
        try:
            with self.translated():
                yield connection
        finally:
            connection.close()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What psycopg says, as errors of an outbox."""
        library = self._psycopg
        try:
            yield
        except library.errors.UndefinedTable as error:
            raise explain_missing(error) from error
        except (library.OperationalError, library.InterfaceError) as error:
            raise OutboxUnavailable(f"the database of {self.table}: {str(error).strip()}") from error


class PostgresQueue:
    """The rows of a :class:`PostgresOutbox` for one relay. Used by one thread.

    The session holds an advisory lock: who can still ask it something still leads.
    """

    def __init__(self, outbox: PostgresOutbox, connection: "psycopg.Connection[Any]", sql: PostgresTable) -> None:
        self._outbox = outbox
        self._connection = connection
        self._sql = sql
        self._leads = False

    @property
    def name(self) -> str:
        """As :meth:`registry.kafka.outbox.Queue.name`."""
        return self._outbox.table

    def lead(self) -> bool:
        """As :meth:`registry.kafka.outbox.Queue.lead`. A session that ends gives the lock back at once."""
        if not self._leads:
            text = "SELECT pg_try_advisory_lock(%s, %s::regclass::oid::bigint::bit(32)::integer)"
            with self._outbox.translated():
                row = self._connection.execute(text, (_LOCK, self._sql.name)).fetchone()
            self._leads = bool(row and row[0])
        return self._leads

    def check(self) -> None:
        """As :meth:`registry.kafka.outbox.Queue.check`."""
        with self._outbox.translated():
            self._connection.execute("SELECT 1")

    def read(self, limit: int) -> list[Row]:
        """As :meth:`registry.kafka.outbox.Queue.read`."""
        with self._outbox.translated():
            rows = self._connection.execute(self._sql.read, (limit,), binary=True).fetchall()
        return [_parse_row(row) for row in rows]

    def delete(self, ids: Sequence[int]) -> None:
        """As :meth:`registry.kafka.outbox.Queue.delete`."""
        with self._outbox.translated():
            self._connection.execute(f"DELETE FROM {self._sql.name} WHERE id = ANY(%s)", (list(ids),))

    def postpone(self, ids: Sequence[int], error: str, seconds: float, attempts: int) -> None:
        """As :meth:`registry.kafka.outbox.Queue.postpone`."""
        text = (
            f"UPDATE {self._sql.name} SET attempts = attempts + %s, error = %s, "
            "retry_at = clock_timestamp() + make_interval(secs => %s) WHERE id = ANY(%s)"
        )
        with self._outbox.translated():
            self._connection.execute(text, (attempts, error.replace("\0", "\ufffd"), seconds, list(ids)))

    def measure(self) -> Level:
        """As :meth:`registry.kafka.outbox.Queue.measure`."""
        text = (
            "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8, "
            f"count(retry_at) FROM {self._sql.name}"
        )
        with self._outbox.translated():
            row = self._connection.execute(text).fetchone()
        assert row is not None  # an aggregate always has one
        return Level(*row)

    def close(self) -> None:
        """As :meth:`registry.kafka.outbox.Queue.close`."""
        # The server notices a closed connection a little later than the next relay asks for the lock.
        with suppress(OutboxUnavailable), self._outbox.translated():
            if self._leads and not self._connection.broken:
                self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()


def check_transaction(connection: Any, driver: type, table: str) -> Any:
    """The connection. Raises :class:`NoTransaction` unless a row written through it waits for the caller's commit."""
    check_driver(connection, driver, table)
    if connection.autocommit and connection.info.transaction_status == _IDLE:
        raise NoTransaction(
            f"a row of {table} would be committed by itself: the connection commits each statement, and no transaction "
            "was begun",
            help="`with connection.transaction():` around your writes and the publishing",
        )
    return connection


def explain_missing(error: Exception) -> MissingTable:
    """The error of ours for psycopg's UndefinedTable."""
    first = str(error).partition("\n")[0]
    return MissingTable(first, help="call create() once, or put its ddl into your migrations")


def _parse_row(row: Sequence[Any]) -> Row:
    id, topic, partition, key, value, stored, contract, version, stamp, created, attempts, error, retry = row
    headers, damage = find_headers(stored)
    record = Record(topic, key, value, headers, -1 if partition is None else partition, timestamp=stamp)
    return Row(id, record, contract or "", version or 0, created, attempts, error or "", retry, damage)
