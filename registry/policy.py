"""policy.yaml to :class:`registry.contract.Policy`: envelope, severities, approvers, environments."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from registry.contract import EnvelopeField, Policy
from registry.document import Table, parse_document
from registry.duration import LONGEST, SPAN, parse_duration
from registry.environment import Cluster, Environment
from registry.errors import Flaw
from registry.shape import Flag, Keys, Known, ListOf, MapOf, OneOf, Text
from registry.source import fixed_location

SEVERITIES = ("error", "warning", "info", "off")
PROFILES = ("confluent",)
ENCODINGS = ("binary", "json")
TRUST = ("git", "ci", "heartbeat", "broker")
"""Where evidence comes from, the least first."""


class Role(NamedTuple):
    """One of the five fields that this tool knows the meaning of; its default name in the payload is its own."""

    about: str
    mandatory: bool
    types: tuple[str, ...]


ID_TYPES = ("string", "uuid")
# protobuf.dev, "Scalar Value Types"; the first two are Avro's.
WHOLE_NUMBERS = (
    *("int", "long"),
    *("int32", "int64", "uint32", "uint64", "sint32", "sint64"),
    *("fixed32", "fixed64", "sfixed32", "sfixed64"),
)
TIMES = ("timestamp-millis", "timestamp-micros", "google.protobuf.Timestamp")

ROLES = {
    "correlation_id": Role("Ties together the events of one cause.", True, ID_TYPES),
    "schema_version": Role("The version the event was written with.", True, WHOLE_NUMBERS),
    "event_id": Role("Tells two events apart; filled in by the producer.", False, ID_TYPES),
    "occurred_at": Role("When it happened.", False, TIMES),
    "causation_id": Role("The event that led to this one.", False, ID_TYPES),
}

PATH = Text(
    "Where it stands in the payload, such as metadata.correlation_id.",
    pattern=r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*",
    looks="a field or a dotted path, such as metadata.correlation_id",
)

SPANS = {
    "soak": "How long all readers must have been ready before the writer switches; at once unless said.",
    "settle": "How long the new version must have been active before the old one is refused; at once unless said.",
    "quiet": "How long nobody may have been served the new version as the old one before the old one is retired; 7d.",
    "revert_window": "How long a switch can be taken back; the next one, and the retirement, wait for its end; 7d.",
    "heartbeat": "The period of the services' heartbeats; 10s.",
    "margin": "What is waited beyond a heartbeat before somebody counts as silent; 5s.",
    "age": "How old evidence may be that still proves something; 5m.",
}
"""Keys of an environment that are spans of time, as :class:`registry.environment.Environment` has them."""
PLACE = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
"""A name that is part of a path in git."""

CLUSTER = Keys(
    "One Kafka cluster; the first one is written to, the others are mirrors of it.",
    {
        "name": Text("What it is called in messages.", pattern=PLACE, looks="a plain name, such as main"),
        "brokers": Text("host:port, several with commas between; credentials are given to the command."),
        "topic": Text(
            "What a topic is called there, where a mirror renames it: eu.{topic}.",
            pattern=r"[A-Za-z0-9._-]*\{topic\}[A-Za-z0-9._-]*",
            looks="a name with {topic} in it, such as eu.{topic}",
        ),
    },
    required=("name", "brokers"),
)

ENVIRONMENT = Keys(
    "What rollouts in one environment must prove, and for how long.",
    {
        "broker": OneOf("none: no Kafka is asked here, and git alone is the evidence.", ("none",)),
        "clusters": ListOf("The clusters that are asked.", CLUSTER, "write `broker: none` where there is none"),
        **{
            key: Text(about, pattern=SPAN.pattern, looks="a span of time such as 10s, 5m, 24h or 7d")
            for key, about in SPANS.items()
        },
        "trust": OneOf("The least that evidence of readers must come from; git unless said.", TRUST),
        "super_users": ListOf(
            "Principals that the brokers let do everything, which no ACL shows; [] where there is none.",
            Text("A principal, such as User:admin."),
        ),
        "everyone": Flag(
            "Whether the brokers let everybody in where no ACL is found (allow.everyone.if.no.acl.found)."
        ),
        "acls": OneOf("none: these clusters have no authorizer.", ("none",)),
    },
)


def _shape_of(about: str, mandatory: Flag) -> Keys:
    types = ListOf("Types it may have, as Avro or Protobuf spell them; none means any.", Text("string, long, int32."))
    return Keys(about, {"field": PATH, "mandatory": mandatory, "types": types})


POLICY = Keys(
    "The law for every contract: what events carry, how severe a finding is, who may waive one.",
    {
        "version": Known("The version of this file's form."),
        "envelope": Keys(
            "The fields that every event carries.",
            {
                name: _shape_of(
                    role.about,
                    Flag(f"{name} cannot be made optional: leave the key out.", only=True)
                    if role.mandatory
                    else Flag("Whether every event must have it; false unless said."),
                )
                for name, role in ROLES.items()
            },
            others=MapOf(
                "Fields of your own.",
                Text("A name for the field.", pattern="[a-z][a-z0-9_]*", looks="a name in lower case, such as tenant"),
                _shape_of("A field of your own.", Flag("Whether every event must have it; true unless said.")),
            ),
        ),
        "severities": MapOf(
            "How severe findings are, by rule, by family of rules, or by step.",
            Text(
                "A rule (compat/default-changed), a family (envelope) or a step (lossy).",
                pattern="[a-z][a-z0-9]*(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)?",
                looks="a rule, a family or a step, such as compat/default-changed, envelope or lossy",
            ),
            OneOf("error, warning, info or off.", SEVERITIES),
        ),
        "waivers": Keys(
            "What makes a waiver hold.",
            {"approvers": ListOf("Who may approve a waiver.", Text("A team or a person, such as @playconnect/arch."))},
        ),
        "profile": OneOf("Whose registry must accept the schemas too.", PROFILES),
        "encoding": OneOf("How events are written.", ENCODINGS),
        "environments": MapOf(
            "Where services are deployed, and what `contracts rollout` asks for there.",
            Text("The name of an environment.", pattern=PLACE, looks="a plain name, such as production"),
            ENVIRONMENT,
        ),
    },
    required=("version",),
)


def parse_policy(text: str | None, path: str) -> Policy:
    """The policy that the text declares; what it leaves out, and all of it where there is no text, is the default.

    Never raises for what the text holds: see :attr:`Policy.flaws`.
    """
    at = fixed_location(path, 1, 1)
    table, flaws = (Table(path), ()) if text is None else parse_document(text, path, POLICY)
    envelope = table.get("envelope", Table(path))
    fields = tuple(_find_fields(envelope))
    severities = table.get("severities", Table(path))
    environments = table.get("environments", {})
    return Policy(
        at=at,
        present=text is not None,
        envelope=fields,
        severities=MappingProxyType(dict(severities)),
        severities_at=MappingProxyType({key: severities.at_key(key) for key in severities}),
        approvers=tuple(table.get("waivers", {}).get("approvers", ())),
        profile=table.get("profile"),
        encoding=table.get("encoding", ENCODINGS[0]),
        environments=MappingProxyType({name: _environment(name, entry) for name, entry in environments.items()}),
        flaws=(*flaws, *_find_clashes(envelope, fields), *_find_odd_environments(environments)),
    )


def _find_fields(envelope: Table) -> Iterator[EnvelopeField]:
    """The five roles, then the policy's own fields in the order of the file."""
    for name in (*ROLES, *(name for name in envelope if name not in ROLES)):
        entry = envelope.get(name, {})
        role = ROLES.get(name, Role("", True, ()))
        path = tuple(entry.get("field", name).split("."))
        types = tuple(entry.get("types", role.types))
        yield EnvelopeField(name, path, entry.get("mandatory", role.mandatory), types)


