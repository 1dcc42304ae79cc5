"""The report on GitHub: annotations of a pull request, and the summary of a job."""

import re

import pytest

from registry.finding import Finding, Problem, Severity
from registry.render.github import render_github
from registry.render.markdown import ROOM, render_summary_markdown
from registry.source import fixed_location
from tests.reports import HEAD, HOSTILE, RELEASED, REPORTS, broken, plain, report, waived

# Annotations

COMMAND = re.compile(r"::(?P<name>\w+) (?P<properties>[^:]*)::(?P<message>.*)")


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """A line as GitHub's runner reads it."""
    match = COMMAND.fullmatch(line)
    assert match is not None, line
    properties = dict(pair.split("=", 1) for pair in match["properties"].split(","))
    return match["name"], {name: unescape(text) for name, text in properties.items()}, unescape(match["message"])


def unescape(text: str) -> str:
    for code, sign in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def test_an_annotation_stands_at_the_line_and_tells_the_way_out() -> None:
    name, properties, message = read_command(render_github(report(broken())).splitlines()[0])
    assert name == "error"
    assert properties == {"file": HEAD, "line": "12", "col": "7", "title": "compat/reader-field-missing-default-value"}
    assert message.splitlines() == [
        "v3 cannot read what v2 wrote: field 'currency' has no default",
        "reader: v3 fails at /currency",
        "affects: edge-cache, search-index (subscribers); owner content-api (#team-content)",
        f"was: {RELEASED}:4:3 (v2)",
        "help: give it a default, or describe the step in ContentPublished.upgrade.yaml",
        "or: make a new event",
    ]


def test_annotations_come_most_severe_first_and_waived_ones_last() -> None:
    found = [waived(broken()), *map(plain, (Severity.INFO, Severity.WARNING, Severity.ERROR))]
    commands = [read_command(line) for line in render_github(report(*found)).splitlines()[:-1]]
    assert [name for name, _, _ in commands] == ["error", "warning", "notice", "notice"]
    assert commands[-1][1]["title"] == "compat/reader-field-missing-default-value (waived)"


def test_a_report_without_findings_has_no_annotation() -> None:
    assert render_github(report()) == "3 contracts judged against main: nothing to say\n"


def test_a_hostile_name_makes_one_annotation_and_no_other_command() -> None:
    annotation, *rest = render_github(REPORTS["hostile"]).splitlines()
    name, properties, _ = read_command(annotation)
    assert (name, properties["line"]) == ("notice", "1")
    assert properties["file"] == HOSTILE.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in rest)


@pytest.mark.parametrize(
    ("path", "escaped"),
    [
        ("contracts/a,b.avsc", "contracts/a%2Cb.avsc"),
        ("contracts/a\nb.avsc", "contracts/a%0Ab.avsc"),
        ("contracts/a\rb.avsc", "contracts/a%0Db.avsc"),
        ("contracts/a:b.avsc", "contracts/a%3Ab.avsc"),
        ("contracts/a%0Ab.avsc", "contracts/a%250Ab.avsc"),
        ("contracts/ä b.avsc", "contracts/ä b.avsc"),
    ],
)
def test_a_path_is_escaped_as_a_property(path: str, escaped: str) -> None:
    finding = Finding("x/y", Severity.ERROR, Problem(fixed_location(path, 1, 1), "100%: a, b"))
    assert render_github(report(finding)).splitlines()[0] == (
        f"::error file={escaped},line=1,col=1,title=x/y::100%25: a, b"
    )


# The summary


def test_the_summary_of_a_job_has_the_verdict_a_table_and_the_details() -> None:
    assert render_summary_markdown(report(plain(Severity.ERROR), missed={"schema": "no protoc"})) == (
        "## Contracts: failed\n"
        "\n"
        "1 error in 3 of 12 contracts, compared with main; 1 not evaluated\n"
        "\n"
        "| severity | where | what |\n"
        "|---|---|---|\n"
        "| **error** | <code>contracts/a.avsc:1:1</code> | <code>ownership/orphan-schema</code><br>"
        "a schema belongs to no event |\n"
        "\n"
        "<details><summary>error <code>ownership/orphan-schema</code> at <code>contracts/a.avsc:1:1</code></summary>\n"
        "\n"
        "- **error** a schema belongs to no event\n"
        "- **explained by** <code>contracts explain ownership/orphan-schema</code>\n"
        "\n"
        "</details>\n"
        "\n"
        "### Not evaluated\n"
        "\n"
        "- <code>schema</code>: no protoc\n"
    )


def test_the_details_in_markdown_are_those_of_the_text() -> None:
    text = render_summary_markdown(report(broken()))
    assert "- **reader** v3 fails at /currency\n" in text
    assert "- **affects** edge-cache, search-index (subscribers); owner content-api (&#35;team-content)\n" in text
    assert f"- **was** <code>{RELEASED}:4:3 (v2)</code>\n" in text
    assert "- **help** give it a default" in text


def test_a_clean_report_in_markdown_has_no_table() -> None:
    clean = "## Contracts: passed\n\n3 contracts judged against main: nothing to say\n"
    assert render_summary_markdown(report()) == clean


def test_a_waived_finding_in_markdown_is_marked() -> None:
    text = render_summary_markdown(report(waived(broken())))
    assert text.startswith("## Contracts: passed\n")
    assert "| error, waived |" in text
    assert "- **waived** ADR-12; approved by &#64;<!-- -->playconnect/arch, until 2027-01-31" in text


def test_a_long_report_in_markdown_lists_the_most_severe_and_counts_the_rest() -> None:
    found = report(*[plain(Severity.WARNING)] * 1_000, plain(Severity.ERROR), plain(Severity.ERROR))
    text = render_summary_markdown(found)
    listed = text.count("<details>")
    assert ROOM / 2 < len(text) < 65_536
    assert text.count("| **error** |") == 2
    assert f"\n{1_002 - listed} more, none of them more severe, are in the log of the check.\n" in text


def test_a_report_that_fits_is_listed_whole_in_markdown() -> None:
    text = render_summary_markdown(report(*[plain(Severity.ERROR)] * 50))
    assert text.count("<details>") == 50
    assert "in the log" not in text


def test_long_texts_in_markdown_are_cut() -> None:
    missed = {f"events.E{number}": "x" * 10_000 for number in range(100)}
    text = render_summary_markdown(report(plain(Severity.ERROR, "@" * 10_000), missed=missed))
    assert len(text) < 65_536
    assert "…" in text
    assert "more in the log of the check\n" in text


def test_a_message_that_looks_like_a_list_begins_none() -> None:
    text = render_summary_markdown(report(plain(Severity.INFO, "- 1. no list")))
    assert "\n- **info** - 1. no list\n" in text


def test_a_hostile_name_makes_no_markup_in_markdown() -> None:
    text = render_summary_markdown(REPORTS["hostile"])
    ours = r"</?(?:code|details|summary)>|<br>|<!-- -->"
    assert set(re.findall(r"<[^>]*>", text)) <= set(re.findall(ours, text))
    assert not re.search(r"`|@|http:|\]\(|(?m:^::)", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [row.count("|") for row in rows] == [4, 4, 4]
