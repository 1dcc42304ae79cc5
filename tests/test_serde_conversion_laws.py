"""The laws of converters, over values of every kind: total, pure, and back to where they came from or not at all."""

import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from math import isnan
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from registry.serde.conversion import Conversion, Inconvertible, load_conversion
from registry.serde.conversion.kinds import are_same
from registry.serde.conversion.paths import find_holders, parse_path
from tests.examples_settings import settings

SYMBOLS = st.sampled_from(["A", "B", "C", "D"])
WHOLE = st.integers(-(2**63), 2**63 - 1)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12)
FLOATS = st.floats()
TEXTS = st.one_of(
    st.text(max_size=8),
    st.from_regex(r"-?[0-9]{1,9}(\.[0-9]{1,5})?", fullmatch=True),
    st.sampled_from(["true", "false"]),
)
TIMES = st.datetimes(timezones=st.just(UTC))
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    WHOLE,
    DECIMALS,
    FLOATS,
    TEXTS,
    SYMBOLS,
    TIMES,
    st.uuids(),
    st.dates(),
    st.binary(max_size=20),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
EVENTS = st.fixed_dictionaries({"a": VALUES, "b": VALUES, "key": VALUES}, optional={"c": VALUES, "d": VALUES})

KINDS = [
    "int",
    "float",
    "decimal",
    "string",
    "uuid",
    "bytes",
    "timestamp",
    "seconds",
    "millis",
    "micros",
    "date",
    "bool",
]
PATHS = st.sampled_from(["a", "b", "a/a", "a?/a?", "a?[]", "a?[]/b?", "b?{}", "b?{}/a?", "c?/a?/b?"])
FIELDS = st.sampled_from(["a", "b", "c", "a?/c", "a?[]/c", "b?{}/c", "c?/a?/c"])
JSON = st.sampled_from([None, 0, 1, -1, 1.5, True, "", "A", "x", [], [1], {}, {"a": None}])
SWAPS = [dict(zip("ABC", order, strict=True)) for order in ("BCA", "BAC", "DAB", "BCD")]
PAIRS = [(one, other) for one in KINDS[:4] for other in KINDS[:4]] + [
    ("string", "uuid"),
    ("uuid", "bytes"),
    ("string", "timestamp"),
    ("timestamp", "millis"),
    ("seconds", "timestamp"),
    ("date", "string"),
    ("string", "bool"),
    ("int", "bool"),
    ("bytes", "string"),
]
FACTORS = st.sampled_from([1000, 0.01, "1/3", 2.5])
SCALES = st.tuples(st.sampled_from(KINDS[:4]), st.sampled_from(KINDS[:4]))


