"""For services that keep their own serializer: typed events to what that serializer wants, and back.

Confluent's Avro serializers take functions of two arguments; these are such functions, made for one bundle::

    from registry.serde import from_avro, to_avro

    bundle = ContentPublishedProducer.bundle()
    write = AvroSerializer(registry, schema, to_dict=to_avro(bundle))
    read = AvroDeserializer(registry, schema, from_dict=from_avro(bundle), return_record_name=True)

    value = write(ContentPublished(...), ctx)     # or (event, meta); the envelope is stamped as by a producer
    event, meta = read(value, ctx)

What passes through is checked as by the serializer of the stubs: ranges, types, precision, the envelope, and who may
write. ``return_record_name`` lets the deserializer say which branch of a union it read; without it, an event whose
union could be either is refused. For Protobuf, :func:`to_message` and :func:`from_message` go between typed events and
the caller's own message class. All of them do the work twice, here and in the other serializer: where speed counts,
use :class:`registry.serde.Serde`.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from registry.described import describe_python
from registry.serde.bundle import Bundle, BundledVersion
from registry.serde.envelope import check_filled, make_meta
from registry.serde.errors import CodecError, DecodeError, EncodeError, SerdeError
from registry.serde.meta import Meta
from registry.serde.serde import Serde
from registry.serde.versions import subject_of

_Message = TypeVar("_Message")


def to_avro(bundle: Bundle, version: int | None = None) -> Callable[[Any, object], dict[str, Any]]:
    """A function that makes of an event, or of an event and its :class:`Meta`, the dict that fastavro writes.

    The dict is of ``version``, the active one unless said otherwise; its values are those of Python's types
    that fastavro knows, and a record in a union is a pair of its name and its dict. The function takes a context as
    well, and ignores it. Raises :class:`SerdeError` where this service does not write the event or that version; the
    function raises :class:`EncodeError`.
    """
    from registry.serde.dicts import Dicts

    _refuse_other_language(bundle, "avro")
    serde = _writing_serde(bundle, version)
    written = serde.versions.by_number[serde.active]
    dicts = Dicts(serde.versions.schema(written), written.shape.types)
    subject = subject_of(bundle, written)

    def to_dict(event: Any, _context: object = None) -> dict[str, Any]:
        return dicts.read(_encode(serde, event), subject)

    return to_dict


def from_avro(bundle: Bundle, version: int | None = None) -> Callable[[Any, object], tuple[Any, Meta]]:
    """A function that makes of the dict that fastavro read an event and its :class:`Meta`.

    The dict is of ``version``, the newest unless said otherwise: give that version's schema to the deserializer, so
    that it reads any other version as this one. Raises :class:`SerdeError` where the stubs have no such version; the
    function raises :class:`DecodeError`.
    """
    from registry.serde.dicts import Dicts

    _refuse_other_language(bundle, "avro")
    serde = Serde(bundle)
    read = _find_version(serde, version)
    schema, subject = serde.versions.schema(read), subject_of(bundle, read)
    dicts = Dicts(schema, read.shape.types)
    decode = serde.versions.compile_reader(read, read, read.shape)

    def from_dict(values: Any, _context: object = None) -> tuple[Any, Meta]:
        try:
            return _finish(bundle, read, decode(dicts.write(values), 0, meta := Meta()), meta)
        except EncodeError as error:
            raise DecodeError(error.fact, error.path, error.help, subject) from None
        except CodecError as error:
            raise error.of(subject) from None

    return from_dict


def to_message(bundle: Bundle, message: type[_Message], version: int | None = None) -> Callable[..., _Message]:
    """A function that makes of an event, or of an event and its :class:`Meta`, a message of the caller's class.

    For Confluent's ``ProtobufSerializer``, which has no hook of its own: ``serializer(to_paid(event), ctx)``. Raises as
    :func:`to_avro` does, also where the class is of another message than the event.
    """
    _refuse_other_language(bundle, "protobuf")
    _refuse_other_message(bundle, message)
    serde = _writing_serde(bundle, version)
    parse: Callable[[bytes], _Message] = message.FromString  # type: ignore[attr-defined]  # protobuf is not imported

    def make(event: Any, _context: object = None) -> _Message:
        return parse(_encode(serde, event))

    return make


def from_message(bundle: Bundle, version: int | None = None) -> Callable[..., tuple[Any, Meta]]:
    """A function that makes of a message, of any class of this event's message, an event and its :class:`Meta`.

    Raises as :func:`from_avro` does.
    """
    _refuse_other_language(bundle, "protobuf")
    serde = Serde(bundle)
    read = _find_version(serde, version)
    decode = serde.versions.compile_reader(read, read, read.shape)
    subject = subject_of(bundle, read)

    def make(message: Any, _context: object = None) -> tuple[Any, Meta]:
        _refuse_other_message(bundle, type(message))
        try:
            return _finish(bundle, read, decode(message.SerializePartialToString(), 0, meta := Meta()), meta)
        except CodecError as error:
            raise error.of(subject) from None

    return make


def _writing_serde(bundle: Bundle, version: int | None) -> Serde:
    # The frame belongs to the other serializer; this framing keeps it out of the value.
    serde = Serde(bundle, framing="confluent-header", active=version)
    if not serde.active:
        raise SerdeError(
            f"{bundle.service} does not write {bundle.event}: it is written only by {bundle.owner}",
            help=f"ask {bundle.contact}" if bundle.contact else "",
        )
    return serde


def _find_version(serde: Serde, number: int | None) -> BundledVersion:
    version = serde.bundle.newest if number is None else serde.versions.by_number.get(number)
    if version is None or version.event is None:
        known = [f"v{each.number}" for each in serde.bundle.versions if each.event is not None]
        raise SerdeError(
            f"the stubs of {serde.bundle.event} have no class of v{number}, only of {', '.join(known) or 'none'}"
        )
    return version


def _encode(serde: Serde, event: Any) -> bytes:
    """The bare bytes of an event, or of an event with its envelope."""
    if isinstance(event, tuple) and len(event) == 2 and isinstance(event[1], Meta):
        event, meta = event
    else:
        meta = make_meta(serde.bundle, serde.tick(event))
    value, _ = serde.encode(event, meta)
    return value


def _finish(bundle: Bundle, version: BundledVersion, event: Any, meta: Meta) -> tuple[Any, Meta]:
    roles: Mapping[str, tuple[str, ...]] = version.shape.envelope
    if roles:
        check_filled(meta, roles)
    meta.contract = bundle.event
    meta.version = meta.schema_version or version.number
    return event, meta


def _refuse_other_language(bundle: Bundle, language: str) -> None:
    if bundle.language != language:
        other = "to_message and from_message" if bundle.language == "protobuf" else "to_avro and from_avro"
        raise SerdeError(f"{bundle.event} is an event of {bundle.language}", help=f"use {other}")


def _refuse_other_message(bundle: Bundle, message: type) -> None:
    name = getattr(getattr(message, "DESCRIPTOR", None), "full_name", None)
    if name != bundle.event:
        raise SerdeError(f"{name or describe_python(message)} is not the message {bundle.event}")
