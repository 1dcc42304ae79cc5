"""What a process writes of one contract: its producers obey one record, and the last ones before are waited for."""

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
        self._held: list[tuple[Any, int]] = []

    def add(self, serde: Steered, transport: object) -> None:
        """One producer more: it writes what the others do."""
        if not self.active and self._writable is None:
            self.active = serde.active
        self._serdes.add(serde)
        if hasattr(transport, "waiting") and hasattr(transport, "taken"):
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
            self._before, self._wake = before, now + max(settle, _MOMENT)
            # What a transport was given by now; each of its records comes back, as arrived or failed.
            self._held = [(each, each.taken) for each in list(self._transports)]

    def plan_anew(self) -> None:
        """The next event of each class asks :meth:`registry.serde.steering.Steering.attend`."""
        for serde in list(self._serdes):
            serde.writing = {}

    @property
    def settling(self) -> bool:
        """Whether records of the version before may still be on their way."""
        return self._before != 0

    def look(self, now: float) -> bool:
        """Whether the last of the version before has come back just now."""
        if not self._before or now < self._wake:
            return False
        self._held = [(each, taken) for each, taken in self._held if each.waiting and each.taken - each.waiting < taken]
        if self._held:
            return False
        self._before = 0
        return True

    def tell(self) -> tuple[int, str]:
        """The version that it writes, and what is the trouble: the version before, as long as one of it is held."""
        if not self._before:
            return self.active, self._choice.trouble
        return self._before, self._choice.trouble or f"records of v{self._before} are still on their way"
