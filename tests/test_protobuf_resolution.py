"""Every row of the Protobuf table: what changed, and what each direction says of it, silence included.

A case is the text before and after; BACKWARD is the new reader of old bytes, FORWARD the old reader of new bytes.
"""

import pytest

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf import find_mismatches, parse
from registry.formats.protobuf.kinds import KINDS
from registry.formats.protobuf.words import CONSEQUENCES, HELP

P2, P3, ED = 'syntax = "proto2";\n', 'syntax = "proto3";\n', 'edition = "2023";\n'
WKT = 'import "google/protobuf/wrappers.proto"; import "google/protobuf/timestamp.proto";\n'
E2 = "enum E { A = 0; B = 1; }\n"
ENTRY = "message Entry { string key = 1; int32 value = 2; } "


def judge(
    before: str, after: str, name: str | None = None, profile: str | None = None
) -> tuple[list[Mismatch], list[Mismatch]]:
    old, new = (parse({"a.proto": text}, ["a.proto"], name) for text in (before, after))
    backward = Pair(new, old, Direction.BACKWARD, profile=profile)
    forward = Pair(old, new, Direction.FORWARD, profile=profile)
    return list(find_mismatches(backward)), list(find_mismatches(forward))


def m(body: str) -> str:
    return f"message M {{ {body} }} "


def one(before: str, after: str, syntax: str = P3, rest: str = "") -> tuple[str, str]:
    return syntax + rest + m(before), syntax + rest + m(after)


def enums(before: str, after: str, syntax: str = P2, label: str = "optional ") -> tuple[str, str]:
    user = m(f"{label}E e = 1;")
    return f"{syntax}enum E {{ {before} }} {user}", f"{syntax}enum E {{ {after} }} {user}"


