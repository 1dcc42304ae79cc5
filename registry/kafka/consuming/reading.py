"""From the client's message to a record."""

from typing import TYPE_CHECKING, Any

from registry.serde.record import Record, make_record

if TYPE_CHECKING:
    from confluent_kafka import Message


def read_message(message: "Message") -> Record:
    """The record that a message is; the caller has looked at ``message.error()`` before.

    Its headers become a tuple, its timestamp is made a ``datetime`` when somebody asks for it, and is ``None`` where
    the broker has none.
    """
    read: Any = message  # the client's types also allow what only a message has that was not sent, or is an error
    kind, sent = read.timestamp()
    headers = read.headers()
    return make_record(
        read.topic(),
        read.key(),
        read.value(),
        tuple(headers) if headers else (),
        read.partition(),
        read.offset(),
        sent if kind else None,
    )
