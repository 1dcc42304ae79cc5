"""The rows of the two tables of compatibility, as cases that are judged and printed.

A row is a text file below ``rows/LANGUAGE/``; the files stand in the order of the table::

    # A field is added without a default
    What one should know of it: why, and the way out.

    == no default
    -- old --
    {"type": "record", "name": "Order", "fields": []}
    -- new --
    {"type": "record", "name": "Order", "fields": [{"name": "total", "type": "long"}]}
    -- expect --
    BACKWARD  break  reader_field_missing_default_value  /total
    FORWARD   ok

A case has ``old``, or ``v1``, ``v2`` and so on, and ``new``. ``-- new: money.proto --`` is a file that the case's own
refers to, ``-- both: money.proto --`` one that all versions have; ``(removed)`` stands for a schema that is gone.
``-- profile --`` names a profile and ``-- root --`` the type that is judged. A line of ``expect`` is one of::

    MODE  ok                           the mode finds nothing
    MODE  STEP  KIND  PATH             what it finds, a line for each; `/` is the event itself
    MODE  STEP  KIND  PATH  why WORDS  ... and no value can show it, for a reason with these words
    invalid [VERSION]  WORDS           the schema (the new one) is refused, with these words in a message
    note [VERSION]  WORDS              it is accepted with a word of warning; of the new one each must be named
    rule  ID  [WORDS]                  a rule of its own finds this, beside all modes; `rule  ok`: none does

Only the modes that are named are judged. Old versions are read as released ones are: what is refused in a new schema
may be a note there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from registry.compatibility import PROFILES, compare_schemas
from registry.errors import Flaw, InvalidSchema, RegistryError
from registry.formats import FORMATS, load_format
from registry.formats.mismatch import Mismatch, Step
from registry.schema import CompatibilityMode, Schema
from registry.witness import find_witness, is_shown

FOLDER: Final = Path(__file__).with_name("rows")
REMOVED: Final = "(removed)"
RULES: Final = ("number-not-reserved", "name-not-reserved", "reservation-dropped")
"""What the bytes do not know and Protobuf has rules of its own for."""

_HEADING: Final = re.compile(r"-- (.+) --")
_SECTION: Final = re.compile(r"(old|new|both|v[1-9]\d*)(?:: (\S+))?|(expect|profile|root)")
_MODES: Final = CompatibilityMode.__members__
_STEPS: Final = {step.value: step for step in Step}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of what is expected."""

    line: int
    mode: CompatibilityMode | None = None
    """``None`` for what no mode judges: see ``sees``."""
    step: Step | None = None
    """``None``: the mode finds nothing."""
    kind: str = ""
    """Of a mismatch, or the id of a rule without its family."""
    path: str = ""
    sees: str = ""
    """``invalid``, ``note`` or ``rule``."""
    version: str = "new"
    """The version that is invalid or noted."""
    words: str = ""
    """A part of the message, or of the reason why no value can show a mismatch."""


@dataclass(frozen=True, slots=True)
class Case:
    """One change, with what is to be said of it."""

    language: str
    name: str
    path: str
    """The file of the row."""
    line: int
    versions: Mapping[str, Mapping[str, str]]
    """Files by path of each version, the oldest first and ``new`` last; the first file is the one that is judged."""
    expected: tuple[Expectation, ...]
    profile: str | None = None
    root: str | None = None

    @property
    def place(self) -> str:
        """Where the case begins."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    title: str
    note: str
    path: str
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the engine says of a case."""

    flaws: Mapping[str, tuple[Flaw, ...]]
    """Why versions are invalid, by version; nothing is compared then."""
    notes: Mapping[str, tuple[Flaw, ...]]
    mismatches: Mapping[CompatibilityMode, tuple[Mismatch, ...]]
    """By each mode that the case names."""
    rules: tuple[Flaw, ...]


class BadRow(RegistryError):
    """A file that is no row; the message begins with its place."""


def read_rows(language: str, folder: Path = FOLDER) -> list[Row]:
    """The rows of a language in their order. Raises :class:`BadRow`."""
    files = sorted((folder / language).glob("*.txt"))
    return [parse_row(file.read_text(encoding="utf-8"), f"{language}/{file.name}", language) for file in files]


def parse_row(text: str, path: str, language: str) -> Row:
    """The row that a text holds; ``path`` is how messages name it. Raises :class:`BadRow` with the line."""
    lines = text.splitlines()
    if not lines or not lines[0].startswith("# "):
        raise BadRow(f"{path}:1: a row begins with its title", "write `# What is changed` in the first line")
    starts = [number for number, line in enumerate(lines, 1) if line.startswith("== ")]
    note = " ".join(line.strip() for line in lines[1 : starts[0] - 1 if starts else None]).strip()
    if not note or not starts:
        raise BadRow(f"{path}:2: the row has no {'note' if starts else 'case'}", "see conformance/rows.py for the form")
    cases = [
        _parse_case(language, path, start, lines[start - 1 : end])
        for start, end in zip(starts, [*(start - 1 for start in starts[1:]), len(lines)], strict=True)
    ]
    names = [case.name for case in cases]
    for case in cases:
        if case.name in names[: cases.index(case)]:
            raise BadRow(f"{case.place}: the row has two cases {case.name!r}", "give each a name of its own")
    return Row(lines[0][2:].strip(), note, path, tuple(cases))


