"""The canonical form. The texts here are FROZEN: fingerprints of released versions were taken of them."""

import hashlib

import pytest

from registry.formats.protobuf import canonical_form, parse, self_contained

PROTO3 = """syntax = "proto3"; package shop;
message Order { string id = 1; optional int64 amount = 2; repeated int32 scores = 3; map<string, Item> items = 4;
  oneof pay { string card = 5; bytes voucher = 6; } State state = 7; reserved 9, 10 to 12; reserved "old", "a"; }
message Item { google.protobuf.Timestamp at = 1; }
enum State { option allow_alias = true; NEW = 0; DONE = 2; OPEN = 1; FRESH = 0; reserved 5; }
import "google/protobuf/timestamp.proto";
"""
PROTO2 = """syntax = "proto2";
message M { required bool a = 1; optional E e = 2 [default = ONE]; repeated group G = 3 { } extensions 100 to 199; }
enum E { TWO = 2; ONE = 1; } extend M { optional sint32 x = 100; }
"""

VECTORS = [
    (
        PROTO3,
        "shop.Order",
        '{"format":"protobuf/1","roots":["shop.Order"],"types":{'
        '"shop.Item":{"fields":[{"json":"at","name":"at","number":1,"presence":"explicit",'
        '"type":"google.protobuf.Timestamp"}]},'
        '"shop.Order":{"fields":['
        '{"json":"id","name":"id","number":1,"presence":"implicit","type":"string","utf8":true},'
        '{"json":"amount","name":"amount","number":2,"presence":"explicit","type":"int64"},'
        '{"json":"scores","name":"scores","number":3,"packed":true,"presence":"repeated","type":"repeated int32"},'
        '{"json":"items","name":"items","number":4,"presence":"repeated","type":"map<string, shop.Item>","utf8":true},'
        '{"json":"card","name":"card","number":5,"oneof":"pay","presence":"explicit","type":"string","utf8":true},'
        '{"json":"voucher","name":"voucher","number":6,"oneof":"pay","presence":"explicit","type":"bytes"},'
        '{"json":"state","name":"state","number":7,"presence":"implicit","type":"shop.State"}],'
        '"reserved":[[9,12]],"reserved_names":["a","old"]},'
        '"shop.State":{"default":0,"reserved":[[5,5]],"values":[[0,"NEW","FRESH"],[1,"OPEN"],[2,"DONE"]]}}}',
    ),
    (
        PROTO2,
        "M",
        '{"format":"protobuf/1","roots":["M"],"types":{'
        '"E":{"closed":true,"default":2,"values":[[1,"ONE"],[2,"TWO"]]},'
        '"M":{"extensions":[[100,199]],"fields":['
        '{"json":"a","name":"a","number":1,"presence":"required","type":"bool"},'
        '{"default":"ONE","json":"e","name":"e","number":2,"presence":"explicit","type":"E"},'
        '{"delimited":true,"json":"g","name":"g","number":3,"presence":"repeated","type":"repeated M.G"},'
        '{"extension":true,"json":"x","name":"x","number":100,"presence":"explicit","type":"sint32"}]},'
        '"M.G":{}}}',
    ),
]


def form(text: str, name: str | None = None, path: str = "a.proto") -> str:
    return canonical_form(parse({path: text}, [path], name))


@pytest.mark.parametrize(("text", "name", "expected"), VECTORS, ids=["proto3", "proto2"])
def test_the_form_is_frozen(text: str, name: str, expected: str) -> None:
    assert form(text, name) == expected
    assert self_contained(parse({"a.proto": text}, ["a.proto"], name)) == expected


def test_the_fingerprint_of_the_first_vector_is_frozen() -> None:
    digest = hashlib.sha256(form(PROTO3, "shop.Order").encode()).hexdigest()
    assert digest == "a3aeb82e9868ad9a870ff81f66963304f47bd99a285cd6ed40fd6b23c4adc3b6"


def test_comments_order_layout_and_file_names_have_no_part_in_it() -> None:
    other = """// Another look.
        syntax = "proto3";
        package shop;
        import "google/protobuf/timestamp.proto";
        enum State { option allow_alias = true; NEW = 0; FRESH = 0; OPEN = 1; DONE = 2; reserved 5; }
        message Item { google.protobuf.Timestamp at = 1 [deprecated = true]; }
        message Order {
          reserved "a"; reserved 11 to 12; reserved 10; reserved 9; reserved "old";
          State state = 7; map<string, Item> items = 4; repeated int32 scores = 3;
          oneof pay { bytes voucher = 6; string card = 5; } /* money */ optional int64 amount = 2; string id = 1;
        }"""
    assert form(other, "shop.Order", "somewhere/else.proto") == form(PROTO3, "shop.Order")


def test_types_may_be_spread_over_files() -> None:
    files = {
        "order.proto": 'syntax = "proto3"; package p; import "item.proto"; message Order { Item item = 1; }',
        "item.proto": 'syntax = "proto3"; package p; message Item { int32 x = 1; }',
    }
    together = 'syntax = "proto3"; package p; message Item { int32 x = 1; } message Order { Item item = 1; }'
    assert canonical_form(parse(files, ["order.proto"], "p.Order")) == form(together, "p.Order")


def test_an_edition_that_means_the_same_is_the_same() -> None:
    edition = (
        'edition = "2023"; option features.field_presence = IMPLICIT; message M { string a = 1; repeated int32 b = 2; }'
    )
    assert form(edition) == form('syntax = "proto3"; message M { string a = 1; repeated int32 b = 2; }')


@pytest.mark.parametrize(
    "change",
    [
        ("string id = 1", "bytes id = 1"),
        ("string id = 1", "string key = 1"),
        ("string id = 1", 'string id = 1 [json_name = "x"]'),
        ("optional int64", "int64"),
        ("scores = 3", "scores = 3 [packed = false]"),
        ("oneof pay", "oneof paid"),
        ("reserved 9,", "reserved 8,"),
        ('"old", "a"', '"old"'),
        ("NEW = 0; DONE = 2; OPEN = 1; FRESH = 0;", "FRESH = 0; DONE = 2; OPEN = 1; NEW = 0;"),
        ("DONE = 2", "DONE = 3"),
    ],
    ids=lambda change: change[1],
)
def test_whatever_has_a_meaning_changes_it(change: tuple[str, str]) -> None:
    assert change[0] in PROTO3
    assert form(PROTO3.replace(*change), "shop.Order") != form(PROTO3, "shop.Order")


def test_the_default_of_an_enum_is_its_first_value() -> None:
    assert form('syntax = "proto2"; enum E { A = 1; B = 2; }') != form('syntax = "proto2"; enum E { B = 2; A = 1; }')
