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
from registry.serde.meta import Meta, new_meta
from registry.serde.record import Record
from registry.serde.shape import Decoder

_UNUSUAL: Final = (ValueError, KeyError, TypeError, AttributeError, CodecError)
"""What comes of a record that the quick way is not for."""

_USUAL: Final = 7
"""How many headers an event has that nothing led to."""
_TRACES: Final = tuple(TRACE_HEADERS[:end] for end in range(len(TRACE_HEADERS) + 1))
_Pair = tuple[str, bytes | None]
_Plan = tuple[Decoder, tuple[_Pair, ...], int, Callable[[Any, Meta], object], int, str, str]
"""How records of one frame are read: the decoder, the headers that all of them have, the version that they were written
with, who handles them, as which version, and what event and topic are called."""
_new: Final = Delivery.__new__
"""For a delivery whose attributes are set by who makes it: calling the class takes three times as long."""


class QuickReader:
    """What was learned of the frames of a receiver's topics. ``otherwise`` is the other way."""

    __slots__ = ("_otherwise", "_plans", "_width")

    def __init__(self, otherwise: Callable[[Record], Delivery | None]) -> None:
        self._otherwise = otherwise
        self._plans: dict[bytes, _Plan] = {}
        self._width = 0

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

        The payload of such frames has the whole envelope. All frames have one length, that of the first.
        """
        kind = (TYPE_HEADER, bundle.event.encode())
        source = (SOURCE_HEADER, bundle.owner.encode())
        fixed = tuple(record.headers[:3])
        if fixed[1:] == (kind, source) and fixed[0][0] == "ce_specversion" and self._width in (0, len(frame)):
            self._width = len(frame)
            common = (*fixed, (HEADER_OF["schema_version"], b"%d" % number))
            self._plans[frame] = (decoder, common, number, handler, read_as, bundle.event, record.topic)

    def read(self, record: Record) -> Delivery | None:
        """What is to be handled, or ``None``; raises what the other way does."""
        value, headers, width = record.value, record.headers, self._width
        try:
            decode, common, number, handler, read_as, event_name, topic = self._plans[value[:width]]  # type: ignore[index]  # None is caught
            further = headers[_USUAL:]
            said_0, said_1, said_2, (name_3, event_id), (name_4, correlation), said_5, (name_6, moment) = (
                headers[:_USUAL] if further else headers
            )
            meta = new_meta(Meta)
            meta.causation_id = meta.message = None  # which a decoder may set
            event = decode(value, width, meta)  # type: ignore[arg-type]
            if (
                record.topic == topic
                and (said_0, said_1, said_2, said_5) == common
                and name_3 == "ce_id"
                and name_4 == "ce_correlationid"
                and name_6 == "ce_time"
                and event_id
                and event_id == meta.event_id.encode()
                and correlation
                and correlation == meta.correlation_id.encode()
                and meta.schema_version == number
                and moment == render_moment(meta._occurred_at)
            ):
                meta.trace = _parse_further(further, meta) if further else ()
                meta.contract = event_name
                meta.version = number
                meta.read_as = read_as
                meta.headers = headers  # type: ignore[assignment]  # none is empty; a cast would be a call
                meta.topic = topic
                meta.partition = record.partition
                meta.offset = record.offset
                meta.key = record.key
                meta._timestamp = record._timestamp
                delivery = _new(Delivery)
                delivery.event = event
                delivery.meta = meta
                delivery.handler = handler
                delivery.record = record
                delivery.owned = True
                return delivery
        except _UNUSUAL:
            pass  # the other way says what is wrong, if something is
        return self._otherwise(record)


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
