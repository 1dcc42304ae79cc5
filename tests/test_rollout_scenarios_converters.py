"""Converters where they matter: in a log of several versions, in dead letters, in chains, and when they are bad."""

import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import serde
from registry.frozen import replace
from registry.kafka.consuming.dead_letters import parse_dead_letter
from registry.kafka.consuming.redrive import Redriven, redrive
from registry.kafka.consuming.subscription import Subscription
from registry.kafka.errors import Reject
from registry.kafka.inbox.memory import MemoryInbox
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.scan import read_topics
from tests import laws_orders
from tests.command import run as command
from tests.examples_settings import settings
from tests.kafka_clusters import Cluster
from tests.kafka_orders import MOCK, run
from tests.released import OWNERSHIP, PLACED, freeze
from tests.repo import Repository
from tests.rollout_versions import (
    ALL,
    CLASSES,
    Newer,
    OrderV1,
    OrderV2,
    OrderV5,
    State,
    StateV1,
    bundle,
    consumer_of,
    encode,
    spell,
    version,
)

# S14: a replay of every version


def make_history(seed: int) -> tuple[list[serde.Record], dict[str, Any]]:
    """A log in which every order was written by any version at any time, and the state that it means."""
    random = Random(seed)
    log: list[serde.Record] = []
    golden: dict[str, Any] = {}
    for _ in range(300):
        order_id = f"o-{random.randrange(20)}"
        if random.random() < 0.1:
            log.append(serde.Record("shop.orders", order_id.encode(), None))
            golden.pop(order_id, None)
            continue
        number = random.choice(list(CLASSES))
        done, cents, note = random.random() < 0.5, random.randrange(10**6), random.choice(["", "gift"])
        log.append(encode(spell(order_id, done=done, cents=cents, note=note, number=number), number))
        # What a version cannot say is as if nobody had said it.
        golden[order_id] = spell(order_id, done=done, cents=cents, note=note if number > 2 else "", number=5)
    return log, golden


@pytest.mark.parametrize("seed", range(5))
def test_s14_a_replay_of_five_versions_builds_the_golden_state(seed: int) -> None:
    log, golden = make_history(seed)
    transport, orders = serde.InMemory(), consumer_of(ALL)
    subscription = transport.subscribe(orders, service="shop-api")
    for record in log:
        transport.send(record)
    transport.deliver()
    assert orders.state == golden and len(golden) > 10
    orders.state.clear()
    subscription.replay()
    transport.deliver()
    assert orders.state == golden, "the second time as the first"


# S15: a dead letter of the old version


def test_s15_a_dead_letter_of_the_old_version_is_redriven_converted_and_handled_once(cluster: Cluster) -> None:
    topic, letters, group = cluster.topic("shop.orders"), cluster.topic("shop-api.dead-letters"), cluster.topic("group")
    cluster.create(topic, letters, partitions=1)
    transport = KafkaTransport(cluster.settings)
    transport.send(encode(spell("a", done=True, cents=1999, note="", number=1), 1, topic, 0))
    transport.flush()
    given_settings = {**cluster.settings, **({} if cluster.real else MOCK)}

    old = consumer_of(bundle(version(1), topic=topic))
    old.on_order_placed = refuse
    options = {"group": group, "service": "shop-api"}
    subscription = Subscription(given_settings, old, dead_letter_topic=letters, **options)
    run(subscription, lambda: len(list(read_topics(cluster.settings, [letters]))) == 1)
    (letter,) = read_topics(cluster.settings, [letters])
    assert parse_dead_letter(letter).record.value == next(iter(read_topics(cluster.settings, [topic]))).value

    new, inbox = consumer_of(replace(ALL, topic=topic)), MemoryInbox()
    assert redrive(given_settings, new, topic=letters, inbox=inbox, **options) == Redriven(1, 0, 0, 0)
    ((event, meta),) = new.seen
    assert event == OrderV5(order_id="a", state=State.COMPLETED, amount=Decimal("19.99"), currency="EUR", remarks=("",))
    assert (meta.version, meta.event_id, meta.topic) == (1, "event of a", topic)

    assert redrive(given_settings, new, topic=letters, inbox=inbox, **options) == Redriven(0, 0, 0, 0)
    transport.send(encode(spell("a", done=True, cents=1999, note="", number=1), 1, topic, 0))
    transport.send(encode(spell("b", done=True, cents=1, note="", number=2), 2, topic, 0))
    transport.flush()
    again = Subscription(given_settings, new, dead_letter_topic=letters, inbox=inbox, **options)
    run(again, lambda: len(new.seen) == 2)
    assert [each.order_id for each, _ in new.seen] == ["a", "b"], "handled once, also where it comes again"


