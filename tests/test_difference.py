"""What a change means, in words: before and after side by side, and the lines that tell the difference."""

import pytest

from registry.difference import Difference, find_differences
from registry.formats import load_format
from registry.pairing import pair_names
from registry.schema import Schema
from registry.spelling import describe_type


def read_avro(text: str) -> Schema:
    return load_format("avro").parse({"a.avsc": text}, ["a.avsc"], strict=False)


def read_proto(body: str, name: str | None = None, head: str = 'syntax = "proto3"; package a;') -> Schema:
    return load_format("protobuf").parse({"a.proto": f"{head}\n{body}"}, ["a.proto"], name)


def record(*fields: str, name: str = "a.Order", more: str = "") -> str:
    return f'{{"type": "record", "name": "{name}", {more} "fields": [{", ".join(fields)}]}}'


def field(name: str, type_: str = '"string"', more: str = "") -> str:
    return f'{{"name": "{name}", "type": {type_}{f", {more}" if more else ""}}}'


def show(differences: list[Difference]) -> list[str]:
    return [f"{each.sign} {each.words}" for each in differences]


def diff_avro(before: str, after: str) -> list[str]:
    return show(list(find_differences(read_avro(before), read_avro(after))))


def diff_proto(before: str, after: str, name: str | None = None) -> list[str]:
    return show(list(find_differences(read_proto(before, name), read_proto(after, name))))


def enum(*symbols: str, more: str = "") -> str:
    listed = ", ".join(f'"{symbol}"' for symbol in symbols)
    return f'{{"type": "enum", "name": "Status", "symbols": [{listed}]{f", {more}" if more else ""}}}'


UNION = '["null", "string"]'
AVRO_CASES = {
    "a field with a default is added": (
        record(field("id")),
        record(field("id"), field("currency", more='"default": "EUR"')),
        ['+ field currency: string = "EUR"'],
    ),
    "a field is removed": (record(field("id"), field("old", '"int"')), record(field("id")), ["- field old: int"]),
    "a field is widened": (
        record(field("amount", '"int"')),
        record(field("amount", '"long"')),
        ["~ field amount: int -> long"],
    ),
    "a field gains a logical type": (
        record(field("on", '"int"')),
        record(field("on", '{"type": "int", "logicalType": "date"}')),
        ["~ field on: int -> int (date)"],
    ),
    "a field is renamed with an alias": (
        record(field("user")),
        record(field("user_id", more='"aliases": ["user"]')),
        ["~ field user renamed to user_id (by alias)"],
    ),
    "a field is renamed without an alias": (
        record(field("user")),
        record(field("user_id")),
        ["+ field user_id: string", "- field user: string"],
    ),
    "an alias comes and another goes": (
        record(field("id", more='"aliases": ["one"]')),
        record(field("id", more='"aliases": ["two"]')),
        ["+ alias two of field id", "- alias one of field id"],
    ),
    "a default comes, changes and goes": (
        record(field("a"), field("b", more='"default": "x"'), field("c", '"int"', '"default": 1')),
        record(field("a", more='"default": ""'), field("b", more='"default": "y"'), field("c", '"int"')),
        ['+ default of field a = ""', '~ default of field b: "x" -> "y"', "- default of field c = 1"],
    ),
    "one and true are not the same default": (
        record(field("a", '["boolean", "int"]', '"default": true')),
        record(field("a", '["boolean", "int"]', '"default": 1')),
        ["~ default of field a: true -> 1"],
    ),
    "a branch is added and another removed": (
        record(field("note", '["null", "string"]')),
        record(field("note", '["null", "long"]')),
        ["+ branch long of field note", "- branch string of field note"],
    ),
    "branches change places": (
        record(field("note", '["null", "string"]')),
        record(field("note", '["string", "null"]')),
        ["~ field note: null | string -> string | null"],
    ),
    "a field becomes nullable": (
        record(field("note")),
        record(field("note", '["null", "string"]')),
        ["~ field note: string -> null | string"],
    ),
    "symbols come and go": (
        record(field("status", enum("OPEN", "ARCHIVED"))),
        record(field("status", enum("OPEN", "CLOSED", more='"default": "OPEN"'))),
        ["+ symbol CLOSED of Status", "- symbol ARCHIVED of Status", "~ enum Status: default none -> OPEN"],
    ),
    "fields change places": (
        record(field("a"), field("b")),
        record(field("b"), field("a")),
        ["~ order of the fields"],
    ),
    "a fixed grows": (
        record(field("h", '{"type": "fixed", "name": "Hash", "size": 16}')),
        record(field("h", '{"type": "fixed", "name": "Hash", "size": 32}')),
        ["~ fixed Hash: 16 bytes -> 32 bytes"],
    ),
    "an enum becomes a record": (
        record(field("s", enum("A"))),
        record(field("s", record(field("x"), name="Status"))),
        ["~ Status: enum -> record"],
    ),
    "a nested record is renamed with an alias": (
        record(field("by", record(field("x"), name="Author"))),
        record(field("by", record(field("x"), field("y"), name="Writer", more='"aliases": ["Author"],'))),
        ["~ record Author renamed to Writer (by alias)", "+ field y of Writer: string"],
    ),
    "a shared record comes with its field": (
        record(field("id")),
        record(field("id"), field("by", record(field("x"), name="Author"))),
        ["+ field by: Author", "+ use of record Author"],
    ),
    "documentation is counted": (
        record(field("a", more='"doc": "x"'), field("b"), more='"doc": "one",'),
        record(field("a", more='"doc": "y"'), field("b", more='"doc": "z"'), more='"doc": "two",'),
        ["~ 3 docs changed"],
    ),
    "only the layout differs": (
        record(field("a"), field("b", UNION)),
        f" {record(field('a'), field('b', UNION))}\n",
        [],
    ),
    "a record refers to itself": (
        record(field("next", '["null", "a.Order"]')),
        record(field("next", '["null", "a.Order"]'), field("n", '"int"')),
        ["+ field n: int"],
    ),
    "the type is no record": ('["null", "int"]', '["null", "int", "string"]', ["+ branch string of the schema"]),
}


