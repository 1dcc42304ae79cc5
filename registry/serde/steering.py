"""Who says, while a service runs, which version is written, and what versions mean that its stubs do not carry."""

from collections.abc import Callable, Collection
from typing import Any, Protocol

from registry.serde.bundle import Bundle
from registry.serde.fallback import Fallback


class Steered(Protocol):
    """A serializer that writes: :class:`registry.serde.Serde`, as a rollout sees it."""

    bundle: Bundle
    active: int
    writing: dict[type, Any]
    """Plans by class; where there is none, the next event makes it, which asks :meth:`Steering.attend`."""

    def obey(self, active: int, writable: Collection[int], environment: str) -> None:
        """Writes this version from now on, and none but the writable ones; with 0 it refuses to write."""


class Steering(Fallback, Protocol):
    """The rollouts of a service's contracts: :class:`registry.kafka.Rollouts`.

    As a fallback it knows the texts that control records carry. They come before the stubs' own word on which versions
    the service reads: who publishes a control record has proven that its readers may be served so.
    """

    def steer(self, serde: Steered, transport: object) -> None:
        """A producer begins: what its serializer writes is said here, now and later."""

    def attend(self) -> None:
        """Somebody is about to write: in a process that was forked, the rollouts are followed anew."""

    def find_tally(self, event: str, writer: int, reader: int) -> Callable[[], object]:
        """What is to be called for each event of one version that was read as another."""
