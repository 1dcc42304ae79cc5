"""What is said of a mismatch: what the reader sees, and ways out that whoever changes the new side can still go."""

import pytest

from registry.formats.mismatch import Direction, Mismatch, Pair, Step
from registry.formats.protobuf import find_mismatches, parse
from registry.formats.protobuf.words import HELP, OLD_READER_HELP
from tests.protobuf_changes import CASES, E2, ED, ENTRY, P2, P3, enums, m, one

BACKWARD, FORWARD = Direction

READERS_FIRST = "let every reader know the value before anybody writes it"
KEEP_VALUE = "keep the value, with `[deprecated = true]`"
ENUM = "enum E {{ {} }} ".format
A, AB = ENUM("A = 0;"), ENUM("A = 0; B = 1;")


def judge(texts: tuple[str, str], direction: Direction, name: str | None = "M") -> dict[str, Mismatch]:
    old, new = (parse({"a.proto": text}, ["a.proto"], name) for text in texts)
    sides = (new, old) if direction is BACKWARD else (old, new)
    return {found.kind: found for found in find_mismatches(Pair(*sides, direction))}


WAYS = [
    ("integer_narrowed", BACKWARD, one("int64 a = 1;", "int32 a = 1;"), "keep int64"),
    ("integer_narrowed", FORWARD, one("int32 a = 1;", "int64 a = 1;"), "keep int32"),
    ("integer_sign_changed", FORWARD, one("int32 a = 1;", "uint32 a = 1;"), "keep int32"),
    ("map_key_narrowed", FORWARD, one("map<int32, M> a = 1;", "map<int64, M> a = 1;"), "keep map<int32, M>"),
    ("repeated_read_as_singular", BACKWARD, one("repeated int32 a = 1;", "int32 a = 1;"), "keep it repeated"),
    ("repeated_read_as_singular", FORWARD, one("int32 a = 1;", "repeated int32 a = 1;"), "keep it singular"),
    ("repeated_last_wins", BACKWARD, one("repeated string a = 1;", "string a = 1;"), "keep it repeated"),
    ("repeated_last_wins", FORWARD, one("string a = 1;", "repeated string a = 1;"), "keep it singular"),
    (
        "required_field_missing",
        BACKWARD,
        one("optional int32 a = 1;", "required int32 a = 1;", P2),
        "make it optional, and let the code insist on it",
    ),
    (
        "required_field_missing",
        FORWARD,
        one("required int32 a = 1;", "optional int32 a = 1;", P2),
        "keep it, and keep it required, until no reader insists on it",
    ),
    (
        "oneof_value_lost",
        BACKWARD,
        one("int32 a = 1; int32 b = 2;", "oneof o { int32 a = 1; int32 b = 2; }"),
        "keep the fields outside of the oneof",
    ),
    (
        "oneof_value_lost",
        FORWARD,
        one("oneof o { int32 a = 1; int32 b = 2; }", "int32 a = 1; int32 b = 2;"),
        "keep the fields in one oneof",
    ),
    (
        "entries_read_as_map",
        BACKWARD,
        one("repeated Entry a = 1;", "map<string, int32> a = 1;", rest=ENTRY),
        "keep the repeated field",
    ),
    (
        "entries_read_as_map",
        FORWARD,
        one("map<string, int32> a = 1;", "repeated Entry a = 1;", rest=ENTRY),
        "keep the map",
    ),
    ("closed_enum_value_unknown", BACKWARD, enums("A = 0; B = 1;", "A = 0;"), KEEP_VALUE),
    ("closed_enum_value_unknown", FORWARD, enums("A = 0;", "A = 0; B = 1;"), READERS_FIRST),
    ("closed_enum_value_unknown", BACKWARD, one("optional int32 a = 1;", "optional E a = 1;", P2, E2), "keep int32"),
    ("closed_enum_value_unknown", FORWARD, one("optional E a = 1;", "optional int32 a = 1;", P2, E2), "keep enum E"),
    ("enum_read_as_integer", BACKWARD, one("int32 a = 1;", "E a = 1;", P3, E2), "keep int32"),
    (
        "enum_value_required",
        BACKWARD,
        one("required int32 a = 1;", "required E a = 1;", P2, E2),
        "keep int32 as it was",
    ),
    ("enum_value_required", FORWARD, enums("A = 0;", "A = 0; B = 1;", label="required "), READERS_FIRST),
    (
        "open_enum_read_as_closed",
        BACKWARD,
        (ED + m("E a = 1;") + A, ED + m("E a = 1;") + ENUM("option features.enum_type = CLOSED; A = 0;")),
        "keep the enum open",
    ),
    (
        "open_enum_read_as_closed",
        FORWARD,
        (ED + m("E a = 1;") + ENUM("option features.enum_type = CLOSED; A = 0;"), ED + m("E a = 1;") + A),
        "keep the enum closed",
    ),
    (
        "enum_default_removed",
        FORWARD,
        enums("A = 0; B = 1;", "B = 1; A = 0;"),
        "keep 'A' as the first value",
    ),
    (
        "invalid_utf8_refused",
        FORWARD,
        one("string a = 1;", "string a = 1 [features.utf8_validation = NONE];", ED),
        "keep the validation of UTF-8 as it was",
    ),
    (
        "message_encoding_changed",
        BACKWARD,
        one("M a = 1 [features.message_encoding = DELIMITED];", "M a = 1;", ED),
        "keep it delimited",
    ),
]


