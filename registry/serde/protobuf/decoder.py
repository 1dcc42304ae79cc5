"""Makes the function that turns bytes into an event, as source, one function for each message and class.

For ``message Item { string id = 1; optional int32 stock = 2; repeated string tags = 3; Author author = 4; }``::

    def of_0(m):
     e = new(C_1)
     e.id = m.id
     e.stock = v if (v := m.stock) or has_2(m, 'stock') else None
     e.tags = tuple(m.tags[:])
     e.author = of_1(m.author) if has_2(m, 'author') else None
     return e

The library reads the bytes; the constructor of the class does not run, its slots are set.
"""

from typing import Any, Final, cast

from registry.serde.errors import CodecError, DecodeError
from registry.serde.protobuf import leaves
from registry.serde.protobuf.classes import find_class, find_method
from registry.serde.protobuf.enums import find_values
from registry.serde.protobuf.messages import Messages
from registry.serde.protobuf.parts import Part
from registry.serde.protobuf.program import Program, Tree, class_of, fit_class, indent, load_field, own_parts
from registry.serde.shape import PLAIN, Decoder, Shape

_FAILURES: Final = (CodecError, TypeError, ValueError, LookupError, ArithmeticError, RecursionError)
"""What bytes may raise on their way out of the library; anything else is our bug."""


def compile_decoder(reader: Messages, writer: Messages, shape: Shape = PLAIN, *, substitutes: bool = True) -> Decoder:
    """The function that reads, as the reader's event, what the writer wrote.

    Protobuf's own rules: what the reader does not know is left out (it is in ``meta.message``), what the writer does
    not know is absent or zero. With ``substitutes`` off, a member of a oneof and a value of a closed enum that the
    reader does not know are errors, because it would see nothing, or a default, instead.

    Plain messages are dicts with all fields: ``None`` where an optional one is absent, enums by name, and by number
    where that has no name. Raises :class:`registry.serde.errors.UnfitStub`.
    """
    from google.protobuf.message import DecodeError as Refused

    program = Program(reader, shape)
    class_ = find_class(reader.event)
    guard: Any = None
    if not substitutes:
        from registry.serde.protobuf.substitutes import make_guard

        guard = make_guard(reader, writer)
    program.names |= {
        "merge": find_method(class_, "MergeFromString"),
        "is_whole": find_method(class_, "IsInitialized"),
        "explain": lambda data, message, error: _explain(reader, data, message, error),
        "FAILURES": (*_FAILURES, Refused),
        "DecodeError": DecodeError,
        "new": object.__new__,
        "join_microseconds": leaves.join_microseconds,
        "join_time": leaves.join_time,
        "join_duration": leaves.join_duration,
        "guard": guard,
    }
    made = program.name(class_, "M")
    program.add(
        [
            "def decode(data, start, meta):",
            f" m = {made}()",
            " try:",
            "  merge(m, data[start:])",
            *(["  if not is_whole(m): raise ValueError"] if _may_miss(reader) else []),
            *(["  guard(m)"] if guard is not None else []),
            "  if meta is not None:",
            *indent(_read_envelope(program, reader.event, (), program.tree), "   "),
            "   meta.message = m",
            *indent(_read_body(program, reader.event, program.tree, ()), "  "),
            " except FAILURES as error:",
            "  raise explain(data[start:], m, error) from None",
        ]
    )
    program.write_all(lambda name, *which: _write_function(program, name, *which))
    return cast(Decoder, program.run("decode"))


def _explain(messages: Messages, data: bytes, message: Any, error: Exception) -> DecodeError:
    from registry.serde.protobuf.explain_bytes import explain_bytes

    return explain_bytes(messages, data, message, error)


def _may_miss(messages: Messages) -> bool:
    """Whether a required field can be missing somewhere below; extensions may hold one too."""
    return any(
        message.is_extendable or any(part.holds == "required" for part in messages.parts_of(message))
        for message in messages.below()
    )


def _write_function(program: Program, name: str, message: Any, path: tuple[str, ...], tree: Tree) -> list[str]:
    """The function that makes a value of the message ``m``."""
    return [f"def {name}(m):", *indent(_read_body(program, message, tree, path))]


