"""What must hold whatever happens: the invariants of a rollout, looked at from outside by somebody who sees all.

Operators and runtimes see parts of the world, late; :class:`Laws` sees git, the control topic, each log and what every
instance believes at once, and says what is broken.
"""

from collections.abc import Iterator

from registry.kafka.rollout.control import ControlRecord
from registry.rollout.errors import SplitBrain
from registry.rollout.rollout import Publication, Rollout
from registry.rollout.standing import IDLE, stand
from registry.rollout.states import State
from tests.rollout_actors import Actor
from tests.rollout_services import FIRST_ID, ReaderInstance
from tests.rollout_world import EVENT, TOPIC, World


class Laws:
    """The laws, for one world. Made before anything happens in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.broken: list[str] = []
        """What was broken where no test could see it at once."""
        self._decided: set[tuple[Publication, tuple[int, ...]]] = set()
        self._seen = 0
        self.published_rank = (0, 0)
        """The highest that was ever published."""
        self._epoch = 0
        self._ranks: dict[str, tuple[int, int]] = {}
        self._digests: dict[str, dict[int, str]] = {}
        place = world.cluster.place

        def watch(record: ControlRecord) -> None:
            self.broken.extend(self._judge_publication(record))
            place(record)

        world.on_written = self.judge_written
        world.cluster.place = watch  # type: ignore[method-assign]  # each publication is seen first

    @property
    def rollouts(self) -> list[Rollout]:
        """Those of the environment, as git has them now."""
        return list(self.world.journal.read().find_rollouts(EVENT, self.world.environment.name))

    def _learn(self) -> None:
        """Which publications were ever decided in git."""
        for commit in self.world.journal.commits[self._seen :]:
            for rollout in commit.book.find_rollouts(EVENT, self.world.environment.name):
                if rollout.publication:
                    self._decided.add((rollout.publication, rollout.stored))
        self._seen = len(self.world.journal.commits)

    def _judge_publication(self, record: ControlRecord) -> Iterator[str]:
        """I3, and that the topic never falls back by anything that an operator does."""
        self._learn()
        publication = Publication(record.epoch, record.active, record.writable, record.prepare)
        if not any(decided == publication for decided, _ in self._decided):
            yield f"published and never decided in git: {record}"
        if record.rank < self.published_rank:
            yield f"published {record.rank} after {self.published_rank}: {record}"
        if record.active not in record.writable:
            yield f"I1: the active version is not writable: {record}"
        stored = self.find_stored()
        for number in {record.active, record.prepare} - {0}:
            if number not in stored:
                yield f"I3: v{number} is published and not in stored {stored}"
        self.published_rank = max(self.published_rank, record.rank)

    def judge_written(self, version: int) -> None:
        """What must hold at the moment in which a record is written."""
        if not version:
            return
        stored = self.find_stored()
        if version not in stored:
            self.broken.append(f"I3: v{version} was written and is not in stored {stored}")
        self._learn()
        if version not in {1, *(decided.active for decided, _ in self._decided)}:
            self.broken.append(f"I1: v{version} was written, and nobody decided that it is active")
        for reader in self.find_joined():
            if not reader.can_read(version):
                self.broken.append(f"I1: v{version} was written, and {reader.subject} reads {reader.reads}")

    def find_stored(self) -> set[int]:
        """What the documents in git name, as they stand there; version 1 before anything is planned."""
        named = [set(each.stored) for each in self.rollouts if each.state not in IDLE]
        return set().union(*named) or {1}

    def find_joined(self) -> Iterator[ReaderInstance]:
        """Readers that may be handed a record; those that are thrown out of their group are admitted anew."""
        return (each for each in self.world.instances if isinstance(each, ReaderInstance) and each.joined)

    def check(self, *actors: Actor) -> None:
        """All that is broken; raises AssertionError."""
        self.broken.extend(self._judge_git())
        self.broken.extend(self._judge_runtimes())
        for actor in actors:
            if isinstance(actor.error, SplitBrain):
                self.broken.append(f"{actor.by} met a split brain that nobody made: {actor.error}")
        assert not self.broken, "\n".join(self.broken)

    def _judge_git(self) -> Iterator[str]:
        rollouts = self.rollouts
        epoch = max((each.epoch for each in rollouts), default=0)
        if epoch < self._epoch:
            yield f"I2: the epoch in git fell from {self._epoch} to {epoch}"
        self._epoch = epoch
        for rollout in rollouts:
            known = self._digests.setdefault(str(rollout.step), dict(rollout.digests))
            if known != dict(rollout.digests):
                yield f"I2: the digests of {rollout.step} changed"
        standing = stand(rollouts)
        if rollouts and standing.active not in standing.writable:
            yield f"I1: v{standing.active} is active and not writable"
        for version in self.find_versions() - self.find_stored():
            yield f"I1: v{version} lies in the log and is not in stored {self.find_stored()}"
        for rollout in rollouts:
            if rollout.state is State.READ_RETIRED and rollout.step.old in self.find_versions():
                yield f"G5: v{rollout.step.old} is retired and lies in the log"

    def find_versions(self) -> set[int]:
        """All that lies in the log for readers of committed data."""
        logs = self.world.cluster.topics[TOPIC].values()
        return {int(slot.schema) - FIRST_ID for log in logs for slot in log.read(0) if slot.schema != ""}

    def _judge_runtimes(self) -> Iterator[str]:
        versions = self.find_versions()
        for each in self.world.instances:
            if each.alive and each.record is not None:
                if each.record.rank < self._ranks.get(each.subject, (0, 0)):
                    yield f"I2: {each.subject} believed {self._ranks[each.subject]} and now {each.record.rank}"
                self._ranks[each.subject] = each.record.rank
        for reader in self.find_joined():
            for version in versions:
                if not reader.can_read(version):
                    yield f"I1: v{version} lies in the log, and {reader.subject} reads {reader.reads}"
        for each in self.world.instances:
            if isinstance(each, ReaderInstance) and each.stuck:
                yield f"{each.subject} met what it cannot read: {each.stuck}"
