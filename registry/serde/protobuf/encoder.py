"""Makes the function that turns an event into bytes, as source, one function for each message and class.

For ``message Item { string id = 1; optional int32 stock = 2; repeated string tags = 3; Author author = 4; }``::

    def of_0(e, m):
     if e.__class__ is not C_1: e = f_2(e)
     v = e.id
     if v.__class__ is not str: v = f_3(v)
     m.id = v
     v = e.stock
     if v is not None:
      if v.__class__ is not int: v = f_4(v)
      m.stock = v
     v = e.tags
     if v.__class__ is not tuple and v.__class__ is not list: v = f_5(v)
     if v:
      join(v)
      m.tags.extend(v)
     v = e.author
     if v is not None:
      s = m.author
      of_1(v, s)

The library checks ranges and surrogates. What it takes and the schema does not mean (true for 1, bytes for text) is
asked here. Whatever fails, the event is gone through again, slowly, for the place and the fact.
"""

from typing import Any, Final, cast

from registry.serde.errors import CodecError, EncodeError
from registry.serde.moment import EPOCH, MICROSECONDS
from registry.serde.protobuf import leaves
from registry.serde.protobuf.classes import find_class, find_method
from registry.serde.protobuf.enums import make_number
from registry.serde.protobuf.messages import MAX_DEPTH, Messages
from registry.serde.protobuf.parts import Part
from registry.serde.protobuf.program import (
    Program,
    Tree,
    class_of,
    fit_class,
    indent,
    load_field,
    own_parts,
    store_field,
)
from registry.serde.shape import PLAIN, Encoder, Shape

