"""Converters between two schemas: what the schema adds, and events that go through the serializer."""

import json
from collections.abc import Mapping
from dataclasses import make_dataclass
from decimal import Decimal
from typing import Any

import pytest

from registry.formats.protobuf import parse as parse_protobuf
from registry.serde import Bundle, BundledVersion, Meta, Serde, Shape
from registry.serde.conversion import BadConversion, Inconvertible, compile_conversion
from registry.serde.conversion.completion import compile_completion, find_lookalikes
from registry.serde.errors import EncodeError, SerdeError, Unrepresentable
from registry.serde.hooks import to_avro
from tests.avro_shorthand import array, decimal, enum, field, fixed, logical, map_of, parse, record

# Defaults


AUTHOR = record(field("name", "string"), field("email", "string", default="-"), name="a.Author")
VIDEO = record(field("url", "string"), field("length", "int", default=0), name="a.Video")


def complete(schema: object, event: dict[str, Any]) -> Any:
    return compile_completion(parse(schema))(event)


def test_what_is_lacking_and_has_a_default_is_filled_in() -> None:
    schema = record(
        field("id", "string"),
        field("tags", array("string"), default=["x"]),
        field("price", decimal(4, 2), default="\u0064"),
        field("at", logical("int", "date"), default=0),
        field("note", ["null", "string"], default=None),
    )
    made = complete(schema, {"id": "1"})
    assert made.pop("at").isoformat() == "1970-01-01"
    assert made == {"id": "1", "tags": ["x"], "price": Decimal("1.00"), "note": None}
    assert complete(schema, {"tags": []})["tags"] == []
    assert "id" not in complete(schema, {}), "it has no default, and the encoder says so"


def test_defaults_are_made_afresh_and_what_is_given_stays_as_it_was() -> None:
    completion = compile_completion(parse(record(field("tags", array("string"), default=[]))))
    given: dict[str, Any] = {}
    first, second = completion(given), completion(given)
    first["tags"].append("x")
    assert (second, given) == ({"tags": []}, {})


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (AUTHOR, {"name": "n"}, {"name": "n", "email": "-"}),
        (["null", AUTHOR], {"name": "n"}, {"name": "n", "email": "-"}),
        (["null", AUTHOR], None, None),
        (array(AUTHOR), [{"name": "n"}], [{"name": "n", "email": "-"}]),
        (map_of(AUTHOR), {"k": {"name": "n"}}, {"k": {"name": "n", "email": "-"}}),
        ([AUTHOR, VIDEO], {"url": "u"}, {"url": "u", "length": 0}),
        ([AUTHOR, VIDEO], {"name": "n", "email": "e"}, {"name": "n", "email": "e"}),
        (["string", AUTHOR], "s", "s"),
        ([array(AUTHOR), "string"], [{"name": "n"}], [{"name": "n", "email": "-"}]),
    ],
)
def test_defaults_are_filled_in_at_any_depth(type_: object, value: object, expected: object) -> None:
    assert complete(record(field("x", type_)), {"x": value}) == {"x": expected}


def test_a_record_that_holds_itself_is_completed() -> None:
    tree = record(field("n", "int", default=1), field("left", ["null", "a.R"], default=None))
    assert complete(tree, {"left": {"left": {}}}) == {"n": 1, "left": {"n": 1, "left": {"n": 1, "left": None}}}


def test_branches_that_could_both_be_meant_are_left_to_the_encoder() -> None:
    other = record(field("url", "string"), field("width", "int", default=0), name="a.Image")
    assert complete(record(field("x", [VIDEO, other])), {"x": {"url": "u"}}) == {"x": {"url": "u"}}


# Branches that look the same


@pytest.mark.parametrize(
    ("branches", "fact"),
    [
        ([record(field("n", "int"), name="a.A"), record(field("n", "string"), name="a.B")], "a.A and a.B"),
        (["string", enum("A", name="a.E")], "string and a.E"),
        ([enum("A", "B", name="a.E"), enum("B", name="a.F")], "a.E and a.F"),
        ([map_of("int"), record(name="a.A")], "map and a.A"),
        (["bytes", fixed(4, "a.F")], "bytes and a.F"),
    ],
)
def test_branches_that_look_the_same_are_found(branches: list[object], fact: str) -> None:
    schema = parse(record(field("x", array(["null", *branches]))))
    assert list(find_lookalikes(schema)) == [f"the values of {fact} look the same in a union (a.R, field 'x')"]
    with pytest.raises(BadConversion, match="look the same in a union"):
        compile_conversion('{"up": []}', schema, schema)


