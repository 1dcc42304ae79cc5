"""The whole of what a small event becomes, and the package around it."""

import tomllib
from pathlib import Path

from registry.codegen import HEADER, render_header, render_package
from registry.codegen.module import MADE_BY
from registry.frozen import replace
from tests.codegen_packages import event, field, imported, module_of, plan_of, write_package

PLACED = event("Placed", field("order_id", "string", doc="Also the message key."), doc="An order was placed.")
PLACED_2 = event("Placed", *PLACED["fields"][2:], field("total", "long", default=0), doc="An order was placed.")

MODULE = '''\
# Made by `contracts gen --service orders`, which overwrites it:
# change the contract, not this file.
"""shop.Placed, versions 1, 2, as orders uses it."""

from abc import abstractmethod as _abstractmethod
from builtins import classmethod as _classmethod
from builtins import int as _int
from builtins import str as _str
from dataclasses import dataclass as _dataclass

import registry.serde as _serde

_serde.check_stub(
    1,
    "0.1.0",
    event="shop.Placed",
    service="orders",
    owner="orders",
    contact="team shop, #team-shop",
    produces=True,
)


@_dataclass(slots=True, kw_only=True)
class Placed:
    """An order was placed.

    Owner: orders. Topic: shop.orders.
    """

    order_id: _str
    """Also the message key."""
    total: _int = 0


@_dataclass(slots=True, kw_only=True)
class PlacedV1:
    """An order was placed.

    Version 1; upgrade() makes a Placed of it. Owner: orders. Topic: shop.orders.
    """

    order_id: _str
    """Also the message key."""

    def upgrade(self) -> Placed:
        """The same event as a Placed."""
        return _serde.upgrade(_BUNDLE, self, Placed)


class PlacedProducer(_serde.Producer[Placed]):
    """Publishes Placed, which orders alone may do."""

    @_classmethod
    def bundle(cls) -> _serde.Bundle:
        """The contract, with its schemas."""
        return _BUNDLE


class PlacedAsyncProducer(_serde.AsyncProducer[Placed]):
    """Publishes Placed, which orders alone may do. For asyncio."""

    @_classmethod
    def bundle(cls) -> _serde.Bundle:
        """The contract, with its schemas."""
        return _BUNDLE


class PlacedConsumer(_serde.Consumer):
    """Takes Placed."""

    @_classmethod
    def bundle(cls) -> _serde.Bundle:
        """The contract, with its schemas."""
        return _BUNDLE

    @_abstractmethod
    def on_placed(self, event: Placed, meta: _serde.Meta) -> None:
        """Called for each Placed."""

    def on_placed_v1(self, event: PlacedV1, meta: _serde.Meta) -> None:
        """Version 1, as it was written. By default it is upgraded first."""
        self.on_placed(event.upgrade(), meta)


class PlacedAsyncConsumer(_serde.AsyncConsumer):
    """Takes Placed. For asyncio."""

    @_classmethod
    def bundle(cls) -> _serde.Bundle:
        """The contract, with its schemas."""
        return _BUNDLE

    @_abstractmethod
    async def on_placed(self, event: Placed, meta: _serde.Meta) -> None:
        """Awaited for each Placed."""

    async def on_placed_v1(self, event: PlacedV1, meta: _serde.Meta) -> None:
        """Version 1, as it was written. By default it is upgraded first."""
        await self.on_placed(event.upgrade(), meta)


_BUNDLE = _serde.Bundle(
    event="shop.Placed",
    language="avro",
    service="orders",
    owner="orders",
    contact="team shop, #team-shop",
    topic="shop.orders",
    key="",
    reads=(1, 2),
    writes=(2,),
    others={},
    versions=(
        _serde.BundledVersion(
            number=1,
            schema_id=1001,
            guid="guid-1",
            root="event.avsc",
            files={
                "event.avsc": (
                    "{\\n"
                    ' "type": "record",\\n'
'''

