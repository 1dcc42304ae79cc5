"""Where we differ from Apache's `avro` package for Python (1.12), with the bytes that decide.

One row a reason. The differential test draws pairs of schemas and excuses a difference only by a row of this table; and
it reads the bytes of each row with both decoders, so that the table says what happens and not what we remember. That
package checks with one set of rules (`avro.compatibility`) and reads with another (`DatumReader`), so a row names both.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Row:
    """One reason to differ, and one value that shows it."""

    id: str
    about: str
    """What was changed."""
    writer: str
    reader: str
    data: str
    """A value of the writer, in hexadecimal."""
    verdict: str
    """Ours: ``compatible``, or the step and the kind of mismatch."""
    read: str
    """What our reader makes of the bytes, as JSON, or the reason why it fails."""
    checker: str
    """What Apache's checker says: ``compatible`` or ``incompatible``."""
    apache_read: str
    """What Apache's reader returns, as Python writes it, or ``fails`` with its error: the first line, or the class."""
    right: str
    """Who is right, and why."""


_R: Final = '{"type": "record", "name": "R", "fields": []}'
_R_X: Final = '{"type": "record", "name": "a.R", "fields": [{"name": "x", "type": "int"}]}'
_MILLIS: Final = '{"type": "long", "logicalType": "timestamp-millis"}'
_MICROS: Final = '{"type": "long", "logicalType": "timestamp-micros"}'
_LOCAL: Final = '{"type": "long", "logicalType": "local-timestamp-millis"}'
_NO_MATCH: Final = "fails: Schemas do not match."


def _decimal(precision: int, scale: int) -> str:
    return f'{{"type": "bytes", "logicalType": "decimal", "precision": {precision}, "scale": {scale}}}'


VERDICTS: Final = (
    Row(
        "lossy-promotion",
        "`int` and `long` to `float`, `long` to `double`",
        '"int"',
        '"float"',
        "82808010",
        "lossy (lossy_promotion)",
        "16777216.0",
        "compatible",
        "16777217",
        "we: a float has 24 bits for a whole number. Apache's reader does not promote: it returns the int.",
    ),
    Row(
        "bytes-read-as-string",
        "`bytes` to `string`",
        '"bytes"',
        '"string"',
        "02ff",
        "break (bytes_read_as_string)",
        "fails: bytes are no UTF-8",
        "compatible",
        _NO_MATCH,
        "we: ff is no text in any encoding that Avro knows. Apache's reader refuses what its checker accepts.",
    ),
    Row(
        "decimal-scale",
        "scale of a decimal changed",
        _decimal(9, 2),
        _decimal(9, 3),
        "027d",
        "break (decimal_mismatch)",
        '"0.125"',
        "compatible",
        "Decimal('1.25')",
        "we: 1.25 reads as 0.125. Apache's reader never looks at the reader's logical type.",
    ),
    Row(
        "decimal-precision",
        "precision of a decimal narrowed",
        _decimal(9, 2),
        _decimal(4, 2),
        "0612d687",
        "lossy (decimal_precision_narrowed)",
        '"12345.67"',
        "compatible",
        "Decimal('12345.67')",
        "we: 12345.67 is no decimal of four digits, and what is done with it next may fail.",
    ),
    Row(
        "logical-type",
        "another logical type, or one that gives the value a meaning it had not",
        _MILLIS,
        _MICROS,
        "d00f",
        "break (logical_type_mismatch)",
        '"1970-01-01T00:00:00.001Z"',
        "compatible",
        "datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)",
        "we: a reader that applies its own type is off by a thousand. Apache's applies the writer's.",
    ),
    Row(
        "renamed-field-hidden",
        "a field renamed by an alias that only the writer has, and the reader has a default",
        '{"type": "record", "name": "R", "fields": [{"name": "total", "type": "int", "aliases": ["sum"]}]}',
        '{"type": "record", "name": "R", "fields": [{"name": "sum", "type": "int", "default": 0}]}',
        "0a",
        "break (renamed_field_defaulted)",
        '{"sum": 0}',
        "compatible",
        "{'sum': 0}",
        "we: 5 was written, and 0 is read. Both readers agree on that.",
    ),
    Row(
        "alias-without-namespace",
        "a type renamed, with its old short name as an alias",
        '{"type": "record", "name": "shop.Order", "fields": []}',
        '{"type": "record", "name": "shop.Purchase", "aliases": ["Order"], "fields": []}',
        "",
        "compatible",
        "{}",
        "incompatible",
        _NO_MATCH,
        "we: an alias stands in the namespace of its type. Apache's checker compares it as it is spelled; "
        "its reader knows no aliases at all.",
    ),
    Row(
        "any-branch",
        "a record in a union, beside another that has fewer fields",
        _R_X,
        '[{"type": "record", "name": "b.R", "fields": []}, {"type": "record", "name": "a.R", "fields": '
        '[{"name": "x", "type": "int"}, {"name": "y", "type": "int"}]}]',
        "02",
        "break (reader_field_missing_default_value)",
        "fails: field 'y' was not written and has no default at /y",
        "compatible",
        "fails: No default value for field y",
        "we: the full name decides. Apache's checker takes any branch that would do; its reader goes by the name.",
    ),
    Row(
        "two-short-names",
        "a record in a union of two of its short name, and of neither full name",
        '{"type": "record", "name": "c.R", "fields": []}',
        '[{"type": "record", "name": "a.R", "fields": []}, {"type": "record", "name": "b.R", "fields": []}]',
        "",
        "break (missing_union_branch)",
        "fails: record c.R could be read as record a.R or record b.R",
        "compatible",
        _NO_MATCH,
        "we: nothing says which one is meant. Apache's reader refuses as well.",
    ),
    Row(
        "null-namespace",
        'a type in the null namespace, defined inside a namespace with `"namespace": ""`',
        '{"type": "record", "name": "a.R", "fields": [{"name": "x", "type": {"type": "fixed", "name": "F", '
        '"namespace": "", "size": 1}}]}',
        '{"type": "record", "name": "a.R", "fields": [{"name": "x", "type": {"type": "fixed", "name": "G", '
        '"namespace": "", "size": 1, "aliases": ["F"]}}]}',
        "61",
        "compatible",
        '{"x": "a"}',
        "incompatible",
        _NO_MATCH,
        "we: an empty namespace is the null namespace. Apache's parser takes it for the one around it, a.F.",
    ),
)
"""Where the verdicts differ."""

