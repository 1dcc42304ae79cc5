"""How the ids of events and the names of tables are written into a store."""

from hashlib import sha256
from typing import Final

from registry.kafka.errors import SettingsError
from registry.kafka.inbox import EventKey

_LONGEST: Final = 255
"""Bytes of an id that is stored as it is. PostgreSQL's index takes 2700 in one row, and Redis any."""
_HASHED: Final = "sha256:"
_LONGEST_NAME: Final = 63
"""Bytes of a name in PostgreSQL, which cuts off what is longer without a word."""


def render_id(event_id: str) -> str:
    """The id as text that every store takes, and that differs where ids differ.

    An id comes from whoever wrote the record. One with NUL, which PostgreSQL's text has not, half a surrogate pair or
    more than 255 bytes would fail in the store each time, so of such an id the digest is kept.
    """
    try:
        plain = len(event_id.encode()) <= _LONGEST and "\0" not in event_id and not event_id.startswith(_HASHED)
    except UnicodeEncodeError:
        plain = False
    return event_id if plain else _HASHED + sha256(event_id.encode("utf-8", "surrogatepass")).hexdigest()


def render_row(key: EventKey) -> tuple[str, str, str]:
    """The three columns of a key: group, contract, event id."""
    return key.group, key.contract, render_id(key.event_id)


def render_name(*parts: str | None) -> str:
    """A quoted name of SQL, ``"app"."contracts_inbox"``; parts that are ``None`` are left out.

    Raises :class:`SettingsError` for a name that no database takes as it is.
    """
    names = [part for part in parts if part is not None]
    for name in names:
        if not name or "\0" in name or len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME:
            raise SettingsError(
                f"{name!r} cannot be the name of a table or schema",
                help=f"give 1 to {_LONGEST_NAME} bytes without NUL; quotes around it are not needed",
            )
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def render_index(table: str) -> str:
    """The quoted name of a table's index of times. Of a long name the end is left out: the whole would be too long."""
    end = "_handled_at"
    return render_name(table.encode()[: _LONGEST_NAME - len(end)].decode(errors="ignore") + end)
