"""`contracts schema`."""

import json
from collections.abc import Callable, Mapping

import click

from registry.cli.output import print_text


def _ownership() -> object:
    from registry.ownership import OWNERSHIP
    from registry.shape import render_json_schema

    return render_json_schema(OWNERSHIP, "ownership.yaml of event-contracts")


def _policy() -> object:
    from registry.policy import POLICY
    from registry.shape import render_json_schema

    return render_json_schema(POLICY, "policy.yaml of event-contracts")


def _report() -> object:
    from registry.render.report_schema import REPORT_SCHEMA

    return REPORT_SCHEMA


def _comparison() -> object:
    from registry.render.report_schema import COMPARISON_SCHEMA

    return COMPARISON_SCHEMA


def _rollout() -> object:
    from registry.rollout.render.schema import ROLLOUT_SCHEMA

    return ROLLOUT_SCHEMA


def _deployment() -> object:
    from registry.rollout.render.schema import DEPLOYMENT_SCHEMA

    return DEPLOYMENT_SCHEMA


SCHEMAS: Mapping[str, Callable[[], object]] = {
    "ownership": _ownership,
    "policy": _policy,
    "report": _report,
    "comparison": _comparison,
    "rollout": _rollout,
    "can-i-deploy": _deployment,
}


@click.command()
@click.argument("what", type=click.Choice(tuple(SCHEMAS)))
def schema(what: str) -> None:
    """The JSON Schema of WHAT we read (ownership, policy) or print with --format json (the others)."""
    print_text(json.dumps(SCHEMAS[what](), indent=2) + "\n")
