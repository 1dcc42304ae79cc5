"""What git says of one contract: versions, how each reads each other one, keys, texts, and what a scan counts."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from registry.environment import Cluster, Environment
from registry.errors import InvalidSchema, RegistryError
from registry.git import open_repo
from registry.release import release
from registry.rollout.facts import Facts
from registry.rollout.lazy import Late, LateSet, Lazy
from registry.rollout.revision import Revision, read_revision
from registry.serde.bundle import Bundle, BundledVersion
from registry.serde.codecs import codec_of
from registry.serde.shape import PLAIN
from registry.serde.versions import Versions
from tests.repo import Repository

OWNERSHIP = """\
version: 1
services: {orders: {principal: "User:orders"}, billing: {}, mail: {}}
entities:
  Order:
    owner: orders
    topic: shop.orders
    key: order_id
    events:
      shop.Placed: {compatibility: NONE, subscribers: [{service: billing, reads: [1], served: true}, mail]}
      shop.Cancelled: {consumers: none}
  Payment:
    owner: billing
    key: order_id
    events:
      shop.Paid: {subscribers: [orders]}
"""
POLICY = """\
version: 1
environments:
  staging: {broker: none}
  production: {clusters: [{name: main, brokers: "kafka:9092"}], soak: 24h}
"""
PLACED, CANCELLED = "contracts/order/Placed.avsc", "contracts/order/Cancelled.avsc"
UPGRADE, PAID = "contracts/order/Placed.upgrade.yaml", "contracts/payment/paid.proto"
PROTOBUF = """\
syntax = "proto3";
package shop;
// The money is there.
message Paid { string correlation_id = 1; int32 schema_version = 2; string order_id = 3; }
"""


def avro(name: str, *fields: str) -> str:
    own = ['"correlation_id", "type": "string"', '"schema_version", "type": "int"', *fields]
    rest = ",\n  ".join(f'{{"name": {each}}}' for each in own)
    return f'{{"type": "record", "name": "{name}", "namespace": "shop", "fields": [\n  {rest}\n]}}\n'


ID, NUMBER = '"order_id", "type": "string"', '"order_id", "type": "long"'
CENTS, AMOUNT = '"cents", "type": "int"', '"amount", "type": "int"'
NOTE = '"note", "type": "string", "default": ""'


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Placed: v1, v2 with a note, v3 by converters (cents -> amount), v4 whose key is a number, by nothing at all."""
    made = Repository(tmp_path_factory.mktemp("facts") / "repository")
    made.commit(
        "one",
        {
            "ownership.yaml": OWNERSHIP,
            "contracts/policy.yaml": POLICY,
            PLACED: avro("Placed", ID, CENTS),
            CANCELLED: avro("Cancelled", ID),
            PAID: PROTOBUF,
        },
    )
    freeze(made, "shop.Placed", "shop.Cancelled", "shop.Paid")
    steps: tuple[dict[str, str | bytes | None], ...] = (
        {PLACED: avro("Placed", ID, CENTS, NOTE)},
        {PLACED: avro("Placed", ID, AMOUNT, NOTE), UPGRADE: "up: [rename: {cents: amount}]\n"},
        {PLACED: avro("Placed", NUMBER, AMOUNT, NOTE)},
        {PAID: PROTOBUF.replace("order_id = 3;", "order_id = 3; string note = 4;")},
    )
    for files in steps:
        made.write(files)
        freeze(made, "shop.Paid" if PAID in files else "shop.Placed")
    made.commit("released")
    return made


def freeze(repository: Repository, *events: str) -> None:
    done = release(repository.path, events, root="contracts", environment=os.environ, today=date(2026, 11, 23))
    assert done.report.passed, done.report


@pytest.fixture(name="revision")
def _revision(repository: Repository) -> Iterator[Revision]:
    with open_repo(repository.path) as repo:
        yield read_revision(repo, {"XDG_CACHE_HOME": os.devnull})


def facts_of(revision: Revision, event: str) -> Facts:
    return revision.read_facts(event, revision.find_environment("production"))


def test_the_facts_of_a_contract_are_those_of_the_commit(repository: Repository, revision: Revision) -> None:
    facts = facts_of(revision, "shop.Placed")
    assert facts.commit == revision.commit == repository.git("rev-parse", "HEAD")
    assert (facts.contract, facts.topic, facts.environment.soak) == ("shop.Placed", "shop.orders", 86_400.0)
    assert facts.terms is not None
    assert [(each.service, each.served) for each in facts.terms.subscribers] == [("billing", True), ("mail", False)]
    assert facts.services["orders"].principal == "User:orders"
    assert sorted(facts.versions) == [1, 2, 3, 4]
    assert len(set(facts.versions.values())) == 4
    assert facts.dead_letters == ("billing.dead-letters", "mail.dead-letters")


