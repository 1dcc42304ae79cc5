"""`contracts rollout`: the commands of a rolling upgrade; each is made when it is run."""

from importlib import import_module

import click

STEPS = {
    "plan": "write down what is to be rolled out where, and freeze its versions",
    "start": "phase 1: readers learn the new version",
    "check": "would the next step be allowed: yes (0), no (1) or unknown (3)",
    "switch": "phase 2: the owner writes the new version, without a deployment",
    "converge": "phase 2: is the switch everywhere",
    "contract": "phase 3: the old version is refused",
    "retire-write": "phase 3: no build writes the old version any more",
    "retire-read": "phase 3: no log holds the old version any more",
    "revert": "back to the old version; readers go on reading the new one",
    "reopen": "the old version may be written again",
    "abort": "give up before the switch",
    "abandon": "give up after a revert",
}
"""Commands that move one rollout, or try whether it may move, in the order of its life."""
LOOKS = {
    "status": "where are we, who blocks, how old is the proof, what is the next command",
    "reconcile": "finish what a crash left half done, and publish what git says",
}
"""Commands that look at all of an environment, unless an event is named."""


class Rollout(click.Group):
    """Commands with a module, or one module for those that are alike."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a rollout's life."""
        return [*STEPS, *LOOKS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported or made now."""
        if cmd_name in STEPS:
            made = import_module("registry.cli.rollout_steps").make_command(cmd_name, STEPS[cmd_name])
        elif cmd_name in LOOKS:
            made = getattr(import_module(f"registry.cli.rollout_{cmd_name}"), cmd_name)
        else:
            return None
        assert isinstance(made, click.Command)
        return made

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What each does, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([*STEPS.items(), *LOOKS.items()])


rollout = Rollout(
    "rollout",
    help="Upgrade an event from one version to the next, without stopping anybody: readers first, then the one writer, "
    "then the old version goes. Nothing moves without evidence; each step says what is missing.\n\n"
    "Exit codes: 0 yes or done, 1 no, 2 could not look, 3 unknown, 4 somebody else was faster.",
)
