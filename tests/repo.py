"""Real git repositories for tests: small, quick, and the same on every machine."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2026-01-05T12:00:00+00:00",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "2026-01-05T12:00:00+00:00",
    "LC_ALL": "C",
}
"""What git runs in: nobody's configuration, a fixed author and a fixed clock, so that ids are the same each time."""


def forget_git_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run inside hooks as well (``git commit`` runs them), and must not see the developer's configuration."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ENVIRONMENT[name])


class Repository:
    """A repository in a folder; made there unless ``path`` is one already."""

    def __init__(self, path: Path, object_format: str = "sha1") -> None:
        self.path = path
        if not (path / ".git").exists() and not (path / "HEAD").exists():
            path.mkdir(parents=True, exist_ok=True)
            self.git("init", "--quiet", "--initial-branch=main", f"--object-format={object_format}")

    def git(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """What a git command prints, without the last line break; a command that fails is an AssertionError."""
        done = subprocess.run(
            ["git", "-C", os.fspath(self.path), *arguments],
            env={**ENVIRONMENT, **(environment or {})},
            capture_output=True,
            check=False,
        )
        output = done.stdout.decode("utf-8", "surrogateescape")
        assert done.returncode == 0, f"git {' '.join(arguments)}\n{output}{done.stderr.decode(errors='replace')}"
        return output.removesuffix("\n")

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files of the work tree; ``None`` deletes one."""
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def stage(self, files: Mapping[str, str | bytes | None] | None = None) -> None:
        """Write files, and put the whole work tree into the index."""
        self.write(files or {})
        self.git("add", "--all")

    def commit(self, message: str = "change", files: Mapping[str, str | bytes | None] | None = None) -> str:
        """Write files and commit the whole work tree, changed or not; the id of the commit."""
        self.stage(files)
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Make a branch and go to it."""
        self.git("switch", "--quiet", "--create", name, start)

    def tag(self, name: str, commit: str = "HEAD") -> None:
        """Make an annotated tag."""
        self.git("tag", "--annotate", "--message", name, name, commit)

    def clone(self, path: Path, *options: str) -> "Repository":
        """A clone over ``file://``, so that ``--depth`` is heeded."""
        self.git("clone", "--quiet", *options, self.path.as_uri(), os.fspath(path))
        return Repository(path)
