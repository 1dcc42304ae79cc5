"""Empty lists in ownership.yaml: an error where one would not say what it seems to say."""

import jsonschema
import pytest

from registry.ownership import OWNERSHIP, parse_ownership
from registry.shape import render_json_schema
from tests.editor import as_an_editor_reads


def document(event: str) -> str:
    return f"version: 1\nentities: {{A: {{events: {{a.B: {event}}}}}}}\n"


def validate(text: str) -> None:
    jsonschema.Draft202012Validator(render_json_schema(OWNERSHIP, "ownership.yaml")).validate(as_an_editor_reads(text))


@pytest.mark.parametrize(
    ("event", "told", "help_"),
    [
        ("{writes: []}", "2:39 'writes' is an empty list", "leave `writes` out for the newest version"),
        (
            "{subscribers: [{service: s, reads: []}]}",
            "2:65 'reads' is an empty list",
            "leave `reads` out for all versions, or take the subscriber out",
        ),
    ],
)
def test_no_version_at_all_cannot_be_pinned(event: str, told: str, help_: str) -> None:
    (flaw,) = parse_ownership({"ownership.yaml": document(event)}).flaws
    assert f"{flaw.location} {flaw.message}" == f"ownership.yaml:{told}"
    assert flaw.help == help_
    with pytest.raises(jsonschema.ValidationError):
        validate(document(event))


@pytest.mark.parametrize("event", ["{subscribers: []}", "{subscribers: [{service: s, fields: []}]}", "{retired: []}"])
def test_an_empty_list_that_says_what_it_seems_to_say_is_read(event: str) -> None:
    assert parse_ownership({"ownership.yaml": document(event)}).flaws == ()
    validate(document(event))
