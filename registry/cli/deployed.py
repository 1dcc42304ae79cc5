"""`contracts deployed`: what a service's build reads and writes is recorded on the branch contracts-state."""

import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from registry.base import SYSTEMS
from registry.cli.output import print_text
from registry.cli.rollout_desk import open_revision
from registry.cli.rollout_options import ENVIRONMENT, PLACE, with_options
from registry.errors import Refused, RegistryError
from registry.rollout.journal.git_journal import open_journal
from registry.rollout.outcome import exit_code_of
from registry.rollout.pinned import Versions, find_pins
from registry.rollout.recording import write_deployment
from registry.rollout.revision import Revision
from registry.rollout.rollout import Deployment
from registry.rollout.words import render_versions


def _numbers(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    words = [word.strip() for word in value.split(",") if word.strip()]
    if not all(word.isascii() and word.isdecimal() and 0 < int(word[:9]) < 1 << 31 for word in words):
        raise click.BadParameter(f"{value!r} is no list of versions such as 1,2")
    return tuple(sorted({int(word) for word in words}))


def _name(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if not value.isprintable():
        raise click.BadParameter(f"{value!r} has signs in it that nobody can see")
    return value


def _day(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(value), datetime.max.time(), UTC) if value else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is no day such as 2027-03-31") from None


@click.command()
@click.option("--service", required=True, metavar="NAME", help="The service that was deployed.")
@click.option("--event", metavar="EVENT", help="The event that --reads and --writes are about.")
@click.option("--reads", callback=_numbers, metavar="1,2", help="Versions its build reads; default: ownership.yaml's.")
@click.option("--writes", callback=_numbers, metavar="1,2", help="Versions its build writes; default: the same.")
@click.option("--instance", default="", callback=_name, metavar="NAME", help="One instance; default: all of them.")
@click.option(
    "--build", envvar="CONTRACTS_BUILD", default="", callback=_name, help="What the build is called. [CONTRACTS_BUILD]"
)
@click.option(
    "--release", default="", callback=_name, metavar="NAME", help="A release that customers run beside newer ones."
)
@click.option("--until", callback=_day, metavar="DATE", help="The last day on which the release is supported.")
@click.option("--dry-run", is_flag=True, help="Say what would be recorded, and write nothing.")
def _deployed(
    service: str,
    environment: str,
    event: str | None,
    reads: tuple[int, ...] | None,
    writes: tuple[int, ...] | None,
    instance: str,
    build: str,
    release: str,
    until: datetime | None,
    dry_run: bool,
    root: str,
    remote: str | None,
) -> None:
    """Record what was deployed: the evidence of `contracts rollout` that readers are ready. CI calls it.

    Without --reads and --writes it is what ownership.yaml pins at HEAD, for all events of the service. A record
    replaces the one before it, per instance; one of a --release stands beside the others until its support ends.
    """
    if until and not release:
        raise click.UsageError("--until is for a --release")
    if event and reads is None and writes is None:
        raise click.UsageError("--event is what --reads and --writes are about: give one of them")
    try:
        with open_revision(root) as revision, open_journal(Path.cwd(), remote) as journal:
            revision.find_environment(environment)
            read, written = _apply(revision, service, event, reads, writes)
            deployment = Deployment(
                service=service,
                environment=environment,
                instance=instance,
                build=build or "unnamed",
                reads=read,
                writes=written,
                at=datetime.now(UTC),
                by=journal.author,
                source="ci" if _is_ci() else "git",
                release=release,
                supported_until=until,
            )
            if not dry_run:
                write_deployment(journal, deployment)
    except RegistryError as error:
        if exit_code_of(error) == 2:
            raise
        click.echo(f"error: {error.message}\nhelp: {error.help}", err=True)
        sys.exit(int(exit_code_of(error)))
    print_text(_describe(deployment))
    if dry_run:
        click.echo("nothing was written (--dry-run)")


deployed = with_options(_deployed, ENVIRONMENT, *PLACE)
deployed.name = "deployed"


def _is_ci() -> bool:
    return any(name in os.environ for name in ("CI", *(system.sign for system in SYSTEMS)))


def _apply(
    revision: Revision, service: str, event: str | None, reads: tuple[int, ...] | None, writes: tuple[int, ...] | None
) -> tuple[Versions, Versions]:
    """The pins, but for the one event of which something else was said."""
    read, written = (dict(versions) for versions in find_pins(revision, service))
    if reads is None and writes is None:
        return read, written
    named = _find_event(revision, service, event, read)
    contract = revision.contracts[named]
    known = {version.number for version in contract.versions} | set(contract.terms.retired if contract.terms else ())
    if odd := sorted({*(reads or ()), *(writes or ())} - known):
        raise Refused(f"{render_versions(odd)} of {named} was never released", f"there are {render_versions(known)}")
    if reads is not None:
        read[named] = reads
    if writes is not None:
        written[named] = writes
    return read, written


def _find_event(revision: Revision, service: str, event: str | None, read: Versions) -> str:
    if event is None:
        if len(read) == 1:
            return next(iter(read))
        help_ = "name it: --event"
        raise Refused(f"{service} has to do with {len(read)} events, and --reads is about one", help_)
    named = revision.find_event(event)
    if named not in read:
        help_ = f"add it to the `subscribers` of {named} in ownership.yaml"
        raise Refused(f"{service} neither writes nor reads {named}", help_)
    return named


def _describe(deployment: Deployment) -> str:
    what = f"{deployment.service}/{deployment.instance}" if deployment.instance else deployment.service
    until = f" until {deployment.supported_until:%Y-%m-%d}" if deployment.supported_until else ""
    release = f", release {deployment.release}{until}" if deployment.release else ""
    lines = [f"{what} in {deployment.environment}: build {deployment.build}{release} ({deployment.source})"]
    names = {*deployment.reads, *deployment.writes}
    width = max(map(len, names), default=0)
    for name in sorted(names):
        facts = [f"reads {render_versions(deployment.reads[name])}"] if deployment.reads.get(name) else []
        facts += [f"writes {render_versions(deployment.writes[name])}"] if deployment.writes.get(name) else []
        lines.append(f"  {name:<{width}}  {', '.join(facts) or 'nothing'}")
    return "\n".join(lines) + "\n"
