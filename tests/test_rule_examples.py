"""Every rule's example, run against a real repository: the bad change is found, the good one passes."""

import re
from dataclasses import dataclass
from datetime import date

import pytest

from registry.check import Options, check
from registry.errors import RegistryError
from registry.finding import Finding, Report, Severity
from registry.formats import FORMATS, load_format
from registry.formats.avro.kinds import KINDS as AVRO_KINDS
from registry.formats.identity import derive_id, fingerprint_of, guid_of
from registry.formats.mismatch import Step
from registry.formats.protobuf.kinds import KINDS as PROTOBUF_KINDS
from registry.rules import BY_ID, MISMATCH, RULES, rule_of_kind
from registry.rules.examples import Example, find_examples, lay_over, parse_example, read_example
from tests.repo import Repository, forget_git_variables

TODAY = date(2026, 11, 23)
KINDS = {**AVRO_KINDS, **PROTOBUF_KINDS}
SEVERITIES = {Step.BREAK: Severity.ERROR, Step.LOSSY: Severity.ERROR, Step.SOURCE: Severity.WARNING}
LINK = re.compile(r"\(link to (.+)\)\s*")


@dataclass(frozen=True)
class Run:
    """An example with what the check says of both its changes."""

    rule: str
    example: Example
    bad: Report
    good: Report

    @property
    def found(self) -> list[Finding]:
        """What the rule itself found in the bad change."""
        return [finding for finding in self.bad.findings if finding.rule == self.rule]


@pytest.fixture(scope="module", params=[rule.id for rule in RULES])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    rule: str = request.param
    example = read_example(rule)
    with pytest.MonkeyPatch.context() as monkeypatch:
        forget_git_variables(monkeypatch)
        repository = Repository(tmp_path_factory.mktemp("example"))
        put(repository, dict(example.before))
        repository.commit("before")
        put(repository, lay_over(example.before, example.bad))
        bad = judge(repository)
        put(repository, lay_over(example.before, example.good))
        return Run(rule, example, bad, judge(repository))


def put(repository: Repository, files: dict[str, str]) -> None:
    """Make the work tree hold these files and no others."""
    there = (path.relative_to(repository.path) for path in repository.path.rglob("*") if not path.is_dir())
    repository.write({str(path): None for path in there if path.parts[0] != ".git"})
    for path, text in files.items():
        if link := LINK.fullmatch(text):
            (repository.path / path).symlink_to(link[1])
        else:
            repository.write({path: text})


def judge(repository: Repository) -> Report:
    environment = {"XDG_CACHE_HOME": str(repository.path / ".git" / "cache")}
    return check(repository.path, Options(against="HEAD"), environment, TODAY)


def test_the_bad_change_is_found(run: Run) -> None:
    assert run.found, f"found instead: {[(finding.rule, finding.problem.message) for finding in run.bad.findings]}"


def test_a_finding_has_the_severity_of_its_rule(run: Run) -> None:
    severity = BY_ID[run.rule].severity
    if severity is Severity.OFF:
        severity = Severity.ERROR  # as the policy of the example turns it on
    assert {finding.severity for finding in run.found} == {severity}
    assert severity is Severity.WARNING or not run.bad.passed


def test_a_finding_stands_at_a_place_that_exists(run: Run) -> None:
    """In the change, or at the base for what the change removed."""
    after = lay_over(run.example.before, run.example.bad)
    for finding in run.found:
        place = finding.problem.location
        files = {**run.example.before, **after}
        assert place.path in files
        lines = files[place.path].splitlines()
        assert place.line <= len(lines), place
        assert place.column <= len(lines[place.line - 1]) + 1, place


def test_a_finding_says_what_is_wrong_and_what_to_do(run: Run) -> None:
    for finding in run.found:
        assert finding.problem.message
        assert finding.problem.help
        assert all(finding.problem.help)


def test_the_good_change_passes(run: Run) -> None:
    assert [finding.problem.message for finding in run.good.findings if finding.rule == run.rule] == []
    assert run.good.passed, [(finding.rule, finding.problem.message) for finding in run.good.findings]


def test_the_two_changes_differ(run: Run) -> None:
    assert run.example.good
    assert lay_over(run.example.before, run.example.good) != lay_over(run.example.before, run.example.bad)
    assert lay_over(run.example.before, run.example.good) != run.example.before


