"""What the source of an encoder says for each type: checks as lines, and the pieces of bytes that come of a value."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from registry.frozen import replace
from registry.schema import Array, Enum, Fixed, Map, Primitive, Record, Type, Union
from registry.serde.avro.encoder_leaves import MOST_TEXTS, make_writer
from registry.serde.avro.encoder_source import Body, Piece, Value
from registry.serde.avro.encoder_unions import write_union
from registry.serde.avro.python_types import check_class
from registry.serde.avro.roles import IDS, find_deeper, find_key, find_moment, find_role
from registry.serde.avro.varints import SMALL, write_long
from registry.serde.naming import attribute_name

UUID_LENGTH: Final = write_long(36)


def write_type(body: Body, type_: Type, value: Value) -> list[Piece]:
    """Writes the lines for a value of a type, and gives its pieces."""
    plain = body.source.schema.resolve(type_)
    if isinstance(plain, Record | Array | Map | Union) and not value.roles:
        circular = isinstance(plain, Record) and plain.name in body.inlined
        if circular or body.is_full:
            return [Piece(f"{body.source.function(type_)}({value.expression}, {body.depth})")]
    return _TYPES[type(plain)](body, plain, value)


# Primitive types


def _write_null(body: Body, value: str) -> list[Piece]:
    body.refuse_if(f"{value} is not None")
    return []


def _write_boolean(body: Body, value: str) -> list[Piece]:
    held = body.hold(value)
    body.refuse_if(f"{held} is not True and {held} is not False")
    return [Piece(held, format="?")]


def _integer_writer(name: str) -> Callable[[Body, str], list[Piece]]:
    def write(body: Body, value: str) -> list[Piece]:
        held = body.hold(value)
        small = f"{held}.__class__ is int and 0 <= {held} < {SMALL}"
        return [Piece(f"SIZES[{held}] if {small} else {name}({held})")]

    return write


def _float_writer(format_: str, name: str) -> Callable[[Body, str], list[Piece]]:
    def write(body: Body, value: str) -> list[Piece]:
        held = body.hold(value)
        body.add(f"if {held}.__class__ is not float:")
        body.add(f"    {held} = {name}({held})")
        return [Piece(held, format=format_)]

    return write


def _write_bytes(body: Body, value: str) -> list[Piece]:
    held = body.hold(value)
    body.refuse_if(f"{held}.__class__ is not bytes")
    return [Piece(f"SIZES[len({held})]"), Piece(held)]


def _write_string(body: Body, value: str) -> list[Piece]:
    held = body.fresh()  # what is no text has no encode, or gives no bytes
    body.add(f"{held} = {value}.encode()")
    return [Piece(f"SIZES[len({held})]"), Piece(held)]


_PRIMITIVES: Final[Mapping[str, Callable[[Body, str], list[Piece]]]] = {
    "null": _write_null,
    "boolean": _write_boolean,
    "int": _integer_writer("write_int"),
    "long": _integer_writer("write_long"),
    "float": _float_writer("f", "to_float"),
    "double": _float_writer("d", "to_double"),
    "bytes": _write_bytes,
    "string": _write_string,
}


def _write_primitive(body: Body, type_: Primitive, value: Value) -> list[Piece]:
    if type_.logical is None:
        return _PRIMITIVES[type_.name](body, value.expression)
    if type_.name != "string":
        micros = type_.logical.name == "timestamp-micros" and value.role == "occurred_at"
        return (_write_micros if micros else _write_leaf)(body, type_, value)
    if value.role not in IDS:
        return [Piece(constant=UUID_LENGTH), Piece(_call_leaf(body, type_, value))]
    held = body.fresh()
    body.add(f"{held} = {value.expression}.encode()")
    body.refuse_if(f"{held}.translate(HEX) != FORM")
    return [Piece(constant=UUID_LENGTH), Piece(held)]


def _write_micros(body: Body, type_: Primitive, value: Value) -> list[Piece]:
    """A time that is mostly a number of today: eight bytes, by the tables of :mod:`registry.serde.avro.varints`."""
    held = body.hold(value.expression)
    first, second, third, last = (body.fresh() for _ in range(4))
    body.add(f"if {held}.__class__ is int and {1 << 41} <= {held} < {1 << 55}:")
    body.add(f"    {third} = {held} >> 27")
    body.add(f"    {first} = LINKED[{held} << 1 & 16383]")
    body.add(f"    {second} = LINKED[{held} >> 13 & 16383]")
    body.add(f"    {last} = ENDING[{third} >> 14]")
    body.add(f"    {third} = LINKED[{third} & 16383]")
    body.add("else:")
    body.add(f"    {first} = {_call_leaf(body, type_, replace(value, expression=held))}")
    body.add(f"    {second} = {third} = {last} = b''")
    return [Piece(name) for name in (first, second, third, last)]


def _write_leaf(body: Body, type_: Primitive, value: Value) -> list[Piece]:
    return [Piece(_call_leaf(body, type_, value))]


def _call_leaf(body: Body, type_: Primitive | Fixed, value: Value) -> str:
    """What writes a logical type."""
    typed = body.source.typed or bool(value.role)
    key = type_.name, type_.logical, value.role, typed
    leaf = body.source.bind("leaf", key, make_writer(type_, typed=typed, role=value.role))
    return f"{leaf}({value.expression})"


# Named types


def _write_fixed(body: Body, fixed: Fixed, value: Value) -> list[Piece]:
    if fixed.logical is not None:
        return [Piece(_call_leaf(body, fixed, value))]
    held = body.hold(value.expression)
    body.refuse_if(f"{held}.__class__ is not bytes or len({held}) != {fixed.size}")
    return [Piece(held)]


def _write_enum(body: Body, enum: Enum, value: Value) -> list[Piece]:
    """By the text, or by the member itself: members of an enum compare and hash slowly."""
    symbols = {symbol.name: write_long(symbol.number) for symbol in enum.symbols}
    members: Any = body.source.shape.types.get(enum.name)
    if members is None:
        return [Piece(f"{body.source.bind('symbols', enum.name, symbols)}[{value.expression}]")]
    by_identity = {id(member): symbols[member.value] for member in members if member.value in symbols}
    return [Piece(f"{body.source.bind('members', enum.name, by_identity)}[id({value.expression})]")]


def _write_record(body: Body, record: Record, value: Value) -> list[Piece]:
    source, roles = body.source, value.roles
    keys = [find_key(source.schema, field, roles) for field in record.fields]
    cls = source.shape.types.get(record.name)
    held = body.hold(value.expression) if value.expression else ""
    if held and cls is not None:
        check_class(cls, filter(None, keys), record.name)
        name = source.bind("Class", cls, cls)
        body.refuse_if(f"{held}.__class__ is not {name} and not isinstance({held}, {name})")
    elif held:
        count = sum(map(bool, keys))
        body.refuse_if(f"{held}.__class__ is not dict or len({held}) != {count}")
    pieces: list[Piece] = []
    body.inlined.append(record.name)
    with body.deeper():
        for field, key in zip(record.fields, keys, strict=True):
            role = find_role(field, roles)
            if role:
                # As it is kept, unless a union has to tell by its class which branch it is.
                kept = find_moment(role, getattr(field.type, "logical", None))
                inner = f"meta.{'_' if kept else ''}{role}"
            elif not key:
                inner = ""
            else:
                inner = f"{held}[{key!r}]" if cls is None else f"{held}.{attribute_name(key)}"
            pieces += write_type(body, field.type, Value(inner, find_deeper(field, roles), role))
    body.inlined.pop()
    return pieces


# Arrays and maps: one block, whose count comes first; a count of zero ends it


def _write_array(body: Body, array: Array, value: Value) -> list[Piece]:
    held = body.hold(value.expression)
    body.add(f"if {held}.__class__ is not tuple and {held}.__class__ is not list:")
    body.add(f"    {held} = to_list({held})")
    items = body.source.schema.resolve(array.items)
    if isinstance(items, Primitive) and items.name == "string" and items.logical is None:
        return [
            Piece(f"TEXTS[len({held})](SIZES, {held}) if len({held}) < {MOST_TEXTS} else write_texts(SIZES, {held})")
        ]
    item = body.fresh()
    return _write_block(body, held, f"for {item} in {held}", lambda: write_type(body, array.items, Value(item)))


def _write_map(body: Body, map_: Map, value: Value) -> list[Piece]:
    held = body.hold(value.expression)
    body.add(f"if {held}.__class__ is not dict:")
    body.add(f"    {held} = to_dict({held})")
    key, item = body.fresh(), body.fresh()
    header = f"for {key}, {item} in {held}.items()"
    return _write_block(
        body, held, header, lambda: _write_string(body, key) + write_type(body, map_.values, Value(item))
    )


def _write_block(body: Body, held: str, header: str, write_item: Callable[[], list[Piece]]) -> list[Piece]:
    """A loop over the items, each of which adds its pieces to a list; no loop where one expression does.

    What was made is counted: another thread may change the list or dict before it is asked again.
    """
    out = body.fresh()
    with body.deeper(), body.block() as lines:
        pieces = body.source.join(write_item())
        if lines or len(pieces) != 1:
            body.add(f"{out} += ({''.join(f'{piece}, ' for piece in pieces)})")
    if lines:
        body.add(f"{out} = []")
        body.insert(f"{header}:", lines)
    else:
        body.add(f"{out} = [{pieces[0]} {header}]")
    if not pieces:  # items of no bytes: the array is copied before it is counted
        body.add(f"{held} = [*{held}]")
        return [Piece(f"SIZES[len({held})]"), Piece(f"(b'\\0' if {held} else b'')")]
    each = f" // {len(pieces)}" if len(pieces) > 1 else ""
    return [Piece(f"SIZES[len({out}){each}]"), Piece(f"b''.join({out})"), Piece(f"(b'\\0' if {out} else b'')")]


def _write_union(body: Body, union: Union, value: Value) -> list[Piece]:
    return write_union(body, union, value, write_type)


_TYPES: Final[Mapping[type, Callable[[Body, Any, Value], list[Piece]]]] = {
    Primitive: _write_primitive,
    Fixed: _write_fixed,
    Enum: _write_enum,
    Record: _write_record,
    Array: _write_array,
    Map: _write_map,
    Union: _write_union,
}
