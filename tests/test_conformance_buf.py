"""The scoring against buf's rules: on small trees of our own, and on buf's cases where they are there."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conformance.buf import Beyond, count_beyond, score_buf
from conformance.buf_groups import BEYOND, GROUPS, LISTED, Listed, find_groups
from conformance.buf_rules import BY_NAME, OWN_RULES, RULES, render_buf_markdown, step_of
from conformance.score import Score, count
from registry.formats.protobuf.kinds import KINDS

ORACLE = Path(__file__).parents[2] / "shared" / "oracle"

TABLE = {
    "rules": {
        "v2": [
            {"id": "FIELD_SAME_TYPE", "categories": ["FILE"]},
            {"id": "FIELD_SAME_ONEOF", "categories": ["FILE", "WIRE"]},
            {"id": "ENUM_NO_DELETE", "categories": ["FILE"]},
        ]
    }
}
"""A list of rules as buf prints it, with what the tests below need."""


def proto(*lines: str) -> str:
    return "\n".join(('syntax = "proto3";', *lines))


INT, TEXT = (proto("message Sale {", f"  {type_} total = 1;", "}") for type_ in ("int32", "string"))
TYPE = {"rule": "FIELD_SAME_TYPE", "path": "a.proto", "line": 3, "message": "the type of the field changed"}


def case(previous: str, current: str, *expected: dict[str, Any], rules: tuple[str, ...] = ("FILE",)) -> dict[str, Any]:
    return {
        "id": "buf:own",
        "previous": {"a.proto": previous},
        "current": {"a.proto": current},
        "buf_yaml": "version: v2\n",
        "rules": list(rules),
        "expected": list(expected),
    }


def judge(*cases: dict[str, Any], listed: dict[str, Listed] | None = None) -> Score:
    return score_buf(cases, TABLE, listed or {})


def test_one_of_ours_in_the_same_line_agrees() -> None:
    found = judge(case(INT, TEXT, TYPE))
    assert (found.agreed, found.wrong) == (1, ())


def test_a_miss_is_wrong() -> None:
    (wrong,) = judge(case(INT, INT, TYPE)).wrong
    assert wrong == "buf:own · FIELD_SAME_TYPE · a.proto:3: expected is the type of the field changed we say nothing"


@pytest.mark.parametrize("elsewhere", [{"line": 2}, {"path": "b.proto"}, {"rule": "ENUM_NO_DELETE"}])
def test_another_line_or_file_or_rule_is_wrong(elsewhere: dict[str, Any]) -> None:
    found = judge(case(INT, TEXT, TYPE | elsewhere, rules=()))
    assert (found.agreed, len(found.wrong)) == (0, 1)


def test_a_rule_that_is_out_of_scope_is_counted_by_its_name() -> None:
    found = judge(case(INT, INT, TYPE | {"rule": "RPC_NO_DELETE"}))
    assert (found.agreed, found.wrong) == (0, ())
    assert found.out_of_scope == {"RPC_NO_DELETE": ["buf:own · RPC_NO_DELETE · a.proto:3"]}


def test_a_rule_that_nothing_answers_is_a_group_of_its_own() -> None:
    found = judge(case(INT, INT, {"rule": "FILE_NO_DELETE", "path": None, "line": None, "message": "a file is gone"}))
    assert (dict(found.on_purpose), found.wrong) == ({"FILE_NO_DELETE": ["buf:own · FILE_NO_DELETE · ."]}, ())


def test_an_unknown_rule_is_wrong() -> None:
    assert len(judge(case(INT, TEXT, TYPE | {"rule": "FIELD_SAME_MOOD"}, rules=())).wrong) == 1
    table = {"rules": {"v2": [{"id": "FIELD_SAME_MOOD", "categories": ["FILE"]}]}}
    assert score_buf([], table, {}).wrong == ("FIELD_SAME_MOOD is a rule of buf's that our table does not have",)


def test_what_is_listed_differs_on_purpose() -> None:
    name = "buf:own · FIELD_SAME_TYPE · a.proto:3"
    found = judge(case(INT, INT, TYPE), listed={name: Listed("why")})
    assert (found.agreed, found.on_purpose, found.wrong) == (0, {"why": [name]}, ())


def test_what_is_listed_and_agrees_is_wrong() -> None:
    name = "buf:own · FIELD_SAME_TYPE · a.proto:3"
    found = judge(case(INT, TEXT, TYPE), listed={name: Listed("why")})
    assert found.wrong == (f"{name}: 1 are listed under why, and 0 differ",)


def test_names_only_do_not_answer_a_rule_about_bytes() -> None:
    alone = proto("message Sale {", "  oneof by {", "    int32 total = 1;", "  }", "}")
    expected = TYPE | {"rule": "FIELD_SAME_ONEOF"}
    found = judge(case(alone, INT, expected))
    assert (found.agreed, len(found.wrong)) == (0, 1)


def test_what_is_gone_must_be_the_same_thing() -> None:
    enums = proto("enum Kind {", "  NONE = 0;", "}")
    gone = {"rule": "ENUM_NO_DELETE", "path": "a.proto", "line": None}
    same = gone | {"message": 'Previously present enum "Kind" was deleted from file.'}
    other = gone | {"message": 'Previously present enum "Means" was deleted from file.'}
    assert judge(case(enums, INT, same)).agreed == 1
    assert len(judge(case(enums, INT, other)).wrong) == 1


def test_two_things_that_are_gone_need_two_of_ours() -> None:
    enums = proto("enum Kind {", "  NONE = 0;", "}")
    gone = {"rule": "ENUM_NO_DELETE", "path": "a.proto", "line": None}
    gone["message"] = 'Previously present enum "Kind" was deleted from file.'
    found = judge(case(enums, INT, gone, gone))
    assert (found.agreed, len(found.wrong)) == (1, 1)


def test_a_break_where_buf_is_silent_needs_a_reason() -> None:
    silent = [case(INT, TEXT)]
    assert score_buf(silent, TABLE, {}, {"field_type_changed": "why"}).wrong == ()
    (wrong,) = score_buf(silent, TABLE, {}, {}).wrong
    assert wrong == "buf:own: field_type_changed in a line where buf is silent, for no listed reason"


def test_a_break_where_no_such_rule_was_in_force_needs_none() -> None:
    assert score_buf([case(INT, TEXT, rules=())], TABLE, {}, {}).wrong == ()
    one = Counter({"field_type_changed": 1})
    assert count_beyond([case(INT, TEXT, rules=())], TABLE) == Beyond(Counter(), one)
    assert count_beyond([case(INT, TEXT)], TABLE) == Beyond(one, Counter())
    assert count_beyond([case(INT, TEXT, TYPE)], TABLE) == Beyond(Counter(), Counter())


def test_a_tree_that_we_refuse_is_wrong() -> None:
    (wrong,) = judge(case(INT, proto("message Sale {"), TYPE)).wrong
    assert wrong.startswith("buf:own · FIELD_SAME_TYPE · a.proto:3: we refuse a.proto:")


def test_each_rule_has_kinds_that_exist_or_a_reason() -> None:
    for rule in RULES:
        assert {*rule.kinds, *rule.instead} <= KINDS.keys() | OWN_RULES, rule.name
        assert rule.kinds or rule.note, rule.name
    assert len(BY_NAME) == len(RULES)
    assert BEYOND.keys() <= KINDS.keys()


def test_each_group_is_about_something_and_each_finding_has_a_group() -> None:
    assert {each.id for each in LISTED.values()} == {group.id for group in GROUPS}
    ids = [group.id for group in find_groups()]
    assert len(ids) == len(set(ids))


def test_the_table_names_each_rule_once() -> None:
    table = render_buf_markdown()
    assert all(table.count(f"`{rule.name}`") == 1 for rule in RULES)
    assert "| `ENUM_SAME_TYPE` | lossy: `open_enum_read_as_closed` |  |" in table.splitlines()
    assert "| out of scope | services are no events |" in table


@pytest.mark.skipif(not ORACLE.is_dir(), reason="the folder with the cases is not beside the project")
def test_nothing_is_wrong_in_the_cases_of_buf() -> None:
    cases, rules = (json.loads((ORACLE / f"{name}.json").read_text()) for name in ("buf_breaking", "buf_rules"))
    found = score_buf(cases, rules)
    assert found.wrong == ()
    assert found.cases == sum(len(each["expected"]) for each in cases)
    assert found.on_purpose.keys() | found.out_of_scope.keys() <= {group.id for group in find_groups()}
    assert found.agreed > count(found.on_purpose) + count(found.out_of_scope)
    assert count_beyond(cases, rules).silent.keys() == BEYOND.keys()
    bytes_ = {row["id"] for row in rules["rules"]["v2"] if "WIRE" in row["categories"]}
    assert not [name for name in bytes_ for kind in BY_NAME[name].kinds if step_of(kind) == "source"]
