"""Which field is which: numbers that changed hands, names that moved, messages that took another's place.

The bytes decide: what an old event holds under a number is read as whatever stands there now.
"""

import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf import find_mismatches, parse
from registry.formats.protobuf.compile import compile_files

P3 = 'syntax = "proto3";\n'


def judge(before: str, after: str, direction: Direction = Direction.BACKWARD) -> list[Mismatch]:
    old, new = (parse({"a.proto": P3 + text}, ["a.proto"], "M") for text in (before, after))
    sides = (new, old) if direction is Direction.BACKWARD else (old, new)
    return list(find_mismatches(Pair(*sides, direction)))


def kinds(before: str, after: str, direction: Direction = Direction.BACKWARD) -> str:
    return " ".join(found.kind for found in judge(before, after, direction))


def m(body: str) -> str:
    return f"message M {{ {body} }}"


def reread(before: str, after: str, data: str) -> str:
    """Bytes written by the old ``M`` (hexadecimal), as protobuf itself reads them with the new one."""
    texts = []
    for text in (before, after):
        pool = descriptor_pool.DescriptorPool()
        pool.Add(FileDescriptorSet.FromString(compile_files({"a.proto": P3 + text}, ["a.proto"])[0]).file[0])
        read = message_factory.GetMessageClass(pool.FindMessageTypeByName("M")).FromString(bytes.fromhex(data))
        texts.append(str(read).strip().replace("\n", " "))
    return " -> ".join(texts)


# Names that live on under another number


def test_a_name_pushed_to_the_next_number_was_renumbered() -> None:
    before, after = m("string name = 1;"), m("string id = 1; string name = 2;")
    assert reread(before, after, "0a03416e6e") == 'name: "Ann" -> id: "Ann"'
    for direction in Direction:
        (found,) = judge(before, after, direction)
        assert (found.kind, found.step.value) == ("field_renumbered", "break")
        assert found.fact == "field 'name' of M changed its number from 1 to 2"


def test_a_flag_that_moved_and_left_its_number_to_a_list_was_renumbered() -> None:
    before = m("uint64 id = 1; bool is_folded = 5;")
    after = m("uint64 id = 1; bool is_folded = 4; repeated int32 attribute_indices = 5;")
    assert reread(before, after, "2801") == "is_folded: true -> attribute_indices: 1"
    assert kinds(before, after) == "field_renumbered"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int32 a = 1;", "int32 old_a = 1; int32 a = 2;"),
        ("int32 a = 1;", "int32 b = 1; string a = 2;"),
        ("int32 a = 1;", "int32 b = 1; repeated int32 a = 2;"),
        ("int32 a = 1;", "int64 a = 2;"),
        ("int64 a = 1;", "repeated int32 a = 2;"),
    ],
)
def test_a_name_that_lives_on_under_another_number_is_a_break(before: str, after: str) -> None:
    assert kinds(m(before), m(after)) == "field_renumbered"
    assert kinds(m(before), m(after), Direction.FORWARD) == "field_renumbered"


def test_a_name_kept_for_a_type_that_could_not_change_in_place_is_another_field() -> None:
    (found,) = judge(m("int32 a = 1;"), m("string a = 2;"))
    assert found.kind == "field_removed"
    assert not any("reserve the name" in way for way in found.help)


def test_a_name_kept_at_a_new_number_and_deprecated_is_another_field() -> None:
    before = m("repeated S spans = 2;") + "message S { string n = 1; }"
    after = m("repeated T scopes = 2; repeated S spans = 1000 [deprecated = true];")
    after += "message S { string n = 1; } message T { string n = 1; }"
    assert reread(before, after, "12030a0161") == 'spans {   n: "a" } -> scopes {   n: "a" }'
    (found,) = judge(before, after)
    assert found.kind == "field_name_changed"
    assert not any("json_name" in way for way in found.help), "the JSON name is that of number 1000"


