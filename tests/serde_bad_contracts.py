"""An event of each language with a field of every kind, in two versions, and the stubs of the services around them.

Both events say the same as far as their languages let them, so that one story can be told of both.
"""

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from uuid import UUID

from registry.generation import Wish, read_plans, render_stubs
from registry.serde import Bundle, Consumer, Duration, Producer, Transport
from tests.released import freeze
from tests.repo import Repository

OWNERSHIP = """\
version: 1
teams: {sales: {contacts: ["#team-sales"]}, money: {contacts: ["#team-money"]}}
services: {shop: {team: sales}, billing: {team: money}}
entities:
  Order:
    owner: shop
    topic: shop.orders
    key: order_id
    events:
      shop.Ordered: {subscribers: [billing]}
      shop.Paid: {subscribers: [billing]}
"""
PINNED = OWNERSHIP.replace("{subscribers", "{writes: [1, 2], subscribers")

ORDERED_1 = """\
{"type": "record", "name": "Ordered", "namespace": "shop", "fields": [
  {"name": "correlation_id", "type": "string"},
  {"name": "schema_version", "type": "int"},
  {"name": "event_id", "type": "string"},
  {"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
  {"name": "causation_id", "type": ["null", "string"], "default": null},
  {"name": "order_id", "type": "string"},
  {"name": "count", "type": "int", "default": 0},
  {"name": "total", "type": "long", "default": 0},
  {"name": "weight", "type": "float", "default": 0},
  {"name": "ratio", "type": "double", "default": 0},
  {"name": "gift", "type": "boolean", "default": false},
  {"name": "raw", "type": "bytes", "default": ""},
  {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "DONE"], "default": "OPEN"},
   "default": "OPEN"},
  {"name": "placed_at", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}], "default": null},
  {"name": "took", "type": ["null", {"type": "fixed", "name": "Took", "size": 12, "logicalType": "duration"}],
   "default": null},
  {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []},
  {"name": "prices", "type": {"type": "map", "values": "long"}, "default": {}},
  {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
    {"name": "sku", "type": "string"}, {"name": "delta", "type": "int", "default": 0},
    {"name": "within", "type": ["null", "Line"], "default": null}]}}, "default": []},
  {"name": "by", "type": ["null", {"type": "record", "name": "Card", "fields": [{"name": "number", "type": "string"}]},
    {"type": "record", "name": "Cash", "fields": [{"name": "number", "type": "string"}]}], "default": null},
  {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null},
  {"name": "hour", "type": ["null", {"type": "int", "logicalType": "time-millis"}], "default": null},
  {"name": "local", "type": ["null", {"type": "long", "logicalType": "local-timestamp-millis"}], "default": null},
  {"name": "token", "type": ["null", {"type": "string", "logicalType": "uuid"}], "default": null},
  {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}],
   "default": null},
  {"name": "hash", "type": ["null", {"type": "fixed", "name": "Hash", "size": 4}], "default": null}
]}
"""
ORDERED_2 = ORDERED_1.replace('"OPEN", "DONE"]', '"OPEN", "DONE", "HELD"]').replace(
    '"size": 4}], "default": null}\n',
    '"size": 4}], "default": null},\n  {"name": "note", "type": "string", "default": ""}\n',
)
PAID_1 = """\
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
message Unused {}
message Paid {
  string correlation_id = 1;
  int32 schema_version = 2;
  string event_id = 3;
  google.protobuf.Timestamp occurred_at = 4;
  optional string causation_id = 5;
  string order_id = 6;
  int32 count = 7;
  int64 total = 8;
  float weight = 9;
  double ratio = 10;
  bool gift = 11;
  bytes raw = 12;
  State state = 13;
  google.protobuf.Timestamp placed_at = 14;
  google.protobuf.Duration took = 15;
  repeated string tags = 16;
  map<string, int64> prices = 17;
  repeated Line lines = 18;
  oneof by { Card card = 19; Cash cash = 20; }
  uint32 sign = 21;
}
message Line { string sku = 1; sint32 delta = 2; Line within = 3; }
message Card { string number = 1; }
message Cash { string number = 1; }
enum State { OPEN = 0; DONE = 1; }
"""
PAID_2 = PAID_1.replace("DONE = 1;", "DONE = 1; HELD = 2;").replace("sign = 21;", "sign = 21;\n  string note = 22;")

