"""Every row of the Avro table: what a writer wrote, who reads it, and what becomes of it."""

import json

import pytest

from registry.compatibility import compare_schemas
from registry.formats import avro
from registry.formats.avro.kinds import KINDS
from registry.formats.mismatch import Direction, Mismatch, Pair, Step
from registry.schema import CompatibilityMode, Schema

NOTHING: list[str] = []
A = {"type": "enum", "name": "E", "symbols": ["A"]}
AB = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
AB_ELSE_A = {**AB, "default": "A"}
A_ELSE_A = {**A, "default": "A"}


def parse(schema: object, path: str = "x.avsc") -> Schema:
    return avro.parse({path: json.dumps(schema)}, [path])


def compare(writer: object, reader: object, direction: Direction = Direction.BACKWARD) -> list[Mismatch]:
    old, new = ("reader", "writer") if direction is Direction.FORWARD else ("writer", "reader")
    labels = {old: "v1", new: "v2"}
    pair = Pair(parse(reader, "r.avsc"), parse(writer, "w.avsc"), direction, labels["reader"], labels["writer"])
    return list(avro.find_mismatches(pair))


def kinds(writer: object, reader: object) -> list[str]:
    return [mismatch.kind for mismatch in compare(writer, reader)]


def record(*fields: dict[str, object], name: str = "a.R", **more: object) -> dict[str, object]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, type_: object, **more: object) -> dict[str, object]:
    return {"name": name, "type": type_, **more}


def fixed(size: int, name: str = "F", **more: object) -> dict[str, object]:
    return {"type": "fixed", "name": name, "size": size, **more}


def logical(base: str, name: str) -> dict[str, object]:
    return {"type": base, "logicalType": name}


def decimal(base: str, precision: int, scale: int) -> dict[str, object]:
    more: dict[str, object] = {"logicalType": "decimal", "precision": precision, "scale": scale}
    return {**fixed(8), **more} if base == "fixed" else {"type": base, **more}


