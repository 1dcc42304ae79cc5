"""The report and a comparison as JSON, against the schemas that are published."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from registry.compatibility import Comparison
from registry.errors import Fix
from registry.finding import Report, Severity
from registry.frozen import replace
from registry.render.json_report import render_comparison, render_json
from registry.render.report_schema import COMPARISON_SCHEMA, REPORT_SCHEMA
from registry.schema import CompatibilityMode
from tests.reports import HEAD, HOSTILE, RELEASED, REPORTS, broken, mismatch, plain, report, waived


@pytest.mark.parametrize("found", REPORTS.values(), ids=REPORTS)
def test_the_json_is_what_its_schema_says(found: Report) -> None:
    text = render_json(found)
    jsonschema.validate(json.loads(text), REPORT_SCHEMA, jsonschema.Draft202012Validator)
    assert text.endswith("}\n")
    assert text.isascii()


def test_a_finding_in_json_has_both_sides() -> None:
    document = json.loads(render_json(report(waived(broken()))))
    (finding,) = document["findings"]
    assert finding["location"] == {"path": HEAD, "line": 12, "column": 7, "pointer": "/fields/2"}
    assert finding["related"] == [{"label": "v2", "path": RELEASED, "line": 4, "column": 3, "pointer": "/fields"}]
    assert finding["waiver"]["expires"] == "2027-01-31"
    assert finding["mismatch"] == {
        "kind": "reader_field_missing_default_value",
        "step": "break",
        "direction": "BACKWARD",
        "path": "/currency",
        "consequence": "v3 fails at /currency",
        "reader": {"label": "v3", "type": "string", "location": finding["location"]},
        "writer": {
            "label": "v2",
            "type": "",
            "location": {"path": RELEASED, "line": 4, "column": 3, "pointer": "/fields"},
        },
    }


def test_what_somebody_answers_for_is_not_to_be_fixed() -> None:
    found = replace(broken(), problem=replace(broken().problem, fix=Fix("null_default", ("currency",))))
    document = json.loads(render_json(report(found, waived(found), broken())))
    assert [each["fixable"] for each in document["findings"]] == [True, False, False]


def test_the_numbers_in_json_leave_out_what_is_waived() -> None:
    document = json.loads(render_json(report(waived(broken()), plain(Severity.WARNING))))
    assert document["passed"] is True
    assert document["summary"] == {
        "errors": 0,
        "warnings": 1,
        "infos": 0,
        "waived": 1,
        "judged": 3,
        "contracts": 12,
    }


def test_a_hostile_name_comes_back_from_json_unchanged() -> None:
    document = json.loads(render_json(REPORTS["hostile"]))
    assert document["findings"][0]["location"]["path"] == HOSTILE
    assert document["not_evaluated"] == {HOSTILE: HOSTILE}


def test_a_comparison_in_json_is_what_its_schema_says() -> None:
    comparison = Comparison(CompatibilityMode.FULL, (mismatch(),))
    document = json.loads(render_comparison(comparison, report(broken())))
    jsonschema.validate(document, COMPARISON_SCHEMA, jsonschema.Draft202012Validator)
    assert (document["mode"], document["compatible"], document["flaws"]) == ("FULL", False, [])
    assert document["mismatches"][0]["message"] == "v3 cannot read what v2 wrote: field 'currency' has no default"


def test_a_comparison_of_what_is_no_schema_is_not_compatible() -> None:
    document = json.loads(render_comparison(None, report(plain(Severity.ERROR, "no JSON"))))
    jsonschema.validate(document, COMPARISON_SCHEMA, jsonschema.Draft202012Validator)
    assert (document["mode"], document["compatible"], document["mismatches"]) == (None, False, [])
    assert [flaw["message"] for flaw in document["flaws"]] == ["no JSON"]


def test_equal_schemas_are_compatible_in_json() -> None:
    document = json.loads(render_comparison(Comparison(CompatibilityMode.BACKWARD, ()), report()))
    jsonschema.validate(document, COMPARISON_SCHEMA, jsonschema.Draft202012Validator)
    assert document["compatible"] is True


@pytest.mark.parametrize("schema", [REPORT_SCHEMA, COMPARISON_SCHEMA], ids=["report", "comparison"])
def test_the_published_schemas_are_closed_and_explain_every_property(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    objects = list(find_objects(schema))
    assert objects
    for shape in objects:
        assert shape["additionalProperties"] is False
        assert shape["required"] == list(shape["properties"])
        assert all(described["description"] for described in shape["properties"].values())


def find_objects(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            yield node
        for below in node.values():
            yield from find_objects(below)
    elif isinstance(node, list):
        for below in node:
            yield from find_objects(below)
