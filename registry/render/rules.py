"""The law for readers: the list of rules, one rule explained at a terminal, and the page of the documentation."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from textwrap import fill, indent
from typing import Final

from registry.rules import Rule
from registry.rules.examples import Example, Files, Overlay

WIDTH: Final = 100
"""Columns of prose at a terminal."""
CONTEXT: Final = 4
"""Lines shown around a change in a file too long to be shown whole."""
WHOLE: Final = 24
"""Lines of a file that is shown whole."""
CUT: Final = "@@ … @@"

ABOUT: Final[Mapping[str, str]] = {
    "compat": "Can every reader that was promised it read every writer? Each kind of mismatch has a rule of its own. "
    "Errors are changes after which a value is lost, misread or refused; warnings are changes that only code, JSON or "
    "people notice. Without ownership.yaml each schema is held to `BACKWARD_TRANSITIVE`.",
    "ownership": "Who writes what: one service for each piece of state, and a name behind every event.",
    "envelope": "What every event carries, so that it can be followed through the mesh and read without its schema.",
    "versions": "Released versions are frozen, numbered without a gap, and made by `contracts release` alone.",
    "terms": "The promises themselves, and the exceptions from them: nobody loosens one by the way.",
    "schema": "Is the file a schema at all, and does it find everything it refers to?",
}
"""What the rules of each family are for."""

INTRO: Final = """\
# Rules

What `contracts check` looks for. Each rule has a section with its meaning, a change that it stops, a change to the same
end that passes, and the way out; `contracts explain RULE` prints the same. The examples are run as tests.

An **error** fails the run, a **warning** fails it with `--strict`, and a rule that is **off** is not asked until the
policy turns it on. `severities` in contracts/policy.yaml changes that for a rule, for a family, or for a step (`break`,
`lossy`, `source`). A finding that somebody answers for is waived in ownership.yaml, with a reason, an approver and an
end.
"""


def render_rules_text(rules: Sequence[Rule]) -> str:
    """Every rule with its severity and purpose, aligned, under the name of its family."""
    wide = max((len(rule.id) for rule in rules), default=0)
    blocks = (
        "\n".join((family, *(f"  {rule.id:<{wide}}  {rule.severity.value:<7}  {rule.purpose}" for rule in members)))
        for family, members in _find_families(rules)
    )
    return "\n\n".join(blocks) + "\n"


def render_rules_json(rules: Sequence[Rule]) -> str:
    """The same as JSON, with the version of its form."""
    rows = [
        {"id": rule.id, "family": rule.family, "severity": rule.severity.value, "purpose": rule.purpose}
        for rule in rules
    ]
    return json.dumps({"version": 1, "tool": "event-contracts", "rules": rows}, indent=2) + "\n"


def render_explanation(rule: Rule, example: Example) -> str:
    """One rule for somebody who was just stopped by it: meaning, the change that is stopped, the one that passes."""
    parts = [
        f"{rule.id}  {rule.severity.value}\n{rule.purpose}",
        _wrap(example.meaning),
        *(f"given {path}\n{indent(_render_given(example, path), '  ')}" for path in example.given),
        f"stopped\n{indent(_render_change(example.before, example.bad), '  ')}",
        f"passes\n{indent(_render_change(example.before, example.good), '  ')}",
        f"way out\n{indent(_wrap(example.way_out), '  ')}",
    ]
    return "\n\n".join(parts) + "\n"


def render_rules_markdown(rules: Sequence[Rule], examples: Mapping[str, Example]) -> str:
    """The page of the documentation: a table of each family, and a section of each rule; ``examples`` by rule id."""
    blocks = [INTRO.rstrip()]
    for family, members in _find_families(rules):
        rows = (
            f"| [{rule.id}](#{_anchor(rule.id)}) | {rule.severity.value} | {_cell(rule.purpose)} |" for rule in members
        )
        table = "\n".join(("| rule | severity | what is wrong |", "|---|---|---|", *rows))
        blocks += [f"## {family}", ABOUT[family], table]
        blocks += [block for rule in members for block in _find_section(rule, examples[rule.id])]
    return "\n\n".join(blocks) + "\n"


def _find_families(rules: Iterable[Rule]) -> Iterator[tuple[str, list[Rule]]]:
    families: dict[str, list[Rule]] = {}
    for rule in rules:
        families.setdefault(rule.family, []).append(rule)
    yield from families.items()


def _find_section(rule: Rule, example: Example) -> Iterator[str]:
    yield f"### {rule.id}"
    yield f"*{rule.severity.value}: {rule.purpose}.*"
    yield example.meaning
    for path in example.given:
        yield f"Given {path}:"
        yield f"```yaml\n{_render_given(example, path)}\n```"
    yield "Stopped:"
    yield _fence(_render_change(example.before, example.bad))
    yield "Passes:"
    yield _fence(_render_change(example.before, example.good))
    yield f"**Way out.** {example.way_out}"


def _fence(diff: str) -> str:
    return f"```diff\n{diff}\n```"


def _anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading: small letters, and of the signs only hyphens."""
    return "".join(sign for sign in heading.lower() if sign.isalnum() or sign in "-_")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _wrap(prose: str) -> str:
    return "\n\n".join(fill(paragraph, WIDTH, break_on_hyphens=False) for paragraph in prose.split("\n\n"))


def _render_given(example: Example, path: str) -> str:
    return example.before[path].rstrip()


def _render_change(before: Files, change: Overlay) -> str:
    """Every file of a change, under its path, as a unified diff without the header that a program would need."""
    files = (_render_file(path, before.get(path), text) for path, text in change.items())
    return "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in files)


def _render_file(path: str, before: str | None, after: str | None) -> Iterator[str]:
    if after is None:
        yield f"--- {path} (removed)"
        return
    yield f"+++ {path}{' (new)' if before is None else ''}"
    old, new = (before or "").splitlines(), after.splitlines()
    context = WHOLE if max(len(old), len(new)) <= WHOLE else CONTEXT
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context):
        if group[0][3] > 0:
            yield CUT
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                yield from (f" {line}" for line in old[old_start:old_end])
            else:
                yield from (f"-{line}" for line in old[old_start:old_end])
                yield from (f"+{line}" for line in new[new_start:new_end])
