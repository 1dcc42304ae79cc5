"""Both sides of a mismatch in words, also where it is not about types."""

import pytest

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf import find_mismatches, parse
from tests.protobuf_changes import E2, P2, P3


def find(before: str, after: str, direction: Direction = Direction.BACKWARD) -> list[Mismatch]:
    old, new = parse({"m.proto": before}, ["m.proto"], "M"), parse({"m.proto": after}, ["m.proto"], "M")
    reader, writer = (new, old) if direction is Direction.BACKWARD else (old, new)
    return list(find_mismatches(Pair(reader, writer, direction)))


@pytest.mark.parametrize(
    ("before", "after", "kind", "reader", "writer"),
    [
        (P3 + "message M { int32 a = 1; }", P3 + "message M { int32 b = 1; }", "field_name_changed", "int32", "int32"),
        (P3 + "message M { int32 a = 1; }", P3 + "message M {}", "field_removed", "message M", "int32"),
        (
            P2 + "message M {}",
            P2 + "message M { required int32 a = 1; }",
            "required_field_missing",
            "required int32",
            "message M",
        ),
        (
            P2 + E2 + "message M { optional E e = 1; }",
            P2 + "enum E { A = 0; } message M { optional E e = 1; }",
            "closed_enum_value_unknown",
            "enum E",
            "B = 1",
        ),
        (
            P3 + "message M { int64 a = 1; }",
            P3 + "message M { string a = 1; }",
            "field_type_changed",
            "string",
            "int64",
        ),
    ],
)
def test_what_stands_on_both_sides(before: str, after: str, kind: str, reader: str, writer: str) -> None:
    (found,) = [each for each in find(before, after) if each.kind == kind]
    assert (found.reader_type, found.writer_type) == (reader, writer)


@pytest.mark.parametrize("members", ["int32 a = 1; string b = 2;", "string b = 2; int32 a = 1;"])
def test_a_oneof_that_loses_a_value_stands_where_its_first_number_does(members: str) -> None:
    """Whichever member is declared first."""
    (found,) = find(P3 + "message M { int32 a = 1; string b = 2; }", P3 + f"message M {{ oneof one {{ {members} }} }}")
    assert (found.kind, found.reader_type, found.writer_type) == ("oneof_value_lost", "int32", "int32")


EXTENDED = P2 + "message M { extensions 100 to 200; }"
EXTENSION = "extend M { optional int32 a = 100; }"
IMPORTS = P2 + 'import "m.proto"; '


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"m.proto": f"{EXTENDED} {EXTENSION}"}, {"m.proto": EXTENDED}),
        ({"m.proto": EXTENDED, "x.proto": IMPORTS + EXTENSION}, {"m.proto": EXTENDED}),
        (
            {"m.proto": EXTENDED, "x.proto": f"{IMPORTS} message Around {{}} {EXTENSION}"},
            {"m.proto": EXTENDED, "x.proto": f"{IMPORTS} message Around {{}}"},
        ),
        (
            {"m.proto": EXTENDED, "x.proto": f"{IMPORTS} message Around {{ {EXTENSION} }}"},
            {"m.proto": EXTENDED, "x.proto": f"{IMPORTS} message Around {{}}"},
        ),
    ],
    ids=["beside the message", "in a file that is gone", "in a file that is left", "in a message that is left"],
)
def test_wherever_an_extension_stood_the_message_that_it_extended_is_left(
    before: dict[str, str], after: dict[str, str]
) -> None:
    old, new = (parse(files, list(files), "M") for files in (before, after))
    (backward,) = find_mismatches(Pair(new, old, Direction.BACKWARD))
    assert (backward.kind, backward.reader_type, backward.writer_type) == ("field_removed", "message M", "int32")
    (forward,) = find_mismatches(Pair(old, new, Direction.FORWARD))
    assert (forward.kind, forward.reader_type, forward.writer_type) == ("field_removed", "int32", "message M")


def test_an_entry_of_a_map_is_told_without_its_place() -> None:
    message = "message N { optional int32 b = 2; extensions 100 to 200; } "
    before = P2 + message + "extend N { optional int32 a = 100; } message M { optional N c = 3; }"
    after = P2 + "message M { map<string, int32> c = 3; }"
    found = [each for each in find(before, after, Direction.FORWARD) if each.kind == "field_removed"]
    assert [(each.reader_type, each.writer_type) for each in found if each.path == "/c/a"] == [
        ("int32", "message map<string, int32>")
    ]
