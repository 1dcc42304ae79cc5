"""Changes of Protobuf schemas, each with what it does to a new reader of old bytes, and to an old reader of new."""

P2, P3, ED = 'syntax = "proto2";\n', 'syntax = "proto3";\n', 'edition = "2023";\n'
WKT = 'import "google/protobuf/wrappers.proto"; import "google/protobuf/timestamp.proto";\n'
E2 = "enum E { A = 0; B = 1; }\n"
ALIAS = "option allow_alias = true;"
ENTRY = "message Entry { string key = 1; int32 value = 2; } "


def m(body: str) -> str:
    return f"message M {{ {body} }} "


def one(before: str, after: str, syntax: str = P3, rest: str = "") -> tuple[str, str]:
    return syntax + rest + m(before), syntax + rest + m(after)


def enums(before: str, after: str, syntax: str = P2, label: str = "optional ") -> tuple[str, str]:
    user = m(f"{label}E e = 1;")
    return f"{syntax}enum E {{ {before} }} {user}", f"{syntax}enum E {{ {after} }} {user}"


CASES: list[tuple[str, tuple[str, str], str, str]] = [
    ("field added", one("int32 a = 1;", "int32 a = 1; int32 b = 2;"), "", ""),
    ("message and open enum value added", (P3 + E2, P3 + "enum E { A = 0; B = 1; C = 2; } message N {}"), "", ""),
    ("field removed", one("int32 a = 1; int32 b = 2;", "int32 a = 1;"), "field_removed", "field_removed"),
    ("number reused", one("int32 a = 1;", "string b = 1;"), "field_number_reused", "field_number_reused"),
    ("type changed", one("int32 a = 1;", "string a = 1;"), "field_type_changed", "field_type_changed"),
    ("field renumbered", one("int32 a = 1;", "int32 a = 2;"), "field_renumbered", "field_renumbered"),
    (
        "field renumbered whose enum has one value",
        one("E a = 1;", "E a = 2;", ED, "enum E { option features.enum_type = CLOSED; A = 2; } "),
        "field_renumbered",
        "field_renumbered",
    ),
    (
        "required removed, and its name given to another",
        one("required fixed32 a = 2;", "repeated M a = 1;", P2),
        "field_removed",
        "field_removed required_field_missing",
    ),
    (
        "two fields swapped",
        one("int32 a = 1; int32 b = 2;", "int32 b = 1; int32 a = 2;"),
        "field_renumbered field_renumbered",
        "field_renumbered field_renumbered",
    ),
    (
        "renamed, and another one added under the old name",
        one("int32 a = 1;", "int32 old_a = 1; int32 a = 2;"),
        "field_renumbered",
        "field_renumbered",
    ),
    ("field renamed", one("int32 a = 1;", "int32 b = 1;"), "field_name_changed", "field_name_changed"),
    (
        "json_name changed",
        one("int32 a = 1;", 'int32 a = 1 [json_name = "x"];'),
        "json_name_changed",
        "json_name_changed",
    ),
    ("int32 to int64", one("int32 a = 1;", "int64 a = 1;"), "", "integer_narrowed"),
    ("bool to int32", one("bool a = 1;", "int32 a = 1;"), "", "field_type_changed"),
    ("enum to bool", one("E a = 1;", "bool a = 1;", rest=E2), "field_type_changed", "enum_read_as_integer"),
    ("uint32 to int64", one("uint32 a = 1;", "int64 a = 1;"), "", "integer_narrowed"),
    ("sint32 to sint64", one("sint32 a = 1;", "sint64 a = 1;"), "", "integer_narrowed"),
    ("int32 to uint32", one("int32 a = 1;", "uint32 a = 1;"), "integer_sign_changed", "integer_sign_changed"),
    ("fixed32 to sfixed32", one("fixed32 a = 1;", "sfixed32 a = 1;"), "integer_sign_changed", "integer_sign_changed"),
    ("int32 to sint32", one("int32 a = 1;", "sint32 a = 1;"), "field_type_changed", "field_type_changed"),
    ("fixed32 to float", one("fixed32 a = 1;", "float a = 1;"), "field_type_changed", "field_type_changed"),
    ("fixed32 to fixed64", one("fixed32 a = 1;", "fixed64 a = 1;"), "field_type_changed", "field_type_changed"),
    ("string to bytes, verified", one("string a = 1;", "bytes a = 1;"), "", "invalid_utf8_refused"),
    ("string to bytes", one("optional string a = 1;", "optional bytes a = 1;", P2), "", "unverified_utf8"),
    ("bytes to message", one("bytes a = 1;", "N a = 1;", rest="message N {} "), "bytes_read_as_message", ""),
    (
        "string to message",
        one("string a = 1;", "N a = 1;", rest="message N {} "),
        "field_type_changed",
        "field_type_changed",
    ),
    ("enum to int32, open", one("E a = 1;", "int32 a = 1;", rest=E2), "enum_read_as_integer", "enum_read_as_integer"),
    (
        "enum to int64, closed",
        one("optional E a = 1;", "optional int64 a = 1;", P2, E2),
        "enum_read_as_integer",
        "integer_narrowed enum_read_as_integer closed_enum_value_unknown",
    ),
    (
        "enum with no value but 0 to sint32",
        one("optional E a = 1;", "optional sint32 a = 1;", P2, "enum E { A = 0; } "),
        "enum_read_as_integer",
        "field_type_changed",
    ),
    (
        "int32 to enum, closed",
        one("optional int32 a = 1;", "optional E a = 1;", P2, E2),
        "enum_read_as_integer closed_enum_value_unknown",
        "enum_read_as_integer",
    ),
    (
        "uint32 to enum, closed, with a negative value",
        one("optional uint32 a = 1;", "optional E a = 1;", P2, "enum E { A = 0; N = -1; }"),
        "integer_sign_changed enum_read_as_integer closed_enum_value_unknown",
        "integer_sign_changed enum_read_as_integer",
    ),
    (
        "uint32 to enum, closed",
        one("optional uint32 a = 1;", "optional E a = 1;", P2, E2),
        "enum_read_as_integer closed_enum_value_unknown",
        "enum_read_as_integer",
    ),
    (
        "closed enum that knows all a bool can be",
        one("optional bool a = 1;", "optional E a = 1;", P2, E2),
        "enum_read_as_integer",
        "enum_read_as_integer",
    ),
    ("closed enum value added", enums("A = 0;", "A = 0; B = 1;"), "", "closed_enum_value_unknown"),
    (
        "closed enum value added, field required",
        enums("A = 0;", "A = 0; B = 1;", label="required "),
        "",
        "closed_enum_value_unknown enum_value_required",
    ),
    (
        "closed enum value removed",
        enums("A = 0; B = 1;", "A = 0;"),
        "closed_enum_value_unknown",
        "enum_value_removed",
    ),
    (
        "closed enum's first value changed",
        enums("A = 0; B = 1;", "B = 1; A = 0;"),
        "enum_default_removed",
        "enum_default_removed",
    ),
    ("open enum value removed", enums("A = 0; B = 1;", "A = 0;", P3, ""), "enum_value_removed", "enum_value_removed"),
    (
        "enum value renumbered",
        enums("A = 0; B = 1;", "A = 0; B = 2;", P3, ""),
        "enum_value_renumbered",
        "enum_value_renumbered",
    ),
    (
        "enum value that became an alias of another, open",
        enums("A = 0; B = 1;", "option allow_alias = true; A = 0; B = 0;", P3, ""),
        "enum_value_renumbered",
        "enum_value_renumbered",
    ),
    (
        "enum value that became an alias of another, closed",
        enums("A = 0; B = 1;", "option allow_alias = true; A = 0; B = 0;"),
        "enum_value_renumbered",
        "enum_value_renamed",
    ),
    (
        "two enum names swapped",
        enums("A = 0; B = 1; C = 2;", "A = 0; C = 1; B = 2;", P3, ""),
        "enum_value_renumbered enum_value_renumbered",
        "enum_value_renumbered enum_value_renumbered",
    ),
    ("enum value renamed", enums("A = 0;", "Z = 0;", P3, ""), "enum_value_renamed", "enum_value_renamed"),
    (
        "a name moved to an alias, and its number has another one",
        enums("A = 0; B = 3;", "option allow_alias = true; Z = 0; A = 3; B = 3;"),
        "enum_value_renumbered",
        "enum_value_renumbered",
    ),
    (
        "two names swapped, and one number has an alias",
        enums(f"{ALIAS} A = 0; B = 3; X = 3;", f"{ALIAS} A = 3; B = 0; X = 3;", P2, "repeated "),
        "enum_value_renumbered enum_value_renumbered enum_default_removed",
        "enum_value_renumbered enum_value_renumbered enum_default_removed",
    ),
    (
        "a name moved from an alias to an alias, open",
        enums(f"{ALIAS} C = 0; A = 0; B = 3;", f"{ALIAS} C = 0; B = 3; A = 3;", P3, ""),
        "enum_value_renamed enum_value_renamed",
        "enum_value_renamed enum_value_renamed",
    ),
    (
        "alias added",
        enums("A = 0;", "option allow_alias = true; A = 0; Z = 0;", P3, ""),
        "enum_value_renamed",
        "enum_value_renamed",
    ),
    (
        "open to closed",
        enums("A = 0;", "option features.enum_type = CLOSED; A = 0;", ED, ""),
        "open_enum_read_as_closed",
        "",
    ),
    ("singular to repeated, packed", one("int32 a = 1;", "repeated int32 a = 1;"), "", "repeated_read_as_singular"),
    (
        "singular to repeated, unpacked",
        one("int32 a = 1;", "repeated int32 a = 1 [packed = false];"),
        "",
        "repeated_last_wins",
    ),
    ("singular to repeated, string", one("string a = 1;", "repeated string a = 1;"), "", "repeated_last_wins"),
    (
        "singular to repeated, message",
        one("N a = 1;", "repeated N a = 1;", rest="message N {} "),
        "",
        "repeated_read_as_singular",
    ),
    ("packed to expanded", one("repeated int32 a = 1;", "repeated int32 a = 1 [packed = false];"), "", ""),
    ("implicit to explicit", one("int32 a = 1;", "optional int32 a = 1;"), "presence_changed", "presence_changed"),
    (
        "implicit to explicit with a default",
        one("int32 a = 1 [features.field_presence = IMPLICIT];", "int32 a = 1 [default = 5];", ED),
        "presence_lost",
        "implicit_default_changed",
    ),
    ("required added", one("", "required int32 a = 1;", P2), "required_field_missing", ""),
    (
        "required removed",
        one("required int32 a = 1;", "", P2),
        "field_removed",
        "field_removed required_field_missing",
    ),
    (
        "optional to required",
        one("optional int32 a = 1;", "required int32 a = 1;", P2),
        "required_field_missing",
        "",
    ),
    (
        "required in an edition",
        one("int32 a = 1;", "int32 a = 1 [features.field_presence = LEGACY_REQUIRED];", ED),
        "required_field_missing",
        "",
    ),
    ("one field into a new oneof", one("int32 a = 1;", "oneof o { int32 a = 1; }"), "oneof_changed", "oneof_changed"),
    (
        "two fields into one oneof",
        one("int32 a = 1; int32 b = 2;", "oneof o { int32 a = 1; int32 b = 2; }"),
        "oneof_value_lost",
        "oneof_changed oneof_changed",
    ),
    (
        "a field into an existing oneof",
        one("oneof o { int32 a = 1; } int32 b = 2;", "oneof o { int32 a = 1; int32 b = 2; }"),
        "oneof_value_lost",
        "oneof_changed",
    ),
    (
        "out of a oneof",
        one("oneof o { int32 a = 1; int32 b = 2; }", "oneof o { int32 a = 1; } int32 b = 2;"),
        "oneof_changed",
        "oneof_value_lost",
    ),
    (
        "member added to a oneof",
        one("oneof o { int32 a = 1; }", "oneof o { int32 a = 1; int32 b = 2; }"),
        "",
        "oneof_changed",
    ),
    (
        "member removed from a oneof",
        one("oneof o { int32 a = 1; int32 b = 2; }", "oneof o { int32 a = 1; }"),
        "field_removed",
        "field_removed",
    ),
    ("oneof renamed", one("oneof o { int32 a = 1; }", "oneof p { int32 a = 1; }"), "oneof_changed", "oneof_changed"),
    ("a whole oneof added", one("", "oneof o { int32 a = 1; int32 b = 2; }"), "", ""),
    (
        "synthetic oneofs are none",
        one("optional int32 a = 1; optional int32 b = 2;", "optional int32 b = 2; optional int32 a = 1;"),
        "",
        "",
    ),
    (
        "message type replaced by an equal one",
        one("X a = 1;", "Y a = 1;", rest="message X { int32 x = 1; } message Y { int32 x = 1; } "),
        "",
        "",
    ),
    (
        "message type replaced by another one",
        one("X a = 1;", "Y a = 1;", rest="message X { int32 x = 1; } message Y { string x = 1; } "),
        "field_type_changed",
        "field_type_changed",
    ),
    (
        "message type replaced by a well-known one",
        one(
            "X a = 1;",
            "google.protobuf.Timestamp a = 1;",
            rest=WKT + "message X { int64 seconds = 1; int32 nanos = 2; } ",
        ),
        "message_type_changed",
        "message_type_changed",
    ),
    (
        "map to entries",
        one("map<string, int32> a = 1;", "repeated Entry a = 1;", rest=ENTRY),
        "map_read_as_entries",
        "entries_read_as_map",
    ),
    (
        "a list of more than entries becomes a map",
        one("repeated X a = 1;", "map<int32, X> a = 1;", rest="message X { int32 key = 1; X value = 2; X more = 3; } "),
        "field_type_changed",
        "map_read_as_entries field_removed",
    ),
    (
        "a list that others extend becomes a map",
        one("repeated X a = 1;", "map<int32, X> a = 1;", P2, "message X { optional int32 key = 1; extensions 5; } "),
        "field_type_changed",
        "map_read_as_entries extension_range_removed",
    ),
    (
        "a message becomes a map of messages that require its key",
        one(
            "optional X a = 1;",
            "map<int32, X> a = 1;",
            P2,
            "message X { required int32 key = 1; optional X value = 2; } ",
        ),
        "required_field_missing",
        "repeated_read_as_singular",
    ),
    (
        "a list of keys with a default becomes a map",
        one("repeated X a = 1;", "map<int32, X> a = 1;", P2, "message X { optional int32 key = 1 [default = 5]; } "),
        "entries_read_as_map implicit_default_changed",
        "map_read_as_entries",
    ),
    ("map key narrowed", one("map<int64, int32> a = 1;", "map<int32, int32> a = 1;"), "map_key_narrowed", ""),
    (
        "map key becomes a flag",
        one("map<int32, string> a = 1;", "map<bool, string> a = 1;"),
        "field_type_changed",
        "",
    ),
    (
        "map values changed",
        one("map<int32, string> a = 1;", "map<int32, int32> a = 1;"),
        "field_type_changed",
        "field_type_changed",
    ),
    (
        "default changed",
        one("optional int32 a = 1 [default = 5];", "optional int32 a = 1 [default = 6];", P2),
        "implicit_default_changed",
        "implicit_default_changed",
    ),
    ("default of zero spelled out", one("optional int32 a = 1;", "optional int32 a = 1 [default = 0];", P2), "", ""),
    (
        "default not a number",
        one("optional float a = 1 [default = nan];", "optional float a = 1 [default = nan];", P2),
        "",
        "",
    ),
    (
        "group to message",
        (P2 + "message M { optional group G = 1 { } }", P2 + "message M { optional G g = 1; message G { } }"),
        "message_encoding_changed",
        "message_encoding_changed",
    ),
    (
        "delimited to length-prefixed",
        one("N a = 1 [features.message_encoding = DELIMITED];", "N a = 1;", ED, "message N {} "),
        "message_encoding_changed",
        "message_encoding_changed",
    ),
    (
        "UTF-8 no longer verified",
        one("string a = 1;", "string a = 1 [features.utf8_validation = NONE];", ED),
        "",
        "invalid_utf8_refused",
    ),
    (
        "UTF-8 of a map of messages no longer verified",
        one("map<string, M> a = 1;", "map<string, M> a = 1 [features.utf8_validation = NONE];", ED),
        "",
        "invalid_utf8_refused",
    ),
    (
        "UTF-8 of a map no longer verified",
        one("map<string, int32> a = 1;", "map<string, int32> a = 1 [features.utf8_validation = NONE];", ED),
        "",
        "invalid_utf8_refused",
    ),
    (
        "scalar to wrapper",
        one("int32 a = 1;", "google.protobuf.Int32Value a = 1;", rest=WKT),
        "field_type_changed",
        "field_type_changed",
    ),
    (
        "int64 to Timestamp",
        one("int64 a = 1;", "google.protobuf.Timestamp a = 1;", rest=WKT),
        "field_type_changed",
        "field_type_changed",
    ),
    (
        "extension to field",
        (P2 + m("extensions 5;") + "extend M { optional int32 a = 5; }", P2 + m("optional int32 a = 5;")),
        "extension_changed",
        "extension_changed",
    ),
    (
        "range of extensions removed",
        (P2 + m("extensions 5 to 9;"), P2 + m("extensions 5;")),
        "extension_range_removed",
        "extension_range_removed",
    ),
    (
        "message set, and nothing left that a reader could know",
        (P2 + m("option message_set_wire_format = true; extensions 4 to 9;"), P2 + m("extensions 10;")),
        "extension_range_removed",
        "extension_range_removed",
    ),
    (
        "message set",
        (P2 + m("extensions 4 to max;"), P2 + m("option message_set_wire_format = true; extensions 4 to max;")),
        "",
        "message_set_changed",
    ),
    (
        "syntax changed, meaning kept",
        (P3 + m("int32 a = 1;"), ED + "option features.field_presence = IMPLICIT;" + m("int32 a = 1;")),
        "",
        "",
    ),
    (
        "syntax changed, presence with it",
        (P3 + m("int32 a = 1;"), P2 + m("optional int32 a = 1;")),
        "presence_changed",
        "presence_changed",
    ),
    ("package changed", (P3 + "package a;" + m(""), P3 + "package b;" + m("")), "message_renamed", "message_renamed"),
    (
        "package of several changed",
        (P3 + "package a;" + m("") + E2, P3 + "package b;" + m("") + E2),
        "message_renamed",
        "message_renamed",
    ),
    (
        "renamed and changed",
        (P3 + "message A { int32 x = 1; }", P3 + "message B { string x = 1; }"),
        "message_renamed field_type_changed",
        "message_renamed field_type_changed",
    ),
    (
        "message and enum removed",
        (P3 + m("") + "message N { message Inner {} }" + E2, P3 + m("")),
        "message_removed enum_removed",
        "message_removed enum_removed",
    ),
    (
        "message that became an enum",
        (P3 + m("") + "message E {}", P3 + m("") + E2),
        "message_type_changed",
        "message_type_changed",
    ),
]
