"""Where a subscription stands in each partition: what is handled, and which record it cannot get past."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final

from registry.frozen import dataclass, replace
from registry.serde.record import Record

Place = tuple[str, int]
"""A topic and a partition."""

NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Owed:
    """A dead letter that could not be written yet: its record is done with but for that."""

    error: Exception
    """Why it is one."""
    attempt: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """The record that a partition stands before."""

    offset: int
    attempts: int
    """How often its handler failed."""
    error: Exception
    due: float
    """When it is tried again, by time.monotonic; :data:`NEVER` while it is, or where another member reads it."""
    held: bool
    """Whether it waits for something to change, and not just for its next attempt."""
    timestamp: datetime | None
    waits: int = 0
    """How often it failed for other reasons, which are none of its own."""
    gone: bool = False
    """Whether another member had the partition since: it may have got past the record."""
    owed: Owed | None = None
    """The letter that it waits for; then its handler is not called again."""


class Partitions:
    """The books of one subscription. One thread writes them; the rest may look."""

    def __init__(self) -> None:
        self.assigned: frozenset[Place] = frozenset()
        self.handled: dict[Place, Record] = {}
        """The last record that was handled, where its offset is not stored yet."""
        self.stored: dict[Place, Record] = {}
        """The last one whose offset is."""
        self.troubles: dict[Place, Trouble] = {}
        self.due = NEVER
        """The earliest of all."""

    def assign(self, places: Collection[Place]) -> None:
        """These are read here from now on. One that stood before a record, or still does, is tried at once."""
        self.assigned |= set(places)
        for place in places:
            # The client keeps a partition paused that goes and comes back: somebody must resume it.
            self._wait(place, 0.0)
        self._find_earliest()

    def revoke(self, places: Collection[Place]) -> None:
        """These are read by somebody else. How often a record failed is remembered, should it come back."""
        self.assigned -= set(places)
        for place in places:
            self.handled.pop(place, None)
            self.stored.pop(place, None)
            if trouble := self.troubles.get(place):
                left = replace(trouble, due=NEVER, held=False, gone=True, owed=None)
                self.troubles = {**self.troubles, place: left}
        self._find_earliest()

    def hold(self, place: Place, trouble: Trouble) -> None:
        """The partition waits before this record."""
        self.troubles = {**self.troubles, place: trouble}  # a new one: other threads may be looking at the old
        self._find_earliest()

    def attempts(self, place: Place, offset: int, counted: bool = True) -> int:
        """How often the handler of this very record failed before, or what is not counted as that."""
        trouble = self.troubles.get(place)
        if trouble is None or trouble.offset != offset:
            return 0
        return trouble.attempts if counted else trouble.waits

    def find_owed(self, place: Place, offset: int) -> Owed | None:
        """The letter of this very record, where that is all that is missing."""
        trouble = self.troubles.get(place)
        return trouble.owed if trouble is not None and trouble.offset == offset else None

    def pop_due(self, now: float) -> Iterator[Place]:
        """The partitions whose records are to be tried again."""
        for place, trouble in list(self.troubles.items()):
            if trouble.due <= now:
                self._wait(place, NEVER)
                yield place
        self._find_earliest()

    def wake(self) -> None:
        """Something has changed: those that wait for that are tried again at once."""
        for place, trouble in list(self.troubles.items()):
            if trouble.held and trouble.due != NEVER:
                self._wait(place, 0.0)
        self._find_earliest()

    def pass_by(self, place: Place, offset: int) -> Trouble | None:
        """The partition got past this offset: the trouble that it left behind, if it stood there or before."""
        trouble = self.troubles.get(place)
        if trouble is None or trouble.offset > offset:
            return None
        self.troubles = {each: held for each, held in self.troubles.items() if each != place}
        self._find_earliest()
        return trouble

    def pop_handled(self) -> Mapping[Place, int]:
        """The offsets to be stored; they count as stored after this."""
        self.stored |= self.handled
        offsets = {place: record.offset + 1 for place, record in self.handled.items()}
        self.handled.clear()
        return offsets

    @property
    def paused(self) -> Mapping[Place, Exception]:
        """The partitions that wait for something to change, each with the reason."""
        return {
            place: trouble.error for place, trouble in self.troubles.items() if trouble.held and place in self.assigned
        }

    def _wait(self, place: Place, due: float) -> None:
        if trouble := self.troubles.get(place):
            self.troubles = {**self.troubles, place: replace(trouble, due=due)}

    def _find_earliest(self) -> None:
        self.due = min((trouble.due for trouble in self.troubles.values()), default=NEVER)
