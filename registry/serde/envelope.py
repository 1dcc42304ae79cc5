"""The envelope: filled in when an event is written, mirrored in headers, compared when it is read.

The headers have CloudEvents' names, so that a relay, a filter or a person can tell events apart without decoding them.
The payload is what counts: it survives lakes and replays. A header that is absent is fine, one that says something
else is an error.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Any, Final

from registry.schema import Primitive, Record, Schema, Type, Union
from registry.serde.bundle import Bundle
from registry.serde.context import HANDLED
from registry.serde.errors import EnvelopeError, MissingCorrelation
from registry.serde.framing import Headers
from registry.serde.identity import MADE, new_id
from registry.serde.meta import Meta, new_meta
from registry.serde.moment import EPOCH, LAST, MICROSECONDS

HEADER_OF: Final = {
    "event_id": "ce_id",
    "correlation_id": "ce_correlationid",
    "schema_version": "ce_schemaversion",
    "occurred_at": "ce_time",
    "causation_id": "ce_causationid",
}
"""Role to header."""
TYPE_HEADER: Final = "ce_type"
SOURCE_HEADER: Final = "ce_source"

Pair = tuple[str, bytes]
"""A header."""

_MANY: Final = 100
_NUMBERS: Final = tuple(b"%d" % number for number in range(_MANY))
"""Texts of the usual versions."""
_ROLE_OF: Final = {header: role for role, header in HEADER_OF.items()}
_SECONDS: Final[dict[int, str]] = {}
"""Texts of the last seconds that were rendered, by their number since 1970."""
_MOST_SECONDS: Final = 4096
_LAST: Final[list[tuple[int, bytes]]] = [(LAST + 1, b"")]
"""The millisecond that was rendered last, as where it begins and its text: a busy service has many events in one. It is
never the first of a second, which may have no digits after the point."""
_MICROS: Final = tuple(b"%03dZ" % number for number in range(1000))
_MILLISECOND: Final = timedelta(milliseconds=1)
_START: Final = EPOCH.replace(tzinfo=None)
_parse_iso = datetime.fromisoformat


def make_meta(
    bundle: Bundle,
    tick: int,
    correlation_id: str | None = None,
    causation_id: str | None = None,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
) -> Meta:
    """The envelope of an event that is about to be written, without its version.

    What is not given comes from the record being handled (correlation and cause), or is made: a random id, and the time
    now, cut to ``tick`` microseconds. Raises :class:`MissingCorrelation`, and :class:`EnvelopeError` for an id that is
    empty or no text, and for a time without a zone or outside of the years 1 to 9999 in UTC.
    """
    meta = new_meta(Meta)
    meta.contract, meta.topic = bundle.event, bundle.topic
    meta.schema_version = meta.version = meta.read_as = 0
    meta.partition = meta.offset = -1
    meta.key = meta._timestamp = meta.message = None
    meta.headers = meta.trace = ()
    handled = HANDLED.get()
    if correlation_id is None:
        if handled is None:
            raise MissingCorrelation(
                "no correlation id: none was given, and no record is being handled",
                help="pass correlation_id=…, or publish inside `with registry.serde.correlation(…):`",
                subject=bundle.event,
            )
        correlation_id = handled[0]
    if correlation_id.__class__ is not str or not correlation_id:
        _refuse_id("correlation_id", correlation_id, bundle)
    meta.correlation_id = correlation_id
    if event_id is None:
        try:
            event_id = MADE.pop()
        except IndexError:
            event_id = new_id()
    elif event_id.__class__ is not str or not event_id:
        _refuse_id("event_id", event_id, bundle)
    meta.event_id = event_id
    if causation_id is None and handled is not None:
        causation_id = handled[1]
    if causation_id is not None and (causation_id.__class__ is not str or not causation_id):
        _refuse_id("causation_id", causation_id, bundle)
    meta.causation_id = causation_id
    if occurred_at is None:
        moment = time_ns() // 1000  # a datetime is made of it when somebody looks
        meta._occurred_at = moment if tick == 1 else moment // tick * tick
    else:
        _check_time(occurred_at, bundle)
        meta._occurred_at = occurred_at
    return meta


def _refuse_id(role: str, given: object, bundle: Bundle) -> None:
    if type(given) is not str or not given:
        from registry.serde.advice import advise, describe_given

        fact = f"{role} is a text that is not empty, not {describe_given(given, str)}"
        path = _find_path(role, bundle.newest.shape.envelope)
        raise EnvelopeError(fact, path, advise(given, str), bundle.event)


def _check_time(given: object, bundle: Bundle) -> None:
    try:
        if isinstance(given, datetime) and given.utcoffset() is not None:
            given.astimezone(UTC)
            return
        fact = f"occurred_at is a datetime with a zone, not {_describe(given)}"
    except OverflowError:
        fact = f"occurred_at is, in UTC, not within the years 1 to 9999: {_describe(given)}"
    except Exception as error:  # of a zone that is somebody's own
        fact = f"occurred_at cannot be read: {error!r}"
    raise EnvelopeError(fact, _find_path("occurred_at", bundle.newest.shape.envelope), subject=bundle.event)


def _find_path(role: str, roles: Mapping[str, tuple[str, ...]]) -> str:
    return "/" + "/".join(roles.get(role, (role,)))


def render_fixed_headers(bundle: Bundle) -> tuple[Pair, Pair, Pair]:
    """The headers that all events of one contract have: its type, and the service as its source."""
    return (
        ("ce_specversion", b"1.0"),
        (TYPE_HEADER, bundle.event.encode()),
        (SOURCE_HEADER, bundle.service.encode()),
    )


def render_headers(meta: Meta, fixed: tuple[Pair, Pair, Pair], version: Pair) -> tuple[Pair, ...]:
    """The envelope of an event that was written as headers, after the fixed ones; :func:`make_meta` made it."""
    specversion, kind, source = fixed
    cause = meta.causation_id
    try:
        headers = (
            specversion,
            kind,
            source,
            ("ce_id", meta.event_id.encode()),
            ("ce_correlationid", meta.correlation_id.encode()),
            version,
            ("ce_time", render_moment(meta._occurred_at)),
        )
        return headers if cause is None else (*headers, ("ce_causationid", cause.encode()))
    except UnicodeEncodeError:
        raise EnvelopeError("an id has half of a surrogate pair, which no header can hold") from None


def agree(meta: Meta, held: Mapping[str, bytes | None]) -> bool:
    """Whether headers, each there once and with a value, say what the payload says, in the usual spelling.

    The quick half of :func:`check_headers`, which finds out about all others.
    """
    # Written out, since a loop over the roles takes twice as long.
    find, number = held.get, meta.schema_version
    try:
        if (said := find("ce_id")) != meta.event_id.encode() and said is not None:
            return False
        if (said := find("ce_correlationid")) != meta.correlation_id.encode() and said is not None:
            return False
        # The payload's number is one that fits its field; -1 is that of a payload without any.
        if (said := find("ce_schemaversion")) is not None and said != (
            _NUMBERS[number] if 0 < number < _MANY else b"%d" % (number or -1)
        ):
            return False
        if (said := find("ce_causationid")) is not None and said != str.encode(meta.causation_id):  # type: ignore[arg-type]  # None is caught
            return False
        return (said := find("ce_time")) is None or _parse_iso(said.decode()) == meta.occurred_at
    except (AttributeError, TypeError, ValueError):
        return False


def check_headers(meta: Meta, headers: Headers, roles: Mapping[str, tuple[str, ...]]) -> None:
    """Compares the headers of a record with its payload, which ``meta`` holds.

    ``roles`` are those that the writer's schema has, with their paths. What only a header knows goes into ``meta``.
    Raises :class:`EnvelopeError` where a header contradicts the payload, or another header of its name.
    """
    known: Collection[str] = roles
    for header, held in headers:
        role = _ROLE_OF.get(header)
        if role is None:
            continue
        if role not in known:
            setattr(meta, role, _parse(header, role, held))
            known = {*known, role}
            continue
        holds = getattr(meta, role)
        if type(holds) is str and held == holds.encode():
            continue
        said = _parse(header, role, held)
        if said != holds and not _are_same(role, said, holds):
            if role not in roles:
                raise EnvelopeError(f"the header {header} is there twice and differs")
            raise EnvelopeError(
                f"the header {header} says {_describe(_text(said))}, the payload {_describe(_text(holds))}",
                _find_path(role, roles),
                help="headers mirror the payload: a relay that changes one changes both, or drops the header",
            )


def _parse(header: str, role: str, held: bytes | None) -> Any:
    try:
        return _PARSERS[role]((held or b"").decode())
    except (ValueError, OverflowError, AttributeError):  # the last for a header that is no bytes
        raise EnvelopeError(f"the header {header} is {_describe(held)}, which is no {role}") from None


def find_claim(headers: Headers) -> tuple[str, int]:
    """The event and the version that the headers of a record name; empty and 0 where they name none."""
    event, version = "", 0
    for name, held in headers:
        if name == TYPE_HEADER and type(held) is bytes:
            event = held.decode(errors="replace")
        elif name == HEADER_OF["schema_version"] and type(held) is bytes:
            version = int(held) if held.isdigit() and len(held) < 10 else 0
    return event, version


def check_filled(meta: Meta, roles: Mapping[str, tuple[str, ...]]) -> None:
    """Refuses an envelope that was read and is empty. Raises :class:`EnvelopeError`.

    Protobuf cannot tell an absent field from ``""`` and ``0``, and an Avro default fills in the same.
    """
    if not meta.correlation_id and "correlation_id" in roles:
        raise EnvelopeError("the correlation id is empty", _find_path("correlation_id", roles))
    if not meta.schema_version and "schema_version" in roles:
        raise EnvelopeError("the schema version is 0", _find_path("schema_version", roles))


def tick_of(schema: object, path: tuple[str, ...]) -> int:
    """How many microseconds the time at a path can tell apart; Protobuf's timestamps hold them all."""
    if not isinstance(schema, Schema):
        return 1
    types = _types_at(schema, path)
    logical = [each.logical.name for each in _branches(types) if isinstance(each, Primitive) and each.logical]
    return 1000 if "timestamp-millis" in logical else 1


