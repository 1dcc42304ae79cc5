"""Every row of both tables of compatibility: each case is judged, and what it says of bytes is tried out."""

from pathlib import Path

import pytest

from conformance.rows import BadRow, Case, Row, find_faults, find_kinds, judge, parse_row, parse_version, read_rows
from conformance.rows_table import render_cases, render_table
from registry.compatibility import find_mismatches, find_pairs
from registry.formats import FORMATS
from registry.formats.avro import reference as avro
from registry.formats.avro import values as avro_values
from registry.formats.mismatch import Pair, Step
from registry.formats.protobuf import reference as protobuf
from registry.formats.protobuf import values as protobuf_values
from registry.schema import CompatibilityMode, Record

ROWS = {language: read_rows(language) for language in FORMATS}
CASES = {f"{case.path} {case.name}": case for rows in ROWS.values() for row in rows for case in row.cases}
EACH_ROW = pytest.mark.parametrize("row", [pytest.param(row, id=row.path) for rows in ROWS.values() for row in rows])

INT = '"int"'
ORDER = '{"type": "record", "name": "Order", "fields": []}'
WITH_TOTAL = '{"type": "record", "name": "Order", "fields": [{"name": "total", "type": "long"}]}'
WITH_DEFAULT = '{"type": "record", "name": "Order", "fields": [{"name": "total", "type": "long", "default": 0}]}'


def write_row(expect: str, old: str = ORDER, new: str = WITH_TOTAL, more: str = "") -> str:
    return f"# A title\nA note.\n\n== a case\n-- old --\n{old}\n-- new --\n{new}\n{more}-- expect --\n{expect}\n"


def faults(expect: str, old: str = ORDER, new: str = WITH_TOTAL, more: str = "") -> list[str]:
    (case,) = parse_row(write_row(expect, old, new, more), "avro/row.txt", "avro").cases
    return list(find_faults(case))


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_the_engine_judges_as_the_case_says(case: Case) -> None:
    assert list(find_faults(case)) == []


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_no_value_fails_where_nothing_is_said_to_break(case: Case) -> None:
    if any(each.sees == "invalid" for each in case.expected):
        return
    *old, new = [(label, parse_version(case, label)) for label in case.versions]
    for pair in find_pairs(CompatibilityMode.FULL_TRANSITIVE, new, old):
        if all(mismatch.step is not Step.BREAK for mismatch in find_mismatches(pair)):
            READ_VALUES[case.language](pair)


GONE = {"schema_removed", "message_removed", "enum_removed", "message_renamed"}
"""Kinds of what is no more, or of a package: one side, or both, have no type."""


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_every_mismatch_has_both_places_and_both_types_in_words(case: Case) -> None:
    for mismatch in (each for found in judge(case).mismatches.values() for each in found):
        for place in (mismatch.reader, mismatch.writer):
            assert place.path and place.line >= 1 and place.column >= 1
        assert mismatch.kind in GONE or (mismatch.reader_type and mismatch.writer_type), mismatch
        assert mismatch.consequence or mismatch.help, mismatch


def read_avro_values(pair: Pair) -> None:
    """All kinds of values that the writer writes, decoded by the reader, if there are both."""
    if pair.reader.roots and pair.writer.roots:
        for value in avro_values.find_values(pair.writer):
            avro.decode(pair.reader, pair.writer, avro.encode(pair.writer, value))


def read_protobuf_values(pair: Pair) -> None:
    for name, named in pair.writer.types.items():
        if isinstance(named, Record) and isinstance(pair.reader.types.get(name), Record):
            for value in protobuf_values.find_values(pair.writer, name):
                protobuf.decode(pair.reader, name, protobuf.encode(pair.writer, name, value))


READ_VALUES = {"avro": read_avro_values, "protobuf": read_protobuf_values}


@pytest.mark.parametrize("language", FORMATS)
def test_every_kind_is_found_by_some_case(language: str) -> None:
    found = {each.kind for row in ROWS[language] for case in row.cases for each in case.expected if each.step}
    assert found == set(find_kinds(language))


@pytest.mark.parametrize("language", FORMATS)
def test_files_and_titles_are_in_order_and_unlike(language: str) -> None:
    rows = ROWS[language]
    assert [int(Path(row.path).name[:2]) for row in rows] == list(range(1, len(rows) + 1))
    assert len({row.title for row in rows}) == len(rows)


@EACH_ROW
def test_a_row_has_a_case_that_fires_and_one_that_stays_silent(row: Row) -> None:
    expected = [each for case in row.cases for each in case.expected]
    assert any(each.step or (each.sees and each.kind) or each.sees in ("invalid", "note") for each in expected)
    assert any(each.step is None and not each.kind and each.sees in ("", "rule") for each in expected)


@EACH_ROW
def test_a_case_says_something_of_both_directions(row: Row) -> None:
    for case in row.cases:
        modes = [each.mode for each in case.expected if each.mode]
        assert any(each.sees for each in case.expected) or modes
        if modes:
            assert any(mode.backward for mode in modes) and any(mode.forward for mode in modes), case.place


