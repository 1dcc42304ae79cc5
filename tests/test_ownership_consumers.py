"""Readers that a rollout waits for: `consumers: none`, and subscribers that stay on their build."""

import os
from pathlib import Path

import jsonschema
import pytest

from registry.amendment import read_amendments
from registry.contract import Subscriber, Terms
from registry.errors import Flaw
from registry.ownership import OWNERSHIP, parse_ownership
from registry.shape import render_json_schema
from tests.editor import as_an_editor_reads
from tests.released import OWNERSHIP as RELEASED
from tests.released import build
from tests.repo import Repository
from tests.story import run_contracts


def document(event: str) -> str:
    return f"version: 1\nentities: {{A: {{owner: api, events: {{a.B: {event}}}}}}}\n"


def read(event: str) -> tuple[Terms, tuple[Flaw, ...]]:
    ownership = parse_ownership({"ownership.yaml": document(event)})
    return ownership.terms["a.B"], ownership.flaws


def validate(text: str) -> None:
    jsonschema.Draft202012Validator(render_json_schema(OWNERSHIP, "ownership.yaml")).validate(as_an_editor_reads(text))


def test_nobody_named_is_not_nobody_expected() -> None:
    for event in ("{}", "{subscribers: []}"):
        terms, flaws = read(event)
        assert (terms.no_consumers, terms.subscribers, flaws) == (False, (), ())
    for event in ("{consumers: none}", "{consumers: none, subscribers: []}"):
        terms, flaws = read(event)
        assert (terms.no_consumers, flaws) == (True, ())
        validate(document(event))


def test_a_subscriber_is_served_only_where_it_says_so() -> None:
    event = "{subscribers: [old, {service: cache, reads: [1], served: true}, {service: web, served: false}]}"
    terms, flaws = read(event)
    assert flaws == ()
    assert [(each.service, each.reads, each.served) for each in terms.subscribers] == [
        ("old", (), False),
        ("cache", (1,), True),
        ("web", (), False),
    ]
    assert not Subscriber("web", terms.at).served
    validate(document(event))


@pytest.mark.parametrize(
    ("event", "told", "help_"),
    [
        (
            "{consumers: none, subscribers: [cache]}",
            "2:43 a.B has `consumers: none`, and is read by cache",
            "take out the one that is not so",
        ),
        (
            "{subscribers: [{service: cache, served: true}]}",
            "2:74 cache is `served`, and nobody says which versions it reads",
            "name them: reads: [1]",
        ),
        ("{consumers: nome}", "2:54 'consumers' must be one of none; here is nome", "did you mean 'none'?"),
        ("{consumer: none}", "2:43 the key 'consumer' is not known here", "did you mean 'consumers'?"),
        (
            "{subscribers: [{service: cache, serve: true}]}",
            "2:74 the key 'serve' is not known here",
            "did you mean 'served'?",
        ),
    ],
)
def test_what_contradicts_itself_and_what_is_misspelt_is_a_flaw(event: str, told: str, help_: str) -> None:
    _, (flaw,) = read(event)
    assert (f"{flaw.location} {flaw.message}", flaw.help) == (f"ownership.yaml:{told}", help_)


def test_served_is_true_or_false() -> None:
    _, (flaw,) = read("{subscribers: [{service: cache, reads: [1], served: yes}]}")
    assert flaw.message == "'served' must be true or false; here is yes"
    with pytest.raises(jsonschema.ValidationError):
        validate(document("{subscribers: [{service: cache, reads: [1], served: yes}]}"))


def test_the_difference_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repository = build(Repository(tmp_path / "repository"))
    served = RELEASED.replace("reads: [1, 2]}", "reads: [1, 2], served: true}")
    repository.write({"ownership.yaml": served.replace("shop.Cancelled: {}", "shop.Cancelled: {consumers: none}")})

    found = read_amendments(repository.path, (), "contracts", os.environ)
    told = {contract.name: [each.words for each in contract.differences] for contract in found.contracts}
    assert told["shop.Placed"] == ["subscriber billing (reads 1, 2) -> billing (reads 1, 2; served)"]
    assert told["shop.Cancelled"] == ["consumers: none"]


def test_a_subscriber_that_is_served_need_not_read_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repository = build(Repository(tmp_path / "repository"))
    assert "ownership/unread-version" in _check(repository, monkeypatch, RELEASED)
    served = RELEASED.replace("reads: [1, 2]}", "reads: [1, 2], served: true}")
    assert "ownership/unread-version" not in _check(repository, monkeypatch, served)


def _check(repository: Repository, monkeypatch: pytest.MonkeyPatch, ownership: str) -> str:
    repository.write({"ownership.yaml": ownership})
    return run_contracts(monkeypatch, repository.path, ["check", "--all", "--against", "HEAD"]).stdout
