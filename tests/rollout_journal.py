"""A journal in memory with the law of the real one, for thousands of runs."""

from collections.abc import Callable
from typing import NamedTuple

from registry.rollout.journal.journal import (
    TRIES,
    Author,
    Book,
    Entry,
    explain_loss,
    find_conflict,
    give_up,
    insist_on_paths,
)


class Commit(NamedTuple):
    """What one entry made of the journal."""

    book: Book
    lines: dict[str, str]
    author: Author
    entry: Entry | None


class MemoryJournal:
    """A journal that several operators of a test share: ``MemoryJournal(by="bo", shared=other)`` writes to the same.

    ``before_write`` is called once, in the next write, before it looks: a rival's entry, or a crash. ``after_write``
    likewise when the entry is there: a crash before anybody learns of it.
    """

    def __init__(self, by: str = "ana@example.org", shared: "MemoryJournal | None" = None) -> None:
        self.by = by
        self.commits = shared.commits if shared else [Commit(Book("", {}), {}, Author(by, "", ""), None)]
        self.before_write: Callable[[], object] | None = None
        self.after_write: Callable[[], object] | None = None
        self.on_write: Callable[[], object] | None = None
        """Called before each try: what always comes in between."""

    @property
    def history(self) -> tuple[Commit, ...]:
        """One for each entry, oldest first."""
        return tuple(self.commits[1:])

    def read(self) -> Book:
        return self.commits[-1].book

    def read_lines(self, path: str) -> str:
        return self.commits[-1].lines.get(path, "")

    def write(self, book: Book, entry: Entry) -> Book:
        insist_on_paths(entry)
        before, self.before_write = self.before_write, None
        if before:
            before()
        base = book
        for _ in range(TRIES):
            if self.on_write:
                self.on_write()
            if self.read().commit == base.commit:
                return self._add(entry)
            tip = self.read()
            if path := find_conflict(book, tip, entry):
                raise explain_loss(path, self._find_last_change(path))
            base = tip
        raise give_up(TRIES)

    def _add(self, entry: Entry) -> Book:
        last = self.commits[-1]
        contents = {path: text for path, text in {**last.book.contents, **entry.changes}.items() if text is not None}
        lines = {path: last.lines.get(path, "") + line.rstrip("\n") + "\n" for path, line in entry.lines.items()}
        author = Author(self.by, f"entry {len(self.commits)}", entry.message.partition("\n")[0])
        made = Book(f"{len(self.commits):040x}", contents)
        self.commits.append(Commit(made, {**last.lines, **lines}, author, entry))
        after, self.after_write = self.after_write, None
        if after:
            after()
        return made

    def _find_last_change(self, path: str) -> Author | None:
        return next((each.author for each in reversed(self.commits) if each.entry and path in each.entry.changes), None)
