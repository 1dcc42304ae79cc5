"""The records of one correlation id as a tree, from their headers alone."""

from datetime import UTC, datetime, timedelta, timezone

from registry.kafka.causality import find_steps, render_steps
from registry.serde import Record

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def record(
    place: str, event_id: str, cause: str = "", *, correlation: str = "r-1", after: int = 0, **more: str
) -> Record:
    """A record with the headers of the envelope; ``after`` is in milliseconds."""
    topic, _, rest = place.partition("[")
    partition, _, offset = rest.partition("]@")
    said = {
        "ce_type": "shop.OrderPlaced",
        "ce_schemaversion": "2",
        "ce_source": "shop-api",
        "ce_id": event_id,
        "ce_correlationid": correlation,
        "ce_time": (START + timedelta(milliseconds=after)).isoformat(),
        **({"ce_causationid": cause} if cause else {}),
        **more,
    }
    headers = tuple((name, value.encode()) for name, value in said.items())
    return Record(topic, b"k", b"v", headers, int(partition), int(offset))


def draw(*records: Record, correlation: str = "r-1") -> list[str]:
    return list(render_steps(correlation, find_steps(records, correlation)))


def test_what_followed_hangs_below_its_cause_in_the_order_of_time() -> None:
    assert draw(
        record("pages[0]@7", "c", "a", after=30, ce_type="cache.PagePurged", ce_source="edge"),
        record("orders[0]@0", "a"),
        record("pages[0]@6", "b", "a", after=12, ce_type="cache.PageStale", ce_source="edge"),
        record("mails[1]@2", "d", "b", after=20, ce_type="mail.Sent", ce_source="mailer"),
        record("orders[0]@1", "x", correlation="another request"),
    ) == [
        "correlation r-1",
        "└─ OrderPlaced v2  shop-api  orders[0]@0  12:00:00",
        "   ├─ PageStale v2  edge  pages[0]@6  +12 ms",
        "   │  └─ Sent v2  mailer  mails[1]@2  +8 ms",
        "   └─ PagePurged v2  edge  pages[0]@7  +30 ms",
    ]


def test_moments_are_compared_as_moments_and_events_of_one_moment_by_their_places() -> None:
    eastern = (START + timedelta(milliseconds=1)).astimezone(timezone(timedelta(hours=9))).isoformat()
    assert [
        line.split()[4]
        for line in draw(
            record("orders[0]@10", "d", after=2),
            record("orders[0]@9", "c", after=2),
            record("orders[0]@8", "b", ce_time=eastern),
            record("orders[0]@11", "e", ce_time="once"),
            record("orders[0]@7", "a"),
        )[1:]
    ] == ["orders[0]@7", "orders[0]@8", "orders[0]@9", "orders[0]@10", "orders[0]@11"]


def test_an_event_that_a_relay_sent_again_is_one_event() -> None:
    first, again = record("orders[0]@0", "a"), record("orders[0]@1", "a")
    assert draw(first, again) == ["correlation r-1", "└─ OrderPlaced v2  shop-api  orders[0]@0  12:00:00  (2 times)"]


def test_a_dead_letter_hangs_below_the_event_that_nobody_could_handle() -> None:
    dead = record(
        "web.dead-letters[0]@4",
        "a",
        dl_reason="ValueError",
        dl_message="no such page",
        dl_service="web",
        dl_attempts="3",
        dl_at=(START + timedelta(seconds=1)).isoformat(),
    )
    assert draw(record("orders[0]@0", "a"), dead) == [
        "correlation r-1",
        "└─ OrderPlaced v2  shop-api  orders[0]@0  12:00:00",
        "   └─ ✗ dead letter of web after 3 attempts: ValueError: no such page  web.dead-letters[0]@4  +1000 ms",
    ]


def test_dead_letters_of_one_event_and_one_reader_are_the_latest_with_their_number() -> None:
    def letter(offset: int, service: str, message: str, group: str = "web") -> Record:
        return record(
            f"dead[0]@{offset}",
            "a",
            dl_reason="registry.kafka.errors.Reject",
            dl_message=message,
            dl_service=service,
            dl_group=group,
            dl_attempts=str(offset),
            dl_at=(START + timedelta(seconds=offset)).isoformat(),
        )

    letters = letter(1, "web", "no page"), letter(3, "web", "still none"), letter(2, "web", "no page")
    assert draw(
        record("orders[0]@0", "a"), *letters, letter(4, "mail", "no address"), letter(5, "web", "x", "web-b")
    ) == [
        "correlation r-1",
        "└─ OrderPlaced v2  shop-api  orders[0]@0  12:00:00",
        "   ├─ ✗ dead letter of web after 3 attempts: Reject: still none  dead[0]@3  +3000 ms  (3 times)",
        "   ├─ ✗ dead letter of mail after 4 attempts: Reject: no address  dead[0]@4  +4000 ms",
        "   └─ ✗ dead letter of web after 5 attempts: Reject: x  dead[0]@5  +5000 ms",
    ]


def test_dead_letters_of_records_without_an_event_id_stay_apart() -> None:
    letters = (record(f"dead[0]@{n}", "", dl_reason="shop.Gone", dl_service="web") for n in (1, 2))
    assert draw(*letters)[1:] == [
        "├─ ✗ dead letter of web: shop.Gone:   dead[0]@1",
        "└─ ✗ dead letter of web: shop.Gone:   dead[0]@2",
    ]


def test_an_event_whose_cause_nobody_has_seen_stands_at_the_top() -> None:
    assert draw(record("orders[0]@5", "b", "gone")) == [
        "correlation r-1",
        "└─ OrderPlaced v2  shop-api  orders[0]@5  12:00:00",
    ]


def test_events_that_claim_to_have_caused_each_other_are_told_and_do_not_end_the_world() -> None:
    lines = draw(record("orders[0]@0", "a", "b"), record("orders[0]@1", "b", "a", after=5))
    assert lines == [
        "correlation r-1",
        "├─ OrderPlaced v2  shop-api  orders[0]@0  12:00:00",
        "└─ OrderPlaced v2  shop-api  orders[0]@1  12:00:00",
    ]


def test_two_thousand_steps_one_below_the_other_are_a_long_tree_and_no_error() -> None:
    records = [record(f"orders[0]@{n}", f"e{n}", f"e{n - 1}" if n else "", after=n) for n in range(2_000)]
    lines = draw(*records)
    assert len(lines) == 2_001
    assert lines[-1].lstrip() == "└─ OrderPlaced v2  shop-api  orders[0]@1999  +1 ms"


def test_nothing_is_a_tree_of_one_line_and_records_without_headers_are_passed_over() -> None:
    assert draw(Record("orders", b"k", b"v")) == ["correlation r-1"]


def test_headers_that_hold_anything_are_shown_and_never_an_error() -> None:
    headers = (("ce_correlationid", b"r-1"), ("ce_time", b"\xff\xfe"), ("ce_type", None), ("ce_id", b"\xff"))
    assert draw(Record("orders", b"k", None, headers, 0, 9)) == ["correlation r-1", "└─  v?  ?  orders[0]@9"]
