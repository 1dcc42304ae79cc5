"""Members that come, go, hang and die: who handles a record then, and what is committed."""

import subprocess
import sys
from pathlib import Path
from threading import Event, Lock

import pytest
import serde_orders as orders

from registry import serde
from registry.kafka.consuming import loop
from registry.kafka.inbox.errors import InboxUnavailable
from registry.kafka.inbox.sqlite import SqliteInbox
from registry.kafka.observer import Observer
from registry.kafka.retry import Retry
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_orders import MOCK, Orders, run, running, wait_for

PROTOCOLS: dict[str, dict[str, object]] = {
    "eager": {"partition.assignment.strategy": "range"},
    "cooperative": {"partition.assignment.strategy": "cooperative-sticky"},
    "by the broker": {"group.protocol": "consumer"},
}


class Log:
    """What all members handled, in the order in which they did."""

    def __init__(self, slow: float = 0.0) -> None:
        self.entries: list[tuple[str, int, int]] = []
        self._lock, self._never, self._slow = Lock(), Event(), slow

    def member(self, name: str) -> "Member":
        return Member(self, name)

    def add(self, name: str, partition: int, offset: int) -> None:
        if len(self.members()) < 2:
            self._never.wait(self._slow)  # a handler with much to do, so that there is a middle
        with self._lock:
            self.entries.append((name, partition, offset))

    def offsets(self, partition: int) -> list[int]:
        return [offset for _, each, offset in self.entries if each == partition]

    def members(self) -> set[str]:
        return {name for name, _, _ in self.entries}


