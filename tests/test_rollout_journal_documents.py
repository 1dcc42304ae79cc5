"""The texts of the journal: what a person reads in a diff, and what is refused of what a person wrote."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import Unreadable
from registry.frozen import replace
from registry.rollout.checks import Verdict
from registry.rollout.journal.documents import parse_deployments, parse_rollout, render_deployments, render_rollout
from registry.rollout.rollout import Mark, Publication, Recorded, Rollout
from registry.rollout.states import State
from tests.examples_settings import EXAMPLES, settings
from tests.rollout_documents import EVERYWHERE, FULL, NOON, PLANNED, POD, RELEASE, STEP

TEXT = """\
{
  "format": 1,
  "contract": "playconnect.content.ContentPublished",
  "old": 1,
  "new": 2,
  "environment": "production",
  "state": "switching",
  "since": "2026-01-05T12:00:00Z",
  "by": "ana@example.org",
  "reason": "one line\\nand another",
  "epoch": 3,
  "stored": [1, 2],
  "publication": {
    "epoch": 3,
    "active": 1,
    "writable": [1, 2],
    "prepare": 2
  },
  "origin": "reverted",
  "switched": "2026-01-03T11:59:59.999999Z",
  "digests": {"1": "aa", "2": "bb"},
  "barrier": {
    "main": {
      "0": {"start": 100, "committed": -1, "everything": -1, "first_new": -1},
      "11": {"start": 7, "committed": 9, "everything": 9, "first_new": 8}
    },
    "mirror": {
      "0": {"start": 90, "committed": 91, "everything": -1, "first_new": -1}
    }
  },
  "checks": [
    {
      "check": "G1.2",
      "subject": "instance/edge-cache/pod-3",
      "verdict": "no",
      "since": "2026-01-05T12:00:00Z",
      "observed": "2026-01-05T12:00:09.500000Z"
    }
  ],
  "waivers": [
    {
      "check": "G1.3",
      "subject": "group/legacy-report",
      "by": "bo@example.org",
      "at": "2026-01-05T12:00:00Z",
      "expires": "2026-01-05T12:00:00Z",
      "reason": "Zoë knows it: “gone” by May"
    }
  ]
}
"""
SHORT = replace(FULL, digests={1: "aa", 2: "bb"})


def test_a_rollout_reads_as_a_person_would_write_it() -> None:
    assert render_rollout(SHORT).decode() == TEXT
    assert parse_rollout(STEP.path, TEXT.encode()) == SHORT


@pytest.mark.parametrize("rollout", [PLANNED, FULL, replace(FULL, publication=None, origin=None, switched=None)])
def test_what_was_written_is_read(rollout: Rollout) -> None:
    assert parse_rollout(STEP.path, render_rollout(rollout)) == rollout


_moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(NOON.tzinfo))
_offsets = st.integers(-1, 1 << 62)
_numbers = st.integers(1, 1 << 20)
_lists = st.lists(_numbers, max_size=4).map(tuple)
_names = st.text(st.characters(exclude_categories=("Cs",)), max_size=9)
_marks = st.builds(Mark, st.integers(0, 1 << 62), _offsets, _offsets, _offsets)
_rollouts = st.builds(
    Rollout,
    step=st.just(STEP),
    state=st.sampled_from(State),
    since=_moments,
    by=_names,
    digests=st.dictionaries(_numbers, _names, max_size=3),
    epoch=st.integers(0, 1 << 40),
    stored=_lists,
    publication=st.none() | st.builds(Publication, _numbers, _numbers, _lists, st.integers(0, 9)),
    origin=st.none() | st.sampled_from(State),
    switched=st.none() | _moments,
    barrier=st.dictionaries(_names, st.dictionaries(st.integers(0, 99), _marks, max_size=3), max_size=2),
    checks=st.lists(st.builds(Recorded, _names, _names, st.sampled_from(Verdict), _moments, _moments), max_size=2).map(
        tuple
    ),
    waivers=st.just(FULL.waivers),
    reason=_names,
)


@given(_rollouts)
@settings(EXAMPLES // 4)
def test_every_rollout_is_read_as_it_was_written(rollout: Rollout) -> None:
    text = render_rollout(rollout)
    assert parse_rollout(STEP.path, text) == rollout
    assert render_rollout(parse_rollout(STEP.path, text)) == text


def test_deployments_are_read_as_they_were_written() -> None:
    rows = (EVERYWHERE, POD, RELEASE, replace(POD, reads={}, writes={STEP.contract: (2, 1)}))
    assert parse_deployments(POD.path, render_deployments(rows)) == rows


def test_moments_are_written_in_utc() -> None:
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    assert render_rollout(replace(PLANNED, since=berlin)) == render_rollout(PLANNED)
    assert parse_rollout(STEP.path, render_rollout(PLANNED).replace(b"12:00:00Z", b"13:00:00+01:00")) == PLANNED


# What somebody edited -------------------------------------------------------------------------------------------------


def without(key: str) -> Callable[[Any], object]:
    """An edit that removes a key."""
    return lambda top: top.pop(key)


def put(*steps: Any) -> Callable[[Any], object]:
    """An edit that sets what the path of keys ends at to the last step."""

    def edit(top: Any) -> None:
        *way, key, value = steps
        for step in way:
            top = top[step]
        top[key] = value

    return edit


EDITS: list[tuple[Callable[[Any], object], str]] = [
    (without("state"), "state is missing"),
    (without("format"), "format is null, not 1"),
    (put("format", True), "format is true, not 1"),
    (put("format", 0), "format is 0, not 1"),
    (put("state", "switchd"), "state is 'switchd', none of planned, expanding"),
    (put("state", None), "state is null, not a text"),
    (put("epoch", "3"), 'epoch is "3", not a number'),
    (put("epoch", True), "epoch is true, not a number"),
    (put("epoch", -1), "epoch is -1, less than 0"),
    (put("epoch", 3.0), "epoch is 3.0, not a number"),
    (put("since", "yesterday"), "since is 'yesterday', not a time such as"),
    (put("since", "2026-01-05T12:00:00"), "since is '2026-01-05T12:00:00', without Z or an offset"),
    (put("owner", "ana"), "owner is not known"),
    (put("stored", [1, "2"]), 'stored is [1, "2"], not a list of versions'),
    (put("stored", [0]), "stored is [0], not a list of versions"),
    (put("publication", []), "publication is [], not an object"),
    (put("publication", "prepared", 2), "publication.prepared is not known"),
    (put("publication", "epoch", 0), "publication.epoch is 0, less than 1"),
    (put("digests", "one", "aa"), "digests.one is not a number"),
    (put("digests", "01", "aa"), "digests.01 is not a number"),
    (put("digests", "²", "aa"), "digests.² is not a number"),
    (put("barrier", "main", "0", "start", None), "barrier.main.0.start is null, not a number"),
    (put("barrier", "main", "-1", {}), "barrier.main.-1 is not a number"),
    (put("checks", 0, "verdict", "maybe"), "checks[0].verdict is 'maybe', none of yes, no, unknown"),
    (put("checks", [3]), "checks[0] is no object"),
    (put("checks", 0, "note", "x"), "checks[0].note is not known"),
    (put("waivers", 0, "expires", 3), "waivers[0].expires is 3, not a text"),
    (put("environment", "staging"), "is that of playconnect.content.ContentPublished 1 -> 2 in staging"),
]


@pytest.mark.parametrize(("edit", "fact"), EDITS, ids=[fact for _, fact in EDITS])
def test_an_edit_that_means_nothing_is_refused_with_its_place(edit: Callable[[Any], object], fact: str) -> None:
    values = json.loads(TEXT)
    edit(values)
    with pytest.raises(Unreadable, match=re.escape(fact)) as caught:
        parse_rollout(STEP.path, json.dumps(values).encode())
    assert caught.value.message.startswith(f"{STEP.path} of the journal: ")
    assert f"git log -p contracts-state -- {STEP.path}" in caught.value.help


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (b"", "line 1, column 1: Expecting value"),
        (TEXT.replace('"old": 1,', '"old": 1').encode(), "line 5, column 3: Expecting ',' delimiter"),
        (TEXT.replace('"old"', '<<<<<<< HEAD\n  "old"').encode(), "line 4, column 3: Expecting property name"),
        (TEXT.replace('"epoch": 3,\n  "s', '"epoch": 3,\n  "epoch": 4,\n  "s').encode(), '"epoch" stands there twice'),
        (b"[]", "the document is no object"),
        (b"\xff\xfe", "can't decode"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "BOM"),
        (b"[" * 100_000, "recursion"),
        (b'{"format": ' + b"9" * 5000 + b"}", "digits"),
    ],
    ids=["empty", "a comma is missing", "a conflict", "a key twice", "a list", "no text", "a mark", "deep", "large"],
)
def test_what_is_no_document_is_refused(text: bytes, fact: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(fact)) as caught:
        parse_rollout(STEP.path, text)
    assert caught.value.help


def test_a_newer_format_says_which_program_to_install() -> None:
    newer = TEXT.replace('"format": 1', '"format": 2').replace('"old"', '"older"').encode()
    with pytest.raises(Unreadable, match="has the format 2; this release of contracts knows 1") as caught:
        parse_rollout(STEP.path, newer)
    assert "pip install --upgrade event-contracts" in caught.value.help


@pytest.mark.parametrize(
    ("edit", "fact"),
    [
        (put("deployments", 0, "source", "gossip"), "deployments[0].source is 'gossip', none of git, ci"),
        (put("deployments", 0, "reads", STEP.contract, 1), f"deployments[0].reads.{STEP.contract} is 1, not a list"),
        (put("deployments", 0, "canary", True), "deployments[0].canary is not known"),
        (put("service", "web-client"), "is that of web-client in production, which belongs into deployments/"),
        (put("deployments", {}), "deployments is {}, not a list"),
    ],
)
def test_an_edited_deployment_is_refused_with_its_place(edit: Callable[[Any], object], fact: str) -> None:
    values = json.loads(render_deployments([POD]))
    edit(values)
    with pytest.raises(Unreadable, match=re.escape(fact)):
        parse_deployments(POD.path, json.dumps(values).encode())


def test_what_may_be_nothing_may_be_left_out() -> None:
    values = json.loads(TEXT)
    for key in ("publication", "origin", "switched"):
        del values[key]
    bare = replace(SHORT, publication=None, origin=None, switched=None)
    assert parse_rollout(STEP.path, json.dumps(values).encode()) == bare


@given(
    st.sampled_from(list(json.loads(TEXT))),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), st.lists),
)
@settings(EXAMPLES // 4)
def test_any_value_in_any_place_is_read_or_refused(key: str, value: Any) -> None:
    text = json.dumps({**json.loads(TEXT), key: value}).encode()
    try:
        read = parse_rollout(STEP.path, text)
    except Unreadable as error:
        refusal = error.message
    else:
        refusal = "" if parse_rollout(STEP.path, render_rollout(read)) == read else "it reads as something else"
    assert refusal.isprintable() and refusal != "it reads as something else"