def _find_clashes(envelope: Table, fields: tuple[EnvelopeField, ...]) -> Iterator[Flaw]:
    """Two names for one place: the producer would fill in one of them and overwrite the other."""
    first: dict[tuple[str, ...], str] = {}
    for field in fields:
        other = first.setdefault(field.path, field.role)
        if other != field.role:
            named = field.role if field.role in envelope.marks else other
            message = f"'{field.role}' and '{other}' both stand at {'.'.join(field.path)}"
            yield Flaw("invalid", message, envelope.at_key(named), "give each a field of its own")


def _environment(name: str, entry: Table) -> Environment:
    """As declared; what the entry leaves out is the noun's default."""
    clusters = tuple(
        Cluster(each["name"], each["brokers"], each.get("topic", "{topic}"))
        for each in entry.get("clusters", ())
        if "name" in each and "brokers" in each
    )
    said: dict[str, Any] = {key: parse_duration(entry[key]) for key in SPANS if key in entry}
    said |= {key: entry[key] for key in ("trust", "super_users", "everyone") if key in entry}
    return Environment(name, clusters, brokerless="broker" in entry, acls="acls" not in entry, **said)


def _find_odd_environments(environments: Mapping[str, Table]) -> Iterator[Flaw]:
    """Clusters where there is none, and clusters that cannot be told apart."""
    for name, entry in environments.items():
        if "broker" in entry and "clusters" in entry:
            message = f"{name} has `broker: none` and `clusters`"
            yield Flaw("invalid", message, entry.at_key("broker"), "take out the one that is not so")
        if parse_duration(entry.get("heartbeat", "1s")) == 0:
            yield Flaw("invalid", "'heartbeat' is no time at all", entry.at_key("heartbeat"), "write one such as 10s")
        for key in (key for key in SPANS if parse_duration(entry.get(key, "")) > LONGEST):
            yield Flaw("invalid", f"'{key}' is more than a hundred years", entry.at_key(key), "write one such as 30d")
        found = _environment(name, entry)
        if found.age < found.heartbeat:
            key = "age" if "age" in entry else "heartbeat"
            message = f"'age' of {name} is shorter than 'heartbeat', so that no instance could ever be heard"
            yield Flaw("invalid", message, entry.at_key(key), "let evidence be as old as three heartbeats")
        seen: set[str] = set()
        for cluster in entry.get("clusters", ()):
            if (called := cluster.get("name")) in seen:
                message = f"a second cluster of {name} is called {called!r}"
                yield Flaw("invalid", message, cluster.at_key("name"), "give each a name of its own")
            seen.add(called)
