"""What every kind of broker can do, and what stops one from starting."""

from collections.abc import Callable, Mapping
from typing import Protocol

from registry.errors import RegistryError


class BrokerError(RegistryError):
    """A broker cannot be started, died, or does not answer."""


class Broker(Protocol):
    """A running Kafka of one or more nodes, which are numbered from 1."""

    @property
    def address(self) -> str:
        """What to put into ``bootstrap.servers``."""
        ...

    def create_topics(self, topics: Mapping[str, int]) -> None:
        """Create topics by name, each with its number of partitions; what exists stays. Returns when they answer.

        Raises :class:`BrokerError`.
        """
        ...

    def stop_node(self, number: int, *, kill: bool = False) -> None:
        """Take one node down, with ``kill`` in the middle of its work; what it holds is kept, and its address too."""
        ...

    def start_node(self, number: int) -> None:
        """Bring a node back with what it held; returns when it answers. Raises :class:`BrokerError`."""
        ...

    def check(self) -> None:
        """Raise :class:`BrokerError` if a node that was not stopped is gone."""
        ...

    def close(self) -> None:
        """Stop all and leave nothing behind."""
        ...


class Kind(Protocol):
    """A module of this package that starts one kind of broker."""

    @property
    def TITLE(self) -> str:
        """What it is, in a few words."""
        ...

    @property
    def LIMITS(self) -> str:
        """What it cannot do that a Kafka in production does, in one sentence."""
        ...

    def find_missing(self) -> BrokerError | None:
        """What this machine lacks for it, with the way out; nothing where it can be started."""
        ...

    def start(self, nodes: int = 1, port: int | None = None, tell: Callable[[str], object] = str) -> Broker:
        """Start one and wait until it answers; on free ports of the loopback where no port is named. ``tell`` hears
        what takes long.

        Raises :class:`BrokerError`.
        """
        ...
