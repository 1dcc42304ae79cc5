"""Questions that only a partition's leader or a group's coordinator answers, asked again while that moves."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Final, TypeVar

_T = TypeVar("_T")

MOVING: Final = frozenset(
    {
        "COORDINATOR_LOAD_IN_PROGRESS",
        "COORDINATOR_NOT_AVAILABLE",
        "FENCED_LEADER_EPOCH",
        "LEADER_NOT_AVAILABLE",
        "NOT_COORDINATOR",
        "NOT_LEADER_FOR_PARTITION",
        "OFFSET_NOT_AVAILABLE",
        "UNKNOWN_LEADER_EPOCH",
        "_UNKNOWN_PARTITION",
    }
)
"""What is answered, by librdkafka's names, while a partition gets another leader, or a group another coordinator; the
last by the client itself, whose broker came back with nothing yet."""
PATIENCE: Final = 15.0
_PAUSE: Final = 0.1


def ask_leader(ask: Callable[[], _T], patience: float = PATIENCE) -> _T:
    """What ``ask`` gives back, which calls librdkafka's client once.

    A broker that has just come back says for some moments that it leads nothing, although all others know that it does.
    Raises the ``KafkaException`` of the last try: for any other error at once, for these after ``patience`` seconds.
    """
    from confluent_kafka import KafkaException

    end = monotonic() + patience
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].name() not in MOVING or monotonic() > end:
                raise
        sleep(_PAUSE)
