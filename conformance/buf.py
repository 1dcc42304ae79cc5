"""buf's breaking rules: each finding that buf's own tests expect, against what we find in the same file and line.

Where several findings of one rule stand at one place, the file of the oracle has one message for them all.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from conformance.buf_groups import BEYOND, LISTED, Listed
from conformance.buf_rules import BY_NAME, REPLACED, BufRule
from conformance.score import Score
from registry.compatibility import compare_schemas
from registry.errors import InvalidSchema
from registry.formats import load_format
from registry.formats.mismatch import Step
from registry.formats.protobuf.reservations import find_dropped_reservations, find_unreserved
from registry.schema import CompatibilityMode

Case = Mapping[str, Any]
"""One case as its file has it: two trees, the rules in force, and what is expected of them."""

Place = tuple[str, str | None, int | None]
"""A rule, a file and a line. Without a line it is the file, without a file the tree."""

_GONE: Final = re.compile(r'(?:Previously present (?P<noun>[a-z ]+)| had required field) "(?P<name>[^"]+)"')
"""What is gone is told in the line of what was around it: the noun and the name or number must be those of ours too."""
_RANGE: Final = re.compile(r"missing values: \[(\w+)")
_VERSION: Final = re.compile(r"^version: *(\w+)", re.MULTILINE)


class Ours(NamedTuple):
    """One of our findings, located on the side that a pull request can change."""

    kind: str
    step: str
    """Of a rule of its own ``rule``."""
    path: str
    line: int
    fact: str


class Beyond(NamedTuple):
    """Breaks and losses that no finding of buf's at the same line answers to, counted by kind."""

    silent: Counter[str]
    """A rule that answers to the kind was in force, and buf does not report it there."""
    not_asked: Counter[str]
    """No such rule was in force."""


class Table(NamedTuple):
    """Which rules are in which of buf's categories, by version of its configuration."""

    versions: Mapping[str, Mapping[str, frozenset[str]]]
    unknown: tuple[str, ...]
    """Rules that our table does not have."""


def parse_rules(text: Mapping[str, Any]) -> Table:
    """The list of rules as buf prints it."""
    versions: dict[str, dict[str, frozenset[str]]] = {}
    for version, rows in text["rules"].items():
        members: dict[str, set[str]] = {}
        for row in rows:
            for category in row["categories"]:
                members.setdefault(category, set()).add(row["id"])
        versions[version] = {category: frozenset(names) for category, names in members.items()}
    known = {row["id"] for rows in text["rules"].values() for row in rows}
    return Table(versions, tuple(sorted(known - BY_NAME.keys())))


def score_buf(
    cases: Iterable[Case],
    rules: Mapping[str, Any],
    listed: Mapping[str, Listed] = LISTED,
    reasons: Mapping[str, str] = BEYOND,
) -> Score:
    """The row of `buf_breaking`, counted in findings; ``rules`` is the list of all rules as buf prints it.

    A finding agrees if one of ours has a kind that answers its rule, in the same file and line; what is gone must be
    the same thing too. ``listed`` holds the group of those that differ on purpose, by id; a
    rule that nothing answers is a group of its own. What is listed and agrees is wrong. ``reasons`` says, by kind, why
    buf may be silent where we are not.
    """
    table = parse_rules(rules)
    agreed = 0
    on_purpose: dict[str, list[str]] = {}
    out_of_scope: dict[str, list[str]] = {}
    wrong = [f"{name} is a rule of buf's that our table does not have" for name in table.unknown]
    used: Counter[str] = Counter()
    for case in cases:
        try:
            ours = list(find_ours(case))
        except InvalidSchema as error:
            wrong += [f"{name_of(case, place_of(each))}: we refuse {error}" for each in case["expected"]]
            continue
        for place, messages in _group(case).items():
            name, rule = name_of(case, place), BY_NAME.get(place[0])
            if rule is None or not rule.in_scope:
                target = wrong if rule is None else out_of_scope.setdefault(rule.name, [])
                target += [name] * len(messages)
                continue
            found = count_answers(rule, place, messages, ours)
            agreed += found
            left = len(messages) - found
            if not left:
                continue
            if not rule.kinds:
                on_purpose.setdefault(rule.name, []).extend([name] * left)
            elif (group := listed.get(name)) is None:
                wrong.append(f"{name}: expected is {messages[0] or rule.name} {_tell(place, ours)}")
            else:
                on_purpose.setdefault(group.id, []).extend([name] * left)
                used[name] += left
        silent = find_beyond(case, ours, table).silent
        wrong += [
            f"{case['id']}: {kind} in a line where buf is silent, for no listed reason"
            for kind in silent.keys() - reasons.keys()
        ]
    for name, group in listed.items():
        if used[name] != group.times:
            wrong.append(f"{name}: {group.times} are listed under {group.id}, and {used[name]} differ")
    return Score("buf_breaking", agreed, 0, on_purpose, out_of_scope, tuple(wrong))


