"""`contracts rules`."""

import click

from registry.cli.output import print_text
from registry.render.rules import render_rules_json, render_rules_markdown, render_rules_text
from registry.rules import RULES
from registry.rules.examples import read_example


@click.command()
@click.option("--format", "format_", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
def rules(format_: str) -> None:
    """Every rule with its severity and purpose."""
    if format_ == "markdown":
        print_text(render_rules_markdown(RULES, {rule.id: read_example(rule.id) for rule in RULES}))
    else:
        print_text((render_rules_json if format_ == "json" else render_rules_text)(RULES))
