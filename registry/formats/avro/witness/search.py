"""A value that shows a mismatch: encoded with the writer, decoded with the reader, both by the reference codec.

The value leads to the place that the mismatch names; beside it stands the smallest that the reader can read. A few
candidates end it, and the first whose bytes show the mismatch is the witness: the reader fails at that very path, or
reads something that means another thing, or something that its own type does not allow. A failure elsewhere shows
nothing of this mismatch.

Where the reader always fails at another mismatch first (two fields that both lack a default), the same bytes are read
once more by a reader that asks for nothing but the path. The bytes stay those of the real writer, what stands beside
the path is skipped as Avro skips a field that nobody reads, and the note names the other place. To show nothing before
the other mismatch is mended would hide most of what a large change does.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Final

from registry.formats.avro.reference import DecodeError, EncodeError, decode, encode
from registry.formats.avro.values import MAX_SIZE, Smallest
from registry.formats.avro.witness.another import find_another
from registry.formats.avro.witness.excerpt import follow, render_excerpt, render_value
from registry.formats.avro.witness.steering import Place, build_value, cut_reader, find_places, read_path, written_path
from registry.formats.mismatch import Mismatch, Pair
from registry.formats.witness import Witness
from registry.frozen import replace
from registry.schema import Enum, Fixed, Primitive, Schema, Type

MAX_PLACES: Final = 16
"""Places that are tried: there are several where branches of unions lead to the same types."""
MAX_DIGITS: Final = 4_000
"""Digits of a decimal that is still built."""


def find_witness(mismatch: Mismatch) -> Witness:
    """The witness of a mismatch of step break or lossy, or the reason why there is none.

    The cost grows with the size of the two schemas, not with the number of their values.
    """
    if not (mismatch.pair.reader.roots and mismatch.pair.writer.roots):
        return _no(mismatch, "one of the two schemas is gone")
    if "…" in mismatch.path:
        return _no(mismatch, "it lies deeper than a path can say")
    try:
        return _try_places(mismatch)
    except RecursionError:  # only where the caller's own stack is almost used up
        return _no(mismatch, "nests too deep for the stack that is left")


def _try_places(mismatch: Mismatch) -> Witness:
    pair = mismatch.pair
    smallest = Smallest(pair.writer, pair.reader)
    masked: list[tuple[Place, bytes, object, DecodeError]] = []
    reason = "no value leads there"
    for place in islice(find_places(mismatch), MAX_PLACES):
        try:
            for leaf in _find_leaves(mismatch, place, smallest):
                data = encode(pair.writer, _build(place, leaf, smallest))
                written = decode(pair.writer, pair.writer, data)
                seen = _read(mismatch, place, pair.reader, data, written)
                if isinstance(seen, Witness):
                    return seen
                if seen is not None:
                    masked.append((place, data, written, seen))
                else:
                    reason = "every value that was tried reads as it was written"
        except (EncodeError, DecodeError) as error:
            reason = error.fact
    for place, data, written, failure in masked:
        note = f"{failure.path} is left out, because {pair.reader_label} fails there as well"
        seen = _read(mismatch, place, cut_reader(place, pair.reader), data, written, note)
        if isinstance(seen, Witness):
            return seen
        reason = f"every value already fails at {failure.path or 'the event itself'}"
    return _no(mismatch, reason)


def _no(mismatch: Mismatch, reason: str) -> Witness:
    return Witness(mismatch.pair.writer_label, mismatch.pair.reader_label, reason=reason)


def _build(place: Place, leaf: object, smallest: Smallest) -> object:
    """The whole value. Raises :class:`EncodeError` where there is none, or none that is small enough."""
    size = 0

    def beside(reader: Type | None, writer: Type) -> object:
        nonlocal size
        found = (smallest.find_readable(reader, writer) if reader else None) or smallest.demand(writer)
        size += found.size
        if size > MAX_SIZE:
            raise EncodeError(f"the smallest value is larger than {MAX_SIZE} parts")
        return found.value

    return build_value(place.way, leaf, beside)


def _read(
    mismatch: Mismatch, place: Place, reader: Schema, data: bytes, written: object, note: str = ""
) -> Witness | DecodeError | None:
    """The witness that the bytes are, where they show the mismatch; what failed elsewhere; None if nothing did."""
    pair = mismatch.pair
    path = written_path(place.way)
    text = render_value(written)
    excerpt = _shorter(render_excerpt(written, path), text)
    witness = Witness(pair.writer_label, pair.reader_label, data, text, note=note, excerpt=excerpt)
    try:
        read = decode(reader, pair.writer, data)
    except DecodeError as error:
        return replace(witness, failure=str(error)) if error.path == mismatch.path else error
    *_, was = follow(written, path)
    *_, now = follow(read, read_path(place.way))
    remark = _remark(mismatch, place, was, now)
    if remark is None:
        return None
    text = render_value(read)
    return replace(
        witness,
        read=text,
        read_excerpt=_shorter(render_excerpt(read, read_path(place.way)), text),
        note="; ".join(filter(None, (remark, note))),
    )


def _shorter(excerpt: str, text: str) -> str:
    return excerpt if len(excerpt) < len(text) else ""


def _remark(mismatch: Mismatch, place: Place, was: object, now: object) -> str | None:
    """What is to be said of a value that was read, perhaps nothing; None if it is the value that was written."""
    reader, writer = mismatch.pair.reader.resolve(place.reader), None
    if place.writer is not None:
        writer = mismatch.pair.writer.resolve(place.writer)
    read_as = reader.logical if isinstance(reader, Primitive | Fixed) else None
    written_as = writer.logical if isinstance(writer, Primitive | Fixed) else None
    if mismatch.kind == "decimal_precision_narrowed":
        assert isinstance(now, Decimal) and read_as is not None
        digits = len(now.as_tuple().digits)
        is_shown = digits > read_as.precision and was == now
        return f"{digits} digits where {read_as} allows {read_as.precision}" if is_shown else None
    if mismatch.kind == "renamed_field_defaulted":
        return None if _are_equal(was, now) else f"the default of {mismatch.path}"
    # A number that stayed a number means as many units as its type says.
    is_number = (type(was) is int and written_as is not None) or (type(now) is int and read_as is not None)
    if is_number and read_as != written_as:
        return f"{mismatch.writer_type} read as {mismatch.reader_type}"
    return None if _are_equal(was, now) else ""


def _are_equal(was: object, now: object) -> bool:
    """Whether a value that was read means what was written: numbers by their exact value, text by its bytes."""
    if isinstance(was, bool) or isinstance(now, bool):
        return was is now
    if isinstance(was, int | float) and isinstance(now, int | float):
        return was == now
    if isinstance(was, str | bytes) and isinstance(now, str | bytes):
        return _to_bytes(was) == _to_bytes(now)
    if isinstance(was, list) and isinstance(now, list):
        return len(was) == len(now) and all(map(_are_equal, was, now))
    if isinstance(was, dict) and isinstance(now, dict):
        return was.keys() == now.keys() and all(_are_equal(was[key], now[key]) for key in was)
    return type(was) is type(now) and was == now


def _to_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode(errors="surrogatepass")


def _find_leaves(mismatch: Mismatch, place: Place, smallest: Smallest) -> Iterator[object]:
    """Values to try at the end of the way, the most telling first. Raises :class:`EncodeError` where there is none."""
    if place.writer is None:  # the writer has no such field: any value of the record will do
        yield None
        return
    candidates = _LEAVES.get(mismatch.kind)
    if candidates is not None:
        yield from candidates(mismatch.pair, place.reader, place.writer, smallest)
    else:
        yield smallest.demand(place.writer).value


def _find_unknown_symbol(pair: Pair, reader: Type, writer: Type, _smallest: Smallest) -> Iterator[object]:
    read, written = pair.reader.resolve(reader), pair.writer.resolve(writer)
    assert isinstance(read, Enum) and isinstance(written, Enum)
    known = {symbol.name for symbol in read.symbols}
    yield next(symbol.name for symbol in written.symbols if symbol.name not in known)


def _find_rounded(_pair: Pair, reader: Type, _writer: Type, _smallest: Smallest) -> Iterator[object]:
    """The smallest whole number that 32 or 64 bits of floating point do not hold."""
    assert isinstance(reader, Primitive)
    yield 2**24 + 1 if reader.name == "float" else 2**53 + 1


def _find_no_utf8(_pair: Pair, _reader: Type, _writer: Type, _smallest: Smallest) -> Iterator[object]:
    yield b"\xff"


def _find_long_decimal(pair: Pair, reader: Type, writer: Type, _smallest: Smallest) -> Iterator[object]:
    """The smallest number with one digit too many."""
    read, written = pair.reader.resolve(reader), pair.writer.resolve(writer)
    assert isinstance(read, Primitive | Fixed) and read.logical is not None
    if read.logical.precision > MAX_DIGITS:
        raise EncodeError(f"a decimal of more than {MAX_DIGITS} digits is not built")
    number = 10**read.logical.precision
    size = written.size if isinstance(written, Fixed) else number.bit_length() // 8 + 1
    yield number.to_bytes(size, "big", signed=True)


def _find_two(_pair: Pair, _reader: Type, writer: Type, smallest: Smallest) -> Iterator[object]:
    """Two different values: 1 or the like shows another unit, another scale and another default; else 0 does."""
    first = smallest.demand(writer)
    other = find_another(smallest, writer)
    if other is not None:
        yield other
    yield first.value


_Leaves = Callable[[Pair, Type, Type, Smallest], Iterator[object]]

_LEAVES: Final[Mapping[str, _Leaves]] = {
    "missing_enum_symbols": _find_unknown_symbol,
    "lossy_promotion": _find_rounded,
    "bytes_read_as_string": _find_no_utf8,
    "decimal_precision_narrowed": _find_long_decimal,
    "decimal_mismatch": _find_two,
    "logical_type_mismatch": _find_two,
    "renamed_field_defaulted": _find_two,
}
"""What ends the way, by kind; for the others the smallest value of the writer's type fails."""
