"""What all rollouts of one contract in one environment mean together: which version is active, written, stored, read.

Each state says what it means in one row of :data:`MEANINGS`; the rest is the sum over the rollouts.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from registry.frozen import dataclass, field
from registry.rollout.rollout import Rollout
from registry.rollout.states import ENDED, State

OLD: Final = "o"
NEW: Final = "n"
BOTH: Final = "on"
NEITHER: Final = ""


class Meaning(NamedTuple):
    """What one state says of the step's old version (``o``) and its new one (``n``)."""

    readers: str
    """What every reader must be able to read."""
    writable: str
    active: str
    """While SWITCHING it is the publication that decides: the old one while the new one is only prepared."""
    stored: str
    """What may lie in the log, at the least."""
    served: str
    """What a newer version may be converted to, for readers that know no more."""


MEANINGS: Final[Mapping[State, Meaning]] = MappingProxyType(
    {
        State.PLANNED: Meaning(OLD, OLD, OLD, OLD, NEITHER),
        State.ABORTED: Meaning(OLD, OLD, OLD, OLD, NEITHER),
        State.EXPANDING: Meaning(OLD, OLD, OLD, OLD, NEITHER),
        State.SWITCHING: Meaning(BOTH, BOTH, NEW, BOTH, OLD),
        State.SWITCHED: Meaning(BOTH, BOTH, NEW, BOTH, OLD),
        State.CONTRACTING: Meaning(BOTH, NEW, NEW, BOTH, OLD),
        State.WRITE_RETIRED: Meaning(BOTH, NEW, NEW, BOTH, NEITHER),
        State.READ_RETIRED: Meaning(NEW, NEW, NEW, NEW, NEITHER),
        State.REVERTING: Meaning(BOTH, BOTH, OLD, BOTH, OLD),
        State.REVERTED: Meaning(BOTH, BOTH, OLD, BOTH, OLD),
        State.ABANDONED: Meaning(BOTH, BOTH, OLD, BOTH, OLD),
    }
)
"""The table of ROLLOUT.md, section 2."""

IDLE: Final = frozenset({State.PLANNED, State.ABORTED})
"""These never published anything that counts."""
UNWRITTEN: Final = frozenset({State.CONTRACTING, State.WRITE_RETIRED, State.READ_RETIRED})
"""From here on the runtime refuses to write the old version, whatever other rollouts once allowed."""
UNSERVED: Final = frozenset({State.WRITE_RETIRED, State.READ_RETIRED})
"""From here on nobody is served a newer version as the old one."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What one version of a contract is, in one environment."""

    readable: bool = False
    """Every reader must be able to read it, or have it served."""
    writable: bool = False
    active: bool = False
    served: bool = False
    """Newer versions are converted to it, for readers that know no more."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One contract in one environment, as its rollouts leave it."""

    epoch: int = 0
    """The highest ever decided; the next publication has one more."""
    active: int = 0
    """The version that is written; 0 where no rollout says."""
    stored: tuple[int, ...] = ()
    """Versions that may lie in the log."""
    required: tuple[int, ...] = ()
    """Versions that every reader must be able to read: the stored ones, and one that is prepared."""
    writable: tuple[int, ...] = ()
    prepared: int = 0
    """The version that is about to become active; 0 for none."""
    flags: Mapping[int, Flags] = field(default_factory=lambda: MappingProxyType({}))
    """By version; versions that no rollout names are left out."""


def stand(rollouts: Iterable[Rollout]) -> Standing:
    """What these mean together. They are all of one contract and one environment, in whatever state, in any order."""
    found = sorted(rollouts, key=_age)
    if not found:
        return Standing()
    epoch = max(max(each.epoch, each.publication.epoch if each.publication else 0) for each in found)
    unwritten = {each.step.old for each in found if each.state in UNWRITTEN}
    unserved = {each.step.old for each in found if each.state in UNSERVED}
    gone = {each.step.old for each in found if each.state is State.READ_RETIRED}
    governing = find_governing(found)
    active = find_active(governing) if governing else found[0].step.old
    prepared = find_prepared(governing)
    stored = {number for each in found for number in _stored(each)} - gone | {active}
    writable = {number for each in found for number in _writable(each, epoch)} - unwritten | {active}
    served = {number for each in found for number in _meant(each, MEANINGS[each.state].served)} - unserved
    required = stored | ({prepared} if prepared else set())
    flags = {
        number: Flags(number in required, number in writable, number == active, number in served)
        for number in sorted({number for each in found for number in (each.step.old, each.step.new)} | stored)
    }
    return Standing(
        epoch, active, tuple(sorted(stored)), tuple(sorted(required)), tuple(sorted(writable)), prepared, flags
    )


def find_unproven(rollouts: Iterable[Rollout]) -> frozenset[int]:
    """Versions that somebody is still rolling out or retiring: what git lists as retired among them is not proven yet.

    The log may hold them until their own rollout has ended, whatever ownership.yaml says.
    """
    begun = [each for each in rollouts if each.state not in IDLE | ENDED]
    return frozenset(number for each in begun for number in (each.step.old, each.step.new))


def find_governing(rollouts: Iterable[Rollout]) -> Rollout | None:
    """The rollout whose word on the active version counts: of the highest epoch, and of those the newest step.

    ``None`` where each is only planned or was aborted: then nothing was ever switched.
    """
    counted = [each for each in rollouts if each.state not in IDLE]
    return max(counted, key=lambda each: (each.epoch, each.step.new, each.step.old), default=None)


def find_active(rollout: Rollout) -> int:
    """The version that the owner writes, as far as this one rollout says."""
    if rollout.state is State.SWITCHING and rollout.publication:
        return rollout.publication.active
    return rollout.step.new if MEANINGS[rollout.state].active == NEW else rollout.step.old


def find_prepared(rollout: Rollout | None) -> int:
    """The version that it has prepared and not switched to yet; 0 for none."""
    if rollout is None or rollout.state is not State.SWITCHING or rollout.publication is None:
        return 0
    return rollout.publication.prepare


def _age(rollout: Rollout) -> tuple[int, int]:
    return rollout.step.new, rollout.step.old


def _stored(rollout: Rollout) -> set[int]:
    if rollout.state in IDLE:
        return set()  # planned ahead, its old version may not be written yet
    # What the journal names is never less than what the state means, unless a hand edited it; then the state counts.
    return set(rollout.stored) | _meant(rollout, MEANINGS[rollout.state].stored)


def _writable(rollout: Rollout, epoch: int) -> set[int]:
    if rollout.state in IDLE:
        return set()  # its old version is writable because another rollout says so, or because it is the active one
    if rollout.state is State.ABANDONED and rollout.epoch < epoch:
        return {rollout.step.old}  # nobody writes what was abandoned: the next publication no longer allows it
    return _meant(rollout, MEANINGS[rollout.state].writable)


def _meant(rollout: Rollout, which: str) -> set[int]:
    return {number for letter, number in ((OLD, rollout.step.old), (NEW, rollout.step.new)) if letter in which}
