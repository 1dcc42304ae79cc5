"""A model written as .proto files: plainly, or in one of the many ways that mean the same."""

from collections.abc import Iterator
from random import Random
from typing import Final

from registry.formats import protobuf
from registry.schema import Schema
from tests.protobuf_schemas import (
    FIRST_EXTENSION,
    LAST_EXTENSION,
    SYNTAXES,
    WELL_KNOWN,
    Enum,
    Field,
    Message,
    Model,
)

_EDITION: Final = {
    "field_presence": "EXPLICIT",
    "enum_type": "OPEN",
    "repeated_field_encoding": "PACKED",
    "utf8_validation": "VERIFY",
    "message_encoding": "LENGTH_PREFIXED",
}
"""What holds in edition 2023 where nothing is said."""
_OTHERWISE: Final = {
    "field_presence": "IMPLICIT",
    "enum_type": "CLOSED",
    "repeated_field_encoding": "EXPANDED",
    "utf8_validation": "NONE",
    "message_encoding": "DELIMITED",
}
_GAPS: Final = (" ", "\n", "  \t", " // Of no meaning.\n", "\n/* Nor\n this; */\n", "\r\n")


def parse_model(model: Model, seed: int | None = None, *, whole: bool = False) -> Schema:
    """The schema of the model's event, or of all its types, spelled plainly or by the dice of ``seed``."""
    files = spell(model, seed)
    return protobuf.parse(files, list(files), None if whole else model.full_name(model.root))


def spell(model: Model, seed: int | None = None) -> dict[str, str]:
    """The files of a model. Without a seed: one file in the model's syntax, or in an edition if that cannot say it.

    With one: types are in several files, each in any syntax that can say what it holds, in any order.
    """
    dice = None if seed is None else Random(seed)
    groups = list(_find_groups(model))
    files: list[list[str]] = [[]]
    for group in groups:
        if dice and files[-1] and dice.random() < 0.4:
            files.append([])
        files[-1] += group
    paths = [f"{dice.randrange(10) if dice else 0}/f{number}.proto" for number in range(len(files))]
    homes = {key: path for path, keys in zip(paths, files, strict=True) for key in keys}
    texts = [(path, _File(model, dice, keys, homes).text()) for path, keys in zip(paths, files, strict=True)]
    if dice:
        dice.shuffle(texts)
    return dict(texts)


def find_syntaxes(model: Model, keys: list[str]) -> list[str]:
    """The syntaxes that can say what types hold, the model's own first."""
    able = {"proto2": _fits_proto2, "proto3": _fits_proto3, "2023": lambda *_: True}
    inside = [key for top in keys for key in _inner(model, top)]
    found = [syntax for syntax in SYNTAXES if all(able[syntax](model, key) for key in inside)]
    return sorted(found, key=lambda syntax: syntax != model.syntax)


def _fits_proto2(model: Model, key: str) -> bool:
    type_ = model.types[key]
    if isinstance(type_, Enum):
        return type_.closed
    groups = [each for each in type_.fields if each.delimited]
    return (
        all(each.presence != "implicit" and not each.verifies for each in type_.fields)
        and all(_is_group(model, key, each) for each in groups)
        and len({each.type for each in groups}) == len(groups)
    )


def _is_group(model: Model, owner: str, each: Field) -> bool:
    """Whether the field can be written as a group: it has the name of a type that nothing else is around."""
    type_ = model.types.get(each.type)
    return type_ is not None and type_.parent == owner and type_.name.lower() == each.name and not each.extension


def _fits_proto3(model: Model, key: str) -> bool:
    type_ = model.types[key]
    if isinstance(type_, Enum):
        return not type_.closed
    return not type_.ranges and not any(
        each.presence == "required"
        or each.default
        or each.delimited
        or (not each.verifies and "string" in (each.type, each.key if each.many == "map" else ""))
        or (isinstance(enum := model.types.get(each.type), Enum) and enum.closed)
        for each in type_.fields
    )


def _inner(model: Model, top: str) -> Iterator[str]:
    """A type and those in it."""
    yield top
    for key, type_ in model.types.items():
        if type_.parent == top:
            yield from _inner(model, key)


def _uses(model: Model, top: str) -> set[str]:
    """The outermost types that one needs."""
    found = set[str]()
    for key in _inner(model, top):
        type_ = model.types[key]
        if isinstance(type_, Message):
            found |= {_top(model, each.type) for each in type_.fields if each.type in model.types}
    return found


