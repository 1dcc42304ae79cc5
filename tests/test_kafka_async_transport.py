"""Records to Kafka from an event loop: what arrives, what is told of what does not, and who may ask."""

import asyncio
import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from confluent_kafka import Consumer

from registry.kafka.consuming.reading import read_message
from registry.kafka.errors import DeliveryFailed, MessagingError, QueueFull, SettingsError, Unpublishable
from registry.kafka.observer import Observer
from registry.kafka.producing.async_transport import AsyncKafkaTransport
from registry.serde import Record
from tests.kafka_clusters import DEADLINE, Cluster

SHORT: dict[str, object] = {"delivery.timeout.ms": 5000, "linger.ms": 0}
"""So that a record which cannot arrive is known to within seconds. A broker that has just come back needs one of them
to take the first record of a producer."""


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 2 * DEADLINE))


def read_all(cluster: Cluster, topic: str, count: int) -> list[Record]:
    """The first records of a topic, each partition in its order."""
    consumer = Consumer({**cluster.settings, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found: list[Record] = []
    deadline = monotonic() + DEADLINE
    while len(found) < count and monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            found.append(read_message(message))
    consumer.close()
    assert len(found) == count
    return found


async def settle(condition: Callable[[], bool]) -> None:
    """Until it is so."""
    while not condition():
        await asyncio.sleep(0.005)


@pytest.fixture
def topic(cluster: Cluster) -> str:
    name = cluster.topic("orders")
    cluster.create(name)
    return name


def test_a_send_returns_when_the_broker_has_the_record_as_it_was(cluster: Cluster, topic: str) -> None:
    headers = (("ce_id", b"e-1"), ("empty", b""), ("none", None), ("ce_id", b"again"))
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    sent = [
        Record(topic, b"k", b"value", headers, partition=1, timestamp=moment),
        Record(topic, b"k", None, partition=1),
        Record(topic, None, b"", partition=1),
    ]

    async def main() -> None:
        async with AsyncKafkaTransport(cluster.settings) as transport:
            for record in sent:
                await transport.send(record)
                assert transport.waiting == 0

    run(main())
    first, second, third = read_all(cluster, topic, 3)
    assert (first.key, first.value, first.headers, first.partition) == (b"k", b"value", headers, 1)
    assert first.timestamp == moment
    assert (second.key, second.value, second.headers) == (b"k", None, ())
    assert (third.key, third.value) == (None, b"")


def test_many_sends_at_once_keep_the_order_of_their_keys_also_where_the_queue_is_full(
    cluster: Cluster, topic: str
) -> None:
    async def main() -> None:
        small = {"queue.buffering.max.messages": 7, "linger.ms": 1}
        async with AsyncKafkaTransport({**cluster.settings, **small}) as transport:
            sends = [transport.send(Record(topic, b"k%d" % (n % 3), b"%d" % n)) for n in range(200)]
            await asyncio.gather(*sends)
            assert transport.waiting == 0

    run(main())
    found = read_all(cluster, topic, 200)
    for key in range(3):
        values = [int(record.value or b"") for record in found if record.key == b"k%d" % key]
        assert values == list(range(key, 200, 3))


def test_a_record_that_the_client_refuses_is_told_at_once(cluster: Cluster, topic: str) -> None:
    async def main() -> None:
        async with AsyncKafkaTransport({**cluster.settings, "message.max.bytes": 2000}) as transport:
            with pytest.raises(Unpublishable, match=r"MSG_SIZE_TOO_LARGE: .* of 3001 bytes was not taken"):
                await transport.send(Record(topic, b"k", b"x" * 3000))
            with pytest.raises(TypeError):
                await transport.send(Record(topic, b"k", 7))  # type: ignore[arg-type]  # a wrong type is the case
            assert transport.waiting == 0
            await transport.send(Record(topic, b"k", b"fits"))

    run(main())


def test_a_partition_that_is_not_there_is_a_failed_delivery(cluster: Cluster, topic: str) -> None:
    async def main() -> None:
        async with AsyncKafkaTransport({**cluster.settings, **SHORT}) as transport:
            await transport.send(Record(topic, b"k", b"v"))  # so that the client knows its partitions
            with pytest.raises(MessagingError, match="UNKNOWN_PARTITION"):
                await transport.send(Record(topic, b"k", b"v", partition=99))

    run(main())


def test_what_a_broker_that_is_gone_does_not_take_is_told_with_its_record(cluster: Cluster, topic: str) -> None:
    async def main() -> None:
        async with AsyncKafkaTransport({**cluster.settings, **SHORT}) as transport:
            await transport.send(Record(topic, b"k", b"before"))
            cluster.stop_node()
            lost = [Record(topic, b"k", b"lost-%d" % number) for number in range(3)]
            answers = await asyncio.gather(*map(transport.send, lost), return_exceptions=True)
            for record, answer in zip(lost, answers, strict=True):
                assert isinstance(answer, DeliveryFailed)
                ((failed, reason),) = answer.failures
                assert failed is record
                assert reason.startswith("_MSG_TIMED_OUT: ")
            await transport.flush()  # each was told to whom it concerns, and to nobody else
        cluster.start_node()
        async with AsyncKafkaTransport(cluster.settings) as transport:
            await transport.send(Record(topic, b"k", b"after"))

    run(main())
    assert [record.value for record in read_all(cluster, topic, 2)] == [b"before", b"after"]


def test_a_queue_that_stays_full_says_so_and_has_not_taken_the_record(cluster: Cluster, topic: str) -> None:
    async def main() -> None:
        transport = AsyncKafkaTransport({**cluster.settings, "queue.buffering.max.messages": 2}, patience=0.2)
        await transport.send(Record(topic, b"k", b"before"))
        cluster.stop_node()
        held = [asyncio.create_task(transport.send(Record(topic, b"k", b"held"))) for _ in range(2)]
        await settle(lambda: transport.waiting == 2)
        with pytest.raises(
            QueueFull, match=f"2 records wait .* none left for 0.2 s; a record of {topic} was not taken"
        ):
            await transport.send(Record(topic, b"k", b"no"))
        assert transport.waiting == 2
        cluster.start_node()
        await asyncio.gather(*held)
        await transport.close()

    run(main())
    assert [record.value for record in read_all(cluster, topic, 3)] == [b"before", b"held", b"held"]


def test_what_became_of_a_send_that_was_cancelled_is_told_by_flush(cluster: Cluster, topic: str) -> None:
    async def cancel(transport: AsyncKafkaTransport, record: Record) -> None:
        task = asyncio.create_task(transport.send(record))
        await settle(lambda: transport.waiting == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert transport.waiting == 1  # the client has it

    async def main() -> None:
        # It waits in the client long enough to be seen there, and is not sent before its task is cancelled.
        transport = AsyncKafkaTransport({**cluster.settings, **SHORT, "linger.ms": 1000})
        await cancel(transport, Record(topic, b"k", b"arrives"))
        await transport.flush()
        cluster.stop_node()
        lost = Record(topic, b"k", b"lost")
        await cancel(transport, lost)
        with pytest.raises(
            DeliveryFailed, match=f"a record of {topic} did not reach the broker: _MSG_TIMED_OUT: "
        ) as caught:
            await transport.flush()
        assert [record for record, _ in caught.value.failures] == [lost]
        await transport.close()  # it was told once

    run(main())
    cluster.start_node()
    assert [record.value for record in read_all(cluster, topic, 1)] == [b"arrives"]


def test_a_flush_that_may_not_wait_gives_up_what_is_left(cluster: Cluster, topic: str) -> None:
    async def main() -> None:
        transport = AsyncKafkaTransport(cluster.settings)
        await transport.send(Record(topic, b"k", b"before"))
        cluster.stop_node()
        records = [Record(topic, b"k", b"late") for _ in range(3)]
        sends = [asyncio.create_task(transport.send(record)) for record in records]
        await settle(lambda: transport.waiting == 3)
        with pytest.raises(DeliveryFailed, match="and 2 more did not reach the broker: not delivered") as caught:
            await transport.flush(0.1)
        assert [record for record, _ in caught.value.failures] == records
        answers = await asyncio.gather(*sends, return_exceptions=True)
        assert [type(answer) for answer in answers] == [DeliveryFailed] * 3
        assert transport.waiting == 0
        await transport.close()
        cluster.start_node()

    run(main())


def test_an_error_inside_is_not_hidden_by_one_of_closing(cluster: Cluster, topic: str) -> None:
    async def fail_inside() -> None:
        async with AsyncKafkaTransport({**cluster.settings, **SHORT}) as transport:
            await transport.send(Record(topic, b"k", b"before"))
            cluster.stop_node()
            task = asyncio.create_task(transport.send(Record(topic, b"k", b"lost")))
            await settle(lambda: transport.waiting == 1)
            task.cancel()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        run(fail_inside())
    assert f"and while the transport was closed: a record of {topic} did not" in caught.value.__notes__[0]
    cluster.start_node()


def test_a_transport_that_is_closed_takes_nothing(cluster: Cluster, topic: str) -> None:
    async def main() -> None:
        transport = AsyncKafkaTransport(cluster.settings)
        await transport.close()
        await transport.close()
        with pytest.raises(MessagingError, match="it was closed"):
            await transport.send(Record(topic, b"k", b"v"))

    run(main())


def test_a_transport_belongs_to_one_loop(cluster: Cluster, topic: str) -> None:
    transport = AsyncKafkaTransport(cluster.settings)
    run(transport.send(Record(topic, b"k", b"v")))
    with pytest.raises(MessagingError, match="belongs to another event loop"):
        run(transport.send(Record(topic, b"k", b"v")))
    run(transport.close())  # which is allowed


def test_observers_are_told_what_they_ask_for(cluster: Cluster, topic: str) -> None:
    class All(Observer):
        def __init__(self) -> None:
            self.told: list[tuple[bytes | None, str]] = []

        def sent(self, record: Record, error: str | None) -> None:
            self.told.append((record.value, (error or "arrived").partition(":")[0]))

    class Failures(All):
        successes = False

    class Raising(Observer):
        def sent(self, record: Record, error: str | None) -> None:
            raise RuntimeError

    everything, failures = All(), Failures()

    async def main() -> None:
        observers = (Raising(), everything, failures)
        async with AsyncKafkaTransport({**cluster.settings, **SHORT}, observers=observers) as transport:
            await transport.send(Record(topic, b"k", b"1"))
            cluster.stop_node()
            with pytest.raises(DeliveryFailed):
                await transport.send(Record(topic, b"k", b"2"))
            cluster.start_node()

    run(main())
    assert everything.told == [(b"1", "arrived"), (b"2", "_MSG_TIMED_OUT")]
    assert failures.told == [(b"2", "_MSG_TIMED_OUT")]


def test_a_client_that_has_given_up_is_told_to_all_that_wait_and_to_all_that_come(cluster: Cluster, topic: str) -> None:
    library = find_library()

    async def main() -> None:
        transport = AsyncKafkaTransport({**cluster.settings, "linger.ms": 500})
        await transport.send(Record(topic, b"k", b"before"))
        before = transport.fatal
        assert before is None
        sends = [asyncio.create_task(transport.send(Record(topic, b"k", b"%d" % number))) for number in range(5)]
        await settle(lambda: transport.waiting == 5)
        client = ctypes.c_void_p.from_address(id(transport._inner._line.client) + 2 * ctypes.sizeof(ctypes.c_void_p))
        library.rd_kafka_test_fatal_error(client, 45, b"simulated")
        answers = await asyncio.gather(*sends, return_exceptions=True)
        assert [type(answer) for answer in answers] == [DeliveryFailed] * 5
        await settle(lambda: transport.fatal is not None)
        assert transport.fatal == "OUT_OF_ORDER_SEQUENCE_NUMBER: test_fatal_error: simulated"
        with pytest.raises(MessagingError, match="has stopped: OUT_OF_ORDER_SEQUENCE_NUMBER"):
            await transport.send(Record(topic, b"k", b"after"))
        await transport.close()

    run(main())


def find_library() -> ctypes.CDLL:
    """The client's own library, which can play a fatal error; skipped where it cannot be found."""
    maps = Path("/proc/self/maps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    path = next((line.split()[-1] for line in lines if "librdkafka" in line), None)
    if path is None:
        pytest.skip("librdkafka is linked in, and cannot be told to play a fatal error")
    return ctypes.CDLL(path)


def test_settings_that_lose_events_are_refused() -> None:
    with pytest.raises(SettingsError, match="acks=0"):
        AsyncKafkaTransport({"bootstrap.servers": "127.0.0.1:1", "acks": 0, "enable.idempotence": False})


SCRIPT = """
import asyncio, logging, os, sys
sys.path.insert(0, {root!r})
from registry.kafka.producing.async_transport import AsyncKafkaTransport
from registry.serde import Record
logging.basicConfig()
transport = AsyncKafkaTransport({settings!r})

async def main():
{body}

asyncio.run(main())
"""


def run_apart(settings: object, body: str) -> subprocess.CompletedProcess[str]:
    """Runs a main function in a process of its own, whose end is part of the test."""
    lines = "\n".join(f"    {line}" for line in body.strip().split("\n"))
    script = SCRIPT.format(root=os.fspath(Path(__file__).parents[1]), settings=settings, body=lines)
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE)


def test_what_is_left_when_a_process_ends_without_closing_still_arrives(cluster: Cluster, topic: str) -> None:
    body = f"""
task = asyncio.create_task(transport.send(Record({topic!r}, b"k", b"left behind")))
while not transport.waiting:
    await asyncio.sleep(0)
"""
    done = run_apart({**cluster.settings, "linger.ms": 100}, body)
    assert (done.returncode, done.stderr) == (0, "")
    assert [record.value for record in read_all(cluster, topic, 1)] == [b"left behind"]


def test_what_is_lost_when_a_process_ends_without_closing_is_logged() -> None:
    settings = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0, "delivery.timeout.ms": 300, "linger.ms": 0}
    body = """
task = asyncio.create_task(transport.send(Record("nowhere", b"k", b"v")))
while not transport.waiting:
    await asyncio.sleep(0)
"""
    done = run_apart(settings, body)
    assert done.returncode == 0
    told = "a transport was not closed before its event loop, and a record of nowhere did not reach the broker: _MSG_"
    assert f"ERROR:registry.kafka:{told}TIMED_OUT" in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_is_told_that_it_has_no_transport(cluster: Cluster, topic: str) -> None:
    body = f"""
await transport.send(Record({topic!r}, b"k", b"parent"))
if os.fork() == 0:
    try:
        await transport.send(Record({topic!r}, b"k", b"child"))
    except BaseException as error:
        print(error, error.help, flush=True)
    os._exit(0)
os.wait()
await transport.close()
"""
    done = run_apart(cluster.settings, body)
    assert done.stdout.startswith("this transport belongs to the process that made it, and this one was forked from it")
