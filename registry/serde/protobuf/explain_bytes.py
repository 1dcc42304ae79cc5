"""Where bytes stop being an event: the library says that they do, and not where."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from registry.serde.errors import DecodeError
from registry.serde.protobuf import leaves
from registry.serde.protobuf.messages import MAX_DEPTH, Messages
from registry.serde.protobuf.parts import Part

_TOO_DEEP: Final = f"messages are nested deeper than {MAX_DEPTH} levels"
_LENGTH, _GROUP = 2, 3


def explain_bytes(messages: Messages, data: bytes, message: Any, error: Exception) -> DecodeError:
    """The error for bytes that could not be read; ``message`` is what the library made of them until then."""
    from google.protobuf.message import DecodeError as Refused

    if isinstance(error, DecodeError):
        return error
    if isinstance(error, RecursionError):
        return DecodeError(_TOO_DEEP)
    name = messages.event.full_name
    malformed, odd = (
        _find_malformed(messages, messages.event, data, "", 0),
        _find_odd(messages, messages.event, message, ""),
    )
    ways = (
        (malformed,) if isinstance(error, Refused) else (malformed, odd) if isinstance(error, UnicodeError) else (odd,)
    )
    for path, fact in chain.from_iterable(ways):
        return DecodeError(fact, path)
    return DecodeError(f"the bytes are no {name}: {error}" if str(error) else f"the bytes are no {name}")


def _find_malformed(messages: Messages, message: Any, data: bytes, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Path and fact of what the wire format or UTF-8 does not allow; the first is the one to tell."""
    from registry.formats.protobuf.reference.chunks import Malformed, split_fields

    if depth > MAX_DEPTH:
        yield path, _TOO_DEEP
        return
    parts = {part.number: part for part in messages.parts_of(message)}
    counts: dict[int, int] = {}
    try:
        for number, wire, raw in split_fields(data):
            part = parts.get(number)
            if part is None:
                continue
            index = counts[number] = counts.get(number, -1) + 1
            here = f"{path}/{part.name}"
            if part.holds == "map":
                yield from _find_in_entry(messages, part, raw if wire == _LENGTH else b"", here, depth + 1)
            else:
                suffix = f"[{index}]" if part.holds == "repeated" else ""
                yield from _find_in_value(messages, part, wire, raw, here + suffix, depth)
    except Malformed:
        yield path, f"the bytes end too soon, or are no {message.full_name}"


def _find_in_value(
    messages: Messages, part: Part, wire: int, raw: bytes, path: str, depth: int
) -> Iterator[tuple[str, str]]:
    if part.kind == "string" and part.verified and wire == _LENGTH:
        yield from _find_odd_text(raw, path)
    elif part.type is not None and part.kind != "enum" and wire in (_LENGTH, _GROUP):
        yield from _find_malformed(messages, part.type, raw, path, depth + 1)
    elif part.holds == "repeated" and wire == _LENGTH and part.kind not in ("string", "bytes"):
        yield from _find_in_numbers(part, raw, path)


def _find_in_numbers(part: Part, raw: bytes, path: str) -> Iterator[tuple[str, str]]:
    """Faults of numbers in one piece."""
    from registry.formats.protobuf.reference.chunks import Malformed, skip_value

    at = 0
    try:
        while at < len(raw):
            at = skip_value(raw, at, part.wire)
    except Malformed:
        yield path.rpartition("[")[0], f"the bytes are no list of {part.kind}"


def _find_in_entry(messages: Messages, part: Part, raw: bytes, path: str, depth: int) -> Iterator[tuple[str, str]]:
    from registry.formats.protobuf.reference.chunks import Malformed, split_fields

    key = ""
    try:
        for number, wire, inner in split_fields(raw):
            if number == 1 and wire == _LENGTH and part.key == "string":
                if part.verified:
                    yield from _find_odd_text(inner, path)
                key = f'"{inner.decode(errors="replace")}"'
            elif number == 2:
                yield from _find_in_value(messages, part, wire, inner, f"{path}{{{key}}}", depth)
    except Malformed:
        yield path, "the bytes are no entry of a map"


def _find_odd_text(raw: bytes, path: str) -> Iterator[tuple[str, str]]:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        yield path, f"the text is not UTF-8, from byte {error.start}"


def _find_odd(messages: Messages, message: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Path and fact of what the library took, and the event's class cannot hold."""
    for part in messages.parts_of(message):
        here = f"{path}/{part.name}"
        held = getattr(value, part.name)
        if part.holds == "map":
            yield from _find_odd_entries(messages, part, held, here)
        elif part.holds == "repeated":
            for index, each in enumerate(held):
                yield from _find_odd_value(messages, part, each, f"{here}[{index}]")
        elif part.holds == "implicit" or messages.has(value, part.name):
            yield from _find_odd_value(messages, part, held, here)
        elif part.holds == "required":
            yield here, "the field is required and missing"


def _find_odd_entries(messages: Messages, part: Part, held: Any, path: str) -> Iterator[tuple[str, str]]:
    try:
        pairs = [(key, held[key]) for key in held]
    except UnicodeDecodeError:
        yield path, "a key is not UTF-8"
        return
    for key, each in pairs:
        if isinstance(key, bytes):
            yield path, "a key is not UTF-8"
            return
        yield from _find_odd_value(messages, part, each, path + leaves.show_key(key))


def _find_odd_value(messages: Messages, part: Part, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if part.kind == "message":
        yield from _find_odd(messages, part.type, value, path)
        return
    try:
        if part.kind == "timestamp":
            leaves.join_time(value, value.seconds)
        elif part.kind == "duration":
            leaves.join_duration(value)
        elif part.kind == "string":
            leaves.read_text(value)
    except ValueError as error:
        yield path, str(error)
    except OverflowError:
        yield path, f"a Timestamp of {value.seconds} seconds is not within the years 1 to 9999"
