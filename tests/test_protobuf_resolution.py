"""Every row of the Protobuf table: what changed, and what each direction says of it, silence included.

A case is the text before and after; BACKWARD is the new reader of old bytes, FORWARD the old reader of new bytes.
"""

import pytest

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf import find_mismatches, parse
from registry.formats.protobuf.kinds import KINDS
from registry.formats.protobuf.words import CONSEQUENCES, HELP
from tests.protobuf_changes import CASES, E2, P2, P3, m, one


def judge(
    before: str, after: str, name: str | None = None, profile: str | None = None
) -> tuple[list[Mismatch], list[Mismatch]]:
    old, new = (parse({"a.proto": text}, ["a.proto"], name) for text in (before, after))
    backward = Pair(new, old, Direction.BACKWARD, profile=profile)
    forward = Pair(old, new, Direction.FORWARD, profile=profile)
    return list(find_mismatches(backward)), list(find_mismatches(forward))


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


def test_the_default_of_an_enum_is_told_at_the_enum_wherever_it_is_declared() -> None:
    use, holder = "message G { optional N.E a = 1; } ", "message N { enum E { A = 0; } } "
    for texts in ((use, holder), (holder, use)):
        before = P2 + "".join(texts)
        backward, _ = judge(before, before.replace("{ A = 0; }", "{ B = 1; A = 0; }"))
        assert [(found.kind, found.path) for found in backward] == [("enum_default_removed", "/N.E")]


def test_a_type_that_replaced_another_is_told_at_the_same_place_in_any_order_of_declarations() -> None:
    users = ["message M { X a = 1; } ", "message L { X b = 1; } ", "message X { int32 x = 1; } "]
    for order in (users, users[::-1]):
        before = P3 + "".join(order) + "message Y { string x = 1; }"
        backward, _ = judge(before, before.replace("X a", "Y a").replace("X b", "Y b"))
        assert [(found.kind, found.path) for found in backward] == [("field_type_changed", "/L/b/x")]


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
