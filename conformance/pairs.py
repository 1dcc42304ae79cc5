"""Pairs of schemas with a verdict for each mode: `avro_java`, `avro_karapace`, `avro_py`, `apicurio`, `proto_karapace`.

A case agrees if every mode it names does. An invalid schema agrees with an expected error on the side that it names,
and with ``compiles: false``. Of a disputed case the judgement beside it is what we are compared with.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from conformance.score import Outcome
from registry.api import Comparison, InvalidSchema, Mismatch, Step, compare
from registry.formats import FORMATS, load_format
from registry.formats.protobuf.reservations import find_dropped_reservations, find_unreserved

Case = Mapping[str, Any]
"""One case as its file has it; the README beside the files says how to read it."""

SUPPLIED: Final = {
    "google/type/postal_address.proto": (
        'syntax = "proto3"; package google.type;'
        "message PostalAddress { int32 revision = 1; string region_code = 2; repeated string address_lines = 9; }"
    )
}
"""What four cases import and do not bring: a stand-in of our own, with numbers and types of the real one."""

JAVA_BRANCH_KINDS: Final = frozenset({"missing_union_branch", "type_mismatch"})
JAVA_KINDS: Final = JAVA_BRANCH_KINDS | {
    "name_mismatch",
    "reader_field_missing_default_value",
    "missing_enum_symbols",
    "fixed_size_mismatch",
}
"""Java's names (SchemaIncompatibilityType), in lower case."""

INVALID: Final = "invalid"


def find_outcomes(cases: Iterable[Case]) -> Iterator[Outcome]:
    """What became of each pair, in the order of the file."""
    for case in cases:
        expected = expect(case)
        said: list[str] = []
        ours: list[str] = []
        kinds: set[str] = set()
        for mode, wanted in expected.items():
            try:
                comparison = compare_case(case, mode)
            except InvalidSchema as error:
                verdict, words, seen = f"{INVALID} {_side(error)}", str(error), {INVALID}
                agrees = wanted in (INVALID, verdict)
            else:
                verdict = "compatible" if comparison.compatible else "incompatible"
                words, seen = render_verdict(comparison), find_kinds(case, comparison)
                agrees = wanted == verdict
            if not agrees:
                said.append(f"{mode} {wanted}")
                ours.append(f"{verdict} ({words})" if words else verdict)
                kinds |= seen
        missed = set() if said or "incompatibilities" not in case else find_misplaced(case)
        if missed:
            said, ours = ["these kinds and places"], [", ".join(sorted(missed))]
            kinds = {"misplaced"}
        yield Outcome(
            case["id"],
            not said,
            "; ".join(said),
            "; ".join(ours),
            frozenset(kinds),
            disputed="disputed" in case,
        )


def expect(case: Case) -> dict[str, str]:
    """By mode: ``compatible``, ``incompatible``, ``invalid``, ``invalid old`` or ``invalid new``."""
    if "expect_error" in case:
        return {"BACKWARD": f"{INVALID} {case['expect_error'].split()[0]}"}
    verdicts = case["expect"]
    if case.get("compiles") is False:
        return dict.fromkeys(verdicts, INVALID)
    if "disputed" in case:
        judgement = case["disputed"]["spec_expect"]
        if isinstance(judgement, str):
            return dict.fromkeys(verdicts, INVALID)
        verdicts = judgement
    return {mode: "compatible" if holds else "incompatible" for mode, holds in verdicts.items()}


def compare_case(case: Case, mode: str) -> Comparison:
    """Our verdict on one case. Raises :class:`InvalidSchema`."""
    references = find_references(case)
    return compare(
        case["old"],
        case["new"],
        language=case["format"],
        mode=mode,
        old_references=references["old"],
        new_references=references["new"],
    )


def find_references(case: Case) -> dict[str, dict[str, str]]:
    """By side, the texts that the case brings, and those it expects to be there."""
    given = case.get("references", {})
    supplied = SUPPLIED if case["format"] == "protobuf" else {}
    return {side: {**supplied, **given.get(side, {})} for side in ("old", "new")}


def find_kinds(case: Case, comparison: Comparison) -> set[str]:
    """The kinds that make our verdict; of a compatible pair what we say about it all the same, rules included."""
    if not comparison.compatible:
        return {mismatch.kind for mismatch in comparison.mismatches if mismatch.step is not Step.SOURCE}
    kinds = {mismatch.kind for mismatch in comparison.mismatches}
    if case["format"] != "protobuf":
        return kinds
    protobuf, suffix, references = load_format("protobuf"), FORMATS["protobuf"], find_references(case)
    texts = {"old": case["old"] if isinstance(case["old"], str) else case["old"][-1], "new": case["new"]}
    before, after = (
        protobuf.parse({**references[side], f"{side}{suffix}": text}, [f"{side}{suffix}"])
        for side, text in texts.items()
    )
    flaws = [*find_unreserved(before, after), *find_dropped_reservations(before, after)]
    return kinds | {flaw.kind for flaw in flaws}


def render_verdict(comparison: Comparison) -> str:
    """The kinds and paths behind a verdict."""
    shown = [each for each in comparison.mismatches if comparison.compatible or each.step is not Step.SOURCE]
    return ", ".join(f"{each.step.value} {each.kind} at {each.path or '/'}" for each in shown)


def find_misplaced(case: Case) -> set[str]:
    """Which incompatibilities Java finds and we do not, and the other way round, with their places.

    Only kinds that Java has are compared: it knows no lossy promotions.
    """
    (mode,) = case["expect"]
    theirs = Counter((each["type"].lower(), each["location"]) for each in case["incompatibilities"])
    mismatches = [each for each in compare_case(case, mode).mismatches if each.kind in JAVA_KINDS]
    ours = Counter((each.kind, place_as_java(each)) for each in mismatches)
    return {
        f"{sign} {kind} at {at}" for sign, left in (("-", theirs - ours), ("+", ours - theirs)) for kind, at in left
    }


def place_as_java(mismatch: Mismatch) -> str:
    """The one pointer that Java gives where we give two: the place in the reader's schema, and behind it the number of
    the branch that was written, if the writer has a union there. The whole schema is ``/`` for Java."""
    branch = mismatch.writer.pointer.rpartition("/")[2]
    is_branch = mismatch.kind in JAVA_BRANCH_KINDS and branch.isdecimal()
    return mismatch.reader.pointer + (f"/{branch}" if is_branch else "") or "/"


def _side(error: InvalidSchema) -> str:
    """Which of the two is invalid."""
    return error.location.path.partition(".")[0].partition("-")[0]