CASES: list[tuple[str, tuple[str, str], str, str]] = [
    ("field added", one("int32 a = 1;", "int32 a = 1; int32 b = 2;"), "", ""),
    ("message and open enum value added", (P3 + E2, P3 + "enum E { A = 0; B = 1; C = 2; } message N {}"), "", ""),
    ("field removed", one("int32 a = 1; int32 b = 2;", "int32 a = 1;"), "field_removed", "field_removed"),
    ("number reused", one("int32 a = 1;", "string b = 1;"), "field_number_reused", "field_number_reused"),
    ("type changed", one("int32 a = 1;", "string a = 1;"), "field_type_changed", "field_type_changed"),
    ("field renumbered", one("int32 a = 1;", "int32 a = 2;"), "field_renumbered", "field_renumbered"),
    (
        "two fields swapped",
        one("int32 a = 1; int32 b = 2;", "int32 b = 1; int32 a = 2;"),
        "field_renumbered field_renumbered",
        "field_renumbered field_renumbered",
    ),
    (
        "renamed, and another one added under the old name",
        one("int32 a = 1;", "int32 old_a = 1; int32 a = 2;"),
        "field_renumbered",
        "field_renumbered",
    ),
    ("field renamed", one("int32 a = 1;", "int32 b = 1;"), "field_name_changed", "field_name_changed"),
    (
        "json_name changed",
        one("int32 a = 1;", 'int32 a = 1 [json_name = "x"];'),
        "json_name_changed",
        "json_name_changed",
    ),
    ("int32 to int64", one("int32 a = 1;", "int64 a = 1;"), "", "integer_narrowed"),
    ("bool to int32", one("bool a = 1;", "int32 a = 1;"), "", "integer_narrowed"),
    ("uint32 to int64", one("uint32 a = 1;", "int64 a = 1;"), "", "integer_narrowed"),
    ("sint32 to sint64", one("sint32 a = 1;", "sint64 a = 1;"), "", "integer_narrowed"),
    ("int32 to uint32", one("int32 a = 1;", "uint32 a = 1;"), "integer_sign_changed", "integer_sign_changed"),
    ("fixed32 to sfixed32", one("fixed32 a = 1;", "sfixed32 a = 1;"), "integer_sign_changed", "integer_sign_changed"),
    ("int32 to sint32", one("int32 a = 1;", "sint32 a = 1;"), "field_type_changed", "field_type_changed"),
    ("fixed32 to float", one("fixed32 a = 1;", "float a = 1;"), "field_type_changed", "field_type_changed"),
    ("fixed32 to fixed64", one("fixed32 a = 1;", "fixed64 a = 1;"), "field_type_changed", "field_type_changed"),
    ("string to bytes, verified", one("string a = 1;", "bytes a = 1;"), "", "invalid_utf8_refused"),
    ("string to bytes", one("optional string a = 1;", "optional bytes a = 1;", P2), "", "unverified_utf8"),
    ("bytes to message", one("bytes a = 1;", "N a = 1;", rest="message N {} "), "bytes_read_as_message", ""),
    (
        "string to message",
        one("string a = 1;", "N a = 1;", rest="message N {} "),
        "field_type_changed",
        "field_type_changed",
    ),
    ("enum to int32, open", one("E a = 1;", "int32 a = 1;", rest=E2), "enum_read_as_integer", "enum_read_as_integer"),
    (
        "enum to int64, closed",
        one("optional E a = 1;", "optional int64 a = 1;", P2, E2),
        "enum_read_as_integer",
        "integer_narrowed enum_read_as_integer closed_enum_value_unknown",
    ),
    (
        "closed enum that knows all a bool can be",
        one("optional bool a = 1;", "optional E a = 1;", P2, E2),
        "enum_read_as_integer",
        "enum_read_as_integer",
    ),
    ("closed enum value added", enums("A = 0;", "A = 0; B = 1;"), "", "closed_enum_value_unknown"),
    (
        "closed enum value added, field required",
        enums("A = 0;", "A = 0; B = 1;", label="required "),
        "",
        "enum_value_required closed_enum_value_unknown",
    ),
    (
        "closed enum value removed",
        enums("A = 0; B = 1;", "A = 0;"),
        "closed_enum_value_unknown",
        "enum_value_removed",
    ),
    (
        "closed enum's first value changed",
        enums("A = 0; B = 1;", "B = 1; A = 0;"),
        "enum_default_removed",
        "enum_default_removed",
    ),
    ("open enum value removed", enums("A = 0; B = 1;", "A = 0;", P3, ""), "enum_value_removed", "enum_value_removed"),
    (
        "enum value renumbered",
        enums("A = 0; B = 1;", "A = 0; B = 2;", P3, ""),
        "enum_value_renumbered",
        "enum_value_renumbered",
    ),
    (
        "two enum names swapped",
        enums("A = 0; B = 1; C = 2;", "A = 0; C = 1; B = 2;", P3, ""),
        "enum_value_renumbered enum_value_renumbered",
        "enum_value_renumbered enum_value_renumbered",
    ),
    ("enum value renamed", enums("A = 0;", "Z = 0;", P3, ""), "enum_value_renamed", "enum_value_renamed"),
    (
        "alias added",
        enums("A = 0;", "option allow_alias = true; A = 0; Z = 0;", P3, ""),
        "enum_value_renamed",
        "enum_value_renamed",
    ),
    (
        "open to closed",
        enums("A = 0;", "option features.enum_type = CLOSED; A = 0;", ED, ""),
        "open_enum_read_as_closed",
        "",
    ),
    ("singular to repeated, packed", one("int32 a = 1;", "repeated int32 a = 1;"), "", "repeated_read_as_singular"),
    (
        "singular to repeated, unpacked",
        one("int32 a = 1;", "repeated int32 a = 1 [packed = false];"),
        "",
        "repeated_last_wins",
    ),
    ("singular to repeated, string", one("string a = 1;", "repeated string a = 1;"), "", "repeated_last_wins"),
    (
        "singular to repeated, message",
        one("N a = 1;", "repeated N a = 1;", rest="message N {} "),
        "",
        "repeated_read_as_singular",
    ),
    ("packed to expanded", one("repeated int32 a = 1;", "repeated int32 a = 1 [packed = false];"), "", ""),
    ("implicit to explicit", one("int32 a = 1;", "optional int32 a = 1;"), "presence_changed", "presence_changed"),
    (
        "implicit to explicit with a default",
        one("int32 a = 1 [features.field_presence = IMPLICIT];", "int32 a = 1 [default = 5];", ED),
        "presence_lost",
        "implicit_default_changed",
    ),
    ("required added", one("", "required int32 a = 1;", P2), "required_field_missing", ""),
    (
        "required removed",
        one("required int32 a = 1;", "", P2),
        "field_removed",
        "field_removed required_field_missing",
    ),
    (
        "optional to required",
        one("optional int32 a = 1;", "required int32 a = 1;", P2),
        "required_field_missing",
        "",
    ),
    (
        "required in an edition",
        one("int32 a = 1;", "int32 a = 1 [features.field_presence = LEGACY_REQUIRED];", ED),
        "required_field_missing",
        "",
    ),
    ("one field into a new oneof", one("int32 a = 1;", "oneof o { int32 a = 1; }"), "oneof_changed", "oneof_changed"),
    (
        "two fields into one oneof",
        one("int32 a = 1; int32 b = 2;", "oneof o { int32 a = 1; int32 b = 2; }"),
        "oneof_value_lost",
        "oneof_changed oneof_changed",
    ),
    (
        "a field into an existing oneof",
        one("oneof o { int32 a = 1; } int32 b = 2;", "oneof o { int32 a = 1; int32 b = 2; }"),
        "oneof_value_lost",
        "oneof_changed",
    ),
    (
        "out of a oneof",
        one("oneof o { int32 a = 1; int32 b = 2; }", "oneof o { int32 a = 1; } int32 b = 2;"),
        "oneof_changed",
        "oneof_value_lost",
    ),
    (
        "member added to a oneof",
        one("oneof o { int32 a = 1; }", "oneof o { int32 a = 1; int32 b = 2; }"),
        "",
        "oneof_changed",
    ),
    (
        "member removed from a oneof",
        one("oneof o { int32 a = 1; int32 b = 2; }", "oneof o { int32 a = 1; }"),
        "field_removed",
        "field_removed",
    ),
    ("oneof renamed", one("oneof o { int32 a = 1; }", "oneof p { int32 a = 1; }"), "oneof_changed", "oneof_changed"),
    ("a whole oneof added", one("", "oneof o { int32 a = 1; int32 b = 2; }"), "", ""),
    (
        "synthetic oneofs are none",
        one("optional int32 a = 1; optional int32 b = 2;", "optional int32 b = 2; optional int32 a = 1;"),
        "",
        "",
    ),
    (
        "message type replaced by an equal one",
        one("X a = 1;", "Y a = 1;", rest="message X { int32 x = 1; } message Y { int32 x = 1; } "),
        "",
        "",
    ),
    (
        "message type replaced by another one",
        one("X a = 1;", "Y a = 1;", rest="message X { int32 x = 1; } message Y { string x = 1; } "),
        "field_type_changed",
        "field_type_changed",
    ),
    (
        "message type replaced by a well-known one",
        one(
            "X a = 1;",
            "google.protobuf.Timestamp a = 1;",
            rest=WKT + "message X { int64 seconds = 1; int32 nanos = 2; } ",
        ),
        "message_type_changed",
        "message_type_changed",
    ),
    (
        "map to entries",
        one("map<string, int32> a = 1;", "repeated Entry a = 1;", rest=ENTRY),
        "map_read_as_entries",
        "entries_read_as_map",
    ),
    ("map key narrowed", one("map<int64, int32> a = 1;", "map<int32, int32> a = 1;"), "map_key_narrowed", ""),
    (
        "map values changed",
        one("map<int32, string> a = 1;", "map<int32, int32> a = 1;"),
        "field_type_changed",
        "field_type_changed",
    ),
    (
        "default changed",
        one("optional int32 a = 1 [default = 5];", "optional int32 a = 1 [default = 6];", P2),
        "implicit_default_changed",
        "implicit_default_changed",
    ),
    ("default of zero spelled out", one("optional int32 a = 1;", "optional int32 a = 1 [default = 0];", P2), "", ""),
    (
        "default not a number",
        one("optional float a = 1 [default = nan];", "optional float a = 1 [default = nan];", P2),
        "",
        "",
    ),
    (
        "group to message",
        (P2 + "message M { optional group G = 1 { } }", P2 + "message M { optional G g = 1; message G { } }"),
        "message_encoding_changed",
        "message_encoding_changed",
    ),
    (
        "delimited to length-prefixed",
        one("N a = 1 [features.message_encoding = DELIMITED];", "N a = 1;", ED, "message N {} "),
        "message_encoding_changed",
        "message_encoding_changed",
    ),
    (
        "UTF-8 no longer verified",
        one("string a = 1;", "string a = 1 [features.utf8_validation = NONE];", ED),
        "",
        "invalid_utf8_refused",
    ),
    (
        "UTF-8 of a map no longer verified",
        one("map<string, int32> a = 1;", "map<string, int32> a = 1 [features.utf8_validation = NONE];", ED),
        "",
        "invalid_utf8_refused",
    ),
    (
        "scalar to wrapper",
        one("int32 a = 1;", "google.protobuf.Int32Value a = 1;", rest=WKT),
        "field_type_changed",
        "field_type_changed",
    ),
    (
        "int64 to Timestamp",
        one("int64 a = 1;", "google.protobuf.Timestamp a = 1;", rest=WKT),
        "field_type_changed",
        "field_type_changed",
    ),
    (
        "extension to field",
        (P2 + m("extensions 5;") + "extend M { optional int32 a = 5; }", P2 + m("optional int32 a = 5;")),
        "extension_changed",
        "extension_changed",
    ),
    (
        "range of extensions removed",
        (P2 + m("extensions 5 to 9;"), P2 + m("extensions 5;")),
        "extension_range_removed",
        "extension_range_removed",
    ),
    (
        "message set",
        (P2 + m("extensions 4 to max;"), P2 + m("option message_set_wire_format = true; extensions 4 to max;")),
        "message_set_changed",
        "message_set_changed",
    ),
    (
        "syntax changed, meaning kept",
        (P3 + m("int32 a = 1;"), ED + "option features.field_presence = IMPLICIT;" + m("int32 a = 1;")),
        "",
        "",
    ),
    (
        "syntax changed, presence with it",
        (P3 + m("int32 a = 1;"), P2 + m("optional int32 a = 1;")),
        "presence_changed",
        "presence_changed",
    ),
    ("package changed", (P3 + "package a;" + m(""), P3 + "package b;" + m("")), "message_renamed", "message_renamed"),
    (
        "package of several changed",
        (P3 + "package a;" + m("") + E2, P3 + "package b;" + m("") + E2),
        "message_renamed",
        "message_renamed",
    ),
    (
        "renamed and changed",
        (P3 + "message A { int32 x = 1; }", P3 + "message B { string x = 1; }"),
        "message_renamed field_type_changed",
        "message_renamed field_type_changed",
    ),
    (
        "message and enum removed",
        (P3 + m("") + "message N { message Inner {} }" + E2, P3 + m("")),
        "message_removed enum_removed",
        "message_removed enum_removed",
    ),
    (
        "message that became an enum",
        (P3 + m("") + "message E {}", P3 + m("") + E2),
        "message_type_changed",
        "message_type_changed",
    ),
]


