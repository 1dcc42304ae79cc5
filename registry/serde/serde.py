"""The serializer of one contract: any version that is live comes in, as the version that was asked for; one goes out.

What is done once per writer and reader is compiled once and kept; an event then costs a slice of the frame, a look into
a dictionary, and the compiled function.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar, overload

from registry.serde.bundle import Bundle, BundledVersion
from registry.serde.context import TRACE_HEADERS
from registry.serde.envelope import HEADER_OF, Pair, agree, check_filled, check_headers, find_roles, tick_of
from registry.serde.errors import CodecError, DecodeError, EncodeError, MissingCorrelation, SerdeError, VersionRetired
from registry.serde.fallback import Fallback
from registry.serde.framing import (
    FRAMINGS,
    SCHEMA_HEADER,
    Frame,
    Framing,
    Headers,
    frame_headers,
    frame_prefix,
    pairs_of,
    parse_frame,
)
from registry.serde.meta import ROLES, Meta, SparseMeta, new_meta
from registry.serde.projection import counted, project
from registry.serde.shape import Decoder, Encoder
from registry.serde.steering import Steering
from registry.serde.versions import Versions, key_of, subject_of

# Plain tuples: they are unpacked for each event, and named ones take three times as long.
Writing = tuple[Encoder, bytes, int, tuple[Pair, ...], bool, str, int, Pair]
"""How events of one class are written: the encoder, what stands before the body, the number of the version, the headers
of the frame, whether the payload has a correlation id (which must then be there), the subject of errors, how many
microseconds ``occurred_at`` can tell apart, and the header that says the version."""
Reading = tuple[Decoder, int, Mapping[str, tuple[str, ...]], str]
"""How records of one writer are read as one class: the decoder, the writer's number, its envelope, and the subject."""
_T = TypeVar("_T")
_Key = tuple[int, str]
_ROLES: Final = len(ROLES)


