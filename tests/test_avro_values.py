"""Generated values: everything is reached, nothing is lost on the way, and the work has an end."""

import json
from collections.abc import Iterator
from itertools import islice
from math import isnan
from pathlib import Path
from uuid import UUID

import pytest

from registry.formats import avro
from registry.formats.avro.reference import Branch, decode, encode
from registry.formats.avro.values import MAX_VALUES, Smallest, find_values
from registry.schema import Ref, Schema

CONTRACTS = Path(__file__).parent.parent / "contracts"
HEADS = sorted(path for path in CONTRACTS.rglob("*.avsc") if "versions" not in path.relative_to(CONTRACTS).parts)


def parse(*schemas: object) -> Schema:
    files = {f"{i}.avsc": json.dumps(schema) for i, schema in enumerate(schemas)}
    return avro.parse(files, ["0.avsc"], strict=False)


def record(name: str, **fields: object) -> dict[str, object]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": type_} for key, type_ in fields.items()]}


def array(items: object) -> dict[str, object]:
    return {"type": "array", "items": items}


def logical(base: str, name: str, **more: object) -> dict[str, object]:
    return {"type": base, "logicalType": name, **more}


def are_same(left: object, right: object) -> bool:
    """Equal and of one type all the way down; one NaN is as good as another."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(are_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(are_same, left, right))
    if isinstance(left, float) and isinstance(right, float) and isnan(left):
        return isnan(right)
    return type(left) is type(right) and left == right


def find_parts(value: object) -> Iterator[object]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in inner:
        yield from find_parts(part)
    if isinstance(value, Branch):
        yield from find_parts(value.value)


def untagged(value: object) -> object:
    """A value as it is read: without the branches that it was written by."""
    if isinstance(value, Branch):
        return untagged(value.value)
    if isinstance(value, dict):
        return {key: untagged(inner) for key, inner in value.items()}
    return [untagged(inner) for inner in value] if isinstance(value, list) else value


def check_round_trip(schema: Schema) -> list[object]:
    values = list(find_values(schema))
    for value in values:
        assert are_same(decode(schema, schema, encode(schema, value)), untagged(value)), value
    return values


LEAVES = [
    *("null", "boolean", "int", "long", "float", "double", "bytes", "string"),
    logical("string", "uuid"),
    logical("int", "date"),
    logical("int", "time-millis"),
    logical("long", "time-micros"),
    *(
        logical("long", f"{local}timestamp-{unit}")
        for local in ("", "local-")
        for unit in ("millis", "micros", "nanos")
    ),
    logical("bytes", "decimal", precision=9, scale=2),
    logical("bytes", "decimal", precision=10**12, scale=10**11),
    logical("bytes", "decimal", precision=10**30, scale=10**29),
    {"type": "fixed", "name": "F", "size": 0},
    {"type": "fixed", "name": "F", "size": 300},
    {"type": "fixed", "name": "F", "size": 8, "logicalType": "decimal", "precision": 18, "scale": 18},
    {"type": "fixed", "name": "F", "size": 16, "logicalType": "uuid"},
    {"type": "fixed", "name": "F", "size": 12, "logicalType": "duration"},
    {"type": "enum", "name": "E", "symbols": ["A", "B"]},
]


@pytest.mark.parametrize("leaf", LEAVES)
def test_what_is_written_is_what_is_read(leaf: object) -> None:
    check_round_trip(parse(leaf))
    name = leaf["name"] if isinstance(leaf, dict) and "name" in leaf else leaf
    check_round_trip(parse(record("R", alone=leaf, listed=array(name), maybe=[record("S"), name])))


@pytest.mark.parametrize("path", HEADS, ids=lambda path: path.stem)
def test_every_contract_of_our_own_makes_the_round_trip(path: Path) -> None:
    files = {str(each.relative_to(CONTRACTS)): each.read_text() for each in HEADS}
    assert check_round_trip(avro.parse(files, [str(path.relative_to(CONTRACTS))]))


def test_the_edges_are_there() -> None:
    def shown(type_: object) -> list[object]:
        return list(find_values(parse(type_)))

    assert {2**31 - 1, -(2**31), 2**24 + 1} <= set(shown("int"))
    assert {2**63 - 1, -(2**63), 2**53 + 1} <= set(shown("long"))
    assert {"inf", "-inf", "nan", "-0.0", "5e-324"} <= {str(value) for value in shown("double")}
    assert {b"", b"\xff", b"\0"} <= set(shown("bytes"))
    assert {"", "😀", "ü"} <= set(shown("string"))
    assert {"0001-01-01", "9999-12-31", "2147483647"} <= {str(value) for value in shown(logical("int", "date"))}
    decimals = {str(value) for value in shown(logical("bytes", "decimal", precision=4, scale=2))}
    assert {"99.99", "-99.99", "0.00"} <= decimals
    assert [] in (listed := shown(array("null")))
    assert [None] in listed
    assert [None, None] in listed


def test_every_branch_of_every_union_and_every_symbol_is_reached() -> None:
    symbols = [f"S{i}" for i in range(20)]
    deepest = record("Deep", enum={"type": "enum", "name": "E", "symbols": symbols}, again=["null", "Top"])
    levels: object = ["null", deepest]
    for i in range(10):
        levels = ["null", "int", record(f"L{i}", value=array(levels))]
    values = check_round_trip(parse(record("Top", value=levels)))
    parts = [part for value in values for part in find_parts(value)]
    assert set(symbols) <= {part for part in parts if isinstance(part, str)}
    again = {part["again"].index for part in parts if isinstance(part, dict) and "again" in part}
    assert again == {0, 1}
    assert len(values) < 150


def test_recursive_types_nest_a_few_levels() -> None:
    values = check_round_trip(parse(record("R", next=["null", "R"])))
    assert max(str(value).count("next") for value in values) > 2


def test_the_same_seed_gives_the_same_values_and_another_others() -> None:
    schema = parse(record("R", a="long", b=array("string")))
    first, second, third = (list(find_values(schema, seed=seed)) for seed in (0, 0, 1))
    assert first == second
    assert first != third


@pytest.mark.parametrize(
    "schema",
    [
        record("R", again="R"),
        record("R", a=record("S", back="R")),
        record("R", a=["R"]),
        [],
        {"type": "enum", "name": "E", "symbols": []},
        {"type": "fixed", "name": "F", "size": 2**31 - 1},
        record("R", a="int", b=[]),
    ],
)
def test_a_schema_without_a_value_of_bearable_size_yields_none(schema: object) -> None:
    parsed = parse(schema)
    assert list(find_values(parsed)) == []
    assert Smallest(parsed).find(parsed.root) is None


def test_the_smallest_value_takes_the_shortest_way_out() -> None:
    schema = parse(record("R", a="int", b=["R", "string", "null"], c=array("R"), d=logical("string", "uuid")))
    smallest = Smallest(schema).demand(schema.root).value
    assert untagged(smallest) == {"a": 0, "b": None, "c": [], "d": UUID(int=0)}
    assert Smallest(schema).demand(Ref("R", schema.root.at)).value == smallest
    nothing = parse("null")
    assert Smallest(nothing).demand(nothing.root).value is None


def test_of_branches_of_one_size_null_is_taken_then_the_first() -> None:
    for branches, index in ((["string", "null"], 1), (["null", "bytes"], 0), (["string", array("int"), "bytes"], 0)):
        union = parse(branches)
        smallest = Smallest(union).demand(union.root).value
        assert isinstance(smallest, Branch)
        assert smallest.index == index


def doubling(levels: int, wrap: list[object]) -> Schema:
    """Each record holds the next one twice."""
    records = [record(f"R{i}", a=[*wrap, f"R{i + 1}"], b=[*wrap, f"R{i + 1}"]) for i in range(levels)]
    return parse(*records, record(f"R{levels}", a="int"))


@pytest.mark.parametrize(
    ("schema", "most"),
    [
        (doubling(30, ["null"]), 100),
        (doubling(60, []), 0),
        (parse(*(record(f"R{i}", a=f"R{i + 1}") for i in range(3000)), record("R3000")), 0),
        (parse(*(record(f"R{i}", a=["null", f"R{i + 1}"]) for i in range(3000)), record("R3000")), 200),
        (parse({"type": "enum", "name": "E", "symbols": [f"S{i}" for i in range(5000)]}), MAX_VALUES),
        (parse(record("R", **{f"f{i}": ["null", "long"] for i in range(3000)})), 40),
        (parse(*(record(f"R{i}", **{f"f{j}": ["null", f"R{j}"] for j in range(30)}) for i in range(30))), 100),
    ],
    ids=["twice perhaps", "twice always", "long chain", "long chain perhaps", "symbols", "fields", "all of all"],
)
def test_hostile_schemas_have_few_values_and_small_ones(schema: Schema, most: int) -> None:
    values = list(find_values(schema))
    assert len(values) <= most
    assert bool(values) is bool(most)
    for value in islice(values, 0, None, 10):
        assert len(encode(schema, value)) < 100_000
