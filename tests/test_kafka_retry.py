"""When a record is tried again."""

import pytest

from registry.kafka.errors import SettingsError
from registry.kafka.retry import Retry, check_retry


def test_delays_double_up_to_the_longest() -> None:
    retry = Retry(first=0.1, factor=2.0, longest=1.0, jitter=0.0)
    assert [retry.delay(attempt) for attempt in (1, 2, 3, 4, 5, 6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_a_delay_after_a_year_of_failures_is_still_a_number() -> None:
    assert Retry(longest=30.0, jitter=0.0).delay(1_000_000) == 30.0
    assert Retry(factor=1.0, jitter=0.0).delay(1_000_000) == 0.1


def test_jitter_spreads_delays_around_their_length() -> None:
    delays = {Retry(first=1.0, jitter=0.1).delay(1) for _ in range(100)}
    assert len(delays) > 50
    assert all(0.9 <= delay <= 1.1 for delay in delays)


@pytest.mark.parametrize(
    ("retry", "fact"),
    [
        (Retry(attempts=0), "attempts=0: the first call is one too"),
        (Retry(first=0.0), "first=0.0: a delay of nothing would never let the others go on"),
        (Retry(first=float("nan")), "first=nan: a delay of nothing would never let the others go on"),
        (Retry(factor=0.5), "factor=0.5: delays would shrink"),
        (Retry(first=2.0, longest=1.0), "longest=1.0 is shorter than first=2.0"),
        (Retry(jitter=1.0), "jitter=1.0 is not at least 0 and less than 1"),
    ],
)
def test_numbers_that_describe_no_retry_are_refused(retry: Retry, fact: str) -> None:
    with pytest.raises(SettingsError) as raised:
        check_retry(retry)
    assert raised.value.message == f"no such retry: {fact}"


def test_what_is_given_by_default_is_a_retry() -> None:
    check_retry(Retry())
