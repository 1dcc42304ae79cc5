"""The events that laws are asked of: varied enough, the same each time; and how a counterexample becomes small."""

import json
from collections.abc import Callable
from math import isnan
from typing import Any

import pytest

from registry.laws.law import LAWS, Passage, see
from registry.laws.places import find_differences, find_places, put
from registry.laws.shrinking import shrink
from registry.laws.values import find_events, find_words, parse_paths
from registry.laws.ways import Arrival, Way
from tests.laws_orders import AMOUNT, UP, avro, enum, field, proto, side, step_of

LINE = {
    "type": "record",
    "name": "Line",
    "fields": [
        field("sku", "string"),
        field("price", ["null", "long"]),
        field("kind", {"type": "enum", "name": "K", "symbols": ["A", "B", "C", "D"]}),
    ],
}
WHO = {"type": "record", "name": "Who", "fields": [field("name", "string"), field("mail", ["null", "string"])]}
OLDER = avro(
    field("customer", "string"),
    field("status", enum("OPEN", "DONE", "HELD")),
    field("amount_cents", "long"),
    field("lines", {"type": "array", "items": LINE}),
    field("who", ["null", WHO]),
    field("tags", {"type": "map", "values": "string"}),
    field("at", {"type": "long", "logicalType": "timestamp-micros"}),
    field("rate", "double"),
    field("note", ["null", "string"]),
    field("raw", "bytes"),
)
NEWER = avro(
    field("customer_id", "string"),
    field("status", enum("PENDING", "COMPLETED", "HELD", "LOST")),
    field("amount", AMOUNT),
    field("currency", "string"),
    field("lines", {"type": "array", "items": json.loads(json.dumps(LINE).replace("sku", "item"))}),
    field("who", ["null", WHO]),
    field("tags", {"type": "map", "values": "string"}),
    field("at", "string"),
    field("rate", "double"),
    field("notes", {"type": "array", "items": "string"}),
    field("raw", "bytes"),
)
OWN = ("customer", "status", "amount_cents", "lines", "who", "tags", "at", "rate", "note", "raw")
DOCUMENT = f"""{UP}\
  - rename:  {{"lines[]/sku": "lines[]/item"}}
  - convert: {{field: at, from: timestamp, as: string}}
  - wrap:    {{field: note, to: notes}}
"""