@pytest.mark.parametrize("case", AVRO_CASES)
def test_avro_changes_are_told(case: str) -> None:
    before, after, lines = AVRO_CASES[case]
    assert diff_avro(before, after) == lines


PROTO_CASES = {
    "a field is added": (
        "message M { string a = 1; }",
        "message M { string a = 1; optional int32 b = 4; }",
        ["+ field b: optional int32, number 4"],
    ),
    "a field is removed and its number reserved": (
        "message M { string a = 1; string b = 2; }",
        'message M { string a = 1; reserved 2; reserved "b"; }',
        ["- field b: string, number 2", "+ reserved 2", '+ reserved "b"'],
    ),
    "a field is renamed: its number is what counts": (
        "message M { string a = 1; }",
        "message M { string z = 1; }",
        ["~ field a renamed to z (number 1)"],
    ),
    "a field gets another number": (
        "message M { string a = 1; }",
        "message M { string a = 2; }",
        ["~ field a: number 1 -> 2"],
    ),
    "a number is used again": (
        "message M { string a = 1; }",
        "message M { int64 z = 1; }",
        ["~ field a renamed to z (number 1)", "~ field z: string -> int64"],
    ),
    "presence comes": (
        "message M { int32 a = 1; }",
        "message M { optional int32 a = 1; }",
        ["~ field a: int32 -> optional int32"],
    ),
    "a field becomes repeated": (
        "message M { int32 a = 1; map<string, int32> m = 2; }",
        "message M { repeated int32 a = 1; map<string, int64> m = 2; }",
        ["~ field a: int32 -> repeated int32", "~ field m: map<string, int32> -> map<string, int64>"],
    ),
    "packing is switched off": (
        "message M { repeated int32 a = 1; }",
        "message M { repeated int32 a = 1 [packed = false]; }",
        ["~ field a: packed yes -> no"],
    ),
    "a field enters a oneof": (
        "message M { string a = 1; string b = 2; }",
        "message M { oneof kind { string a = 1; } string b = 2; }",
        ["~ field a: oneof none -> kind"],
    ),
    "reserved ranges are cut anew": (
        "message M { reserved 2 to 5, 9; }",
        "message M { reserved 2, 3 to 4, 5, 8 to 9; }",
        ["+ reserved 8"],
    ),
    "a reservation is dropped in part": (
        "message M { reserved 2 to 9; }",
        "message M { reserved 2 to 4, 8 to 9; }",
        ["- reserved 5 to 7"],
    ),
    "enum values are added, renamed and renumbered": (
        "message M { S s = 1; } enum S { NONE = 0; ONE = 1; TWO = 2; }",
        "message M { S s = 1; } enum S { NONE = 0; UNO = 1; TWO = 3; FOUR = 4; }",
        [
            "~ symbol ONE of S renamed to UNO (number 1)",
            "~ symbol TWO of S: number 2 -> 3",
            "+ symbol FOUR of S, number 4",
        ],
    ),
    "a well-known type needs no line of its own": (
        'import "google/protobuf/timestamp.proto"; message M { string a = 1; }',
        'import "google/protobuf/timestamp.proto"; message M { string a = 1; google.protobuf.Timestamp at = 2; }',
        ["+ field at: Timestamp, number 2"],
    ),
    "comments are counted": (
        "message M {\n  // one\n  string a = 1;\n}",
        "message M {\n  // two\n  string a = 1;\n}",
        ["~ 1 doc changed"],
    ),
}


