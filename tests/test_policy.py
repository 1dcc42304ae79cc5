"""policy.yaml: the defaults, what may be changed, and what may not."""

import jsonschema
import pytest

from registry.contract import EnvelopeField, Policy
from registry.environment import DAY, Cluster, Environment
from registry.policy import POLICY, parse_policy
from registry.shape import render_json_schema
from tests.editor import as_an_editor_reads

WHOLE = """\
version: 1
envelope:
  correlation_id: {field: metadata.correlation_id}
  schema_version: {field: schema_version, types: [int]}
  event_id: {field: event_id, mandatory: true}
  tenant: {field: tenant_id, mandatory: true, types: [string]}
severities: {lossy: warning, envelope: error, compat/default-changed: off}
waivers: {approvers: ["@playconnect/arch"]}
profile: confluent
encoding: json
"""


def read(text: str | None) -> Policy:
    return parse_policy(text, "contracts/policy.yaml")


def flaws(policy: Policy) -> list[str]:
    return [f"{flaw.location} {flaw.message}" for flaw in policy.flaws]


def field(policy: Policy, role: str) -> EnvelopeField:
    return next(field for field in policy.envelope if field.role == role)


def validate(text: str) -> None:
    schema = render_json_schema(POLICY, "policy.yaml")
    jsonschema.Draft202012Validator(schema).validate(as_an_editor_reads(text))


@pytest.mark.parametrize("text", [None, "version: 1"])
def test_what_is_not_said_is_the_default(text: str | None) -> None:
    policy = read(text)
    assert policy.flaws == ()
    assert [(of.role, of.path, of.mandatory) for of in policy.envelope] == [
        ("correlation_id", ("correlation_id",), True),
        ("schema_version", ("schema_version",), True),
        ("event_id", ("event_id",), False),
        ("occurred_at", ("occurred_at",), False),
        ("causation_id", ("causation_id",), False),
    ]
    assert (policy.severities, policy.approvers, policy.profile, policy.encoding) == ({}, (), None, "binary")
    assert str(policy.at) == "contracts/policy.yaml:1:1"


@pytest.mark.parametrize(
    ("role", "types"),
    [
        ("correlation_id", {"string", "uuid"}),
        ("event_id", {"string", "uuid"}),
        ("causation_id", {"string", "uuid"}),
        ("schema_version", {"int", "long", "int32", "uint32", "sint64", "fixed32", "sfixed64"}),
        ("occurred_at", {"timestamp-millis", "timestamp-micros", "google.protobuf.Timestamp"}),
    ],
)
def test_each_role_has_the_types_of_the_table(role: str, types: set[str]) -> None:
    assert types <= set(field(read(None), role).types)


def test_the_whole_of_a_policy_is_read() -> None:
    policy = read(WHOLE)
    assert policy.flaws == ()
    assert field(policy, "correlation_id").path == ("metadata", "correlation_id")
    assert field(policy, "correlation_id").types == ("string", "uuid")
    assert field(policy, "schema_version").types == ("int",)
    assert field(policy, "event_id").mandatory
    assert policy.envelope[-1] == EnvelopeField("tenant", ("tenant_id",), True, ("string",))
    assert policy.severities == {"lossy": "warning", "envelope": "error", "compat/default-changed": "off"}
    assert policy.approvers == ("@playconnect/arch",)
    assert (policy.profile, policy.encoding) == ("confluent", "json")
    validate(WHOLE)


def test_a_field_of_ones_own_is_mandatory_stands_at_its_name_and_has_any_type_unless_said() -> None:
    assert field(read("version: 1\nenvelope: {tenant: {}}\n"), "tenant") == EnvelopeField("tenant", ("tenant",), True)
    assert not field(read("version: 1\nenvelope: {tenant: {mandatory: false}}\n"), "tenant").mandatory


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("envelope: {}", "1:1 the key 'version' is missing"),
        ("version: 3\nlaws: []", "1:10 version 3 is not known: this tool reads 1"),
        ("version: 1\nenvelop: {}", "2:1 the key 'envelop' is not known here"),
        (
            "version: 1\nenvelope: {correlation_id: {mandatory: false}}",
            "2:40 'mandatory' must be true; here is false",
        ),
        (
            "version: 1\nenvelope: {schema_version: {mandatory: false}}",
            "2:40 'mandatory' must be true; here is false",
        ),
        ("version: 1\nenvelope: {event_id: {mandatory: no}}", "2:34 'mandatory' must be true or false; here is no"),
        ("version: 1\nenvelope: {event_id: {path: a}}", "2:23 the key 'path' is not known here"),
        (
            "version: 1\nenvelope: {event_id: {field: a..b}}",
            "2:30 'field' must be a field or a dotted path, such as metadata.correlation_id; here is a..b",
        ),
        (
            "version: 1\nenvelope: {Tenant-Id: {}}",
            "2:12 the key 'Tenant-Id' must be a name in lower case, such as tenant",
        ),
        (
            "version: 1\nseverities: {lossy: warn}",
            "2:21 'lossy' must be one of error, warning, info, off; here is warn",
        ),
        (
            "version: 1\nseverities: {compat/: off}",
            "2:14 the key 'compat/' must be a rule, a family or a step, such as compat/default-changed, "
            "envelope or lossy",
        ),
        ("version: 1\nwaivers: {approvers: x}", "2:22 'approvers' must be a list; here is x"),
        ("version: 1\nprofile: apicurio", "2:10 'profile' must be one of confluent; here is apicurio"),
        (
            "version: 1\nenvironments: {eu/west: {}}",
            "2:16 the key 'eu/west' must be a plain name, such as production",
        ),
        ("version: 1\nenvironments: {dev: {soaks: 1h}}", "2:22 the key 'soaks' is not known here"),
        (
            "version: 1\nenvironments: {dev: {soak: 5}}",
            "2:28 'soak' must be a span of time such as 10s, 5m, 24h or 7d; here is 5",
        ),
        (
            "version: 1\nenvironments: {dev: {broker: kafka:9092}}",
            "2:30 'broker' must be one of none; here is kafka:9092",
        ),
        ("version: 1\nenvironments: {dev: {clusters: []}}", "2:32 'clusters' is an empty list"),
        ("version: 1\nenvironments: {dev: {clusters: [{name: a}]}}", "2:33 the key 'brokers' is missing"),
        (
            "version: 1\nenvironments: {dev: {clusters: [{name: a, brokers: b, topic: eu}]}}",
            "2:62 'topic' must be a name with {topic} in it, such as eu.{topic}; here is eu",
        ),
        (
            "version: 1\nenvironments: {dev: {trust: gut}}",
            "2:29 'trust' must be one of git, ci, heartbeat, broker; here is gut",
        ),
        ("version: 1\nenvironments: {dev: {everyone: no}}", "2:32 'everyone' must be true or false; here is no"),
        ("version: 1\nencoding: avro", "2:11 'encoding' must be one of binary, json; here is avro"),
    ],
)
def test_a_flaw_has_its_place_and_the_json_schema_refuses_the_file_too(text: str, told: str) -> None:
    assert flaws(read(text)) == [f"contracts/policy.yaml:{told}"]
    assert all(flaw.help and flaw.kind == "invalid" for flaw in read(text).flaws)
    with pytest.raises(jsonschema.ValidationError):
        validate(text)


