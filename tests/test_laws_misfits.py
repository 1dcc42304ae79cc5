"""Operations that cannot be right, found by the schemas alone and told where they stand in upgrade.yaml."""

import pytest

from tests.laws_orders import ONE, PATH, PROTO_ONE, PROTO_TWO, PROTO_UP, TWO, UP, avro, enum, field, proto, step_of


def told(document: str, older: str = ONE, newer: str = TWO) -> list[str]:
    return [
        str(flaw.location).removeprefix(f"{PATH}:") + f" {flaw.message}"
        for flaw in step_of(document, older, newer).flaws
    ]


def helped(document: str, older: str = ONE, newer: str = TWO) -> str:
    return step_of(document, older, newer).flaws[0].help


def test_operations_that_fit_both_schemas_are_silent() -> None:
    assert told(UP) == []
    assert told(UP + "unrepresentable: {down: [{when: {currency: {not: EUR}}, then: hold}]}\n") == []
    assert told(PROTO_UP, PROTO_ONE, PROTO_TWO) == []


SLIPS = [
    # paths
    ("customer: customer_id", "custmer: customer_id", "2:14 v1 has no field 'custmer'"),
    ("customer: customer_id", "customer: custmer_id", "2:14 v2 has no field 'custmer_id'"),
    (
        "rename: {customer: customer_id}",
        "move: {customer/id: customer_id}",
        "2:12 'customer' of v1 is a string, and no record",
    ),
    ("field: status", "field: state", "3:14 v1 has no field 'state'"),
    ("to: amount", "to: amont", "4:35 v2 has no field 'amont'"),
    ("field: currency", "field: curency", "5:14 v2 has no field 'curency'"),
    ("field: currency", "field: status", "5:14 there is a field 'status' already"),
    # kinds
    (
        "field: amount_cents",
        "field: customer_id",
        "4:14 'customer_id' of v1 is a string, and no int, which scale reads",
    ),
    ("by: 0.01", "by: 0.01, as: float", "4:35 'amount' is made a float here, and a decimal in v2"),
    ("field: status", "field: amount_cents", "3:14 'amount_cents' of v1 is a long, and no enum"),
    # symbols
    ("OPEN: PENDING", "OPNE: PENDING", "3:35 the enum Status of v1 has no symbol 'OPNE'"),
    ("OPEN: PENDING", "OPEN: PENDNG", "3:35 the enum Status of v2 has no symbol 'PENDNG'"),
    (", DONE: COMPLETED", "", "3:14 the enum Status of v2 has no symbol 'DONE'"),
    # values
    ("value: EUR", "value: 5", "5:31 'currency' of v2 cannot be that: 5 is no string"),
    ("value: EUR", "value: [EUR]", "5:31 'currency' of v2 cannot be that: ['EUR'] is no string"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), SLIPS)
def test_a_slip_is_told_where_it_stands(right: str, wrong: str, message: str) -> None:
    assert right in UP
    assert told(UP.replace(right, wrong)) == [message]


@pytest.mark.parametrize(
    ("document", "help_"),
    [
        (UP.replace("OPEN: PENDING", "OPNE: PENDING"), "did you mean OPEN?"),
        (UP.replace("{customer:", "{custmer:"), "did you mean customer?"),
        (UP.replace("{customer:", "{x:"), "there are correlation_id, schema_version, customer, status, amount_cents"),
        (UP.replace("field: amount_cents", "field: customer_id"), "say what it is: from: string"),
    ],
)
def test_the_way_out_is_near(document: str, help_: str) -> None:
    assert helped(document) == help_


def test_what_nothing_brings_and_what_nothing_takes() -> None:
    """Told for the whole direction, since no operation is there to blame."""
    *operations, _last = UP.splitlines(keepends=True)
    assert told("".join(operations)) == ["1:1 nothing brings 'currency' of v2, which has no default"]
    without_rename = UP.replace("  - rename: {customer: customer_id}\n", "")
    assert told(without_rename) == [
        "1:1 nothing takes 'customer' of v1, which v2 does not have",
        "1:1 nothing brings 'customer_id' of v2, which has no default",
    ]