def refuse(event: OrderV1, meta: serde.Meta) -> None:
    raise Reject("never")


# S16: what the old version cannot express


DOLLARS = OrderV2(order_id="usd", state=State.PENDING, amount=Decimal("5.00"), currency="USD")
LOST = OrderV2(order_id="lost", state=State.LOST, amount=Decimal("5.00"), currency="EUR")


def find_held(paused: dict[tuple[str, int], serde.SerdeError]) -> dict[int, str]:
    """The paths of what is held, by partition."""
    held: dict[int, str] = {}
    for (_, partition), error in paused.items():
        assert isinstance(error, serde.Unrepresentable)
        held[partition] = error.path
    return held


def test_s16_a_record_that_the_old_version_cannot_express_holds_its_partition_and_no_other() -> None:
    transport, old = serde.InMemory(partitions=3), consumer_of(bundle(version(1)))
    subscription = transport.subscribe(old, service="shop-api", fallback=Newer(), unknown="pause")
    for partition, event in ((0, DOLLARS), (1, LOST)):
        transport.send(encode(event, 2, partition=partition))
    for partition in (0, 1, 2):
        order = spell(f"eur-{partition}", done=False, cents=100, note="", number=2)
        transport.send(encode(order, 2, partition=partition))
    transport.deliver()
    assert find_held(subscription.paused) == {0: "/currency", 1: "/state"}
    assert old.state == {"eur-2": OrderV1(order_id="eur-2", state=StateV1.OPEN, cents=100)}, "nothing is invented"
    assert transport.deliver() == 0 and find_held(subscription.paused) == {0: "/currency", 1: "/state"}
    assert {place: subscription.offsets.get(("shop.orders", place), 0) for place in range(3)} == {0: 0, 1: 0, 2: 1}

    new = consumer_of(bundle(version(1), version(2)))
    upgraded = transport.subscribe(new, service="shop-api")
    upgraded.offsets.update(subscription.offsets)
    transport.deliver()
    assert sorted(new.state) == ["eur-0", "eur-1", "lost", "usd"], "nothing was skipped"


def test_s16_the_same_on_a_broker(cluster: Cluster) -> None:
    topic, letters, group = cluster.topic("shop.orders"), cluster.topic("shop-api.dead-letters"), cluster.topic("group")
    cluster.create(topic, letters, partitions=2)
    transport = KafkaTransport(cluster.settings)
    transport.send(encode(DOLLARS, 2, topic, 0))
    for partition in (0, 1):
        order = spell(f"eur-{partition}", done=False, cents=100, note="", number=2)
        transport.send(encode(order, 2, topic, partition))
    transport.flush()
    given_settings = {**cluster.settings, **({} if cluster.real else MOCK)}
    options = {"group": group, "service": "shop-api", "dead_letter_topic": letters}
    old = consumer_of(bundle(version(1), topic=topic))
    subscription = Subscription(given_settings, old, fallback=Newer(), **options)
    run(subscription, lambda: bool(subscription.paused) and len(old.seen) == 1)
    assert list(old.state) == ["eur-1"]
    assert list(read_topics(cluster.settings, [letters])) == [], "held, and not put aside"

    new = consumer_of(bundle(version(1), version(2), topic=topic))
    run(Subscription(given_settings, new, **options), lambda: len(new.seen) == 2)
    assert [event.order_id for event, _ in new.seen] == ["usd", "eur-0"], "from where the old build stood"


