"""What a mismatch does to a reader, and the ways out, as texts with gaps.

The gaps: ``reader`` and ``writer`` (labels), ``path``, ``upgrade`` (the file of converters), ``old_type`` and
``new_type`` (in words, of the older and the newer schema), and what a kind adds: ``name``, ``other``, ``symbols``,
``default``, ``limit``.
Only the newer schema can still be changed: under FORWARD that is the writer.
"""

from collections.abc import Mapping
from typing import Final

from registry.formats.mismatch import Direction

_FAILS: Final = "{reader} fails at {path}"
_LOOKS_DIFFERENT: Final = "code that reads {path} sees {reader_type} and not {writer_type}"

CONSEQUENCES: Final[Mapping[str, str]] = {
    "name_mismatch": _FAILS,
    "type_mismatch": _FAILS,
    "reader_field_missing_default_value": _FAILS,
    "missing_enum_symbols": _FAILS,
    "missing_union_branch": _FAILS,
    "fixed_size_mismatch": _FAILS,
    "renamed_field_defaulted": "{reader} shows the default {default} at {path}, whatever was written",
    "bytes_read_as_string": "{reader} fails at {path} where the bytes are no UTF-8",
    "decimal_mismatch": "{reader} fails at {path}, or reads another number",
    "logical_type_mismatch": "the same bytes at {path} are another value to {reader}, or none",
    "lossy_promotion": "{reader} rounds integers beyond {limit} at {path}",
    "decimal_precision_narrowed": "{reader} gets numbers at {path} with more digits than its type allows",
    "decimal_precision_widened": _LOOKS_DIFFERENT,
    "logical_type_added": _LOOKS_DIFFERENT,
    "logical_type_removed": _LOOKS_DIFFERENT,
    "namespace_changed": "generated code and full names change from {old_type} to {new_type}",
    "default_changed": "where {path} was never written it reads differently",
}
"""Of each kind, what the reader would see."""

_UPGRADE: Final = "describe the step in {upgrade}"
_BESIDE: Final = (
    "add the new type as a field of its own beside the old one, and remove the old one when nobody reads it"
)
_KEEP: Final = ("keep {old_type}", _BESIDE, _UPGRADE)

_BOTH: Final[Mapping[str, tuple[str, ...]]] = {
    "type_mismatch": _KEEP,
    "fixed_size_mismatch": _KEEP,
    "bytes_read_as_string": ("keep {old_type}", _UPGRADE, "waive it if only UTF-8 is ever written"),
    "decimal_mismatch": _KEEP,
    "logical_type_mismatch": _KEEP,
    "lossy_promotion": ("keep {old_type}", "waive it if such numbers are never written", _UPGRADE),
    "decimal_precision_narrowed": ("keep {old_type}", "waive it if such numbers are never written", _UPGRADE),
    "decimal_precision_widened": ("see that what readers store holds the longer numbers, or keep {old_type}",),
    "logical_type_added": ("change it in one step with the code that reads it, or keep {old_type}",),
    "logical_type_removed": ("change it in one step with the code that reads it, or keep {old_type}",),
    "namespace_changed": ("keep the namespace, or change it in one step with the code that names the type",),
    "default_changed": ("keep the default, or tell those who read older events",),
}

_NEW_READER: Final[Mapping[str, tuple[str, ...]]] = {
    "name_mismatch": ("keep the name {other}", 'give {name} the alias "{other}"', _UPGRADE),
    "reader_field_missing_default_value": ("give it a default", _UPGRADE),
    "nullable_field": ('give it "default": null{null_first}', _UPGRADE),
    "enum_field": ("give the field a default: that of enum {other} does not help", _UPGRADE),
    "renamed_field": ('give it the alias "{other}"', "give it a default", _UPGRADE),
    "perhaps_renamed": (
        "if it is '{other}' under a new name, give it the alias \"{other}\"",
        "give it a default",
        _UPGRADE,
    ),
    "renamed_field_defaulted": ('give it the alias "{other}"', _UPGRADE),
    "missing_enum_symbols": (
        "keep {symbols}",
        'give enum {name} itself a "default" (one of the field does not help)',
        _UPGRADE,
    ),
    "missing_union_branch": ("keep {writer_type} in the union", _UPGRADE),
    "ambiguous_branch": ("give one of them the alias {other}", "keep the full name", _UPGRADE),
    "written_null": ("keep null in the union: a default is not used for a null that was written", _UPGRADE),
    "written_branch": ("keep the union, or a type that reads all its branches", _UPGRADE),
}

_OLD_READER: Final[Mapping[str, tuple[str, ...]]] = {
    "name_mismatch": ("keep the name {name}: an alias of the writer helps no reader", _UPGRADE),
    "reader_field_missing_default_value": (
        "keep writing the field '{name}': {reader} has no default for it",
        "release a version first that gives it a default, and remove it when no reader is older",
        _UPGRADE,
    ),
    "renamed_field": (
        "keep writing the field '{name}': the alias of '{other}' helps no reader that is older",
        "write both fields until no reader is older",
        _UPGRADE,
    ),
    "renamed_field_defaulted": (
        "keep writing the field '{name}': the alias of '{other}' helps no reader that is older",
        "write both fields until no reader is older",
        _UPGRADE,
    ),
    "missing_enum_symbols": (
        "do not add {symbols} while {reader} is read",
        'release a version first whose enum {name} itself has a "default" (one of the field does not help), '
        "and add symbols when no reader is older",
        _UPGRADE,
    ),
    "missing_union_branch": (
        "do not write {writer_type} while {reader} is read",
        "release a version first that only reads it, and write it when no reader is older",
        _UPGRADE,
    ),
    "ambiguous_branch": ("keep the full name", _UPGRADE),
    "written_null": (
        "do not write null while {reader} is read: its default is not used for a null that was written",
        _UPGRADE,
    ),
    "written_branch": ("do not write {writer_type} while {reader} is read", _UPGRADE),
}

# A reason may have a way out that its kind as a whole has not: these rows are the kind's own, unless named otherwise.
WAYS_OUT: Final[Mapping[Direction, Mapping[str, tuple[str, ...]]]] = {
    Direction.BACKWARD: {**_BOTH, **_NEW_READER, "nullable_field": _NEW_READER["nullable_field"]},
    Direction.FORWARD: {
        **_BOTH,
        **_OLD_READER,
        "perhaps_renamed": _OLD_READER["reader_field_missing_default_value"],
        "nullable_field": _OLD_READER["reader_field_missing_default_value"],
        "enum_field": _OLD_READER["reader_field_missing_default_value"],
    },
}
"""What to do, the best way first: by direction, then by kind or by a special case of one."""
