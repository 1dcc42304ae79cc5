"""One cause is one finding, at a place that exists, which names the message that it is about."""

import pytest

from registry.formats.mismatch import Direction, Mismatch, Pair, Step
from registry.formats.protobuf import find_mismatches, parse

P2, P3 = 'syntax = "proto2";\n', 'syntax = "proto3";\n'


def judge(
    before: dict[str, str], after: dict[str, str], direction: Direction = Direction.BACKWARD, name: str | None = None
) -> list[Mismatch]:
    old, new = (parse(files, sorted(files), name) for files in (before, after))
    sides = (new, old) if direction is Direction.BACKWARD else (old, new)
    return list(find_mismatches(Pair(*sides, direction)))


def both(before: str, after: str, direction: Direction = Direction.BACKWARD, name: str | None = None) -> list[Mismatch]:
    return judge({"a.proto": before}, {"a.proto": after}, direction, name)


def m(body: str) -> str:
    return f"message M {{ {body} }} "


# Facts


@pytest.mark.parametrize(
    ("before", "after", "fact"),
    [
        ("int32 a = 1;", "", "field 'a' (1) of M was removed"),
        ("int32 a = 1;", "int32 b = 1;", "field 'a' (1) of M was renamed to 'b'"),
        ("int64 a = 1;", "int32 a = 1;", "field 'a' (1) of M changed from int64 to int32"),
        ("repeated string a = 1;", "string a = 1;", "field 'a' (1) of M changed from repeated string to string"),
        ("int32 a = 1;", "optional int32 b = 1;", "field 'a' (1) of M changed from implicit to explicit presence"),
        ("oneof o { int32 a = 1; }", "int32 a = 1;", "field 'a' (1) of M moved out of oneof 'o'"),
        (
            "int32 a = 1; int32 b = 2;",
            "oneof o { int32 a = 1; int32 b = 2; }",
            "fields 'a' (1) and 'b' (2) of M are members of oneof 'o' for the reader, and could be set together",
        ),
    ],
)
def test_a_fact_names_the_message_and_the_field_by_its_old_name(before: str, after: str, fact: str) -> None:
    assert fact in [found.fact for found in both(P3 + m(before), P3 + m(after))]


def test_a_fact_names_the_old_message_where_another_took_its_place() -> None:
    types = "message A { int32 x = 1; string y = 2; } message B { int32 x = 1; }"
    (found,) = both(P3 + m("A a = 1;") + types, P3 + m("B a = 1;") + types, name="M")
    assert found.fact == "field 'y' (2) of A was removed"


def test_a_nested_message_is_named_with_those_around_it() -> None:
    text = P3 + "package p; message M { message Inner { int32 x = 1; } Inner i = 1; }"
    (found,) = both(text, text.replace("int32 x = 1;", ""), name="p.M")
    assert found.fact == "field 'x' (1) of M.Inner was removed"


def test_facts_do_not_depend_on_the_direction() -> None:
    before, after = P3 + m("int32 a = 1; int32 b = 2;"), P3 + m("optional int32 c = 1;")
    facts = [[(each.fact, each.path) for each in both(before, after, direction)] for direction in Direction]
    assert len(facts[0]) == 3
    assert facts[0] == facts[1]


# Paths


def test_paths_begin_at_the_event() -> None:
    text = P3 + m("N n = 1;") + "message N { int32 x = 1; }"
    assert [found.path for found in both(text, text.replace("int32 x = 1;", ""), name="M")] == ["/n/x"]


def test_paths_in_a_whole_file_begin_with_the_message() -> None:
    text = P3 + "package p; " + m("N n = 1; message I { int32 y = 1; }") + "message N { int32 x = 1; } message G {}"
    after = text.replace("int32 x = 1;", "").replace("int32 y = 1;", "").replace("message G {}", "")
    paths = {(found.kind, found.path) for found in both(text, after)}
    assert paths == {("field_removed", "/N/x"), ("field_removed", "/M.I/y"), ("message_removed", "/G")}


# Places


def test_what_was_in_a_deleted_file_is_shown_where_it_was() -> None:
    files = {"a.proto": P3 + m(""), "b.proto": P3 + "\n\nmessage Gone {\n}\nenum E {\n  ZERO = 0;\n}\n"}
    for direction in Direction:
        found = judge(files, {"a.proto": files["a.proto"]}, direction)
        assert [(each.kind, str(each.new)) for each in found] == [
            ("message_removed", "b.proto:4:1"),
            ("enum_removed", "b.proto:6:1"),
        ]


