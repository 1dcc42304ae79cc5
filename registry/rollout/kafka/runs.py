"""The records of partitions between two offsets, in runs of one partition each, with an end that always comes."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from registry.kafka.consuming.polling import GIVE_UP
from registry.rollout.errors import BrokerUnavailable
from registry.rollout.kafka.client import Client, Deadline

if TYPE_CHECKING:
    from confluent_kafka import Consumer

BATCH: Final = 1000
"""Records at once. With 5,000 looking at headers takes twice as long: Python's collector goes through them."""
WAIT: Final = 0.05
"""Seconds for a batch to fill: the longest that the last records are kept waiting."""

FETCHING: Final = {
    "fetch.wait.max.ms": 20,  # the broker says sooner that nothing else is there
    "fetch.queue.backoff.ms": 5,  # else, once the queue was full, nothing is fetched for a second
}
"""Settings of a consumer that reads what is there, as fast as it can."""

offset_of: Final[Any] = methodcaller("offset")


class Run(NamedTuple):
    """Records of one partition, one after the other."""

    number: int
    """Of the partition."""
    messages: list[Any]
    """The client's, none of them an error; perhaps none at all."""
    over: bool
    """Whether nothing else comes of this partition."""


def read_runs(client: Client, consumer: "Consumer", topic: str, spans: Mapping[int, tuple[int, int]]) -> Iterator[Run]:
    """Reads partitions from a first offset to before a last one, all at once; each is over in one of its runs.

    librdkafka fetches from all leaders and unpacks in threads of its own. One thread of Python takes what comes: with
    two or four of them, each with a consumer, the same took longer (Python's lock). A partition is over at the last
    offset before its end, or where the client says that nothing else is there: markers of transactions and holes of
    compaction never come. Its end must be no later than the one it has for this consumer. Raises
    :class:`BrokerUnavailable`.
    """
    from confluent_kafka import KafkaException, Message, TopicPartition

    places = {number: start for number, (start, end) in spans.items() if start < end}
    for number in spans.keys() - places.keys():
        yield Run(number, [], True)
    if not places:
        return
    failed = f"cannot be read: {topic}"
    error_of: Any = Message.error
    partition_of: Any = Message.partition
    client.ask(failed, lambda: consumer.assign([TopicPartition(topic, *each) for each in places.items()]))
    deadline, last_word = Deadline(client.patience), "nothing came"
    while places:
        try:
            batch: list[Any] = consumer.consume(BATCH, WAIT)
        except KafkaException as error:
            raise client.explain(failed, error.args[0]) from None
        ended: set[int] = set()
        if any(map(error_of, batch)):
            told = [message for message in batch if message.error() is not None]
            batch = [message for message in batch if message.error() is None]
            for word in map(error_of, told):
                if word.name() in GIVE_UP or word.fatal():
                    raise client.explain(failed, word)
                if word.name() != "_PARTITION_EOF":
                    last_word = f"{word.name()}: {word.str()}"
            ended = _find_ended(told, places, spans)
        for number, run in _split(batch, list(map(partition_of, batch))):
            if number not in places:
                continue  # fetched before it was paused
            end, taken = spans[number][1], run
            if offset_of(run[0]) < places[number]:
                raise BrokerUnavailable(
                    f"the cluster {client.name} went back to offset {offset_of(run[0])} of {topic}[{number}],"
                    f" from {places[number]}",
                    "was the topic made anew? start again",
                )
            places[number] = offset_of(run[-1]) + 1
            if places[number] > end:
                taken = run[: bisect_left(run, end, key=offset_of)]
            if places[number] >= end:
                ended.discard(number)
                _stop(consumer, places, topic, number)
                yield Run(number, taken, True)
            else:
                yield Run(number, taken, False)
        for number in ended:
            _stop(consumer, places, topic, number)
            yield Run(number, [], True)
        if batch or ended:
            deadline.reset()
        elif deadline.over:
            waiting = ", ".join(f"{topic}[{number}] from {at} on" for number, at in list(places.items())[:5])
            raise BrokerUnavailable(
                f"the cluster {client.name} cannot be read: {waiting}: {last_word} within {client.patience:g} s",
                "can all its brokers be reached from here?",
            )


def _find_ended(told: list[Any], places: Mapping[int, int], spans: Mapping[int, tuple[int, int]]) -> set[int]:
    """The partitions, of those that are not over yet, that nothing else comes of by the word of the client."""
    ends = {each.partition(): each.offset() for each in told if each.error().name() == "_PARTITION_EOF"}
    # A replica that lags says so too, with an offset before the end.
    return {number for number, offset in ends.items() if number in places and offset >= spans[number][1]}


def _split(batch: list[Any], numbers: list[int]) -> Iterator[tuple[int, list[Any]]]:
    """The runs of one partition each; mostly it is one, as they come in pieces of a megabyte."""
    if batch and numbers.count(numbers[0]) == len(batch):
        yield numbers[0], batch
        return
    start = 0
    for number, alike in groupby(numbers):
        end = start + sum(1 for _ in alike)
        yield number, batch[start:end]
        start = end


def _stop(consumer: "Consumer", places: dict[int, int], topic: str, number: int) -> None:
    """Fetches nothing else of a partition: on a busy topic more comes all the time."""
    from confluent_kafka import TopicPartition

    del places[number]
    if places:
        consumer.pause([TopicPartition(topic, number)])
