"""Options of the test run, and what every test may rely on."""

from pathlib import Path

import hypothesis
import pytest

from tests.databases import postgres, redis
from tests.examples_settings import settings
from tests.kafka_clusters import cluster
from tests.kafka_outboxes import store
from tests.repo import Repository, forget_git_variables
from tests.snapshots import SCHEMAS

FIXTURES = (cluster, postgres, redis, store)
"""A broker, databases and an outbox, each started when the first test asks for it."""

# Also where a test says nothing of it: the same examples in every quick run.
hypothesis.settings.register_profile("project", settings())
hypothesis.settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-stories", action="store_true", help="write what is seen into the expect sections of tests/stories"
    )


@pytest.fixture(autouse=True)
def no_git_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that git set for the run itself (a hook runs the tests) reaches the repositories of a test."""
    forget_git_variables(monkeypatch)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with one commit."""
    made = Repository(tmp_path / "here")
    made.commit("first", SCHEMAS)
    return made
