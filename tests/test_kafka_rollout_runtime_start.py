"""How a service under a rollout starts and ends: what it believes without a broker, a fork, asyncio, outboxes."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import serde_orders as orders
import test_serde_chains as chains

from registry import serde
from registry.frozen import replace
from registry.kafka import AsyncSubscription, NotAdmitted, SettingsError, SqliteOutbox, using
from registry.kafka.rollout.documents import parse_control, render_control
from registry.kafka.rollout.known import read_known, write_known
from registry.kafka.rollout.rollouts import Rollouts
from tests.kafka_clusters import Cluster
from tests.kafka_orders import MOCK, running, wait_for
from tests.kafka_rollout_shop import EVENT, Kept, Shop, async_consumer_of, control, publish, texts
from tests.kafka_topics import NOWHERE
from tests.serde_protobuf import make_shape, make_version

TOP = Path(__file__).resolve().parent.parent


def owner(rollouts: Rollouts, *numbers: int) -> serde.Producer[object]:
    """A producer that sends nowhere; what it encodes is looked at."""
    bundle = replace(orders.bundle(*map(chains.version, numbers), writes=numbers), key="")
    kind = type("OrderPlacedProducer", (serde.Producer,), {"bundle": classmethod(lambda cls: bundle)})
    made: serde.Producer[object] = kind(serde.InMemory(), service="shop-api", rollouts=rollouts)
    return made


def written(producer: serde.Producer[object]) -> int:
    """The version that an event is written as now."""
    return (producer.encode(chains.V2, correlation_id="request-1").value or b"")[4]


def test_it_starts_from_the_disk_where_the_control_topic_was_wiped_and_no_lower_epoch_counts(
    cluster: Cluster, tmp_path: Path
) -> None:
    shop, state = Shop(cluster), tmp_path / "kept" / "rollouts.json"
    with shop.rollouts(state=state) as rollouts:
        shop.producer(rollouts, 1, 2)
        shop.publish(shop.record(3, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
        wait_for(state.exists)
    wiped = Shop(cluster)
    kept = {each: replace(record, environment=wiped.environment) for each, record in read_known(state).items()}
    write_known(state, {f"{wiped.environment}/{EVENT}": each for each in kept.values()})
    with wiped.rollouts(state=state) as rollouts:
        producer = wiped.producer(rollouts, 1, 2)
        assert (producer.active, wiped.wait_until(rollouts, lambda said: said.epoch > 0).epoch) == (2, 3)
        wiped.publish(wiped.record(1, 1, (1, 2)))
        wiped.publish(wiped.record(4, 1, (1, 2), stored=(1, 2), versions=texts(1, 2)))
        wiped.wait_until(rollouts, lambda said: said.epoch == 4)
        assert producer.active == 1
    assert sorted(record.epoch for record in read_known(state).values()) == [3, 4]


def test_without_a_broker_it_starts_as_before_and_obeys_the_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "rollouts.json"
    record = control("production", 7, 2, (2,), stored=(1, 2), versions=texts(1, 2))
    write_known(state, {f"production/{EVENT}": record})
    nowhere: dict[str, Any] = {"settings": NOWHERE, "service": "shop-api", "environment": "production", "patience": 0.3}
    with Rollouts(state=state, **nowhere) as rollouts:
        producer = owner(rollouts, 1, 2)
        assert written(producer) == 2
        with pytest.raises(serde.VersionRetired):
            producer.activate(1)
        old = owner(rollouts, 1)
        with pytest.raises(serde.VersionRetired):
            old.encode(chains.V1, correlation_id="request-1")
    assert "no broker tells how the rollouts of shop-api stand: it goes on with what is known" in caplog.text
    with Rollouts(**nowhere) as rollouts:
        assert written(owner(rollouts, 1, 2)) == 1  # nothing is known: what the stubs say


@pytest.mark.parametrize("text", ["", "{", '{"records": [{"format": 1}, 7, {"format": 99}]}', "\x00"])
def test_a_damaged_file_is_told_and_ignored(text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = tmp_path / "rollouts.json"
    state.write_text(text)
    assert read_known(state) == {}
    assert "rollouts.json" in caplog.text
    record = control("production", 1, 1, (1,))
    write_known(state, {"production/shop.OrderPlaced": record})
    assert list(read_known(state).values()) == [record]
    assert [each.name for each in tmp_path.iterdir()] == ["rollouts.json"]


def test_what_is_kept_never_falls_behind(tmp_path: Path) -> None:
    state, key = tmp_path / "rollouts.json", f"production/{EVENT}"
    newer, older = control("production", 2, 2, (1, 2)), control("production", 1, 1, (1,))
    for record in (newer, older):
        write_known(state, {key: record})
    write_known(state, {"staging/other": replace(older, contract="other", environment="staging")})
    assert read_known(state)[key] == newer
    assert set(read_known(state)) == {key, "staging/other"}


def test_a_file_is_obeyed_and_read_again_when_it_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = tmp_path / "control.json"
    with Rollouts(service="shop-api", environment="production", source=source) as rollouts:
        producer = owner(rollouts, 1, 2)
        assert written(producer) == 1
        assert "is not there" in caplog.text
        source.write_text(render_control(control("production", 1, 2, (1, 2))))
        wait_for(lambda: written(producer) == 2)
        source.write_text("{")
        wait_for(lambda: "is no JSON" in caplog.text)
        # By hand: the environment and the format may be left out, and there may be several.
        by_hand = {"contract": EVENT, "epoch": 2, "active": 1, "writable": [1, 2]}
        elsewhere = {**by_hand, "environment": "staging", "epoch": 9, "active": 2}
        source.write_text(json.dumps({"records": [by_hand, elsewhere]}))
        wait_for(lambda: written(producer) == 1)
        lower = {**by_hand, "epoch": 1, "active": 2}
        source.write_text(json.dumps(lower))
        wait_for(lambda: "epoch 1 is ignored: epoch 2 is known" in caplog.text)
        assert written(producer) == 1


def test_a_variable_names_the_version_for_those_who_switch_by_deploying(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"service": "shop-api", "environment": "production"}
    monkeypatch.setenv("CONTRACTS_ACTIVE", f" other.Event=3, {EVENT}=2 ,")
    with Rollouts(**given) as rollouts:
        assert written(owner(rollouts, 1, 2)) == 2
        assert rollouts.describe().contracts[EVENT].epoch == 0
    # What a rollout published once comes before it.
    source = tmp_path / "control.json"
    source.write_text(render_control(control("production", 1, 1, (1, 2))))
    with Rollouts(source=source, **given) as rollouts:
        assert written(owner(rollouts, 1, 2)) == 1
    for bad in ("shop.OrderPlaced", "=2", "shop.OrderPlaced=two", "shop.OrderPlaced=0", "a=1,a=2"):
        monkeypatch.setenv("CONTRACTS_ACTIVE", bad)
        with pytest.raises(SettingsError, match="CONTRACTS_ACTIVE"):
            Rollouts(**given)


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"environment": "production"}, "the service is ''"),
        ({"service": "shop-api"}, "the environment is ''"),
        ({"service": "shop-api", "environment": "a/b"}, "the environment is 'a/b'"),
        ({"service": "shop-api", "environment": "production", "period": 0}, "period=0"),
    ],
)
def test_what_it_must_know_is_asked_for(given: dict[str, Any], fact: str) -> None:
    with pytest.raises(SettingsError, match=fact):
        Rollouts(**given)


def test_names_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SERVICE": "mailer", "ENVIRONMENT": "staging", "BUILD": "b7"}.items():
        monkeypatch.setenv(f"CONTRACTS_{name}", value)
    said = Rollouts().describe()
    assert (said.service, said.environment, said.build) == ("mailer", "staging", "b7")
    assert str(os.getpid()) in said.instance
    assert Rollouts().instance != Rollouts().instance


def test_on_asyncio_it_is_admitted_served_and_refused_alike(cluster: Cluster) -> None:
    shop, kept = Shop(cluster), Kept()
    settings = {**cluster.settings, **({} if cluster.real else MOCK)}

    async def main() -> None:
        with shop.rollouts() as owner, shop.rollouts("mailer") as mailer:
            producer = shop.producer(owner, 1, 2, active=2)
            given = {"group": shop.group, "service": "mailer", "dead_letter_topic": shop.letters, "rollouts": mailer}
            shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2)))
            consumer = async_consumer_of(shop.bundle(1, service="mailer"), kept)
            with pytest.raises(NotAdmitted, match=r"cannot read v2 \(reads: \[1\]\)"):
                await AsyncSubscription(settings, consumer, **given).run()
            shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
            subscription = AsyncSubscription(settings, consumer, **given)
            task = asyncio.create_task(subscription.run())
            await asyncio.to_thread(publish, producer, chains.V2, shop)
            async with asyncio.timeout(60):
                while not kept.events:
                    await asyncio.sleep(0.01)
            assert mailer.describe().groups == (shop.group,)
            subscription.stop()
            await task
            assert mailer.describe().groups == ()

    asyncio.run(main())
    assert kept.events == [chains.V1]


def test_protobuf_old_readers_are_served_by_converters(cluster: Cluster) -> None:
    shop, kept = Shop(cluster), Kept()
    head = 'syntax = "proto3";\npackage p;\nmessage M { string correlation_id = 1; int32 schema_version = 2;'
    upgrade = json.dumps({"up": [{"rename": {"customer": "customer_id"}}], "down": "derived"})
    plain = {
        1: make_version(f"{head} string customer = 3; }}", "p.M", 1),
        2: make_version(f"{head} string customer_id = 4; }}", "p.M", 2),
    }
    plain = {n: replace(each, guid=f"00-{n}", upgrade=upgrade if n == 2 else "") for n, each in plain.items()}

    def typed(number: int) -> serde.BundledVersion:
        loaded = serde.Serde(bundle(plain[number])).versions.schema(plain[number])
        shape = make_shape(loaded, correlation_id=("correlation_id",), schema_version=("schema_version",))
        return replace(plain[number], shape=shape, event=shape.types["p.M"])

    def bundle(*versions: serde.BundledVersion, **more: Any) -> serde.Bundle:
        made = orders.bundle(*versions, **more)
        return replace(made, event="p.M", language="protobuf", topic=shop.topic, key="")

    old, new = typed(1), typed(2)
    both = bundle(old, new, writes=(1, 2))
    kind = type("MProducer", (serde.Producer,), {"bundle": classmethod(lambda cls: both)})
    record = control(shop.environment, 1, 2, (1, 2), stored=(1, 2), versions=(plain[1], plain[2]), contract="p.M")
    shop.publish_as("p.M", parse_control(render_control(record)))
    with shop.rollouts() as owner, shop.rollouts("mailer") as mailer:
        producer = kind(shop.transport, service="shop-api", rollouts=owner)
        assert producer.active == 2
        stub = type("MConsumer", (serde.Consumer,), {"bundle": classmethod(lambda cls: bundle(old, service="mailer"))})
        handling = type("Handling", (stub,), {"on_m": lambda _, event, meta: kept(event, meta)})()
        with running(shop.subscribe_to(mailer, handling, service="mailer")):
            publish(producer, new.event(customer_id="ann"), shop)  # type: ignore[misc]  # it has a class
            wait_for(kept.has(1))
        assert mailer.describe().contracts == {}
    assert [(type(event), event.customer) for event in kept.events] == [(old.event, "ann")]


def test_what_waits_in_an_outbox_is_told_by_version_and_goes_out_as_it_was_written(
    cluster: Cluster, tmp_path: Path
) -> None:
    import sqlite3

    from registry.kafka import Relay

    shop, outbox = Shop(cluster), SqliteOutbox(tmp_path / "shop.db")
    outbox.create()
    with shop.rollouts(outboxes=[outbox]) as rollouts:
        producer = shop.producer(rollouts, 1, 2, transport=outbox)
        connection = sqlite3.connect(tmp_path / "shop.db")
        with connection, using(connection):
            producer.publish(chains.V2, correlation_id="request-1")
            producer.publish(chains.V2, correlation_id="request-1")
        said = shop.wait_until(rollouts, lambda said: said.waiting == {1: 2})
        assert (said.outbox, said.waiting_age >= 0) == ("", True)
        shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
        shop.wait_until(rollouts, lambda said: said.active == 2)
        with connection, using(connection):
            producer.publish(chains.V2, correlation_id="request-1")
        connection.close()
        shop.wait_until(rollouts, lambda said: said.waiting == {1: 2, 2: 1})
        with Relay(outbox, shop.transport) as relay:
            while relay.run_once():
                pass
        assert shop.wait_until(rollouts, lambda said: not said.waiting).active == 2
        assert shop.versions() == [1, 1, 2]
        (tmp_path / "shop.db").write_text("no database, and longer than the header of one")
        assert shop.wait_until(rollouts, lambda said: said.outbox != "").outbox.startswith("the outbox cannot be asked")


def test_an_end_without_close_says_that_the_instance_has_left(cluster: Cluster) -> None:
    shop = Shop(cluster)
    code = f"""
