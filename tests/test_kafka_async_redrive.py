"""Dead letters are handed again to the handlers of the same service, in an event loop."""

import asyncio
import logging
from time import monotonic
from typing import Any

import pytest
import serde_orders as orders

from registry import serde
from registry.frozen import replace
from registry.kafka.consuming import async_reader
from registry.kafka.consuming.async_redrive import async_redrive
from registry.kafka.consuming.dead_letters import parse_dead_letter, render_dead_letter
from registry.kafka.consuming.redrive import Redriven
from registry.kafka.errors import MessagingError, Reject, SettingsError
from registry.kafka.inbox.memory import MemoryInbox
from tests.kafka_async_orders import Handler, Seen, consume, handle_until, run, settle, subscribe
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_orders import MOCK, Orders


@pytest.fixture
def shop(cluster: Cluster) -> Orders:
    return Orders(cluster)


async def refuse(event: orders.OrderPlaced, meta: serde.Meta) -> None:
    raise Reject("never")


async def put_aside(shop: Orders, *names: str) -> None:
    """Dead letters of these orders."""
    shop.publish(*names)
    await handle_until(subscribe(shop, refuse), lambda: len(shop.dead_letters()) == len(names))


async def redrive(shop: Orders, handler: Handler, inbox: MemoryInbox | None = None, **options: Any) -> Redriven:
    return await asyncio.wait_for(
        async_redrive(
            {**shop.cluster.settings, **({} if shop.cluster.real else MOCK)},
            consume(shop, handler),
            group=shop.group,
            service="shop-api",
            topic=shop.letters,
            inbox=inbox,
            **options,
        ),
        DEADLINE,
    )


def test_letters_are_handled_as_if_they_came_from_their_topic_and_only_once(shop: Orders) -> None:
    seen = Seen()

    async def main() -> None:
        await put_aside(shop, "a", "b", "c")
        assert await redrive(shop, seen) == Redriven(3, 0, 0, 0)
        assert await redrive(shop, seen) == Redriven(0, 0, 0, 0)

    run(main())
    assert sorted(seen.names) == ["a", "b", "c"]
    assert {meta.topic for _, meta in seen.events} == {shop.topic}


def test_what_fails_again_goes_to_the_end_and_is_not_tried_by_the_same_call(shop: Orders) -> None:
    async def main() -> None:
        await put_aside(shop, "a", "b")
        assert await redrive(shop, refuse) == Redriven(0, 0, 2, 0)

    run(main())
    letters = [parse_dead_letter(record) for record in shop.dead_letters()]
    assert sorted(letter.attempts for letter in letters) == [1, 1, 2, 2]
    assert {letter.record.topic for letter in letters} == {shop.topic}


def test_what_was_handled_meanwhile_and_what_is_no_letter_are_passed_over(shop: Orders) -> None:
    inbox, seen = MemoryInbox(), Seen()

    async def main() -> None:
        await put_aside(shop, "a", "b")
        shop.send(serde.Record(shop.letters, b"k", b"no letter"))
        shop.transport.flush()
        shop.publish("a")
        again = subscribe(shop, seen, inbox=inbox)
        await handle_until(again, lambda: seen.names == ["a"])
        assert await redrive(shop, seen, inbox) == Redriven(1, 1, 0, 1)

    run(main())
    assert seen.names == ["a", "b"]


def test_a_letter_that_cannot_be_put_back_ends_a_redrive_and_stays(shop: Orders) -> None:
    calls: list[str] = []

    async def refuse_once_more(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        calls.append(event.order_id)
        raise Reject("never")

    class Down:
        async def send(self, record: serde.Record) -> None:
            raise MessagingError("no letters today")

        async def flush(self) -> None: ...

    async def main() -> None:
        await put_aside(shop, "a")
        with pytest.raises(MessagingError, match="no letters today"):
            await redrive(shop, refuse_once_more, dead_letters=Down())
        assert calls == ["a"]
        assert (await redrive(shop, Seen())).handled == 1

    run(main())


def test_handlers_that_are_no_coroutines_are_refused(shop: Orders) -> None:
    redriving = async_redrive(shop.cluster.settings, shop.consumer(print), group="g")  # type: ignore[arg-type]  # a wrong type is the case
    with pytest.raises(SettingsError, match="these handlers are no coroutines"):
        asyncio.run(redriving)


@pytest.mark.parametrize("options", [{"timeout": 0}, {"grace": -1}])
def test_times_in_which_no_handler_would_finish_are_refused(shop: Orders, options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="no handler would ever finish"):
        asyncio.run(redrive(shop, Seen(), **options))


def test_letters_behind_many_slow_ones_are_redriven_too(
    shop: Orders, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While a partition is held because it is slow nothing comes of it: that is not its end."""
    caplog.set_level(logging.INFO, "registry.kafka")
    waited = 0.0
    monkeypatch.setattr(async_reader, "monotonic", lambda: monotonic() + waited)
    names = [str(number) for number in range(150)]
    for name in names:
        letter = render_dead_letter(
            shop.encode(name, 0), Reject("never"), attempts=1, service="shop-api", group=shop.group, topic=shop.letters
        )
        shop.send(replace(letter, partition=0))
    shop.transport.flush()
    seen = Seen()

    async def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        nonlocal waited
        if not seen.names:
            await settle(lambda: "is slow" in caplog.text)
            waited = 60.0
        await seen(event, meta)

    async def main() -> None:
        assert await redrive(shop, handle) == Redriven(len(names), 0, 0, 0)

    run(main())
    assert seen.names == names
