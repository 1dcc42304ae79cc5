"""What `contracts check --fix` edits keeps its author's hand, and what is not certain stays as it is."""

import json
from pathlib import Path

import pytest

from registry.formats.avro.repair import EDITS as AVRO_EDITS
from registry.formats.edit import Edit, apply_edits, find_offset
from registry.formats.protobuf.repair import EDITS as PROTOBUF_EDITS
from tests.repairs import ID, A, mend
from tests.repo import Repository
from tests.story import stand_alone


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    stand_alone(monkeypatch, tmp_path / "cache")
    return Repository(tmp_path / "here")


# Avro

AVRO = {
    "one line": (
        '{"name": "b", "type": ["null", "int"]}',
        '{"name": "b", "type": ["null", "int"], "default": null}',
    ),
    "no blank anywhere": (
        '{"name":"b","type":["null","int"]}',
        '{"name":"b","type":["null","int"],"default":null}',
    ),
    "null moves to the front": (
        '{"name": "b", "type": ["int",  "null"], "doc": "x"}',
        '{"name": "b", "type": ["null",  "int"], "doc": "x", "default": null}',
    ),
    "three branches keep their order and their lines": (
        '{"name": "b", "type": [\n "int",\n "string",\n {"type": "null"}]}',
        '{"name": "b", "type": [\n {"type": "null"},\n "int",\n "string"], "default": null}',
    ),
    "a line for each member": (
        '{\n      "name": "b",\n      "type": ["null", "int"]\n    }',
        '{\n      "name": "b",\n      "type": ["null", "int"],\n      "default": null\n    }',
    ),
    "windows line ends": (
        '{\r\n  "name": "b",\r\n  "type": ["null", "int"]\r\n}',
        '{\r\n  "name": "b",\r\n  "type": ["null", "int"],\r\n  "default": null\r\n}',
    ),
    "a union in a wrapper": (
        '{"name": "b", "type": {"type": ["int", "null"]}}',
        '{"name": "b", "type": {"type": ["null", "int"]}, "default": null}',
    ),
    "letters beyond ASCII before it": (
        '{"doc": "größer 🂡 \\" } ]", "name": "b", "type": ["null", "int"]}',
        '{"doc": "größer 🂡 \\" } ]", "name": "b", "type": ["null", "int"], "default": null}',
    ),
    "a blank before each colon": (
        '{"name" : "b", "type" : ["null", "int"]}',
        '{"name" : "b", "type" : ["null", "int"], "default" : null}',
    ),
}


@pytest.mark.parametrize("case", AVRO.values(), ids=AVRO)
def test_a_new_nullable_field_gets_the_default_null(here: Repository, case: tuple[str, str]) -> None:
    now, mended = case
    done, text = mend(here, "contracts/A.avsc", A % ID, A % f"{ID}, {now}")
    assert text == A % f"{ID}, {mended}"
    assert done == ["gave 'b' the default null"]


def test_a_file_without_a_last_line_break_keeps_none(here: Repository) -> None:
    now = A.rstrip() % f'{ID}, {{"name": "b", "type": ["null", "int"]}}'
    _, text = mend(here, "contracts/A.avsc", A % ID, now)
    assert text.endswith('"default": null}]}')


def test_several_fields_of_one_file_are_mended_at_once(here: Repository) -> None:
    fields = [f'{{"name": "{name}", "type": ["null", "int"]}}' for name in "bcd"]
    done, text = mend(here, "contracts/A.avsc", A % ID, A % ",\n".join([ID, *fields]))
    assert len(done) == 3
    assert [field.get("default", 0) for field in json.loads(text)["fields"]] == [0, None, None, None]


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(f'{ID}, {{"name": "b", "type": "int"}}', id="null is none of its values"),
        pytest.param('{"name": "key", "type": ["null", "string"]}', id="it may be a rename"),
        pytest.param(
            f'{ID}, {{"name": "b", "type": {{"type": "array", "items": "int"}}}}', id="an empty list is a guess"
        ),
    ],
)
def test_what_an_older_event_means_is_not_guessed(here: Repository, now: str) -> None:
    assert mend(here, "contracts/A.avsc", A % ID, A % now) == ([], A % now)


