"""The Avro encoder writes what the reference codec writes, whatever the schema, the value and the names."""

import json
from collections import OrderedDict, UserDict, deque
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from io import BytesIO
from itertools import islice
from math import inf, nan
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.formats.avro.duration import Duration
from registry.formats.avro.reference import EncodeError as ReferenceError
from registry.formats.avro.reference import encode, read_logical
from registry.formats.avro.values import find_values
from registry.schema import Logical, Schema
from registry.serde.avro import compile_encoder
from registry.serde.avro.encoder import render_encoder
from registry.serde.avro.explain_value import encode_carefully
from registry.serde.errors import EncodeError
from registry.serde.shape import PLAIN, Shape
from tests.avro_pairs import schemas
from tests.avro_schemas import Model
from tests.avro_shorthand import ID, array, decimal, enum, field, fixed, logical, map_of, parse, record
from tests.avro_spelling import parse_model
from tests.examples_settings import settings
from tests.serde_avro_values import find_pairs, find_places, make_shape, put, untag
from tests.serde_avro_writing import MOMENT, TYPED, Hue, Moment, Word, write

# What is written


@given(schemas())
@settings()
def test_plain_values_have_the_bytes_of_the_reference_codec(model: Model) -> None:
    schema = parse_model(model)
    write_event = compile_encoder(schema)
    for tagged in islice(find_values(schema), 30):
        value = untag(tagged)
        assert write_event(value, b"\0frame", None) == b"\0frame" + encode(schema, value), value
        assert encode_carefully(schema, PLAIN, value, None) == encode(schema, value), value


@given(schemas())
@settings()
def test_typed_values_have_the_bytes_of_the_reference_codec(model: Model) -> None:
    schema = parse_model(model)
    shape = make_shape(schema)
    write_event = compile_encoder(schema, shape)
    for value, data in find_pairs(schema, shape, 30):
        assert write_event(value, b"\0frame", None) == b"\0frame" + data, value
        assert encode_carefully(schema, shape, value, None) == data, value


JUNK: list[object] = [
    *(None, True, 0, 1, -1, 2**31, 2**63, 1.0, 1.5, nan, inf, 1e39, 0.1, "", "a", "X", "\ud800", b"", b"\0", b"12"),
    *([], (), [1], {}, {"f": 1}, {1: 1}, {"a": None}, ID, UUID(ID), Decimal("1.5"), Decimal("1E+9"), Decimal("NaN")),
    *(MOMENT, MOMENT.replace(tzinfo=None), MOMENT.replace(microsecond=1), date(2024, 2, 29), time(1), time(1, 1, 1, 1)),
    *(time(1, tzinfo=UTC), Duration(1, 2, 3), Duration(-1, 0, 0), Hue.RED, Word.A, object(), deque([1]), bytes(16)),
    *(bytearray(b"a"), timedelta(1), Decimal("-0.01"), Decimal("Infinity"), Decimal("1E-30"), 10**400),
]


@given(schemas(), st.data())
@settings()
def test_the_quick_way_and_the_careful_one_take_and_refuse_the_same(model: Model, data: st.DataObject) -> None:
    schema = parse_model(model)
    shape = make_shape(schema)
    tagged = next(iter(find_values(schema)), None)
    typed = next(iter(find_pairs(schema, shape, 1)), (None, b""))[0]
    for each, value in ((PLAIN, untag(tagged)), (shape, typed)):
        write_event = compile_encoder(schema, each)
        for _ in range(5):
            changed = [deepcopy(value)]
            holder, key = data.draw(st.sampled_from(list(find_places(changed))))
            put(holder, key, data.draw(st.sampled_from(JUNK)))
            assert outcome(write_event, changed[0], b"", None) == outcome(
                encode_carefully, schema, each, changed[0], None
            )
            if each is PLAIN:
                check_against_reference(schema, changed[0])


def outcome(function: Any, *arguments: object) -> object:
    try:
        return function(*arguments)
    except EncodeError as error:
        return error.fact, error.path


