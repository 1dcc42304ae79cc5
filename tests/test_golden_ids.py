"""What a released schema is called, FROZEN: version.yaml files hold these, and logs hold the ids.

If a test here fails, the canonical form changed. That must not happen: every schema that was ever released would get
another fingerprint and another id.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256

import pytest

from registry.formats import load_format
from registry.formats.identity import LARGEST_ID, derive_id, fingerprint_of, guid_of, next_id
from registry.schema import Schema

PUBLISHED = """\
{
  "type": "record",
  "name": "ContentPublished",
  "namespace": "playconnect.content",
  "doc": "An item of content can be seen by everybody.",
  "fields": [
    {"name": "correlation_id", "type": {"type": "string", "logicalType": "uuid"}, "doc": "From end to end."},
    {"name": "schema_version", "type": "int"},
    {"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "causation_id", "type": ["null", {"type": "string", "logicalType": "uuid"}], "default": null},
    {"name": "content_id", "type": "string", "doc": "The message key.", "aliases": ["id"]},
    {"name": "authors", "type": {"type": "array", "items": "playconnect.common.Author"}, "default": []},
    {
      "name": "state",
      "type": {"type": "enum", "name": "State", "symbols": ["OTHER", "LIVE", "HIDDEN"], "default": "OTHER"}
    },
    {"name": "labels", "type": {"type": "map", "values": "string"}, "default": {"b": "2", "a": "1"}},
    {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}]},
    {"name": "weight", "type": "double", "default": 1.0}
  ]
}
"""
AUTHOR = """\
{
  "type": "record", "name": "Author", "namespace": "playconnect.common", "doc": "Who wrote it.",
  "fields": [
    {"name": "author_id", "type": "string"},
    {"name": "checksum", "type": {"type": "fixed", "name": "Checksum", "size": 16}}
  ]
}
"""
AVRO = {"content/ContentPublished.avsc": PUBLISHED, "common/Author.avsc": AUTHOR}

ADDED = """\
syntax = "proto3";

// What happens to carts.
package playconnect.commerce;

import "commerce/common.proto";
import "google/protobuf/timestamp.proto";

// Somebody put something into a cart.
message CartItemAdded {
  // From end to end.
  string correlation_id = 1;
  int32 schema_version = 2;
  google.protobuf.Timestamp occurred_at = 4;
  optional string causation_id = 5;
  // The message key.
  string cart_id = 6;
  repeated sint64 positions = 7;
  Money price = 8;
  oneof seller {
    string shop = 9;
    Person person = 10;
  }
  map<string, int64> stock = 11;
  State state = 12;
  reserved 13, 15 to 17;
  reserved "coupon";
}

message Person {
  bytes token = 1;
}

enum State {
  STATE_UNSPECIFIED = 0;
  STATE_OPEN = 1;
}
"""
COMMON = """\
syntax = "proto3";
package playconnect.commerce;