def test_a_new_field_with_a_default_comes_up_by_itself_and_goes_down_only_if_somebody_says_how() -> None:
    older, newer = avro(field("a", "string")), avro(field("b", "string"), field("note", "string", default=""))
    (line,) = told("up: [{rename: {a: b}}]\n", older, newer)
    assert line == "1:1 on the way down nothing takes 'note' of v2, which v1 does not have"
    assert told("up: [{rename: {a: b}}]\ndown: none\n", older, newer) == []
    assert told("up: [{rename: {a: b}}]\nloss: {down: [{field: note}]}\n", older, newer) == []
    assert told("up: [{rename: {a: b}}, {set: {field: note, value: ''}}]\n", older, newer) == []


def test_a_symbol_that_a_case_stops_needs_no_image() -> None:
    up = UP.replace(", DONE: COMPLETED", "")
    assert told(f"{up}unrepresentable: {{up: [{{when: {{status: DONE}}}}]}}\n") == []


def test_what_may_be_null_must_become_something() -> None:
    older, newer = avro(field("a", ["null", "string"])), avro(field("a", "string"))
    assert told("up: []\n", older, newer) == ["1:1 'a' may be null in v1, and may not in v2"]
    assert helped("up: []\n", older, newer) == "say what null becomes: fill: {field: a, value: …}"
    assert told("up: [{fill: {field: a, value: '-'}}]\n", older, newer) == []
    assert told("up: []\nunrepresentable: {up: [{when: {a: null}, then: dead-letter}]}\n", older, newer) == []
    assert told("up: []\n", newer, older) == [], "what is there stays"


def test_fields_inside_of_records_arrays_and_maps() -> None:
    inner = {"type": "record", "name": "L", "fields": [field("n", "long"), field("s", enum("A", "B"))]}
    newer = {"type": "record", "name": "L", "fields": [field("m", "long"), field("s", enum("A", "C"))]}
    for type_, way in (("array", "[]"), ("map", "{}")):
        entry = {"array": "items", "map": "values"}[type_]
        sides = avro(field("l", {"type": type_, entry: inner})), avro(field("l", {"type": type_, entry: newer}))
        enum_ = f"{{enum: {{field: 'l{way}/s', map: {{B: C}}}}}}"
        assert told(f"up: [{{rename: {{'l{way}/n': 'l{way}/m'}}}}, {enum_}]\n", *sides) == []
        assert told(f"up: [{{rename: {{'l{way}/n': 'l{way}/x'}}}}, {enum_}]\n", *sides) == [
            f"1:16 v2 has no field 'l{way}/x'"
        ]
        assert told(f"up: [{{rename: {{'l{way}/n': 'l{way}/m'}}}}]\n", *sides)[0].endswith("has no symbol 'B'")
        assert told("up: [{rename: {l/n: l/m}}]\n", *sides)[0].startswith(
            f"1:16 'l' of v1 is {'an array' if way == '[]' else 'a map'}, and no record"
        )


def formula(*more: str) -> str:
    """A message that holds itself in six fields, so that there are 6 ** n places n steps below it."""
    inside = " ".join(f"Formula part{number} = {number};" for number in range(1, 7))
    message = f"message Formula {{ {inside} {' '.join(more)} }} message Placed"
    return proto("Formula formula = 3;").replace("message Placed", message)


def test_records_that_hold_themselves_in_many_ways_are_looked_at_once() -> None:
    assert told("up: []\n", formula("string a = 7;"), formula("string a = 7;")) == []
    assert told("up: []\n", formula("string a = 7;"), formula()) == [
        "1:1 nothing takes 'formula/a' of v1, which v2 does not have"
    ]


