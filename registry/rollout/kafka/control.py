"""The right to publish a contract's control record: a transactional id that the next operator takes away (KIP-98)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from registry.kafka.errors import MessagingError
from registry.kafka.producing.transactions import Fenced as TakenOver
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.rollout.control import CONTROL_TOPIC, ControlRecord, control_key
from registry.kafka.rollout.documents import render_control
from registry.rollout.errors import BrokerUnavailable, Fenced
from registry.rollout.kafka.client import Client
from registry.serde.record import Record

_ABANDONED: Final = 10_000
"""Milliseconds after which the broker ends the transaction of an operator that was killed in the middle of it: until
then readers of committed records wait before it."""


def transactional_id(environment: str, contract: str) -> str:
    """What operators of one contract in one environment share, so that one of them is left."""
    return f"contracts.control.{environment}.{contract}"


class TransactionalWriter:
    """The right, as long as nobody else takes it."""

    def __init__(self, client: Client, transport: KafkaTransport, contract: str) -> None:
        self._client = client
        self._transport = transport
        self._contract = contract

    def publish(self, record: ControlRecord) -> None:
        """As :meth:`registry.rollout.broker.ControlWriter.publish`."""
        written = Record(
            CONTROL_TOPIC,
            control_key(record.environment, record.contract).encode(),
            render_control(record).encode(),
        )
        try:
            with self._transport.transaction():
                self._transport.send(written)
        except MessagingError as error:
            raise explain(self._client, self._contract, error) from error


@contextmanager
def open_control(client: Client, environment: str, contract: str) -> Iterator[TransactionalWriter]:
    """As :meth:`registry.rollout.broker.Broker.open_control`; the topic must be there."""
    settings = {"log_level": 0, **client.settings, "transaction.timeout.ms": _ABANDONED}
    try:
        transport = KafkaTransport(
            settings, patience=client.patience, transactional_id=transactional_id(environment, contract)
        )
    except MessagingError as error:
        raise explain(client, contract, error) from error
    try:
        yield TransactionalWriter(client, transport, contract)
    finally:
        # What was published was acknowledged by its transaction, and what was not has raised.
        with suppress(MessagingError):
            transport.close(client.patience)


def explain(client: Client, contract: str, error: MessagingError) -> BrokerUnavailable | Fenced:
    """The error for one of the transport's."""
    if isinstance(error, TakenOver):
        return Fenced(
            f"another operator took the right to publish for {contract} on the cluster {client.name}",
            "look at `contracts rollout status`; what is half done `contracts rollout reconcile` brings to its end",
        )
    return BrokerUnavailable(
        f"the cluster {client.name} does not take the control record of {contract}: {error.message}",
        error.help or f"may this principal write {CONTROL_TOPIC}, and use transactional ids contracts.control.*?",
    )