def find_roles(schema: object, envelope: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """The part of an envelope that a schema from elsewhere has too: an event may have lived before it had one."""
    if not isinstance(schema, Schema):
        return envelope
    return {role: path for role, path in envelope.items() if _types_at(schema, path)}


def _types_at(schema: Schema, path: tuple[str, ...]) -> list[Type]:
    types: list[Type] = [schema.root]
    for name in path:
        records = [schema.resolve(each) for each in _branches(types)]
        types = [
            field.type
            for record in records
            if isinstance(record, Record)
            for field in record.fields
            if field.name == name
        ]
    return types


def _describe(value: object) -> str:
    from registry.described import describe_python

    return describe_python(value)


def _branches(types: list[Type]) -> list[Type]:
    return [branch for each in types for branch in (each.branches if isinstance(each, Union) else (each,))]


def render_moment(moment: datetime | int | None) -> bytes:
    """RFC 3339, in UTC, of a time as :class:`registry.serde.meta.Meta` keeps it."""
    if moment.__class__ is not int:
        return _render_time(moment)  # type: ignore[arg-type]  # of no class but these two
    begin, text = _LAST[0]
    micros = moment - begin
    if 0 <= micros < 1000:
        return text + _MICROS[micros]
    second, micros = divmod(moment, MICROSECONDS)
    if not micros:
        return _render_second(second).encode() + b"Z"
    millis, micros = divmod(micros, 1000)
    text = f"{_render_second(second)}.{millis:03}".encode()
    if millis:
        _LAST[0] = moment - micros, text  # in one step, since threads may render at the same time
    return text + _MICROS[micros]


def _render_second(second: int) -> str:
    text = _SECONDS.get(second)
    if text is None:
        if len(_SECONDS) >= _MOST_SECONDS:
            _SECONDS.clear()
        text = _SECONDS[second] = (_START + timedelta(0, second)).isoformat()
    return text


def _render_time(moment: datetime) -> bytes:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat().encode() + b"Z"


def _parse_time(text: str) -> datetime:
    moment = _parse_iso(text)
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


def _parse_id(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


def _parse_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError(text)
    return int(text)


_PARSERS: Final[dict[str, Any]] = {
    "event_id": _parse_id,
    "correlation_id": _parse_id,
    "causation_id": _parse_id,
    "schema_version": _parse_number,
    "occurred_at": _parse_time,
}


def _are_same(role: str, said: Any, holds: Any) -> bool:
    """Two spellings of one fact: a UUID in capitals, a time with fewer digits than the payload has."""
    if holds is None:
        return False
    if role == "occurred_at":
        return bool(abs(said - holds) < _MILLISECOND)
    return role != "schema_version" and len(said) == len(holds) == 36 and said.lower() == holds.lower()


def _text(value: object) -> object:
    return _render_time(value).decode() if isinstance(value, datetime) else value
