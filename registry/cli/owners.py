"""`contracts owners`: one answer, or a finding."""

import json
import os
import sys
from pathlib import Path

import click

from registry.catalog import Shelf, layout_of, read_catalog
from registry.cli.output import print_text
from registry.contract import Catalog, Terms
from registry.git import open_repo
from registry.rules.ownership import find_answer
from registry.rules.parties import contact_of


@click.command()
@click.argument("what", required=False)
@click.option("--root", default="contracts", show_default=True, help="The folder of the schemas.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def owners(what: str | None, root: str, format_: str) -> None:
    """Who writes WHAT: an event (full or short name), an entity, a topic, a file; without it, who writes everything."""
    with open_repo(Path.cwd()) as repo:
        layout = layout_of(root)
        snapshot = repo.read_work_tree(layout.under, layout.holds)
        shelf = Shelf(repo, os.environ)
        catalog, _ = read_catalog(shelf, snapshot, layout)
        name = os.path.relpath(Path.cwd() / what, repo.top) if what and "/" in what else what
    answer = find_answer(catalog, name) if name else list(catalog.ownership.terms.values())
    if not answer:
        click.echo(f"nobody: {what} is no event, entity, topic or file of ownership.yaml", err=True)
        sys.exit(1)
    rows = [_row(catalog, terms) for terms in answer]
    print_text(json.dumps(rows, indent=2) + "\n" if format_ == "json" else _table(rows))
    sys.exit(0 if len({terms.owner for terms in answer}) == 1 or not what else 1)


def _row(catalog: Catalog, terms: Terms) -> dict[str, str]:
    return {
        "event": terms.event,
        "owner": terms.owner or "nobody",
        "contact": contact_of(catalog.ownership, terms.owner),
        "entity": terms.entity,
        "topic": terms.topic,
        "subscribers": ", ".join(subscriber.service for subscriber in terms.subscribers),
    }


def _table(rows: list[dict[str, str]]) -> str:
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
    lines = [{key: key for key in widths}, *rows]
    return "".join("  ".join(line[key].ljust(width) for key, width in widths.items()).rstrip() + "\n" for line in lines)
