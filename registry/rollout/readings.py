"""How each version of a contract is read by each other one: natively, through converters, or not at all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from registry.compatibility import find_mismatches
from registry.contract import Policy, Version
from registry.errors import InvalidSchema
from registry.formats.mismatch import Direction, Pair, Step
from registry.frozen import dataclass
from registry.rules.envelope import find_field, words_of
from registry.rules.pins import UPGRADE
from registry.schema import Record, Schema
from registry.upgrade import Upgrade

NATIVE: Final = "native"
CONVERTERS: Final = "converters"


@dataclass(frozen=True, slots=True)
class Parsed:
    """One released version, as it is read."""

    version: Version
    schema: Schema
    upgrade: Upgrade | None
    """Its converters from the version before, where it was released with some."""


def explain_reading(
    reader: int, writer: int, numbers: Sequence[int], read: Callable[[int], Parsed], law: Policy
) -> str:
    """How one version reads another: ``native``, ``converters``, or ``no: `` and the first reason.

    As the serializer does it: through each step between the two that declares converters, natively before and after.
    """
    if reader == writer:
        return NATIVE
    try:
        return _walk(reader, writer, numbers, read, law)
    except InvalidSchema as error:
        return f"no: {error.message}"


def _walk(reader: int, writer: int, numbers: Sequence[int], read: Callable[[int], Parsed], law: Policy) -> str:
    rising = writer < reader
    low, high = sorted((reader, writer))
    steps = [number for number in numbers if low < number <= high and UPGRADE in read(number).version.files]
    at = writer
    for newer in steps if rising else reversed(steps):
        older = newer - 1
        if older not in numbers:
            return f"no: v{newer} is converted from v{older}, whose folder is gone"
        source, target = (older, newer) if rising else (newer, older)
        reason = _refuse_native(read(source), read(at), law) or _refuse_step(read(older), read(newer), rising=rising)
        if reason:
            return f"no: {reason}"
        at = target
    reason = _refuse_native(read(reader), read(at), law)
    return f"no: {reason}" if reason else CONVERTERS if steps else NATIVE


def _refuse_native(reader: Parsed, writer: Parsed, law: Policy) -> str:
    """Why one schema cannot read what the other wrote; empty where it can."""
    if reader is writer:
        return ""
    labels = f"v{reader.version.number}", f"v{writer.version.number}"
    if reader.schema.format != writer.schema.format:
        return f"{labels[0]} is in {reader.schema.format} and {labels[1]} in {writer.schema.format}"
    rising = writer.version.number < reader.version.number
    pair = Pair(reader.schema, writer.schema, Direction.BACKWARD if rising else Direction.FORWARD, *labels)
    # A policy that lets extreme values go (`lossy: warning`) has let the release go too.
    grave = {Step.BREAK} if law.severities.get("lossy", "error") != "error" else {Step.BREAK, Step.LOSSY}
    return next((mismatch.message for mismatch in find_mismatches(pair) if mismatch.step in grave), "")


def _refuse_step(older: Parsed, newer: Parsed, *, rising: bool) -> str:
    """Why the converters between two versions do not lead the way; empty where they do."""
    from registry.serde.conversion import BadConversion, compile_conversion

    assert newer.upgrade is not None  # its folder has the file
    try:
        conversion = compile_conversion(newer.upgrade.text, older.schema, newer.schema)
    except BadConversion as error:
        return f"{newer.upgrade.at(error.pointer)}: {error.fact}"
    if rising or conversion.falling.edits is not None:
        return ""
    return f"v{newer.version.number} declares no way back to v{older.version.number} (`down: none`)"


KEYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("string", "uuid"), "text"),
    **dict.fromkeys(("int", "long", "int32", "int64", "uint32", "uint64", "sint32", "sint64"), "number"),
    **dict.fromkeys(("fixed32", "fixed64", "sfixed32", "sfixed64"), "number"),
}
"""Types whose keys are the same bytes for the same value, by what they have in common."""


def describe_key(schema: Schema, path: str) -> str:
    """The type of the field at a dotted path, as far as it shows in the bytes of a message key; empty for no field."""
    if not path or not isinstance(schema.resolve(schema.root), Record):
        return ""
    _, field, _ = find_field(schema, tuple(path.split(".")))
    words = {KEYS.get(word, word) for word in words_of(schema, field.type)} if field is not None else set()
    return " or ".join(sorted(words))