def test_an_old_field_renamed_and_deprecated_leaves_its_name_to_another_field() -> None:
    after = m("int32 a_v1 = 1 [deprecated = true]; int32 a = 2;")
    assert kinds(m("int32 a = 1;"), after) == "field_name_changed"


@pytest.mark.parametrize(
    "after",
    [
        "int32 a = 2 [deprecated = true];",  # nobody reads number 1
        "int32 b = 1; int32 a = 3 [deprecated = true]; int32 c = 2;",  # b was 2 before
        "int32 c = 1; int32 a = 2 [deprecated = true];",  # 2 is not new
    ],
)
def test_deprecated_excuses_only_what_lives_on_under_a_new_name(after: str) -> None:
    assert "field_renumbered" in kinds(m("int32 a = 1; int32 b = 2;"), m(after))


# What a renumbered field reads as


def test_a_renumbered_field_says_whose_value_it_reads() -> None:
    before, after = m("uint64 id = 1; uint64 start = 2;"), m("uint64 start = 1;")
    assert reread(before, after, "08071009") == "id: 7 start: 9 -> start: 7"
    (found,) = judge(before, after)
    assert found.consequence == "reads what was written as 'id'"


def test_a_renumbered_field_meets_a_type_that_does_not_fit() -> None:
    (found,) = judge(m("string id = 1; uint64 start = 2;"), m("uint64 start = 1;"))
    assert found.kind == "field_renumbered"
    assert found.consequence == "meets what was written as 'id', and reads as empty"


def test_a_renumbered_field_meets_numbers_in_one_piece() -> None:
    before, after = m("repeated int32 ids = 1; uint64 start = 2;"), m("uint64 start = 1;")
    assert reread(before, after, "0a020506") == "ids: 5 ids: 6 -> "
    (found,) = judge(before, after)
    assert found.consequence == "meets what was written as 'ids', and reads as empty"


def test_a_renumbered_field_says_who_reads_its_value() -> None:
    (found,) = judge(m("string name = 1;"), m("string id = 1; string name = 2;"))
    assert found.consequence == "reads as empty; what was written is read as 'id'"


def test_a_renumbered_field_reads_as_empty_where_its_number_is_new() -> None:
    (found,) = judge(m("string a = 1;"), m("string a = 2;"))
    assert found.consequence == "reads as empty, because it is looked for under the other number"
    assert found.help == ("give 'a' its old number 1 back",)


# Numbers that changed hands


@pytest.mark.parametrize(
    ("before", "after", "was", "is_"),
    [
        ("uint64 id = 1;", "int32 mapping_index = 1;", "uint64", "int32"),
        ("int64 time_nanos = 1;", "uint32 dropped = 1;", "int64", "uint32"),
        ("repeated string a = 1;", "string b = 1;", "repeated string", "string"),
        ("repeated int32 a = 1;", "int32 b = 1;", "repeated int32", "int32"),
        ("bytes a = 1;", "string b = 1;", "bytes", "string"),
        ("int32 a = 1;", "string b = 1;", "int32", "string"),
        ("map<int64, string> a = 1;", "map<int32, string> b = 1;", "map<int64, string>", "map<int32, string>"),
    ],
)
def test_another_name_with_a_type_that_loses_is_a_number_reused(before: str, after: str, was: str, is_: str) -> None:
    (found,) = judge(m(before), m(after))
    old, new = (body.split(" = ")[0].split()[-1] for body in (before, after))
    assert (found.kind, found.step.value) == ("field_number_reused", "break")
    assert found.fact == f"number 1 of M was '{old}' ({was}) and is now '{new}' ({is_})"
    assert (found.reader_type, found.writer_type) == (is_, was)


@pytest.mark.parametrize(
    ("before", "after"),
    [("int32 a = 1;", "int32 b = 1;"), ("int32 a = 1;", "int64 b = 1;"), ("string a = 1;", "repeated string b = 1;")],
)
def test_another_name_with_a_type_that_reads_all_is_a_rename(before: str, after: str) -> None:
    assert kinds(m(before), m(after)) == "field_name_changed"