def _parse_case(language: str, path: str, start: int, lines: Sequence[str]) -> Case:
    main = f"case{FORMATS[language]}"
    texts: dict[tuple[str, str], list[str]] = {}
    begins: dict[str, int] = {}
    body: list[str] | None = None
    for number, line in enumerate(lines[1:], start + 1):
        heading = _HEADING.fullmatch(line.rstrip())
        if heading is not None:
            section = _SECTION.fullmatch(heading[1])
            if section is None:
                raise BadRow(f"{path}:{number}: unknown section {heading[1]!r}", "see conformance/rows.py")
            key = (section[3], "") if section[3] else (section[1], section[2] or main)
            if key in texts:
                raise BadRow(f"{path}:{number}: section {heading[1]!r} stands twice in the case", "remove one")
            body = texts[key] = []
            begins[key[0]] = number
        elif body is not None:
            body.append(line)
        elif line.strip():
            raise BadRow(f"{path}:{number}: text before the first section", "words of a case stand in its name")
    joined = {key: "\n".join(each).strip() + "\n" for key, each in texts.items()}
    options = {name: text.strip() for (name, file), text in joined.items() if not file}
    versions = _order_versions(f"{path}:{start}", main, {key: text for key, text in joined.items() if key[1]})
    expected = tuple(
        _parse_expectation(line, number, path, language, tuple(versions))
        for number, line in enumerate(texts.get(("expect", ""), ()), begins.get("expect", 0) + 1)
        if line.strip()
    )
    profile = options.get("profile")
    if profile not in PROFILES:
        raise BadRow(f"{path}:{begins['profile']}: unknown profile {profile!r}", f"known: {PROFILES[1]}")
    case = Case(language, lines[0][3:].strip(), path, start, versions, expected, profile, options.get("root"))
    _refuse_contradictions(case)
    return case


def _order_versions(place: str, main: str, texts: Mapping[tuple[str, str], str]) -> Mapping[str, Mapping[str, str]]:
    """The files of each version, the one that is judged first."""
    labels = {label for label, _ in texts} - {"both"}
    numbered = sorted(labels - {"old", "new"}, key=lambda label: int(label[1:]))
    if "new" not in labels:
        raise BadRow(f"{place}: the case has no new version", "add `-- new --`")
    if numbered != [f"v{i}" for i, _ in enumerate(numbered, 1)] or ("old" in labels and numbered):
        raise BadRow(f"{place}: versions are `old`, or `v1`, `v2` and so on", "number them from v1, without a gap")
    ordered = [*numbered, "old", "new"] if "old" in labels else [*numbered, "new"]
    for label in ordered:
        if (label, main) not in texts:
            raise BadRow(f"{place}: version {label!r} has no schema of its own", f"add `-- {label} --`")
    return {
        label: {
            main: texts[label, main],
            **{file: text for (owner, file), text in texts.items() if owner in (label, "both") and file != main},
        }
        for label in ordered
    }


def _parse_expectation(line: str, number: int, path: str, language: str, versions: Sequence[str]) -> Expectation:
    first, *rest = line.split()
    if first in _MODES and rest == ["ok"]:
        return Expectation(number, _MODES[first])
    if first in _MODES and len(rest) >= 3 and rest[0] in _STEPS and (len(rest) == 3 or rest[3] == "why"):
        step, kind, where, *why = rest
        if kind not in find_kinds(language):
            raise BadRow(f"{path}:{number}: {language} has no kind {kind!r}", "see kinds.py of the language")
        return Expectation(number, _MODES[first], _STEPS[step], kind, where, words=" ".join(why[1:]))
    if first == "rule" and language == "protobuf" and rest and rest[0] in ("ok", *RULES):
        return Expectation(number, kind=rest[0].replace("ok", ""), sees=first, words=" ".join(rest[1:]))
    if first in ("invalid", "note") and rest:
        version = rest.pop(0) if rest[0] in versions else "new"
        return Expectation(number, sees=first, version=version, words=" ".join(rest))
    help_ = "`MODE ok`, `MODE STEP KIND PATH`, `invalid WORDS`, `note WORDS` or `rule ID`"
    raise BadRow(f"{path}:{number}: nothing can be expected of {line.strip()!r}", help_)


def _refuse_contradictions(case: Case) -> None:
    if not case.expected:
        raise BadRow(f"{case.place}: the case expects nothing", "add `-- expect --`")
    silent = {each.mode for each in case.expected if each.mode and each.step is None}
    for each in case.expected:
        if each.mode in silent and each.step is not None:
            raise BadRow(f"{case.path}:{each.line}: {each.mode.value} is ok in another line", "remove one of them")
        if each.mode is not None and any(other.sees == "invalid" for other in case.expected):
            raise BadRow(f"{case.path}:{each.line}: what is invalid is not compared", "remove the mode")
        if (each.mode is not None or each.sees == "rule") and len(case.versions) == 1:
            raise BadRow(f"{case.path}:{each.line}: there is nothing to compare with", "add `-- old --`")


