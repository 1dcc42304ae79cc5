"""The neutral tree of a .proto file, and what protobuf's own library says of the same bytes."""

from collections.abc import Iterator

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message

from registry.formats.protobuf import parse
from registry.formats.protobuf.compile import compile_files
from registry.formats.protobuf.descriptors import Node, decode_files
from registry.schema import MISSING, Array, Enum, Map, Primitive, Record, Ref, Schema

ORDER = """syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "item.proto";

// An order.
// In two lines.
message Order {
\tstring id = 1;  // not a leading comment
  // In cents.
  optional int64 amount = 2;
  oneof payment {
    string card = 3;
    Voucher voucher = 4;
  }
  map<string, shop.Item> items = 5;
  repeated sint32 scores = 6;
  google.protobuf.Timestamp at = 7;
  message Voucher { bytes code = 1; }
  enum State { NEW = 0; DONE = -1; }
  State state = 8;
  reserved 20 to 22, 40, 100 to max;
  reserved "old";
}
"""
ITEM = """syntax = "proto2";
package shop;
message Item {
  required string sku = 1 [default = "x"];
  repeated group Part = 2 { optional int32 n = 1 [default = -7]; }
  extensions 100 to 199;
}
extend Item { optional Extra extra = 100; }
message Extra {}
message Unrelated {}
"""
FILES = {"order.proto": ORDER, "item.proto": ITEM}


@pytest.fixture(scope="module")
def schema() -> Schema:
    return parse(FILES, ["order.proto"])


def record(schema: Schema, name: str) -> Record:
    type_ = schema.types[name]
    assert isinstance(type_, Record)
    return type_


def test_every_message_and_enum_of_the_files_asked_for_is_a_root(schema: Schema) -> None:
    names = [root.name for root in schema.roots if isinstance(root, Ref)]
    assert names == ["shop.Order", "shop.Order.State", "shop.Order.Voucher"]


def test_types_are_what_is_reachable(schema: Schema) -> None:
    reachable = {"shop.Item", "shop.Item.Part", "shop.Extra", "google.protobuf.Timestamp"}
    assert set(schema.types) == reachable | {"shop.Order", "shop.Order.State", "shop.Order.Voucher"}
    assert set(parse(FILES, ["order.proto"], "shop.Order.Voucher").types) == {"shop.Order.Voucher"}


def test_fields_have_their_types_and_their_wire(schema: Schema) -> None:
    fields = {field.name: field for field in record(schema, "shop.Order").fields}
    wires = {name: field.wire for name, field in fields.items() if field.wire}
    presences = [wires[name].presence for name in ("id", "amount", "card", "voucher", "items", "scores", "at", "state")]
    assert presences == ["implicit", "explicit", "explicit", "explicit", "repeated", "repeated", "explicit", "implicit"]
    assert [name for name, wire in wires.items() if wire.oneof] == ["card", "voucher"]
    assert [name for name, wire in wires.items() if wire.verifies_utf8] == ["id", "card", "items"]
    items, scores = fields["items"].type, fields["scores"].type
    assert isinstance(items, Map) and isinstance(items.values, Ref) and items.values.name == "shop.Item"
    assert items.keys is not None and items.keys.name == "string"
    assert isinstance(scores, Array) and isinstance(scores.items, Primitive) and scores.items.name == "sint32"
    assert wires["scores"].packed


def test_reservations_and_extension_ranges_include_both_ends(schema: Schema) -> None:
    reserved = record(schema, "shop.Order").reserved
    assert reserved.ranges == ((20, 22), (40, 40), (100, 536870911))
    assert reserved.names == {"old"}
    assert record(schema, "shop.Item").extension_ranges == ((100, 199),)
    state = schema.types["shop.Order.State"]
    assert isinstance(state, Enum) and not state.closed
    assert [(symbol.name, symbol.number) for symbol in state.symbols] == [("NEW", 0), ("DONE", -1)]


def test_proto2_has_groups_defaults_required_fields_and_extensions(schema: Schema) -> None:
    sku, part, extra = record(schema, "shop.Item").fields
    assert sku.wire is not None and part.wire is not None and extra.wire is not None
    assert (sku.wire.presence, sku.default, sku.wire.verifies_utf8) == ("required", "x", False)
    assert (part.name, part.wire.delimited, part.default) == ("part", True, MISSING)
    assert record(schema, "shop.Item.Part").fields[0].default == "-7"
    assert (extra.name, extra.wire.number, extra.wire.extension) == ("shop.extra", 100, True)


def test_leading_comments_are_docs(schema: Schema) -> None:
    assert record(schema, "shop.Order").doc == "An order.\nIn two lines."
    assert [field.doc for field in record(schema, "shop.Order").fields][:3] == ["", "In cents.", ""]


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("/Order", "order.proto:8:1"),
        ("/Order/id", "order.proto:9:2"),
        ("/Order/id/name", "order.proto:9:9"),
        ("/Order/amount/type", "order.proto:11:12"),
        ("/Order/amount/number", "order.proto:11:27"),
        ("/Order/payment", "order.proto:12:3"),
        ("/Order/items/type", "order.proto:16:3"),
        ("/Order/Voucher/code", "order.proto:19:21"),
        ("/Order/State/DONE", "order.proto:20:25"),
        ("/Order/amount/elsewhere", "order.proto:11:3"),
        ("/Nothing", "order.proto:1:1"),
    ],
)
def test_a_pointer_leads_to_a_place(schema: Schema, pointer: str, place: str) -> None:
    top = schema.types["shop.Order"].at
    assert str(type(top)("order.proto", pointer, top.find)) == place


