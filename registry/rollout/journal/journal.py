"""What a journal is: a book that is read whole, and entries that are written by compare-and-swap."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from registry.errors import Refused
from registry.frozen import dataclass, field
from registry.rollout.errors import LostRace
from registry.rollout.journal.documents import parse_deployments, parse_rollout
from registry.rollout.rollout import Deployment, Rollout, Step

TRIES: Final = 10
"""How often an entry is applied again on what others wrote meanwhile."""
EVENTS: Final = "events/"
"""The folder of the append-only lines; no book holds them."""
_NAME: Final = r"""\w[^/\\:*?"<>|\x00-\x1f\x7f]*"""
"""What can be a file on every system, and is never ``..``."""
_ROLLOUT: Final = re.compile(rf"rollouts/({_NAME})/(\d+)-(\d+)/({_NAME})\.json")
_DEPLOYMENTS: Final = re.compile(rf"deployments/({_NAME})/{_NAME}\.json")
_LINES: Final = re.compile(rf"events/(rollouts/{_NAME}/\d+-\d+/{_NAME}|deployments/{_NAME}/{_NAME})\.jsonl")


class Book:
    """All that the journal held at one commit; it never changes. Documents are parsed when they are asked for.

    Every question raises :class:`registry.errors.Unreadable` for a document that somebody edited into something else,
    or that a newer release of this program wrote.
    """

    __slots__ = ("_deployed", "_deployments", "_rollouts", "_steps", "commit", "contents")

    def __init__(self, commit: str, contents: Mapping[str, bytes]) -> None:
        self.commit = commit
        """The full id; empty while nothing was ever written."""
        self.contents = MappingProxyType(dict(contents))
        """Path to bytes, of everything but the events."""
        self._steps: Mapping[str, Mapping[str, Step]] | None = None
        self._deployed: Mapping[str, Sequence[str]] | None = None
        self._rollouts: dict[str, Rollout] = {}
        self._deployments: dict[str, tuple[Deployment, ...]] = {}

    def find_rollout(self, step: Step) -> Rollout | None:
        """The rollout of a step; ``None`` where nobody has planned it."""
        return self._read_rollout(step.path) if step.path in self.contents else None

    def find_rollouts(self, contract: str = "", environment: str = "") -> Iterator[Rollout]:
        """The rollouts of a contract and an environment, or of all, by contract, step and environment."""
        if self._steps is None:
            self._steps = _sort_steps(self.contents)
        for steps in (self._steps.get(contract, {}),) if contract else self._steps.values():
            for path, step in steps.items():
                if environment in ("", step.environment):
                    yield self._read_rollout(path)

    def find_deployments(self, environment: str) -> Iterator[Deployment]:
        """What was ever recorded as deployed in an environment and not replaced since, by service."""
        if self._deployed is None:
            self._deployed = _sort_deployments(self.contents)
        for path in self._deployed.get(environment, ()):
            yield from self.read_deployments(path)

    def read_deployments(self, path: str) -> tuple[Deployment, ...]:
        """What one file of deployments holds; nothing where it does not exist."""
        if path not in self.contents:
            return ()
        if path not in self._deployments:
            self._deployments[path] = parse_deployments(path, self.contents[path])
        return self._deployments[path]

    def _read_rollout(self, path: str) -> Rollout:
        if path not in self._rollouts:
            self._rollouts[path] = parse_rollout(path, self.contents[path])
        return self._rollouts[path]


def _sort_steps(paths: Iterable[str]) -> Mapping[str, Mapping[str, Step]]:
    """Contract to the paths of its rollouts, by step and environment."""
    found = [(path, match) for path in paths if (match := _ROLLOUT.fullmatch(path))]
    steps = [(Step(match[1], int(match[2]), int(match[3]), match[4]), path) for path, match in found]
    steps.sort(key=lambda row: (row[0].contract, row[0].old, row[0].new, row[0].environment))
    by_contract: dict[str, dict[str, Step]] = {}
    for step, path in steps:
        by_contract.setdefault(step.contract, {})[path] = step
    return by_contract


def _sort_deployments(paths: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Environment to the paths of what is deployed there, by service."""
    by_environment: dict[str, list[str]] = {}
    for path in sorted(paths):
        if match := _DEPLOYMENTS.fullmatch(path):
            by_environment.setdefault(match[1], []).append(path)
    return by_environment


def depends_on_nothing(_path: str) -> bool:
    """Of an entry that only what it changes itself can stand in the way of."""
    return False


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of the journal, decided on what one book said."""

    changes: Mapping[str, bytes | None]
    """Path to the new text of a document; ``None`` removes it."""
    lines: Mapping[str, str]
    """Path of events to the line (or lines) that is put at its end."""
    message: str
    """One line that tells the transition, an empty line, and the summary of what was checked."""
    depends: Callable[[str], bool] = field(default=depends_on_nothing)
    """Whether the decision was made on a path: if somebody changed such a one meanwhile, it must be made anew."""


class Author(NamedTuple):
    """Who wrote something into the journal, for a message to the one who came later."""

    name: str
    at: str
    message: str


class Journal(Protocol):
    """Where rollouts and deployments are kept. An entry is there whole or not at all."""

    def read(self) -> Book:
        """The newest book. Raises :class:`registry.errors.RegistryError` where it cannot be had."""

    def write(self, book: Book, entry: Entry) -> Book:
        """Add an entry that was decided on ``book``; the book that holds it.

        Where others wrote meanwhile, and nothing that the entry changes or depends on, it is added to theirs. Raises
        :class:`registry.rollout.errors.LostRace` where they did change such a thing, or where others were faster
        :data:`TRIES` times; then nothing was written. Any other error leaves it open whether it was.
        """

    def read_lines(self, path: str) -> str:
        """The events of one file, a line each, oldest first; empty where there is none."""


def insist_on_paths(entry: Entry) -> None:
    """Refuse an entry whose files lie where no journal keeps any: an environment called ``a/b`` would make one."""
    rules = ((entry.changes, (_ROLLOUT, _DEPLOYMENTS)), (entry.lines, (_LINES,)))
    for paths, patterns in rules:
        for path in paths:
            if not any(pattern.fullmatch(path) for pattern in patterns):
                raise Refused(
                    f"{path!r} can be no file of the journal",
                    'names of environments and services begin with a letter or a digit, and have no /\\:*?"<>| in them',
                )


def find_conflict(book: Book, tip: Book, entry: Entry) -> str:
    """The first path that the entry changes or depends on and that is not as it was; empty where there is none."""
    before, after = book.contents, tip.contents
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return next((path for path in changed if path in entry.changes or entry.depends(path)), "")


def explain_loss(path: str, author: Author | None) -> LostRace:
    """What the loser is told: who changed which file, when, and what it was."""
    fact = f"{path} was changed meanwhile"
    if author:
        fact += f" by {author.name} at {author.at}: {author.message}"
    return LostRace(fact, "nothing was written or published; look at what it says now, and decide again")


def give_up(tries: int) -> LostRace:
    """What is raised where others were faster each time."""
    fact = f"others wrote to the journal {tries} times while this entry was being added"
    return LostRace(fact, "nothing was written or published; run the command again")
