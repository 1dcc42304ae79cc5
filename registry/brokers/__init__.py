"""Kafka on a laptop: a cluster in this process, or a real one where Java or a container engine is at hand."""

from importlib import import_module
from typing import cast

from registry.brokers.broker import Broker, BrokerError, Kind

__all__ = ["BROKERS", "Broker", "BrokerError", "Kind", "kind_of"]

BROKERS = {
    "mock": "registry.brokers.mock",
    "apache": "registry.brokers.apache",
    "container": "registry.brokers.container",
}
"""Each kind of broker by name, with its module."""


def kind_of(name: str) -> Kind:
    """The module of a kind, a row of :data:`BROKERS`."""
    return cast(Kind, import_module(BROKERS[name]))
