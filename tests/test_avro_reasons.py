"""What a mismatch says: where it stands on both sides, what the reader would see, and the ways out."""

import pytest

from registry.formats.mismatch import Direction
from tests.test_avro_resolution import A_ELSE_A, AB, A, compare, decimal, field, fixed, logical, record

PLACES: dict[str, tuple[object, object, tuple[str, str, str, str]]] = {
    # what it is about: writer, reader, (kind, path, pointer of the reader, pointer of the writer)
    "a field that is missing": (
        record(),
        record(field("currency", "string")),
        ("reader_field_missing_default_value", "/currency", "/fields/0", ""),
    ),
    "a symbol": (
        record(field("e", AB)),
        record(field("e", A)),
        ("missing_enum_symbols", "/e", "/fields/0/type/symbols", "/fields/0/type/symbols/1"),
    ),
    "a branch": (
        record(field("u", ["null", "int"])),
        record(field("u", ["null", "string"])),
        ("missing_union_branch", "/u", "/fields/0/type", "/fields/0/type/1"),
    ),
    "a size": (fixed(4), fixed(8), ("fixed_size_mismatch", "", "/size", "/size")),
    "items and values": (
        record(
            field("items", {"type": "array", "items": {"type": "map", "values": record(field("p", "long"), name="P")}})
        ),
        record(
            field("items", {"type": "array", "items": {"type": "map", "values": record(field("p", "int"), name="P")}})
        ),
        (
            "type_mismatch",
            "/items[]{}/p",
            "/fields/0/type/items/values/fields/0/type",
            "/fields/0/type/items/values/fields/0/type",
        ),
    ),
    "a branch of the writer's union": (
        record(field("u", ["null", "int"])),
        record(field("u", "int")),
        ("type_mismatch", "/u", "/fields/0/type", "/fields/0/type/0"),
    ),
    "a name": (record(name="A"), record(name="B"), ("name_mismatch", "", "/name", "/name")),
    "a default": (
        record(field("a", "int", default=1)),
        record(field("a", "int", default=2)),
        ("default_changed", "/a", "/fields/0/default", "/fields/0/default"),
    ),
}


@pytest.mark.parametrize("title", PLACES)
def test_place_of_a_mismatch(title: str) -> None:
    writer, reader, expected = PLACES[title]
    (mismatch,) = compare(writer, reader)
    assert (mismatch.kind, mismatch.path, mismatch.reader.pointer, mismatch.writer.pointer) == expected
    assert (mismatch.reader.path, mismatch.writer.path) == ("r.avsc", "w.avsc")


def test_a_missing_default_says_what_to_do() -> None:
    (mismatch,) = compare(record(), record(field("currency", "string")))
    assert mismatch.message == "v2 cannot read what v1 wrote: field 'currency' has no default"
    assert mismatch.consequence == "v2 fails at /currency"
    assert mismatch.help == ("give it a default", "describe the step in R.upgrade.yaml")
    assert (mismatch.reader_type, mismatch.writer_type) == ("string", "record a.R")


@pytest.mark.parametrize(
    ("type_", "help_"),
    [
        (["null", "int"], 'give it "default": null'),
        (["int", "null"], 'give it "default": null, and put "null" first in its union'),
        (A_ELSE_A, "give the field a default: that of enum E does not help"),
    ],
)
def test_the_way_out_of_a_missing_default_depends_on_the_type(type_: object, help_: str) -> None:
    (mismatch,) = compare(record(), record(field("a", type_)))
    assert mismatch.help[0] == help_


def test_forward_advice_is_for_the_writer() -> None:
    (mismatch,) = compare(record(), record(field("a", "int")), Direction.FORWARD)
    assert mismatch.help[0] == "keep writing the field 'a': v1 has no default for it"
    (mismatch,) = compare(AB, A, Direction.FORWARD)
    assert mismatch.fact == "symbol 'B' is unknown to enum E"
    assert mismatch.help[0] == "do not add 'B' while v1 is read"


def test_an_unknown_symbol_is_helped_by_the_enum_and_not_by_the_field() -> None:
    (mismatch,) = compare(record(field("e", AB)), record(field("e", A, default="A")))
    assert mismatch.help[1] == 'give enum E itself a "default" (one of the field does not help)'


def test_types_are_named_in_words() -> None:
    (mismatch,) = compare(record(field("p", decimal("bytes", 9, 2))), record(field("p", logical("int", "date"))))
    assert mismatch.fact == "/p is written as decimal(9, 2) on bytes and read as int (date)"


def test_a_field_that_may_be_a_rename_is_offered_an_alias() -> None:
    old = record(field("customer", "string"))
    (mismatch,) = compare(old, record(field("client", "string")))
    assert mismatch.help[0] == "if it is 'customer' under a new name, give it the alias \"customer\""
    (other,) = compare(old, record(field("client", "long")))
    assert other.help[0] == "give it a default"
