"""The consumers of one service, run on Kafka: in order, again where it failed, and committed when it is done."""

import signal
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from registry.kafka.consuming.attempt import Attempt
from registry.kafka.consuming.dead_letters import check_dead_letter_topic, render_dead_letter
from registry.kafka.consuming.dead_letters import dead_letter_topic as default_topic
from registry.kafka.consuming.failures import Failures
from registry.kafka.consuming.letters import Letters
from registry.kafka.consuming.loop import Loop
from registry.kafka.consuming.partitions import Place
from registry.kafka.consuming.policy import PAUSE, Foreign, Policy, Unknown, check_policy
from registry.kafka.consuming.polling import check_batch
from registry.kafka.consuming.sources import find_sources
from registry.kafka.errors import SettingsError
from registry.kafka.inbox import Inbox
from registry.kafka.observer import Observers
from registry.kafka.observing import find_calls, tell
from registry.kafka.retry import Retry
from registry.kafka.settings import consumer_settings
from registry.serde.consumer import Consumer
from registry.serde.fallback import Fallback
from registry.serde.receiver import Receiver
from registry.serde.record import Record
from registry.serde.transport import Transport

if TYPE_CHECKING:
    from registry.kafka.rollout.part import Member
    from registry.kafka.rollout.rollouts import Rollouts


class Subscription:
    """Reads the topics of its consumers as one member of a group, and calls their handlers.

    ``settings`` are librdkafka's. A new group begins with the oldest record: to skip events silently is the worse
    mistake, and ``auto.offset.reset`` says otherwise where it is none. ``batch`` is the largest number of records that
    are fetched from the client at once.

    A record counts as handled when its handler returned, and what that published through one of ``outputs`` arrived:
    only then is its offset stored, to be committed within seconds, when the partition goes to another member, and at
    the end. So each event is handled at least once, and with an ``inbox`` its effect is there once. A handler that
    raises is called again as ``retry`` says while the other partitions go on; after that the record goes to
    ``dead_letter_topic`` (``<service>.dead-letters``), by ``dead_letters`` or a transport with the same settings, and
    its offset is stored once the broker has the letter. :mod:`registry.kafka.consuming.policy` says what happens to
    records that cannot be read; ``unknown`` is for schemas that nobody knows and ``foreign`` for writers that do not
    own the event, unless they are named in ``former_owners``. With ``rollouts`` it is admitted before it joins its
    group, and reads versions that its stubs lack with the texts of the control record.

    Raises what :class:`registry.serde.receiver.Receiver` does, and :class:`SettingsError`; nothing is connected yet.
    """

    def __init__(
        self,
        settings: Mapping[str, object],
        *consumers: Consumer,
        group: str,
        service: str | None = None,
        fallback: Fallback | None = None,
        retry: Retry | None = None,
        pause: Retry | None = None,
        dead_letters: Transport | None = None,
        dead_letter_topic: str | None = None,
        inbox: Inbox | None = None,
        outputs: Sequence[Transport] = (),
        unknown: Unknown = "pause",
        foreign: Foreign = "dead-letter",
        former_owners: Collection[str] = (),
        observers: Observers = (),
        batch: int = 500,
        rollouts: "Rollouts | None" = None,
    ) -> None:
        receiver = Receiver(*consumers, service=service, fallback=fallback, steering=rollouts)
        if receiver.asynchronous:
            raise SettingsError("these handlers are coroutines", help="AsyncSubscription awaits them")
        check_batch(batch)
        policy = Policy(retry=retry or Retry(), pause=pause or PAUSE, unknown=unknown, foreign=foreign)
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
        self._loop = Loop(
            consumer_settings(settings, group),
            receiver.topics,
            Attempt(
                receiver.read,
                find_sources(receiver.bundles, former_owners, foreign),
                group=group,
                inbox=inbox,
                observers=observers,
            ),
            Failures(policy, observers, self._render),
            Letters(dead_letters, settings),
            outputs=outputs,
            observers=observers,
            batch=batch,
            admit=None if rollouts is None else self._confirm,
        )

    @property
    def assigned(self) -> frozenset[Place]:
        """The topics and partitions that are read here now."""
        return self._loop.books.assigned

    @property
    def paused(self) -> Mapping[Place, Exception]:
        """The partitions that stand before a record which waits for something to change, each with the reason."""
        return self._loop.books.paused

    def run(self, until: Callable[[], bool] | None = None, *, signals: Iterable[signal.Signals] = ()) -> None:
        """Handles records until :meth:`stop`, or until ``until`` is true: it is asked between batches.

        With ``signals``, say ``(signal.SIGTERM, signal.SIGINT)``, the first of them stops it and the next one leaves at
        once; only the main thread can ask for that. Raises :class:`registry.kafka.ReadFailed` where the broker
        refuses for good, what the policy says to raise, and :class:`registry.kafka.NotAdmitted` where a rollout does
        not let this build join.
        """
        opened = self._loop.is_open
        if self._rollouts is not None and self._member is None:
            self._member = self._rollouts.join(self.group, self._serdes, lambda: self.paused, self._loop.wake)
        tell(self._subscribed, self._bundles, self.group)
        try:
            self._loop.run(until, signals)
        except BaseException:
            self._part()
            raise
        if not opened:
            self.close()

    def stop(self) -> None:
        """Ends :meth:`run` after the record in hand, and each later run at once. From any thread and any handler."""
        self._loop.stop()

    def close(self) -> None:
        """Commits what was handled and leaves the group; where another thread runs it, that is stopped first."""
        self._loop.close()
        self._part()

    def _confirm(self) -> None:
        """Asks once more when it has partitions: what was published while it joined its group."""
        if self._rollouts is not None and self._member is not None:
            self._rollouts.admit(self._member)

    def _part(self) -> None:
        member, self._member = self._member, None
        if self._rollouts is not None and member is not None:
            self._rollouts.leave(member)

    def __enter__(self) -> Self:
        self._loop.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _render(self, record: Record, error: Exception, attempts: int) -> Record:
        return render_dead_letter(
            record, error, attempts=attempts, service=self.service, group=self.group, topic=self.dead_letter_topic
        )
