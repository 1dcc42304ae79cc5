"""`contracts rollout reconcile`: running it twice changes nothing."""

import click

from registry.cli.rollout_desk import Place, open_desk, print_outcomes, run
from registry.cli.rollout_options import BROKER, DRY_RUN, ENVIRONMENT, FORMAT, PLACE, clusters_of, with_options
from registry.rollout.outcome import Exit
from registry.rollout.render.text import worst_of


@click.command()
@click.argument("event", required=False)
@click.pass_context
def _reconcile(
    context: click.Context,
    /,
    event: str | None,
    environment: str,
    root: str,
    remote: str | None,
    broker: str,
    settings: tuple[tuple[str, str], ...],
    no_broker: bool,
    dry_run: bool,
    format_: str,
) -> None:
    """Finish what a crash left half done, and publish what git says. Without EVENT: for all of the environment."""
    place, clusters = Place(environment, root, remote), clusters_of(context, broker, settings, no_broker)

    def work() -> Exit:
        with open_desk(place, clusters, event) as desk:
            outcomes = desk.operator.reconcile(desk.contract, dry_run=dry_run)
            code = worst_of(outcomes)
            print_outcomes("reconcile", outcomes, desk.environment, format_, code, full=bool(event))
            return code

    run(place, work, event)


reconcile = with_options(_reconcile, ENVIRONMENT, *BROKER, DRY_RUN, FORMAT, *PLACE)
reconcile.name = "reconcile"
