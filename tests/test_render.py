"""The report as text, and what holds for every output."""

import re
import subprocess
import sys

import pytest

from registry.finding import Finding, Problem, Report, Severity
from registry.frozen import replace
from registry.render import RENDERERS, render
from registry.render.github import render_github
from registry.render.text import render_text
from registry.source import fixed_location
from tests.reports import HEAD, HERE, RELEASED, REPORTS, WAS, broken, hostile, plain, report, waived


def test_a_finding_is_drawn_as_the_documents_draw_it() -> None:
    assert render_text(report(broken())) == (
        f"{HEAD}:12:7  error  compat/reader-field-missing-default-value\n"
        "  v3 cannot read what v2 wrote: field 'currency' has no default\n"
        "  reader    v3 fails at /currency\n"
        "  affects   edge-cache, search-index (subscribers); owner content-api (#team-content)\n"
        f"  was       {RELEASED}:4:3 (v2)\n"
        "  help      give it a default, or describe the step in ContentPublished.upgrade.yaml"
        "      contracts explain compat/reader-field-missing-default-value\n"
        "  or        make a new event\n"
        "\n"
        "1 error in 3 of 12 contracts, compared with main\n"
    )


def test_a_finding_without_more_facts_has_three_lines() -> None:
    assert render_text(report(plain(Severity.INFO), judged=1)) == (
        "contracts/a.avsc:1:1  info  ownership/orphan-schema\n"
        "  a schema belongs to no event\n"
        "  help      contracts explain ownership/orphan-schema\n"
        "\n"
        "1 info in 1 of 12 contracts, compared with main\n"
    )


def test_a_waived_finding_is_printed_with_who_answers_for_it() -> None:
    lines = render_text(report(waived(broken()))).splitlines()
    assert lines[0] == f"{HEAD}:12:7  error  compat/reader-field-missing-default-value  waived"
    assert "  waived    ADR-12; approved by @playconnect/arch, until 2027-01-31 (ownership.yaml:40:5)" in lines
    assert lines[-1] == "1 waived finding in 3 of 12 contracts, compared with main"


def test_a_converted_finding_says_what_bridges_it() -> None:
    finding = replace(broken(), severity=Severity.INFO, problem=replace(broken().problem, converted=True))
    assert "  converted by upgrade.yaml" in render_text(report(finding)).splitlines()
    assert "upgrade.yaml\n  affects" not in render_text(report(broken()))


def test_a_consequence_without_a_place_is_given_the_place() -> None:
    assert "  reader    reads as empty, at /currency\n" in render_text(report(broken("reads as empty")))
    assert "  reader" not in render_text(report(broken("")))


def test_places_that_are_no_older_side_say_what_they_are() -> None:
    related = (("was", WAS), ("first claim", fixed_location("ownership.yaml", 3, 5)))
    text = render_text(
        report(replace(plain(Severity.ERROR), problem=replace(broken().problem, mismatch=None, related=related)))
    )
    assert f"  was       {RELEASED}:4:3\n" in text
    assert "  see       ownership.yaml:3:5 (first claim)\n" in text


@pytest.mark.parametrize(
    ("affects", "owner", "line"),
    [
        (("edge-cache",), "content-api", "  affects   edge-cache (subscriber); owner content-api"),
        (("edge-cache",), "", "  affects   edge-cache (subscriber)"),
        ((), "content-api", "  owner     content-api"),
    ],
)
def test_people_are_named_as_far_as_they_are_known(affects: tuple[str, ...], owner: str, line: str) -> None:
    problem = Problem(HERE, "message", affects=affects, owner=owner)
    assert render_text(report(Finding("x/y", Severity.ERROR, problem))).splitlines()[2] == line


def test_a_place_shared_by_events_names_them_all() -> None:
    shared = replace(broken(), problem=replace(broken().problem, contract="a.A, b.B"))
    assert "  events    a.A, b.B\n" in render_text(report(shared))
    assert "  events" not in render_text(report(broken()))


def test_colour_is_used_only_when_asked_for() -> None:
    found = report(broken(), plain(Severity.WARNING), waived(plain(Severity.ERROR)))
    plain_text, coloured = render_text(found), render(found, "text", colour=True)
    assert "\x1b" not in plain_text
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain_text
    assert "\x1b[31merror\x1b[0m  \x1b[2mcompat/reader-field" in coloured
    assert "\x1b[33mwarning\x1b[0m" in coloured
    assert "\x1b[2merror\x1b[0m" in coloured
    assert "\x1b" not in render(found, "json", colour=True)


# The closing line


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (REPORTS["nothing changed"], "no contract changed against main (12 contracts)"),
        (REPORTS["nothing to say"], "3 contracts judged against main: nothing to say"),
        (report(judged=1, contracts=1), "1 contract judged against main: nothing to say"),
        (
            report(broken(), broken(), plain(Severity.WARNING), waived(broken())),
            "2 errors, 1 warning (1 waived) in 3 of 12 contracts, compared with main",
        ),
        (
            report(plain(Severity.ERROR), judged=0, contracts=1),
            "1 error; no contract changed against main (1 contract)",
        ),
        (
            report(waived(plain(Severity.ERROR)), judged=0),
            "1 waived finding; no contract changed against main (12 contracts)",
        ),
        (report(broken(), judged=1, contracts=0), "1 error in 1 contract, compared with main"),
        (
            report(plain(Severity.WARNING), strict=True),
            "1 warning in 3 of 12 contracts, compared with main; --strict fails on warnings",
        ),
        (
            report(waived(plain(Severity.WARNING)), strict=True),
            "1 waived finding in 3 of 12 contracts, compared with main",
        ),
        (
            report(missed={"events.E0": "no protoc"}),
            "3 contracts judged against main: nothing to say; 1 not evaluated",
        ),
    ],
)
def test_the_closing_line_says_what_was_found_and_compared(found: Report, line: str) -> None:
    assert render_text(found).splitlines()[-1] == line
    assert render_github(found).splitlines()[-1] == line


def test_what_could_not_be_asked_is_printed() -> None:
    assert "\n\nnot evaluated: schema: no protoc\n1 error, 1 warning, 1 info" in render_text(REPORTS["each severity"])
    assert "not evaluated" not in render_text(REPORTS["an error"])


# All of them


@pytest.mark.parametrize("output", RENDERERS)
@pytest.mark.parametrize("found", REPORTS.values(), ids=REPORTS)
def test_every_output_can_be_written_and_is_the_same_each_time(output: str, found: Report) -> None:
    text = render(found, output)
    assert text.encode()
    assert text == render(found, output)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("output", ["text", "github", "markdown"])
def test_a_hostile_name_adds_no_line_and_no_control_character(output: str) -> None:
    tame = Finding("x/y", Severity.WARNING, hostile().problem, hostile().waiver)
    tame = replace(tame, problem=replace(tame.problem, message="m", help=("h",), owner="o"))
    text = render(REPORTS["hostile"], output)
    assert len(text.splitlines()) == len(render(report(tame, missed={"a": "b"}), output).splitlines())
    assert all(line.isprintable() for line in text.splitlines())


def test_text_is_rendered_without_the_modules_of_the_other_outputs() -> None:
    program = (
        "import sys; from registry.finding import Report; from registry.render import render; "
        "render(Report('main', 'HEAD'), 'text'); "
        "print({'json', 'registry.render.github', 'registry.render.markdown'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
