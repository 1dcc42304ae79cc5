"""Dead letters: what they hold, and that nothing of the record is lost in them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.frozen import replace
from registry.kafka.consuming.dead_letters import (
    NAMES,
    NoDeadLetter,
    dead_letter_topic,
    parse_dead_letter,
    render_dead_letter,
)
from registry.serde.errors import DecodeError
from registry.serde.record import Record

SENT = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
RECORD = Record("shop.orders", b"o-1", b"\x00bytes", (("ce_id", b"e-1"),), 2, 1041, SENT)

BYTES = st.none() | st.binary(max_size=20)
RECORDS = st.builds(
    Record,
    topic=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20),
    key=BYTES,
    value=BYTES,
    headers=st.lists(st.tuples(st.sampled_from(["a", "ce_id", *NAMES]), BYTES), max_size=25).map(tuple),
    partition=st.integers(0, 1000),
    offset=st.integers(0, 2**62),
    timestamp=st.none() | st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC)),
)


def letter(record: Record = RECORD, error: Exception | None = None, attempts: int = 5) -> Record:
    return render_dead_letter(
        record, error or DecodeError("cut off"), attempts=attempts, service="edge-cache", group="edge"
    )


def test_a_letter_is_the_record_with_headers_that_say_where_it_was_and_why_it_is_here() -> None:
    made = letter()
    assert (made.topic, made.key, made.value) == ("edge-cache.dead-letters", RECORD.key, RECORD.value)
    assert (made.partition, made.offset, made.timestamp) == (-1, -1, None)
    said = {name: (held or b"").decode() for name, held in made.headers}
    at = datetime.fromisoformat(said.pop("dl_at"))
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    assert said == {
        "ce_id": "e-1",
        "dl_topic": "shop.orders",
        "dl_partition": "2",
        "dl_offset": "1041",
        "dl_timestamp": "2026-01-02T03:04:05.678000+00:00",
        "dl_reason": "registry.serde.errors.DecodeError",
        "dl_message": "cut off",
        "dl_attempts": "5",
        "dl_service": "edge-cache",
        "dl_group": "edge",
    }


@given(RECORDS)
def test_the_record_comes_out_of_its_letter_as_it_was(record: Record) -> None:
    assert parse_dead_letter(letter(record)).record == record


@given(RECORDS)
def test_so_it_does_where_somebody_appended_headers_of_his_own(record: Record) -> None:
    made = letter(record)
    mirrored = replace(made, headers=(*made.headers, ("mirrored", b"1")), partition=0, offset=7, timestamp=SENT)
    assert parse_dead_letter(mirrored).record == record


def test_a_letter_says_who_could_not_handle_it_and_how_often() -> None:
    found = parse_dead_letter(letter(error=ValueError("no such customer"), attempts=7))
    assert (found.reason, found.message) == ("ValueError", "no such customer")
    assert (found.attempts, found.service, found.group) == (7, "edge-cache", "edge")


def test_a_letter_is_hardly_larger_than_its_record() -> None:
    found = parse_dead_letter(letter(error=ValueError("x" * 1_000_000)))
    assert found.message == "x" * 1000


def test_a_letter_is_hardly_larger_whatever_characters_its_reason_is_of() -> None:
    held = dict(letter(error=ValueError("\ud800" * 1_000_000)).headers)["dl_message"]
    assert held is not None
    assert len(held) <= 6000


def test_an_error_whose_text_no_header_can_hold_is_written_all_the_same() -> None:
    assert parse_dead_letter(letter(error=ValueError("half \ud800"))).message == "half \\ud800"


def test_an_error_that_cannot_say_what_it_is_is_written_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise AttributeError("detail")

    assert parse_dead_letter(letter(error=Mute())).message == "no text, since its __str__ raised AttributeError"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("ce_id", b"e-1"),),
        letter().headers[:-1],
        tuple((name, b"x" if name == "dl_offset" else held) for name, held in letter().headers),
        tuple((name, b"\xff" if name == "dl_message" else held) for name, held in letter().headers),
        tuple((name, None if name == "dl_at" else held) for name, held in letter().headers),
    ],
)
def test_what_is_no_letter_is_refused(headers: tuple[tuple[str, bytes | None], ...]) -> None:
    with pytest.raises(NoDeadLetter, match=r"edge-cache.dead-letters\[0\]@3 is no dead letter"):
        parse_dead_letter(replace(letter(), headers=headers, partition=0, offset=3))


def test_each_service_has_its_own_topic() -> None:
    assert dead_letter_topic("edge-cache") == "edge-cache.dead-letters"