def test_each_version_is_read_natively_through_converters_or_not(revision: Revision) -> None:
    readings = facts_of(revision, "shop.Placed").readings
    assert len(readings) == 16
    told = {pair: readings[pair].partition(":")[0] for pair in readings}
    assert [(pair, how) for pair, how in told.items() if pair[0] != pair[1]] == [
        ((1, 2), "native"),
        ((1, 3), "converters"),
        ((1, 4), "no"),
        ((2, 1), "native"),
        ((2, 3), "converters"),
        ((2, 4), "no"),
        ((3, 1), "converters"),
        ((3, 2), "converters"),
        ((3, 4), "no"),
        ((4, 1), "no"),
        ((4, 2), "no"),
        ((4, 3), "no"),
    ]
    assert readings[3, 3] == "native"
    assert "v4 cannot read what v3 wrote" in readings[4, 1]
    assert "v3 cannot read what v4 wrote" in readings[3, 4]


def test_converters_without_a_way_back_serve_no_old_reader(tmp_path: Path) -> None:
    made = Repository(tmp_path / "repository")
    made.commit("one", {"ownership.yaml": OWNERSHIP, PLACED: avro("Placed", ID, CENTS)})
    freeze(made, "shop.Placed")
    converters = "up: [rename: {cents: amount}]\ndown: none\n"
    made.write({PLACED: avro("Placed", ID, AMOUNT), UPGRADE: converters})
    freeze(made, "shop.Placed")
    made.commit("two")
    with open_repo(made.path) as repo:
        readings = facts_of(read_revision(repo, os.environ), "shop.Placed").readings
        assert readings[2, 1] == "converters"
        assert readings[1, 2] == "no: v2 declares no way back to v1 (`down: none`)"


def test_protobuf_is_read_by_its_own_rules(revision: Revision) -> None:
    readings = facts_of(revision, "shop.Paid").readings
    assert {pair: readings[pair] for pair in readings} == dict.fromkeys([(1, 1), (1, 2), (2, 1), (2, 2)], "native")


def test_the_key_is_what_its_bytes_show(revision: Revision) -> None:
    assert dict(facts_of(revision, "shop.Placed").keys) == {1: "text", 2: "text", 3: "text", 4: "number"}
    assert dict(facts_of(revision, "shop.Paid").keys) == {1: "text", 2: "text"}


def test_a_key_that_converters_rename_is_the_same_key(tmp_path: Path) -> None:
    """ownership.yaml names the field as the newest version has it; what is another value is another key."""
    made = Repository(tmp_path / "repository")
    made.commit("one", {"ownership.yaml": OWNERSHIP, PLACED: avro("Placed", ID, CENTS)})
    freeze(made, "shop.Placed")
    renamed = ID.replace("order_id", "id")
    owners = OWNERSHIP.replace("key: order_id", "key: id")
    steps: tuple[dict[str, str | bytes | None], ...] = (
        {PLACED: avro("Placed", renamed, CENTS), UPGRADE: "up: [rename: {order_id: id}]\n", "ownership.yaml": owners},
        {PLACED: avro("Placed", renamed, CENTS, NOTE), UPGRADE: None},
    )
    for files in steps:
        made.write(files)
        freeze(made, "shop.Placed")
    made.commit("three")
    with open_repo(made.path) as repo:
        assert dict(facts_of(read_revision(repo, os.environ), "shop.Placed").keys) == dict.fromkeys((1, 2, 3), "text")
    made.commit("named as it was", {"ownership.yaml": OWNERSHIP})
    with open_repo(made.path) as repo:
        assert dict(facts_of(read_revision(repo, os.environ), "shop.Placed").keys) == dict.fromkeys((1, 2, 3), "text")


def test_a_key_whose_value_converters_change_is_another_key(tmp_path: Path) -> None:
    made = Repository(tmp_path / "repository")
    made.commit("one", {"ownership.yaml": OWNERSHIP, PLACED: avro("Placed", ID, CENTS)})
    freeze(made, "shop.Placed")
    converters = "up: [scale: {field: cents, to: amount, by: 10}]\ndown: none\n"
    made.write({PLACED: avro("Placed", ID, AMOUNT), UPGRADE: converters})
    freeze(made, "shop.Placed")
    made.write({PLACED: avro("Placed", ID, AMOUNT, NOTE), UPGRADE: None})
    freeze(made, "shop.Placed")
    made.commit("keyed by it", {"ownership.yaml": OWNERSHIP.replace("key: order_id", "key: amount", 1)})
    with open_repo(made.path) as repo:
        keys = facts_of(read_revision(repo, os.environ), "shop.Placed").keys
        assert dict(keys) == {1: "number", 2: "number, changed by scale in v2", 3: "number, changed by scale in v2"}


