"""`make demo`: the main job on the Playconnect contracts, in a throw-away clone. Every line of output is real."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
EVENT = "playconnect.content.ContentPublished"
SCHEMA = "contracts/content/ContentPublished.avsc"
TITLE = '    {"name": "title", "type": "string", "doc": "Headline, as plain text."},\n'
SUBTITLE = '    {"name": "subtitle", "type": ["null", "string"], "default": null, "doc": "Second line of it."},\n'
REGION = '    {"name": "region", "type": "string", "doc": "Where it may be shown: EU."},\n'
OWNER = "    owner: content-api\n    topic: content.items\n"
SECOND = "    owner: content-api\n    owner: edge-cache\n    topic: content.items\n"
SERVICES = {"content-api": "content_api.events", "edge-cache": "edge_cache.events"}
MESH = {**SERVICES, "web-client": "web_client.events"}
IDENTITY = {"GIT_AUTHOR_NAME": "demo", "GIT_AUTHOR_EMAIL": "demo@example.org"}
IDENTITY |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in IDENTITY.items()}


class Clone:
    """A clone to play in: nothing of it is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        self._environment |= IDENTITY

    def run(self, command: str, expect: int = 0) -> None:
        """Run a command as a person would, show it, and insist on its exit code."""
        say(f"\033[1m$ {command}\033[0m" if sys.stdout.isatty() else f"$ {command}")
        done = subprocess.run(shlex.split(command), cwd=self.folder, env=self._environment, check=False)
        if done.returncode != expect:
            sys.exit(f"the demo expected exit {expect}, and got {done.returncode}")

    def git(self, *arguments: str) -> None:
        """The same for the steps that nobody needs to see."""
        subprocess.run(["git", *arguments], cwd=self.folder, env=self._environment, check=True, capture_output=True)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that is there exactly once, and show the difference."""
        file = self.folder / path
        text = file.read_text()
        if text.count(old) != 1:
            sys.exit(f"the demo is out of step with {path}")
        file.write_text(text.replace(old, new))
        self.run("git --no-pager diff --unified=1")


def say(text: str = "") -> None:
    """Print at once, so that our lines and the commands' come in order."""
    print(text, flush=True)


def main() -> None:
    """Four pull requests on one registry, and services that run on what was released."""
    with tempfile.TemporaryDirectory(prefix="playconnect-") as top:
        clone = Clone(Path(top) / "playconnect")
        copy_contracts(clone)

        say("\n--- 1. A good change: an optional field, with a default ---\n")
        clone.edit(SCHEMA, TITLE, TITLE + SUBTITLE)
        clone.run("contracts check --against main")

        say("\n--- 2. It is released: the next immutable version, beside the contract ---\n")
        clone.run("contracts release")
        clone.run("contracts check --against main --strict")
        clone.git("add", "--all")
        clone.git("commit", "--message", "ContentPublished has a subtitle")
        clone.git("branch", "--force", "main")

        say("\n--- 3. A breaking change is stopped, with the reason and the way out ---\n")
        clone.edit(SCHEMA, TITLE, TITLE + REGION)
        clone.run("contracts check --against main", expect=1)
        clone.git("checkout", ".")

        say("\n--- 4. A second owner is stopped ---\n")
        clone.edit("ownership.yaml", OWNER, SECOND)
        clone.run("contracts check --against main", expect=1)
        clone.git("checkout", ".")

        say("\n--- Who may write it, then? ---\n")
        clone.run("contracts owners ContentPublished")

        say("\n--- 5. Typed stubs: a producer for the owner, consumers for those who subscribe ---\n")
        copy_example(clone, "services")
        for service, package in SERVICES.items():
            clone.run(f"contracts gen --service {service} --out services --package {package}")
        clone.run("contracts gen --service edge-cache --out services --package edge_cache.events --check")

        say("\n--- 6. Two services run on them: old and new versions at once, no broker needed ---\n")
        clone.run("python services/story.py")

        say("\n--- 7. Three services on a Kafka in one process: outbox, inbox, a derived event, a dead letter ---\n")
        copy_example(clone, "mesh")
        for service, package in MESH.items():
            clone.run(f"contracts gen --service {service} --out mesh --package {package}")
        clone.run("python mesh/story.py")

        say("\n--- 8 and 9. Two rolling upgrades in production: a compatible one, and one that breaks everything ---\n")
        copy_example(clone, "upgrade")
        clone.run("python upgrade/story.py")


def copy_contracts(clone: Clone) -> None:
    """A repository of its own with the contracts as they are committed here, on a branch beside main."""
    clone.folder.mkdir()
    paths = ["contracts", "ownership.yaml", ".github/CODEOWNERS"]
    archive = subprocess.run(["git", "archive", "HEAD", *paths], cwd=HERE, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=clone.folder, input=archive, check=True)
    clone.git("init", "--initial-branch=main")
    clone.git("add", "--all")
    clone.git("commit", "--message", "the Playconnect contracts")
    clone.git("checkout", "-b", "pull-request")


def copy_example(clone: Clone, name: str) -> None:
    """The sources of some services, without their stubs."""
    shutil.copytree(HERE / "examples" / name, clone.folder / name, ignore=shutil.ignore_patterns("events"))


if __name__ == "__main__":
    main()
