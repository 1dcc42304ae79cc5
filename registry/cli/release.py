"""`contracts release`: exit 0 released or nothing to do, 1 stopped by the rules, 2 could not."""

import os
import sys
from datetime import date
from pathlib import Path

import click

from registry.cli.output import print_text, wants_colour
from registry.release import Released
from registry.release import release as run_release
from registry.render import render


@click.command()
@click.argument("events", nargs=-1, metavar="[EVENT]…")
@click.option("--root", default="contracts", show_default=True, help="The folder of the schemas.")
@click.option("--dry-run", is_flag=True, help="Say what would be released, and write nothing.")
@click.option("--id", "schema_id", type=click.IntRange(1, (1 << 31) - 1), help="Keep the id of another registry.")
def release(events: tuple[str, ...], root: str, dry_run: bool, schema_id: int | None) -> None:
    """Freeze each EVENT (none named: each that changed) as its next version, below ROOT/versions/."""
    done = run_release(
        Path.cwd(), events, root=root, environment=os.environ, today=date.today(), schema_id=schema_id, dry_run=dry_run
    )
    if not done.report.passed:
        print_text(render(done.report, "text", colour=wants_colour()))
        click.echo("nothing was released", err=True)
        sys.exit(1)
    for each in done.released:
        print_text(f"{_describe(each)}\n")
    if not done.released:
        equal = "1 contract equals its" if len(done.unchanged) == 1 else f"{len(done.unchanged)} contracts equal their"
        click.echo(f"nothing to release: {equal} latest version")
    elif dry_run:
        click.echo("nothing was written (--dry-run)")


def _describe(released: Released) -> str:
    moved = f", since {released.moved_from} is taken" if released.moved_from else ""
    version = released.version
    return f"{released.event} v{version.number}  schema id {version.schema_id}{moved}  {released.folder}/"
