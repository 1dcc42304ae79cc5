"""Schemas that somebody wrote to break the tool: refused with a position or judged, never a RecursionError."""

import json

import pytest

from registry.errors import InvalidSchema
from registry.formats import avro
from registry.formats.avro import resolution
from registry.formats.mismatch import Mismatch, Pair
from registry.schema import Schema


def parse(schema: object) -> Schema:
    return avro.parse({"x.avsc": json.dumps(schema)}, ["x.avsc"])


def compare(writer: Schema, reader: Schema) -> list[Mismatch]:
    return list(avro.find_mismatches(Pair(reader, writer)))


def chain(length: int, last: str) -> Schema:
    links = [record(f"R{i}", next=f"R{i + 1}") for i in range(length)]
    return parse([record("R", first="R0"), *links, record(f"R{length}", value=last)])


def record(name: str, **fields: object) -> dict[str, object]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": fields[key]} for key in fields]}


def test_a_long_chain_of_records() -> None:
    writer, reader = chain(20_000, "long"), chain(20_000, "int")
    (mismatch,) = compare(writer, reader)
    assert mismatch.kind == "type_mismatch"
    assert mismatch.path.startswith("/…/next/next")
    assert mismatch.path.endswith("/next/value")
    assert avro.canonical_form(reader).count('"type":"record"') == 20_002
    assert avro.parsing_canonical_form(reader) and avro.self_contained(reader)


@pytest.mark.parametrize(
    "layer", [('{"type":"array","items":', "}"), ('{"type":', "}"), ('{"type":"map","values":', "}")]
)
def test_nesting_up_to_the_limit_is_judged_and_beyond_it_refused(layer: tuple[str, str]) -> None:
    before, after = layer

    def nest(depth: int, inner: str) -> Schema:
        return avro.parse({"x.avsc": before * depth + inner + after * depth}, ["x.avsc"])

    assert [mismatch.kind for mismatch in compare(nest(256, '"int"'), nest(256, '"string"'))] == ["type_mismatch"]
    assert avro.self_contained(nest(256, '"int"'))
    for depth in (257, 100_000):
        with pytest.raises(InvalidSchema, match="nests deeper than 256 levels"):
            nest(depth, '"int"')


def test_unions_that_branch_at_every_level() -> None:
    depth = 40
    both = [
        record(f"{side}{i}", a=[f"L{i + 1}", f"R{i + 1}"], b=[f"R{i + 1}", f"L{i + 1}"])
        for i in range(depth)
        for side in "LR"
    ]
    ends = [record(f"L{depth}", x="long"), record(f"R{depth}", x="int")]
    assert compare(parse([*both, *ends]), parse([*both, *ends])) == []
    narrowed = [record(f"L{depth}", x="int"), ends[1]]
    assert len(compare(parse([*both, *ends]), parse([*both, *narrowed]))) == 1


def test_a_default_that_could_be_any_branch_at_every_level() -> None:
    depth = 30
    both = [record(f"{side}{i}", a=[f"L{i + 1}", f"R{i + 1}"]) for i in range(depth) for side in "LR"]
    default: object = {"x": "no integer"}
    for _ in range(depth):
        default = {"a": default}
    root = {"type": "record", "name": "Z", "fields": [{"name": "d", "type": ["L0", "R0"], "default": default}]}
    with pytest.raises(InvalidSchema, match="fits no branch of union of record L0, record R0"):
        parse([root, *both, record(f"L{depth}", x="int"), record(f"R{depth}", x="int")])


def test_aliases_in_a_circle() -> None:
    circle = [{**record(name), "aliases": [alias]} for name, alias in ("AB", "BC", "CA")]
    assert compare(parse(circle), parse(circle)) == []


def test_many_fields_with_aliases() -> None:
    def wide(name: str, alias: str) -> dict[str, object]:
        fields = [{"name": f"{name}{i}", "type": "int", "aliases": [f"{alias}{i}"]} for i in range(5_000)]
        return {"type": "record", "name": "R", "fields": fields}

    assert compare(parse(wide("a", "b")), parse(wide("b", "a"))) == []


def test_many_branches_and_symbols() -> None:
    unions = [[record(f"{space}{i}.X{i}") for i in range(2_000)] for space in "ab"]
    assert len(compare(parse(unions[0]), parse(unions[1]))) == 2_000
    enums = [{"type": "enum", "name": "E", "symbols": [f"{letter}{i}" for i in range(2_000)]} for letter in "AB"]
    (mismatch,) = compare(parse(enums[0]), parse(enums[1]))
    assert mismatch.fact == "symbols 'A0' and 'A1' and 'A2' and 'A3' and 'A4' and 1995 more are unknown to enum E"


def test_long_names_are_cut_in_messages() -> None:
    with pytest.raises(InvalidSchema) as caught:
        parse(record("R" * 10_000, a="no." + "x" * 10_000))
    assert len(caught.value.message) < 300
    with pytest.raises(InvalidSchema) as caught:
        parse(record("-" * 10_000))
    assert len(caught.value.message) < 300


def test_numbers_beyond_every_type() -> None:
    with pytest.raises(InvalidSchema, match="no number from 0 to 2147483647"):
        parse({"type": "fixed", "name": "F", "size": 10**4000})
    huge = {"type": "fixed", "name": "F", "size": 2**31 - 1, "logicalType": "decimal", "precision": 10**4000}
    assert parse(huge).notes


def test_more_pairs_of_types_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "MAX_PAIRS", 100)

    def ring(letter: str, size: int, step: int) -> Schema:
        names = [f"{letter}{i}.X" for i in range(size)]
        return parse(
            [
                record("Z", first=names[0]),
                *(record(names[i], a=names[(i + 1) % size], b=names[i * step % size]) for i in range(size)),
            ]
        )

    with pytest.raises(InvalidSchema, match="meets more than 100 pairs of types"):
        compare(ring("a", 20, 3), ring("b", 21, 5))


def test_a_circle_of_many_files() -> None:
    files = {f"{i}.avsc": json.dumps(record(f"R{i}", next=f"R{(i + 1) % 300}")) for i in range(300)}
    with pytest.raises(InvalidSchema, match="in a circle"):
        avro.parse(files, ["0.avsc"])
    assert len(avro.parse(files, ["0.avsc"], strict=False).types) == 300
