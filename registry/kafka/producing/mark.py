"""What a client had taken by a moment: whether all of it has come back, while more is sent all the time."""

from threading import Lock
from typing import Any


class Mark:
    """Counts what is sent after it was made. Threads may share it.

    The client tells how many records it holds, not which: they come back in any order where one partition has lost its
    leader and others go on. What was there before is the rest.
    """

    __slots__ = ("_back", "_client", "_lock", "_sent")

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = Lock()
        self._sent = self._back = 0

    def count_sent(self) -> None:
        """One more was taken."""
        with self._lock:
            self._sent += 1

    def count_back(self) -> None:
        """One of those that were sent since has arrived or failed."""
        with self._lock:
            self._back += 1

    def look(self) -> bool:
        """Whether all that was there before has come back; asked again until it is so.

        Asked right after callbacks have run: a record whose callback waits counts twice at the client.
        """
        sent = self._sent  # in this order, what comes and goes meanwhile makes it more, not less
        held = len(self._client)
        return held - sent + self._back <= 0
