"""What the tables of all databases have in common: their names, their columns, and a record as one row."""

from typing import Final

from registry.kafka.errors import SettingsError
from registry.kafka.outbox.headers import render_headers
from registry.serde.envelope import HEADER_OF, TYPE_HEADER
from registry.serde.record import Record

LONGEST: Final = 63
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


def quote(name: str) -> str:
    """A name as SQL spells it, whatever it holds. Raises :class:`SettingsError` for one that no table can have."""
    if not name or "\0" in name or len(name.encode()) > LONGEST:
        raise SettingsError(f"no table can be named {name!r}", help=f"a name has 1 to {LONGEST} bytes, none of them 0")
    return '"' + name.replace('"', '""') + '"'
