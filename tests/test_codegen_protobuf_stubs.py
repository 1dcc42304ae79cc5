"""Stubs of hostile and unusual Protobuf: written, imported, type-checked, and there and back through the serializer."""

import importlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from registry.codegen import StubPlan, StubVersion, render_package
from registry.formats.protobuf.parse import parse
from registry.serde import EncodeError, Meta, Serde
from tests.checkers import CHECKERS

NAMES = r'''
syntax = "proto3";
package shop;
// """ + __import__("os").system("touch executed") + """ \" \\ \N{DASH} {x} %s
message Names {
  string correlation_id = 1;
  // Ends in a quote"
  string class = 2; /* <apostrophes> */ string self = 3; string str = 4; int32 int = 5; string None = 6;
  // <right-to-left> turned round, <tab>, and a very long line that goes on and on and on and on and on and on and on
  string DESCRIPTOR = 7; string SerializeToString = 8; string upgrade = 9; string _serde = 10; string __init__ = 11;
  string print = 12; string field = 13; string datetime = 14; bytes bytes = 15; bool bool = 16; float float = 17;
  map<string, Sequence> dict = 18; Sequence Sequence = 19; Kind Enum = 20; repeated Kind Mapping = 21;
  string _str = 22; string Kind = 23; string event = 24; string meta = 25; string message = 26; string _ = 27;
}
message Sequence { Sequence Sequence = 1; Mapping Names = 2; map<int64, Mapping> names = 3; }
message Mapping { Sequence Mapping = 1; string class = 2; }
enum Kind { mro = 0; name = 1; value = 2; _x_ = 3; __y = 4; print = 5; from = 6; }
'''
SIGNS = {"<apostrophes>": "'" * 3, "<right-to-left>": "\u202e", "<tab>": "\t", "<bell>": "\a"}
for sign, meant in SIGNS.items():
    NAMES = NAMES.replace(sign, meant)

MORE = """
edition = "2023";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
message Names {
  string correlation_id = 1 [features.field_presence = IMPLICIT];
  // How it is paid.
  oneof payment { string card = 2; Cash cash = 3; Kind kind = 4; google.protobuf.Int64Value points = 5; }
  message Cash { int64 minor_units = 1 [features.field_presence = IMPLICIT]; Deep.Deeper deep = 2; }
  message Deep { message Deeper { string text = 1; } }
  google.protobuf.Timestamp at = 6;
  google.protobuf.Duration took = 7;
  repeated google.protobuf.StringValue notes = 8;
  map<string, google.protobuf.Timestamp> times = 9;
  google.protobuf.Struct free = 10;
  int32 count = 11 [features.field_presence = LEGACY_REQUIRED];
  Closed closed = 12 [deprecated = true];
  Part part = 13 [features.message_encoding = DELIMITED];
  message Part { bytes raw = 1; }
  sint64 delta = 14 [features.field_presence = IMPLICIT];
  extensions 100 to 200;
}
enum Kind { option allow_alias = true; KIND_UNSPECIFIED = 0; KIND_NEW = 1; KIND_FRESH = 1; }
enum Closed { option features.enum_type = CLOSED; CLOSED_ONE = 1; CLOSED_TWO = 2; }
extend Names { string extra = 100; }
"""


def render(text: str) -> dict[str, str]:
    files = {"shop/names.proto": text}
    schema = parse(files, ["shop/names.proto"], "shop.Names", strict=False)
    envelope = {"correlation_id": ("correlation_id",)}
    versions = tuple(
        StubVersion(number, number, f"guid-{number}", "shop/names.proto", files, schema, envelope) for number in (1, 2)
    )
    plan = StubPlan("shop.Names", "protobuf", "names", "names", "", "", "class", (1, 2), (1, 2), versions)
    return render_package("names", [plan])


def write(folder: Path, text: str, package: str) -> None:
    (folder / package).mkdir()
    for path, content in render(text).items():
        (folder / package / path).write_text(content, encoding="utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("stubs")
    write(place, NAMES, "hostile_names")
    write(place, MORE, "unusual_types")
    sys.path.insert(0, os.fspath(place))
    yield place
    sys.path.remove(os.fspath(place))


def there_and_back(module: ModuleType, event: Any) -> Any:
    serde = Serde(module.NamesProducer.bundle())
    meta = Meta()
    meta.correlation_id, meta.event_id, meta.occurred_at = "request-1", "event-1", datetime(2026, 11, 23, tzinfo=UTC)
    value, headers = serde.encode(event, meta)
    read, known = serde.decode(value, headers)
    assert known.correlation_id == "request-1"
    return read


def test_hostile_names_are_attributes_and_survive(source: Path) -> None:
    names = importlib.import_module("hostile_names.names")
    values = {
        name: name
        for name in (
            *("class_", "self", "str", "None_", "DESCRIPTOR", "SerializeToString", "upgrade_", "_serde", "print"),
            *("init__", "field", "datetime", "_str", "Kind", "event", "meta", "message"),
        )
    }
    values = {name: value for name, value in values.items() if name in names.Names.__slots__}
    event = names.Names(
        **values,
        int=5,
        bytes=b"\x00",
        bool=True,
        float=0.5,
        Enum=names.Kind["from_"],
        Mapping=(names.Kind["mro_"], 77),
        Sequence=names.Sequence(Names=names.Mapping(class_="inner"), names={-1: names.Mapping()}),
        dict={"": names.Sequence()},
    )
    assert len(values) >= 16
    assert there_and_back(names, event) == event
    assert not (source / "executed").exists()
    assert not Path("executed").exists()


def test_comments_stay_comments(source: Path) -> None:
    names = importlib.import_module("hostile_names.names")
    assert '""" + __import__("os").system("touch executed") + """' in (names.Names.__doc__ or "")
    assert "\u202e" not in (source / "hostile_names" / "names.py").read_text(encoding="utf-8")


@pytest.mark.usefixtures("source")
def test_every_kind_of_field_survives() -> None:
    names = importlib.import_module("unusual_types.names")
    event = names.Names(
        cash=names.NamesCash(minor_units=5, deep=names.NamesDeepDeeper(text="x")),
        at=datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC),
        took=timedelta(days=-1, microseconds=1),
        notes=("a", ""),
        times={"then": datetime(1969, 12, 31, tzinfo=UTC)},
        free=names.Struct(fields={"a": names.Value(bool_value=True), "b": names.Value(list_value=names.ListValue())}),
        count=3,
        closed=names.Closed.CLOSED_TWO,
        part=names.NamesPart(raw=b"r"),
        delta=-9,
    )
    assert there_and_back(names, event) == event
    assert names.Names(count=1) == names.Names(count=1, card=None, delta=0, notes=(), times={})


@pytest.mark.usefixtures("source")
def test_two_members_of_a_oneof_are_refused() -> None:
    names = importlib.import_module("unusual_types.names")
    with pytest.raises(EncodeError):
        there_and_back(names, names.Names(count=1, card="1", points=3))


@pytest.mark.usefixtures("source")
def test_a_required_field_must_be_given() -> None:
    names = importlib.import_module("unusual_types.names")
    with pytest.raises(TypeError, match="count"):
        names.Names()


@pytest.mark.parametrize("text", [NAMES, MORE])
def test_the_same_text_comes_out_each_time(text: str) -> None:
    assert render(text) == render(text)


@pytest.mark.parametrize("name", CHECKERS)
def test_type_checkers_linter_and_formatter_have_nothing_to_say(source: Path, name: str) -> None:
    CHECKERS[name](source, ["hostile_names", "unusual_types"])
