"""The consumers of one service that runs on asyncio, run on Kafka: partitions at once, each in its order."""

import asyncio
import signal
from collections.abc import Collection, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from registry.kafka.consuming.async_attempt import AsyncAttempt
from registry.kafka.consuming.async_letters import AsyncLetters
from registry.kafka.consuming.async_loop import AsyncLoop, check_times, find_longest
from registry.kafka.consuming.dead_letters import check_dead_letter_topic, render_dead_letter
from registry.kafka.consuming.dead_letters import dead_letter_topic as default_topic
from registry.kafka.consuming.failures import Failures
from registry.kafka.consuming.partitions import Place
from registry.kafka.consuming.policy import Foreign, Policy, Unknown, check_policy
from registry.kafka.consuming.polling import check_batch
from registry.kafka.consuming.sources import find_sources
from registry.kafka.errors import SettingsError
from registry.kafka.inbox import AsyncInbox, Inbox
from registry.kafka.observer import Observers
from registry.kafka.observing import find_calls, tell
from registry.kafka.retry import Retry
from registry.kafka.settings import consumer_settings
from registry.serde.async_consumer import AsyncConsumer
from registry.serde.fallback import Fallback
from registry.serde.receiver import Receiver
from registry.serde.record import Record
from registry.serde.transport import AsyncTransport

if TYPE_CHECKING:
    from registry.kafka.rollout.part import Member
    from registry.kafka.rollout.rollouts import Rollouts


class AsyncSubscription:
    """Reads the topics of its consumers as one member of a group, and awaits their handlers.

    As :class:`registry.kafka.Subscription`, with the same policy, retries, dead letters and offsets; but
    the partitions are handled at once, and the records of each one after the other. One that is tried again later, or
    that nobody can read yet, holds up its own partition and no other. A handler that awaits its ``publish`` needs no
    ``outputs``: what it sent has arrived.

    ``timeout`` is how many seconds a handler may take; then it is cancelled, and has failed with
    :class:`registry.kafka.HandlerTimeout`. Where it is not given it is ``max.poll.interval.ms``, 300 s unless
    the settings say otherwise. ``grace`` is how many seconds the records in hand may take to finish when their
    partition goes to another member, or when the run ends; then their handlers are cancelled. An ``inbox`` for asyncio
    lets handlers run at once; with one for threads they run one at a time.

    Raises what :class:`registry.serde.receiver.Receiver` does, and :class:`SettingsError`; nothing is connected yet.
    """

    def __init__(
        self,
        settings: Mapping[str, object],
        *consumers: AsyncConsumer,
        group: str,
        service: str | None = None,
        fallback: Fallback | None = None,
        retry: Retry | None = None,
        dead_letters: AsyncTransport | None = None,
        dead_letter_topic: str | None = None,
        inbox: Inbox | AsyncInbox | None = None,
        unknown: Unknown = "pause",
        foreign: Foreign = "dead-letter",
        former_owners: Collection[str] = (),
        observers: Observers = (),
        batch: int = 500,
        timeout: float | None = None,
        grace: float = 10.0,
        rollouts: "Rollouts | None" = None,
    ) -> None:
        receiver = Receiver(*consumers, service=service, fallback=fallback, steering=rollouts)
        if not receiver.asynchronous:
            name = receiver.bundles[0].event.rpartition(".")[2]
            raise SettingsError(
                "these handlers are no coroutines", help=f"inherit {name}AsyncConsumer, or use Subscription"
            )
        check_batch(batch)
        check_times(timeout, grace)
        policy = Policy(retry=retry or Retry(), unknown=unknown, foreign=foreign)
        check_policy(policy)
        self.service = receiver.service
        """The service that runs here."""
        self.group = group
        self.dead_letter_topic = dead_letter_topic or default_topic(receiver.service)
        """Where its dead letters go."""
        check_dead_letter_topic(self.dead_letter_topic, receiver.topics)
        self._bundles = receiver.bundles
        self._serdes = receiver.serdes
        self._rollouts = rollouts
        self._member: Member | None = None
        self._subscribed = find_calls(observers, "subscribed")
        sources = find_sources(receiver.bundles, former_owners, foreign)
        asked = consumer_settings(settings, group)
        longest = find_longest(asked)

        def attempt() -> AsyncAttempt:
            return AsyncAttempt(
                receiver.read,
                sources,
                group=group,
                inbox=inbox,
                observers=observers,
                timeout=longest if timeout is None else timeout,
            )

        self._loop = AsyncLoop(
            asked,
            receiver.topics,
            attempt,
            Failures(policy, observers, self._render),
            AsyncLetters(dead_letters, settings),
            observers=observers,
            batch=batch,
            grace=grace,
            admit=None if rollouts is None else self._confirm,
        )

    @property
    def assigned(self) -> frozenset[Place]:
        """The topics and partitions that are read here now."""
        return self._loop.assigned

    @property
    def paused(self) -> Mapping[Place, Exception]:
        """The partitions that stand before a record which waits for something to change, each with the reason."""
        return self._loop.paused

    def stop(self) -> None:
        """Ends :meth:`run` when the records in hand are finished. From any thread, any handler, and again."""
        self._loop.stop()

    async def close(self) -> None:
        """Where another task runs it: stops it, and waits until what was handled is committed and the group left."""
        await self._loop.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def run(self, *, signals: Iterable[signal.Signals] = ()) -> None:
        """Handles records until :meth:`stop`, or until the task is cancelled.

        Either way the records in hand are finished (for ``grace`` seconds), what was handled is committed, and the
        member leaves its group; to cancel the task once more leaves at once. With ``signals`` the first of them stops
        and the next one cancels: ``asyncio.run`` itself cancels for an interrupt from the keyboard.

        Raises :class:`registry.kafka.ReadFailed` where the broker refuses for good, what the policy says to raise, and
        :class:`registry.kafka.NotAdmitted` where a rollout does not let this build join.
        """
        rollouts = self._rollouts
        if rollouts is None:
            tell(self._subscribed, self._bundles, self.group)
            await self._loop.run(tuple(signals))
            return
        # Shielded: a thread cannot be cancelled, and who joined has to leave.
        joining = asyncio.ensure_future(
            asyncio.to_thread(rollouts.join, self.group, self._serdes, lambda: self.paused, self._loop.wake)
        )
        try:
            self._member = await asyncio.shield(joining)
            tell(self._subscribed, self._bundles, self.group)
            await self._loop.run(tuple(signals))
        finally:
            self._member = None
            if joining.done():
                _leave(rollouts, joining)
            else:
                joining.add_done_callback(lambda done: _leave(rollouts, done))

    def _confirm(self) -> None:
        """Asks once more when it has partitions, in the thread that reads: what was published while it joined."""
        if self._rollouts is not None and (member := self._member) is not None:
            self._rollouts.admit(member)

    def _render(self, record: Record, error: Exception, attempts: int) -> Record:
        return render_dead_letter(
            record, error, attempts=attempts, service=self.service, group=self.group, topic=self.dead_letter_topic
        )


def _leave(rollouts: "Rollouts", joining: "asyncio.Future[Member]") -> None:
    if not joining.cancelled() and joining.exception() is None:
        rollouts.leave(joining.result())
