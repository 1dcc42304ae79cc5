"""From the client's message to a record."""

from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final

from registry.serde.errors import DecodeError
from registry.serde.record import Record, make_record

if TYPE_CHECKING:
    from confluent_kafka import Message


UNREADABLE: Final[tuple[tuple[str, bytes | None], ...]] = (("contracts_headers", b"unreadable"),)
"""Stands for headers that the client cannot give: their names are not the UTF-8 that Kafka's protocol says they are."""

_HEADERS: Final = methodcaller("headers")
"""The client gives a result and leaves an exception behind where a name is broken. Python itself may look at that much
later, in some other call; this one looks at once."""


def read_message(message: "Message") -> Record:
    """The record that a message is; the caller has looked at ``message.error()`` before.

    Its headers become a tuple, its timestamp is made a ``datetime`` when somebody asks for it, and is ``None`` where
    the broker has none. Headers that cannot be read are :data:`UNREADABLE`: one record must not stop all the others.
    """
    read: Any = message  # the client's types also allow what only a message has that was not sent, or is an error
    kind, sent = read.timestamp()
    try:
        headers = _HEADERS(read)
    except (SystemError, UnicodeDecodeError):  # the first one is how the client says the second one
        headers = UNREADABLE
    return make_record(
        read.topic(),
        read.key(),
        read.value(),
        tuple(headers) if headers else (),
        read.partition(),
        read.offset(),
        sent if kind else None,
    )


def place_of(message: "Message") -> tuple[str, int]:
    """Topic and partition of a message."""
    read: Any = message
    return read.topic(), read.partition()


def make_unreadable() -> DecodeError:
    """The error of such a record. Without its headers nobody knows what it is."""
    return DecodeError("its headers have a name that is not UTF-8", help="its writer is none of this library's")
