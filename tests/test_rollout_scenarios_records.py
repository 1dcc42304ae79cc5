"""Real records of several versions: replayed, redriven, and one that the old version cannot express."""

import json
from collections.abc import Iterator

import pytest
import serde_orders as orders

from registry import serde
from registry.rollout.outcome import Exit
from registry.serde.errors import Unrepresentable
from tests.rollout_world import World, blockers, explain, make_switched

HEAD = (
    {"name": "correlation_id", "type": "string"},
    {"name": "schema_version", "type": "int"},
    {"name": "order_id", "type": "string"},
)
FIELDS = {
    1: ({"name": "customer", "type": "string"}, {"name": "amount_cents", "type": "long"}),
    2: (
        {"name": "customer", "type": "string"},
        {"name": "amount_cents", "type": "long"},
        {"name": "note", "type": "string", "default": ""},
    ),
    3: (
        {"name": "customer_id", "type": "string"},
        {"name": "amount_cents", "type": "long"},
        {"name": "note", "type": "string", "default": ""},
    ),
    4: (
        {"name": "customer_id", "type": "string"},
        {"name": "amount_cents", "type": "long"},
        {"name": "currency", "type": "string"},
        {"name": "note", "type": "string", "default": ""},
    ),
    5: (
        {"name": "customer_id", "type": "string"},
        {"name": "amount_cents", "type": "long"},
        {"name": "currency", "type": "string"},
        {"name": "note", "type": "string", "default": ""},
        {"name": "gift", "type": "boolean", "default": False},
    ),
}
"""Five versions of one event: a field more, a field renamed, a field that only a converter can fill, a field more."""
UPGRADES = {
    3: {"up": [{"rename": {"customer": "customer_id"}}], "down": "derived"},
    4: {
        "up": [{"set": {"field": "currency", "value": "EUR", "because": "version 3 was EUR only"}}],
        "down": "derived",
        "unrepresentable": {"down": [{"when": {"currency": {"not": "EUR"}}, "then": "hold"}]},
    },
}


def version(number: int) -> serde.BundledVersion:
    record = {"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [*HEAD, *FIELDS[number]]}
    upgrade = json.dumps(UPGRADES[number]) if number in UPGRADES else ""
    return orders.version(number, plain=True, text=json.dumps(record), upgrade=upgrade)


def bundle(*reads: int) -> serde.Bundle:
    versions = [version(number) for number in FIELDS]
    return orders.bundle(*versions, reads=reads or tuple(FIELDS), writes=tuple(FIELDS))


def write(number: int, order_id: str, currency: str = "EUR") -> bytes:
    """An order as a build wrote it while version ``number`` was active."""
    event: dict[str, object] = {"order_id": order_id, "amount_cents": 1250}
    event["customer" if number < 3 else "customer_id"] = "c-1"
    event |= {"note": "later"} if number >= 2 else {}
    event |= {"currency": currency} if number >= 4 else {}
    event |= {"gift": True} if number >= 5 else {}
    value, _ = serde.Serde(bundle(), active=number).encode(event, orders.meta())
    return value


def replay(values: list[bytes], read_as: int) -> Iterator[dict[str, object]]:
    reader = serde.Serde(bundle())
    for value in values:
        event, _ = reader.decode(value, read_as=read_as)
        yield {name: event[name] for name in event if name not in ("correlation_id", "schema_version")}


def test_s14_a_replay_of_five_versions_in_any_order_equals_the_golden_state() -> None:
    written = [write(number, f"o-{number}-{turn}") for turn in range(2) for number in (1, 3, 2, 5, 4)]
    state = {str(event["order_id"]): event for event in replay(written, 5)}
    golden = {
        "customer_id": "c-1",
        "amount_cents": 1250,
        "currency": "EUR",
    }
    for number in FIELDS:
        for turn in range(2):
            note, gift = ("later" if number > 1 else ""), number == 5
            assert state[f"o-{number}-{turn}"] == {
                "order_id": f"o-{number}-{turn}",
                **golden,
                "note": note,
                "gift": gift,
            }


def test_s14_while_old_records_lie_in_a_log_that_is_replayed_they_are_never_retired() -> None:
    world = make_switched(World())
    world.demand("contract")
    world.roll("content-api", 2)
    world.live(world.environment.quiet + 20)
    world.demand("retire_write")
    outcome = world.run("retire_read")
    assert outcome.exit_code is Exit.NO, explain(outcome)
    assert all(name.startswith("G5") for name in blockers(outcome))


def test_s16_a_record_that_the_old_version_cannot_express_is_an_error_and_nothing_is_invented() -> None:
    (euros,) = replay([write(5, "o-1")], 3)
    assert euros["customer_id"] == "c-1"
    with pytest.raises(Unrepresentable) as caught:
        list(replay([write(5, "o-2", currency="USD")], 3))
    assert "currency" in str(caught.value)
