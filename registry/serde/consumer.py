"""The base of generated consumers."""

from abc import ABC, abstractmethod

from registry.serde.bundle import Bundle
from registry.serde.meta import Meta


class Consumer(ABC):
    """Handles the events that its subclasses name: one method for each, and for each older version if it likes.

    A class may inherit several generated consumers, and then handles the events of all of them.
    """

    @classmethod
    @abstractmethod
    def bundle(cls) -> Bundle:
        """The contract, as generated."""

    def on_tombstone(self, key: bytes, meta: Meta) -> None:  # noqa: B027  # few topics have any: not abstract
        """What ``key`` stood for was deleted from a compacted topic. Does nothing unless overridden."""
