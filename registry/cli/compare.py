"""`contracts compare`: exit 0 compatible, 1 not, 2 could not look."""

import sys
from pathlib import Path

import click

from registry.cli.output import print_text, wants_colour
from registry.comparison import compare_paths
from registry.compatibility import Comparison
from registry.errors import InvalidSchema, Unreadable
from registry.finding import Finding, Problem, Report, Severity
from registry.formats.mismatch import Step
from registry.render import render
from registry.rules import rule_of_kind
from registry.schema import CompatibilityMode
from registry.witness import add_witnesses

SEVERITY = {Step.BREAK: Severity.ERROR, Step.LOSSY: Severity.ERROR, Step.SOURCE: Severity.WARNING}
MODES = tuple(CompatibilityMode.__members__)
PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, type=PATH, metavar="OLD… NEW")
@click.option("--mode", type=click.Choice(MODES), default="BACKWARD_TRANSITIVE", show_default=True)
@click.option("--profile", type=click.Choice(["confluent"]), help="Add what this registry rejects and the wire allows.")
@click.option("--witness", type=PATH, metavar="FILE", help="Write the bytes that show the first break to a file.")
@click.option("--format", "format_", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
def compare(paths: tuple[Path, ...], mode: str, profile: str | None, witness: Path | None, format_: str) -> None:
    """Judge the schema file or folder NEW against OLD (several: oldest first). No repository is needed."""
    if len(paths) < 2:
        raise Unreadable("compare needs two paths", "contracts compare OLD NEW")
    try:
        comparison = compare_paths(paths[:-1], paths[-1], CompatibilityMode(mode), profile)
        report = _report(comparison, paths)
    except InvalidSchema as error:
        comparison = None
        problems = [Problem(flaw.location, flaw.message, (flaw.help,) if flaw.help else ()) for flaw in error.flaws]
        findings = tuple(Finding("schema/invalid", Severity.ERROR, problem) for problem in problems)
        report = Report(str(paths[0]), str(paths[-1]), findings, (str(paths[-1]),), 1, unit="file")
    if format_ == "json":
        from registry.render.json_report import render_comparison

        print_text(render_comparison(comparison, report))
    else:
        print_text(render(report, format_, colour=wants_colour()))
    if witness is not None:
        _write_witness(report, witness)
    sys.exit(0 if report.passed else 1)


def _report(comparison: Comparison, paths: tuple[Path, ...]) -> Report:
    findings = tuple(
        Finding(
            rule_of_kind(mismatch.kind),
            SEVERITY[mismatch.step],
            Problem(
                mismatch.new,
                mismatch.message,
                mismatch.help,
                related=(("was", mismatch.old),),
                mismatch=mismatch,
            ),
        )
        for mismatch in comparison.mismatches
    )
    shown = tuple(add_witnesses(findings))
    return Report(", ".join(map(str, paths[:-1])), str(paths[-1]), shown, (str(paths[-1]),), 1, unit="file")


def _write_witness(report: Report, path: Path) -> None:
    """The bytes of the first witness; which one it is goes to stderr, so that the report stays what it is."""
    shown = [finding for finding in report.findings if finding.witness is not None and not finding.witness.reason]
    if not shown:
        print(f"no value shows a difference: {path} was not written", file=sys.stderr)
        return
    first, witness = shown[0], shown[0].witness
    assert witness is not None
    try:
        path.write_bytes(witness.data)
    except OSError as error:
        raise Unreadable(f"{path} cannot be written: {error.strerror}", "name a file in a folder of yours") from None
    size = f"{len(witness.data)} byte{'' if len(witness.data) == 1 else 's'}"
    print(f"{path}: {size} that {witness.writer} wrote, for {first.rule}", file=sys.stderr)