def _top(model: Model, key: str) -> str:
    return [key, *model.outer(key)][-1]


def _find_groups(model: Model) -> Iterator[list[str]]:
    """Outermost types that need each other, and so must share a file; each group after those that it needs."""
    tops = [key for key, type_ in model.types.items() if not type_.parent]
    reach = {key: {key} for key in tops}
    for _ in tops:
        for key in tops:
            reach[key] = reach[key].union(*(reach[other] for used in reach[key] for other in _uses(model, used)))
    done = set[str]()
    for key in sorted(tops, key=lambda key: len(reach[key])):
        if key not in done:
            group = [other for other in tops if key in reach[other] and other in reach[key]]
            done.update(group)
            yield group


class _File:
    """The spelling of one file."""

    def __init__(self, model: Model, dice: Random | None, keys: list[str], homes: dict[str, str]) -> None:
        self._model, self._dice, self._keys, self._homes = model, dice, keys, homes
        syntaxes = find_syntaxes(model, keys)
        self._syntax = dice.choice(syntaxes) if dice else syntaxes[0]
        self._defaults = dict(_EDITION)
        if dice and self._syntax == "2023":
            self._defaults |= {feature: value for feature, value in _OTHERWISE.items() if dice.random() < 0.3}
        if any(enum.closed for enum in model.enums.values()):  # protoc refuses what maps of closed ones would inherit
            self._defaults["field_presence"] = "EXPLICIT"

    def text(self) -> str:
        """The whole file."""
        model = self._model
        head = [f'edition = "{self._syntax}";' if self._syntax[0] == "2" else f'syntax = "{self._syntax}";']
        body = [f"package {model.package};"] if model.package else []
        body += [f'import "{path}";' for path in self._imports()]
        body += [
            f"option features.{feature} = {value};"
            for feature, value in self._defaults.items()
            if value != _EDITION[feature]
        ]
        for key in self._keys:
            body.append(self._type(key))
            for inner in _inner(model, key):
                type_ = model.types[inner]
                if isinstance(type_, Message):
                    body += [self._extend(inner, each, "") for each in type_.fields if each.extension == "file"]
        return self._join(head + self._shuffled(body)) + "\n"

    def _imports(self) -> list[str]:
        model = self._model
        mine = {self._homes[key] for key in self._keys}
        used = {self._homes[top] for key in self._keys for top in _uses(model, key)} - mine
        inside = [model.types[key] for top in self._keys for key in _inner(model, top)]
        types = {each.type for type_ in inside if isinstance(type_, Message) for each in type_.fields}
        known = {f"google/protobuf/{WELL_KNOWN[name]}.proto" for name in types if name in WELL_KNOWN}
        return sorted(used | known)

    def _shuffled(self, parts: list[str]) -> list[str]:
        if self._dice:
            self._dice.shuffle(parts)
        return parts

    def _join(self, parts: list[str]) -> str:
        if self._dice is None:
            return "\n".join(parts)
        return "".join(part + self._dice.choice(_GAPS) for part in parts)

    def _type(self, key: str) -> str:
        type_ = self._model.types[key]
        if isinstance(type_, Enum):
            return self._enum(type_)
        return f"message {type_.name} {{ {self._body(key, type_)} }}"

    def _body(self, key: str, message: Message) -> str:
        model = self._model
        oneofs: dict[str, list[str]] = {}
        parts, groups = [], set[str]()
        for each in message.fields:
            if each.delimited and self._syntax == "proto2":
                groups.add(each.type)
            if each.oneof:
                oneofs.setdefault(each.oneof, []).append(self._field(key, each))
            elif each.extension == "message":
                parts.append(self._extend(key, each, key))
            elif not each.extension:
                parts.append(self._field(key, each))
        parts += [f"oneof {name} {{ {self._join(self._shuffled(members))} }}" for name, members in oneofs.items()]
        parts += [
            self._type(inner) for inner, type_ in model.types.items() if type_.parent == key and inner not in groups
        ]
        parts += self._reserved(message.reserved)
        quote = '"{}"' if self._syntax[0] == "p" else "{}"
        parts += [f"reserved {quote.format(name)};" for name in message.reserved_names]
        if message.ranges:
            parts.append(f"extensions {FIRST_EXTENSION} to {LAST_EXTENSION};")
        if message.is_set:
            parts.append("option message_set_wire_format = true;")
        return self._join(self._shuffled(parts))

    def _reserved(self, numbers: list[int]) -> list[str]:
        if not numbers:
            return []
        if self._dice and self._dice.random() < 0.5:
            return [f"reserved {number};" for number in numbers]
        return [f"reserved {', '.join(map(str, numbers))};"]

    def _enum(self, enum: Enum) -> str:
        values = list(enum.values)
        if self._dice:  # the first one is the default, and of one number the first name is shown
            rest = values[1:]
            self._dice.shuffle(rest)
            names = {number: iter([value for value in enum.values[1:] if value[1] == number]) for _, number in rest}
            values[1:] = [next(names[number]) for _, number in rest]
        parts = [f"{name} = {number};" for name, number in values]
        if len({number for _, number in values}) < len(values):
            parts.insert(0, "option allow_alias = true;")
        closed = self._feature("enum_type", "CLOSED" if enum.closed else "OPEN")
        parts += [f"option {closed};"] if closed else []
        parts += self._reserved(enum.reserved)
        return f"enum {enum.name} {{ {self._join(parts)} }}"

    def _feature(self, feature: str, value: str) -> str:
        if self._syntax != "2023" or value == self._defaults[feature]:
            return ""
        return f"features.{feature} = {value}"

    def _extend(self, key: str, each: Field, scope: str) -> str:
        return f"extend {self._name(key, scope)} {{ {self._field(scope, each)} }}"

    def _field(self, scope: str, each: Field) -> str:
        options = [option for option in self._options(each) if option]
        if self._dice:
            self._dice.shuffle(options)
        tail = f" [{', '.join(options)}]" if options else ""
        label = self._label(each)
        if each.delimited and self._syntax == "proto2":
            type_ = self._model.types[each.type]
            assert isinstance(type_, Message)
            return f"{label}group {type_.name} = {each.number}{tail} {{ {self._body(each.type, type_)} }}"
        type_name = self._name(each.type, scope)
        if each.many == "map":
            type_name = f"map<{each.key}, {type_name}>"
        return f"{label}{type_name} {each.name} = {each.number}{tail};"

    def _label(self, each: Field) -> str:
        if each.many == "map" or each.oneof:
            return ""
        if each.many:
            return "repeated "
        if self._syntax == "proto2":
            return "required " if each.presence == "required" else "optional "
        is_message = self._model.is_message(each.type)
        explicit = each.presence == "explicit" and (not is_message or (self._dice and self._dice.random() < 0.3))
        return "optional " if self._syntax == "proto3" and explicit else ""

    def _options(self, each: Field) -> Iterator[str]:
        is_message = self._model.is_message(each.type)
        if each.json:
            yield f'json_name = "{each.json}"'
        if each.default:
            yield f"default = {each.default}"
        if each.presence == "required":
            yield self._feature("field_presence", "LEGACY_REQUIRED")
        elif not (each.many or each.oneof or each.extension or is_message):
            yield self._feature("field_presence", each.presence.upper())
        if each.many == "repeated" and not is_message and each.type not in ("string", "bytes"):
            if self._syntax[0] == "p" and (each.packed != (self._syntax == "proto3")):
                yield f"packed = {str(each.packed).lower()}"
            yield self._feature("repeated_field_encoding", "PACKED" if each.packed else "EXPANDED")
        if "string" in (each.type, each.key if each.many == "map" else ""):
            yield self._feature("utf8_validation", "VERIFY" if each.verifies else "NONE")
        if is_message and each.many != "map":
            yield self._feature("message_encoding", "DELIMITED" if each.delimited else "LENGTH_PREFIXED")

    def _name(self, key: str, scope: str) -> str:
        """A type as it may be called inside the message ``scope``."""
        if key not in self._model.types and key not in WELL_KNOWN:
            return key
        full = self._model.full_name(key)
        if self._dice is None or key in WELL_KNOWN:
            return f".{full}"
        around = self._model.full_name(scope) if scope else self._model.package
        parts = full.split(".")
        shorter = (".".join(parts[index:]) for index in range(len(parts)))
        names = [name for name in shorter if self._means(name, around) == full]
        return self._dice.choice([f".{full}", *names])

    def _means(self, name: str, around: str) -> str:
        """What a name means: its first step is looked for from the inside out, and the rest only where that was."""
        known = {self._model.full_name(key) for key in self._model.types}
        first = name.partition(".")[0]
        scope = around
        while True:
            prefix = f"{scope}." if scope else ""
            found = prefix + first
            if any(each == found or each.startswith(f"{found}.") for each in known):
                return prefix + name
            if not scope:
                return ""
            scope = scope.rpartition(".")[0]
