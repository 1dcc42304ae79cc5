"""Where the story happens: a clone of the registry with a remote of its own, builds of services, their instances."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Condition, Thread

HERE = Path(__file__).resolve().parent
REGISTRY = next(folder for folder in HERE.parents if (folder / "ownership.yaml").is_file())
"""The contracts to begin with: those of this project, or of the clone that `make demo` plays in."""
PATIENCE = 60.0
"""Seconds to wait for a line."""
IDENTITY = {"GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "ana@playconnect.example"}
IDENTITY |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in IDENTITY.items()}


def say(text: str = "") -> None:
    """Print at once, so that our lines, the commands' and the instances' come in order."""
    print(text, flush=True)


class Clone:
    """A clone of the registry, beside the bare repository that everybody pushes to; builds lie beside both."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "registry"
        self._builds = folder / "builds"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        self.environment |= IDENTITY | {"CONTRACTS_ENVIRONMENT": "production"}
        self.path.mkdir()
        for name in ("contracts", "ownership.yaml"):
            source = REGISTRY / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, self.path / name)
        remote = str(folder / "remote.git")
        self._git("init", "--quiet", "--bare", "--initial-branch=main", remote)
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("remote", "add", "origin", remote)

    def edit(self, path: str, *pairs: tuple[str, str]) -> None:
        """Replace texts that are there exactly once."""
        file = self.path / path
        text = file.read_text()
        for old, new in pairs:
            if text.count(old) != 1:
                sys.exit(f"the story is out of step with {path}: {old}")
            text = text.replace(old, new)
        file.write_text(text)

    def write(self, path: str, text: str) -> None:
        """A new file."""
        (self.path / path).write_text(text)

    def append(self, path: str, text: str) -> None:
        """More at the end of a file."""
        with (self.path / path).open("a") as file:
            file.write(text)

    def has(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return (self.path / path).exists()

    def merge(self, message: str) -> None:
        """A pull request is on main, and pushed."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        self._git("push", "--quiet", "origin", "main")

    def run(self, command: str, expect: int = 0) -> None:
        """Run a command as an operator would, show it, and insist on its exit code."""
        say(f"\033[1m$ {command}\033[0m" if sys.stdout.isatty() else f"$ {command}")
        done = subprocess.run(shlex.split(command), cwd=self.path, env=self.environment, check=False)
        if done.returncode != expect:
            sys.exit(f"the story expected exit {expect}, and got {done.returncode}")

    def ask(self, command: str, *codes: int) -> str:
        """What a command prints that nobody needs to see, and that ends with one of these codes."""
        done = subprocess.run(
            shlex.split(command), cwd=self.path, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode not in (codes or (0,)):
            sys.exit(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def build(self, service: str, number: int) -> None:
        """The stubs of a service as the registry is now."""
        package = f"{service.replace('-', '_')}_events"
        self.ask(f"contracts gen --service {service} --out {self._builds / str(number)} --package {package}")

    def variables_of(self, build: int) -> dict[str, str]:
        """The variables of an instance of this build."""
        return self.environment | {"PYTHONPATH": os.pathsep.join([str(self._builds / str(build)), str(HERE)])}

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.path, env=self.environment, check=True, capture_output=True)


class Instance:
    """A process of a service, whose lines are shown with its name. A new one is started before the old one ends."""

    def __init__(self, clone: Clone, broker: str, name: str, group: str = "") -> None:
        self.service = name.rpartition("-")[0]
        self.name = name
        self._clone, self._broker, self._group = clone, broker, group
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._news = Condition()

    def deploy(self, build: int) -> None:
        """Stop what runs, and start another build in its place."""
        self.stop()
        role = ["reader", self.service, self._group] if self._group else [self.service.replace("-", "_")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *role, self._broker, self.name, str(build)],
            env=self._clone.variables_of(build),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        before = self._lines.count("ready")
        Thread(target=self._listen, args=(self._process,), daemon=True).start()
        self.wait_for("ready", times=before + 1)

    def stop(self) -> None:
        """Lets it finish what it has in hand."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        if self._group:
            self._process.terminate()
        self._process.stdin.close()
        if self._process.wait(PATIENCE):
            sys.exit(f"{self.name} ended with {self._process.returncode}")
        self._process = None

    def kill(self) -> None:
        """Where the story breaks off, no process stays behind."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def tell(self, line: str) -> None:
        """Writes a line to it."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def has_said(self, line: str, times: int = 1) -> bool:
        """Whether it has said a line that begins so, so many times."""
        with self._news:
            return sum(each.startswith(line) for each in self._lines) >= times

    def wait_for(self, line: str, times: int = 1) -> None:
        """Waits until it has said a line that begins so. Ends the story where it does not."""
        with self._news:
            if not self._news.wait_for(lambda: self.has_said(line, times), PATIENCE):
                sys.exit(f"{self.name} did not say {line!r}")

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                if line != "ready\n":
                    say(f"  {self.name:<19}{line.rstrip()}")
                self._news.notify_all()