DOOR = '''\
# Made by `contracts gen --service orders`, which overwrites it:
# change the contract, not this file.
"""The events of orders; the module of each is imported on first use."""

import typing as _typing

__all__ = [
    "Paid",
    "PaidAsyncConsumer",
    "PaidConsumer",
]

if _typing.TYPE_CHECKING:
    from .paid import (
        Paid,
        PaidAsyncConsumer,
        PaidConsumer,
    )
else:
    from importlib import import_module as _import_module

    _MODULES = {
        "Paid": "paid",
        "PaidAsyncConsumer": "paid",
        "PaidConsumer": "paid",
    }

    def __getattr__(name):
        """The class, with its module imported now."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(_import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = found
        return found

    def __dir__():
        """All that can be imported."""
        return sorted({*globals(), *_MODULES})
'''


def test_a_module_reads_as_if_somebody_had_written_it() -> None:
    assert module_of(PLACED, PLACED_2, writes=(2,))[: len(MODULE)] == MODULE


def test_a_package_is_a_door_a_marker_and_a_module_for_each_event() -> None:
    files = render_package("orders", [plan_of(event("Paid"), writes=())])
    assert sorted(files) == ["__init__.py", "paid.py", "py.typed"]
    assert files["py.typed"] == ""
    assert files["__init__.py"] == DOOR


def test_a_package_without_events_is_a_docstring() -> None:
    files = render_package("idle", [])
    assert files["__init__.py"] == render_header("idle") + (
        '"""The events of idle; the module of each is imported on first use."""\n'
    )


def test_the_first_line_tells_whose_file_it_is() -> None:
    for path, text in render_package("a\nb `", [plan_of(event("Paid"), service="a\nb `")]).items():
        if path != "py.typed":
            assert text.startswith(HEADER)
            assert text.split("\n")[0] == "# Made by `contracts gen --service a\\nb ``, which overwrites it:"


def test_the_same_plans_make_the_same_bytes() -> None:
    make = [lambda: render_package("orders", [plan_of(PLACED, PLACED_2), plan_of(event("Paid"))])] * 2
    assert make[0]() == make[1]()


def test_the_producer_takes_the_versions_that_may_be_written() -> None:
    assert "class PlacedProducer(_serde.Producer[Placed | PlacedV1]):" in module_of(PLACED, PLACED_2)
    assert "class PlacedProducer(_serde.Producer[PlacedV1]):" in module_of(PLACED, PLACED_2, writes=(1,))
    assert "class PlacedAsyncProducer(_serde.AsyncProducer[Placed | PlacedV1]):" in module_of(PLACED, PLACED_2)
    reader = module_of(PLACED, PLACED_2, writes=(), service="billing")
    assert "Producer" not in reader
    assert "produces" not in reader


def test_the_consumer_has_a_method_for_each_version_that_is_read() -> None:
    assert "def on_placed_v1" not in module_of(PLACED, PLACED_2, reads=(2,))
    assert module_of(PLACED, PLACED_2).count("def on_placed_v1") == 2  # for threads and for asyncio
    assert "Consumer" not in module_of(PLACED, PLACED_2, reads=())


def test_a_version_that_only_converters_pass_through_has_a_place_in_the_bundle_and_no_class(tmp_path: Path) -> None:
    middle = event("Placed", field("order_id", "string"), field("amount", "int", default=0))
    with imported(tmp_path, [plan_of(PLACED, middle, PLACED_2, reads=(1, 3), writes=(3,))]) as events:
        assert [name for name in events.__all__ if "V" in name] == ["PlacedV1"]
        versions = events.PlacedConsumer.bundle().versions
        assert [version.event for version in versions] == [events.PlacedV1, None, events.Placed]
        assert versions[1].shape.types == {}
        assert versions[1].shape.envelope == versions[0].shape.envelope


def test_converters_and_other_versions_stand_in_the_bundle(tmp_path: Path) -> None:
    plan = plan_of(PLACED, PLACED_2, others={77: 3})
    upgrade = '{"up": [{"set": {"field": "total", "value": 0, "because": "' + "nobody counted; " * 20 + '"}}]}'
    newest = replace(plan.versions[1], upgrade=upgrade)
    with imported(tmp_path, [replace(plan, versions=(plan.versions[0], newest))]) as events:
        bundle = events.PlacedConsumer.bundle()
        assert [version.upgrade for version in bundle.versions] == ["", upgrade]
        assert bundle.others == {77: 3}


def test_a_package_is_typed(tmp_path: Path) -> None:
    assert (write_package(tmp_path, [plan_of(PLACED)]) / "py.typed").exists()


def test_stubs_are_made_by_the_version_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert project["project"]["version"] == MADE_BY