def test_a_bundled_version_reads_what_a_build_without_it_could_not(revision: Revision) -> None:
    """The texts of the control record are enough: an old build reads a newer version through them."""
    for event, value in (
        ("shop.Placed", {"correlation_id": "c", "schema_version": 3, "order_id": "7", "amount": 4, "note": ""}),
        ("shop.Paid", None),
    ):
        bundled = facts_of(revision, event).bundled
        language = "avro" if event == "shop.Placed" else "protobuf"
        versions = Versions(_bundle(event, language, tuple(bundled.values())))
        assert len(bundled) == len(versions.by_number)
        codec = codec_of(language)
        for number in bundled:
            assert codec.load(bundled[number], event)
        if value is not None:
            data = codec.compile_encoder(codec.load(bundled[3], event), PLAIN)(value, b"", None)
            read = versions.compile_reader(bundled[1], bundled[3], PLAIN)(data, 0, None)
            assert read["cents"] == 4


def _bundle(event: str, language: str, versions: tuple[BundledVersion, ...]) -> Bundle:
    numbers = tuple(version.number for version in versions)
    return Bundle(event, language, "billing", "orders", "", "", "", versions, reads=numbers, writes=())


def test_protobuf_comes_without_comments_in_its_descriptors(revision: Revision) -> None:
    bundled = facts_of(revision, "shop.Paid").bundled[1]
    assert b"The money is there" not in bundled.descriptors
    assert "The money is there" in bundled.files[bundled.root]


def test_a_scan_counts_the_contract_and_knows_its_siblings(revision: Revision) -> None:
    wanted = facts_of(revision, "shop.Placed").wanted
    placed, cancelled = revision.contracts["shop.Placed"].versions, revision.contracts["shop.Cancelled"].versions
    named = {key: version.number for version in placed for key in (version.schema_id, version.guid.lower())}
    crcs = {key: number for key, number in wanted.numbers.items() if isinstance(key, str) and len(key) == 16}
    assert sorted(crcs.values()) == [1, 2, 3, 4]
    assert dict(wanted.numbers) == named | crcs
    assert {cancelled[0].schema_id, cancelled[0].guid.lower()} < set(wanted.siblings)
    assert len(wanted.siblings) == 3
    assert set(facts_of(revision, "shop.Paid").wanted.siblings) == set()


def test_the_name_of_a_single_object_that_two_versions_share_names_none(repository: Repository, tmp_path: Path) -> None:
    clone = repository.clone(tmp_path / "clone")
    clone.write({CANCELLED: avro("Cancelled", ID.replace('"type"', '"default": "", "type"'))})
    freeze(clone, "shop.Cancelled")
    clone.commit("only a default")
    with open_repo(clone.path) as repo:
        numbers = dict(facts_of(read_revision(repo, os.environ), "shop.Cancelled").wanted.numbers)
    assert sorted(numbers.values()) == [1, 1, 2, 2]


def test_who_writes_or_reads_anything_of_the_topic_is_a_party(revision: Revision) -> None:
    assert facts_of(revision, "shop.Cancelled").parties == {"orders", "billing", "mail"}
    assert facts_of(revision, "shop.Paid").parties == {"orders", "billing"}


def test_a_retired_version_is_no_version_and_its_records_are_still_counted(
    repository: Repository, tmp_path: Path
) -> None:
    clone = repository.clone(tmp_path / "clone")
    clone.commit("retired", {"ownership.yaml": OWNERSHIP.replace("NONE,", "NONE, retired: [1],")})
    with open_repo(clone.path) as repo:
        facts = facts_of(read_revision(repo, os.environ), "shop.Placed")
    assert sorted(facts.versions) == [2, 3, 4]
    assert set(facts.wanted.numbers.values()) == {1, 2, 3, 4}
    assert (1, 2) not in facts.readings


