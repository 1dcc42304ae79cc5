"""What the makers of encoders and decoders share: source that grows function by function, and what it refers to."""

from collections.abc import Callable, Hashable, Mapping
from keyword import iskeyword
from types import MappingProxyType
from typing import Any, Final

from registry.serde.errors import UnfitStub
from registry.serde.meta import ROLES
from registry.serde.protobuf.messages import MAX_DEPTH, Messages
from registry.serde.protobuf.parts import Part
from registry.serde.shape import Shape

Tree = Mapping[str, Any]
"""The envelope below a message: field name to role, or to the tree of the message in that field."""
_NOTHING: Final[Tree] = MappingProxyType({})
_INTEGERS: Final = frozenset({"int32", "int64", "uint32", "uint64"})


class Program:
    """Functions in the making: one for each message and class, and one more where the envelope is in it."""

    def __init__(self, messages: Messages, shape: Shape) -> None:
        self.messages = messages
        self.shape = shape
        self.tree = grow_envelope(messages, shape.envelope)
        self.is_recursive = _is_recursive(messages)
        """Whether an event can be of any depth."""
        self.names: dict[str, Any] = {}
        """What the source refers to."""
        self._shared: dict[Hashable, str] = {}
        self._known: dict[tuple[str, tuple[str, ...]], str] = {}
        self._waiting: list[tuple[str, Any, tuple[str, ...], Tree]] = []
        self._sources: list[str] = []

    def name(self, value: object, hint: str) -> str:
        """The name by which the source refers to a value."""
        name = f"{hint}_{len(self.names)}"
        self.names[name] = value
        return name

    def shared(self, value: Any, hint: str) -> str:
        """The same, one name for one value."""
        return self.shared_by((id(value), hint), lambda: value, hint)

    def shared_by(self, key: Hashable, make: Callable[[], Any], hint: str) -> str:
        """The same, made where ``key`` has no name yet."""
        if key not in self._shared:
            self._shared[key] = self.name(make(), hint)
        return self._shared[key]

    def function(self, message: Any, path: tuple[str, ...] = (), tree: Tree = _NOTHING) -> str:
        """The name of the function for a message, which will be written if it is not yet; ``path`` leads to it from
        the event where a part of the envelope is inside."""
        key = (message.full_name, path if tree else ())
        if key not in self._known:
            self._known[key] = name = f"of_{len(self._known)}"
            self._waiting.append((name, message, path, tree))
        return self._known[key]

    def write_all(self, write: Callable[[str, Any, tuple[str, ...], Tree], list[str]]) -> None:
        """Write the functions that were asked for, and those that they ask for."""
        while self._waiting:
            self.add(write(*self._waiting.pop()))

    def add(self, lines: list[str]) -> None:
        """One more function."""
        self._sources.append("\n".join(lines))

    def run(self, entry: str) -> Any:
        """The function ``entry``, which keeps its source in ``__source__``."""
        source = "\n\n".join(self._sources) + "\n"
        exec(compile(source, f"<{self.messages.event.full_name}>", "exec"), self.names)
        made = self.names[entry]
        made.__source__ = source
        return made


def indent(lines: list[str], step: str = " ") -> list[str]:
    """The lines, further in."""
    return [step + line for line in lines]


def load_field(part: Part, holder: str = "m") -> str:
    """The expression for a field of a protoc message; no syntax takes a field called ``class``."""
    return f"getattr({holder}, {part.name!r})" if iskeyword(part.name) else f"{holder}.{_plain(part.name)}"


def store_field(part: Part, value: str) -> str:
    """The statement that sets a field of a protoc message."""
    if iskeyword(part.name):
        return f"setattr(m, {part.name!r}, {value})"
    return f"m.{_plain(part.name)} = {value}"


def _plain(name: str) -> str:
    if not (name.isascii() and name.isidentifier()):
        raise UnfitStub(f"{name!r} is no name of a field", "make the stubs again: contracts gen")
    return name


def class_of(type_: Any, shape: Shape) -> type | None:
    """The class of a message or enum, or nothing where it is plain."""
    return shape.types.get(type_.full_name)


def fit_class(class_: type, own: list[Part]) -> None:
    """Raises :class:`UnfitStub` where a class with slots has none for a field."""
    missing = [part.attribute for part in own if not hasattr(class_, part.attribute)]
    if missing and "__slots__" in vars(class_):
        raise UnfitStub(f"{class_.__name__} has no attribute '{missing[0]}'", "make the stubs again: contracts gen")


def own_parts(messages: Messages, message: Any, tree: Tree) -> list[Part]:
    """The fields that are attributes: those that are not of the envelope alone."""
    return [
        part
        for part in messages.parts_of(message)
        if part.name not in tree
        or (isinstance(tree[part.name], dict) and own_parts(messages, part.type, tree[part.name]))
    ]


def _is_recursive(messages: Messages) -> bool:
    inner = {
        message.full_name: {part.type.full_name for part in messages.parts_of(message) if part.kind == "message"}
        for message in messages.below()
    }
    level = 0
    while inner and level <= MAX_DEPTH:  # leaves fall until nothing is left, or nothing falls
        fallen = {name for name, held in inner.items() if not held}
        if not fallen:
            return True
        inner = {name: held - fallen for name, held in inner.items() if name not in fallen}
        level += 1
    return bool(inner)


def grow_envelope(messages: Messages, envelope: Mapping[str, tuple[str, ...]]) -> Tree:
    """The envelope as a tree. Raises :class:`UnfitStub` where a field cannot hold its role."""
    tree: dict[str, Any] = {}
    for role, path in envelope.items():
        message, branch = messages.event, tree
        for place, step in enumerate(path):
            part = next((each for each in messages.parts_of(message) if each.name == step), None)
            last = place == len(path) - 1
            if part is None or not _is_fit(part, role if last else ""):
                raise UnfitStub(
                    f"{messages.event.full_name}: the field {'.'.join(path)} cannot hold the envelope's {role}",
                    "make the stubs again: contracts gen",
                )
            if last:
                branch[step] = role
            else:
                branch, message = branch.setdefault(step, {}), part.type
    return tree


def _is_fit(part: Part, role: str) -> bool:
    if not part.is_single or part.oneof:
        return False
    if not role:
        return part.kind == "message"
    if role == "occurred_at":
        return part.kind == "timestamp"
    return role in ROLES and (part.kind in _INTEGERS if role == "schema_version" else part.kind == "string")