def change(name: str, applies: Callable[[Any], bool], to: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A mistake about some values of one field, wherever it stands."""

    def mistake(event: Any) -> Any:
        for place, value in find_places(event, items=99):
            if place[-1] == name and applies(value):
                return put(event, place, to(value))
        return event

    return mistake


MISTAKES = {
    "an empty text": change("customer", lambda text: text == "", lambda _: "?"),
    "a long text": change("customer", lambda text: len(text) > 100, lambda text: text[:100]),
    "a NUL in a text": change("customer", lambda text: "\0" in text, lambda text: text.replace("\0", "")),
    "an emoji": change("customer", lambda text: any(ord(sign) > 0xFFFF for sign in text), lambda _: ""),
    "the last symbol": change("status", lambda symbol: symbol == "HELD", lambda _: "OPEN"),
    "beyond 53 bits": change("amount_cents", lambda cents: abs(cents) > 2**53, lambda cents: cents // 2),
    "below zero": change("amount_cents", lambda cents: cents < 0, lambda _: 0),
    "an ordinary amount": change("amount_cents", lambda cents: cents == 1999, lambda _: 1998),
    "null as zero": change("price", lambda price: price is None, lambda _: 0),
    "zero as null": change("price", lambda price: price == 0, lambda _: None),
    "a second item": change("lines", lambda lines: len(lines) == 2, lambda lines: lines[:1]),
    "many items": change("lines", lambda lines: len(lines) > 10, lambda lines: lines[:10]),
    "no items": change("tags", lambda tags: not tags, lambda _: {"a": "a"}),
    "two entries": change("tags", lambda tags: len(tags) == 2, lambda _: {}),
    "a symbol of an item": change("kind", lambda symbol: symbol == "C", lambda _: "B"),
    "a record that is null": change("who", lambda who: who is None, lambda _: {"name": "", "mail": None}),
    "a null in a record": change("mail", lambda mail: mail is None, lambda _: ""),
    "an empty text for null": change("note", lambda note: note == "", lambda _: None),
    "microseconds": change("at", lambda at: at.microsecond % 1000, lambda at: at.replace(microsecond=0)),
    "before 1970": change("at", lambda at: at.year < 1970, lambda at: at.replace(year=1970)),
    "no number": change("rate", isnan, lambda _: 0.0),
    "minus zero": change("rate", lambda rate: repr(rate) == "-0.0", lambda _: 0.0),
    "infinity": change("rate", lambda rate: rate == float("inf"), lambda _: 0.0),
    "bytes that are no text": change("raw", lambda raw: raw == b"\xff", lambda _: b""),
    "no bytes": change("raw", lambda raw: raw == b"", lambda _: b"a"),
    "two fields together": lambda event: {**event, "status": "OPEN"} if not event["who"] and event["note"] else event,
    "two others together": lambda event: (
        {**event, "note": "x"} if len(event["lines"]) > 1 and not event["note"] else event
    ),
}


class Mistaken:
    """A way that makes a mistake before it does what is right."""

    def __init__(self, way: Way, mistake: Callable[[Any], Any]) -> None:
        self.source, self.target = way.source, way.target
        self._way, self._mistake = way, mistake

    def go(self, event: Any) -> Arrival:
        return self._way.go(self._mistake(event))

    def replaces(self, event: Any) -> bool:
        return False


@pytest.fixture(scope="module")
def step() -> Any:
    made = step_of(DOCUMENT, OLDER, NEWER)
    assert made.flaws == []
    return made


@pytest.fixture(scope="module")
def events(step: Any) -> list[Any]:
    """As many as `contracts check` tries."""
    named = parse_paths(sorted(step.find_named("up")))
    return find_events(step.passages[0].there, 300, named, find_words(step.words))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_about_certain_values_is_found_among_300_events(step: Any, events: list[Any], name: str) -> None:
    up, down = step.passages
    law = LAWS["back"]
    assert law.find is not None
    passage = Passage("up", Mistaken(up.there, MISTAKES[name]), down.there)
    assert any(law.find(see(passage, event)) is not None for event in events), name


def test_most_of_the_events_come_through_and_none_is_there_twice(step: Any, events: list[Any]) -> None:
    way = step.passages[0].there
    through = sum(way.go(event).failure is None for event in events)
    assert len(events) == 300 and through > 270
    assert len({way.source.write(event) for event in events}) == 300


def test_each_field_alone_is_varied(step: Any, events: list[Any]) -> None:
    """For each field there are events that differ in nothing else."""
    for name in OWN:
        others = [repr({key: value for key, value in event.items() if key != name}) for event in events]
        most_alike = max(others.count(other) for other in others)
        assert most_alike >= 3, name
        if name in ("customer", "amount_cents", "status"):
            assert most_alike >= {"customer": 9, "amount_cents": 9, "status": 3}[name]


def test_they_are_the_same_each_time_and_the_small_ones_come_first(step: Any, events: list[Any]) -> None:
    named = parse_paths(sorted(step.find_named("up")))
    again = find_events(step.passages[0].there, 300, named, find_words(step.words))
    write = step.older.write
    assert [write(event) for event in again] == [write(event) for event in events]
    assert events[0]["lines"] == [] and events[0]["customer"] == ""


def test_protobuf_is_varied_as_well() -> None:
    older = proto("string customer = 3; repeated int64 numbers = 4; optional string note = 5; map<string, bool> m = 6;")
    step = step_of("up: [{rename: {customer: customer_id}}]\n", older, older.replace("customer", "customer_id"))
    found = find_events(step.passages[0].there, 200)
    assert {event["note"] for event in found} >= {None, "", "a"}
    assert {len(event["numbers"]) for event in found} >= {0, 1, 2, 50}
    assert {len(event["m"]) for event in found} >= {0, 1, 2}
    assert {event["customer"] for event in found} >= {"", "a", "z" * 200}


def test_words_of_the_document_are_tried() -> None:
    words = find_words('{"up": [{"set": {"field": "a", "value": 5}}, {"drop": {"field": "b", "value": "EUR"}}]}')
    assert {4, 5, 6, "EUR", "a", "b"} <= {word for word in words if isinstance(word, int | str)}


# Shrinking


def test_the_smallest_event_that_still_breaks_it() -> None:
    older = side(OLDER, "v1")
    large = max(older.made, key=lambda event: len(json.dumps(event, default=str)))
    smallest = min(older.made, key=lambda event: len(json.dumps(event, default=str)))
    large = {**large, "amount_cents": 123_456, "customer": "x" * 200}
    small = shrink(large, older, smallest, lambda event: event["amount_cents"] > 1000 and "x" in event["customer"])
    assert (small["amount_cents"], small["customer"]) == (1001, "x")
    assert {place[0] for place in find_differences(small, smallest)} <= {"amount_cents", "customer"}


@pytest.mark.parametrize(
    ("breaks", "expected"),
    [
        (lambda event: any(line["price"] == 7 for line in event["lines"]), [{"sku": "", "price": 7, "kind": "A"}]),
        (lambda event: len(event["lines"]) > 2, 3),
    ],
)
def test_what_stands_in_arrays_shrinks_as_well(breaks: Callable[[Any], bool], expected: Any) -> None:
    older = side(OLDER, "v1")
    line = {"sku": "abc", "price": 7, "kind": "C"}
    smallest = {**older.made[0], "lines": []}
    small = shrink({**older.made[0], "lines": [line] * 9}, older, smallest, breaks)
    found = small["lines"]
    assert (len(found) if isinstance(expected, int) else [{**each, "kind": "A"} for each in found]) == expected