@pytest.mark.parametrize("language", FORMATS)
def test_transitive_modes_are_tried_in_some_rows(language: str) -> None:
    cases = [case for row in ROWS[language] for case in row.cases if len(case.versions) > 2]
    assert len(cases) >= 3
    assert all(any(each.mode and each.mode.transitive for each in case.expected) for case in cases)


def test_a_case_that_is_right_has_no_faults() -> None:
    assert faults("BACKWARD break reader_field_missing_default_value /total\nFORWARD ok") == []
    assert faults("BACKWARD ok\nFORWARD ok", new=WITH_DEFAULT) == []
    assert faults("FULL ok", old=INT, new=INT) == []
    assert faults("FULL_TRANSITIVE ok", old=ORDER, new=WITH_DEFAULT, more="-- profile --\nconfluent\n") == []


def test_a_finding_that_nobody_expects_is_told() -> None:
    (fault,) = faults("BACKWARD ok")
    assert fault.startswith("avro/row.txt:4: not expected: BACKWARD  break  reader_field_missing_default_value  /total")


def test_a_finding_that_does_not_come_is_told_with_its_line() -> None:
    line = "BACKWARD break type_mismatch /total"
    assert faults(line, new=WITH_DEFAULT) == ["avro/row.txt:10: BACKWARD does not find type_mismatch at /total"]


@pytest.mark.parametrize(
    "line",
    [
        "BACKWARD lossy reader_field_missing_default_value /total",
        "BACKWARD break reader_field_missing_default_value /",
        "BACKWARD break name_mismatch /total",
    ],
)
def test_step_kind_and_path_are_all_compared(line: str) -> None:
    assert len(faults(line)) == 2


def test_each_finding_needs_a_line_of_its_own() -> None:
    line = "FORWARD break type_mismatch /\n"
    twice = '["float", "long"]'
    assert faults(line + line, old=INT, new=twice) == []
    assert len(faults(line, old=INT, new=twice)) == 1
    assert len(faults(line * 3, old=INT, new=twice)) == 1


def test_a_value_that_shows_the_finding_may_not_be_denied() -> None:
    (fault,) = faults("BACKWARD break reader_field_missing_default_value /total why nobody knows")
    assert fault == "avro/row.txt:10: why no value shows reader_field_missing_default_value: one does"


def test_an_invalid_schema_is_expected_with_its_words() -> None:
    twice = '{"type": "enum", "name": "State", "symbols": ["OPEN", "OPEN"]}'
    assert faults("invalid symbol 'OPEN' stands twice", new=twice) == []
    assert faults("invalid new  symbol 'OPEN' stands twice", new=twice) == []
    assert len(faults("invalid no such words", new=twice)) == 1
    assert len(faults("invalid old symbol 'OPEN' stands twice", new=twice)) == 2
    (fault,) = faults("BACKWARD ok", new=twice)
    assert fault.startswith("avro/row.txt:4: new is invalid: symbol 'OPEN' stands twice")
    assert faults("invalid whatever") == ["avro/row.txt:10: new is not invalid with these words, but with: nothing"]


def test_a_released_schema_with_a_bad_default_is_noted() -> None:
    bad = WITH_DEFAULT.replace("0", '"0"')
    assert faults("note old does not fit long\nBACKWARD source default_changed /total", bad, WITH_DEFAULT) == []
    assert len(faults("note old does not fit int\nBACKWARD source default_changed /total", bad, WITH_DEFAULT)) == 1
    assert faults("invalid does not fit long", ORDER, bad) == []


def test_a_warning_that_nobody_expects_is_told() -> None:
    last = WITH_TOTAL.replace('"long"', '["string", "null"], "default": null')
    assert faults("FULL ok\nnote fits null, which is not the first branch", new=last) == []
    (fault,) = faults("FULL ok", new=last)
    assert fault.startswith("avro/row.txt:4: new is accepted with a note: the default of 'total' fits null")


