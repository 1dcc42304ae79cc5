"""Numbers and names given up: reserved for ever, or a flaw."""

import pytest

from registry.errors import Flaw
from registry.formats.protobuf import find_dropped_reservations, find_unreserved, parse


def read(body: str, syntax: str = "proto3") -> str:
    return f'syntax = "{syntax}";\npackage p;\n{body}\n'


def unreserved(before: str, after: str) -> list[Flaw]:
    return list(find_unreserved(*(parse({"a.proto": text}, ["a.proto"]) for text in (before, after))))


def dropped(before: str, after: str) -> list[str]:
    schemas = (parse({"a.proto": read(f"message M {{ {body} }}")}, ["a.proto"]) for body in (before, after))
    return [flaw.message for flaw in find_dropped_reservations(*schemas)]


M, E = "message M {{ {} }}", "enum E {{ ZERO = 0; {} }}"


@pytest.mark.parametrize(
    ("shape", "before", "after", "said"),
    [
        (M, "int32 a = 2;", "", "field 'a' (2) was removed from p.M, and its number and name are not reserved"),
        (M, "int32 a = 2;", "reserved 2;", "field 'a' (2) was removed from p.M, and its name is not reserved"),
        (M, "int32 a = 2;", 'reserved "a";', "field 'a' (2) was removed from p.M, and its number is not reserved"),
        (M, "int32 a = 2;", 'reserved 1 to 5; reserved "a";', ""),
        (M, "int32 a = 2;", "int32 b = 2;", ""),
        (M, "int32 a = 2;", "string a = 3;", "field 'a' (2) was removed from p.M, and its number is not reserved"),
        (M, "int32 a = 2;", "int32 a = 3;", ""),
        (M, "int32 a = 2; int32 b = 3;", "int32 b = 2;", ""),
        (M, "int32 a = 2;", "reserved 2; int32 a = 3;", ""),
        (M, "int32 a = 2;", "oneof o { int32 a = 2; }", ""),
        (E, "A = 1;", "", "enum value 'A' (1) was removed from p.E, and its number and name are not reserved"),
        (E, "A = 1;", 'reserved 1; reserved "A";', ""),
        (E, "A = 1;", "B = 1;", ""),
        (E, "A = 1;", "A = 2;", ""),
    ],
)
def test_what_is_removed_is_reserved_or_a_flaw(shape: str, before: str, after: str, said: str) -> None:
    flaws = unreserved(read(shape.format(before)), read(shape.format(after)))
    assert [flaw.message for flaw in flaws] == ([said] if said else [])


def test_a_flaw_stands_at_the_message_and_says_what_to_write() -> None:
    (flaw,) = unreserved(read("message M { int32 a = 2; }"), read("\nmessage M {}"))
    assert (flaw.kind, str(flaw.location), flaw.location.pointer) == ("number-not-reserved", "a.proto:4:1", "/M")
    assert flaw.help == 'add `reserved 2; reserved "a";` to p.M'


@pytest.mark.parametrize("shape", [M, E])
def test_a_name_alone_is_a_flaw_of_its_own_kind(shape: str) -> None:
    before, after = (shape.format(body) for body in ("A = 2;" if shape is E else "int32 A = 2;", "reserved 2;"))
    (flaw,) = unreserved(read(before), read(after))
    assert flaw.kind == "name-not-reserved"
    assert flaw.message.endswith("and its name is not reserved")
    assert flaw.help == f'add `reserved "A";` to {"p.E" if shape is E else "p.M"}'


def test_names_are_spelled_as_the_file_spells_them() -> None:
    before, after = (f'edition = "2023"; message M {{ {body} }}' for body in ("int32 a = 2;", ""))
    (flaw,) = unreserved(before, after)
    assert flaw.help == "add `reserved 2; reserved a;` to M"


def test_a_field_that_became_an_extension_gave_nothing_up() -> None:
    after = "message M { extensions 5 to 9; } extend M { optional int32 a = 5; }"
    assert unreserved(read("message M { optional int32 a = 5; }", "proto2"), read(after, "proto2")) == []


def test_a_number_left_to_extensions_must_be_taken_from_them_to_be_reserved() -> None:
    before, after = (read(f"message M {{ {body} }}", "proto2") for body in ("optional int32 a = 5;", "extensions 5;"))
    (flaw,) = unreserved(before, after)
    assert flaw.help == 'take 5 out of its extension ranges, and add `reserved 5; reserved "a";` to p.M'


def test_removed_messages_and_extensions_need_no_reservation() -> None:
    before = read(
        "message M { extensions 5; } extend M { optional int32 x = 5; } message N { required int32 a = 1; }", "proto2"
    )
    assert unreserved(before, read("message M { extensions 5; }", "proto2")) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("reserved 2;", "", ["in p.M the reservation of 2 was dropped"]),
        ("reserved 2 to 9;", "reserved 3, 5 to 7;", ["in p.M the reservation of 2, 4, 8 to 9 was dropped"]),
        ("reserved 5 to max;", "reserved 5 to 9;", ["in p.M the reservation of 10 to max was dropped"]),
        ('reserved "a", "b";', 'reserved "b";', ["in p.M the reservation of the name 'a' was dropped"]),
        ("reserved 2, 3;", "reserved 1 to 9;", []),
        ("", "reserved 1;", []),
    ],
)
def test_a_reservation_stays(before: str, after: str, said: list[str]) -> None:
    assert dropped(before, after) == said


def test_reservations_of_enums_stay_too() -> None:
    schemas = [
        parse({"a.proto": read(f"enum E {{ ZERO = 0; {body} }}")}, ["a.proto"])
        for body in ("reserved -5 to -2, 7 to max;", "reserved -5 to -3;")
    ]
    (flaw,) = find_dropped_reservations(*schemas)
    assert flaw.kind == "reservation-dropped"
    assert flaw.message == "in p.E the reservation of -2, 7 to max was dropped"
