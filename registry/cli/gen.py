"""`contracts gen`: exit 0 in step, 1 out of step (--check) or schemas that cannot have stubs, 2 could not."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from registry.cli.output import print_text
from registry.codegen import HEADER, render_header
from registry.errors import Flaw, InvalidSchema
from registry.generation import Wish, read_plans, render_stubs
from registry.render.wording import one_line, render_place
from registry.stub_files import IsOurs, find_differences, package_folder, render_differences, write_differences


@click.command()
@click.option("--service", envvar="CONTRACTS_SERVICE", required=True, help="The service that the stubs are for.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder of the service's packages.")
@click.option("--package", default="events", show_default=True, help="The package to write, such as shop.events.")
@click.option("--only", multiple=True, metavar="EVENT", help="Stubs for this event and no other; may be repeated.")
@click.option("--producer", multiple=True, metavar="EVENT", help="Insist on a producer of this event.")
@click.option("--check", is_flag=True, help="Write nothing; print what is stale, missing or edited, and exit with 1.")
@click.option("--root", default="contracts", show_default=True, help="The folder of the schemas.")
@click.option(
    "--repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="A folder in the repository of the contracts, if it is another one.",
)
def gen(
    service: str,
    out: Path,
    package: str,
    only: tuple[str, ...],
    producer: tuple[str, ...],
    check: bool,
    root: str,
    repository: Path,
) -> None:
    """Write typed stubs of the events that a service writes and reads, as a package below OUT."""
    folder = package_folder(out, package)
    plans = read_plans(repository.absolute(), Wish(service, root, only, producer), os.environ)
    try:
        files = render_stubs(plans)
    except InvalidSchema as error:
        print_text(_render_flaws(error.flaws))
        click.echo("the stubs cannot be checked" if check else "no stubs were written", err=True)
        sys.exit(1)
    for note in plans.notes:
        click.echo(f"note: {one_line(note)}", err=True)
    differences = list(find_differences(folder, files, IsOurs(HEADER, render_header(service))))
    if check and differences:
        print_text(render_differences(folder, differences))
        click.echo(f"{_many(len(differences), 'file')} out of step; run it again without --check", err=True)
        sys.exit(1)
    if differences:
        write_differences(folder, differences)
    for each in differences:
        print_text(f"{each.verb:<7} {folder / each.path}\n")
    print_text(_close(service, len(plans.plans), folder, changed=bool(differences)))


def _close(service: str, events: int, folder: Path, *, changed: bool) -> str:
    if not events:
        return f"{service} writes and reads no released event, so there are no stubs for it\n"
    return f"{folder}: stubs of {service} for {_many(events, 'event')}{'' if changed else ', in step'}\n"


def _render_flaws(flaws: Sequence[Flaw]) -> str:
    lines = [
        f"{render_place(flaw.location)}  error\n  {one_line(flaw.message)}\n"
        + (f"  {'help':<10}{one_line(flaw.help)}\n" if flaw.help else "")
        for flaw in flaws
    ]
    return "\n".join(lines)


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