def _read_body(program: Program, message: Any, tree: Tree, path: tuple[str, ...]) -> list[str]:
    class_ = class_of(message, program.shape)
    values, own = [], own_parts(program.messages, message, tree)
    for part in own:
        branch = tree.get(part.name, {})
        values.append((part, _read_part(program, message, part, (*path, part.name), branch)))
    if class_ is None:
        return [f"return {{{', '.join(f'{part.name!r}: {value}' for part, value in values)}}}"]
    fit_class(class_, own)
    stores = [f"e.{part.attribute} = {value}" for part, value in values]
    return [f"e = new({program.name(class_, 'C')})", *stores, "return e"]


def _read_envelope(program: Program, message: Any, path: tuple[str, ...], tree: Tree, holder: str = "m") -> list[str]:
    """Tells ``meta`` what the payload says."""
    lines = []
    for part in program.messages.parts_of(message):
        what = tree.get(part.name)
        if what is None:
            continue
        field, has = load_field(part, holder), f"{_has(program, message)}({holder}, {part.name!r})"
        if isinstance(what, str):
            value = f"join_microseconds({field})" if part.kind == "timestamp" else field
            if part.kind == "string":
                value = _text(program, part, field)
            value = f"{value} or None" if what == "causation_id" else value
            line = f"meta.{'_' if part.kind == 'timestamp' else ''}{what} = {value}"
            lines.append(line if part.holds == "implicit" else f"if {has}: {line}")
        else:
            inner = f"m{len(path) + 1}"
            below = _read_envelope(program, part.type, (*path, part.name), what, inner)
            lines += [f"if {has}:", *indent([f"{inner} = {field}", *below])]
    return lines


def _has(program: Program, message: Any) -> str:
    """The name of the method that tells whether a field is set."""
    return program.shared(find_method(find_class(message), "HasField"), "has")


def _read_part(program: Program, message: Any, part: Part, path: tuple[str, ...], tree: Tree) -> str:
    """The expression for a field of ``m``."""
    field = load_field(part)
    plain = class_of(message, program.shape) is None
    if part.holds == "repeated":
        return _read_repeated(program, part, field, plain=plain)
    if part.holds == "map":
        return _read_map(program, part, field)
    if part.holds == "implicit":
        return _read_one(program, part, field)
    has = f"{_has(program, message)}(m, {part.name!r})"
    if part.kind == "message":
        value = f"{program.function(part.type, path, tree)}({field})"
        return value if part.holds == "required" else f"{value} if {has} else None"
    if part.holds == "required":
        return _read_one(program, part, field)
    if part.kind == "timestamp":  # one that is set says something nearly always, and to ask for that is quicker
        return f"join_time(t, v) if (v := (t := {field}).seconds) or {has} else None"
    if part.kind in leaves.CHECKS and not part.default:
        return f"{_text(program, part, 'v')} if (v := {field}) or {has} else None"
    return f"{_read_one(program, part, field)} if {has} else None"


def _read_one(program: Program, part: Part, name: str) -> str:
    """The expression for one value of a field, as the library has it under ``name``."""
    if part.kind == "enum":
        return f"{_values(program, part)}[{name}]"
    if part.kind == "timestamp":
        return f"join_time({name}, {name}.seconds)"
    if part.kind == "duration":
        return f"join_duration({name})"
    if part.kind == "wrapper":
        return f"{name}.value"
    if part.kind == "message":
        return f"{program.function(part.type)}({name})"
    return _text(program, part, name)


def _read_repeated(program: Program, part: Part, field: str, *, plain: bool) -> str:
    one = _read_one(program, part, "x")
    inner = f"{field}[:]" if one == "x" else f"[{one} for x in {field}]"
    return inner if plain else f"tuple({inner})"


def _read_map(program: Program, part: Part, field: str) -> str:
    value = _read_one(program, part, "x")
    key = "k" if part.verified or part.key != "string" else f"{program.shared(leaves.read_text, 'f')}(k)"
    if value == "x" and key == "k":
        return f"dict({field})"
    return f"{{{key}: {value} for k, x in {field}.items()}}"


def _values(program: Program, part: Part) -> str:
    class_ = class_of(part.type, program.shape)
    return program.shared_by((part.type.full_name, "values"), lambda: find_values(part.type, class_), "E")


def _text(program: Program, part: Part, name: str) -> str:
    """A scalar as it is, but text looked at where the library does not."""
    if part.kind != "string" or part.verified:
        return name
    return f"{program.shared(leaves.read_text, 'f')}({name})"
