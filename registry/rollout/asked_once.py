"""A cluster that is asked each thing once, for a command that looks at many rollouts at the same moment.

A thousand rollouts share their heartbeats and their control topic, and often a topic. And a cluster that is away would
make each of them wait until it is clear that nobody answers.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TypeVar

from registry.frozen import replace
from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.heartbeat import Heartbeat
from registry.rollout.broker import Broker, ControlWriter, Progress, Wanted
from registry.rollout.errors import BrokerSilent
from registry.rollout.evidence import Access, Group, PartitionScan, Span
from registry.rollout.lazy import Lazy
from registry.rollout.means import Means, silent

T = TypeVar("T")


def ask_once(means: Means) -> Means:
    """The same means, whose clusters are asked each thing once within a period of heartbeats."""
    names = [cluster.name for cluster in means.clusters]

    def wrap(name: str) -> Broker:
        return AskedOnce(means.brokers[name], means.clock, means.environment.heartbeat)

    return replace(means, brokers=Lazy(names, wrap))


class AskedOnce:
    """A :class:`registry.rollout.broker.Broker` in front of another; ``lasts`` is in seconds.

    Answers are forgotten together: the broker's time belongs to the heartbeats that were read with it. What each
    rollout asks alone (a scan, a search, the right to publish) is handed on.
    """

    __slots__ = ("_answers", "_began", "_broker", "_clock", "_lasts", "_silence")

    def __init__(self, broker: Broker, clock: Callable[[], datetime], lasts: float) -> None:
        self._broker = broker
        self._clock = clock
        self._lasts = lasts
        self._began: datetime | None = None
        self._answers: dict[Hashable, object] = {}
        self._silence: BrokerSilent | None = None

    def _remember(self, key: Hashable, ask: Callable[[], T]) -> T:
        now = self._clock()
        if self._began is None or (now - self._began).total_seconds() > self._lasts:
            self._began = now
            self._answers.clear()
        if key not in self._answers:
            self._answers[key] = self._ask(ask)
        found: T = self._answers[key]  # type: ignore[assignment]  # of the question that the key names
        return found

    def _ask(self, ask: Callable[[], T]) -> T:
        """The answer. Who did not answer at all is asked nothing more."""
        if self._silence is not None:
            raise BrokerSilent(self._silence.message, self._silence.help)
        try:
            return ask()
        except BrokerSilent as error:
            self._silence = error
            raise

    def create_topics(self) -> Sequence[str]:
        """Handed on."""
        return self._ask(self._broker.create_topics)

    def read_now(self) -> datetime:
        """The cluster's time when its answers were given."""
        return self._remember("now", self._broker.read_now)

    def read_partitions(self, topic: str) -> Mapping[int, Span]:
        """Once for each topic."""
        return self._remember(("partitions", topic), lambda: self._broker.read_partitions(topic))

    def read_groups(self, topic: str) -> Sequence[Group]:
        """Once for each topic."""
        return self._remember(("groups", topic), lambda: self._broker.read_groups(topic))

    def read_access(self, topic: str) -> Access:
        """Once for each topic."""
        return self._remember(("access", topic), lambda: self._broker.read_access(topic))

    def read_heartbeats(self, environment: str) -> Sequence[Heartbeat]:
        """Once for all."""
        return self._remember(("heartbeats", environment), lambda: self._broker.read_heartbeats(environment))

    def read_control(self, environment: str) -> Mapping[str, ControlRecord]:
        """Once for all."""
        return self._remember(("control", environment), lambda: self._broker.read_control(environment))

    def open_control(self, environment: str, contract: str) -> AbstractContextManager[ControlWriter]:
        """Handed on."""
        return self._ask(lambda: self._broker.open_control(environment, contract))

    def scan(
        self,
        topic: str,
        starts: Mapping[int, int],
        wanted: Wanted,
        tell: Callable[[Progress], None] = silent,
        resume: Progress | None = None,
    ) -> Mapping[int, PartitionScan]:
        """Handed on."""
        return self._ask(lambda: self._broker.scan(topic, starts, wanted, tell, resume))

    def find_last_data(self, topic: str, before: Mapping[int, int]) -> Mapping[int, tuple[int, int]]:
        """Handed on."""
        return self._ask(lambda: self._broker.find_last_data(topic, before))

    def count_dead_letters(self, topics: Sequence[str], wanted: Wanted) -> Mapping[str, Mapping[int, int]]:
        """Handed on."""
        return self._ask(lambda: self._broker.count_dead_letters(topics, wanted))