def test_rules_beside_the_modes_are_expected_by_their_ids() -> None:
    old = 'syntax = "proto3"; message Order { string id = 1; string coupon = 2; }'
    new = 'syntax = "proto3"; message Order { string id = 1; }'
    kept = 'syntax = "proto3"; message Order { string id = 1; reserved 2; reserved "coupon"; }'

    def rule_faults(expect: str, after: str) -> list[str]:
        (case,) = parse_row(write_row(expect, old, after), "protobuf/row.txt", "protobuf").cases
        return list(find_faults(case))

    assert rule_faults("rule number-not-reserved 'coupon' (2)", new) == []
    assert rule_faults("rule ok", kept) == []
    assert len(rule_faults("rule ok", new)) == 1
    assert len(rule_faults("rule number-not-reserved 'id'", new)) == 1
    assert len(rule_faults("rule number-not-reserved", kept)) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "row.txt:1: a row begins with its title"),
        ("A title\n", "row.txt:1: a row begins with its title"),
        ("# A title\n\n== a case\n-- new --\n1\n", "row.txt:2: the row has no note"),
        ("# A title\nA note.\n", "row.txt:2: the row has no case"),
        ("# A title\nA note.\n== a case\nwords\n-- new --\n", "row.txt:4: text before the first section"),
        ("# A title\nA note.\n== a case\n-- older --\n", "row.txt:4: unknown section 'older'"),
        ("# A title\nA note.\n== a case\n-- new --\n-- new --\n", "row.txt:5: section 'new' stands twice"),
        ("# A title\nA note.\n== a case\n-- old --\n-- expect --\n", "row.txt:3: the case has no new version"),
        ("# A title\nA note.\n== a case\n-- v2 --\n-- new --\n", "row.txt:3: versions are `old`, or `v1`"),
        ("# A title\nA note.\n== a case\n-- v1 --\n-- old --\n-- new --\n", "row.txt:3: versions are `old`, or `v1`"),
        ("# A title\nA note.\n== a case\n-- new: a.avsc --\n", "row.txt:3: version 'new' has no schema of its own"),
        ("# A title\nA note.\n== a case\n-- new --\n", "row.txt:3: the case expects nothing"),
        (
            write_row("FULL ok") + write_row("FULL ok").partition("\n\n")[2],
            "row.txt:11: the row has two cases 'a case'",
        ),
        (write_row("SIDEWAYS ok"), "row.txt:10: nothing can be expected of 'SIDEWAYS ok'"),
        (write_row("FULL fine"), "row.txt:10: nothing can be expected of 'FULL fine'"),
        (write_row("FULL break type_mismatch"), "row.txt:10: nothing can be expected of"),
        (write_row("FULL break type_mismatch / because"), "row.txt:10: nothing can be expected of"),
        (write_row("FULL break field_removed /"), "row.txt:10: avro has no kind 'field_removed'"),
        (write_row("rule number-not-reserved"), "row.txt:10: nothing can be expected of"),
        (write_row("FULL ok\nFULL break type_mismatch /"), "row.txt:11: FULL is ok in another line"),
        (write_row("invalid words\nFULL ok"), "row.txt:11: what is invalid is not compared"),
        (write_row("FULL ok", more="-- profile --\nstrict\n"), "row.txt:9: unknown profile 'strict'"),
        (
            "# A title\nA note.\n== a case\n-- new --\n1\n-- expect --\nFULL ok\n",
            "row.txt:7: there is nothing to compare",
        ),
    ],
)
def test_a_file_that_is_no_row_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(BadRow) as refused:
        parse_row(text, "row.txt", "avro")
    assert refused.value.message.startswith(message)
    assert refused.value.help


def test_the_table_has_a_line_for_each_row_and_every_case_is_told() -> None:
    expect = "BACKWARD break reader_field_missing_default_value /total\nFORWARD ok"
    row = parse_row(write_row(expect).replace("A note.", "This | that."), "avro/row.txt", "avro")
    assert render_table([row]) == TABLE
    assert render_cases([row]) == CASES


TABLE = """\
| what changes | old → new | BACKWARD | FORWARD | what to know |
|---|---|---|---|---|
| A title | nothing → `{"name": "total", "type": "long"}` | break: [reader-field-missing-default-value]\
(rules.md#compatreader-field-missing-default-value) | ok | This \\| that. |
"""
CASES = """\
## A title

This | that.

### A case

```diff
-{"type": "record", "name": "Order", "fields": []}
+{"type": "record", "name": "Order", "fields": [{"name": "total", "type": "long"}]}
```

- BACKWARD: break, [reader-field-missing-default-value](rules.md#compatreader-field-missing-default-value)\
 at `/total`. \
`old wrote {}; new fails: field 'total' was not written and has no default at /total`
- FORWARD: ok
"""


def test_a_line_says_where_another_case_of_its_row_is_worse() -> None:
    text = write_row("BACKWARD ok\nFORWARD ok", new=WITH_DEFAULT)
    worse = write_row("BACKWARD break reader_field_missing_default_value /total").replace("a case", "worse")
    row = parse_row(f"{text}\n{worse.partition(chr(10) * 2)[2]}", "avro/row.txt", "avro")
    assert "| ok (other cases: break) | ok | A note. |" in render_table([row])


@pytest.mark.parametrize("language", FORMATS)
def test_every_row_is_rendered_and_always_the_same(language: str) -> None:
    table, text = render_table(ROWS[language]), render_cases(ROWS[language])
    assert (table, text) == (render_table(read_rows(language)), render_cases(read_rows(language)))
    assert all(f"| {row.title.replace('|', chr(92) + '|')} |" in table for row in ROWS[language])
    found = [each.step for row in ROWS[language] for case in row.cases for each in case.expected]
    shown = sum(" wrote " in line or "`none: " in line for line in text.splitlines() if line.startswith("- "))
    assert shown == sum(step in (Step.BREAK, Step.LOSSY) for step in found)
