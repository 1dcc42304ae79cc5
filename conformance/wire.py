"""The field `wire` of Protobuf's cases: what really became of values, measured, against the step of our verdict.

Each direction is a case of its own here, under the id of the case, the word ``wire`` and the direction.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from conformance.pairs import Case, compare_case, render_verdict
from conformance.score import Outcome
from registry.api import InvalidSchema, Step

STEPS: Final[Mapping[str, frozenset[str]]] = {
    "ok": frozenset({"ok"}),
    # "lossy" is said there of all that reads without an error and not as it was written: an ordinary value that reads
    # as absent is a break for us.
    "lossy": frozenset({"lossy", "break"}),
    "value-dependent": frozenset({"lossy", "break"}),
    "error": frozenset({"break"}),
    "message-gone": frozenset({"break"}),
}
"""What we may say, by what was measured. To say less than that is wrong whatever the reason."""


def find_outcomes(cases: Iterable[Case]) -> Iterator[Outcome]:
    """What became of each measured direction of each case; protoc refuses what was not measured."""
    for case in cases:
        for direction, measured in case.get("wire", {}).items():
            if measured is not None:
                yield judge(case, direction, measured)


def judge(case: Case, direction: str, measured: str) -> Outcome:
    """One direction of one case."""
    id_ = f"{case['id']} wire {direction}"
    try:
        comparison = compare_case(case, direction)
    except InvalidSchema as error:
        return Outcome(id_, False, measured, f"invalid ({error})", frozenset({"invalid"}))
    steps = {mismatch.step for mismatch in comparison.mismatches}
    ours = next((step.value for step in (Step.BREAK, Step.LOSSY) if step in steps), "ok")
    words = render_verdict(comparison)
    return Outcome(
        id_,
        ours in STEPS[measured],
        measured,
        f"{ours} ({words})" if words else ours,
        frozenset(each.kind for each in comparison.mismatches if each.step is not Step.SOURCE),
        excusable=measured == "ok",
    )
