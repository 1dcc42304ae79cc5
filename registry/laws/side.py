"""One version of an event: what reads and writes it as plain values, and the envelope that its readers see."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import Any, Final

from registry.laws.places import find_places, kind_of, put
from registry.schema import Schema
from registry.serde.bundle import BundledVersion
from registry.serde.codecs import codec_of
from registry.serde.errors import CodecError, DecodeError, EncodeError
from registry.serde.meta import Meta
from registry.serde.shape import Shape

Envelope = Mapping[str, tuple[str, ...]]
"""Role to path, as :attr:`registry.serde.shape.Shape.envelope` has it."""

MOST_PLACES: Final = 20
"""Of one path, that are tried with a value."""
MOST_MADE: Final = 400
"""Events that the schema's own generator is asked for."""


class Side:
    """One of two versions. Raises :class:`registry.serde.errors.SerdeError` where no service could use the schema."""

    def __init__(self, event: str, tree: Schema, label: str, envelope: Envelope | None = None) -> None:
        self.label = label
        """As people call it: ``v2``."""
        self.tree = tree
        """The neutral tree."""
        self.event = event
        self.envelope: Envelope = envelope or {}
        self.codec = codec_of(tree.format)
        self.schema: Any = tree
        """As the codec of the language has it."""
        if tree.format == "protobuf":
            version = BundledVersion(number=0, schema_id=0, guid="", root="", files={}, descriptors=tree.descriptors)
            self.schema = self.codec.load(version, event)
        self._encode = self.codec.compile_encoder(self.schema)
        self._decode = self.codec.compile_decoder(self.schema, self.schema)
        self._decode_meta = (
            self.codec.compile_decoder(self.schema, self.schema, Shape(envelope=self.envelope)) if envelope else None
        )

    def write(self, event: Any) -> bytes:
        """The bytes of an event. Raises :class:`registry.serde.errors.EncodeError`."""
        return self._encode(event, b"", None)

    def read(self, data: bytes) -> Any:
        """The event as the runtime reads it, without classes. Raises :class:`DecodeError`."""
        return self._decode(data, 0, None)

    def refuses(self, steps: tuple[str, ...], value: object) -> str:
        """Why no event holds a value at these steps; empty where one does, or where there is no such place."""
        fact, tried = "", 0
        for event in self.made:
            for place, _ in find_places(event, items=1):
                if kind_of(place) == steps and tried < MOST_PLACES:
                    tried += 1
                    try:
                        self.write(put(event, place, value))
                        return ""
                    except EncodeError as error:
                        fact = fact or error.fact
        return fact

    @cached_property
    def made(self) -> list[Any]:
        """Events made from the schema alone, as the runtime reads them; what it cannot hold is left out."""
        events = [event for event in self._find_made() if isinstance(event, dict)]
        return events if self.tree.format == "avro" else list(_find_named(events))

    def read_meta(self, event: Any) -> dict[str, object]:
        """The envelope of an event as a handler sees it, by role; nothing of one that cannot be read.

        Raises :class:`registry.serde.errors.EncodeError` for what is no event of this version.
        """
        if self._decode_meta is None:
            return {}
        data, meta = self.write(event), Meta()
        try:
            self._decode_meta(data, 0, meta)
        except CodecError:
            return {}
        return {role: getattr(meta, role, None) for role in self.envelope}

    def settle(self, event: Any) -> Any | None:
        """The event as it comes back from its bytes; ``None`` for what is no event of this version."""
        try:
            return self.read(self.write(event))
        except CodecError:
            return None

    def _find_made(self) -> Iterator[Any]:
        for data in self._find_bytes():
            with suppress(DecodeError):
                yield self.read(data)

    def _find_bytes(self) -> Iterator[bytes]:
        if self.tree.format == "protobuf":
            from registry.formats.protobuf import reference, values

            with suppress(values.Unwritable):  # a message that needs itself has no events
                for message in islice(values.find_values(self.tree, self.event), MOST_MADE):
                    with suppress(reference.EncodeError):
                        yield reference.encode(self.tree, self.event, message)
            return
        from registry.formats.avro.reference import encode
        from registry.formats.avro.values import find_values

        for value in islice(find_values(self.tree), MOST_MADE):
            yield encode(self.tree, value)


def _find_named(events: Sequence[Any]) -> Iterator[Any]:
    """Without those whose enums hold numbers that this version has no name for: it never writes them."""
    places = [[(kind_of(place), type(value)) for place, value in find_places(event, items=99)] for event in events]
    enums = {steps for each in places for steps, kind in each if kind is str}
    for event, each in zip(events, places, strict=True):
        if not any(kind is int and steps in enums for steps, kind in each):
            yield event