from registry.kafka import Rollouts
Rollouts({cluster.settings!r}, service="mailer", environment={shop.environment!r}, instance="pod-1").open()
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=TOP, timeout=120)
    first, *_, last = shop.heartbeats()["pod-1"]
    assert (first and first.service, last) == ("mailer", None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_becomes_an_instance_of_its_own_when_it_writes(cluster: Cluster) -> None:
    """As a server does that loads its code once and forks its workers: outboxes go on to work in them."""
    if not cluster.real:
        pytest.skip("the mock lives in the process that forks")
    shop = Shop(cluster)
    code = f"""
import os, sys
sys.path[:0] = [{str(TOP)!r}, {str(TOP / "tests")!r}]
from test_kafka_rollout_runtime_start import owner, written
from registry.kafka import Rollouts
from tests.kafka_orders import wait_for
rollouts = Rollouts({cluster.settings!r}, service="shop-api", environment={shop.environment!r}, instance="pod-1")
producer = owner(rollouts, 1, 2)
written(producer)
child = os.fork()
if child == 0:
    print("asked", flush=True)
    sys.stdin.readline()
    assert written(producer) == 2
    rollouts.close()
    os._exit(0)
print(child, os.waitpid(child, 0)[1], flush=True)
wait_for(lambda: producer.active == 2)
rollouts.close()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TOP
    )
    assert process.stdout and process.stdin
    assert process.stdout.readline() == "asked\n"
    shop.publish(shop.record(1, 2, (1, 2), stored=(1, 2), versions=texts(1, 2)))
    told, _ = process.communicate("go\n", timeout=120)
    child, status = told.split()
    assert (status, process.returncode) == ("0", 0)
    said = shop.heartbeats()
    assert set(said) == {"pod-1", f"pod-1-{child}"}
    assert all(each[-1] is None for each in said.values())
