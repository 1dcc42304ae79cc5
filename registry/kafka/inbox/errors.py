"""What goes wrong with the store of an inbox. None of it is the event's fault, so no event is put aside for it."""

from registry.kafka.errors import MessagingError


class InboxUnavailable(MessagingError):
    """The store cannot be asked or written. What the handler wrote through its connection is rolled back.

    Try the same event again later, for as long as it takes: the next event would fare no better.
    """


class InboxBusy(InboxUnavailable):
    """The event is being handled elsewhere, or its store was locked, for longer than this one waits."""


class TransactionEnded(MessagingError):
    """A handler ended the transaction that the inbox had begun, so its writes and its event were not kept together.

    The event does not count as handled.
    """


class ClaimLost(MessagingError):
    """A handler took longer than its claim lasts. Another process may have handled the same event meanwhile."""