ROWS: dict[str, tuple[object, object, list[str], list[str]]] = {
    # what it is about: written before, written after, BACKWARD, FORWARD
    "the same": ("int", "int", NOTHING, NOTHING),
    "int to long": ("int", "long", NOTHING, ["type_mismatch"]),
    "int to float": ("int", "float", ["lossy_promotion"], ["type_mismatch"]),
    "int to double": ("int", "double", NOTHING, ["type_mismatch"]),
    "long to float": ("long", "float", ["lossy_promotion"], ["type_mismatch"]),
    "long to double": ("long", "double", ["lossy_promotion"], ["type_mismatch"]),
    "float to double": ("float", "double", NOTHING, ["type_mismatch"]),
    "string to bytes": ("string", "bytes", NOTHING, ["bytes_read_as_string"]),
    "int to string": ("int", "string", ["type_mismatch"], ["type_mismatch"]),
    "fixed to bytes": (fixed(4), "bytes", ["type_mismatch"], ["type_mismatch"]),
    "enum to string": (A, "string", ["type_mismatch"], ["type_mismatch"]),
    "enum to fixed of one name": (A, fixed(1, "E"), ["type_mismatch"], ["type_mismatch"]),
    "enum to record of one name": (A, record(name="E"), ["type_mismatch"], ["type_mismatch"]),
    "fixed of another size": (fixed(4), fixed(8), ["fixed_size_mismatch"], ["fixed_size_mismatch"]),
    "array of another type": (
        {"type": "array", "items": "int"},
        {"type": "array", "items": "string"},
        ["type_mismatch"],
        ["type_mismatch"],
    ),
    "map of a wider type": (
        {"type": "map", "values": "int"},
        {"type": "map", "values": "long"},
        NOTHING,
        ["type_mismatch"],
    ),
    "array to map": (
        {"type": "array", "items": "int"},
        {"type": "map", "values": "int"},
        ["type_mismatch"],
        ["type_mismatch"],
    ),
    # names
    "namespace changed": (record(name="a.R"), record(name="b.R"), ["namespace_changed"], ["namespace_changed"]),
    "record renamed": (record(name="a.R"), record(name="a.S"), ["name_mismatch"], ["name_mismatch"]),
    "record renamed with an alias without a namespace": (
        record(name="a.R"),
        record(name="a.S", aliases=["R"]),
        NOTHING,
        ["name_mismatch"],
    ),
    "record renamed with a full alias": (
        record(name="a.R"),
        record(name="b.S", aliases=["a.R"]),
        NOTHING,
        ["name_mismatch"],
    ),
    "enum renamed": (A, {**A, "name": "D"}, ["name_mismatch"], ["name_mismatch"]),
    "fixed renamed": (fixed(4), fixed(4, "G"), ["name_mismatch"], ["name_mismatch"]),
    # fields
    "field added with a default": (record(), record(field("a", "int", default=1)), NOTHING, NOTHING),
    "field added without a default": (
        record(),
        record(field("a", "int")),
        ["reader_field_missing_default_value"],
        NOTHING,
    ),
    "field removed that had a default": (record(field("a", "int", default=1)), record(), NOTHING, NOTHING),
    "field removed that had none": (
        record(field("a", "int")),
        record(),
        NOTHING,
        ["reader_field_missing_default_value"],
    ),
    "fields reordered": (
        record(field("a", "int"), field("b", "string")),
        record(field("b", "string"), field("a", "int")),
        NOTHING,
        NOTHING,
    ),
    "field renamed with an alias, the old one without a default": (
        record(field("a", "int")),
        record(field("b", "int", aliases=["a"])),
        NOTHING,
        ["reader_field_missing_default_value"],
    ),
    "field renamed with an alias, the old one with a default": (
        record(field("a", "int", default=0)),
        record(field("b", "int", aliases=["a"])),
        NOTHING,
        ["renamed_field_defaulted"],
    ),
    "field default changed": (
        record(field("a", "int", default=0)),
        record(field("a", "int", default=1)),
        ["default_changed"],
        ["default_changed"],
    ),
    "field default written in another way": (
        record(field("a", "double", default=1)),
        record(field("a", "double", default=1.0)),
        NOTHING,
        NOTHING,
    ),
    "field default added": (record(field("a", "int")), record(field("a", "int", default=1)), NOTHING, NOTHING),
    "docs, order and unknown properties": (
        record(field("a", "int")),
        record(field("a", {"type": "int", "x": 1}, order="ignore", doc="d"), doc="e", y=[2]),
        NOTHING,
        NOTHING,
    ),
    "avro.java.string": ("string", {"type": "string", "avro.java.string": "String"}, NOTHING, NOTHING),
    "logicalType beside the type": (
        record(field("a", "long")),
        record(field("a", "long", logicalType="timestamp-millis")),
        NOTHING,
        NOTHING,
    ),
    # enums
    "symbol added": (A, AB, NOTHING, ["missing_enum_symbols"]),
    "symbol added, both with a default": (A_ELSE_A, AB_ELSE_A, NOTHING, NOTHING),
    "symbols reordered": (AB, {**AB, "symbols": ["B", "A"]}, NOTHING, NOTHING),
    "symbol removed, and the enum given a default": (AB, A_ELSE_A, NOTHING, NOTHING),
    "symbol removed, and only the field given a default": (
        record(field("e", AB)),
        record(field("e", A, default="A")),
        ["missing_enum_symbols"],
        NOTHING,
    ),
    "enum default changed": (AB_ELSE_A, {**AB, "default": "B"}, ["default_changed"], ["default_changed"]),
    "enum field added with only an enum default": (
        record(),
        record(field("e", A_ELSE_A)),
        ["reader_field_missing_default_value"],
        NOTHING,
    ),
    # unions
    "nullable to required": (["null", "string"], "string", ["type_mismatch"], NOTHING),
    "one type to a union of it": ("int", ["int"], NOTHING, NOTHING),
    "union reordered": (["null", "int", "string"], ["string", "null", "int"], NOTHING, NOTHING),
    "branch added": (["null", "int"], ["null", "int", "string"], NOTHING, ["missing_union_branch"]),
    "int to the lossless of two promotions": ("int", ["float", "long"], NOTHING, ["type_mismatch"] * 2),
    "int to the lossless, whatever the order": ("int", ["double", "float"], NOTHING, ["type_mismatch"] * 2),
    "long to the better of two lossy promotions": (
        "long",
        ["float", "double"],
        ["lossy_promotion"],
        ["type_mismatch"] * 2,
    ),
    "string to the exact branch": ("string", ["bytes", "string"], NOTHING, ["bytes_read_as_string"]),
    "date to the branch that keeps its number": (
        logical("int", "date"),
        ["double", "long"],
        ["logical_type_removed"],
        ["type_mismatch"] * 2,
    ),
    "full name wins over short name": (
        record(name="a.R"),
        [record(field("x", "int"), name="b.R"), record(name="a.R")],
        NOTHING,
        ["namespace_changed"],
    ),
    "short name of one branch": (
        record(name="c.R"),
        ["null", record(name="b.R")],
        ["namespace_changed"],
        ["type_mismatch", "namespace_changed"],
    ),
    "short name of two branches": (
        record(name="c.R"),
        [record(name="a.R"), record(name="b.R")],
        ["missing_union_branch"],
        ["namespace_changed", "namespace_changed"],
    ),
    "renamed in a union with an alias": (
        ["null", record(name="a.R")],
        ["null", record(name="a.S", aliases=["R"])],
        NOTHING,
        ["missing_union_branch"],
    ),
    "renamed in a union": (
        ["null", record(name="a.R")],
        ["null", record(name="a.S")],
        ["missing_union_branch"],
        ["missing_union_branch"],
    ),
    "enum and record of one name in a union": (
        ["null", A],
        ["null", record(name="E")],
        ["missing_union_branch"],
        ["missing_union_branch"],
    ),
    # logical types
    "decimal scale": (
        decimal("bytes", 9, 2),
        decimal("bytes", 9, 3),
        ["decimal_mismatch"],
        ["decimal_mismatch"],
    ),
    "decimal precision": (
        decimal("bytes", 9, 2),
        decimal("bytes", 12, 2),
        ["decimal_precision_widened"],
        ["decimal_precision_narrowed"],
    ),
    "decimal bytes to fixed": (
        decimal("bytes", 9, 2),
        decimal("fixed", 9, 2),
        ["decimal_mismatch"],
        ["decimal_mismatch"],
    ),
    "decimal on fixed, precision": (
        decimal("fixed", 9, 2),
        decimal("fixed", 10, 2),
        ["decimal_precision_widened"],
        ["decimal_precision_narrowed"],
    ),
    "decimal and string": (decimal("bytes", 9, 2), "string", ["decimal_mismatch"], ["decimal_mismatch"]),
    "decimal added": ("bytes", decimal("bytes", 9, 2), ["logical_type_mismatch"], ["logical_type_removed"]),
    "millis to micros": (
        logical("long", "timestamp-millis"),
        logical("long", "timestamp-micros"),
        ["logical_type_mismatch"],
        ["logical_type_mismatch"],
    ),
    "date to double": (logical("int", "date"), "double", ["logical_type_mismatch"], ["type_mismatch"]),
    "date to timestamp": (
        logical("int", "date"),
        logical("long", "timestamp-millis"),
        ["logical_type_mismatch"],
        ["type_mismatch"],
    ),
    "date added": ("int", logical("int", "date"), ["logical_type_added"], ["logical_type_removed"]),
    "timestamp added": (
        "long",
        logical("long", "timestamp-micros"),
        ["logical_type_added"],
        ["logical_type_removed"],
    ),
    "uuid added": ("string", logical("string", "uuid"), ["logical_type_mismatch"], ["logical_type_removed"]),
    "uuid string to fixed": (
        logical("string", "uuid"),
        fixed(16, logicalType="uuid"),
        ["type_mismatch"],
        ["type_mismatch"],
    ),
    "duration and plain fixed": (
        fixed(12),
        fixed(12, logicalType="duration"),
        ["logical_type_added"],
        ["logical_type_removed"],
    ),
    "a logical type of no effect": ("int", logical("int", "timestamp-millis"), NOTHING, NOTHING),
}


