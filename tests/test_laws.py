"""Law by law: what keeps it, what breaks it, and the smallest event that shows it."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from registry.laws import BROKEN, HOLDS, LAWS, NOT_ASKED, Side
from registry.laws.law import Passage, see
from registry.laws.showing import show_event, tell, tell_smallest
from registry.laws.ways import Arrival
from tests.laws_orders import (
    ONE,
    PROTO_ONE,
    PROTO_TWO,
    PROTO_UP,
    TWO,
    UP,
    avro,
    field,
    outcomes_of,
    side,
)

DOWN = """\
down:
  - rename: {customer_id: customer}
  - enum:   {field: status, map: {PENDING: OPEN, COMPLETED: DONE, LOST: DONE}}
  - scale:  {field: amount, to: amount_cents, by: 100, from: decimal, as: int}
  - drop:   {field: currency, value: EUR}
loss: {down: [{field: status}]}
"""


def verdicts(document: str, older: str = ONE, newer: str = TWO) -> dict[str, str]:
    return {name: outcome.verdict for name, outcome in outcomes_of(document, older, newer).items()}


@pytest.mark.parametrize("document", [UP, UP + DOWN])
def test_lawful_converters_keep_every_law(document: str) -> None:
    outcomes = outcomes_of(document)
    assert {outcome.verdict for outcome in outcomes.values()} == {HOLDS}
    assert list(outcomes) == [name for name in LAWS if name != "chain"]
    assert min(outcomes["back"].tried["up"], outcomes["forth"].tried["down"]) > 100


def test_protobuf_keeps_them_as_well() -> None:
    outcomes = outcomes_of(PROTO_UP, PROTO_ONE, PROTO_TWO)
    assert {outcome.verdict for outcome in outcomes.values()} == {HOLDS}


# What breaks one


def test_the_way_down_is_not_the_inverse() -> None:
    outcome = outcomes_of(UP + DOWN.replace("by: 100", "by: 1000"))["back"]
    found = outcome.counterexample
    assert outcome.verdict == BROKEN and found is not None
    assert (found.event["amount_cents"], found.back["amount_cents"]) == (1, 10)
    assert found.event["customer"] == "", "nothing else stands in it"
    assert tell(outcome) == "an event of v1 does not come back from v2 as it was: 1 comes back as 10 at /amount_cents"
    assert (outcome.at and outcome.at.line) == 4, "where the field is first named"
    assert outcome.help == "let the operations undo each other, or declare it: loss: {up: [{field: amount_cents}]}"


def test_symbols_that_change_places_on_the_way_down() -> None:
    outcomes = outcomes_of(UP + DOWN.replace("PENDING: OPEN, COMPLETED: DONE", "PENDING: DONE, COMPLETED: OPEN"))
    found = outcomes["back"].counterexample
    assert found is not None
    symbols = tuple(event["status"] for event in (found.event, found.made, found.back))
    assert symbols in {("OPEN", "PENDING", "DONE"), ("DONE", "COMPLETED", "OPEN")}


def test_an_undeclared_loss_is_found() -> None:
    """Null becomes a dash on the way up, and a null of the newer version comes down as null: and goes up as a dash."""
    older, newer = avro(field("note", ["null", "string"])), avro(field("note", ["null", "string"]))
    outcome = outcomes_of("up: [{fill: {field: note, value: '-'}}]\n", older, newer)["forth"]
    found = outcome.counterexample
    assert outcome.verdict == BROKEN and found is not None
    assert (found.event["note"], found.made["note"], found.back["note"]) == (None, None, "-")
    declared = "up: [{fill: {field: note, value: '-'}}]\nloss: {down: [{field: note}]}\n"
    assert verdicts(declared, older, newer)["forth"] == HOLDS


def test_a_substitute_is_a_declared_loss_of_its_own() -> None:
    case = "unrepresentable: {down: [{when: {status: LOST}, then: substitute, with: {status: COMPLETED}}]}\n"
    assert set(verdicts(UP + case).values()) == {HOLDS}


def test_a_rounded_number_is_a_loss_where_the_bytes_round_it() -> None:
    """A double does not fit into a float: only what is read back of the bytes shows it."""
    older, newer = avro(field("x", "double")), avro(field("y", "float"))
    outcome = outcomes_of("up: [{rename: {x: y}}]\n", older, newer)["back"]
    assert outcome.verdict == BROKEN
    assert "comes back as" in tell(outcome)
    assert verdicts("up: [{rename: {x: y}}]\nloss: {up: [{field: x}]}\n", older, newer)["back"] == HOLDS


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        ("{down: [{field: status}]}", HOLDS),
        ("{down: [{field: status}, {field: amount}]}", BROKEN),
        ("{down: [{field: status}], up: [{field: customer}]}", BROKEN),
    ],
)
def test_a_declared_loss_must_be_one(losses: str, verdict: str) -> None:
    outcome = outcomes_of(UP + DOWN.replace("{down: [{field: status}]}", losses))["losses"]
    assert outcome.verdict == verdict
    if verdict == BROKEN:
        assert "is declared, and" in outcome.reason and outcome.reason.endswith("come through whole")
        assert outcome.help == "take it out: what would be lost then stops instead"


@pytest.mark.parametrize(
    ("convert", "older", "newer"),
    [
        ("from: string, as: uuid", "string", {"type": "string", "logicalType": "uuid"}),
        ("from: string, as: timestamp", "string", {"type": "long", "logicalType": "timestamp-micros"}),
        ("from: string, as: int", "string", "long"),
        ("from: string, as: date", "string", {"type": "int", "logicalType": "date"}),
        ("from: float, as: int", "double", "long"),
        ("from: timestamp, as: seconds", {"type": "long", "logicalType": "timestamp-micros"}, "long"),
    ],
)
def test_a_loss_that_takes_a_certain_value_is_seen(convert: str, older: object, newer: object) -> None:
    """Most texts are no number and no id: those that are come from what the converters make one think of."""
    sides = avro(field("x", older)), avro(field("x", newer))
    outcomes = outcomes_of(f"up: [{{convert: {{field: x, {convert}}}}}]\nloss: {{up: [{{field: x}}]}}\n", *sides)
    assert outcomes["losses"].verdict == HOLDS
    assert outcomes["back"].tried["up"] > 3


def test_the_envelope_is_nobodys_to_convert() -> None:
    older = avro(field("other", "string"))
    outcome = outcomes_of(
        "up: [{rename: {correlation_id: other, other: correlation_id}}]\n", older, older, key="schema_version"
    )["envelope"]
    found = outcome.counterexample
    assert outcome.verdict == BROKEN and found is not None
    assert tell(outcome) == (
        f"an event of v1 has another envelope as one of v2: its correlation_id was "
        f"{found.event['correlation_id']!r} and is {found.made['correlation_id']!r} at /correlation_id"
    )


def test_the_key_may_have_another_name_and_another_type_but_no_other_spelling() -> None:
    uuid = {"type": "string", "logicalType": "uuid"}
    older, newer = avro(field("customer", uuid)), avro(field("customer_id", "string"))
    convert = "up: [{convert: {field: customer, to: customer_id, from: uuid, as: string}}]\n"
    assert outcomes_of(convert, older, newer, key="customer")["envelope"].verdict == HOLDS
    older, newer = avro(field("customer", "long")), avro(field("customer", "long"))
    scale = "up: [{scale: {field: customer, by: 10, as: int}}]\n"
    outcome = outcomes_of(scale, older, newer, key="customer")["envelope"]
    assert tell(outcome).endswith("its key was 1 and is 10 at /customer")
    assert outcomes_of(scale, older, newer, key="schema_version")["envelope"].verdict == HOLDS


# What holds is told as well


def test_a_value_that_stops_is_counted_with_its_smallest_event() -> None:
    newer = TWO.replace('"precision": 30', '"precision": 18')
    outcome = outcomes_of(UP, ONE, newer)["total"]
    assert outcome.verdict == HOLDS
    (stop,) = (each for each in outcome.stops if each.way == "up")
    assert stop.event["amount_cents"] == 10**18
    assert stop.failure.fact == "10000000000000000 has more than the 18 digits of decimal(18, 2)"
    assert (stop.failure.at and stop.failure.at.line) == 4


def test_a_declared_case_is_no_stop() -> None:
    hold = "unrepresentable: {down: [{when: {currency: {not: EUR}}}, {when: {status: LOST}}]}\n"
    stops = [stop.failure.fact for stop in outcomes_of(UP + hold)["total"].stops]
    assert stops and not any("EUR" in fact or "LOST" in fact for fact in stops)
    undeclared = [stop.failure.fact for stop in outcomes_of(UP)["total"].stops]
    assert any("'' is not 'EUR'" in fact for fact in undeclared)


def test_converters_that_stop_every_event_are_broken_unless_a_case_says_so() -> None:
    sides = (
        avro(field("x", "string")),
        avro(field("x", {"type": "enum", "name": "E", "symbols": ["A"]})),
    )
    outcome = outcomes_of("up: [{rename: {x: y}}]\n", *sides)["types"]
    assert outcome.verdict == BROKEN
    hold = "unrepresentable: {up: [{when: {x: {not: null}}, then: hold}]}\n"
    same = avro(field("x", "string"))
    assert outcomes_of("up: []\n" + hold, same, same)["total"].verdict == HOLDS


def test_where_there_is_no_way_back_nobody_is_asked_to_go_it() -> None:
    outcomes = outcomes_of(UP + "down: none\n")
    assert (outcomes["back"].verdict, outcomes["forth"].verdict) == (NOT_ASKED, NOT_ASKED)
    assert outcomes["back"].reason == "there is no way back: down: none"
    assert outcomes["total"].tried.keys() == {"up"}


def test_where_the_types_do_not_fit_nothing_else_is_asked() -> None:
    outcomes = outcomes_of(UP.replace("customer:", "custmer:"))
    assert outcomes.pop("types").verdict == BROKEN
    assert {outcome.verdict for outcome in outcomes.values()} == {NOT_ASKED}


def test_the_same_events_are_tried_each_time() -> None:
    first, second = outcomes_of(UP + DOWN.replace("100", "1000")), outcomes_of(UP + DOWN.replace("100", "1000"))
    assert [tell(outcome) for outcome in first.values()] == [tell(outcome) for outcome in second.values()]
    one, other = first["back"].counterexample, second["back"].counterexample
    assert one is not None and other is not None and one.event == other.event


# Laws that no document can break, as long as the operations are what they should be


class Crooked:
    """A way that does what no operation may do."""

    def __init__(self, do: Any) -> None:
        self.source: Side = side(ONE, "v1")
        self.target: Side = side(ONE, "v2")
        self._do = do

    def go(self, event: Any) -> Arrival:
        return Arrival(self._do(event))

    def replaces(self, event: Any) -> bool:
        return False


def spoil(event: dict[str, Any]) -> dict[str, Any]:
    made = deepcopy(event)
    event["customer"] = "spoiled"
    return made


def test_converters_that_write_to_what_they_are_given_are_impure() -> None:
    event = side(ONE, "v1").made[0]
    law = LAWS["pure"]
    assert law.find is not None
    breach = law.find(see(Passage("up", Crooked(spoil), None), event))
    assert breach is not None and breach.path == "/customer"
    assert law.find(see(Passage("up", Crooked(deepcopy), None), event)) is None


def test_converters_that_answer_otherwise_the_second_time_are_impure() -> None:
    count = iter(range(9))
    law = LAWS["pure"]
    assert law.find is not None
    event = side(ONE, "v1").made[0]
    breach = law.find(see(Passage("up", Crooked(lambda event: {**event, "amount_cents": next(count)}), None), event))
    assert breach is not None and (breach.fact, breach.path) == (
        "the second answer is not the first one",
        "/amount_cents",
    )


# How it is shown


def test_a_counterexample_is_told_on_one_line_with_both_sides() -> None:
    outcome = outcomes_of(UP + DOWN.replace("by: 100", "by: 1000"))["back"]
    assert outcome.counterexample is not None
    line = tell_smallest(outcome.counterexample)
    assert line.count(" -> ") == 2 and "\n" not in line
    assert '"amount_cents": 1}' in line and '"amount": "0.01"' in line and '"amount_cents": 10}' in line


def test_what_is_long_is_shortened() -> None:
    event = {"a": "x" * 200, "b": list(range(20)), "c": b"\xff", "d": Decimal("0.10"), "e": float("nan")}
    assert show_event(event) == (
        '{"a": "'
        + "x" * 60
        + '… (200 letters)", "b": [0, 1, 2, 3, 4, 5, "… 14 more"], "c": "0xff", "d": "0.10", "e": "nan"}'
    )
    assert show_event(event, "/d", 20) == '{"d": "0.10", …}'


def test_fields_that_must_say_certain_things_together_are_made_to() -> None:
    """Each of them alone stops: the older version's other values mean nothing to the newer one."""
    older, newer = avro(field("a", "string"), field("b", "string"), field("c", "long")), avro(field("c", "long"))
    up = "up: [{drop: {field: a, value: x}}, {drop: {field: b, value: y}}]\n"
    outcomes = outcomes_of(up, older, newer, key="c")
    assert {outcome.verdict for outcome in outcomes.values()} == {HOLDS}
    assert outcomes["back"].tried["up"] > 5