_FAILURES: Final = (CodecError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What the library and the functions made here may raise of an event; the methods of its values may raise anything."""

_VALUES: Final = frozenset({"timestamp", "duration", "wrapper"})
"""Messages that are values in Python."""


def compile_encoder(messages: Messages, shape: Shape = PLAIN) -> Encoder:
    """The function that writes an event. Raises :class:`registry.serde.errors.UnfitStub`.

    Plain messages are mappings of field name to value: fields without presence that are missing are zero, ``None``
    means that an optional field is absent, enums are names or numbers, and a key that is no field is refused.
    """
    from google.protobuf.message import EncodeError as Refused

    program = Program(messages, shape)
    class_ = find_class(messages.event)
    program.names |= {
        "encode_message": find_method(class_, "SerializePartialToString"),
        "explain": lambda event, meta, error: _explain(messages, shape, event, meta, error, (*_FAILURES, Refused)),
        "EPOCH": EPOCH,
        "join": "".join,
    }
    made = program.name(class_, "M")
    # The same bytes each time: the library takes the entries of a map in an order of its own.
    ordered = ", deterministic=True" if _has_maps(messages) else ""
    program.add(
        [
            "def encode(e, prefix, meta):",
            " try:",
            *(["  if meta is None: raise TypeError"] if program.tree else []),
            f"  m = {made}()",
            *(["  level = 0"] if program.is_recursive else []),
            *indent(_write_body(program, messages.event, (), program.tree), "  "),
            f"  return prefix + encode_message(m{ordered})",
            " except Exception as error:",
            "  raise explain(e, meta, error) from None",
        ]
    )
    program.write_all(lambda name, *which: _write_function(program, name, *which))
    return cast(Encoder, program.run("encode"))


def _explain(
    messages: Messages, shape: Shape, event: Any, meta: Any, error: Exception, failures: tuple[type[Exception], ...]
) -> EncodeError:
    from registry.serde.protobuf.explain_event import explain_event

    return explain_event(messages, shape, event, meta, error, failures)


def _has_maps(messages: Messages) -> bool:
    return any(part.holds == "map" for message in messages.below() for part in messages.parts_of(message))


def _write_function(program: Program, name: str, message: Any, path: tuple[str, ...], tree: Tree) -> list[str]:
    """The function that fills ``m`` from ``e``."""
    deep = []
    if program.is_recursive:  # the library writes messages of any depth, and then nobody reads them
        values = [part for part in program.messages.parts_of(message) if part.kind != "message"]
        more = max(((part.holds == "map") + (part.kind in _VALUES) for part in values), default=0)
        deep = [f"if level > {MAX_DEPTH - more}: raise RecursionError"]
    parameters = f"e, m{', level' if program.is_recursive else ''}{', meta' if tree else ''}"
    return [f"def {name}({parameters}):", *indent([*deep, *_write_body(program, message, path, tree)])]


def _call(program: Program, function: str, value: str, message: str, *, step: int = 1, meta: str = "") -> str:
    """The call of one of the functions above."""
    level = f", level + {step}" if program.is_recursive else ""
    return f"{function}({value}, {message}{level}{meta})"


def _write_role(program: Program, part: Part, role: str) -> list[str]:
    single = indent(_write_single(program, part))
    if part.kind != "timestamp":
        return [f"v = meta.{role}", "if v is not None:", *single]
    stamp = ["s = " + load_field(part), f"s.seconds, d = divmod(v, {MICROSECONDS})", "s.nanos = d * 1000"]
    return [f"v = meta._{role}", "if v.__class__ is int:", *indent(stamp), "elif v is not None:", *single]


def _write_body(program: Program, message: Any, path: tuple[str, ...], tree: Tree) -> list[str]:
    parts, own = program.messages.parts_of(message), own_parts(program.messages, message, tree)
    class_ = class_of(message, program.shape)
    inner = [part for part in parts if isinstance(tree.get(part.name), dict)]
    lines: list[str] = []
    for part in parts:
        if isinstance(tree.get(part.name), str):
            lines += _write_role(program, part, str(tree[part.name]))
    if path:
        nothing = [line for part in inner for line in _write_envelope(program, part, path, tree, "None")]
        lines += ["if e is None:", *indent([*nothing, "return"])]
    if path and not own:
        return lines
    lines += _write_class_check(program, class_, own)
    for part in inner:
        value = _read_value(program, part, plain=class_ is None) if part in own else "None"
        lines += _write_envelope(program, part, path, tree, value)
    members: dict[str, str] = {}
    for part in own:
        if part.name not in tree:
            lines.append(f"v = {_read_value(program, part, plain=class_ is None)}")
            lines += _write_oneof(program, part, members) if part.oneof else _write_part(program, part)
    return lines


def _write_envelope(program: Program, part: Part, path: tuple[str, ...], tree: Tree, value: str) -> list[str]:
    """Fills a message that a part of the envelope is in."""
    function = program.function(part.type, (*path, part.name), tree[part.name])
    return [_call(program, function, value, load_field(part), meta=", meta")]


def _write_class_check(program: Program, class_: type | None, own: list[Part]) -> list[str]:
    if class_ is not None:
        fit_class(class_, own)
        check = program.name(_make_class_check(class_), "f")
        return [f"if e.__class__ is not {program.shared(class_, 'C')}: e = {check}(e)"]
    names = program.name(frozenset(part.name for part in own), "K")
    usual = f"if e.__class__ is not dict: e = {program.shared(leaves.check_mapping, 'f')}(e)"
    return [usual, f"if not e.keys() <= {names}: raise KeyError"]


def _make_class_check(class_: type) -> Any:
    def check(value: Any) -> Any:
        if not isinstance(value, class_):
            raise leaves.refuse(value, class_.__name__, class_)
        return value

    return check


def _read_value(program: Program, part: Part, *, plain: bool) -> str:
    if not plain:
        return f"e.{part.attribute}"
    if part.holds == "required":
        return f"e[{part.name!r}]"
    absent = {"repeated": "()", "map": program.name({}, "D"), "explicit": "None"}.get(part.holds, repr(part.default))
    return f"e.get({part.name!r}, {absent})"


def _write_oneof(program: Program, part: Part, members: dict[str, str]) -> list[str]:
    """A member of a oneof, of which no other may be set."""
    first = part.oneof not in members
    known = members.setdefault(part.oneof, f"o{len(members)}")
    check = [] if first else [f"if {known}: raise ValueError"]
    start = [f"{known} = False"] if first else []
    return [*start, "if v is not None:", *indent([*check, f"{known} = True", *_write_single(program, part)])]


def _write_part(program: Program, part: Part) -> list[str]:
    """Sets a field to ``v``."""
    if part.holds == "repeated":
        check = program.shared(leaves.check_sequence, "f")
        usual = f"if v.__class__ is not tuple and v.__class__ is not list: v = {check}(v)"
        return [usual, "if v:", *indent(_write_repeated(program, part))]
    if part.holds == "map":
        usual = f"if v.__class__ is not dict: v = {program.shared(leaves.check_mapping, 'f')}(v)"
        return [usual, "if v:", *indent(_write_map(program, part))]
    if part.holds == "explicit":
        return ["if v is not None:", *indent(_write_single(program, part))]
    return _write_single(program, part)


def _write_single(program: Program, part: Part) -> list[str]:
    """Sets a field that holds one value."""
    if part.kind == "enum":
        return [*_number(program, part), store_field(part, "n")]
    if part.kind in leaves.CHECKS:
        return [_check(program, part.kind), store_field(part, "v")]
    return [f"s = {load_field(part)}", *_fill(program, part)]


def _write_repeated(program: Program, part: Part) -> list[str]:
    """Adds the elements of ``v``, which are some."""
    field = load_field(part)
    if part.kind == "string":
        return ["join(v)", f"{field}.extend(v)"]
    if part.kind == "enum":
        return [f"{field}.extend([{_number_of(program, part, 'x')} for x in v])"]
    if part.kind in leaves.CHECKS:
        usual, check = _is_unusual(part.kind, "x"), program.shared(leaves.CHECKS[part.kind], "f")
        return [f"if [1 for x in v if {usual}]: v = [{check}(x) for x in v]", f"{field}.extend(v)"]
    if part.kind == "message":
        return [f"add = {field}.add", f"for x in v: {_call(program, program.function(part.type), 'x', 'add()')}"]
    return [f"add = {field}.add", "for v in v:", *indent(["s = add()", *_fill(program, part)])]


def _write_map(program: Program, part: Part) -> list[str]:
    """Adds the entries of ``v``, which are some."""
    field = load_field(part)
    usual, check = _is_unusual(part.key, "k"), program.shared(leaves.CHECKS[part.key], "f")
    keys = "join(v)" if part.key == "string" else f"if [1 for k in v if {usual}]: v = {{{check}(k): v[k] for k in v}}"
    if part.kind == "enum":
        return [keys, f"{field}.update({{k: {_number_of(program, part, 'x')} for k, x in v.items()}})"]
    if part.kind in leaves.CHECKS:
        usual, check = _is_unusual(part.kind, "x"), program.shared(leaves.CHECKS[part.kind], "f")
        values = f"if [1 for x in v.values() if {usual}]: v = {{k: {check}(x) for k, x in v.items()}}"
        return [keys, values, f"{field}.update(v)"]
    return [keys, f"c = {field}", "for k, v in v.items():", *indent(["s = c[k]", *_fill(program, part)])]


def _fill(program: Program, part: Part) -> list[str]:
    """Makes the message ``s`` say ``v``."""
    if part.kind == "timestamp":
        late = f"if not {leaves.FIRST_DAY} <= d.days <= {leaves.LAST_DAY}: raise OverflowError"
        return ["d = v - EPOCH", late, "s.seconds = d.days * 86400 + d.seconds", "s.nanos = d.microseconds * 1000"]
    if part.kind == "duration":
        return [f"s.seconds, s.nanos = {program.shared(leaves.split_duration, 'f')}(v)"]
    if part.kind == "wrapper":
        return [_check(program, part.wrapped), "s.value = v"]
    step = 2 if part.holds == "map" else 1  # an entry is a message as well
    return [*_be_present(program, part), _call(program, program.function(part.type), "v", "s", step=step)]


def _be_present(program: Program, part: Part) -> list[str]:
    """Whatever is set in a message makes it present; what says this where perhaps nothing will be set."""
    certain = any(
        each.holds in ("implicit", "required") and (each.kind == "enum" or each.kind in leaves.CHECKS)
        for each in program.messages.parts_of(part.type)
    )
    if certain or not part.is_single:
        return []
    return [f"{program.name(find_method(find_class(part.type), 'SetInParent'), 'f')}(s)"]


def _is_unusual(kind: str, name: str) -> str:
    """The condition under which a scalar is looked at closely."""
    usual = f"{name}.__class__ is not {leaves.CLASSES[kind]}"
    return f"{usual} or not {-leaves.MAX_FLOAT} <= {name} <= {leaves.MAX_FLOAT}" if kind == "float" else usual


def _check(program: Program, kind: str) -> str:
    return f"if {_is_unusual(kind, 'v')}: v = {program.shared(leaves.CHECKS[kind], 'f')}(v)"


def _number(program: Program, part: Part) -> list[str]:
    return [f"n = {_number_of(program, part, 'v')}"]


def _number_of(program: Program, part: Part, name: str) -> str:
    """The expression for the number of an enum's value."""
    class_ = class_of(part.type, program.shape)
    number = program.name(make_number(part.type, class_), "f")
    if class_ is None:
        return f"{number}({name})"
    return f"({name}._value_ if {name}.__class__ is {program.shared(class_, 'C')} else {number}({name}))"