# S17: a bad converter


CROOKED = f"""{laws_orders.UP}\
down:
  - rename: {{customer_id: customer}}
  - enum:   {{field: status, map: {{PENDING: OPEN, COMPLETED: DONE, LOST: DONE}}}}
  - scale:  {{field: amount, to: amount_cents, by: 10, from: decimal, as: int}}
  - drop:   {{field: currency, value: EUR}}
loss: {{down: [{{field: status}}, {{field: amount}}]}}
"""
UPGRADE = "contracts/order/Placed.upgrade.yaml"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """One version of an order, and a breaking head with converters whose way down has a wrong factor."""
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    made = Repository(tmp_path / "repository")
    kept = OWNERSHIP.replace("{service: billing, reads: [1, 2]}", "billing").partition("  Payment:")[0]
    ownership = kept.replace("      shop.Cancelled: {}\n", "").replace("key: order_id", "key: correlation_id")
    made.write({"ownership.yaml": ownership, "CODEOWNERS": "* @shop/sales\n", PLACED: laws_orders.ONE})
    freeze(made, "shop.Placed")
    made.commit("one", {})
    made.write({PLACED: laws_orders.TWO, UPGRADE: CROOKED})
    return made


@pytest.mark.parametrize("verb", ["check", "release", "upgrade test shop.Placed"])
def test_s17_ci_names_the_law_and_the_smallest_counterexample(repository: Repository, verb: str) -> None:
    done = command(repository.path, *verb.split())
    assert done.code == 1
    assert f"{UPGRADE}:4:14" in done.out, "the operation that names the amount"
    fact = "an event of v1 does not come back from v2 as it was: 10 comes back as 1 at /amount_cents"
    alternative = fact.replace("10 comes back as 1 ", "1 comes back as 0 ")
    assert fact in done.out or alternative in done.out
    assert "back" in done.out and '"customer": "", "status": ' in done.out
    assert not (repository.path / "contracts/versions/shop.Placed/2").exists()


def test_s17_the_repaired_converter_is_released(repository: Repository) -> None:
    repository.write({UPGRADE: CROOKED.replace("by: 10,", "by: 100,").replace(", {field: amount}", "")})
    assert command(repository.path, "release").code == 0
    assert (repository.path / "contracts/versions/shop.Placed/2/upgrade.yaml").exists()


BAD_AT_RUN_TIME = {
    "makes what is no event of its version": '{"up": [{"set": {"field": "currency", "value": "EUR"}}]}',
    "names a field that is not there": '{"up": [{"rename": {"sents": "amount"}}]}',
    "makes another type": '{"up": [{"rename": {"cents": "amount"}}, {"set": {"field": "currency", "value": 5}}]}',
    "drops what it should keep": '{"up": [{"drop": {"field": "order_id", "value": "a"}}]}',
}


@pytest.mark.parametrize("upgrade", BAD_AT_RUN_TIME.values(), ids=BAD_AT_RUN_TIME)
def test_s17_at_run_time_it_is_an_error_and_never_the_unconverted_record(upgrade: str) -> None:
    transport, orders = serde.InMemory(partitions=1), consumer_of(bundle(version(1), version(2, upgrade=upgrade)))
    subscription = transport.subscribe(orders, service="shop-api", unknown="pause")
    transport.send(encode(spell("a", done=True, cents=1, note="", number=1), 1))
    transport.send(encode(spell("b", done=True, cents=1, note="", number=2), 2))
    assert transport.deliver() == 0
    (error,) = subscription.paused.values()
    assert isinstance(error, serde.Unrepresentable)
    assert orders.seen == [], "neither it nor what comes behind it"