KEY = '{"name": "key", "type": "string", "aliases": ["id"]}'
ALIAS = {
    "none so far": ('{"name": "id", "type": "string"}', '{"name": "id", "type": "string", "aliases": ["key"]}'),
    "one already": (
        '{"name": "id", "aliases": ["x"], "type": "string"}',
        '{"name": "id", "aliases": ["x", "key"], "type": "string"}',
    ),
    "an empty list": (
        '{"name": "id", "type": "string", "aliases": []}',
        '{"name": "id", "type": "string", "aliases": ["key"]}',
    ),
    "a default hides it": (
        '{"name": "id", "type": "string", "default": ""}',
        '{"name": "id", "type": "string", "default": "", "aliases": ["key"]}',
    ),
}


@pytest.mark.parametrize("case", ALIAS.values(), ids=ALIAS)
def test_a_field_that_was_renamed_back_gets_the_alias_that_the_older_schema_vouches_for(
    here: Repository, case: tuple[str, str]
) -> None:
    done, text = mend(here, "contracts/A.avsc", A % KEY, A % case[0])
    assert text == A % case[1]
    assert done == ["gave 'id' the alias 'key'"]


def test_a_rename_that_nobody_vouches_for_is_left_to_its_author(here: Repository) -> None:
    now = A % '{"name": "key", "type": "string", "default": ""}'
    assert mend(here, "contracts/A.avsc", A % ID, now) == ([], now)


def test_a_branch_that_the_default_fits_is_put_first(here: Repository) -> None:
    now = '{"name": "b", "type": ["int", "null"], "default": null}'
    done, text = mend(here, "contracts/A.avsc", A % ID, A % f"{ID}, {now}")
    assert text == A % f'{ID}, {{"name": "b", "type": ["null", "int"], "default": null}}'
    assert done == ["put null first in the union of 'b'"]


BESIDE = {
    "in the middle": (
        '{"name": "at", "type": "long", "logicalType": "timestamp-millis", "default": 0}',
        '{"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0}',
    ),
    "first of all, and compact": (
        '{"logicalType":"date","name":"at","type":"int","default":0}',
        '{"name":"at","type":{"type":"int","logicalType":"date"},"default":0}',
    ),
    "with its precision": (
        '{"name": "a", "default": "1", "type": "bytes",\n "logicalType": "decimal", "precision": 4, "scale": 2}',
        '{"name": "a", "default": "1", '
        '"type": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}}',
    ),
}


@pytest.mark.parametrize("case", BESIDE.values(), ids=BESIDE)
def test_a_logical_type_beside_its_type_is_moved_inside(here: Repository, case: tuple[str, str]) -> None:
    done, text = mend(here, "contracts/A.avsc", A % ID, A % f"{ID}, {case[0]}")
    assert text == A % f"{ID}, {case[1]}"
    assert done[0].startswith("moved logicalType ")


# Protobuf

P3 = 'syntax = "proto3";\n'
WAS = P3 + "message M {\n  string id = 1;\n  string note = 2;\n}\n"
PROTOBUF = {
    "lines": (
        WAS,
        "message M {\n  string id = 1;\n}\n",
        'message M {\n  reserved 2;\n  reserved "note";\n  string id = 1;\n}\n',
    ),
    "tabs": (
        WAS,
        "message M {\n\tstring id = 1;\n}\n",
        'message M {\n\treserved 2;\n\treserved "note";\n\tstring id = 1;\n}\n',
    ),
    "a comment behind the brace": (
        WAS,
        "/* { */ message M /* { */ { /* } */ // }\n\n    // of id\n    string id = 1;\n}\n",
        "/* { */ message M /* { */ { /* } */ // }\n    reserved 2;\n    reserved "
        '"note";\n\n    // of id\n    string id = 1;\n}\n',
    ),
    "a comment that goes on": (
        WAS,
        "message M { /* from\n here */ string id = 1; }\n",
        'message M { reserved 2; reserved "note"; /* from\n here */ string id = 1; }\n',
    ),
    "one line": (
        WAS,
        "message M { string id = 1; }",
        'message M { reserved 2; reserved "note"; string id = 1; }',
    ),
    "one line without blanks": (
        WAS,
        "message M{string id=1;}",
        'message M{reserved 2; reserved "note"; string id=1;}',
    ),
    "windows line ends": (
        WAS,
        "message M {\r\n  string id = 1;\r\n}\r\n",
        'message M {\r\n  reserved 2;\r\n  reserved "note";\r\n  string id = 1;\r\n}\r\n',
    ),
    "nothing left": (
        P3 + "message M { string note = 2; }",
        "message M {\n}\n",
        'message M {\n  reserved 2;\n  reserved "note";\n}\n',
    ),
    "nothing left in one line": (
        P3 + "message M { string note = 2; string x = 3; }",
        "message M {}",
        'message M {reserved 2; reserved "note"; reserved 3; reserved "x"; }',
    ),
    "an option of the brace's own kind": (
        P3 + "message O { message M { string a = 1; string note = 2; } }",
        "message O {\n  // two\n  message M\n  {\n    string a = 1;\n  }\n}\n",
        'message O {\n  // two\n  message M\n  {\n    reserved 2;\n    reserved "note";\n    string a = 1;\n  }\n}\n',
    ),
    "an enum": (
        P3 + "enum E { A = 0; B = -1; }",
        "enum E {\n  A = 0;\n}\n",
        'enum E {\n  reserved -1;\n  reserved "B";\n  A = 0;\n}\n',
    ),
    "reserved and then forgotten": (
        P3 + 'message M { reserved 2, 5 to max; reserved "note"; string id = 1; }',
        "message M { string id = 1; }",
        'message M { reserved 2, 5 to max; reserved "note"; string id = 1; }',
    ),
}


