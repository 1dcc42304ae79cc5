"""Those who watch a subscription: what they are told, and that they stop nothing."""

import logging
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from registry.kafka.observer import Observer
from registry.kafka.retry import Retry
from registry.serde.delivery import Delivery
from tests.kafka_clusters import Cluster
from tests.kafka_orders import Orders, run
from tests.kafka_seen import QUICK, Seen, Told


def test_what_observers_raise_is_logged_and_stops_nothing(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    shop, seen = Orders(cluster), Seen()

    class Broken(Observer):
        def subscribed(self, bundles: Any, group: str) -> None:
            raise RuntimeError("subscribed")

        def handling(self, delivery: Delivery) -> AbstractContextManager[object]:
            raise RuntimeError("handling")

        def handled(self, delivery: Delivery, seconds: float) -> None:
            raise RuntimeError("handled")

        def measured(self, topic: str, partition: int, lag: int, age: float) -> None:
            raise RuntimeError("measured")

    shop.publish("a")
    with caplog.at_level(logging.ERROR, "registry.kafka"):
        run(shop.subscribe(seen, observers=[Broken()]), seen.has("a"))
    said = {str(record.exc_info[1]) for record in caplog.records if record.exc_info}
    assert {"subscribed", "handling", "handled"} <= said
    assert shop.dead_letters() == []


def test_an_observer_surrounds_each_attempt_and_sees_what_it_raises(cluster: Cluster) -> None:
    shop = Orders(cluster)
    around: list[str] = []
    errors = [ValueError("once")]

    class Around(Observer):
        @contextmanager
        def handling(self, delivery: Delivery) -> Any:
            around.append("in")
            try:
                yield
            except ValueError as error:
                around.append(str(error))
                raise
            finally:
                around.append("out")

    def fail(name: str) -> None:
        around.append(name)
        if errors:
            raise errors.pop()

    seen = Seen(fail)
    shop.publish("a")
    run(shop.subscribe(seen, observers=[Around()], retry=QUICK), seen.has("a"))
    assert around == ["in", "a", "once", "out", "in", "a", "out"]


def test_observers_learn_what_is_read_and_how_far_behind_it_is(cluster: Cluster) -> None:
    shop, seen, told = Orders(cluster), Seen(), Told()
    shop.publish(*[f"o-{number}" for number in range(10)], partition=0)
    shop.send_raw(b"\x00\x00\x00\x03\xe7?", partition=1, headers={"ce_type": b"shop.OrderPlaced"})
    done = [(0, 0, 0.0)]
    run(
        shop.subscribe(seen, observers=[told], pause=Retry(first=60.0, longest=60.0)),
        lambda: (
            set(done) <= set(told.of("measured")) and (1, 1) in [(each[0], each[1]) for each in told.of("measured")]
        ),
    )
    assert told.of("subscribed") == [(["shop.OrderPlaced"], shop.group)]
    (lag, age) = next((lag, age) for place, lag, age in reversed(told.of("measured")) if place == 1)
    assert lag == 1
    assert 0 <= age < 60
    assert sorted(told.of("revoked")) == [0, 1]
