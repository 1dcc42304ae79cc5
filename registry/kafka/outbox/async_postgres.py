"""An outbox in PostgreSQL for a service that runs on asyncio."""

from typing import TYPE_CHECKING, Any

from registry.kafka.outbox import TABLE
from registry.kafka.outbox.postgres import PostgresTable, check_transaction, explain_missing
from registry.kafka.outbox.psycopg_library import load_psycopg
from registry.kafka.transaction import CONNECTION
from registry.serde.record import Record

if TYPE_CHECKING:
    import psycopg


class AsyncPostgresOutbox:
    """Writes the rows of a :class:`registry.kafka.PostgresOutbox` through asynchronous connections.

    Creating the table and relaying it are the other one's: a relay is a process of its own, or a thread.
    """

    def __init__(self, *, table: str = TABLE, schema: str | None = None) -> None:
        self._psycopg = load_psycopg()
        self.table = table
        self._sql = PostgresTable(table, schema)

    async def send(self, record: Record) -> None:
        """Writes the record's row in the transaction in force.

        Raises :class:`registry.kafka.NoTransaction` where there is none, and
        :class:`registry.kafka.MissingTable`.
        """
        await self.add(record, CONNECTION.get())

    async def flush(self) -> None:
        """Does nothing: rows arrive with the caller's commit."""

    async def add(self, record: Record, connection: "psycopg.AsyncConnection[Any] | None") -> None:
        """As :meth:`registry.kafka.PostgresOutbox.add`."""
        begun = check_transaction(connection, self._psycopg.AsyncConnection, self.table)
        try:
            await begun.execute(self._sql.insert, self._sql.values(record))
        except self._psycopg.errors.UndefinedTable as error:
            raise explain_missing(error) from None
