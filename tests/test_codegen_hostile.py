"""Schemas that want to break a generator: generated, imported, checked by the tools of users, and round-tripped."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from registry.codegen import StubPlan
from registry.serde.bundle import Bundle
from registry.serde.meta import Meta
from registry.serde.naming import attribute_name, module_name
from registry.serde.serde import Serde
from tests.checkers import CHECKERS
from tests.codegen_packages import Json, event, field, imported, plan_of, record, write_package
from tests.test_codegen_quoting import DOCS

NAMES = (
    *("str", "int", "print", "type", "datetime", "Mapping", "field", "dataclass", "staticmethod"),
    *("self", "cls", "event", "meta", "bundle", "name", "value", "upgrade", "publish", "encode"),
    *("class", "None", "match", "lambda", "async", "await", "_", "__"),
    *("_serde", "_str", "_Sequence", "_dataclass", "_field", "_BUNDLE", "_Enum", "_x_", "_new_Hostile_colour"),
    *("__init__", "__class__", "__slots__", "__dict__", "__doc__", "__eq__", "__hash__", "__annotations__"),
    *("l", "O", "I"),
    *("Hostile", "HostileConsumer", "HostileAsyncConsumer", "Colour", "Node", "Point", "Sequence"),
)
"""Names that mean something to Python, to dataclasses, to the module or to the runtime."""

SYMBOLS = (
    "None",
    "mro",
    "name",
    "value",
    "_x_",
    "__init__",
    "_",
    "_private",
    "class",
    "RED",
    "names",
    "self",
    "l",
    "O",
    "I",
)
COLOUR = {"type": "enum", "name": "Colour", "symbols": list(SYMBOLS), "default": "RED", "doc": DOCS[16]}
POINT = record("Point", field("x", "int", default=0), field("Point", ["null", "string"], default=None))
NODE = record(
    "Node",
    field("Node", ["null", "Node"], default=None),
    field("next", ["null", "Node"], default=None),
    field("children", {"type": "array", "items": "Node"}, default=[]),
    field("by_name", {"type": "map", "values": "Node"}, default={}),
)
UUID = {"type": "string", "logicalType": "uuid"}
LONG = {"type": "map", "values": {"type": "array", "items": ["null", "Node", "Colour", "Point", "string", "double"]}}

HOSTILE = event(
    "Hostile",
    *(field(name, "string") for name in NAMES),
    *(field(f"d_{name}", ["null", "string"], default=None) for name in NAMES),
    field("colour", COLOUR, default="None"),
    field("colour_or_not", ["null", "Colour"], default=None),
    field("node", NODE, default={}),
    field("point", POINT, default={"x": 3}),
    field("str_record", record("str", field("str", ["null", "str"], default=None), field("text", "string"))),
    field("sequence", record("Sequence")),
    field("datetime_record", record("datetime", field("datetime", {"type": "int", "logicalType": "date"}))),
    field("consumer", record("ContentPublishedConsumer")),
    *(field(f"r_{name}", record(name, field("x", "int", default=0)), default={}) for name in ("l", "O", "I")),
    field("far", {"type": "int", "logicalType": "date"}, default=2**31 - 1),
    field("long_union", ["null", LONG], default=None),
    field("long_map", LONG, default={"a": [None] * 30}),
    field("long_list", {"type": "array", "items": "string"}, default=["x" * 70]),
    field("long_lists", {"type": "array", "items": "string"}, default=["x" * 30] * 3),
    field("long_text", "string", default="y" * 200),
    field("uuid", UUID, default="00000000-0000-0000-0000-000000000001"),
    doc="\n".join(DOCS),
)

UNIONS = event(
    "Unions",
    field("left", record("Left", field("x", "int"))),
    field("right", record("Right", field("x", "int"))),
    field("kind", {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}),
    field("null_first", ["null", "string"], default=None),
    field("null_last", ["string", "null"], default="x"),
    field("records", ["Left", "Right"]),
    field("records_or_null", ["null", "Left", "Right"], default=None),
    field("primitives", ["boolean", "int", "string", "bytes"]),
    field("numbers", ["int", "double"]),
    field("enum_or_string", ["Kind", "string"]),
    field("nested", {"type": "array", "items": ["null", {"type": "array", "items": ["null", "long", "Right"]}]}),
    field("map_of_unions", {"type": "map", "values": ["null", "Left", {"type": "map", "values": "Kind"}]}),
    field("dates", [{"type": "int", "logicalType": "date"}, {"type": "long", "logicalType": "timestamp-micros"}]),
)

SHARED = {
    "common/Address.avsc": '{"type": "record", "name": "Address", "namespace": "shop", "aliases": ["Anschrift"],'
    ' "fields": [{"name": "street", "type": "string", "aliases": ["Strasse"]}]}',
    "billing/Address.avsc": '{"type": "record", "name": "Address", "namespace": "acme.billing",'
    ' "fields": [{"name": "home", "type": "shop.Address"}]}',
}
REFERENCES = event("References", field("here", "shop.Address"), field("there", ["null", "acme.billing.Address"]))

LONG_NAME = "L" * 60


def documented(*docs: str) -> Json:
    """An event whose every part has a hostile doc."""
    records = (
        field(f"r{i}", record(f"R{i}", field("x", "int", doc=doc), doc=doc), doc=doc) for i, doc in enumerate(docs)
    )
    enums = (
        field(f"e{i}", {"type": "enum", "name": f"E{i}", "symbols": ["A"], "doc": doc}) for i, doc in enumerate(docs)
    )
    return event("Documented", *records, *enums, doc=DOCS[16])


@cache
def plans() -> tuple[StubPlan, ...]:
    """Every case, as one package."""
    small = event("Hostile", *(field(name, "string") for name in NAMES[:4]))
    return (
        plan_of(small, HOSTILE, small),
        plan_of(HOSTILE | {"name": "Newest"}),
        plan_of(UNIONS),
        plan_of(documented(*DOCS)),
        plan_of(REFERENCES, files=SHARED),
        plan_of(event("order_placed", field("order_placed", "int")), event("order_placed", field("x", "int"))),
        plan_of(event("bundle", field("x", "int")), reads=(1,), writes=()),
        plan_of(event("None", field("x", "int")), reads=(), writes=(1,)),
        plan_of(event(LONG_NAME, field("m" * 50, record("R" * 50))), event(LONG_NAME)),
        plan_of(event("Others", doc="é " * 80), others={7: 2, 5: 1}),
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("hostile"), plans())


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with imported(tmp_path_factory.mktemp("imported"), plans()) as module:
        yield module


def module_in(events: ModuleType, name: str) -> Any:
    """The module of an event."""
    from importlib import import_module

    return import_module(f"{events.__name__}.{module_name(name)}")


@pytest.mark.parametrize("name", CHECKERS)
def test_the_tools_of_users_find_nothing(package: Path, name: str) -> None:
    CHECKERS[name](package.parent, [package.name])


# What came out


def test_every_offered_class_is_imported_with_its_module_only(events: ModuleType) -> None:
    assert "HostileV1" in dir(events)
    assert events.HostileV1.__module__ == "events.hostile"
    assert all(isinstance(getattr(events, name), type) for name in events.__all__)
    with pytest.raises(AttributeError, match=r"module 'events' has no attribute 'Nothing'"):
        _ = events.Nothing


def test_a_class_that_is_called_as_its_module_is_reached_through_it(events: ModuleType) -> None:
    module = module_in(events, "order_placed")
    assert "order_placed" not in events.__all__
    assert isinstance(module.order_placed, type)


def test_docs_are_docs(events: ModuleType) -> None:
    module = module_in(events, "Documented")
    for i, doc in enumerate(DOCS):
        said = " ".join(getattr(module, f"R{i}").__doc__.split(" "))
        assert said.split() == doc.replace("\r\n", "\n").split()


def test_members_keep_the_symbols_of_the_wire(events: ModuleType) -> None:
    assert [member.value for member in module_in(events, "Hostile").ColourV2] == list(SYMBOLS)


def round_trip(bundle: Bundle, event_: object) -> object:
    meta = Meta()
    meta.correlation_id = "c-1"
    serde = Serde(bundle)
    value, headers = serde.encode(event_, meta)
    decoded, found = serde.decode(value, headers)
    assert found.correlation_id == "c-1"
    return decoded


def required(module: Any) -> dict[str, Any]:
    """Values of the hostile event's fields without a default."""
    return {
        **{attribute_name(name): f"of {name}" for name in NAMES},
        "str_record": module.str(text="t", str=module.str(text="u")),
        "sequence": module.Sequence(),
        "datetime_record": module.datetime(datetime=date(2026, 1, 31)),
        "consumer": module.ContentPublishedConsumer(),
        "far": date(9999, 12, 31),
    }


