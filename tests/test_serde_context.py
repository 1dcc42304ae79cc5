"""The correlation id follows the work: into tasks by itself, into threads where it is carried."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from registry import serde
from registry.serde.context import HANDLED


def test_outside_of_everything_there_is_none() -> None:
    assert serde.current_correlation() is None


def test_the_innermost_counts_and_the_outer_comes_back() -> None:
    with serde.correlation("outer"):
        with serde.correlation("inner") as inner:
            assert inner == serde.current_correlation() == "inner"
        assert serde.current_correlation() == "outer"
    assert serde.current_correlation() is None


def test_it_ends_with_an_error_too() -> None:
    with pytest.raises(KeyError), serde.correlation("request"):
        raise KeyError
    assert serde.current_correlation() is None


def test_one_manager_may_be_entered_again() -> None:
    request = serde.correlation("request")
    for _ in range(2):
        with request, request:
            assert serde.current_correlation() == "request"
    assert serde.current_correlation() is None


def test_without_an_id_one_is_made() -> None:
    with serde.correlation() as one, serde.correlation() as other:
        assert one != other
        assert str(UUID(one)) == one
        assert UUID(one).version == 4


@pytest.mark.parametrize("id", ["", 7, b"request"])
def test_an_id_is_a_text(id: object) -> None:
    with pytest.raises(serde.EnvelopeError, match="a correlation id is a text that is not empty, not"):
        serde.correlation(id)  # type: ignore[arg-type]  # that is the point


def test_the_cause_stays_when_the_correlation_changes() -> None:
    token = HANDLED.set(("request", "event-1"))
    with serde.correlation("job"):
        assert HANDLED.get() == ("job", "event-1")
    HANDLED.reset(token)


def test_tasks_inherit_it_and_keep_to_themselves() -> None:
    async def ask(id: str) -> str | None:
        with serde.correlation(id):
            await asyncio.sleep(0)
            return serde.current_correlation()

    async def run() -> list[str | None]:
        with serde.correlation("request"):
            child = asyncio.create_task(asyncio.to_thread(serde.current_correlation))
            return [*await asyncio.gather(ask("a"), ask("b")), await child, serde.current_correlation()]

    assert asyncio.run(run()) == ["a", "b", "request", "request"]


def test_a_thread_knows_nothing_and_a_bound_function_does() -> None:
    with ThreadPoolExecutor(2) as pool, serde.correlation("request"):
        assert pool.submit(serde.current_correlation).result() is None
        bound = serde.bind(serde.current_correlation)
        assert pool.submit(bound).result() == "request"
        assert list(pool.map(lambda _: bound(), range(20))) == ["request"] * 20
    assert bound() == "request"
    assert serde.current_correlation() is None


def test_a_bound_function_gives_arguments_and_results_through() -> None:
    def double(number: int, *, plus: int = 0) -> int:
        """Twice."""
        return 2 * number + plus

    bound = serde.bind(double)
    assert bound(4, plus=1) == 9
    assert (bound.__name__, bound.__doc__) == ("double", "Twice.")


def test_a_context_executor_carries_it() -> None:
    with serde.ContextExecutor(2) as pool:
        with serde.correlation("request"):
            waiting = pool.submit(serde.current_correlation)
            assert list(pool.map(lambda _: serde.current_correlation(), range(3))) == ["request"] * 3
        assert waiting.result() == "request"
        assert pool.submit(serde.current_correlation).result() is None
