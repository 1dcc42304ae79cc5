"""Dead letters, handed once more to the handlers of the service that put them aside.

Never to the topic they came from: that has one writer, and its other readers have handled them long since.
"""

import signal
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from registry.frozen import dataclass
from registry.kafka.consuming.attempt import Attempt
from registry.kafka.consuming.dead_letters import dead_letter_topic
from registry.kafka.consuming.failures import Failures
from registry.kafka.consuming.letters import Letters
from registry.kafka.consuming.loop import Loop
from registry.kafka.consuming.partitions import Place
from registry.kafka.consuming.policy import Foreign, Policy, check_policy
from registry.kafka.consuming.polling import explain
from registry.kafka.consuming.redriving import Redriving
from registry.kafka.consuming.sources import find_sources
from registry.kafka.errors import MessagingError, SettingsError
from registry.kafka.inbox import Inbox
from registry.kafka.leaders import ask_leader
from registry.kafka.observer import Observers
from registry.kafka.retry import Retry
from registry.kafka.settings import consumer_settings, start_consumer
from registry.serde.consumer import Consumer
from registry.serde.fallback import Fallback
from registry.serde.receiver import Receiver
from registry.serde.transport import Transport

_PATIENCE: Final = 15.0
"""Seconds to wait for an answer of the cluster."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of the dead letters that lay there when a redrive began."""

    handled: int
    repeated: int
    """Events that had been handled meanwhile, which an inbox knows."""
    again: int
    """Those that failed once more, and lie at the end of the dead letters now."""
    others: int
    """Records that were passed over: of another group or service, of events that nobody here reads, or no letters."""


def redrive(
    settings: Mapping[str, object],
    *consumers: Consumer,
    group: str,
    service: str | None = None,
    fallback: Fallback | None = None,
    retry: Retry | None = None,
    dead_letters: Transport | None = None,
    topic: str = "",
    inbox: Inbox | None = None,
    outputs: Sequence[Transport] = (),
    foreign: Foreign = "dead-letter",
    former_owners: Collection[str] = (),
    observers: Observers = (),
    signals: Iterable[signal.Signals] = (),
) -> Redriven:
    """Handles the dead letters of a group that lie in ``topic`` now and were not redriven yet, and returns.

    The arguments are those of the group's :class:`registry.kafka.Subscription`; ``retry`` is one attempt
    unless said otherwise. Handlers see each event as if it came from its own topic. What fails again goes to the end
    of the topic, with its attempts added up, and is not tried again by this call; so do events that still cannot be
    read. How far it came is kept by the group ``<group>.redrive``. Raises :class:`MessagingError` for a topic that does
    not exist, and what keeps anything from being handled: a database that is down, a broker.
    """
    receiver = Receiver(*consumers, service=service, fallback=fallback)
    if receiver.asynchronous:
        raise SettingsError("these handlers are coroutines", help="async_redrive() awaits them")
    policy = Policy(retry=retry or Retry(attempts=1), unknown="dead-letter", foreign=foreign, redrive=True)
    check_policy(policy)
    topic = topic or dead_letter_topic(receiver.service)
    asked = consumer_settings(settings, f"{group}.redrive")
    sources = find_sources(receiver.bundles, former_owners, foreign)
    ends = read_ends(asked, topic)
    redriving = Redriving(receiver, group, topic)
    if not ends:
        return Redriven(*redriving.counts)

    watching = (*observers, redriving)
    loop = Loop(
        asked,
        [topic],
        Attempt(redriving.read, sources, group=group, inbox=inbox, observers=watching),
        Failures(policy, watching, redriving.render, redriving.name),
        Letters(dead_letters, settings),
        outputs=outputs,
        observers=watching,
        batch=100,
        ends=ends,
    )
    try:
        loop.run(lambda: loop.at_end, signals)
    finally:
        loop.close()
    return Redriven(*redriving.counts)


def read_ends(settings: Mapping[str, Any], topic: str) -> dict[Place, int]:
    """The end offset of each partition in which the group of these settings has something before it.

    Raises :class:`MessagingError` for a topic that does not exist, and where the cluster does not answer.
    """
    consumer = start_consumer(settings)
    from confluent_kafka import KafkaException, TopicPartition

    try:
        found = consumer.list_topics(topic, timeout=_PATIENCE).topics[topic]
        if found.error is not None or not found.partitions:
            raise _explain_missing(topic, found.error)
        places = [TopicPartition(topic, number) for number in sorted(found.partitions)]
        ends: dict[Place, int] = {}
        for known in ask_leader(partial(consumer.committed, places, timeout=_PATIENCE)):
            place = TopicPartition(topic, known.partition)
            low, high = ask_leader(partial(consumer.get_watermark_offsets, place, _PATIENCE))
            if max(low, known.offset) < high:
                ends[topic, known.partition] = high
        return ends
    except KafkaException as error:
        raise MessagingError(f"the ends of {topic} cannot be found: {explain(error)}") from None
    finally:
        consumer.close()


def _explain_missing(topic: str, error: Any) -> MessagingError:
    if error is None or error.name() == "UNKNOWN_TOPIC_OR_PART":
        return MessagingError(f"the topic {topic} does not exist", help="create it, or run `contracts dev`")
    return MessagingError(f"the topic {topic} cannot be read: {error.name()}: {error.str()}")
