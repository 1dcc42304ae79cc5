"""`contracts dev`: exit 0 ended by Ctrl-C, 2 could not start or the broker died."""

import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import click

from registry.brokers import BROKERS, Broker, Kind, kind_of
from registry.brokers.compose import render_compose
from registry.brokers.topics import find_topics, read_ownership
from registry.cli.output import print_text
from registry.render.wording import one_line

PORT = 9092
ORDER = ("apache", "container", "mock")
"""What ``auto`` tries: the real ones first."""


@click.command(epilog="Example: contracts dev --broker apache --port 19092")
@click.option("--broker", type=click.Choice(["auto", *BROKERS]), default="auto", show_default=True)
@click.option("--port", type=click.IntRange(1024, 65535), help=f"Default: {PORT}; the mock chooses its own.")
@click.option("--partitions", type=click.IntRange(1, 1000), default=4, show_default=True, help="Of each topic.")
@click.option("--print-compose", is_flag=True, help="Start nothing: print a compose file for Docker or Podman.")
@click.option("--root", default="contracts", show_default=True, help="The folder of the schemas.")
def dev(broker: str, port: int | None, partitions: int, print_compose: bool, root: str) -> None:
    """Run a Kafka for this laptop, with the topics of ownership.yaml, until Ctrl-C.

    apache is the real one, as a process (Java 17; Maven fetches it once); container is the same in Docker or Podman;
    mock is librdkafka's, in this process. auto takes the first of them that this machine can start.
    """
    topics = _read_topics(root)
    if print_compose:
        print_text(render_compose(topics, partitions, port or PORT))
        return
    kind = _choose() if broker == "auto" else kind_of(broker)
    is_mock = kind is kind_of("mock")
    started = kind.start(port=port if is_mock else port or PORT, tell=_tell)
    try:
        started.create_topics(dict.fromkeys(topics, partitions))
        ended = _expect_signals()  # before anybody reads that it may be ended
        print_text(_render(kind, started, topics, partitions))
        while not ended.wait(0.5):
            started.check()
    finally:
        started.close()


def _read_topics(root: str) -> list[str]:
    ownership = read_ownership(Path.cwd(), root)
    if ownership.flaws:
        first, *others = ownership.flaws
        more = f" (and {len(others)} more)" if others else ""
        _tell(
            f"`contracts check` refuses {one_line(f'{first.location}: {first.message}')}{more}; going on with the rest"
        )
    topics = find_topics(ownership)
    if not ownership.present:
        _tell("there is no ownership.yaml here, so no topic is created")
    elif not topics:
        _tell("ownership.yaml names no topic and no service, so none is created")
    return topics


def _choose() -> Kind:
    """The first kind that can be started here; what is missing for those before it is told."""
    for name in ORDER[:-1]:
        kind = kind_of(name)
        missing = kind.find_missing()
        if missing is None:
            return kind
        _tell(f"not {name}: {one_line(missing.message)}")
    return kind_of(ORDER[-1])


def _render(kind: Kind, broker: Broker, topics: Sequence[str], partitions: int) -> str:
    many = "1 partition each" if partitions == 1 else f"{partitions} partitions each"
    lines = [
        kind.TITLE,
        f"  {'limits':<10}{kind.LIMITS}",
        f"  {'settings':<10}bootstrap.servers={broker.address}",
        *([f"  {'topics':<10}{many}", *(f"    {topic}" for topic in topics)] if topics else []),
        "Ctrl-C ends it",
    ]
    return "\n".join(lines) + "\n"


def _expect_signals() -> threading.Event:
    """What is set when somebody ends this process."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    return ended


def _tell(note: str) -> None:
    click.echo(f"note: {note}", err=True)
