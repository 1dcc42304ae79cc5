"""`contracts trace`: the events of one request, read from the topics of ownership.yaml."""

from pathlib import Path

import pytest

from registry.kafka.errors import MessagingError
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.scan import find_topics, read_topics
from registry.serde import Record
from tests.command import run
from tests.kafka_clusters import KIND, Cluster
from tests.repo import Repository

REQUEST = "5b0e1c9e-0000-4000-8000-000000000001"


@pytest.fixture
def topics(cluster: Cluster) -> tuple[str, str]:
    """Two topics of this test's own, of which one is owned in :func:`shop`."""
    names = cluster.topic("orders"), cluster.topic("mails")
    cluster.create(*names)
    return names


@pytest.fixture
def shop(tmp_path: Path, topics: tuple[str, str]) -> Path:
    """A repository that owns the first topic, and names one that the cluster does not have."""
    made = Repository(tmp_path / "shop")
    ownership = f"""
version: 1
teams: {{shop: {{}}}}
services: {{shop-api: {{team: shop}}}}
entities:
  Order: {{owner: shop-api, topic: {topics[0]}, key: id, events: {{shop.Placed: {{}}}}}}
  Return: {{owner: shop-api, topic: nobody.made.it, key: id, events: {{shop.Returned: {{}}}}}}
"""
    made.commit("first", {"ownership.yaml": ownership})
    return made.path


def fill(cluster: Cluster, topics: tuple[str, str]) -> None:
    with KafkaTransport(cluster.settings) as transport:
        for topic, event, event_id, cause in (
            (topics[0], "shop.OrderPlaced", "e-1", ""),
            (topics[1], "mail.Sent", "e-2", "e-1"),
            (topics[0], "shop.OrderShipped", "e-3", "e-1"),
        ):
            said = {
                "ce_type": event,
                "ce_id": event_id,
                "ce_correlationid": REQUEST,
                "ce_source": "shop-api",
                "ce_schemaversion": "1",
                "ce_time": f"2026-11-23T12:00:0{event_id[-1]}Z",
            }
            said |= {"ce_causationid": cause} if cause else {}
            headers = tuple((name, value.encode()) for name, value in said.items())
            transport.send(Record(topic, b"k", b"v", headers, partition=0))


def test_the_topics_of_the_catalog_are_searched_and_those_that_are_not_there_are_passed_over(
    cluster: Cluster, topics: tuple[str, str], shop: Path
) -> None:
    fill(cluster, topics)
    done = run(shop, "trace", REQUEST, "--broker", cluster.address)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"correlation {REQUEST}",
        f"└─ OrderPlaced v1  shop-api  {topics[0]}[0]@0  12:00:01",
        f"   └─ OrderShipped v1  shop-api  {topics[0]}[0]@1  +2000 ms",
    ]


def test_topics_that_are_named_are_searched_instead(cluster: Cluster, topics: tuple[str, str], tmp_path: Path) -> None:
    fill(cluster, topics)
    named = [word for topic in topics for word in ("--topic", topic)]
    since = ["--since", "1h"] if cluster.real else []  # the mock finds no offset by its time
    done = run(tmp_path, "trace", REQUEST, "--broker", cluster.address, *named, *since)
    assert [line.split()[1] for line in done.out.splitlines()[1:]] == ["OrderPlaced", "Sent", "OrderShipped"]


def test_a_request_that_nobody_heard_of_is_exit_1_and_says_where_it_was_looked_for(
    cluster: Cluster, topics: tuple[str, str], shop: Path
) -> None:
    done = run(shop, "trace", "r-9", "--broker", cluster.address)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"no event of r-9 in {topics[0]}\n"


def test_dead_letters_of_a_subscriber_that_no_team_lists_are_found_too(cluster: Cluster, tmp_path: Path) -> None:
    service = cluster.topic("mailer")
    cluster.create(dead_letters := f"{service}.dead-letters")
    made = Repository(tmp_path / "shop")
    events = f"{{shop.Placed: {{subscribers: [{service}]}}}}"
    made.commit("first", {"ownership.yaml": f"version: 1\nentities: {{Order: {{topic: orders, events: {events}}}}}\n"})
    done = run(made.path, "trace", "r-9", "--broker", cluster.address)
    assert (done.code, done.err) == (1, f"no event of r-9 in {dead_letters}\n")


def test_where_no_topic_is_known_nothing_was_looked_at(cluster: Cluster, tmp_path: Path) -> None:
    made = Repository(tmp_path / "shop")
    done = run(made.path, "trace", "r-9", "--broker", cluster.address)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: {cluster.address} has none of the topics that ownership.yaml names\nhelp: name some with --topic\n"
    )


def test_ownership_that_cannot_be_read_is_told_with_its_place(cluster: Cluster, tmp_path: Path) -> None:
    made = Repository(tmp_path / "shop")
    made.commit("first", {"ownership.yaml": "entities: ["})
    done = run(made.path, "trace", "r-9", "--broker", cluster.address)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ownership.yaml:2:1: this is not YAML")


@pytest.mark.parametrize("span", ["999999d", "30000d"])
def test_a_span_from_before_there_were_computers_is_from_the_beginning(
    cluster: Cluster, topics: tuple[str, str], tmp_path: Path, span: str
) -> None:
    if cluster.real:  # the mock finds no offset by its time
        fill(cluster, topics)
    named = [word for topic in topics for word in ("--topic", topic)]
    done = run(tmp_path, "trace", REQUEST, "--broker", cluster.address, *named, "--since", span)
    assert done.code == (0 if cluster.real else 1), done.err


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["--since", "yesterday"], "'yesterday' is no span of time: 30m, 6h, 2d"),
        (["-X", "sasl.username"], "'sasl.username' is no KEY=VALUE"),
        (["-X", "no.such.setting=1"], "no.such.setting"),
        # The mock has every topic that is asked for.
        *([(["--topic", "nobody.made.it"], "nobody.made.it")] if KIND != "mock" else []),
    ],
)
def test_what_cannot_be_looked_for_is_exit_2_with_the_fact(
    cluster: Cluster, tmp_path: Path, arguments: list[str], fact: str
) -> None:
    done = run(tmp_path, "trace", "r-1", "--broker", cluster.address, *arguments)
    assert (done.code, done.out) == (2, "")
    assert fact in done.err


def test_a_scan_ends_where_the_topics_end_and_commits_nothing(cluster: Cluster, topics: tuple[str, str]) -> None:
    assert list(read_topics(cluster.settings, topics)) == []
    fill(cluster, topics)
    assert [record.topic for record in read_topics(cluster.settings, topics)].count(topics[0]) == 2
    assert find_topics(cluster.settings) >= set(topics)


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.kafka.scan._FIRST_ANSWER", 0.2)
    with pytest.raises(MessagingError, match="the cluster does not answer"):
        find_topics({"bootstrap.servers": "127.0.0.1:1"})
