"""The processes of the crash test: what writes, what relays, what consumes. They end with whoever started them.

``python -m tests.kafka_crash_process ROLE FACTS``: FACTS is JSON, see :class:`tests.test_kafka_crash.Story`. A line on
the standard output says that the process is at work.
"""

import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from random import Random
from threading import Event, Thread
from typing import Any

from registry.frozen import replace
from registry.kafka.consuming.subscription import Subscription
from registry.kafka.inbox import Inbox
from registry.kafka.inbox.postgres import PostgresInbox
from registry.kafka.inbox.sqlite import SqliteInbox
from registry.kafka.outbox.postgres import PostgresOutbox
from registry.kafka.outbox.relay import Relay
from registry.kafka.outbox.sqlite import SqliteOutbox
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.retry import Retry
from registry.kafka.transaction import current_connection, using
from registry.serde import Bundle, Meta, Record, correlation
from registry.serde.delivery import Delivery
from tests.serde_orders import BUNDLE, OrderPlaced, OrderPlacedConsumer, OrderPlacedProducer, State

KEYS = 20
STOP = Event()


def write(facts: dict[str, Any]) -> None:
    """An entity's counter goes up, and the event that says so is written, in one transaction, again and again."""
    store = open_outbox(facts)
    producer = stub(facts, OrderPlacedProducer)(store, service="shop-api", active=3)
    chance = Random(facts["seed"])
    mark = "?" if facts["kind"] == "sqlite" else "%s"
    connection: Any = connect(facts["kind"], facts["service"])
    signal.signal(signal.SIGTERM, lambda *_: STOP.set())
    with closing(connection):
        for _ in range(facts["limit"]):
            key = f"order-{chance.randrange(KEYS)}"
            # The entity first: of two writers of one key the second waits here, and gets its row's id after the first.
            connection.execute(f"UPDATE entities SET changes = changes + 1 WHERE name = {mark}", (key,))
            (number,) = connection.execute(f"SELECT changes FROM entities WHERE name = {mark}", (key,)).fetchone()
            with using(connection), correlation(f"request-{key}-{number}"):
                producer.publish(OrderPlaced(order_id=key, state=State.OPEN, note=str(number)))
            connection.commit()
            if STOP.wait(facts["pause"]):
                return


def relay(facts: dict[str, Any]) -> None:
    """Publishes the outbox."""
    observers: Any = [Dying()] if facts.get("die") else []
    with KafkaTransport(facts["settings"], gapless=True, observers=observers) as transport:
        worker = Relay(open_outbox(facts), transport, every=0.01, batch=100)
        worker.run(signals=[signal.SIGTERM])


def consume(facts: dict[str, Any]) -> None:
    """Writes down what is handled, in the transaction that the inbox began."""
    mark = "?" if facts["kind"] == "sqlite" else "%s"

    class Applied(stub(facts, OrderPlacedConsumer)):  # type: ignore[misc]  # a class made here
        def on_order_placed(self, event: OrderPlaced, meta: Meta) -> None:
            current_connection().execute(
                f"INSERT INTO applied (name, number, event_id, correlation_id) VALUES ({mark}, {mark}, {mark}, {mark})",
                (event.order_id, int(event.note), meta.event_id, meta.correlation_id),
            )

    inbox: Inbox = (SqliteInbox if facts["kind"] == "sqlite" else PostgresInbox)(facts["consumer"])
    observers: Any = [Counting(facts["repeated"])]
    subscription = Subscription(
        {**facts["settings"], **facts["member"]},
        Applied(),
        group=facts["group"],
        service="shop-api",
        inbox=inbox,
        retry=Retry(first=0.05, longest=0.5),
        observers=observers,
    )
    subscription.run(signals=[signal.SIGTERM])


class Counting:
    """Notes in a file what came again: a file's content survives the process."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def repeated(self, delivery: Delivery) -> None:
        os.write(self._file, b".")


class Dying:
    """Ends the process, as SIGKILL does, when the broker has a record and its row is not deleted yet."""

    def sent(self, record: Record, error: str | None) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def stub(facts: dict[str, Any], base: Any) -> Any:
    """A producer or consumer of the test's own topic."""
    bundle = replace(BUNDLE, topic=facts["topic"])

    class Stub(base):  # type: ignore[misc]  # mypy knows no base of two
        @classmethod
        def bundle(cls) -> Bundle:
            return bundle

    return Stub


def open_outbox(facts: dict[str, Any]) -> Any:
    return (SqliteOutbox if facts["kind"] == "sqlite" else PostgresOutbox)(facts["service"])


def connect(kind: str, place: str) -> Any:
    """A connection that begins transactions by itself."""
    if kind == "sqlite":
        return sqlite3.connect(place, timeout=30)
    import psycopg

    return psycopg.connect(place)


def end_with_parent() -> None:
    sys.stdin.read()
    os._exit(3)


if __name__ == "__main__":
    role, given = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # until the role hears it itself
    Thread(target=end_with_parent, daemon=True).start()
    print("at work", flush=True)
    {"write": write, "relay": relay, "consume": consume}[role](json.loads(given))
