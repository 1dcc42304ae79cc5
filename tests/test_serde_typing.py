"""What a service writes over its stubs is clean under strict type checkers, and what is wrong is not."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from checkers import check_by_mypy, check_by_pyright

GOOD = """
from concurrent.futures import Executor
from datetime import datetime

import serde_orders as stubs
from registry import serde


class Billing(stubs.OrderPlacedConsumer):
    def __init__(self, transport: serde.Transport) -> None:
        self.producer = stubs.OrderPlacedProducer(transport, service="shop-api", active=2, headers=False)

    def on_order_placed(self, event: stubs.OrderPlaced, meta: serde.Meta) -> None:
        occurred: datetime | None = meta.occurred_at
        correlation: str = meta.correlation_id
        meta = self.producer.publish(event, correlation_id=correlation, occurred_at=occurred)
        record: serde.Record = self.producer.encode(stubs.OrderPlacedV2(order_id="1", state=stubs.StateV2.OPEN))
        print(record.value, meta.key)


class Later(stubs.OrderPlacedAsyncConsumer):
    def __init__(self, transport: serde.AsyncTransport) -> None:
        self.producer = stubs.OrderPlacedAsyncProducer(transport, service="shop-api", active=2, headers=False)

    async def on_order_placed(self, event: stubs.OrderPlaced, meta: serde.Meta) -> None:
        meta = await self.producer.publish(event, correlation_id=meta.correlation_id)
        record: serde.Record = self.producer.encode(stubs.OrderPlacedV2(order_id="1", state=stubs.StateV2.OPEN))
        print(record.value, meta.key)


async def test_later() -> None:
    transport = serde.AsyncInMemory()
    subscription = transport.subscribe(Later(transport), service="shop-api")
    handled: int = await transport.deliver()
    assert handled == 0 and not subscription.paused


class Memory:
    def find(self, event: str, writer: int | str) -> serde.BundledVersion | None:
        return None

    def find_number(self, event: str, number: int) -> serde.BundledVersion | None:
        return None


def read(value: bytes, executor: Executor = serde.ContextExecutor()) -> stubs.OrderPlacedV1:
    runtime = serde.Serde(stubs.BUNDLE, framing="confluent-header", fallback=Memory())
    event, _ = runtime.decode(value, [("a", b"b")], read_as=stubs.OrderPlacedV1)
    other, meta = runtime.decode(value, read_as=stubs.OrderPlaced)
    note: str = other.note
    print(note, meta.version)
    with serde.correlation("request") as given:
        made: str = given
        print(made, executor.submit(serde.bind(len), "text").result() + 1)
    return event


def test_it() -> None:
    transport = serde.InMemory()
    subscription = transport.subscribe(Billing(transport), service="shop-api", fallback=serde.Folder("versions"))
    handled: int = transport.deliver()
    assert handled == 0 and not subscription.paused
    upgraded: stubs.OrderPlaced = stubs.OrderPlacedV1(order_id="1", state=stubs.StateV1.OPEN).upgrade()
    assert upgraded.note == ""
"""

WRONG = {
    "an event that is none": 'stubs.OrderPlacedProducer(serde.InMemory(), service="a").publish("text")',
    "a framing that is none": 'serde.Serde(stubs.BUNDLE, framing="json")',
    "a transport that is none": 'stubs.OrderPlacedProducer("topic")',
    "a transport that nobody awaits": "stubs.OrderPlacedAsyncProducer(serde.InMemory())",
    "a transport that is to be awaited": "stubs.OrderPlacedProducer(serde.AsyncInMemory())",
    "an asynchronous consumer without its handler": "stubs.OrderPlacedAsyncConsumer()",
    "a consumer without its handler": "stubs.OrderPlacedConsumer()",
    "a field that version 1 lacks": 'serde.Serde(stubs.BUNDLE).decode(b"", read_as=stubs.OrderPlacedV1)[0].note',
}


def lay_down(folder: Path, text: str) -> Path:
    service = folder / "service"
    service.mkdir()
    (service / "user.py").write_text(text)
    shutil.copy(Path(__file__).parent / "serde_orders.py", service)
    return service


@pytest.mark.parametrize("check", [check_by_mypy, check_by_pyright])
def test_what_users_write_is_clean(check: Callable[[Path, Sequence[str]], None], tmp_path: Path) -> None:
    check(lay_down(tmp_path, GOOD), ["user.py"])


def test_mypy_sees_what_is_wrong(tmp_path: Path) -> None:
    lines = [f"made_{number} = {code}" for number, code in enumerate(WRONG.values())]
    text = "\n".join(["import serde_orders as stubs", "from registry import serde", *lines, ""])
    with pytest.raises(AssertionError) as caught:
        check_by_mypy(lay_down(tmp_path, text), ["user.py"])
    for number in range(len(lines)):
        assert f"user.py:{number + 3}: error" in str(caught.value), lines[number]
