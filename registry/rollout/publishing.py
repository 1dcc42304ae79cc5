"""Publishing: the control record that git decided, written by whoever holds the right, and never over a newer one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from registry.kafka.rollout.control import ControlRecord
from registry.rollout.broker import ControlWriter
from registry.rollout.errors import BrokerUnavailable, Fenced, SplitBrain
from registry.rollout.facts import Facts
from registry.rollout.means import Means
from registry.rollout.rollout import Publication, Rollout
from registry.rollout.standing import find_unproven, stand
from registry.serde.bundle import BundledVersion

TRIES: Final = 3
"""How often the right to publish is taken again while git says that the decision is still ours."""


def find_publication(rollouts: Iterable[Rollout]) -> Publication | None:
    """What the control topic must say: the publication of the highest rank; ``None`` where nothing was decided yet."""
    decided = find_decided(rollouts)
    return decided.publication if decided else None


def find_decided(rollouts: Iterable[Rollout]) -> Rollout | None:
    """The rollout whose publication counts; ``None`` where nothing was decided yet."""
    ranked = [(each.publication.rank, each) for each in rollouts if each.publication]
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else None


def find_stored(facts: Facts, rollouts: Sequence[Rollout]) -> tuple[int, ...]:
    """The versions that the log may hold, by all rollouts of a contract in one environment."""
    # What ownership.yaml lists as retired lies in no log, unless its own rollout has yet to prove that.
    known = facts.versions.keys() | find_unproven(rollouts)
    return tuple(number for number in stand(rollouts).stored if number in known)


def find_next_epoch(rollouts: Iterable[Rollout]) -> int:
    """One more than any rollout of the contract ever had in the environment."""
    return 1 + max((each.epoch for each in rollouts), default=0)


def make_record(means: Means, facts: Facts, rollouts: Sequence[Rollout], at: datetime) -> ControlRecord | None:
    """The control record that git asks for; ``None`` where nothing was decided yet."""
    publication = find_publication(rollouts)
    if publication is None:
        return None
    stored = find_stored(facts, rollouts)
    return ControlRecord(
        contract=facts.contract,
        environment=means.environment.name,
        epoch=publication.epoch,
        active=publication.active,
        writable=publication.writable,
        prepare=publication.prepare,
        stored=stored,
        versions=tuple(_find_texts(facts, {*stored, publication.active, publication.prepare})),
        by=means.by,
        at=at,
    )


def _find_texts(facts: Facts, needed: set[int]) -> Iterator[BundledVersion]:
    """The needed versions, and those between them: converters lead from each version to the next."""
    numbers = needed - {0}
    for number in sorted(facts.versions):
        if min(numbers) <= number <= max(numbers):
            yield facts.bundled[number]


def lags(record: ControlRecord, found: ControlRecord | None) -> bool:
    """Whether the control topic says less than git.

    Raises :class:`registry.rollout.errors.SplitBrain` where it says more, or something else of the same rank. Only
    ``stored`` may differ within a rank: it loses a version when that is no longer read anywhere.
    """
    if found is None or found.rank < record.rank:
        return True
    said = _tell(found)
    if found.rank > record.rank or said != _tell(record):
        raise SplitBrain(
            f"the control topic of {record.environment} says {said} of {record.contract}, by {found.by or 'nobody'};"
            f" git says {_tell(record)}",
            "nothing was published; look at `git log contracts-state` of every clone for a decision that was never"
            " pushed, and push it, or tombstone the record if no such decision exists",
        )
    return set(found.stored) != set(record.stored)


def _tell(record: ControlRecord) -> str:
    prepared = f", prepare v{record.prepare}" if record.prepare else ""
    writable = " and ".join(f"v{number}" for number in sorted(record.writable))
    return f"epoch {record.epoch}, active v{record.active}{prepared}, writable {writable}"


class Right:
    """The right to publish one contract's control record, from when it is taken; where no cluster is asked, nothing."""

    def __init__(self, means: Means, facts: Facts) -> None:
        self._means = means
        self._facts = facts
        self._opened = ExitStack()
        self._writer: ControlWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def take(self) -> None:
        """Take it away from whoever has it. What was read of the journal before may be old now."""
        self._opened.close()
        main = self._means.find_main()
        if main is None:
            return
        self._writer = self._opened.enter_context(
            main[1].open_control(self._means.environment.name, self._facts.contract)
        )
        self._means.at("the right to publish is taken")

    def read(self) -> ControlRecord | None:
        """What the control topic says of the contract now."""
        main = self._means.find_main()
        return main[1].read_control(self._means.environment.name).get(self._facts.contract) if main else None

    def publish(self, rollouts: Sequence[Rollout], confirm: Callable[[], Sequence[Rollout]]) -> ControlRecord | None:
        """Bring the control topic to what git decided; the record, ``None`` where it says so already.

        ``rollouts`` are all of the contract in the environment. ``confirm`` reads them again after the right was taken
        anew, and raises :class:`registry.rollout.errors.LostRace` where they no longer say what was decided. Raises
        :class:`registry.rollout.errors.SplitBrain` where the topic says more than git.
        """
        if not self.is_behind(rollouts, confirm):
            return None
        for last in (False,) * (TRIES - 1) + (True,):
            try:
                if self._writer is None:
                    self.take()
                    rollouts = confirm()
                if not self.is_behind(rollouts, confirm):  # who had the right before us may have published it
                    return None
                record = self._write(rollouts)
            except Fenced as error:
                if last:
                    raise Fenced(error.message, self._way_out) from error
                self._writer = None
            except BrokerUnavailable as error:
                raise BrokerUnavailable(error.message, self._way_out) from error
            else:
                break
        return record

    def is_behind(self, rollouts: Sequence[Rollout], confirm: Callable[[], Sequence[Rollout]]) -> bool:
        """Whether the control topic says less than git.

        What is published was decided in git before. So git is asked again before a topic that says more counts as a
        split brain: somebody may have decided and published since it was asked.
        """
        found = self.read()
        if found is None:
            return self._means.find_main() is not None and find_publication(rollouts) is not None
        try:
            return self._lags(rollouts, found)
        except SplitBrain:
            return self._lags(confirm(), found)

    def _lags(self, rollouts: Sequence[Rollout], found: ControlRecord) -> bool:
        record = make_record(self._means, self._facts, rollouts, self._means.clock())
        if record is not None:
            return lags(record, found)
        raise SplitBrain(
            f"the control topic of {self._means.environment.name} says {_tell(found)} of {self._facts.contract}, by"
            f" {found.by or 'nobody'}; git says nothing of it",
            "nothing was published; is the branch contracts-state of another clone not pushed yet?",
        )

    def _write(self, rollouts: Sequence[Rollout]) -> ControlRecord:
        record = make_record(self._means, self._facts, rollouts, self._means.clock())
        assert record is not None and self._writer is not None
        named = f"epoch {record.epoch}{', prepare' * bool(record.prepare)}"
        self._means.at(f"before {named} is published")
        self._writer.publish(record)
        self._means.at(f"after {named} is published")
        return record

    @property
    def _way_out(self) -> str:
        command = f"contracts rollout reconcile {self._facts.contract} --env {self._means.environment.name}"
        return f"git holds the decision, and the control topic may not say it yet: {command}"
