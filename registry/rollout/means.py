"""What an operator works with: the journal, git's facts, the clusters, a clock, and a name to sign with."""

from collections.abc import Callable, Mapping
from datetime import datetime

from registry.environment import Cluster, Environment
from registry.frozen import dataclass
from registry.rollout.broker import Broker, Progress
from registry.rollout.evidence import Question
from registry.rollout.facts import Facts
from registry.rollout.journal.journal import Journal


@dataclass(frozen=True, slots=True)
class Means:
    """For one environment. What is called here is the only thing that a verb does to the world."""

    journal: Journal
    environment: Environment
    read_facts: Callable[[str], Facts]
    """From the full name of an event; raises :class:`registry.errors.RegistryError` where nobody knows it."""
    brokers: Mapping[str, Broker]
    """By the name of the cluster; each of the environment's clusters is here."""
    by: str
    """Who decides, as the journal and the control record tell it."""
    clock: Callable[[], datetime]
    wait: Callable[[float], None]
    """For a number of seconds."""
    tell: Callable[[str], None]
    """One line of progress."""
    at: Callable[[str], None]
    """Called before and after each step that changes something, with its name: a test may crash there."""
    progress: Callable[[str, Question, Progress], None]
    """How far the scan of a cluster is, and what it is for."""
    resume: Callable[[str, Question], Progress | None]
    """How far an earlier scan of a cluster came that is to be gone on with; ``None`` for a new one."""
    unasked: str = ""
    """Why no cluster is to be asked: ``--no-broker``."""

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Those that are asked, the one that is written to first; none where git alone decides."""
        return () if self.unasked or self.environment.brokerless else self.environment.clusters

    @property
    def silence(self) -> str:
        """Why no cluster is asked, as evidence tells it; empty where one is, or where the policy declares none."""
        if self.unasked or self.clusters or self.environment.brokerless:
            return self.unasked
        return f"policy.yaml names no cluster for {self.environment.name}, and no --broker is given"

    def find_main(self) -> tuple[Cluster, Broker] | None:
        """The cluster that is written to; ``None`` where there is none."""
        return next(((cluster, self.brokers[cluster.name]) for cluster in self.clusters), None)


def silent(*_anything: object) -> None:
    """Tells nobody, and remembers nothing."""
