"""What can be watched while records are sent and handled: metrics, traces and logs are observers."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from registry.serde.bundle import Bundle
from registry.serde.delivery import Delivery
from registry.serde.record import Record


class Observer(Protocol):
    """Is told what happens, in the thread where it happens. All of it does nothing unless a class says otherwise.

    What an observer raises is logged, and stops nothing.
    """

    successes: bool = True
    """Whether :meth:`sent` is told of records that arrived, too: that is a call for each of them."""

    def subscribed(self, bundles: Sequence[Bundle], group: str) -> None:
        """A subscription begins to read these contracts, as a member of a consumer group."""
        return

    def sent(self, record: Record, error: str | None) -> None:
        """A record arrived at the broker, or, with a reason, did not."""
        return

    def handling(self, delivery: Delivery) -> AbstractContextManager[object]:
        """Surrounds a call of the handler, each attempt anew."""
        return nullcontext()

    def handled(self, delivery: Delivery, seconds: float) -> None:
        """A handler came to its end after so many seconds, and its record counts as handled."""
        return

    def repeated(self, delivery: Delivery) -> None:
        """An event that had been handled before came again, and was passed over."""
        return

    def failed(self, record: Record, error: Exception, attempt: int) -> None:
        """A record could not be read, or its handler raised, for the ``attempt``-th time."""
        return

    def dead_lettered(self, record: Record, error: Exception) -> None:
        """A record was put aside in the dead letters."""
        return

    def paused(self, topic: str, partition: int, error: Exception) -> None:
        """A partition stands before a record that cannot be handled now."""
        return

    def resumed(self, topic: str, partition: int) -> None:
        """A partition goes on."""
        return

    def revoked(self, topic: str, partition: int) -> None:
        """A partition is no longer read here."""
        return

    def measured(self, topic: str, partition: int, lag: int, age: float) -> None:
        """How many records of a partition wait, and for how many seconds the first of them has; told now and then."""
        return

    def outbox(self, waiting: int, age: float, blocked: int) -> None:
        """How many rows of an outbox wait, how many seconds the oldest has, and how many did not arrive."""
        return


Observers = Sequence[Observer]