STEPS: Final[tuple[Mapping[str, str], ...]] = (
    {"ownership.yaml": OWNERSHIP, "contracts/Ordered.avsc": ORDERED_1, "contracts/paid.proto": PAID_1},
    {"contracts/Ordered.avsc": ORDERED_2, "contracts/paid.proto": PAID_2},
)
SERVICES: Final = ("shop", "billing")
LANGUAGES: Final = {"avro": ("shop.Ordered", "ordered"), "protobuf": ("shop.Paid", "paid")}
"""Language to its event, and the module of that."""


def build(path: Path) -> Repository:
    """The contracts with two released versions each."""
    repository = Repository(path)
    for files in STEPS:
        repository.commit(files=files)
        freeze(repository, "shop.Ordered", "shop.Paid")
    repository.commit(files={"ownership.yaml": PINNED})
    return repository


def write_stubs(repository: Repository, service: str, folder: Path) -> None:
    """What `contracts gen` writes for a service."""
    folder.mkdir(parents=True)
    for name, text in render_stubs(read_plans(repository.path, Wish(service), os.environ)).items():
        (folder / name).write_text(text, "utf-8")


@dataclass(frozen=True, slots=True)
class Party:
    """The stubs of one event, in one service."""

    language: str
    event: str
    """Its full name."""
    stubs: ModuleType
    """The module of the event, in which its classes and those of its parts are."""

    @property
    def name(self) -> str:
        """Its short name, which its class has too."""
        return self.event.rpartition(".")[2]

    @property
    def bundle(self) -> Bundle:
        """The contract in the stubs."""
        bundle: Bundle = getattr(self.stubs, f"{self.name}Consumer").bundle()
        return bundle

    def make(self, version: int = 2, /, **fields: object) -> Any:
        """An event; what is not given has its default, but for the key."""
        return getattr(self.stubs, self.name if version == 2 else f"{self.name}V1")(**{"order_id": "o-1", **fields})

    def fill(self, version: int = 2) -> Any:
        """An event with all its fields set."""
        module, suffix = self.stubs, "" if version == 2 else "V1"
        line, card = getattr(module, f"Line{suffix}"), getattr(module, f"Card{suffix}")
        fields: dict[str, object] = {
            "count": 7,
            "total": -5,
            "weight": 1.5,
            "ratio": 0.1,
            "gift": True,
            "raw": b"\x00\xff",
            "tags": ("a", "é"),
            "prices": {"EUR": 1},
            "lines": (line(sku="s", delta=-1, within=line(sku="t")),),
            "state": getattr(module, f"State{suffix}").DONE,
            "placed_at": datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
        }
        if self.language == "avro":
            fields |= {
                "took": Duration(1, 2, 3),
                "by": card(number="1"),
                "day": date(2026, 1, 2),
                "hour": time(1, 2, 3),
            }
            fields |= {"local": datetime(2026, 1, 2), "token": UUID(int=5), "price": Decimal("-1.25"), "hash": b"hash"}
        else:
            fields |= {"took": timedelta(microseconds=-1), "card": card(number="1"), "sign": 2**32 - 1}
        return self.make(version, **fields, **({"note": "n"} if version == 2 else {}))

    def produce(self, transport: Transport, active: int = 2, **options: Any) -> Producer[Any]:
        """The producer, which the owner's stubs have."""
        producer: Producer[Any] = getattr(self.stubs, f"{self.name}Producer")(
            transport, service="shop", active=active, **options
        )
        return producer

    def consume(self) -> tuple[Consumer, list[Any]]:
        """A consumer, and what it was given."""
        seen: list[Any] = []
        handlers = {f"on_{self.name.lower()}": lambda _self, event, _meta: seen.append(event)}
        return type("Seeing", (getattr(self.stubs, f"{self.name}Consumer"),), handlers)(), seen


@contextmanager
def import_stubs(folder: Path) -> Iterator[dict[str, dict[str, Party]]]:
    """Service to language to its stubs, made from a repository in ``folder``, and forgotten at the end."""
    repository = build(folder / "repository")
    for service in SERVICES:
        write_stubs(repository, service, folder / f"stubs_of_{service}")
    with importable(folder):
        yield {
            service: {
                language: Party(language, event, importlib.import_module(f"stubs_of_{service}.{module}"))
                for language, (event, module) in LANGUAGES.items()
            }
            for service in SERVICES
        }


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Packages of a folder can be imported, and are forgotten at the end."""
    before = set(sys.modules)
    sys.path.insert(0, os.fspath(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(os.fspath(folder))
        for name in set(sys.modules) - before:
            if (getattr(sys.modules[name], "__file__", "") or "").startswith(os.fspath(folder)):
                del sys.modules[name]
