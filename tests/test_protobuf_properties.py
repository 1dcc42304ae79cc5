"""What holds for every Protobuf schema and for every pair of them, tried on many."""

from collections import Counter
from contextlib import nullcontext
from random import Random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from registry.compatibility import compare_schemas
from registry.formats import protobuf
from registry.formats.mismatch import Direction, Mismatch, Pair, Step
from registry.formats.protobuf.reference import DecodeError, decode, encode
from registry.formats.protobuf.values import Unwritable, find_values
from registry.schema import CompatibilityMode, Schema
from tests.examples_settings import EXAMPLES, QUICK, settings
from tests.protobuf_mutations import MUTATIONS
from tests.protobuf_pairs import SchemaPair, pairs, versions
from tests.protobuf_promise import MAX_VALUES, MISSING, REFUSED, check_witness, find_changes, root_of
from tests.protobuf_schemas import Model, schemas
from tests.protobuf_spelling import parse_model

SEEDS = st.integers(0, 2**32 - 1)
FEW = 150 if EXAMPLES == QUICK else EXAMPLES
"""Examples per property: each one is compiled two to four times."""
FEW_OF_EACH = 15 if EXAMPLES == QUICK else -(-EXAMPLES // len(MUTATIONS))
"""Examples per change."""


def find_mismatches(reader: Schema, writer: Schema, direction: Direction = Direction.BACKWARD) -> list[Mismatch]:
    return list(protobuf.find_mismatches(Pair(reader, writer, direction)))


def is_compatible(mismatches: list[Mismatch]) -> bool:
    return all(mismatch.step is Step.SOURCE for mismatch in mismatches)


def find_pairs(pair: SchemaPair, *, whole: bool = False) -> list[Pair]:
    """Both directions of a pair."""
    before, after = parse_model(pair.before, whole=whole), parse_model(pair.after, whole=whole)
    return [Pair(after, before, Direction.BACKWARD), Pair(before, after, Direction.FORWARD)]


def draw_values(schema: Schema, seed: int) -> list[dict[str, object]]:
    """Some of the values that are made up for a schema; none of a message that requires itself."""
    try:
        values = list(find_values(schema, seed=seed))
    except Unwritable:
        return []
    return Random(seed).sample(values, min(len(values), MAX_VALUES))


def words(mismatches: list[Mismatch]) -> Counter[tuple[object, ...]]:
    """All of a verdict but its places, which differ with the spelling. Of an enum that is judged for itself, too, its
    default is told at the first use: that of the file."""
    return Counter(
        (m.kind, m.step, path, m.fact, m.consequence, m.help, m.reader_type, m.writer_type)
        for m in mismatches
        for path in (m.path if m.kind != "enum_default_removed" else "",)
    )


@settings(FEW)
@given(schemas(), SEEDS, st.booleans())
def test_a_schema_against_itself_is_silent_in_any_syntax_and_spelling(model: Model, seed: int, whole: bool) -> None:
    one, other = parse_model(model, whole=whole), parse_model(model, seed, whole=whole)
    assert not find_mismatches(one, other) and not find_mismatches(other, one, Direction.FORWARD)
    assert protobuf.canonical_form(one) == protobuf.canonical_form(other)


@settings(FEW)
@given(pairs(), SEEDS, SEEDS, st.booleans())
def test_no_verdict_depends_on_spelling_or_on_the_order_of_declarations_and_files(
    pair: SchemaPair, seed: int, other_seed: int, whole: bool
) -> None:
    plain = find_pairs(pair, whole=whole)
    before, after = parse_model(pair.before, seed, whole=whole), parse_model(pair.after, other_seed, whole=whole)
    spelled = Pair(after, before, Direction.BACKWARD), Pair(before, after, Direction.FORWARD)
    for one, other in zip(plain, spelled, strict=True):
        assert words(list(protobuf.find_mismatches(one))) == words(list(protobuf.find_mismatches(other)))


@settings(FEW)
@given(versions(), st.booleans())
def test_full_is_backward_and_forward_and_transitive_is_every_pair(models: list[Model], whole: bool) -> None:
    *old, new = [(f"v{number}", parse_model(model, whole=whole)) for number, model in enumerate(models, 1)]
    for suffix, readable in (("", old[-1:]), ("_TRANSITIVE", old)):
        backward = [m for _, schema in readable for m in find_mismatches(new[1], schema)]
        forward = [m for _, schema in readable for m in find_mismatches(schema, new[1], Direction.FORWARD)]
        for mode, expected in (("BACKWARD", backward), ("FORWARD", forward), ("FULL", [*backward, *forward])):
            comparison = compare_schemas(CompatibilityMode(mode + suffix), new, old)
            assert comparison.compatible == is_compatible(expected)
            assert words(list(comparison.mismatches)) == words(expected)


@pytest.mark.parametrize("change", MUTATIONS)
def test_what_is_compatible_keeps_every_value(change: str) -> None:
    settings(FEW_OF_EACH)(given(pairs(change), SEEDS)(keeps_every_value))()


def keeps_every_value(pair: SchemaPair, seed: int) -> None:
    for each in find_pairs(pair):
        compatible = is_compatible(list(protobuf.find_mismatches(each)))
        event("compatible" if compatible else "not compatible")
        for value in draw_values(each.writer, seed):
            data = encode(each.writer, root_of(each.writer), value)
            changes = find_changes(each, data)
            assert not (compatible and changes), (value, changes)
            fails = any(change.fact in (REFUSED, MISSING) for change in changes)
            with pytest.raises(DecodeError) if fails else nullcontext():
                decode(each.reader, root_of(each.reader), data)


@pytest.mark.parametrize("change", MUTATIONS)
def test_what_is_not_compatible_has_a_witness_that_shows_it(change: str) -> None:
    settings(FEW_OF_EACH)(given(pairs(change), st.booleans())(has_witnesses))()


def has_witnesses(pair: SchemaPair, whole: bool) -> None:
    for each in find_pairs(pair, whole=whole):
        for mismatch in protobuf.find_mismatches(each):
            if mismatch.step is not Step.SOURCE:
                check_witness(mismatch)
