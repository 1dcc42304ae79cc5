"""How far a scan is: on one line of the terminal that is written over, and in a file for the next command."""

import os
import shutil
import sys
from hashlib import sha256
from pathlib import Path
from time import time

import click

from registry.cache import cache_folder
from registry.environment import Environment
from registry.render.wording import one_line
from registry.rollout.broker import Progress
from registry.rollout.evidence import Question
from registry.rollout.unfinished import Unfinished
from registry.rollout.words import count

BAR = 24


class ProgressLine:
    """Lines on stderr, and below them one that moves; where stderr is no terminal, the lines alone."""

    def __init__(self) -> None:
        self._moves = sys.stderr.isatty()
        self._drawn = False

    def tell(self, line: str) -> None:
        """One line that stays."""
        self.clear()
        click.echo(one_line(line), err=True)

    def show(self, cluster: str, progress: Progress) -> None:
        """How far the scan of a cluster is."""
        if self._moves:
            text = render_progress(cluster, progress)[: shutil.get_terminal_size().columns - 1]
            sys.stderr.write(f"\r\x1b[2K{text}")
            sys.stderr.flush()
            self._drawn = True

    def clear(self) -> None:
        """Takes the moving line away."""
        if self._drawn:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._drawn = False


class Scans:
    """The scans of one command. Only one of a whole topic is remembered: the others are short, and want each look."""

    def __init__(self, environment: Environment, contract: str, commit: str) -> None:
        self.line = ProgressLine()
        folder = Path(cache_folder(os.environ), "scans")
        self._kept: dict[str, Unfinished] = {}
        for cluster in environment.clusters if contract else ():
            name = _name(environment.name, contract, commit, cluster.name, cluster.brokers, cluster.topic)
            self._kept[cluster.name] = Unfinished(folder / f"{name}.json", [])

    def note(self, cluster: str, question: Question, progress: Progress) -> None:
        """Show how far it is, and remember it."""
        self.line.show(cluster, progress)
        if question is Question.EVERYTHING and cluster in self._kept:
            self._kept[cluster].note(progress)

    def find(self, cluster: str, question: Question) -> Progress | None:
        """How far an earlier command came."""
        if question is not Question.EVERYTHING or cluster not in self._kept:
            return None
        found = self._kept[cluster].read(time())
        if found is not None:
            self.line.tell(f"{cluster}: the scan goes on where it was interrupted")
        return found


def _name(*facts: str) -> str:
    """Of a file, for facts that must all be the same."""
    return sha256("\0".join(facts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def render_progress(cluster: str, progress: Progress) -> str:
    """``main  ████████░░░░░░░░  52 %  6 partitions, 1,204,551 records to go``."""
    starts = {number: scan.start for number, scan in progress.found.items()}
    whole = sum(max(end - starts.get(number, 0), 0) for number, end in progress.ends.items())
    left = sum(max(end - progress.done.get(number, starts.get(number, 0)), 0) for number, end in progress.ends.items())
    share = 1.0 if whole <= 0 else max(0.0, min(1.0, 1 - left / whole))
    filled = int(share * BAR)
    bar = "█" * filled + "░" * (BAR - filled)
    to_go = f"{count(len(progress.ends), 'partition')}, {count(left, 'record')} to go"
    return f"{cluster}  {bar}  {int(share * 100):>3} %  {to_go}"
