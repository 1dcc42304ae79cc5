"""What is wrong with stubs is found when a producer or a subscription is made, and not at the first event."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import serde_orders as orders
from serde_orders import BUNDLE, OrderPlaced, OrderPlacedConsumer, OrderPlacedProducer, State

from registry import frozen, serde


@dataclass(slots=True, kw_only=True)
class Edited:
    """An order that lost its other attributes."""

    order_id: str
    state: State


def edited() -> serde.BundledVersion:
    version = orders.version(3)
    return frozen.replace(
        version, shape=frozen.replace(version.shape, types={orders.EVENT: Edited, "shop.State": State}), event=Edited
    )


BROKEN = orders.version(3, text="{")


def producer_of(bundle: serde.Bundle) -> Callable[[], object]:
    class Mine(OrderPlacedProducer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return bundle

    return lambda: Mine(serde.InMemory(), service="shop-api")


def subscriber_of(bundle: serde.Bundle) -> Callable[[], object]:
    class Mine(OrderPlacedConsumer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return bundle

        def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None: ...

    return lambda: serde.InMemory().subscribe(Mine(), service="shop-api")


def test_a_schema_that_is_none_is_found_at_the_start() -> None:
    bundle = orders.bundle(orders.version(2), BROKEN, writes=(3,))
    for make in (subscriber_of(bundle), producer_of(bundle)):
        with pytest.raises(serde.UnfitStub) as caught:
            make()
        assert str(caught.value).startswith(
            "shop.OrderPlaced v3: the schema in the stubs is none: shop/OrderPlaced.avsc:1:"
        )
        assert caught.value.help == "make the stubs again: contracts gen"


def test_a_class_that_does_not_fit_is_found_at_the_start() -> None:
    bundle = orders.bundle(orders.version(2), edited(), writes=(3,))
    for make in (subscriber_of(bundle), producer_of(bundle)):
        with pytest.raises(serde.UnfitStub, match="class Edited has no attribute 'note'"):
            make()


def test_the_version_that_waits_to_be_written_is_looked_at_too() -> None:
    with pytest.raises(serde.UnfitStub):
        producer_of(orders.bundle(orders.version(2), BROKEN, reads=(2,), writes=(2, 3)))()
    producer_of(orders.bundle(orders.version(2), orders.version(3), writes=(2, 3)))()


def test_protobuf_without_its_library_is_found_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.protobuf.descriptor_pool", None)
    bundle = frozen.replace(orders.bundle(orders.version(3), writes=(3,)), language="protobuf")
    for make in (producer_of(bundle), subscriber_of(bundle)):
        with pytest.raises(
            serde.SerdeError, match="is an event in Protobuf, and the library is not installed"
        ) as caught:
            make()
        assert caught.value.help == "pip install 'event-contracts[protobuf]'"


def test_other_versions_wait_until_they_come() -> None:
    """Each costs time; what is older is mostly gone."""
    bundle = orders.bundle(orders.version(1, text="{"), orders.version(2), orders.version(3), writes=(3,))
    producer_of(bundle)()
    subscriber_of(bundle)()
    value, _ = serde.Serde(BUNDLE, active=1).encode(
        orders.OrderPlacedV1(order_id="o-1", state=orders.StateV1.OPEN), orders.meta()
    )
    with pytest.raises(serde.UnfitStub, match="v1: the schema in the stubs is none"):
        serde.Serde(bundle).decode(value)
