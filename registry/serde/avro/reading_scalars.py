"""Source that reads primitives and fixed: one function or one row for each.

``target`` is what the value is assigned to: a name, an attribute or an item; empty where nobody wants it.
"""

from collections.abc import Callable, Mapping
from typing import Final

from registry.schema import Logical
from registry.serde.avro.body import Body
from registry.serde.avro.making import make_logical, most_bytes
from registry.serde.avro.pieces import EXACT
from registry.serde.avro.plan import Node, Scalar, Sized
from registry.serde.avro.roles import find_moment
from registry.serde.moment import FIRST, LAST

Constant = Callable[[object], str]
"""Gives a value a name in the source."""


def read_null(body: Body, target: str) -> None:
    if target:
        body.line(f"{target} = None")


def read_boolean(body: Body, target: str) -> None:
    body.line(f"{target or 'n'} = BOOLEAN[d[i]]")
    body.line("i += 1")


def _read_int(body: Body, target: str) -> None:
    """One byte and two are in line; most numbers have no more."""
    if not target:
        _pass_over(body, 32)
        return
    _read_short(body, target)
    with body.under("else:"):
        body.line(f"{target}, i = integer(d, i + 2, n, k)")


def _read_long(body: Body, target: str) -> None:
    """Up to eight bytes are in line, as every timestamp is: two at a time, by four tables."""
    if not target:
        _pass_over(body, 64)
        return
    body.looks_ahead = True
    _read_short(body, target)
    with body.under("elif i > e:"):
        body.line(f"{target}, i = long(d, i + 2, n, k)")
    with body.under("else:"):
        body.line("n, x, y, z = pairs(d, i)")
        parts = ["P0[n]"]
        for place, (name, word) in enumerate((("x", "if"), ("y", "elif"), ("z", "elif")), 1):
            parts.append(f"P{place}[{name}]")
            with body.under(f"{word} {name} & 32896 != 32896:"):  # one of the two bytes is the last
                body.line(f"v = {' + '.join(parts)}")
                body.line(f"i += {2 * place + 2} if {name} & 128 else {2 * place + 1}")
        with body.under("else:"):
            body.line("v, i = huge(d, i)")
        body.line(f"{target} = ~v if n & 1 else v")


def _read_short(body: Body, target: str) -> None:
    body.line("n = d[i]")
    with body.under("if n < 128:"):
        body.line(f"{target} = INTEGER[n]")
        body.line("i += 1")
    with body.under("elif (k := d[i + 1]) < 128:"):
        body.line(f"{target} = TWO[k][n]")
        body.line("i += 2")


def _pass_over(body: Body, bits: int) -> None:
    lengths = " else ".join(("1 if d[i] < 128", *(f"{n} if d[i + {n - 1}] < 128" for n in (2, 3, 4))))
    body.line(f"i += {lengths} else pass_over(d, i, {bits})")


def _read_packed(letter: str, size: int) -> Callable[[Body, str], None]:
    def read(body: Body, target: str) -> None:
        if target:
            body.line(f"({target},) = unpack_{letter}(d, i)")
        body.line(f"i += {size}")

    return read


def read_text(body: Body, target: str) -> None:
    """A string that is wanted; one that is dropped is bytes."""
    with body.under("if k := STEP[d[i]]:"):
        body.line(f"{target} = d[i + 1:(i := i + k)].decode()")
    with body.under("else:"):
        body.line(f"{target}, i = text(d, i)")


def read_octets(body: Body, target: str) -> None:
    with body.under("if k := STEP[d[i]]:"):
        body.line(f"{target} = d[i + 1:(i := i + k)]" if target else "i += k")
    with body.under("else:"):
        body.line(f"{target}, i = octets(d, i)" if target else "_, i = size(d, i)")


_PRIMITIVES: Final[Mapping[str, Callable[[Body, str], None]]] = {
    "null": read_null,
    "boolean": read_boolean,
    "int": _read_int,
    "long": _read_long,
    "float": _read_packed("f", 4),
    "double": _read_packed("d", 8),
    "bytes": read_octets,
    "string": read_text,
}

_PROMOTED: Final[Mapping[tuple[str, str], str]] = {
    ("int", "float"): "round_to_float({0})",
    ("int", "double"): "float({0})",
    ("long", "float"): "round_to_float({0})",
    ("long", "double"): "float({0})",
    ("string", "bytes"): "{0}.encode()",
    ("bytes", "string"): "{0}.decode()",
}
"""Written and read -> the value that is read. An int is a long as it stands, and a float a double."""

