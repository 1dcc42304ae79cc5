"""Protobuf's messages from what the stubs carry, and names in schemas that get in the way."""

import os
import subprocess
import sys
from enum import Enum
from typing import Any

import pytest

from registry.serde.errors import DecodeError, SerdeError, UnfitStub
from registry.serde.meta import Meta
from registry.serde.protobuf import compile_decoder, compile_encoder, load
from registry.serde.shape import Shape
from tests.serde_protobuf import load_text, make_shape, make_version, plain_of, version_of

SMALL = 'syntax = "proto3"; package p; message M { string a = 1; }'


def test_the_place_of_the_event_in_its_file_is_known() -> None:
    text = 'syntax = "proto3"; package p; message A {} message B { message C {} map<int32, C> m = 1; message M {} }'
    assert load_text(text, "p.A").indexes == (0,)
    assert load_text(text, "p.B").indexes == (1,)
    assert load_text(text, "p.B.C").indexes == (1, 0)
    nested = load_text(text, "p.B.M")
    order = [each.name for each in nested.event.containing_type.nested_types]
    assert nested.indexes == (1, order.index("M"))


def test_two_versions_of_one_file_live_beside_each_other() -> None:
    one, two = load_text(SMALL), load_text(SMALL.replace("string a", "int32 a"))
    assert compile_decoder(one, one)(b"\x0a\x01x", 0, None) == {"a": "x"}
    assert compile_decoder(two, two)(b"\x08\x05", 0, None) == {"a": 5}


def test_types_of_other_files_are_found() -> None:
    text = 'syntax = "proto3"; package p; import "common.proto"; message M { q.N n = 1; }'
    messages = load_text(text, common='syntax = "proto3"; package q; message N { int32 b = 1; }')
    assert compile_decoder(messages, messages)(b"\x0a\x02\x08\x05", 0, None) == {"n": {"b": 5}}


@pytest.mark.parametrize("cut", [1, 3, 20])
def test_descriptors_that_are_cut_short_are_no_traceback(cut: int) -> None:
    whole = make_version(SMALL, "p.M").descriptors
    with pytest.raises(UnfitStub, match=r"p\.M v1"):
        load(version_of(whole[:-cut]), "p.M")


@pytest.mark.parametrize("descriptors", [b"", b"\x00", b"garbage", b"\x0a\x03\xff\xff\xff"])
def test_descriptors_that_are_none_are_no_traceback(descriptors: bytes) -> None:
    with pytest.raises(UnfitStub, match=r"p\.M v1"):
        load(version_of(descriptors), "p.M")


def test_descriptors_that_the_library_does_not_take_are_no_traceback() -> None:
    text = 'syntax = "proto3"; package p; import "common.proto"; message M { q.N n = 1; }'
    version = make_version(text, "p.M", common='syntax = "proto3"; package q; message N {}')
    size = version.descriptors[1]  # of the file that is imported, which stands first
    with pytest.raises(UnfitStub, match=r"the installed protobuf does not take its descriptors: .*common\.proto"):
        load(version_of(version.descriptors[2 + size :]), "p.M")


def test_an_event_that_the_descriptors_do_not_have_is_named() -> None:
    with pytest.raises(UnfitStub, match=r"p\.Gone v1: the descriptors in the stubs have no such message"):
        load(make_version(SMALL, "p.M"), "p.Gone")


def test_without_the_library_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.protobuf.descriptor_pool", None)
    with pytest.raises(SerdeError) as caught:
        load(version_of(b""), "p.M")
    assert caught.value.help == "pip install 'event-contracts[protobuf]'"


HOSTILE = (
    *("class", "None", "self", "DESCRIPTOR", "SerializeToString", "SerializePartialToString", "MergeFromString"),
    *("HasField", "SetInParent", "IsInitialized", "ListFields", "Extensions", "Clear", "e", "m", "v", "meta", "new"),
    *("__class__", "__init__", "__slots__", "_x", "__y", "upgrade", "import", "print", "str", "FromString", "prefix"),
)


def test_a_field_may_have_any_name() -> None:
    fields = "".join(f"optional string {name} = {number}; " for number, name in enumerate(HOSTILE, 1))
    inner = "".join(f"optional M {name} = {number}; " for number, name in enumerate(HOSTILE, 101))
    text = f'syntax = "proto2"; package p; message M {{ {fields} optional N n = 100; }} message N {{ {inner} }}'
    messages = load_text(text)
    values: dict[str, Any] = {name: f"value of {name}" for name in HOSTILE}
    given = {**values, "n": dict.fromkeys(HOSTILE, values)}
    data = compile_encoder(messages)(given, b"", None)
    back = compile_decoder(messages, messages)(data, 0, Meta())
    assert {name: back[name] for name in HOSTILE} == values
    assert back["n"]["HasField"]["SerializeToString"] == "value of SerializeToString"
    shape = make_shape(messages)
    event = compile_decoder(messages, messages, shape)(data, 0, Meta())
    assert (event.class_, event.upgrade_, event.SerializeToString) == (
        "value of class",
        "value of upgrade",
        "value of SerializeToString",
    )
    assert compile_encoder(messages, shape)(event, b"", None) == data
    with pytest.raises(DecodeError):
        compile_decoder(messages, messages, shape)(data[:-1], 0, Meta())


