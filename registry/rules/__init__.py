"""The law on one page: each rule with its id, its severity, its purpose and the function that looks.

A function yields problems and knows neither id nor severity. A new rule is one function, one row here, and one example
in ``examples/`` (which `contracts explain` prints and the tests run).
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Final

from registry.contract import Catalog, Change
from registry.finding import Finding, Problem, Severity
from registry.formats.mismatch import Step
from registry.frozen import dataclass
from registry.rules import compat, converters, envelope, naming, ownership, schema, terms, versions, waivers

OfChange = Callable[[Change], Iterator[Problem]]
OfCatalogs = Callable[[Catalog, Catalog], Iterator[Problem]]
OfFindings = Callable[[Sequence[Finding], frozenset[str], Catalog, date], Iterator[Problem]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the law; exactly one of ``change``, ``catalogs`` and ``findings`` looks."""

    id: str
    severity: Severity
    purpose: str
    change: OfChange | None = None
    """Looks at one contract before and after."""
    catalogs: OfCatalogs | None = None
    """Looks at everything before and after."""
    findings: OfFindings | None = None
    """Looks at what the others found."""

    @property
    def family(self) -> str:
        """The part before the slash."""
        return self.id.partition("/")[0]


ERROR, WARNING, INFO, OFF = Severity.ERROR, Severity.WARNING, Severity.INFO, Severity.OFF
MISMATCH: Final = compat.find_mismatches
"""Finds every kind of mismatch in one walk; the kind names the rule."""


def find_invalid_policy(before: Catalog, after: Catalog) -> Iterator[Problem]:
    """As in :mod:`registry.rules.terms`, which cannot see the table."""
    return terms.find_invalid_policy({*BY_ID, *FAMILIES, *STEPS}, before, after)