READINGS: Final = (
    Row(
        "enum-default",
        "a symbol removed from an enum with a default",
        '{"type": "enum", "name": "E", "symbols": ["A", "B"]}',
        '{"type": "enum", "name": "E", "symbols": ["A"], "default": "A"}',
        "02",
        "compatible",
        '"A"',
        "compatible",
        "fails: Symbol B not present in Reader's Schema",
        "we: that is what the default of an enum is for.",
    ),
    Row(
        "field-alias",
        "a field renamed with an alias, and given a default",
        '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}',
        '{"type": "record", "name": "R", "fields": [{"name": "b", "type": "int", "default": 0, "aliases": ["a"]}]}',
        "02",
        "compatible",
        '{"b": 1}',
        "compatible",
        "{'b': 0}",
        "we: Apache's reader knows no aliases. Where there is no default it fails; here it loses the value silently.",
    ),
    Row(
        "namespace-changed",
        "a type moved to another namespace",
        _R_X,
        '{"type": "record", "name": "b.R", "fields": [{"name": "x", "type": "int"}]}',
        "02",
        "compatible, source (namespace_changed)",
        '{"x": 1}',
        "compatible",
        _NO_MATCH,
        "we, and Apache's checker: names are compared without their namespace. Its reader compares them with it.",
    ),
    Row(
        "promotion-inside",
        "a promotion two containers deep, or in a union",
        '{"type": "array", "items": {"type": "array", "items": "int"}}',
        '{"type": "array", "items": {"type": "array", "items": "long"}}',
        "0202020000",
        "compatible",
        "[[1]]",
        "compatible",
        _NO_MATCH,
        "we: a promotion is one wherever it stands.",
    ),
    Row(
        "string-read-as-bytes",
        "`string` to `bytes`",
        '"string"',
        '"bytes"',
        "0261",
        "compatible",
        '"a"',
        "compatible",
        _NO_MATCH,
        "we: the specification names this promotion.",
    ),
    Row(
        "bytes-default",
        "a default of bytes from 80 to ff",
        _R,
        '{"type": "record", "name": "R", "fields": [{"name": "b", "type": "bytes", "default": "\\u00ff"}]}',
        "",
        "compatible",
        '{"b": "\\u00ff"}',
        "compatible",
        "{'b': b'\\xc3\\xbf'}",
        "we: each character of such a default is one byte. Apache's reader makes UTF-8 of it.",
    ),
    Row(
        "float-default",
        "a default of a float that 32 bits do not hold",
        _R,
        '{"type": "record", "name": "R", "fields": [{"name": "f", "type": "float", "default": 0.1}]}',
        "",
        "compatible",
        '{"f": 0.10000000149011612}',
        "compatible",
        "{'f': 0.1}",
        "we: a default is a value of its type, and a float that was written as 0.1 reads like that too.",
    ),
    Row(
        "later-branch-default",
        "a default of another branch than the first",
        _R,
        '{"type": "record", "name": "R", "fields": [{"name": "u", "type": ["null", "int"], "default": 1}]}',
        "",
        "compatible",
        '{"u": 1}',
        "compatible",
        "fails: InvalidDefaultException",
        "we: 1.12 allows it, and we note it. In a record's default Apache's reader takes the first branch, fit or not.",
    ),
    Row(
        "local-timestamp",
        "nothing: a local timestamp",
        _LOCAL,
        _LOCAL,
        "d00f",
        "compatible",
        '"1970-01-01T00:00:01"',
        "compatible",
        "1000",
        "both: the number is the same. Apache's reader has no type for it, nor for nanoseconds, UUID and duration.",
    ),
)
"""Where the verdicts agree, and Apache's reader does another thing than its checker says."""


def render() -> str:
    """The table as Markdown."""
    head = ("Changed", "Writer, reader", "Bytes", "We", "Apache's checker", "Apache's reader", "Who is right")
    lines = [_line(head), _line(["---"] * len(head))]
    for row in (*VERDICTS, *READINGS):
        ours = f"{row.verdict}<br>{_code(row.read)}"
        schemas = f"{_code(row.writer)}<br>{_code(row.reader)}"
        cells = (
            row.about,
            schemas,
            _code(row.data) if row.data else "none",
            ours,
            row.checker,
            _code(row.apache_read),
            row.right,
        )
        lines.append(_line([f'<a id="apache-{row.id}"></a>{cells[0]}', *cells[1:]]))
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _code(text: str) -> str:
    start, _, rest = text.partition("fails: ")
    return f"fails: `{rest}`" if rest and not start else f"`{text}`"