def test_s17_a_converter_that_falls_over_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """No operation does; if one did, the handler would still see nothing."""
    from registry.serde.conversion.conversion import Conversion

    def fall(self: Conversion, event: Any) -> Any:
        raise ZeroDivisionError("a slip of ours")

    monkeypatch.setattr(Conversion, "up", fall)
    transport, orders = serde.InMemory(partitions=1), consumer_of(ALL)
    transport.subscribe(orders, service="shop-api")
    transport.send(encode(spell("a", done=True, cents=1, note="", number=1), 1))
    with pytest.raises(ZeroDivisionError):
        transport.deliver()
    assert orders.seen == []


# S18: chains


ORDERS = st.builds(
    spell,
    st.text(max_size=5),
    done=st.booleans(),
    cents=st.integers(-(2**63), 2**63 - 1),
    note=st.text(max_size=5),
    number=st.just(1),
)


READER = serde.Serde(ALL)


def read(record: serde.Record, as_: int, reader: serde.Serde = READER) -> Any:
    assert record.value is not None
    return reader.decode(record.value, record.headers, read_as=as_)[0]


@settings()
@given(ORDERS, st.sampled_from([(1, 5), (1, 4), (1, 3), (2, 5), (3, 5)]))
def test_s18_the_composed_path_is_what_its_steps_are(order: OrderV1, ends: tuple[int, int]) -> None:
    first, last = ends
    start = read(encode(order, 1), first)
    at_once = read(encode(start, first), last)
    stepwise = start
    for number in range(first, last):
        stepwise = read(encode(stepwise, number), number + 1)
    assert at_once == stepwise
    down = read(encode(at_once, last), first)
    assert down == start, "and all the way back"


@pytest.mark.parametrize("reads", [(1, 3), (1, 4), (1, 5), (2, 5)])
def test_s18_a_consumer_jumps_over_versions_that_it_never_knew(reads: tuple[int, int]) -> None:
    """Its stubs carry the versions between as texts, because the converters pass through them."""
    old, new = reads
    between = [version(number, plain=number not in reads) for number in range(old, new + 1)]
    reader, order = serde.Serde(bundle(*between, reads=reads)), spell("a", done=True, cents=1999, note="", number=old)
    assert read(encode(order, old), new, reader) == spell("a", done=True, cents=1999, note="", number=new)
    skipped = encode(spell("a", done=True, cents=1, note="", number=new - 1), new - 1)
    with pytest.raises(serde.UnknownSchema, match="does not read"):
        read(skipped, new, reader)


@pytest.mark.parametrize("written", [True, False], ids=["some of its records lie in the log", "it was never written"])
def test_s18_an_abandoned_version_in_the_middle_is_passed_through(written: bool) -> None:
    """Version 3 was switched back and abandoned; 4 is converted from it all the same."""
    transport, orders = serde.InMemory(partitions=1), consumer_of(ALL)
    transport.subscribe(orders, service="shop-api")
    numbers = [1, 2, 3, 2, 4, 5] if written else [1, 2, 2, 4, 5]
    for index, number in enumerate(numbers):
        order = spell(f"o-{index}", done=False, cents=index, note="", number=number)
        transport.send(encode(order, number))
    transport.deliver()
    assert list(orders.state.values()) == [
        spell(f"o-{index}", done=False, cents=index, note="", number=5) for index in range(len(numbers))
    ]


def test_s18_a_chain_that_lacks_a_step_is_an_error_and_no_guess() -> None:
    reader = serde.Serde(bundle(version(1), version(5)))
    with pytest.raises(serde.UnknownSchema, match="v5 is converted from v4, which the stubs do not carry"):
        read(encode(spell("a", done=True, cents=1, note="", number=1), 1), 5, reader)


def test_time_and_ids_are_the_same_whichever_version_is_read() -> None:
    record = encode(spell("a", done=True, cents=1, note="", number=1), 1)
    assert record.value is not None
    for number in CLASSES:
        _, meta = READER.decode(record.value, record.headers, read_as=number)
        assert (meta.correlation_id, meta.event_id, meta.version) == ("request-1", "event of a", 1)
        assert meta.occurred_at == datetime(2026, 11, 23, tzinfo=UTC)
