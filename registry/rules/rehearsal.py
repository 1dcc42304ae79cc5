"""A few made-up events, really written, really converted and written again: what `contracts check` asks of converters.

It finds documents that no event of some shape comes through. That none is lost or changed on the way is more than
these events can show.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from registry.errors import Flaw
from registry.schema import Schema
from registry.serde.bundle import BundledVersion
from registry.serde.codecs import codec_of
from registry.serde.conversion import BadConversion, Inconvertible, compile_conversion
from registry.serde.errors import CodecError, DecodeError, SerdeError
from registry.upgrade import Upgrade, parse_upgrade

Labelled = tuple[Schema, str]
"""A schema, and what it is called: ``v2``."""

MOST: Final = 60
"""Events that are tried in each direction."""
_SHAPE: Final = re.compile(
    r"there is (?:no|a) field |there is no record |field '.*' is missing|record .* has no field "
    r"|.* is no (?:record|array|map)$|'.*' is no field of "
)
"""Facts about the shape of an event and not about a value: one such event is as good as any other of its shape."""


def find_failure(event: str, text: str, path: str, older: Labelled, newer: Labelled) -> Flaw | None:
    """Why converters do not lead from one schema to the other, and back where they say so."""
    upgrade = parse_upgrade(text, path)
    try:
        sides = _Side(event, *older), _Side(event, *newer)
        conversion = compile_conversion(upgrade.text, sides[0].schema, sides[1].schema)
    except BadConversion as error:
        return Flaw("converters", error.fact, upgrade.at(error.pointer), error.help)
    except SerdeError as error:  # no service could use them either
        return Flaw("converters", f"they cannot be tried out: {error.message}", upgrade.at(""), error.help)
    ways: list[tuple[str, Callable[[Any], Any], _Side, _Side]] = [("/up", conversion.up, *sides)]
    if conversion.falling.edits is not None:
        ways.append(("/down", conversion.down, sides[1], sides[0]))
    for pointer, convert, source, target in ways:
        failure = _find_error(convert, source, target)
        if failure is not None:
            return _describe(upgrade, pointer, failure, source, target)
    return None


def _describe(upgrade: Upgrade, pointer: str, error: CodecError, source: "_Side", target: "_Side") -> Flaw:
    place = f" at {error.path}" if error.path else ""
    message = f"an event of {source.label} does not become one of {target.label}: {error.fact}{place}"
    extra = _EXTRA.match(error.fact)
    if extra is not None:
        way_out = f"an operation must take it, or `loss: {{{pointer[1:]}: [{{field: {extra['field']}, because: …}}]}}`"
        otherwise = way_out if pointer == "/up" else f"{way_out}, or say `down: none`"
    else:
        otherwise = f"name every field that differs between {source.label} and {target.label}, or give it a default"
    name = re.escape(error.path.rpartition("/")[2])
    moves = re.compile(rf"{pointer}/\d+/(?:rename|move)/{name}").fullmatch
    return Flaw(
        "converters", message, upgrade.at(next(filter(moves, upgrade.places), pointer)), error.help or otherwise
    )


_EXTRA: Final = re.compile(r"(?:record \S+ has no field )?'(?P<field>.*)'(?: is no field of \S+)?$")
"""A field that one version has, and that nothing takes away on the way to the other; as each language says it."""


class _Side:
    """One of the two versions, with what reads and writes its events as plain values."""

    def __init__(self, event: str, schema: Schema, label: str) -> None:
        self.label = label
        self._event = event
        self._plain = schema
        language = schema.format
        self._codec = codec_of(language)
        self.schema: Any = schema
        if language == "protobuf":
            version = BundledVersion(number=0, schema_id=0, guid="", root="", files={}, descriptors=schema.descriptors)
            self.schema = self._codec.load(version, event)
        self.write = self._codec.compile_encoder(self.schema)

    def find_events(self) -> Iterator[Any]:
        """Events as the runtime reads them: those that it cannot hold are not the converters' business."""
        read = self._codec.compile_decoder(self.schema, self.schema)
        for data in self._find_bytes():
            try:
                yield read(data, 0, None)
            except DecodeError:
                continue

    def _find_bytes(self) -> Iterator[bytes]:
        if self._plain.format == "protobuf":
            from registry.formats.protobuf import reference, values

            with suppress(values.Unwritable):  # a message that needs itself has no events
                for message in islice(values.find_values(self._plain, self._event), MOST):
                    with suppress(reference.EncodeError):
                        yield reference.encode(self._plain, self._event, message)
            return
        from registry.formats.avro.reference import encode
        from registry.formats.avro.values import find_values

        for value in islice(find_values(self._plain), MOST):
            yield encode(self._plain, value)


def _find_error(convert: Callable[[Any], Any], source: _Side, target: _Side) -> CodecError | None:
    """The first failure that is due to the shape of an event; or that of writing it, where none could be written."""
    refused: CodecError | None = None
    written = False
    for event in source.find_events():
        try:
            target.write(convert(event), b"", None)
        except CodecError as error:
            if _SHAPE.match(error.fact):
                return error
            if not isinstance(error, Inconvertible):  # a value that the other version cannot express is declared so
                refused = refused or error
        else:
            written = True
    return None if written else refused
