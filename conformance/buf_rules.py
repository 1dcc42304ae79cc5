"""buf's breaking rules, each with what answers it here, or why nothing does."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from registry.formats.protobuf.kinds import KINDS

OWN_RULES: Final = frozenset({"number-not-reserved", "name-not-reserved", "reservation-dropped"})
"""What a rule of its own reports beside the mismatches: it concerns the next change, not the bytes of this one."""

_ELEMENTS: Final = (
    "field_type_changed",
    "message_type_changed",
    "message_encoding_changed",
    "bytes_read_as_message",
    "invalid_utf8_refused",
    "unverified_utf8",
    "integer_narrowed",
    "integer_sign_changed",
    "map_key_narrowed",
    "closed_enum_value_unknown",
    "field_number_reused",
)
_HOW_MANY: Final = (
    "repeated_read_as_singular",
    "repeated_last_wins",
    "entries_read_as_map",
)
_CARDINALITY: Final = (*_HOW_MANY, "required_field_missing")
_OTHER_FIELD: Final = ("field_number_reused", "field_renumbered")
_OTHER_TYPE: Final = ("field_type_changed", *_OTHER_FIELD)

_NOT_LOOKED_AT: Final = "of a type that does not fit any more nothing else is said"
_OTHER_NAME: Final = "a type of another name is compared by what it holds"
_FILE_OPTION: Final = "an option of the file, for generated code of one language: no event carries it"
_LANGUAGE: Final = "an option for generated code of one language: the bytes are the same"
_SERVICE: Final = "services are no events"
_PLUG_IN: Final = "a rule of a plug-in, not of buf"
_JSON_FORMAT: Final = "lets protoc accept names that collide in JSON: what is written and read is the same"


class BufRule(NamedTuple):
    """One rule: ``kinds`` of ours that answer it; without any, ``note`` says why we are silent.

    A rule of the category WIRE says that bytes are read as something else: no kind of the step ``source`` answers it.
    """

    name: str
    kinds: tuple[str, ...] = ()
    note: str = ""
    instead: tuple[str, ...] = ()
    """Kinds that stand in the place of those, because they say more: nothing else is said of the element then."""
    in_scope: bool = True
    """Off where the rule is about something that we do not judge at all."""


RULES: Final = (
    BufRule("ENUM_NO_DELETE", ("enum_removed",), "an enum that only moved to another file is not removed"),
    BufRule("ENUM_SAME_JSON_FORMAT", (), _JSON_FORMAT),
    BufRule("ENUM_SAME_TYPE", ("open_enum_read_as_closed",)),
    BufRule("ENUM_VALUE_NO_DELETE", ("enum_value_removed", "closed_enum_value_unknown")),
    BufRule("ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED", ("name-not-reserved",)),
    BufRule("ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED", ("number-not-reserved",)),
    BufRule("ENUM_VALUE_SAME_NAME", ("enum_value_renamed",), "", ("enum_value_renumbered",)),
    BufRule("EXTENSION_MESSAGE_NO_DELETE", ("extension_range_removed",)),
    BufRule("EXTENSION_NO_DELETE", ("field_removed", "extension_changed"), "", ("field_renumbered",)),
    BufRule("FIELD_NO_DELETE", ("field_removed",), "", ("field_renumbered",)),
    BufRule("FIELD_NO_DELETE_UNLESS_NAME_RESERVED", ("name-not-reserved",)),
    BufRule("FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED", ("number-not-reserved",)),
    BufRule(
        "FIELD_SAME_CARDINALITY",
        (*_CARDINALITY, "map_read_as_entries", "presence_changed", "presence_lost"),
        _NOT_LOOKED_AT,
        _OTHER_TYPE,
    ),
    BufRule("FIELD_SAME_CPP_STRING_TYPE", (), _LANGUAGE, in_scope=False),
    BufRule(
        "FIELD_SAME_DEFAULT",
        ("implicit_default_changed", "presence_lost", "enum_default_removed"),
        _NOT_LOOKED_AT,
        _OTHER_TYPE,
    ),
    BufRule(
        "FIELD_SAME_JAVA_UTF8_VALIDATION",
        (),
        "an option for Java's generated code; what every reader verifies is FIELD_SAME_UTF8_VALIDATION",
        in_scope=False,
    ),
    BufRule("FIELD_SAME_JSON_NAME", ("json_name_changed", "field_name_changed"), "", _OTHER_FIELD),
    BufRule("FIELD_SAME_JSTYPE", (), _LANGUAGE, in_scope=False),
    BufRule("FIELD_SAME_NAME", ("field_name_changed", "extension_changed"), "", _OTHER_FIELD),
    BufRule("FIELD_SAME_ONEOF", ("oneof_value_lost",), "only where a value is lost; else `oneof_changed`, source"),
    BufRule("FIELD_SAME_TYPE", (*_ELEMENTS, "enum_read_as_integer"), _OTHER_NAME, (*_HOW_MANY, "field_renumbered")),
    BufRule("FIELD_SAME_UTF8_VALIDATION", ("invalid_utf8_refused", "unverified_utf8")),
    BufRule("FIELD_WIRE_COMPATIBLE_CARDINALITY", _CARDINALITY, _NOT_LOOKED_AT, _OTHER_TYPE),
    BufRule("FIELD_WIRE_COMPATIBLE_TYPE", _ELEMENTS, _OTHER_NAME, (*_HOW_MANY, "field_renumbered")),
    BufRule(
        "FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY", (*_CARDINALITY, "map_read_as_entries"), _NOT_LOOKED_AT, _OTHER_TYPE
    ),
    BufRule(
        "FIELD_WIRE_JSON_COMPATIBLE_TYPE",
        (*_ELEMENTS, "enum_read_as_integer"),
        _OTHER_NAME,
        (*_HOW_MANY, "field_renumbered"),
    ),
    BufRule("FILE_NO_DELETE", (), "the bytes know no files: what was in it is told by its name, wherever it went"),
    BufRule("FILE_SAME_PACKAGE", ("message_renamed",), "a package is told by the messages that are in it"),
    BufRule("FILE_SAME_SYNTAX", (), "what a syntax or an edition means is resolved, and judged for each element"),
    *(
        BufRule(f"FILE_SAME_{option}", (), _FILE_OPTION, in_scope=False)
        for option in (
            "CC_ENABLE_ARENAS",
            "CC_GENERIC_SERVICES",
            "CSHARP_NAMESPACE",
            "GO_PACKAGE",
            "JAVA_GENERIC_SERVICES",
            "JAVA_MULTIPLE_FILES",
            "JAVA_OUTER_CLASSNAME",
            "JAVA_PACKAGE",
            "OBJC_CLASS_PREFIX",
            "OPTIMIZE_FOR",
            "PHP_CLASS_PREFIX",
            "PHP_METADATA_NAMESPACE",
            "PHP_NAMESPACE",
            "PY_GENERIC_SERVICES",
            "RUBY_PACKAGE",
            "SWIFT_PREFIX",
        )
    ),
    BufRule("MESSAGE_NO_DELETE", ("message_removed",), "a message that only moved to another file is not removed"),
    BufRule("MESSAGE_NO_REMOVE_STANDARD_DESCRIPTOR_ACCESSOR", (), _LANGUAGE, in_scope=False),
    BufRule("MESSAGE_SAME_JSON_FORMAT", (), _JSON_FORMAT),
    BufRule("MESSAGE_SAME_REQUIRED_FIELDS", ("required_field_missing",)),
    BufRule("ONEOF_NO_DELETE", ("oneof_changed", "oneof_value_lost"), "told of each field that was in it"),
    BufRule("PACKAGE_ENUM_NO_DELETE", ("enum_removed",), "what was inside a removed message goes with it"),
    BufRule("PACKAGE_EXTENSION_NO_DELETE", ("field_removed", "extension_changed"), "", ("field_renumbered",)),
    BufRule("PACKAGE_MESSAGE_NO_DELETE", ("message_removed",), "what was inside a removed message goes with it"),
    BufRule("PACKAGE_NO_DELETE", (), "a package is the names of its types: each that is gone is told"),
    BufRule("PACKAGE_SERVICE_NO_DELETE", (), _SERVICE, in_scope=False),
    BufRule("RESERVED_ENUM_NO_DELETE", ("reservation-dropped",)),
    BufRule("RESERVED_MESSAGE_NO_DELETE", ("reservation-dropped",)),
    *(
        BufRule(name, (), _SERVICE, in_scope=False)
        for name in (
            "RPC_NO_DELETE",
            "RPC_SAME_CLIENT_STREAMING",
            "RPC_SAME_IDEMPOTENCY_LEVEL",
            "RPC_SAME_REQUEST_TYPE",
            "RPC_SAME_RESPONSE_TYPE",
            "RPC_SAME_SERVER_STREAMING",
            "SERVICE_NO_DELETE",
        )
    ),
    *(BufRule(f"{noun}_SUFFIXES_NO_CHANGE", (), _PLUG_IN, in_scope=False) for noun in ("ENUM", "MESSAGE", "SERVICE")),
)
"""Every rule of buf 1.75, and three of a plug-in that its tests bring along."""

BY_NAME: Final[Mapping[str, BufRule]] = {rule.name: rule for rule in RULES}

REPLACED: Final[Mapping[str, tuple[str, ...]]] = {
    "FIELD_SAME_CTYPE": ("FIELD_SAME_CPP_STRING_TYPE",),
    "FIELD_SAME_LABEL": (
        "FIELD_SAME_CARDINALITY",
        "FIELD_WIRE_COMPATIBLE_CARDINALITY",
        "FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY",
    ),
    "MESSAGE_SAME_MESSAGE_SET_WIRE_FORMAT": (),
}
"""Deprecated names, with the rules that stand for them."""


def step_of(kind: str) -> str:
    """How bad a kind of ours is: ``break``, ``lossy``, ``source``, or ``rule``."""
    return "rule" if kind in OWN_RULES else KINDS[kind].value


def render_buf_markdown() -> str:
    """The table of buf's rules for the documentation: what answers each, or why nothing does."""
    rows: dict[tuple[str, str], list[str]] = {}
    for rule in RULES:
        rows.setdefault((_render_kinds(rule), rule.note), []).append(f"`{rule.name}`")
    lines = [f"| {', '.join(names)} | {ours} | {note} |" for (ours, note), names in rows.items()]
    return "\n".join(["| buf's rule | ours | note |", "| --- | --- | --- |", *lines]) + "\n"


def _render_kinds(rule: BufRule) -> str:
    by_step: dict[str, list[str]] = {}
    for kind in (*rule.kinds, *rule.instead):
        by_step.setdefault(step_of(kind), []).append(f"`{kind}`")
    if not by_step:
        return "silent on purpose" if rule.in_scope else "out of scope"
    return "; ".join(f"{step}: {', '.join(by_step[step])}" for step in _STEPS if step in by_step)


_STEPS: Final = ("break", "lossy", "source", "rule")
