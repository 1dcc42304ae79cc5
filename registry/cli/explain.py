"""`contracts explain`."""

from difflib import get_close_matches

import click

from registry.cli.output import print_text
from registry.errors import RegistryError
from registry.render.rules import render_explanation
from registry.rules import BY_ID
from registry.rules.examples import read_example


@click.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """What RULE means, a change that it stops, the same change done well, and the way out."""
    if rule not in BY_ID:
        short = [name for name in BY_ID if name.partition("/")[2] == rule]
        close = short or get_close_matches(rule, BY_ID, n=1)
        raise RegistryError(f"{rule!r} is no rule", f"did you mean {close[0]}?" if close else "see: contracts rules")
    print_text(render_explanation(BY_ID[rule], read_example(rule)))
