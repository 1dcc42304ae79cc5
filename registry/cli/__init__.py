"""The command `contracts`. A command's module is imported when the command is run; the hook pays for nothing else."""

import gc
import sys
from importlib import import_module

COMMANDS = {
    "check": "judge what changed against a base revision",
    "compare": "judge two schema files or folders, without a repository",
    "diff": "what a change means, in words",
    "release": "freeze heads as the next immutable versions",
    "upgrade": "try the converters of an event, law by law",
    "gen": "typed stubs of the events that a service writes and reads",
    "rollout": "the rolling upgrade from one version to the next, step by step, gated by evidence",
    "deployed": "record what a service's build reads and writes",
    "can-i-deploy": "whether a service's build may start in an environment now",
    "dev": "a Kafka for a laptop, with the topics of the catalog",
    "trace": "what followed from one request, as a tree of its events",
    "owners": "who writes an event, a topic, an entity or a file",
    "rules": "every rule with its severity",
    "explain": "what a rule means, with an example and the way out",
    "init": "begin here: ownership.yaml, a policy, the hook and the CI check",
    "schema": "the JSON Schemas of ownership.yaml, policy.yaml and what is printed as JSON",
}
"""Each command with what it does; its function has the same name, in the module of the same name (``_`` for ``-``)."""

LIBRARIES = {"click": "click", "yaml": "pyyaml", "grpc_tools": "grpcio-tools"}
"""What the extra `tool` brings, by the name it is imported under."""


def main() -> None:
    """The entry point: what kept us from looking is one sentence on stderr and exit 2; the rest is a traceback."""
    collects = gc.isenabled()
    gc.disable()  # a command ends before it would pay; imports alone trigger dozens of collections
    try:
        _run()
    except ModuleNotFoundError as error:
        library = LIBRARIES.get((error.name or "").partition(".")[0])
        if library is None:
            raise
        print(f"error: {library} is not installed, and contracts needs it", file=sys.stderr)
        print("help: pip install 'event-contracts[tool]'", file=sys.stderr)
        sys.exit(2)
    finally:
        if collects:
            gc.enable()


def _run() -> None:
    import click

    from registry.errors import RegistryError

    class Commands(click.Group):
        """A click group that imports a command on its first use."""

        def list_commands(self, ctx: click.Context) -> list[str]:
            return list(COMMANDS)

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            if cmd_name not in COMMANDS:
                return None
            name = cmd_name.replace("-", "_")
            command = getattr(import_module(f"registry.cli.{name}"), name)
            assert isinstance(command, click.Command)
            return command

        def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
            with formatter.section("Commands"):
                formatter.write_dl(list(COMMANDS.items()))

    group = Commands("contracts", help="Schemas of events as contracts, kept and enforced in git.")
    group.params.append(click.version_option(package_name="event-contracts")(click.Command("_")).params[0])
    try:
        group.main(prog_name="contracts")
    except RegistryError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.help:
            print(f"help: {error.help}", file=sys.stderr)
        sys.exit(2)
