"""An outbox in each database, for tests that say the same of both."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from registry.kafka.outbox.postgres import PostgresOutbox
from registry.kafka.outbox.sqlite import SqliteOutbox
from registry.kafka.transaction import using
from registry.serde import Record
from tests.databases import Postgres

KINDS: Final = ("sqlite", "postgres")


class Store:
    """An outbox with its tables, beside a table of the service's own."""

    def __init__(self, kind: str, outbox: SqliteOutbox | PostgresOutbox, place: Any) -> None:
        self.kind = kind
        self.outbox = outbox
        self.place: Any = place if isinstance(place, Path) else place.conninfo
        """A path, or what psycopg connects with."""
        self.database = place
        outbox.create()
        with self.transaction() as connection:
            connection.execute("CREATE TABLE orders (name text)")

    def connect(self) -> Any:
        """A connection that begins transactions by itself."""
        if self.kind == "sqlite":
            return sqlite3.connect(self.place, timeout=20)
        return self.database.connect()

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A connection whose transaction is in force, committed at the end."""
        connection = self.connect()
        try:
            with using(connection):
                yield connection
            connection.commit()
        finally:
            connection.close()

    def put(self, *records: Record) -> None:
        """Writes records, in one transaction."""
        with self.transaction():
            for record in records:
                self.outbox.send(record)

    def read(self, text: str) -> list[tuple[Any, ...]]:
        """What the database answers."""
        with self.transaction() as connection:
            return [tuple(row) for row in connection.execute(text).fetchall()]

    def ids(self) -> list[int]:
        """The rows that wait."""
        return [row[0] for row in self.read("SELECT id FROM contracts_outbox ORDER BY id")]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty outbox, once in each database."""
    if request.param == "sqlite":
        path = tmp_path / "service.db"
        return Store("sqlite", SqliteOutbox(path), path)
    database: Postgres = request.getfixturevalue("postgres")
    return Store("postgres", PostgresOutbox(database.conninfo), database)


def record(key: str | None, value: str, topic: str = "shop.orders", **facts: Any) -> Record:
    """A record of a few letters."""
    return Record(topic, None if key is None else key.encode(), value.encode(), **facts)