_LOGICAL: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("{target} = date_of(DAY + {value})",),
    "time-millis": (
        "if not 0 <= {value} < DAY_OF_MILLISECONDS: raise GaveUp",
        "{target} = (EPOCH + MILLISECOND * {value}).time()",
    ),
    "time-micros": (
        "if not 0 <= {value} < DAY_OF_MICROSECONDS: raise GaveUp",
        "{target} = (EPOCH + MICROSECOND * {value}).time()",
    ),
    "timestamp-millis": ("{target} = UTC_EPOCH + MILLISECOND * {value}",),
    "timestamp-micros": ("{target} = UTC_EPOCH + MICROSECOND * {value}",),
    "local-timestamp-millis": ("{target} = EPOCH + MILLISECOND * {value}",),
    "local-timestamp-micros": ("{target} = EPOCH + MICROSECOND * {value}",),
    "uuid": (
        "{target} = o = new(UUID)",
        "set_int(o, to_int({value}, 'big'))",
        "set_safe(o, UNKNOWN)",
    ),
    "duration": ("{target} = Duration(*three_numbers({value}))",),
}
"""Logical type -> the lines that make it of its base value."""


def read_scalar(body: Body, node: Node, target: str, constant: Constant) -> None:
    """A primitive, promoted, with its logical type."""
    assert isinstance(node, Scalar)
    read = _PRIMITIVES[node.written]
    if not target:
        read(body, target)
        return
    logical = node.logical
    if logical is not None and logical.name == "uuid" and node.written == "string":
        _read_uuid(body, target, node.is_id)
        return
    promotion = _PROMOTED.get((node.written, node.read))
    read(body, "v" if promotion or logical is not None else target)
    if promotion:
        body.line(f"{'v' if logical is not None else target} = {promotion.format('v')}")
    if logical is not None:
        _make(body, logical, target, constant, is_plain=logical.name != "uuid")


def read_moment(body: Body, node: Node, role: str) -> str:
    """Reads ``occurred_at`` into ``w``, as it is kept, and gives the attribute for it; empty for any other node."""
    unit = find_moment(role, node.logical) if isinstance(node, Scalar) and node.written == "long" else 0
    if not unit:
        return ""
    _read_long(body, "w")
    if unit > 1:
        body.line(f"w *= {unit}")
    with body.under(f"if not {FIRST} <= w <= {LAST}:"):
        body.line("raise GaveUp")
    return "_occurred_at"


def _read_uuid(body: Body, target: str, is_id: bool) -> None:
    """Text of one form: 36 bytes, dashes where they belong, and hexadecimal digits elsewhere."""
    with body.under("if d[i] != 72:"):
        body.line("raise GaveUp")
    body.line("v = d[i + 1:(i := i + 37)]")
    with body.under("if v.translate(HEX) != FORM:"):
        body.line("raise GaveUp")
    if is_id:
        body.line(f"{target} = v.decode()")
        return
    for line in _LOGICAL["uuid"]:
        body.line(line.format(value="unhex(v.replace(b'-', b''))", target=target))


def read_sized(body: Body, node: Node, target: str, constant: Constant) -> None:
    """A fixed, with its logical type."""
    assert isinstance(node, Sized)
    if not target:
        body.line(f"i += {node.size}")
        return
    logical = node.logical
    body.line(f"{target if logical is None else 'v'} = d[i:(i := i + {node.size})]")
    if logical is not None:
        _make(body, logical, target, constant, is_plain=not node.is_id, is_id=node.is_id)


def _make(
    body: Body, logical: Logical, target: str, constant: Constant, *, is_plain: bool, is_id: bool = False
) -> None:
    """What the base value ``v`` means; a rare one asks :func:`registry.serde.avro.making.make_logical`."""
    if logical.name == "decimal":
        _make_decimal(body, logical, target, constant)
        return
    lines = _LOGICAL[logical.name] if is_plain else ()
    if not lines:

        def make(value: object) -> object:
            return make_logical(logical, value, is_id=is_id, exact=True)

        lines = (f"{{target}} = {constant(make)}({{value}})",)
    for line in lines:
        body.line(line.format(value="v", target=target))


def _make_decimal(body: Body, logical: Logical, target: str, constant: Constant) -> None:
    """The unscaled number, in two's complement. One of no bytes is none."""
    with body.under(f"if not 0 < len(v) <= {most_bytes(logical)}:"):
        body.line("raise GaveUp")
    unscaled = "to_int(v, 'big', signed=True)"
    if not logical.scale:
        body.line(f"{target} = Decimal({unscaled})")
        return
    try:
        unit = EXACT.scaleb(1, -logical.scale)
    except ArithmeticError:  # more decimal places than Python has
        body.line("raise GaveUp")
        return
    body.line(f"{target} = multiply({unscaled}, {constant(unit)})")