@pytest.mark.parametrize(("kind", "direction", "texts", "way"), WAYS)
def test_the_first_way_out_undoes_the_change(kind: str, direction: Direction, texts: tuple[str, str], way: str) -> None:
    assert judge(texts, direction)[kind].help[0] == way


def test_where_the_old_schema_reads_it_may_be_left_behind() -> None:
    found = judge(one("int32 a = 1;", "int64 a = 1;"), FORWARD)["integer_narrowed"]
    assert found.help[1] == "let every reader have int64 before anybody writes what int32 does not hold"
    found = judge(one("string a = 1;", "bytes a = 1;"), FORWARD)["invalid_utf8_refused"]
    assert found.help[1] == "make sure that only UTF-8 is written while an old reader is left, and waive this"
    found = judge(one("bytes a = 1;", "string a = 1;"), BACKWARD)["invalid_utf8_refused"]
    assert found.help[1] == "make sure that only UTF-8 was ever written, and waive this"


def test_ways_out_for_old_readers_are_others_than_those_for_new_ones() -> None:
    assert all(ways != HELP[kind] for kind, ways in OLD_READER_HELP.items())


def test_no_way_out_stands_twice() -> None:
    for _, texts, _, _ in CASES:
        for direction in Direction:
            for found in judge(texts, direction, None).values():
                assert len(set(found.help)) == len(found.help), found


def test_an_alias_that_came_is_for_readers_to_know_and_one_that_went_is_to_be_kept() -> None:
    alone, both = (P3 + ENUM(body) for body in ("A = 0;", "option allow_alias = true; A = 0; Z = 0;"))
    other = P3 + ENUM("option allow_alias = true; Z = 0; A = 0;")
    kind = "enum_value_renamed"
    ways = "let every reader of JSON know the alias 'Z' before anybody writes it"
    assert judge((alone, both), BACKWARD, "E")[kind].help == (ways,)
    assert judge((both, alone), BACKWARD, "E")[kind].help == ("keep the alias 'Z'",)
    assert judge((both, other), BACKWARD, "E")[kind].help[0].startswith("keep 'A' before the other names")


# What the reader sees


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("optional E e = 1;", "the field reads as unset, that is as its default"),
        ("repeated E e = 1;", "it is left out of the list"),
        ("repeated E e = 1 [packed = true];", "it is left out of the list"),
        ("map<string, E> e = 1;", "its entry is left out of the map"),
    ],
)
def test_an_unknown_value_goes_as_the_place_has_it(field: str, place: str) -> None:
    found = judge((P2 + m(field) + AB, P2 + m(field) + A), BACKWARD)["closed_enum_value_unknown"]
    assert found.consequence == f"the value is taken as unknown: {place}"
    number = field.replace("E e", "int32 e").replace(", E>", ", int32>")
    found = judge((P2 + m(number) + AB, P2 + m(field) + AB), BACKWARD)["closed_enum_value_unknown"]
    assert found.consequence == f"the value is taken as unknown: {place}"


