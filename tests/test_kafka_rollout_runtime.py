"""A service under a rollout, on a cluster: switched, reverted and retired without a redeploy, and told to all."""

from threading import Event, Thread

import pytest
import test_serde_chains as chains

from registry import serde
from registry.frozen import replace
from registry.kafka import NotAdmitted
from tests.kafka_clusters import Cluster
from tests.kafka_orders import limit, running, wait_for
from tests.kafka_rollout_shop import EVENT, Kept, Shop, publish, texts


def test_a_producer_switches_reverts_and_refuses_without_a_redeploy(cluster: Cluster) -> None:
    shop = Shop(cluster)
    with shop.rollouts() as rollouts:
        producer = shop.producer(rollouts, 1, 2)
        publish(producer, chains.V2, shop)
        shop.publish(shop.record(1, 1, (1, 2), prepare=2, versions=texts(1, 2)))
        said = shop.wait_until(rollouts, lambda said: said.prepared)
        assert (said.active, said.epoch, said.writes, said.reads) == (1, 1, (1, 2), ())
        shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
        assert shop.wait_until(rollouts, lambda said: said.active == 2).epoch == 1
        publish(producer, chains.V2, shop)
        shop.publish(shop.record(2, 1, (1, 2), stored=(1, 2), versions=texts(1, 2)))
        assert shop.wait_until(rollouts, lambda said: said.active == 1).epoch == 2
        publish(producer, chains.V2, shop)
        shop.publish(shop.record(3, 2, (2,), stored=(1, 2), versions=texts(1, 2)))
        shop.wait_until(rollouts, lambda said: said.active == 2)
        publish(producer, chains.V1, shop)
        with pytest.raises(serde.VersionRetired, match=r"v1 may not be written in \S+ any more \(writable: \[2\]\)"):
            producer.activate(1)
        assert shop.versions() == [1, 2, 1, 2]
        assert producer.active == 2
    assert shop.heartbeats()[rollouts.instance][-1] is None


def test_a_build_that_cannot_write_what_is_active_goes_on_while_it_may_and_then_refuses(cluster: Cluster) -> None:
    shop = Shop(cluster)
    with shop.rollouts() as rollouts:
        producer = shop.producer(rollouts, 1)
        shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
        said = shop.wait_until(rollouts, lambda said: said.epoch == 1)
        assert (said.active, said.trouble) == (1, "cannot write v2, which is active (writes: [1]); goes on with v1")
        publish(producer, chains.V1, shop)
        shop.publish(shop.record(2, 2, (2,), stored=(1, 2), versions=texts(1, 2)))
        said = shop.wait_until(rollouts, lambda said: said.epoch == 2 and not said.active)
        assert said.trouble.endswith("and none of its versions may be written any more: refuses to write")
        with pytest.raises(serde.VersionRetired) as refused:
            publish(producer, chains.V1, shop)
        assert refused.value.help == "deploy a build that writes one of [2]: this one writes [1]"
        assert shop.versions() == [1]
        # A revert lets it write again.
        shop.publish(shop.record(3, 1, (1, 2), stored=(1, 2), versions=texts(1, 2)))
        shop.wait_until(rollouts, lambda said: said.active == 1)
        publish(producer, chains.V1, shop)
        assert shop.versions() == [1, 1]


