"""What still waits in a service's outboxes, by contract and version: asked while the heartbeat goes on."""

from collections.abc import Mapping, Sequence
from threading import Thread
from types import MappingProxyType
from typing import Final, Protocol

from registry.frozen import dataclass, field
from registry.kafka.outbox import Waiting

_PATIENCE: Final = 1.0
"""Seconds that a heartbeat waits for an answer."""


class Asked(Protocol):
    """An outbox that says what waits: :class:`registry.kafka.SqliteOutbox`, :class:`registry.kafka.PostgresOutbox`."""

    def waiting(self) -> list[Waiting]:
        """How many rows wait of each version of each event."""


@dataclass(frozen=True, slots=True)
class Held:
    """What waits of one contract, in all outboxes together."""

    counts: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """Rows by version."""
    age: float = 0.0
    """Seconds since the oldest was written."""
    unknown: str = ""
    """Why it is not known."""


class Outboxes:
    """Asks the outboxes of a process, each time in a thread of its own: a database may take as long as it likes."""

    def __init__(self, outboxes: Sequence[Asked]) -> None:
        self._outboxes = tuple(outboxes)
        self._asking: Thread | None = None
        self._answer: Sequence[Waiting] | str = ()

    def __bool__(self) -> bool:
        return bool(self._outboxes)

    def ask(self) -> Mapping[str, Held]:
        """What waits now, by contract. Where nobody knows, the name ``""`` says why.

        All that was written before this call, and whose transaction had committed, is in the answer.
        """
        if not self._outboxes:
            return {}
        if self._asking is not None and self._asking.is_alive():
            return {"": Held(unknown="the outbox does not answer")}
        self._asking = Thread(target=self._read, name="contracts-outboxes", daemon=True)
        self._asking.start()
        self._asking.join(_PATIENCE)
        if self._asking.is_alive():
            return {"": Held(unknown="the outbox does not answer")}
        if isinstance(self._answer, str):
            return {"": Held(unknown=self._answer)}
        return _sum(self._answer)

    def _read(self) -> None:
        try:
            self._answer = [each for outbox in self._outboxes for each in outbox.waiting()]
        except Exception as error:  # whatever its database raises: the heartbeat goes on, and says so
            self._answer = f"the outbox cannot be asked: {error}"


def _sum(rows: Sequence[Waiting]) -> Mapping[str, Held]:
    found: dict[str, Held] = {}
    for row in rows:
        held = found.get(row.contract, Held())
        counts = {**held.counts, row.version: held.counts.get(row.version, 0) + row.count}
        found[row.contract] = Held(counts, max(held.age, row.age))
    return found
