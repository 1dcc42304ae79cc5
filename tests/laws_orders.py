"""The breaking change of docs/converters.md, as schemas and converters that laws are asked of."""

import json
from typing import Any

from registry.formats import load_format
from registry.laws import Outcome, Side, Step, judge
from registry.upgrade import parse_upgrade

ENVELOPE = {"correlation_id": ("correlation_id",), "schema_version": ("schema_version",)}
PATH = "Placed.upgrade.yaml"


def field(name: str, type_: object, **more: object) -> dict[str, object]:
    return {"name": name, "type": type_, **more}


def enum(*symbols: str) -> dict[str, object]:
    return {"type": "enum", "name": "Status", "symbols": list(symbols)}


def avro(*fields: object) -> str:
    start = [field("correlation_id", "string"), field("schema_version", "int")]
    return json.dumps({"type": "record", "name": "Placed", "namespace": "shop", "fields": [*start, *fields]})


def proto(*lines: str) -> str:
    start = "string correlation_id = 1; int32 schema_version = 2;"
    return f'syntax = "proto3"; package shop; message Placed {{ {start} {" ".join(lines)} }}'


AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}
ONE = avro(field("customer", "string"), field("status", enum("OPEN", "DONE")), field("amount_cents", "long"))
TWO = avro(
    field("customer_id", "string"),
    field("status", enum("PENDING", "COMPLETED", "LOST")),
    field("amount", AMOUNT),
    field("currency", "string"),
)
UP = """\
up:
  - rename: {customer: customer_id}
  - enum:   {field: status, map: {OPEN: PENDING, DONE: COMPLETED}}
  - scale:  {field: amount_cents, to: amount, by: 0.01}
  - set:    {field: currency, value: EUR, because: "version 1 was EUR only"}
"""
PROTO_ONE = proto("string customer = 3; enum S { OPEN = 0; DONE = 1; } S status = 4; int64 cents = 5;")
PROTO_TWO = proto("string customer_id = 3; enum S { PENDING = 0; COMPLETED = 1; } S status = 4; string amount = 5;")
PROTO_UP = """\
up:
  - rename: {customer: customer_id}
  - enum:   {field: status, map: {OPEN: PENDING, DONE: COMPLETED}}
  - scale:  {field: cents, to: amount, by: 0.01, as: string}
"""


def side(text: str, label: str, event: str = "") -> Side:
    event = event or "shop.Placed"
    name = "a.proto" if text.startswith("syntax") else "a.avsc"
    schema = load_format("protobuf" if name == "a.proto" else "avro").parse({name: text}, [name], event)
    return Side(event, schema, label, ENVELOPE)


def step_of(document: str, older: str = ONE, newer: str = TWO, key: str = "customer") -> Step:
    return Step(parse_upgrade(document, PATH), side(older, "v1"), side(newer, "v2"), key)


def outcomes_of(
    document: str, older: str = ONE, newer: str = TWO, examples: int = 300, **more: Any
) -> dict[str, Outcome]:
    """Each law's outcome, by its name."""
    return {outcome.law.name: outcome for outcome in judge(step_of(document, older, newer, **more), examples)}
