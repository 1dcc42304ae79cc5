"""Schema files to a tree: names, references, and every flaw with its position."""

import json

import pytest

from registry.errors import Flaw, InvalidSchema
from registry.formats import avro
from registry.schema import Array, Enum, Fixed, Logical, Map, Primitive, Record, Ref, Schema, Union


def parse(schema: object, *, strict: bool = True) -> Schema:
    return avro.parse({"x.avsc": json.dumps(schema)}, ["x.avsc"], strict=strict)


def flaws(files: dict[str, str], name: str | None = None) -> list[Flaw]:
    with pytest.raises(InvalidSchema) as caught:
        avro.parse(files, [next(iter(files))], name)
    return list(caught.value.flaws)


def flaw(schema: object) -> tuple[str, str]:
    """Pointer and message of the only flaw."""
    (found,) = flaws({"x.avsc": json.dumps(schema)})
    return found.location.pointer, found.message


def record(*fields: dict[str, object], name: str = "a.R", **more: object) -> dict[str, object]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, type_: object, **more: object) -> dict[str, object]:
    return {"name": name, "type": type_, **more}


def test_a_string_an_object_and_an_array_are_schemas() -> None:
    assert parse("string").root == Primitive("string", parse("string").root.at)
    assert isinstance(parse({"type": "array", "items": "int"}).root, Array)
    assert isinstance(parse({"type": "map", "values": "int"}).root, Map)
    assert isinstance(parse(["null", "int"]).root, Union)
    assert isinstance(parse({"type": {"type": "int"}}).root, Primitive)


def test_a_record_with_everything_in_it() -> None:
    schema = parse(
        record(
            field("id", {"type": "string", "logicalType": "uuid"}, doc="Which one.", aliases=["key"]),
            field("state", {"type": "enum", "name": "State", "symbols": ["ON", "OFF"], "default": "OFF"}),
            field("hash", {"type": "fixed", "name": "b.Hash", "size": 16}, order="ignore"),
            field("price", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, default="\x00"),
            field("before", ["null", "R"], default=None),
            aliases=["Old", "c.Older"],
            doc="A record.",
            owner="nobody reads this",
        )
    )
    root = schema.types["a.R"]
    assert schema.root == Ref("a.R", schema.root.at)
    assert isinstance(root, Record)
    assert (root.aliases, root.doc) == (("a.Old", "c.Older"), "A record.")
    assert [item.name for item in root.fields] == ["id", "state", "hash", "price", "before"]
    assert (root.fields[0].doc, root.fields[0].aliases) == ("Which one.", ("key",))
    state, hash_ = schema.types["a.State"], schema.types["b.Hash"]
    assert isinstance(state, Enum) and isinstance(hash_, Fixed)
    assert ([symbol.name for symbol in state.symbols], state.default, hash_.size) == (["ON", "OFF"], "OFF", 16)
    price = root.fields[3].type
    assert isinstance(price, Primitive) and price.logical == Logical("decimal", 9, 2)
    assert schema.notes == ()


def test_an_error_is_a_record() -> None:
    assert isinstance(parse({**record(), "type": "error"}).types["a.R"], Record)


@pytest.mark.parametrize(
    ("definition", "full_name"),
    [
        ({"name": "R"}, "R"),
        ({"name": "R", "namespace": "a.b"}, "a.b.R"),
        ({"name": "c.R", "namespace": "a.b"}, "c.R"),
        ({"name": "R", "namespace": ""}, "R"),
    ],
)
def test_the_full_name_of_a_definition(definition: dict[str, str], full_name: str) -> None:
    assert list(parse({**record(), **definition}).types) == [full_name]


def test_inner_types_inherit_the_namespace_and_may_leave_it() -> None:
    inner = [
        field("a", record(field("b", record(name="B")), name="A")),
        field("c", record(name="C", namespace="")),
        field("d", record(field("e", record(name="E")), name="other.D")),
    ]
    assert set(parse(record(*inner)).types) == {"a.R", "a.A", "a.B", "C", "other.D", "other.E"}


def test_a_reference_may_stand_before_its_definition_and_in_another_file() -> None:
    root = json.dumps(record(field("author", "b.Author"), field("own", "Later"), field("l", record(name="Later"))))
    author = json.dumps(record(field("address", "Address"), name="b.Author"))
    address = json.dumps([record(name="b.Address"), record(name="b.Unused")])
    files = {"root.avsc": root, "author.avsc": author, "address.avsc": address}
    schema = avro.parse(files, ["root.avsc"])
    assert list(schema.types) == ["a.R", "b.Author", "a.Later", "b.Address"]
    assert schema.types["b.Address"].at.path == "address.avsc"
    assert schema.types["b.Address"].at.pointer == "/0"
    again = avro.parse(dict(reversed(files.items())), ["root.avsc"])
    assert avro.canonical_form(again) == avro.canonical_form(schema)


