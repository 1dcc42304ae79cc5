"""The law for readers: lists, one rule explained, and the page of the documentation."""

import json
import re

import pytest

from registry.finding import Severity
from registry.render.rules import (
    ABOUT,
    CUT,
    render_explanation,
    render_rules_json,
    render_rules_markdown,
    render_rules_text,
)
from registry.rules import FAMILIES, MISMATCH, RULES, Rule
from registry.rules.examples import Example, read_example

RENAMED = Rule("compat/name-mismatch", Severity.ERROR, "a type was renamed | without an alias", change=MISMATCH)
ORPHAN = Rule("ownership/orphan-schema", Severity.WARNING, "a schema belongs to no event", change=MISMATCH)

EXAMPLE = Example(
    meaning="A type is matched by its name. Another name is another type.",
    before={"contracts/a.avsc": "one\ntwo\nthree\n", "contracts/b.avsc": "gone\n"},
    bad={"contracts/a.avsc": "one\nzwei\nthree\n", "contracts/b.avsc": None},
    good={"contracts/a.avsc": "one\ntwo\nthree\nfour\n", "contracts/c.avsc": "new\n"},
    way_out="Add an alias.",
)


def test_the_list_is_aligned_under_the_names_of_the_families() -> None:
    assert render_rules_text([RENAMED, ORPHAN]) == (
        "compat\n"
        "  compat/name-mismatch     error    a type was renamed | without an alias\n"
        "\n"
        "ownership\n"
        "  ownership/orphan-schema  warning  a schema belongs to no event\n"
    )


def test_a_list_of_no_rules_is_empty() -> None:
    assert render_rules_text([]) == "\n"
    assert json.loads(render_rules_json([]))["rules"] == []


def test_the_list_as_json_has_one_object_per_rule() -> None:
    assert json.loads(render_rules_json([ORPHAN])) == {
        "version": 1,
        "tool": "event-contracts",
        "rules": [
            {
                "id": "ownership/orphan-schema",
                "family": "ownership",
                "severity": "warning",
                "purpose": "a schema belongs to no event",
            }
        ],
    }


def test_an_explanation_shows_both_changes_against_the_base() -> None:
    assert render_explanation(RENAMED, EXAMPLE) == (
        "compat/name-mismatch  error\n"
        "a type was renamed | without an alias\n"
        "\n"
        "A type is matched by its name. Another name is another type.\n"
        "\n"
        "stopped\n"
        "  +++ contracts/a.avsc\n"
        "   one\n"
        "  -two\n"
        "  +zwei\n"
        "   three\n"
        "\n"
        "  --- contracts/b.avsc (removed)\n"
        "\n"
        "passes\n"
        "  +++ contracts/a.avsc\n"
        "   one\n"
        "   two\n"
        "   three\n"
        "  +four\n"
        "\n"
        "  +++ contracts/c.avsc (new)\n"
        "  +new\n"
        "\n"
        "way out\n"
        "  Add an alias.\n"
    )


def test_what_a_change_depends_on_is_shown_before_it() -> None:
    example = Example("It means this.", {"a.yaml": "x: 1\n"}, {"b": "one\n"}, {"b": "two\n"}, "Do that.", ("a.yaml",))
    assert "It means this.\n\ngiven a.yaml\n  x: 1\n\nstopped\n" in render_explanation(RENAMED, example)
    assert "Given a.yaml:\n\n```yaml\nx: 1\n```\n" in render_rules_markdown([RENAMED], {RENAMED.id: example})


def test_prose_is_wrapped_at_the_width_of_a_terminal() -> None:
    text = render_explanation(RENAMED, Example("word " * 100, {}, {"a": "x\n"}, {"a": "y\n"}, "word " * 100))
    assert max(len(line) for line in text.splitlines()) <= 102


def test_of_a_long_file_only_the_surroundings_of_the_change_are_shown() -> None:
    lines = [f"line {number}" for number in range(1, 41)]
    changed = [*lines[:19], "changed", *lines[20:]]
    before, after = ("".join(f"{line}\n" for line in part) for part in (lines, changed))
    text = render_explanation(
        RENAMED, Example("It means this.", {"a": before}, {"a": after}, {"a": before}, "Do that.")
    )
    assert f"  {CUT}\n   line 16\n" in text
    assert "line 15\n" not in text
    assert "line 24\n" in text
    assert "line 25\n" not in text


def test_the_page_links_each_row_to_its_section() -> None:
    page = render_rules_markdown(RULES, {rule.id: read_example(rule.id) for rule in RULES})
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    links = re.findall(r"^\| \[(.+?)\]\(#(.+?)\) \|", page, re.MULTILINE)
    assert headings == [rule.id for rule in RULES]
    assert [name for name, _ in links] == headings
    assert [anchor for _, anchor in links] == [heading.replace("/", "") for heading in headings]
    assert page.count("```diff\n") == 2 * len(RULES)
    assert page.count("\n```\n") == page.count("```diff\n") + page.count("```yaml\n")


def test_a_row_of_the_page_keeps_its_cells() -> None:
    page = render_rules_markdown([RENAMED], {RENAMED.id: EXAMPLE})
    assert (
        "| [compat/name-mismatch](#compatname-mismatch) | error | a type was renamed \\| without an alias |\n" in page
    )


def test_every_family_says_what_it_is_for() -> None:
    assert tuple(ABOUT) == FAMILIES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_explanation_is_whole(rule: Rule) -> None:
    text = render_explanation(rule, read_example(rule.id))
    assert text.startswith(f"{rule.id}  {rule.severity.value}\n{rule.purpose}\n")
    assert text.index("\nstopped\n") < text.index("\npasses\n") < text.index("\nway out\n")
    assert re.search(r"^  [+-]", text, re.MULTILINE)
    assert max(len(line) for line in text.splitlines()) <= 124