def test_lower_epochs_tombstones_strangers_and_newer_formats_change_nothing(cluster: Cluster) -> None:
    shop = Shop(cluster)
    with shop.rollouts() as rollouts:
        producer = shop.producer(rollouts, 1, 2)
        good = shop.record(5, 2, (1, 2), stored=(1, 2), versions=texts(1, 2))
        shop.publish(good)
        shop.wait_until(rollouts, lambda said: said.epoch == 5)
        for bad in (shop.record(4, 1, (1,)), shop.record(5, 1, (1,), prepare=2), b'{"format": 99}', b"{", None):
            shop.publish(bad)
        shop.publish(shop.record(6, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
        shop.wait_until(rollouts, lambda said: said.epoch == 6)
        assert producer.active == 2
        assert [record.epoch for record in rollouts.records.values()] == [6]


def test_a_reader_says_so_first_then_reads_the_control_topic_and_then_joins(cluster: Cluster) -> None:
    """The order in which no reader can slip between the check of a gate and what it publishes."""
    shop, order = Shop(cluster), []
    with shop.rollouts("mailer", period=60.0) as rollouts:
        caught_up = rollouts._catch_up

        def catch_up(patience: float) -> bool:
            (said,) = [each for each in shop.heartbeats()[rollouts.instance] if each and EVENT in each.contracts]
            order.append((said.groups, said.contracts[EVENT].reads))
            return caught_up(patience)

        rollouts._catch_up = catch_up  # type: ignore[method-assign]  # watched
        subscription = shop.subscribe(rollouts, shop.bundle(1, 2, service="mailer"), Kept())
        subscription.run(lambda: order.append(("running", ())) or True)  # type: ignore[func-returns-value]  # notes it, then stops
        assert order == [((shop.group,), (1, 2)), ("running", ())]


def test_a_reader_that_lacks_a_version_may_not_join(cluster: Cluster) -> None:
    shop = Shop(cluster)
    # The texts are not there, so nobody can serve it.
    shop.publish(shop.record(1, 1, (1, 2), prepare=2, stored=(1, 2)))
    with shop.rollouts("mailer") as rollouts:
        subscription = shop.subscribe(rollouts, shop.bundle(1, service="mailer"), Kept())
        with pytest.raises(NotAdmitted) as refused:
            subscription.run()
        fact = rf"mailer may not join {shop.group} in {shop.environment}: {EVENT}: cannot read v2 (reads: [1]): v2 is"
        assert str(refused.value).startswith(fact)
        assert "contracts gen" in refused.value.help
        said = shop.wait_until(rollouts, lambda said: said.trouble.startswith("refused"))
        assert (said.reads, said.trouble[:31]) == ((), "refused to join: cannot read v2")
        # Another build in its place is let in.
        with running(shop.subscribe(rollouts, shop.bundle(1, 2, service="mailer"), Kept())):
            assert shop.wait_until(rollouts, lambda said: said.reads == (1, 2)).trouble == ""


def test_a_text_that_the_old_build_cannot_read_serves_nobody(cluster: Cluster) -> None:
    """What an instance says it can be served it has tried: here the converters are missing."""
    shop = Shop(cluster)
    bare = tuple(replace(each, upgrade="") for each in texts(1, 2))
    shop.publish(shop.record(1, 1, (1, 2), prepare=2, versions=bare))
    with shop.rollouts("mailer") as rollouts:
        fact = r"v1 does not read v2: field 'order_id' .*"
        with pytest.raises(NotAdmitted, match=rf"cannot read v2 \(reads: \[1\]\): .*; {fact}"):
            shop.subscribe(rollouts, shop.bundle(1, service="mailer"), Kept()).run()


def test_a_broker_that_goes_and_comes_back_is_followed_again(cluster: Cluster) -> None:
    shop, kept = Shop(cluster), Kept()
    with shop.rollouts() as owner:
        producer = shop.producer(owner, 1, 2)
        shop.wait_until(owner, lambda said: said.active == 1)
        cluster.stop_node()
        assert len(producer.encode(chains.V2, correlation_id="request-1").value) > 5
        cluster.start_node()
        shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
        shop.wait_until(owner, lambda said: said.active == 2)
        publish(producer, chains.V2, shop)
        assert (shop.versions(), kept.events) == ([2], [])


def test_a_running_reader_of_a_version_that_it_cannot_read_goes_on_and_says_so(cluster: Cluster) -> None:
    shop, kept = Shop(cluster), Kept()
    with shop.rollouts("mailer") as mailer, shop.rollouts() as owner:
        producer = shop.producer(owner, 1, 2)
        subscription = shop.subscribe(mailer, shop.bundle(1, service="mailer"), kept)
        with running(subscription):
            publish(producer, chains.V1, shop)
            wait_for(kept.has(1))
            shop.publish(shop.record(1, 1, (1, 2), prepare=2))
            said = shop.wait_until(mailer, lambda said: said.prepared)
            assert said.trouble.startswith("cannot read v2 (reads: [1]): v2 is about to be written")
            publish(producer, chains.V1, shop)
            wait_for(kept.has(2))
            shop.publish(shop.record(2, 1, (1, 2)))
            assert shop.wait_until(mailer, lambda said: said.epoch == 2).trouble == ""


def test_an_old_reader_is_served_through_the_texts_of_the_control_record(cluster: Cluster) -> None:
    shop, kept = Shop(cluster), Kept()
    with shop.rollouts("mailer") as mailer, shop.rollouts() as owner:
        producer = shop.producer(owner, 1, 2, 3, 4)
        # Its stubs know that there is a version 4, and that it does not read it.
        old = shop.bundle(1, service="mailer", others={4: 4})
        with running(shop.subscribe(mailer, old, kept)):
            publish(producer, chains.V1, shop)
            wait_for(kept.has(1))
            shop.publish(shop.record(1, 1, (1, 4), prepare=4, versions=texts(1, 2, 3, 4)))
            said = shop.wait_until(mailer, lambda said: said.prepared)
            assert (said.reads, said.served, said.trouble) == ((1,), (2, 3, 4), "")
            shop.publish(shop.record(1, 4, (1, 4), stored=(1, 4), versions=texts(1, 2, 3, 4)))
            shop.wait_until(owner, lambda said: said.active == 4)
            publish(producer, chains.V4, shop)
            wait_for(kept.has(2))
            assert kept.events == [chains.V1, chains.V1]
            assert [(meta.version, meta.read_as) for meta in kept.metas] == [(1, 1), (4, 1)]
            (converted,) = shop.wait_until(mailer, lambda said: said.converted != ()).converted
            assert (converted.writer, converted.reader, converted.count) == (4, 1, 1)
        assert shop.versions() == [1, 4]
    assert mailer.find(EVENT, 4) is not None


def test_a_value_that_the_old_reader_cannot_express_holds_its_partition_and_is_told(cluster: Cluster) -> None:
    shop, kept = Shop(cluster), Kept()
    record = shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2))
    shop.publish(record)
    with shop.rollouts("mailer") as mailer, shop.rollouts() as owner:
        producer = shop.producer(owner, 1, 2)
        subscription = shop.subscribe(mailer, shop.bundle(1, service="mailer"), kept)
        with running(subscription):
            publish(producer, chains.OrderV2(number="o", state=chains.StateV2.PENDING, currency="USD"), shop)
            publish(producer, chains.V2, shop)
            said = shop.wait_until(mailer, lambda said: "paused" in said.trouble)
            assert said.trouble.startswith(f"paused at {shop.topic}[0]: Inconvertible: {EVENT} v2: ")
            assert kept.events == []


