"""The documentation says what is so: links lead somewhere, tables and transcripts are what the product has and does."""

import re
import shutil
from importlib import import_module
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from conformance.document import render_pages
from registry.base import SYSTEMS, System
from registry.cli import COMMANDS
from registry.formats import FORMATS
from tests.repo import Repository
from tests.story import run_contracts, stand_alone

TOP = Path(__file__).resolve().parent.parent
PAGES = sorted([TOP / "README.md", TOP / "CONTRIBUTING.md", *(TOP / "docs").rglob("*.md")])
WRITTEN = [page for page in PAGES if page.name not in {"rules.md", "cases-avro.md", "cases-protobuf.md"}]
FENCED = re.compile(r"^ *(`{3,}|~{3,})[^\n]*\n.*?^ *\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
SCHEMA = "contracts/content/ContentPublished.avsc"
TITLE = '    {"name": "title", "type": "string", "doc": "Headline, as plain text."},\n'
SUBTITLE = '    {"name": "subtitle", "type": ["null", "string"], "default": null, "doc": "Second line of it."},\n'
REGION = '    {"name": "region", "type": "string", "doc": "Where it may be shown: EU."},\n'
OWNER = "    owner: content-api\n    topic: content.items\n"
SECOND = "    owner: edge-cache\n"


def name_of(page: Path) -> str:
    return page.relative_to(TOP).as_posix()


def find_links(text: str) -> list[str]:
    """Where the links of a page lead; what stands in code is no link."""
    return LINK.findall(CODE.sub("code", FENCED.sub("", text)))


def find_anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page; a heading that comes again is numbered."""
    anchors: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*\\]", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = 0
        while (anchor := f"{slug}-{number}" if number else slug) in anchors:
            number += 1
        anchors.add(anchor)
    return anchors


def find_dead(page: Path, top: Path) -> list[str]:
    """The relative links of a page that lead nowhere, or out of the project."""
    dead = []
    for link in find_links(page.read_text()):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        missing = not target.is_relative_to(top) or not target.exists()
        if missing or (anchor and (target.suffix != ".md" or anchor not in find_anchors(target.read_text()))):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_and_anchor_leads_somewhere(page: Path) -> None:
    assert find_dead(page, TOP) == []


def test_links_are_found_outside_of_code_only() -> None:
    text = "[a](b.md) `[no](no.md)` ![i](i.png)\n```\n[no](no.md)\n```\n[two\nlines](c.md#d) [`x`](e.md)\n"
    assert find_links(text) == ["b.md", "i.png", "c.md#d", "e.md"]


def test_anchors_are_those_of_github() -> None:
    text = "# The hook & CI\n## `a_b` [c](d)\n## Two\n## Two\n```\n# no\n```\n## 7. The envelope, and strict\n"
    assert find_anchors(text) == {"the-hook--ci", "a_b-c", "two", "two-1", "7-the-envelope-and-strict"}


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    top = tmp_path.resolve()
    page = top / "page.md"
    page.write_text(
        "# Here\n[1](#here) [2](page.md#here) [3](#there) [4](gone.md) [5](../out.md) [6](https://a.example/b)\n"
    )
    assert find_dead(page, top) == ["#there", "gone.md", "../out.md"]


def test_the_page_of_rules_is_current() -> None:
    printed = CliRunner().invoke(command_of("rules"), ["--format", "markdown"]).stdout_bytes.decode()
    page = TOP / "docs" / "rules.md"
    assert page.exists(), "write it: make docs"
    assert page.read_text() == printed, "write it anew: make docs"


@pytest.mark.parametrize("name", ["compatibility.md", *(f"cases-{language}.md" for language in FORMATS)])
def test_the_pages_of_the_cases_are_current(name: str) -> None:
    page = TOP / "docs" / name
    assert page.exists(), "write it: make docs"
    assert page.read_text() == render_pages()[name], "write it anew: make docs"


def command_of(name: str) -> click.Command:
    module = name.replace("-", "_")
    command = getattr(import_module(f"registry.cli.{module}"), module)
    assert isinstance(command, click.Command)
    return command


def test_the_readme_lists_the_commands_that_there_are() -> None:
    assert re.findall(r"^\| `contracts (\S+?)[` ]", (TOP / "README.md").read_text(), re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_command_and_option_that_is_written_down_exists(page: Path) -> None:
    for name, rest in re.findall(r"(?:`|^\$ |^ *)contracts ([a-z-]+)([^`\n|#]*)", page.read_text(), re.MULTILINE):
        assert name in COMMANDS, f"contracts {name}"
        commands = [command_of(name)]
        if isinstance(commands[0], click.Group) and rest.split():
            context = click.Context(commands[0])
            # Several may be named at once: `contracts rollout start | switch`.
            all_of_them = commands[0].list_commands(context)
            named = [each for each in re.findall(r"[a-z-]+", rest) if each in all_of_them]
            named = named or (all_of_them if rest.split()[0].isupper() else [])  # `contracts rollout STEP`
            assert named, f"contracts {name}{rest}"
            commands = [found for each in named if (found := commands[0].get_command(context, each))]
        known = {option for command in commands for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= known, f"contracts {name}{rest}"


def test_the_inputs_of_the_action_are_described() -> None:
    inputs = yaml.safe_load((TOP / "action.yml").read_text())["inputs"]
    page = (TOP / "docs" / "ci.md").read_text()
    rows = page.partition("| input | default | meaning |\n|---|---|---|\n")[2].partition("\n\n")[0]
    described = dict(re.findall(r"^\| `([a-z-]+)` \| (\S+) \|", rows, re.MULTILINE))
    said = {name: f"`{each['default']}`" if each["default"] else described.get(name) for name, each in inputs.items()}
    assert described == said


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_what_a_ci_system_says_of_the_base_is_described(system: System) -> None:
    page = (TOP / "docs" / "ci.md").read_text()
    assert f"| {system.name} |" in page
    assert [name for name in (*system.commits, *system.branches) if f"`{name}`" not in page] == []


def test_the_readme_can_be_read_in_one_sitting() -> None:
    assert len((TOP / "README.md").read_text().splitlines()) < 250


def test_the_transcript_of_the_readme_is_what_really_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_alone(monkeypatch, tmp_path / "cache")
    folder = tmp_path / "playconnect"
    shutil.copytree(TOP / "contracts", folder / "contracts")
    shutil.copytree(TOP / ".github", folder / ".github")
    shutil.copy(TOP / "ownership.yaml", folder)
    repository = Repository(folder)

    def merge(branch: str) -> None:
        repository.commit("merged")
        repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
        repository.branch(branch)

    def edit(path: str, before: str, after: str) -> str:
        text = (folder / path).read_text()
        assert text.count(before) == 1, f"{path} has changed: write the README's transcript anew"
        repository.write({path: text.replace(before, after)})
        return show(f"+{after.removeprefix(before)}" if path == SCHEMA else f"+{SECOND}")

    def show(line: str) -> str:
        return f"$ git diff --unified=0 | grep '^[+-] '\n{line}"

    def run(*arguments: str, code: int = 0) -> str:
        done = run_contracts(monkeypatch, folder, arguments)
        assert (done.code, done.stderr) == (code, "")
        return f"$ contracts {' '.join(arguments)}\n{done.stdout}"

    merge("subtitle")
    good = edit(SCHEMA, TITLE, TITLE + SUBTITLE) + run("check") + run("release") + run("check", "--strict")
    merge("region")
    breaking = edit(SCHEMA, TITLE, TITLE + REGION) + run("check", code=1)
    repository.git("checkout", "--quiet", ".")
    second = edit("ownership.yaml", OWNER, OWNER.replace("    topic", SECOND + "    topic")) + run("check", code=1)
    told = re.findall(r"^```console\n(.*?)^```$", (TOP / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert told == [good, breaking, second]
