"""`contracts check`: the one pass from two revisions to a report."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from threading import Thread
from typing import Final

from registry.base import find_base
from registry.catalog import Index, Layout, Shelf, layout_of, read_catalog
from registry.change import Changes, Reader, find_broken, find_changes, find_tree_changes
from registry.contract import Catalog, Change, Policy
from registry.errors import Unreadable
from registry.finding import Finding, Problem, Report, Severity
from registry.formats.mismatch import Step
from registry.frozen import dataclass, replace
from registry.git import Repo, Snapshot, empty_snapshot, open_repo
from registry.rules import BREAKS_IN_JSON, BY_ID, MISMATCH, RULES, Rule, rule_of_kind
from registry.rules.waivers import apply_waivers

UNREAD: Final = frozenset(
    (
        *("schema/invalid", "schema/missing-reference", "schema/ambiguous-reference", "schema/unreadable-file"),
        *("ownership/invalid", "terms/invalid-policy", "versions/invalid"),
    )
)
"""What cannot be read cannot be judged by any family, so `--only FAMILY` must not pass over it."""

UNRELEASED: Final = "versions/unreleased-change"
"""The rule whose way out is a release."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to judge, and against what."""

    root: str = "contracts"
    staged: bool = False
    head: str | None = None
    """A revision to judge; the work tree where none is named (in a bare repository ``HEAD``)."""
    against: str | None = None
    only: tuple[str, ...] = ()
    """Families of rules; all where none is named."""
    everything: bool = False
    """Judge every contract, changed or not."""
    strict: bool = False
    fetch: bool = False


def check(start: str | os.PathLike[str], options: Options, environment: Mapping[str, str], today: date) -> Report:
    """Judge what changed below ``start``'s repository.

    Raises :class:`registry.errors.RegistryError` where it cannot look: no repository, no base, an unknown revision.
    """
    with open_repo(start) as repo:
        layout = layout_of(options.root)
        base, head = read_snapshots(repo, layout, options, environment)
        shelf = Shelf(repo, environment)
        before, after = read_catalog(shelf, base, layout), read_catalog(shelf, head, layout)
        _refuse_nothing(before[0], after[0], layout, head)
        report = judge(Reader(shelf), before, after, options, today)
        shelf.remember()
    return show(report)


def show(report: Report) -> Report:
    """The same with a witness wherever a value can be one; what makes them is loaded only then."""
    mismatches = (finding.problem.mismatch for finding in report.findings)
    if all(mismatch is None or mismatch.step is Step.SOURCE for mismatch in mismatches):
        return report
    from registry.witness import add_witnesses

    return replace(report, findings=tuple(add_witnesses(report.findings)))


def read_snapshots(
    repo: Repo, layout: Layout, options: Options, environment: Mapping[str, str]
) -> tuple[Snapshot, Snapshot]:
    """The two trees: what it was, and what it is to be."""
    under = layout.under
    named = "HEAD" if options.head is None and repo.bare and not options.staged else options.head
    judged = repo.resolve(named) if named is not None else ""
    staged = options.staged and not judged
    read_base = meanwhile(lambda: _read_base(repo, under, options, environment, judged, staged=staged))
    if named is not None:
        head = repo.read_revision(judged, named, under)
    else:
        head = repo.read_index(under) if options.staged else repo.read_work_tree(under, layout.holds)
    base = read_base()
    if staged and options.against is None and base.entries == head.entries and repo.index_equals_head():
        # `pre-commit run --all-files` stages nothing, and that must not pass as nothing to look at.
        base = _read_base(repo, under, options, environment, judged, staged=False)
    return base, head


def meanwhile(read: Callable[[], Snapshot]) -> Callable[[], Snapshot]:
    """Start to read, and give back what waits for the end: git has processes of its own, and we would sit beside it.

    What ``read`` raises is raised by the one who waits.
    """
    outcome: list[Snapshot | Exception] = []

    def run() -> None:
        try:
            outcome.append(read())
        except Exception as error:  # handed on, whatever it is
            outcome.append(error)

    def wait() -> Snapshot:
        thread.join()
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    thread = Thread(target=run, daemon=True)
    thread.start()
    return wait


def _read_base(
    repo: Repo, under: Sequence[str], options: Options, environment: Mapping[str, str], judged: str, *, staged: bool
) -> Snapshot:
    base = find_base(
        repo, against=options.against, head=judged, environment=environment, staged=staged, fetch=options.fetch
    )
    return repo.read_revision(base.commit, base.label, under) if base.commit else empty_snapshot(base.label)


def _refuse_nothing(before: Catalog, after: Catalog, layout: Layout, head: Snapshot) -> None:
    """A check of nothing is no check: a wrong --root must not look like a clean one."""
    folder = layout.root or "the repository"
    if before.files or after.files or after.flaws:
        return
    if any(contract.versions for catalog in (before, after) for contract in catalog.contracts.values()):
        return
    if events := before.ownership.terms or after.ownership.terms:
        message = (
            f"ownership.yaml names {len(events)} events, and {head.label} holds no .avsc and no .proto below {folder}"
        )
        raise Unreadable(message, "name the folder of your schemas by --root, from the top of the repository")
    if not after.ownership.present:
        message = f"{head.label} holds no .avsc and no .proto below {folder}, and no ownership.yaml"
        raise Unreadable(message, "name the folder of your schemas by --root, or begin with: contracts init")


