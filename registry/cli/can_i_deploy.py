"""`contracts can-i-deploy`: exit 0 yes, 1 no, 2 could not look, 3 unknown."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from registry.cli.output import print_text, wants_colour
from registry.cli.rollout_desk import open_revision, terminal_width
from registry.cli.rollout_options import ENVIRONMENT, FORMAT, PLACE, with_options
from registry.rollout.can_deploy import TITLES, Pins, judge_deployment
from registry.rollout.checks import Check, decide
from registry.rollout.deployments import find_current
from registry.rollout.journal.git_journal import open_journal
from registry.rollout.outcome import EXITS
from registry.rollout.pinned import find_pins
from registry.rollout.revision import Revision


@click.command("can-i-deploy")
@click.option("--service", required=True, metavar="NAME", help="The service that is to be deployed.")
def _can_i_deploy(service: str, environment: str, format_: str, root: str, remote: str | None) -> None:
    """May a build with the pins of ownership.yaml at HEAD start now, where every contract stands in an environment?

    CI asks it before a deployment, and calls `contracts deployed` after it.
    """
    with open_revision(root) as revision, open_journal(Path.cwd(), remote) as journal:
        revision.find_environment(environment)
        pins = Pins(service, *find_pins(revision, service))
        book, terms = journal.read(), revision.ownership.terms
        rollouts = tuple(book.find_rollouts(environment=environment))
        recorded = find_current(book.find_deployments(environment), datetime.now(UTC))
        checks = judge_deployment(pins, rollouts, environment, terms, _find_versions(revision, pins), recorded)
    verdict = decide(checks)
    if format_ == "json":
        print_text(_render_json(service, environment, checks))
    else:
        from registry.rollout.render.deploy import render_deployment

        print_text(
            render_deployment(service, environment, checks, TITLES, colour=wants_colour(), width=terminal_width())
        )
    sys.exit(int(EXITS[verdict]))


can_i_deploy = with_options(_can_i_deploy, ENVIRONMENT, FORMAT, *PLACE)


def _find_versions(revision: Revision, pins: Pins) -> Mapping[str, Sequence[int]]:
    events = {*pins.reads, *pins.writes}
    return {event: [version.number for version in revision.contracts[event].readable] for event in events}


def _render_json(service: str, environment: str, checks: Sequence[Check]) -> str:
    from registry.rollout.render.json import render_check

    verdict, now = decide(checks), datetime.now(UTC)
    document = {
        "version": 1,
        "tool": "event-contracts",
        "verb": "can-i-deploy",
        "service": service,
        "environment": environment,
        "verdict": str(verdict),
        "exit_code": int(EXITS[verdict]),
        "checks": [render_check(check, TITLES, now) for check in checks],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
