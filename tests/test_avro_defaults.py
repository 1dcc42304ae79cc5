"""Default values: what fits its type, and what a released schema may have all the same."""

import json

import pytest

from registry.errors import InvalidSchema
from registry.formats import avro
from registry.schema import Schema

ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
POINT = {
    "type": "record",
    "name": "P",
    "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "int", "default": 0}],
}
UUID = {"type": "string", "logicalType": "uuid"}


def text(type_: object, default: object) -> str:
    return json.dumps({"type": "record", "name": "R", "fields": [{"name": "a", "type": type_, "default": default}]})


def parse(type_: object, default: object, *, strict: bool = True) -> Schema:
    return avro.parse({"x.avsc": text(type_, default)}, ["x.avsc"], strict=strict)


@pytest.mark.parametrize(
    ("type_", "default"),
    [
        ("null", None),
        ("boolean", False),
        ("int", -(2**31)),
        ("long", 2**63 - 1),
        ("float", 3.4028234663852886e38),
        ("double", 1),
        ("bytes", "\x00ÿ"),
        ("string", "日本"),
        (UUID, "01234567-89ab-cdef-0123-456789ABCDEF"),
        (ENUM, "B"),
        ({"type": "fixed", "name": "F", "size": 2}, "\x00ÿ"),
        ({"type": "array", "items": "int"}, [1, 2]),
        ({"type": "map", "values": POINT}, {"k": {"x": 1}}),
        (POINT, {"x": 1}),
        (POINT, {"x": 1, "z": "passed over"}),
        (["null", "int"], None),
    ],
)
def test_a_default_that_fits(type_: object, default: object) -> None:
    assert parse(type_, default).notes == ()


@pytest.mark.parametrize(
    ("type_", "default", "place", "message"),
    [
        ("null", 0, "", "0 is not null"),
        ("boolean", 1, "", "1 is no boolean"),
        ("int", True, "", "true is no integer"),
        ("int", 1.0, "", "1.0 is no integer"),
        ("int", 2**31, "", "2147483648 does not fit in 32 bits"),
        ("long", -(2**63) - 1, "", "-9223372036854775809 does not fit in 64 bits"),
        ("float", 1e39, "", "1e+39 is beyond the largest number, 3.4028235677973362e+38"),
        ("double", "NaN", "", '"NaN" is no number'),
        ("bytes", "Ā", "", '"Ā" is above U+00FF: each character stands for one byte'),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4}, "", "", '"" is no decimal: it needs a byte'),
        ("string", None, "", "null is no string"),
        (UUID, "none", "", '"none" is no UUID'),
        (ENUM, "C", "", '"C" is no symbol of enum E'),
        ({"type": "fixed", "name": "F", "size": 2}, "a", "", '"a" has 1 bytes, not 2'),
        ({"type": "array", "items": "int"}, [1, "2"], "/1", '"2" is no integer'),
        ({"type": "map", "values": "int"}, {"a/b": "2"}, "/a~1b", '"2" is no integer'),
        ({"type": "map", "values": "int"}, [], "", "[] is no object, as a map needs"),
        (POINT, {}, "", "{} leaves out field 'x' of P, which has no default"),
        (POINT, {"x": "1"}, "/x", '"1" is no integer'),
        (["null", "int"], "null", "", '"null" fits no branch of union of null, int'),
    ],
)
def test_a_default_that_does_not_fit_is_invalid_and_a_note_once_released(
    type_: object, default: object, place: str, message: str
) -> None:
    with pytest.raises(InvalidSchema) as caught:
        parse(type_, default)
    (flaw,) = caught.value.flaws
    assert (flaw.kind, flaw.location.pointer) == ("invalid", f"/fields/0/default{place}")
    assert flaw.message.startswith("the default of 'a' does not fit ")
    assert flaw.message.endswith(message)
    (note,) = parse(type_, default, strict=False).notes
    assert (note.kind, note.message, note.location) == ("note", flaw.message, flaw.location)


def test_a_union_default_that_fits_a_later_branch_is_noted() -> None:
    (note,) = parse(["int", "null"], None).notes
    assert note.message == "the default of 'a' fits null, which is not the first branch of its union"
    assert note.help == "put null first: readers older than Avro 1.12, and Python's, look only there"


def test_a_default_beyond_a_double_is_written_so_that_it_reads_back() -> None:
    schema = text("double", 7).replace("7", "1e999")
    parsed = avro.parse({"x.avsc": schema}, ["x.avsc"], strict=False)
    assert '"default":1e999' in avro.canonical_form(parsed)


@pytest.mark.parametrize("strict", [True, False])
def test_a_default_that_nests_deeper_than_the_limit_is_refused(strict: bool) -> None:
    deep = json.loads("[" * 65 + "]" * 65)
    with pytest.raises(InvalidSchema) as caught:
        parse({"type": "array", "items": "int"}, deep, strict=strict)
    assert caught.value.flaws[0].message == "the default of 'a' nests deeper than 64 levels"


ITSELF = {"type": "record", "name": "a.R", "fields": [{"name": "n", "type": ["a.R", "null"], "default": {}}]}
TWO = [
    {
        "type": "record",
        "name": "A",
        "fields": [{"name": "b", "type": {"type": "array", "items": "B"}, "default": [{}]}],
    },
    {
        "type": "record",
        "name": "B",
        "fields": [{"name": "a", "type": {"type": "map", "values": "A"}, "default": {"k": {}}}],
    },
]
ENDS = [
    {"type": "record", "name": "A", "fields": [{"name": "b", "type": "B", "default": {}}]},
    {"type": "record", "name": "B", "fields": [{"name": "a", "type": ["null", "A"], "default": None}]},
    {"type": "record", "name": "C", "fields": [{"name": "c", "type": {"type": "array", "items": "C"}, "default": []}]},
]


@pytest.mark.parametrize(("schema", "place"), [(ITSELF, "/fields/0/default"), (TWO, "/0/fields/0/default")])
def test_a_default_that_contains_itself_is_invalid(schema: object, place: str) -> None:
    with pytest.raises(InvalidSchema) as caught:
        avro.parse({"x.avsc": json.dumps(schema)}, ["x.avsc"])
    (flaw,) = caught.value.flaws
    assert flaw.location.pointer == place
    assert flaw.message.endswith("contains itself: no reader can make it")
    assert len(avro.parse({"x.avsc": json.dumps(schema)}, ["x.avsc"], strict=False).notes) == 1


def test_a_default_that_leaves_out_defaults_which_end_is_none_of_these() -> None:
    assert avro.parse({"x.avsc": json.dumps(ENDS)}, ["x.avsc"]).notes == ()