def test_the_same_name_keeps_the_kind_of_its_type() -> None:
    assert kinds(m("int64 a = 1;"), m("int32 a = 1;")) == "integer_narrowed"
    assert kinds(m("repeated string a = 1;"), m("string a = 1;")) == "repeated_last_wins"


def test_one_field_has_one_finding_when_numbers_are_exchanged() -> None:
    before, after = m("int32 a = 1; string b = 2;"), m("string b = 1; int32 a = 2;")
    assert kinds(before, after) == "field_renumbered field_renumbered"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int32 a = 1; string b = 2;", "int32 b = 1;"),  # what was b is gone, and could not have become a number
        ("int32 a = 1; int32 b = 2;", "int32 a_v1 = 1 [deprecated = true]; int32 a = 2;"),
    ],
)
def test_a_name_that_another_field_had_makes_a_number_reused(before: str, after: str) -> None:
    assert "field_number_reused" in kinds(m(before), m(after)).split()


def test_what_a_reused_number_leads_to_is_not_compared() -> None:
    types = "message A { int32 x = 1; } message B { string y = 1; }"
    assert kinds(m("A a = 1;") + types, m("B b = 1;") + types) == "field_number_reused"


# Messages in the place of others

UNRELATED = "message A { int32 key = 1; int32 unit = 2; } message B { repeated int32 location = 1; }"


@pytest.mark.parametrize("label", ["", "repeated ", "optional "])
def test_a_message_that_shares_no_field_is_another_type(label: str) -> None:
    before, after = m(f"{label}A a = 7;") + UNRELATED, m(f"{label}B a = 7;") + UNRELATED
    (found,) = judge(before, after)
    assert (found.kind, found.step.value) == ("message_type_changed", "break")
    assert found.fact == f"field 'a' (7) of M changed from {label.replace('optional ', '')}A to " + (
        f"{label.replace('optional ', '')}B"
    )
    assert found.consequence == "reads as something else: no field of A has its number and name in B"


def test_values_of_a_map_are_messages_too() -> None:
    before, after = m("map<string, A> a = 7;") + UNRELATED, m("map<string, B> a = 7;") + UNRELATED
    assert kinds(before, after) == "message_type_changed"


def test_an_unrelated_message_under_another_name_is_a_number_reused() -> None:
    before, after = m("repeated A units = 7;") + UNRELATED, m("repeated B stacks = 7;") + UNRELATED
    assert reread(before, after, "3a0408031004") == "units {   key: 3   unit: 4 } -> stacks {   location: 3 }"
    assert kinds(before, after) == "field_number_reused"


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ("message A { int32 x = 1; } message B { int32 x = 1; string y = 2; }", ""),
        ("message A { int32 x = 1; int32 y = 2; } message B { int32 x = 1; string y = 2; }", "field_type_changed"),
        ("message A { int32 x = 1; int32 y = 2; } message B { int32 x = 1; int32 z = 2; }", "field_name_changed"),
        ("message A {} message B { int32 x = 1; }", ""),
        ("message A { int32 x = 1; } message B {}", "field_removed"),
    ],
)
def test_messages_that_share_a_field_are_compared(types: str, said: str) -> None:
    assert kinds(m("A a = 7;") + types, m("B a = 7;") + types) == said


def test_a_message_that_kept_its_name_is_compared_whatever_it_holds() -> None:
    before, after = "message A { int32 x = 1; }", "message A { int32 y = 1; }"
    assert kinds(m("A a = 7;") + before, m("A a = 7;") + after) == "field_name_changed"


# Ways out that can be taken


def test_a_json_name_that_another_field_has_is_no_way_out() -> None:
    before, after = m("int32 a = 1;"), m('int32 b = 1; int32 c = 2 [json_name = "a"];')
    (found,) = judge(before, after)
    assert found.kind == "field_name_changed"
    assert not any("json_name" in way for way in found.help)
    (found,) = judge(before, m("int32 b = 1;"))
    assert 'keep the JSON name: `[json_name = "a"]`' in found.help
