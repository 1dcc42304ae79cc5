"""Both sides of a mismatch in words, also where it is not about types."""

import pytest

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf import find_mismatches, parse
from tests.protobuf_changes import E2, P2, P3


def find(before: str, after: str) -> list[Mismatch]:
    old, new = parse({"m.proto": before}, ["m.proto"], "M"), parse({"m.proto": after}, ["m.proto"], "M")
    return list(find_mismatches(Pair(new, old, Direction.BACKWARD)))


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