def check_against_reference(schema: Schema, value: object) -> None:
    """What the reference codec takes has its bytes; what it refuses is taken only where more is allowed on purpose."""
    expected, refused = b"", None
    try:
        expected = encode(schema, value)
    except ReferenceError as error:
        refused = error
    if refused is None:
        assert compile_encoder(schema)(value, b"", None) == expected
    elif isinstance(outcome(encode_carefully, schema, PLAIN, value, None), bytes):
        words = (" is no float", " is no double", " is no list", "fits no branch")
        assert any(word in refused.fact for word in words), refused


def test_the_frame_stands_before_the_event() -> None:
    assert compile_encoder(parse("null"))(None, b"\0\0\0\0\1", None) == b"\0\0\0\0\1"
    assert compile_encoder(parse("string"))("a", b"\0\0\0\0\1", None) == b"\0\0\0\0\1\2a"


EDGES: list[tuple[object, object]] = [
    *(("int", 2**power + step) for power in (6, 7, 13, 14, 20, 27, 28) for step in (-1, 0, 1)),
    *(("long", sign * 2**power + step) for sign in (1, -1) for power in range(5, 63) for step in (-1, 0, 1)),
    *((kind, sign * 2**31 + step) for kind, sign, step in (("int", 1, -1), ("int", -1, 0), ("long", 1, 0))),
    ("long", 2**63 - 1),
    ("long", -(2**63)),
    *(("string", "x" * length) for length in (63, 64, 8191, 8192, 100_000)),
    *(("string", "ü😀" * length) for length in (1, 10, 2000)),
    *(("bytes", b"x" * length) for length in (8191, 8192, 100_000)),
    *((array("string"), ["ab", "ü" * 9000][: length % 3] * (length // 2)) for length in (0, 4, 8, 16, 17, 30)),
    *((array("string"), [str(i) for i in range(length)]) for length in (0, 1, 7, 8, 9, 10, 8191, 8192)),
    *((array("int"), list(range(length))) for length in (0, 1, 8191, 8192)),
    *((array("null"), [None] * length) for length in (0, 1, 8192)),
    *((map_of("null"), dict.fromkeys(map(str, range(length)))) for length in (0, 1, 8192)),
    (array(array("string")), [["a"], [], ["b", "c"]]),
    (array(record()), [{}, {}]),
    (fixed(0), b""),
    (array(fixed(0)), [b"", b""]),
    (decimal(200, 100), Decimal(10**199 - 1).scaleb(-100, None)),
    (decimal(30_000, 0), Decimal("9" * 30_000)),
]


@pytest.mark.parametrize("number", range(len(EDGES)))
def test_lengths_counts_and_numbers_of_every_size(number: int) -> None:
    schema, value = EDGES[number]
    parsed = parse(schema)
    write_event = compile_encoder(parsed)
    for _ in range(2):  # once more, as the table of sizes may have been changed for another
        assert write_event(value, b"", None) == encode(parsed, value)


@pytest.mark.parametrize(
    ("schema", "value", "usual"),
    [
        ("int", Hue.RED, 7),
        ("long", Hue.RED, 7),
        ("string", Word.A, "hidden"),
        ("double", 3, 3.0),
        ("double", 2**53, float(2**53)),
        ("float", 2**24, float(2**24)),
        ("float", 0.1, 0.1),
        (array("int"), (1, 2), [1, 2]),
        (array("int"), deque([1, 2]), [1, 2]),
        (array("string"), deque(["a"]), ["a"]),
        (array("int"), range(3), [0, 1, 2]),
        (map_of("int"), OrderedDict(a=1), {"a": 1}),
        (map_of("int"), UserDict(a=1), {"a": 1}),
        (["null", "double"], 3, 3.0),
        (["null", "int"], Hue.RED, 7),
        (["null", array("int")], (1,), [1]),
        (["string", map_of("int")], UserDict(a=1), {"a": 1}),
        (logical("long", "timestamp-millis"), MOMENT.astimezone(timezone(timedelta(hours=-5))), MOMENT),
        (logical("long", "timestamp-micros"), Moment(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)),
        (decimal(4, 2), Decimal("1.5000000000"), Decimal("1.5")),
        (decimal(4, 2), Decimal("1E+1"), Decimal(10)),
        (decimal(4, 2), Decimal("-0"), Decimal(0)),
    ],
)  # fmt: skip
def test_what_is_meant_is_written_whatever_its_class(schema: object, value: object, usual: object) -> None:
    assert write(schema, value, TYPED) == encode(parse(schema), usual)


@pytest.mark.parametrize("name", ["timestamp-millis", "timestamp-micros", "local-timestamp-micros", "time-micros"])
def test_moments_of_every_size(name: str) -> None:
    parsed = parse(logical("long", name))
    write_event = compile_encoder(parsed, TYPED)
    for power in range(58):
        for count in {sign * 2**power + step for sign in (1, -1) for step in (-1, 0, 1)}:
            value = read_logical(Logical(name), count)
            if not isinstance(value, int):
                assert write_event(value, b"", None) == encode(parsed, value)


def test_a_float_in_a_union_is_rounded_only_where_no_branch_holds_it() -> None:
    assert write(["null", "float"], 0.1) == b"\2" + write("float", 0.1)
    assert write(["float", "double"], 0.1) == b"\2" + write("double", 0.1)
    assert write(["float", "double"], 0.5) == b"\0" + write("float", 0.5)
    assert write(["null", "double", "long"], 1) == b"\4\2"
    assert write(["float", "double"], 2**24 + 1) == b"\2" + write("double", float(2**24 + 1))


def test_fastavro_reads_what_we_write() -> None:
    moment = datetime(2024, 2, 29, 12, 30, 15, 123456, UTC)
    values: dict[str, tuple[object, object]] = {
        "a": ("string", "ü😀"),
        "b": (["null", "long"], 2**40),
        "c": (logical("long", "timestamp-micros"), moment),
        "d": (logical("string", "uuid"), UUID(ID)),
        "e": (decimal(9, 2), Decimal("-12.50")),
        "f": (array(map_of("double")), [{"x": 1.5}, {}]),
        "g": (enum("A", "B"), "B"),
        "h": (logical("int", "date"), date(2024, 2, 29)),
        "i": (logical("long", "time-micros"), time(1, 2, 3, 4)),
        "j": (["null", record(field("x", "int"), name="a.S")], {"x": 1}),
    }
    schema = record(*(field(name, type_) for name, (type_, _) in values.items()))
    event = {name: value for name, (_, value) in values.items()}
    data = write(schema, event)
    assert (
        fastavro.schemaless_reader(BytesIO(data), fastavro.parse_schema(json.loads(json.dumps(schema))), None) == event
    )
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), event)
    assert out.getvalue() == data


# Names


HOSTILE = ["self", "class", "None", "value", "event", "prefix", "meta", "v1", "SIZES", "Refused", "depth", "write0"]
HOSTILE += ["__class__", "__dict__", "_meta", "__", "d", "len", "isinstance", "upgrade", "lambda", "failure", "rescue"]


def test_fields_may_have_any_name() -> None:
    inner = record(*(field(name, "int") for name in HOSTILE), name="def.class.None")
    schema = parse(record(*(field(name, ["null", "int"]) for name in HOSTILE), field("r", inner), name="a.R"))
    shape = make_shape(schema)
    pairs = list(find_pairs(schema, shape, 20))
    assert pairs
    for value, data in pairs:
        assert compile_encoder(schema, shape)(value, b"", None) == data
    for tagged in find_values(schema):
        assert compile_encoder(schema)(untag(tagged), b"", None) == encode(schema, tagged)


def test_enums_may_have_any_symbols() -> None:
    schema = parse(enum("None", "mro", "name", "value", "_x_", "__init__", "class"))
    shape = make_shape(schema)
    assert [compile_encoder(schema, shape)(member, b"", None) for member in shape.types["E"]] == [  # type: ignore[attr-defined]  # an enum
        bytes((2 * i,)) for i in range(7)
    ]


def test_the_source_can_be_looked_at() -> None:
    source = render_encoder(parse(record(field("class", "string"))), Shape(types={"a.R": type("R", (), {})}))
    assert source.startswith("def encode(event, prefix, meta):\n")
    assert "value.class_.encode()" in source


def test_mappings_are_read_once() -> None:
    class Growing(Mapping[str, int]):
        def __init__(self) -> None:
            self.reads = 0

        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Any:
            return iter(["a"])

        def __getitem__(self, key: str) -> int:
            self.reads += 1
            return self.reads

    assert write(map_of("int"), Growing()) == b"\2\2a\2\0"
