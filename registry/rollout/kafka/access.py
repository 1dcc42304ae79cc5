"""Who may read and write a topic: the ACLs that match it, and what the brokers' own settings say beside them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from registry.frozen import dataclass
from registry.rollout.errors import BrokerUnavailable
from registry.rollout.evidence import Access
from registry.rollout.kafka.client import Client, admin_nouns
from registry.rollout.kafka.groups import check_sight

_AUTHORIZER: Final = "authorizer.class.name"
_SUPER_USERS: Final = "super.users"
_EVERYONE: Final = "allow.everyone.if.no.acl.found"
_FAILED: Final = "does not list its ACLs"


@dataclass(frozen=True, slots=True)
class Rule:
    """One ACL that matches the topic."""

    principal: str
    """``User:edge-cache``; ``User:*`` for everybody."""
    host: str
    """``*`` for all."""
    operation: str
    """``READ``, ``WRITE``, ``ALL``, or another one."""
    allows: bool


def read_access(client: Client, topic: str) -> Access:
    """Who may read and write the topic. Raises :class:`BrokerUnavailable`, also where the listing may be cut short."""
    check_sight(client, _FAILED)
    settings, reason = _read_settings(client)
    authorizers = {each.get(_AUTHORIZER) for each in settings}
    if "" in authorizers:
        return Access(unlisted="the cluster has no authorizer")
    rules = _read_rules(client, topic)
    unlisted = ""
    if not rules and (None in authorizers or not authorizers):
        because = f": {reason}" if reason else ""
        unlisted = f"no ACL is listed, and the brokers do not tell whether they have an authorizer{because}"
    return Access(
        readers=find_allowed(rules, "READ"),
        writers=find_allowed(rules, "WRITE"),
        unlisted=unlisted,
        super_users=_find_super_users(settings),
        everyone=_find_everyone(settings),
    )


def find_allowed(rules: Collection[Rule], operation: str) -> frozenset[str]:
    """The principals whom the rules let do it, from any host at all. A rule that denies wins over any that allows."""
    concerned = [rule for rule in rules if rule.operation in {operation, "ALL"}]
    denying = [rule for rule in concerned if not rule.allows]
    return frozenset(
        rule.principal for rule in concerned if rule.allows and not any(_covers(denial, rule) for denial in denying)
    )


def _covers(denial: Rule, rule: Rule) -> bool:
    """Whether it takes back all that the rule allows. One that takes a part of it leaves the rest."""
    return denial.principal in {rule.principal, "User:*"} and denial.host in {rule.host, "*"}


def _read_rules(client: Client, topic: str) -> list[Rule]:
    nouns = admin_nouns()
    # MATCH: those of this name, of a prefix of it, and of all topics.
    matching = nouns.AclBindingFilter(
        nouns.ResourceType.TOPIC,
        topic,
        nouns.ResourcePatternType.MATCH,
        None,
        None,
        nouns.AclOperation.ANY,
        nouns.AclPermissionType.ANY,
    )
    listed = client.ask(_FAILED, lambda: client.admin.describe_acls(matching, request_timeout=client.patience).result())
    return [
        Rule(each.principal, each.host, each.operation.name, each.permission_type is nouns.AclPermissionType.ALLOW)
        for each in listed
    ]


def _read_settings(client: Client) -> tuple[list[Mapping[str, str | None]], str]:
    """Of each broker its settings that tell of access, and why they are not told."""
    resource = admin_nouns().ConfigResource
    metadata = client.ask("does not answer", lambda: client.admin.list_topics(timeout=client.patience))
    brokers = [resource(resource.Type.BROKER, str(number)) for number in sorted(metadata.brokers)]
    try:
        told = client.gather(
            "does not tell its brokers' settings",
            lambda: client.admin.describe_configs(brokers, request_timeout=client.patience),
        )
    except BrokerUnavailable as error:
        return [], error.message
    wanted = (_AUTHORIZER, _SUPER_USERS, _EVERYONE)
    return [{name: _value_of(each[name]) for name in wanted if name in each} for each in told.values()], ""


def _value_of(entry: Any) -> str | None:
    """The value of a setting; ``None`` for one that the broker takes for a secret, as Kafka does with these two."""
    return None if entry.is_sensitive or entry.value is None else str(entry.value)


def _find_super_users(settings: Iterable[Mapping[str, str | None]]) -> tuple[str, ...] | None:
    """Of all brokers together; ``None`` where one of them does not tell."""
    told = [each.get(_SUPER_USERS) for each in settings]
    if not told or None in told:
        return None
    return tuple(sorted({name.strip() for text in told for name in str(text).split(";") if name.strip()}))


def _find_everyone(settings: Iterable[Mapping[str, str | None]]) -> bool | None:
    """Whether any broker lets everybody; ``None`` where one of them does not tell."""
    told = [each.get(_EVERYONE) for each in settings]
    if not told or None in told:
        return None
    return any(str(text).lower() == "true" for text in told)
