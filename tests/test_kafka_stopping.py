"""How a subscription comes to an end: stopped, closed, by a signal, and with what no handler catches."""

import signal
from threading import Thread, get_ident

import pytest

from registry.kafka.consuming import loop
from registry.kafka.errors import MessagingError
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_orders import Orders, limit, run, wait_for
from tests.kafka_seen import Seen


def test_what_is_no_exception_ends_the_run_and_its_record_comes_again(cluster: Cluster) -> None:
    shop = Orders(cluster)

    def leave(name: str) -> None:
        if name == "b":
            raise SystemExit(3)

    seen = Seen(leave)
    shop.publish("a", "b", "c", partition=0)
    with pytest.raises(SystemExit):
        run(shop.subscribe(seen), seen.has("never"))
    assert shop.committed() == {0: 1}
    seen.also = lambda name: None
    run(shop.subscribe(seen), seen.has("a", "b", "c"))
    assert shop.dead_letters() == []


def test_a_subscription_closes_also_where_no_broker_answers(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not cluster.real:
        pytest.skip("the client lets go of the mock at once")
    monkeypatch.setattr(loop, "LEAVE", 0.2)
    shop, seen = Orders(cluster), Seen()
    shop.publish("a", partition=0)
    with shop.subscribe(seen, settings={"auto.commit.interval.ms": 600_000}) as subscription:
        subscription.run(limit(seen.has("a")))
        cluster.stop_node(1)
    assert subscription.assigned == frozenset()
    assert "could not leave the group in time" in caplog.text


def test_a_handler_cannot_close_what_runs_it_and_another_thread_stops_it_first(cluster: Cluster) -> None:
    shop = Orders(cluster)
    errors: list[MessagingError] = []

    def close(name: str) -> None:
        try:
            subscription.close()
        except MessagingError as error:
            errors.append(error)

    seen = Seen(close)
    subscription = shop.subscribe(seen)
    shop.publish("a", partition=0)
    thread = Thread(target=subscription.run)
    thread.start()
    wait_for(seen.has("a"))
    subscription.close()
    thread.join(DEADLINE)
    assert not thread.is_alive()
    assert [error.help for error in errors] == ["stop() ends it"]
    assert shop.committed() == {0: 1}


def test_stop_lets_the_record_in_hand_be_finished_and_no_other(cluster: Cluster) -> None:
    shop = Orders(cluster)
    seen = Seen(lambda name: subscription.stop())
    subscription = shop.subscribe(seen)
    shop.publish("a", "b", partition=0)
    subscription.run(limit(lambda: False))
    assert seen.names == ["a"]
    assert shop.committed() == {0: 1}
    subscription.run(limit(lambda: False))
    assert seen.names == ["a"], "once stopped, it stays so"


def test_another_thread_may_stop_it(cluster: Cluster) -> None:
    shop, seen = Orders(cluster), Seen()
    subscription = shop.subscribe(seen)
    thread = Thread(target=subscription.run)
    thread.start()
    shop.publish("a")
    wait_for(seen.has("a"))
    subscription.stop()
    subscription.stop()
    thread.join(DEADLINE)
    assert not thread.is_alive()


def test_a_signal_stops_it_and_what_was_there_before_is_put_back(cluster: Cluster) -> None:
    shop, before = Orders(cluster), signal.getsignal(signal.SIGTERM)
    seen = Seen(lambda name: signal.raise_signal(signal.SIGTERM))
    shop.publish("a", "b", partition=0)
    shop.subscribe(seen).run(limit(lambda: False), signals=(signal.SIGTERM,))
    assert seen.names == ["a"]
    assert shop.committed() == {0: 1}
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_second_signal_leaves_in_the_middle_of_a_record(cluster: Cluster) -> None:
    shop = Orders(cluster)

    def hurry(name: str) -> None:
        if name == "b":
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)

    seen = Seen(hurry)
    shop.publish("a", "b", partition=0)
    with pytest.raises(KeyboardInterrupt):
        shop.subscribe(seen).run(limit(lambda: False), signals=(signal.SIGTERM, signal.SIGINT))
    assert seen.names == ["a"]
    assert shop.committed() == {0: 1}


def test_it_runs_in_one_thread_at_a_time(cluster: Cluster) -> None:
    shop = Orders(cluster)
    threads: list[int] = []
    errors: list[str] = []

    def again(name: str) -> None:
        threads.append(get_ident())
        try:
            subscription.run()
        except MessagingError as error:
            errors.append(error.message)

    seen = Seen(again)
    subscription = shop.subscribe(seen)
    shop.publish("a")
    run(subscription, seen.has("a"))
    assert errors == ["the subscription runs already"]
    assert threads == [get_ident()]