def test_the_meaning_is_two_to_five_plain_sentences(run: Run) -> None:
    sentences = re.findall(r"[.?!](?=\s|$)", run.example.meaning)
    assert 2 <= len(sentences) <= 5, run.example.meaning
    assert all(len(line) <= 120 for line in run.example.meaning.splitlines())


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if rule.family == "versions"])
def test_frozen_versions_carry_the_identity_of_their_schema(rule: str) -> None:
    example = read_example(rule)
    files = lay_over(example.before, example.good)
    frozen = [path.removesuffix("version.yaml") for path in files if path.endswith("/version.yaml")]
    assert frozen
    for folder in frozen:
        facts = dict(line.split(": ", 1) for line in files[f"{folder}version.yaml"].splitlines() if ": " in line)
        schema = load_format(facts["format"]).parse({facts["root"]: files[folder + facts["root"]]}, [facts["root"]])
        fingerprint = fingerprint_of(schema)
        found = (fingerprint, str(derive_id(fingerprint)), guid_of(schema))
        assert (facts["fingerprint"], facts["schema_id"], facts["guid"]) == found


def test_every_rule_has_an_example_and_every_example_a_rule() -> None:
    assert list(find_examples()) == sorted(BY_ID)


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(RULES)


def test_every_kind_of_mismatch_has_a_rule_and_every_such_rule_a_kind() -> None:
    assert {rule_of_kind(kind) for kind in KINDS} == {rule.id for rule in RULES if rule.change is MISMATCH}


def test_languages_share_no_kind() -> None:
    assert set(FORMATS) == {"avro", "protobuf"}
    assert not AVRO_KINDS.keys() & PROTOBUF_KINDS.keys()


@pytest.mark.parametrize(("kind", "step"), KINDS.items())
def test_breaks_and_losses_are_errors_and_source_changes_are_warnings(kind: str, step: Step) -> None:
    assert BY_ID[rule_of_kind(kind)].severity is SEVERITIES[step]


def test_each_rule_is_looked_for_in_one_way() -> None:
    for rule in RULES:
        assert sum(function is not None for function in (rule.change, rule.catalogs, rule.findings)) == 1, rule.id


UNKNOWN_RULES = [
    ("compat/name-mismatched", "did you mean 'compat/name-mismatch'?"),
    ("name_mismatch", "did you mean 'compat/name-mismatch'?"),
    ("no-owner", "did you mean 'ownership/no-owner'?"),
    ("../rules/examples/compat/name-mismatch", "did you mean 'compat/name-mismatch'?"),
    ("quite something else", "`contracts rules` lists them all"),
    ("", "`contracts rules` lists them all"),
]


@pytest.mark.parametrize(("rule", "help_"), UNKNOWN_RULES)
def test_an_unknown_rule_is_an_error_with_the_nearest_one(rule: str, help_: str) -> None:
    with pytest.raises(RegistryError) as caught:
        read_example(rule)
    assert caught.value.message == f"there is no rule {rule!r}"
    assert caught.value.help == help_


def test_an_example_is_prose_and_sections() -> None:
    text = (
        "It means\nthis.\n\n-- before/a --\none\n-- bad/a --\n(removed)\n-- good/b --\ntwo\n-- way out --\nDo that.\n"
    )
    example = parse_example(text, "x/y")
    assert example == Example("It means\nthis.", {"a": "one\n"}, {"a": None}, {"b": "two\n"}, "Do that.")
    assert lay_over(example.before, example.bad) == {}
    assert lay_over(example.before, example.good) == {"a": "one\n", "b": "two\n"}


def test_a_given_file_is_part_of_the_base_and_shown() -> None:
    text = "It means this.\n-- given/a --\none\n-- before/b --\ntwo\n-- bad/b --\n2\n-- way out --\nDo that.\n"
    example = parse_example(text, "x/y")
    assert example.before == {"a": "one\n", "b": "two\n"}
    assert example.given == ("a",)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("It means this.\n-- worse/a --\none\n", "unknown section 'worse/a'"),
        ("It means this.\n-- bad/a --\none\n", "lacks"),
        ("-- bad/a --\none\n-- way out --\nDo that.\n", "lacks"),
        ("It means this.\n-- way out --\nDo that.\n", "lacks"),
    ],
)
def test_an_example_that_is_none_is_an_error(text: str, fact: str) -> None:
    with pytest.raises(RegistryError, match=fact):
        parse_example(text, "x/y")