@pytest.mark.parametrize(
    "branches",
    [
        ["null", "int", "long", "float", "double", "boolean", "string", "bytes"],
        [record(field("n", "int"), name="a.A"), record(field("m", "string"), name="a.B")],
        [logical("string", "uuid"), enum("A", name="a.E")],
        [decimal(4, 2), fixed(4, "a.F")],
        [fixed(4, "a.F"), fixed(5, "a.G")],
        [enum("A", name="a.E"), enum("B", name="a.F")],
        [array("int"), map_of("int")],
    ],
)
def test_branches_that_differ_are_not(branches: list[object]) -> None:
    assert not list(find_lookalikes(parse(record(field("x", branches)))))


# Through the serializer


def make_bundle(*steps: tuple[object, str], language: str = "avro") -> Bundle:
    versions = []
    for number, (schema, upgrade) in enumerate(steps, 1):
        fields = [each["name"] for each in schema["fields"]] if isinstance(schema, dict) else _FIELDS[number]
        class_ = make_dataclass(f"V{number}", fields, slots=True, kw_only=True)
        files = {"x.avsc": json.dumps(schema)} if isinstance(schema, dict) else {"x.proto": str(schema)}
        descriptors = b"" if isinstance(schema, dict) else parse_protobuf(files, ["x.proto"], "a.R").descriptors
        versions.append(
            BundledVersion(
                number=number,
                schema_id=number + 100,
                guid=f"9a3f1c52-7b0d-4a56-8d3e-1f2a3b4c5d{number:02}",
                root=next(iter(files)),
                files=files,
                descriptors=descriptors,
                shape=Shape({"a.R": class_}),
                event=class_,
                upgrade=upgrade,
            )
        )
    numbers = tuple(range(1, len(versions) + 1))
    return Bundle("a.R", language, "s", "s", "", "t", "", tuple(versions), numbers, numbers)


def document(*up: Mapping[str, object], **more: object) -> str:
    return json.dumps({"up": up, **more})


FIRST = record(
    field("customer", "string"), field("amount_cents", "long"), field("status", enum("OPEN", "DONE", name="a.S"))
)
SECOND = record(
    field("customer_id", "string"),
    field("amount", decimal(12, 2)),
    field("status", enum("PENDING", "DONE", "LOST", name="a.S")),
    field("currency", "string"),
    field("note", ["null", "string"], default=None),
)
THIRD = record(
    field("customer_id", "string"),
    field("total", decimal(12, 2)),
    field("status", enum("PENDING", "DONE", "LOST", name="a.S")),
    field("currency", "string"),
    field("note", ["null", "string"], default=None),
)  # fmt: skip
TO_SECOND = document(
    {"rename": {"customer": "customer_id"}},
    {"scale": {"field": "amount_cents", "to": "amount", "by": 0.01}},
    {"enum": {"field": "status", "map": {"OPEN": "PENDING"}}},
    {"set": {"field": "currency", "value": "EUR"}},
    loss={"down": [{"field": "note"}]},
    unrepresentable={"down": [{"when": {"currency": {"not": "EUR"}}, "then": "dead-letter"}]},
)
TO_THIRD = document({"rename": {"amount": "total"}})


def test_an_old_event_is_read_as_the_newest_through_each_step() -> None:
    bundle = make_bundle((FIRST, ""), (SECOND, TO_SECOND), (THIRD, TO_THIRD))
    first, second, third = (version.event for version in bundle.versions)
    assert first and second and third
    writer, reader = Serde(bundle, active=1), Serde(bundle)
    value, _ = writer.encode(first(customer="c", amount_cents=1234, status="OPEN"), Meta())
    facts = {"customer_id": "c", "status": "PENDING", "currency": "EUR", "note": None}
    assert reader.decode(value)[0] == third(total=Decimal("12.34"), **facts)
    assert reader.decode(value, read_as=second)[0] == second(amount=Decimal("12.34"), **facts)
    assert reader.decode(value, read_as=first)[0] == first(customer="c", amount_cents=1234, status="OPEN")


