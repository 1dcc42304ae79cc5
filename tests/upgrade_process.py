"""The processes of an upgrade: an owner that publishes without a pause, and readers that write down what they handled.

``python -m tests.upgrade_process ROLE FACTS``, FACTS being JSON, see :class:`tests.upgrade_fleet.Fleet`. They end with
whoever started them. A line on the standard output says that the process is at work.
"""

import json
import logging
import os
import signal
import sys
import time
from importlib import import_module
from threading import Event, Thread
from typing import Any

from registry.kafka import KafkaTransport, NotAdmitted, Rollouts, Subscription
from registry.serde import Meta, Record, correlation

STOP = Event()
REFUSED = 7
"""The exit code of a reader that may not join."""


class Log:
    """Lines of JSON in a file: what was written stays when the process is killed."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, *facts: object) -> None:
        os.write(self._file, (json.dumps(facts) + "\n").encode())


def open_rollouts(facts: dict[str, Any]) -> Rollouts:
    return Rollouts(
        facts["settings"],
        service=facts["service"],
        environment=facts["environment"],
        build=str(facts["build"]),
        instance=facts["instance"],
        period=1.0,
    )


def own(facts: dict[str, Any]) -> None:
    """Publishes orders of the build's newest version, and writes down those that arrived, with the version written."""
    stubs = import_module("orders_events")
    placed = stubs.Placed
    log = Log(facts["log"])

    class Arrivals:
        successes = True

        def sent(self, record: Record, error: str | None) -> None:
            assert error is None, error
            headers = dict(record.headers)
            log.note(headers["ce_id"].decode(), int(headers["ce_schemaversion"]), time.time())

    observers: Any = [Arrivals()]
    with open_rollouts(facts) as rollouts, KafkaTransport(facts["settings"], observers=observers) as transport:
        producer = stubs.PlacedProducer(transport, service="orders", rollouts=rollouts)
        print("at work", flush=True)
        number = 0
        while not STOP.wait(0.005):
            number += 1
            key = f"order-{number % 20}"
            with correlation(f"{facts['instance']}-{number}"):
                producer.publish(make(placed, key, number))
        transport.flush()


def make(placed: Any, key: str, number: int) -> Any:
    """An order, as the build's newest version has it."""
    if "amount" in placed.__dataclass_fields__:
        from decimal import Decimal

        return placed(order_id=key, customer_id=f"customer-{number}", amount=Decimal(number).scaleb(-2))
    return placed(order_id=key, customer=f"customer-{number}", amount_cents=number)


def read(facts: dict[str, Any]) -> None:
    """Writes down each order as the version that the build asks for, with the version that was written."""
    stubs = import_module(f"{facts['service']}_events")
    log = Log(facts["log"])

    class Orders(stubs.PlacedConsumer):  # type: ignore[misc]  # generated where the test runs
        def on_placed(self, event: Any, meta: Meta) -> None:
            content = (
                (event.customer_id, int(event.amount.scaleb(2)))
                if "amount" in type(event).__dataclass_fields__
                else (event.customer, event.amount_cents)
            )
            log.note(meta.event_id, meta.version, meta.read_as, content, meta.correlation_id, time.time())

    member = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500, "auto.commit.interval.ms": 200}
    with open_rollouts(facts) as rollouts:
        subscription = Subscription(
            {**facts["settings"], **member}, Orders(), group=facts["group"], service=facts["service"], rollouts=rollouts
        )
        print("at work", flush=True)
        try:
            subscription.run(signals=[signal.SIGTERM])
        except NotAdmitted as error:
            print(f"{error.message}; {error.help}", flush=True)
            sys.exit(REFUSED)


def end_with_parent() -> None:
    sys.stdin.read()
    os._exit(3)


if __name__ == "__main__":
    role, given = sys.argv[1:]
    known = json.loads(given)
    sys.path.insert(0, known["stubs"])
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {known['instance']} %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: STOP.set())
    Thread(target=end_with_parent, daemon=True).start()
    {"own": own, "read": read}[role](known)
