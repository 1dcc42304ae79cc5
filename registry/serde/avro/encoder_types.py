"""What the source of an encoder says for each type: checks as lines, and the pieces of bytes that come of a value.

``value`` is the expression of the value; it is empty for a record that holds nothing but the envelope, for which there
is no object.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from registry.schema import Array, Enum, Fixed, Map, Primitive, Record, Type, Union
from registry.serde.avro.encoder_leaves import MOST_TEXTS, make_writer
from registry.serde.avro.encoder_source import Body, Piece
from registry.serde.avro.encoder_unions import write_union
from registry.serde.avro.roles import IDS, Roles, find_deeper, find_key, find_role
from registry.serde.avro.varints import SMALL, write_long
from registry.serde.naming import attribute_name


def write_type(body: Body, type_: Type, value: str, roles: Roles = (), role: str = "") -> list[Piece]:
    """Writes the lines for a value of a type, and gives its pieces.

    ``roles`` are those of the envelope below here, ``role`` is that of the value itself.
    """
    plain = body.source.schema.resolve(type_)
    if isinstance(plain, Primitive | Fixed) and plain.logical is not None:
        return _write_logical(body, plain, value, role)
    if isinstance(plain, Primitive):
        return _PRIMITIVES[plain.name](body, value)
    if isinstance(plain, Enum):
        return [Piece(_find_symbol(body, plain, value))]
    if isinstance(plain, Fixed):
        held = body.hold(value)
        body.refuse_if(f"{held}.__class__ is not bytes or len({held}) != {plain.size}")
        return [Piece(held)]
    if not roles and (body.is_full or (isinstance(plain, Record) and plain.name in body.inlined)):
        return [Piece(f"{body.source.function(type_)}({value}, {body.depth})")]
    if isinstance(plain, Record):
        return _write_record(body, plain, value, roles)
    if isinstance(plain, Union):
        return write_union(body, plain, value, roles, role, write_type)
    return _write_array(body, plain, value) if isinstance(plain, Array) else _write_map(body, plain, value)


def _write_logical(body: Body, type_: Primitive | Fixed, value: str, role: str) -> list[Piece]:
    is_id, typed = role in IDS, body.source.typed or bool(role)
    key = type_.name, type_.logical, is_id, typed
    leaf = body.source.bind("leaf", key, make_writer(type_, typed=typed, is_id=is_id))
    piece = Piece(f"{leaf}({value})")
    is_text = isinstance(type_, Primitive) and type_.name == "string"
    return [Piece(constant=write_long(36)), piece] if is_text else [piece]


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


# Named types


def _find_symbol(body: Body, enum: Enum, value: str) -> str:
    """The bytes of a symbol: by the text, or by the member itself. Members of an enum compare and hash slowly."""
    symbols = {symbol.name: write_long(symbol.number) for symbol in enum.symbols}
    members: Any = body.source.shape.types.get(enum.name)
    if members is None:
        return f"{body.source.bind('symbols', enum.name, symbols)}[{value}]"
    by_identity = {id(member): symbols[member.value] for member in members if member.value in symbols}
    return f"{body.source.bind('members', enum.name, by_identity)}[id({value})]"


def _write_record(body: Body, record: Record, value: str, roles: Roles) -> list[Piece]:
    source = body.source
    keys = [find_key(source.schema, field, roles) for field in record.fields]
    cls = source.shape.types.get(record.name)
    held = body.hold(value) if value else ""
    if held and cls is not None:
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
                inner = f"meta.{role}"
            elif not key:
                inner = ""
            else:
                inner = f"{held}[{key!r}]" if cls is None else f"{held}.{attribute_name(key)}"
            pieces += write_type(body, field.type, inner, find_deeper(field, roles), role)
    body.inlined.pop()
    return pieces


# Arrays and maps: one block, whose count comes first; a count of zero ends it


def _write_array(body: Body, array: Array, value: str) -> list[Piece]:
    held = body.hold(value)
    body.add(f"if {held}.__class__ is not tuple and {held}.__class__ is not list:")
    body.add(f"    {held} = to_list({held})")
    items = body.source.schema.resolve(array.items)
    if isinstance(items, Primitive) and items.name == "string" and items.logical is None:
        return [
            Piece(f"TEXTS[len({held})](SIZES, {held}) if len({held}) < {MOST_TEXTS} else write_texts(SIZES, {held})")
        ]
    item = body.fresh()
    return _write_block(body, held, f"for {item} in {held}", lambda: write_type(body, array.items, item))


def _write_map(body: Body, map_: Map, value: str) -> list[Piece]:
    held = body.hold(value)
    body.add(f"if {held}.__class__ is not dict:")
    body.add(f"    {held} = to_dict({held})")
    key, item = body.fresh(), body.fresh()
    header = f"for {key}, {item} in {held}.items()"
    return _write_block(body, held, header, lambda: _write_string(body, key) + write_type(body, map_.values, item))


def _write_block(body: Body, held: str, header: str, write_item: Callable[[], list[Piece]]) -> list[Piece]:
    """A loop over the items, each of which adds its pieces to a list; no loop where one expression does."""
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
    end = f"(b'\\0' if {held} else b'')"
    return [Piece(f"SIZES[len({held})]"), Piece(f"b''.join({out})"), Piece(end)]