def test_any_type_of_a_file_can_be_asked_for_by_name() -> None:
    text = json.dumps([record(field("s", "S")), record(name="a.S")])
    schema = avro.parse({"x.avsc": text}, ["x.avsc"], "a.S")
    assert (schema.root.at.pointer, list(schema.types)) == ("/1", ["a.S"])
    (wrong,) = flaws({"x.avsc": text}, "a.T")
    assert wrong.message == "defines a.R, a.S, not a.T"


def test_a_name_without_a_namespace_is_found_in_the_same_file() -> None:
    schema = parse(record(field("c", record(name="C", namespace="")), field("d", "C")))
    assert set(schema.types) == {"a.R", "C"}


def test_a_missing_reference_names_what_may_be_meant() -> None:
    root = json.dumps(record(field("author", "Author"), field("s", "String"), field("n", "no.Where")))
    found = flaws({"x.avsc": root, "b.avsc": json.dumps(record(name="b.Author"))})
    assert [(one.kind, one.message, one.help, one.location.pointer) for one in found] == [
        ("missing-reference", "no file defines a.Author", "did you mean b.Author?", "/fields/0/type"),
        ("missing-reference", "no file defines a.String", "did you mean string?", "/fields/1/type"),
        (
            "missing-reference",
            "no file defines no.Where",
            "add the file that defines it, or correct the name",
            "/fields/2/type",
        ),
    ]


def test_a_name_that_two_files_define_is_ambiguous() -> None:
    files = {
        "x.avsc": json.dumps(record(field("s", "b.S"))),
        "s.avsc": json.dumps(record(name="b.S")),
        "t.avsc": "[\n" + json.dumps(record(name="b.S")) + "]",
    }
    (found,) = flaws(files)
    assert (found.kind, found.location.path, found.location.pointer) == (
        "ambiguous-reference",
        "x.avsc",
        "/fields/0/type",
    )
    assert found.message == "b.S is defined at s.avsc:1:1 and t.avsc:2:1"


def test_files_that_need_each_other_are_a_flaw_and_a_note_once_released() -> None:
    files = {
        "x.avsc": json.dumps(record(field("s", "a.S"))),
        "s.avsc": json.dumps(record(field("r", "a.R"), name="a.S")),
    }
    (found,) = flaws(files)
    position = files["s.avsc"].index('"a.R"') + 1
    assert found.message.startswith("the files refer to each other in a circle: ")
    assert f"s.avsc:1:{position} needs x.avsc" in found.message
    assert [note.kind for note in avro.parse(files, ["x.avsc"], strict=False).notes] == ["note"]


FLAWS: dict[str, tuple[object, str, str]] = {
    # what it is about: schema, pointer, message
    "no type": ({"name": "x"}, "", "no type: the object has no 'type' that is a name, an object or an array"),
    "a number": (5, "", "no type: expected a name, an object or an array"),
    "a name that is none": (record(name="a.1"), "/name", "'a.1' is no name"),
    "a namespace that is none": ({**record(name="R"), "namespace": "a..b"}, "/namespace", "'a..b' is no namespace"),
    "a primitive redefined": (record(name="int"), "/name", "'int' is a primitive type and cannot be redefined"),
    "no name": ({"type": "record", "fields": []}, "", "the record has no name"),
    "no fields": ({"type": "record", "name": "R"}, "", "record R has no 'fields', which is an array"),
    "a field without a type": (record({"name": "a"}), "/fields/0", "field 'a' has no type"),
    "a field without a name": (record({"type": "int"}), "/fields/0", "None is no name for a field"),
    "a field with a dotted name": (record(field("a.b", "int")), "/fields/0/name", "'a.b' is no name for a field"),
    "a field with a final newline": (record(field("a\n", "int")), "/fields/0/name", "'a\\n' is no name for a field"),
    "a field twice": (
        record(field("a", "int"), field("a", "int")),
        "/fields/1",
        "field 'a' stands twice in a.R, first at x.avsc:1:46",
    ),
    "an alias that is another field": (
        record(field("a", "int"), field("b", "int", aliases=["a"])),
        "/fields/1/aliases",
        "alias 'a' of field 'b' is also the name of field 'a'",
    ),
    "an alias of two fields": (
        record(field("a", "int", aliases=["c"]), field("b", "int", aliases=["c"])),
        "/fields/1/aliases",
        "alias 'c' of field 'b' is also an alias of field 'a'",
    ),
    "a type twice": (
        record(field("s", record(name="S")), field("t", record(name="S"))),
        "/fields/1/type",
        "a.S is defined twice, first at x.avsc:1:68",
    ),
    "an array of nothing": ({"type": "array"}, "", "the array has no 'items'"),
    "a union in a union": (["null", ["int"]], "/1", "a union stands directly in a union"),
    "a branch twice": (["int", {"type": "int", "logicalType": "date"}], "/1", "the union has two branches of type int"),
    "a symbol twice": (
        {"type": "enum", "name": "E", "symbols": ["A", "A"]},
        "/symbols/1",
        "symbol 'A' stands twice in enum E, first at x.avsc:1:43",
    ),
    "a symbol that is no name": (
        {"type": "enum", "name": "E", "symbols": ["a-b"]},
        "/symbols/0",
        "'a-b' is no name for a symbol",
    ),
    "an enum default that is no symbol": (
        {"type": "enum", "name": "E", "symbols": ["A"], "default": "B"},
        "/default",
        "the default 'B' is no symbol of enum E",
    ),
    "a size below zero": (
        {"type": "fixed", "name": "F", "size": -1},
        "/size",
        "fixed F has size -1, which is no number from 0 to 2147483647",
    ),
    "a size that is a bool": (
        {"type": "fixed", "name": "F", "size": True},
        "/size",
        "fixed F has size True, which is no number from 0 to 2147483647",
    ),
}


