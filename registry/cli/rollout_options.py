"""Options that the commands of a rollout share, and what they mean together."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import click

from registry.duration import SPAN, parse_duration
from registry.environment import DAY

F = TypeVar("F", bound=Callable[..., Any])
WAIVER: Final = re.compile(r"G\d\.\d+:\S(.*\S)?")  # principals of certificates have spaces


class Span(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic in newer stubs only
    """A span of time, as seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """``30m`` is 1800.0."""
        if isinstance(value, float):
            return value
        if not SPAN.fullmatch(value):
            self.fail(f"{value!r} is no span of time: 30s, 10m, 6h, 7d", param, ctx)
        return parse_duration(value)


class Setting(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic in newer stubs only
    """``KEY=VALUE``."""

    name = "setting"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The two halves."""
        if isinstance(value, tuple):
            return value
        key, equals, text = value.partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is no KEY=VALUE", param, ctx)
        return key, text


def _waivers(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for each in given:
        if not WAIVER.fullmatch(each):
            raise click.BadParameter(f"{each!r} is no NUMBER:SUBJECT such as G1.3:group/legacy-report")
    return given


ENVIRONMENT: Final = click.option("--env", "environment", required=True, metavar="NAME", help="The environment.")
VERSIONS: Final = (
    click.option("--from", "old", type=click.IntRange(1), help="The old version; default: the active one."),
    click.option("--to", "new", type=click.IntRange(1), help="The new version; default: the newest released one."),
)
PLACE: Final = (
    click.option("--root", default="contracts", show_default=True, help="The folder of the schemas."),
    click.option("--remote", metavar="NAME", help="The remote of the branch contracts-state; '' for none."),
)
BROKER: Final = (
    click.option(
        "--broker",
        envvar="CONTRACTS_BROKER",
        default="",
        metavar="HOST:PORT",
        help="The cluster, where policy.yaml declares none. [CONTRACTS_BROKER]",
    ),
    click.option("-X", "settings", multiple=True, type=Setting(), metavar="KEY=VALUE", help="A setting of librdkafka."),
    click.option("--no-broker", is_flag=True, help="Ask no cluster: what it would say is unknown."),
)
WAIVE: Final = (
    click.option(
        "--waive",
        multiple=True,
        callback=_waivers,
        metavar="NUMBER:SUBJECT",
        help="Answer for one check of one subject; wants --reason.",
    ),
    click.option("--expires", type=Span(), default=7 * DAY, metavar="SPAN", help="How long the waiver holds: 7d."),
)
REASON: Final = click.option("--reason", default="", help="Why; it stays in the journal.")
DRY_RUN: Final = click.option("--dry-run", is_flag=True, help="Only judge: the true exit code, and nothing is written.")
WAIT: Final = click.option(
    "--wait", "patience", type=Span(), default=0.0, metavar="SPAN", help="Look again while it is unknown: 30m."
)
FORMAT: Final = click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True
)


def with_options(function: F, *options: Callable[[F], F]) -> F:
    """The function, or the command, with options in the order in which help shows them."""
    for option in options if isinstance(function, click.Command) else reversed(options):
        function = option(function)
    return function


class Clusters(NamedTuple):
    """What was said of the clusters to ask."""

    broker: str
    explicit: bool
    """``--broker`` was written on the command line, and does not come from the shell's variables."""
    settings: Mapping[str, str]
    unasked: str
    """Why none is asked: ``--no-broker``."""


def clusters_of(
    context: click.Context, broker: str, settings: tuple[tuple[str, str], ...], no_broker: bool
) -> Clusters:
    """What the three options of :data:`BROKER` say together."""
    explicit = context.get_parameter_source("broker") is click.core.ParameterSource.COMMANDLINE
    if explicit and no_broker:
        raise click.UsageError("--broker and --no-broker contradict each other")
    return Clusters("" if no_broker else broker, explicit, dict(settings), "--no-broker" if no_broker else "")
