"""`contracts upgrade`: what is to be known of converters before a service meets them."""

import os
import sys
from pathlib import Path

import click

from registry.cli.output import print_text, wants_colour
from registry.converting import Span, read_chain
from registry.errors import InvalidSchema
from registry.laws import EXAMPLES, judge, judge_chain
from registry.render.laws import LAW_RENDERERS, Judged


@click.group()
def upgrade() -> None:
    """Converters between versions (upgrade.yaml)."""


@upgrade.command()
@click.argument("event")
@click.option("--from", "older", type=click.IntRange(1), metavar="N", help="The older version (default: see below).")
@click.option("--to", "newer", type=click.IntRange(1), metavar="N", help="The newer version.")
@click.option("--chain", is_flag=True, help="Also from the first version to the last at once.")
@click.option("--examples", default=EXAMPLES, show_default=True, type=click.IntRange(1), help="Events of each version.")
@click.option("--root", default="contracts", show_default=True, help="The folder of the schemas.")
@click.option("--format", "format_", type=click.Choice(tuple(LAW_RENDERERS)), default="text", show_default=True)
def test(event: str, older: int | None, newer: int | None, chain: bool, examples: int, root: str, format_: str) -> None:
    """Try the converters of EVENT, law by law.

    Without --from and --to those beside the head, or else the newest that a version was released with; a head that is
    not released counts as the version it will be. Exit 0 where every law holds, 1 where one is broken, 2 where there is
    nothing to test.
    """
    span = Span(event, older or 0, newer or 0, root)
    try:
        found = read_chain(Path.cwd(), span, os.environ)
    except InvalidSchema as error:
        for flaw in error.flaws:
            click.echo(f"{flaw.location}: {flaw.message}", err=True)
            if flaw.help:
                click.echo(f"help: {flaw.help}", err=True)
        sys.exit(1)
    judged = [
        Judged(step.label, step.upgrade.path, tuple(judge(step, examples))) for step in found.steps if step is not None
    ]
    if chain and all(each.passed for each in judged):
        judged.append(Judged(found.label, "", tuple(judge_chain(found, examples))))
    print_text(LAW_RENDERERS[format_](found.sides[0].event, judged, wants_colour()))
    sys.exit(0 if all(each.passed for each in judged) else 1)
