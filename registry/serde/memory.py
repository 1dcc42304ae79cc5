"""Topics in memory: producers and consumers of generated stubs run in a test, without a broker.

.. code-block:: python

    transport = InMemory()
    pages = transport.subscribe(PagePurger(cache), service="edge-cache")
    with correlation("request-1"):
        ContentPublishedProducer(transport, service="content-api").publish(event)
    transport.deliver()
"""

from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from threading import Lock
from typing import Final, Literal
from zlib import crc32

from registry.frozen import replace
from registry.serde.delivery import Delivery
from registry.serde.errors import SerdeError, UnknownSchema, Unrepresentable
from registry.serde.fallback import Fallback
from registry.serde.receiver import AnyConsumer, Receiver
from registry.serde.record import Record

Unknown = Literal["pause", "raise"]
"""What to do with a partition whose next record cannot be read with the schemas at hand."""

PARTITIONS: Final = 3
LIMIT: Final = 100_000
"""Records in one delivery: far more than a test sends."""


class Subscription:
    """The consumers of one service, and how far they have read. :meth:`InMemory.subscribe` makes it."""

    def __init__(self, receiver: Receiver, unknown: Unknown) -> None:
        self.receiver = receiver
        self.unknown = unknown
        self.offsets: dict[tuple[str, int], int] = {}
        """The offset to read next, by topic and partition; 0 where there is none."""
        self.paused: dict[tuple[str, int], SerdeError] = {}
        """Partitions that stand before a record which cannot be read, with the reason; each delivery tries again."""

    def replay(self) -> None:
        """Reads everything again from the beginning, with the next delivery."""
        self.offsets.clear()
        self.paused.clear()


class InMemory:
    """A transport whose topics are lists. Records of one key keep their order, and so does each partition.

    Nothing runs by itself: :meth:`deliver` hands out what waits.
    """

    def __init__(self, partitions: int = PARTITIONS) -> None:
        if partitions < 1:
            raise SerdeError(f"a topic with {partitions} partitions")
        self._partitions = partitions
        self._topics: dict[str, list[list[tuple[int, Record]]]] = {}
        self._subscriptions: list[Subscription] = []
        self._sent = 0
        self._sending = Lock()
        self._delivering = Lock()

    def send(self, record: Record) -> None:
        """Appends a record to the partition of its key; records without a key go round in turn.

        Threads may share a transport.
        """
        moment = record.timestamp or datetime.now(UTC)
        with self._sending:
            partitions = self._topics.setdefault(record.topic, [[] for _ in range(self._partitions)])
            chosen = record.partition
            if not 0 <= chosen < len(partitions):
                chosen = (self._sent if record.key is None else crc32(record.key)) % len(partitions)
            held = partitions[chosen]
            held.append((self._sent, replace(record, partition=chosen, offset=len(held), timestamp=moment)))
            self._sent += 1

    def flush(self) -> None:
        """Does nothing: what was sent is there."""

    def records(self, topic: str) -> tuple[Record, ...]:
        """All records of a topic, in the order they were sent."""
        held = sorted(
            (sent for partition in self._topics.get(topic, ()) for sent in partition), key=lambda sent: sent[0]
        )
        return tuple(record for _, record in held)

    def subscribe(
        self,
        *consumers: AnyConsumer,
        service: str | None = None,
        fallback: Fallback | None = None,
        unknown: Unknown = "raise",
    ) -> Subscription:
        """Lets consumers of one service read their topics from the beginning; two subscriptions read independently.

        ``service`` is checked against the stubs, and ``CONTRACTS_SERVICE`` where it is not given. A record that cannot
        be read with the schemas at hand, or that a converter holds back, makes the delivery raise; with ``unknown``
        ``pause`` its partition waits instead, as it does in production (:attr:`Subscription.paused` tells). There are
        no dead letters here: what a converter would send there waits as well. Of consumers for asyncio
        :meth:`deliver_async` is the one that delivers.
        """
        if unknown not in ("pause", "raise"):
            raise SerdeError(f"no policy {unknown!r} for records that cannot be read", help="'pause' or 'raise'")
        subscription = Subscription(Receiver(*consumers, service=service, fallback=fallback), unknown)
        self._subscriptions.append(subscription)
        return subscription

    def deliver(self, limit: int = LIMIT) -> int:
        """Hands out what waits, oldest first, until nothing does: also what handlers publish meanwhile.

        Tells how many records were handled. Raises :class:`SerdeError` after ``limit`` of them: handlers that answer
        each other would never end; and from inside a delivery. What a handler raises is raised here, as are records
        that are broken; the record then still waits and comes again with the next delivery, as it would from a broker.
        """
        for subscription in self._subscriptions:
            if subscription.receiver.asynchronous:
                raise SerdeError(
                    f"handlers of {subscription.receiver.service} are coroutines: nobody here would await them",
                    help="await deliver_async(), or the deliver() of an AsyncInMemory",
                )
        handled = 0
        with closing(self._find_deliveries(limit)) as deliveries:
            for _, delivery in deliveries:
                delivery()
                handled += 1
        return handled

    async def deliver_async(self, limit: int = LIMIT) -> int:
        """As :meth:`deliver`, in a program that runs on asyncio: handlers of both kinds, one after the other."""
        handled = 0
        with closing(self._find_deliveries(limit)) as deliveries:
            for subscription, delivery in deliveries:
                if subscription.receiver.asynchronous:
                    await delivery.run()
                else:
                    delivery()
                handled += 1
        return handled

    def _find_deliveries(self, limit: int) -> Generator[tuple[Subscription, Delivery], None, None]:
        """What is to be handled next; a record counts as handled when the one after it is asked for."""
        if not self._delivering.acquire(blocking=False):
            raise SerdeError("a delivery is under way already", help="let one place call deliver(), and no handler")
        try:
            for subscription in self._subscriptions:
                subscription.paused.clear()
            handled = 0
            while found := self._find_next():
                subscription, record = found
                if handled == limit:
                    raise SerdeError(
                        f"{limit} records were handled and more wait", help="do handlers answer each other?"
                    )
                place = (record.topic, record.partition)
                try:
                    delivery = subscription.receiver.read(record)
                except (UnknownSchema, Unrepresentable) as error:
                    if subscription.unknown == "raise":
                        raise
                    subscription.paused[place] = error
                    continue
                if delivery:
                    yield subscription, delivery
                    handled += 1
                subscription.offsets[place] = record.offset + 1
        finally:
            self._delivering.release()

    def _find_next(self) -> tuple[Subscription, Record] | None:
        waiting = [
            (*partition[offset], subscription)
            for subscription in self._subscriptions
            for topic in subscription.receiver.topics
            for number, partition in enumerate(self._topics.get(topic, ()))
            if (topic, number) not in subscription.paused
            and (offset := subscription.offsets.get((topic, number), 0)) < len(partition)
        ]
        if not waiting:
            return None
        _, record, subscription = min(waiting, key=lambda each: each[0])
        return subscription, record
