"""The bundle: what the stubs carry of a contract, so that production starts, encodes and decodes without a registry."""

from collections.abc import Mapping
from types import MappingProxyType

from registry.frozen import dataclass, field
from registry.serde.shape import Shape

STUB_FORMAT = 1
"""Rises when stubs made before no longer fit the library; :func:`registry.serde.stubs.check_stub` compares."""


@dataclass(frozen=True, slots=True)
class BundledVersion:
    """One version, with the texts of its schema as they lie in git."""

    number: int
    schema_id: int
    """The id in the frame, 1 to 2**31 - 1."""
    guid: str
    root: str
    """The file that defines the event: a key of ``files``."""
    files: Mapping[str, str]
    """Path below ``contracts/`` to text: the event and all it refers to."""
    descriptors: bytes = b""
    """Protobuf: protoc's FileDescriptorSet of ``files`` (production has no protoc)."""
    shape: Shape = field(default_factory=Shape)
    """Its classes; without any where the service never sees it as a version of its own."""
    event: type | None = None
    """The class of the event itself, as ``read_as`` names it."""
    upgrade: str = ""
    """The converters from the version before, as JSON; empty where none are declared."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A contract, as one service may use it."""

    event: str
    """The full name."""
    language: str
    """``avro`` or ``protobuf``: a key of :data:`registry.serde.codecs.CODECS`."""
    service: str
    """The service that the stubs were made for."""
    owner: str
    """The one service that writes it."""
    contact: str
    """Whom to ask, ``team content, #team-content``."""
    topic: str
    key: str
    """Path of the field that is the message key; empty for none."""
    versions: tuple[BundledVersion, ...]
    """Oldest first; those that the service reads or writes."""
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    """Versions that this build can write; empty for all but the owner."""
    others: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """Schema id to version number, of readable versions that the service does not read."""
    siblings: Mapping[int | str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Schema id or GUID to event, of the other events in the same topic: their records are passed over.

    Those that were released when the stubs were made; the header ``ce_type`` tells any.
    """

    staleness: float = 0.0
    """How many seconds old the state that a subscriber holds may be, as ownership.yaml says; 0 for no objective."""

    @property
    def active(self) -> int:
        """The version that is written until somebody says otherwise; 0 for none.

        The oldest that this build can write: to deploy a build that can write a newer version must not switch to it.
        """
        return min(self.writes, default=0)

    @property
    def newest(self) -> BundledVersion:
        """The newest version that the service knows."""
        return self.versions[-1]
