"""Confluent's Protobuf serializer and deserializer read what this project writes, and the other way round."""

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import header_schema_id_serializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from registry.formats.protobuf import parse
from registry.serde import Bundle, BundledVersion, Meta, Serde
from registry.serde.errors import SerdeError
from registry.serde.hooks import from_message, to_message
from tests.serde_interop import CONF, WRITING, context, find_events, import_bundles, make_registry

EVENTS = ["InventoryAdjusted", "CartItemAdded", "CartItemRemoved"]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("stubs")
    found = import_bundles(folder, "commerce-engine")
    return {each.event.rpartition(".")[2]: each for each in found if each.language == "protobuf"}


def message_class(version: BundledVersion, event: str) -> Any:
    """The class that another service has of a message, from protoc's descriptors in a pool of its own."""
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(version.descriptors).file:
        pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(event))


def serializer(bundle: Bundle, version: BundledVersion, class_: Any, **conf: object) -> ProtobufSerializer:
    """Confluent's serializer; what it would register are the descriptors as its pool gives them back."""
    registry, _ = make_registry(bundle)
    made = ProtobufSerializer(class_, registry, {**WRITING, **conf})
    # The text of a descriptor depends on who made it: the id is that of the released version in any case.
    registered = next(each for each in registry.held if each.schema_id == version.schema_id)
    registry.lookup_schema = lambda *_, **__: registered  # type: ignore[method-assign]
    return made


def test_the_second_message_of_a_file_is_among_them(bundles: dict[str, Bundle]) -> None:
    indexes = {name: Serde(bundle).versions.indexes(bundle.newest) for name, bundle in bundles.items()}
    assert {index for name in EVENTS for index in indexes[name]} > {0}


@pytest.mark.parametrize("event", EVENTS)
def test_confluent_reads_what_the_stubs_write(event: str, bundles: dict[str, Bundle]) -> None:
    bundle = bundles[event]
    registry, _ = make_registry(bundle)
    serde, version = Serde(bundle), bundle.newest
    class_ = message_class(version, bundle.event)
    read = ProtobufDeserializer(class_, CONF, registry)
    convert = to_message(bundle, class_)
    events = list(find_events(bundle, version))
    assert len(events) > 3
    for given, meta in events:
        value, _ = serde.encode(given, meta)
        assert read(value, context()) == convert((given, meta))


@pytest.mark.parametrize("event", EVENTS)
def test_the_stubs_read_what_confluent_writes(event: str, bundles: dict[str, Bundle]) -> None:
    bundle = bundles[event]
    serde, version = Serde(bundle), bundle.newest
    class_ = message_class(version, bundle.event)
    write = serializer(bundle, version, class_)
    convert, restore = to_message(bundle, class_), from_message(bundle)
    for given, meta in find_events(bundle, version):
        message = convert((given, meta))
        value = write(message, context())
        event_read, found = serde.decode(value)
        assert event_read == given
        assert (found.correlation_id, found.event_id) == (meta.correlation_id, meta.event_id)
        frame = len(value) - len(message.SerializeToString())
        assert value[:frame] == serde.encode(given, meta)[0][:frame]
        assert restore(message, context())[0] == given


@pytest.mark.parametrize("event", EVENTS)
def test_the_frame_may_be_in_a_header(event: str, bundles: dict[str, Bundle]) -> None:
    bundle = bundles[event]
    registry, _ = make_registry(bundle)
    serde, version = Serde(bundle, framing="confluent-header"), bundle.newest
    class_ = message_class(version, bundle.event)
    read = ProtobufDeserializer(class_, CONF, registry)
    write = serializer(bundle, version, class_, **{"schema.id.serializer": header_schema_id_serializer})
    convert = to_message(bundle, class_)
    for given, meta in find_events(bundle, version):
        value, headers = serde.encode(given, meta)
        message = convert((given, meta))
        assert read(value, context(list(headers))).SerializeToString() == message.SerializeToString()
        ctx = context()
        written = write(message, ctx)
        assert tuple(ctx.headers) == headers
        assert serde.decode(written, ctx.headers)[0] == given


NESTED = """\
syntax = "proto3";
package t;
message First { int32 a = 1; }
message Second { message Inner { message Event { string name = 1; } int32 b = 1; } message Event { int32 c = 1; } }
"""


@pytest.mark.parametrize(
    ("event", "indexes", "frame"),
    [("t.First", (0,), "00"), ("t.Second.Event", (1, 1), "040202"), ("t.Second.Inner.Event", (1, 0, 0), "06020000")],
)
def test_a_nested_message_is_found_by_its_indexes(event: str, indexes: tuple[int, ...], frame: str) -> None:
    descriptors = parse({"t.proto": NESTED}, ["t.proto"], event).descriptors
    version = BundledVersion(
        1, 9, "9a3f1c52-7b0d-4a56-8d3e-1f2a3b4c5d6e", "t.proto", {"t.proto": NESTED}, descriptors=descriptors
    )
    bundle = Bundle(event, "protobuf", "a", "a", "", "t", "", (version,), (1,), (1,))
    serde = Serde(bundle)
    assert serde.versions.indexes(version) == indexes
    field = {"t.First": {"a": 5}, "t.Second.Event": {"c": 5}, "t.Second.Inner.Event": {"name": "x"}}[event]
    value, _ = serde.encode(field, Meta())
    assert value[5 : 5 + len(frame) // 2].hex() == frame
    registry, _ = make_registry(bundle)
    class_ = message_class(version, event)
    assert ProtobufDeserializer(class_, CONF, registry)(value, context()) == class_(**field)
    assert serializer(bundle, version, class_)(class_(**field), context()) == value


def test_a_message_of_another_name_is_refused(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    bundle, other = bundles["CartItemAdded"], bundles["CartItemRemoved"]
    class_ = message_class(other.newest, other.event)
    with pytest.raises(SerdeError, match=r"CartItemRemoved is not the message playconnect\.commerce\.CartItemAdded"):
        to_message(bundle, class_)
    with pytest.raises(SerdeError, match="CartItemRemoved is not the message"):
        from_message(bundle)(class_())
