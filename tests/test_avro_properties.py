"""What holds for every Avro schema and for every pair of them, tried on many."""

import json
from collections import Counter
from itertools import islice

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from registry.compatibility import compare_schemas
from registry.formats import avro
from registry.formats.avro.values import find_values
from registry.formats.mismatch import Mismatch, Pair, Step
from registry.schema import CompatibilityMode, Schema
from tests.avro_pairs import SchemaPair, field_pairs, name_pairs, pairs, schemas, union_pairs, versions
from tests.avro_promise import MAX_VALUES, check_witness, survives
from tests.avro_schemas import SCALARS, Json, Model
from tests.avro_spelling import ROOT, parse_model
from tests.examples_settings import settings

SEEDS = st.integers(0, 2**32 - 1)


def find_mismatches(reader: Schema, writer: Schema) -> list[Mismatch]:
    return list(avro.find_mismatches(Pair(reader, writer)))


def is_compatible(mismatches: list[Mismatch]) -> bool:
    return all(mismatch.step is Step.SOURCE for mismatch in mismatches)


def words(mismatches: list[Mismatch]) -> list[tuple[object, ...]]:
    """All of a verdict but its places, which differ with the spelling, and defaults, quoted as they are spelled."""
    quoting = ("default_changed", "renamed_field_defaulted")
    return [
        (m.kind, m.step, m.path, m.help, m.reader_type, m.writer_type)
        + (() if m.kind in quoting else (m.fact, m.consequence))
        for m in mismatches
    ]


@settings()
@given(schemas(), SEEDS)
def test_a_schema_against_itself_is_silent_however_it_is_spelled(model: Model, seed: int) -> None:
    one, other = parse_model(model), parse_model(model, seed)
    assert not find_mismatches(one, other) and not find_mismatches(other, one)
    assert avro.canonical_form(one) == avro.canonical_form(other)


@settings()
@given(schemas(), SEEDS)
def test_the_self_contained_form_reads_back(model: Model, seed: int) -> None:
    # Not for a name of the null namespace beside the same short name in a namespace: no text can refer to both there.
    schema = parse_model(model, seed, split=True)
    text = avro.self_contained(schema)
    again = avro.parse({ROOT: text}, [ROOT])
    assert avro.canonical_form(again) == avro.canonical_form(schema)
    assert avro.self_contained(again) == text
    assert not find_mismatches(schema, again)


@settings()
@given(pairs(), SEEDS, SEEDS, st.booleans())
def test_no_verdict_depends_on_spelling_or_on_the_order_of_keys_and_files(
    pair: SchemaPair, seed: int, other_seed: int, split: bool
) -> None:
    plain = find_mismatches(parse_model(pair.after), parse_model(pair.before))
    reader = parse_model(pair.after, seed, split=split)
    writer = parse_model(pair.before, other_seed, split=split)
    assert words(find_mismatches(reader, writer)) == words(plain)


@settings()
@given(versions())
def test_full_is_backward_and_forward_and_transitive_is_every_pair(models: list[Model]) -> None:
    *old, new = [(f"v{number}", parse_model(model)) for number, model in enumerate(models, 1)]
    for suffix, readable in (("", old[-1:]), ("_TRANSITIVE", old)):
        backward = [m for _, schema in readable for m in find_mismatches(new[1], schema)]
        forward = [m for _, schema in readable for m in find_mismatches(schema, new[1])]
        for mode, expected in (("BACKWARD", backward), ("FORWARD", forward), ("FULL", [*backward, *forward])):
            comparison = compare_schemas(CompatibilityMode(mode + suffix), new, old)
            assert comparison.compatible == is_compatible(expected)
            assert Counter((m.kind, m.path) for m in comparison.mismatches) == Counter(
                (m.kind, m.path) for m in expected
            )


@pytest.mark.parametrize("writes", SCALARS, ids=json.dumps)
def test_every_scalar_read_as_every_other_is_what_its_values_say(writes: Json) -> None:
    for reads in SCALARS:
        check_promise(parse_model(Model([reads], {})), parse_model(Model([writes], {})))


@settings()
@given(st.one_of(union_pairs(), name_pairs()))
def test_every_choice_of_a_branch_is_what_its_values_say(pair: SchemaPair) -> None:
    check_promise(parse_model(pair.after), parse_model(pair.before))


@settings()
@given(field_pairs())
def test_every_way_to_join_fields_is_what_their_values_say(pair: SchemaPair) -> None:
    check_promise(parse_model(pair.after), parse_model(pair.before))


def check_promise(reader: Schema, writer: Schema) -> None:
    """Compatible exactly if every value survives; each mismatch has its witness."""
    mismatches = find_mismatches(reader, writer)
    kept = [survives(reader, writer, value) for value in islice(find_values(writer), MAX_VALUES)]
    assert all(kept) == is_compatible(mismatches)
    for mismatch in mismatches:
        if mismatch.step is not Step.SOURCE:
            check_witness(mismatch)


@settings()
@given(pairs(), SEEDS)
def test_what_is_compatible_keeps_every_value(pair: SchemaPair, seed: int) -> None:
    before, after = parse_model(pair.before), parse_model(pair.after)
    for reader, writer in ((after, before), (before, after)):
        kept = [survives(reader, writer, value) for value in islice(find_values(writer, seed=seed), MAX_VALUES)]
        event(f"values {min(len(kept) // 20 * 20, 200)}")
        assert all(kept) or not is_compatible(find_mismatches(reader, writer))


@settings()
@given(pairs())
def test_what_is_not_compatible_has_a_witness_that_shows_it(pair: SchemaPair) -> None:
    before, after = parse_model(pair.before), parse_model(pair.after)
    for reader, writer in ((after, before), (before, after)):
        for mismatch in find_mismatches(reader, writer):
            if mismatch.step is not Step.SOURCE:
                check_witness(mismatch)


@settings()
@given(pairs())
def test_forward_is_backward_with_the_sides_swapped(pair: SchemaPair) -> None:
    before, after = ("v1", parse_model(pair.before)), ("v2", parse_model(pair.after))
    backward = compare_schemas(CompatibilityMode.BACKWARD, after, [before])
    forward = compare_schemas(CompatibilityMode.FORWARD, before, [after])
    for change in pair.changes:
        event(change)
    event("compatible" if backward.compatible else "not compatible")
    assert [(m.kind, m.path) for m in backward.mismatches] == [(m.kind, m.path) for m in forward.mismatches]
