"""Dead letters, handed once more to the handlers of a service that runs on asyncio."""

import asyncio
import signal
from collections.abc import Collection, Iterable, Mapping

from registry.kafka.consuming.async_attempt import AsyncAttempt
from registry.kafka.consuming.async_letters import AsyncLetters
from registry.kafka.consuming.async_loop import AsyncLoop, check_times, find_longest
from registry.kafka.consuming.dead_letters import dead_letter_topic
from registry.kafka.consuming.failures import Failures
from registry.kafka.consuming.policy import Foreign, Policy, check_policy
from registry.kafka.consuming.redrive import Redriven, read_ends
from registry.kafka.consuming.redriving import Redriving
from registry.kafka.consuming.sources import find_sources
from registry.kafka.errors import SettingsError
from registry.kafka.inbox import AsyncInbox, Inbox
from registry.kafka.observer import Observers
from registry.kafka.retry import Retry
from registry.kafka.settings import consumer_settings
from registry.serde.async_consumer import AsyncConsumer
from registry.serde.fallback import Fallback
from registry.serde.receiver import Receiver
from registry.serde.transport import AsyncTransport


async def async_redrive(
    settings: Mapping[str, object],
    *consumers: AsyncConsumer,
    group: str,
    service: str | None = None,
    fallback: Fallback | None = None,
    retry: Retry | None = None,
    dead_letters: AsyncTransport | None = None,
    topic: str = "",
    inbox: Inbox | AsyncInbox | None = None,
    foreign: Foreign = "dead-letter",
    former_owners: Collection[str] = (),
    observers: Observers = (),
    timeout: float | None = None,
    grace: float = 10.0,
    signals: Iterable[signal.Signals] = (),
) -> Redriven:
    """As :func:`registry.kafka.redrive.redrive`, for the handlers of an
    :class:`registry.kafka.AsyncSubscription`, whose arguments these are. Partitions are redriven at once. Where the
    task is cancelled, the records in hand are finished first.
    """
    receiver = Receiver(*consumers, service=service, fallback=fallback)
    if not receiver.asynchronous:
        raise SettingsError("these handlers are no coroutines", help="redrive() calls them")
    check_times(timeout, grace)
    policy = Policy(retry=retry or Retry(attempts=1), unknown="dead-letter", foreign=foreign, redrive=True)
    check_policy(policy)
    topic = topic or dead_letter_topic(receiver.service)
    asked = consumer_settings(settings, f"{group}.redrive")
    sources = find_sources(receiver.bundles, former_owners, foreign)
    ends = await asyncio.to_thread(read_ends, asked, topic)
    redriving = Redriving(receiver, group, topic)
    if ends:
        watching = (*observers, redriving)
        loop = AsyncLoop(
            asked,
            [topic],
            lambda: AsyncAttempt(
                redriving.read,
                sources,
                group=group,
                inbox=inbox,
                observers=watching,
                timeout=find_longest(asked) if timeout is None else timeout,
            ),
            Failures(policy, watching, redriving.render, redriving.name),
            AsyncLetters(dead_letters, settings),
            observers=watching,
            batch=100,
            grace=grace,
            ends=ends,
        )
        await loop.run(tuple(signals))
    return Redriven(*redriving.counts)