@pytest.mark.parametrize(
    ("texts", "backward", "forward"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_change_has_its_kinds(texts: tuple[str, str], backward: str, forward: str) -> None:
    found = judge(*texts)
    assert [mismatch.kind for mismatch in found[0]] == backward.split()
    assert [mismatch.kind for mismatch in found[1]] == forward.split()


@pytest.mark.parametrize("texts", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_undoing_a_change_swaps_the_directions_of_breaks(texts: tuple[str, str]) -> None:
    backward, forward = judge(*texts)
    undone = judge(texts[1], texts[0])
    steps = [{(each.kind, each.step) for each in found if each.step.value != "source"} for found in (backward, forward)]
    again = [{(each.kind, each.step) for each in found if each.step.value != "source"} for found in undone]
    assert steps == again[::-1]


@pytest.mark.parametrize("text", sorted({text for case in CASES for text in case[1]}))
def test_a_schema_against_itself_is_silent(text: str) -> None:
    assert judge(text, text, profile="confluent") == ([], [])


def test_every_kind_has_a_case() -> None:
    fired = {kind for _, _, backward, forward in CASES for kind in (*backward.split(), *forward.split())}
    fired |= {"confluent_package_changed", "confluent_message_removed", "confluent_required_removed"}
    fired |= {"confluent_oneof_member_removed", "confluent_cardinality_changed"}
    assert fired == set(KINDS)


def test_every_kind_has_its_words() -> None:
    assert set(HELP) == set(KINDS)
    assert set(CONSEQUENCES) <= set(KINDS)


def test_every_way_out_is_filled_in() -> None:
    found = [mismatch for case in CASES for side in judge(*case[1], profile="confluent") for mismatch in side]
    assert all(mismatch.help and "{" not in "".join(mismatch.help) for mismatch in found)
    assert all("{" not in mismatch.fact for mismatch in found)


def test_a_mismatch_names_both_sides() -> None:
    before = 'syntax = "proto3";\npackage p;\nmessage Order {\n  repeated Item items = 1;\n}\n'
    before += "message Item {\n  int64 amount = 2;\n}\n"
    (found,) = judge(before, before.replace("int64 amount", "string amount"), "p.Order")[0]
    assert found.path == "/items[]/amount"
    assert found.fact == "field 'amount' (2) of Item changed from int64 to string"
    assert (str(found.reader), found.reader.pointer) == ("a.proto:7:3", "/Item/amount/type")
    assert str(found.writer) == "a.proto:7:3"
    assert (found.reader_type, found.writer_type) == ("string", "int64")
    assert found.consequence == "reads as empty"
    assert found.help[0] == "keep number 2 as it is, and add a new field under a new number"


def test_what_is_absent_is_located_at_the_message_around_it() -> None:
    before = 'syntax = "proto3";\nmessage M {\n  int32 a = 1;\n}\n'
    backward, forward = judge(before, before.replace("  int32 a = 1;\n", ""))
    assert (str(backward[0].reader), str(backward[0].writer)) == ("a.proto:2:1", "a.proto:3:3")
    assert (str(forward[0].reader), str(forward[0].writer)) == ("a.proto:3:3", "a.proto:2:1")
    assert backward[0].fact == forward[0].fact


def test_recursive_messages_end() -> None:
    before = P3 + "message A { B b = 1; int32 x = 2; } message B { A a = 1; repeated B more = 2; }"
    backward, _ = judge(before, before.replace("int32 x", "string x"), "A")
    assert [found.path for found in backward] == ["/x"]


def test_only_what_the_event_reaches_is_judged() -> None:
    before = P3 + m("int32 a = 1;") + "message Other { int32 x = 1; }"
    after = before.replace("int32 x", "string x")
    assert judge(before, after, "M") == ([], [])
    assert [found.kind for found in judge(before, after)[0]] == ["field_type_changed"]


def test_a_message_may_move_to_another_file() -> None:
    old = parse({"a.proto": P3 + "message N { int32 x = 1; } message M { N n = 1; }"}, ["a.proto"], "M")
    moved = {"a.proto": P3 + 'import "n.proto"; message M { N n = 1; }', "n.proto": P3 + "message N { int32 x = 1; }"}
    assert list(find_mismatches(Pair(parse(moved, ["a.proto"], "M"), old))) == []


def test_the_first_value_of_an_enum_means_nothing_to_lists_and_explicit_defaults() -> None:
    fields = m("repeated E a = 1; optional E b = 2 [default = A]; required E c = 3;")
    before, after = (P2 + f"enum E {{ {values} }} {fields}" for values in ("A = 0; B = 1;", "B = 1; A = 0;"))
    assert judge(before, after, "M") == ([], [])
    explicit = (P2 + E2 + m(f"optional E e = 1 [default = {name}];") for name in ("A", "B"))
    assert [found.kind for found in judge(*explicit)[0]] == ["implicit_default_changed"]


def test_one_message_used_twice_is_said_once() -> None:
    before = P3 + "message N { int32 x = 1; } message M { N a = 1; map<string, N> b = 2; }"
    backward, _ = judge(before, before.replace("int32 x", "string x"), "M")
    assert [found.path for found in backward] == ["/a/x"]


CONFLUENT = [
    (P3 + "package a;" + m(""), P3 + "package b;" + m(""), "confluent_package_changed"),
    (P3 + m("") + "message N {}", P3 + m(""), "confluent_message_removed"),
    (*one("required int32 a = 1;", "", P2), "confluent_required_removed"),
    (
        *one("oneof o { int32 a = 1; int32 b = 2; }", "oneof o { int32 a = 1; }"),
        "confluent_oneof_member_removed",
    ),
    (*one("int32 a = 1;", "repeated int32 a = 1;"), "confluent_cardinality_changed"),
]


@pytest.mark.parametrize(("before", "after", "kind"), CONFLUENT, ids=[case[2] for case in CONFLUENT])
def test_the_profile_adds_what_confluent_rejects(before: str, after: str, kind: str) -> None:
    plain, _ = judge(before, after)
    strict, _ = judge(before, after, profile="confluent")
    assert [found.kind for found in strict] == [*(found.kind for found in plain), kind]
    assert not any(found.kind.startswith("confluent_") for found in plain)
