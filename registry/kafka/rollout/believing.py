"""What a process believes of rollouts: records from the control topic, a file, the disk, and what a variable says."""

import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Final

from registry.kafka.observing import LOG
from registry.kafka.rollout.control import ControlRecord, control_key
from registry.kafka.rollout.declared import ACTIVE_VARIABLE, CONTROL_VARIABLE, DeclaredFile, declare, parse_active
from registry.kafka.rollout.documents import find_higher, parse_control
from registry.kafka.rollout.errors import UnreadableDocument
from registry.kafka.rollout.known import read_known, write_known
from registry.kafka.rollout.part import Part

STATE_VARIABLE: Final = "CONTRACTS_STATE"
"""Environment variable with the path of the file in which the last known records are kept."""

_DISK: Final = "the disk"


class Believing:
    """Brings control records to a process's part, which believes the one with the highest rank.

    ``state`` and ``source`` are :data:`STATE_VARIABLE` and :data:`CONTROL_VARIABLE` where they are not given.
    ``settle`` is for how many seconds somebody may still commit what was encoded before; ``changed`` is called when
    another record counts than before. Its owner sees to it that one thread at a time uses it. Raises
    :class:`registry.kafka.SettingsError` for :data:`ACTIVE_VARIABLE`.
    """

    def __init__(
        self,
        part: Part,
        environment: str,
        *,
        state: str | Path | None,
        source: str | Path | None,
        settle: float,
        changed: Callable[[], object],
    ) -> None:
        self._part = part
        self._environment = environment
        kept = state or os.environ.get(STATE_VARIABLE)
        self._state = Path(kept) if kept else None
        declared = source or os.environ.get(CONTROL_VARIABLE)
        self._declared = DeclaredFile(Path(declared), environment) if declared else None
        self._actives = parse_active(os.environ.get(ACTIVE_VARIABLE, ""))
        self._settle = settle
        self._changed = changed
        self._unread: dict[str, bytes] = {}
        """The last control record of each contract that nobody here wants yet."""

    def begin(self) -> None:
        """Believes what was kept on disk, and what the file says now."""
        for record in read_known(self._state).values() if self._state else ():
            if record.environment == self._environment:
                self._believe(record, _DISK)
        self.look()

    def look(self) -> None:
        """Reads the file again, where it changed."""
        for record in self._declared.read_changes() if self._declared else ():
            self._believe(record, CONTROL_VARIABLE)

    def hear(self, contract: str, value: bytes) -> None:
        """A control record came: it is read once somebody here wants its contract."""
        self._unread[contract] = find_higher(self._unread.get(contract), value)
        if contract in self._part.contracts:
            try:
                self._read(contract)
            except Exception:  # of one record: the others, and the heartbeats, go on
                LOG.exception("the control record of %s is passed over", contract)

    def learn(self, contract: str, writes: tuple[int, ...]) -> None:
        """Takes what is known of a contract that somebody here wants from now on."""
        if contract not in self._part.records and contract in self._actives:
            self._believe(declare(contract, self._environment, self._actives[contract], writes), ACTIVE_VARIABLE)
        if contract in self._unread:
            self._read(contract)

    def _read(self, contract: str) -> None:
        try:
            record = parse_control(self._unread.pop(contract))
        except UnreadableDocument as error:
            LOG.error("the control record of %s is passed over: %s", contract, error)
            return
        if (record.environment, record.contract) == (self._environment, contract):
            self._believe(record, "the control topic")

    def _believe(self, record: ControlRecord, source: str) -> None:
        if not self._part.believe(record, monotonic(), self._settle):
            return
        told = f"v{record.prepare} is prepared, v{record.active}" if record.prepare else f"v{record.active}"
        LOG.info("%s: epoch %d by %s: %s is active", record.contract, record.epoch, source, told)
        self._changed()
        if self._state is not None and record.epoch and source != _DISK:
            # All of them: where two processes wrote at once, one did not see what the other had added.
            known = [each for each in self._part.records.values() if each.epoch]
            write_known(self._state, {control_key(each.environment, each.contract): each for each in known})