# fmt: off
RULES: Final[tuple[Rule, ...]] = (
    # Avro: breaks, then lossy, then what only code and people notice
    Rule("compat/name-mismatch", ERROR, "a type was renamed without an alias", change=MISMATCH),
    Rule("compat/type-mismatch", ERROR, "a type became one that cannot read the old one", change=MISMATCH),
    Rule("compat/reader-field-missing-default-value", ERROR, "the reader needs a field that was not written", change=MISMATCH),
    Rule("compat/missing-enum-symbols", ERROR, "an enum symbol is written that the reader does not know", change=MISMATCH),
    Rule("compat/missing-union-branch", ERROR, "a type is written that the reader's union does not hold", change=MISMATCH),
    Rule("compat/fixed-size-mismatch", ERROR, "a fixed has another size", change=MISMATCH),
    Rule("compat/renamed-field-defaulted", ERROR, "a renamed field silently reads as its default", change=MISMATCH),
    Rule("compat/bytes-read-as-string", ERROR, "bytes that are no UTF-8 reach a reader of strings", change=MISMATCH),
    Rule("compat/decimal-mismatch", ERROR, "a decimal is read off by powers of ten", change=MISMATCH),
    Rule("compat/logical-type-mismatch", ERROR, "a value is read in another unit or meaning", change=MISMATCH),
    Rule("compat/lossy-promotion", ERROR, "large numbers are rounded by the reader", change=MISMATCH),
    Rule("compat/decimal-precision-narrowed", ERROR, "large decimals exceed what the reader declares", change=MISMATCH),
    Rule("compat/decimal-precision-widened", WARNING, "a decimal may become longer than before", change=MISMATCH),
    Rule("compat/logical-type-added", WARNING, "a plain value is read with a meaning", change=MISMATCH),
    Rule("compat/logical-type-removed", WARNING, "a value is read without the meaning it was written with", change=MISMATCH),
    Rule("compat/namespace-changed", WARNING, "a type moved to another namespace", change=MISMATCH),
    Rule("compat/default-changed", WARNING, "old data without the field reads differently than before", change=MISMATCH),
    Rule("compat/schema-removed", WARNING, "an Avro schema is gone", change=MISMATCH),
    # Protobuf: breaks
    Rule("compat/field-type-changed", ERROR, "a field became a type that does not read the old one", change=MISMATCH),
    Rule("compat/field-number-reused", ERROR, "a number means another field than before", change=MISMATCH),
    Rule("compat/field-renumbered", ERROR, "a field has another number than before", change=MISMATCH),
    Rule("compat/message-type-changed", ERROR, "a field holds another kind of message", change=MISMATCH),
    Rule("compat/message-renamed", ERROR, "the event's own message has another full name", change=MISMATCH),
    Rule("compat/message-encoding-changed", ERROR, "a group became a message, or a message a group", change=MISMATCH),
    Rule("compat/message-set-changed", ERROR, "message_set_wire_format was switched", change=MISMATCH),
    Rule("compat/bytes-read-as-message", ERROR, "arbitrary bytes are parsed as a message", change=MISMATCH),
    Rule("compat/invalid-utf8-refused", ERROR, "bytes that are no UTF-8 make the whole message fail", change=MISMATCH),
    Rule("compat/repeated-read-as-singular", ERROR, "a list is read as one value, empty or merged", change=MISMATCH),
    Rule("compat/required-field-missing", ERROR, "the reader requires a field that may be absent", change=MISMATCH),
    Rule("compat/presence-lost", ERROR, "an absent field reads as another default", change=MISMATCH),
    Rule("compat/implicit-default-changed", ERROR, "an absent field reads as another value than before", change=MISMATCH),
    Rule("compat/oneof-value-lost", ERROR, "of two fields that were written the reader keeps one", change=MISMATCH),
    Rule("compat/enum-value-renumbered", ERROR, "an enum's name has another number than before", change=MISMATCH),
    Rule("compat/enum-default-removed", ERROR, "the value that stands for an unknown one is gone", change=MISMATCH),
    Rule("compat/enum-value-required", ERROR, "an unknown value leaves a required field unset", change=MISMATCH),
    # Protobuf: lossy
    Rule("compat/integer-narrowed", ERROR, "large integers are cut off", change=MISMATCH),
    Rule("compat/integer-sign-changed", ERROR, "negative numbers become large ones, or the reverse", change=MISMATCH),
    Rule("compat/unverified-utf8", ERROR, "bytes that are no UTF-8 are read as a string", change=MISMATCH),
    Rule("compat/repeated-last-wins", ERROR, "of a list the reader keeps the last value", change=MISMATCH),
    Rule("compat/closed-enum-value-unknown", ERROR, "a closed enum reads an unknown value as unset", change=MISMATCH),
    Rule("compat/open-enum-read-as-closed", ERROR, "numbers without a name are read as unset", change=MISMATCH),
    Rule("compat/map-key-narrowed", ERROR, "keys of a map collide", change=MISMATCH),
    Rule("compat/entries-read-as-map", ERROR, "entries with one key collapse, and lose their order", change=MISMATCH),
    # Protobuf: what only code, JSON and people notice
    Rule("compat/map-read-as-entries", WARNING, "a map became a list of entries", change=MISMATCH),
    Rule("compat/field-removed", WARNING, "a field is gone; its values are skipped", change=MISMATCH),
    Rule("compat/field-name-changed", WARNING, "a field has another name in code and JSON", change=MISMATCH),
    Rule("compat/json-name-changed", WARNING, "a field has another name in JSON", change=MISMATCH),
    Rule("compat/presence-changed", WARNING, "absent and zero are told apart on one side only", change=MISMATCH),
    Rule("compat/oneof-changed", WARNING, "a oneof has other members", change=MISMATCH),
    Rule("compat/enum-value-removed", WARNING, "an enum value has no name any more", change=MISMATCH),
    Rule("compat/enum-value-renamed", WARNING, "an enum value has another name in code and JSON", change=MISMATCH),
    Rule("compat/enum-read-as-integer", WARNING, "an enum became a number, or a number an enum", change=MISMATCH),
    Rule("compat/extension-changed", WARNING, "a field became an extension, or an extension a field", change=MISMATCH),
    Rule("compat/extension-range-removed", WARNING, "extensions of a message have no numbers any more", change=MISMATCH),
    Rule("compat/message-removed", WARNING, "a message is gone", change=MISMATCH),
    Rule("compat/enum-removed", WARNING, "an enum is gone", change=MISMATCH),
    # `profile: confluent` in the policy
    Rule("compat/confluent-package-changed", ERROR, "Confluent's registry refuses another package", change=MISMATCH),
    Rule("compat/confluent-message-removed", ERROR, "Confluent's registry refuses the removal of a message", change=MISMATCH),
    Rule("compat/confluent-required-removed", ERROR, "Confluent's registry refuses the removal of a required field", change=MISMATCH),
    Rule("compat/confluent-oneof-member-removed", ERROR, "Confluent's registry refuses the removal of a oneof's member", change=MISMATCH),
    Rule("compat/confluent-cardinality-changed", ERROR, "Confluent's registry refuses singular numbers becoming repeated", change=MISMATCH),
    # beyond one value: what protects the next change, and the readers that are named
    Rule("compat/number-not-reserved", ERROR, "a number was given up and may be used again by mistake", change=compat.find_unreserved_numbers),
    Rule("compat/name-not-reserved", WARNING, "a name was given up and may be used again by mistake", change=compat.find_unreserved_names),
    Rule("compat/reservation-dropped", ERROR, "a reserved number or name may be used again", change=compat.find_dropped_reservations),
    Rule("compat/removed-with-subscribers", ERROR, "an event is gone while services read it", change=compat.find_removed_with_subscribers),
    Rule("compat/format-changed", ERROR, "an event changed its schema language", change=compat.find_format_changed),

    Rule("ownership/invalid", ERROR, "ownership.yaml says something that it cannot say", catalogs=ownership.find_invalid),
    Rule("ownership/no-owner", ERROR, "an entity has no owner", catalogs=ownership.find_unowned),
    Rule("ownership/second-writer", ERROR, "an entity, a topic or an event is written by two services", catalogs=ownership.find_second_writers),
    Rule("ownership/unknown-service", ERROR, "a service is named that does not exist", catalogs=ownership.find_unknown_services),
    Rule("ownership/unknown-event", ERROR, "an event has an owner and no schema", catalogs=ownership.find_unknown_events),
    Rule("ownership/orphan-schema", WARNING, "a schema belongs to no event", catalogs=ownership.find_orphans),
    Rule("ownership/owner-changed-without-transfer", ERROR, "an owner changed by a one-line edit", catalogs=ownership.find_owner_changes),
    Rule("ownership/event-moved", ERROR, "an event moved to an entity of another owner", catalogs=ownership.find_moved_events),
    Rule("ownership/key-missing", ERROR, "an event lacks the key that keeps it in order", change=ownership.find_missing_keys),
    Rule("ownership/field-of-subscriber-removed", ERROR, "a field is gone that a subscriber says it uses", change=ownership.find_removed_fields_of_subscribers),
    Rule("ownership/unknown-pin", ERROR, "a version or a field is pinned that does not exist", change=ownership.find_unknown_pins),
    Rule("ownership/unread-version", ERROR, "a subscriber does not read the version that is written", change=ownership.find_unread_versions),
    Rule("ownership/subscriber-is-owner", WARNING, "a service subscribes to what it writes", catalogs=ownership.find_owners_that_subscribe),
    Rule("ownership/unprotected-ownership", WARNING, "anybody may merge a change of ownership.yaml", catalogs=ownership.find_unprotected),

    Rule("envelope/missing-correlation-id", ERROR, "an event cannot be followed through the mesh", change=envelope.find_missing_correlation_id),
    Rule("envelope/missing-version", ERROR, "an event does not say which version it is", change=envelope.find_missing_version),
    Rule("envelope/missing-field", ERROR, "an event lacks a field that the policy demands", change=envelope.find_missing_field),
    Rule("envelope/wrong-type", ERROR, "an envelope field has a type that nobody expects", change=envelope.find_wrong_type),
    Rule("envelope/nullable", ERROR, "a mandatory envelope field may be absent", change=envelope.find_nullable),
    Rule("envelope/changed", ERROR, "a released envelope field changed", change=envelope.find_changed),

    Rule("versions/unreleased-change", WARNING, "the head differs from its latest version", change=versions.find_unreleased),
    Rule("versions/edited", ERROR, "a released version was changed or removed", catalogs=versions.find_edited),
    Rule("versions/gap", ERROR, "a version number is missing", catalogs=versions.find_gaps),
    Rule("versions/id-collision", ERROR, "two released schemas have one id", catalogs=versions.find_id_collisions),
    Rule("versions/not-from-head", ERROR, "a version folder that no head explains", change=versions.find_not_from_head),
    Rule("versions/invalid", ERROR, "a version folder that cannot be read", change=versions.find_invalid),
    Rule("versions/invalid-converters", ERROR, "converters that cannot be read, do not fit both versions, or break a law", change=converters.find_invalid),
    Rule("versions/stray-file", ERROR, "a file among the versions belongs to none", catalogs=versions.find_strays),

    Rule("terms/invalid-policy", ERROR, "policy.yaml says something that it cannot say", catalogs=find_invalid_policy),
    Rule("terms/compatibility-loosened", ERROR, "a contract promises less than before", change=terms.find_loosened),
    Rule("terms/waiver-without-reason", ERROR, "a waiver lacks its reason, its approver or its end", catalogs=terms.find_incomplete),
    Rule("terms/waiver-not-approved", ERROR, "a waiver's approver is none whom the policy allows", catalogs=terms.find_unapproved),
    Rule("terms/waiver-expired", ERROR, "a waiver has come to its end", findings=waivers.find_expired),
    Rule("terms/waiver-unused", WARNING, "nothing needs a waiver any more", findings=waivers.find_unused),

    Rule("schema/invalid", ERROR, "a file is no valid schema", change=schema.find_invalid),
    Rule("schema/unreadable-file", ERROR, "a path of the contracts is no file", catalogs=schema.find_unreadable_files),
    Rule("schema/missing-reference", ERROR, "a schema refers to something that no file provides", change=schema.find_missing_references),
    Rule("schema/ambiguous-reference", ERROR, "a schema refers to something that two files provide", change=schema.find_ambiguous_references),
    Rule("schema/questionable", WARNING, "a schema says something that has no effect, or not everywhere", change=schema.find_notes),
    Rule("schema/unnameable", WARNING, "an event says something that no typed stubs can say", change=naming.find_unnameable),
    Rule("schema/module-clash", WARNING, "two events of one service would have one module", catalogs=naming.find_module_clashes),
    Rule("schema/undocumented-field", OFF, "a field says nowhere what it means", change=schema.find_undocumented_fields),
)
# fmt: on

STEPS: Final = tuple(step.value for step in Step)
BY_ID: Final = {rule.id: rule for rule in RULES}
BREAKS_IN_JSON: Final = frozenset(
    f"compat/{name}"
    for name in (
        "enum-read-as-integer",
        "enum-value-removed",
        "enum-value-renamed",
        "extension-changed",
        "field-name-changed",
        "field-removed",
        "json-name-changed",
        "map-read-as-entries",
        "name-not-reserved",
    )
)
"""Harmless in Protobuf's bytes, and an error to its JSON parsers, which know names and refuse unknown ones."""
FAMILIES: Final = tuple(dict.fromkeys(rule.family for rule in RULES))


def rule_of_kind(kind: str) -> str:
    """The id of the rule that reports a kind of mismatch."""
    return f"compat/{kind.replace('_', '-')}"