@pytest.mark.parametrize("name", [UPGRADE.rpartition("/")[2], "Placed.avsc", "version.yaml"])
def test_an_edit_of_anything_in_a_version_shows_in_its_fingerprint(
    repository: Repository, tmp_path: Path, name: str
) -> None:
    clone = repository.clone(tmp_path / "clone")
    folder = clone.path / "contracts/versions/shop.Placed/3"
    path = next(folder.rglob("upgrade.yaml" if name.endswith(".upgrade.yaml") else name))
    text = path.read_text()
    path.write_text(
        text.replace("schema_id: ", "schema_id: 1") if name == "version.yaml" else text.replace("cents", "cent") + "\n"
    )
    with open_repo(clone.path) as repo:
        before = facts_of(read_revision(repo, os.environ), "shop.Placed").versions
        assert facts_of(read_revision(repo, os.environ), "shop.Placed").versions == before  # what is not committed
        clone.commit("edited")
    with open_repo(clone.path) as repo:
        after = facts_of(read_revision(repo, os.environ), "shop.Placed").versions
    assert [number for number in before if before[number] != after[number]] == [3]


def test_a_damaged_version_is_an_error_with_the_way_out(repository: Repository, tmp_path: Path) -> None:
    clone = repository.clone(tmp_path / "clone")
    clone.commit("damaged", {"contracts/versions/shop.Placed/3/version.yaml": "event: shop.Placed\n"})
    with open_repo(clone.path) as repo:
        revision = read_revision(repo, os.environ)
        with pytest.raises(InvalidSchema, match=r"3/version\.yaml.*has no version") as caught:
            facts_of(revision, "shop.Placed")
        assert caught.value.help.startswith("restore contracts/versions/shop.Placed/3 from git")
        assert facts_of(revision, "shop.Paid").versions


def test_events_go_by_their_short_names_too(revision: Revision) -> None:
    assert revision.find_event("Placed") == revision.find_event("shop.Placed") == "shop.Placed"
    with pytest.raises(RegistryError, match="Plced is no event") as caught:
        revision.find_event("Plced")
    assert caught.value.help == "did you mean 'Placed'?"


def test_an_environment_is_as_declared_and_otherwise_has_the_defaults(revision: Revision) -> None:
    assert revision.find_environment("staging", "localhost:9092") == Environment("staging", brokerless=True)
    declared = revision.find_environment("production", "localhost:9092")
    assert declared.clusters == (Cluster("main", "kafka:9092"),)
    assert revision.find_environment("demo") == Environment("demo")
    assert revision.find_environment("demo", "localhost:9092").clusters == (Cluster("main", "localhost:9092"),)


@pytest.mark.parametrize(
    ("name", "fact", "help_"),
    [
        (
            "prodution",
            "prodution is no environment of contracts/policy.yaml",
            "did you mean 'production'? Otherwise declare it: `environments: {prodution: {}}`",
        ),
        ("eu/west", "'eu/west' cannot be an environment", "letters, digits, '.', '_' and '-': production"),
        ("..", "'..' cannot be an environment", "letters, digits, '.', '_' and '-': production"),
        ("", "'' cannot be an environment", "letters, digits, '.', '_' and '-': production"),
    ],
)
def test_a_slip_in_an_environments_name_is_refused(revision: Revision, name: str, fact: str, help_: str) -> None:
    with pytest.raises(RegistryError) as caught:
        revision.find_environment(name)
    assert (caught.value.message, caught.value.help) == (fact, help_)


def test_a_repository_without_ownership_and_a_flawed_one_cannot_be_read(tmp_path: Path) -> None:
    made = Repository(tmp_path / "repository")
    made.commit("nothing")
    with open_repo(made.path) as repo, pytest.raises(RegistryError, match=r"there is no ownership\.yaml in HEAD"):
        read_revision(repo, os.environ)
    made.commit("flawed", {"ownership.yaml": "version: 1\nentitys: {}\n"})
    with open_repo(made.path) as repo, pytest.raises(InvalidSchema, match=r"ownership\.yaml:2:1"):
        read_revision(repo, os.environ)


def test_what_is_lazy_is_made_once_and_only_when_asked() -> None:
    made: list[int] = []

    def make(key: int) -> str:
        made.append(key)
        return str(key)

    lazy = Lazy((1, 2), make)
    assert (1 in lazy, 3 in lazy, len(lazy), made) == (True, False, 2, [])
    assert (lazy[2], lazy[2], lazy.get(3, "none"), made) == ("2", "2", "none", [2])
    assert dict(lazy) == {1: "1", 2: "2"}
    late = Late(lambda: {key: make(key) for key in (3, 4)})
    few = LateSet(lambda: {int(make(5))})
    assert made == [2, 1]
    assert (late[3], len(late), 5 in few, len(few), made) == ("3", 2, True, 1, [2, 1, 3, 4, 5])
    assert made == [2, 1, 3, 4, 5]
