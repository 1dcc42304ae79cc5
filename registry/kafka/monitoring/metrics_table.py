"""What is measured: the families of metrics by name, as Prometheus names them (base units, ``_total`` for counters)."""

from typing import Final

from registry.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. Every one has the label ``service`` beside its own."""

    name: str
    kind: str
    """``histogram``, ``counter`` or ``gauge``."""
    about: str
    labels: tuple[str, ...] = ()
    """None of them ever holds an id, a key or a message: their values are as few as topics, contracts and classes."""


LATENCY: Final = Family(
    "contracts_event_latency_seconds",
    "histogram",
    "From the time of a record to the end of its handling, of events that were handled.",
    ("contract",),
)
SECONDS: Final = Family(
    "contracts_handler_seconds", "histogram", "How long a handler took, of events that were handled.", ("contract",)
)
HANDLED: Final = Family("contracts_events_handled_total", "counter", "Events that were handled.", ("contract",))
REPEATED: Final = Family(
    "contracts_events_repeated_total", "counter", "Events that came again and were passed over.", ("contract",)
)
FAILED: Final = Family(
    "contracts_events_failed_total",
    "counter",
    "Attempts that failed: a record could not be read, or its handler raised.",
    ("topic", "error"),
)
CONVERSIONS: Final = Family(
    "contracts_conversions_total",
    "counter",
    "Events that were handled as another version than they were written with.",
    ("contract", "from", "to"),
)
DEAD_LETTERS: Final = Family(
    "contracts_dead_letters_total", "counter", "Records that were put aside in the dead letters.", ("topic", "reason")
)
CLOCK_SKEW: Final = Family(
    "contracts_clock_skew_total",
    "counter",
    "Events from the future: their latency counts as 0, since two clocks disagree.",
    ("contract",),
)
DELIVERY_FAILURES: Final = Family(
    "contracts_delivery_failures_total", "counter", "Records that did not reach the broker.", ("topic",)
)
LAG: Final = Family(
    "contracts_consumer_lag_records", "gauge", "Records that wait to be handled.", ("topic", "partition")
)
STALENESS: Final = Family(
    "contracts_staleness_seconds",
    "gauge",
    "Age of the oldest record that was not handled; 0 where none waits.",
    ("topic", "partition"),
)
MEASURED: Final = Family(
    "contracts_measured_timestamp_seconds",
    "gauge",
    "When lag and staleness were last measured: it stands still where the loop of a consumer does.",
    ("topic", "partition"),
)
PAUSED: Final = Family(
    "contracts_paused",
    "gauge",
    "1 where a partition stands before a record that cannot be handled now.",
    ("topic", "partition"),
)
OBJECTIVE: Final = Family(
    "contracts_staleness_objective_seconds",
    "gauge",
    "How old the state may be that a subscriber holds, as ownership.yaml says.",
    ("contract", "topic"),
)
WAITING: Final = Family("contracts_outbox_waiting", "gauge", "Rows of the outbox that were not published.")
AGE: Final = Family("contracts_outbox_age_seconds", "gauge", "Age of the oldest row of the outbox; 0 where none waits.")
BLOCKED: Final = Family(
    "contracts_outbox_blocked_keys", "gauge", "Keys whose events wait behind a row that cannot be published."
)

FAMILIES: Final[tuple[Family, ...]] = (
    LATENCY,
    SECONDS,
    HANDLED,
    REPEATED,
    FAILED,
    CONVERSIONS,
    DEAD_LETTERS,
    CLOCK_SKEW,
    DELIVERY_FAILURES,
    LAG,
    STALENESS,
    MEASURED,
    PAUSED,
    OBJECTIVE,
    WAITING,
    AGE,
    BLOCKED,
)
"""All of them, in the order in which they are exposed."""

BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the histograms' buckets in seconds. The usual objectives, 500 ms and 5 s, and the usual limit of lag,
10 s, are among them, so that an alert compares counts and no guess between two bounds."""