def find_ours(case: Case) -> Iterator[Ours]:
    """What we say of the two trees of a case, in both directions, and of what is free to be used again.

    Raises :class:`InvalidSchema`.
    """
    parse = load_format("protobuf").parse
    before, after = (parse(case[side], sorted(case[side])) for side in ("previous", "current"))
    found: dict[Ours, None] = {}
    for mismatch in compare_schemas(CompatibilityMode.FULL, ("new", after), [("old", before)]).mismatches:
        at = mismatch.new
        found[Ours(mismatch.kind, mismatch.step.value, at.path, at.line, mismatch.fact)] = None
    for flaw in (*find_unreserved(before, after), *find_dropped_reservations(before, after)):
        at = flaw.location
        kinds = [flaw.kind, "name-not-reserved"] if "number and name" in flaw.message else [flaw.kind]
        for kind in kinds:
            found[Ours(kind, "rule", at.path, at.line, flaw.message)] = None
    yield from found


def count_answers(rule: BufRule, place: Place, messages: list[str], ours: Iterable[Ours]) -> int:
    """How many of the findings of one rule at one place are answered."""
    found = [each for each in ours if each.kind in _answers(rule.name) and _is_at(each, place)]
    range_, gone = _RANGE.search(messages[0]), _GONE.search(messages[0])
    if range_ is not None:  # one of ours names all ranges
        return len(messages) if any(_names(each, range_[1]) for each in found) else 0
    if gone is None:
        return len(messages) if found else 0
    noun = (gone["noun"] or "field").split()[-1]
    found = [each for each in found if noun in each.fact]
    if len(messages) > 1:  # each needs one of its own
        return min(len(messages), len({each.fact for each in found}))
    return int(any(_names(each, gone["name"]) for each in found))


def count_beyond(cases: Iterable[Case], rules: Mapping[str, Any]) -> Beyond:
    """The sum of :func:`find_beyond` over the cases. Raises :class:`InvalidSchema`."""
    table = parse_rules(rules)
    total = Beyond(Counter(), Counter())
    for case in cases:
        beyond = find_beyond(case, find_ours(case), table)
        total.silent.update(beyond.silent)
        total.not_asked.update(beyond.not_asked)
    return total


def find_beyond(case: Case, ours: Iterable[Ours], table: Table) -> Beyond:
    """What we call a break or a loss, and no finding of buf's in that line answers to."""
    beyond = Beyond(Counter(), Counter())
    version = _VERSION.search(case["buf_yaml"])
    categories = table.versions.get(version[1] if version else "v1beta1", {})
    in_force: set[str] = set()
    for name in case["rules"]:
        in_force |= {*categories.get(name, (name,)), *REPLACED.get(name, ())}
    asked = {kind for name in in_force if name in BY_NAME for kind in BY_NAME[name].kinds}
    said = {(kind, path, line) for name, path, line in _group(case) for kind in _answers(name)}
    for each in ours:
        if each.step in {Step.BREAK.value, Step.LOSSY.value} and (each.kind, each.path, each.line) not in said:
            (beyond.silent if each.kind in asked else beyond.not_asked)[each.kind] += 1
    return beyond


def place_of(finding: Mapping[str, Any]) -> Place:
    """The rule, file and line of an expected finding."""
    return finding["rule"], finding["path"], finding["line"]


def name_of(case: Case, place: Place) -> str:
    """The id of a finding: case, rule, file and line."""
    rule, path, line = place
    return f"{case['id']} · {rule} · {path or '.'}{'' if line is None else f':{line}'}"


def _answers(name: str) -> tuple[str, ...]:
    rule = BY_NAME.get(name)
    return (*rule.kinds, *rule.instead) if rule else ()


def _group(case: Case) -> dict[Place, list[str]]:
    """The messages of the expected findings, by place."""
    places: dict[Place, list[str]] = {}
    for finding in case["expected"]:
        places.setdefault(place_of(finding), []).append(finding.get("message", ""))
    return places


def _is_at(ours: Ours, place: Place) -> bool:
    _, path, line = place
    return ours.path == path and line in {None, ours.line}


def _names(ours: Ours, name: str) -> bool:
    """Whether one of ours speaks of an element."""
    tokens = re.findall(r"[\w.]*\w", ours.fact)
    return any(token == name or token.endswith(f".{name}") for token in tokens)


def _tell(place: Place, ours: Iterable[Ours]) -> str:
    """What of ours is nearest to a place."""
    near = [each for each in ours if _is_at(each, place)] or [each for each in ours if each.path == place[1]]
    words = "; ".join(f"{each.kind} in line {each.line}: {each.fact}" for each in near[:3])
    return f"we say {words}" if words else "we say nothing"
