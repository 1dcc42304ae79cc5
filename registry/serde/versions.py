"""The versions of one contract: by which schema a record was written, and through which steps it is read."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any, Final

from registry.errors import InvalidSchema
from registry.frozen import replace
from registry.serde.bundle import Bundle, BundledVersion
from registry.serde.codecs import codec_of
from registry.serde.compatible import Compatible
from registry.serde.envelope import find_claim
from registry.serde.errors import EncodeError, SerdeError, UnfitStub, UnknownSchema, Unrepresentable
from registry.serde.fallback import Fallback
from registry.serde.framing import Headers, Writer
from registry.serde.meta import Meta
from registry.serde.shape import PLAIN, Decoder, Encoder, Shape
from registry.serde.steering import Steering

RETRY_AFTER: Final = 30.0
"""Seconds until a fallback is asked again for what it did not have: a topic of strangers must not flood it."""
_MAX_MISSES: Final = 1000
_MAX_STAND_INS: Final = 1000
_NO_STEPS: Final = ("", "null")
"""Converters that are none: no file, and an empty one."""

_Step = Callable[[bytes, int], bytes]
"""Of a record and where its body begins, the body as the next version writes it."""


class Versions:
    """The versions that one service knows of a contract, each loaded when it is first needed."""

    def __init__(
        self,
        bundle: Bundle,
        fallback: Fallback | None = None,
        retry_after: float = RETRY_AFTER,
        steering: Steering | None = None,
    ) -> None:
        self.bundle = bundle
        self.codec = codec_of(bundle.language)
        self.by_number: dict[int, BundledVersion] = {version.number: version for version in bundle.versions}
        self._by_writer: dict[Writer, BundledVersion] = {}
        self._fallback = fallback
        self._steering = steering
        self._retry_after = retry_after
        self._missed: dict[Writer, float] = {}
        self._schemas: dict[tuple[int, str], Any] = {}
        self._further: dict[int, BundledVersion] = {}
        self._stand_ins: dict[Writer, BundledVersion] = {}
        self._shared: dict[Writer, str] | None = None
        for version in bundle.versions:
            self._by_writer[Writer("id", version.schema_id)] = version
            self._by_writer[Writer("guid", version.guid.lower())] = version

    def knows(self, writer: Writer) -> bool:
        """Whether the bundle or a control record names this schema, read or not; a fallback is not asked."""
        if writer.kind == "crc":
            self._fingerprint()
        known = writer in self._by_writer or writer.value in self.bundle.others
        return known or self._find_steered(writer) is not None

    def find(self, writer: Writer, headers: Headers = ()) -> BundledVersion:
        """The version that a record was written with; its headers say more of one that nobody knows.

        Raises :class:`UnknownSchema` where nobody knows it, and where the service does not read it.
        """
        bundle = self.bundle
        if writer.kind == "crc" and (both := self._fingerprint().get(writer)):
            raise UnknownSchema(
                f"{writer} is that of {both}, which differ in what it leaves out: defaults, aliases, logical types",
                help="frame with the schema id: framing='confluent'",
                subject=bundle.event,
            )
        version = self._by_writer.get(writer)
        if version is None or version.number not in bundle.reads:
            steered = self._find_steered(writer)
            if steered is not None:
                return version or steered
        number = version.number if version else bundle.others.get(writer.value) if type(writer.value) is int else None
        if number is None:
            version = self._ask(writer, headers)
            number = version.number
        bundled = number in bundle.others.values() or any(each.number == number for each in bundle.versions)
        if version is None or (bundled and number not in bundle.reads):
            raise UnknownSchema(
                f"{writer} is version {number}, which {bundle.service} does not read (reads: {list(bundle.reads)})",
                help=f"add {number} to `reads` of {bundle.service} in ownership.yaml, and run `contracts gen`",
                subject=bundle.event,
            )
        return version

    def schema(self, version: BundledVersion) -> Any:
        """The schema of a version, as its language's ``load`` makes it; parsed once.

        Raises :class:`UnfitStub` for one in the stubs that is none, and :class:`InvalidSchema` for one from elsewhere.
        """
        key = key_of(version)
        schema = self._schemas.get(key)
        if schema is None:
            try:
                schema = self._schemas[key] = self.codec.load(version, self.bundle.event)
            except InvalidSchema as error:
                if self.by_number.get(version.number) is not version:
                    raise
                raise UnfitStub(
                    f"{subject_of(self.bundle, version)}: the schema in the stubs is none: {error}",
                    help="make the stubs again: contracts gen",
                ) from error
        return schema

    def learn(self, version: BundledVersion, schema: Any) -> None:
        """The schema of a version, as its language's ``load`` made it elsewhere: it is not parsed again."""
        self._schemas[key_of(version)] = schema

    def indexes(self, version: BundledVersion) -> tuple[int, ...]:
        """The message indexes in the frame; ``()`` for a language that has none."""
        return self.schema(version).indexes if self.bundle.language == "protobuf" else ()

    def crc(self, version: BundledVersion) -> int:
        """Avro's own fingerprint of a version, for ``single-object``."""
        from registry.formats.avro import crc64, parsing_canonical_form

        return crc64(parsing_canonical_form(self.schema(version)))

    def find_shared(self) -> Iterator[tuple[BundledVersion, BundledVersion]]:
        """Pairs of readable versions that ``single-object`` cannot tell apart, the older one first."""
        first: dict[int, BundledVersion] = {}
        for version in self.bundle.versions:
            if version.number in self.bundle.reads or version.number in self.bundle.writes:
                seen = first.setdefault(self.crc(version), version)
                if seen is not version:
                    yield seen, version

    def compile_reader(
        self, reader: BundledVersion, writer: BundledVersion, shape: Shape, *, substitutes: bool = True
    ) -> Decoder:
        """What reads records of ``writer`` as ``reader``: by the language's own resolution, or by declared converters.

        Where a version on the way declares converters, the event goes through each of them as a plain value, and what
        comes out is written as that version, which checks it. Raises :class:`UnknownSchema` where a step is not known.
        """
        codec = self.codec
        steps: list[_Step] = []
        at = writer
        for older, newer in self.find_hops(reader, writer):
            from registry.serde.conversion import BadConversion, compile_conversion

            source, target = (older, newer) if at.number <= older.number else (newer, older)
            try:
                conversion = compile_conversion(newer.upgrade, self.schema(older), self.schema(newer))
            except BadConversion:
                if newer.number in self.by_number:
                    raise
                raise UnknownSchema(
                    f"v{newer.number} is behind converters, which only stubs carry",
                    help="run `contracts gen`",
                    subject=self.bundle.event,
                ) from None
            decode = codec.compile_decoder(self.schema(source), self.schema(at), PLAIN, substitutes=substitutes)
            convert = conversion.up if target is newer else conversion.down
            encode = codec.compile_encoder(self.schema(target), PLAIN)
            steps.append(_step(decode, convert, encode, f"v{source.number} -> v{target.number}"))
            at = target
        last = codec.compile_decoder(self.schema(reader), self.schema(at), shape, substitutes=substitutes)
        return _chain(steps, last) if steps else last

    def find_hops(
        self, reader: BundledVersion, writer: BundledVersion
    ) -> Iterator[tuple[BundledVersion, BundledVersion]]:
        """The steps with converters between two versions, (older, newer), in the order in which they are taken."""
        if not reader.number or not writer.number:
            return
        low, high = sorted((reader.number, writer.number))
        numbers = range(low + 1, high + 1)
        for number in numbers if reader.number == high else reversed(numbers):
            newer = writer if number == writer.number else self._find_number(number)
            if newer is None or newer.upgrade in _NO_STEPS:
                continue
            older = self._find_number(number - 1)
            if older is None:
                raise UnknownSchema(
                    f"v{number} is converted from v{number - 1}, which the stubs do not carry",
                    help="run `contracts gen`",
                    subject=self.bundle.event,
                )
            yield older, newer

    def _find_number(self, number: int) -> BundledVersion | None:
        """A version on the way; ``None`` where the bundle leaves it out, since no step there has converters."""
        version = self.by_number.get(number) or self._further.get(number)
        if version is None and number > self.bundle.newest.number:
            sources: tuple[Fallback | None, ...] = (self._steering, self._fallback)
            asked = (each.find_number(self.bundle.event, number) for each in sources if each is not None)
            version = next((each for each in asked if each is not None), None)
            if version is None:
                raise UnknownSchema(
                    f"v{number} is on the way, and nobody here knows whether it declares converters",
                    help="run `contracts gen`, or let the fallback know each version",
                    subject=self.bundle.event,
                )
            self._further[number] = version
        return version

    def _find_steered(self, writer: Writer) -> BundledVersion | None:
        """The version as a control record has it: a look into memory, so that what it does not have is not noted."""
        if self._steering is None or writer.kind == "crc":
            return None
        return self._ask_fallback(self._steering, writer)

    def _ask(self, writer: Writer, headers: Headers) -> BundledVersion:
        event = self.bundle.event
        missed = self._missed.get(writer)
        if self._fallback and writer.kind != "crc" and (missed is None or monotonic() - missed >= self._retry_after):
            try:
                version = self._ask_fallback(self._fallback, writer)
            except UnknownSchema:
                if stand_in := self._stand_in(writer, headers):
                    return stand_in
                raise
            if version is not None:
                self._by_writer[writer] = version
                return version
            if len(self._missed) >= _MAX_MISSES:
                self._missed.clear()
            self._missed[writer] = monotonic()
        if stand_in := self._stand_in(writer, headers):
            return stand_in
        named, number = find_claim(headers)
        known = ", ".join(f"v{version.number}" for version in self.bundle.versions)
        fact = f"{writer} is none of {known}"
        asked = ", and the fallback does not have it" if self._fallback and writer.kind != "crc" else ""
        help = "newer stubs may know it: run `contracts gen`" if asked else "run `contracts gen`, or give a fallback"
        sibling = self.bundle.siblings.get(writer.value)
        if sibling or named not in ("", event):
            fact = f"{writer} is {sibling or named}'s"
            help = "another event of the topic: pass it over, as a Receiver does, or read it with its own stubs"
        elif number > self.bundle.newest.number:
            fact = f"v{number} ({writer}) is newer than these stubs ({known})"
            if self.bundle.language == "protobuf":
                help = "run `contracts gen`; where no newer version has converters, fallback=Compatible() reads it"
        raise UnknownSchema(fact + asked, help=help, subject=event)

    def _ask_fallback(self, fallback: Fallback, writer: Writer) -> BundledVersion | None:
        event = self.bundle.event
        try:
            version = fallback.find(event, writer.value)
            if version is not None:
                self.schema(version)
            return version
        except UnknownSchema as error:
            raise error.of(event) from None
        except InvalidSchema as error:
            raise UnknownSchema(f"{writer} stands for a schema that is none: {error}", subject=event) from None
        except SerdeError as error:
            # It cannot be asked now, or gave what is none: either way the record stays unread, and is tried again.
            raise UnknownSchema(f"{writer} is not found: {error}", help=error.help, subject=event) from error

    def _stand_in(self, writer: Writer, headers: Headers) -> BundledVersion | None:
        """The newest version under another id, where :class:`Compatible` allows it for a record with these headers."""
        newest, (named, number) = self.bundle.newest, find_claim(headers)
        if self.bundle.language != "protobuf" or not isinstance(self._fallback, Compatible):
            return None
        if named != self.bundle.event or 0 < number <= newest.number:
            return None
        found = self._stand_ins.get(writer)
        if found is None and len(self._stand_ins) < _MAX_STAND_INS:
            key = {"id": "schema_id", "guid": "guid"}[writer.kind]
            changes: dict[str, Any] = {"number": 0, "event": None, "upgrade": "", key: writer.value}
            found = self._stand_ins[writer] = replace(newest, **changes)
            # One schema for all of them: they differ in nothing but the id.
            self._schemas[key_of(found)] = self.schema(newest)
        return found

    def _fingerprint(self) -> dict[Writer, str]:
        """Fills in the fingerprints of all versions; those that stand for two, with the versions they stand for."""
        if self._shared is None:
            shared: dict[Writer, str] = {}
            if self.bundle.language == "avro":
                for older, newer in self.find_shared():
                    shared[Writer("crc", self.crc(older))] = f"v{older.number} and v{newer.number}"
                for version in self.bundle.versions:
                    self._by_writer[Writer("crc", self.crc(version))] = version
            self._shared = shared
        return self._shared


def _step(decode: Decoder, convert: Callable[[Any], Any], encode: Encoder, way: str) -> _Step:
    def step(data: bytes, start: int) -> bytes:
        converted = convert(decode(data, start, None))
        try:
            return encode(converted, b"", None)
        except Unrepresentable:
            raise
        except EncodeError as error:
            # What comes out of a converter is checked against the schema it claims; the record as it was is no answer.
            raise Unrepresentable(f"converted {way}: {error.fact}", error.path, error.help) from None

    return step


def _chain(steps: Sequence[_Step], last: Decoder) -> Decoder:
    def decode(data: bytes, start: int, meta: Meta | None) -> Any:
        for step in steps:
            data, start = step(data, start), 0
        return last(data, start, meta)

    return decode


def key_of(version: BundledVersion) -> tuple[int, str]:
    """What tells a version from others: a registry elsewhere may have given its id to another schema."""
    return version.schema_id, version.guid


def subject_of(bundle: Bundle, version: BundledVersion) -> str:
    """The event and version that an error is about."""
    return f"{bundle.event} v{version.number}" if version.number else f"{bundle.event} (from elsewhere)"
