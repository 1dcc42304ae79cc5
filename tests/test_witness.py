"""Witnesses as people meet them: in the report, in JSON, in Markdown, and as bytes in a file."""

import io
import json
from pathlib import Path

import fastavro
import pytest

from registry import witness
from registry.api import compare, find_witness
from registry.finding import Finding, Problem, Severity
from registry.formats.mismatch import Step
from registry.formats.witness import Witness
from registry.witness import add_witnesses
from tests.command import Outcome, run

OPEN_OR_LOST = {"type": "enum", "name": "State", "symbols": ["OPEN", "LOST"]}
OPEN = {"type": "enum", "name": "State", "symbols": ["OPEN"]}


def order(state: object, *more: dict[str, object]) -> dict[str, object]:
    fields = [{"name": "id", "type": "string"}, {"name": "state", "type": state}, *more]
    return {"type": "record", "name": "Order", "fields": fields}


def compare_files(folder: Path, old: object, new: object, *options: str) -> Outcome:
    (folder / "old.avsc").write_text(json.dumps(old))
    (folder / "new.avsc").write_text(json.dumps(new))
    return run(folder, "compare", *options, "old.avsc", "new.avsc")


def findings(old: object, new: object, mode: str = "FULL") -> list[Finding]:
    found = compare(json.dumps(old), json.dumps(new), language="avro", mode=mode).mismatches
    return [Finding("", Severity.ERROR, Problem(each.new, each.message, mismatch=each)) for each in found]


def test_the_report_tells_what_was_written_and_what_became_of_it(tmp_path: Path) -> None:
    outcome = compare_files(tmp_path, order(OPEN_OR_LOST), order(OPEN))
    assert outcome.code == 1
    assert '  witness   old wrote {"state": "LOST", …}; new fails: unknown symbol \'LOST\' at /state\n' in outcome.out
    assert "reader  " not in outcome.out  # which would say the same without the value


def test_json_has_the_whole_value_and_its_bytes(tmp_path: Path) -> None:
    outcome = compare_files(tmp_path, order(OPEN_OR_LOST), order(OPEN), "--format", "json")
    (found,) = json.loads(outcome.out)["mismatches"]
    assert found["witness"] == {
        "sentence": 'old wrote {"state": "LOST", …}; new fails: unknown symbol \'LOST\' at /state',
        "writer": "old",
        "reader": "new",
        "bytes": "0002",
        "written": '{"id": "", "state": "LOST"}',
        "read": "",
        "failure": "unknown symbol 'LOST' at /state",
        "note": "",
        "reason": "",
    }


def test_markdown_has_it_too(tmp_path: Path) -> None:
    outcome = compare_files(tmp_path, order(OPEN_OR_LOST), order(OPEN), "--format", "markdown")
    (line,) = [line for line in outcome.out.splitlines() if "**witness**" in line]
    assert "old wrote" in line and "LOST" in line


def test_the_bytes_are_those_that_another_library_reads(tmp_path: Path) -> None:
    options = "--witness", "event.bin"
    outcome = compare_files(tmp_path, order(OPEN_OR_LOST), order(OPEN), *options)
    assert outcome.err == "event.bin: 2 bytes that old wrote, for compat/missing-enum-symbols\n"
    data = (tmp_path / "event.bin").read_bytes()
    writer = fastavro.parse_schema(order(OPEN_OR_LOST))
    assert fastavro.schemaless_reader(io.BytesIO(data), writer, None) == {"id": "", "state": "LOST"}


def test_without_a_difference_no_file_is_written(tmp_path: Path) -> None:
    same = order(OPEN)
    outcome = compare_files(tmp_path, same, same, "--witness", "event.bin")
    assert (outcome.code, outcome.err) == (0, "no value shows a difference: event.bin was not written\n")
    assert not (tmp_path / "event.bin").exists()


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    outcome = compare_files(tmp_path, order(OPEN_OR_LOST), order(OPEN), "--witness", "gone/event.bin")
    assert outcome.code == 2
    assert outcome.err.startswith("error: gone/event.bin cannot be written: No such file")


def test_where_only_names_change_there_is_nothing_to_show() -> None:
    old, new = ({**order(OPEN), "name": name} for name in ("shop.Order", "crm.Order"))
    found = findings(old, new)
    assert {each.problem.mismatch.step for each in found if each.problem.mismatch} == {Step.SOURCE}
    assert {each.witness for each in add_witnesses(found)} == {None}


@pytest.mark.parametrize("limit", ["MOST", "MOST_FIELDS"])
def test_beyond_the_limit_a_finding_says_that_nothing_was_looked_for(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, limit, 2)  # two findings, or the two fields of one
    more = [{"name": name, "type": "string"} for name in "abc"]
    found = list(add_witnesses(findings(order(OPEN), order(OPEN, *more), "BACKWARD")))
    reasons = [each.witness.reason for each in found if each.witness]
    shown = 2 if limit == "MOST" else 1
    assert [bool(reason) for reason in reasons] == [False] * shown + [True] * (3 - shown)
    assert reasons[-1] == "it was not looked for, because so many findings before it have one"


def test_a_value_that_no_mismatch_can_have_is_named() -> None:
    endless = {"type": "record", "name": "R", "fields": [{"name": "again", "type": "R"}, {"name": "x", "type": "int"}]}
    (found,) = compare(
        json.dumps(endless), json.dumps(endless).replace('"int"', '"string"'), language="avro", mode="BACKWARD"
    ).mismatches
    assert find_witness(found).sentence == "none: record R has no finite value"


def test_a_long_value_is_cut_in_the_sentence_and_whole_beside_it() -> None:
    long = Witness("v1", "v2", b"", f'"{"x" * 500}"', failure="too long at /x")
    assert long.sentence == f'v1 wrote "{"x" * 158}…; v2 fails: too long at /x'
    assert len(long.written) == 502
