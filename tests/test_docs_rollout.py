"""The page docs/rollout.md says what is so: its picture, its tables, and what its commands print."""

import inspect
import re
from pathlib import Path

import pytest

from registry.environment import Environment
from registry.policy import parse_policy
from registry.rollout.gates import GATES
from registry.rollout.gates.gate import Row
from registry.rollout.invariants import INVARIANTS
from registry.rollout.journal.branch import BRANCH
from registry.rollout.kafka.topics import TOPICS
from registry.rollout.states import TRANSITIONS, State
from tests.rollout_page import PAGE, fill, find_blocks, find_shape, render_states, section, tell_simple

TEXT = PAGE.read_text("utf-8")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def find_rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    table = TEXT.partition(f"\n{heading}\n")[2].partition("|---")[2].partition("\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def test_the_picture_is_the_table_of_transitions() -> None:
    assert section("states", TEXT) == render_states(), "write it anew: make docs"


def test_the_picture_holds_every_state_and_every_way() -> None:
    picture = render_states()
    assert picture.count(" --> ") == len(TRANSITIONS) + 4
    for row in TRANSITIONS:
        names = (row.state.replace("-", "_"), row.to.replace("-", "_"))
        assert f"  {names[0]} --> {names[1]}: {row.verb}" in picture


def test_the_table_of_states_names_each_once() -> None:
    told = [name for cells in find_rows("## The picture") for name in re.findall(r"`([a-z-]+)`", cells[0])]
    assert sorted(told) == sorted(State)


def test_every_check_stands_in_the_table_with_its_title_and_what_may_be_waived() -> None:
    gates = TEXT.partition("| check | asks |")[2].partition("\n\n")[0]
    said = re.findall(r"^\| (G\d\.\d+) \| (.*?) \| .*? \| ([a-z, ]+) \|$", gates, re.MULTILINE)
    assert said == [(row.number, row.title, spell(row)) for gate in GATES.values() for row in gate.rows]
    headings = re.findall(r"^\| \*\*(G\d)\*\* \| .*: (.*?) \| \| \|$", gates, re.MULTILINE)
    assert headings == [(gate.name, gate.title) for gate in GATES.values()]


def test_the_invariants_are_named() -> None:
    flat = " ".join(TEXT.split())
    assert [each for each in INVARIANTS if f"{each.name}, {each.title}" not in flat] == []


def spell(row: Row) -> str:
    return ", ".join(sorted(str(verdict) for verdict in row.waivable)) or "never"


def test_every_key_of_an_environment_stands_in_the_table_with_its_default() -> None:
    said = {cells[0].strip("`"): cells[1].strip("`") for cells in find_rows("## Environments")}
    fields = {name: field.default for name, field in inspect.signature(Environment).parameters.items()}
    keys = {"brokerless": "broker"}
    assert set(said) == {keys.get(name, name) for name in fields} - {"name"}
    for name, text in said.items():
        default = fields.get(name)
        if isinstance(default, float):
            assert int(text[:-1]) * UNITS[text[-1]] == default, name
        elif isinstance(default, str):
            assert text == default, name


def test_the_environments_on_the_page_are_good_ones() -> None:
    shown = [each for each in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if each.startswith("environments:")]
    assert len(shown) == 2
    for each in shown:
        policy = parse_policy(f"version: 1\n{each}", "contracts/policy.yaml")
        assert policy.flaws == () and policy.environments


def test_topics_and_branch_are_called_what_they_are_called() -> None:
    for topic, settings in TOPICS.items():
        (line,) = (line for line in TEXT.splitlines() if line.startswith(f"| `{topic}` |"))
        assert all(f"`{key}={value}`" in line for key, value in settings.items())
    assert f"`{BRANCH}`" in TEXT


def test_the_simplest_case_prints_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = section("simple", TEXT)
    assert len(list(find_blocks(shown))) == 6
    assert find_shape(fill(shown, tell_simple(tmp_path, monkeypatch))) == find_shape(shown), "write it anew: make docs"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("expanding for 0 s (phase", "expanding for 12 s (phase"),
        ("proof    0 s to 3 s old", "proof    4 s old"),
        ("since 2026-11-23 19:48 UTC, by", "since 2027-01-01 00:00 UTC, by"),
        ("G1.1  yes  a  git 9 s   b", "G1.1  yes  a  git 10 s  b"),
    ],
)
def test_what_differs_from_run_to_run_is_not_compared(one: str, other: str) -> None:
    assert find_shape(one) == find_shape(other)


def test_what_is_said_is_compared() -> None:
    assert find_shape("G1.1  yes  owner/orders") != find_shape("G1.1  NO   owner/orders")
