"""`contracts rollout status`: exit 0 whatever it says, 2 could not look."""

import sys
from time import sleep, strftime

import click

from registry.cli.output import print_text
from registry.cli.rollout_desk import Desk, Place, open_desk, render, run
from registry.cli.rollout_options import BROKER, ENVIRONMENT, PLACE, Clusters, clusters_of, with_options
from registry.errors import RegistryError
from registry.frozen import replace
from registry.rollout.outcome import Exit

PERIOD = 5.0
"""Seconds between two looks of ``--watch``."""


@click.command()
@click.argument("event", required=False)
@click.option("--watch", is_flag=True, help=f"Look again every {PERIOD:.0f} seconds, on a terminal.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "control"]),
    default="text",
    show_default=True,
    help="control: the file that CONTRACTS_CONTROL names, for services without the control topic.",
)
@click.pass_context
def _status(
    context: click.Context,
    /,
    event: str | None,
    watch: bool,
    format_: str,
    environment: str,
    root: str,
    remote: str | None,
    broker: str,
    settings: tuple[tuple[str, str], ...],
    no_broker: bool,
) -> None:
    """Where are we, who blocks, how old is the proof, what is the next command.

    Without EVENT: all rollouts of the environment, a line each.
    """
    place, clusters = Place(environment, root, remote), clusters_of(context, broker, settings, no_broker)
    if watch and not (format_ == "text" and stands_on_terminal()):
        raise click.UsageError("--watch draws on a terminal, as text")

    def work() -> Exit:
        if watch:
            _watch(place, clusters, event)
        else:
            print_text(_look(place, clusters, event, format_))
        return Exit.DONE

    run(place, work, event)


def stands_on_terminal() -> bool:
    """Whether there is a screen to draw on."""
    return sys.stdout.isatty()


status = with_options(_status, ENVIRONMENT, *BROKER, *PLACE)
status.name = "status"


def _look(place: Place, clusters: Clusters, event: str | None, format_: str) -> str:
    with open_desk(place, clusters, event) as desk:
        if format_ == "control":
            return _render_control(desk, desk.contract)
        outcomes = desk.operator.status(desk.contract)
        return render("status", outcomes, desk.environment, format_, Exit.DONE, full=bool(event))


def _watch(place: Place, clusters: Clusters, event: str | None) -> None:
    """Until it is interrupted. A look that fails is shown, and the next one may succeed."""
    try:
        while True:
            try:
                text = _look(place, clusters, event, "text")
            except RegistryError as error:
                text = f"error: {error.message}\n{f'help: {error.help}' if error.help else ''}\n"
            print_text(f"\x1b[H\x1b[2J{text}\n{strftime('%H:%M:%S')}, every {PERIOD:.0f} s; Ctrl-C ends\n")
            sleep(PERIOD)
    except KeyboardInterrupt:
        print_text("\n")


def _render_control(desk: Desk, contract: str) -> str:
    """What the control topic would say, as a file: the same text as long as git says the same."""
    import json

    from registry.kafka.rollout.documents import render_control
    from registry.rollout.publishing import find_decided, make_record

    means = desk.operator.means
    found = list(means.journal.read().find_rollouts(contract, desk.environment.name))
    documents = []
    for name in dict.fromkeys(each.step.contract for each in found):
        rollouts = [each for each in found if each.step.contract == name]
        if decided := find_decided(rollouts):
            record = make_record(replace(means, by=decided.by), means.read_facts(name), rollouts, decided.since)
            documents += [json.loads(render_control(record))] if record else []
    return json.dumps({"records": documents}, indent=2, ensure_ascii=False) + "\n"
