"""What goes wrong between a service and the rollouts that steer it."""

from registry.kafka.errors import MessagingError


class UnreadableDocument(MessagingError):
    """A control record or a heartbeat is none: it is logged and passed over."""


class NewerDocument(UnreadableDocument):
    """A control record or a heartbeat is of a format that this library does not know yet."""


class NotAdmitted(MessagingError):
    """This build may not join: versions lie in the log, or are about to, that it cannot read."""