@pytest.mark.parametrize("title", FLAWS)
def test_flaw(title: str) -> None:
    schema, pointer, message = FLAWS[title]
    assert flaw(schema) == (pointer, message)


def test_all_flaws_are_told_at_once_in_the_order_of_the_text() -> None:
    text = '{"type": "record", "name": "R", "fields": [\n {"name": "a", "type": "X"},\n {"name": "a-", "type": "int"}]}'
    found = flaws({"x.avsc": text})
    assert [str(one.location) for one in found] == ["x.avsc:2:24", "x.avsc:3:11"]


NOTES: dict[str, tuple[object, str, str]] = {
    "unknown": (
        {"type": "int", "logicalType": "week"},
        "/logicalType",
        "logical type 'week' is not known: it is ignored",
    ),
    "another base": (
        {"type": "string", "logicalType": "date"},
        "/logicalType",
        "logical type 'date' does not apply to string, only to int: it is ignored",
    ),
    "no precision": (
        {"type": "bytes", "logicalType": "decimal"},
        "/logicalType",
        "logical type 'decimal' needs a precision above 0: it is ignored",
    ),
    "scale above precision": (
        {"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3},
        "/logicalType",
        "logical type 'decimal' needs a scale between 0 and its precision 2: it is ignored",
    ),
    "more digits than bytes": (
        {"type": "fixed", "name": "F", "size": 2, "logicalType": "decimal", "precision": 5},
        "/logicalType",
        "logical type 'decimal' has a precision of 5, and 2 bytes hold 4 digits: it is ignored",
    ),
    "duration of another size": (
        {"type": "fixed", "name": "F", "size": 2, "logicalType": "duration"},
        "/logicalType",
        "logical type 'duration' needs 12 bytes, not 2: it is ignored",
    ),
    "beside the type": (
        record(field("a", "long", logicalType="timestamp-millis")),
        "/fields/0/logicalType",
        "logicalType 'timestamp-millis' stands beside the type and has no effect",
    ),
}


@pytest.mark.parametrize("title", NOTES)
def test_a_logical_type_without_effect_is_noted_and_ignored(title: str) -> None:
    schema, pointer, message = NOTES[title]
    (note,) = parse(schema).notes
    assert (note.kind, note.location.pointer, note.message) == ("note", pointer, message)
    assert "logicalType" not in avro.canonical_form(parse(schema))


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16, 100])
def test_a_fixed_holds_as_many_digits_as_its_bytes_can(size: int) -> None:
    most = len(str(2 ** (8 * size - 1) - 1)) - 1
    schema = {"type": "fixed", "name": "F", "size": size, "logicalType": "decimal"}
    assert parse({**schema, "precision": most}).notes == ()
    assert parse({**schema, "precision": most + 1}).notes != ()


def test_the_outline_names_what_a_file_defines_and_what_it_needs() -> None:
    inner = record(field("x", ["null", "Later", "b.Other", "R"]), name="Inner")
    text = json.dumps(record(field("i", inner), field("l", {"type": "map", "values": record(name="c.Later")})))
    outline = avro.outline(text, "x.avsc")
    assert outline.defines == ("a.R", "a.Inner", "c.Later")
    assert outline.refers == ("a.Later", "b.Other")
    assert not outline.error


@pytest.mark.parametrize("text", ["", "{", "5", "null", "[" * 100_000])
def test_the_outline_of_no_schema_is_marked(text: str) -> None:
    assert avro.outline(text, "x.avsc").error


def test_the_outline_passes_over_what_is_malformed() -> None:
    text = '[{"type": "record", "name": 5}, {"type": "record", "name": "R", "fields": [1, {"type": "X"}]}, {}, 7, null]'
    outline = avro.outline(text, "x.avsc")
    assert (outline.defines, outline.refers) == (("R",), ("X",))
