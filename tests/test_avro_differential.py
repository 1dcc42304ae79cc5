"""Our verdicts and readings beside those of Apache's `avro` package; every difference has a row that explains it."""

import io
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from math import isnan
from struct import pack, unpack
from typing import Any, Final

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from conformance.apache_avro import READINGS, VERDICTS, Row, render
from registry.formats import avro
from registry.formats.avro.reference import DecodeError, decode, encode
from registry.formats.avro.values import find_values
from registry.formats.avro.witness import render_value
from registry.formats.mismatch import Mismatch, Pair, Step
from registry.schema import MISSING, Array, Map, Record, Schema, Type, Union
from tests.avro_expect import find_fault
from tests.avro_pairs import SchemaPair, name_pairs, pairs
from tests.avro_promise import check_witness, survives
from tests.avro_schemas import PRIMITIVES, Json, Model, find_sites
from tests.avro_spelling import ROOT, parse_model, spell
from tests.examples_settings import settings

pytest.importorskip("avro", reason="Apache's package for Python is not installed")

ROWS: Final = {row.id: row for row in (*VERDICTS, *READINGS)}
BY_KIND: Final = {
    "lossy_promotion": "lossy-promotion",
    "bytes_read_as_string": "bytes-read-as-string",
    "decimal_mismatch": "decimal-scale",
    "decimal_precision_narrowed": "decimal-precision",
    "logical_type_mismatch": "logical-type",
    "renamed_field_defaulted": "renamed-field-hidden",
}
"""What Apache's checker has no eye for, by our kind."""


def check_by_apache(reader: str, writer: str) -> bool:
    from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

    checker: Any = ReaderWriterCompatibilityChecker  # it has no types
    result = checker().get_compatibility(parse_by_apache(reader), parse_by_apache(writer))
    return result.compatibility is SchemaCompatibilityType.compatible


def parse_by_apache(text: str) -> Any:
    from avro.schema import parse

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a logical type that it ignores
        return parse(text)


def prepare_apache(reader: str, writer: str) -> Callable[[bytes], object]:
    """Apache's reader of a pair."""
    from avro.io import BinaryDecoder, DatumReader

    prepared = DatumReader(parse_by_apache(writer), parse_by_apache(reader))
    return lambda data: prepared.read(BinaryDecoder(io.BytesIO(data)))


def parse(text: str) -> Schema:
    return avro.parse({"x.avsc": text}, ["x.avsc"], strict=False)


def find_broken(reader: Schema, writer: Schema) -> list[Mismatch]:
    return [each for each in avro.find_mismatches(Pair(reader, writer)) if each.step is not Step.SOURCE]


# The table


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_both_decoders_do_what_the_row_says(row: Row) -> None:
    from avro.errors import AvroException

    reader, writer, data = parse(row.reader), parse(row.writer), bytes.fromhex(row.data)
    try:
        read = render_value(decode(reader, writer, data))
    except DecodeError as error:
        read = f"fails: {error}"
    assert read == row.read
    assert check_by_apache(row.reader, row.writer) is (row.checker == "compatible")
    try:
        apache_read = repr(prepare_apache(row.reader, row.writer)(data))
        assert apache_read.startswith(row.apache_read.partition("tzinfo")[0])
    except AvroException as error:
        failures = (f"fails: {str(error).splitlines()[0]}", f"fails: {type(error).__name__}")
        assert row.apache_read in failures


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_our_verdict_is_what_the_row_says(row: Row) -> None:
    mismatches = list(avro.find_mismatches(Pair(parse(row.reader), parse(row.writer))))
    said = [f"{each.step.value} ({each.kind})" for each in mismatches]
    assert (said or ["compatible"])[0] == row.verdict.removeprefix("compatible, ")


@pytest.mark.parametrize("row", VERDICTS, ids=lambda row: row.id)
def test_a_row_of_the_verdicts_is_a_difference(row: Row) -> None:
    assert row.verdict.startswith("compatible") is not (row.checker == "compatible")


def test_the_table_names_every_row_once() -> None:
    text = render()
    assert all(text.count(f'id="apache-{row_id}"') == 1 for row_id in ROWS)
    assert len(ROWS) == len(VERDICTS) + len(READINGS)
    assert all(line.replace("\\|", "").count("|") == 8 for line in text.splitlines())


# Many pairs


def name_apart(model: Model) -> Model:
    """The same with every type in a namespace: what Apache does with the null namespace is a row of the table."""
    moved = model.copy()
    for site in list(find_sites(moved)):
        if isinstance(site.type, str) and site.type in model.types:
            site.holder[site.key] = qualify(site.type)
    for definition in moved.types.values():
        definition["name"] = qualify(definition["name"])
        if "aliases" in definition:
            definition["aliases"] = [qualify(alias) for alias in definition["aliases"]]
    return Model(moved.root, {definition["name"]: definition for definition in moved.types.values()})


def qualify(name: str) -> str:
    return name if "." in name else f"z.{name}"


