"""What Prometheus is shown: counts, latencies and ages, and no gauge of what is no longer read here."""

import re
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from registry import serde
from registry.frozen import replace
from registry.kafka.errors import MissingLibrary, Reject, SettingsError
from registry.kafka.monitoring.metrics import MOST, Metrics
from registry.kafka.monitoring.metrics_table import BOUNDS, FAMILIES, Family
from registry.serde.delivery import Delivery
from registry.serde.receiver import Receiver
from registry.serde.record import Record
from tests import serde_orders as orders
from tests.kafka_clusters import Cluster
from tests.kafka_observed import OBJECTIVE, Shop, run

NOW = 1_800_000_000.0
ALERTS = Path(__file__).parent.parent / "docs" / "alerts.yaml"
PLACED = {"contract": orders.EVENT}
BOUND_TEXTS = [*map(str, BOUNDS), "+Inf"]
FIRST = {"topic": "shop.orders", "partition": "0"}


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Scene:
    """Metrics with their own registry and clocks, and events to tell them of."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.wall, self.monotonic = Clock(NOW), Clock(100.0)
        self.metrics = Metrics(self.registry, "edge", clock=self.wall, monotonic=self.monotonic)
        self._receiver = Receiver(orders.Orders(), service="shop-api")

    def deliver(self, event: object = None, *, age: float | None = 1.0, event_id: str | None = None) -> Delivery:
        """An order that was read, published so many seconds ago; without an age its record has no time."""
        writer = orders.OrderPlacedProducer(serde.InMemory(), service="shop-api", active=3)
        if isinstance(event, orders.OrderPlacedV1):
            writer.activate(1)
        made: Any = event or orders.OrderPlaced(order_id="o-1", state=orders.State.OPEN)
        record = writer.encode(made, correlation_id="request-1", event_id=event_id)
        return self._read(record, age)

    def bury(self) -> Delivery:
        """A tombstone that was read."""
        return self._read(Record("shop.orders", b"o-1", None), 1.0)

    def _read(self, record: Record, age: float | None) -> Delivery:
        time = None if age is None else datetime.fromtimestamp(NOW - age, UTC)
        delivery = self._receiver.read(
            Record(record.topic, record.key, record.value, record.headers, partition=0, offset=1, timestamp=time)
        )
        assert delivery is not None
        return delivery

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"service": "edge", **labels})

    def samples(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        found = [sample for family in self.registry.collect() for sample in family.samples]
        return {(each.name, tuple(sorted(each.labels.items()))): each.value for each in found}


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.metrics.close()


def test_a_handled_event_has_a_latency_and_a_duration(scene: Scene) -> None:
    scene.metrics.handled(scene.deliver(age=0.4), 0.02)
    scene.metrics.handled(scene.deliver(age=4.0), 0.03)

    assert scene.value("contracts_events_handled_total", **PLACED) == 2
    assert scene.value("contracts_event_latency_seconds_count", **PLACED) == 2
    assert scene.value("contracts_event_latency_seconds_sum", **PLACED) == pytest.approx(4.4)
    within = {bound: scene.value("contracts_event_latency_seconds_bucket", le=bound, **PLACED) for bound in BOUND_TEXTS}
    assert (within["0.25"], within["0.5"], within["2.5"], within["5.0"], within["+Inf"]) == (0, 1, 1, 2, 2)
    assert scene.value("contracts_handler_seconds_sum", **PLACED) == pytest.approx(0.05)


def test_a_latency_of_exactly_a_bound_is_within_it(scene: Scene) -> None:
    scene.metrics.handled(scene.deliver(age=0.5), 0.0)
    assert scene.value("contracts_event_latency_seconds_bucket", le="0.25", **PLACED) == 0
    assert scene.value("contracts_event_latency_seconds_bucket", le="0.5", **PLACED) == 1


def test_an_event_from_the_future_has_no_latency_below_zero_and_is_counted(scene: Scene) -> None:
    scene.metrics.handled(scene.deliver(age=-3.0), 0.01)
    assert scene.value("contracts_event_latency_seconds_sum", **PLACED) == 0
    assert scene.value("contracts_event_latency_seconds_count", **PLACED) == 1
    assert scene.value("contracts_clock_skew_total", **PLACED) == 1


def test_clocks_that_agree_are_not_counted(scene: Scene) -> None:
    scene.metrics.handled(scene.deliver(age=0.0), 0.01)
    assert scene.value("contracts_clock_skew_total", **PLACED) is None


def test_a_record_without_a_time_is_handled_and_has_no_latency(scene: Scene) -> None:
    scene.metrics.handled(scene.deliver(age=None), 0.01)
    assert scene.value("contracts_events_handled_total", **PLACED) == 1
    assert scene.value("contracts_event_latency_seconds_count", **PLACED) == 0


def test_an_event_of_an_older_version_is_a_conversion_and_one_of_the_same_is_none(scene: Scene) -> None:
    scene.metrics.handled(scene.deliver(), 0.01)
    assert [name for name, _ in scene.samples() if name == "contracts_conversions_total"] == []
    scene.metrics.handled(scene.deliver(orders.OrderPlacedV1(order_id="o-1", state=orders.StateV1.OPEN)), 0.01)
    assert scene.value("contracts_conversions_total", **PLACED, **{"from": "1", "to": "3"}) == 1


def test_a_tombstone_has_a_contract_of_its_own(scene: Scene) -> None:
    scene.metrics.handled(scene.bury(), 0.01)
    assert scene.value("contracts_events_handled_total", contract="tombstone") == 1


def test_repeats_failures_and_dead_letters_are_counted_by_class(scene: Scene) -> None:
    delivery = scene.deliver()
    scene.metrics.repeated(delivery)
    scene.metrics.failed(delivery.record, ValueError("o-1"), 1)
    scene.metrics.failed(delivery.record, ValueError("o-2"), 2)
    scene.metrics.dead_lettered(delivery.record, Reject("never"))

    assert scene.value("contracts_events_repeated_total", **PLACED) == 1
    assert scene.value("contracts_events_failed_total", topic="shop.orders", error="ValueError") == 2
    assert scene.value("contracts_dead_letters_total", topic="shop.orders", reason="Reject") == 1
    assert scene.value("contracts_events_handled_total", **PLACED) is None


def test_more_events_of_one_kind_make_no_more_series(scene: Scene) -> None:
    def tell(number: int) -> None:
        delivery = scene.deliver(event_id=f"event-{number}")
        record = replace(delivery.record, key=f"o-{number}".encode())
        scene.metrics.handled(delivery, 0.01)
        scene.metrics.failed(record, ValueError(f"order {number}"), number)
        scene.metrics.dead_lettered(record, KeyError(number))
        scene.metrics.sent(record, f"message {number} timed out")

    tell(0)
    first = scene.samples().keys()
    for number in range(1, 50):
        tell(number)
    assert scene.samples().keys() == first
    for _, labels in first:
        assert not any(word in value for _, value in labels for word in ("event-", "o-", "order ", "message "))


def test_classes_of_errors_that_a_program_makes_as_it_runs_do_not_flood(scene: Scene) -> None:
    record = scene.deliver().record
    for number in range(MOST + 50):
        scene.metrics.failed(record, type(f"Error{number}", (Exception,), {})(), 1)
    counts = [value for (name, _), value in scene.samples().items() if name == "contracts_events_failed_total"]
    assert len(counts) == MOST + 1
    assert sum(counts) == MOST + 50
    assert scene.value("contracts_events_failed_total", topic="shop.orders", error="other") == 50


def test_what_waits_grows_older_while_nobody_measures(scene: Scene) -> None:
    scene.metrics.measured("shop.orders", 0, 12, 3.0)
    assert scene.value("contracts_consumer_lag_records", **FIRST) == 12
    assert scene.value("contracts_staleness_seconds", **FIRST) == 3.0
    scene.monotonic.now += 60.0
    assert scene.value("contracts_staleness_seconds", **FIRST) == 63.0
    assert scene.value("contracts_measured_timestamp_seconds", **FIRST) == NOW


def test_where_nothing_waits_nothing_grows_old(scene: Scene) -> None:
    scene.metrics.measured("shop.orders", 0, 0, 9.0)
    scene.monotonic.now += 60.0
    assert scene.value("contracts_consumer_lag_records", **FIRST) == 0
    assert scene.value("contracts_staleness_seconds", **FIRST) == 0


def test_a_record_from_the_future_is_not_younger_than_now(scene: Scene) -> None:
    scene.metrics.measured("shop.orders", 0, 1, -5.0)
    assert scene.value("contracts_staleness_seconds", **FIRST) == 0


def test_a_partition_that_was_revoked_leaves_nothing_and_the_others_stay(scene: Scene) -> None:
    for partition in (0, 1):
        scene.metrics.measured("shop.orders", partition, 5, 1.0)
        scene.metrics.paused("shop.orders", partition, Reject("no"))
    scene.metrics.revoked("shop.orders", 0)

    gone = [name for name, labels in scene.samples() if ("partition", "0") in labels]
    stay = [name for name, labels in scene.samples() if ("partition", "1") in labels]
    assert (gone, len(stay)) == ([], 4)


def test_a_partition_is_paused_until_it_goes_on(scene: Scene) -> None:
    scene.metrics.measured("shop.orders", 0, 1, 1.0)
    assert scene.value("contracts_paused", **FIRST) == 0
    scene.metrics.paused("shop.orders", 0, Reject("no"))
    scene.metrics.measured("shop.orders", 0, 2, 2.0)
    assert scene.value("contracts_paused", **FIRST) == 1
    scene.metrics.resumed("shop.orders", 0)
    assert scene.value("contracts_paused", **FIRST) == 0


def test_the_outbox_is_shown_and_its_oldest_row_grows_older(scene: Scene) -> None:
    assert scene.value("contracts_outbox_waiting") is None
    scene.metrics.outbox(7, 2.0, 1)
    scene.monotonic.now += 3.0
    shown = [scene.value(f"contracts_outbox_{name}") for name in ("waiting", "age_seconds", "blocked_keys")]
    assert shown == [7, 5.0, 1]
    scene.metrics.outbox(0, 0.0, 0)
    scene.monotonic.now += 3.0
    assert scene.value("contracts_outbox_age_seconds") == 0


def test_only_records_that_did_not_arrive_are_failures(scene: Scene) -> None:
    record = scene.deliver().record
    scene.metrics.sent(record, None)
    assert scene.value("contracts_delivery_failures_total", topic="shop.orders") is None
    scene.metrics.sent(record, "_MSG_TIMED_OUT: Local: Message timed out")
    assert scene.value("contracts_delivery_failures_total", topic="shop.orders") == 1


def test_objectives_are_shown_from_the_beginning_and_only_where_there_are_some(scene: Scene) -> None:
    strict, free = replace(orders.BUNDLE, staleness=0.5), replace(orders.BUNDLE, event="shop.OrderPaid")
    scene.metrics.subscribed([strict, free], "edge")
    shown = {labels: value for (name, labels), value in scene.samples().items() if name.endswith("_objective_seconds")}
    assert shown == {(("contract", "shop.OrderPlaced"), ("service", "edge"), ("topic", "shop.orders")): 0.5}


def test_the_service_is_taken_from_the_stubs_where_nobody_names_it() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.subscribed([orders.BUNDLE], "group")
    metrics.outbox(1, 0.0, 0)
    assert registry.get_sample_value("contracts_outbox_waiting", {"service": "shop-api"}) == 1


def test_a_registry_takes_them_once_and_again_after_they_are_closed(scene: Scene) -> None:
    with pytest.raises(SettingsError, match="the registry has these metrics already") as refused:
        Metrics(scene.registry, "edge")
    assert refused.value.help == "give one Metrics to all that is observed"
    scene.metrics.close()
    scene.metrics = Metrics(scene.registry, "edge")


def test_threads_lose_no_count(scene: Scene) -> None:
    delivery = scene.deliver()

    def tell(_: int) -> None:
        for _ in range(500):
            scene.metrics.handled(delivery, 0.01)
            scene.metrics.failed(delivery.record, ValueError(), 1)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(tell, range(4)))
    assert scene.value("contracts_events_handled_total", **PLACED) == 2000
    assert scene.value("contracts_event_latency_seconds_count", **PLACED) == 2000
    assert scene.value("contracts_events_failed_total", topic="shop.orders", error="ValueError") == 2000


def test_without_the_library_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingLibrary, match="metrics need prometheus-client") as missing:
        Metrics()
    assert missing.value.help == "pip install 'event-contracts[prometheus]'"


# Through a broker -----------------------------------------------------------------------------------------------------


def test_a_subscription_is_measured_from_its_first_event_to_its_end(cluster: Cluster) -> None:  # the fixture
    registry = CollectorRegistry()
    metrics = Metrics(registry, "shop-api")
    tries: list[str] = []

    def act(event: orders.OrderPlaced) -> None:
        tries.append(event.order_id)
        if event.order_id == "never" or (event.order_id == "later" and tries.count("later") == 1):
            raise ValueError(event.order_id)

    shop = Shop(cluster, act, metrics)
    shop.publish("at once", "later", "never")
    place = {"topic": shop.topic, "partition": "0"}
    buried = {"topic": shop.topic, "reason": "ValueError"}

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"contracts_{name}", {"service": "shop-api", **labels})

    def is_over() -> bool:
        put_aside, waiting = value("dead_letters_total", **buried), value("consumer_lag_records", **place)
        return (value("events_handled_total", **PLACED), put_aside, waiting) == (2, 1, 0)

    with shop.subscribe(attempts=2) as subscription:
        run(subscription, is_over)
        assert value("staleness_seconds", **place) == 0
        assert value("staleness_objective_seconds", topic=shop.topic, **PLACED) == OBJECTIVE
        assert value("events_failed_total", topic=shop.topic, error="ValueError") == 3
        assert value("event_latency_seconds_count", **PLACED) == 2
        assert value("delivery_failures_total", topic=shop.topic) is None
        assert tries == ["at once", "later", "later", "never", "never"]
    gauges = [
        sample.labels for family in registry.collect() for sample in family.samples if "partition" in sample.labels
    ]
    assert gauges == []


# Names ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_metric_is_named_as_prometheus_wants_it(family: Family) -> None:
    assert re.fullmatch("contracts_[a-z_]+", family.name)
    assert family.name.endswith("_total") == (family.kind == "counter")
    assert family.about.endswith(".")
    assert not {"id", "key", "message", "offset", "correlation_id", "event_id"} & set(family.labels)


def test_the_exposition_shows_every_family_under_its_own_name(scene: Scene) -> None:
    text = generate_latest(scene.registry).decode()
    typed = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
    assert typed == {family.name: family.kind for family in FAMILIES}


# The alert rules ------------------------------------------------------------------------------------------------------


def find_unknown(rules: Mapping[str, Any]) -> set[str]:
    """The metrics and labels that the expressions name and nobody exposes."""
    suffixes = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
    known = {f"{family.name}{suffix}" for family in FAMILIES for suffix in suffixes[family.kind]}
    labels = {"service", "le"}.union(*(family.labels for family in FAMILIES))
    unknown = set()
    for group in rules["groups"]:
        for rule in group["rules"]:
            unknown |= set(re.findall("contracts_[a-z_]+", rule["expr"])) - known
            lists = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", rule["expr"])
            unknown |= {name.strip() for each in lists for name in each.split(",")} - labels
            unknown |= set(re.findall(r"\$labels\.([a-z_]+)", str(rule["annotations"]))) - labels
    return unknown


def test_the_rules_name_only_what_is_exposed() -> None:
    rules = yaml.safe_load(ALERTS.read_text())
    names = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
    assert len(names) == len(set(names)) == 10
    assert find_unknown(rules) == set()


def test_a_rule_over_what_is_not_exposed_would_be_seen() -> None:
    expr = "max by (service, tenant) (contracts_stalenes_seconds) > 10 and contracts_handler_seconds > 1"
    rules = {"groups": [{"rules": [{"expr": expr, "annotations": {"summary": "{{ $labels.colour }}"}}]}]}
    assert find_unknown(rules) == {"tenant", "contracts_stalenes_seconds", "contracts_handler_seconds", "colour"}


def test_the_limits_of_the_objectives_are_bounds_of_the_buckets() -> None:
    assert {0.5, 5.0, 10.0} <= set(BOUNDS)
