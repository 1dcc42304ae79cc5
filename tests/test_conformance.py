"""The runner of `make conformance`: it must count what is wrong as wrong, above all."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from conformance import pairs, values, wire
from conformance.__main__ import PAIRS, find_scores, find_unknown, main, read_cases
from conformance.disagreements import GROUPS, find_proof, read_list, render_disagreements
from conformance.score import Group, Outcome, Score, score
from registry.api import Comparison, InvalidSchema, RegistryError, Step, compare

ORACLE = Path(__file__).resolve().parents[2] / "shared" / "oracle"
needs_oracle = pytest.mark.skipif(not ORACLE.is_dir(), reason="the folder ../shared/oracle with the cases is not there")

LOSSY = Group("lossy", "rounded", kinds=frozenset({"lossy_promotion"}))
SERVICES = Group("services", "services", in_scope=False)


def pair(old: str | list[str], new: str, **rest: Any) -> dict[str, Any]:
    case = {"id": "own:1", "format": "avro", "old": old, "new": new, "expect": {"BACKWARD": True}}
    return {**case, **rest}


def judge(case: dict[str, Any], group: Group | None = None) -> Score:
    return score("own", pairs.find_outcomes([case]), {"own:1": group} if group else {})


# --- pairs


def test_a_verdict_that_is_expected_agrees() -> None:
    assert judge(pair('"int"', '"long"')) == Score("own", 1)


def test_a_verdict_that_is_not_expected_is_wrong() -> None:
    (sentence,) = judge(pair('"long"', '"int"')).wrong

    assert sentence == ("own:1: expected is BACKWARD compatible, we say incompatible (break type_mismatch at /)")


def test_a_break_that_nobody_sees_is_wrong_too() -> None:
    (sentence,) = judge(pair('"int"', '"long"', expect={"BACKWARD": False})).wrong

    assert sentence == "own:1: expected is BACKWARD incompatible, we say compatible"


def test_every_mode_of_a_case_counts() -> None:
    (sentence,) = judge(pair('"int"', '"long"', expect={"BACKWARD": True, "FORWARD": True})).wrong

    assert "FORWARD compatible" in sentence
    assert "BACKWARD" not in sentence


def test_a_difference_on_the_list_is_on_purpose() -> None:
    assert judge(pair('"long"', '"double"'), LOSSY) == Score("own", on_purpose={"lossy": ["own:1"]})


def test_what_is_no_business_of_ours_is_out_of_scope() -> None:
    proto = 'syntax = "proto3"; message A {} service S { rpc Do(A) returns (A); }'
    case = pair(proto, 'syntax = "proto3"; message A {}', format="protobuf", expect={"BACKWARD": False})

    assert judge(case, SERVICES) == Score("own", out_of_scope={"services": ["own:1"]})


def test_a_difference_of_another_kind_than_its_group_is_wrong() -> None:
    (sentence,) = judge(pair('"bytes"', '"string"'), LOSSY).wrong

    assert sentence.endswith("break bytes_read_as_string at /); that is not why lossy lists it")


def test_silence_is_no_difference_of_a_group_that_names_kinds() -> None:
    (sentence,) = judge(pair('"int"', '"long"', expect={"BACKWARD": False}), LOSSY).wrong

    assert "that is not why lossy lists it" in sentence


def test_a_listed_difference_that_is_none_any_more_is_wrong() -> None:
    (sentence,) = judge(pair('"int"', '"long"'), LOSSY).wrong

    assert sentence == "own:1: is listed under lossy, and agrees: take it off the list"


def test_a_listed_case_that_no_file_has_is_wrong() -> None:
    listed = {"own:1": LOSSY, "own:2": LOSSY}

    assert list(find_unknown(listed, [judge(pair('"long"', '"double"'), LOSSY)])) == [
        "own:2: is listed under lossy, and no file has it"
    ]


def test_of_a_disputed_case_the_judgement_beside_it_counts() -> None:
    disputed = pair('"long"', '"int"', disputed={"spec_expect": {"BACKWARD": False}})

    assert judge(disputed) == Score("own", 1, disputed=1)


def test_a_disputed_case_may_be_judged_invalid() -> None:
    invalid = '{"type": "enum", "name": "E", "symbols": ["A"], "default": "B"}'
    judgement = {"spec_expect": "invalid schema"}

    assert judge(pair(invalid, invalid, disputed=judgement)).agreed == 1
    assert judge(pair('"int"', '"int"', disputed=judgement)).wrong


@pytest.mark.parametrize(("side", "agreed"), [("new", 1), ("old", 0)])
def test_an_expected_error_is_one_of_the_side_it_names(side: str, agreed: int) -> None:
    case = pair('"int"', '"integer"', expect={}, expect_error=f"{side} schema invalid: no such type")

    assert judge(case).agreed == agreed


def test_what_does_not_compile_must_be_refused() -> None:
    good, bad = ('syntax = "proto3"; message A {}', 'syntax = "proto3"; message A {')

    assert judge(pair(good, bad, format="protobuf", compiles=False)).agreed == 1
    assert judge(pair(good, good, format="protobuf", compiles=False)).wrong


def test_an_invalid_schema_is_no_incompatible_one() -> None:
    (sentence,) = judge(pair('"int"', '"integer"', expect={"BACKWARD": False})).wrong

    assert "we say invalid new (new.avsc:1:1" in sentence


def test_a_mode_that_is_not_transitive_looks_at_the_last_schema_only() -> None:
    olds = ['"string"', '"int"']

    assert judge(pair(olds, '"long"', expect={"BACKWARD": True, "BACKWARD_TRANSITIVE": False})).agreed == 1


def test_references_belong_to_their_side() -> None:
    old, new = ({"e.avsc": json.dumps({"type": "enum", "name": "E", "symbols": each})} for each in (["A", "B"], ["A"]))

    assert judge(pair('"E"', '"E"', references={"old": old, "new": new}, expect={"BACKWARD": False})).agreed == 1


def test_a_branch_of_the_writer_is_in_the_pointer_as_java_gives_it() -> None:
    case = pair('["int", "string"]', '"int"', expect={"BACKWARD": False})
    found = {"type": "TYPE_MISMATCH", "location": "/1", "message": ""}

    assert judge({**case, "incompatibilities": [found]}).agreed == 1
    assert judge({**case, "incompatibilities": [{**found, "location": "/0"}]}).wrong == (
        "own:1: expected is these kinds and places, we say + type_mismatch at /1, - type_mismatch at /0",
    )


def test_an_incompatibility_that_java_does_not_find_is_wrong() -> None:
    assert judge(pair('"long"', '"int"', expect={"BACKWARD": False}, incompatibilities=[])).wrong


# --- wire


def measure(old: str, new: str, group: Group | None = None, **measured: str) -> Score:
    case = {"id": "own:1", "format": "protobuf", "old": old, "new": new, "wire": measured}
    listed = {f"own:1 wire {direction}": group for direction in measured} if group else {}
    return score("own", wire.find_outcomes([case]), listed)


INT32, INT64, STRING = (f'syntax = "proto3"; message A {{ {each} a = 1; }}' for each in ("int32", "int64", "string"))


def test_each_measured_direction_is_a_case() -> None:
    assert measure(INT32, INT64, BACKWARD="ok", FORWARD="lossy").agreed == 2


def test_compatible_where_the_bytes_fail_is_wrong_whatever_the_list_says() -> None:
    (sentence,) = measure(INT32, INT64, Group("sure", "we are sure"), BACKWARD="error").wrong

    assert sentence == "own:1 wire BACKWARD: expected is error, we say ok; no reason can excuse that"


def test_lossy_where_the_message_is_gone_is_wrong_too() -> None:
    narrowed = Group("sure", "we are sure", kinds=frozenset({"integer_narrowed"}))

    assert measure(INT64, INT32, narrowed, BACKWARD="message-gone").wrong


def test_a_break_where_values_were_only_lost_says_enough() -> None:
    assert measure(STRING, INT32, BACKWARD="lossy").agreed == 1


def test_a_break_where_the_bytes_are_fine_needs_a_row() -> None:
    assert measure(STRING, INT32, BACKWARD="ok").wrong
    retyped = Group("retyped", "another type", kinds=frozenset({"field_type_changed"}))
    assert measure(STRING, INT32, retyped, BACKWARD="ok").on_purpose == {"retyped": ["own:1 wire BACKWARD"]}


def test_what_was_not_measured_is_no_case() -> None:
    case = {"id": "own:1", "format": "protobuf", "old": INT32, "new": INT32, "wire": {"BACKWARD": None}}

    assert list(wire.find_outcomes([case])) == []


# --- values


def value(writer: str, reader: str, datum: object, written: str, **expected: object) -> Outcome:
    case = {"id": "own:1", "writer_schema": writer, "reader_schema": reader, "datum": datum}
    return values.judge({**case, "written_hex": written, "expect": expected})


def test_a_value_agrees_in_bytes_reading_and_verdict() -> None:
    assert value('"int"', '"long"', 1, "02", value=1).agrees


def test_bytes_that_differ_are_told() -> None:
    outcome = value('"int"', '"long"', 1, "04", value=2)

    assert outcome.ours == "writes 02 instead of 04"
    assert outcome.kinds == {"written"}


def test_a_value_that_is_read_as_another_is_told() -> None:
    assert value('"int"', '"long"', 1, "02", value=2).ours == "reads 1"


def test_an_expected_error_needs_a_failing_reader_and_an_incompatible_verdict() -> None:
    enum = '{{"type": "enum", "name": "E", "symbols": [{}]}}'.format

    assert value(enum('"A", "B"'), enum('"A"'), "B", "02", error="unknown symbol").agrees
    outcome = value('"int"', '"long"', 1, "02", error="cannot be")
    assert outcome.ours == "reads 1; compatible"
    assert not outcome.excusable


def test_a_verdict_about_other_values_than_the_one_that_is_read_needs_a_row() -> None:
    outcome = value('["int", "string"]', '"int"', 1, "0002", value=1)

    assert outcome.ours == "break type_mismatch at /"
    assert outcome.excusable


def test_the_entries_of_a_map_have_no_order() -> None:
    ints = '{"type": "map", "values": "int"}'

    assert value(ints, ints, {"a": 1, "b": 2}, "0402620402610200", value={"b": 2, "a": 1}).agrees


def test_any_branch_that_takes_the_value_may_be_meant() -> None:
    record = '{"type": "record", "name": "R", "fields": [{"name": "a", "type": ["long", "int"]}]}'

    assert value(record, record, {"a": 1}, "0202", value={"a": 1}).agrees
    assert not value(record, record, {"a": 1}, "0204", value={"a": 2}).agrees


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1.0, 1.0000001, True),
        (1.0, 1.1, False),
        (float("nan"), float("nan"), True),
        (1, 1.0, True),
        (2**53, 2**53 + 1, False),
        (True, 1, False),
        ("a", b"a", False),
        ({"a": [1]}, {"a": [1]}, True),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ([1], [1, 1], False),
        (None, None, True),
    ],
)
def test_values_are_the_same_or_not(left: object, right: object, same: bool) -> None:
    assert values.are_same(left, right) is same


# --- the list


def test_an_entry_of_the_list_that_makes_no_sense_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    for text, fact in (
        ("[rounded]", "list.txt:1: [rounded] is no group"),
        ("# a comment\nown:1", "list.txt:2: own:1 stands under no group"),
        ("[services]\nown:1\nown:1", "list.txt:3: own:1 is listed twice"),
    ):
        path.write_text(text)
        with pytest.raises(RegistryError) as error:
            read_list(path)
        assert error.value.message == fact


def test_each_group_lists_a_case_and_gives_its_reason() -> None:
    assert {group.id for group in read_list().values()} == {group.id for group in GROUPS}
    assert all(group.they and group.ours and group.why and group.right for group in GROUPS)


@pytest.mark.parametrize("group", [each for each in GROUPS if each.example], ids=lambda each: each.id)
def test_the_bytes_of_a_group_show_what_it_says(group: Group) -> None:
    assert group.example
    proof = list(find_proof(group.example))

    assert proof
    assert all(line.startswith("old wrote") for line in proof)


def test_the_page_tells_every_group_and_case_and_is_the_same_twice() -> None:
    page = render_disagreements()

    assert page == render_disagreements()
    assert [group.title for group in GROUPS if f"### {group.title}\n" not in page] == []
    assert [id_ for id_ in read_list() if f"{id_}\n" not in page] == []


# --- the runner


def test_without_the_folder_there_is_one_line_and_nothing_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "oracle")]) == 0
    assert capsys.readouterr().out == f"skipped: there is no folder {tmp_path}/oracle, which would hold the cases\n"


def test_a_file_that_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "avro_java.json cannot be read" in capsys.readouterr().err


def test_what_is_wrong_is_printed_and_the_exit_code_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*PAIRS, "buf_breaking", "avro_values"):
        (tmp_path / f"{name}.json").write_text("[]")
    (tmp_path / "buf_rules.json").write_text('{"rules": {}}')
    (tmp_path / "avro_py.json").write_text(json.dumps([pair('"long"', '"int"')]))

    assert main([str(tmp_path)]) == 1
    assert "wrong: own:1: expected is BACKWARD compatible" in capsys.readouterr().out


@needs_oracle
def test_nothing_is_wrong_in_any_file_of_the_oracle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(ORACLE), "--ids"]) == 0
    printed = capsys.readouterr().out

    assert [name for name in (*PAIRS, "buf_breaking", "avro_values", "wire") if f"\n{name} " not in printed] == []
    assert [id_ for id_ in read_list() if f" {id_}\n" not in printed] == []


@needs_oracle
def test_no_case_is_lost() -> None:
    counted = {each.name: each.cases for each in find_scores(ORACLE, read_list())}

    assert {name: counted[name] for name in (*PAIRS, "avro_values")} == {
        name: len(read_cases(ORACLE, name)) for name in (*PAIRS, "avro_values")
    }


@needs_oracle
def test_where_we_are_stricter_than_others_the_bytes_show_why() -> None:
    silent: list[str] = []
    for id_, comparison in find_comparisons():
        for mismatch in comparison.mismatches:
            if mismatch.step is not Step.SOURCE:
                module = import_module(f"registry.formats.{mismatch.pair.reader.format}.witness")
                if module.find_witness(mismatch).reason:
                    silent.append(f"{id_}: {mismatch.kind}")

    assert silent == []


def find_comparisons() -> Iterator[tuple[str, Comparison]]:
    """Our verdict on each pair that is listed, in all modes."""
    listed = read_list()
    for name in PAIRS:
        for case in read_cases(ORACLE, name):
            for mode in case["expect"] if case["id"] in listed else ():
                yield case["id"], pairs.compare_case(case, mode)
            for direction in ("BACKWARD", "FORWARD"):
                if f"{case['id']} wire {direction}" in listed:
                    yield case["id"], pairs.compare_case(case, direction)
    for case in read_cases(ORACLE, "avro_values"):
        if case["id"] in listed:
            try:
                yield case["id"], compare(case["writer_schema"], case["reader_schema"], language="avro")
            except InvalidSchema:
                continue
