"""The branch of a union that the Avro encoder chooses: by class, and for others the first that holds the value."""

from collections import deque
from dataclasses import make_dataclass
from datetime import date
from enum import Enum
from typing import Any, cast

import pytest

from registry.formats.avro.reference import Branch, encode
from registry.serde.avro import compile_encoder
from registry.serde.errors import EncodeError
from registry.serde.shape import Shape
from tests.avro_shorthand import array, enum, field, fixed, logical, map_of, parse, record
from tests.serde_avro_writing import Hue, Word, refuse, write

# Unions


def test_records_and_enums_are_told_apart_by_class_and_never_by_shape() -> None:
    left, right = (make_dataclass(name, [("x", int)], slots=True) for name in ("Left", "Right"))
    one, two = (cast(Any, Enum(name, [("A", "A")])) for name in ("One", "Two"))
    branches = [
        record(field("x", "int"), name="Left"),
        record(field("x", "int"), name="Right"),
        enum("A", name="One"),
        enum("A", name="Two"),
        "string",
    ]
    shape = Shape(types={"Left": left, "Right": right, "One": one, "Two": two})
    values = [left(1), right(1), one("A"), two("A"), "A"]
    assert [write(branches, value, shape) for value in values] == [b"\0\2", b"\2\2", b"\4\0", b"\6\0", b"\x08\2A"]
    assert "fits no branch" in refuse(branches, object(), shape).fact
    heir = type("Heir", (right,), {})
    assert write(branches, heir(1), shape) == b"\2\2"


@pytest.mark.parametrize("count", [1, 2, 6, 7, 300])
def test_a_union_of_many_records_finds_each(count: int) -> None:
    types = {f"R{i}": make_dataclass(f"R{i}", [("x", Any)], slots=True) for i in range(count)}
    union = ["null", *(record(field("x", "int"), name=name) for name in types)]
    write_event = compile_encoder(parse(union), Shape(types=types))
    reference = parse(union)
    assert write_event(None, b"", None) == b"\0"
    for i, cls in enumerate(types.values(), 1):
        assert write_event(cls(i), b"", None) == encode(reference, Branch(i, {"x": i}))
    with pytest.raises(EncodeError, match="'a' is no int at /x"):
        write_event(cls("a"), b"", None)
    with pytest.raises(EncodeError, match=r"fits no branch|is no R0"):
        write_event(object(), b"", None)


@pytest.mark.parametrize(
    ("union", "value", "data"),
    [
        ([fixed(2, "A"), fixed(3, "B"), "bytes"], b"abc", b"\2abc"),
        ([fixed(2, "A"), fixed(3, "B"), "bytes"], b"abcd", b"\4\x08abcd"),
        (["int", "long"], 2**31, b"\2\x80\x80\x80\x80\x10"),
        (["int", "long"], 1, b"\0\2"),
        (["int", "float"], Hue.RED, b"\0\x0e"),
        (["float", "int"], Hue.RED, b"\2\x0e"),
        (["int", "string"], Word.A, b"\2\x0chidden"),
        ([array("int"), "string"], deque([1]), b"\0\2\2\0"),
        ([enum("A"), "string"], "A", b"\0\0"),
        ([enum("A"), "string"], "B", b"\2\2B"),
        ([record(field("a", "int"), name="R"), map_of("int")], {"a": 1}, b"\0\2"),
        ([record(field("a", "int"), name="R"), map_of("int")], {"b": 1}, b"\2\2\2b\2\0"),
        (["null", array(["null", "string"])], ["a", None], b"\2\4\2\2a\0\0"),
        ([logical("int", "date"), "string"], date(1970, 1, 2), b"\0\2"),
    ],
)  # fmt: skip
def test_a_plain_value_takes_the_first_branch_that_holds_it(union: object, value: object, data: bytes) -> None:
    assert write(union, value) == data


def test_twins_that_nest_in_each_other_are_tried_once_each() -> None:
    twins = [record(field("next", ["null", "a.A", "a.B"]), name=name) for name in ("a.A", "a.B")]
    value: object = {"next": None}
    for _ in range(60):
        value = {"next": value}
    schema = parse(["null", *twins])
    assert compile_encoder(schema)(value, b"", None) == encode(schema, value)
