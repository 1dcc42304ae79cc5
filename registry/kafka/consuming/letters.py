"""The way to the dead letters: a letter counts as written when the broker has it."""

from collections.abc import Mapping
from time import monotonic
from typing import Final

from registry.kafka.errors import DeliveryFailed
from registry.kafka.producing.transport import KafkaTransport
from registry.serde.record import Record
from registry.serde.transport import Transport

PATIENCE: Final = 10.0
"""Seconds that a letter may take; the other partitions wait meanwhile."""

_SETTINGS: Final[Mapping[str, object]] = {
    "delivery.timeout.ms": int(PATIENCE * 1000),
    "linger.ms": 0,
    # How long a topic that does not exist may take to appear: it does not.
    "topic.metadata.propagation.max.ms": 3000,
    # A letter is a little larger than its record, which may be as large as any client sends unless told otherwise.
    "message.max.bytes": 1_100_000,
}
_OURS: Final = frozenset({"delivery.timeout.ms", "message.timeout.ms", "linger.ms", "queue.buffering.max.ms"})
"""What the caller's settings say for events, and not for letters."""


def letter_settings(settings: Mapping[str, object]) -> dict[str, object]:
    """The settings of a transport for letters, from those of the subscription."""
    return {**_SETTINGS, **{name: value for name, value in settings.items() if name not in _OURS}}


class Letters:
    """Writes dead letters by a transport, or by one of its own that is opened for the first of them."""

    def __init__(self, transport: Transport | None, settings: Mapping[str, object]) -> None:
        self._given = transport
        self._settings = letter_settings(settings)
        self._own: KafkaTransport | None = None

    def write(self, letter: Record) -> None:
        """Sends a letter, and waits until the broker has it.

        Raises what the transport does, and :class:`DeliveryFailed`. A letter that was given up may still arrive: then
        it is there twice, with the same place of origin.
        """
        transport = self._given or self._open()
        if not isinstance(transport, KafkaTransport):
            transport.send(letter)
            transport.flush()
            return
        try:
            _write(transport, letter)
        except Exception:
            if transport is self._own and transport.fatal:
                transport.renew()
            raise

    def close(self) -> None:
        """Closes the transport that was opened here."""
        own, self._own = self._own, None
        if own is not None:
            own.close()

    def _open(self) -> KafkaTransport:
        if self._own is None:
            self._own = KafkaTransport(self._settings, patience=PATIENCE)
        return self._own


def _write(transport: KafkaTransport, letter: Record) -> None:
    # Its own answer, so that what others sent over the same transport neither delays it nor fails in its name.
    answers: list[str | None] = []
    transport.send(letter, lambda _, error: answers.append(error))
    deadline = monotonic() + PATIENCE
    while not answers and (left := deadline - monotonic()) > 0:
        transport.poll(min(left, 0.1))
    reason = answers[0] if answers else f"no answer within {PATIENCE:g} s"
    if reason is not None:
        raise explain_unwritten(letter, reason)


def explain_unwritten(letter: Record, reason: str) -> DeliveryFailed:
    """The error of a letter that did not arrive, from the reason of the client."""
    said = f"does {letter.topic} exist, and may this service write it?"
    if reason.startswith("MSG_SIZE_TOO_LARGE"):
        said = f"a letter is larger than its record: raise max.message.bytes of {letter.topic};"
    return DeliveryFailed(
        f"a dead letter was not written to {letter.topic}: {reason}",
        [(letter, reason)],
        help=f"{said} its partition waits until then",
    )
