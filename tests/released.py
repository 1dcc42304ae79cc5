"""A small registry with released versions, for tests of the stubs: an event of each language, three versions of one."""

import os
from datetime import date

from registry.release import release
from tests.repo import Repository

TODAY = date(2026, 11, 23)
OWNERSHIP = """\
version: 1
teams: {sales: {contacts: ["#sales"]}, money: {github: "@shop/money"}, lone: {}}
services: {orders: {team: sales}, billing: {team: money}, mail: {team: lone}, idle: {}}
entities:
  Order:
    owner: orders
    topic: shop.orders
    key: order_id
    events:
      shop.Placed: {subscribers: [{service: billing, reads: [1, 2]}, mail]}
      shop.Cancelled: {}
  Payment:
    owner: billing
    events:
      shop.Paid: {subscribers: [orders]}
"""


def placed(*fields: str) -> str:
    """The schema of Placed, with more fields of text."""
    rest = "".join(f',\n  {{"name": "{name}", "type": "string", "default": ""}}' for name in fields)
    return f"""\
{{"type": "record", "name": "Placed", "namespace": "shop", "fields": [
  {{"name": "correlation_id", "type": "string"}},
  {{"name": "schema_version", "type": "int"}},
  {{"name": "order_id", "type": "string"}}{rest}
]}}
"""


PLACED = "contracts/order/Placed.avsc"
PAID = "contracts/payment/paid.proto"
PROTOBUF = """\
syntax = "proto3";
package shop;
import "payment/money.proto";
message Paid { string correlation_id = 1; int32 schema_version = 2; string order_id = 3; Money amount = 4; }
"""
MONEY = 'syntax = "proto3";\npackage shop;\nmessage Money { int64 units = 1; }\n'
SCHEMAS: dict[str, str | bytes | None] = {PLACED: placed(), PAID: PROTOBUF, "contracts/payment/money.proto": MONEY}


def build(repository: Repository) -> Repository:
    """Three versions of Placed, one of Paid, none of Cancelled."""
    unpinned = OWNERSHIP.replace("{service: billing, reads: [1, 2]}", "billing")
    repository.commit("one", {"ownership.yaml": unpinned, **SCHEMAS})
    freeze(repository, "shop.Placed", "shop.Paid")
    for fields in (("note",), ("note", "colour")):
        repository.write({PLACED: placed(*fields)})
        freeze(repository, "shop.Placed")
    repository.commit("three versions", {"ownership.yaml": OWNERSHIP})
    return repository


def freeze(repository: Repository, *events: str) -> None:
    """Release events, which must be fit for it."""
    done = release(repository.path, events, root="contracts", environment=os.environ, today=TODAY)
    assert done.report.passed, done.report
