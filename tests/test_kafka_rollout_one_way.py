"""A step without a way down: whoever reads version 1 alone can be served by nobody. And an owner that reads itself."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pytest
from test_serde_chains import UPGRADES, V1, V2

from registry import serde
from registry.frozen import replace
from registry.kafka import NotAdmitted
from registry.kafka.rollout.rollouts import Rollouts
from registry.rollout.facts import Facts
from registry.rollout.outcome import Exit
from registry.rollout.states import State
from tests.kafka_clusters import KIND, Cluster
from tests.kafka_orders import running, wait_for
from tests.kafka_rollout_company import HEARTBEAT, MEMBER, OWNER, Company
from tests.kafka_rollout_shop import EVENT, Kept, Shop, publish, texts

only_real = pytest.mark.skipif(KIND == "mock", reason="the mock lists no groups")
UP: Final = json.dumps({"up": UPGRADES[2]["up"], "down": "none"})
FACT: Final = rf"{EVENT}: cannot read v2 \(reads: \[1\]\): "


def one_way(*numbers: int) -> tuple[serde.BundledVersion, ...]:
    """Versions as a control record carries them; from 2 no converter leads back to 1."""
    return tuple(replace(each, upgrade=UP) if each.upgrade else each for each in texts(*numbers))


def refuse(shop: Shop, rollouts: Rollouts, group: str) -> str:
    """An instance of a build that reads version 1 alone; why it ended."""
    kept = Kept()
    subscription = shop.subscribe(rollouts, shop.bundle(1, service=rollouts.service), kept, group=group)
    with pytest.raises(NotAdmitted) as refused:
        subscription.run()
    assert kept.events == []
    assert "contracts gen" in refused.value.help
    return str(refused.value)


def test_an_old_build_that_no_converter_serves_is_refused_and_the_running_reader_goes_on(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """While version 2 is prepared, when it is written, and after a revert: its records lie there for ever."""
    shop, kept = Shop(cluster), Kept()
    with shop.rollouts() as owner, shop.rollouts("mailer") as new, shop.rollouts("mailer") as old:
        producer = shop.producer(owner, 1, 2)
        with running(shop.subscribe(new, shop.bundle(1, 2, service="mailer"), kept)):
            publish(producer, V1, shop)
            wait_for(kept.has(1))
            stages = (
                (1, {"prepare": 2}, 1, "v2 is about to be written in"),
                (1, {"stored": (1, 2)}, 2, "v2 may lie in the log"),
                (2, {"stored": (1, 2)}, 1, "v2 may lie in the log"),
            )
            for number, (epoch, more, active, why) in enumerate(stages):
                shop.publish(shop.record(epoch, active, (1, 2), versions=one_way(1, 2), **more))
                shop.wait_until(owner, lambda said, number=number: said.active == stages[number][2])
                said = refuse(shop, old, shop.group)
                assert said.startswith(f"mailer may not join {shop.group} in {shop.environment}: {EVENT}: cannot read")
                assert why in said
                assert said.endswith("; v2 declares no way back to v1 (`down: none`)")
                told = shop.wait_until(old, lambda said: said.trouble.startswith("refused to join"))
                assert (told.reads, told.served) == ((), ())
                publish(producer, V1, shop)
                wait_for(kept.has(2 + number))
                assert shop.wait_until(new, lambda said: said.reads == (1, 2)).trouble == ""
    assert [meta.version for meta in kept.metas] == [1, 1, 2, 1]
    assert set(map(repr, kept.events)) == {repr(V2)}
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


class OneWay(Company):
    """A company on a step without a way down."""

    def read_facts(self, contract: str) -> Facts:
        facts = super().read_facts(contract)
        bundled = {version.number: version for version in one_way(1, 2)}
        return replace(facts, bundled=bundled, readings={**facts.readings, (1, 2): "no: nothing leads down"})


@only_real
def test_an_old_build_holds_up_the_switch_and_after_it_is_refused_while_the_upgrade_goes_on(cluster: Cluster) -> None:
    with OneWay(cluster) as company:
        shop, billing = company.shop, company.read("billing", 1, 2)
        producer = company.own(1, 2)
        publish(producer, V1, shop)
        company.demand("start")
        with shop.rollouts("billing", instance="old-pod", period=HEARTBEAT) as old:
            settings = {**cluster.settings, **MEMBER}
            stale = shop.subscribe(
                old, shop.bundle(1, service="billing"), Kept(), group=company.group("billing"), settings=settings
            )
            with running(stale):
                wait_for(lambda: old.describe().groups != ())
                reason = company.refuse("switch", Exit.NO, "G1.2:instance/billing/old-pod")
                assert "reads v1 and cannot read v2" in reason
        company.switch()
        publish(producer, V1, shop)
        wait_for(billing.has(2))
        with shop.rollouts("billing", instance="old-pod", period=HEARTBEAT) as old:
            assert "v2 may lie in the log" in refuse(shop, old, company.group("billing"))
            publish(producer, V1, shop)
            wait_for(billing.has(3))
            shop.wait_until(old, lambda said: said.trouble.startswith("refused to join"))
            company.demand("contract")
            company.own(2)
            company.demand("retire_write")
        assert [meta.version for meta in billing.metas] == [1, 2, 2]


# An owner that reads its own event.


class Mirroring(Company):
    """The owner's process reads what it writes, as a member of a group of its own; billing reads as well."""

    def __init__(self, cluster: Cluster, *, listed: bool) -> None:
        super().__init__(cluster, readers=(OWNER, "billing"))
        self.listed = listed
        """Whether ownership.yaml names the owner among the subscribers."""
        self.billing = self.read("billing", 1, 2)

    def read_facts(self, contract: str) -> Facts:
        facts = super().read_facts(contract)
        assert facts.terms is not None
        subscribers = tuple(each for each in facts.terms.subscribers if self.listed or each.service != OWNER)
        return replace(facts, terms=replace(facts.terms, subscribers=subscribers))

    @contextmanager
    def mirroring(
        self, writes: Sequence[int], reads: Sequence[int], versions: Any = None
    ) -> Iterator[tuple[Any, Kept]]:
        """One instance of a build that does both, until the end of the block."""
        producer, kept = self.own(*writes), Kept()
        settings = {**self.cluster.settings, **MEMBER}
        bundle = self.shop.bundle(*reads, service=OWNER)
        subscription = self.shop.subscribe(self.owner, bundle, kept, group=self.group(OWNER), settings=settings)
        with running(subscription):
            wait_for(lambda: subscription.assigned != frozenset())
            yield producer, kept


