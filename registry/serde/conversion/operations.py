"""The operations of converters: a small closed set, each with its own inverse.

An operation that cannot be undone for a value stops there (:class:`Inconvertible`), unless the document declares the
loss for its field. :data:`OPERATIONS` is the whole set.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from registry.described import describe_python
from registry.frozen import dataclass
from registry.serde.conversion.document import Part
from registry.serde.conversion.errors import Inconvertible
from registry.serde.conversion.kinds import KINDS, Rules, are_same, find_exchange, parse_factor
from registry.serde.conversion.moves import Move, make_moves
from registry.serde.conversion.paths import Path, find_holders, find_records, loosen

Edit = Callable[[dict[str, Any]], None]
"""Changes a plain event that is the caller's own copy; what it holds is copied before it is written to."""
_Change = Callable[[Any], Any]
"""One value to another one; raises :class:`ValueError` with the fact."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One step from the older version to the newer one, and the way back."""

    up: Edit
    down: Edit
    older: tuple[Path, ...]
    """The fields of the older version that it names, and of the newer one."""
    newer: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Losses:
    """The fields for which a loss is declared, by direction."""

    up: Mapping[str, Part]
    """Fields of the older version that do not come up whole."""
    down: Mapping[str, Part]


def parse_operation(part: Part, losses: Losses) -> Operation:
    """An operation of the document. Raises :class:`registry.serde.conversion.errors.BadConversion`."""
    entries = part.entries()
    if len(entries) > 1:
        part.refuse(f"{' and '.join(entries)} stand in one operation", "write each as an item of the list")
    ((name, inner),) = entries.items()
    part.at(name, name).one_of(OPERATIONS)
    return OPERATIONS[name](inner, losses)


# Where a value stands


def _parse_rename(part: Part, _losses: Losses) -> Operation:
    operation = _parse_move(part, _losses)
    for entry, before, after in zip(part.entries().values(), operation.older, operation.newer, strict=True):
        if before.steps[:-1] != after.steps[:-1]:
            entry.refuse(f"{after.text} stands in another record than {before.text}", "use move to change the record")
    return operation


def _parse_move(part: Part, _losses: Losses) -> Operation:
    moves = [_parse_pair(entry, key) for key, entry in part.entries().items()]
    for side in (0, 1):
        seen: set[tuple[str, ...]] = set()
        for move in moves:
            if move[side].steps in seen:
                part.refuse(f"{move[side].text} stands there twice")
            seen.add(move[side].steps)
    up, down = make_moves(moves)
    return Operation(up, down, tuple(move.before for move in moves), tuple(move.after for move in moves))


def _parse_pair(part: Part, key: str) -> Move:
    before, after = part.parse_path(key), part.path()
    if not before.single or not after.single:
        part.refuse("what is moved must be a field, not the items of one")
    if before.repeated != after.repeated:
        part.refuse(f"{after.text} stands in other items than {before.text}", "a field moves inside one item only")
    if before.may_lack or after.may_lack:  # one way and back
        before, after = loosen(before), loosen(after)
    return Move(before, after)


# What a value is


def _parse_enum(part: Part, losses: Losses) -> Operation:
    fields = part.fields(("field", "map"), ("to",))
    pairs = {key: entry.text() for key, entry in fields["map"].entries().items()}
    lossy_up, lossy_down = _find_losses(fields, losses)
    back: dict[str, str] = {}
    for symbol, image in pairs.items():
        if image in back and not lossy_up:
            fields["map"].at(symbol, image).refuse(
                f"{back[image]} and {symbol} both become {image}", _declare("up", fields["field"])
            )
        back.setdefault(image, symbol)

    def change(symbol: Any) -> Any:
        if _is_symbol(symbol) and symbol not in pairs and symbol in back and not lossy_up:
            raise ValueError(f"{symbol} would look like {back[symbol]}, which becomes {symbol}")
        return pairs.get(symbol, symbol)

    def restore(symbol: Any) -> Any:
        if _is_symbol(symbol) and symbol not in back and symbol in pairs and not lossy_down:
            raise ValueError(f"{symbol} would look like the older {symbol}, which is {pairs[symbol]} now")
        return back.get(symbol, symbol)

    return _in_place(fields, change, restore)


def _is_symbol(value: object) -> bool:
    if isinstance(value, str):
        return True
    if type(value) is int:  # a number that Protobuf's enum has no name for
        return False
    raise ValueError(f"{describe_python(value)} is no symbol of an enum")


