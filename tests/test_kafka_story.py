"""The story of docs/kafka.md: three services in processes of their own, one killed, one with a bug."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.kafka_clusters import KIND

TOP = Path(__file__).resolve().parent.parent
SERVICES = ("content-api", "edge-cache", "web-client")
LONGEST = 120.0
"""Seconds; it takes about six."""


def find_shape(text: str, indent: int = 0) -> list[str]:
    """The tree without what differs from run to run: the moments, and which of two events of a partition came first."""
    lines = [line[indent:] for line in text.splitlines()]
    tree = [line for line in lines if re.match("correlation | *[├└│]", line)]
    return [re.sub(r"  ([+-]\d+ ms|\d\d:\d\d:\d\d)$|@\d+", "", line) for line in tree]


def test_the_story_ends_as_the_page_says(tmp_path: Path) -> None:
    mesh = tmp_path / "mesh"
    shutil.copytree(TOP / "examples" / "mesh", mesh, ignore=shutil.ignore_patterns("events", "__pycache__"))
    for service in SERVICES:
        package = f"{service.replace('-', '_')}.events"
        subprocess.run(
            [sys.executable, "-m", "registry.cli", "gen", "--service", service, "--out", mesh, "--package", package],
            cwd=TOP,
            check=True,
            capture_output=True,
        )
    command = [sys.executable, mesh / "story.py", KIND]
    told = subprocess.run(command, cwd=mesh, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    page = (TOP / "docs" / "kafka.md").read_text("utf-8").partition("<!-- the tree")[2]
    assert find_shape(told.stdout, indent=2) == find_shape(page)
    assert told.stdout.count("forgot /en-GB/nobody-noticed, 1 time in all") == 1
    assert told.stdout.index("cannot drop /en-GB/really?") < told.stdout.index("dropped /en-GB/really?")
