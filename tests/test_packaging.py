"""What is installed is what is in the tree: the tests run from a checkout and would not miss a package."""

import tomllib
from pathlib import Path

TOP = Path(__file__).parent.parent


def test_every_package_is_installed() -> None:
    settings = tomllib.loads((TOP / "pyproject.toml").read_text())
    found = {".".join(path.parent.relative_to(TOP).parts) for path in (TOP / "registry").rglob("__init__.py")}
    assert set(settings["tool"]["setuptools"]["packages"]) == found