def of_field(name: str, paths: st.SearchStrategy[str], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({name: st.fixed_dictionaries({"field": paths, **more})})


OPERATIONS = st.one_of(
    st.sampled_from(
        [
            {"rename": {"a": "c"}},
            {"rename": {"b": "d", "a": "e"}},
            {"rename": {"a": "b", "b": "a"}},
            {"rename": {"a?[]/b?": "a?[]/d?"}},
            {"rename": {"a?/b?": "a?/d?"}},
            {"move": {"a?/a?": "d", "a?/b?": "e/f"}},
            {"move": {"a?/a?": "d", "b": "e/f"}},
            {"move": {"a": "d/a", "b": "d/b"}},
        ]
    ),
    of_field("enum", PATHS, map=st.sampled_from(SWAPS)),
    st.builds(
        lambda path, by, kinds: {"scale": {"field": path, "by": by, "from": kinds[0], "as": kinds[1]}},
        PATHS,
        FACTORS,
        SCALES,
    ),
    st.builds(
        lambda path, kinds: {"convert": {"field": path, "from": kinds[0], "as": kinds[1]}},
        PATHS,
        st.sampled_from(PAIRS),
    ),
    of_field("wrap", PATHS),
    of_field("unwrap", PATHS),
    of_field("fill", PATHS, value=JSON.filter(lambda value: value is not None)),
    of_field("set", FIELDS, value=JSON),
    of_field("drop", FIELDS, value=JSON),
)


NUMBERS_AS_TEXT = st.builds(str, st.one_of(st.integers(-999, 999), DECIMALS))
OF_KIND: Mapping[str, st.SearchStrategy[Any]] = {
    "int": st.one_of(st.integers(-3, 200_000), WHOLE),
    "float": st.one_of(st.floats(), st.integers(-(10**6), 10**6).map(lambda number: number / 8)),
    "decimal": DECIMALS,
    "string": st.one_of(
        NUMBERS_AS_TEXT,
        st.uuids().map(str),
        TIMES.map(lambda time: time.replace(tzinfo=None).isoformat() + "Z"),
        st.dates().map(str),
        TEXTS,
    ),
    "uuid": st.uuids(),
    "bytes": st.one_of(st.uuids().map(lambda value: value.bytes), st.text(max_size=5).map(str.encode)),
    "timestamp": st.one_of(TIMES, TIMES.map(lambda time: time.replace(microsecond=0))),
    "seconds": st.integers(-(10**10), 10**10),
    "millis": st.integers(-(10**13), 10**13),
    "micros": WHOLE,
    "date": st.dates(),
    "bool": st.booleans(),
}


@st.composite
def fitting(draw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An operation on a value, and an event with a value of that kind, of either side."""
    wanted = draw(st.sampled_from(["enum", "scale", "convert", "set", "drop", "fill"]))
    if wanted == "enum":
        return {"enum": {"field": "a", "map": draw(st.sampled_from(SWAPS))}}, {"a": draw(SYMBOLS), "key": 1}
    if wanted in {"set", "drop", "fill"}:
        value = draw(JSON.filter(lambda value: value is not None))
        return {wanted: {"field": "a", "value": value}}, {"a": draw(st.just(value) | LEAVES), "key": 1}
    kinds = draw(SCALES if wanted == "scale" else st.sampled_from(PAIRS))
    by = {"by": draw(FACTORS)} if wanted == "scale" else {}
    operation = {wanted: {"field": "a", "from": kinds[0], "as": kinds[1], **by}}
    return operation, {"a": draw(OF_KIND[draw(st.sampled_from(kinds))]), "key": 1}


CASES = st.one_of(st.tuples(OPERATIONS, EVENTS), fitting(), fitting())


def conversion(*up: Mapping[str, object], **more: object) -> Conversion:
    return load_conversion(json.dumps({"up": up, **more}))


def attempt(function: Any, event: Any) -> Any:
    try:
        return function(event)
    except Inconvertible as error:
        return error


@settings()
@given(CASES)
def test_whatever_goes_up_comes_down_as_it_was(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    operation, event = case
    converters = conversion(operation)
    given_event = deepcopy(event)
    newer = attempt(converters.up, event)
    assert are_same(event, given_event), "pure"
    if isinstance(newer, dict):
        assert are_same(attempt(converters.up, event), newer), "the same each time"
        assert are_same(_without_traces(operation, attempt(converters.down, newer)), _without_traces(operation, event))


@settings()
@given(CASES)
def test_whatever_comes_down_goes_up_as_it_was(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    operation, event = case
    assume(not _is_filled(operation) or _has_values(operation["fill"]["field"], event))
    converters = conversion(operation)
    given_event = deepcopy(event)
    older = attempt(converters.down, event)
    assert are_same(event, given_event), "pure"
    if isinstance(older, dict):
        assert are_same(_without_traces(operation, attempt(converters.up, older)), _without_traces(operation, event))


def _is_filled(operation: dict[str, Any]) -> bool:
    return "fill" in operation


def _has_values(path: str, event: dict[str, Any]) -> bool:
    """Whether the newer version could have written it: a field that null is filled in for is never null there."""
    try:
        return all(holder[key] is not None for holder, key, _ in find_holders(dict(event), parse_path(path)))
    except Inconvertible:
        return True


def _without_traces(operation: dict[str, Any], event: Any) -> Any:
    """What is absent and what is zero or null is one and the same to an operation that adds or takes away."""
    ((name, _),) = operation.items()
    return _thin(event) if name in {"set", "drop", "fill", "wrap", "unwrap", "move"} else event


def is_nan(value: Any) -> bool:
    return isinstance(value, float) and isnan(value)


def _thin(value: Any) -> Any:
    if isinstance(value, list):
        return [_thin(item) for item in value]
    if isinstance(value, dict):
        thin = {key: _thin(item) for key, item in value.items()}
        return {key: item for key, item in thin.items() if item or is_nan(item)}
    return value


@settings()
@given(st.lists(OPERATIONS, min_size=2, max_size=4), EVENTS)
def test_a_chain_is_what_its_steps_are(operations: list[dict[str, Any]], event: dict[str, Any]) -> None:
    whole, steps = conversion(*operations), [conversion(operation) for operation in operations]
    newer: Any = event
    for step in steps:
        newer = attempt(step.up, newer)
        if not isinstance(newer, dict):
            break
    made = attempt(whole.up, event)
    if isinstance(newer, dict):
        assert are_same(made, newer)
        older: Any = newer
        for step in reversed(steps):
            older = attempt(step.down, older)
            if not isinstance(older, dict):
                break
        back = attempt(whole.down, newer)
        assert are_same(back, older) if isinstance(older, dict) else isinstance(back, Inconvertible)
    else:
        assert isinstance(made, Inconvertible)
        assert (made.fact, made.path) == (newer.fact, newer.path)


@settings()
@given(WHOLE, st.sampled_from([0.01, 0.001, 100, "1/1000"]), st.sampled_from(["decimal", "string"]))
def test_scaled_numbers_are_exact(number: int, by: object, kind: str) -> None:
    converters = conversion({"scale": {"field": "n", "by": by, "as": kind}})
    made = converters.up({"n": number})
    assert converters.down(made) == {"n": number}
    factor = Decimal("0.001") if by == "1/1000" else Decimal(str(by))
    assert Decimal(made["n"]).compare(Decimal(number) * factor) == 0


@settings()
@given(TIMES)
def test_any_time_becomes_text_and_a_number_and_comes_back(time: datetime) -> None:
    for kind in ("string", "micros"):
        converters = conversion({"convert": {"field": "at", "from": "timestamp", "as": kind}})
        assert converters.down(converters.up({"at": time})) == {"at": time}


@given(SYMBOLS, st.permutations("ABCD"))
def test_symbols_that_change_places_always_come_back(symbol: str, order: list[str]) -> None:
    converters = conversion({"enum": {"field": "s", "map": dict(zip("ABCD", order, strict=True))}})
    assert converters.down(converters.up({"s": symbol})) == {"s": symbol}


@pytest.mark.parametrize(
    "operation", ["rename", "move", "enum", "scale", "convert", "wrap", "unwrap", "fill", "set", "drop"]
)
@given(key=VALUES)
@settings(20)
def test_what_is_not_named_is_untouched(operation: str, key: Any) -> None:
    rest: dict[str, Any] = {
        "rename": {"a": "b"}, "move": {"a": "d/a"}, "enum": {"field": "a", "map": {"x": "y"}},
        "scale": {"field": "a", "by": 2}, "convert": {"field": "a", "from": "string", "as": "int"},
        "wrap": {"field": "a"}, "unwrap": {"field": "a"}, "fill": {"field": "a", "value": 1},
        "set": {"field": "b", "value": 1}, "drop": {"field": "a", "value": 1},
    }  # fmt: skip
    start: dict[str, Any] = {"enum": "x", "convert": "1", "unwrap": [1], "fill": None}
    made = conversion({operation: rest[operation]}).up({"key": key, "a": start.get(operation, 1)})
    assert are_same(made["key"], key)
