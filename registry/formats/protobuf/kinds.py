"""Every kind of mismatch that Protobuf resolution yields, with its step."""

from collections.abc import Mapping
from typing import Final

from registry.formats.mismatch import Step

KINDS: Final[Mapping[str, Step]] = {
    "field_type_changed": Step.BREAK,
    "field_number_reused": Step.BREAK,
    "field_renumbered": Step.BREAK,
    "message_type_changed": Step.BREAK,
    "message_renamed": Step.BREAK,
    "message_encoding_changed": Step.BREAK,
    "message_set_changed": Step.BREAK,
    "bytes_read_as_message": Step.BREAK,
    "invalid_utf8_refused": Step.BREAK,
    "repeated_read_as_singular": Step.BREAK,
    "required_field_missing": Step.BREAK,
    "presence_lost": Step.BREAK,
    "implicit_default_changed": Step.BREAK,
    "oneof_value_lost": Step.BREAK,
    "enum_value_renumbered": Step.BREAK,
    "enum_default_removed": Step.BREAK,
    "enum_value_required": Step.BREAK,
    "integer_narrowed": Step.LOSSY,
    "integer_sign_changed": Step.LOSSY,
    "unverified_utf8": Step.LOSSY,
    "repeated_last_wins": Step.LOSSY,
    "closed_enum_value_unknown": Step.LOSSY,
    "open_enum_read_as_closed": Step.LOSSY,
    "map_key_narrowed": Step.LOSSY,
    "entries_read_as_map": Step.LOSSY,
    "map_read_as_entries": Step.SOURCE,
    "field_removed": Step.SOURCE,
    "field_name_changed": Step.SOURCE,
    "json_name_changed": Step.SOURCE,
    "presence_changed": Step.SOURCE,
    "oneof_changed": Step.SOURCE,
    "enum_value_removed": Step.SOURCE,
    "enum_value_renamed": Step.SOURCE,
    "enum_read_as_integer": Step.SOURCE,
    "extension_changed": Step.SOURCE,
    # as for a field removed: what was written is skipped, and read as nothing else
    "extension_range_removed": Step.SOURCE,
    "message_removed": Step.SOURCE,
    "enum_removed": Step.SOURCE,
    # what Confluent's registry rejects and the wire allows (profile: confluent)
    "confluent_package_changed": Step.BREAK,
    "confluent_message_removed": Step.BREAK,
    "confluent_required_removed": Step.BREAK,
    "confluent_oneof_member_removed": Step.BREAK,
    "confluent_cardinality_changed": Step.BREAK,
}
