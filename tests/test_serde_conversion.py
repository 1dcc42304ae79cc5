"""Converters by example: what comes up, what comes back, and what stops."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID

import pytest

from registry.serde.conversion import Conversion, Inconvertible, load_conversion

ID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


def conversion(*up: Mapping[str, object], **more: object) -> Conversion:
    return load_conversion(json.dumps({"up": up, **more}))


# Each operation, the older version and the newer one side by side

PAIRS: dict[str, tuple[dict[str, object], dict[str, Any], dict[str, Any]]] = {
    "a field has another name": (
        {"rename": {"customer": "customer_id"}},
        {"customer": "a", "n": 1},
        {"customer_id": "a", "n": 1},
    ),
    "two fields change their names": ({"rename": {"a": "b", "b": "a"}}, {"a": 1, "b": 2}, {"a": 2, "b": 1}),
    "a field of an inner record": (
        {"rename": {"author/name": "author/full_name"}},
        {"author": {"name": "Ada", "age": 36}},
        {"author": {"full_name": "Ada", "age": 36}},
    ),
    "the only field of an inner record": (
        {"rename": {"author/name": "author/full_name"}},
        {"author": {"name": "Ada"}},
        {"author": {"full_name": "Ada"}},
    ),
    "a field of each item": (
        {"rename": {"levels[]/delta": "levels[]/change"}},
        {"levels": [{"delta": 1}, {"delta": 2}]},
        {"levels": [{"change": 1}, {"change": 2}]},
    ),
    "a field of each value": (
        {"rename": {"prices{}/net": "prices{}/amount"}},
        {"prices": {"EUR": {"net": 1}}},
        {"prices": {"EUR": {"amount": 1}}},
    ),
    "nothing is renamed in what is null": (
        {"rename": {"author/name": "author/full_name"}},
        {"author": None},
        {"author": None},
    ),
    "fields become a record": (
        {"move": {"author_name": "author/name", "author_age": "author/age"}},
        {"author_name": "Ada", "author_age": 36},
        {"author": {"name": "Ada", "age": 36}},
    ),
    "a field joins a record": (
        {"move": {"email": "author/email"}},
        {"author": {"name": "Ada"}, "email": "a@b"},
        {"author": {"name": "Ada", "email": "a@b"}},
    ),
    "a record of a record is dissolved": (
        {"move": {"a/b/c": "c"}},
        {"a": {"b": {"c": 1}}, "d": 2},
        {"c": 1, "d": 2},
    ),
    "symbols have other names, the rest stay": (
        {"enum": {"field": "status", "map": {"OPEN": "PENDING"}}},
        {"status": "DONE"},
        {"status": "DONE"},
    ),
    "symbols of each item": (
        {"enum": {"field": "all[]", "map": {"OPEN": "PENDING"}}},
        {"all": ["OPEN", "DONE", None]},
        {"all": ["PENDING", "DONE", None]},
    ),
    "a number that Protobuf's enum does not know": (
        {"enum": {"field": "status", "map": {"OPEN": "PENDING"}}},
        {"status": 7},
        {"status": 7},
    ),
    "cents become an amount": (
        {"scale": {"field": "amount_cents", "to": "amount", "by": 0.01}},
        {"amount_cents": 1234},
        {"amount": Decimal("12.34")},
    ),
    "seconds become milliseconds": ({"scale": {"field": "t", "by": 1000}}, {"t": -3}, {"t": -3000}),
    "minutes become hours as text": (
        {"scale": {"field": "t", "by": "1/60", "as": "string", "places": 2}},
        {"t": 90},
        {"t": "1.50"},
    ),
    "cents become a float": (
        {"scale": {"field": "c", "by": 0.01, "as": "float"}},
        {"c": 1010},
        {"c": 10.1},
    ),
    "text becomes an int": ({"convert": {"field": "n", "from": "string", "as": "int"}}, {"n": "-42"}, {"n": -42}),
    "text becomes a UUID": ({"convert": {"field": "i", "from": "string", "as": "uuid"}}, {"i": ID}, {"i": UUID(ID)}),
    "a UUID becomes bytes": (
        {"convert": {"field": "i", "from": "uuid", "as": "bytes"}},
        {"i": UUID(ID)},
        {"i": UUID(ID).bytes},
    ),
    "text becomes a time": (
        {"convert": {"field": "at", "from": "string", "as": "timestamp"}},
        {"at": "2026-01-02T03:04:05.12Z"},
        {"at": datetime(2026, 1, 2, 3, 4, 5, 120_000, UTC)},
    ),
    "text with three places becomes a time": (
        {"convert": {"field": "at", "from": "string", "as": "timestamp", "places": 3}},
        {"at": "2026-01-02T03:04:05.120Z"},
        {"at": datetime(2026, 1, 2, 3, 4, 5, 120_000, UTC)},
    ),
    "seconds become a time": (
        {"convert": {"field": "at", "from": "seconds", "as": "timestamp"}},
        {"at": -1},
        {"at": datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)},
    ),
    "text becomes a date": (
        {"convert": {"field": "d", "from": "string", "as": "date"}},
        {"d": "2026-02-28"},
        {"d": date(2026, 2, 28)},
    ),
    "a number becomes a flag": ({"convert": {"field": "f", "from": "int", "as": "bool"}}, {"f": 1}, {"f": True}),
    "text becomes a flag": ({"convert": {"field": "f", "from": "string", "as": "bool"}}, {"f": "false"}, {"f": False}),
    "bytes become text": ({"convert": {"field": "b", "from": "bytes", "as": "string"}}, {"b": b"\xc3\xa9"}, {"b": "é"}),
    "one value becomes several": ({"wrap": {"field": "tag", "to": "tags"}}, {"tag": "x"}, {"tags": ["x"]}),
    "null becomes none at all": ({"wrap": {"field": "tag", "to": "tags"}}, {"tag": None}, {"tags": []}),
    "several values become one": ({"unwrap": {"field": "tags", "to": "tag"}}, {"tags": ["x"]}, {"tag": "x"}),
    "null is filled in": ({"fill": {"field": "n", "value": -1}}, {"n": None}, {"n": -1}),
    "what is no null stays": ({"fill": {"field": "n", "value": -1}}, {"n": 1}, {"n": 1}),
    "a new field": ({"set": {"field": "currency", "value": "EUR", "because": "v1 was"}}, {}, {"currency": "EUR"}),
    "a new field of each item": (
        {"set": {"field": "lines[]/unit", "value": None}},
        {"lines": [{"n": 1}, {"n": 2}]},
        {"lines": [{"n": 1, "unit": None}, {"n": 2, "unit": None}]},
    ),
    "a new field that JSON has no value for": (
        {"set": {"field": "price", "value": "0.10", "as": "decimal"}},
        {},
        {"price": Decimal("0.1")},
    ),
    "a field that only one branch of a union has": (
        {"rename": {"body?/headline?": "body?/title?"}},
        {"body": {"url": "u"}},
        {"body": {"url": "u"}},
    ),
    "a record that is only one branch of a union": (
        {"enum": {"field": "body?/kind", "to": "body?/sort", "map": {"A": "B"}}},
        {"body": "text"},
        {"body": "text"},
    ),
    "the branch that it is about": (
        {"enum": {"field": "body?/kind", "to": "body?/sort", "map": {"A": "B"}}},
        {"body": {"kind": "A"}},
        {"body": {"sort": "B"}},
    ),
    "items of what may be no array": ({"enum": {"field": "c?[]", "map": {"A": "B"}}}, {"c": "A"}, {"c": "A"}),
    "an old field": ({"drop": {"field": "legacy", "value": False}}, {"legacy": False, "n": 1}, {"n": 1}),
}


@pytest.mark.parametrize(("operation", "older", "newer"), PAIRS.values(), ids=PAIRS)
def test_an_event_comes_up_and_comes_back(
    operation: dict[str, object], older: dict[str, Any], newer: dict[str, Any]
) -> None:
    converters = conversion(operation)
    before = json.dumps(older, default=str)
    assert converters.up(older) == newer
    assert repr(converters.down(newer)) == repr(converters.down(converters.up(older)))
    assert converters.down(newer) == older
    assert json.dumps(older, default=str) == before, "what is given stays as it was"


def test_operations_follow_each_other() -> None:
    converters = conversion(
        {"rename": {"customer": "customer_id"}},
        {"enum": {"field": "status", "map": {"OPEN": "PENDING", "DONE": "COMPLETED"}}},
        {"scale": {"field": "amount_cents", "to": "amount", "by": 0.01}},
        {"set": {"field": "currency", "value": "EUR"}},
        down="derived",
    )
    older = {"key": "k", "customer": "a", "status": "OPEN", "amount_cents": 1234}
    newer = {"key": "k", "customer_id": "a", "status": "PENDING", "amount": Decimal("12.34"), "currency": "EUR"}
    assert converters.up(older) == newer
    assert converters.down(newer) == older
    assert converters.older == {"customer", "status", "amount_cents"}
    assert converters.newer == {"customer_id", "status", "amount", "currency"}


def test_a_tombstone_is_a_tombstone_in_any_version() -> None:
    converters = conversion({"set": {"field": "a", "value": 1}}, down="none")
    assert converters.up(None) is None
    assert converters.down(None) is None


def test_nothing_is_shared_between_events() -> None:
    converters = conversion({"set": {"field": "tags", "value": []}})
    first, second = converters.up({}), converters.up({})
    first["tags"].append(1)
    assert second == {"tags": []}


def test_what_is_given_stays_as_it_was_also_deep_inside() -> None:
    item = {"delta": 1, "unit": {"name": "kg"}}
    given = {"levels": [item], "other": {"a": 1}}
    made = conversion(
        {"rename": {"levels[]/delta": "levels[]/change"}}, {"set": {"field": "levels[]/unit/si", "value": True}}
    ).up(given)
    assert made == {"levels": [{"change": 1, "unit": {"name": "kg", "si": True}}], "other": {"a": 1}}
    assert given == {"levels": [{"delta": 1, "unit": {"name": "kg"}}], "other": {"a": 1}}


def test_the_decimal_context_of_the_caller_rounds_nothing() -> None:
    with localcontext() as context:
        context.prec = 3
        converters = conversion({"scale": {"field": "n", "by": 0.01}})
        assert converters.up({"n": 123_456_789}) == {"n": Decimal("1234567.89")}
        assert converters.down({"n": Decimal("1234567.89")}) == {"n": 123_456_789}


# What does not come back stops


STOPS: dict[str, tuple[dict[str, object], dict[str, Any], str]] = {
    "set": ({"set": {"field": "c", "value": "EUR"}}, {"c": "USD"}, "'USD' is not 'EUR', which is all that the other"),
    "set, true is not 1": ({"set": {"field": "c", "value": 1}}, {"c": True}, "True is not 1"),
    "set, absent": ({"set": {"field": "c", "value": "EUR"}}, {}, "there is no field 'c'"),
    "an absent field": ({"enum": {"field": "c", "map": {"A": "B"}}}, {"C": "A"}, "there is no field 'c'"),
    "an absent field that had another name": ({"rename": {"b": "c"}}, {}, "there is no field 'c'"),
    "a field of what is no record": ({"enum": {"field": "c/d", "map": {"A": "B"}}}, {"c": "A"}, "'A' is no record"),
    "items of what is no array": ({"enum": {"field": "c[]", "map": {"A": "B"}}}, {"c": "A"}, "'A' is no array"),
    "values of what is no map": ({"enum": {"field": "c{}", "map": {"A": "B"}}}, {"c": ["A"]}, "['A'] is no map"),
    "a move out of no record": ({"move": {"d": "c/d"}}, {"c": 1}, "1 is no record"),
    "enum": ({"enum": {"field": "c", "map": {"A": "B"}}}, {"c": "A"}, "A would look like the older A, which is B now"),
    "enum, no symbol": ({"enum": {"field": "c", "map": {"A": "B"}}}, {"c": b"A"}, "b'A' is no symbol of an enum"),
    "scale": ({"scale": {"field": "c", "by": 0.01}}, {"c": Decimal("0.001")}, "0.1 is no whole number"),
    "scale, bool": ({"scale": {"field": "c", "by": 2}}, {"c": True}, "True is no int"),
    "scale, odd": ({"scale": {"field": "c", "by": 2}}, {"c": 3}, "1.5 is no whole number"),
    "scale, NaN": ({"scale": {"field": "c", "by": 2, "as": "float"}}, {"c": float("nan")}, "NaN is no finite number"),
    "scale, huge": (
        {"scale": {"field": "c", "by": 0.1}},
        {"c": Decimal("1e999999999")},
        "1E+999999999 is beyond what converters count with",
    ),
    "convert": (
        {"convert": {"field": "c", "from": "int", "as": "string"}},
        {"c": "007"},
        "'007' would come back as another string",
    ),
    "convert, minus zero": (
        {"convert": {"field": "c", "from": "int", "as": "float"}},
        {"c": -0.0},
        "-0.0 would come back as another float",
    ),
    "convert, time": (
        {"convert": {"field": "c", "from": "timestamp", "as": "string"}},
        {"c": "2026-01-02T03:04:05"},
        "'2026-01-02T03:04:05' is no timestamp of ISO 8601 with a time zone",
    ),
    "convert, micros": (
        {"convert": {"field": "c", "from": "millis", "as": "timestamp"}},
        {"c": datetime(2026, 1, 2, 0, 0, 0, 1, UTC)},
        "2026-01-02 00:00:00.000001+00:00 is no whole number of milliseconds",
    ),
    "convert, year 10000": (
        {"convert": {"field": "c", "from": "timestamp", "as": "seconds"}},
        {"c": 10**15},
        "1000000000000000 seconds are beyond the years 1 to 9999",
    ),
    "wrap": ({"wrap": {"field": "c"}}, {"c": [1, 2]}, "an array of 2 items is no single value"),
    "wrap, null": ({"wrap": {"field": "c"}}, {"c": [None]}, "null is no item"),
    "wrap, no array": ({"wrap": {"field": "c"}}, {"c": "xy"}, "'xy' is no array"),
    "rename": ({"rename": {"a": "c"}}, {"a": 1, "c": 2}, "there is a field 'a' already"),
    "rename of what may lack": ({"rename": {"a?": "c"}}, {"a": 1}, "there is a field 'a' already"),
    "drop": ({"drop": {"field": "c", "value": 0}}, {"c": 2}, "there is a field 'c' already"),
}


@pytest.mark.parametrize(("operation", "newer", "fact"), STOPS.values(), ids=STOPS)
def test_what_the_older_version_cannot_express_stops(
    operation: dict[str, object], newer: dict[str, Any], fact: str
) -> None:
    with pytest.raises(Inconvertible) as caught:
        conversion(operation).down(newer)
    assert fact in caught.value.fact
    assert caught.value.then == "hold"
    assert caught.value.path in {"/c", "/a"}


def test_what_would_not_come_back_does_not_go_up_either() -> None:
    with pytest.raises(Inconvertible, match="PENDING would look like OPEN, which becomes PENDING at /status"):
        conversion({"enum": {"field": "status", "map": {"OPEN": "PENDING"}}}).up({"status": "PENDING"})
    with pytest.raises(Inconvertible, match="-1 would look like null"):
        conversion({"fill": {"field": "n", "value": -1}}).up({"n": -1})
    with pytest.raises(Inconvertible, match="True is not False"):
        conversion({"drop": {"field": "legacy", "value": False}}).up({"legacy": True})
    with pytest.raises(Inconvertible, match="would come back as another"):
        conversion({"convert": {"field": "n", "from": "string", "as": "int"}}).up({"n": "007"})


def test_an_error_names_the_place() -> None:
    converters = conversion({"scale": {"field": "a[]/b{}/c", "by": 0.01}})
    with pytest.raises(Inconvertible, match="'x' is no int") as caught:
        converters.up({"a": [{"b": {}}, {"b": {'k"': {"c": 1}, "l": {"c": "x"}}}]})
    assert caught.value.path == '/a[1]/b{"l"}/c'


def test_what_a_field_moves_into_must_be_a_record() -> None:
    with pytest.raises(Inconvertible, match="there is no record that could hold 'name' at /author"):
        conversion({"move": {"author_name": "author/name"}}).up({"author_name": "Ada", "author": None})


def test_an_event_is_a_mapping() -> None:
    with pytest.raises(Inconvertible, match="3 is no event with fields"):
        conversion().up(3)
