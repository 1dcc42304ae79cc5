"""What the Kafka client logs: news is passed on, and a broker that does not answer is told once a minute."""

import logging
import re
from threading import Event

import pytest

from registry.kafka.client_log import AGAIN, News
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.settings import consumer_settings, start_consumer
from registry.serde.record import Record
from tests.kafka_clusters import DEADLINE
from tests.kafka_orders import limit

REFUSED = "Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)"
UNKNOWN = "Failed to resolve 'kafka:9092': Name or service not known (after 3ms in state CONNECT)"


class Minutes:
    """A clock and a filter; :meth:`tell` gives what is logged of a line, or nothing."""

    def __init__(self) -> None:
        self.now = 0.0
        self._news = News(lambda: self.now)

    def tell(self, text: str, address: str = "localhost:9092/bootstrap") -> str | None:
        said = ("FAIL", "rdkafka#producer-1", f"[thrd:{address}]: {address}: {text}")
        line = logging.LogRecord("registry.kafka.client", logging.ERROR, "", 0, "%s [%s] %s", said, None)
        return line.getMessage() if self._news(line) else None


def test_an_address_that_does_not_answer_is_told_once_a_minute() -> None:
    clock = Minutes()
    assert clock.tell(REFUSED) == "no broker answers at localhost:9092 (Connection refused); trying again"
    assert clock.tell(REFUSED) is None
    assert clock.tell(REFUSED.replace("CONNECT)", "CONNECT, 7 identical error(s) suppressed)")) is None
    clock.now = AGAIN
    assert clock.tell(REFUSED) is not None
    assert clock.tell(REFUSED) is None


def test_another_address_and_another_reason_are_news() -> None:
    clock = Minutes()
    assert clock.tell(REFUSED) is not None
    assert clock.tell(REFUSED, "localhost:9093/2") == (
        "no broker answers at localhost:9093 (Connection refused); trying again"
    )
    assert clock.tell(UNKNOWN) == "no broker answers at localhost:9092 (Name or service not known); trying again"


@pytest.mark.parametrize(
    "text",
    [
        "SSL handshake failed: certificate verify failed (after 4ms in state SSL_HANDSHAKE)",
        "Disconnected while requesting ApiVersion (after 2ms in state APIVERSION_QUERY)",
        "GETPID failed: Broker: Not coordinator: retrying",
    ],
)
def test_other_lines_are_passed_on_as_they_are_each_time(text: str) -> None:
    clock = Minutes()
    assert str(clock.tell(text)).endswith(text)
    assert str(clock.tell(text)).endswith(text)


class Count(logging.Handler):
    """Sets an event when so many attempts to connect were seen, told or not."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.enough, self._left = Event(), number

    def filter(self, record: logging.LogRecord) -> bool:
        self._left -= "Connection refused" in record.getMessage()
        if self._left <= 0:
            self.enough.set()
        return True


@pytest.mark.parametrize("kind", ["producer", "consumer"])
def test_a_client_without_a_broker_says_so_in_one_line(
    kind: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "127.0.0.1:1"  # where nobody listens, and nobody will
    seen = Count(4)
    # A filter of its own: that of the process may have told this address a moment ago.
    monkeypatch.setattr(logging.getLogger("registry.kafka.client"), "filters", [seen, News()])
    settings: dict[str, object] = {
        "bootstrap.servers": address,
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 50,
    }
    if kind == "producer":
        transport = KafkaTransport(settings)
        transport.send(Record("orders", b"k", b"v"), lambda record, reason: None)
        assert seen.enough.wait(DEADLINE)
        transport.close(0)
    else:
        consumer = start_consumer(consumer_settings(settings, "g"))
        consumer.subscribe(["orders"])
        done = limit(seen.enough.is_set)
        while not done():
            consumer.poll(0.1)
        consumer.close()
    told = [line.getMessage() for line in caplog.records if re.search("no broker|FAIL", line.getMessage())]
    assert told == [f"no broker answers at {address} (Connection refused); trying again"]
