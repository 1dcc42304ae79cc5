"""The commands that move one rollout, or try whether it may move: one function, and a row for each."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import click

from registry.cli.rollout_desk import Desk, Place, open_desk, print_outcomes, run
from registry.cli.rollout_options import (
    BROKER,
    DRY_RUN,
    ENVIRONMENT,
    FORMAT,
    PLACE,
    REASON,
    VERSIONS,
    WAIT,
    WAIVE,
    clusters_of,
    with_options,
)
from registry.rollout.order import Order
from registry.rollout.outcome import Exit, Outcome
from registry.rollout.render.text import worst_of


class Step(NamedTuple):
    """One command: what the operator does, and which options it has beside the common ones."""

    method: str
    judged: bool = True
    """It passes a gate: checks may be waived, and waited for."""
    broad: bool = False
    """Without an event it is for all rollouts of the environment."""
    reasoned: bool = False
    """A person must say why."""


STEPS: Final = {
    "plan": Step("plan", judged=False),
    "start": Step("start"),
    "check": Step("check", broad=True),
    "switch": Step("switch"),
    "converge": Step("converge"),
    "contract": Step("contract"),
    "retire-write": Step("retire_write"),
    "retire-read": Step("retire_read"),
    "revert": Step("revert", reasoned=True),
    "reopen": Step("reopen", judged=False, reasoned=True),
    "abort": Step("abort", judged=False, reasoned=True),
    "abandon": Step("abandon", judged=False, reasoned=True),
}


ALONE: Final = {"--waive": "waive", "--reason": "reason", "--from": "old", "--to": "new", "--wait": "patience"}
"""Options that mean something to one rollout, and to no other."""


def make_command(name: str, about: str) -> click.Command:
    """The command of a verb, with the options that mean something to it."""
    step = STEPS[name]

    @click.pass_context
    def command(context: click.Context, /, event: str | None, **given: Any) -> None:
        _insist(step, event, given)
        place = Place(given["environment"], given["root"], given["remote"])
        clusters = clusters_of(context, given["broker"], given["settings"], given["no_broker"])

        def work() -> Exit:
            with open_desk(place, clusters, event) as desk:
                order = _order(desk, given)
                does = getattr(desk.operator, step.method)
                outcomes: tuple[Outcome, ...] = (does(order),) if event else desk.operator.check_all(order)
                code = worst_of(outcomes)
                print_outcomes(name, outcomes, desk.environment, given["format_"], code, full=event is not None)
                return code

        run(place, work, event)

    judged = (*WAIVE, WAIT) if step.judged else ()
    argument: Callable[[Any], Any] = click.argument("event", required=not step.broad)
    options = (argument, ENVIRONMENT, *VERSIONS, *BROKER, *judged, REASON, DRY_RUN, FORMAT, *PLACE)
    made = click.command(name, help=_describe(step, about))(with_options(command, *options))
    assert isinstance(made, click.Command)
    return made


def _describe(step: Step, about: str) -> str:
    sentence = f"{about[0].upper()}{about[1:]}{'' if about.endswith('?') else '.'}"
    return f"{sentence} Without EVENT: all rollouts of the environment." if step.broad else sentence


def _insist(step: Step, event: str | None, given: dict[str, Any]) -> None:
    if not event and (named := [option for option, name in ALONE.items() if given.get(name)]):
        raise click.UsageError(f"{named[0]} is for one rollout: name the event")
    if given.get("waive") and not given["reason"].strip():
        raise click.UsageError("--waive wants --reason: who looks at it in a month must know why")
    if step.reasoned and not given["reason"].strip():
        raise click.UsageError("--reason is wanted: why does it go back?")


def _order(desk: Desk, given: dict[str, Any]) -> Order:
    return Order(
        contract=desk.contract,
        old=given["old"] or 0,
        new=given["new"] or 0,
        reason=given["reason"].strip(),
        waive=given.get("waive", ()),
        expires=given.get("expires", 0.0),
        dry_run=given["dry_run"],
        patience=given.get("patience", 0.0),
    )
