"""Whose stubs they are: asked at import, at the construction of a producer, and at subscription."""

from typing import Any, Final

import pytest
import serde_orders as orders
from serde_orders import OrderPlacedProducer, Orders

from registry import serde
from registry.serde.stubs import SERVICE_VARIABLE

OWNED: Final[dict[str, Any]] = {
    "event": "shop.OrderPlaced",
    "service": "shop-api",
    "owner": "shop-api",
    "contact": "team shop, #team-shop",
}
NOT_OWNER = "OrderPlaced is written only by shop-api (team shop, #team-shop)"


@pytest.fixture(autouse=True)
def _unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SERVICE_VARIABLE, raising=False)


def test_stubs_of_this_library_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    serde.check_stub(serde.STUB_FORMAT, "0.1.0", **OWNED, produces=True)
    monkeypatch.setenv(SERVICE_VARIABLE, "shop-api")
    serde.check_stub(serde.STUB_FORMAT, "0.1.0", **OWNED, produces=True)
    monkeypatch.setenv(SERVICE_VARIABLE, "mailer")
    serde.check_stub(serde.STUB_FORMAT, "0.1.0", **OWNED)


@pytest.mark.parametrize(
    ("stub_format", "newer", "help"),
    [
        (serde.STUB_FORMAT - 1, "its stubs are older", "run `contracts gen`"),
        (serde.STUB_FORMAT + 1, "the library is older than its stubs", "pip install --upgrade event-contracts"),
    ],
)
def test_stubs_of_another_format_are_refused(stub_format: int, newer: str, help: str) -> None:
    with pytest.raises(serde.UnfitStub) as caught:
        serde.check_stub(stub_format, "9.9.9", **OWNED)
    assert str(caught.value) == (
        f"the stubs of shop.OrderPlaced have format {stub_format}, made by event-contracts 9.9.9; "
        f"the library here reads format {serde.STUB_FORMAT}: {newer}"
    )
    assert caught.value.help == help


def test_a_copied_producer_is_refused_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVICE_VARIABLE, "mailer")
    with pytest.raises(serde.NotOwner) as caught:
        serde.check_stub(serde.STUB_FORMAT, "0.1.0", **OWNED, produces=True)
    assert str(caught.value) == NOT_OWNER
    assert caught.value.help == (
        "this is mailer (CONTRACTS_SERVICE): its own stubs come from `contracts gen --service mailer`"
    )


def test_a_producer_asks_which_service_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = serde.InMemory()
    with pytest.raises(serde.SerdeError) as unnamed:
        OrderPlacedProducer(transport)
    assert str(unnamed.value) == "which service is it that writes shop.OrderPlaced?"
    assert unnamed.value.help == "pass service='shop-api', or set CONTRACTS_SERVICE"
    with pytest.raises(serde.NotOwner) as caught:
        OrderPlacedProducer(transport, service="mailer")
    assert str(caught.value) == NOT_OWNER
    assert OrderPlacedProducer(transport, service="shop-api").service == "shop-api"
    monkeypatch.setenv(SERVICE_VARIABLE, "shop-api")
    assert OrderPlacedProducer(transport).service == "shop-api"
    with pytest.raises(serde.SerdeError) as both:
        OrderPlacedProducer(transport, service="mailer")
    assert str(both.value) == "the service is mailer by argument and shop-api by CONTRACTS_SERVICE"


def test_a_producer_without_a_version_to_write_is_refused() -> None:
    class Copied(OrderPlacedProducer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return orders.bundle(orders.version(1), service="mailer")

    with pytest.raises(serde.NotOwner) as caught:
        Copied(serde.InMemory(), service="shop-api")
    assert str(caught.value) == NOT_OWNER


def test_consumers_are_for_the_service_that_they_were_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert serde.InMemory().subscribe(Orders()).receiver.service == "shop-api"
    with pytest.raises(serde.UnfitStub) as caught:
        serde.InMemory().subscribe(Orders(), service="mailer")
    assert str(caught.value) == "the stubs of shop.OrderPlaced were made for shop-api, and this is mailer"
    monkeypatch.setenv(SERVICE_VARIABLE, "mailer")
    with pytest.raises(serde.UnfitStub):
        serde.InMemory().subscribe(Orders())


def test_a_producer_that_was_not_generated_says_where_they_come_from() -> None:
    with pytest.raises(NotImplementedError, match="comes from `contracts gen`"):
        serde.Producer[object](serde.InMemory(), service="shop-api")