def _parse_scale(part: Part, losses: Losses) -> Operation:
    fields = part.fields(("field", "by"), ("to", "from", "as", "places"))
    by = fields["by"]
    try:
        factor = parse_factor(str(by.value) if type(by.value) in {int, Decimal, str} else "")
    except ValueError as error:
        by.refuse(str(error) if by.value is not None else "a factor is missing")
    after = "int" if factor.denominator == 1 else "decimal"
    return _parse_exchange(part, fields, losses, ("int", after), factor)


def _parse_convert(part: Part, losses: Losses) -> Operation:
    fields = part.fields(("field", "from", "as"), ("to", "places"))
    return _parse_exchange(part, fields, losses, ("", ""), None)


def _parse_exchange(
    part: Part, fields: dict[str, Part], losses: Losses, kinds: tuple[str, str], factor: Fraction | None
) -> Operation:
    before = fields["from"].one_of(KINDS) if "from" in fields else kinds[0]
    after = fields["as"].one_of(KINDS) if "as" in fields else kinds[1]
    exchange = find_exchange(before, after, factor)
    if exchange is None:
        part.refuse(f"no {before} can become {after}" if factor is None else f"{before} or {after} is no number")
    places = fields["places"].value if "places" in fields else None
    if places is not None and (type(places) is not int or not 0 <= places <= 100):
        fields["places"].refuse("places are digits after the point, 0 to 100")
    lossy_up, lossy_down = _find_losses(fields, losses)
    up_rules, down_rules = Rules(places, lossy_up), Rules(places, lossy_down)

    def change(value: Any) -> Any:
        result = exchange.forward(value, up_rules)
        if not lossy_up and not are_same(exchange.backward(result, Rules(places)), value):
            raise ValueError(f"{describe_python(value)} would come back as another {before}")
        return result

    def restore(value: Any) -> Any:
        result = exchange.backward(value, down_rules)
        if not lossy_down and not are_same(exchange.forward(result, Rules(places)), value):
            raise ValueError(f"{describe_python(value)} would come back as another {after}")
        return result

    return _in_place(fields, change, restore)


def _parse_wrap(part: Part, losses: Losses) -> Operation:
    fields = part.fields(("field",), ("to",))
    _, lossy = _find_losses(fields, losses)
    return _in_place(fields, _wrap, _unwrapper(lossy=lossy), nulls=True)


def _parse_unwrap(part: Part, losses: Losses) -> Operation:
    fields = part.fields(("field",), ("to",))
    lossy, _ = _find_losses(fields, losses)
    return _in_place(fields, _unwrapper(lossy=lossy), _wrap, nulls=True)


def _wrap(value: Any) -> list[Any]:
    return [] if value is None else [value]


