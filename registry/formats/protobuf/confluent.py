"""What Confluent's registry rejects although the bytes are fine, for those who live beside one."""

from collections.abc import Iterator

from registry.formats.mismatch import Mismatch, Pair
from registry.formats.protobuf.elements import Side, element_of, label, package_of, title, wire_of, words_of
from registry.formats.protobuf.scalars import LENGTH
from registry.formats.protobuf.words import Spot, report
from registry.schema import Record, Ref, Schema


def find_confluent(pair: Pair) -> Iterator[Mismatch]:
    """One mismatch for each thing that Confluent's checker finds when the reader is registered after the writer."""
    reader, writer = pair.reader, pair.writer
    mine, theirs = _package(reader), _package(writer)
    top = Spot(pair, "", reader.roots[0].at, writer.roots[0].at) if reader.roots and writer.roots else None
    if top is not None and mine != theirs:
        yield report(
            "confluent_package_changed", top, f"the package is '{mine}' for the reader, '{theirs}' for the writer"
        )
    sides = (Side(reader.types), Side(writer.types))
    alone = {root.name for root in writer.roots if isinstance(root, Ref)} if len(writer.roots) == 1 else set()
    for name, type_ in writer.types.items():
        if not isinstance(type_, Record) or name.startswith("google.protobuf."):
            continue
        same = reader.types.get(name)
        if isinstance(same, Record):
            path = "" if name in alone else f"/{title(type_)}"
            yield from _compare_records(Spot(pair, path, same.at, type_.at), same, type_, sides)
        elif top is not None and mine == theirs:
            spot = top.down(f"/{title(type_)}", top.reader, type_.at)
            yield report("confluent_message_removed", spot, f"the reader has no message {name}")


def _package(schema: Schema) -> str:
    """The package of the first root."""
    root = schema.roots[0] if schema.roots else None
    return package_of(schema.types[root.name]) if isinstance(root, Ref) else ""


def _compare_records(spot: Spot, mine: Record, theirs: Record, sides: tuple[Side, Side]) -> Iterator[Mismatch]:
    fields = {wire_of(field).number: field for field in mine.fields}
    oneofs = {wire_of(field).oneof for field in mine.fields}
    for field in theirs.fields:
        wire = wire_of(field)
        same = fields.get(wire.number)
        if same is None:
            at = spot.down(f"/{field.name}", spot.reader, field.at)
            if wire.presence == "required":
                yield report(
                    "confluent_required_removed", at, f"the reader does not have the required {label(field, theirs)}"
                )
            if wire.oneof is not None and wire.oneof in oneofs:
                fact = f"the reader's oneof '{wire.oneof}' does not have {label(field, theirs)}"
                yield report("confluent_oneof_member_removed", at, fact)
        elif wire.presence != "repeated" and wire_of(same).presence == "repeated":
            element = element_of(same, sides[0])
            if element.wire != LENGTH and element_of(field, sides[1]).wire == element.wire:
                was, is_ = words_of(field.type), words_of(same.type)
                fact = f"{label(same, mine)} is {is_} for the reader, {was} for the writer"
                at = spot.down(f"/{same.name}", same.at, field.at)
                yield report("confluent_cardinality_changed", at, fact, {"number": wire.number})
