"""Rows on their way to the broker: sent in order, with what became of each."""

import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol, TypeGuard

from registry.frozen import dataclass
from registry.kafka.errors import DeliveryFailed, NoTransaction, QueueFull
from registry.kafka.outbox import Row
from registry.kafka.producing.line import Unusable
from registry.serde.record import Record
from registry.serde.transport import Transport

Place = tuple[str, bytes]
"""A topic and a key: what keeps an order."""

_GLANCE: Final = 1.0
"""Seconds between two looks at the lock while the broker is waited for."""

_OUTAGE_NAMES: Final = """
    _MSG_TIMED_OUT _TIMED_OUT _TIMED_OUT_QUEUE _TRANSPORT _ALL_BROKERS_DOWN _RESOLVE _AUTHENTICATION _SSL _DESTROY
    _PURGE_QUEUE _PURGE_INFLIGHT _FATAL _FENCED _STATE _QUEUE_FULL _CRIT_SYS_RESOURCE _WAIT_COORD
    BROKER_NOT_AVAILABLE LEADER_NOT_AVAILABLE NOT_LEADER_FOR_PARTITION REQUEST_TIMED_OUT NETWORK_EXCEPTION
    REPLICA_NOT_AVAILABLE NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND KAFKA_STORAGE_ERROR NOT_CONTROLLER
    COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH
    OUT_OF_ORDER_SEQUENCE_NUMBER UNKNOWN_PRODUCER_ID INVALID_PRODUCER_EPOCH PRODUCER_FENCED
    CLUSTER_AUTHORIZATION_FAILED SASL_AUTHENTICATION_FAILED TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    THROTTLING_QUOTA_EXCEEDED UNSTABLE_OFFSET_COMMIT
"""
_OUTAGES: Final = frozenset(_OUTAGE_NAMES.split())
"""Names of errors of the broker or of the connection: no row is to blame, and all of them wait."""


class Confirming(Protocol):
    """A transport that tells of each record what became of it, as :class:`registry.kafka.KafkaTransport`."""

    @property
    def gapless(self) -> bool:
        """Whether nothing behind a record that failed has been delivered, when the failure is known."""

    @property
    def fatal(self) -> str | None:
        """Why it can deliver nothing any more."""

    def send(self, record: Record, delivered: Callable[[Record, str | None], None] | None = None) -> None:
        """Takes a record, and calls ``delivered`` from :meth:`poll` with the reason of a failure."""

    def poll(self, timeout: float = 0.0) -> object:
        """Waits for reports, and hands them over."""

    def flush(self) -> None:
        """As of any transport."""

    def renew(self) -> None:
        """Forgets what it still holds, and begins anew."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of rows. One that is in neither was not sent: the client was full, or its key had failed."""

    arrived: tuple[int, ...]
    """Ids, in the order of their reports."""
    failed: dict[int, str]
    """Id to the reason, by the client's name for it: ``MSG_SIZE_TOO_LARGE: …``."""


def is_outage(reason: str) -> bool:
    """Whether a failure says something of the broker, and nothing of the row."""
    return reason.partition(":")[0] in _OUTAGES


def place_of(record: Record) -> Place | None:
    """Where a record stands in line; ``None`` where it follows no other."""
    return None if record.key is None else (record.topic, record.key)


def places_of(rows: Iterable[Row]) -> set[Place]:
    """Where these rows stand in line."""
    return {place for row in rows if (place := place_of(row.record))}


def confirms(transport: Transport | Confirming) -> TypeGuard[Confirming]:
    """Whether the transport tells of each record what became of it."""
    return "delivered" in inspect.signature(transport.send).parameters


def find_flights(rows: Sequence[Row], pipelined: bool) -> Iterator[Sequence[Row]]:
    """What may be under way together: everything, or of each key one row, the earlier ones first.

    Where a failure does not stop the records behind it, the next one of a key may only leave when this one arrived.
    """
    if pipelined:
        yield rows
        return
    flights: list[list[Row]] = []
    depths: dict[Place, int] = {}
    for row in rows:
        place = place_of(row.record)
        depth = 0 if place is None else depths.get(place, 0)
        if place is not None:
            depths[place] = depth + 1
        if depth == len(flights):
            flights.append([])
        flights[depth].append(row)
    yield from flights


def publish(
    transport: Transport | Confirming, rows: Sequence[Row], watch: Callable[[], None], patience: float
) -> Outcome:
    """Sends rows in their order and waits until it is known of each whether it arrived.

    ``watch`` is called about once a second meanwhile; what it raises ends the wait. When nothing was reported for
    ``patience`` seconds, what is still under way is taken back, as far as it can be, and counts as failed.
    """
    if not confirms(transport):
        return _publish_plain(transport, rows)
    reports: list[tuple[int, str | None]] = []
    sent, refused = _send(transport, rows, reports, watch)
    glanced = reported = time.monotonic()
    missing = f"_TIMED_OUT: the broker reported nothing for {patience:g} s"
    while len(reports) < len(sent) and not transport.fatal:
        known = len(reports)
        transport.poll(_GLANCE)
        now = time.monotonic()
        if len(reports) > known:
            reported = now
        if now - reported >= patience:
            transport.renew()
            break
        if now - glanced >= _GLANCE:
            watch()
            glanced = now
    if transport.fatal:
        missing = transport.fatal
        transport.renew()  # which reports what is still under way
    outcomes: dict[int, str | None] = {**dict.fromkeys(sent, missing), **dict(reports)}
    arrived = tuple(id for id, reason in outcomes.items() if reason is None)
    return Outcome(arrived, refused | {id: reason for id, reason in outcomes.items() if reason is not None})


def _send(
    transport: Confirming, rows: Sequence[Row], reports: list[tuple[int, str | None]], watch: Callable[[], None]
) -> tuple[list[int], dict[int, str]]:
    """The ids of rows that are under way, and why others were refused at once; of their keys nothing else is sent."""
    sent: list[int] = []
    refused: dict[int, str] = {}
    stopped: set[Place] = set()
    glanced = time.monotonic()
    for row in rows:
        if (now := time.monotonic()) - glanced >= _GLANCE:  # there was no room, or it is a slow machine
            watch()
            glanced = now
        place = place_of(row.record)
        if place in stopped:
            continue
        try:
            transport.send(row.record, partial(_note, reports, row.id))
        except QueueFull:
            break
        except (DeliveryFailed, Unusable, NoTransaction):
            if transport.fatal:
                break
            raise  # it has failures of another sender, was closed, or is made for transactions
        except Exception as error:
            refused[row.id] = str(error)
            if place is not None:
                stopped.add(place)
        else:
            sent.append(row.id)
    return sent, refused


def _note(reports: list[tuple[int, str | None]], id: int, _record: Record, reason: str | None) -> None:
    reports.append((id, reason))


def _publish_plain(transport: Transport, rows: Sequence[Row]) -> Outcome:
    """One after the other: whoever tells nothing of single records could mean any of those under way."""
    arrived: list[int] = []
    failed: dict[int, str] = {}
    stopped: set[Place] = set()
    for row in rows:
        place = place_of(row.record)
        if place in stopped:
            continue
        try:
            transport.send(row.record)
            transport.flush()
        except Exception as error:
            failed[row.id] = str(error)
            if place is not None:
                stopped.add(place)
        else:
            arrived.append(row.id)
    return Outcome(tuple(arrived), failed)
