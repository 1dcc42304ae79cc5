"""What a control record means for one build: who may join, what is written, and which of two records counts. Pure."""

from collections.abc import Collection
from typing import NamedTuple

from registry.kafka.rollout.control import ControlRecord


class Choice(NamedTuple):
    """What a producer does with a control record."""

    version: int
    """The version that it writes; 0 where it may write none."""
    trouble: str
    """Why that is not what the record asks for; empty where it is."""


def find_required(record: ControlRecord) -> tuple[int, ...]:
    """The versions that a reader must be able to read: stored, active, and about to become active."""
    return tuple(sorted({*record.stored, record.active, record.prepare} - {0}))


def find_refusal(reads: Collection[int], served: Collection[int], record: ControlRecord | None) -> str:
    """Why a reader may not join; empty where it may.

    ``served`` are versions that it reads with the texts which the record carries. A build that reads nothing of the
    contract is no reader of it, and without a record there is nothing to refuse by.
    """
    if record is None or not reads:
        return ""
    missing = [number for number in find_required(record) if number not in reads and number not in served]
    if not missing:
        return ""
    names = " and ".join(f"v{number}" for number in missing)
    why = f"v{record.prepare} is about to be written" if missing == [record.prepare] else f"{names} may lie in the log"
    if missing == [record.active] and record.active not in record.stored:
        why = f"v{record.active} is written"
    return f"cannot read {names} (reads: {sorted(reads)}): {why} in {record.environment} since epoch {record.epoch}"


def choose(writes: Collection[int], known: int, record: ControlRecord | None) -> Choice:
    """The version that a producer writes, of those that its build can.

    ``known`` is what it writes now: it goes on with that where it cannot write the active version, as long as that is
    allowed; then with the newest that is.
    """
    if record is None or not writes:
        return Choice(known, "")
    if record.active in writes:
        return Choice(record.active, "")
    allowed = [number for number in sorted(writes) if number in record.writable]
    trouble = f"cannot write v{record.active}, which is active (writes: {sorted(writes)})"
    if known in allowed:
        return Choice(known, f"{trouble}; goes on with v{known}")
    if allowed:
        return Choice(allowed[-1], f"{trouble}; writes v{allowed[-1]}")
    return Choice(0, f"{trouble}, and none of its versions may be written any more: refuses to write")


def find_newer(known: ControlRecord | None, found: ControlRecord | None) -> ControlRecord | None:
    """Which of two records of one contract counts: the higher rank, of equal ones the one that was found later."""
    if known is None or found is None:
        return found or known
    return found if found.rank >= known.rank else known
