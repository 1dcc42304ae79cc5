"""`contracts gen`: exit 0 in step, 1 out of step (--check) or schemas that cannot have stubs, 2 could not."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import join

import click

from registry.cli.output import print_text
from registry.codegen import DEFAULT_PACKAGE, HEADER, render_header
from registry.errors import Flaw, InvalidSchema
from registry.generation import DEFAULT_ROOT, Wish, read_plans, render_stubs
from registry.render.wording import one_line, render_place
from registry.stub_files import IsOurs, find_differences, package_folder, render_differences, write_differences


@click.command()
@click.option("--service", envvar="CONTRACTS_SERVICE", required=True, help="The service that the stubs are for.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder of the service's packages.")
@click.option(
    "--package", default=DEFAULT_PACKAGE, show_default=True, help="The package to write, such as shop.events."
)
@click.option(
    "--only",
    multiple=True,
    metavar="EVENT",
    help="Stubs for this event; may be repeated. The package then holds no others: theirs are removed.",
)
@click.option("--producer", multiple=True, metavar="EVENT", help="Insist on a producer of this event.")
@click.option("--check", is_flag=True, help="Write nothing; print what is stale, missing or edited, and exit with 1.")
@click.option("--root", default=DEFAULT_ROOT, show_default=True, help="The folder of the schemas.")
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
    wish = Wish(service, root, only, producer)
    plans = read_plans(repository.absolute(), wish, os.environ)
    try:
        files = render_stubs(plans, package)
    except InvalidSchema as error:
        print_text(_render_flaws(error.flaws))
        click.echo("the stubs cannot be checked" if check else "no stubs were written", err=True)
        sys.exit(1)
    for note in plans.notes:
        click.echo(f"note: {one_line(note)}", err=True)
    differences = list(find_differences(folder, files, IsOurs(HEADER, render_header(service))))
    if check and differences:
        print_text(render_differences(folder, differences))
        command = _render_command(wish, out, package, repository)
        click.echo(f"{_many(len(differences), 'file')} out of step; run: {one_line(command)}", err=True)
        sys.exit(1)
    if differences:
        write_differences(folder, differences)
    for each in differences:
        print_text(f"{each.verb:<7} {folder / each.path}\n")
    if plans.plans:
        state = "" if differences else ", in step"
        print_text(f"{folder}: stubs of {service} for {_many(len(plans.plans), 'event')}{state}\n")
        return
    print_text(f"{service} writes and reads no released event, so there are no stubs for it\n")
    if plans.notes:  # it is to have some, and whoever imports them needs them
        sys.exit(1)


def _render_command(wish: Wish, out: Path, package: str, repository: Path) -> str:
    """The command of this run without --check; a hook does not show its own."""
    words = ["contracts", "gen", "--service", wish.service, "--out", str(out)]
    words += ["--package", package] if package != DEFAULT_PACKAGE else []
    words += [word for event in wish.only for word in ("--only", event)]
    words += [word for event in wish.producers for word in ("--producer", event)]
    words += ["--root", wish.root] if wish.root != DEFAULT_ROOT else []
    words += ["--repository", str(repository)] if repository != Path() else []
    return join(words)


def _render_flaws(flaws: Sequence[Flaw]) -> str:
    lines = [
        f"{render_place(flaw.location)}  error\n  {one_line(flaw.message)}\n"
        + (f"  {'help':<10}{one_line(flaw.help)}\n" if flaw.help else "")
        for flaw in flaws
    ]
    return "\n".join(lines)


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
