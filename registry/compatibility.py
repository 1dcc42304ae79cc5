"""A mode makes pairs, a pair has mismatches: the only place that knows of modes."""

from collections.abc import Iterator, Sequence

from registry.formats import load_format
from registry.formats.mismatch import Direction, Mismatch, Pair, Step
from registry.frozen import dataclass
from registry.schema import CompatibilityMode, Schema

PROFILES = (None, "confluent")
"""Whose verdicts are added to those of the wire: nobody's, or those of Confluent's registry."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of one schema compared with older ones."""

    mode: CompatibilityMode
    mismatches: tuple[Mismatch, ...]

    @property
    def compatible(self) -> bool:
        """Whether every value survives: no break and no lossy mismatch."""
        return all(mismatch.step is Step.SOURCE for mismatch in self.mismatches)


def find_pairs(
    mode: CompatibilityMode, new: tuple[str, Schema], old: Sequence[tuple[str, Schema]], profile: str | None = None
) -> Iterator[Pair]:
    """The pairs a mode promises, newest first; ``old`` is labelled and oldest first. Equal objects make no pair."""
    new_label, new_schema = new
    for old_label, old_schema in reversed(old if mode.transitive else old[-1:]):
        if old_schema is new_schema:
            continue
        if mode.backward:
            yield Pair(new_schema, old_schema, Direction.BACKWARD, new_label, old_label, profile)
        if mode.forward:
            yield Pair(old_schema, new_schema, Direction.FORWARD, old_label, new_label, profile)


def find_mismatches(pair: Pair) -> Iterator[Mismatch]:
    """Why the reader of the pair cannot read its writer, by the rules of their language."""
    return load_format(pair.reader.format).find_mismatches(pair)


def compare_schemas(
    mode: CompatibilityMode, new: tuple[str, Schema], old: Sequence[tuple[str, Schema]], profile: str | None = None
) -> Comparison:
    """Every mismatch of every pair the mode promises."""
    pairs = find_pairs(mode, new, old, profile)
    return Comparison(mode, tuple(mismatch for pair in pairs for mismatch in find_mismatches(pair)))