@pytest.mark.parametrize("case", PROTOBUF.values(), ids=PROTOBUF)
def test_a_number_that_was_given_up_is_reserved(here: Repository, case: tuple[str, str, str]) -> None:
    was, now, mended = case
    _, text = mend(here, "contracts/m.proto", was, P3 + now)
    assert text == P3 + mended


def test_a_file_of_an_edition_reserves_names_without_quotes(here: Repository) -> None:
    text = 'edition = "2023";\nmessage M {\n  string id = 1;\n  string note = 2;\n}\n'
    done, mended = mend(here, "contracts/m.proto", text, text.replace("  string note = 2;\n", ""))
    assert mended == text.replace("  string id", "  reserved 2;\n  reserved note;\n  string id").replace(
        "  string note = 2;\n", ""
    )
    assert done == ["added reserved 2; reserved note;"]


def test_a_group_with_options_is_found(here: Repository) -> None:
    text = (
        'syntax = "proto2";\nimport "google/protobuf/descriptor.proto";\nmessage Opt { optional int32 a = 1; }\n'
        "extend google.protobuf.FieldOptions { optional Opt opt = 50000; }\n"
        "message M {\n  optional group G = 1 [(opt) = { a: 1 }] {\n"
        "    optional int32 a = 1;\n    optional int32 b = 2;\n  }\n}\n"
    )
    _, mended = mend(here, "contracts/m.proto", text, text.replace("    optional int32 b = 2;\n", ""))
    assert '{ a: 1 }] {\n    reserved 2;\n    reserved "b";\n    optional int32 a = 1;\n' in mended


@pytest.mark.parametrize(
    ("was", "now", "made"),
    [
        pytest.param(
            P3 + "message M { reserved 2; }",
            P3 + "message M { string other = 2; }",
            [],
            id="the number is in use again",
        ),
        pytest.param(
            P3 + 'message M { reserved "note"; }',
            P3 + "message M { string note = 2; }",
            [],
            id="the name is in use again",
        ),
        pytest.param(
            'syntax = "proto2";message M { optional int32 a = 2; }',
            'syntax = "proto2";message M { extensions 1 to 5; }',
            [],
            id="the number went to extensions",
        ),
    ],
)
def test_what_cannot_be_reserved_as_it_stands_is_left(here: Repository, was: str, now: str, made: list[str]) -> None:
    assert mend(here, "contracts/m.proto", was, now)[0] == made


def test_every_repair_is_tested_and_says_why_it_is_safe() -> None:
    assert set(AVRO_EDITS) == {"null_default", "alias", "first_branch", "logical_type"}
    assert set(PROTOBUF_EDITS) == {"reserve"}
    assert all(row.why and row.done for row in (*AVRO_EDITS.values(), *PROTOBUF_EDITS.values()))


# The edits themselves


def test_insertions_at_one_place_keep_their_order_and_overlaps_are_refused() -> None:
    assert apply_edits("abc", [Edit(1, 1, "x"), Edit(1, 1, "y"), Edit(2, 3, "")]) == "axyb"
    assert apply_edits("abc", [Edit(0, 2, ""), Edit(1, 3, "")]) is None


def test_an_offset_is_counted_in_characters_and_lines() -> None:
    assert find_offset("a\r\nüb\n", 2, 2) == 4
    assert find_offset("ab", 1, 1) == 0
