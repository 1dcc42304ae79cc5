"""`contracts diff`: exit 0 whatever differs, 1 where a schema could not be read, 2 could not look."""

import os
import sys
from pathlib import Path

import click

from registry.amendment import read_amendments
from registry.cli.output import print_text, wants_colour
from registry.render.amendments import AMENDMENT_RENDERERS


@click.command()
@click.argument("before", metavar="[A]", required=False)
@click.argument("after", metavar="[B]", required=False)
@click.option("--root", default="contracts", show_default=True, help="The folder of the schemas.")
@click.option("--format", "format_", type=click.Choice(tuple(AMENDMENT_RENDERERS)), default="text", show_default=True)
def diff(before: str | None, after: str | None, root: str, format_: str) -> None:
    """Say in words what changed from revision A (default: HEAD) to revision B (default: the work tree)."""
    revisions = [name for name in (before, after) if name is not None]
    found = read_amendments(Path.cwd(), revisions, root, os.environ)
    print_text(AMENDMENT_RENDERERS[format_](found, colour=wants_colour()))
    sys.exit(0 if found.complete else 1)
