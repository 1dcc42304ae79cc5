"""Typed events on Kafka: what the generated producers and consumers run on, over confluent-kafka.

A door: each name is loaded from its module when it is first asked for, so that a service pays for what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from registry.kafka.causality import find_steps as find_steps
    from registry.kafka.causality import parse_told as parse_told
    from registry.kafka.causality import render_steps as render_steps
    from registry.kafka.consuming.async_attempt import HandlerCancelled as HandlerCancelled
    from registry.kafka.consuming.async_redrive import async_redrive as async_redrive
    from registry.kafka.consuming.async_subscription import AsyncSubscription as AsyncSubscription
    from registry.kafka.consuming.dead_letters import DeadLetter as DeadLetter
    from registry.kafka.consuming.dead_letters import NoDeadLetter as NoDeadLetter
    from registry.kafka.consuming.dead_letters import dead_letter_topic as dead_letter_topic
    from registry.kafka.consuming.dead_letters import parse_dead_letter as parse_dead_letter
    from registry.kafka.consuming.polling import ReadFailed as ReadFailed
    from registry.kafka.consuming.redrive import Redriven as Redriven
    from registry.kafka.consuming.redrive import redrive as redrive
    from registry.kafka.consuming.subscription import Subscription as Subscription
    from registry.kafka.errors import DeliveryFailed as DeliveryFailed
    from registry.kafka.errors import ForeignWriter as ForeignWriter
    from registry.kafka.errors import HandlerTimeout as HandlerTimeout
    from registry.kafka.errors import MessagingError as MessagingError
    from registry.kafka.errors import MissingLibrary as MissingLibrary
    from registry.kafka.errors import NoTransaction as NoTransaction
    from registry.kafka.errors import QueueFull as QueueFull
    from registry.kafka.errors import Reject as Reject
    from registry.kafka.errors import SettingsError as SettingsError
    from registry.kafka.errors import Unpublishable as Unpublishable
    from registry.kafka.inbox import AsyncInbox as AsyncInbox
    from registry.kafka.inbox import EventKey as EventKey
    from registry.kafka.inbox import Inbox as Inbox
    from registry.kafka.inbox.async_postgres import AsyncPostgresInbox as AsyncPostgresInbox
    from registry.kafka.inbox.errors import ClaimLost as ClaimLost
    from registry.kafka.inbox.errors import InboxBusy as InboxBusy
    from registry.kafka.inbox.errors import InboxUnavailable as InboxUnavailable
    from registry.kafka.inbox.errors import TransactionEnded as TransactionEnded
    from registry.kafka.inbox.memory import MemoryInbox as MemoryInbox
    from registry.kafka.inbox.postgres import PostgresInbox as PostgresInbox
    from registry.kafka.inbox.redis import RedisInbox as RedisInbox
    from registry.kafka.inbox.sqlite import SqliteInbox as SqliteInbox
    from registry.kafka.monitoring.metrics import Metrics as Metrics
    from registry.kafka.monitoring.tracing import Tracing as Tracing
    from registry.kafka.observer import Observer as Observer
    from registry.kafka.outbox import MissingTable as MissingTable
    from registry.kafka.outbox import Outbox as Outbox
    from registry.kafka.outbox import OutboxUnavailable as OutboxUnavailable
    from registry.kafka.outbox.async_postgres import AsyncPostgresOutbox as AsyncPostgresOutbox
    from registry.kafka.outbox.postgres import PostgresOutbox as PostgresOutbox
    from registry.kafka.outbox.relay import Relay as Relay
    from registry.kafka.outbox.sqlite import SqliteOutbox as SqliteOutbox
    from registry.kafka.producing.async_transport import AsyncKafkaTransport as AsyncKafkaTransport
    from registry.kafka.producing.line import Unusable as Unusable
    from registry.kafka.producing.transactions import Fenced as Fenced
    from registry.kafka.producing.transactions import Transaction as Transaction
    from registry.kafka.producing.transactions import TransactionAborted as TransactionAborted
    from registry.kafka.producing.transactions import TransactionInDoubt as TransactionInDoubt
    from registry.kafka.producing.transport import KafkaTransport as KafkaTransport
    from registry.kafka.retry import Retry as Retry
    from registry.kafka.rollout.errors import NotAdmitted as NotAdmitted
    from registry.kafka.rollout.rollouts import Rollouts as Rollouts
    from registry.kafka.scan import find_topics as find_topics
    from registry.kafka.scan import read_topics as read_topics
    from registry.kafka.transaction import current_connection as current_connection
    from registry.kafka.transaction import using as using

_MODULES: Final = {
    "registry.kafka.causality": (
        "find_steps",
        "parse_told",
        "render_steps",
    ),
    "registry.kafka.consuming.async_attempt": ("HandlerCancelled",),
    "registry.kafka.consuming.async_redrive": ("async_redrive",),
    "registry.kafka.consuming.async_subscription": ("AsyncSubscription",),
    "registry.kafka.consuming.dead_letters": (
        "DeadLetter",
        "NoDeadLetter",
        "dead_letter_topic",
        "parse_dead_letter",
    ),
    "registry.kafka.consuming.polling": ("ReadFailed",),
    "registry.kafka.consuming.redrive": (
        "Redriven",
        "redrive",
    ),
    "registry.kafka.consuming.subscription": ("Subscription",),
    "registry.kafka.errors": (
        "DeliveryFailed",
        "ForeignWriter",
        "HandlerTimeout",
        "MessagingError",
        "MissingLibrary",
        "NoTransaction",
        "QueueFull",
        "Reject",
        "SettingsError",
        "Unpublishable",
    ),
    "registry.kafka.inbox": (
        "AsyncInbox",
        "EventKey",
        "Inbox",
    ),
    "registry.kafka.inbox.async_postgres": ("AsyncPostgresInbox",),
    "registry.kafka.inbox.errors": (
        "ClaimLost",
        "InboxBusy",
        "InboxUnavailable",
        "TransactionEnded",
    ),
    "registry.kafka.inbox.memory": ("MemoryInbox",),
    "registry.kafka.inbox.postgres": ("PostgresInbox",),
    "registry.kafka.inbox.redis": ("RedisInbox",),
    "registry.kafka.inbox.sqlite": ("SqliteInbox",),
    "registry.kafka.monitoring.metrics": ("Metrics",),
    "registry.kafka.monitoring.tracing": ("Tracing",),
    "registry.kafka.observer": ("Observer",),
    "registry.kafka.outbox": (
        "MissingTable",
        "Outbox",
        "OutboxUnavailable",
    ),
    "registry.kafka.outbox.async_postgres": ("AsyncPostgresOutbox",),
    "registry.kafka.outbox.postgres": ("PostgresOutbox",),
    "registry.kafka.outbox.relay": ("Relay",),
    "registry.kafka.outbox.sqlite": ("SqliteOutbox",),
    "registry.kafka.producing.async_transport": ("AsyncKafkaTransport",),
    "registry.kafka.producing.line": ("Unusable",),
    "registry.kafka.producing.transactions": (
        "Fenced",
        "Transaction",
        "TransactionAborted",
        "TransactionInDoubt",
    ),
    "registry.kafka.producing.transport": ("KafkaTransport",),
    "registry.kafka.retry": ("Retry",),
    "registry.kafka.rollout.errors": ("NotAdmitted",),
    "registry.kafka.rollout.rollouts": ("Rollouts",),
    "registry.kafka.scan": (
        "find_topics",
        "read_topics",
    ),
    "registry.kafka.transaction": (
        "current_connection",
        "using",
    ),
}
"""Module to the names it gives; a test keeps them in step with the imports above."""
_MODULE_OF: Final = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_MODULE_OF)  # noqa: PLE0605  # the table above is the list


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"registry.kafka has no {name}")
    value = globals()[name] = getattr(import_module(module), name)
    return value