@only_real
@pytest.mark.parametrize("listed", [True, False], ids=["a subscriber", "unlisted"])
def test_an_owner_that_reads_its_own_event_must_read_both_as_well(cluster: Cluster, listed: bool) -> None:
    with Mirroring(cluster, listed=listed) as company:
        company.demand("start")
        with company.mirroring((1, 2), (1,)) as (producer, kept):
            publish(producer, V1, company.shop)
            wait_for(kept.has(1))
            assert "cannot read v2" in company.refuse("switch", Exit.NO, f"G1.2:{company.owner_instance}")
        with company.mirroring((1, 2), (1, 2)) as (producer, kept):
            company.switch()
            publish(producer, V1, company.shop)
            wait_for(kept.has(1))
            wait_for(company.billing.has(2))
            assert (kept.metas[-1].version, kept.events[-1]) == (2, V2)
        publish(company.own(1, 2), V1, company.shop)
        wait_for(company.billing.has(3))
        # Its group stands before a record that it has not read, behind the barrier: nothing of version 1 is left to it.
        company.demand("contract")
        with company.mirroring((2,), (1, 2)) as (_, kept):
            wait_for(kept.has(1))
            company.demand("retire_write")
        assert company.state is State.WRITE_RETIRED


@only_real
def test_an_owner_that_has_not_read_its_own_old_records_holds_up_the_end(cluster: Cluster) -> None:
    with Mirroring(cluster, listed=False) as company:
        company.demand("start")
        with company.mirroring((1, 2), (1, 2)) as (producer, kept):
            publish(producer, V1, company.shop)
            wait_for(kept.has(1))
        producer = company.own(1, 2)
        publish(producer, V1, company.shop)  # while it does not read
        company.demand("switch")
        if company.state is State.SWITCHING:
            company.demand("converge")
        publish(producer, V1, company.shop)
        wait_for(company.billing.has(3))
        reason = company.refuse("contract", Exit.NO, f"G3.2:group/main/{company.group(OWNER)}")
        assert "partition 0 at 1 of 2, 1 offset before the barrier" in reason
        with company.mirroring((1, 2), (1, 2)) as (_, kept):
            wait_for(kept.has(2))
            company.demand("contract")