def test_what_left_a_file_that_is_still_there_is_shown_in_that_file() -> None:
    (found,) = both(P3 + m("") + "\n\nmessage Gone {}", P3 + m(""))
    assert str(found.new) == "a.proto:1:1"


# One finding per cause


def test_a_member_that_was_removed_is_a_field_that_was_removed() -> None:
    before, after = (P3 + m(f"oneof o {{ int32 a = 1; {rest} }}") for rest in ("int32 b = 2;", ""))
    for direction in Direction:
        assert [found.kind for found in both(before, after, direction)] == ["field_removed"]


def test_a_new_member_is_news_to_old_readers_only() -> None:
    before, after = (P3 + m(f"oneof o {{ int32 a = 1; {rest} }}") for rest in ("", "int32 b = 2;"))
    assert both(before, after) == []
    (found,) = both(before, after, Direction.FORWARD)
    assert (found.kind, found.step) == ("oneof_changed", Step.SOURCE)
    assert found.fact == "'b' (2) was added to oneof 'o' of M"
    assert found.consequence == "where it is set, the reader sees the oneof unset"


def test_a_number_that_changed_hands_says_nothing_of_oneofs() -> None:
    before, after = m("oneof o { int32 a = 1; int32 b = 2; }"), m("oneof o { int32 a = 1; } string c = 2;")
    assert [found.kind for found in both(P3 + before, P3 + after)] == ["field_number_reused"]


PACKAGE = "message A { B b = 1; message Inner {} } message B { int32 x = 1; } enum E { ZERO = 0; } "


def test_a_package_renamed_is_one_finding_at_its_line() -> None:
    before, after = P3 + "\npackage a.v1;\n" + PACKAGE + "message C {}", P3 + "\n\n  package a.v2;\n" + PACKAGE
    for direction in Direction:
        found = both(before, after, direction)
        assert [(each.kind, each.step) for each in found] == [
            ("message_renamed", Step.BREAK),
            ("message_removed", Step.SOURCE),
        ]
        assert found[0].fact == "package a.v1 was renamed to a.v2, and with it 3 messages and 1 enum"
        assert str(found[0].new) == "a.proto:4:3"
        assert found[0].help[0] == "keep the package"


def test_two_packages_renamed_are_two_findings() -> None:
    before, after = (
        {f"{name}.proto": f"{P3}package {name}.{version}; message A {{}} message B {{}}" for name in ("x", "y")}
        for version in ("v1", "v2")
    )
    assert [found.fact for found in judge(before, after)] == [
        "package x.v1 was renamed to x.v2, and with it 2 messages",
        "package y.v1 was renamed to y.v2, and with it 2 messages",
    ]


def test_messages_that_leave_a_package_behind_are_told_one_by_one() -> None:
    before = {"a.proto": P3 + "package a; message A { message Inner {} } message B {} message C {}"}
    after = {
        "a.proto": P3 + "package a; message C {}",
        "b.proto": P3 + "package b; message A { message Inner {} } message B {}",
    }
    assert [found.fact for found in judge(before, after)] == [
        "message a.A was renamed to b.A",
        "message a.B was renamed to b.B",
    ]


def test_an_enum_with_another_name_breaks_code_only() -> None:
    before = {"a.proto": P3 + "package a; message A {} enum E { ZERO = 0; }"}
    after = {"a.proto": P3 + "package a; message A {}", "b.proto": P3 + "package b; enum E { ZERO = 0; }"}
    (found,) = judge(before, after)
    assert (found.kind, found.step) == ("enum_removed", Step.SOURCE)
    assert found.fact == "enum a.E was renamed to b.E"
    assert "Any" not in found.consequence
    assert found.help[0] == "keep the full name"


def test_what_a_renamed_package_holds_is_compared() -> None:
    before, after = P3 + "package a;" + PACKAGE, P3 + "package b;" + PACKAGE.replace("int32 x", "string x")
    assert [found.kind for found in both(before, after)] == ["message_renamed", "field_type_changed"]


# Silence


