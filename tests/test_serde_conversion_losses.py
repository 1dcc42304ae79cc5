"""What a document of converters declares beside its operations: losses, cases, and the way back."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from registry.serde.conversion import Conversion, Inconvertible, load_conversion

ID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


def conversion(*up: Mapping[str, object], **more: object) -> Conversion:
    return load_conversion(json.dumps({"up": up, **more}))


def lossy(**fields: str) -> dict[str, object]:
    return {way: [{"field": field}] for way, field in fields.items()}


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
        ({"c": None}, {"c": None}, {"c": 0}),
        ({"c?": 1}, {"c": 1}, {}),
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