def simplify(model: Model) -> Model:
    """The same without logical types and aliases of fields: Apache's reader has not all of them, and none of these."""
    plain = model.copy()
    for site in list(find_sites(plain)):
        if isinstance(site.type, dict) and site.type["type"] in PRIMITIVES:
            site.holder[site.key] = site.type["type"]
    for definition in plain.types.values():
        for key in ("logicalType", "precision", "scale"):
            definition.pop(key, None)
        for field in definition.get("fields", ()):
            field.pop("aliases", None)
    return plain


def find_defaulted(schema: Schema) -> Iterator[tuple[Type, object]]:
    """The type and the default of each field that has one."""
    for record in schema.types.values():
        if isinstance(record, Record):
            yield from ((field.type, field.default) for field in record.fields if field.default is not MISSING)


def takes_later_branch(schema: Schema, typed: tuple[Type, Any]) -> bool:
    """Whether a default, or what is in it, fits another branch of a union than the first."""
    type_, default = schema.resolve(typed[0]), typed[1]
    inside: list[tuple[Type, Any]] = []
    if isinstance(type_, Union):
        if find_fault(schema, type_.branches[0], default) is not None:
            return True
        inside = [(type_.branches[0], default)]
    elif isinstance(type_, Array):
        inside = [(type_.items, item) for item in default]
    elif isinstance(type_, Map):
        inside = [(type_.values, each) for each in default.values()]
    elif isinstance(type_, Record):
        inside = [(field.type, default[field.name]) for field in type_.fields if field.name in default]
    return any(map(partial(takes_later_branch, schema), inside))


@settings()
@given(st.one_of(pairs(), name_pairs()))
def test_every_difference_of_verdicts_has_a_row_and_the_bytes_are_with_us(pair: SchemaPair) -> None:
    before, after = name_apart(pair.before), name_apart(pair.after)
    for reads, writes in ((after, before), (before, after)):
        reader, writer = parse_model(reads), parse_model(writes)
        broken = find_broken(reader, writer)
        accepted = check_by_apache(spell(reads)[ROOT], spell(writes)[ROOT])
        if accepted:
            for mismatch in broken:
                row = explain_break(mismatch, reads)
                event(row.id)
                check_witness(mismatch)
        elif not broken:
            event("alias-without-namespace")
            assert any(is_beside(alias, each) for each in reads.types.values() for alias in each.get("aliases", ()))
            assert all(survives(reader, writer, value) for value in islice(find_values(writer), 50))


def explain_break(mismatch: Mismatch, reads: Model) -> Row:
    """The row that says why Apache's checker accepts what we do not."""
    if mismatch.kind in BY_KIND:
        return ROWS[BY_KIND[mismatch.kind]]
    unions = [site.type for site in find_sites(reads) if isinstance(site.type, list)]
    names = [[name for branch in union for name in find_short_names(reads, branch)] for union in unions]
    assert any(len(set(each)) < len(each) for each in names), mismatch
    return ROWS["two-short-names" if "could be" in mismatch.fact else "any-branch"]


def find_short_names(model: Model, branch: Json) -> Iterator[str]:
    """What a branch of a union answers to."""
    if isinstance(branch, str) and branch in model.types:
        names = {branch, *model.types[branch].get("aliases", ())}
        yield from {name.rpartition(".")[2] for name in names}


def is_beside(alias: str, definition: Json) -> bool:
    """Whether an alias has the namespace of its type, so that it is spelled without."""
    return alias.rpartition(".")[0] == str(definition["name"]).rpartition(".")[0]


@settings()
@given(pairs())
def test_what_both_accept_apache_reads_as_we_do_or_not_at_all(pair: SchemaPair) -> None:
    from avro.errors import AvroException

    before, after = (simplify(name_apart(model)) for model in (pair.before, pair.after))
    for reads, writes in ((after, before), (before, after), (after, after)):
        reader, writer = parse_lenient(reads), parse_lenient(writes)
        texts = spell(reads)[ROOT], spell(writes)[ROOT]
        if find_broken(reader, writer) or not check_by_apache(*texts):
            continue
        if any(map(partial(takes_later_branch, reader), find_defaulted(reader))):
            event("later-branch-default")  # in a record it is not refused, but made of the first branch
            continue
        read_by_apache = prepare_apache(*texts)
        for value in islice(find_values(writer), 20):
            data = encode(writer, value)
            try:
                read = read_by_apache(data)
            except AvroException as error:
                event(f"refused: {type(error).__name__}")
            else:
                event("read")
                ours = decode(reader, writer, data)
                assert are_alike(ours, read), (ours, read)


def parse_lenient(model: Model) -> Schema:
    """A default that was one of a logical type may not fit the plain one."""
    return avro.parse(spell(model), [ROOT], strict=False)


def are_alike(ours: object, theirs: object) -> bool:
    """The same, where they do not promote numbers, nor round a default, and make UTF-8 of one of bytes."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(are_alike(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(are_alike, ours, theirs))
    if isinstance(ours, bytes):
        return theirs in (ours, ours.decode("latin-1").encode())
    if isinstance(ours, float) and isinstance(theirs, float | int):
        return isnan(theirs) if isnan(ours) else ours == theirs or ours == unpack("f", pack("f", theirs))[0]
    return type(ours) is type(theirs) and ours == theirs