def test_keys_and_values_of_a_map_have_no_presence_to_change() -> None:
    entry = "message Entry { string key = 1; int32 value = 2; }"
    before, after = P3 + m("map<string, int32> a = 1;") + entry, P3 + m("repeated Entry a = 1;") + entry
    assert [found.kind for found in both(before, after)] == ["map_read_as_entries"]
    assert [found.kind for found in both(after, before)] == ["entries_read_as_map"]


# Extension ranges


def test_a_range_of_extensions_that_is_gone_is_told() -> None:
    before, after = P2 + m("extensions 100 to 199, 500 to max;"), P2 + m("extensions 100 to 149;")
    for direction in Direction:
        (found,) = both(before, after, direction)
        assert (found.kind, found.step) == ("extension_range_removed", Step.SOURCE)
        assert found.fact == "extensions 150 to 199, 500 to max of M were removed"
        assert found.help[-1] == "write `reserved 150 to 199, 500 to max;`"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("extensions 100 to 199;", "extensions 50 to 299;"),
        ("extensions 100 to 199;", "extensions 150 to 199; extensions 100 to 149;"),
        ("", "extensions 100 to 199;"),
    ],
)
def test_a_range_that_is_still_covered_is_not(before: str, after: str) -> None:
    assert both(P2 + m(before), P2 + m(after)) == []


def test_an_extension_that_became_a_field_did_not_lose_its_range() -> None:
    before, after = P2 + m("extensions 5;") + "extend M { optional int32 a = 5; }", P2 + m("optional int32 a = 5;")
    assert [found.kind for found in both(before, after)] == ["extension_changed"]


# Required


def test_required_is_noted_where_it_can_still_be_refused() -> None:
    files = {"a.proto": P2 + m("\n  required int32 a = 1; optional int32 b = 2;")}
    (note,) = parse(files, ["a.proto"]).notes
    assert (note.kind, str(note.location)) == ("note", "a.proto:3:3")
    assert note.message == "field 'a' (1) of M is required, which can never be removed safely"
    assert note.help == "make it optional, and let the code insist on it"
    assert parse(files, ["a.proto"], strict=False).notes == ()
    edition = 'edition = "2023";' + m("int32 a = 1 [features.field_presence = LEGACY_REQUIRED];")
    assert len(parse({"a.proto": edition}, ["a.proto"]).notes) == 1
    assert parse({"a.proto": P3 + m("int32 a = 1;")}, ["a.proto"]).notes == ()


# Places of what has no line of its own any more


def test_an_extension_that_is_gone_is_missed_where_it_stood() -> None:
    base = P2 + "message M {\n  extensions 5 to 9;\n}\n"
    user = P2 + 'import "base.proto";\nmessage Home {\n  extend M { optional int32 a = 5; }\n}\nmessage Other {}\n'
    before = {"base.proto": base, "user.proto": user}
    inside = user.replace("extend M { optional int32 a = 5; }", "")
    (found,) = judge(before, before | {"user.proto": inside})
    assert (found.kind, found.new.path, found.new.line) == ("field_removed", "user.proto", 3)
    without = P2 + "message Other {}\n"
    found = judge(before, before | {"user.proto": without})[-1]
    assert (found.kind, found.new.path, found.new.line) == ("field_removed", "user.proto", 1)
    found = judge(before, {"base.proto": base})[-1]
    assert (found.kind, found.new.path, found.new.line) == ("field_removed", "base.proto", 2)


def test_an_enum_that_says_itself_that_it_is_closed_is_told_in_that_line() -> None:
    text = 'edition = "2023";\nenum E {\n  option features.enum_type = OPEN;\n  A = 0;\n}\n'
    (found,) = both(text, text.replace("OPEN", "CLOSED"))
    assert (found.reader.line, found.writer.line) == (3, 3)
    (found,) = both(text.replace("  option features.enum_type = OPEN;\n", ""), text.replace("OPEN", "CLOSED"))
    assert (found.reader.line, found.writer.line) == (3, 2)


def test_an_alias_that_gave_way_to_another_one_is_named_with_it() -> None:
    text = P3 + "enum E { option allow_alias = true; A = 0; B = 1; C = 1; }"
    (found,) = both(text, text.replace("C = 1", "D = 1"))
    assert found.fact == "enum value 'B' (1) of E has the alias 'D' instead of 'C'"
