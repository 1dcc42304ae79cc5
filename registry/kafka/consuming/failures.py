"""What a subscription does about a record that failed: decide, say so, and write the letter."""

from collections.abc import Callable

from registry.kafka.consuming.partitions import Owed, Partitions, Place, Trouble
from registry.kafka.consuming.policy import Decision, Failure, Policy, decide, is_counted
from registry.kafka.errors import Reject
from registry.kafka.observer import Observers
from registry.kafka.observing import LOG, find_calls, render_error, tell
from registry.serde.delivery import place
from registry.serde.record import Record

Rendering = Callable[[Record, Exception, int], Record]
"""The dead letter of a record, with the error and how often it failed."""


class Failures:
    """The policy of one subscription, and who is told. ``name`` is how the log calls a record."""

    def __init__(
        self, policy: Policy, observers: Observers, render: Rendering, name: Callable[[Record], str] = place
    ) -> None:
        self.policy = policy
        self.render = render
        self._name = name
        self._failed = find_calls(observers, "failed")
        self._dead_lettered = find_calls(observers, "dead_lettered")
        self._paused = find_calls(observers, "paused")
        self._resumed = find_calls(observers, "resumed")

    def count(self, books: Partitions, where: Place, record: Record, failure: Failure) -> int:
        """Which failure of its kind this one is of a record, counted from 1."""
        return books.attempts(where, record.offset, is_counted(failure, self.policy)) + 1

    def judge(self, record: Record, failure: Failure, attempt: int) -> Decision:
        """What happens to the record now."""
        tell(self._failed, record, failure.error, attempt)
        return decide(failure, attempt, self.policy)

    def put_aside(self, record: Record, error: Exception, attempt: int) -> None:
        """Says that its letter is written."""
        tries = "1 attempt" if attempt == 1 else f"{attempt} attempts"
        LOG.error(
            "%s is a dead letter after %s: %s",
            self._name(record),
            tries,
            render_error(error),
            exc_info=None if isinstance(error, Reject) else error,  # the handler meant it: no flaw is to be found
        )
        tell(self._dead_lettered, record, error)

    def hold(
        self,
        books: Partitions,
        where: Place,
        record: Record,
        failure: Failure,
        decision: Decision,
        now: float,
        owed: Owed | None = None,
    ) -> None:
        """Its partition waits before it, or for its letter. ``now`` is of time.monotonic."""
        before = books.troubles.get(where)
        attempt, held = self.count(books, where, record, failure), decision.action == "pause"
        counted = is_counted(failure, self.policy)
        books.hold(
            where,
            Trouble(
                offset=record.offset,
                attempts=attempt if counted else books.attempts(where, record.offset),
                error=failure.error,
                due=now + decision.delay,
                held=held,
                timestamp=record.timestamp,
                waits=books.attempts(where, record.offset, False) if counted else attempt,
                owed=owed,
            ),
        )
        if not held:
            LOG.warning(
                "%s: attempt %d%s failed, again in %s s: %s",
                self._name(record),
                attempt,
                f" of {self.policy.retry.attempts}" if counted else "",
                f"{decision.delay:.2g}" if decision.delay < 10 else f"{decision.delay:.0f}",
                render_error(failure.error),
            )
        elif before is None or not before.held or before.offset != record.offset:
            reason = render_error(failure.error)
            LOG.error(
                "partition %s[%s] is paused at offset %d: %s", *where, record.offset, reason, exc_info=failure.error
            )
            tell(self._paused, *where, failure.error)

    def pass_by(self, books: Partitions, where: Place, offset: int) -> None:
        """A partition got past this offset, and past its trouble if that stood before it."""
        trouble = books.pass_by(where, offset)
        if trouble and trouble.held:
            LOG.info("partition %s[%s] goes on after offset %d", *where, trouble.offset)
            tell(self._resumed, *where)
