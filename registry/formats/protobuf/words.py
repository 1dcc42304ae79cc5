"""What a reader would see of each kind of mismatch, and the ways out, best one first.

The words in braces are filled in from the field or value: its name, number and types.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeVar

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf.kinds import KINDS
from registry.source import Location

_T = TypeVar("_T")

_KEEP_TYPE: Final = "keep number {number} as it is, and add a new field under a new number"
_RETIRE: Final = "remove the field, write `reserved {number};`, and add the new one under a new number and name"
_KEEP_ENUM: Final = "keep the value, with `[deprecated = true]`"
_READERS_FIRST: Final = "let every reader know the value before anybody writes it"
_UNSET: Final = "the value is taken as unknown: the field reads as unset, that is as the first value declared"

CONSEQUENCES: Final[Mapping[str, str]] = {
    "field_renumbered": "reads as empty, because it is looked for under the other number",
    "message_type_changed": "reads as something else: well-known types have a meaning of their own",
    "message_renamed": "topics, type names and `Any` URLs do not match any more",
    "message_encoding_changed": "reads as empty",
    "message_set_changed": "the fields read as empty",
    "bytes_read_as_message": "bytes that are no such message fail the whole event",
    "invalid_utf8_refused": "text that is not UTF-8 fails the whole event",
    "required_field_missing": "an event without it fails as a whole",
    "presence_lost": "a written zero reads as the reader's default",
    "implicit_default_changed": "where it is absent, it reads as another value",
    "oneof_value_lost": "where two of them were set, only the last one is read",
    "enum_value_renumbered": "reads as another value, or as an unknown one",
    "enum_default_removed": "where it is absent, it reads as another value",
    "enum_value_required": "an unknown value counts as absent, and the whole event fails",
    "integer_narrowed": "numbers out of range lose their upper bits",
    "integer_sign_changed": "negative or very large numbers read as others",
    "unverified_utf8": "bytes that are not UTF-8 reach code that expects text",
    "repeated_last_wins": "only the last element is read",
    "closed_enum_value_unknown": _UNSET,
    "open_enum_read_as_closed": _UNSET,
    "map_key_narrowed": "different keys become one, and the last one wins",
    "entries_read_as_map": "of entries with the same key only the last is read, and their order is lost",
    "map_read_as_entries": "the wire is the same",
    "extension_range_removed": "values of extensions in it are skipped",
    "presence_changed": "a written zero and an absent field become the same, or stop being the same",
    "oneof_changed": "whoever asks which of them is set gets another answer",
}

_RENAME: Final = ("keep the name; a new one can be shown with a comment",)
HELP: Final[Mapping[str, tuple[str, ...]]] = {
    "field_type_changed": (_KEEP_TYPE, _RETIRE),
    "field_number_reused": ("give '{name}' a number that was never used", "keep the old field under {number}"),
    "field_renumbered": ("give '{name}' its old number {number} back",),
    "message_type_changed": (_KEEP_TYPE, _RETIRE),
    "message_renamed": ("keep the full name", "publish the new name as a new event beside the old one"),
    "message_encoding_changed": (_KEEP_TYPE,),
    "message_set_changed": ("keep message_set_wire_format as it was",),
    "bytes_read_as_message": (_KEEP_TYPE,),
    "invalid_utf8_refused": (_KEEP_TYPE, "make sure that only UTF-8 was ever written, and waive this"),
    "repeated_read_as_singular": ("keep it repeated", _RETIRE),
    "required_field_missing": ("make it optional, and let the code insist on it",),
    "presence_lost": ("drop the default", "keep the presence as it was"),
    "implicit_default_changed": ("keep the default", "write the value always, and wait until no old event is left"),
    "oneof_value_lost": ("keep the fields outside of the oneof", "add new fields for the members of the oneof"),
    "enum_value_renumbered": ("give '{name}' its old number {number} back", "add a new value under a new number"),
    "enum_default_removed": ("keep the first value first",),
    "enum_value_required": ("make the field optional", _READERS_FIRST),
    "integer_narrowed": ("keep the wider type", _RETIRE),
    "integer_sign_changed": ("keep {old_type}", _RETIRE),
    "unverified_utf8": (_KEEP_TYPE,),
    "repeated_last_wins": ("keep it repeated", _RETIRE),
    "closed_enum_value_unknown": (_READERS_FIRST, _KEEP_ENUM),
    "open_enum_read_as_closed": ("keep the enum open",),
    "map_key_narrowed": ("keep the key type",),
    "entries_read_as_map": ("keep the repeated field", _RETIRE),
    "map_read_as_entries": ("keep the map, unless order or equal keys are wanted",),
    "field_removed": ("keep it, with `[deprecated = true]`", "write `reserved {number};` and reserve the name"),
    "field_name_changed": (*_RENAME, 'keep the JSON name: `[json_name = "{old_json}"]`'),
    "json_name_changed": ('keep the JSON name: `[json_name = "{old_json}"]`',),
    "presence_changed": ("keep the presence as it was",),
    "oneof_changed": ("keep the oneof as it was",),
    "enum_value_removed": (_KEEP_ENUM, "write `reserved {number};` and reserve the name"),
    "enum_value_renamed": ("keep the old name, and add the new one after it with `option allow_alias = true;`",),
    "enum_read_as_integer": ("keep the enum",),
    "extension_changed": ("keep it where it was",),
    "extension_range_removed": ("keep the range", "write `reserved {free};`"),
    "message_removed": ("keep it, with `option deprecated = true;`",),
    "enum_removed": ("keep it, with `option deprecated = true;`",),
    "confluent_package_changed": ("keep the package",),
    "confluent_message_removed": ("keep the message",),
    "confluent_required_removed": ("keep the required field",),
    "confluent_oneof_member_removed": ("keep the member, with `[deprecated = true]`",),
    "confluent_cardinality_changed": ("keep number {number} as it is, and add a new field under a new number",),
}


class Spot(NamedTuple):
    """What is being compared: both places, and the path of the value."""

    pair: Pair
    path: str
    reader: Location
    writer: Location

    def down(self, step: str, reader: Location, writer: Location) -> "Spot":
        """A part of it."""
        return Spot(self.pair, self.path + step, reader, writer)

    def at(self, reader: Location, writer: Location) -> "Spot":
        """The same value, seen at two other places."""
        return Spot(self.pair, self.path, reader, writer)


def in_order(pair: Pair, reader: _T, writer: _T) -> tuple[_T, _T]:
    """What the reader and the writer have, as (before, after)."""
    return (writer, reader) if pair.direction is Direction.BACKWARD else (reader, writer)


def report(
    kind: str,
    spot: Spot,
    fact: str,
    words: Mapping[str, object] | None = None,
    *,
    consequence: str = "",
    help: tuple[str, ...] = (),
    reader_type: str = "",
    writer_type: str = "",
) -> Mismatch:
    """A mismatch of a kind at a spot; ``words`` fill in the ways out, which are those of the kind or ``help``."""
    words = words or {}
    ways = tuple(way.format_map(words) for way in help or HELP[kind])
    return Mismatch(
        kind,
        KINDS[kind],
        spot.pair,
        spot.reader,
        spot.writer,
        spot.path or "/",
        fact,
        consequence or CONSEQUENCES.get(kind, ""),
        ways,
        reader_type,
        writer_type,
    )
