"""Prometheus metrics of what a service sends and handles: an observer that is a collector.

Give one :class:`Metrics` to all subscriptions, transports and relays of a process. What it counts is kept in plain
counters and becomes metrics when it is asked for: an event costs one lock, and a partition that is revoked leaves no
gauge behind. It needs prometheus-client; its mode of several processes knows no collectors like this one.
"""

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from registry.frozen import dataclass
from registry.kafka.errors import MissingLibrary, SettingsError
from registry.kafka.monitoring import metrics_table as table
from registry.kafka.monitoring.metrics_histogram import Histogram
from registry.kafka.observer import Observer
from registry.serde.bundle import Bundle
from registry.serde.delivery import Delivery
from registry.serde.record import Record
from registry.serde.stubs import name_service

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

TOMBSTONE: Final = "tombstone"
"""Stands for the contract of a record without a value, which says none."""
OTHER: Final = "other"
"""Stands for the classes of errors beyond :data:`MOST`."""
MOST: Final = 500
"""Topics with a class of errors that are counted by name: a program that makes classes as it runs must not flood the
database."""

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Measured:
    """What was last told of a partition, and when by both clocks."""

    lag: int
    age: float
    told: float
    """Monotonic: what waits grows older between two measurements, also where the loop stands still."""
    at: float