// An amount of money.
message Money {
  int64 units = 1;
  string currency = 2;
}
"""
PROTOBUF = {"commerce/cart.proto": ADDED, "commerce/common.proto": COMMON}


def avro(files: Mapping[str, str]) -> Schema:
    return load_format("avro").parse(files, ["content/ContentPublished.avsc"], "playconnect.content.ContentPublished")


def protobuf(files: Mapping[str, str]) -> Schema:
    return load_format("protobuf").parse(files, ["commerce/cart.proto"], "playconnect.commerce.CartItemAdded")


VECTORS = [
    (
        avro(AVRO),
        "sha256:0a9b4486b468bf651bf60dde1ac5af3daf543eb2f37bfc994523063566d7e5d4",
        177947782,
        "2b8a37c6-1dfe-241a-4c58-a820c8c5a1f2",
    ),
    (
        protobuf(PROTOBUF),
        "sha256:45e0c9fdddde2e99755beb40239e350f0ec3929e18200b8192e824d91d965110",
        1172359677,
        "1b755587-f570-2801-7da0-54b6a7b819a5",
    ),
]
FINGERPRINTS = {schema.format: fingerprint for schema, fingerprint, _, _ in VECTORS}


@pytest.mark.parametrize(("schema", "fingerprint", "schema_id", "guid"), VECTORS, ids=FINGERPRINTS)
def test_what_a_schema_is_called_is_frozen(schema: Schema, fingerprint: str, schema_id: int, guid: str) -> None:
    assert fingerprint_of(schema) == fingerprint
    assert derive_id(fingerprint) == schema_id
    assert guid_of(schema) == guid


@pytest.mark.parametrize("schema", [schema for schema, *_ in VECTORS], ids=FINGERPRINTS)
def test_the_fingerprint_is_the_sha_256_of_the_canonical_form(schema: Schema) -> None:
    canonical = load_format(schema.format).canonical_form(schema)
    assert fingerprint_of(schema) == f"sha256:{sha256(canonical.encode()).hexdigest()}"


def strip_docs(value: object) -> object:
    """An Avro schema without a word of documentation."""
    if isinstance(value, dict):
        return {key: strip_docs(each) for key, each in value.items() if key != "doc"}
    return [strip_docs(each) for each in value] if isinstance(value, list) else value


SAME_AVRO = {
    "the files in another order": dict(reversed(AVRO.items())),
    "a file in another folder": {"content/ContentPublished.avsc": PUBLISHED, "Author.avsc": AUTHOR},
    "no whitespace": {path: json.dumps(json.loads(text), separators=(",", ":")) for path, text in AVRO.items()},
    "one value a line, keys sorted": {
        path: json.dumps(json.loads(text), indent=4, sort_keys=True) for path, text in AVRO.items()
    },
    "line ends of others": {path: text.replace("\n", "\r\n") for path, text in AVRO.items()},
    "no docs": {path: json.dumps(strip_docs(json.loads(text))) for path, text in AVRO.items()},
    "other docs": {path: text.replace("The message key.", "Key!") for path, text in AVRO.items()},
    "a stranger beside them": {**AVRO, "a.avsc": '{"type": "enum", "name": "A", "symbols": []}'},
}


@pytest.mark.parametrize("files", SAME_AVRO.values(), ids=SAME_AVRO)
def test_avro_of_one_meaning_has_one_fingerprint(files: Mapping[str, str]) -> None:
    assert fingerprint_of(avro(files)) == FINGERPRINTS["avro"]


def without_comments(text: str) -> str:
    return re.sub(r"^ *//.*\n", "", text, flags=re.MULTILINE)


PERSON = ADDED[ADDED.index("message Person") : ADDED.index("enum State")]
STATE = ADDED[ADDED.index("enum State") :]
SAME_PROTOBUF = {
    "the files in another order": dict(reversed(PROTOBUF.items())),
    "no comments": {path: without_comments(text) for path, text in PROTOBUF.items()},
    "no line breaks": {path: without_comments(text).replace("\n", " ") for path, text in PROTOBUF.items()},
    "line ends of others": {path: text.replace("\n", "\r\n") for path, text in PROTOBUF.items()},
    "declarations in another order": {
        **PROTOBUF,
        "commerce/cart.proto": ADDED.replace(PERSON, "").replace(STATE, STATE + PERSON),
    },
    "fields in another order": {
        **PROTOBUF,
        "commerce/common.proto": COMMON.replace("  int64 units = 1;\n", "").replace("}", "  int64 units = 1;\n}"),
    },
    "a message in another file": {
        "commerce/cart.proto": ADDED.replace(PERSON, ""),
        "commerce/common.proto": COMMON + PERSON,
    },
    "a reservation written otherwise": {
        **PROTOBUF,
        "commerce/cart.proto": ADDED.replace("reserved 13, 15 to 17;", "reserved 16 to 17, 13; reserved 15;"),
    },
    "an option for generated code": {
        **PROTOBUF,
        "commerce/common.proto": COMMON.replace(";\n\n", ';\noption java_package = "com.playconnect";\n\n'),
    },
}


@pytest.mark.parametrize("files", SAME_PROTOBUF.values(), ids=SAME_PROTOBUF)
def test_protobuf_of_one_meaning_has_one_fingerprint(files: Mapping[str, str]) -> None:
    schema = protobuf(files)
    assert fingerprint_of(schema) == FINGERPRINTS["protobuf"]
    assert guid_of(schema) == VECTORS[1][3]


OTHER_AVRO = [
    ('"default": 1.0', '"default": 2.0'),
    ('"aliases": ["id"]', '"aliases": ["key"]'),
    ('"logicalType": "timestamp-micros"', '"logicalType": "timestamp-millis"'),
    ('"symbols": ["OTHER", "LIVE", "HIDDEN"], "default": "OTHER"', '"symbols": ["OTHER", "LIVE", "HIDDEN"]'),
    ('"scale": 2', '"scale": 3'),
    ('"namespace": "playconnect.content"', '"namespace": "playconnect.content", "aliases": ["Old"]'),
]


@pytest.mark.parametrize(("was", "is_now"), OTHER_AVRO)
def test_avro_of_another_meaning_has_another_fingerprint(was: str, is_now: str) -> None:
    assert PUBLISHED.count(was) == 1
    files = {**AVRO, "content/ContentPublished.avsc": PUBLISHED.replace(was, is_now)}
    assert fingerprint_of(avro(files)) != FINGERPRINTS["avro"]


OTHER_PROTOBUF = [
    ("string cart_id = 6", "string basket_id = 6"),
    ("optional string causation_id", "string causation_id"),
    ("repeated sint64 positions = 7", "repeated sint64 positions = 7 [packed = false]"),
    ("STATE_OPEN = 1", "STATE_LIVE = 1"),
    ('reserved "coupon";', 'reserved "coupons";'),
    ("bytes token", "string token"),
    ("string cart_id = 6;", 'string cart_id = 6 [json_name = "id"];'),
]


@pytest.mark.parametrize(("was", "is_now"), OTHER_PROTOBUF)
def test_protobuf_of_another_meaning_has_another_fingerprint(was: str, is_now: str) -> None:
    assert ADDED.count(was) == 1
    files = {**PROTOBUF, "commerce/cart.proto": ADDED.replace(was, is_now)}
    assert fingerprint_of(protobuf(files)) != FINGERPRINTS["protobuf"]


def test_an_id_is_31_bits_of_the_fingerprint_and_never_0() -> None:
    assert derive_id(f"sha256:00000001{'f' * 56}") == 1
    assert derive_id(f"sha256:7fffffff{'0' * 56}") == LARGEST_ID == 2147483647
    assert derive_id(f"sha256:80000007{'0' * 56}") == 7
    assert derive_id(f"sha256:{'0' * 64}") == 1
    assert derive_id(f"sha256:80000000{'0' * 56}") == 1


def test_the_next_id_stays_among_the_ids() -> None:
    assert next_id(1) == 2
    assert next_id(LARGEST_ID) == 1
