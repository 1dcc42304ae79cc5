"""Dead letters: records that could not be handled, put aside with their origin, the reason and their own bytes."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from registry.frozen import dataclass, replace
from registry.kafka.errors import MessagingError, SettingsError
from registry.kafka.observing import find_text
from registry.serde.delivery import place
from registry.serde.record import Record

NAMES: Final = (
    "dl_topic",
    "dl_partition",
    "dl_offset",
    "dl_timestamp",
    "dl_reason",
    "dl_message",
    "dl_attempts",
    "dl_service",
    "dl_group",
    "dl_at",
)
"""The headers that are appended, in this order: the record's own stand before them, whatever they are called."""

_LONGEST: Final = 1000
"""Characters of a reason's text: a record may be as large as can be, and its letter is to be hardly larger."""


class NoDeadLetter(MessagingError):
    """A record that does not have the headers of a dead letter."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that was put aside, and why."""

    record: Record
    """As it stood in its own topic: key, value, headers, offset and time."""
    reason: str
    """The class of the error, ``registry.serde.errors.DecodeError``; Python's own without a module, ``ValueError``."""
    message: str
    attempts: int
    """How often it failed in all, also after earlier redrives."""
    service: str
    """Who could not handle it."""
    group: str
    at: datetime
    """When it was put aside, by that service's clock."""


def dead_letter_topic(service: str) -> str:
    """Where a service puts what it cannot handle: one topic, which it alone writes."""
    return f"{service}.dead-letters"


def check_dead_letter_topic(topic: str, read: Collection[str]) -> None:
    """Raises :class:`SettingsError` for a topic that is among those which the service reads."""
    if topic in read:
        raise SettingsError(
            f"{topic} is read here: its dead letters would come round for ever", help="give dead_letter_topic another"
        )


def render_dead_letter(
    record: Record, error: Exception, *, attempts: int, service: str, group: str, topic: str = ""
) -> Record:
    """The letter of a record: its key and value as they are, its headers, and then those of :data:`NAMES`."""
    kind = type(error)
    said = (
        record.topic,
        str(record.partition),
        str(record.offset),
        "" if record.timestamp is None else record.timestamp.astimezone(UTC).isoformat(),
        kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
        find_text(error)[:_LONGEST],
        str(attempts),
        service,
        group,
        datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    ours = tuple((name, text.encode(errors="backslashreplace")) for name, text in zip(NAMES, said, strict=True))
    return Record(topic or dead_letter_topic(service), record.key, record.value, (*record.headers, *ours))


def parse_dead_letter(letter: Record) -> DeadLetter:
    """What a letter holds. Raises :class:`NoDeadLetter` for a record that is none."""
    start = len(letter.headers) - len(NAMES)
    while start >= 0 and tuple(name for name, _ in letter.headers[start : start + len(NAMES)]) != NAMES:
        start -= 1  # somebody on the way, a mirror or a tracer, may have appended headers of its own
    try:
        if start < 0:
            raise ValueError("it does not have its headers")
        said = {name: (held or b"").decode() for name, held in letter.headers[start : start + len(NAMES)]}
        record = replace(
            letter,
            topic=said["dl_topic"],
            headers=tuple(letter.headers[:start]),
            partition=int(said["dl_partition"]),
            offset=int(said["dl_offset"]),
            timestamp=datetime.fromisoformat(said["dl_timestamp"]) if said["dl_timestamp"] else None,
        )
        attempts, at = int(said["dl_attempts"]), datetime.fromisoformat(said["dl_at"])
    except ValueError as error:
        raise NoDeadLetter(
            f"{place(letter)} is no dead letter: {error}", help="only subscriptions write the topic of dead letters"
        ) from None
    return DeadLetter(record, said["dl_reason"], said["dl_message"], attempts, said["dl_service"], said["dl_group"], at)