def test_a_partition_that_stands_goes_on_when_the_control_record_brings_the_text(cluster: Cluster) -> None:
    shop, kept = Shop(cluster), Kept()
    from registry.kafka.retry import Retry

    with shop.rollouts("mailer") as mailer, shop.rollouts() as owner:
        producer = shop.producer(owner, 1, 2, active=2)
        quick = Retry(first=0.05, longest=0.1)
        with running(shop.subscribe(mailer, shop.bundle(1, service="mailer"), kept, pause=quick)):
            publish(producer, chains.V2, shop)
            shop.wait_until(mailer, lambda said: "paused" in said.trouble and "UnknownSchema" in said.trouble)
            shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
            wait_for(kept.has(1))
            assert kept.events == [chains.V1]
            shop.wait_until(mailer, lambda said: said.trouble == "")


def test_under_threads_that_publish_all_arrives_and_the_switch_is_told_after_the_last_old_one(cluster: Cluster) -> None:
    shop, kept, going, pause = Shop(cluster), Kept(), [True], Event()
    with shop.rollouts() as owner, shop.rollouts("mailer") as mailer:
        producer = shop.producer(owner, 1, 2)
        sent = [0, 0]

        def work(which: int) -> None:
            while going[0]:
                producer.publish(chains.V2, correlation_id="request-1")
                sent[which] += 1
                shop.transport.flush()
                pause.wait(0.002)  # the mock keeps no more than some megabytes

        threads = [Thread(target=work, args=(which,), daemon=True) for which in (0, 1)]
        with running(shop.subscribe(mailer, shop.bundle(1, service="mailer"), kept)):
            for thread in threads:
                thread.start()
            wait_for(kept.has(10))
            shop.publish(shop.record(1, 1, (1, 2), prepare=2, versions=texts(1, 2)))
            shop.wait_until(mailer, lambda said: said.prepared)
            shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
            wait_for(lambda: owner.describe().contracts[EVENT].active == 2)
            shop.transport.flush()
            before = len(shop.versions())
            wait_for(lambda: sum(sent) > before + 10)
            going[0] = False
            for thread in threads:
                thread.join()
            shop.transport.flush()
            written = shop.versions()
            wait_for(kept.has(len(written)))
        assert len(written) == sum(sent) == len(kept.events)
        assert set(written[before:]) == {2}  # one thread's last v1 may well stand behind the other's first v2


def test_several_subscriptions_share_the_rollouts_of_a_process(cluster: Cluster) -> None:
    shop, first, second = Shop(cluster), Kept(), Kept()
    other = cluster.topic("archive")
    with shop.rollouts("mailer") as rollouts:
        bundle = shop.bundle(1, 2, service="mailer")
        one = shop.subscribe(rollouts, bundle, first)
        two = shop.subscribe(rollouts, bundle, second, group=other)
        with running(one, two):
            wait_for(lambda: set(rollouts.describe().groups) == {shop.group, other})
        assert rollouts.describe().groups == ()
        with one:
            one.run(limit(lambda: rollouts.describe().groups == (shop.group,)))
        assert rollouts.describe().groups == ()