def test_hostile_names_come_back_as_they_went(events: ModuleType) -> None:
    module = module_in(events, "Newest")
    bundle = module.NewestProducer.bundle()
    given = module.Newest(**required(module), d_self="x", colour=module.Colour.mro_)
    given.node = module.Node(children=[module.Node()], by_name={"a": module.Node(next=module.Node())})
    back = round_trip(bundle, given)
    given.node.children = tuple(given.node.children)
    assert back == given
    assert back.node.children == (module.Node(),)


def test_defaults_are_those_of_the_schema_and_nobody_shares_them(events: ModuleType) -> None:
    module = module_in(events, "Newest")
    one, other = (module.Newest(**required(module)) for _ in range(2))
    assert one == other
    assert one.colour is module.Colour.None_
    assert one.point == module.Point(x=3)
    assert one.long_map == {"a": (None,) * 30}
    assert one.node is not other.node
    assert one.node.by_name is not other.node.by_name
    assert round_trip(module.NewestProducer.bundle(), one) == one


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("null_first", lambda m: None),
        ("null_first", lambda m: "x"),
        ("null_last", lambda m: None),
        ("records", lambda m: m.Left(x=1)),
        ("records", lambda m: m.Right(x=1)),
        ("records_or_null", lambda m: m.Right(x=1)),
        ("primitives", lambda m: True),
        ("primitives", lambda m: 1),
        ("primitives", lambda m: "1"),
        ("primitives", lambda m: b"1"),
        ("numbers", lambda m: 1),
        ("numbers", lambda m: 1.0),
        ("enum_or_string", lambda m: m.Kind.A),
        ("enum_or_string", lambda m: "A"),
        ("nested", lambda m: (None, (None, 5, m.Right(x=2)), ())),
        ("map_of_unions", lambda m: {"a": None, "b": m.Left(x=1), "c": {"d": m.Kind.B}}),
        ("dates", lambda m: date(2026, 1, 31)),
    ],
)
def test_a_union_gives_back_the_branch_that_was_given(events: ModuleType, name: str, make: Any) -> None:
    module = module_in(events, "Unions")
    values = {
        "left": module.Left(x=0),
        "right": module.Right(x=0),
        "kind": module.Kind.A,
        "records": module.Left(x=0),
        "primitives": 0,
        "numbers": 0,
        "enum_or_string": "",
        "nested": (),
        "map_of_unions": {},
        "dates": date(2000, 1, 1),
    }
    given = module.Unions(**{**values, name: make(module)})
    back = getattr(round_trip(module.UnionsProducer.bundle(), given), name)
    assert back == make(module)
    assert type(back) is type(make(module))


