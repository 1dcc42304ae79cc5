"""A record as a dataclass."""

from collections.abc import Iterator, Set

from registry.codegen.classes import Attribute, RecordClass
from registry.codegen.code import Call, Class, Code, Either, Generic, Table
from registry.codegen.layout import Scope, keep, render_code, render_flat
from registry.codegen.quoting import WIDTH, quote_doc

_MARGIN = "    "


def render_record(
    record: RecordClass, doc: str, methods: list[str], scope: Scope, defined: Set[str]
) -> tuple[list[str], str]:
    """Functions that make long defaults, and the class.

    ``scope`` hides the names of its fields; ``defined`` are the classes above it: an annotation that names another one
    is quoted.
    """
    names = scope.names
    helpers: list[str] = []
    body: list[str] = []
    for each in record.attributes:
        body.append(_render_attribute(record, each, scope, defined, helpers))
        body += quote_doc(each.doc, _MARGIN)
    if methods:
        body += ["", *methods] if body else methods
    head = [f"@{names.use('dataclass')}(slots=True, kw_only=True)", f"class {record.name}:"]
    # A class without a docstring is given one when it is made, which takes longer than all the rest.
    lines = quote_doc(doc, _MARGIN) or quote_doc(record.full_name, _MARGIN)
    return helpers, "\n".join([*head, *lines, *([""] if body else []), *body])


def _render_attribute(
    record: RecordClass, attribute: Attribute, scope: Scope, defined: Set[str], helpers: list[str]
) -> str:
    """The line or lines of an attribute."""
    names = scope.names
    annotation = render_flat(attribute.annotation, scope)
    if _must_quote(attribute.annotation, scope, defined):
        annotation = f'"{annotation}"'
    line = f"{_MARGIN}{attribute.name}: {annotation}"
    default = attribute.default
    if default is None:
        return keep(line)
    if attribute.fresh or _names_hidden(default, scope):
        inside = f"default_factory={_write_factory(record, attribute, default, scope, defined, helpers)}"
        value = f"{names.use('field')}({inside})"
    else:
        inside = f"default={render_code(default, scope, 8, 16)}"
        value = render_flat(default, scope)
    if len(line) + 3 + len(value) <= WIDTH:
        return f"{line} = {value}"
    opened = f"{line} = {names.reserve('field')}("
    if len(opened) <= WIDTH and "(" in value + inside.removeprefix("default="):
        names.use("field")
        return f"{opened}\n        {inside},\n{_MARGIN})"
    return keep(f"{line} = {value}")


def _must_quote(code: Code, scope: Scope, defined: Set[str]) -> bool:
    if isinstance(code, Class):
        return code.name not in defined or code.name in scope.hidden
    if isinstance(code, Generic):
        return any(_must_quote(each, scope, defined) for each in code.arguments)
    return isinstance(code, Either) and any(_must_quote(each, scope, defined) for each in code.parts)


def _names_hidden(default: Code, scope: Scope) -> bool:
    """Whether a default names a class that a field hides, so that only a function outside can say it."""
    trial = Scope(scope.names, scope.hidden)
    render_flat(default, trial)
    return bool(trial.hit)


def _find_short_factories(annotation: Code, default: Code, scope: Scope, defined: Set[str]) -> Iterator[str]:
    if _names_hidden(default, scope):
        return
    if default == Table(()):
        # `dict` alone is a dict of unknown things to a strict type checker, and a lambda is useless to a linter.
        if isinstance(annotation, Generic) and not _must_quote(annotation, scope, defined):
            arguments = render_flat(annotation, scope).partition("[")[2]
            yield f"{scope.names.reserve('dict')}[{arguments}"
    elif isinstance(default, Call) and not default.arguments:
        if isinstance(default.function, Class) and default.function.name in defined:
            yield default.function.name
    else:
        yield f"lambda: {render_flat(default, scope)}"


def _write_factory(
    record: RecordClass, attribute: Attribute, default: Code, scope: Scope, defined: Set[str], helpers: list[str]
) -> str:
    """What makes a default: a class, a short lambda, or a function, which becomes one of the ``helpers``."""
    names, bare = scope.names, Scope(scope.names)
    for expression in _find_short_factories(attribute.annotation, default, scope, defined):
        if len(expression) + 32 < WIDTH:
            if default == Table(()):
                names.use("dict")
            return expression
    name = names.invent(f"new_{record.name}_{attribute.name}")
    head = f'def {name}() -> "{render_flat(attribute.annotation, scope)}":'
    helpers.append(f"{keep(head)}\n    return {render_code(default, bare, 4, 11)}")
    return name
