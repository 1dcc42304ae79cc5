"""Who may read and write a topic: ACLs of all three kinds, denials, what no ACL shows, and who may not look."""

from collections.abc import Callable, Iterator
from time import monotonic

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from registry.brokers import apache
from registry.rollout.errors import BrokerUnavailable
from registry.rollout.evidence import Access
from registry.rollout.kafka.access import Rule, find_allowed
from tests.kafka_clusters import DEADLINE, KIND, Cluster
from tests.rollout_kafka import asked

only_real = pytest.mark.skipif(KIND == "mock", reason="the mock has no ACLs")
AUTHORIZER = {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer"}
READ, WRITE, ALL, DESCRIBE = AclOperation.READ, AclOperation.WRITE, AclOperation.ALL, AclOperation.DESCRIBE
ALLOW, DENY = AclPermissionType.ALLOW, AclPermissionType.DENY
LITERAL, PREFIXED = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED


@pytest.fixture(scope="module")
def guarded() -> Iterator[Cluster]:
    """A node of its own with an authorizer; whoever does not say his name may do everything."""
    broker = apache.start(extra={**AUTHORIZER, "super.users": "User:ANONYMOUS;User:admin"})
    try:
        yield Cluster(broker, "apache")
    finally:
        broker.close()


def allow(
    cluster: Cluster,
    name: str,
    principal: str,
    operation: AclOperation,
    kind: AclPermissionType = ALLOW,
    pattern: ResourcePatternType = LITERAL,
    resource: ResourceType = ResourceType.TOPIC,
    host: str = "*",
) -> None:
    admin = AdminClient(cluster.settings)
    rule = AclBinding(resource, name, pattern, principal, host, operation, kind)
    for future in admin.create_acls([rule]).values():
        future.result()


def read(cluster: Cluster, topic: str, readers: set[str], writers: set[str]) -> Access:
    """The access, when the broker has heard of what was allowed: it learns that in its own time."""
    deadline = monotonic() + DEADLINE
    while (found := asked(cluster).read_access(topic)) and (found.readers, found.writers) != (readers, writers):
        assert monotonic() < deadline, found
    return found


@only_real
def test_rules_of_the_topic_of_a_prefix_and_of_all_topics(guarded: Cluster) -> None:
    topic = guarded.topic("shop.orders")
    guarded.create(topic)
    allow(guarded, topic, "User:edge", READ)
    allow(guarded, topic, "User:shop", WRITE)
    allow(guarded, topic, "User:looker", DESCRIBE)
    allow(guarded, "shop.orders", "User:mirror", READ, pattern=PREFIXED)
    allow(guarded, "shop.refunds", "User:other", READ, pattern=PREFIXED)
    allow(guarded, "*", "User:ops", ALL)
    found = read(guarded, topic, {"User:edge", "User:mirror", "User:ops"}, {"User:shop", "User:ops"})
    assert not found.unlisted
    # Kafka takes both settings for secrets, and tells neither.
    assert (found.super_users, found.everyone) == (None, None)

    allow(guarded, topic, "User:mirror", READ, DENY)
    read(guarded, topic, {"User:edge", "User:ops"}, {"User:shop", "User:ops"})


@only_real
def test_a_topic_that_nobody_was_allowed_anything(guarded: Cluster) -> None:
    admin = AdminClient(guarded.settings)
    every = AclBindingFilter(
        ResourceType.TOPIC, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    for future in admin.delete_acls([every]).values():
        future.result()
    assert read(guarded, "quiet.topic", set(), set()) == Access()


def rule(principal: str, operation: str = "READ", host: str = "*", allows: bool = True) -> Rule:
    return Rule(principal, host, operation, allows)


@pytest.mark.parametrize(
    ("denied", "left"),
    [
        (rule("User:a", allows=False), {"User:b", "User:*"}),
        (rule("User:a", "ALL", allows=False), {"User:b", "User:*"}),
        (rule("User:*", allows=False), set()),
        (rule("User:a", "WRITE", allows=False), {"User:a", "User:b", "User:*"}),
        (rule("User:a", "DESCRIBE", allows=False), {"User:a", "User:b", "User:*"}),
        (rule("User:a", host="10.0.0.1", allows=False), {"User:a", "User:b", "User:*"}),
        (rule("User:b", host="10.0.0.1", allows=False), {"User:a", "User:*"}),
    ],
)
def test_a_denial_wins_where_it_takes_back_all_that_was_allowed(denied: Rule, left: set[str]) -> None:
    allowed = [rule("User:a"), rule("User:b", host="10.0.0.1"), rule("User:*", "ALL"), rule("User:c", "WRITE")]
    assert find_allowed([*allowed, denied], "READ") == left


@only_real
def test_a_cluster_without_an_authorizer_proves_nothing(cluster: Cluster) -> None:
    assert asked(cluster).read_access("shop.orders") == Access(unlisted="the cluster has no authorizer")


@only_real
def test_who_may_not_look_is_told_so_and_not_that_there_is_nothing() -> None:
    broker = apache.start(extra={**AUTHORIZER, "allow.everyone.if.no.acl.found": "true"})
    try:
        cluster = Cluster(broker, "apache")
        topic = cluster.topic("shop.orders")
        cluster.create(topic)
        allow(cluster, "kafka-cluster", "User:*", ALL, resource=ResourceType.BROKER)
        allow(cluster, topic, "User:hidden", READ)
        allow(cluster, "kafka-cluster", "User:ANONYMOUS", DESCRIBE, DENY, resource=ResourceType.BROKER)
        deadline = monotonic() + DEADLINE
        while not refused(lambda: asked(cluster).read_access(topic)):
            assert monotonic() < deadline
        with pytest.raises(BrokerUnavailable, match="does not list its ACLs: this principal may not DESCRIBE"):
            asked(cluster).read_access(topic)
        with pytest.raises(BrokerUnavailable, match="does not list its groups: this principal may not DESCRIBE"):
            asked(cluster).read_groups(topic)
    finally:
        broker.close()


def refused(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except BrokerUnavailable:
        return True
    return False


@pytest.mark.skipif(KIND != "mock", reason="a real broker answers")
def test_a_broker_without_acls_says_so_soon(cluster: Cluster) -> None:
    with pytest.raises(BrokerUnavailable, match="the cluster main does not list its ACLs: "):
        asked(cluster).read_access("shop.orders")
