"""`contracts trace`: what followed from one request, as a tree; exit 1 nothing was found, 2 could not look."""

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from registry.cli.output import print_text
from registry.kafka.causality import find_steps, render_steps
from registry.kafka.errors import MessagingError
from registry.kafka.scan import find_topics, read_topics

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@click.command()
@click.argument("correlation_id")
@click.option(
    "--broker", required=True, envvar="CONTRACTS_BROKER", metavar="HOST:PORT", help="The cluster. [CONTRACTS_BROKER]"
)
@click.option("--topic", "topics", multiple=True, help="Look here only; default: all topics of ownership.yaml.")
@click.option("--since", help="How far to look back: 30m, 6h, 2d; default: the beginning of each topic.")
@click.option("-X", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of librdkafka.")
@click.option("--root", default="contracts", show_default=True, help="The folder of the schemas.")
def trace(
    correlation_id: str, broker: str, topics: tuple[str, ...], since: str | None, settings: tuple[str, ...], root: str
) -> None:
    """Print the events of CORRELATION_ID as one tree: each below the one that it followed from, dead letters too.

    Topics are read from one end to the other; no consumer group is joined, and no schema is needed.

    \b
    contracts trace 5b0e1c9e-0000-4000-8000-000000000001 --broker localhost:9092 --since 1h
    """
    asked = {"bootstrap.servers": broker, **dict(_parse_setting(each) for each in settings)}
    start = _find_start(since) if since else None
    if not topics:
        there = find_topics(asked)
        topics = tuple(name for name in _find_own_topics(root) if name in there)
        if not topics:
            raise MessagingError(f"{broker} has none of the topics that ownership.yaml names", "name some with --topic")
    steps = list(find_steps(read_topics(asked, topics, start), correlation_id))
    if not steps:
        click.echo(f"no event of {correlation_id} in {', '.join(topics)}", err=True)
        sys.exit(1)
    print_text("".join(f"{line}\n" for line in render_steps(correlation_id, steps)))


def _find_own_topics(root: str) -> list[str]:
    """The topics of ownership.yaml, and each service's dead letters."""
    from registry.brokers import topics

    return topics.find_topics(topics.read_ownership(Path.cwd(), root))


def _parse_setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is no KEY=VALUE", param_hint="-X")
    return name, value


def _find_start(since: str) -> datetime:
    """That long ago; at most at the beginning of Kafka's time, before which its numbers mean something else."""
    now, beginning = datetime.now(UTC), datetime.fromtimestamp(0, UTC)
    return now - min(_parse_span(since), now - beginning)


def _parse_span(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if not found:
        raise click.BadParameter(f"{text!r} is no span of time: 30m, 6h, 2d", param_hint="--since")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
