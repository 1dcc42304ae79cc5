"""Made-up contracts for what Playconnect's own do not have: converters, and several versions in Protobuf."""

from collections.abc import Mapping

OWNERSHIP = """\
version: 1
teams: {sales: {contacts: ["#team-sales"]}}
services: {shop: {team: sales}, billing: {team: sales}}
entities:
  Order:
    owner: shop
    topic: shop.orders
    key: order_id
    events:
      shop.Placed: {subscribers: [billing]}
      shop.Paid: {subscribers: [billing]}
      shop.Shipped: {subscribers: [billing]}
"""
PINNED = (
    OWNERSHIP.replace("shop.Placed: {", "shop.Placed: {writes: [1, 2], ")
    .replace("shop.Paid: {", "shop.Paid: {writes: [1, 2, 3], ")
    .replace("shop.Shipped: {", "shop.Shipped: {writes: [1, 2], ")
)
"""Once all is released: the shop writes each version."""
_ENVELOPE = """\
  string correlation_id = 1;
  int32 schema_version = 2;
  string event_id = 3;
  google.protobuf.Timestamp occurred_at = 4;
  optional string causation_id = 5;
  string order_id = 6;
"""
_HEAD = 'syntax = "proto3";\npackage shop;\nimport "google/protobuf/timestamp.proto";\n'

PAID_1 = f"""\
{_HEAD}
enum Method {{ UNKNOWN = 0; CARD = 1; TRANSFER = 2; }}
message Paid {{
{_ENVELOPE}  int64 minor_units = 7;
  Method method = 8;
  repeated string notes = 9;
}}
"""
PAID_2 = PAID_1.replace("TRANSFER = 2;", "TRANSFER = 2; VOUCHER = 3;").replace(
    "notes = 9;\n", "notes = 9;\n  optional string voucher = 10;\n  map<string, string> labels = 11;\n"
)
PAID_3 = PAID_2.replace("  repeated string notes = 9;\n", '  reserved 9;\n  reserved "notes";\n').replace(
    "labels = 11;\n", "labels = 11;\n  Payer payer = 12;\n"
)
PAID_3 += "message Payer { string name = 1; double score = 2; bytes token = 3; }\n"

SHIPPED_1 = f"""\
{_HEAD}
message Letter {{ uint32 grams = 1; }}
message Shipped {{
{_ENVELOPE}  oneof by {{
    string parcel = 7;
    Letter letter = 8;
  }}
}}
"""
SHIPPED_2 = SHIPPED_1.replace("letter = 8;\n", "letter = 8;\n    Freight freight = 9;\n")
SHIPPED_2 += "message Freight { sint32 pallets = 1; float tonnes = 2; }\n"

PLACED_1 = """\
{"type": "record", "name": "Placed", "namespace": "shop", "fields": [
  {"name": "correlation_id", "type": "string"},
  {"name": "schema_version", "type": "int"},
  {"name": "event_id", "type": "string"},
  {"name": "order_id", "type": "string"},
  {"name": "customer", "type": "string"},
  {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["OPEN", "DONE"]}}
]}
"""
PLACED_2 = """\
{"type": "record", "name": "Placed", "namespace": "shop", "fields": [
  {"name": "correlation_id", "type": "string"},
  {"name": "schema_version", "type": "int"},
  {"name": "event_id", "type": "string"},
  {"name": "order_id", "type": "string"},
  {"name": "customer_id", "type": "string"},
  {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["PENDING", "COMPLETED"]}},
  {"name": "currency", "type": {"type": "enum", "name": "Currency", "symbols": ["EUR", "USD"]}}
]}
"""
UPGRADE_2 = """\
up:
  - rename: {customer: customer_id}
  - enum: {field: status, map: {OPEN: PENDING, DONE: COMPLETED}}
  - set: {field: currency, value: EUR, because: "version 1 was EUR only"}
down: derived
"""

_PLACED, _UPGRADE = "contracts/Placed.avsc", "contracts/Placed.upgrade.yaml"
_PAID, _SHIPPED = "contracts/paid.proto", "contracts/shipped.proto"
STEPS: tuple[Mapping[str, str], ...] = (
    {"ownership.yaml": OWNERSHIP, _PLACED: PLACED_1, _PAID: PAID_1, _SHIPPED: SHIPPED_1},
    {_PLACED: PLACED_2, _UPGRADE: UPGRADE_2, _PAID: PAID_2, _SHIPPED: SHIPPED_2},
    {_PAID: PAID_3},
)
"""What is committed and released, one after the other."""
