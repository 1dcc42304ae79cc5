"""How commands print: the report on stdout, in the format and colour that was asked for."""

import os
import sys

import click

from registry.finding import Report
from registry.render import RENDERERS, render

FORMAT = click.option("--format", "format_", type=click.Choice(tuple(RENDERERS)), default="text", show_default=True)


def wants_colour() -> bool:
    """A terminal that was not asked to be plain (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_text(text: str) -> None:
    """Write to stdout; names of files may hold any byte, and come out as git has them."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def print_report(report: Report, format_: str) -> None:
    """Print a report; under GitHub Actions its summary goes to the job's page as well."""
    print_text(render(report, format_, colour=wants_colour()))
    if format_ == "github" and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        with open(summary, "a", encoding="utf-8", errors="surrogateescape") as page:
            page.write(render(report, "markdown"))
