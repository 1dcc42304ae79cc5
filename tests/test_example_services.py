"""The two services of examples/services run on generated stubs, and are clean as a user's code should be."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkers import CHECKERS, TOP
from tests.command import run
from tests.repo import Repository

PACKAGES = {"content-api": "content_api.events", "edge-cache": "edge_cache.events"}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources beside the contracts, with the stubs of both."""
    repository = Repository(tmp_path_factory.mktemp("playconnect") / "here")
    shutil.copytree(TOP / "contracts", repository.path / "contracts")
    shutil.copy(TOP / "ownership.yaml", repository.path)
    repository.commit()
    services = repository.path / "services"
    shutil.copytree(TOP / "examples" / "services", services, ignore=shutil.ignore_patterns("events", "__pycache__"))
    for service, package in PACKAGES.items():
        made = run(repository.path, "gen", "--service", service, "--out", "services", "--package", package)
        assert made.code == 0, made
    return services


def test_old_and_new_versions_are_handled_at_once_and_a_second_writer_is_not_let_in(services: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.fspath(TOP)}
    command = [sys.executable, "story.py"]
    told = subprocess.run(command, cwd=services, env=environment, capture_output=True, text=True, check=True).stdout
    assert told.count("written as v2, handled as the newest: 'Old and new', 0 related") == 2
    assert told.count("written as v3, handled as the newest: 'New only', 1 related") == 2
    assert told.count("CacheInvalidated v1") == 4
    assert "NotOwner: ContentPublished is written only by content-api (team content, #team-content)" in told


@pytest.mark.parametrize("name", ["mypy", "pyright"])
def test_code_that_uses_the_stubs_is_type_checked(services: Path, name: str) -> None:
    CHECKERS[name](services, ["content_api", "edge_cache", "story.py"])