def judge(
    reader: Reader, base: tuple[Catalog, Index], head: tuple[Catalog, Index], options: Options, today: date
) -> Report:
    """Both revisions -> findings, in the order of contracts and rules."""
    before, after = _with_law(base[0], head[0]), head[0]
    broken = tuple(find_broken(reader, base, head))
    flaws = (flaw for change in broken if change.after for flaw in change.after.flaws)
    after = replace(after, flaws=(*after.flaws, *flaws))
    governed = bool(after.ownership.present or before.ownership.present)
    base, head = (before, base[1]), (after, head[1])
    changes = find_changes(reader, base, head, everything=options.everything) if governed else Changes(())
    if not governed:
        changes = find_tree_changes(reader, base, head)
    rules = [rule for rule in RULES if _is_asked(rule, options, governed)]
    severity = Severities(before.policy)
    found = [
        *_find_in_changes(rules, [*changes.changes, *broken]),
        *((rule, problem) for rule in rules if rule.catalogs for problem in rule.catalogs(before, after)),
    ]
    findings = _merge(Finding(rule.id, severity.of(rule, problem), problem) for rule, problem in found)
    findings = [finding for finding in findings if finding.severity is not Severity.OFF]
    judged = frozenset(change.name for change in changes.changes)
    late = [
        Finding(rule.id, severity.of(rule, problem), problem)
        for rule in rules
        if rule.findings
        for problem in rule.findings(findings, judged, after, today)
    ]
    findings = [*findings, *(finding for finding in late if finding.severity is not Severity.OFF)]
    return Report(
        base=before.label,
        head=after.label,
        findings=tuple(_drop_futile(tuple(apply_waivers(findings, before, after, today)))),
        judged=changes.judged,
        contracts=len(after.contracts) if governed else len(after.files),
        not_evaluated={name: f"compat: {reason}" for name, reason in changes.not_compared.items()},
        strict=options.strict,
        unit="contract" if governed else "file",
    )


def _drop_futile(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Nobody is told to release what `contracts release` would refuse: first comes the error."""
    stopped = {
        name
        for finding in findings
        if finding.severity is Severity.ERROR and finding.waiver is None
        for name in finding.problem.contract.split(", ")
    }
    for finding in findings:
        if finding.rule != UNRELEASED or finding.problem.contract not in stopped:
            yield finding


def _with_law(before: Catalog, after: Catalog) -> Catalog:
    """The law of the base; where the base has none, that of the head is the first one."""
    return before if before.policy.present else replace(before, policy=after.policy)


def _is_asked(rule: Rule, options: Options, governed: bool) -> bool:
    """Without ownership.yaml there are only schemas to judge."""
    if not governed and rule.family not in {"compat", "schema"}:
        return False
    return not options.only or rule.family in options.only or rule.id in UNREAD


def _find_in_changes(rules: Sequence[Rule], changes: Sequence[Change]) -> Iterator[tuple[Rule, Problem]]:
    """Each function once per change: the walk finds every kind of mismatch, and the kind names the rule."""
    functions = dict.fromkeys(rule.change for rule in rules if rule.change)
    owners = {rule.change: rule for rule in rules if rule.change and rule.change is not MISMATCH}
    for change in changes:
        for function in functions:
            for problem in function(change):
                mismatch = problem.mismatch
                yield BY_ID[rule_of_kind(mismatch.kind)] if mismatch else owners[function], problem


@dataclass(frozen=True, slots=True)
class Severities:
    """What the policy makes of a rule: its own row, then its step, then its family, then the table's word."""

    policy: Policy

    def of(self, rule: Rule, problem: Problem) -> Severity:
        """The severity of one problem of a rule."""
        if problem.converted:
            return Severity.INFO
        step = problem.mismatch.step.value if problem.mismatch else ""
        if self.policy.encoding == "json" and rule.id in BREAKS_IN_JSON:
            rule, step = replace(rule, severity=Severity.ERROR), Step.BREAK.value
        named = (self.policy.severities.get(key) for key in (rule.id, step, rule.family))
        return next((Severity(word) for word in named if word), rule.severity)


def _merge(findings: Iterator[Finding]) -> list[Finding]:
    """One line for one place: a shared type that breaks five events is one mistake with five owners to tell."""
    merged: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        problem = finding.problem
        key = (finding.rule, problem.location, problem.message)
        if key in merged:
            first = merged[key].problem
            both = replace(
                first,
                targets=tuple(dict.fromkeys((*first.targets, *problem.targets))),
                affects=tuple(dict.fromkeys((*first.affects, *problem.affects))),
                owner=", ".join(dict.fromkeys(filter(None, (*first.owner.split(", "), problem.owner)))),
                contract=", ".join(dict.fromkeys(filter(None, (*first.contract.split(", "), problem.contract)))),
            )
            merged[key] = replace(merged[key], problem=both)
        else:
            merged[key] = finding
    return list(merged.values())
