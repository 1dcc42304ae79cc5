"""What git's reviewed part says of one contract: everything that a rollout needs to know beside its own journal."""

from collections.abc import Mapping

from registry.contract import Service, Terms
from registry.environment import Environment
from registry.frozen import dataclass
from registry.rollout.broker import Wanted
from registry.serde.bundle import BundledVersion


@dataclass(frozen=True, slots=True)
class Facts:
    """One contract in one environment, at one revision.

    What :class:`registry.rollout.revision.Revision` gives makes ``readings``, ``keys`` and ``bundled`` when they are
    asked for: to iterate over their values parses every version.
    """

    contract: str
    environment: Environment
    terms: Terms | None
    """As ownership.yaml has them; ``None`` where no event of this name is there."""
    services: Mapping[str, Service]
    versions: Mapping[int, str]
    """Released version to the fingerprint of all that its folder holds, converters too; retired ones are left out."""
    readings: Mapping[tuple[int, int], str]
    """How (reader, writer) reads: ``native``, ``converters``, or, beginning with ``no: ``, why it does not."""
    keys: Mapping[int, str]
    """The type of the message key by version, with what converters change of its value; empty where it has none. A
    field that converters rename is the same key."""
    bundled: Mapping[int, BundledVersion]
    """The texts of each version, as stubs carry them, for the control record."""
    wanted: Wanted
    """What a scan of its topic counts."""
    dead_letters: tuple[str, ...] = ()
    """The topics in which its subscribers put aside what they could not read."""
    parties: frozenset[str] = frozenset()
    """Services that write or read any event of its topic."""
    commit: str = ""
    """The revision that was read."""

    @property
    def topic(self) -> str:
        """The topic of its events; empty where nobody named one."""
        return self.terms.topic if self.terms else ""
