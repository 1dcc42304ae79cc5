"""When it is time to forget old events again: a few at a time, so that no handler waits long."""

import time
from datetime import timedelta
from typing import Final

from registry.kafka.errors import SettingsError

STEP: Final = 500
"""Rows that one step forgets."""
_EVERY: Final = 60.0
"""Seconds between steps, once there is nothing left to forget."""


def check_keep(keep: timedelta | None) -> None:
    """Raises :class:`SettingsError` for a time in which nothing is remembered."""
    if keep is not None and keep <= timedelta(0):
        raise SettingsError(f"events cannot be kept for {keep}", help="give a time longer than the topic keeps them")


class Sweep:
    """Whether a step is due. Threads may share it: at worst two of them take a step at once."""

    def __init__(self, keep: timedelta | None) -> None:
        check_keep(keep)
        self.keep = keep
        self._next = 0.0

    def due(self) -> bool:
        """Whether events should be looked for that are older than ``keep``."""
        return self.keep is not None and time.monotonic() >= self._next

    def done(self, forgotten: int) -> None:
        """A step forgot so many: after a full one another is due at once."""
        self._next = 0.0 if forgotten >= STEP else time.monotonic() + _EVERY
