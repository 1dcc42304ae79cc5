"""A dead letter of the old version that is redriven once the new one is written."""

from typing import Any

import serde_orders as orders

from registry import serde
from registry.kafka.consuming.redrive import Redriven, redrive
from registry.kafka.errors import Reject
from tests.kafka_clusters import Cluster
from tests.kafka_orders import MOCK, Orders, run


def test_s15_a_dead_letter_in_the_old_version_is_converted_and_handled_once(cluster: Cluster) -> None:
    shop = Orders(cluster)
    broken = True
    handled: list[tuple[Any, int]] = []

    def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if broken:
            raise Reject("the warehouse is closed")
        handled.append((event, meta.version))

    shop.producer.activate(1)
    shop.publish("o-1", partition=0)
    run(shop.subscribe(handle), lambda: len(shop.dead_letters()) == 1)
    shop.producer.activate(3)
    broken = False
    shop.publish("o-2", partition=0)
    run(shop.subscribe(handle), lambda: len(handled) == 1)

    settings = {**cluster.settings, **({} if cluster.real else MOCK)}
    given = {"group": shop.group, "service": "shop-api", "topic": shop.letters}
    assert redrive(settings, shop.consumer(handle), **given) == Redriven(handled=1, repeated=0, again=0, others=0)
    assert redrive(settings, shop.consumer(handle), **given) == Redriven(0, 0, 0, 0)

    (_, new), (event, old) = handled
    assert (new, old) == (3, 1)
    assert isinstance(event, orders.OrderPlaced)
    assert (event.order_id, event.state, event.labels) == ("o-1", orders.State.OPEN, {})
