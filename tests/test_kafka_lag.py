"""How far behind a subscription says it is: without a broker, with clocks that differ."""

from datetime import UTC, datetime, timedelta

from registry.kafka.consuming.lag import Lag
from registry.kafka.consuming.partitions import NEVER, Partitions, Trouble
from registry.kafka.observer import Observer
from registry.serde.record import Record

HERE = ("shop.orders", 0)


class Told(Observer):
    def __init__(self) -> None:
        self.last: tuple[int, float] | None = None
        self.all: list[int] = []

    def measured(self, topic: str, partition: int, lag: int, age: float) -> None:
        assert (topic, partition) == HERE
        self.last = (lag, age)
        self.all.append(lag)


def record(offset: int, age: float = 0.0) -> Record:
    return Record("shop.orders", b"k", b"", (), 0, offset, datetime.now(UTC) - timedelta(seconds=age))


def measure(books: Partitions, end: int, *waiting: Record, idle: bool = False) -> tuple[int, float] | None:
    told = Told()
    books.assign([HERE])
    Lag([told]).measure(books, lambda place: end, idle, 1.0, waiting)
    return told.last


def test_nothing_is_said_before_anything_is_known() -> None:
    assert measure(Partitions(), -1001, idle=True) is None
    assert measure(Partitions(), 10) is None


def test_a_partition_in_which_nothing_waits_is_up_to_date() -> None:
    assert measure(Partitions(), 10, idle=True) == (0, 0.0)
    books = Partitions()
    books.stored[HERE] = record(9, age=3600)
    assert measure(books, 10) == (0, 0.0)


def test_a_marker_of_a_transaction_at_the_end_is_no_record_that_waits() -> None:
    books = Partitions()
    books.stored[HERE] = record(8, age=3600)
    assert measure(books, 10, idle=True) == (0, 0.0)


def test_what_was_read_and_is_not_handled_waits_since_it_was_written() -> None:
    lag, age = measure(Partitions(), 10, record(4, age=7.0), record(5, age=6.0)) or (0, 0.0)
    assert lag == 6
    assert 7.0 <= age < 60.0


def test_a_partition_that_stands_waits_since_its_record_was_written() -> None:
    books = Partitions()
    books.hold(HERE, Trouble(4, 1, ValueError(), NEVER, True, record(4, age=7.0).timestamp))
    lag, age = measure(books, 10) or (0, 0.0)
    assert lag == 6
    assert 7.0 <= age < 60.0


def test_a_record_that_came_just_now_does_not_wait_since_the_one_before_it() -> None:
    told, books = Told(), Partitions()
    books.assign([HERE])
    books.stored[HERE] = record(9, age=3600)
    lag = Lag([told])
    lag.measure(books, lambda place: 10, True, 1.0)
    lag.measure(books, lambda place: 11, False, 3.0)
    assert told.last is not None
    assert told.last[0] == 1
    assert told.last[1] < 60


def test_a_record_from_the_future_has_waited_for_nothing() -> None:
    assert measure(Partitions(), 10, record(4, age=-3600)) == (6, 0.0)


def test_it_is_told_once_a_second_and_not_at_all_to_nobody() -> None:
    told, books = Told(), Partitions()
    books.assign([HERE])
    lag = Lag([told])
    lag.measure(books, lambda place: 10, True, 1.0)
    for now, end in ((1.5, 11), (2.5, 12)):
        lag.measure(books, lambda place, end=end: end, False, now, [record(9)])  # type: ignore[misc]  # bound now
    assert told.all == [0, 3]

    def find_end(place: object) -> int:
        raise AssertionError("nobody asked")

    Lag([]).measure(books, find_end, True, 1.0)


def test_what_a_partition_stood_before_when_it_went_does_not_wait_here_when_it_comes_back() -> None:
    """Another member may have got past it."""
    books = Partitions()
    books.hold(HERE, Trouble(4, 1, ValueError(), NEVER, True, record(4, age=3600).timestamp))
    books.revoke([HERE])
    assert measure(books, 5, idle=True) == (0, 0.0)
    assert books.paused == {}
