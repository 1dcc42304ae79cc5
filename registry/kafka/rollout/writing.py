"""What a process writes of one contract: its producers obey one record, and the last ones before are waited for."""

from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

from registry.kafka.rollout.admission import Choice, choose
from registry.kafka.rollout.control import ControlRecord
from registry.serde.bundle import Bundle
from registry.serde.steering import Steered

_MOMENT: Final = 0.2
"""Seconds for events that were being encoded when another version became active."""


class Writing:
    """The producers of one contract in this process."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.active = 0
        """The version that is encoded; 0 where none may be."""
        self._before = 0
        self._choice = Choice(0, "")
        self._serdes: WeakSet[Any] = WeakSet()
        self._transports: WeakSet[Any] = WeakSet()
        self._writable: tuple[int, ...] | None = None
        self._environment = ""
        self._wake = 0.0
        self._marks: list[Callable[[], bool]] | None = None
        """Of each transport whether what it had when the others were heard of has come back."""

    def add(self, serde: Steered, transport: object) -> None:
        """One producer more: it writes what the others do."""
        if not self.active and self._writable is None:
            self.active = serde.active
        self._serdes.add(serde)
        if hasattr(transport, "mark"):
            self._transports.add(transport)
        if self._writable is not None:
            serde.obey(self._choice.version, self._writable, self._environment)

    def obey(self, record: ControlRecord, now: float, settle: float) -> None:
        """Does what a record says. For ``settle`` seconds more somebody may commit what was encoded before."""
        before = self.active
        self._choice = choose(self.bundle.writes, before or self.bundle.active, record)
        self._writable = record.writable
        self._environment = record.environment
        for serde in list(self._serdes):
            serde.obey(self._choice.version, record.writable, record.environment)
        self.active = self._choice.version
        if before not in (0, self.active):
            self._before, self._wake, self._marks = before, now + max(settle, _MOMENT), None

    def plan_anew(self) -> None:
        """The next event of each class asks :meth:`registry.serde.steering.Steering.attend`."""
        for serde in list(self._serdes):
            serde.writing = {}
        self._before, self._marks = 0, None  # what was on its way is the parent's

    def look(self, now: float) -> bool:
        """Whether the last of the version before has come back just now."""
        if not self._before or now < self._wake:
            return False
        if self._marks is None:
            # Not before: an event that was being encoded when the version changed is in a transport by now.
            asked = [each.mark() for each in list(self._transports)]
            if None in asked:
                return False  # somebody still waits for room
            self._marks = [mark for mark in asked if mark is not None]
        self._marks = [has_come_back for has_come_back in self._marks if not has_come_back()]
        if self._marks:
            return False
        self._before, self._marks = 0, None
        return True

    def tell(self) -> tuple[int, str]:
        """The version that it writes, and what is the trouble: the version before, as long as one of it is held."""
        if not self._before:
            return self.active, self._choice.trouble
        return self._before, self._choice.trouble or f"records of v{self._before} are still on their way"
