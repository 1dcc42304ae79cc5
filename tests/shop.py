"""A small registry for tests of the command line: one event of each language, one owner, one subscriber."""

PLACED = "contracts/order/Placed.avsc"
PAID = "contracts/payment/paid.proto"

AVRO = """\
{"type": "record", "name": "Placed", "namespace": "shop", "fields": [
  {"name": "correlation_id", "type": "string"},
  {"name": "schema_version", "type": "int"},
  {"name": "order_id", "type": "string"}
]}
"""
PROTOBUF = """\
syntax = "proto3";
package shop;
message Paid {
  string correlation_id = 1;
  int32 schema_version = 2;
  string order_id = 3;
}
"""
OWNERSHIP = """\
version: 1
teams: {sales: {}}
services: {orders: {team: sales}, billing: {team: sales}}
entities:
  Order:
    owner: orders
    events:
      shop.Placed: {subscribers: [billing]}
      shop.Paid: {}
"""
SCHEMAS: dict[str, str | bytes | None] = {PLACED: AVRO, PAID: PROTOBUF}
FILES: dict[str, str | bytes | None] = {"ownership.yaml": OWNERSHIP, "CODEOWNERS": "* @shop/sales\n", **SCHEMAS}

BROKEN = AVRO.replace('"order_id", "type": "string"', '"order_id", "type": "int"')
"""The head of Placed with a change that breaks its readers."""
BREAK = f"{PLACED}:4:32  error  compat/type-mismatch"
"""The line that says so."""
GROWN = AVRO.replace("\n]}", ',\n  {"name": "note", "type": "string", "default": ""}\n]}')
"""The head of Placed with a change that breaks nobody."""