def test_what_is_mandatory_stays_so_whatever_the_file_says() -> None:
    assert field(read("version: 1\nenvelope: {correlation_id: {mandatory: false}}"), "correlation_id").mandatory


@pytest.mark.parametrize(
    ("envelope", "told"),
    [
        ("{tenant: {field: event_id}}", "2:12 'tenant' and 'event_id' both stand at event_id"),
        ("{correlation_id: {field: event_id}}", "2:12 'event_id' and 'correlation_id' both stand at event_id"),
        ("{a: {field: x.y}, b: {field: x.y}}", "2:29 'b' and 'a' both stand at x.y"),
    ],
)
def test_two_names_for_one_field_are_a_flaw(envelope: str, told: str) -> None:
    assert flaws(read(f"version: 1\nenvelope: {envelope}\n")) == [f"contracts/policy.yaml:{told}"]


def test_an_environment_that_says_nothing_has_the_defaults() -> None:
    assert read(None).environments == {}
    assert read("version: 1\nenvironments: {dev: {}}").environments == {"dev": Environment("dev")}


def test_the_whole_of_an_environment_is_read_in_seconds() -> None:
    text = """\
version: 1
environments:
  production:
    clusters: [{name: main, brokers: "k1:9092,k2:9092"}, {name: eu, brokers: "e1:9092", topic: "eu.{topic}"}]
    soak: 24h
    settle: 1h
    quiet: 14d
    revert_window: 0s
    heartbeat: 500ms
    margin: 1s
    age: 10m
    trust: heartbeat
    super_users: [User:admin]
    everyone: false
    acls: none
  staging: {broker: none, super_users: []}
"""
    policy = read(text)
    assert policy.flaws == ()
    assert policy.environments["production"] == Environment(
        name="production",
        clusters=(Cluster("main", "k1:9092,k2:9092"), Cluster("eu", "e1:9092", "eu.{topic}")),
        soak=DAY,
        settle=3600.0,
        quiet=14 * DAY,
        revert_window=0.0,
        heartbeat=0.5,
        margin=1.0,
        age=600.0,
        trust="heartbeat",
        super_users=("User:admin",),
        everyone=False,
        acls=False,
    )
    assert policy.environments["staging"] == Environment("staging", brokerless=True, super_users=())
    validate(text)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ("{broker: none, clusters: [{name: a, brokers: b}]}", "2:22 dev has `broker: none` and `clusters`"),
        (
            "{clusters: [{name: a, brokers: b}, {name: a, brokers: c}]}",
            "2:57 a second cluster of dev is called 'a'",
        ),
        ("{heartbeat: 0s}", "2:22 'heartbeat' is no time at all"),
    ],
)
def test_an_environment_that_contradicts_itself_is_a_flaw(environment: str, told: str) -> None:
    (flaw,) = read(f"version: 1\nenvironments: {{dev: {environment}}}\n").flaws
    assert f"{flaw.location} {flaw.message}" == f"contracts/policy.yaml:{told}"
    assert flaw.help


def test_a_slip_in_a_key_is_answered_with_the_key() -> None:
    (flaw,) = read("version: 1\nenvironments: {dev: {revert-window: 1h}}\n").flaws
    assert flaw.help == "did you mean 'revert_window'?"


@pytest.mark.parametrize("text", ["", "version: [", "\tversion: 1", "- 1"])
def test_a_file_that_cannot_be_read_is_one_flaw_and_the_defaults(text: str) -> None:
    policy = read(text)
    assert len(policy.flaws) == 1
    assert policy.envelope == read(None).envelope


def test_the_json_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(render_json_schema(POLICY, "policy.yaml"))
