"""What the tables of all databases have in common: their names, their columns, and a record as one row."""

from typing import Final, TypeVar

from registry.kafka.errors import NoTransaction, SettingsError
from registry.kafka.outbox.headers import render_headers
from registry.serde.envelope import HEADER_OF, TYPE_HEADER
from registry.serde.record import Record

_C = TypeVar("_C")

_LONGEST: Final = 63
"""Bytes of a name in PostgreSQL, which cuts what is longer: two tables would be one."""

WRITTEN: Final = ("topic", "partition", "key", "value", "headers", "contract", "version")
"""Columns of :func:`row_of`, in its order."""
KEPT: Final = ("id", *WRITTEN, "timestamp", "created_at", "attempts", "error", "retry_at")
"""Columns that a discarded row keeps."""
READ: Final = ", ".join(f'r."{name}"' for name in KEPT)
"""The columns of a row that is read, in the order of :data:`KEPT`."""

_VERSION_HEADER: Final = HEADER_OF["schema_version"]

Written = tuple[str, int | None, bytes | None, bytes | None, bytes | None, str | None, int | None]


def row_of(record: Record) -> Written:
    """The values of the columns :data:`WRITTEN`. Raises what :func:`render_headers` does."""
    contract: str | None = None
    version: int | None = None
    for name, value in record.headers:
        if name == TYPE_HEADER and value:
            contract = value.decode(errors="replace").replace("\0", "\ufffd")
        elif name == _VERSION_HEADER and value and value.isdigit() and len(value) < 10:
            version = int(value)
    partition = None if record.partition < 0 else record.partition
    return record.topic, partition, record.key, record.value, render_headers(record.headers), contract, version


def check_driver(connection: object, driver: type[_C], table: str) -> _C:
    """The connection. Raises :class:`NoTransaction` where there is none, or one that is not of the outbox's driver."""
    if connection is None:
        raise NoTransaction(
            f"no transaction is in force for a row of {table}",
            help="`with registry.kafka.using(connection):` around your writes and the publishing, or add(record, "
            "connection)",
        )
    if not isinstance(connection, driver):
        raise NoTransaction(
            f"the connection in force is a {_name(type(connection))}, and {table} is written through a {_name(driver)}",
            help="one transaction cannot belong to two databases; a framework's connection holds the driver's own",
        )
    return connection


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def quote(name: str) -> str:
    """A name as SQL spells it, whatever it holds. Raises :class:`SettingsError` for one that no table can have."""
    if not name or "\0" in name or len(name.encode()) > _LONGEST:
        raise SettingsError(f"no table can be named {name!r}", help=f"a name has 1 to {_LONGEST} bytes, none of them 0")
    return '"' + name.replace('"', '""') + '"'