def test_an_enum_by_itself_tells_of_all_places() -> None:
    found = judge((P2 + AB, P2 + A), BACKWARD, None)["closed_enum_value_unknown"]
    assert "a field that holds it reads as unset; items and entries that hold it are left out" in found.consequence


@pytest.mark.parametrize(
    ("before", "after", "consequence"),
    [
        ("int32 a = 1;", "bool a = 1;", "every number but 0 reads as true"),
        ("repeated int32 a = 1;", "repeated bool a = 1;", "every number but 0 reads as true"),
        ("repeated int32 a = 1;", "bool a = 1;", "reads as empty"),
        ("sint32 a = 1;", "bool a = 1;", "reads as another number"),
        ("map<string, int32> a = 1;", "map<string, bool> a = 1;", "every value but 0 reads as true"),
        (
            "map<int32, string> a = 1;",
            "map<bool, string> a = 1;",
            "every key but 0 reads as true, and of those with one key only the last is left",
        ),
        ("map<string, int32> a = 1;", "map<int32, int32> a = 1;", "every entry is left out"),
        ("map<int32, string> a = 1;", "map<int32, int32> a = 1;", "every entry is left out"),
        ("map<int32, int32> a = 1;", "map<sint32, int32> a = 1;", "every key reads as another number"),
    ],
)
def test_a_wrong_type_is_told_by_what_it_reads_as(before: str, after: str, consequence: str) -> None:
    found = judge(one(before, after), BACKWARD)["field_type_changed"]
    assert (found.step, found.consequence) == (Step.BREAK, consequence)


def test_a_flag_reads_itself_and_a_closed_enum_of_two() -> None:
    assert judge(one("bool a = 1;", "bool a = 1;"), BACKWARD) == {}
    kinds = judge(one("optional E a = 1;", "optional bool a = 1;", P2, E2), BACKWARD)
    assert list(kinds) == ["enum_read_as_integer"]


def test_an_enum_that_was_a_message_is_no_well_known_type() -> None:
    found = judge((P3 + m("") + "message E {}", P3 + m("") + E2), BACKWARD, None)["message_type_changed"]
    assert "well-known" not in found.consequence


DEFAULTS = [
    ("string", "", "'EUR'", "from '' to 'EUR'"),
    ("string", "'EUR'", "", "from 'EUR' to ''"),
    ("bytes", "", "'ab'", "from '' to 'ab'"),
    ("int32", "5", "10", "from 5 to 10"),
    ("int32", "", "-5", "from 0 to -5"),
    ("bool", "", "true", "from false to true"),
    ("double", "1.5", "", "from 1.5 to 0"),
    ("float", "", "nan", "from 0 to nan"),
    ("E", "", "B", "from 'A' to 'B'"),
]


@pytest.mark.parametrize(("type_", "old", "new", "words"), DEFAULTS)
def test_a_default_is_shown_as_it_would_be_declared(type_: str, old: str, new: str, words: str) -> None:
    sides = [f"optional {type_} a = 1{f' [default = {default}]' if default else ''};" for default in (old, new)]
    found = judge(one(sides[0], sides[1], P2, AB), BACKWARD)["implicit_default_changed"]
    assert found.fact == f"the default of field 'a' (1) of M changed {words}"


@pytest.mark.parametrize(
    ("type_", "default", "zero", "shown"),
    [("int32", "5", "0", "5"), ("string", "'EUR'", "''", "'EUR'"), ("bool", "true", "false", "true")],
)
def test_a_zero_that_is_lost_is_called_by_its_name(type_: str, default: str, zero: str, shown: str) -> None:
    before = f"{type_} a = 1 [features.field_presence = IMPLICIT];"
    found = judge(one(before, f"{type_} a = 1 [default = {default}];", ED), BACKWARD)["presence_lost"]
    assert found.fact == f"field 'a' (1) of M is absent where {zero} was written, and has the default {shown}"
    assert found.consequence == f"a written {zero} reads as {shown}"
