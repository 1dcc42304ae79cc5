"""`contracts explain`."""

import click

from registry.cli.output import print_text
from registry.render.rules import render_explanation
from registry.rules import BY_ID
from registry.rules.examples import read_example


@click.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """What RULE means, a change that it stops, the same change done well, and the way out."""
    example = read_example(rule)
    print_text(render_explanation(BY_ID[rule], example))
