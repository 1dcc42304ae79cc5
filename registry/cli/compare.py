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

SEVERITY = {Step.BREAK: Severity.ERROR, Step.LOSSY: Severity.ERROR, Step.SOURCE: Severity.WARNING}
MODES = tuple(CompatibilityMode.__members__)
PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, type=PATH, metavar="OLD… NEW")
@click.option("--mode", type=click.Choice(MODES), default="BACKWARD_TRANSITIVE", show_default=True)
@click.option("--profile", type=click.Choice(["confluent"]), help="Add what this registry rejects and the wire allows.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def compare(paths: tuple[Path, ...], mode: str, profile: str | None, format_: str) -> None:
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
        report = Report(str(paths[0]), str(paths[-1]), findings, (str(paths[-1]),), 1)
    if format_ == "json":
        from registry.render.json_report import render_comparison

        print_text(render_comparison(comparison, report))
    else:
        print_text(render(report, "text", colour=wants_colour()))
    sys.exit(0 if report.passed else 1)


def _report(comparison: Comparison, paths: tuple[Path, ...]) -> Report:
    findings = tuple(
        Finding(
            rule_of_kind(mismatch.kind),
            SEVERITY[mismatch.step],
            Problem(mismatch.new, mismatch.message, mismatch.help, mismatch=mismatch),
        )
        for mismatch in comparison.mismatches
    )
    return Report(", ".join(map(str, paths[:-1])), str(paths[-1]), findings, (str(paths[-1]),), 1)
