"""Where we differ from buf on purpose: one group a reason, and the findings of buf's that each is about."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from conformance.buf_rules import RULES
from conformance.score import Example, Group

GROUPS: Final = (
    Group(
        "buf-oneof",
        "A field leaves or enters a oneof that shares nothing with it, or a oneof has another name",
        they="buf's FIELD_SAME_ONEOF calls it a break of the bytes",
        ours="source",
        why="A oneof is no part of the bytes. A value is lost only where two fields that could be set together are "
        "members of one oneof for the reader, and that is `oneof_value_lost`, a break.",
        right="we are: every value of either side is read as it was written",
        kinds=frozenset({"oneof_changed"}),
        example=Example(
            "protobuf",
            'syntax = "proto3"; message Login { oneof by { string token = 1; } int64 at = 2; }',
            'syntax = "proto3"; message Login { string token = 1; int64 at = 2; }',
            value={"token": "t-1", "at": 5},
        ),
    ),
    Group(
        "buf-message-name",
        "A field's message gives way to one of another name",
        they="buf's FIELD_SAME_TYPE: another name is another type",
        ours="what the two hold is compared, and told in the line of each field that differs",
        why="The bytes hold no names of messages. What does differ is a finding of its own, with the path to it.",
        right="we are: where nothing differs inside, every value is read as it was written",
        example=Example(
            "protobuf",
            'syntax = "proto3"; message Sale { Price price = 1; } message Price { int64 cents = 1; }',
            'syntax = "proto3"; message Sale { Money price = 1; } message Money { int64 cents = 1; }',
            value={"price": {"cents": 250}},
        ),
    ),
    Group(
        "buf-enum-names",
        "A field's enum gives way to one with the same numbers and other names",
        they="buf's FIELD_WIRE_COMPATIBLE_TYPE and FIELD_WIRE_JSON_COMPATIBLE_TYPE refuse it, because a name is gone",
        ours="source, in the line of each value that was renamed",
        why="An enum travels as its number. Of one enum, buf itself leaves renamed values to ENUM_VALUE_SAME_NAME.",
        right="we are, for the bytes; both are, for JSON: it shows names, and `encoding: json` makes it a break",
        kinds=frozenset({"enum_value_renamed"}),
        example=Example(
            "protobuf",
            'syntax = "proto3"; message Sale { Kind kind = 1; } enum Kind { NONE = 0; CARD = 1; }',
            'syntax = "proto3"; message Sale { Means kind = 1; } enum Means { UNSET = 0; CREDIT_CARD = 1; }',
            value={"kind": "CARD"},
        ),
    ),
    Group(
        "buf-custom-options",
        "An extension of a descriptor's options changes",
        they="buf judges it as it judges any field",
        ours="nothing",
        why="Such extensions are custom options: notes on a schema, that stand in schemas only. No event carries one.",
        right="we are, for events",
    ),
    Group(
        "buf-moved",
        "A message or an extension moved to another file or package",
        they="buf's MESSAGE_NO_DELETE and EXTENSION_NO_DELETE: it is gone from its file",
        ours="nothing; of an extension whose full name changed with its package, that it was renamed (source)",
        why="The bytes know no files, and no names of extensions.",
        right="we are, for the bytes; generated code is imported from another file, which the compiler tells",
        kinds=frozenset({"field_name_changed"}),
    ),
    Group(
        "buf-place",
        "Both say it, in different lines",
        they="buf points to the message around, or to the file that is left",
        ours="the same, in the line of the field or the value itself; what was inside a removed message is told with "
        "that message, what is missing from a moved one where that is now, and an alias that became another one once",
        why="The line of the thing itself is where it is mended.",
        right="both",
        kinds=frozenset(
            (
                *("oneof_changed", "oneof_value_lost", "enum_value_renumbered", "enum_value_renamed"),
                *("enum_removed", "message_removed"),
            )
        ),
    ),
    Group(
        "buf-only-message",
        "The only message of a tree has another name",
        they="buf's MESSAGE_NO_DELETE: one message is gone, and another one is new",
        ours="break: it was renamed, in the line of the new name",
        why="Where each side has one message, it is the event, whatever its name.",
        right="both: the change is refused",
        kinds=frozenset({"message_renamed"}),
    ),
    Group(
        "buf-empty-package",
        "The package of a file without messages and enums changes",
        they="buf's FILE_SAME_PACKAGE refuses it",
        ours="nothing",
        why="A package is the first part of the names of what is in it. Each message that has another name is told.",
        right="we are: there is nothing in it that anybody could have written",
    ),
)
"""Every reason to differ in a rule that we answer, in the order of the page."""

_LIST: Final = (
    (
        "buf-oneof",
        "field_same_oneof",
        "FIELD_SAME_ONEOF",
        "1.proto:6 1.proto:8 1.proto:11 1.proto:18 1.proto:20 1.proto:23 1.proto:37 1.proto:39 1.proto:42 "
        "2.proto:95 2.proto:97 2.proto:100",
    ),
    ("buf-message-name", "field_same_type", "FIELD_SAME_TYPE", "1.proto:13 1.proto:24 1.proto:41 2.proto:58"),
    ("buf-message-name", "message_message", "FIELD_SAME_TYPE", "1.proto:3"),
    ("buf-enum-names", "field_wire_compatible_type", "FIELD_WIRE_COMPATIBLE_TYPE", "2.proto:78 2.proto:79 2.proto:80"),
    (
        "buf-enum-names",
        "field_wire_json_compatible_type",
        "FIELD_WIRE_JSON_COMPATIBLE_TYPE",
        "2.proto:81 2.proto:82 2.proto:83",
    ),
    ("buf-custom-options", "field_same_name", "FIELD_SAME_NAME", "1.proto:35"),
    ("buf-custom-options", "field_same_type", "FIELD_SAME_TYPE", "2.proto:68"),
    ("buf-custom-options", "field_wire_compatible_type", "FIELD_WIRE_COMPATIBLE_TYPE", "2.proto:89"),
    (
        "buf-custom-options",
        "field_wire_json_compatible_type",
        "FIELD_WIRE_JSON_COMPATIBLE_TYPE",
        "2.proto:92 2.proto:93",
    ),
    ("buf-moved", "message_message", "MESSAGE_NO_DELETE", "2.proto"),
    ("buf-moved", "extension_no_delete", "EXTENSION_NO_DELETE", "2.proto 2.proto 3.proto"),
    ("buf-moved", "package_extension_no_delete", "PACKAGE_EXTENSION_NO_DELETE", "3.proto"),
    ("buf-place", "enum_value_no_delete", "ENUM_VALUE_NO_DELETE", "2.proto:48"),
    ("buf-place", "enum_value_same_name", "ENUM_VALUE_SAME_NAME", "1.proto:46"),
    ("buf-place", "oneof_no_delete", "ONEOF_NO_DELETE", "1.proto:5 1.proto:13 1.proto:26 2.proto:76"),
    ("buf-place", "package_no_delete", "PACKAGE_ENUM_NO_DELETE", "a1.proto a1.proto b1.proto"),
    ("buf-only-message", "policy_empty", "MESSAGE_NO_DELETE", "a.proto:1"),
    ("buf-empty-package", "file_same_package", "FILE_SAME_PACKAGE", "a/a.proto:3 no_package.proto:3"),
    ("buf-empty-package", "file_same_values", "FILE_SAME_PACKAGE", "2.proto:3"),
)


class Listed(NamedTuple):
    """How many of the findings of one rule at one place a group is about."""

    id: str
    times: int = 1


def _read_list() -> Mapping[str, Listed]:
    listed: dict[str, Listed] = {}
    for group, case, rule, places in _LIST:
        for place in places.split():
            name = f"buf:breaking_{case} · {rule} · {place}"
            listed[name] = Listed(group, listed[name].times + 1 if name in listed else 1)
    return listed


LISTED: Final = _read_list()
"""The group of each finding that differs, by id: case, rule, file and line."""

BEYOND: Final[Mapping[str, str]] = {
    "entries_read_as_map": "a map keeps the last of entries with one key; buf's rules of the category WIRE allow it",
    "field_number_reused": "another name and a narrower type: buf compares types only, and allows `uint64 -> uint32`",
    "field_type_changed": "inside a message that gave way to one of another name, which buf does not look into",
    "invalid_utf8_refused": "for buf's category WIRE, string and bytes are one; a reader that verifies UTF-8 fails",
    "oneof_value_lost": "a oneof that was deleted: buf says so in the line of the message",
}
"""Breaks and losses that we see where buf has a rule in force and is silent, with the reason, by kind."""


def find_groups() -> Iterator[Group]:
    """The groups above, and one for each rule of buf's that nothing of ours answers."""
    yield from GROUPS
    for rule in RULES:
        if not rule.kinds:
            why = f"{rule.note[0].upper()}{rule.note[1:]}."
            yield Group(
                rule.name, "A rule of buf's that nothing answers", "buf", "nothing", why, in_scope=rule.in_scope
            )
