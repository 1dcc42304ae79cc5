"""What goes wrong between a service and its broker or its database, as one sentence with the way out."""

from collections.abc import Sequence

from registry.serde.errors import SerdeError
from registry.serde.record import Record


class MessagingError(SerdeError):
    """Records could not be sent, read or stored."""


class SettingsError(MessagingError):
    """Settings contradict each other, or would lose events."""


class MissingLibrary(MessagingError):
    """An optional library is not installed; the help is the command that installs it."""


class DeliveryFailed(MessagingError):
    """Records did not reach the broker."""

    def __init__(self, message: str, failures: Sequence[tuple[Record, str]], help: str = "") -> None:
        super().__init__(message, help)
        self.failures = tuple(failures)
        """Each record that did not arrive, with the client's reason: nothing is lost as long as this is kept."""


class QueueFull(MessagingError):
    """The client holds as many records as it may, and none left for a while. This record was not taken."""


class ForeignWriter(MessagingError):
    """A record of a topic says that another service wrote it than the one that owns the event."""


class Reject(MessagingError):
    """Raised by a handler that will never accept this event: it goes to the dead letters at once, without a retry."""


class HandlerTimeout(MessagingError):
    """A handler took longer than it may."""


class NoTransaction(MessagingError):
    """An event was to be stored with the caller's own writes, and there is no transaction that both belong to."""


class Unpublishable(MessagingError):
    """A record that the client refuses as it is: too large, a partition that is not there. It was not taken."""
