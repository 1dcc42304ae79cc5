"""The envelope: stamped on writing, mirrored in headers, compared on reading."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
import serde_orders as orders
from hypothesis import given
from hypothesis import strategies as st
from serde_orders import BUNDLE, OrderPlaced, OrderPlacedProducer, OrderPlacedV1, State, StateV1

from registry import serde
from registry.serde.context import HANDLED
from registry.serde.envelope import check_filled, check_headers, render_moment
from registry.serde.moment import FIRST, LAST

ORDER = OrderPlaced(order_id="o-1", state=State.OPEN)
ROLES = tuple(orders.ENVELOPE)


class Sent(list[serde.Record]):
    """A transport that keeps what it was given."""

    def send(self, record: serde.Record) -> None:
        self.append(record)

    def flush(self) -> None: ...


def producer(**options: object) -> tuple[OrderPlacedProducer, Sent]:
    sent = Sent()
    return OrderPlacedProducer(sent, service="shop-api", **{"active": 3, **options}), sent  # type: ignore[arg-type]  # options of tests


def test_ids_and_time_are_made_where_they_are_not_given() -> None:
    made, sent = producer()
    before = datetime.now(UTC)
    meta = made.publish(ORDER, correlation_id="request-1")
    assert UUID(meta.event_id).version == 4
    assert meta.occurred_at is not None
    assert before - timedelta(milliseconds=1) < meta.occurred_at <= datetime.now(UTC)
    assert meta.occurred_at.microsecond % 1000 == 0, "the schema has milliseconds"
    assert meta.causation_id is None
    assert (meta.schema_version, meta.version, meta.contract, meta.topic) == (3, 3, "shop.OrderPlaced", "shop.orders")
    assert meta.key == sent[0].key == b"o-1"
    read = serde.Serde(BUNDLE, active=3).decode(sent[0].value or b"", sent[0].headers)[1]
    assert [getattr(read, role) for role in ROLES] == [getattr(meta, role) for role in ROLES]


def test_what_is_given_counts() -> None:
    made, _ = producer()
    moment = datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=timezone(timedelta(hours=2)))
    meta = made.publish(ORDER, correlation_id="r", causation_id="c", event_id="e", occurred_at=moment)
    assert (meta.correlation_id, meta.causation_id, meta.event_id, meta.occurred_at) == ("r", "c", "e", moment)


def test_the_context_gives_correlation_and_cause() -> None:
    made, _ = producer()
    token = HANDLED.set(("request-1", "event-0"))
    meta = made.publish(ORDER)
    assert (meta.correlation_id, meta.causation_id) == ("request-1", "event-0")
    meta = made.publish(ORDER, correlation_id="other", causation_id="another")
    assert (meta.correlation_id, meta.causation_id) == ("other", "another")
    HANDLED.reset(token)
    with serde.correlation("job"):
        assert made.publish(ORDER).causation_id is None


def test_without_a_correlation_id_nothing_is_sent() -> None:
    made, sent = producer()
    with pytest.raises(serde.MissingCorrelation) as caught:
        made.publish(ORDER)
    assert str(caught.value) == ("shop.OrderPlaced: no correlation id: none was given, and no record is being handled")
    assert sent == []


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"correlation_id": ""}, "correlation_id is a text that is not empty, not ''"),
        ({"correlation_id": 7}, "correlation_id is a text that is not empty, not 7"),
        ({"event_id": ""}, "event_id is a text that is not empty, not ''"),
        ({"causation_id": ""}, "causation_id is a text that is not empty, not ''"),
        ({"occurred_at": datetime(2026, 1, 2)}, "occurred_at is a datetime with a zone, not 2026-01-02 00:00:00"),
        ({"occurred_at": "now"}, "occurred_at is a datetime with a zone, not 'now'"),
        ({"correlation_id": "\ud800"}, ""),
        ({"occurred_at": datetime(2026, 1, 2, microsecond=1, tzinfo=UTC)}, ""),
    ],
)
def test_an_envelope_that_is_none_is_refused(given: dict[str, object], fact: str) -> None:
    made, sent = producer()
    with pytest.raises(serde.CodecError) as caught:
        made.publish(ORDER, **({"correlation_id": "r"} | given))  # type: ignore[arg-type]  # that is the point
    assert caught.value.fact.startswith(fact)
    assert caught.value.path == f"/{next(iter(given))}"
    assert sent == []


def test_a_serializer_refuses_an_empty_correlation_id() -> None:
    with pytest.raises(serde.MissingCorrelation, match=r"shop\.OrderPlaced v3: the correlation id is empty"):
        serde.Serde(BUNDLE, active=3).encode(ORDER, orders.meta(""))


def test_headers_mirror_the_payload_under_cloudevents_names() -> None:
    made, sent = producer()
    moment = datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=timezone(timedelta(hours=2)))
    made.publish(ORDER, correlation_id="r", causation_id="c", event_id="e", occurred_at=moment)
    assert sent[0].headers == (
        ("ce_specversion", b"1.0"),
        ("ce_type", b"shop.OrderPlaced"),
        ("ce_source", b"shop-api"),
        ("ce_id", b"e"),
        ("ce_correlationid", b"r"),
        ("ce_schemaversion", b"3"),
        ("ce_time", b"2026-01-02T01:04:05.006000Z"),
        ("ce_causationid", b"c"),
    )


def test_headers_can_be_left_out_but_for_the_frame() -> None:
    made, sent = producer(headers=False)
    made.publish(ORDER, correlation_id="r")
    assert sent[0].headers == ()
    made, sent = producer(headers=False, framing="confluent-header")
    made.publish(ORDER, correlation_id="r")
    assert [name for name, _ in sent[0].headers] == ["__value_schema_id"]


def test_an_outbox_gets_the_record_and_nothing_is_sent() -> None:
    made, sent = producer()
    record = made.encode(ORDER, correlation_id="r", event_id="e")
    assert sent == []
    made.publish(ORDER, correlation_id="r", event_id="e")
    assert (record.topic, record.key, len(record.value or b"")) == ("shop.orders", b"o-1", len(sent[0].value or b""))


@pytest.mark.parametrize(
    ("header", "value", "fact"),
    [
        ("ce_correlationid", b"other", "the header ce_correlationid says 'other', the payload 'request-1'"),
        ("ce_id", b"event-2", "the header ce_id says 'event-2', the payload 'event-1'"),
        ("ce_schemaversion", b"2", "the header ce_schemaversion says 2, the payload 3"),
        ("ce_causationid", b"event-0", "the header ce_causationid says 'event-0', the payload None"),
        (
            "ce_time",
            b"2026-01-02T00:00:01Z",
            "the header ce_time says '2026-01-02T00:00:01Z', the payload '2026-01-02T00:00:00Z'",
        ),
        ("ce_time", b"yesterday", "the header ce_time is b'yesterday', which is no occurred_at"),
        ("ce_time", b"2026-01-02T00:00:00", "the header ce_time is b'2026-01-02T00:00:00', which is no occurred_at"),
        ("ce_schemaversion", b"three", "the header ce_schemaversion is b'three', which is no schema_version"),
        ("ce_schemaversion", "٣".encode(), "the header ce_schemaversion is b'\\xd9\\xa3', which is no schema_version"),
        ("ce_id", b"", "the header ce_id is b'', which is no event_id"),
        ("ce_id", None, "the header ce_id is None, which is no event_id"),
        ("ce_id", b"\xff", "the header ce_id is b'\\xff', which is no event_id"),
    ],
)
def test_a_header_that_contradicts_the_payload_is_an_error(header: str, value: bytes | None, fact: str) -> None:
    runtime = serde.Serde(BUNDLE, active=3)
    held, _ = runtime.encode(ORDER, orders.meta())
    with pytest.raises(serde.EnvelopeError) as caught:
        runtime.decode(held, [("before", b""), (header, value)])
    assert caught.value.fact == fact
    assert caught.value.subject == "shop.OrderPlaced v3"


def test_a_header_twice_is_an_error_only_where_it_differs() -> None:
    runtime = serde.Serde(BUNDLE, active=3)
    held, _ = runtime.encode(ORDER, orders.meta())
    assert runtime.decode(held, [("ce_id", b"event-1"), ("ce_id", b"event-1")])[0] == ORDER
    with pytest.raises(serde.EnvelopeError, match="the header ce_id says 'event-2', the payload 'event-1'"):
        runtime.decode(held, [("ce_id", b"event-1"), ("ce_id", b"event-2")])
    older, _ = serde.Serde(BUNDLE, active=1).encode(ORDER, orders.meta())
    assert runtime.decode(older, [("ce_id", b"event-1"), ("ce_id", b"event-1")])[1].event_id == "event-1"
    with pytest.raises(serde.EnvelopeError, match="the header ce_id is there twice and differs"):
        runtime.decode(older, [("ce_id", b"event-1"), ("ce_id", b"event-2")])


def test_one_fact_in_two_spellings_is_no_contradiction() -> None:
    meta = serde.Meta()
    meta.event_id = "9f0e4e1c-0000-4000-8000-00000000abcd"
    meta.occurred_at = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    headers = [
        ("ce_id", b"9F0E4E1C-0000-4000-8000-00000000ABCD"),
        ("ce_time", b"2026-01-02T05:04:05.678901234+02:00"),
    ]
    check_headers(meta, headers, orders.ENVELOPE)
    assert meta.event_id == "9f0e4e1c-0000-4000-8000-00000000abcd"
    meta.event_id = "abc"
    with pytest.raises(serde.EnvelopeError):
        check_headers(meta, [("ce_id", b"ABC")], orders.ENVELOPE)


def test_what_an_older_version_lacks_is_taken_from_the_headers() -> None:
    runtime = serde.Serde(BUNDLE, active=1)
    value, _ = runtime.encode(OrderPlacedV1(order_id="o-1", state=StateV1.OPEN), orders.meta())
    headers = [("ce_id", b"event-1"), ("ce_time", b"2026-01-02T00:00:00Z"), ("ce_correlationid", b"request-1")]
    meta = runtime.decode(value, headers)[1]
    assert (meta.event_id, meta.occurred_at) == ("event-1", datetime(2026, 1, 2, tzinfo=UTC))
    with pytest.raises(serde.EnvelopeError):
        runtime.decode(value, [("ce_correlationid", b"other")])


def test_foreign_headers_are_kept_and_say_nothing() -> None:
    runtime = serde.Serde(BUNDLE, active=3)
    value, _ = runtime.encode(ORDER, orders.meta())
    meta = runtime.decode(value, [("traceparent", b"00-1"), ("empty", None)])[1]
    assert meta.headers == (("traceparent", b"00-1"), ("empty", b""))


def test_an_empty_envelope_that_was_written_elsewhere_is_refused() -> None:
    plain = orders.bundle(orders.version(1, plain=True), writes=(1,))
    values = {"correlation_id": "", "schema_version": 1, "order_id": "o-1", "state": "OPEN"}
    from registry.serde.codecs import codec_of

    codec = codec_of("avro")
    encode = codec.compile_encoder(codec.load(plain.newest, plain.event))
    frame = bytes.fromhex("00 00 00 00 65")
    with pytest.raises(serde.EnvelopeError, match="the correlation id is empty at /correlation_id"):
        serde.Serde(BUNDLE, active=3).decode(encode(values, frame, None))
    with pytest.raises(serde.EnvelopeError, match="the schema version is 0 at /schema_version"):
        serde.Serde(BUNDLE, active=3).decode(encode(values | {"correlation_id": "r", "schema_version": 0}, frame, None))


def test_the_place_of_an_envelope_that_lies_deeper_is_told() -> None:
    roles = {"correlation_id": ("meta", "correlation_id"), "schema_version": ("meta", "version")}
    meta = serde.Meta()
    for path in ("/meta/correlation_id", "/meta/version"):
        with pytest.raises(serde.EnvelopeError) as caught:
            check_filled(meta, roles)
        assert caught.value.path == path
        meta.correlation_id = "request-1"
    with pytest.raises(serde.EnvelopeError) as caught:
        check_headers(meta, [("ce_correlationid", b"request-2")], roles)
    assert caught.value.path == "/meta/correlation_id"


def test_a_time_that_only_a_header_tells_is_in_utc() -> None:
    meta = serde.Meta()
    check_headers(meta, [("ce_time", b"2026-01-02T05:04:05+02:00")], {})
    assert meta.occurred_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert meta.occurred_at.tzinfo is UTC


def test_the_time_fits_every_version_that_may_become_active_meanwhile() -> None:
    micros = orders.TEXTS[3].replace("timestamp-millis", "timestamp-micros")
    versions = orders.version(2), orders.version(3, text=micros)
    for writes, tick in (((2, 3), 1000), ((2,), 1000), ((3,), 1)):
        assert serde.Serde(orders.bundle(*versions, writes=writes)).tick(ORDER) == tick


AROUND = st.integers(-2_000, 2_000)


@given(
    st.one_of(
        st.integers(FIRST, LAST),
        st.builds(lambda second, offset: second * 1_000_000 + offset, st.integers(-5, 1_800_000_000), AROUND),
        AROUND.map(lambda offset: FIRST + abs(offset)),
        AROUND.map(lambda offset: LAST - abs(offset)),
    )
)
def test_a_time_kept_as_a_number_is_rendered_as_the_datetime_that_it_is(moment: int) -> None:
    meta = serde.Meta()
    meta._occurred_at = moment
    shown = meta.occurred_at
    assert shown is not None
    text = shown.isoformat().replace("+00:00", "Z").encode()
    for _ in range(2):  # the second time from what was kept of the first
        assert render_moment(moment) == render_moment(shown) == text
    assert datetime.fromisoformat(text.decode()) == shown