def test_what_is_said_of_one_place_is_not_said_of_the_same_record_further_in() -> None:
    sides = formula("string a = 7;"), formula("string b = 7;")
    further = [
        "1:1 nothing takes 'formula/part1/a' of v1, which v2 does not have",
        "1:1 on the way down nothing takes 'formula/part1/b' of v2, which v1 does not have",
    ]
    assert told("up: [{rename: {formula/a: formula/b}}]\n", *sides) == further
    assert told("up: []\nloss: {up: [{field: formula/a}], down: [{field: formula/b}]}\n", *sides) == further


def test_of_several_types_in_one_field_nothing_is_claimed() -> None:
    """Which of them it is, only an event says."""
    body = [{"type": "record", "name": name, "fields": [field("x", "string")]} for name in ("A",)]
    older, newer = avro(field("b", ["string", "long"])), avro(field("b", ["string", "long", *body]))
    assert told("up: [{rename: {b?/x?: b?/y?}}]\n", older, newer) == []


def test_a_way_down_of_its_own_is_read_from_the_newer_version() -> None:
    down = "down:\n  - rename: {customer_id: customer}\n  - drop: {field: currncy, value: EUR}\n"
    assert "8:12 v2 has no field 'currncy'" in told(UP + down)
    down += "  - scale: {field: amount, to: amount_cents, by: 100, from: decimal, as: float}\n"
    assert "9:5" not in " ".join(told(UP + down)), "an earlier slip is told first"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("loss: {down: [{field: tier}]}\n", "6:16 v2 has no field 'tier'"),
        ("loss: {up: [{field: amount}]}\n", "6:14 v1 has no field 'amount'"),
        ("unrepresentable: {down: [{when: {curency: USD}}]}\n", "6:34 v2 has no field 'curency'"),
        ("unrepresentable: {down: [{when: {status: GONE}}]}\n", "6:34 the enum Status of v2 has no symbol 'GONE'"),
        (
            "unrepresentable: {down: [{when: {status: {in: [LOST, GONE]}}}]}\n",
            "6:54 the enum Status of v2 has no symbol 'GONE'",
        ),
        (
            "unrepresentable: {down: [{when: {status: LOST}, then: substitute, with: {status: GONE}}]}\n",
            "6:74 'status' of v2 cannot be that: unknown symbol 'GONE'",
        ),
    ],
)
def test_losses_and_cases_name_what_is_there(more: str, message: str) -> None:
    assert told(UP + more) == [message]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("customer: customer_id", "custmer: customer_id", "2:14 v1 has no field 'custmer'"),
        ("DONE: COMPLETED", "DONE: COMPLETD", "3:50 the enum S of v2 has no symbol 'COMPLETD'"),
        ("field: cents", "field: status", "4:14 'status' of v1 is the enum S, and no int, which scale reads"),
        ("as: string", "as: int, places: 0", "4:28 'amount' is made an int here, and a string in v2"),
    ],
)
def test_protobuf_is_looked_at_the_same_way(right: str, wrong: str, message: str) -> None:
    assert told(PROTO_UP.replace(right, wrong), PROTO_ONE, PROTO_TWO) == [message]


def test_a_message_of_protobuf_may_be_absent_and_so_may_what_it_becomes() -> None:
    import_ = 'import "google/protobuf/timestamp.proto"; message Placed'
    older = proto("google.protobuf.Timestamp at = 3;").replace("message Placed", import_)
    up = "up: [{convert: {field: at, from: timestamp, as: micros}}]\n"
    assert told(up, older, proto("int64 at = 3;")) == ["1:17 'at' may be null in v1, and may not in v2"]
    assert told(up, older, proto("optional int64 at = 3;")) == []


def test_converters_that_are_none_by_themselves_are_told_as_such() -> None:
    assert told("up: [{swap: {field: a}}]\n")[0].startswith("1:7 'swap' is none of ")