class Member:
    def __init__(self, log: Log, name: str) -> None:
        self.log, self.name = log, name

    def __call__(self, event: orders.OrderPlaced, meta: serde.Meta) -> None:
        self.log.add(self.name, meta.partition, meta.offset)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_partitions_that_move_in_the_middle_of_a_batch_are_handled_once_and_in_order(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    if protocol == "by the broker" and not cluster.real:
        pytest.skip("the mock does not assign")
    monkeypatch.setattr(loop, "BREATH", 0.1)
    shop, log = Orders(cluster, partitions=4), Log(slow=0.02)
    for partition in range(4):
        for number in range(150):
            shop.send(shop.encode(f"o-{number}", partition))
    shop.transport.flush()
    quick = {"heartbeat.interval.ms": 100} if protocol != "by the broker" else {}
    first, second = (
        shop.subscribe(log.member(name), settings={**PROTOCOLS[protocol], **quick}) for name in ("first", "second")
    )
    with running(first):
        wait_for(lambda: len(log.entries) > 20)
        with running(second):
            wait_for(lambda: log.members() == {"first", "second"})
            wait_for(lambda: len({(partition, offset) for _, partition, offset in log.entries}) >= 600)
    for partition in range(4):
        # The mock refuses commits during a rebalance: what came again began anew, and is in order too.
        handled = log.offsets(partition)
        assert handled == list(range(150)) or (not cluster.real and list(dict.fromkeys(handled)) == list(range(150)))
    assert shop.committed() == dict.fromkeys(range(4), 150) or not cluster.real
    assert shop.dead_letters() == []


def test_a_member_that_leaves_in_the_middle_of_a_batch_commits_what_it_handled_and_nothing_else(
    cluster: Cluster,
) -> None:
    shop, log = Orders(cluster, partitions=1), Log()
    shop.publish(*[f"o-{number}" for number in range(100)], partition=0)

    def stop_at(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        log.add("first", meta.partition, meta.offset)
        if meta.offset == 41:
            first.stop()

    first = shop.subscribe(stop_at)
    first.run()
    assert shop.committed() == {0: 42}
    run(shop.subscribe(log.member("second")), lambda: len(log.entries) >= 100)
    assert log.offsets(0) == list(range(100))


@pytest.mark.parametrize("protocol", ["eager", "cooperative"])
def test_a_partition_that_waits_while_it_goes_and_comes_back_is_tried_again(cluster: Cluster, protocol: str) -> None:
    """The client keeps it paused through all of that."""
    shop, log, repaired = Orders(cluster, partitions=2), Log(), Event()
    for partition in (0, 1):
        shop.publish("a", "b", partition=partition)
    failed: list[int] = []

    def fail(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        if not repaired.is_set():
            failed.append(meta.partition)
            raise ValueError
        log.add("first", meta.partition, meta.offset)

    for_ever = Retry(attempts=100_000, first=0.05, longest=0.1)
    settings = {**PROTOCOLS[protocol], "heartbeat.interval.ms": 100}
    first, second = (shop.subscribe(fail, settings=settings, retry=for_ever) for _ in range(2))
    with running(first):
        wait_for(lambda: {0, 1} <= set(failed))
        with running(second):
            wait_for(lambda: len(second.assigned) == len(first.assigned) == 1)
        repaired.set()
        wait_for(lambda: len(log.entries) >= 4)
    assert [list(dict.fromkeys(log.offsets(partition))) for partition in (0, 1)] == [[0, 1], [0, 1]]


class Partition(Observer):
    """What is told of partitions, in the order in which it happens."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def paused(self, topic: str, partition: int, error: Exception) -> None:
        self.told.append(("paused", partition))

    def resumed(self, topic: str, partition: int) -> None:
        self.told.append(("resumed", partition))

    def revoked(self, topic: str, partition: int) -> None:
        self.told.append(("revoked", partition))

    def of(self, partition: int) -> list[str]:
        return [what for what, where in self.told if where == partition]


def test_a_partition_that_waits_and_goes_and_comes_back_is_told_to_wait_again(cluster: Cluster) -> None:
    """Metrics forget a partition that goes."""
    shop, partition = Orders(cluster), Partition()
    for number in (0, 1):
        shop.publish("a", partition=number)

    def fail(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        raise InboxUnavailable("the database is down")

    quick = {"heartbeat.interval.ms": 100}
    first = shop.subscribe(fail, settings=quick, observers=[partition])
    second = shop.subscribe(fail, settings=quick)
    with running(first):
        wait_for(lambda: len(first.paused) == 2)
        with running(second):
            wait_for(lambda: len(first.assigned) == len(second.assigned) == 1)
            ((_, moved),) = second.assigned
        wait_for(lambda: len(partition.of(moved)) == 3)
        assert len(first.paused) == 2
    assert partition.of(moved) == ["paused", "revoked", "paused", "revoked"]
    assert partition.of(1 - moved) == ["paused", "revoked"]


def test_a_partition_that_another_member_got_past_does_not_count_as_waiting_when_it_comes_back(
    cluster: Cluster,
) -> None:
    shop, handled = Orders(cluster), list[int]()
    for number in (0, 1):
        shop.publish("a", partition=number)

    def fail(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        raise InboxUnavailable("the database is down")

    def handle(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        handled.append(meta.partition)

    quick = {"heartbeat.interval.ms": 100}
    first, second = shop.subscribe(fail, settings=quick), shop.subscribe(handle, settings=quick)
    with running(first):
        wait_for(lambda: len(first.paused) == 2)
        with running(second):
            wait_for(lambda: len(handled) == 1)
        wait_for(lambda: len(first.assigned) == 2)
        assert set(first.paused) == {(shop.topic, 1 - handled[0])}


def test_a_handler_that_hangs_loses_its_partition_and_its_result_is_not_committed(cluster: Cluster) -> None:
    shop = Orders(cluster, partitions=1)
    shop.publish("a", "b", partition=0)
    hanging, taken, released, returned = Event(), Event(), Event(), Event()
    lost: list[int] = []

    def hang(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        hanging.set()
        assert taken.wait(DEADLINE)
        returned.set()

    def take(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        taken.set()
        assert released.wait(DEADLINE)

    class Watching(Observer):
        def revoked(self, topic: str, partition: int) -> None:
            lost.append(partition)

    impatient = {**MOCK, "max.poll.interval.ms": 1500, "session.timeout.ms": 1000, "auto.commit.interval.ms": 10}
    slow = shop.subscribe(hang, settings=impatient, observers=[Watching()])
    quick = shop.subscribe(take, settings={**MOCK, "auto.commit.interval.ms": 10})
    with running(slow):
        wait_for(hanging.is_set)
        with running(quick):
            wait_for(taken.is_set)  # since the first one was thrown out
            wait_for(returned.is_set)
            wait_for(lambda: lost == [0])
            assert shop.committed() == {}, "it is the other member's to commit"
            released.set()
            wait_for(lambda: shop.committed() == {0: 2})
    assert shop.committed() == {0: 2}


SCRIPT = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from registry.kafka.observer import Observer
from registry.kafka.inbox.sqlite import SqliteInbox
from registry.kafka.transaction import current_connection
import serde_orders as orders
from registry.frozen import replace
from registry.kafka.consuming.subscription import Subscription

class Handling(orders.OrderPlacedConsumer):
    @classmethod
    def bundle(cls):
        return replace(orders.BUNDLE, topic={topic!r})

    def on_order_placed(self, event, meta):
        current_connection().execute("insert into effects values (?)", (event.order_id,))
        if event.order_id == "o-4":
            sys.__stdout__.write("in the fifth\\n")
            sys.__stdout__.flush()
            sys.stdin.read()

Subscription(
    {settings!r}, Handling(), group={group!r}, service="shop-api", inbox=SqliteInbox({database!r}), batch=3
).run()
"""


def test_a_process_that_is_killed_before_it_commits_gets_its_events_again_and_the_inbox_passes_them_over(
    cluster: Cluster, tmp_path: Path
) -> None:
    import sqlite3

    shop, database = Orders(cluster, partitions=1), str(tmp_path / "effects.db")
    with sqlite3.connect(database) as connection:
        connection.execute("create table effects (name text)")
    shop.publish(*[f"o-{number}" for number in range(8)], partition=0)
    session = {"session.timeout.ms": 1000, "heartbeat.interval.ms": 100, "fetch.wait.max.ms": 20}
    settings = {**cluster.settings, **session, "auto.commit.interval.ms": 600_000}
    here = Path(__file__).parent
    script = SCRIPT.format(
        root=str(here.parent), tests=str(here), topic=shop.topic, settings=settings, group=shop.group, database=database
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the fifth\n"
        process.kill()
    assert shop.committed() == {}
    from registry.kafka.transaction import current_connection

    def insert(event: orders.OrderPlaced, meta: serde.Meta) -> None:
        current_connection().execute("insert into effects values (?)", (event.order_id,))

    run(
        shop.subscribe(insert, inbox=SqliteInbox(database), settings=session),
        lambda: count(database) >= 8,
    )
    with sqlite3.connect(database) as connection:
        assert [name for (name,) in connection.execute("select name from effects")] == [f"o-{n}" for n in range(8)]
    assert shop.committed() == {0: 8}


def count(database: str) -> int:
    import sqlite3

    with sqlite3.connect(database) as connection:
        return int(connection.execute("select count(*) from effects").fetchone()[0])