@pytest.mark.parametrize("title", ROWS)
def test_row_of_the_table(title: str) -> None:
    before, after, backward, forward = ROWS[title]
    assert kinds(writer=before, reader=after) == backward
    assert kinds(writer=after, reader=before) == forward


@pytest.mark.parametrize("title", ROWS)
def test_a_schema_against_itself_is_silent(title: str) -> None:
    for schema in ROWS[title][:2]:
        assert kinds(schema, schema) == NOTHING


@pytest.mark.parametrize("title", ROWS)
def test_wrapping_both_sides_changes_no_verdict(title: str) -> None:
    before, after, backward, _ = ROWS[title]
    assert kinds(record(field("f", before), name="W"), record(field("f", after), name="W")) == backward
    array = {"type": "array", "items": before}, {"type": "array", "items": after}
    assert kinds(*array) == backward


def test_every_kind_fires_in_some_row() -> None:
    fired = {kind for _, _, backward, forward in ROWS.values() for kind in (*backward, *forward)}
    assert fired == set(KINDS) - {"schema_removed"}


@pytest.mark.parametrize("direction", Direction)
def test_a_schema_that_is_gone_is_said_and_one_that_is_new_is_not(direction: Direction) -> None:
    here, nothing = parse(record(), "r.avsc"), Schema("avro", ())
    new_reads = direction is Direction.BACKWARD
    gone = Pair(nothing, here, direction) if new_reads else Pair(here, nothing, direction)
    (mismatch,) = avro.find_mismatches(gone)
    assert (mismatch.kind, mismatch.fact) == ("schema_removed", "record a.R was removed")
    added = Pair(here, nothing, direction) if new_reads else Pair(nothing, here, direction)
    assert not list(avro.find_mismatches(added))


