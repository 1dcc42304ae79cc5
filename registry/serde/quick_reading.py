"""The quick way from a record to its delivery: for records as our producers write them, of frames read before.

Their headers are known by their places, and say what the payload says; all others are for the other way, which knows
all that is allowed and says what is wrong.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from registry.serde.bundle import Bundle
from registry.serde.context import TRACE_HEADERS, Trace
from registry.serde.delivery import Delivery
from registry.serde.envelope import HEADER_OF, SOURCE_HEADER, TYPE_HEADER, render_moment
from registry.serde.errors import CodecError
from registry.serde.meta import Meta
from registry.serde.record import Record
from registry.serde.shape import Decoder

UNUSUAL: Final = (ValueError, KeyError, TypeError, AttributeError, CodecError)
"""What :meth:`KnownFrames.read` raises of records that are not for it."""

_USUAL: Final = 7
"""How many headers an event has that nothing led to."""
_TRACES: Final = tuple(TRACE_HEADERS[:end] for end in range(len(TRACE_HEADERS) + 1))
_Pair = tuple[str, bytes | None]
_Plan = tuple[Decoder, _Pair, _Pair, _Pair, _Pair, int, Callable[[Any, Meta], object], int, str]
"""How records of one frame are read: the decoder, the headers that all of them have, the version that they were written
with, who handles them, as which version, and what the event is called."""


class KnownFrames:
    """What was learned of the frames of each topic."""

    __slots__ = ("_by_topic",)

    def __init__(self) -> None:
        self._by_topic: dict[str, tuple[int, dict[bytes, _Plan]]] = {}

    def learn(
        self,
        record: Record,
        frame: bytes,
        bundle: Bundle,
        decoder: Decoder,
        number: int,
        handler: Callable[[Any, Meta], object],
        read_as: int,
    ) -> None:
        """Remembers how a record was read, if its headers are the usual ones and its writer is the event's owner.

        The payload of such frames has the whole envelope. Frames of one topic have one length, that of the first.
        """
        kind = (TYPE_HEADER, bundle.event.encode())
        source = (SOURCE_HEADER, bundle.owner.encode())
        fixed = tuple(record.headers[:3])
        if not frame or fixed[1:] != (kind, source) or fixed[0][0] != "ce_specversion":
            return
        width, plans = self._by_topic.setdefault(record.topic, (len(frame), {}))
        if width == len(frame):
            version = (HEADER_OF["schema_version"], b"%d" % number)
            plans[frame] = (decoder, fixed[0], kind, source, version, number, handler, read_as, bundle.event)

    def read(self, record: Record) -> Delivery | None:
        """What is to be handled. ``None``, or one of :data:`UNUSUAL` raised, where the other way has to find out."""
        value, headers = record.value, record.headers
        width, plans = self._by_topic[record.topic]
        if value.__class__ is not bytes:
            return None
        decode, known_0, known_1, known_2, known_5, number, handler, read_as, event_name = plans[value[:width]]
        further = headers[_USUAL:]
        said_0, said_1, said_2, (name_3, event_id), (name_4, correlation), said_5, (name_6, moment) = (
            headers[:_USUAL] if further else headers
        )
        meta = Meta()
        event = decode(value, width, meta)
        micros = meta._occurred_at
        if not (
            said_1 == known_1
            and said_2 == known_2
            and said_5 == known_5
            and said_0 == known_0
            and name_3 == "ce_id"
            and name_4 == "ce_correlationid"
            and name_6 == "ce_time"
            and event_id
            and event_id == meta.event_id.encode()
            and correlation
            and correlation == meta.correlation_id.encode()
            and meta.schema_version == number
            and moment == render_moment(micros)
        ):
            return None
        meta.trace = _parse_further(further, meta) if further else ()
        meta.contract = event_name
        meta.version = number
        meta.read_as = read_as
        meta.headers = headers  # type: ignore[assignment]  # none is empty; a cast would be a call
        meta.topic = record.topic
        meta.partition = record.partition
        meta.offset = record.offset
        meta.key = record.key
        meta._timestamp = record._timestamp
        return Delivery(event, meta, handler, record, True)


def _parse_further(headers: Sequence[tuple[str, bytes | None]], meta: Meta) -> Trace:
    """What may follow the usual headers: the cause, and then the trace context. Raises ValueError for anything else."""
    (name, said), *_ = headers
    if name == HEADER_OF["causation_id"]:
        cause = meta.causation_id
        if cause is None or said != cause.encode():
            raise ValueError
        headers = headers[1:]
    if tuple([name for name, _ in headers]) not in _TRACES or not all(said for _, said in headers):
        raise ValueError
    return tuple(headers)  # type: ignore[arg-type]  # none is empty
