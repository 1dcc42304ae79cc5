"""The texts that `contracts init` writes: plain, commented, and the same for the same schemas."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

PLACEHOLDER: Final = "unassigned"
"""The service, and the team, of what nobody has claimed yet."""
ACTION: Final = "event-contracts/event-contracts"
ADDRESS: Final = f"https://github.com/{ACTION}"
REVISION: Final = "v0.1.0"
EXAMPLE: Final = "example.SomethingHappened"
OWNERS_LINE: Final = "/ownership.yaml @your-org/architecture"

EXAMPLE_SCHEMA: Final = """\
{
  "type": "record",
  "name": "SomethingHappened",
  "namespace": "example",
  "doc": "An example to replace: say here what happened, in the past tense.",
  "fields": [
    {"name": "correlation_id", "type": {"type": "string", "logicalType": "uuid"},
     "doc": "The request or job that this event belongs to, from end to end."},
    {"name": "schema_version", "type": "int",
     "doc": "Version of this schema that the event was written with; stamped by the serializer."},
    {"name": "event_id", "type": {"type": "string", "logicalType": "uuid"},
     "doc": "Id of this one event; equal ids mean the same event, delivered again."},
    {"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-millis"},
     "doc": "When it happened, by the writer's clock."},
    {"name": "causation_id", "type": ["null", "string"], "default": null,
     "doc": "event_id of the event that led to this one; null for none."},
    {"name": "something_id", "type": "string",
     "doc": "The piece of state it happened to; also the message key."}
  ]
}
"""

_OWNERSHIP: Final = """\
# Who may write what. One service owns an entity, and is the only writer of its events and its topic; others subscribe.
# `contracts check` enforces it; `contracts schema ownership` describes every key.
version: 1
defaults: {compatibility: BACKWARD_TRANSITIVE}

teams:
"""
_CLAIM: Final = """\
  # Nobody yet. Name the teams and services that there are, give each entity below its owner, and remove this one:
  # to claim what is nobody's needs no transfer.
"""
_GUESSED: Final = """\
# One entity for each event, with a guessed topic: put events of one piece of state together under one entity, and
# correct the topics. Then name for each entity the field that is the message key (`key: order_id`), which keeps events
# in order, and for each event who reads it (`subscribers: [search-index]`).
"""

_POLICY: Final = """\
# The law of this registry: what every event carries, how grave a finding is, and who may answer for an exception.
# The law in force is that of the base revision: no pull request loosens the rule that it is judged by.
version: 1
"""
_LENIENT: Final = """
# Adopted events may have been made without an envelope in mind, so what is missing is a warning for now. Remove these
# two lines when all carry correlation_id and schema_version: without them it is an error.
severities:
  envelope: warning
"""
_APPROVERS: Final = """
# A waiver in ownership.yaml counts only if it names one of these, such as "@your-org/architecture".
waivers:
  approvers: []
"""

_WORKFLOW: Final = """\
# Judges the event contracts of every pull request and of the main branch.
name: contracts
on:
  pull_request:
  merge_group:
  push:
    branches: [BRANCH]
permissions:
  contents: read
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 2 # the merge commit and its two parents are all that a pull request needs
"""


def render_policy(*, lenient: bool) -> str:
    """policy.yaml; ``lenient`` where there are events that were made before it."""
    return f"{_POLICY}{_LENIENT if lenient else ''}{_APPROVERS}"


def render_hook(root: str, *, whole: bool = True) -> str:
    """.pre-commit-config.yaml, or the entry to add to one."""
    arguments = "" if root == "contracts" else f"        args: [--root, {quote(root or '.')}]\n"
    entry = f"  - repo: {ADDRESS}\n    rev: {REVISION}\n    hooks:\n      - id: contracts-check\n{arguments}"
    return f"repos:\n{entry}" if whole else entry


def render_workflow(root: str, branch: str) -> str:
    """.github/workflows/contracts.yml, for pushes to ``branch`` and for every pull request."""
    return _WORKFLOW.replace("BRANCH", branch) + render_step(root)


def render_step(root: str) -> str:
    """The step that uses the action."""
    lines = (
        f"      - uses: {ACTION}@{REVISION}",
        "        with:",
        f"          root: {quote(root or '.')}",
        "          # Once there are no warnings left, let them fail the main branch:",
        "          # strict: ${{ github.event_name == 'push' }}",
        "",
    )
    return "\n".join(lines)


def render_example_ownership(service: str, team: str) -> str:
    """ownership.yaml of a repository that has nothing but the example."""
    lines = [
        "  Something:",
        f"    owner: {quote(service)}",
        "    topic: example.something",
        "    key: something_id",
        "    events:",
        f"      {EXAMPLE}:",
        "        subscribers: []",
    ]
    return "\n".join([_render_parties(service, team), "entities:", *lines, ""])


def render_ownership(events: Iterable[str], service: str, team: str) -> str:
    """ownership.yaml with an entity for each event, in the order of their names."""
    names = sorted(events)
    topics = guess_topics(names)
    parts = [_render_parties(service, team), "\n"]
    if not names:
        return f"{''.join(parts)}entities: {{}}\n"
    parts += [_GUESSED, "entities:\n"]
    for entity, event in zip(_name_entities(names), names, strict=True):
        parts.append(f"  {quote(entity)}:\n    owner: {quote(service)}\n    topic: {quote(topics[event])}\n")
        parts.append(f"    events:\n      {quote(event)}: {{subscribers: []}}\n")
    return "".join(parts)


def _render_parties(service: str, team: str) -> str:
    claim = {name: _CLAIM if name == PLACEHOLDER else "" for name in (service, team)}
    return (
        f"{_OWNERSHIP}{claim[team]}  {quote(team)}: {{}}\n\n"
        f"services:\n{claim[service] if team != PLACEHOLDER else ''}  {quote(service)}: {{team: {quote(team)}}}\n"
    )


def quote(name: str) -> str:
    """A name as YAML takes it for text."""
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", name) else json.dumps(name, ensure_ascii=False)


def _name_entities(events: list[str]) -> Iterator[str]:
    """The last name of each event; all of it where two events share the last."""
    counts = Counter(event.rpartition(".")[2] for event in events)
    for event in events:
        short = event.rpartition(".")[2]
        yield short if counts[short] == 1 else event


def guess_topics(events: Iterable[str]) -> Mapping[str, str]:
    """``content.content-published`` of ``playconnect.content.v1.ContentPublished``: the domain and the event.

    The whole package stands before it where two events would share a topic.
    """
    short = {event: _spell_topic(_domain(event), event) for event in events}
    counts = Counter(short.values())
    return {
        event: topic if counts[topic] == 1 else _spell_topic(event.split(".")[:-1], event)
        for event, topic in short.items()
    }


def _domain(event: str) -> list[str]:
    """The last part of the package that is no version."""
    return [part for part in event.split(".")[:-1] if not re.fullmatch(r"v\d+\w*", part)][-1:]


def _spell_topic(package: list[str], event: str) -> str:
    return ".".join(_kebab(part) for part in (*package, event.rpartition(".")[2]))


def _kebab(name: str) -> str:
    """``http-server-started`` of ``HTTPServerStarted``."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return re.sub(r"[-_]+", "-", parted).strip("-").lower()
