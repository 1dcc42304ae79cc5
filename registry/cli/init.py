"""`contracts init`: exit 0 done or nothing to do, 2 could not."""

import os
from pathlib import Path

import click

from registry.adoption import Wishes, plan_adoption, write_adoption
from registry.cli.output import print_text, wants_colour
from registry.render.adoption import render_adoption
from registry.scaffold import PLACEHOLDER


@click.command()
@click.option("--root", metavar="FOLDER", help="The folder of the schemas (default: contracts, or where they lie).")
@click.option("--service", default=PLACEHOLDER, show_default=True, help="The service that writes the adopted events.")
@click.option("--team", default=PLACEHOLDER, show_default=True, help="The team of that service.")
@click.option(
    "--github/--no-github", default=None, help="The workflow and CODEOWNERS (default: if there is a .github)."
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
def init(root: str | None, service: str, team: str, github: bool | None, dry_run: bool) -> None:
    """Begin here: adopt the schemas that there are, and write ownership.yaml, a policy, the hook and the CI check.

    Nothing that exists is overwritten.
    """
    adoption = plan_adoption(Path.cwd(), Wishes(root, service, team, github), os.environ)
    if not dry_run:
        write_adoption(adoption)
    print_text(render_adoption(adoption, written=not dry_run, colour=wants_colour()))