def test_places_of_other_files_name_them(schema: Schema) -> None:
    _, part, extra = record(schema, "shop.Item").fields
    assert (str(part.at), part.at.pointer) == ("item.proto:5:3", "/Item/part")
    assert (str(extra.at), extra.at.pointer) == ("item.proto:8:15", "/extra")
    assert schema.types["google.protobuf.Timestamp"].at.path == "google/protobuf/timestamp.proto"


EDITIONS = {
    "proto2.proto": """syntax = "proto2"; package p2;
        message M { optional int32 a = 1; required string b = 2; repeated int32 c = 3;
          repeated int32 d = 4 [packed = true]; optional E e = 5; oneof o { int32 f = 6; }
          map<string, E> g = 7; repeated string h = 8; extensions 9; }
        enum E { Y = 0; Z = 1; } extend M { optional int32 x = 9; }""",
    "proto3.proto": """syntax = "proto3"; package p3;
        message M { int32 a = 1; optional string b = 2; repeated int32 c = 3; repeated int32 d = 4 [packed = false];
          E e = 5; oneof o { int32 f = 6; M i = 9; } map<string, E> g = 7; repeated string h = 8;
          M j = 10; repeated E k = 11; }
        enum E { Z = 0; }""",
    "e2023.proto": """edition = "2023"; package e3; option features.field_presence = IMPLICIT;
        option features.repeated_field_encoding = EXPANDED; option features.message_encoding = DELIMITED;
        message M { int32 a = 1; string b = 2 [features.field_presence = EXPLICIT]; repeated int32 c = 3;
          repeated int32 d = 4 [features.repeated_field_encoding = PACKED];
          M e = 5 [features.message_encoding = LENGTH_PREFIXED]; oneof o { int32 f = 6; } M g = 7;
          int32 h = 8 [features.field_presence = LEGACY_REQUIRED];
          enum E { option features.enum_type = CLOSED; Z = 1; } E i = 9 [features.field_presence = EXPLICIT]; }
        message N { N n = 1; map<int32, N> m = 2; repeated N r = 3; }""",
    "e2024.proto": """edition = "2024"; package e4;
        message M { int32 a = 1; string b = 2; repeated int32 c = 3; E e = 5; repeated E f = 6; }
        enum E { Z = 0; }""",
}


@pytest.fixture(scope="module")
def compiled() -> bytes:
    return compile_files(EDITIONS, list(EDITIONS))[0]


def messages_of(pool: descriptor_pool.DescriptorPool, schema: Schema) -> Iterator[tuple[Record, Descriptor]]:
    for name, type_ in schema.types.items():
        if isinstance(type_, Record):
            yield type_, pool.FindMessageTypeByName(name)


def test_features_are_resolved_as_protobuf_does(compiled: bytes) -> None:
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(compiled).file:
        pool.Add(file)
    schema = parse(EDITIONS, list(EDITIONS))
    compared = 0
    for mine, theirs in messages_of(pool, schema):
        for field in mine.fields:
            wire = field.wire
            assert wire is not None
            other = pool.FindExtensionByName(field.name) if wire.extension else theirs.fields_by_name[field.name]
            assert (wire.presence in {"explicit", "required"}) == other.has_presence, other.full_name
            assert (wire.presence == "required") == other.is_required, other.full_name
            assert (wire.presence == "repeated") == other.is_repeated, other.full_name
            assert wire.packed == other.is_packed, other.full_name
            assert wire.delimited == (other.type == other.TYPE_GROUP), other.full_name
            real = other.containing_oneof is not None and len(other.containing_oneof.name) == 1
            assert (wire.oneof is not None) == real, other.full_name
            compared += 1
    for name, type_ in schema.types.items():
        if isinstance(type_, Enum):
            assert type_.closed == pool.FindEnumTypeByName(name).is_closed, name
            compared += 1
    assert compared == 41


def test_our_reader_of_descriptors_reads_what_protobufs_reads(compiled: bytes) -> None:
    data = compile_files(FILES, ["order.proto"])[0] + compiled
    theirs = FileDescriptorSet.FromString(data).file
    mine = decode_files(data)
    assert len(mine) == len(theirs)
    for node, message in zip(mine, theirs, strict=True):
        start, end = node.pop("source_code_info")
        assert data[start:end] == message.source_code_info.SerializeToString()
        agree(node, message)


NOT_READ = {
    FileDescriptorProto: {"source_code_info", "public_dependency", "weak_dependency", "service"},
}


def agree(node: Node, message: Message) -> None:
    """Each value we read is the one that is there, and what we do not read is nothing that we judge by."""
    known = {field.name: value for field, value in message.ListFields()}
    for name, value in node.items():
        other = known[name]
        if isinstance(value, dict):
            agree(value, other)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            assert len(value) == len(other)
            for one, two in zip(value, other, strict=True):
                agree(one, two)
        else:
            assert value == (list(other) if isinstance(value, list) else other), name
    if not message.DESCRIPTOR.name.endswith("Options"):
        assert known.keys() - node.keys() <= NOT_READ.get(type(message), set()) | {"options"}


def test_a_file_without_types_has_no_roots() -> None:
    assert parse({"a.proto": 'syntax = "proto3";'}, ["a.proto"]).roots == ()


def test_options_of_other_people_do_no_harm() -> None:
    text = """syntax = "proto2"; import "google/protobuf/descriptor.proto";
        extend google.protobuf.FieldOptions { optional fixed64 far = 50000; optional float near = 50001;
          optional G g = 50002; }
        message G { optional fixed32 x = 1; repeated string s = 2; }
        message M { optional int32 a = 1 [(far) = 7, (near) = 1.5, (g) = { x: 1 s: "b" }, deprecated = true]; }"""
    schema = parse({"a.proto": text}, ["a.proto"], "M")
    assert [field.name for field in record(schema, "M").fields] == ["a"]