def test_every_mismatch_has_words_for_both_directions() -> None:
    for before, after, _, _ in ROWS.values():
        for direction in Direction:
            writer, reader = (after, before) if direction is Direction.FORWARD else (before, after)
            for mismatch in compare(writer, reader, direction):
                texts = (mismatch.fact, mismatch.consequence, *mismatch.help)
                assert all(texts), mismatch
                assert not any("{" in text.replace("{}", "") for text in texts), mismatch
                assert mismatch.step is KINDS[mismatch.kind]
                assert mismatch.help or mismatch.step is Step.SOURCE, mismatch


def test_recursive_records_end() -> None:
    tree = record(field("next", ["null", "a.R"]), field("children", {"type": "array", "items": "a.R"}))
    wider = {**tree, "fields": [*tree["fields"], field("v", "long")]}  # type: ignore[misc]  # the fields are a list
    assert kinds(tree, tree) == NOTHING
    assert kinds(tree, wider) == ["reader_field_missing_default_value"]


def test_a_type_used_twice_is_judged_once() -> None:
    writer = record(field("a", AB), field("b", "E"))
    reader = record(field("a", A), field("b", "E"))
    assert [mismatch.path for mismatch in compare(writer, reader)] == ["/a"]


def test_mismatches_come_in_the_order_of_the_readers_text() -> None:
    writer = record(field("c", "long"), field("b", record(field("x", "long"), name="B")), field("a", "long"))
    reader = record(field("a", "int"), field("b", record(field("x", "int"), name="B")), field("c", "int"))
    assert [mismatch.path for mismatch in compare(writer, reader)] == ["/a", "/b/x", "/c"]


def test_a_missing_default_is_fine_against_the_latest_and_wrong_against_the_first() -> None:
    versions = [
        ("v1", parse(record())),
        ("v2", parse(record(field("a", "int", default=1)))),
    ]
    new = ("v3", parse(record(field("a", "int"))))
    assert compare_schemas(CompatibilityMode.BACKWARD, new, versions).compatible
    transitive = compare_schemas(CompatibilityMode.BACKWARD_TRANSITIVE, new, versions)
    assert [mismatch.pair.writer_label for mismatch in transitive.mismatches] == ["v1"]


def test_full_is_backward_and_forward() -> None:
    for before, after, backward, forward in ROWS.values():
        comparison = compare_schemas(CompatibilityMode.FULL, ("v2", parse(after)), [("v1", parse(before))])
        assert [mismatch.kind for mismatch in comparison.mismatches] == backward + forward
