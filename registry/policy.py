"""policy.yaml to :class:`registry.contract.Policy`: envelope, severities, approvers."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import NamedTuple

from registry.contract import EnvelopeField, Policy
from registry.document import Table, parse_document
from registry.errors import Flaw
from registry.shape import Flag, Keys, Known, ListOf, MapOf, OneOf, Text
from registry.source import fixed_location

SEVERITIES = ("error", "warning", "info", "off")
PROFILES = ("confluent",)
ENCODINGS = ("binary", "json")


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
    return Policy(
        at=at,
        present=text is not None,
        envelope=fields,
        severities=MappingProxyType(dict(severities)),
        severities_at=MappingProxyType({key: severities.at_key(key) for key in severities}),
        approvers=tuple(table.get("waivers", {}).get("approvers", ())),
        profile=table.get("profile"),
        encoding=table.get("encoding", ENCODINGS[0]),
        flaws=(*flaws, *_find_clashes(envelope, fields)),
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
