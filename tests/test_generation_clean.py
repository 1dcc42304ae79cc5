"""The stubs of every Playconnect service are clean: they are imported, type-checked, linted and formatted."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from registry.catalog import Shelf, layout_of, read_catalog
from registry.codegen import HEADER, render_header
from registry.generation import Wish, read_plans, render_stubs
from registry.git import open_repo
from registry.stub_files import IsOurs, find_differences, write_differences
from tests.checkers import CHECKERS, TOP
from tests.repo import Repository

USE = """\
import importlib, pkgutil, sys
for package in sys.argv[1:]:
    room = importlib.import_module(package)
    assert all(name not in vars(room) for name in room.__all__), "imported before it was asked for"
    for name in room.__all__:
        assert getattr(room, name).__name__ == name
    for module in pkgutil.iter_modules(room.__path__):
        importlib.import_module(f"{package}.{module.name}")
foreign = sys.modules.keys() & {"click", "yaml", "grpc_tools", "git", "google.protobuf", "hypothesis"}
assert not foreign, foreign
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one package for each service of ownership.yaml."""
    place = tmp_path_factory.mktemp("playconnect")
    shutil.copytree(TOP / "contracts", place / "here" / "contracts")
    shutil.copy(TOP / "ownership.yaml", place / "here")
    repository = Repository(place / "here")
    repository.commit()
    environment = {"XDG_CACHE_HOME": os.fspath(place / "cache")}
    with open_repo(repository.path) as repo:
        layout = layout_of("contracts")
        snapshot = repo.read_work_tree(layout.under, layout.holds)
        services = read_catalog(Shelf(repo, environment), snapshot, layout)[0].ownership.services
    for service in services:
        files = render_stubs(read_plans(repository.path, Wish(service), environment))
        folder = place / "src" / service.replace("-", "_")
        write_differences(folder, list(find_differences(folder, files, IsOurs(HEADER, render_header(service)))))
    assert len(services) == 7
    return place / "src"


def packages(source: Path) -> list[str]:
    return sorted(path.parent.name for path in source.glob("*/__init__.py"))


def test_every_class_is_imported_when_it_is_asked_for(source: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.fspath(TOP)}
    command = [sys.executable, "-c", USE, *packages(source)]
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", CHECKERS)
def test_type_checkers_linter_and_formatter_have_nothing_to_say(source: Path, name: str) -> None:
    CHECKERS[name](source, packages(source))