class Serde:
    """Turns events of one contract into framed bytes and back. May be shared by threads.

    ``framing`` is the kind that is written (:mod:`registry.serde.framing`); all three are read. ``active`` is the
    version that is written, :attr:`registry.serde.bundle.Bundle.active` unless said otherwise. ``fallback`` is asked
    for schemas that the bundle does not know, and ``steering`` before it. Raises :class:`SerdeError` for a framing or
    version that cannot be written.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        framing: Framing = "confluent",
        active: int | None = None,
        fallback: Fallback | None = None,
        steering: Steering | None = None,
    ) -> None:
        self.bundle = bundle
        self._event = bundle.event
        self._steering = steering
        self.versions = Versions(bundle, fallback, steering=steering)
        self.framing: Framing = framing
        self.width = 0
        """How many bytes the usual frame has, by which plans are looked up; known once the newest version is loaded."""
        self._classes = {version.event: version for version in bundle.versions if version.event is not None}
        self._reading: dict[type | int | None, dict[object, Reading]] = {}
        self._compiled: dict[tuple[_Key, _Key], Reading] = {}
        self.writing: dict[type, Writing] = {}
        """What :meth:`find_writing` has found since the active version became active."""
        self.active = 0
        """The number of the version that is written; 0 where this service writes none."""
        self._writable: frozenset[int] | None = None
        self._environment = ""
        self._check_framing()
        if active is not None or bundle.writes:
            self.activate(bundle.active if active is None else active)

    def activate(self, number: int) -> None:
        """Writes this version from now on. Raises :class:`SerdeError` where this build cannot write it."""
        if type(number) is not int:
            raise SerdeError(f"the version to write is a number, not {number!r}")
        if number not in self.bundle.writes:
            raise SerdeError(
                f"{self.bundle.event} v{number} cannot be written by this build (writes: {list(self.bundle.writes)})",
                help="say so in `writes` in ownership.yaml, run `contracts gen`, and deploy that build",
            )
        if self._writable is not None and number not in self._writable:
            raise self._retired(number)
        self.active = number
        self.writing = {}

    def obey(self, active: int, writable: Collection[int], environment: str) -> None:
        """What a rollout says: this version is written from now on, and none but the writable ones.

        With 0 none of this build's is writable, and to write raises :class:`VersionRetired`.
        """
        self._environment = environment
        self._writable = frozenset(writable)
        self.active = active or self.active
        self.writing = {}

    def _retired(self, number: int) -> VersionRetired:
        writable = sorted(self._writable or ())
        return VersionRetired(
            f"{self._event} v{number} may not be written in {self._environment} any more (writable: {writable})",
            help=f"deploy a build that writes one of {writable}: this one writes {list(self.bundle.writes)}",
        )

    def encode(self, event: object, meta: Meta) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
        """The value of a record, and the headers that belong to its frame.

        The event is of any class that the bundle knows and is written as the active version. ``meta`` gives the rest of
        the envelope and is told the version. Raises :class:`EncodeError`; :class:`Unrepresentable` where the active
        version cannot express the event; :class:`MissingCorrelation`.
        """
        encode, prefix, number, headers, correlated, subject, _, _ = self.find_writing(event)
        if correlated and not meta.correlation_id:
            raise MissingCorrelation("the correlation id is empty", subject=subject)
        meta.schema_version = meta.version = number
        try:
            return encode(event, prefix, meta), headers
        except CodecError as error:
            raise error.of(subject) from None

    def find_writing(self, event: object) -> Writing:
        """The plan for events of its class. Raises as :meth:`encode` does for what cannot be planned."""
        return self.writing.get(event.__class__) or self._plan_writing(event)

    @overload
    def decode(self, value: bytes, headers: Headers = ..., *, read_as: type[_T]) -> tuple[_T, Meta]: ...
    @overload
    def decode(self, value: bytes, headers: Headers, read_as: type[_T]) -> tuple[_T, Meta]: ...
    @overload
    def decode(self, value: bytes, headers: Headers = ..., read_as: type | int | None = ...) -> tuple[Any, Meta]: ...
    def decode(self, value: bytes, headers: Headers = (), read_as: type | int | None = None) -> tuple[Any, Meta]:
        """The event in a record, and its envelope.

        ``read_as`` is the class, or the number, of the version that is wanted; the newest unless said otherwise.
        Raises :class:`DecodeError`; :class:`UnknownSchema` for a schema that nobody knows or that the service does not
        read; :class:`EnvelopeError`; :class:`Unrepresentable` where a converter cannot express what was written.
        """
        if value.__class__ is not bytes:
            value = bytes_of(value, self._event)
        if headers:
            return self._decode_headed(value, headers, read_as)
        start = self.width
        try:
            decode, number, roles, subject = self._reading[read_as][value[:start]]
        except (KeyError, TypeError):
            start, (decode, number, roles, subject) = self._plan_reading(value, headers, read_as)
        meta = new_meta(SparseMeta)
        meta.contract = self._event
        meta.version = number
        try:
            event = decode(value, start, meta)
            if roles and not (meta.correlation_id and meta.schema_version):
                check_filled(meta, roles)
        except CodecError as error:
            raise error.of(subject) from None
        return event, meta

    def prepare_writing(self) -> None:
        """Compiles what writes events of the newest class, so that what is wrong with the stubs is known at the start.

        Raises :class:`SerdeError`: the protobuf library is missing, a schema does not parse, a class does not fit.
        """
        plans = self.writing
        version = self.versions.by_number.get(max(self.bundle.writes, default=0))
        if version is not None and self.active:
            if version.event is None:
                version = self.versions.by_number[self.active]
            self._compile_writing(plans, version.event or dict, version)

    def prepare_reading(self) -> None:
        """Compiles what reads the newest version that the service reads, as the newest. Raises as above."""
        writer = self.versions.by_number.get(max(self.bundle.reads, default=0))
        if writer is not None:
            self.prepare_version(writer)

    def prepare_version(self, writer: BundledVersion) -> None:
        """Compiles what reads a version, known here or from elsewhere, as the newest. Raises as above."""
        self._compile_reading(self.bundle.newest, writer)

    def find_writer(self, value: bytes, headers: Headers = ()) -> BundledVersion:
        """The version that a record was written with; nothing is decoded. Raises :class:`DecodeError`."""
        return self.versions.find(self._parse_frame(bytes_of(value, self._event), headers).writer, headers)

    def find_reading(self, frame: bytes, read_as: type | int | None) -> Reading | None:
        """The plan for records that begin so, if one was read before."""
        return self._reading.get(read_as, {}).get(frame)

    def tick(self, event: object) -> int:
        """How many microseconds ``occurred_at`` can tell apart, in all versions that the event may pass through.

        These are all that this service writes: another may become active before the event is written.
        """
        return self._find_tick(self._version_of(event))

    def _find_tick(self, version: BundledVersion) -> int:
        versions = [version, *(v for v in self.bundle.versions if v.number in self.bundle.writes)]
        paths = ((version, version.shape.envelope.get("occurred_at")) for version in versions)
        return max((tick_of(self.versions.schema(version), path) for version, path in paths if path), default=1)

    def _decode_headed(self, value: bytes, headers: Headers, read_as: type | int | None) -> tuple[Any, Meta]:
        try:
            if headers.__class__ is not tuple and headers.__class__ is not list:
                headers = pairs_of(headers)
            held = dict(headers)
        except (TypeError, ValueError):
            headers = pairs_of(headers)
            held = dict(headers)
        return self.decode_headed(value, headers, held, read_as)

    def decode_headed(
        self, value: bytes, headers: Headers, held: Mapping[str, bytes | None], read_as: type | int | None
    ) -> tuple[Any, Meta]:
        """The same as :meth:`decode`, where the headers are a tuple or list of pairs and ``held`` a dict of them."""
        once = len(held) == len(headers)
        start = self.width
        try:
            if SCHEMA_HEADER in held:
                # Twice is looked at in the slow way, which says whether the two are the same.
                decode, number, roles, subject = self._reading[read_as][(held[SCHEMA_HEADER],) if once else None]
                start = 0
            else:
                decode, number, roles, subject = self._reading[read_as][value[:start]]
        except (KeyError, TypeError):
            start, (decode, number, roles, subject) = self._plan_reading(value, headers, read_as)
        meta = Meta()
        meta.contract = self._event
        meta.version = number
        meta.headers = headers  # type: ignore[assignment]  # those that are empty are filled in below
        meta.trace = tuple([(n, said) for n in TRACE_HEADERS if (said := held.get(n))]) if "traceparent" in held else ()
        if not all(held.values()):
            meta.headers, once = tuple([(name, said or b"") for name, said in headers]), False
        try:
            event = decode(value, start, meta)
            # A role that the payload does not have is taken from its header, which is the slow way too.
            if not (once and len(roles) == _ROLES and agree(meta, held)):
                check_headers(meta, headers, roles)
            if roles and not (meta.correlation_id and meta.schema_version):
                check_filled(meta, roles)
        except CodecError as error:
            raise error.of(subject) from None
        return event, meta

    def _plan_reading(self, value: bytes, headers: Headers, read_as: type | int | None) -> tuple[int, Reading]:
        """The slow way, for the first record of a kind and for what is wrong: a frame is parsed, a plan compiled."""
        try:
            return self._find_reading(value, headers, read_as)
        except SerdeError as error:
            raise error from None  # that no plan was there is not what went wrong

    def _find_reading(self, value: bytes, headers: Headers, read_as: type | int | None) -> tuple[int, Reading]:
        versions = self.versions
        reader = self._find_reader(read_as)
        frame = self._parse_frame(value, headers)
        writer = versions.find(frame.writer, headers)
        subject, indexes = subject_of(self.bundle, writer), versions.indexes(writer)
        if frame.indexes != indexes:
            raise DecodeError(
                f"the frame points to message {list(frame.indexes)} of the file, and the event is {list(indexes)}",
                help="another message of the same file was written here",
                subject=subject,
            )
        reading = self._compile_reading(reader, writer)
        if not self.width:
            usual = "single-object" if self.framing == "single-object" else "confluent"
            newest = self.bundle.newest
            self.width = len(frame_prefix(usual, newest, 0, versions.indexes(newest)))
        plans = self._reading.setdefault(read_as, {})
        if not frame.start:
            plans[(next(held for name, held in headers if name == SCHEMA_HEADER),)] = reading
        elif frame.start == self.width:
            # Frames of another length are parsed each time: they are of another framing than this service writes.
            plans[value[: frame.start]] = reading
        return frame.start, reading

    def _compile_reading(self, reader: BundledVersion, writer: BundledVersion) -> Reading:
        compiled = (key_of(reader), key_of(writer))
        reading = self._compiled.get(compiled)
        if reading is None:
            roles = writer.shape.envelope
            if not roles:
                roles = find_roles(self.versions.schema(writer), self.bundle.newest.shape.envelope)
            decode = self.versions.compile_reader(reader, writer, reader.shape)
            if self._steering is not None and writer.number not in (0, reader.number):
                decode = counted(decode, self._steering.find_tally(self._event, writer.number, reader.number))
            reading = self._compiled[compiled] = (decode, writer.number, roles, subject_of(self.bundle, writer))
        return reading

    def _parse_frame(self, value: bytes, headers: Headers) -> Frame:
        try:
            return parse_frame(value, headers, self.bundle.language == "protobuf")
        except DecodeError as error:
            raise error.of(self.bundle.event) from None

    def _find_reader(self, read_as: type | int | None) -> BundledVersion:
        if read_as is None:
            return self.bundle.newest
        version = None
        if isinstance(read_as, int):
            version = self.versions.by_number.get(read_as)
        elif isinstance(read_as, type):
            version = self._classes.get(read_as)
        if version is None:
            known = [_name(each) for each in self.bundle.versions]
            asked = f"v{read_as}" if isinstance(read_as, int) else getattr(read_as, "__name__", repr(read_as))
            raise SerdeError(f"{self.bundle.event} cannot be read as {asked}: it is none of {', '.join(known)}")
        return version

    def _version_of(self, event: object) -> BundledVersion:
        kinds = type(event).__mro__
        version = next((self._classes[kind] for kind in kinds if kind in self._classes), None)
        if version is None and not self._classes and isinstance(event, dict):
            version = self.versions.by_number.get(self.active)
        if version is None:
            known = [_name(each) for each in self.bundle.versions if each.event is not None] or ["dict"]
            fact = f"a {type(event).__name__} is none of {', '.join(known)}"
            if type(event).__name__ not in known:
                raise EncodeError(fact, subject=self._event)
            here = next(each.__module__ for each in self._classes if each.__name__ == type(event).__name__)
            raise EncodeError(
                f"{fact}: it is another class of that name, of {type(event).__module__}",
                help=f"make it of the class of {here}; was that module reloaded, or are there two packages of stubs?",
                subject=self._event,
            )
        return version

    def _plan_writing(self, event: object) -> Writing:
        # Taken before `active` is asked: a plan for what was active a moment ago must not outlive it.
        plans = self.writing
        bundle = self.bundle
        if not self.active:
            raise SerdeError(
                f"{bundle.service} does not write {bundle.event}: it is written only by {bundle.owner}",
                help=f"ask {bundle.contact}" if bundle.contact else "",
            )
        if self._steering is not None:
            self._steering.attend()
            plans = self.writing
        if self._writable is not None and self.active not in self._writable:
            raise self._retired(self.active)
        return self._compile_writing(plans, type(event), self._version_of(event))

    def _compile_writing(self, plans: dict[type, Writing], kind: type, version: BundledVersion) -> Writing:
        versions, bundle = self.versions, self.bundle
        active = versions.by_number[self.active]
        encode = versions.codec.compile_encoder(versions.schema(version), version.shape)
        subject = subject_of(bundle, active)
        if version is not active:
            convert = versions.compile_reader(active, version, active.shape, substitutes=False)
            write = versions.codec.compile_encoder(versions.schema(active), active.shape)
            encode = project(encode, convert, write, (version.number, active.number), subject_of(bundle, version))
        indexes = versions.indexes(active)
        crc = versions.crc(active) if self.framing == "single-object" else 0
        writing = (
            encode,
            frame_prefix(self.framing, active, crc, indexes),
            active.number,
            frame_headers(self.framing, active, indexes),
            "correlation_id" in active.shape.envelope,
            subject,
            self._find_tick(version),
            (HEADER_OF["schema_version"], b"%d" % active.number),
        )
        plans[kind] = writing
        return writing

    def _check_framing(self) -> None:
        if self.framing not in FRAMINGS:
            raise SerdeError(f"no framing {self.framing!r}", help=f"one of {', '.join(FRAMINGS)}")
        if self.framing != "single-object":
            return
        if self.bundle.language != "avro":
            raise SerdeError("single-object is Avro's own framing", help="use 'confluent' or 'confluent-header'")
        for older, newer in self.versions.find_shared():
            raise SerdeError(
                f"v{older.number} and v{newer.number} of {self.bundle.event} have one fingerprint (they differ in "
                "defaults, aliases or logical types): single-object cannot tell them apart",
                help="use 'confluent' or 'confluent-header'",
            )


def _name(version: BundledVersion) -> str:
    return version.event.__name__ if version.event is not None else f"v{version.number}"


def bytes_of(value: object, event: str) -> bytes:
    """A record's value as ``bytes``. Raises :class:`DecodeError` for a tombstone, and for what is none."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise DecodeError(
        "a record without a value is a tombstone: it has no version" if value is None else "the value is no bytes",
        subject=event,
    )
