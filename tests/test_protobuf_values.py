"""The values that are made up: enough of each kind, and they survive wherever a change is compatible."""

from itertools import pairwise

import pytest
from protobuf_changes import CASES, P2, P3

from registry.formats.mismatch import Direction, Pair, Step
from registry.formats.protobuf import find_mismatches, parse
from registry.formats.protobuf.reference import decode, encode
from registry.formats.protobuf.values import Smallest, Unwritable, find_values
from registry.formats.protobuf.witness.meaning import find_halves, is_same_message
from registry.schema import Record, Schema


def _schema(text: str, name: str | None = None) -> Schema:
    return parse({"m.proto": text}, ["m.proto"], name)


TEXT = """edition = "2023";
enum Open { ZERO = 0; ONE = 1; }
message M {
  int32 a = 1; repeated string b = 2; map<int32, M> c = 3; Open d = 4; bytes e = 5;
  oneof o { bool f = 6; N g = 7; } int32 h = 8 [features.field_presence = LEGACY_REQUIRED]; M again = 9;
}
message N { sint64 x = 1; }
"""


def test_every_field_and_symbol_and_extreme_is_reached() -> None:
    values = list(find_values(_schema(TEXT, "M")))
    assert all("h" in value for value in values)
    assert {-(1 << 31), -1, 0, 1, (1 << 31) - 1} <= {value.get("a") for value in values}
    assert {0, 1, 2} <= {value.get("d") for value in values}
    assert {0, 1, 2} <= {len(value["b"]) for value in values if isinstance(value.get("b"), list)}
    assert b"\xff\x00" in [value.get("e") for value in values]
    assert {"x": -(1 << 63)} in [value.get("g") for value in values]
    assert {"again": {"again": {"again": {"h": 0}, "h": 0}, "h": 0}, "h": 0} in values
    assert not any("f" in value and "g" in value for value in values)


def test_each_value_can_be_written_and_read_again() -> None:
    schema = _schema(TEXT, "M")
    for value in find_values(schema):
        data = encode(schema, "M", value)
        assert encode(schema, "M", decode(schema, "M", data)) == data


def test_the_same_seed_makes_the_same_values() -> None:
    schema = _schema(TEXT, "M")
    first, again, other = (repr(list(find_values(schema, seed=seed))) for seed in (1, 1, 2))
    assert first == again != other


def test_values_grow_in_a_straight_line_with_the_fields() -> None:
    counts = []
    for size in (100, 200, 300):
        fields = " ".join(f"int32 f{number} = {number};" for number in range(1, size + 1))
        counts.append(sum(1 for _ in find_values(_schema(f"{P3}message M {{ {fields} }}", "M"))))
    assert len({second - first for first, second in pairwise(counts)}) == 1


def test_a_message_that_is_read_as_text_is_not_the_same_whatever_its_bytes() -> None:
    text = 'edition = "2023"; message M {{ {} c = 1 [features.utf8_validation = NONE]; }} message N {{ int32 a = 1; }}'
    reader = _schema(text.format("string"), "M")
    writer = _schema(text.format("N").replace(" [features.utf8_validation = NONE]", ""), "M")
    mine, theirs = reader.types["M"], writer.types["M"]
    assert isinstance(mine, Record) and isinstance(theirs, Record)
    for number in (1, -1):
        value: dict[str, object] = {"c": {"a": number}}
        read = decode(reader, "M", encode(writer, "M", value))
        assert not is_same_message(find_halves(reader, writer), mine, theirs, read, value)


def test_what_has_no_finite_value_is_said() -> None:
    with pytest.raises(Unwritable, match="requires itself"):
        list(find_values(_schema(f"{P2}message M {{ required M m = 1; }}", "M")))


def test_what_requires_too_much_is_said() -> None:
    twice = "".join(f"message A{n} {{ required A{n + 1} x = 1; required A{n + 1} y = 2; }} " for n in range(25))
    schema = _schema(f"{P2}{twice}message A25 {{}}", "A0")
    first = schema.types["A0"]
    assert isinstance(first, Record)
    with pytest.raises(Unwritable, match="more than 10,000 others"):
        Smallest(schema).message(first)


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("case", CASES, ids=[title for title, *_ in CASES])
def test_where_a_change_is_compatible_every_value_survives(
    case: tuple[str, tuple[str, str], str, str], direction: Direction
) -> None:
    old, new = (_schema(text) for text in case[1])
    pair = Pair(new, old, direction) if direction is Direction.BACKWARD else Pair(old, new, direction)
    if any(found.step is not Step.SOURCE for found in find_mismatches(pair)):
        return  # the witness shows what does not
    halves = find_halves(pair.reader, pair.writer)
    for name, writer in pair.writer.types.items():
        reader = pair.reader.types.get(name)
        if not isinstance(writer, Record) or not isinstance(reader, Record):
            continue
        for value in find_values(pair.writer, name):
            read = decode(pair.reader, name, encode(pair.writer, name, value))
            assert is_same_message(halves, reader, writer, read, value), (value, read)
