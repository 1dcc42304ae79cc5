"""The table of handled events in PostgreSQL: its statements, and what its errors mean."""

from types import ModuleType
from typing import Any, Final

from registry.frozen import dataclass
from registry.kafka.errors import MissingLibrary
from registry.kafka.inbox import EventKey
from registry.kafka.inbox.errors import InboxBusy, InboxUnavailable, TransactionEnded
from registry.kafka.inbox.stored import render_index, render_name, render_row
from registry.kafka.inbox.sweep import STEP

_WHOLE: Final = (
    "leave out COMMIT and ROLLBACK; the inbox commits when the handler returns, and rolls back when it raises"
)


@dataclass(frozen=True, slots=True)
class Statements:
    """Bytes, since psycopg takes texts only where they are literals."""

    ddl: tuple[str, ...]
    find: tuple[bytes, tuple[str, list[str] | None]]
    """Whether the table is there: a role that may not create tables need not, then."""
    lock: bytes
    """One process creates it at a time: ``if not exists`` alone fails where two do."""
    wait: bytes
    """How long the insertion may wait for another handler of the same event; a handler's own setting comes back."""
    insert: bytes
    """No row comes back where the event was handled. Waits for a transaction that holds the same one."""
    unwait: bytes
    delete: bytes
    forget: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """A row that this transaction inserted."""

    row: tuple[str, str, str]
    xmin: int
    """The transaction that wrote the row, or its savepoint."""
    transaction: int


def make_statements(schema: str | None, table: str) -> Statements:
    """For a table of this name; without a schema that of the connection's search_path."""
    name = render_name(schema, table)
    held = name.replace("%", "%%").encode()  # what psycopg takes for a parameter
    row = b"consumer_group = %s and contract = %s and event_id = %s"
    text = 'text collate "C" not null'
    return Statements(
        ddl=(
            f"create table if not exists {name} (consumer_group {text}, contract {text}, event_id {text},"
            " handled_at timestamptz not null default now(), primary key (consumer_group, contract, event_id))",
            f"create index if not exists {render_index(table)} on {name} (handled_at)",
        ),
        # Not to_regclass(): within a transaction it goes on to say no after another one has made the table.
        find=(
            b"select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
            b" where c.relname = %s and n.nspname = any(coalesce(%s::name[], current_schemas(true))))",
            (table, [schema] if schema is not None else None),
        ),
        lock=b"select pg_advisory_xact_lock(hashtext('contracts inbox'))",
        wait=b"select set_config('contracts.lock_timeout', current_setting('lock_timeout'), true),"
        b" set_config('lock_timeout', %s, true)",
        insert=b"insert into "
        + held
        + b" (consumer_group, contract, event_id) values (%s, %s, %s) on conflict do nothing"
        b" returning xmin::text::bigint, pg_current_xact_id()::text::bigint",
        unwait=b"select set_config('lock_timeout', current_setting('contracts.lock_timeout'), true)",
        delete=b"delete from " + held + b" where " + row + b" and xmin::text::bigint = %s",
        forget=b"delete from " + held + b" where ctid = any(array(select ctid from " + held + b" where handled_at"
        b" < now() - %s::interval order by handled_at limit " + str(STEP).encode() + b" for update skip locked))",
    )


def milliseconds(seconds: float) -> str:
    """For ``lock_timeout``, where 0 would be for ever."""
    return f"{max(1, round(seconds * 1000))}ms"


def parse_mark(key: EventKey, row: Any) -> Mark | None:
    """What the insertion gave back; ``None`` where the event was handled before."""
    return Mark(render_row(key), row[0], row[1]) if row else None


CURRENT: Final = b"select pg_current_xact_id_if_assigned()::text::bigint"
"""The transaction that is in force, told beside :attr:`Mark.transaction`."""


def describe_end(connection: Any) -> str:
    """What a handler that returned left of its transaction, as far as the connection knows; empty where it is whole."""
    if connection.closed:
        return "the connection broke" if connection.broken else "the handler closed the connection"
    status = library().pq.TransactionStatus
    return {
        status.IDLE: "the handler ended the transaction",
        status.INERROR: "a statement failed and the handler went on, but PostgreSQL had given up all of it",
        status.ACTIVE: "a statement of the handler was still being executed when it returned",
    }.get(connection.info.transaction_status, "")


def ended(mark: Mark, fact: str) -> TransactionEnded:
    """The error of a handler that did not leave its transaction to the inbox."""
    return TransactionEnded(f"while {mark.row[1]} {mark.row[2]} was handled, {fact}", help=_WHOLE)


def unavailable(error: Exception) -> InboxUnavailable:
    """What an error of psycopg means that no handler can help."""
    text = str(error).partition("\n")[0]
    if isinstance(error, library().errors.LockNotAvailable):
        return InboxBusy(f"the event is in hand elsewhere: {text}")
    return InboxUnavailable(f"the inbox in PostgreSQL cannot be used: {text}")


def is_usable(connection: Any) -> bool:
    """Whether a connection may be lent again."""
    idle = library().pq.TransactionStatus.IDLE
    return not connection.closed and bool(connection.info.transaction_status == idle)


def library() -> ModuleType:
    """psycopg. Raises :class:`MissingLibrary` where it is not installed."""
    try:
        import psycopg
    except ImportError as error:
        raise MissingLibrary(
            "an inbox in PostgreSQL needs psycopg", help="pip install 'event-contracts[postgres]'"
        ) from error
    return psycopg
