"""Why one schema cannot read what another wrote."""

from enum import Enum

from registry.errors import Fix
from registry.frozen import dataclass, field
from registry.schema import Schema
from registry.source import Location


class Step(Enum):
    """How bad a mismatch is; a change is compatible if it has no ``break`` and no ``lossy``."""

    BREAK = "break"
    """Some legal value makes the reader fail, or an ordinary value reads as something else or as absent."""
    LOSSY = "lossy"
    """Nothing fails, and only extreme values change."""
    SOURCE = "source"
    """The bytes are fine; JSON, generated code or names change."""


class Direction(Enum):
    """Which of the two schemas is the newer one."""

    BACKWARD = "BACKWARD"
    """The reader is newer."""
    FORWARD = "FORWARD"
    """The writer is newer."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One question: can this reader read what this writer writes?"""

    reader: Schema
    writer: Schema
    direction: Direction = Direction.BACKWARD
    reader_label: str = "the new schema"
    writer_label: str = "the old schema"
    profile: str | None = None
    """``confluent`` adds what Confluent's registry rejects and the wire allows."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One reason, with both sides."""

    kind: str
    """A stable id in snake case; the rule ``compat/`` of the same name in kebab case reports it."""
    step: Step
    pair: Pair = field(repr=False)
    reader: Location
    writer: Location
    path: str
    """The value that is hit, as a path from the event's root in field names: ``/author/name``."""
    fact: str
    """What is wrong in one clause that follows "v3 cannot read what v2 wrote:"."""
    consequence: str = ""
    """What the reader would see."""
    help: tuple[str, ...] = ()
    """Ways out, the best one first."""
    reader_type: str = ""
    writer_type: str = ""
    fix: Fix | None = None
    """The first way out, if it is mechanical; the edit is one of the newer side."""

    @property
    def direction(self) -> Direction:
        """Which side is the newer one."""
        return self.pair.direction

    @property
    def message(self) -> str:
        """One sentence that names both schemas and the fact."""
        reader, writer = self.pair.reader_label, self.pair.writer_label
        return {
            Step.BREAK: f"{reader} cannot read what {writer} wrote: {self.fact}",
            Step.LOSSY: f"{reader} does not always read what {writer} wrote: {self.fact}",
            Step.SOURCE: f"{self.fact}; the bytes are fine, code or JSON changes",
        }[self.step]

    @property
    def new(self) -> Location:
        """The side that a pull request can still change."""
        return self.reader if self.direction is Direction.BACKWARD else self.writer

    @property
    def old(self) -> Location:
        """The other side."""
        return self.writer if self.direction is Direction.BACKWARD else self.reader

    @property
    def old_label(self) -> str:
        """What the older schema is called."""
        return self.pair.writer_label if self.direction is Direction.BACKWARD else self.pair.reader_label