class Metrics(Observer):
    """Counts and measures for Prometheus; :data:`registry.kafka.monitoring.metrics_table.FAMILIES` says what.

    ``registry`` is prometheus-client's default one where none is given. ``service`` is the name of the service,
    ``CONTRACTS_SERVICE`` or that of the first subscription where it is not given. Raises
    :class:`registry.kafka.MissingLibrary` without prometheus-client, and
    :class:`registry.kafka.SettingsError` where the registry has such metrics already.

    The clocks are parameters for tests: seconds since 1970, and seconds that never go back.
    """

    successes = False

    def __init__(
        self,
        registry: "CollectorRegistry | None" = None,
        service: str | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._families = _load_families()
        self.service = name_service(service)
        """The label ``service`` of every metric."""
        self._clock = clock
        self._monotonic = monotonic
        self._lock = Lock()
        self._latency: dict[str, Histogram] = {}
        self._seconds: dict[str, Histogram] = {}
        self._counts: dict[table.Family, dict[tuple[Hashable, ...], int]] = {
            family: {} for family in table.FAMILIES if family.kind == "counter"
        }
        self._measured: dict[Partition, _Measured] = {}
        self._paused: dict[Partition, bool] = {}
        self._objectives: dict[tuple[str, str], float] = {}
        self._outbox: tuple[int, float, int, float] | None = None
        self._registry = registry or _load_registry()
        try:
            self._registry.register(self)
        except ValueError as error:
            raise SettingsError(
                "the registry has these metrics already", help="give one Metrics to all that is observed"
            ) from error

    def close(self) -> None:
        """Takes the metrics out of the registry."""
        self._registry.unregister(self)

    # What is told ---------------------------------------------------------------------------------------------------

    def subscribed(self, bundles: Sequence[Bundle], group: str) -> None:
        """Exposes the staleness objective of each contract that has one."""
        del group
        with self._lock:
            for bundle in bundles:
                self.service = self.service or bundle.service
                if bundle.staleness:
                    self._objectives[bundle.event, bundle.topic] = bundle.staleness

    def handled(self, delivery: Delivery, seconds: float) -> None:
        """Counts the event, its latency, how long it took, and whether it was converted."""
        meta = delivery.meta
        contract = meta.contract or TOMBSTONE
        timestamp = meta.timestamp
        with self._lock:
            took = self._seconds.get(contract)
            if took is None:
                took = self._seconds[contract] = Histogram(table.BOUNDS)
                self._latency[contract] = Histogram(table.BOUNDS)
            took.add(seconds)
            if timestamp is not None:
                latency = self._clock() - timestamp.timestamp()
                if latency < 0.0:
                    latency = 0.0
                    self._add(table.CLOCK_SKEW, contract)
                self._latency[contract].add(latency)
            if meta.version != meta.read_as:
                self._add(table.CONVERSIONS, contract, meta.version, meta.read_as)

    def repeated(self, delivery: Delivery) -> None:
        """Counts it."""
        with self._lock:
            self._add(table.REPEATED, delivery.meta.contract or TOMBSTONE)

    def failed(self, record: Record, error: Exception, attempt: int) -> None:
        """Counts each attempt, by topic and class of the error: what the record says of itself may be forged."""
        del attempt
        with self._lock:
            self._add(table.FAILED, record.topic, type(error).__name__)

    def dead_lettered(self, record: Record, error: Exception) -> None:
        """Counts it, by topic and class of the error."""
        with self._lock:
            self._add(table.DEAD_LETTERS, record.topic, type(error).__name__)

    def sent(self, record: Record, error: str | None) -> None:
        """Counts a record that did not arrive."""
        if error is not None:
            with self._lock:
                self._add(table.DELIVERY_FAILURES, record.topic)

    def paused(self, topic: str, partition: int, error: Exception) -> None:
        """Shows the partition as paused."""
        del error
        with self._lock:
            self._paused[topic, partition] = True

    def resumed(self, topic: str, partition: int) -> None:
        """Shows it as going on."""
        with self._lock:
            self._paused[topic, partition] = False

    def measured(self, topic: str, partition: int, lag: int, age: float) -> None:
        """Remembers lag and age; the age grows until it is told again."""
        with self._lock:
            self._measured[topic, partition] = _Measured(lag, max(age, 0.0), self._monotonic(), self._clock())
            self._paused.setdefault((topic, partition), False)

    def revoked(self, topic: str, partition: int) -> None:
        """Forgets the partition: another instance measures it now."""
        with self._lock:
            self._measured.pop((topic, partition), None)
            self._paused.pop((topic, partition), None)

    def outbox(self, waiting: int, age: float, blocked: int) -> None:
        """Remembers it; the age grows until it is told again."""
        with self._lock:
            self._outbox = waiting, max(age, 0.0), blocked, self._monotonic()

    def _add(self, family: table.Family, *labels: Hashable) -> None:
        counts = self._counts[family]
        if labels not in counts and len(counts) >= MOST and family in _BY_CLASS:
            labels = (*labels[:-1], OTHER)
        counts[labels] = counts.get(labels, 0) + 1

    # What is asked --------------------------------------------------------------------------------------------------

    def describe(self) -> "Iterator[Metric]":
        """The families without values: so that a registry refuses a second one."""
        for family in table.FAMILIES:
            yield self._make(family)

    def collect(self) -> "Iterator[Metric]":
        """All metrics as they are now. prometheus-client calls it for each scrape."""
        with self._lock:
            found = {family: self._make(family) for family in table.FAMILIES}
            self._show_handled(found)
            self._show_partitions(found)
            for family, counts in self._counts.items():
                for labels, count in counts.items():
                    found[family].add_metric(self._label(*labels), count)
            for (contract, topic), seconds in self._objectives.items():
                found[table.OBJECTIVE].add_metric(self._label(contract, topic), seconds)
            if self._outbox is not None:
                waiting, age, blocked, told = self._outbox
                age = age + self._monotonic() - told if waiting else 0.0
                for family, value in ((table.WAITING, waiting), (table.AGE, age), (table.BLOCKED, blocked)):
                    found[family].add_metric(self._label(), value)
        yield from found.values()

    def _show_handled(self, found: dict[table.Family, Any]) -> None:
        for family, histograms in ((table.LATENCY, self._latency), (table.SECONDS, self._seconds)):
            for contract, histogram in histograms.items():
                labels = self._label(contract)
                found[family].add_metric(labels, buckets=histogram.find_buckets(), sum_value=histogram.total)
        for contract, histogram in self._seconds.items():
            found[table.HANDLED].add_metric(self._label(contract), histogram.count)

    def _show_partitions(self, found: dict[table.Family, Any]) -> None:
        now = self._monotonic()
        for (topic, partition), last in self._measured.items():
            labels = self._label(topic, partition)
            found[table.LAG].add_metric(labels, last.lag)
            found[table.STALENESS].add_metric(labels, last.age + now - last.told if last.lag else 0.0)
            found[table.MEASURED].add_metric(labels, last.at)
        for (topic, partition), is_paused in self._paused.items():
            found[table.PAUSED].add_metric(self._label(topic, partition), float(is_paused))

    def _make(self, family: table.Family) -> Any:
        return self._families[family.kind](family.name, family.about, labels=("service", *family.labels))

    def _label(self, *values: object) -> list[str]:
        return [self.service, *map(str, values)]


_BY_CLASS: Final = (table.FAILED, table.DEAD_LETTERS)
"""Families whose last label is the name of a class."""


def _load_registry() -> "CollectorRegistry":
    from prometheus_client import REGISTRY

    return REGISTRY


def _load_families() -> dict[str, Callable[..., Any]]:
    try:
        from prometheus_client import core
    except ImportError as error:
        raise MissingLibrary(
            "metrics need prometheus-client, which is not installed",
            help="pip install 'event-contracts[prometheus]'",
        ) from error
    return {
        "histogram": core.HistogramMetricFamily,
        "counter": core.CounterMetricFamily,
        "gauge": core.GaugeMetricFamily,
    }
