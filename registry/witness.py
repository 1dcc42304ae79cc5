"""A value for each mismatch that some value shows: really encoded by the writer, really decoded by the reader.

Nothing of this is imported before something was found: codecs cost more than the judgement.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Final, Protocol, cast

from registry.finding import Finding
from registry.formats.mismatch import Mismatch, Step
from registry.formats.witness import Witness
from registry.frozen import replace
from registry.schema import Record, Schema

MOST: Final = 100
"""Findings of one report that are shown a value: whoever has more mends the first ones first."""
MOST_FIELDS: Final = 100_000
"""Fields of the schemas that these values are written with, all together: a few seconds of work."""


class _Language(Protocol):
    """The module ``witness`` of a schema language."""

    def find_witness(self, mismatch: Mismatch) -> Witness:
        """The smallest value that shows the mismatch, or the reason why there is none."""


def is_shown(mismatch: Mismatch) -> bool:
    """Whether values are at stake: where only names change, bytes show nothing."""
    return mismatch.step is not Step.SOURCE


def find_witness(mismatch: Mismatch) -> Witness:
    """The smallest value that shows a break or lossy mismatch, or the reason why there is none."""
    module = import_module(f"registry.formats.{mismatch.pair.reader.format}.witness")
    return cast(_Language, module).find_witness(mismatch)


def add_witnesses(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The same findings, those about values with a witness; beyond the limits it says that it was not looked for."""
    left, fields = MOST, MOST_FIELDS
    for finding in findings:
        mismatch = finding.problem.mismatch
        if mismatch is None or not is_shown(mismatch):
            yield finding
        elif left > 0 and fields > 0:
            yield replace(finding, witness=find_witness(mismatch))
            left, fields = left - 1, fields - _count_fields(mismatch.pair.writer)
        else:
            reason = "it was not looked for, because so many findings before it have one"
            yield replace(
                finding, witness=Witness(mismatch.pair.writer_label, mismatch.pair.reader_label, reason=reason)
            )


def _count_fields(schema: Schema) -> int:
    return sum(len(type_.fields) for type_ in schema.types.values() if isinstance(type_, Record))