@cache
def find_kinds(language: str) -> Mapping[str, Step]:
    """Every kind of mismatch of a language, with its step."""
    kinds: Mapping[str, Step] = import_module(f"registry.formats.{language}.kinds").KINDS
    return kinds


def parse_version(case: Case, label: str) -> Schema:
    """The schema of one version; without a root where it is gone. Raises :class:`InvalidSchema`."""
    files = case.versions[label]
    main = next(iter(files))
    if files[main].strip() == REMOVED:
        return Schema(case.language, ())
    language = load_format(case.language)
    return language.parse(files, [main], case.root, strict=label == "new", folder=f"{label}/")


def judge(case: Case) -> Judgement:
    """What the engine says of a case: whether its schemas are any, then what each mode finds."""
    schemas: dict[str, Schema] = {}
    flaws: dict[str, tuple[Flaw, ...]] = {}
    for label in case.versions:
        try:
            schemas[label] = parse_version(case, label)
        except InvalidSchema as error:
            flaws[label] = error.flaws
    notes = {label: schema.notes for label, schema in schemas.items() if schema.notes}
    if flaws:
        return Judgement(flaws, notes, {}, ())
    *old, new = schemas.items()
    modes = dict.fromkeys(each.mode for each in case.expected if each.mode is not None)
    mismatches = {mode: compare_schemas(mode, new, old, case.profile).mismatches for mode in modes}
    rules: tuple[Flaw, ...] = ()
    if any(each.sees == "rule" for each in case.expected):
        from registry.formats.protobuf import find_dropped_reservations, find_unreserved

        before = old[-1][1]
        rules = (*find_unreserved(before, new[1]), *find_dropped_reservations(before, new[1]))
    return Judgement(flaws, notes, mismatches, rules)


def find_faults(case: Case) -> Iterator[str]:
    """Where the engine and a case differ, each with the line of the case; what a value should show is tried out."""
    judgement = judge(case)
    for label, flaws in judgement.flaws.items():
        if not any(each.sees == "invalid" and each.version == label for each in case.expected):
            yield f"{case.place}: {label} is invalid: {flaws[0].message}"
    for each in case.expected:
        seen = {"invalid": judgement.flaws, "note": judgement.notes}.get(each.sees)
        if seen is not None and not any(each.words in flaw.message for flaw in seen.get(each.version, ())):
            listed = "; ".join(flaw.message for flaw in seen.get(each.version, ())) or "nothing"
            yield f"{case.path}:{each.line}: {each.version} is not {each.sees} with these words, but with: {listed}"
    if judgement.flaws:
        return
    noted = [each for each in case.expected if each.sees == "note" and each.version == "new"]
    for flaw in judgement.notes.get("new", ()):
        if not any(each.words in flaw.message for each in noted):
            yield f"{case.place}: new is accepted with a note: {flaw.message}"
    yield from _find_rule_faults(case, judgement.rules)
    for mode, mismatches in judgement.mismatches.items():
        yield from _find_mode_faults(case, mode, mismatches)


def _find_rule_faults(case: Case, flaws: Sequence[Flaw]) -> Iterator[str]:
    wanted = [each for each in case.expected if each.sees == "rule"]
    if not wanted:
        return
    kinds = [each.kind for each in wanted if each.kind]
    if sorted(kinds) != sorted(flaw.kind for flaw in flaws):
        listed = "; ".join(f"{flaw.kind} ({flaw.message})" for flaw in flaws) or "nothing"
        yield f"{case.path}:{wanted[0].line}: the rules find {listed}"
    for each in wanted:
        if each.kind and not any(flaw.kind == each.kind and each.words in flaw.message for flaw in flaws):
            yield f"{case.path}:{each.line}: no message of {each.kind} says {each.words!r}"


def _find_mode_faults(case: Case, mode: CompatibilityMode, mismatches: Sequence[Mismatch]) -> Iterator[str]:
    wanted = [each for each in case.expected if each.mode is mode and each.step is not None]
    left = list(wanted)
    for mismatch in mismatches:
        found = (mismatch.step, mismatch.kind, mismatch.path or "/")
        match = next((each for each in left if (each.step, each.kind, each.path) == found), None)
        if match is None:
            line = f"{mode.value}  {mismatch.step.value}  {mismatch.kind}  {mismatch.path or '/'}"
            yield f"{case.place}: not expected: {line} ({mismatch.message})"
            continue
        left.remove(match)
        if is_shown(mismatch):
            yield from _find_witness_faults(f"{case.path}:{match.line}", mismatch, match.words)
    for each in left:
        yield f"{case.path}:{each.line}: {mode.value} does not find {each.kind} at {each.path}"


def _find_witness_faults(place: str, mismatch: Mismatch, why: str) -> Iterator[str]:
    reason = find_witness(mismatch).reason
    if reason and not why:
        yield f"{place}: no value shows {mismatch.kind}: {reason}"
    elif why not in reason:
        yield f"{place}: why no value shows {mismatch.kind}: {reason or 'one does'}"
