"""A scan of a large topic that was interrupted: what is kept, what is not, and how it is shown."""

import os
from pathlib import Path

import pytest

from registry.cli.rollout_progress import Scans, render_progress
from registry.environment import Cluster, Environment
from registry.rollout.broker import Progress
from registry.rollout.evidence import PartitionScan, Question, Seen
from registry.rollout.unfinished import LASTS, Unfinished, parse_progress
from registry.rollout.unfinished import render_progress as render_file

SCAN = PartitionScan(
    10, 60, 58, {1: Seen(40, 39, 10, 55, 10, 54, ("a", "b")), 0: Seen(1, 1, 11, 11, 11, 11)}, 3, 59, 57
)
HALF = Progress({0: 60, 1: 0}, {0: 110, 1: 100}, {0: SCAN})
PRODUCTION = Environment("production", (Cluster("main", "kafka:9092"),))


def test_what_was_seen_is_kept_and_where_it_had_to_end_is_asked_anew() -> None:
    assert parse_progress(render_file(HALF)) == Progress({0: 60}, {}, {0: SCAN})


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"format": 2, "found": {}}', '{"format": 1}', '{"format": 1, "found": {"a": {}}}',
     '{"format": 1, "found": {"0": {"start": "x"}}}', '{"format": 1, "found": []}'],
)  # fmt: skip
def test_what_is_no_such_file_is_nothing(text: str) -> None:
    assert parse_progress(text) is None


def test_a_scan_that_is_done_is_forgotten_and_so_is_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "scan.json"
    kept = Unfinished(path, [])
    kept.note(HALF)
    written = path.stat().st_mtime
    assert kept.read(written + 1) == Progress({0: 60}, {}, {0: SCAN})
    assert kept.read(written + LASTS + 1) is None
    kept.note(Progress({0: 110, 1: 100}, {0: 110, 1: 100}, {}))
    assert not path.exists()
    assert kept.read(written) is None


def test_a_folder_that_cannot_be_made_is_no_error() -> None:
    kept = Unfinished(Path(os.devnull, "scan.json"), [])
    kept.note(HALF)
    assert kept.read(0.0) is None


def test_only_the_scan_of_a_whole_topic_of_one_event_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    Scans(PRODUCTION, "a.Told", "c1").note("main", Question.TAIL, HALF)
    assert Scans(PRODUCTION, "a.Told", "c1").find("main", Question.EVERYTHING) is None
    Scans(PRODUCTION, "a.Told", "c1").note("main", Question.EVERYTHING, HALF)
    found = Scans(PRODUCTION, "a.Told", "c1").find("main", Question.EVERYTHING)
    assert found is not None and found.found == {0: SCAN}
    assert capsys.readouterr().err == "main: the scan goes on where it was interrupted\n"
    assert Scans(PRODUCTION, "a.Told", "c1").find("main", Question.TAIL) is None
    for contract, commit in (("a.Told", "c2"), ("a.Other", "c1"), ("", "c1")):
        assert Scans(PRODUCTION, contract, commit).find("main", Question.EVERYTHING) is None
    Scans(PRODUCTION, "", "c1").note("main", Question.EVERYTHING, HALF)


def test_how_far_it_is_in_one_line() -> None:
    assert render_progress("main", HALF) == (
        "main  ██████░░░░░░░░░░░░░░░░░░   25 %  2 partitions, 150 records to go"
    )  # fmt: skip
    assert "100 %  1 partition, 0 records" in render_progress("main", Progress({0: 5}, {0: 5}, {}))
    assert "100 %  0 partitions" in render_progress("main", Progress())