@pytest.mark.parametrize("case", PROTO_CASES)
def test_protobuf_changes_are_told(case: str) -> None:
    before, after, lines = PROTO_CASES[case]
    assert diff_proto(before, after, "a.M") == lines


def test_messages_of_a_whole_file_are_named_in_each_line() -> None:
    before = "message A { string x = 1; } message B { string x = 1; }"
    after = "message A { string x = 1; int32 y = 2; } message C { string x = 1; }"
    assert diff_proto(before, after) == [
        "+ field y of A: int32, number 2",
        "+ message C with 1 field",
        "- message B with 1 field",
    ]


def test_a_package_that_moves_takes_its_types_with_it() -> None:
    body = "message Order { message Line { string q = 1; } repeated Line lines = 1; } message Cart { message Line {} }"
    before, after = read_proto(body), read_proto(body, head='syntax = "proto3"; package b;')
    assert pair_names(before, after) == {
        "a.Order": "b.Order",
        "a.Order.Line": "b.Order.Line",
        "a.Cart": "b.Cart",
        "a.Cart.Line": "b.Cart.Line",
    }
    lines = show(list(find_differences(before, after)))
    assert lines and all(" renamed to " in line for line in lines)


def test_deep_nesting_is_spelled_without_recursion() -> None:
    nested = '"string"'
    for _ in range(100):
        nested = f'{{"type": "array", "items": {nested}}}'
    schema = read_avro(record(field("deep", nested)))
    deep = next(iter(schema.types.values())).fields[0].type  # type: ignore[union-attr]  # the root is a record
    assert describe_type(schema, deep) == "array of " * 100 + "string"
    assert list(find_differences(schema, schema)) == []


def test_a_difference_says_where_it_stands_now_or_stood() -> None:
    before = record(field("a"), field("\ngone".strip(), '"int"')).replace(', {"name": "gone"', ',\n{"name": "gone"')
    after = record(field("a"), "\n\n" + field("new", '"int"'))
    found = list(find_differences(read_avro(before), read_avro(after)))
    assert [(each.sign, each.path, each.location.line) for each in found] == [
        ("+", "a.Order/new", 3),
        ("-", "a.Order/gone", 2),
    ]


def test_another_language_is_one_line() -> None:
    found = list(find_differences(read_avro(record(field("a"))), read_proto("message Order { string a = 1; }")))
    assert show(found) == ["~ language: avro -> protobuf"]
