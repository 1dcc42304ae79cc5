"""Three events, as Avro and as Protobuf, with the dataclasses that a service would use: what `bench/serde.py` measures.

*content* has ten fields, among them a record, an enum, five tags, a UUID, a datetime and a Decimal; *small* has five
primitives; *large* has 100 records of five fields. Every row of the table carries all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

EVENTS = ("content", "small", "large")
TITLES = {"content": "bench.Content", "small": "bench.Small", "large": "bench.Large"}
"""The full name of each event, in both languages."""


class Visibility(str, Enum):  # noqa: UP042 (of both, so that `asdict` makes something that fastavro takes)
    """An enum as people declare it who hand its members to fastavro."""

    PUBLIC = "PUBLIC"
    MEMBERS = "MEMBERS"
    UNLISTED = "UNLISTED"
    PRIVATE = "PRIVATE"


@dataclass(slots=True, kw_only=True)
class Author:
    """A record within *content*."""

    author_id: UUID
    display_name: str


@dataclass(slots=True, kw_only=True)
class Content:
    """An event of the usual size."""

    content_id: UUID
    revision: int
    slug: str
    title: str
    locale: str
    author: Author
    visibility: Visibility
    price: Decimal
    tags: Sequence[str]
    published_at: datetime


@dataclass(slots=True, kw_only=True)
class Small:
    """Five primitives."""

    device: str
    sequence: int
    count: int
    reading: float
    valid: bool


@dataclass(slots=True, kw_only=True)
class Trade:
    """One of the records in *large*."""

    symbol: str
    quantity: int
    venue: int
    price: float
    buy: bool


@dataclass(slots=True, kw_only=True)
class Large:
    """A batch."""

    trades: Sequence[Trade]


class Access(Enum):
    """The enum of the Protobuf schema, as its stub has it."""

    PUBLIC = 0
    MEMBERS = 1
    UNLISTED = 2
    PRIVATE = 3


@dataclass(slots=True, kw_only=True)
class Writer:
    """A record within *content*, as the Protobuf schema has it: it knows no UUID."""

    author_id: str
    display_name: str


@dataclass(slots=True, kw_only=True)
class Item:
    """*content* as the Protobuf schema has it: it knows neither UUID nor decimal."""

    content_id: str
    revision: int
    slug: str
    title: str
    locale: str
    author: Writer | None
    visibility: Access | int
    price: str
    tags: Sequence[str]
    published_at: datetime | None


AUTHOR_ID = UUID("8b6f1f5e-3f2c-4a57-9f0b-6f6a4d7f6c11")
CONTENT_ID = UUID("0f9d6a52-6a0e-4c0f-8a77-1d7c2f1b9a30")
PUBLISHED_AT = datetime(2026, 11, 23, 8, 55, 4, 123456, UTC)
TAGS = ("streaming", "release", "documentary", "europe", "2026")
VALUES: dict[str, Any] = {
    "content": Content(
        content_id=CONTENT_ID,
        revision=17,
        slug="how-we-publish-without-downtime",
        title="How we publish without downtimes",
        locale="en-GB",
        author=Author(author_id=AUTHOR_ID, display_name="Ada Lindqvist-Moreau"),
        visibility=Visibility.MEMBERS,
        price=Decimal("12.50"),
        tags=TAGS,
        published_at=PUBLISHED_AT,
    ),
    "small": Small(device="sensor-004217", sequence=1_893_456_000_123, count=4711, reading=21.4375, valid=True),
    "large": Large(
        trades=tuple(
            Trade(
                symbol=f"SYM{number:03}",
                quantity=100 + 7919 * number,
                venue=4,
                price=100.25 + number,
                buy=number % 3 == 0,
            )
            for number in range(100)
        )
    ),
}

PROTO_VALUES: dict[str, Any] = {
    **VALUES,
    "content": Item(
        content_id=str(CONTENT_ID),
        revision=17,
        slug="how-we-publish-without-downtime",
        title="How we publish without downtimes",
        locale="en-GB",
        author=Writer(author_id=str(AUTHOR_ID), display_name="Ada Lindqvist-Moreau"),
        visibility=Access.MEMBERS,
        price="12.50",
        tags=TAGS,
        published_at=PUBLISHED_AT,
    ),
}

AVRO = {
    "content": """{
  "type": "record", "name": "Content", "namespace": "bench",
  "fields": [
    {"name": "content_id", "type": {"type": "string", "logicalType": "uuid"}},
    {"name": "revision", "type": "long"},
    {"name": "slug", "type": "string"},
    {"name": "title", "type": "string"},
    {"name": "locale", "type": "string", "default": "en-GB"},
    {"name": "author", "type": {"type": "record", "name": "Author", "fields": [
      {"name": "author_id", "type": {"type": "string", "logicalType": "uuid"}},
      {"name": "display_name", "type": "string"}
    ]}},
    {"name": "visibility", "type": {
      "type": "enum", "name": "Visibility", "symbols": ["PUBLIC", "MEMBERS", "UNLISTED", "PRIVATE"]
    }},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
    {"name": "tags", "type": {"type": "array", "items": "string"}},
    {"name": "published_at", "type": {"type": "long", "logicalType": "timestamp-micros"}}
  ]
}""",
    "small": """{
  "type": "record", "name": "Small", "namespace": "bench",
  "fields": [
    {"name": "device", "type": "string"},
    {"name": "sequence", "type": "long"},
    {"name": "count", "type": "int", "default": 4711},
    {"name": "reading", "type": "double"},
    {"name": "valid", "type": "boolean"}
  ]
}""",
    "large": """{
  "type": "record", "name": "Large", "namespace": "bench",
  "fields": [
    {"name": "trades", "type": {"type": "array", "items": {
      "type": "record", "name": "Trade", "fields": [
        {"name": "symbol", "type": "string"},
        {"name": "quantity", "type": "long"},
        {"name": "venue", "type": "int", "default": 4},
        {"name": "price", "type": "double"},
        {"name": "buy", "type": "boolean"}
      ]
    }}}
  ]
}""",
}
OLDER_AVRO = {
    "content": AVRO["content"].replace('"locale", "type": "string", "default": "en-GB"', '"views", "type": "long"'),
    "small": AVRO["small"].replace('"count", "type": "int", "default": 4711', '"retries", "type": "int"'),
    "large": AVRO["large"].replace('"venue", "type": "int", "default": 4', '"desk", "type": "int"'),
}
"""The version before: in the middle it has a field that is gone today, in place of one that came, with a default."""

PROTO = """syntax = "proto3";
package bench;
import "google/protobuf/timestamp.proto";

enum Visibility { PUBLIC = 0; MEMBERS = 1; UNLISTED = 2; PRIVATE = 3; }

message Author { string author_id = 1; string display_name = 2; }

message Content {
  string content_id = 1;
  int64 revision = 2;
  string slug = 3;
  string title = 4;
  string locale = 5;
  Author author = 6;
  Visibility visibility = 7;
  string price = 8;
  repeated string tags = 9;
  google.protobuf.Timestamp published_at = 10;
}

message Small { string device = 1; int64 sequence = 2; int32 count = 3; double reading = 4; bool valid = 5; }

message Trade { string symbol = 1; int64 quantity = 2; int32 venue = 3; double price = 4; bool buy = 5; }

message Large { repeated Trade trades = 1; }
"""
