"""The control record: which version of a contract is written in an environment, and what its readers must know."""

from datetime import datetime
from typing import Final

from registry.frozen import dataclass
from registry.serde.bundle import BundledVersion

CONTROL_TOPIC: Final = "_contracts.control"
"""Compacted, one partition; the key is :func:`control_key`. Only the orchestrator writes it."""


@dataclass(frozen=True, slots=True)
class ControlRecord:
    """What runtimes obey. Of two records of one contract the one with the larger :attr:`rank` counts."""

    contract: str
    environment: str
    epoch: int
    """From 1; never falls."""
    active: int
    """The version that the owner writes."""
    writable: tuple[int, ...]
    """Versions that the owner may write at all; it refuses the others."""
    prepare: int = 0
    """The version that is about to become active: only its readers may join. 0 for none."""
    stored: tuple[int, ...] = ()
    """Versions that may lie in the log: a reader of the topic must be able to read each of them."""
    versions: tuple[BundledVersion, ...] = ()
    """The texts of the stored and the prepared versions, with their converters, for builds that do not carry them."""
    by: str = ""
    """Who published it."""
    at: datetime | None = None
    """When, by the clock of whoever published it; for people only."""

    @property
    def rank(self) -> tuple[int, int]:
        """The order of the records of one contract: by epoch, and ``prepare`` before what it prepares."""
        return self.epoch, 0 if self.prepare else 1


def control_key(environment: str, contract: str) -> str:
    """The key of a contract's control record."""
    return f"{environment}/{contract}"