def test_types_of_other_files_and_of_two_namespaces_come_back(events: ModuleType) -> None:
    module = module_in(events, "References")
    here = module.Address(street="s")
    given = module.References(here=here, there=module.BillingAddress(home=here))
    assert round_trip(module.ReferencesProducer.bundle(), given) == given


def test_an_older_version_is_upgraded(events: ModuleType) -> None:
    module = module_in(events, "order_placed")
    newest = module.order_placed
    assert newest.__slots__ == ("x",)
    bundle = module.order_placedProducer.bundle()
    assert [version.event for version in bundle.versions] == [module.order_placedV1, newest]


def test_the_bundle_holds_the_texts_as_they_are(events: ModuleType) -> None:
    for plan in plans():
        module = module_in(events, plan.short_name)
        bundle = next(value for value in vars(module).values() if isinstance(value, Bundle))
        assert (bundle.event, bundle.reads, bundle.writes) == (plan.event, plan.reads, plan.writes)
        assert bundle.others == plan.others
        assert [dict(version.files) for version in bundle.versions] == [dict(each.files) for each in plan.versions]


def test_a_service_that_does_not_write_has_no_producer(events: ModuleType) -> None:
    assert not hasattr(module_in(events, "bundle"), "bundleProducer")
    assert not hasattr(module_in(events, "None"), "None_Consumer")
