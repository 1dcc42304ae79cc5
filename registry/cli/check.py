"""`contracts check`: exit 0 clean, 1 findings, 2 could not look."""

import os
import sys
from datetime import date

import click

from registry.check import Options
from registry.check import check as run_check
from registry.cli.output import FORMAT, print_report
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
    format_: str,
) -> None:
    """Judge what changed: compatibility, ownership, envelope, versions."""
    options = Options(root, staged, head, against, only, everything, strict, fetch)
    report = run_check(os.getcwd(), options, os.environ, date.today())
    print_report(report, format_)
    sys.exit(0 if report.passed else 1)