def test_a_new_event_is_published_as_the_oldest_while_that_is_active() -> None:
    bundle = make_bundle((FIRST, ""), (SECOND, TO_SECOND), (THIRD, TO_THIRD))
    first, _, third = (version.event for version in bundle.versions)
    assert first and third
    serde = Serde(bundle, active=1)
    facts = {"customer_id": "c", "total": Decimal("12.34"), "note": "dropped"}
    value, _ = serde.encode(third(status="PENDING", currency="EUR", **facts), Meta())
    assert serde.decode(value, read_as=first)[0] == first(customer="c", amount_cents=1234, status="OPEN")
    with pytest.raises(Inconvertible, match="cannot express 'USD' at /currency") as caught:
        serde.encode(third(status="PENDING", currency="USD", **facts), Meta())
    assert caught.value.then == "dead-letter"
    with pytest.raises(Unrepresentable, match="LOST"):
        serde.encode(third(status="LOST", currency="EUR", **facts), Meta())


def test_the_hooks_convert_too() -> None:
    bundle = make_bundle((FIRST, ""), (SECOND, TO_SECOND))
    second = bundle.newest.event
    assert second
    event = second(customer_id="c", amount=Decimal("12.34"), status="PENDING", currency="EUR", note=None)
    made = to_avro(bundle, 1)((event, Meta()), None)
    assert made == {"customer": "c", "amount_cents": 1234, "status": "OPEN"}


def test_an_event_that_nests_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"next": deep}
    schema = record(field("next", ["null", "a.R"]), field("n", "int", default=0))
    with pytest.raises(EncodeError, match="nests too deep"):
        complete(schema, deep)


_FIELDS = {1: ["customer", "cents", "state"], 2: ["customer_id", "amount", "state", "unit"]}
HEAD = 'syntax = "proto3";\npackage a;\n'
PROTO_1 = HEAD + (
    "enum State { OPEN = 0; DONE = 1; }\nmessage R { string customer = 1; int64 cents = 2; State state = 3; }\n"
)
PROTO_2 = HEAD + (
    "enum State { PENDING = 0; DONE = 1; }\n"
    "message R { string customer_id = 1; string amount = 4; State state = 3; optional string unit = 5; }\n"
)
PROTO_UP = document(
    {"rename": {"customer": "customer_id"}},
    {"scale": {"field": "cents", "to": "amount", "by": 0.01, "as": "string", "places": 2}},
    {"enum": {"field": "state", "map": {"OPEN": "PENDING"}}},
    loss={"down": [{"field": "unit"}]},
)


def test_events_in_protobuf_are_converted_both_ways() -> None:
    bundle = make_bundle((PROTO_1, ""), (PROTO_2, PROTO_UP), language="protobuf")
    first, second = (version.event for version in bundle.versions)
    assert first and second
    old, new = Serde(bundle, active=1), Serde(bundle)
    before, after = (
        first(customer="c", cents=1050, state="OPEN"),
        second(customer_id="c", amount="10.50", state="PENDING", unit=None),
    )
    assert new.decode(old.encode(before, Meta())[0])[0] == after
    assert old.decode(old.encode(after, Meta())[0], read_as=first)[0] == before
    with pytest.raises(Unrepresentable, match="no whole number"):
        old.encode(second(customer_id="c", amount="10.505", state="DONE", unit="kg"), Meta())


def test_events_with_nothing_but_zeros_are_converted_too() -> None:
    bundle = make_bundle((PROTO_1, ""), (PROTO_2, PROTO_UP), language="protobuf")
    first, second = (version.event for version in bundle.versions)
    assert first and second
    serde = Serde(bundle, active=1)
    value, _ = serde.encode(first(customer="", cents=0, state="OPEN"), Meta())
    assert serde.decode(value)[0] == second(customer_id="", amount="0.00", state="PENDING", unit=None)


def test_what_a_conversion_makes_is_checked() -> None:
    bundle = make_bundle((FIRST, ""), (SECOND, document({"rename": {"customer": "customer_id"}})))
    first = bundle.versions[0].event
    assert first
    value, _ = Serde(bundle, active=1).encode(first(customer="c", amount_cents=1, status="OPEN"), Meta())
    with pytest.raises(SerdeError, match="amount_cents"):
        Serde(bundle).decode(value)