def _unwrapper(*, lossy: bool) -> _Change:
    def unwrap(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{describe_python(value)} is no array")
        if not lossy and (len(value) > 1 or (value and value[0] is None)):
            raise ValueError(f"an array of {len(value)} items is no single value" if value[1:] else "null is no item")
        return value[0] if value else None

    return unwrap


def _parse_fill(part: Part, losses: Losses) -> Operation:
    fields = part.fields(("field", "value"), ("to", "as"))
    value = _parse_value(fields)
    if value is None:
        fields["value"].refuse("null cannot fill in for null")
    lossy, _ = _find_losses(fields, losses)

    def change(found: Any) -> Any:
        if found is None:
            return deepcopy(value)
        if not lossy and are_same(found, value):
            raise ValueError(f"{describe_python(found)} would look like null, which becomes the same")
        return found

    def restore(found: Any) -> Any:
        return None if not lossy and are_same(found, value) else found

    return _in_place(fields, change, restore, nulls=True)


# What only one of the two versions has


def _parse_set(part: Part, losses: Losses) -> Operation:
    fields = part.fields(("field", "value"), ("as",))
    path, value = _parse_single(fields["field"]), _parse_value(fields)
    return Operation(_adder(path, value), _remover(path, value, lossy=path.text in losses.down), (), (path,))


def _parse_drop(part: Part, losses: Losses) -> Operation:
    fields = part.fields(("field", "value"), ("as",))
    path, value = _parse_single(fields["field"]), _parse_value(fields)
    return Operation(_remover(path, value, lossy=path.text in losses.up), _adder(path, value), (path,), ())


def _adder(path: Path, value: Any) -> Edit:
    name = path.steps[-1]

    def add(event: dict[str, Any]) -> None:
        for record, at in find_records(event, path, len(path.steps) - 1):
            if name in record:
                raise Inconvertible(f"there is a field '{name}' already", f"{at}/{name}")
            record[name] = deepcopy(value)

    return add


def _remover(path: Path, value: Any, *, lossy: bool) -> Edit:
    def remove(event: dict[str, Any]) -> None:
        for record, at in find_records(event, path, len(path.steps) - 1):
            found = _pop(record, path, at)
            if not lossy and not are_same(found, value):
                meant = f"{describe_python(value)}, which is all that the other version means"
                raise Inconvertible(f"{describe_python(found)} is not {meant}", f"{at}/{path.steps[-1]}")

    return remove


def _pop(record: dict[str, Any], path: Path, at: str) -> Any:
    name = path.steps[-1]
    if name not in record:
        raise Inconvertible(f"there is no field '{name}'", f"{at}/{name}")
    return record.pop(name)


def make_removal(path: Path) -> Edit:
    """Leaves a field out, whatever it holds: the loss of it is declared."""

    def remove(event: dict[str, Any]) -> None:
        for record, at in find_records(event, path, len(path.steps) - 1):
            if len(path.steps) - 1 not in path.loose or path.steps[-1] in record:
                _pop(record, path, at)

    return remove


# What operations share


def _in_place(fields: dict[str, Part], change: _Change, restore: _Change, *, nulls: bool = False) -> Operation:
    """Of one field, which may have another name afterwards. Null stays null, unless the change is about that."""
    before = fields["field"].path()
    after = before
    if "to" in fields:
        move = _parse_pair(fields["to"], fields["field"].text())
        before, after = move
        up, down = make_moves([move])
    edit_up, edit_down = _editor(after, change, nulls=nulls), _editor(after, restore, nulls=nulls)

    def apply(event: dict[str, Any]) -> None:
        if after is not before:
            up(event)
        edit_up(event)

    def undo(event: dict[str, Any]) -> None:
        edit_down(event)
        if after is not before:
            down(event)

    return Operation(apply, undo, (before,), (after,))


def _editor(path: Path, change: _Change, *, nulls: bool) -> Edit:
    def edit(event: dict[str, Any]) -> None:
        for holder, key, at in find_holders(event, path):
            value = holder[key]
            if value is None and not nulls:
                continue
            try:
                holder[key] = change(value)
            except (ValueError, ArithmeticError) as error:
                raise Inconvertible(str(error), at) from None

    return edit


def _parse_single(part: Part) -> Path:
    path = part.path()
    if not path.single:
        part.refuse(f"{path.text} is no field, but the items of one")
    if len(path.steps) - 1 in path.loose:
        part.refuse(f"{path.text} is what the other version lacks: nothing says which records have it")
    return path


def _parse_value(fields: dict[str, Part]) -> Any:
    """The value that stands in the document, as the kind that ``as`` names where JSON has none of it."""
    part = fields["value"]
    if "as" not in fields:
        return part.plain()
    kind = fields["as"].one_of(KINDS - {"seconds", "millis", "micros", "string"})
    text = str(part.value) if isinstance(part.value, Decimal) or type(part.value) is int else part.text()
    exchange = find_exchange("string", kind)
    if exchange is None:
        part.refuse(f"no text stands for {kind}")
    try:
        return exchange.forward(text, Rules())
    except (ValueError, ArithmeticError) as error:
        part.refuse(str(error))


def _find_losses(fields: dict[str, Part], losses: Losses) -> tuple[bool, bool]:
    """Whether the field may lose something on its way up, and down."""
    before = fields["field"].path().text
    after = fields["to"].path().text if "to" in fields else before
    return before in losses.up, after in losses.down


def _declare(direction: str, field: Part) -> str:
    return f"declare it: loss: {{{direction}: [{{field: {field.value}}}]}}"


OPERATIONS: Final[Mapping[str, Callable[[Part, Losses], Operation]]] = {
    "rename": _parse_rename,  # {customer: customer_id}
    "move": _parse_move,  # {author_name: author/name}: into a record, or out of one
    "enum": _parse_enum,  # {field, map: {OPEN: PENDING}}: other symbols stay
    "scale": _parse_scale,  # {field, by: 0.01, from: int, as: decimal}
    "convert": _parse_convert,  # {field, from: string, as: uuid}
    "wrap": _parse_wrap,  # {field: tag, to: tags}: one value, or null, to an array
    "unwrap": _parse_unwrap,
    "fill": _parse_fill,  # {field, value}: what null becomes
    "set": _parse_set,  # {field, value}: what only the newer version has
    "drop": _parse_drop,  # {field, value}: what only the older version has
}
"""Name to parser. All but ``rename`` and ``move`` take ``because``, and those of one field ``to``, its new name."""
