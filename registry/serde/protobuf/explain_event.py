"""Which value of an event is the wrong one, after the library or the encoder refused the whole."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from registry.serde.errors import EncodeError
from registry.serde.protobuf import leaves
from registry.serde.protobuf.enums import make_number
from registry.serde.protobuf.messages import MAX_DEPTH, Messages
from registry.serde.protobuf.parts import Part
from registry.serde.protobuf.program import Tree, class_of, grow_envelope, own_parts
from registry.serde.shape import Shape

_TOO_DEEP: Final = f"messages are nested deeper than the {MAX_DEPTH} levels that decoders take"


def explain_event(
    messages: Messages, shape: Shape, event: Any, meta: Any, error: Exception, failures: tuple[type[Exception], ...]
) -> EncodeError:
    """The error for an event that could not be written: the first fault of a walk through it, in the schema's order.

    Where the walk finds none, an error that is none of ``failures`` is not the library's.
    """
    tree = grow_envelope(messages, shape.envelope)
    if tree and meta is None:
        return EncodeError("there is no envelope to write", help="give the encoder a Meta")
    try:
        _Walk(messages, shape, meta).go(messages.event, event, "", tree, 0)
    except EncodeError as fault:
        return fault
    except RecursionError:
        return EncodeError(_TOO_DEEP)
    if isinstance(error, RecursionError):
        return EncodeError(_TOO_DEEP)
    if not isinstance(error, failures):
        return EncodeError(f"the event cannot be read: {error!r}", help="does another thread change it meanwhile?")
    return EncodeError(error.fact if isinstance(error, EncodeError) else f"protobuf does not take the event: {error}")


class _Walk:
    """A walk through an event, that ends with the first fault."""

    def __init__(self, messages: Messages, shape: Shape, meta: Any) -> None:
        self._messages = messages
        self._shape = shape
        self._meta = meta

    def go(self, message: Any, value: Any, path: str, tree: Tree, depth: int) -> None:
        """Raises :class:`EncodeError` for what is wrong in a message."""
        if depth > MAX_DEPTH:
            raise EncodeError(_TOO_DEEP, path)
        own = own_parts(self._messages, message, tree)
        for part in self._messages.parts_of(message):
            if isinstance(tree.get(part.name), str):
                self._ask_envelope(part, tree[part.name], f"{path}/{part.name}")
        if not own and path:
            value = None
        class_ = class_of(message, self._shape)
        if value is not None or not (tree and path):
            self._ask_class(message, class_, value, path, own)
        members: dict[str, str] = {}
        for part in self._messages.parts_of(message):
            branch = tree.get(part.name)
            if isinstance(branch, str):
                continue
            here = f"{path}/{part.name}"
            held = self._find(part, class_, value, here) if part in own and value is not None else None
            if isinstance(branch, dict):
                self.go(part.type, held, here, branch, depth + 1)
            elif part in own and value is not None:
                if part.oneof and held is not None:
                    other = members.setdefault(part.oneof, part.name)
                    if other != part.name:
                        fact = f"of the oneof '{part.oneof}' both '{other}' and '{part.name}' are set"
                        raise EncodeError(fact, path, "set one of them, and leave the other None")
                self._ask_part(part, held, here, depth)

    def _ask_class(self, message: Any, class_: type | None, value: Any, path: str, own: list[Part]) -> None:
        if class_ is not None:
            if not isinstance(value, class_):
                raise _at(path, leaves.refuse(value, class_.__name__, class_))
            return
        if not isinstance(value, Mapping):
            raise _at(path, leaves.refuse(value, "mapping"))
        names = {part.name for part in own}
        for key in value:
            if key not in names:
                raise _at(path, leaves.refuse(key, f"field of {message.full_name}"))

    def _find(self, part: Part, class_: type | None, value: Any, path: str) -> Any:
        """What an event holds for a field; ``None`` stands for what is absent."""
        if class_ is not None:
            try:
                return getattr(value, part.attribute)
            except AttributeError:
                raise EncodeError(f"the {class_.__name__} has no attribute '{part.attribute}'", path) from None
            except Exception as error:  # of a property in a subclass
                raise EncodeError(f"the attribute '{part.attribute}' cannot be read: {error!r}", path) from None
        if part.name not in value:
            if part.holds == "required":
                raise EncodeError("the field is required and missing", path)
            return {"repeated": (), "map": {}, "implicit": part.default}.get(part.holds)
        return value[part.name]

    def _ask_envelope(self, part: Part, role: str, path: str) -> None:
        value = getattr(self._meta, role, None)
        if value is None:
            if part.holds == "required":
                raise EncodeError(f"the envelope has no {role}, and the field is required", path)
            return
        self._ask_one(part, value, path, 0)

    def _ask_part(self, part: Part, value: Any, path: str, depth: int) -> None:
        if part.holds == "repeated":
            for index, each in enumerate(_ask(leaves.check_sequence, value, path)):
                self._ask_one(part, each, f"{path}[{index}]", depth)
        elif part.holds == "map":
            for key, each in _ask(leaves.check_mapping, value, path).items():
                _ask(leaves.CHECKS[part.key], key, path)
                self._ask_one(part, each, path + leaves.show_key(key), depth)
        elif value is not None or part.holds != "explicit":
            self._ask_one(part, value, path, depth)

    def _ask_one(self, part: Part, value: Any, path: str, depth: int) -> None:
        if part.kind == "message":
            self.go(part.type, value, path, {}, depth + (2 if part.holds == "map" else 1))
        elif part.kind == "enum":
            _ask(make_number(part.type, class_of(part.type, self._shape)), value, path)
        else:
            _ask(_CHECKS.get(part.kind) or leaves.CHECKS[part.wrapped or part.kind], value, path)


_CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "timestamp": leaves.split_time,
    "duration": leaves.split_duration,
}


def _ask(check: Callable[[Any], Any], value: Any, path: str) -> Any:
    try:
        return check(value)
    except EncodeError as fault:
        raise _at(path, fault) from None
    except RecursionError:
        raise
    except Exception as error:  # of the value's own methods: a time zone's, a mapping's
        raise EncodeError(f"a {type(value).__name__} cannot be read: {error!r}", path) from None


def _at(path: str, fault: EncodeError) -> EncodeError:
    return EncodeError(fault.fact, path, fault.help)
