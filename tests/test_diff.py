"""What a change means, in words: before and after side by side, and the lines that tell the difference."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from registry.amendment import Amendments, read_amendments
from registry.cli.diff import diff
from registry.difference import Difference, find_differences
from registry.errors import NoRepository, UnknownRevision, Unreadable
from registry.formats import load_format
from registry.pairing import pair_names
from registry.render.amendments import render_amendments_json, render_amendments_text
from registry.schema import Schema
from registry.spelling import describe_type
from tests.repo import Repository, forget_git_variables


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


# In a repository ------------------------------------------------------------------------------------------------------

OWNERSHIP = """\
version: 1
teams: {t: {}}
services: {writer: {team: t}, reader: {team: t}, late: {team: t}}
entities:
  Order:
    owner: writer
    topic: orders
    events:
      a.OrderPlaced: {subscribers: [reader]}
"""
ORDER = record(field("id"), field("by", '"a.Author"'), name="a.OrderPlaced")
AUTHOR = record(field("name"), name="a.Author")
BASE = {"ownership.yaml": OWNERSHIP, "contracts/OrderPlaced.avsc": ORDER, "contracts/Author.avsc": AUTHOR}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    forget_git_variables(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = Repository(tmp_path / "repo")
    monkeypatch.chdir(found.path)
    return found


def look(repository: Repository, *revisions: str, root: str = "contracts") -> Amendments:
    return read_amendments(repository.path, revisions, root, {"XDG_CACHE_HOME": str(repository.path.parent / "cache")})


def lines_of(found: Amendments) -> dict[str, list[str]]:
    return {f"{each.sign} {each.name}": show(list(each.differences)) for each in found.contracts}


def test_terms_are_told(repository: Repository) -> None:
    repository.commit("base", BASE)
    changed = OWNERSHIP.replace("owner: writer", "owner: late\n    key: id").replace("[reader]", "[late]")
    repository.write({"ownership.yaml": changed.replace("topic: orders", "topic: shop.orders")})
    assert lines_of(look(repository)) == {
        "~ a.OrderPlaced": [
            "~ owner: writer -> late",
            "~ topic: orders -> shop.orders",
            "+ key: id",
            "+ subscriber late",
            "- subscriber reader",
        ]
    }


def test_modes_versions_written_and_fields_read_are_told(repository: Repository) -> None:
    repository.commit("base", BASE)
    terms = (
        "{subscribers: [{service: reader, reads: [1], fields: [id]}], writes: [1], compatibility: FULL, retired: [1]}"
    )
    repository.write({"ownership.yaml": OWNERSHIP.replace("{subscribers: [reader]}", terms)})
    assert lines_of(look(repository)) == {
        "~ a.OrderPlaced": [
            "~ mode: BACKWARD_TRANSITIVE -> FULL",
            "+ writes: 1",
            "~ subscriber reader -> reader (reads 1; fields id)",
            "+ version 1 retired",
        ]
    }


def test_a_shared_type_is_told_in_each_contract_and_printed_once(repository: Repository) -> None:
    two = OWNERSHIP + "      a.OrderPaid: {}\n"
    paid = ORDER.replace("OrderPlaced", "OrderPaid")
    repository.commit("base", {**BASE, "ownership.yaml": two, "contracts/OrderPaid.avsc": paid})
    repository.write({"contracts/Author.avsc": record(field("name"), field("mail", UNION), name="a.Author")})
    found = look(repository)
    line = ["+ field mail of Author: null | string"]
    assert lines_of(found) == {"~ a.OrderPlaced": line, "~ a.OrderPaid": line}
    text = render_amendments_text(found)
    assert text.count("field mail") == 1
    assert "    and 1 in shared types, told of above\n" in text


def test_a_contract_that_is_new_gone_or_renamed_is_so_called(repository: Repository) -> None:
    gone = "contracts/Old.avsc"
    terms = OWNERSHIP + "      a.Old: {}\n"
    repository.commit("base", {**BASE, "ownership.yaml": terms, gone: record(field("x"), name="a.Old")})
    new = record(field("x"), name="a.New")
    renamed = ORDER.replace("a.OrderPlaced", "a.OrderTaken").replace('"fields"', '"aliases": ["OrderPlaced"], "fields"')
    repository.write(
        {
            "ownership.yaml": terms.replace("a.Old:", "a.New:").replace("OrderPlaced", "OrderTaken"),
            gone: None,
            "contracts/deep/New.avsc": new,
            "contracts/OrderPlaced.avsc": renamed,
        }
    )
    found = look(repository)
    assert [(each.sign, each.name, each.was) for each in found.contracts] == [
        ("~", "a.OrderTaken", "a.OrderPlaced"),
        ("+", "a.New", ""),
        ("-", "a.Old", ""),
    ]
    assert show(list(found.contracts[0].differences)) == ["~ record OrderPlaced renamed to OrderTaken (by alias)"]
    assert show(list(found.contracts[1].differences))[0] == "+ record New with 1 field"


def test_layout_alone_is_said_to_be_nothing(repository: Repository) -> None:
    repository.commit("base", BASE)
    repository.write({"contracts/OrderPlaced.avsc": ORDER.replace('"fields"', '\n "pii": true, "fields"')})
    text = render_amendments_text(look(repository))
    assert "nothing but comments, layout or properties of your own" in text
    assert text.endswith("1 contract differs between HEAD and the work tree: 1 in comments and layout only\n")


def test_nothing_changed_is_one_line(repository: Repository) -> None:
    repository.commit("base", BASE)
    assert render_amendments_text(look(repository)) == "no contract differs between HEAD and the work tree\n"


def test_two_revisions_and_one_against_the_work_tree(repository: Repository) -> None:
    repository.commit("one", BASE)
    repository.tag("v1")
    more = ORDER.replace('"fields": [', '"fields": [' + field("n", '"int"') + ", ")
    repository.commit("two", {"contracts/OrderPlaced.avsc": more})
    repository.write({"contracts/OrderPlaced.avsc": more.replace('"int"', '"long"')})
    assert lines_of(look(repository, "v1", "HEAD")) == {"~ a.OrderPlaced": ["+ field n: int"]}
    assert lines_of(look(repository, "HEAD", "v1")) == {"~ a.OrderPlaced": ["- field n: int"]}
    assert lines_of(look(repository)) == {"~ a.OrderPlaced": ["~ field n: int -> long"]}
    assert lines_of(look(repository, "v1")) == {"~ a.OrderPlaced": ["+ field n: long"]}


def test_before_the_first_commit_everything_is_new(repository: Repository) -> None:
    repository.write(BASE)
    assert [each.sign for each in look(repository).contracts] == ["+"]


def test_a_tree_without_ownership_is_told_file_by_file(repository: Repository) -> None:
    money = 'syntax = "proto3"; package shop; message Money { string currency = 1; }'
    cart = 'syntax = "proto3"; package shop; import "money.proto"; message Cart { Money sum = 1; }'
    repository.commit("base", {"größe 1/a.avsc": ORDER.replace('"a.Author"', '"int"'), "größe 1/money.proto": money})
    repository.write(
        {
            "größe 1/a.avsc": ORDER.replace('"a.Author"', '"long"'),
            "größe 1/money.proto": money.replace("1; }", "1; int64 units = 2; }"),
            "größe 1/cart.proto": cart,
        }
    )
    found = look(repository, root="größe 1")
    assert lines_of(found) == {
        "~ a.OrderPlaced": ["~ field by: int -> long"],
        "~ größe 1": ["+ field units of Money: int64, number 2", "+ message Cart with 1 field"],
    }
    assert "größe 1/money.proto:1" in render_amendments_text(found)


def test_a_file_that_no_contract_reaches_is_not_passed_over(repository: Repository) -> None:
    repository.commit("base", BASE)
    repository.write({"contracts/Stray.avsc": record(field("x"), name="a.Stray")})
    found = look(repository)
    assert found.contracts == () and found.unreached == (("+", "contracts/Stray.avsc"),)
    assert "  + contracts/Stray.avsc\n" in render_amendments_text(found)


def test_a_schema_that_cannot_be_read_fails_the_run(repository: Repository) -> None:
    repository.commit("base", BASE)
    repository.write({"contracts/OrderPlaced.avsc": ORDER.replace('"string"', '"strang"')})
    result = CliRunner().invoke(diff, [])
    assert result.exit_code == 1
    assert "! the work tree holds no valid schema of it" in result.output
    assert "contracts/OrderPlaced.avsc:1:" in result.output
    assert "1 could not be read" in result.output


def test_the_command_prints_text_and_json(repository: Repository) -> None:
    repository.commit("base", BASE)
    repository.write({"contracts/OrderPlaced.avsc": ORDER.replace(field("id") + ",", "")})
    text = CliRunner().invoke(diff, ["HEAD"])
    assert text.exit_code == 0
    assert text.output == (
        "~ a.OrderPlaced\n"
        "  - field id: string  contracts/OrderPlaced.avsc:1 (HEAD)\n"
        "\n"
        "1 contract differs between HEAD and the work tree: 1 changed\n"
    )
    found = json.loads(CliRunner().invoke(diff, ["--format", "json"]).output)
    assert (found["before"], found["after"], found["version"]) == ("HEAD", "the work tree", 1)
    assert found["contracts"][0]["differences"] == [
        {
            "sign": "-",
            "path": "a.OrderPlaced/id",
            "words": "field id: string",
            "location": {"file": "contracts/OrderPlaced.avsc", "line": 1, "column": 57, "pointer": "/fields/0"},
            "revision": "HEAD",
        }
    ]


def test_signs_have_colours_and_hostile_names_have_none(repository: Repository) -> None:
    repository.commit("base", {**BASE, "contracts/x.avsc": "{}"})
    repository.write({"contracts/x.avsc": None, "contracts/\x1b[31m.avsc": "{}"})
    found = look(repository)
    assert "\x1b" not in render_amendments_text(found)
    assert "\x1b[31m-\x1b[0m contracts/x.avsc" in render_amendments_text(found, colour=True)
    assert json.loads(render_amendments_json(found))["unreached"][0]["sign"] == "+"


def test_what_keeps_us_from_looking_is_an_error(repository: Repository, tmp_path: Path) -> None:
    repository.commit("base", {"README.md": "x"})
    with pytest.raises(UnknownRevision, match="nope"):
        look(repository, "nope")
    with pytest.raises(Unreadable, match=r"holds no \.avsc and no \.proto below contracts"):
        look(repository)
    (tmp_path / "nowhere").mkdir()
    with pytest.raises(NoRepository):
        read_amendments(tmp_path / "nowhere", (), "contracts", {})