def test_an_enum_may_have_values_of_any_name() -> None:
    names = ("mro", "name", "value", "None", "class", "_x_", "__y", "str")
    values = " ".join(f"{name} = {number};" for number, name in enumerate(names))
    messages = load_text(f'syntax = "proto3"; package p; enum E {{ {values} }} message M {{ repeated E e = 1; }}')
    shape = make_shape(messages)
    data = bytes((10, len(names), *range(len(names))))
    event = compile_decoder(messages, messages, shape)(data, 0, None)
    assert [each.value for each in event.e] == [*range(len(names))]
    assert compile_encoder(messages, shape)(event, b"", None) == data


def test_fields_that_are_called_alike_in_json_are_not_taken_for_each_other() -> None:
    text = 'syntax = "proto2"; package p; message M { optional int32 foo_bar = 1; optional string fooBar = 2; }'
    messages = load_text(text)
    data = compile_encoder(messages)({"foo_bar": 5, "fooBar": "x"}, b"", None)
    assert data == b"\x08\x05\x12\x01x"
    assert compile_decoder(messages, messages)(data, 0, None) == {"foo_bar": 5, "fooBar": "x"}


def test_a_class_for_an_enum_that_lacks_a_value_is_of_other_stubs() -> None:
    messages = load_text('syntax = "proto3"; package p; enum E { A = 0; B = 1; } message M { E e = 1; }')
    shape = Shape(types={"p.E": Enum("E", {"A": 0, "B": 2})})  # type: ignore[dict-item]  # made by a call
    with pytest.raises(UnfitStub, match="E has no member B with the value 1"):
        compile_decoder(messages, messages, shape)


def test_a_class_for_a_message_that_lacks_a_field_is_of_other_stubs() -> None:
    shape = make_shape(load_text(SMALL))
    newer = load_text(SMALL.replace("a = 1;", "a = 1; string b = 2;"))
    for make in lambda: compile_encoder(newer, shape), lambda: compile_decoder(newer, newer, shape):
        with pytest.raises(UnfitStub, match="M has no attribute 'b'"):
            make()


PROGRAM = """
import sys
from registry.serde.bundle import BundledVersion
from registry.serde.protobuf import compile_decoder, compile_encoder, load
version = BundledVersion(number=1, schema_id=1, guid="", root="", files={}, descriptors=bytes.fromhex(sys.argv[1]))
messages = load(version, "p.M")
data = compile_encoder(messages)(eval(sys.argv[2]), b"", None)
print(compile_decoder(messages, messages)(data, 0, None))
tools = {"grpc_tools", "grpc", "yaml", "click", "git", "hypothesis"}
print(sorted({name.partition(".")[0] for name in sys.modules} & tools))
print([name for name in sys.modules if name.startswith("registry.formats")])
"""
RICH = """syntax = "proto3"; package p; enum E { A = 0; B = 1; }
message M { string a = 1; repeated M many = 2; map<string, E> by = 3; optional int32 n = 4; E e = 5;
 oneof o { bytes x = 6; M y = 7; } }"""
RICH_VALUE = {"a": "x", "many": [{"n": 0}], "by": {"k": "B"}, "e": "B", "y": {"x": b"z", "e": 7}}


@pytest.mark.parametrize("library", ["upb", "python"])
def test_production_loads_no_tool_with_either_make_of_the_library(library: str) -> None:
    version = make_version(RICH, "p.M")
    messages = load(version, "p.M")
    expected = compile_decoder(messages, messages)(compile_encoder(messages)(RICH_VALUE, b"", None), 0, None)
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": library}
    arguments = [sys.executable, "-c", PROGRAM, version.descriptors.hex(), repr(RICH_VALUE)]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)
    assert ran.returncode == 0, ran.stderr
    read, tools, formats = ran.stdout.splitlines()
    assert eval(read) == expected
    assert tools == formats == "[]"


def test_typed_events_are_plain_ones_in_classes() -> None:
    messages = load_text(RICH)
    shape = make_shape(messages)
    data = compile_encoder(messages)(RICH_VALUE, b"", None)
    event = compile_decoder(messages, messages, shape)(data, 0, None)
    assert plain_of(event) == compile_decoder(messages, messages)(data, 0, None)
