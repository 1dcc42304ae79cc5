"""An event of an older version as the newer one: what the generated ``upgrade()`` calls."""

from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from registry.serde.bundle import Bundle, BundledVersion
from registry.serde.errors import CodecError, SerdeError
from registry.serde.meta import Meta
from registry.serde.shape import Decoder, Encoder
from registry.serde.versions import Versions, subject_of

_T = TypeVar("_T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COMPILED: dict[tuple[type, type], tuple[Encoder, Decoder, BundledVersion]] = {}
"""By the two classes: a generated class belongs to one bundle."""


def upgrade(bundle: Bundle, event: object, into: type[_T]) -> _T:
    """The event as ``into`` reads it: natively, or by the converters that the versions between declare.

    The envelope is no part of either. Raises :class:`registry.serde.errors.EncodeError` for an event that is none of
    its own version, and what reading raises.
    """
    compiled = _COMPILED.get((type(event), into))
    if compiled is None:
        compiled = _COMPILED[type(event), into] = _compile(bundle, type(event), into)
    encode, decode, version = compiled
    try:
        return decode(encode(event, b"", _stand_in(version.number)), 0, Meta())  # type: ignore[no-any-return]  # as compiled
    except CodecError as error:
        raise error.of(subject_of(bundle, version)) from None


def _compile(bundle: Bundle, given: type, into: type[Any]) -> tuple[Encoder, Decoder, BundledVersion]:
    versions = Versions(bundle)
    found = {version.event: version for version in bundle.versions if version.event is not None}
    version = next((found[kind] for kind in given.__mro__ if kind in found), None)
    target = found.get(into)
    if version is None or target is None:
        odd = given if version is None else into
        raise SerdeError(f"{odd.__name__} is no version of {bundle.event}")
    encode = versions.codec.compile_encoder(versions.schema(version), version.shape)
    return encode, versions.compile_reader(target, version, target.shape), version


def _stand_in(number: int) -> Meta:
    """An envelope that every schema can hold, for an event that has none of its own at hand."""
    meta = Meta()
    meta.correlation_id = meta.event_id = "00000000-0000-0000-0000-000000000000"
    meta.schema_version, meta.occurred_at = number, _EPOCH
    return meta
