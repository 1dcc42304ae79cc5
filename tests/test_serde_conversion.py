"""Converters by example: what comes up, what comes back, and what is told of a document that makes no sense."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID

import pytest

from registry.serde.conversion import BadConversion, Conversion, Inconvertible, load_conversion

ID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


def conversion(*up: Mapping[str, object], **more: object) -> Conversion:
    return load_conversion(json.dumps({"up": up, **more}))


def lossy(**fields: str) -> dict[str, object]:
    return {way: [{"field": field}] for way, field in fields.items()}


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
    "set, absent": ({"set": {"field": "c", "value": "EUR"}}, {}, "nothing is not 'EUR'"),
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


# Declared losses


def test_a_declared_loss_drops_a_field_that_no_operation_names() -> None:
    converters = conversion(loss=lossy(down="loyalty_tier", up="legacy"))
    assert converters.down({"a": 1, "loyalty_tier": "GOLD"}) == {"a": 1}
    assert converters.up({"a": 1, "legacy": True}) == {"a": 1}


def test_a_declared_loss_of_a_new_field_drops_whatever_it_says() -> None:
    converters = conversion({"set": {"field": "c", "value": "EUR"}}, loss=lossy(down="c"))
    assert converters.down({"c": "USD"}) == {}


def test_a_declared_loss_rounds_half_to_even() -> None:
    converters = conversion({"scale": {"field": "cents", "to": "amount", "by": 0.01}}, loss=lossy(down="amount"))
    assert converters.down({"amount": Decimal("0.125")}) == {"cents": 12}
    assert converters.down({"amount": Decimal("0.135")}) == {"cents": 14}


def test_a_declared_loss_lets_symbols_become_one() -> None:
    symbols = {"enum": {"field": "s", "map": {"DONE": "COMPLETED", "SHIPPED": "COMPLETED"}}}
    converters = conversion(symbols, loss=lossy(up="s"))
    assert converters.up({"s": "SHIPPED"}) == {"s": "COMPLETED"}
    assert converters.down({"s": "COMPLETED"}) == {"s": "DONE"}


def test_a_declared_loss_takes_the_first_of_several() -> None:
    converters = conversion({"wrap": {"field": "tag", "to": "tags"}}, loss=lossy(down="tags"))
    assert converters.down({"tags": ["x", "y"]}) == {"tag": "x"}


def test_a_declared_loss_reads_time_in_any_zone() -> None:
    up = {"convert": {"field": "at", "from": "string", "as": "timestamp"}}
    made = conversion(up, loss=lossy(up="at")).up({"at": "2026-01-02T03:04:05+01:00"})
    assert made == {"at": datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)}


# What the other version cannot express, as declared


def case(when: object, **more: object) -> dict[str, object]:
    return {"down": [{"when": when, **more}]}


@pytest.mark.parametrize(
    ("when", "fits", "other"),
    [
        ({"c": "USD"}, {"c": "USD"}, {"c": "EUR"}),
        ({"c": {"not": "EUR"}}, {"c": "USD"}, {"c": "EUR"}),
        ({"c": {"not": None}}, {"c": "USD"}, {"c": None}),
        ({"c": {"not": ["EUR", "CHF"]}}, {"c": "USD"}, {"c": "CHF"}),
        ({"c": {"in": ["USD", 3]}}, {"c": 3}, {"c": True}),
        ({"c": {"above": 1, "below": 2.5}}, {"c": Decimal("2.4")}, {"c": 2.5}),
        ({"c": {"above": 1}}, {"c": 2}, {"c": "2"}),
        ({"c": 0.1}, {"c": 0.1}, {"c": 0.2}),
        ({"c": ID}, {"c": UUID(ID)}, {"c": UUID(int=1)}),
        ({"c": 1, "d": 2}, {"c": 1, "d": 2}, {"c": 1, "d": 3}),
        ({"c[]": 1}, {"c": [0, 1]}, {"c": [0, 2]}),
        ({"c": None}, {}, {"c": 0}),
    ],
)
def test_a_case_fits_or_does_not(when: object, fits: dict[str, Any], other: dict[str, Any]) -> None:
    converters = conversion(unrepresentable=case(when, then="dead-letter"))
    assert converters.down(other) == other
    assert converters.up(fits) == fits
    with pytest.raises(Inconvertible) as caught:
        converters.down(fits)
    assert caught.value.then == "dead-letter"
    assert caught.value.of("Event v2").then == "dead-letter"


def test_a_case_holds_where_nothing_else_is_said() -> None:
    with pytest.raises(Inconvertible, match="the other version cannot express 'USD' at /c") as caught:
        conversion(unrepresentable=case({"c": "USD"})).down({"c": "USD"})
    assert caught.value.then == "hold"


def test_a_substitute_stands_in_before_the_operations() -> None:
    converters = conversion(
        {"enum": {"field": "s", "map": {"DONE": "COMPLETED"}}},
        unrepresentable=case({"s": "ARCHIVED"}, then="substitute", **{"with": {"s": "COMPLETED"}}),
    )
    given = {"s": "ARCHIVED"}
    assert converters.down(given) == {"s": "DONE"}
    assert given == {"s": "ARCHIVED"}


def test_of_many_items_only_those_that_fit_are_substituted() -> None:
    substitute = {"then": "substitute", "with": {"l[]/s": "B"}}
    converters = conversion(unrepresentable={"down": [{"when": {"l[]/s": "A"}, **substitute}]})
    assert converters.down({"l": [{"s": "A"}, {"s": "C"}]}) == {"l": [{"s": "B"}, {"s": "C"}]}


# The way back


def test_a_way_back_of_its_own() -> None:
    converters = conversion(
        {"enum": {"field": "s", "map": {"A": "B"}}},
        down=[{"rename": {"x": "y"}}, {"set": {"field": "z", "value": 1}}],
    )
    assert converters.up({"s": "A"}) == {"s": "B"}
    assert converters.down({"s": "B", "x": 2}) == {"s": "B", "y": 2, "z": 1}
    assert converters.older == {"s", "y", "z"}


def test_no_way_back() -> None:
    with pytest.raises(Inconvertible, match="no way back to the older version is declared"):
        conversion(down="none").down({})


# Documents that make no sense


MISTAKES: dict[str, tuple[object, str, str]] = {
    "nothing": (None, "the document is empty", ""),
    "a list": ([], "[] stands where a mapping is wanted", ""),
    "no up": ({"down": "derived"}, "'up' is missing", ""),
    "an unknown part": ({"up": [], "dwon": []}, "unknown key 'dwon'", "/dwon"),
    "an unknown way back": ({"up": [], "down": "inverse"}, "'inverse' is none of derived, none", "/down"),
    "a way back that is no list": ({"up": [], "down": {}}, "`down` is derived, none or a list", "/down"),
    "an unknown operation": ({"up": [{"renam": {"a": "b"}}]}, "'renam' is none of convert, drop", "/up/0/renam"),
    "two operations in one": (
        {"up": [{"rename": {"a": "b"}, "set": {}}]},
        "rename and set stand in one operation",
        "/up/0",
    ),
    "an operation without a field": ({"up": [{"set": {"value": 1}}]}, "'field' is missing", "/up/0/set"),
    "a path that is none": (
        {"up": [{"rename": {"a b": "c"}}]},
        "'a b' is no path of fields, such as author/name or levels[]/delta",
        "/up/0/rename/a b",
    ),
    "a rename into another record": (
        {"up": [{"rename": {"a/b": "b"}}]},
        "b stands in another record than a/b",
        "/up/0/rename/a~1b",
    ),
    "a rename of items": ({"up": [{"rename": {"a[]": "b[]"}}]}, "what is moved must be a field", "/up/0/rename/a[]"),
    "a move out of an item": (
        {"up": [{"move": {"a[]/b": "b"}}]},
        "b stands in other items than a[]/b",
        "/up/0/move/a[]~1b",
    ),
    "two renames to one name": ({"up": [{"rename": {"a": "c", "b": "c"}}]}, "c stands there twice", "/up/0/rename"),
    "two symbols that become one": (
        {"up": [{"enum": {"field": "s", "map": {"A": "C", "B": "C"}}}]},
        "A and B both become C",
        "/up/0/enum/map/B",
    ),
    "a factor of zero": (
        {"up": [{"scale": {"field": "a", "by": 0}}]},
        "a factor of 0 cannot be undone",
        "/up/0/scale/by",
    ),
    "a factor below zero": (
        {"up": [{"scale": {"field": "a", "by": -1}}]},
        "'-1' is no factor above 0, such as 0.01, 1000 or 1/60",
        "/up/0/scale/by",
    ),
    "a factor over zero": ({"up": [{"scale": {"field": "a", "by": "1/0"}}]}, "'1/0' is no factor", "/up/0/scale/by"),
    "a scale of dates": (
        {"up": [{"scale": {"field": "a", "by": 2, "from": "date"}}]},
        "date or int is no number",
        "/up/0/scale",
    ),
    "a conversion without meaning": (
        {"up": [{"convert": {"field": "a", "from": "date", "as": "uuid"}}]},
        "no date can become uuid",
        "/up/0/convert",
    ),
    "an unknown kind": (
        {"up": [{"convert": {"field": "a", "from": "text", "as": "int"}}]},
        "'text' is none of bool, bytes, date",
        "/up/0/convert/from",
    ),
    "too many places": (
        {"up": [{"convert": {"field": "a", "from": "decimal", "as": "string", "places": 1.5}}]},
        "places are digits after the point, 0 to 100",
        "/up/0/convert/places",
    ),
    "null for null": ({"up": [{"fill": {"field": "a", "value": None}}]}, "null cannot fill in", "/up/0/fill/value"),
    "a value that is no decimal": (
        {"up": [{"set": {"field": "a", "value": "ten", "as": "decimal"}}]},
        "'ten' is no number written as text",
        "/up/0/set/value",
    ),
    "a loss without a field": ({"up": [], "loss": {"down": [{}]}}, "an empty mapping stands", "/loss/down/0"),
    "a loss of items": (
        {"up": [], "loss": {"down": [{"field": "a[]"}]}},
        "a[] is no field, but the items of one",
        "/loss/down/0/field",
    ),
    "an unknown direction": ({"up": [], "loss": {"sideways": []}}, "unknown key 'sideways'", "/loss/sideways"),
    "an unknown consequence": (
        {"up": [], "unrepresentable": {"down": [{"when": {"a": 1}, "then": "skip"}]}},
        "'skip' is none of dead-letter, hold, substitute",
        "/unrepresentable/down/0/then",
    ),
    "a substitute without a value": (
        {"up": [], "unrepresentable": {"down": [{"when": {"a": 1}, "then": "substitute"}]}},
        "'substitute' and 'with' stand together",
        "/unrepresentable/down/0",
    ),
    "a substitute of nobody knows which": (
        {"up": [], "unrepresentable": {"down": [{"when": {"a": 1}, "then": "substitute", "with": {"b[]": 1}}]}},
        "b[] is one of many, and 'when' does not say which of them",
        "/unrepresentable/down/0/with/b[]",
    ),
    "an unknown test": (
        {"up": [], "unrepresentable": {"down": [{"when": {"a": {"like": "x"}}}]}},
        "'like' is none of above, below, in, not",
        "/unrepresentable/down/0/when/a/like",
    ),
    "a limit that is no number": (
        {"up": [], "unrepresentable": {"down": [{"when": {"a": {"above": "x"}}}]}},
        "a limit is a number",
        "/unrepresentable/down/0/when/a/above",
    ),
}


@pytest.mark.parametrize(("document", "fact", "pointer"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_where_it_stands(document: object, fact: str, pointer: str) -> None:
    with pytest.raises(BadConversion) as caught:
        load_conversion(json.dumps(document))
    assert caught.value.fact.startswith(fact)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "the document is no JSON"),
        ("{", "the document is no JSON"),
        ("[" * 100_000, "the document nests too deep"),
        ('{"up": [], "up": []}', "key 'up' stands there twice"),
        ('{"up": [{"set": {"field": "a", "value": NaN}}]}', "NaN is no number of JSON"),
        ('{"up": [{"set": {"field": "a", "value": ' + "9" * 5000 + "}}]}", "the document is no JSON"),
        ('{"up": [{"set": {"field": "a", "value": ' + "[" * 200 + "]" * 200 + "}}]}", "the value nests deeper"),
        ('{"up": [{"scale": {"field": "a", "by": 1e999999999}}]}', "'1E+999999999' is no factor above 0"),
        ('{"up": [{"rename": {"' + "a/" * 40 + 'a": "b"}}]}', "the path has more than 32 steps"),
    ],
)
def test_a_text_that_is_no_document_is_refused(text: str, fact: str) -> None:
    with pytest.raises(BadConversion) as caught:
        load_conversion(text)
    assert caught.value.fact.startswith(fact)


def test_a_slip_of_the_pen_is_guessed() -> None:
    with pytest.raises(BadConversion) as caught:
        conversion({"renmae": {"a": "b"}})
    assert caught.value.help == "did you mean rename?"
