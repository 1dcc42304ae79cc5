"""What a reader would see of each kind of mismatch, and the ways out, best one first.

The words in braces are filled in from the field or value: its name, number and types.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeVar

from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.formats.protobuf.kinds import KINDS
from registry.source import Location

_T = TypeVar("_T")

_KEEP_NUMBER: Final = "keep number {number} as it is, and add a new field under a new number"
_RETIRE: Final = "remove the field, write `reserved {number};`, and add the new one under a new number and name"
_KEEP_TYPE: Final = "keep {old_type}"
_KEEP_DEFAULT: Final = "keep the default as it was"
_KEEP_ENUM: Final = "keep the value, with `[deprecated = true]`"
_KEEP_UNUSED: Final = "keep it, with `option deprecated = true;`"
_KEEP_SYMBOL: Final = "give '{name}' its old number {number} back"
_READERS_FIRST: Final = "let every reader know the value before anybody writes it"
_BEYOND: Final = "let every reader have {new_type} before anybody writes what {old_type} does not hold"
_ONLY_UTF8: Final = "make sure that only UTF-8 {is_written}, and waive this"
_CONFLUENT: Final = "the bytes are fine; Confluent's registry rejects it"

CONSEQUENCES: Final[Mapping[str, str]] = {
    "field_renumbered": "reads as empty, because it is looked for under the other number",
    "message_type_changed": "reads as something else: well-known types have a meaning of their own",
    "message_renamed": "topics, type names and `Any` URLs do not match any more",
    "message_encoding_changed": "reads as empty",
    "message_set_changed": "its extensions read as absent",
    "bytes_read_as_message": "bytes that are no such message fail the whole event",
    "invalid_utf8_refused": "text that is not UTF-8 fails the whole event",
    "required_field_missing": "an event without it fails as a whole",
    "implicit_default_changed": "where it is absent, it reads as another value",
    "oneof_value_lost": "where two of them were set, only the last one is read",
    "enum_value_renumbered": "reads as another value, or as an unknown one",
    "enum_default_removed": "where it is absent, it reads as another value",
    "enum_value_required": "an unknown value counts as absent, and the whole event fails",
    "integer_narrowed": "numbers out of range lose their upper bits",
    "integer_sign_changed": "negative or very large numbers read as others",
    "unverified_utf8": "bytes that are not UTF-8 reach code that expects text",
    "repeated_last_wins": "only the last element is read",
    "map_key_narrowed": "different keys become one, and the last one wins",
    "entries_read_as_map": "of entries with the same key only the last is read, and their order is lost",
    "map_read_as_entries": "the wire is the same",
    "extension_range_removed": "values of extensions in it are skipped",
    "oneof_changed": "whoever asks which of them is set gets another answer",
    "confluent_package_changed": _CONFLUENT,
    "confluent_message_removed": _CONFLUENT,
    "confluent_required_removed": _CONFLUENT,
    "confluent_oneof_member_removed": _CONFLUENT,
    "confluent_cardinality_changed": _CONFLUENT,
}

HELP: Final[Mapping[str, tuple[str, ...]]] = {
    "field_type_changed": (_KEEP_NUMBER, _RETIRE),
    "field_number_reused": ("give '{name}' a number that was never used", "keep the old field under {number}"),
    "field_renumbered": (_KEEP_SYMBOL,),
    "message_type_changed": (_KEEP_NUMBER, _RETIRE),
    "message_renamed": ("keep the full name", "publish the new name as a new event beside the old one"),
    "message_encoding_changed": ("keep it {old_encoding}", _KEEP_NUMBER),
    "message_set_changed": ("keep message_set_wire_format as it was",),
    "bytes_read_as_message": (_KEEP_NUMBER, "make sure that nothing but such a message {is_written}, and waive this"),
    "invalid_utf8_refused": (_KEEP_NUMBER, _ONLY_UTF8),
    "repeated_read_as_singular": ("keep it repeated", _RETIRE),
    "required_field_missing": ("make it optional, and let the code insist on it",),
    "presence_lost": ("drop the default", "keep the presence as it was"),
    "implicit_default_changed": (_KEEP_DEFAULT, "write the value always, and wait until no old event is left"),
    "oneof_value_lost": ("keep the fields outside of the oneof", "add new fields for the members of the oneof"),
    "enum_value_renumbered": (_KEEP_SYMBOL, "leave it, and add a value under a number that was never used"),
    "enum_default_removed": ("keep '{name}' as the first value",),
    "enum_value_required": ("keep {old_type} as it was", "make the field optional"),
    "integer_narrowed": (_KEEP_TYPE, _RETIRE),
    "integer_sign_changed": (_KEEP_TYPE, _RETIRE),
    "unverified_utf8": (_KEEP_NUMBER, _ONLY_UTF8),
    "repeated_last_wins": ("keep it repeated", _RETIRE),
    "closed_enum_value_unknown": (_KEEP_ENUM, "let nobody write the value, and wait until no event with it is left"),
    "open_enum_read_as_closed": ("keep the enum open",),
    "map_key_narrowed": (_KEEP_TYPE, _RETIRE),
    "entries_read_as_map": ("keep the repeated field", _RETIRE),
    "map_read_as_entries": ("keep the map, unless order or equal keys are wanted",),
    "field_removed": ("keep it, with `[deprecated = true]`", "write `reserved {number};` and reserve the name"),
    "field_name_changed": (
        "keep the name; a new one can be shown with a comment",
        'keep the JSON name: `[json_name = "{old_json}"]`',
    ),
    "json_name_changed": ('keep the JSON name: `[json_name = "{old_json}"]`',),
    "presence_changed": ("keep the presence as it was",),
    "oneof_changed": ("keep the oneof as it was",),
    "enum_value_removed": (_KEEP_ENUM, "write `reserved {number};` and reserve the name"),
    "enum_value_renamed": ("keep the old name, and add the new one after it with `option allow_alias = true;`",),
    "enum_read_as_integer": (_KEEP_TYPE,),
    "extension_changed": ("keep it where it was",),
    "extension_range_removed": ("keep the range", "write `reserved {free};`"),
    "message_removed": (_KEEP_UNUSED,),
    "enum_removed": (_KEEP_UNUSED,),
    "confluent_package_changed": ("keep the package",),
    "confluent_message_removed": ("keep the message",),
    "confluent_required_removed": ("keep the required field",),
    "confluent_oneof_member_removed": ("keep the member, with `[deprecated = true]`",),
    "confluent_cardinality_changed": (_KEEP_NUMBER,),
}

OLD_READER_HELP: Final[Mapping[str, tuple[str, ...]]] = {
    "repeated_read_as_singular": ("keep it singular", "let every reader have it repeated before anybody writes it"),
    "required_field_missing": ("keep it, and keep it required, until no reader insists on it",),
    "presence_lost": ("keep the presence as it was", "let every reader drop the default first"),
    "implicit_default_changed": (_KEEP_DEFAULT, "write the value always, until no reader has the old default"),
    "oneof_value_lost": ("keep the fields in one oneof", "let nobody set two of them until no reader has the oneof"),
    "enum_default_removed": (
        "keep '{name}' as the first value",
        "write the value always, until no reader has the old enum",
    ),
    "enum_value_required": (_READERS_FIRST, "keep {old_type} as it was"),
    "integer_narrowed": (_KEEP_TYPE, _BEYOND),
    "integer_sign_changed": (_KEEP_TYPE, _BEYOND),
    "repeated_last_wins": ("keep it singular", "let every reader have it repeated before anybody writes more than one"),
    "closed_enum_value_unknown": (_READERS_FIRST,),
    "open_enum_read_as_closed": ("keep the enum closed", "let every reader have it open before anybody adds a value"),
    "map_key_narrowed": (_KEEP_TYPE, _BEYOND),
    "entries_read_as_map": (
        "keep the map",
        "let nobody write a key twice or rely on the order while a reader has the map",
    ),
    "map_read_as_entries": ("keep the repeated field, if its order matters",),
    "oneof_changed": (
        "keep the oneof as it was",
        "let every reader know the oneof as it is now before anybody writes it",
    ),
    "confluent_message_removed": ("leave the new message out",),
    "confluent_required_removed": ("make the new field optional",),
    "confluent_oneof_member_removed": ("add the new field outside of the oneof",),
}
"""Ways out where the old schema reads, if they are others: then only what is written can still be changed."""

INTEGER_READ_AS_CLOSED: Final[Mapping[Direction, tuple[str, ...]]] = {
    Direction.BACKWARD: (_KEEP_TYPE, "declare every number that was ever written as a value of the enum"),
    Direction.FORWARD: (_KEEP_TYPE, "write nothing but values of {old_type} while a reader has it"),
}
"""Ways out of ``closed_enum_value_unknown`` where an integer is read as an enum."""

_IS_WRITTEN: Final[Mapping[Direction, str]] = {
    Direction.BACKWARD: "was ever written",
    Direction.FORWARD: "is written while an old reader is left",
}
_UNKNOWN: Final[Mapping[str, str]] = {
    "": "the field reads as unset, that is as its default",
    "[]": "it is left out of the list",
    "{}": "its entry is left out of the map",
    "/": "a field that holds it reads as unset; items and entries that hold it are left out",
}


def ways_out(kind: str, direction: Direction) -> tuple[str, ...]:
    """The ways out of a kind of mismatch, best one first, to be filled in."""
    old_reads = direction is Direction.FORWARD
    return OLD_READER_HELP.get(kind, HELP[kind]) if old_reads else HELP[kind]


def tell_unknown(place: str) -> str:
    """What becomes of a value that a closed enum does not know: in a list (``[]``), in a map (``{}``), or wherever the
    enum is used (``/``)."""
    return f"the value is taken as unknown: {_UNKNOWN[place]}"


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
    words = {"is_written": _IS_WRITTEN[spot.pair.direction], **(words or {})}
    ways = tuple(way.format_map(words) for way in help or ways_out(kind, spot.pair.direction))
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
