"""`contracts check`: exit 0 clean, 1 findings, 2 could not look."""

import os
import sys
from datetime import date

import click

from registry.check import Options
from registry.check import check as run_check
from registry.cli.output import FORMAT, print_report, print_text
from registry.finding import Report
from registry.rules import FAMILIES


def _families(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(",")) if value else ()
    if unknown := [name for name in names if name not in FAMILIES]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(FAMILIES)}")
    return names


@click.command()
@click.option("--against", metavar="REF", help="Compare with this revision (default: found, see docs/ci.md).")
@click.option("--head", metavar="REF", help="Judge this revision instead of the work tree.")
@click.option("--staged", is_flag=True, help="Judge the index against HEAD, as the pre-commit hook does.")
@click.option("--root", default="contracts", show_default=True, help="The folder of the schemas.")
@click.option("--only", callback=_families, metavar="FAMILY,…", help=f"Only rules of: {', '.join(FAMILIES)}.")
@click.option("--all", "everything", is_flag=True, help="Judge every contract, changed or not.")
@click.option("--strict", is_flag=True, help="Warnings fail the run, as on the main branch.")
@click.option("--fetch", is_flag=True, help="In a shallow clone, fetch history until the base is found.")
@click.option("--fix", is_flag=True, help="Edit the work tree where that is safe, and report what is left.")
@click.option("--diff", is_flag=True, help="Print what --fix would edit as a patch for `git apply`, and write nothing.")
@FORMAT
def check(
    against: str | None,
    head: str | None,
    staged: bool,
    root: str,
    only: tuple[str, ...],
    everything: bool,
    strict: bool,
    fetch: bool,
    fix: bool,
    diff: bool,
    format_: str,
) -> None:
    """Judge what changed: compatibility, ownership, envelope, versions."""
    if diff and (fix or format_ != "text"):
        raise click.UsageError(f"--diff prints a patch and nothing else: leave out {'--fix' if fix else '--format'}")
    options = Options(root, staged, head, against, only, everything, strict, fetch)
    today = date.today()
    report = run_check(os.getcwd(), options, os.environ, today)
    if fix or diff:
        report = _repair(report, options, today, write=fix)
    if not diff:
        print_report(report, format_)
    sys.exit(0 if report.passed else 1)


def _repair(report: Report, options: Options, today: date, *, write: bool) -> Report:
    """The report that holds afterwards. What was fixed goes to stderr, so that the report stays what it is."""
    from registry.render.wording import one_line, render_place
    from registry.repair import find_repairs, render_patch, write_repairs

    found = find_repairs(report, os.getcwd(), options, os.environ, today)
    for place in found.skipped:
        click.echo(f"not fixed {render_place(place)}: the edit alone would not do; see its help", err=True)
    if not (found.repairs or found.skipped):
        click.echo(f"nothing to fix{': no way out is mechanical' if report.findings else ''}", err=True)
    if not write:
        print_text(render_patch(found))
        return report
    write_repairs(found)
    for repair in found.repairs:
        click.echo(f"fixed {one_line(repair.location.path)}:{repair.line}: {one_line(repair.done)}", err=True)
    if found.repairs and options.staged:
        click.echo("the index is as it was: git add --update  stages what was fixed", err=True)
    return found.left
